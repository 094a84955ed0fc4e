"""Digits of the colours that a caption names: MNIST, for text to image.

A digit of MNIST in one of eight inks on one of eight other grounds, 32x32, and a caption in one of
six wordings, such as "a red seven on blue". Ink and ground have the same names, so that the order
of words decides. A third of the 560 combinations of digit, ink and ground is never seen in
training; figures are of these.

What a sample shows is found without its caption: the ground is the median colour of the border,
the figure what differs most from it. Both are called by the nearest colour of the palette, and the
digit is read by the judge of digits in how far each pixel is from the ground. The same figures of
real test digits, composed in the same unseen combinations, stand beside.
"""

import dataclasses
import time

import keras
import numpy as np

import kgan
from kgan import drawing
from tasks.common import Bar, Recipe, Result, Task, load_mnist, quickened, train

SIDE, NUM_JUDGED, SPLIT_SEED = 32, 2_000, 0
COPIES = 4  # of each training digit, each in a combination of its own
EPOCH_STEPS = 1_500  # Learning rates fall after each.
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PALETTE = {
    "black": (16, 16, 16),
    "white": (245, 245, 245),
    "red": (220, 40, 40),
    "green": (40, 150, 60),
    "blue": (40, 80, 220),
    "yellow": (240, 215, 50),
    "purple": (150, 50, 170),
    "cyan": (60, 205, 215),
}
WORDINGS = (
    "a {ink} {digit} on {ground}",
    "the digit {digit} in {ink} on a {ground} ground",
    "{digit}, {ink} on {ground}",
    "on {ground}, a {ink} {digit}",
    "a {digit} written in {ink} ink over {ground}",
    "a {ground} picture of a {ink} {digit}",
)
# The words of training captions, the frequent ones first.
WORDS = tuple(
    "a on in green black white red yellow cyan purple blue ink over written of picture digit "
    "ground the one seven three two nine zero six eight four five".split()
)
# The acceptance figures.
DIGIT_RIGHT, COLOURS_RIGHT, CORE_MINUTES = 0.92, 0.95, 20.0

RECIPES = {
    "text_to_image": Recipe(
        {
            "width": 24,
            "kernel_size": 4,
            "conditioning": "projection",
            # Of captions that differ in all three words one colour tells which is wrong.
            "wrong_captions": "nearest",
            # Half way between a red and a green digit is no digit of the data: with interpolated
            # captions samples turn to speckles of both colours.
            "interpolation_weight": 0.0,
            "contrastive_weight": 1.0,
            "modulation": True,
            "learning_rate": 2.7e-4,
            "ema_momentum": 0.99,
        },
        # With more steps the discriminator wins, and samples of a caption grow alike.
        steps=3_000,
        batch_size=64,
    )
}


def combinations():
    """Seen and unseen combinations of digit, ink and ground: two integer arrays (n, 3)."""
    names = range(len(PALETTE))
    every = np.array([(d, i, g) for d in range(10) for i in names for g in names if i != g])
    order = np.random.default_rng(SPLIT_SEED).permutation(len(every))
    unseen = len(every) // 3
    return every[order[unseen:]], every[order[:unseen]]


def captions_of(chosen, rng):
    """A caption for each combination, in a wording drawn at random."""
    colours = list(PALETTE)
    return [
        WORDINGS[rng.integers(len(WORDINGS))].format(
            digit=DIGITS[digit], ink=colours[ink], ground=colours[ground]
        )
        for digit, ink, ground in chosen
    ]


def composed(digits, chosen, side=SIDE):
    """Grey digits (n, 28, 28, 1) in the inks and on the grounds of combinations."""
    pad = (side - digits.shape[1]) // 2
    share = np.pad(digits, ((0, 0), (pad, pad), (pad, pad), (0, 0))).astype("float32") / 255
    colours = np.array(list(PALETTE.values()), "float32")
    ink, ground = (colours[chosen[:, place]][:, None, None] for place in (1, 2))
    return np.rint(share * ink + (1 - share) * ground).astype("uint8")


def captioned(images, labels, allowed, seed, side=SIDE):
    """Each image in one of the combinations allowed for its digit: images, captions, choices."""
    rng = np.random.default_rng(seed)
    rows = [allowed[allowed[:, 0] == digit] for digit in range(10)]
    chosen = np.array([rows[label][rng.integers(len(rows[label]))] for label in labels])
    return composed(images, chosen, side), captions_of(chosen, rng), chosen


def training_data(images, labels, seen, seed):
    """Images and captions to train on: each digit in several of the seen combinations."""
    images, labels = (np.concatenate([array] * COPIES) for array in (images, labels))
    return captioned(images, labels, seen, seed)[:2]


def sizes():
    """Options that `like=` fills from the training data."""
    return {"image_shape": (SIDE, SIDE, 3), "vocabulary": WORDS, "max_length": 9}


def asked_for(model, allowed, count, seed):
    """Samples of captions of combinations, these combinations, and the captions."""
    asked = allowed[np.random.default_rng(seed).integers(len(allowed), size=count)]
    wanted = captions_of(asked, np.random.default_rng(seed + 1))
    return model.generate(captions=wanted, seed=seed), asked, wanted


def read(samples):
    """What samples show: digits, and places of ink and ground in the palette."""
    x = np.asarray(samples, "float32")
    sides = x[:, :2], x[:, -2:], x[:, :, :2], x[:, :, -2:]
    border = np.concatenate([side.reshape(len(x), -1, 3) for side in sides], axis=1)
    ground = np.median(border, axis=1)
    distance = np.linalg.norm(x - ground[:, None, None], axis=-1)
    most = np.percentile(distance, 98, axis=(1, 2))[:, None, None]
    grey = np.clip(distance / np.maximum(most, 1.0), 0, 1)
    figure = (grey > 0.8)[..., None]
    ink = (x * figure).sum(axis=(1, 2)) / np.maximum(figure.sum(axis=(1, 2)), 1)
    cut = (x.shape[1] - 28) // 2
    digits, _ = kgan.metrics.read_digits(
        np.rint(255 * grey[:, cut : cut + 28, cut : cut + 28]).astype("uint8")[..., None]
    )
    return digits, _nearest(ink), _nearest(ground)


def _nearest(colours):
    palette = np.array(list(PALETTE.values()), "float32")
    return np.linalg.norm(colours[:, None] - palette, axis=-1).argmin(axis=1)


def figures_of(samples, chosen):
    """How often digit and both colours are those of the combinations."""
    digits, inks, grounds = read(samples)
    return {
        "digit right": float(np.mean(digits == chosen[:, 0])),
        "both colours right": float(np.mean((inks == chosen[:, 1]) & (grounds == chosen[:, 2]))),
        "all right": float(
            np.mean((np.stack([digits, inks, grounds], axis=1) == chosen).all(axis=1))
        ),
    }


def run(model_name, seed, out, quick):
    (images, labels), (tested, tested_labels) = load_mnist()
    recipe, num_judged = RECIPES[model_name], NUM_JUDGED
    if quick:
        recipe, num_judged = quickened(recipe), 100
        images, labels = images[:64], labels[:64]
    seen, unseen = combinations()
    images, captions = training_data(images, labels, seen, seed)
    keras.utils.set_random_seed(seed)
    model = kgan.zoo.load(model_name, like=(images, captions), seed=seed, **recipe.options)
    start = time.process_time()
    steps, minutes, _ = train(model, (images, captions), recipe, epoch_steps=EPOCH_STEPS)
    core_minutes = (time.process_time() - start) / 60

    samples, asked, wanted = asked_for(model, unseen, num_judged, seed)
    found = figures_of(samples, asked)
    real, _, shown = captioned(tested[:num_judged], tested_labels[:num_judged], unseen, seed)
    figures = {
        **{f"{name}, unseen combinations": value for name, value in found.items()},
        **{f"{name}, real test digits": value for name, value in figures_of(real, shown).items()},
        **chance(),
        "variety of a combination": variety(samples, asked),
        "variety of a combination, real": variety(real, shown),
        "core minutes": core_minutes,
    }
    pictures = [out / "unseen.png", out / "between_captions.png"]
    drawing.save_image(pictures[0], drawing.image_grid(samples[:64], 8, scale=2))
    ends = wanted[:8], wanted[8:16]
    walks = model.interpolate(*ends, steps=8, seed=seed)
    drawing.save_image(
        pictures[1], drawing.image_grid(walks.reshape(-1, SIDE, SIDE, 3), 8, scale=2)
    )
    (out / "captions.txt").write_text("\n".join(wanted[:64]) + "\n")
    return Result(
        model=model_name,
        task="captioned_digits",
        seed=seed,
        protocol=(
            f"Protocol: MNIST digits in 8 inks on 8 grounds, {SIDE}x{SIDE}, {len(WORDINGS)} "
            f"wordings, each training digit in {COPIES} of {len(seen)} combinations, {len(unseen)} "
            f"others never in training; {num_judged} samples of captions of those, read by the "
            "judge of digits and by the nearest colour; the same figures of real test digits "
            "composed in such combinations."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures=figures,
        bars=[
            Bar("digit right", found["digit right"], DIGIT_RIGHT),
            Bar("both colours right", found["both colours right"], COLOURS_RIGHT),
            Bar("core minutes", core_minutes, CORE_MINUTES, at_most=True),
        ],
        pictures=pictures,
    )


def chance():
    """What a model would have that does not read captions."""
    return {"digit right, by chance": 0.1, "both colours right, by chance": 1 / 56}


def variety(images, chosen):
    """The standard deviation of a pixel among images of one caption, in shares of 255."""
    kinds = np.unique(chosen, axis=0)
    groups = [images[(chosen == kind).all(axis=1)].astype("float32") for kind in kinds]
    return float(np.mean([group.std(axis=0).mean() for group in groups if len(group) > 1]) / 255)


TASKS = [Task("captioned_digits", RECIPES, run)]
