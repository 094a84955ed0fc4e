"""The callback that keeps the losses and figures of each epoch in a file."""

import pathlib
import warnings

import keras

from kgan.utils.damaged import keep_aside
from kgan.utils.files import atomic_write
from kgan.utils.hints import FilePath, Logs
from kgan.utils.history_table import read_table, write_table


class HistoryLogger(keras.callbacks.Callback):
    """Writes the losses and figures of each epoch to a CSV file, a row per epoch.

    Use this in place of `keras.callbacks.CSVLogger`, which fixes its columns at the first epoch:
    held-out figures with `validation_freq=5`, or `Health(every=5)`, begin later, and get a column
    then. A cell is empty where an epoch was not measured. The file is replaced in one move, so a
    kill or a full disk leaves the last whole one. Put it after the callbacks that add to the logs.

    A resumed training (`initial_epoch` of `fit`) continues the file; rows of later epochs, which a
    killed one left, are removed. A file that is damaged is kept as `history.csv.damaged-1`.

    Args:
        path: path of the CSV file. Its folder is made when missing.

    Example:

    ```python
    import tempfile

    import kgan

    points = kgan.data.ring(256, seed=0)
    model = kgan.zoo.load("vanilla", like=points)
    folder = tempfile.mkdtemp()
    callbacks = [kgan.callbacks.Health(), kgan.callbacks.HistoryLogger(folder + "/history.csv")]
    model.fit(points, epochs=2, verbose=0, callbacks=callbacks)
    figure = kgan.pictures.plot_history(folder)
    ```
    """

    def __init__(self, path: FilePath) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self._rows = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Makes the folder."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._rows, self._has_warned = None, False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Reads what an earlier call wrote, up to the epoch that begins."""
        if self._rows is None:
            self._rows = [row for row in self._recall() if int(row["epoch"]) < epoch]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Adds the epoch's row."""
        figures = {name: _text(value) for name, value in (logs or {}).items()}
        self._rows.append({"epoch": str(epoch), **figures})
        self._write()

    def _recall(self):
        if not self.path.exists():
            return []
        try:
            table = read_table(self.path)
        except ValueError as error:
            keep_aside(self.path, f"is damaged: {error}")
            return []
        if table.damaged:
            lines = ", ".join(map(str, table.damaged[:10]))
            keep_aside(self.path, f"is damaged: no rows are in lines {lines}", copy=True)
        return table.rows

    def _write(self):
        try:
            with atomic_write(self.path) as partial, partial.open("w", newline="") as file:
                write_table(file, self._rows)
        except OSError as error:
            # The rows are kept, and written with the next one.
            if not self._has_warned:
                warnings.warn(
                    f"The epoch's row could not be written, and will be with a later one. {error}",
                    stacklevel=2,
                )
            self._has_warned = True


def _text(value):
    if isinstance(value, int):
        return str(int(value))
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        return str(value)  # Words, or several numbers.
