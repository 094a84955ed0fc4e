"""Do conditional models make the digit that they are asked for? MNIST, read by a classifier.

It reads 10 000 samples, 1 000 of each label. Variety is the standard deviation of pixels
among the samples of one label, averaged over pixels and labels, as a share of that of MNIST's
test images: 1 where samples vary as the data does, 0 where a label has one picture only.

InfoGAN is given no labels. Its categories stand for the digit that most of their samples are read
as, so that the figure is the purity of what it found.
"""

import dataclasses
import time

import keras
import numpy as np

import kgan
from kgan import drawing
from tasks.common import Bar, Recipe, Result, Task, load_mnist, quickened, train

NUM_JUDGED, NUM_CLASSES, COLUMNS = 10_000, 10, 12
# The acceptance figures of the conditional model.
ACCURACY, CORE_MINUTES = 0.97, 15.0

RECIPES = {
    "conditional": Recipe({"width": 32}, steps=2_814, batch_size=64),
    "acgan": Recipe({"width": 32}, steps=2_814, batch_size=64),
    "infogan": Recipe({"width": 32}, steps=2_814, batch_size=64),
}


def variety(images, labels):
    """The mean standard deviation of a pixel among images of one label."""
    images = np.asarray(images, "float32")
    return np.mean([images[labels == label].std(axis=0).mean() for label in np.unique(labels)])


def run(model_name, seed, out, quick):
    (images, labels), (real, real_labels) = load_mnist()
    recipe = RECIPES[model_name]
    num_judged = NUM_JUDGED
    if quick:
        recipe, num_judged = quickened(recipe), 100
        images, labels = images[:64], np.arange(64) % NUM_CLASSES
    keras.utils.set_random_seed(seed)
    data = (images,) if model_name == "infogan" else (images, labels)
    like = images if model_name == "infogan" else data
    model = kgan.zoo.load(model_name, like=like, seed=seed, **recipe.options)
    start = time.process_time()
    steps, minutes, _ = train(model, data, recipe)
    core_minutes = (time.process_time() - start) / 60

    asked = np.arange(num_judged) % NUM_CLASSES
    samples = generate(model, asked, seed)
    read, sure = kgan.metrics.read_digits(samples)
    figures, bars = {}, []
    meaning = np.arange(NUM_CLASSES)
    if model_name == "infogan":
        meaning = np.array([np.bincount(read[asked == c]).argmax() for c in range(NUM_CLASSES)])
        figures["digits that a category stands for"] = len(set(meaning))
    right = read == meaning[asked]
    figures["read as asked"] = float(right.mean())
    worst = [float(right[asked == label].mean()) for label in range(NUM_CLASSES)]
    figures["read as asked, worst label"] = f"{min(worst):.4f} (label {int(np.argmin(worst))})"
    figures["judge's confidence"] = float(sure.mean())
    figures["variety within a label"] = float(variety(samples, asked) / variety(real, real_labels))
    figures["core minutes"] = core_minutes
    if model_name == "conditional":
        bars = [
            Bar("read as asked", figures["read as asked"], ACCURACY),
            Bar("core minutes", core_minutes, CORE_MINUTES, at_most=True),
        ]
    picture = out / "samples.png"
    rows = generate(model, np.repeat(np.arange(NUM_CLASSES), COLUMNS), seed + 1)
    drawing.save_image(picture, drawing.image_grid(rows, columns=COLUMNS, scale=2))
    return Result(
        model=model_name,
        task="labelled_digits",
        seed=seed,
        protocol=(
            f"Protocol: MNIST, {len(images)} training images; {num_judged} samples with the labels "
            "in turn, read by our digit judge (99.6 % on MNIST's test images). The picture has one "
            "row per label."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures=figures,
        bars=bars,
        pictures=[picture],
    )


def generate(model, asked, seed):
    codes = {"categories": asked} if isinstance(model, kgan.InfoGAN) else {"labels": asked}
    return model.generate(len(asked), seed=seed, batch_size=500, **codes)


TASKS = [Task("labelled_digits", RECIPES, run)]
