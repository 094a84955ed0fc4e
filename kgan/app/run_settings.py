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
}

NAMES = ("model", "data", *DEFAULTS)


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
    folder = pathlib.Path(asked["data"]).expanduser()
    is_file = folder.suffix in (".npz", ".npy")
    return {
        **asked,
        "model": builder.__name__,
        "data": str(folder.resolve()) if folder.is_dir() or is_file else asked["data"],
        "size": None if asked["size"] is None else list(asked["size"]),
    }


def check_same(run, settings, asked, defaults):
    """Raises if what a user asks for is not what the run was started with.

    Args:
        run: the `Run`.
        settings: dict, those of the run.
        asked: dict as from `normalized`.
        defaults: dict, the model's options and their defaults.

    Raises:
        ValueError: it names what differs.
    """
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
