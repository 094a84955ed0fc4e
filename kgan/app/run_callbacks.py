"""What watches the training of a run: pictures, figures, a log and the checkpoint."""

import warnings

import keras

from kgan import report
from kgan.callbacks import BestMoment, Health, HistoryLogger, SampleGrid, TranslationStrips
from kgan.data.field_lookup import are_paired
from kgan.data.sampling import first_samples
from kgan.utils.history_table import read_table


def best_of(run, settings, print_fn):
    """The callback that keeps the best epoch's model, where data is held out, or `None`.

    Args:
        run: the `Run`.
        settings: dict, those of the run.
        print_fn: function that is called with a line at the end.
    """
    if settings["validation"] is None:
        return None
    return BestMoment(run.folder, patience=settings["patience"], print_fn=print_fn)


def callbacks_of(run, model, data, picture_every, record, saved, best=None):
    """The callbacks of a run, in the order in which they are called.

    Args:
        run: the `Run`.
        model: its model.
        data: what `fit` is given, checked.
        picture_every: integer, epochs from picture to picture; 0 for none.
        record: dict, the run's record, which is saved with the model.
        saved: dict, the record of the epoch whose watchers a kill kept from their work, or `None`.
        best: as from `best_of`. Defaults to `None`.

    Returns:
        A list of `keras.callbacks.Callback`.
    """
    watchers = [] if best is None else [best]
    watchers += _pictures(run, model, data, picture_every) if picture_every else []
    if model.answers.imitation is not None:
        # Before the logger, which writes what it finds in the logs.
        watchers.append(Health(folder=run.folder))
    # Last of the watchers: an epoch that has its row has all else too.
    watchers.append(HistoryLogger(run.history_file))
    # The model first: what fails or is killed after it costs no training.
    return [Saver(run, record), *watchers, *([CatchUp(watchers, saved)] if saved else [])]


class Saver(keras.callbacks.Callback):
    """Saves the model of a run after each epoch, with what the run's record says.

    Args:
        run: the `Run`.
        record: dict, the run's record.
    """

    def __init__(self, run, record):
        super().__init__()
        self.run = run
        self.record = record

    def on_epoch_end(self, epoch, logs=None):
        """Saves the model, how many epochs it has, and what the last one logged."""
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self.run.save(self.model, self.record, epoch + 1, logs)


class CatchUp(keras.callbacks.Callback):
    """Lets the watchers look at the last epoch of a run that was killed before they had.

    All that they look at is in the model, so what they make is what it would have been.

    Args:
        watchers: list of callbacks, which come before this one.
        saved: dict, the record that was saved with the model.
    """

    def __init__(self, watchers, saved):
        super().__init__()
        self.watchers = watchers
        self.saved = saved

    def on_train_begin(self, logs=None):
        """Gives each watcher the end of that epoch."""
        epoch, logs = self.saved["epochs"] - 1, dict(self.saved["logs"])
        for watcher in self.watchers:
            watcher.on_epoch_begin(epoch)
            watcher.on_epoch_end(epoch, logs)


def lacks_last_row(run, epochs):
    """Whether the history lacks the row of the last epoch of the model: a kill came between.

    Args:
        run: the `Run`.
        epochs: integer, how many epochs the model has.
    """
    try:
        rows = read_table(run.history_file).rows
    except (OSError, ValueError):
        return True
    return not any(int(row["epoch"]) == epochs - 1 for row in rows)


def write_report(run):
    """The page of a run, as a path; where it can't be written, words on why."""
    try:
        return report.write(run.folder)
    except Exception as error:  # The run is complete without it.
        warnings.warn(f"The report could not be written: {error}", stacklevel=2)
        return f"not written, see `kgan report {run.folder}`"


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
