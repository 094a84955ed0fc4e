"""Toy distributions whose modes are known, so that coverage can be counted.

Protocol of VEEGAN (Srivastava et al. 2017, https://arxiv.org/abs/1705.07761) and PacGAN (Lin et al.
2018, https://arxiv.org/abs/1712.04086): 100 000 fixed samples, ring of 8 modes with sigma 0.01,
grid of 25 modes with sigma 0.05. Real data is 98.889 % within three sigma of its mode.
"""

import numbers

import numpy as np

from kgan.utils.hints import Data


def ring(
    n: int, modes: int = 8, radius: float = 1.0, sigma: float = 0.01, seed: int | None = None
) -> np.ndarray:
    """Draws points from a mixture of Gaussians whose means lie on a circle.

    Use this as the first test of a new model: it trains in minutes, and mode collapse is plain to
    see. Protocol: Srivastava et al. 2017, VEEGAN, https://arxiv.org/abs/1705.07761.

    Args:
        n: Number of points, at least 1.
        modes: Number of modes, at least 1. Defaults to 8.
        radius: Radius of the circle, positive. Defaults to 1.
        sigma: Standard deviation of each mode and axis, not negative. Defaults to 0.01.
        seed: Integer for the same points again. Defaults to `None`, new points on each call.

    Returns:
        Float32 array of shape `(n, 2)`.

    Raises:
        TypeError: If a number is not of the right type.
        ValueError: If a number is out of its range.

    Example:
        ```python
        import kgan

        points = kgan.data.ring(1000, seed=0)
        assert points.shape == (1000, 2)
        ```
    """
    return _mixture(n, ring_centers(modes, radius), sigma, seed)


def ring_centers(modes: int = 8, radius: float = 1.0) -> np.ndarray:
    """Returns the means of `ring`: `radius * (cos, sin)(2 pi k / modes)`.

    Use this to count covered modes.

    Args:
        modes: Number of modes, at least 1. Defaults to 8.
        radius: Radius of the circle, positive. Defaults to 1.

    Returns:
        Float32 array of shape `(modes, 2)`.

    Raises:
        TypeError: If a number is not of the right type.
        ValueError: If a number is out of its range.

    Example:
        ```python
        import kgan

        assert kgan.data.ring_centers().shape == (8, 2)
        ```
    """
    modes = _positive_integer("modes", modes)
    radius = _real("radius", radius, positive=True)
    angles = 2 * np.pi * np.arange(modes) / modes
    return (radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)).astype("float32")


def grid(
    n: int, side: int = 5, spacing: float = 2.0, sigma: float = 0.05, seed: int | None = None
) -> np.ndarray:
    """Draws points from a mixture of Gaussians whose means lie on a square grid.

    Use this where the ring is too easy. Protocol: Srivastava et al. 2017, VEEGAN,
    https://arxiv.org/abs/1705.07761; by default the means are {-4, -2, 0, 2, 4} squared.

    Args:
        n: Number of points, at least 1.
        side: Modes along each side, at least 1: `side ** 2` modes. Defaults to 5.
        spacing: Distance between neighbouring means, positive. Defaults to 2.
        sigma: Standard deviation of each mode and axis, not negative. Defaults to 0.05.
        seed: Integer for the same points again. Defaults to `None`, new points on each call.

    Returns:
        Float32 array of shape `(n, 2)`.

    Raises:
        TypeError: If a number is not of the right type.
        ValueError: If a number is out of its range.

    Example:
        ```python
        import kgan

        points = kgan.data.grid(1000, seed=0)
        assert points.shape == (1000, 2)
        ```
    """
    return _mixture(n, grid_centers(side, spacing), sigma, seed)


def grid_centers(side: int = 5, spacing: float = 2.0) -> np.ndarray:
    """Returns the means of `grid`, row by row, centred on the origin.

    Use this to count covered modes.

    Args:
        side: Modes along each side, at least 1. Defaults to 5.
        spacing: Distance between neighbouring means, positive. Defaults to 2.

    Returns:
        Float32 array of shape `(side ** 2, 2)`.

    Raises:
        TypeError: If a number is not of the right type.
        ValueError: If a number is out of its range.

    Example:
        ```python
        import kgan

        assert kgan.data.grid_centers()[0].tolist() == [-4.0, -4.0]
        ```
    """
    side = _positive_integer("side", side)
    spacing = _real("spacing", spacing, positive=True)
    line = (np.arange(side) - (side - 1) / 2) * spacing
    return np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2).astype("float32")


def gaussian_1d(
    n: int, mean: float = 0.0, sigma: float = 1.0, seed: int | None = None
) -> np.ndarray:
    """Draws numbers from one Gaussian.

    Use this to see whether a model learns a mean and a spread at all.

    Args:
        n: Number of samples, at least 1.
        mean: Mean. Defaults to 0.
        sigma: Standard deviation, not negative. Defaults to 1.
        seed: Integer for the same numbers again. Defaults to `None`, new ones on each call.

    Returns:
        Float32 array of shape `(n, 1)`.

    Raises:
        TypeError: If a number is not of the right type.
        ValueError: If a number is out of its range.

    Example:
        ```python
        import kgan

        numbers = kgan.data.gaussian_1d(1000, mean=4.0, sigma=0.5, seed=0)
        assert numbers.shape == (1000, 1)
        ```
    """
    n = _positive_integer("n", n)
    mean, sigma = _real("mean", mean), _real("sigma", sigma, minimum=0)
    return (mean + sigma * _generator(seed).standard_normal((n, 1))).astype("float32")


def stacked(images: Data, n: int = 128_000, seed: int | None = None) -> np.ndarray:
    """Lays three random images over one another as the red, green and blue of a new one.

    Use this to count modes on images: of ten kinds of digits it makes 1 000 kinds of triples, and
    `kgan.metrics.digit_judge` reads each channel. Protocol: stacked MNIST of Srivastava et al.
    2017, VEEGAN, https://arxiv.org/abs/1705.07761, with 128 000 fixed triples as in Lin et al.
    2018, PacGAN, https://arxiv.org/abs/1712.04086.

    Args:
        images: Grey images of shape `(m, height, width)` or `(m, height, width, 1)`, of any type.
        n: Number of triples, at least 1. Defaults to 128 000, which are 300 MB of 28x28.
        seed: Integer for the same triples again. Defaults to `None`, new ones on each call.

    Returns:
        Array of shape `(n, height, width, 3)` and of the images' type.

    Raises:
        TypeError: If `n` is not an integer.
        ValueError: If the images are not grey ones, or a number is out of its range.

    Example:
        ```python
        import kgan

        digits = kgan.data.load("digits")
        triples = kgan.data.stacked(digits, n=100, seed=0)
        assert triples.shape == (100, 8, 8, 3)
        ```
    """
    n = _positive_integer("n", n)
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim != 3 or 0 in images.shape:
        raise ValueError(
            "Only grey images are stacked. Expected the shape (m, height, width) or (m, height, "
            "width, 1). Take one channel of coloured ones: images[..., :1]. Received: images of "
            f"shape {images.shape}."
        )
    chosen = _generator(seed).integers(len(images), size=(n, 3))
    triples = np.empty((n, *images.shape[1:], 3), images.dtype)
    # Channel by channel, so that nothing but the result is large for long.
    for channel in range(3):
        triples[..., channel] = images[chosen[:, channel]]
    return triples


def _mixture(n, centers, sigma, seed):
    n = _positive_integer("n", n)
    sigma = _real("sigma", sigma, minimum=0)
    generator = _generator(seed)
    modes = generator.integers(len(centers), size=n)
    return (centers[modes] + sigma * generator.standard_normal((n, 2))).astype("float32")


def _generator(seed):
    if seed is not None and (
        isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0
    ):
        raise ValueError(
            "The seed must be None or an integer of at least 0. Pass for example seed=0. "
            f"Received: seed={seed!r}."
        )
    return np.random.default_rng(seed)


def _positive_integer(name, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"{name} is a count. Expected an integer of at least 1. Pass for example {name}=8. "
            f"Received: {name}={value!r}."
        )
    if value < 1:
        raise ValueError(
            f"{name} is too small. Expected an integer of at least 1. Pass for example {name}=8. "
            f"Received: {name}={value}."
        )
    return int(value)


def _real(name, value, *, positive=False, minimum=None):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"{name} is not a number. Expected a finite one. Pass for example {name}=1.0. "
            f"Received: {name}={value!r}."
        )
    if (
        not np.isfinite(value)
        or (positive and value <= 0)
        or (minimum is not None and value < minimum)
    ):
        limit = " above 0" if positive else "" if minimum is None else f" of at least {minimum}"
        raise ValueError(
            f"{name} is out of its range. Expected a finite number{limit}. Pass for example "
            f"{name}=1.0. Received: {name}={value!r}."
        )
    return float(value)
