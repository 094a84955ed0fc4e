"""Emoji drawn by one house to emoji drawn by another: `emoji.npz` at 32x32.

* pix2pix is given the pairs, and translates Noto's drawings (a) to Twemoji's (b);
* cyclegan and unit are given both collections, each in an order of its own, and translate both
  ways: which drawings belong together stays hidden from them.

A fifth of the words is held out, with all skin tones of each. Figures are against the drawing of
the other house: peak signal-to-noise ratio over all pixels of all images, and structural
similarity. Beside them stand answers that know nothing of the other house's drawings: the input
itself, the input blurred, the other house's mean colour and its mean drawing. The blurred copy is
there because the ratio favours blur where outlines do not match: a translator that is no better
than it has only learned to hesitate.
"""

import dataclasses
import time

import keras
import numpy as np

import kgan
from kgan import drawing
from tasks.common import Bar, Recipe, Result, Task, decibels, halved, load_emoji, quickened, train

# The acceptance figures: from pairs, and without them above copying the input.
DECIBELS, ABOVE_COPYING, CORE_MINUTES = 16.0, 1.5, 20.0

PAIRED = Recipe(
    {
        "width": 32,
        "discriminator_width": 16,
        "receptive_field": 16,
        "normalization": "batch",
        "learning_rate": 1e-3,
    },
    steps=4_000,
    batch_size=32,
    decay_from=0.4,
)
CYCLE = Recipe(
    {
        "width": 16,
        "discriminator_width": 32,
        "num_blocks": 3,
        "receptive_field": 16,
        "identity_weight": 0.5,
        "learning_rate": 5e-4,
    },
    steps=4_000,
    batch_size=8,
    decay_from=0.5,
)
SHARED = Recipe(
    {
        "width": 16,
        "discriminator_width": 16,
        "num_blocks": 1,
        "num_shared_blocks": 1,
        "receptive_field": 16,
        "learning_rate": 5e-4,
        "ema_momentum": 0.999,
    },
    steps=4_000,
    batch_size=8,
    decay_from=0.5,
)
RECIPES = {"pix2pix": PAIRED, "cyclegan": CYCLE, "unit": SHARED}


def jittered(images, copies=4, reach=2):
    """The images, and copies that are moved by some pixels and mirrored, alike in every call.

    What lies beyond the edge is white, as the ground of all drawings is.
    """
    random, side = np.random.default_rng(0), images.shape[1]
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), constant_values=255)
    every = [images]
    for _ in range(copies):
        rows, columns = random.integers(2 * reach + 1, size=(2, len(images), 1))
        numbers = np.arange(len(images))[:, None, None]
        places = np.arange(side)
        moved = padded[numbers, (rows + places)[..., None], (columns + places)[:, None]]
        mirrored = random.random(len(images)) < 0.5
        moved[mirrored] = moved[mirrored][:, :, ::-1]
        every.append(moved)
    return np.concatenate(every)


def similarity(made, truth):
    """Mean structural similarity."""
    metric = kgan.metrics.StructuralSimilarity()
    metric.update_state(truth, made)
    return float(metric.result())


def blurred(images, sigma=2.0):
    """The images through a Gaussian of so many pixels."""
    from scipy import ndimage

    return ndimage.gaussian_filter(images.astype("float32"), (0, sigma, sigma, 0))


def baselines(source, target, trained):
    """What answers reach that know nothing of the drawing that is asked for."""
    return {
        "copying the input": decibels(source, target),
        "copying the input, blurred (sigma 2)": decibels(blurred(source), target),
        "mean colour": decibels(trained.mean((0, 1, 2)), target),
        "mean drawing": decibels(trained.mean(0), target),
    }


def run(model_name, seed, out, quick):
    recipe = quickened(RECIPES[model_name]) if quick else RECIPES[model_name]
    arrays, held = load_emoji("noto", "twemoji")
    drawings = {side: halved(arrays[house]) for side, house in (("a", "noto"), ("b", "twemoji"))}
    trained = {side: images[~held] for side, images in drawings.items()}
    tested = {side: images[held] for side, images in drawings.items()}
    if quick:
        trained = {side: images[:32] for side, images in trained.items()}
        tested = {side: images[:24] for side, images in tested.items()}
    data = tuple(jittered(trained[side]) for side in "ab")
    keras.utils.set_random_seed(seed)
    model = kgan.zoo.load(model_name, like=data, seed=seed, **recipe.options)
    start = time.process_time()
    steps, minutes, _ = train(model, data, recipe)
    core_minutes = (time.process_time() - start) / 60

    # What is asked is what the model's table says: one way, or both.
    ways = [("a", "b")] if "translate" in model.endpoints else [("a", "b"), ("b", "a")]
    figures, bars, shown = {}, [], []
    for source, target in ways:
        name = "translate" if len(ways) == 1 else f"{source}_to_{target}"
        way, truth = f"{source} to {target}", tested[target]
        made = model.run(name, tested[source])
        copied = decibels(tested[source], truth)
        figures[f"PSNR {way}, dB"] = reached = decibels(made, truth)
        figures[f"SSIM {way}"] = similarity(made, truth)
        seen = model.run(name, trained[source][:500])
        figures[f"PSNR {way} on training drawings, dB"] = decibels(seen, trained[target][:500])
        for what, value in baselines(tested[source], truth, trained[target]).items():
            figures[f"baseline: {what}, PSNR {way}, dB"] = value
        figures[f"baseline: copying the input, SSIM {way}"] = similarity(tested[source], truth)
        wanted = DECIBELS if len(ways) == 1 else copied + ABOVE_COPYING
        bars.append(Bar(f"PSNR {way}, dB", reached, wanted))
        shown.append([tested[source], made, truth])
    figures["core minutes"] = core_minutes
    picture = out / "input_output_truth.png"
    # Spread over all words, which are in the order of their categories.
    chosen = np.linspace(0, len(tested["a"]) - 1, 24).round().astype(int)
    rows = np.stack([images[chosen] for way in shown for images in way], axis=1)
    columns = rows.shape[1] * (4 if len(ways) == 1 else 2)
    tiles = rows.reshape(-1, *rows.shape[2:])
    drawing.save_image(picture, drawing.image_grid(tiles, columns, scale=2))
    given = "in pairs" if len(ways) == 1 else "each in an order of its own"
    return Result(
        model=model_name,
        task="emoji_houses",
        seed=seed,
        protocol=(
            "Protocol: emoji at 32x32 (means of 2x2 pixels), a drawn by Noto, b by Twemoji; "
            f"{len(trained['a'])} training drawings of each house, {given}, and four copies of "
            "each, moved by up to 2 pixels and mirrored; figures on "
            f"{len(tested['a'])} drawings of held-out words against the other house's drawing; "
            "PSNR from the mean squared error over all pixels, SSIM with a window of 11 pixels."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures=figures,
        bars=[*bars, Bar("core minutes", core_minutes, CORE_MINUTES, at_most=True)],
        pictures=[picture],
    )


TASKS = [Task("emoji_houses", RECIPES, run)]
