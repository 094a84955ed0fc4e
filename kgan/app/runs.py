"""A run: one training of a model of the zoo, in a folder from which it can be resumed."""

import datetime
import importlib.metadata
import inspect
import os
import pathlib
import platform
import random
import time
import uuid

import keras
import numpy as np

from kgan import zoo
from kgan.app import held_out
from kgan.app.fingerprint import fingerprint
from kgan.app.run_callbacks import best_of, callbacks_of, lacks_last_row, write_report
from kgan.app.run_folder import Run, load_model
from kgan.app.run_lock import locked
from kgan.app.run_settings import (
    DEFAULTS,
    changes_of,
    check_allowed,
    check_together,
    edits,
    normalized,
)
from kgan.app.user_files import Wanted, arrays_of, load_data
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
    allow_changes=False,
    print_fn=print,
):
    """Trains a model of the zoo in a folder, from where an earlier call with that folder stopped.

    A run that was stopped, even by a kill, and resumed ends with the weights of one that was
    never stopped, bit for bit where the backend's arithmetic is: TensorFlow on a CPU.

    Args:
        folder: path of the run's folder, new or made by an earlier call.
        epochs: integer, how many epochs the run has in the end.
        asked: dict with `model` and `data`, and any of `size`, `channels`, `batch_size`,
            `max_examples`, `seed`, `options`, `data_b`, `stream`, `validation`, `validation_b`,
            `metrics`, `patience`, `precision` and `init_from`, as `kgan train` explains them. What
            is missing or `None` has the value of the earlier call, or its default.
        data_dir: path where TensorFlow Datasets keeps its data. Defaults to `None`.
        steps_per_execution: integer, batches per compiled call. Defaults to `None`: as before, or
            1.
        picture_every: integer, epochs from picture to picture; 0 for none. Defaults to 1.
        allow_changes: boolean, whether a run goes on with other data, batches or another backend
            than it was started with. Defaults to `False`: what differs is named, and nothing done.
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
        record, saved = run.read(), run.read_saved()
        settings, changes = _settle(run, builder, asked, record, saved, allow_changes, print_fn)
        if settings["precision"] is not None:
            keras.config.set_dtype_policy(settings["precision"])
        model = load_model(run.model_file) if record and run.model_file.exists() else None
        done = _epochs_done(run, model, record, saved) if model else 0
        unseen = saved if done and saved and lacks_last_row(run, done) else None
        if not unseen and (ended := _why_it_has_ended(run, settings, model, done, epochs)):
            print_fn(ended)
            return model
        wanted = Wanted.by(registry.like_of(settings["model"]))
        loaded = load_data(settings["data"], settings, data_dir, wanted, settings["data_b"])
        loaded, validation = held_out.split(loaded, settings, data_dir, wanted)
        found = _found_in(arrays_of(loaded))
        if record is not None:
            changed = _changes_of_data(saved or record, found, settings)
            check_allowed(run, changed, allow_changes, print_fn)
            changes += changed
        record = _record_of(record, settings, found, done, changes, print_fn)
        if model is None:
            model = _build(settings, loaded, builder)
            if settings["init_from"] is not None:
                print_fn(f"From {settings['init_from']}: {_begin_from(model, settings)}.")
        # Before the first step, and before a folder is made, where the model can't learn from them.
        checked = check(model.fields, loaded)
        validation = _measure_on(model, validation, settings, steps_per_execution)
        run.write({name: value for name, value in record.items() if name not in ("epochs", "logs")})
        steps = -(-found["examples"] // settings["batch_size"])
        print_fn(
            f"{settings['model']} on {settings['data']}: {_describe(found)}, {steps} steps per "
            f"epoch, {keras.config.backend()} on {_device(model)}."
        )
        if validation is not None:
            names = ", ".join(model.sample_metrics.directions)
            print_fn(
                f"Measured after each epoch on {len(validation[0])} held-out samples: {names}."
            )
        best = best_of(run, settings, print_fn)

        def fit(until, unseen=None):
            watchers = callbacks_of(run, model, checked, picture_every, record, unseen, best)
            model.fit(
                loaded,
                batch_size=settings["batch_size"],
                initial_epoch=done,
                epochs=until,
                validation_data=validation,
                callbacks=watchers,
                # Where the bar can't be redrawn, Keras would print each step on a new line.
                verbose="auto" if os.isatty(1) else 2,
            )

        if unseen:
            # Before any step: what it finds may be that training is over.
            fit(done, unseen)
            print_fn(
                f"Epoch {done}, which was stopped before its end, has its row and figures now."
            )
        if ended := _why_it_has_ended(run, settings, model, done, epochs):
            print_fn(ended)
        else:
            if done:
                print_fn(f"Resuming after epoch {done}.")
            start = time.perf_counter()
            fit(epochs)
            minutes = (time.perf_counter() - start) / 60
            last = run.read_saved()["epochs"]
            steps *= last - done
            print_fn(
                f"Trained epochs {done + 1} to {last}: {steps} steps in {minutes:.1f} minutes."
            )
            if last < epochs:
                print_fn(f"Ended early: {settings['patience']} epochs brought nothing better.")
        _print_places(run, best, picture_every, print_fn)
        return model


def _settle(run, builder, asked, record, saved, allow_changes, print_fn):
    """The settings of a run, new or resumed, and what differs from those that it began with."""
    asked = normalized(asked, builder)
    changes, given = [], {name: value for name, value in asked.items() if value is not None}
    if record is None:
        settings = {**DEFAULTS, **given}
        if settings["seed"] is None:
            settings["seed"] = random.randrange(2**31)
    else:
        if saved and saved.get("id") != record.get("id"):
            raise ValueError(
                f"{run.model_file} was not saved by this run, but by that of "
                f"{saved['settings']['model']} on {saved['settings']['data']}. Put the run's own "
                "file back, or start another run in a new folder with --out."
            )
        changes += edits(record, saved) if saved else []
        settings = (saved or record)["settings"]
        defaults = {name: o.default for name, o in inspect.signature(builder).parameters.items()}
        changes += changes_of(run, settings, asked, defaults)
        check_allowed(run, changes, allow_changes, print_fn)
        settings = {**settings, **given, "options": settings["options"]}
    check_together(settings)
    return settings, changes


def _why_it_has_ended(run, settings, model, done, epochs):
    """Words on why no epoch is left to train, or `None`."""
    if done >= epochs:
        return f"The run in {run.folder} has {done} epochs already. For more, raise --epochs."
    if done and run.is_past_its_best(settings["patience"], model.batches_seen):
        return (
            f"The run in {run.folder} has ended after epoch {done}: {settings['patience']} epochs "
            "brought nothing better. To go on, raise --patience."
        )
    return None


def _found_in(arrays):
    """What a run remembers of its data."""
    return {
        # An epoch is as long as the longest of several collections.
        "examples": max(len(array) for array in arrays),
        "sample_shape": list(np.shape(arrays[0])[1:]),
        "fingerprint": fingerprint(arrays),
    }


def _record_of(record, settings, found, done, changes, print_fn):
    """What the folder says of a run: of a new one, or of one that goes on."""
    if record is None:
        return {"id": uuid.uuid4().hex, "settings": settings, **found, "versions": _versions()}
    if "fingerprint" not in record:
        print_fn("An earlier kgan started this run: only the data's shape could be compared.")
    record = {**record, "settings": settings, **found}
    if changes:
        record["versions"] = _versions()
        record["changes"] = [*record.get("changes", []), {"epoch": done, "what": changes}]
    return record


def _measure_on(model, validation, settings, steps_per_execution):
    """Compiles the model with its metrics, which changes no training. Returns the checked data."""
    metrics = []
    if validation is not None:
        validation = held_out.checked(model, validation)
        metrics = held_out.metrics_of(settings["metrics"], model, validation)
    steps_per_execution = steps_per_execution or model.steps_per_execution
    model.compile(model.optimizer, metrics, steps_per_execution=steps_per_execution)
    return validation


def _print_places(run, best, picture_every, print_fn):
    print_fn(f"  model     {run.model_file}")
    if best is not None and best.best is not None:
        print_fn(f"  best      {best.model_file}")
    print_fn(f"  losses    {run.history_file}")
    if picture_every:
        print_fn(f"  pictures  {run.samples}")
    print_fn(f"  report    {write_report(run)}")


def _changes_of_data(record, found, settings):
    """What is other than it was when the run began, beside what the user asks for."""
    changes = []
    shapes = [_describe(found), _describe(record)]
    if shapes[0] != shapes[1]:
        changes.append(f"the data {settings['data']!r}, {shapes[0]} where the run has {shapes[1]}")
    elif record.get("fingerprint", found["fingerprint"]) != found["fingerprint"]:
        changes.append(
            f"the data {settings['data']!r}, which has other content than when the run began"
        )
    backend = record.get("versions", {}).get("backend", keras.config.backend())
    if backend != keras.config.backend():
        changes.append(f"the backend, {keras.config.backend()} where the run has {backend}")
    return changes


def _epochs_done(run, model, record, saved):
    # The game's clock, saved with the weights, so the two can't disagree after a kill.
    clock = model.batches_seen
    if saved:
        return saved["epochs"]
    steps = -(-record["examples"] // record["settings"]["batch_size"])
    if clock % steps:
        raise ValueError(
            f"{run.model_file} was not saved by this run: it has made {clock} steps, which are no "
            f"whole number of the run's epochs of {steps} steps. Put the run's own file back, or "
            "start another run in a new folder with --out."
        )
    return clock // steps


def _begin_from(model, settings):
    """Fine-tuning: a new model takes what fits of a trained one. Returns what was taken."""
    place = settings["init_from"]
    if place.endswith(".weights.h5") or not pathlib.Path(place).exists() and "/" not in place:
        source = zoo.load(settings["model"], weights=place)
    else:
        source = load_model(place)
    return zoo.take_weights(model, source)


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
