"""A run: one training of a model of the zoo, in a folder from which it can be resumed."""

import datetime
import importlib.metadata
import inspect
import os
import pathlib
import platform
import random
import time

import keras
import numpy as np

from kgan import report, zoo
from kgan.app.run_callbacks import callbacks_of
from kgan.app.run_folder import Run, load_model
from kgan.app.run_lock import locked
from kgan.app.run_settings import DEFAULTS, check_same, normalized
from kgan.app.user_files import load_data
from kgan.catalog import registry
from kgan.data.checks import check

__all__ = ["load_model", "registry", "train", "zoo"]


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
        BlockingIOError: when another process trains in the folder.
        OSError: when the folder can't be written.
        ValueError: when the folder holds a run with other settings, or an argument is wrong.
    """
    run = Run(pathlib.Path(folder))
    builder = registry.builder_of(asked["model"])
    with locked(run.folder):
        return _train(
            run, builder, epochs, asked, data_dir, steps_per_execution, picture_every, print_fn
        )


def _train(run, builder, epochs, asked, data_dir, steps_per_execution, picture_every, print_fn):
    legal = inspect.signature(builder).parameters
    record = run.read()
    asked = normalized(asked, builder)
    if record is None:
        given = {name: value for name, value in asked.items() if value is not None}
        settings = {**DEFAULTS, **given}
        if settings["seed"] is None:
            settings["seed"] = random.randrange(2**31)
    else:
        settings = record["settings"]
        check_same(run, settings, asked, {name: o.default for name, o in legal.items()})
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
        callbacks=callbacks_of(run, model, checked, picture_every),
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
