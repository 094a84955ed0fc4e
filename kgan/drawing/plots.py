"""Plots of points, numbers and curves, as uint8 arrays."""

import math

import numpy as np


def scatter(points, real=None, labels=None, limits=(-1.5, 1.5)):
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


def histogram(numbers, real=None, limits=(-1.5, 1.5)):
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


def curves(samples, columns=None):
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
