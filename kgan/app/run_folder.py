"""The folder of a run: what lies in it, how it is read, and the model in it.

The folder holds `model.keras` (all of the model after its last finished epoch), `run.json` (the
settings), `history.csv` (the losses and the figures of `Health`, one row per epoch), `health.json`
(those figures and the diagnoses), `samples/` (the pictures) and `report.html` (all of it, to look
at).
"""

import dataclasses
import json
import pathlib
import zipfile

import keras

from kgan.app.run_settings import checked_record
from kgan.game import AdversarialModel
from kgan.utils.damaged import keep_aside, read_object
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

        Where run.json is missing or damaged, the copy in model.keras takes its place.

        Raises:
            ValueError: when the folder holds something else, or no record that can be read.
        """
        saved = self.read_saved()
        if not self.record_file.exists():
            found = sorted(path.name for path in self.folder.glob("[!.]*"))
            if found and saved is None:
                raise ValueError(
                    "The folder is not empty and holds no run.json, so it is no run that could go "
                    f"on. Choose a new folder with --out. Received: {self.folder} with {found[:5]}"
                )
            return saved
        try:
            return checked_record(read_object(self.record_file))
        except ValueError as error:
            if saved is not None:
                keep_aside(self.record_file, f"is damaged: {error}")
                return saved
            raise ValueError(
                f"{self.record_file} is damaged, so the run can't be resumed. The model in "
                "model.keras can still be used; to train, choose a new folder with --out. "
                f"Received: {error}"
            ) from error

    def read_saved(self):
        """The record that lies in model.keras: what its model was trained with, as it was then.

        Returns:
            A dict with `epochs` and `logs` of the last epoch too, or `None` where there is none, as
            before the first epoch and in runs of earlier versions.
        """
        try:
            with zipfile.ZipFile(self.model_file) as archive:
                return checked_record(json.loads(archive.read(self.record_file.name)))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile):
            return None  # What is wrong with the file is said when the model is loaded.

    def write(self, record):
        """Writes the run's record, in an atomic write."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.record_file) as partial:
            partial.write_text(json.dumps(record, indent=2) + "\n")

    def is_past_its_best(self, patience, clock):
        """Whether `patience` epochs brought nothing better than the best one, and training ended.

        Args:
            patience: integer, or `None`.
            clock: integer, the batches that the saved model has seen.
        """
        path = self.folder / "best.json"
        if patience is None or not path.is_file():
            return False
        try:
            record = read_object(path)
            best, last = record["best"], record["last"]
            return last["batch"] <= clock and last["epoch"] - best["epoch"] >= patience
        except (ValueError, KeyError, TypeError):
            return False  # It is damaged, which `BestMoment` says.

    def save(self, model, record, epochs, logs):
        """Saves the model and, in the same file, the record: so the two can't disagree.

        Args:
            model: the model.
            record: dict, the run's record.
            epochs: integer, how many epochs the model has been trained.
            logs: dict of floats, what the last of them logged.
        """
        with atomic_write(self.model_file) as partial:
            model.save(partial)
            with zipfile.ZipFile(partial, "a") as archive:
                content = {**record, "epochs": epochs, "logs": logs}
                archive.writestr(self.record_file.name, json.dumps(content, indent=2))


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
