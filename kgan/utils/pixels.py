"""Pixels: conversion between uint8 in 0..255 and floats in [-1, 1]."""

import numpy as np

from kgan.utils.hints import Data


def as_float32(samples):
    """Returns validated samples as network inputs: uint8 images are scaled, floats are not.

    Args:
        samples: NumPy array, as `check` returns it.

    Returns:
        A float32 NumPy array of the same shape.
    """
    return to_float(samples) if samples.dtype == np.uint8 else samples.astype("float32")


def to_uint8(images: Data) -> np.ndarray:
    """Converts float images in [-1, 1] to uint8 pictures.

    Use this to display or store the output of a network. Values outside [-1, 1] are clipped.

    Args:
        images: Floats in [-1, 1], any shape: NumPy, or whatever NumPy can convert.

    Returns:
        A uint8 NumPy array of the same shape, `round((x + 1) * 127.5)` clipped to 0..255.

    Raises:
        TypeError: If the images are not floats.
        ValueError: If they contain NaN.

    Example:
        ```python
        import kgan
        import numpy as np

        assert kgan.data.to_uint8(np.array([-1.0, 0.0, 1.0])).tolist() == [0, 128, 255]
        ```
    """
    images = np.asarray(images)
    if images.dtype.kind in "biuOUSc":
        raise TypeError(
            "to_uint8 takes floats in [-1, 1]. Integer images need no conversion. Received: images "
            f"of shape {images.shape}, dtype {images.dtype}."
        )
    pixels = (images.astype("float32") + 1.0) * np.float32(127.5)
    if np.isnan(pixels).any():
        # Casting NaN to uint8 is undefined behaviour: the picture would be meaningless.
        raise ValueError(
            "The images contain NaN, which has no colour. Expected floats in [-1, 1]. The network "
            "that made them has probably diverged: go back to an earlier checkpoint. Received: "
            f"images of shape {images.shape}, {int(np.isnan(pixels).sum())} values NaN."
        )
    return np.clip(np.rint(pixels), 0, 255).astype("uint8")


def to_float(images: Data) -> np.ndarray:
    """Converts uint8 pictures to float32 images in [-1, 1], as `unpack` does on the device.

    Use this to call a network directly. `to_uint8(to_float(x))` is `x`.

    Args:
        images: Integers in 0..255, any shape.

    Returns:
        A float32 NumPy array of the same shape, `x / 127.5 - 1`.

    Raises:
        TypeError: If the images are not integers.

    Example:
        ```python
        import kgan
        import numpy as np

        assert kgan.data.to_float(np.array([0, 255], "uint8")).tolist() == [-1.0, 1.0]
        ```
    """
    images = np.asarray(images)
    if images.dtype.kind not in "iu":
        raise TypeError(
            "to_float takes integers in 0..255. Floats in [-1, 1] need no conversion. Received: "
            f"images of shape {images.shape}, dtype {images.dtype}."
        )
    return images.astype("float32") / np.float32(127.5) - np.float32(1.0)


def as_uint8(name, images):
    """Converts pictures, uint8 or floats in [-1, 1], to uint8.

    Args:
        name: string, what to call them in messages.
        images: array of any shape.

    Returns:
        uint8 array of that shape.

    Raises:
        TypeError: when they have another dtype.
    """
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise TypeError(
            "A picture must be uint8 or floats in [-1, 1]. Cast integers in 0..255 with "
            f"{name}.astype('uint8'). Received: {name} of dtype {images.dtype}"
        )
    return to_uint8(images)
