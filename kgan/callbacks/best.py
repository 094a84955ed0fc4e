"""The callback that keeps the best moment of a run."""

import json
import math
import pathlib
from collections.abc import Callable
from typing import Any, Literal

import keras

from kgan.utils.arguments import check_count
from kgan.utils.damaged import keep_aside, read_object
from kgan.utils.files import atomic_write
from kgan.utils.hints import FilePath, Logs


class BestMoment(keras.callbacks.Callback):
    """Saves the model whenever a metric is the best so far, and reports the best and the last.

    Use this because a GAN's last epoch is seldom its best: training oscillates, and it may end in
    mode collapse. The metric comes from `compile(metrics=...)` and `validation_data`.

    `folder/best.keras` is the model of the best epoch, with its optimizers, so that training can
    resume from there; `folder/best.json` names the metric, the best and the last epoch and value. A
    resumed run knows the best moment of the earlier one. For how often and how much to save, and
    for other names, Keras's `ModelCheckpoint(monitor="val_...", mode=..., save_best_only=True)`
    works as well.

    Args:
        folder: path of a folder. It is made when missing.
        monitor: string, a name in the logs, such as `"val_frechet_distance"`. Defaults to `None`:
            the first metric that the model was compiled with.
        mode: `"min"` or `"max"`. Defaults to `None`: what is better in that metric.
        patience: integer, epochs without a better value after which training ends. Unlike
            Keras's `EarlyStopping` it counts on where an earlier call stopped. Defaults to `None`:
            training goes on.
        print_fn: function that is called at the end with a line on the best and the last moment.
            Defaults to `print`.

    Raises:
        ValueError: from `fit`, before the first step, when the model has no metric, nothing logs
            the name, the mode is not known, or there is no validation data.

    Example:

    ```python
    import tempfile

    import kgan

    points = kgan.data.ring(512, seed=0)
    model = kgan.zoo.load("vanilla", like=points)
    model.compile(optimizer=model.optimizer, metrics=[kgan.metrics.SlicedWasserstein()])
    best = kgan.callbacks.BestMoment(tempfile.mkdtemp())
    model.fit(points, validation_data=points, epochs=2, callbacks=[best], verbose=0)
    ```
    """

    def __init__(
        self,
        folder: FilePath,
        monitor: str | None = None,
        mode: Literal["min", "max"] | None = None,
        patience: int | None = None,
        print_fn: Callable[[str], Any] = print,
    ) -> None:
        super().__init__()
        if mode not in (None, "min", "max"):
            raise ValueError(
                'The mode says which values are better: "min", "max", or None for the metric\'s '
                f"own. Received: mode={mode!r}"
            )
        self.folder = pathlib.Path(folder)
        self.monitor = monitor
        self.mode = mode
        self.patience = None if patience is None else check_count("patience", patience)
        self.print_fn = print_fn
        self.best = self.last = None

    @property
    def model_file(self) -> pathlib.Path:
        """Path of the model of the best moment."""
        return self.folder / "best.keras"

    @property
    def record_file(self) -> pathlib.Path:
        """Path of the figures."""
        return self.folder / "best.json"

    @property
    def is_over(self) -> bool:
        """Whether `patience` epochs have passed since the best one."""
        if self.patience is None or self.best is None:
            return False
        return self.last["epoch"] - self.best["epoch"] >= self.patience

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Finds out what is monitored and which way is better, and what an earlier call found."""
        directions = self.model.sample_metrics.directions
        if self.monitor is None:
            if not directions:
                raise ValueError(
                    "BestMoment needs a metric to monitor. Compile the model with a metric: "
                    "model.compile(optimizer=model.optimizer, metrics=[kgan.metrics."
                    "FrechetDistance()]), or name a log: BestMoment(folder, monitor=..., mode=...)."
                    " Received: monitor=None and a model without metrics"
                )
            self.monitor = "val_" + next(iter(directions))
        self.mode = self.mode or directions.get(self.monitor.removeprefix("val_"))
        if self.mode is None:
            raise ValueError(
                'Say which values are better, with mode="min" or mode="max": no metric of the '
                f"model has this name. Received: monitor={self.monitor!r}, metrics "
                f"{list(directions)}"
            )
        if self.monitor.startswith("val_") and not getattr(self.model, "validates", True):
            raise ValueError(
                f"'{self.monitor}' is measured on held-out data: pass some to fit as "
                "validation_data=..., or hold out a part of arrays with validation_split=0.1. "
                "Received: fit without validation data"
            )
        held_out = [f"val_{name}" for name in (*directions, "loss", *self.model.trackers)]
        if self.monitor.startswith("val_") and self.monitor not in held_out:
            raise ValueError(
                f"Nothing logs '{self.monitor}'. On held-out data this model is measured by "
                f"{held_out}. Received: monitor={self.monitor!r}"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._recalled, self._logged = False, []

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Restores what an earlier call found, up to where the model stands."""
        # Not before training: a callback that restores the model may come after this one.
        if self._recalled:
            return
        self._recalled = True
        if self.best is not None:
            # The best of another model is not this one's.
            if self.best["batch"] > self.model.batches_seen:
                self.best = self.last = None
            return
        if not (self.record_file.exists() and self.model_file.exists()):
            return
        try:
            record = _read(self.record_file)
        except ValueError as error:
            keep_aside(self.record_file, f"is damaged: {error}")
            keep_aside(self.model_file, "has lost its figure, which best.json held", "earlier")
            return
        known = (record["metric"], record["mode"]) == (self.monitor, self.mode)
        if known and record["best"].get("batch", math.inf) <= self.model.batches_seen:
            self.best, self.last = record["best"], record["last"]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves the model when it is the best so far, and notes where the run stands."""
        self._logged = list(logs or {})
        value = (logs or {}).get(self.monitor)
        if value is None:
            return  # With validation_freq, only some epochs are measured.
        self.last = {"epoch": epoch + 1, "batch": self.model.batches_seen, "value": float(value)}
        if self.best is None or self._is_better(self.last["value"], self.best["value"]):
            self.best = self.last
            self.model.save(self.model_file)
        with atomic_write(self.record_file) as partial:
            record = {"metric": self.monitor, "mode": self.mode}
            partial.write_text(json.dumps({**record, "best": self.best, "last": self.last}) + "\n")
        if self.is_over:
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Reports the best and the last moment."""
        if self.best is not None:
            self.print_fn(
                f"Best {self.monitor}: {self.best['value']:.4g} in epoch {self.best['epoch']}, "
                f"kept in {self.model_file}; last: {self.last['value']:.4g} in epoch "
                f"{self.last['epoch']}."
            )
        elif self._logged:  # Where no epoch was left to train, nothing was missed.
            self.print_fn(
                f"BestMoment kept nothing: '{self.monitor}' was never logged, and the last epoch "
                f"logged {self._logged}."
            )

    def _is_better(self, value, best):
        if math.isnan(value) or math.isnan(best):
            return math.isnan(best) and not math.isnan(value)
        return value < best if self.mode == "min" else value > best


def _read(path):
    """What an earlier call wrote, checked as far as it is gone on with."""
    record = read_object(path)
    for name in ("best", "last"):
        moment = record.get(name)
        numbers = (moment or {}).values() if isinstance(moment, dict) else [None]
        whole = isinstance(moment, dict) and {"epoch", "value"} <= set(moment)
        if not whole or not all(isinstance(number, int | float) for number in numbers):
            raise ValueError(f"its '{name}' is no moment with an epoch and a value, {moment!r}")
    if not {"metric", "mode"} <= set(record):
        raise ValueError("it names no metric and mode")
    return record
