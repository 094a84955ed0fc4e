"""Plots of points, numbers and curves, as uint8 arrays."""

import math

import numpy as np

from kgan.utils.hints import Data, Limits


def scatter(
    points: Data, real: Data = None, labels: Data = None, limits: Limits = (-1.5, 1.5)
) -> np.ndarray:
    """Draws points in the plane, over grey real ones where there are any.

    Args:
        points: float array (n, 2).
        real: float array (m, 2). Defaults to `None`.
        labels: integer array (n,) that colours the points. Defaults to `None`.
        limits: lowest and highest coordinate shown. Defaults to `(-1.5, 1.5)`.

    Returns:
        uint8 array (480, 480, 3).

    Example:
    ```python
    import kgan

    picture = kgan.pictures.scatter(kgan.data.ring(500, seed=0))
    ```
    """
    figure, axes = _figure()
    if real is not None:
        # Larger than the generated points, so that a mode that is hit still shows around them.
        axes.scatter(*real.T, s=60, color="0.8", linewidths=0, label="real")
    colours = {"color": "tab:blue"} if labels is None else {"c": labels, "cmap": "tab10"}
    axes.scatter(*points.T, s=9, alpha=0.7, linewidths=0, label="generated", **colours)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    if real is not None:
        axes.legend(loc="upper right")
    return pixels(figure)


def histogram(numbers: Data, real: Data = None, limits: Limits = (-1.5, 1.5)) -> np.ndarray:
    """Draws the distribution of numbers, over that of real ones where there are any.

    Args:
        numbers: float array (n,).
        real: float array (m,). Defaults to `None`.
        limits: lowest and highest number shown. Defaults to `(-1.5, 1.5)`.

    Returns:
        uint8 array (480, 480, 3).

    Example:
    ```python
    import kgan

    picture = kgan.pictures.histogram(kgan.data.gaussian_1d(500, seed=0)[:, 0])
    ```
    """
    figure, axes = _figure()
    bins = np.linspace(*limits, 61)
    width = bins[1] - bins[0]
    for values, label, colour in ((real, "real", "0.75"), (numbers, "generated", "tab:blue")):
        if values is not None:
            # Over all values, also those outside: a bar is a density, comparable across frames.
            heights = np.histogram(values, bins)[0] / (len(values) * width)
            axes.stairs(heights, bins, fill=True, alpha=0.7, color=colour, label=label)
    axes.set(xlim=limits, ylabel="density")
    if real is not None:
        axes.legend(loc="upper right")
    return pixels(figure)


def curves(samples: Data, columns: int | None = None) -> np.ndarray:
    """Draws each vector as a separate curve, row by row.

    Args:
        samples: float array (n, dim).
        columns: integer, curves per row. Defaults to `None`: as many as make a square.

    Returns:
        uint8 array (height, width, 3).

    Example:
    ```python
    import numpy as np

    import kgan

    waves = np.sin(np.linspace(0, 9, 50) * np.arange(1, 5)[:, None])
    picture = kgan.pictures.curves(waves)
    ```
    """
    from matplotlib.figure import Figure

    columns = min(columns or math.ceil(math.sqrt(len(samples))), len(samples))
    rows = -(-len(samples) // columns)
    figure = Figure(figsize=(1.4 * columns, rows), dpi=100, layout="tight")
    all_axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes in all_axes:
        axes.set_axis_off()
    for axes, sample in zip(all_axes, samples, strict=False):
        axes.plot(sample, linewidth=1)
    return pixels(figure)


def _figure():
    # Matplotlib's objects, not pyplot: nothing of the user's own plots is touched.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 4.8), dpi=100, layout="tight")
    return figure, figure.subplots()


def pixels(figure):
    """Renders a Matplotlib figure as a picture.

    Args:
        figure: `matplotlib.figure.Figure`.

    Returns:
        uint8 array (height, width, 3).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def with_margin(low, high):
    """Limits of an axis that shows numbers from `low` to `high` with a margin."""
    margin = 0.2 * (high - low) + 1e-3
    return low - margin, high + margin


def sounds(signals, rate, columns=None, real=None):
    """Draws each signal as a waveform above its spectrogram.

    Args:
        signals: list of float arrays (time, channels) in [-1, 1], of which the first channel is
            shown.
        rate: float, samples per second.
        columns: integer, signals per row. Defaults to `None`: all in one row, up to four.
        real: list of real signals, shown in rows above. Defaults to `None`.

    Returns:
        uint8 array (height, width, 3).

    Example:
    ```python
    import numpy as np

    from kgan import drawing

    tone = np.sin(np.arange(4000) / 4)[:, None]
    picture = drawing.sounds([tone], rate=8000)
    ```
    """
    from matplotlib.figure import Figure

    columns = min(columns or 4, max(len(signals), len(real or ())))
    groups = [("real", real)] * (real is not None) + [("generated", signals)]
    cells = [
        (title if real is not None else "", group[start : start + columns])
        for title, group in groups
        for start in range(0, len(group), columns)
    ]
    figure = Figure(figsize=(3.2 * columns, 2.4 * len(cells)), dpi=100, layout="tight")
    axes = figure.subplots(2 * len(cells), columns, squeeze=False)
    for one in axes.ravel():
        one.set_axis_off()
    for row, (title, group) in enumerate(cells):
        for column, signal in enumerate(group):
            wave, tones = axes[2 * row, column], axes[2 * row + 1, column]
            first = np.asarray(signal)[:, 0]
            wave.plot(np.arange(len(first)) / rate, first, linewidth=0.6)
            wave.set(ylim=(-1, 1), xlim=(0, len(first) / rate), title=title)
            window = int(min(256, max(2, len(first) // 2)))
            # A little is added, since a silent part has no logarithm.
            faint = first + 1e-5 * np.random.default_rng(0).normal(size=len(first))
            tones.specgram(faint, NFFT=window, Fs=rate, noverlap=window // 2, vmin=-120, vmax=-20)
    return pixels(figure)


def bars(names, counts):
    """Draws how often each of some names occurs.

    Args:
        names: list of strings.
        counts: array of as many numbers.

    Returns:
        uint8 array (height, width, 3).
    """
    figure, axes = _figure()
    axes.bar(np.arange(len(names)), counts)
    names = [plain_text(name) for name in names]
    axes.set_xticks(np.arange(len(names)), names, rotation=90 if len(names) > 10 else 0)
    axes.set_ylabel("samples")
    return pixels(figure)


def plain_text(name):
    """A user's name for something, as Matplotlib shows it unchanged: a dollar begins no formula."""
    return str(name).replace("$", r"\$")
