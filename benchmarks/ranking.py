"""Do the metrics rank samples as people do? Real ones, the shipped weights', early ones, noise.

    python benchmarks/ranking.py                    # dcgan's weights, 5 000 samples of each side
    python benchmarks/ranking.py --model r3gan --samples 1000

All are measured against half of MNIST's training images. "Real" is as many images of the other
half; "early" is the same model after some steps from nothing; "noise" is uniform pixels. Figures
that tell quality must fall, or rise, along that row; the others are printed and not checked. Reads
`mnist.npz` in `$KGAN_DATA`.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import sys

import keras
import numpy as np
from tasks.common import load_mnist

import kgan
import kgan.zoo  # registers the models
from kgan.catalog import weights as shipped
from kgan.catalog.registry import builder_of

# Inception score and structural similarity ask for variety, which noise has plenty of; precision
# and density come to their limits before samples do: F1 holds precision and recall together.
FALLING = ["frechet_distance", "kernel_distance", "sliced_wasserstein"]
RISING = ["f1", "coverage"]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="dcgan", help="one that has weights for mnist")
    parser.add_argument("--samples", type=int, default=5_000)
    parser.add_argument("--early-steps", type=int, default=200)
    arguments = parser.parse_args(argv)
    count = arguments.samples
    (images, labels), _ = load_mnist()
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order], labels[order]
    keras.utils.set_random_seed(0)
    options = shipped.card(builder_of(arguments.model), "mnist")["options"]
    early = kgan.zoo.load(arguments.model, seed=0, **options)
    data = (images, labels) if len(early.fields) > 1 else (images,)
    early.fit(*data, steps_per_epoch=arguments.early_steps, epochs=1, verbose=0)
    best = kgan.zoo.load(arguments.model, weights="mnist")
    asked = {"labels": np.arange(count) % 10} if len(early.fields) > 1 else {}
    sides = {
        "real": images[30_000 : 30_000 + count],
        "best": best.generate(count, seed=0, batch_size=500, **asked),
        "early": early.generate(count, seed=0, batch_size=500, **asked),
        "noise": np.random.default_rng(1).integers(0, 256, (count, 28, 28, 1), dtype="uint8"),
    }
    rows = {
        name: kgan.metrics.evaluate(images[:count], samples, extractor="digit_judge")
        for name, samples in sides.items()
    }
    print(f"| figure | {' | '.join(sides)} | ranked |\n|---|{'---|' * len(sides)}---|")
    wrong = 0
    for figure in rows["real"]:
        values = [row[figure] for row in rows.values()]
        steps = np.diff(values) if figure in FALLING else -np.diff(values)
        verdict = "-"
        if figure in FALLING + RISING:
            verdict = "yes" if (steps >= 0).all() else "NO"
        wrong += verdict == "NO"
        print(f"| {figure} | {' | '.join(f'{value:.4g}' for value in values)} | {verdict} |")
    print(f"\n{arguments.model}, early: {arguments.early_steps} steps of 64.\n\n{rows['real']}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
