"""Trains the classifier of digits that kgan ships, and writes its weights and its card.

    python benchmarks/train_judge.py                     # into kgan/metrics
    python benchmarks/train_judge.py --out runs/judge    # elsewhere, to compare

MNIST comes from `$KGAN_DATA/mnist.npz`. The classifier is a small convolutional network
(`kgan.metrics.digit_judge`), trained with Adam, a learning rate that falls along a cosine, and
digits shifted by up to two pixels each way. The test images choose nothing: they are read once, at
the end, and the weights are written only when at least 99.0 % of them are read rightly.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import json
import pathlib
import platform
import sys
import time

import keras
import numpy as np
from tasks.common import load_mnist

import kgan
from kgan.data import to_float
from kgan.metrics import features
from kgan.utils.files import atomic_write, hash_of

BAR = 0.99
REACH = 2  # pixels that a digit is shifted by at most


class Shifted(keras.utils.PyDataset):
    """Batches of digits, shuffled and shifted again in each epoch."""

    def __init__(self, images, labels, batch_size, seed):
        super().__init__()
        black = [(0, 0), (REACH, REACH), (REACH, REACH), (0, 0)]
        self.images = np.pad(images, black)
        self.labels, self.batch_size = labels, batch_size
        self.random = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return len(self.images) // self.batch_size

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        row, column = self.shifts[chosen].T[..., None]
        side = np.arange(28)
        batch = self.images[
            chosen[:, None, None], (row + side)[:, :, None], (column + side)[:, None, :]
        ]
        return to_float(batch), self.labels[chosen]

    def on_epoch_end(self):
        self.order = self.random.permutation(len(self.images))
        self.shifts = self.random.integers(2 * REACH + 1, size=(len(self.images), 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=features.WEIGHTS.parent)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    (train, train_labels), (test, test_labels) = load_mnist()
    keras.utils.set_random_seed(arguments.seed)
    judge = kgan.metrics.digit_judge(weights=None)
    data = Shifted(train, train_labels, arguments.batch_size, arguments.seed)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, arguments.epochs * len(data))
    judge.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    start, core_start = time.perf_counter(), time.process_time()
    judge.fit(data, epochs=arguments.epochs, verbose=2)
    minutes = (time.perf_counter() - start) / 60
    core_minutes = (time.process_time() - core_start) / 60
    digits, _ = kgan.metrics.read_digits(test, judge)
    accuracy = float((digits == test_labels).mean())
    print(f"{accuracy:.2%} of {len(test)} test images in {minutes:.1f} minutes", file=sys.stderr)
    if accuracy < BAR:
        raise SystemExit(f"Below {BAR:.1%}: nothing was written. Train longer: --epochs 20")

    arguments.out.mkdir(parents=True, exist_ok=True)
    weights = arguments.out / features.WEIGHTS.name
    # Without the optimizer, whose averages are twice the weights.
    shipped = kgan.metrics.digit_judge(weights=None)
    shipped.set_weights(judge.get_weights())
    with atomic_write(weights) as partial:
        shipped.save_weights(partial)
    card = {
        "name": "digit_judge",
        "what": "classifier of handwritten digits, float images 28x28x1 in [-1, 1] to 10 logits",
        "test_accuracy": accuracy,
        "test_images": len(test),
        "num_weights": judge.count_params(),
        "sha256": hash_of(weights),
        "data": "MNIST, 60 000 training images (CC BY-SA 3.0), shifted by up to 2 pixels",
        "command": f"python benchmarks/train_judge.py --epochs {arguments.epochs} "
        f"--batch-size {arguments.batch_size} --seed {arguments.seed}",
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "batch_size": arguments.batch_size,
        "learning_rate": "Adam, 2e-3 falling to 0 along a cosine",
        "minutes": round(minutes, 1),
        # What it costs on a machine that others use, too.
        "core_minutes": round(core_minutes, 1),
        "machine": f"{len(os.sched_getaffinity(0))} of {os.cpu_count()} CPU cores"
        if hasattr(os, "sched_getaffinity")
        else f"{os.cpu_count()} CPU cores",
        "versions": {
            "kgan": kgan.__version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "python": platform.python_version(),
        },
        "probe": probe(judge),
    }
    with atomic_write(arguments.out / features.CARD.name) as partial:
        partial.write_text(json.dumps(card, indent=1) + "\n")
    print(f"wrote {weights}")


def probe(judge):
    """Logits of one made-up image: any backend must find them again."""
    rows, columns = np.mgrid[0:28, 0:28]
    ring = np.exp(-0.08 * np.square(np.hypot(rows - 13.5, columns - 13.5) - 7.5))
    image = (2 * ring - 1).astype("float32")[None, ..., None]
    logits = judge.predict_on_batch(image)[0]
    return [round(float(logit), 5) for logit in logits]


if __name__ == "__main__":
    main()
