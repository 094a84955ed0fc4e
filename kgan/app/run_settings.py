"""The settings of a run: defaults, how they are normalized, and how they differ."""

import json
import pathlib

DEFAULTS = {
    "size": None,
    "channels": None,
    "batch_size": 64,
    "max_examples": None,
    "seed": None,
    "options": {},
    "data_b": None,
    "stream": False,
    "augment": None,
    "crop": None,
    "frames": None,
    "validation": None,
    "validation_b": None,
    "metrics": [],
    "patience": None,
    "precision": None,
    "init_from": None,
}

NAMES = ("model", "data", *DEFAULTS)
# When a run ends may change, as its epochs may.
_FREE = ("patience",)
_PLACES = ("data", "data_b", "validation", "validation_b", "init_from")
_FILES = (".npz", ".npy", ".keras", ".h5")

# What may change in the middle of a run, where the user says so.
_CHANGEABLE = ("data", "size", "channels", "batch_size", "max_examples")


def normalized(asked, builder):
    """What a user asked for, as it comes back from the record of a run.

    Args:
        asked: dict of settings.
        builder: the model's builder function.

    Returns:
        A dict with all of `NAMES`, `None` where nothing was asked.

    Raises:
        ValueError: when options can't be recorded.
    """
    asked = {name: asked.get(name) for name in NAMES}
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
    return {
        **asked,
        **{name: _place(asked[name]) for name in _PLACES},
        "model": builder.__name__,
        "size": None if asked["size"] is None else list(asked["size"]),
    }


def _place(name):
    """A path as it is found from everywhere; names of datasets and fractions as they are."""
    if not isinstance(name, str):
        return name
    path = pathlib.Path(name).expanduser()
    return str(path.resolve()) if path.is_dir() or path.suffix in _FILES else name


def checked_record(record):
    """The record of a run, checked: a damaged one is found here, and not in the middle of things.

    Args:
        record: what a JSON file holds.

    Returns:
        The record, whose settings are in the order of `NAMES`.

    Raises:
        ValueError: when something is missing, or is nonsense; in words that go after the file's
            name.
    """
    if not isinstance(record, dict) or not isinstance(record.get("settings"), dict):
        raise ValueError("it holds no settings")
    settings = record["settings"]
    missing = [name for name in ("model", "data") if name not in settings]
    missing += [name for name in ("examples", "sample_shape") if name not in record]
    if missing:
        raise ValueError(f"it lacks {missing}")
    settings = {**{name: settings.get(name, DEFAULTS.get(name)) for name in NAMES}, **settings}
    sides, maximum = settings["size"], settings["max_examples"]
    expected = {
        "a model's name": isinstance(settings["model"], str),
        "a size of two positive integers": sides is None or _are_counts(sides, 2),
        "channels of 1 or 3": settings["channels"] in (None, 1, 3),
        "a batch_size of at least 1": _is_count(settings["batch_size"]),
        "max_examples of at least 1": maximum is None or _is_count(maximum),
        "a seed of at least 0": settings["seed"] == 0 or _is_count(settings["seed"]),
        "options as a dictionary": isinstance(settings["options"], dict),
        "examples of at least 1": _is_count(record["examples"]),
        "a sample_shape of positive integers": _are_counts(record["sample_shape"]),
    }
    wrong = [words for words, is_right in expected.items() if not is_right]
    if wrong:
        found = {**settings, **{name: record[name] for name in ("examples", "sample_shape")}}
        raise ValueError(f"it needs {', '.join(wrong)}, and has {found}")
    return {**record, "settings": settings}


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _are_counts(values, length=None):
    return (
        isinstance(values, list) and all(map(_is_count, values)) and length in (None, len(values))
    )


def edits(record, saved):
    """What run.json says otherwise than the model's own record: a list of strings.

    Args:
        record: dict, of run.json.
        saved: dict, of model.keras.
    """
    pairs = {name: (record["settings"].get(name), saved["settings"].get(name)) for name in NAMES}
    (options, trained) = pairs.pop("options")
    pairs = {name: pair for name, pair in pairs.items() if name not in _FREE}
    for name in {**options, **trained}:
        pairs[f"option {name}"] = (options.get(name), trained.get(name))
    for name in ("examples", "sample_shape"):
        pairs[name] = (record[name], saved[name])
    return [
        f"{name} {here!r} in run.json where model.keras was trained with {there!r}"
        for name, (here, there) in pairs.items()
        if here != there
    ]


def changes_of(run, settings, asked, defaults):
    """What a user asks for and the run was not started with: a list of strings.

    What can't change in a trained model is an error: its name, its seed and its options.

    Args:
        run: the `Run`.
        settings: dict, those of the run.
        asked: dict as from `normalized`.
        defaults: dict, the model's options and their defaults.

    Raises:
        ValueError: it names what differs.
    """
    differences = {
        name: f"{name} {value} where the run has {settings[name]}"
        for name, value in asked.items()
        if name not in ("options", *_FREE) and value is not None and value != settings[name]
    }
    changeable = [text for name, text in differences.items() if name in _CHANGEABLE]
    differences = [text for name, text in differences.items() if name not in _CHANGEABLE]
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
    return changeable


def check_allowed(run, changes, allowed, print_fn):
    """Names what has changed since the run began; raises where that was not allowed.

    Args:
        run: the `Run`.
        changes: list of strings.
        allowed: boolean, whether the run goes on with them.
        print_fn: function that is called with a line.

    Raises:
        ValueError: when there are changes that were not allowed.
    """
    if changes and not allowed:
        raise ValueError(
            f"The run in {run.folder} was started with something else: {'; '.join(changes)}. Put "
            "it back as it was, start another run in a new folder with --out, or go on with the "
            "change: --allow-changes."
        )
    for change in changes:
        print_fn(f"Changed: {change}.")


def check_together(settings):
    """Raises if settings of a run contradict each other.

    Args:
        settings: dict, those of the run.

    Raises:
        ValueError: it names what is missing.
    """
    needing = [name for name in ("metrics", "patience", "validation_b") if settings[name]]
    if needing and settings["validation"] is None:
        option = {"metrics": "--metric"}.get(needing[0], "--" + needing[0].replace("_", "-"))
        raise ValueError(
            f"{option} is about held-out data, and there is none. Hold some out with --validation "
            f"0.1, or name a folder of it. Received: {option} {settings[needing[0]]}"
        )
    fraction = settings["validation"]
    if isinstance(fraction, float) and not 0 < fraction < 1:
        raise ValueError(
            "Held-out data is a fraction of the data, above 0 and below 1, or a folder or file of "
            f"its own. Received: --validation {fraction:g}"
        )
    if settings["data_b"] and isinstance(settings["validation"], str):
        if settings["validation"] != "test" and not settings["validation_b"]:
            raise ValueError(
                "Two kinds of images are trained on, so both are held out: --validation a/ "
                f"--validation-b b/. Received: --validation {settings['validation']} alone"
            )
