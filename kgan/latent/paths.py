"""Interpolation and arithmetic in the latent space."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kgan.latent.noise import require_generator
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data, Interpolation


def slerp(start: Data, end: Data, steps: int = 8) -> np.ndarray:
    """Spherical linear interpolation: a path from noise to noise along a circle.

    Use this for normal noise, whose norm is nearly the same in every draw: a straight line cuts
    through the middle, where the generator was never trained.

    Reference: Shoemake 1985, "Animating Rotation with Quaternion Curves", section 3.3, and White
    2016, "Sampling Generative Networks", section 2.1. The direction turns at a constant rate and
    the norm changes linearly, which for equal norms is the papers' formula
    `sin((1 - t) a) / sin(a) start + sin(t a) / sin(a) end`. Parallel noises are joined by a
    straight line, opposite ones by a half circle through the axis that they are least
    aligned with.

    Args:
        start: float array (latent_dim,) or (n, latent_dim).
        end: float array of that shape.
        steps: integer of at least 2, both ends included. Defaults to 8.

    Returns:
        Float32 array (steps, latent_dim) or (n, steps, latent_dim).

    Raises:
        TypeError: when the noises are not numbers, or `steps` is not an integer.
        ValueError: when the shapes differ or a number is not finite or out of range.

    Example:
    ```python
    import kgan
    import numpy as np

    walk = kgan.latent.slerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), steps=3)
    assert np.allclose(walk[1], np.sqrt(0.5))
    ```
    """
    start, end, time = _walk(start, end, steps)
    lengths = [np.linalg.norm(vector, axis=-1, keepdims=True) for vector in (start, end)]
    # A vector of length 0 has no direction: it takes the other's.
    first, last = (
        vector / np.where(length > 0, length, 1.0)
        for vector, length in zip((start, end), lengths, strict=True)
    )
    first = np.where(lengths[0] > 0, first, last)
    last = np.where(lengths[1] > 0, last, first)
    # An orthonormal basis of the plane of the circle, in which nothing is divided by sin(a).
    cosine = np.sum(first * last, axis=-1, keepdims=True)
    side = last - cosine * first
    sine = np.linalg.norm(side, axis=-1, keepdims=True)
    opposite = (sine < 1e-7) & (cosine < 0)
    axis = np.eye(start.shape[-1])[np.argmin(np.abs(first), axis=-1)]
    across = axis - np.sum(axis * first, axis=-1, keepdims=True) * first
    side = np.where(opposite, across, side)
    side = side / np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-12)
    angle = time * np.arctan2(sine, cosine)
    direction = np.cos(angle) * first + np.sin(angle) * side
    walk = ((1 - time) * lengths[0] + time * lengths[1]) * direction
    walk[..., :1, :], walk[..., -1:, :] = start, end
    return walk.astype("float32")


def interpolate(
    model: Any,
    start: Data,
    end: Data,
    steps: int = 8,
    method: Interpolation = "spherical",
    labels: Data = None,
) -> Data:
    """The samples between noises: how one turns into another.

    Use this to see whether a model has learned a continuous space or memorized samples: smooth
    changes suggest the first, jumps the second.

    Reference: Radford et al. 2016, section 6.1 (straight lines); White 2016, section 2.1 (circles).

    Args:
        model: a `kgan.GAN`.
        start: float array (latent_dim,) or (n, latent_dim), as from `sample` or `project`.
        end: float array of that shape.
        steps: integer of at least 2, both ends included. Defaults to 8.
        method: `"spherical"` for `slerp` or `"linear"`. Defaults to `"spherical"`. Uniform noise
            stays within [-1, 1] either way.
        labels: for conditional models: a class id, or one per pair (n,).

    Returns:
        NumPy array in the data's own scale, (steps, *sample) or (n, steps, *sample).

    Raises:
        TypeError: when an argument is of the wrong type.
        ValueError: when an argument is out of range or does not fit the model.

    Example:
    ```python
    import kgan

    model = kgan.zoo.load("dcgan", like=(8, 8, 1), width=8)
    start, end = kgan.latent.sample((2, 100), model.noise, seed=0)
    images = kgan.latent.interpolate(model, start, end, steps=5)
    ```
    """
    if method not in ("spherical", "linear"):
        raise ValueError(
            "Noises are interpolated along a circle or a line: `method` must be 'spherical' or "
            f"'linear'. Received: method={method!r}"
        )
    if method == "spherical":
        walk = slerp(start, end, steps)
    else:
        first, last, time = _walk(start, end, steps)
        walk = ((1 - time) * first + time * last).astype("float32")
    name = require_generator(model, "Interpolate encodings with slerp.")
    endpoint = model.endpoints[name]
    if endpoint.noise.distribution == "uniform":
        # Between two corners of the cube, the circle leaves it.
        walk = np.clip(walk, -1.0, 1.0)
    if endpoint.inputs and labels is None:
        raise ValueError(
            "A conditional model needs to know which class to show. Pass labels, one class id for "
            "all or one per pair of noises. Received: labels=None"
        )
    noises = walk.reshape(-1, walk.shape[-1])
    if labels is not None and np.ndim(labels):
        labels = np.repeat(np.asarray(labels), steps)
    inputs = model.answers.inputs_for(name, len(noises), labels)
    samples = model.answers.run(name, inputs, noises)
    return samples.reshape(*walk.shape[:-1], *samples.shape[1:])


def arithmetic(plus: Sequence[Data], minus: Sequence[Data] = ()) -> np.ndarray:
    """Adds and subtracts averages of noises: man with glasses - man + woman.

    Use this to transfer an attribute. Averages of a few noises that share it (three in the
    paper) work; single ones are unstable.

    Reference: Radford et al. 2016, section 6.3.2 and figure 7. The paper adds uniform noise in
    [-0.25, 0.25] to the result to show variations around it.

    Args:
        plus: list of at least one array (n, latent_dim) or (latent_dim,), each averaged over its
            n noises and added.
        minus: list of such arrays, averaged and subtracted. Defaults to none.

    Returns:
        Float32 array (1, latent_dim), ready for `model.decode`.

    Raises:
        TypeError: when `plus` or `minus` is not a list, or does not hold numbers.
        ValueError: when `plus` is empty, or an array is empty, not finite or of another size.

    Example:
    ```python
    import kgan

    model = kgan.zoo.load("dcgan", like=(8, 8, 1), width=8)
    glasses, man, woman = kgan.latent.sample((3, 3, 100), model.noise, seed=0)
    image = model.decode(kgan.latent.arithmetic(plus=[glasses, woman], minus=[man]))
    ```
    """
    result = 0.0
    for name, arrays, sign in (("plus", plus, 1.0), ("minus", minus, -1.0)):
        if not isinstance(arrays, list | tuple):
            raise TypeError(
                "Each side of the arithmetic must be a list of arrays, one array per attribute: "
                f"{name}=[a, b]. Received: {name}={type(arrays).__name__}"
            )
        if name == "plus" and not arrays:
            raise ValueError(
                "`plus` is empty: pass at least one array of noises. Received: plus=[]"
            )
        for array in arrays:
            array = _noises(name, array)
            mean = array.reshape(-1, array.shape[-1]).mean(axis=0, keepdims=True)
            if np.ndim(result) and mean.shape != result.shape:
                raise ValueError(
                    "All noises must have the same size, the model's latent_dim. Received: sizes "
                    f"{result.shape[-1]} and {mean.shape[-1]}"
                )
            result = result + sign * mean
    return result.astype("float32")


def _walk(start, end, steps):
    """Both ends with an axis for the steps, in float64, and the times of the steps."""
    check_count("steps", steps, minimum=2)
    start, end = _noises("start", start), _noises("end", end)
    if start.shape != end.shape:
        raise ValueError(
            "Both ends of a path must be noises of the same shape. "
            f"Received: start of shape {start.shape}, end of shape {end.shape}"
        )
    return start[..., None, :], end[..., None, :], np.linspace(0.0, 1.0, steps)[:, None]


def _noises(name, array):
    try:
        array = np.asarray(array, "float64")
    except (TypeError, ValueError) as error:
        raise TypeError(
            "Noise must be an array of numbers, as from kgan.latent.sample. "
            f"Received: {name} of type {type(array).__name__}"
        ) from error
    if array.ndim not in (1, 2) or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(
            "Noise must be an array of finite numbers of shape (latent_dim,) or (n, latent_dim). "
            f"Received: {name} of shape {array.shape}, "
            f"{int(np.sum(~np.isfinite(array)))} values not finite"
        )
    return array
