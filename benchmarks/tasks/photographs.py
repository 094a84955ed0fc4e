"""Photographs enlarged twice and four times, for srresnet and srgan.

Trained on the photographs of `photographs.tar` under `train/`, measured on the eight under `test/`:
each is made smaller by Pillow's antialiased bicubic filter, enlarged again, and compared with what
it was. Pillow's bicubic filter, which enlarges without having learned anything, stands beside it.

* PSNR and SSIM are those of luminance (BT.601, 16 to 235, as papers on super-resolution have it),
  without a border of as many pixels as images are enlarged times. Of luminance from 0 to 255 all
  ratios are 1.32 dB lower; gains are the same.
* srgan begins with the weights of srresnet. It loses decibels, for it invents details, and is
  nearer to photographs in the distance between features of windows of 64 pixels.
"""

import dataclasses
import functools
import io
import tarfile

import keras
import numpy as np

import kgan
from kgan import drawing
from kgan.data.degradation import enlarged, shrunk
from tasks.common import Bar, Recipe, Result, Task, data_file, quickened, say, train


@dataclasses.dataclass(frozen=True)
class PhotographRecipe(Recipe):
    """A recipe, the side of the windows that it trains on, and what layers compute in."""

    crop: int = 128
    precision: str = "float32"


# For half an hour on one core each. A GPU has room for the defaults of the models: 64 channels, 16
# blocks, batches of 16 windows of 96 and 192 pixels, and precision="mixed_bfloat16".
_OPTIONS = {"width": 32, "blocks": 6}
_SRRESNET = {**_OPTIONS, "learning_rate": 1e-3}
SRRESNET = {
    2: PhotographRecipe({"scale": 2, **_SRRESNET}, steps=12_000, batch_size=8, crop=64),
    4: PhotographRecipe({"scale": 4, **_SRRESNET}, steps=6_000, batch_size=8, crop=128),
}
SRGAN = PhotographRecipe(
    {"scale": 4, **_OPTIONS, "discriminator_width": 16, "learning_rate": 2e-4},
    steps=2_000,
    batch_size=8,
    crop=96,
)
GAINS = {2: 2.0, 4: 1.1}


def load_photographs(split, count=None):
    """The photographs of a split: a dict of file name -> uint8 (height, width, 3)."""
    from PIL import Image

    found = {}
    with tarfile.open(data_file("photographs.tar")) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            folder, _, name = member.name.rpartition("/")
            if member.isfile() and folder == split and len(found) != count:
                with Image.open(io.BytesIO(archive.extractfile(member).read())) as picture:
                    found[name] = np.asarray(picture.convert("RGB"))
    return found


def fitted_options(recipe):
    """The recipe's options, with a rate that falls until its last step."""
    return {"decay_steps": recipe.steps, **recipe.options}


def trained(name, scale, photographs, recipe, seed, start=None):
    keras.config.set_dtype_policy(recipe.precision)
    try:
        windows = kgan.data.photographs(list(photographs.values()), crop=recipe.crop)
        keras.utils.set_random_seed(seed)
        model = kgan.zoo.load(name, like=windows, seed=seed, **fitted_options(recipe))
        if start is not None:
            say(f"from srresnet: {kgan.zoo.take_weights(model, start)}")
        return model, *train(model, (windows,), recipe)[:2]
    finally:
        keras.config.set_dtype_policy("float32")


def measured(photograph, made, scale):
    """Luminance PSNR and SSIM, and PSNR of all three channels."""
    metrics = [
        kgan.metrics.PeakSignalToNoiseRatio(luminance=True, crop=scale),
        kgan.metrics.StructuralSimilarity(luminance=True, crop=scale),
        kgan.metrics.PeakSignalToNoiseRatio(crop=scale),
    ]
    for metric in metrics:
        metric.update_state(photograph[None], made[None])
    return [metric.result() for metric in metrics]


def tiles(images, side=64):
    """All tiles of images, side by side, as one array."""
    return np.concatenate(
        [
            image[: height * side, : width * side]
            .reshape(height, side, width, side, 3)
            .swapaxes(1, 2)
            .reshape(-1, side, side, 3)
            for image in images
            for height, width in [(image.shape[0] // side, image.shape[1] // side)]
        ]
    )


def feature_distance(photographs, made):
    """Frechet distance between features of all tiles of photographs and of what was made."""
    metric = kgan.metrics.FrechetDistance()
    metric.update_state(tiles(photographs), tiles(made))
    return metric.result()


def tested_photographs(scale, quick):
    tested = load_photographs("test", 2 if quick else None)
    side = 128 if quick else None
    # Cut to what the scale divides, so that the small one has no part of a pixel.
    return {
        name: photograph[: photograph.shape[0] // scale * scale][:side][
            :, : photograph.shape[1] // scale * scale
        ][:, :side]
        for name, photograph in tested.items()
    }


def strip(photograph, columns, side=160):
    """The part of a photograph in which most happens, and the same of what was made of it."""
    grey = photograph.mean(-1)
    height, width = (length // side for length in grey.shape)
    blocks = grey[: height * side, : width * side].reshape(height, side, width, side)
    row, column = np.unravel_index(blocks.std((1, 3)).argmax(), (height, width))
    part = slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)
    return [image[part] for image in (photograph, *columns)]


def quicker(recipe):
    return dataclasses.replace(quickened(recipe), crop=48, precision="float32")


def run(scale, model_name, seed, out, quick):
    """Trains srresnet, or srgan from an srresnet that was trained before or is now."""
    recipe = RECIPES[scale][model_name]
    recipe = quicker(recipe) if quick else recipe
    photographs = load_photographs("train", 2 if quick else None)
    models = {}
    if model_name == "srgan":
        models["srresnet"] = start = first_model(scale, photographs, seed, out, quick)
        models["srgan"], steps, minutes = trained("srgan", scale, photographs, recipe, seed, start)
    else:
        models["srresnet"], steps, minutes = trained("srresnet", scale, photographs, recipe, seed)
    model = models[model_name]
    model.save(out / "model.keras")
    tested = tested_photographs(scale, quick)
    small = {name: shrunk(photograph, scale) for name, photograph in tested.items()}
    made = {"bicubic": [enlarged(image, scale) for image in small.values()]}
    for who, network in models.items():
        made[who] = [network.enlarge(image) for image in small.values()]
    measures = {
        who: np.array([measured(*pair, scale) for pair in zip(tested.values(), images)])
        for who, images in made.items()
    }
    figures = {}
    for place, name in enumerate(tested):
        values = [f"{who} {measures[who][place, 0]:.2f}" for who in made]
        figures[f"{name} (dB)"] = ", ".join(values)
    for who in made:
        for what, value in zip(
            ("luminance PSNR", "luminance SSIM", "RGB PSNR"), measures[who].mean(0)
        ):
            figures[f"{what}, {who}"] = float(value)
        figures[f"feature distance, {who}"] = feature_distance(tested.values(), made[who])
    gains = measures[model_name][:, 0] - measures["bicubic"][:, 0]
    figures["mean gain over bicubic (dB)"] = float(gains.mean())
    figures["smallest gain (dB)"] = float(gains.min())
    figures["largest difference of tiles to the whole (of 255)"] = seam = seams(
        model, next(iter(small.values()))
    )
    figures["generator's weights"] = model.generator.count_params()
    picture = out / "photographs.png"
    side = 64 if quick else 160
    rows = [
        strip(photograph, [images[place] for images in made.values()], side)
        for place, photograph in enumerate(tested.values())
    ]
    columns = [np.stack(column) for column in zip(*rows)]
    titles = ("photograph", *made)
    drawing.save_image(picture, kgan.pictures.strips(columns, titles, scale=1, blocks=1))
    if model_name == "srgan":
        lost = measures["srgan"][:, 0].mean() - measures["srresnet"][:, 0].mean()
        nearer = [figures[f"feature distance, {who}"] for who in ("srgan", "srresnet")]
        bars = [
            Bar("decibels beside srresnet", float(lost), 0.0, at_most=True),
            Bar("feature distance over srresnet's", nearer[0] / nearer[1], 1.0, at_most=True),
        ]
    else:
        bars = [
            Bar("mean gain over bicubic (dB)", float(gains.mean()), GAINS[scale]),
            Bar("smallest gain of a file (dB)", float(gains.min()), 0.0),
        ]
    return Result(
        model=model_name,
        task=f"photographs_x{scale}",
        seed=seed,
        protocol=(
            f"Protocol: {len(photographs)} photographs to train on, {len(tested)} to test with, "
            f"small ones made by Pillow's antialiased bicubic filter; PSNR and SSIM of luminance "
            f"(BT.601, 16 to 235) without a border of {scale} pixels, each file by itself, "
            "means over files; the feature distance is Frechet's, of all tiles of 64 pixels; "
            f"layers compute in {recipe.precision}."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures=figures,
        bars=[*bars, Bar("tiles differ from the whole by (of 255)", seam, 1.0, at_most=True)],
        pictures=[picture],
    )


def first_model(scale, photographs, seed, out, quick):
    """The srresnet that srgan begins with: of an earlier run, or trained now."""
    path = out.parents[1] / "srresnet" / out.name / "model.keras"
    if path.is_file() and not quick:
        say(f"begins with {path}")
        return keras.saving.load_model(path)
    recipe = RECIPES[scale]["srresnet"]
    recipe = quicker(recipe) if quick else recipe
    return trained("srresnet", scale, photographs, recipe, seed)[0]


def seams(model, small, side=240):
    """The largest difference of an image made in tiles to one made at once, of 255."""
    part = small[:side, :side]
    whole, tiled = (
        model.enlarge(part, tile=tile).astype("float32") for tile in (2 * side, side // 4)
    )
    return float(np.abs(whole - tiled).max())


RECIPES = {scale: {"srresnet": recipe} for scale, recipe in SRRESNET.items()}
RECIPES[4]["srgan"] = SRGAN
TASKS = [
    Task(f"photographs_x{scale}", recipes, functools.partial(run, scale))
    for scale, recipes in RECIPES.items()
]
