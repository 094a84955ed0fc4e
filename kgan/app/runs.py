"""A run: one training of a model of the zoo, in a folder from which it can be resumed.

The folder holds `model.keras` (all of the model after its last finished epoch), `run.json` (the
settings), `history.csv` (the losses and the figures of `Health`, one row per epoch), `health.json`
(those figures and the diagnoses), `samples/` (the pictures) and `report.html` (all of it, to look
at).
"""

import csv
import dataclasses
import datetime
import importlib.metadata
import inspect
import json
import os
import pathlib
import platform
import random
import time

import keras
import numpy as np

from kgan import report, zoo
from kgan.app.user_files import load_data
from kgan.callbacks import Health, SampleGrid, TranslationStrips
from kgan.catalog import registry
from kgan.data.checks import check
from kgan.data.field_lookup import are_paired
from kgan.data.sampling import first_samples
from kgan.game import AdversarialModel
from kgan.utils.files import atomic_write

DEFAULTS = {
    "size": None,
    "channels": None,
    "batch_size": 64,
    "max_examples": None,
    "seed": None,
    "options": {},
}


@dataclasses.dataclass(frozen=True)
class Run:
    """The folder of a run, and what lies in it.

    Args:
        folder: path. It is made by the first training.
    """

    folder: pathlib.Path

    @property
    def model_file(self):
        """The whole model after the last finished epoch."""
        return self.folder / "model.keras"

    @property
    def record_file(self):
        """Settings, data and versions of the run, as JSON."""
        return self.folder / "run.json"

    @property
    def history_file(self):
        """The losses, one row per epoch."""
        return self.folder / "history.csv"

    @property
    def samples(self):
        """The folder of pictures."""
        return self.folder / "samples"

    def read(self):
        """The run's record, or `None` in a folder that is new or empty.

        Raises:
            ValueError: when the folder holds something else, or the record is damaged.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(
                "A run needs a folder, and there is a file of that name. Choose another with "
                f"--out. Received: {self.folder}"
            )
        if not self.record_file.exists():
            found = sorted(path.name for path in self.folder.glob("[!.]*"))
            if found:
                raise ValueError(
                    "The folder is not empty and holds no run.json, so it is no run that could go "
                    f"on. Choose a new folder with --out. Received: {self.folder} with {found[:5]}"
                )
            return None
        try:
            record = json.loads(self.record_file.read_text())
            # What is not there raises a KeyError here, and not in the middle of things.
            record["settings"] = {name: record["settings"][name] for name in _names()}
            record["examples"], record["sample_shape"] = record["examples"], record["sample_shape"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self.record_file} is damaged, so the run can't be resumed. The model in "
                "model.keras can still be used; to train, choose a new folder with --out. "
                f"Received: {type(error).__name__} {error}"
            ) from error
        return record

    def write(self, record):
        """Writes the run's record, in an atomic write."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.record_file) as partial:
            partial.write_text(json.dumps(record, indent=2) + "\n")

    def trim_history(self, epochs):
        """Takes rows of epochs that the saved model has not seen out of the history.

        A run that was killed between writing a row and saving the model trains that epoch again.
        """
        if not self.history_file.exists():
            return
        with self.history_file.open(newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        # A row that was cut off by the kill is shorter than the header.
        rows = [row for row in rows if len(row) == len(header) and int(row[0]) < epochs]
        with atomic_write(self.history_file) as partial, partial.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows] if rows else [])


def train(
    folder,
    epochs,
    asked,
    *,
    data_dir=None,
    steps_per_execution=None,
    picture_every=1,
    print_fn=print,
):
    """Trains a model of the zoo in a folder, from where an earlier call with that folder stopped.

    A run that was stopped, even by a kill, and resumed ends with the weights of one that was
    never stopped, bit for bit where the backend's arithmetic is: TensorFlow on a CPU.

    Args:
        folder: path of the run's folder, new or made by an earlier call.
        epochs: integer, how many epochs the run has in the end.
        asked: dict with `model` and `data`, and any of `size`, `channels`, `batch_size`,
            `max_examples`, `seed` and `options`. What is missing or `None` has the value of the
            earlier call, or its default.
        data_dir: path where TensorFlow Datasets keeps its data. Defaults to `None`.
        steps_per_execution: integer, batches per compiled call. Defaults to `None`: as before, or
            1.
        picture_every: integer, epochs from picture to picture; 0 for none. Defaults to 1.
        print_fn: function that is called with each line of the report. Defaults to `print`.

    Returns:
        The compiled model.

    Raises:
        ValueError: when the folder holds a run with other settings, or an argument is wrong.
    """
    run = Run(pathlib.Path(folder))
    builder = registry.builder_of(asked["model"])
    legal = inspect.signature(builder).parameters
    record = run.read()
    asked = _normalized(asked, builder)
    if record is None:
        given = {name: value for name, value in asked.items() if value is not None}
        settings = {**DEFAULTS, **given}
        if settings["seed"] is None:
            settings["seed"] = random.randrange(2**31)
    else:
        settings = record["settings"]
        _check_same(run, settings, asked, {name: o.default for name, o in legal.items()})
    model = load_model(run.model_file) if record and run.model_file.exists() else None
    done = _epochs_done(run, model, record) if model else 0
    if done >= epochs:
        print_fn(f"The run in {run.folder} has {done} epochs already. For more, raise --epochs.")
        return model
    loaded = load_data(settings["data"], settings, data_dir, registry.takes_labels(builder))
    arrays = _arrays(loaded)
    # An epoch is as long as the longest of several collections.
    examples = max(len(array) for array in arrays)
    found = {"examples": examples, "sample_shape": list(np.shape(arrays[0])[1:])}
    if record and found != {name: record[name] for name in found}:
        raise ValueError(
            f"The data {settings['data']!r} is no longer what the run in {run.folder} was started "
            f"with: {_describe(found)} where the run has {_describe(record)}. Bring the old data "
            "back, or start another run in a new folder with --out."
        )
    if model is None:
        model = _build(settings, loaded, builder)
    # Before the first step, and before a folder is made, where the model can't learn from them.
    checked = check(model.fields, loaded)
    if steps_per_execution not in (None, model.steps_per_execution):
        # With its own optimizer, this changes nothing but the number of batches per call.
        model.compile(optimizer=model.optimizer, steps_per_execution=steps_per_execution)
    if record is None:
        run.write({"settings": settings, **found, "versions": _versions()})
    for stale in run.folder.glob(".*.partial*"):
        stale.unlink()
    run.trim_history(done)
    steps = -(-found["examples"] // settings["batch_size"])
    print_fn(
        f"{settings['model']} on {settings['data']}: {_describe(found)}, {steps} steps per epoch, "
        f"{keras.config.backend()} on {_device(model)}."
    )
    if done:
        print_fn(f"Resuming after epoch {done}.")
    start = time.perf_counter()
    model.fit(
        loaded,
        batch_size=settings["batch_size"],
        initial_epoch=done,
        epochs=epochs,
        callbacks=_callbacks(run, model, checked, picture_every),
        # Where the bar can't be redrawn, Keras would print each step on a new line.
        verbose="auto" if os.isatty(1) else 2,
    )
    minutes = (time.perf_counter() - start) / 60
    steps *= epochs - done
    print_fn(f"Trained epochs {done + 1} to {epochs}: {steps} steps in {minutes:.1f} minutes.")
    print_fn(f"  model     {run.model_file}")
    print_fn(f"  losses    {run.history_file}")
    if picture_every:
        print_fn(f"  pictures  {run.samples}")
    print_fn(f"  report    {report.write(run.folder)}")
    return model


def _callbacks(run, model, data, picture_every):
    callbacks = [*_pictures(run, model, data, picture_every)] if picture_every else []
    if model.answers.imitation is not None:
        # Before the logger, which writes what it finds in the logs.
        callbacks.append(Health(folder=run.folder))
    # The model last: its file says how far the run is, and all else is made again from there.
    return [
        *callbacks,
        keras.callbacks.CSVLogger(str(run.history_file), append=True),
        keras.callbacks.ModelCheckpoint(str(run.model_file)),
    ]


def _pictures(run, model, data, every):
    """Pictures of what is made from noise, or else of the first samples."""
    if model.answers.generator is not None:
        return [SampleGrid(run.samples, every=every)]
    shown = first_samples(model.fields, data, 8)
    ways = {
        name: endpoint
        for name, endpoint in model.endpoints.items()
        if len(endpoint.inputs) == 1 and endpoint.imitates and endpoint.inputs[0].name in shown
    }
    if not ways:
        return []
    inputs = {name: shown[endpoint.inputs[0].name] for name, endpoint in ways.items()}
    # Of two collections, sample i of one is not the answer to sample i of the other.
    targets = {name: shown[way.imitates] for name, way in ways.items()}
    targets = targets if are_paired(model.fields) else {}
    return [TranslationStrips(run.samples, inputs, targets, every=every)]


def _names():
    return ("model", "data", *DEFAULTS)


def _normalized(asked, builder):
    asked = {name: asked.get(name) for name in _names()}
    options = asked["options"] or {}
    if "seed" in options:
        raise ValueError(
            "The seed of a run is a separate option, which also seeds the weights: --seed "
            f"{options['seed']}. Received: --option seed={options['seed']}"
        )
    try:
        # As they are when they come back from the record: lists in place of tuples.
        asked["options"] = json.loads(json.dumps(options))
    except (TypeError, ValueError) as error:
        raise ValueError(
            "Options are numbers, strings, booleans, None, or lists of them. "
            f"Received: {options} ({error})"
        ) from error
    folder = pathlib.Path(asked["data"]).expanduser()
    is_file = folder.suffix in (".npz", ".npy")
    return {
        **asked,
        "model": builder.__name__,
        "data": str(folder.resolve()) if folder.is_dir() or is_file else asked["data"],
        "size": None if asked["size"] is None else list(asked["size"]),
    }


def _check_same(run, settings, asked, defaults):
    differences = [
        f"{name} {value} where the run has {settings[name]}"
        for name, value in asked.items()
        if name != "options" and value is not None and value != settings[name]
    ]
    had = {**json.loads(json.dumps(defaults, default=repr)), **settings["options"]}
    differences += [
        f"option {name}={value!r} where the run has "
        + (repr(had[name]) if name in had else f"only {list(had)}")
        for name, value in asked["options"].items()
        if name not in had or value != had[name]
    ]
    if differences:
        raise ValueError(
            f"The run in {run.folder} was started with other settings, so it can't be "
            f"resumed with these: {'; '.join(differences)}. Leave out what differs, which then "
            "stays as it was, or start another run in a new folder with --out."
        )


def _epochs_done(run, model, record):
    # The game's clock, saved with the weights, so the two can't disagree after a kill.
    steps = -(-record["examples"] // record["settings"]["batch_size"])
    clock = model.batches_seen
    if clock % steps:
        raise ValueError(
            f"{run.model_file} was not saved by this run: it has made {clock} steps, which are no "
            f"whole number of the run's epochs of {steps} steps. Put the run's own file back, or "
            "start another run in a new folder with --out."
        )
    return clock // steps


def _arrays(loaded):
    if isinstance(loaded, dict):
        return list(loaded.values())
    return list(loaded) if isinstance(loaded, tuple) else [loaded]


def _build(settings, loaded, builder):
    # The weights come from Keras's global seed, data order and noise from the model's.
    keras.utils.set_random_seed(settings["seed"])
    takes_seed = "seed" in inspect.signature(builder).parameters
    seed = {"seed": settings["seed"]} if takes_seed else {}
    if isinstance(loaded, dict) and len(loaded) == 1:
        (loaded,) = loaded.values()
    like = {"like": loaded} if registry.takes_data(builder) else {}
    return zoo.load(settings["model"], **like, **seed, **settings["options"])


def _describe(found):
    return f"{found['examples']} samples of {'x'.join(map(str, found['sample_shape']))}"


def _device(model):
    # "/job:localhost/replica:0/task:0/device:CPU:0" of TensorFlow, "cpu" of torch.
    return str(model.trainable_variables[0].value.device).rpartition("device:")[2]


def _versions():
    packages = ("kgan", "keras", keras.config.backend(), "numpy")
    return {
        **{package: importlib.metadata.version(package) for package in packages},
        "backend": keras.config.backend(),
        "python": platform.python_version(),
        "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def load_model(path):
    """Loads the model of a run's folder or of a `.keras` file.

    Args:
        path: path of either.

    Returns:
        The `kgan.AdversarialModel`.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is damaged, or holds no model of kgan.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        if not Run(path).model_file.exists():
            raise FileNotFoundError(
                "The folder holds no model.keras. Expected the folder of `kgan train --out`, after "
                f"its first finished epoch, or a .keras file. Received: {path}"
            )
        path = Run(path).model_file
    if not path.exists():
        raise FileNotFoundError(
            "There is no such file or folder. Expected the folder of `kgan train --out`, or a "
            f".keras file. Received: {path}"
        )
    if path.suffix != ".keras":
        raise ValueError(
            "A model is saved in a file that ends in .keras. Expected such a file, or the folder "
            f"of `kgan train --out`. Received: {path}"
        )
    try:
        model = keras.saving.load_model(path)
    except Exception as error:  # Each part of a damaged file breaks in another way.
        raise ValueError(
            f"{path} can't be loaded: it is damaged, or was not saved by kgan. Take another copy, "
            f"or train again in a new folder. Received: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(model, AdversarialModel):
        raise ValueError(
            f"{path} holds a Keras model, but none of kgan. Expected what model.save or `kgan "
            f"train` saved. Received: a {type(model).__name__}"
        )
    return model
