"""Histories: what a training logged, read, sorted into panels, and drawn as curves."""

import dataclasses
import math
import numbers
import pathlib
import warnings
from typing import Any, Literal

import numpy as np

from kgan.utils.history_table import read_table

# Words in the names of metrics of which more is better. Of all others, less is.
_HIGHER = {
    "accuracy",
    "coverage",
    "density",
    "f1",
    "intelligibility",
    "modes",
    "precision",
    "psnr",
    "quality",
    "ratio",
    "recall",
    "score",
    "ssim",
    "structural",
}
# Figures of `kgan.callbacks.Health` that are read together, by the ends of their names.
_TOGETHER = {
    "accuracy of the discriminator": ("accuracy_real", "accuracy_fake"),
    "gradient norms": ("gradient_norm",),
    "samples beside real ones": ("diversity", "coverage", "precision"),
    "distance to training data, over theirs": ("nearness",),
    "distance to real samples": ("energy", "jensen_shannon"),
}
# Of those, what smudges and noise are good under: it says what is wrong, and not how good.
FOR_DIAGNOSES = ("diversity", "precision", "nearness")
_HEALTH = {name for names in _TOGETHER.values() for name in names}
_COLOURS = ("#2166ac", "#c2541b", "#2a8a4e", "#8a4fbf", "#b8860b", "#c0397b")
_INK = "#222222"
_HELD_OUT = " (validation)"


@dataclasses.dataclass(frozen=True)
class History:
    """Figures of a training, one per epoch, where there was one.

    Args:
        epochs: integer array (num_epochs,), counted from 1.
        columns: dict of name -> float array (num_epochs,), NaN where nothing was logged.
    """

    epochs: np.ndarray
    columns: dict


@dataclasses.dataclass(frozen=True)
class Panel:
    """Curves that share their axes.

    Args:
        title: string.
        lines: dict of label -> float array (num_epochs,).
        mode: `"min"` or `"max"` for a metric, whose best epoch is marked. Defaults to `None`.
    """

    title: str
    lines: dict
    mode: str | None = None


def read_history(history):
    """Reads what a training logged.

    Args:
        history: dict of name -> list of numbers, one per epoch; a `keras.callbacks.History`; or
            the path of a CSV file with a column `epoch`, as `kgan.callbacks.HistoryLogger`,
            `keras.callbacks.CSVLogger` and `kgan train` write it, or of a folder that holds a
            `history.csv`.

    Returns:
        A `History`. Columns without any number are left out.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it holds no epoch, or lists of different lengths.
    """
    if isinstance(history, str | pathlib.Path):
        return _read_csv(pathlib.Path(history))
    first = list(getattr(history, "epoch", []))
    columns = getattr(history, "history", history)
    if not isinstance(columns, dict) or not columns:
        raise ValueError(
            "A history is what fit returns, its dict of lists, or the path of a history.csv. "
            f"Received: {'nothing logged' if columns == {} else type(history).__name__}"
        )
    columns = {name: np.asarray(values, "float64") for name, values in columns.items()}
    lengths = {name: values.size for name, values in columns.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise ValueError(
            "A history has one number per epoch and name. With validation_freq, fit leaves gaps "
            "that a list can't show: validate after each epoch, or pass the columns of one length. "
            f"Received: lists of lengths {lengths}"
        )
    count = next(iter(lengths.values()))
    epochs = np.asarray(first if len(first) == count else range(count), "int64") + 1
    return History(epochs, _with_numbers(columns))


def mode_of(name):
    """Whether more or less of a metric is better, by the words of its name.

    Args:
        name: string, such as `"val_frechet_distance"`.

    Returns:
        `"max"` or `"min"`.
    """
    words = set(name.lower().split("_"))
    # Similarity of samples to one another is a lack of variety, and an error is one of anything.
    if words & {"error", "distance", "divergence", "kl", "loss"} or words & {"ms", "multi"}:
        return "min"
    return "max" if words & _HIGHER else "min"


def best_epoch(values, mode):
    """The place of the best of some numbers, the first of equal ones.

    Args:
        values: float array (num_epochs,).
        mode: `"min"` or `"max"`.

    Returns:
        Integer, or `None` where no number is finite.
    """
    values = np.asarray(values, "float64")
    if not np.isfinite(values).any():
        return None
    worst = math.inf if mode == "min" else -math.inf
    finite = np.where(np.isfinite(values), values, worst)
    return int(finite.argmin() if mode == "min" else finite.argmax())


def kind_of(name, columns, modes=()):
    """What a column of a history holds.

    Args:
        name: string, the column's name.
        columns: all names. Where there is `<player>_loss`, `<player>_<term>` are terms.
        modes: names of which a best is wanted: they are metrics, whatever they are called.

    Returns:
        `"loss"`; `"term"`; `"rate"` for learning rates; `"metric"` for what only held-out data
        have, or `"figure"` for all else.
    """
    plain = name.removeprefix("val_")
    if (
        plain == name
        and f"val_{name}" in columns
        and name in _HEALTH
        and {"energy", "nearness"} & set(columns)
    ):
        # Of Health, which names figures as metrics of held-out data are named that are others.
        return "figure"
    if name in modes:
        return "metric"
    if plain == "loss" or plain.endswith("_loss"):
        return "loss"
    if plain.endswith("learning_rate") or plain == "lr":
        return "rate"
    players = [other.removesuffix("_loss") for other in columns if other.endswith("_loss")]
    is_players = any(plain.startswith(f"{player}_") for player in players)
    if is_players and plain in columns and not plain.endswith("_gradient_norm"):
        return "term"
    return "metric" if f"val_{plain}" in columns else "figure"


def panels(history, modes=None):
    """Sorts a history into panels: losses, one per metric, other figures, terms of losses.

    Args:
        history: `History`.
        modes: dict of metric's name -> `"min"` or `"max"`. Defaults to `None`: see `mode_of`.

    Returns:
        List of `Panel`.
    """
    columns, modes = history.columns, modes or {}
    by_kind = {"loss": [], "term": [], "rate": [], "metric": [], "figure": []}
    for name in columns:
        by_kind[kind_of(name, columns, modes)].append(name)
    losses = by_kind["loss"]
    if len([name for name in losses if not name.startswith("val_")]) > 1:
        # The sum of all players' losses says nothing about any.
        losses = [name for name in losses if name.removeprefix("val_") != "loss"]
    found = [_panel("losses", losses, columns)] if losses else []
    for plain in dict.fromkeys(name.removeprefix("val_") for name in by_kind["metric"]):
        names = [name for name in (f"val_{plain}", plain) if name in by_kind["metric"]]
        mode = modes.get(names[0]) or modes.get(plain) or mode_of(plain)
        lines = {words(name if len(names) > 1 else plain): columns[name] for name in names}
        found.append(Panel(words(plain), lines, mode))
    figures = by_kind["figure"]
    for title, ends in _TOGETHER.items():
        together = [name for name in figures if name.endswith(ends)]
        figures = [name for name in figures if name not in together]
        if together:
            found.append(_panel(title, together, columns))
    found += [_panel(words(name), [name], columns) for name in figures]
    for player in [name.removesuffix("_loss") for name in losses if not name.startswith("val_")]:
        terms = [name for name in by_kind["term"] if name.startswith(f"{player}_")]
        if len(terms) > 1:
            lines = {words(name.removeprefix(f"{player}_")): columns[name] for name in terms}
            found.append(Panel(f"terms of the {words(player)}", lines))
    if by_kind["rate"]:
        found.append(_panel("learning rate", by_kind["rate"], columns))
    return found


def _panel(title, names, columns):
    return Panel(title, {words(name): columns[name] for name in names})


def words(name):
    """A column's name as it is read: `val_generator_loss` is "generator loss (validation)".

    Args:
        name: string.

    Returns:
        A string.
    """
    plain = name.removeprefix("val_").replace("_", " ")
    return f"{plain}{_HELD_OUT}" if name.startswith("val_") else plain


def plot_history(
    history: Any, columns: int | None = None, modes: dict[str, Literal["min", "max"]] | None = None
) -> np.ndarray:
    """Draws losses and metrics over the epochs: what happened in a training, on one page.

    Use this to see at a glance whether samples improved and when they were best. The losses of
    all players share a panel; each metric of held-out data (`val_...`) has its own, with
    its best epoch marked; other figures and the terms of a loss that has several follow. Lines that
    differ by orders of magnitude are drawn on a logarithmic axis.

    Args:
        history: what `fit` returned, its dict of lists, the path of a `history.csv` or of the
            folder that holds one.
        columns: integer, panels per row. Defaults to `None`: up to 3.
        modes: dict of name -> `"min"` or `"max"`, what is best. Defaults to `None`: what the
            metrics of a model that was compiled with some say; else, by their names, more of
            accuracies, scores, precision, recall, density, coverage, modes, PSNR and SSIM, less of
            all others.

    Returns:
        uint8 array (height, width, 3), ready for `save_image`.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when nothing was logged, or a mode is another.

    Example:
    ```python
    import kgan

    model = kgan.zoo.load("vanilla", like=(2,))
    history = model.fit(kgan.data.ring(256, seed=0), epochs=3, verbose=0)
    picture = kgan.pictures.plot_history(history)
    ```
    """
    from matplotlib.figure import Figure

    from kgan.drawing import pixels
    from kgan.utils.arguments import check_count

    wrong = {name: mode for name, mode in (modes or {}).items() if mode not in ("min", "max")}
    if wrong:
        raise ValueError(f"A metric is best at its 'min' or its 'max'. Received: modes={wrong}")
    # A model that was compiled with metrics knows which way each is better.
    metrics = getattr(getattr(history, "model", None), "sample_metrics", None)
    known = {} if metrics is None else metrics.directions
    history = read_history(history)
    drawn = panels(history, {**known, **(modes or {})})
    columns = min(check_count("columns", columns or 3), len(drawn))
    rows = -(-len(drawn) // columns)
    figure = Figure(figsize=(4.4 * columns, 2.9 * rows), dpi=110, layout="constrained")
    all_axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in all_axes[len(drawn) :]:
        axes.set_axis_off()
    for axes, panel in zip(all_axes, drawn, strict=False):
        draw_panel(axes, history.epochs, panel)
    return pixels(figure)


def draw_panel(axes, epochs, panel, colours=_COLOURS, ink=_INK):
    """Draws a panel.

    Args:
        axes: Matplotlib's axes.
        epochs: integer array (num_epochs,).
        panel: `Panel`.
        colours: tuple of colours, of lines in turn.
        ink: colour of axes and text.
    """
    from matplotlib.ticker import MaxNLocator

    from kgan.drawing import plain_text

    few = len(epochs) <= 25
    base = [label.removesuffix(_HELD_OUT) for label in panel.lines]
    order = list(dict.fromkeys(base))
    for label, name, values in zip(panel.lines, base, panel.lines.values(), strict=True):
        colour = colours[order.index(name) % len(colours)]
        known = np.isfinite(values)
        # Where there is a gap the line continues: validation need not happen in every epoch.
        axes.plot(
            epochs[known],
            values[known],
            color=colour,
            linewidth=1.6,
            # Held-out data are the question, and training's own figure is the answer to another.
            linestyle="--" if name in panel.lines and label != name else "-",
            marker="o" if few else None,
            markersize=3,
            label=plain_text(label),
        )
    if _wants_logarithm(panel.lines.values()):
        axes.set_yscale("log")
    axes.set_title(plain_text(panel.title), loc="left", fontsize=10, fontweight="bold", color=ink)
    _mark_best(axes, epochs, panel, ink)
    axes.set_xlabel("epoch", fontsize=9, color=ink)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 1, epochs[0] + 1)
    axes.tick_params(colors=ink, labelsize=8)
    axes.grid(color=ink, alpha=0.15, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(ink)
    if len(panel.lines) > 1:
        axes.legend(frameon=False, fontsize=8, labelcolor=ink)


def _mark_best(axes, epochs, panel, ink):
    if panel.mode is None:
        return
    values = next(iter(panel.lines.values()))
    place = best_epoch(values, panel.mode)
    if place is None:
        return
    axes.plot(epochs[place], values[place], "o", markersize=9, color=ink, fillstyle="none")
    # In the title's line, where it covers no curve.
    said = f"best {short(values[place])} at epoch {epochs[place]}"
    axes.set_title(said, loc="right", fontsize=8, color=ink)


def short(number):
    """A number with four digits at most that say something.

    Args:
        number: integer or float.

    Returns:
        A string.
    """
    if isinstance(number, numbers.Integral) or float(number).is_integer() and abs(number) < 1e6:
        return f"{int(number)}"
    return f"{number:.4g}"


def _wants_logarithm(lines):
    numbers_of = [values[np.isfinite(values)] for values in lines]
    numbers_of = [values for values in numbers_of if values.size]
    if not numbers_of or min(values.min() for values in numbers_of) <= 0:
        return False
    middle = [np.median(values) for values in numbers_of]
    # A first epoch far above the rest would press them flat as well.
    return max(middle) > 20 * min(middle) or any(
        values.max() > 50 * np.median(values) for values in numbers_of
    )


def _with_numbers(columns):
    return {name: values for name, values in columns.items() if np.isfinite(values).any()}


def _read_csv(path):
    path = path / "history.csv" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(
            "There is no such history. Expected a CSV file as keras.callbacks.CSVLogger writes it, "
            f"or a folder that holds history.csv. Received: {path}"
        )
    try:
        read = read_table(path)
    except ValueError as error:
        raise ValueError(
            "A history has a column 'epoch' and a row per epoch, as kgan.callbacks.HistoryLogger "
            f"writes it. Received: {path}, and {error}"
        ) from error
    if not read.rows:
        raise ValueError(
            "A history has a column 'epoch' and a row per epoch, as kgan.callbacks.HistoryLogger "
            f"writes it. Received: {path} with 0 rows of {read.header[:5]}"
        )
    if read.damaged:
        warnings.warn(
            f"{path} is damaged: no rows are in lines {', '.join(map(str, read.damaged[:10]))}. "
            "The others are shown.",
            stacklevel=2,
        )
    columns = {
        name: np.array([_number(row.get(name, "")) for row in read.rows]) for name in read.header
    }
    epochs = columns.pop("epoch")
    columns = _with_numbers(columns)
    if not columns:
        raise ValueError(f"The history holds no number. Received: {path} with {read.header}")
    return History(epochs.astype("int64") + 1, columns)


def _number(text):
    try:
        return float(text)
    except ValueError:
        return math.nan  # of an epoch without validation
