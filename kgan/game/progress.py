"""The progress of `fit` and `evaluate`: one line per epoch, never wider than the terminal."""

import re
import shutil
import sys
import time

import keras
from tqdm.auto import tqdm

_WIDEST = 100
_BAR = 10


def is_terminal():
    """Whether a line that was printed can be drawn again: in a terminal or a notebook."""
    return sys.stdout.isatty() or "ipykernel" in sys.modules


def width():
    """Columns that a line may take: one less than there are, where a terminal would wrap."""
    return max(10, min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns) - 1)


class Progress(keras.callbacks.Callback):
    """Shows each epoch in one line: a loss per player, watched figures, speed and the time left.

    `fit` adds one in place of Keras's. Terms, and all else that is logged, are in the history.

    Args:
        unit: string, what is counted per second, such as `"images"`.
        per_step: integer, how many of them a step takes. Defaults to `None`: steps are counted.
        watched: names in the logs to show first, such as `val_frechet_distance`. Defaults to none.
        live: boolean, whether the line is drawn again while the epoch runs.
    """

    def __init__(self, unit="steps", per_step=None, watched=(), live=True):
        super().__init__()
        self._unit, self._per_step = (unit, per_step) if per_step else ("steps", 1)
        self._watched = tuple(watched)
        self._live = live
        self._bar = None
        self._done = self._timed = 0
        self._start = self._first_epoch = None

    def set_params(self, params):
        """Reads how long the run is."""
        super().set_params(params)
        self._epochs, self._steps = params.get("epochs") or 1, params.get("steps")

    def on_epoch_begin(self, epoch, logs=None):
        """Draws an empty line."""
        self._epoch, self._seen = epoch, 0
        self._first_epoch = epoch if self._first_epoch is None else self._first_epoch
        if self._live:
            self._bar = tqdm(
                total=self._steps, file=sys.stdout, leave=False, bar_format="{desc}", ncols=width()
            )

    def on_train_batch_end(self, batch, logs=None):
        """Draws the line again where it is time to."""
        moved, self._seen = batch + 1 - self._seen, batch + 1
        self._done += moved
        if self._start is None:
            # From here on: the first step holds the compilation.
            self._start, self._timed = time.perf_counter(), self._done
        if self._bar is not None:
            # Values wait for the device: they are read when the line is drawn, ten times a second.
            if self._bar.update(moved) or self._seen == self._steps:
                self._bar.set_description_str(self.line(logs or {}))

    def clear(self, *args):
        """Takes the line away, so that others may print."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def on_epoch_end(self, epoch, logs=None):
        """Prints the line of the epoch, for good."""
        self.clear()
        self._steps = self._steps or self._seen
        print(self.line(logs or {}), flush=True)

    def on_train_end(self, logs=None):
        """Takes away what is left."""
        self.clear()

    def line(self, logs):
        """The line as it stands.

        Args:
            logs: dict of what was logged.

        Returns:
            A string of at most `width()` characters.
        """
        epoch = f"Epoch {self._epoch + 1}/{self._epochs}"
        return fitted(epoch, self._share(), self.model, logs, self._watched, self._speed())

    def _share(self):
        return min(1.0, self._seen / self._steps) if self._steps else None

    def _speed(self):
        timed = self._done - self._timed
        if not timed:
            return []
        seconds = (time.perf_counter() - self._start) / timed
        parts = [f"{number(self._per_step / max(seconds, 1e-9))} {self._unit}/s"]
        if self._steps:
            total = (self._epochs - self._first_epoch) * self._steps
            parts.append(f"{clock(max(0, total - self._done) * seconds)} left")
        return parts


def fitted(head, share, model, logs, watched=(), tail=()):
    """One line of what matters: what does not fit is left out, the least important first.

    Args:
        head: string that the line begins with.
        share: float in [0, 1], how much of the bar is full. `None` for no bar.
        model: a `kgan.AdversarialModel`, whose players' losses are shown.
        logs: dict of what was logged.
        watched: names in the logs to show before other figures.
        tail: strings that the line ends with.

    Returns:
        A string of at most `width()` characters.
    """
    players = list(model.players)
    losses = {p: number(logs[f"{p}_loss"]) for p in players if f"{p}_loss" in logs}
    figures = [f"{name} {number(logs[name])}" for name in _figures(model, logs, watched)]
    short, tail = _short(players), list(tail)
    full_names = dict(zip(players, players))
    # `1,234/s` and `frechet_distance` say the same in less room.
    brief = [re.sub(r" \w+/s$", "/s", part) for part in tail]
    bare = [figure.removeprefix("val_") for figure in figures[:1]]
    # From all to the least, the first that fits: (names, figures, length of the bar, end).
    choices = [
        (names, figures[:count], _BAR, tail) for names in (full_names, short) for count in (3, 2, 1)
    ]
    choices += [(short, figures[:1], _BAR // 2, end) for end in (tail, brief)]
    choices += [(short, figures[:1], 0, brief), (short, bare, 0, brief)]
    choices += [(short, bare, 0, tail[-1:])]
    for names, shown, size, end in choices:
        full = round((share or 0.0) * size)
        bar = ["█" * full + "░" * (size - full)] if size and share is not None else []
        own = [f"{names[name]} {value}" for name, value in losses.items()]
        line = "  ".join([head, *bar, *own, *shown, *end])
        if len(line) <= width():
            return line
    own = [f"{short[name]} {value}" for name, value in losses.items()]
    parts, line = [*tail[-1:], *own, *tail[:-1]], head
    for part in parts:
        if len(line) + 2 + len(part) <= width():
            line = f"{line}  {part}"
    return line[: width()]


def _figures(model, logs, watched):
    """Names of what is no loss and no term: watched ones first, then those of callbacks."""
    own = {f"{p}_{term}" for p, each in model.players.items() for term in (*each.terms, "loss")}
    own |= {"loss"}
    first = [name for name in watched if name in logs]
    others = [
        name
        for name in logs
        if name.removeprefix("val_") not in own
        and name not in first
        and not name.startswith(("learning_rate", "accuracy_"))
        and not name.endswith("_gradient_norm")
    ]
    # Held-out losses only where nothing better was measured.
    return [*first, *others] or [f"val_{p}_loss" for p in model.players if f"val_{p}_loss" in logs]


def _short(names):
    """Each name by as few of its first letters, at least three, as tell it from the others."""
    short = {}
    for name in names:
        size = 3
        while size < len(name) and sum(other.startswith(name[:size]) for other in names) > 1:
            size += 1
        short[name] = name[:size]
    return short


def number(value):
    """A number in four digits, or in a power of ten where that would be too long."""
    value = float(value)
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if abs(value) >= 100_000 or 0 < abs(value) < 0.001:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def clock(seconds):
    """A time as `2:03` or `1:02:03`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Evaluation(keras.callbacks.Callback):
    """Shows how far `evaluate` is: `fitted` prints the line that it ends with."""

    def on_test_begin(self, logs=None):
        """Draws an empty line."""
        self._bar = tqdm(
            total=self.params.get("steps"), file=sys.stdout, leave=False, desc="Evaluating",
            ncols=width(), bar_format="{desc}  {n_fmt}/{total_fmt}",
        )  # fmt: skip

    def on_test_batch_end(self, batch, logs=None):
        """Counts."""
        self._bar.update(batch + 1 - self._bar.n)

    def on_test_end(self, logs=None):
        """Takes the line away."""
        self._bar.close()
