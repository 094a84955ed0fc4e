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


_OPTIONS = {"width": 64, "blocks": 16, "learning_rate": 4e-4}
_GPU = {"batch_size": 16, "steps_per_execution": 10, "precision": "mixed_bfloat16"}
SRRESNET = {
    2: PhotographRecipe({"scale": 2, **_OPTIONS}, steps=25_000, crop=96, **_GPU),
    4: PhotographRecipe({"scale": 4, **_OPTIONS}, steps=25_000, crop=192, **_GPU),
}
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


def run_srresnet(scale, model_name, seed, out, quick):
    recipe = SRRESNET[scale]
    if quick:
        recipe = dataclasses.replace(quickened(recipe), crop=48, precision="float32")
    photographs = load_photographs("train", 2 if quick else None)
    model, steps, minutes = trained(model_name, scale, photographs, recipe, seed)
    model.save(out / "model.keras")
    tested = tested_photographs(scale, quick)
    figures, gains, rows, all_made = {}, [], [], []
    sums = np.zeros((2, 3))
    for name, photograph in tested.items():
        small = shrunk(photograph, scale)
        plain, made = enlarged(small, scale), model.enlarge(small)
        values = [measured(photograph, image, scale) for image in (plain, made)]
        sums += np.array(values) / len(tested)
        gains.append(values[1][0] - values[0][0])
        figures[f"{name}: bicubic, srresnet, gain (dB)"] = (
            f"{values[0][0]:.2f}, {values[1][0]:.2f}, {gains[-1]:+.2f}"
        )
        rows.append(strip(photograph, (plain, made), 64 if quick else 160))
        all_made.append((photograph, plain, made))
    reals, plains, mades = zip(*all_made)
    for place, who in enumerate(("bicubic", "srresnet")):
        for what, value in zip(("luminance PSNR", "luminance SSIM", "RGB PSNR"), sums[place]):
            figures[f"{what}, {who}"] = float(value)
    figures["feature distance, bicubic"] = feature_distance(reals, plains)
    figures["feature distance, srresnet"] = feature_distance(reals, mades)
    figures["mean gain (dB)"] = gain = float(sums[1, 0] - sums[0, 0])
    figures["smallest gain (dB)"] = min(gains)
    figures["generator's weights"] = model.generator.count_params()
    picture = out / "photograph_bicubic_srresnet.png"
    columns = [np.stack(column) for column in zip(*rows)]
    titles = ("photograph", "bicubic", "srresnet")
    drawing.save_image(picture, kgan.pictures.strips(columns, titles, scale=1, blocks=1))
    return Result(
        model=model_name,
        task=f"photographs_x{scale}",
        seed=seed,
        protocol=(
            f"Protocol: {len(photographs)} photographs to train on, {len(tested)} to test with, "
            f"small ones made by Pillow's antialiased bicubic filter; PSNR and SSIM of luminance "
            f"(BT.601, 16 to 235) without a border of {scale} pixels, each file by itself, "
            f"means over files; layers compute in {recipe.precision}."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures=figures,
        bars=[
            Bar("mean gain over bicubic (dB)", gain, GAINS[scale]),
            Bar("smallest gain of a file (dB)", min(gains), 0.0),
        ],
        pictures=[picture],
    )


TASKS = [
    Task(
        f"photographs_x{scale}",
        {"srresnet": SRRESNET[scale]},
        functools.partial(run_srresnet, scale),
    )
    for scale in SRRESNET
]
