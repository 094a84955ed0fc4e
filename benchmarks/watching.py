"""What does it cost to watch a run? Epochs of 500 steps, bare and watched, in alternating rounds.

    python benchmarks/watching.py                    # dcgan on MNIST, 28x28x1, batch 64
    python benchmarks/watching.py --model wgan_gp --width 32 --rounds 5

Each round trains one epoch bare, one with `Health` alone, and one with all there is: validation
data with a metric, `ModelCheckpoint(save_best_only=True)`, `Health` and `SampleGrid`. All of them
act after an epoch's last step, so what they add is read off one epoch: its seconds over its seconds
up to there. Beside it stands the ratio to the bare epoch of the round, which a busy machine moves
by more than the bars: 1.03 for `Health` alone, 1.10 for all. Reads `mnist.npz` in `$KGAN_DATA`.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import pathlib
import sys
import tempfile
import time

import keras
import numpy as np
from tasks.common import load_mnist, say

import kgan

BATCH_SIZE, STEPS, NUM_VALIDATED = 64, 500, 1_000
BARS = {"health": 1.03, "all": 1.10}


class Epochs(keras.callbacks.Callback):
    """Seconds of each epoch, what callbacks and validation take included, and up to its last step.

    It must be the last of the callbacks.
    """

    def on_train_begin(self, logs=None):
        self.seconds, self.stepping, self.start = [], [], time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.stepped = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        now = time.perf_counter()
        self.seconds.append(now - self.start)
        self.stepping.append(self.stepped - self.start)
        self.start = now


def callbacks_of(kind, folder):
    watching = {
        "bare": [],
        "health": [kgan.callbacks.Health()],
        "all": [
            kgan.callbacks.SampleGrid(folder / "samples", gif=False),
            kgan.callbacks.Health(),
            keras.callbacks.ModelCheckpoint(
                folder / "best.keras",
                monitor="val_frechet_distance",
                mode="min",
                save_best_only=True,
            ),
        ],
    }
    return watching[kind]


def spread(ratios):
    """The median, and each."""
    return f"{np.median(ratios):.3f} ({', '.join(f'{ratio:.3f}' for ratio in ratios)})"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="dcgan")
    parser.add_argument("--width", type=int, help="of the networks; default: the model's own")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS, help="of an epoch")
    arguments = parser.parse_args(argv)
    (images, labels), (held_out, held_labels) = load_mnist()
    images, labels = (x[: arguments.steps * BATCH_SIZE] for x in (images, labels))
    held_out, held_labels = held_out[:NUM_VALIDATED], held_labels[:NUM_VALIDATED]
    keras.utils.set_random_seed(0)
    options = {"width": arguments.width} if arguments.width else {}
    model = kgan.zoo.load(arguments.model, like=(images, labels), seed=0, **options)
    takes_labels = len(model.fields) > 1
    data = (images, labels) if takes_labels else (images,)
    validation = (held_out, held_labels) if takes_labels else held_out
    metric = kgan.metrics.FrechetDistance("digit_judge")
    model.compile(optimizer=model.optimizer, metrics=[metric])
    seconds = {"bare": [], **{kind: [] for kind in BARS}}
    added = {kind: [] for kind in seconds}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.rounds):
            for kind, taken in seconds.items():
                clock = Epochs()
                # The first epoch reads data and compiles; of the second a run is made.
                model.fit(
                    *data,
                    batch_size=BATCH_SIZE,
                    epochs=2,
                    verbose=0,
                    validation_data=validation if kind == "all" else None,
                    callbacks=[*callbacks_of(kind, pathlib.Path(folder)), clock],
                )
                taken.append(clock.seconds[1])
                added[kind].append(clock.seconds[1] / clock.stepping[1])
                say(f"round {number + 1}, {kind}: {taken[-1]:.1f} s per epoch")
    missed = 0
    print("| watched by | seconds per epoch | over its steps | over the bare epoch | bar |")
    print("|---|---|---|---|---|")
    for kind, taken in seconds.items():
        ratios = np.array(taken) / np.array(seconds["bare"])
        bar = BARS.get(kind)
        missed += bar is not None and bool(np.median(added[kind]) > bar)
        print(
            f"| {kind} | {np.median(taken):.1f} | {spread(added[kind])} | {spread(ratios)} | "
            f"{bar or '-'} |"
        )
    wide = f" of width {arguments.width}" if arguments.width else ""
    print(f"\n{arguments.model}{wide}, {arguments.steps} steps of {BATCH_SIZE}; {metric.protocol}.")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
