"""Reads what a run left in its folder. What is missing is left out."""

import dataclasses
import pathlib
import warnings

import numpy as np

from kgan.drawing.films import epoch_of
from kgan.pictures.history import History, read_history
from kgan.utils.damaged import check_rows, read_object

_ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".webp"}
# In place of what is missing in files of other programs and of later versions.
_NOTHING = {}


@dataclasses.dataclass(frozen=True)
class Series:
    """Pictures of one thing, epoch by epoch, as the callbacks save them.

    Args:
        folder: path.
        frames: list of (epoch, path) in the order of epochs.
        film: path of the film of them, or `None`.
    """

    folder: pathlib.Path
    frames: list
    film: pathlib.Path | None


@dataclasses.dataclass(frozen=True)
class Contents:
    """What lies in the folder of a run.

    Args:
        folder: path.
        record: dict, run.json. Empty where there is none.
        history: `History`, or `None`.
        health: dict of `figures` and `diagnoses`, or `None`.
        best: dict, best.json, or `None`.
        series: list of `Series`.
        pictures: list of paths of other pictures.
        problems: list of sentences on files that are damaged and left out.
    """

    folder: pathlib.Path
    record: dict
    history: History | None
    health: dict | None
    best: dict | None
    series: list
    pictures: list
    problems: list

    @property
    def real(self):
        """Path of the picture of real samples, or `None`."""
        path = self.folder / "real.png"
        return path if path.is_file() else None

    @property
    def of_real(self):
        """What figures are between real samples: a dict of name -> number."""
        return _dict((self.health or {}).get("of_real"))

    @property
    def settings(self):
        """Settings of the run, as a dict."""
        return _dict(self.record.get("settings"))

    @property
    def metrics(self):
        """What the run knows of its metrics: a dict of name -> dict of mode and protocol."""
        return {name: _dict(about) for name, about in _dict(self.record.get("metrics")).items()}

    @property
    def modes(self):
        """What is best, by the names of metrics, as far as the run says so."""
        modes = {name: about.get("mode") for name, about in self.metrics.items()}
        if self.best:
            modes[self.best.get("metric")] = self.best.get("mode")
        return {name: mode for name, mode in modes.items() if mode in ("min", "max")}


def read(folder):
    """Reads the folder of a run.

    Args:
        folder: path.

    Returns:
        `Contents`.

    Raises:
        FileNotFoundError: when there is no such folder.
        ValueError: when it is no run's folder.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            "A report is made of the folder of a run, as `kgan train --out` makes it. "
            f"Received: {folder}, which is no folder"
        )
    names = ("run.json", "history.csv", "health.json")
    if not any((folder / name).is_file() for name in names):
        found = sorted(path.name for path in folder.glob("[!.]*"))
        raise ValueError(
            "The folder holds no run: a report needs one of run.json, history.csv and health.json. "
            "Name the folder of `kgan train --out`, or log your own training there with "
            f"keras.callbacks.CSVLogger. Received: {folder} with {found[:5]}"
        )
    problems = []
    record, health, best = (
        _json(folder / name, problems) for name in ("run.json", "health.json", "best.json")
    )
    series, pictures = _pictures(folder)
    return Contents(
        folder=folder,
        record=record or {},
        history=_history(folder / "history.csv", health, problems),
        health=health,
        best=best,
        series=series,
        pictures=pictures,
        problems=problems,
    )


def _json(path, problems):
    """What a file holds; nothing, and a sentence among the problems, where it is damaged."""
    if not path.is_file():
        return None
    try:
        content = read_object(path)
        for name in ("figures", "held_out") if path.name == "health.json" else ():
            check_rows(content, name)
    except ValueError as error:
        problems.append(f"{path.name} is damaged, and left out here: {error}")
        return None
    return content


def _history(path, health, problems):
    """The losses, and the figures of health that are not among them."""
    history = None
    if path.is_file() and path.stat().st_size:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                history = read_history(path)
            except ValueError as error:
                problems.append(f"history.csv can't be read, and is left out here: {error}")
        problems += [str(warning.message) for warning in said]
    # CSVLogger, which fixes its columns at the first epoch, may lack held-out figures.
    rows = [
        row
        for name in ("figures", "held_out")
        for row in _list((health or {}).get(name))
        if "epoch" in _dict(row)
    ]
    if not rows:
        return history
    if history is None:
        epochs = np.unique([int(row["epoch"]) for row in rows])
        history = History(epochs, {})
    columns = dict(history.columns)
    places = {int(epoch): place for place, epoch in enumerate(history.epochs)}
    for row in rows:
        for name, value in row.items():
            if name in ("epoch", "batch") or name in history.columns:
                continue
            if int(row["epoch"]) in places and isinstance(value, int | float):
                empty = np.full(len(history.epochs), np.nan)
                columns.setdefault(name, empty)[places[int(row["epoch"])]] = value
    return History(history.epochs, columns)


def _pictures(folder):
    """Series of pictures, and other pictures, of the folder and the folders in it."""
    # Hidden files are not the run's, as those that are being written.
    found = [
        path
        for pattern in ("[!.]*", "[!.]*/[!.]*")
        for path in sorted(folder.glob(pattern))
        if path.suffix.lower() in _ENDINGS and path.is_file()
    ]
    series, rest = [], []
    for place in dict.fromkeys(path.parent for path in found):
        here = [path for path in found if path.parent == place]
        frames = sorted((epoch_of(path), path) for path in here if epoch_of(path) is not None)
        film = place / "training.gif"
        film = film if frames and film in here else None
        if frames:
            series.append(Series(place, frames, film))
        taken = {film, *(path for _, path in frames)}
        rest += [path for path in here if path not in taken]
    if series:
        # Real samples have a place of their own, beside the generated ones.
        rest = [path for path in rest if path != folder / "real.png"]
    return series, rest


def _dict(value):
    return value if isinstance(value, dict) else _NOTHING


def _list(value):
    return value if isinstance(value, list) else []
