"""Large digits of the colours that a caption names, in two stages: MNIST at 64x64, for StackGAN.

The data of `captioned_digits.py` with digits twice as large. The first stage makes 16x16, the
second refines that to 64x64. The question is whether the second stage is worth its time: its images
against the first stage's, enlarged by Pillow's bicubic, in Frechet distance to real test digits of
the same unseen combinations, and in whether digit and colours are still right. Real digits that
went through 16x16 and were enlarged the same way say what the first stage could reach at best.
"""

import dataclasses
import time

import keras
import numpy as np
from PIL import Image

import kgan
from kgan import drawing
from tasks.captioned_digits import EPOCH_STEPS, asked_for, captioned, combinations, figures_of
from tasks.common import Bar, Recipe, Result, Task, halved, load_mnist, quickened, train

SIDE, NUM_JUDGED = 64, 2_000
# The acceptance figures: both stages in one run.
RIGHT, CORE_MINUTES = 0.90, 20.0

RECIPES = {
    "stackgan": Recipe(
        {
            "width": 32,
            "refiner_width": 16,
            "kernel_size": 3,
            "num_blocks": 1,
            "conditioning": "projection",
            "wrong_captions": "nearest",
            "contrastive_weight": 1.0,
            "modulation": True,
            "learning_rate": 2.7e-4,
            "ema_momentum": 0.99,
        },
        steps=4_500,
        batch_size=64,
    )
}
# How the second stage is trained; the options are the model's, which is one.
SECOND = Recipe(steps=1_500, batch_size=32)


def enlarged(digits, side):
    """Grey digits (n, height, width, 1) at another size, by Pillow's bicubic."""
    pictures = [Image.fromarray(digit[..., 0]).resize((side, side)) for digit in digits]
    return np.stack([np.asarray(picture) for picture in pictures])[..., None]


def bicubic(images, side=SIDE):
    """Images in colour, enlarged by Pillow's bicubic."""
    size, method = (side, side), Image.Resampling.BICUBIC
    return np.stack([np.asarray(Image.fromarray(x).resize(size, method)) for x in images])


def distance(real, made):
    """The Frechet distance between the features of kgan's network of pictures."""
    metric = kgan.metrics.FrechetDistance()
    for start in range(0, len(made), 250):
        metric.update_state(real[start : start + 250], made[start : start + 250])
    return float(metric.result())


def run(model_name, seed, out, quick):
    (images, labels), (tested, tested_labels) = load_mnist()
    recipe, second, num_judged = RECIPES[model_name], SECOND, NUM_JUDGED
    if quick:
        recipe, second, num_judged = quickened(recipe, 2), quickened(second, 2), 100
        images, labels = images[:64], labels[:64]
    seen, unseen = combinations()
    data = captioned(enlarged(images, 56), labels, seen, seed, SIDE)[:2]
    keras.utils.set_random_seed(seed)
    model = kgan.zoo.load(model_name, like=data, seed=seed, **recipe.options)
    start = time.process_time()
    steps, minutes, _ = train(model, data, recipe, epoch_steps=EPOCH_STEPS)
    model.next_stage(recipe.options.get("learning_rate"))
    more_steps, more_minutes, _ = train(model, data, second, epoch_steps=EPOCH_STEPS // 3)
    core_minutes = (time.process_time() - start) / 60

    large, asked, wanted = asked_for(model, unseen, num_judged, seed)
    small = bicubic(model.run("generate_small", wanted, seed=seed))
    digits = enlarged(tested[: 2 * num_judged], 56)
    real, _, shown = captioned(digits, tested_labels[: 2 * num_judged], unseen, seed, SIDE)
    reference, other = real[:num_judged], real[num_judged:]
    through = bicubic(halved(halved(other)))
    figures, shares = {}, {}
    for name, made, chosen in (
        ("second stage", large, asked),
        ("first stage, bicubic", small, asked),
        ("other real digits", other, shown[num_judged:]),
        ("other real digits through 16x16, bicubic", through, shown[num_judged:]),
    ):
        figures[f"Frechet distance, {name}"] = distance(reference, made)
        shares[name] = figures_of(halved(made), chosen)
        figures |= {f"{what}, {name}": share for what, share in shares[name].items()}
    figures["core minutes"] = core_minutes
    picture = out / "first_and_second_stage.png"
    pairs = np.stack([small[:32], large[:32]], axis=1).reshape(-1, *large.shape[1:])
    drawing.save_image(picture, drawing.image_grid(pairs, 8))
    (out / "captions.txt").write_text("\n".join(wanted[:32]) + "\n")
    reached = shares["second stage"]
    gain = figures["Frechet distance, first stage, bicubic"]
    return Result(
        model=model_name,
        task="captioned_digits_stacked",
        seed=seed,
        protocol=(
            f"Protocol: MNIST digits in 8 inks on 8 grounds, {SIDE}x{SIDE}; {len(unseen)} of "
            f"{len(seen) + len(unseen)} combinations never in training; {num_judged} samples of "
            "captions of those, in Frechet distance to as many real test digits of such "
            "combinations, and read at 32x32 by the judge of digits and the nearest colour."
        ),
        recipe={**dataclasses.asdict(recipe), "second stage": dataclasses.asdict(second)},
        steps=steps + more_steps,
        minutes=minutes + more_minutes,
        figures=figures,
        bars=[
            Bar(
                "Frechet distance, second stage",
                figures["Frechet distance, second stage"],
                gain,
                at_most=True,
            ),
            Bar("digit right, second stage", reached["digit right"], RIGHT),
            Bar("both colours right, second stage", reached["both colours right"], RIGHT),
            Bar("core minutes", core_minutes, CORE_MINUTES, at_most=True),
        ],
        pictures=[picture],
    )


TASKS = [Task("captioned_digits_stacked", RECIPES, run)]
