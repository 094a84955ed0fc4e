"""What the tasks share: data, recipes, training on the clock, and results."""

import dataclasses
import json
import math
import os
import pathlib
import platform
import time
from collections.abc import Callable

import keras
import numpy as np
from pages import say

import kgan
from kgan.utils.files import atomic_write


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How one model is trained for one task.

    Args:
        options: dict of options for `kgan.zoo.load`.
        steps: integer, batches that `fit` plays: one is one move of the discriminator.
        batch_size: integer.
        steps_per_execution: integer, batches per compiled call.
        decay_from: float in [0, 1], part of the run after which learning rates fall linearly to
            zero. 1 keeps them.
    """

    options: dict = dataclasses.field(default_factory=dict)
    steps: int = 10_000
    batch_size: int = 100
    steps_per_execution: int = 1
    decay_from: float = 1.0


@dataclasses.dataclass
class Bar:
    """A figure's acceptance: `value` at least, or at most, `bar`."""

    what: str
    value: float
    bar: float
    at_most: bool = False

    @property
    def passed(self):
        return bool(self.value <= self.bar if self.at_most else self.value >= self.bar)

    def __str__(self):
        verdict = "PASS" if self.passed else "MISS"
        sign = "at most" if self.at_most else "at least"
        return f"{self.what}: {self.value:.4g}, {sign} {self.bar:.4g}: {verdict}"


@dataclasses.dataclass
class Result:
    """What a task found: all of it is printed and written."""

    model: str
    task: str
    seed: int
    protocol: str
    recipe: dict
    steps: int
    minutes: float
    figures: dict
    bars: list = dataclasses.field(default_factory=list)
    pictures: list = dataclasses.field(default_factory=list)
    # Rows (dicts) measured on the way, for whoever wants the curve: written, not printed.
    trace: list = dataclasses.field(default_factory=list)

    def markdown(self):
        lines = [
            f"### {self.model} on {self.task}",
            "",
            self.protocol,
            "",
            f"Seed {self.seed}, {self.steps} steps, {self.minutes:.1f} minutes of training; "
            f"recipe: {self.recipe}",
            "",
            "| figure | value |",
            "|---|---|",
        ]
        lines += [f"| {name} | {_shown(value)} |" for name, value in self.figures.items()]
        lines += [""] + [f"* {bar}" for bar in self.bars]
        lines += [f"* picture: {path}" for path in self.pictures]
        return "\n".join(lines)

    def write(self, path):
        content = dataclasses.asdict(self)
        content["bars"] = [{**dataclasses.asdict(bar), "passed": bar.passed} for bar in self.bars]
        content["pictures"] = [str(path) for path in self.pictures]
        content["environment"] = {
            "kgan": kgan.__version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        }
        with atomic_write(path) as partial:
            partial.write_text(json.dumps(_plain(content), indent=1) + "\n")


def _shown(value):
    return f"{value:.4g}" if isinstance(value, float) else value


def quickened(recipe, steps=4):
    """The recipe for a test: some steps of narrow networks, as far as its options name widths."""
    options = dict(recipe.options)
    for name, value in options.items():
        if name.endswith(("width", "filters")):
            options[name] = 4
        elif name.endswith("units") and value is not None:
            options[name] = (16,) * len(value)
    return dataclasses.replace(
        recipe, options=options, steps=steps, batch_size=8, steps_per_execution=2
    )


def _plain(value):
    """JSON's types of NumPy's; JSON knows no NaN."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, int | float | str | bool | None) else str(value)


def data_folder():
    """`$KGAN_DATA`, else `../shared/data` beside the repository."""
    beside = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = pathlib.Path(os.environ.get("KGAN_DATA") or beside)
    if not folder.is_dir():
        raise SystemExit(
            "This task needs real data. Set KGAN_DATA to the folder that holds mnist.npz and "
            f"cifar10.tar: export KGAN_DATA=/path/to/data. Received: no folder {folder}"
        )
    return folder


def data_file(name):
    path = data_folder() / name
    if not path.is_file():
        raise SystemExit(f"KGAN_DATA holds no {name}, which this task needs: looked for {path}")
    return path


def load_mnist():
    """`(images, labels), (images, labels)` to train and to test with; uint8 (n, 28, 28, 1)."""
    with np.load(data_file("mnist.npz")) as file:
        train = file["x_train"][..., None], file["y_train"].astype("int32")
        test = file["x_test"][..., None], file["y_test"].astype("int32")
    return train, test


def load_emoji(*names):
    """Arrays of `emoji.npz` by their names, and which rows are held out: those of a fifth of words.

    Split by what a picture shows, or one skin tone would be trained with and another tested.
    """
    with np.load(data_file("emoji.npz")) as file:
        arrays, words = {name: file[name] for name in names}, file["name"]
    held = np.unique(words)
    held = np.random.default_rng(0).permutation(held)[: len(held) // 5]
    return arrays, np.isin(words, held)


def halved(images):
    """Means of 2x2 pixels."""
    n, height, width, channels = images.shape
    blocks = images.reshape(n, height // 2, 2, width // 2, 2, channels).astype("float32")
    return np.rint(blocks.mean((2, 4))).astype("uint8")


def decibels(made, truth):
    """Peak signal-to-noise ratio over all pixels of all images."""
    error = np.mean(np.square(made.astype("float32") - truth.astype("float32")))
    return float(10 * np.log10(255.0**2 / max(error, 1e-6)))


class Progress(keras.callbacks.Callback):
    """A line about ten times in a run, and the time that training itself takes."""

    def on_train_begin(self, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        epochs = self.params["epochs"]
        if (epoch + 1) % max(1, epochs // 10) == 0 or epoch + 1 == epochs:
            minutes = (time.perf_counter() - self.start) / 60
            terms = " ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
            say(f"epoch {epoch + 1}/{epochs}, {minutes:.1f} minutes: {terms}")

    def on_train_end(self, logs=None):
        self.minutes = (time.perf_counter() - self.start) / 60


class LinearDecay(keras.callbacks.Callback):
    """Lowers each player's learning rate linearly to zero, from a part of the run on.

    By epochs; in a run of few, the last epoch still moves.
    """

    def __init__(self, decay_from):
        super().__init__()
        self.decay_from = decay_from

    def on_train_begin(self, logs=None):
        self.rates = [float(o.learning_rate) for o in self.model.optimizer.optimizers]

    def on_epoch_begin(self, epoch, logs=None):
        epochs = self.params["epochs"]
        left = (epochs - epoch) / max(1.0, epochs * (1 - self.decay_from) + 1)
        for optimizer, rate in zip(self.model.optimizer.optimizers, self.rates):
            optimizer.learning_rate = rate * min(1.0, left)


def train(model, data, recipe, *, epoch_steps=None, callbacks=(), validation_data=None):
    """Trains `recipe.steps` steps on arrays, and returns the steps, the minutes and the history.

    Args:
        model: a compiled model.
        data: tuple of arrays, as `fit` takes them, or of one `keras.utils.PyDataset`, whose batches
            are the recipe's.
        recipe: a `Recipe`.
        epoch_steps: integer, steps of what Keras calls an epoch, after which callbacks act.
            Defaults to a pass over the data, or the whole run where that is shorter.
        callbacks: more callbacks.
        validation_data: as in `fit`.
    """
    in_batches = isinstance(data[0], keras.utils.PyDataset)
    per_pass = len(data[0]) if in_batches else -(-len(data[0]) // recipe.batch_size)
    epoch_steps = min(recipe.steps, per_pass, epoch_steps or per_pass)
    epochs = max(1, round(recipe.steps / epoch_steps))
    if recipe.steps_per_execution > 1:
        model.compile(
            optimizer=model.optimizer,
            metrics=model.sample_metrics,
            steps_per_execution=min(recipe.steps_per_execution, epoch_steps),
        )
    progress = Progress()
    callbacks = [progress, *callbacks]
    if recipe.decay_from < 1:
        callbacks.append(LinearDecay(recipe.decay_from))
    partial = {} if epoch_steps == per_pass else {"steps_per_epoch": epoch_steps}
    before = model.batches_seen
    history = model.fit(
        *data,
        batch_size=None if in_batches else recipe.batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=callbacks,
        validation_data=validation_data,
        **partial,
    )
    # An epoch ends early where a pass over the data does.
    return model.batches_seen - before, progress.minutes, history.history


@dataclasses.dataclass(frozen=True)
class Task:
    """A task: which models it has recipes for, and `run(model_name, seed, out, quick)`."""

    name: str
    recipes: dict
    run: Callable
