"""The folder of a run: what lies in it, how it is read, and the model in it.

The folder holds `model.keras` (all of the model after its last finished epoch), `run.json` (the
settings), `history.csv` (the losses and the figures of `Health`, one row per epoch), `health.json`
(those figures and the diagnoses), `samples/` (the pictures) and `report.html` (all of it, to look
at).
"""

import csv
import dataclasses
import json
import pathlib

import keras

from kgan.app.run_settings import NAMES
from kgan.game import AdversarialModel
from kgan.utils.files import atomic_write


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
            record["settings"] = {name: record["settings"][name] for name in NAMES}
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
