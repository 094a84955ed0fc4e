"""Digits to digits inverted and tinted, without pairs: MNIST, for CycleGAN and UNIT.

The two collections are disjoint parts of MNIST's training images, of unlike lengths: a as it is
(grey, in three channels), b inverted, white becoming black, and multiplied by one fixed colour. No
training image of a has its partner in b. Every test image has a hidden partner, since b is a known
function of a, and so there is a truth to compare with in both directions: peak signal-to-noise
ratio over all pixels, and the digit that the classifier reads (of b with colour and inversion
undone).

The loss does not say which a belongs to which b. A mapping that exchanged digits, or dark and
bright strokes, could be undone as well: that is what the figures are to show.
"""

import dataclasses
import time

import keras
import numpy as np

import kgan
from kgan import drawing
from tasks.common import Bar, Recipe, Result, Task, decibels, load_mnist, quickened, train

TINT = np.array([255, 170, 60], "float32") / 255
NUM_A = 32_000  # of 60 000; the others are b
# The acceptance figures.
DECIBELS = 18.0
SAME_DIGIT = {"cyclegan": 0.9, "unit": 0.95}
CORE_MINUTES = {"cyclegan": 15.0, "unit": 20.0}

SMALL = Recipe(
    {
        "width": 16,
        "discriminator_width": 32,
        "num_blocks": 2,
        "receptive_field": 16,
        "learning_rate": 5e-4,
        # By steps, as the model itself does it: the run is shorter than one epoch.
        "constant_steps": 1_000,
        "decay_steps": 1_000,
    },
    steps=2_000,
    batch_size=8,
)
SHARED = Recipe(
    {
        "width": 16,
        "discriminator_width": 32,
        "num_blocks": 1,
        "num_shared_blocks": 1,
        "receptive_field": 16,
        "learning_rate": 5e-4,
        "constant_steps": 1_500,
        "decay_steps": 1_500,
    },
    steps=3_000,
    batch_size=8,
)
RECIPES = {"cyclegan": SMALL, "unit": SHARED}


def kind_a(digits):
    """Grey digits in three channels."""
    return np.repeat(digits, 3, axis=-1)


def kind_b(digits):
    """Inverted and tinted digits."""
    return np.rint((255.0 - digits.astype("float32")) * TINT).astype("uint8")


def grey_of_b(images):
    """The grey digits that tinted ones came from, as near as their colours allow."""
    brightness = images.astype("float32") @ TINT / (TINT @ TINT)
    return (255 - np.clip(np.rint(brightness), 0, 255)).astype("uint8")[..., None]


def figures_of(model, digits, labels):
    """How near both directions come to the hidden partners, and what digits they show."""
    a, b = kind_a(digits), kind_b(digits)
    b_made, a_made = model.translate(a), model.translate(b, direction="b_to_a")
    a_grey = np.rint(a_made.mean(-1, keepdims=True)).astype("uint8")
    same = [
        float(np.mean(kgan.metrics.read_digits(grey)[0] == labels))
        for grey in (grey_of_b(b_made), a_grey)
    ]
    figures = {
        "PSNR a to b, dB": decibels(b_made, b),
        "PSNR b to a, dB": decibels(a_made, a),
        "same digit a to b": same[0],
        "same digit b to a": same[1],
    }
    return figures, a_made, b_made


def run(model_name, seed, out, quick):
    (digits, _), (tested, labels) = load_mnist()
    recipe = quickened(RECIPES[model_name]) if quick else RECIPES[model_name]
    order = np.random.default_rng(0).permutation(len(digits))
    a, b = kind_a(digits[order[:NUM_A]]), kind_b(digits[order[NUM_A:]])
    if quick:
        a, b, tested, labels = a[:32], b[:24], tested[:32], labels[:32]
    keras.utils.set_random_seed(seed)
    model = kgan.zoo.load(model_name, like=(a, b), seed=seed, **recipe.options)
    start = time.process_time()
    steps, minutes, _ = train(model, (a, b), recipe, epoch_steps=250)
    core_minutes = (time.process_time() - start) / 60
    figures, a_made, b_made = figures_of(model, tested, labels)
    # What the classifier reads of the truth, and what an answer without a look would give.
    read, _ = kgan.metrics.read_digits(tested)
    mean = kind_a(digits).mean((0, 1, 2))
    figures["judge's own accuracy"] = float(np.mean(read == labels))
    figures["PSNR of the mean colour of b, dB"] = decibels(255 * TINT - mean * TINT, kind_b(tested))
    figures["PSNR of the mean colour of a, dB"] = decibels(mean, kind_a(tested))
    figures["core minutes"] = core_minutes
    networks = model.endpoints["a_to_b"].networks
    figures["weights that translate one way"] = sum(
        getattr(model, network).count_params() for network in networks
    )
    picture = out / "translated.png"
    count = min(20, len(tested))
    columns = [
        kind_a(tested[:count]),
        b_made[:count],
        model.translate(b_made[:count], direction="b_to_a"),
        kind_b(tested[:count]),
        a_made[:count],
        model.translate(a_made[:count]),
    ]
    rows = np.stack(columns, axis=1).reshape(-1, *a.shape[1:])
    drawing.save_image(picture, drawing.image_grid(rows, columns=12, scale=2))
    names = ("PSNR a to b, dB", "PSNR b to a, dB", "same digit a to b", "same digit b to a")
    wanted = {"PSNR": DECIBELS, "same": SAME_DIGIT[model_name]}
    bars = [Bar(name, figures[name], wanted[name.split()[0]]) for name in names]
    return Result(
        model=model_name,
        task="tinted_digits",
        seed=seed,
        protocol=(
            f"Protocol: {len(a)} MNIST training images as a, {len(b)} others, inverted and tinted "
            f"with RGB {tuple(int(c) for c in 255 * TINT)}, as b; figures on {len(tested)} test "
            "images with hidden partners; PSNR from the mean squared error over all pixels; digits "
            "read by kgan.metrics.digit_judge and compared with MNIST's labels."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures=figures,
        bars=[*bars, Bar("core minutes", core_minutes, CORE_MINUTES[model_name], at_most=True)],
        pictures=[picture],
    )


TASKS = [Task("tinted_digits", RECIPES, run)]
