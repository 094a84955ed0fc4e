"""Checks of values that several kinds of data share."""

import keras
import numpy as np

from kgan.data.inspection import chunks, received, value_range


def is_integer(x):
    """Whether a tensor holds integers."""
    return keras.backend.standardize_dtype(x.dtype).startswith(("int", "uint"))


def as_float32(array):
    """Floats as float32; float16 is kept, and travels as half of the bytes."""
    return array if array.dtype in (np.float32, np.float16) else array.astype("float32")


def check_some(array, name):
    """Refuses arrays of which no field can be described."""
    text = f"Received: {name} of shape {array.shape}, dtype {array.dtype}."
    if array.dtype.kind not in "iuf":
        raise TypeError(
            "The data does not hold numbers. Expected uint8 images in 0..255, or floats. Convert "
            f"it, for example with `x.astype('float32')`. {text}"
        )
    if array.ndim == 0:
        raise ValueError(
            "One number has no sample shape. Expected an array with a batch axis. Pass the data, "
            f"or a shape such as (28, 28, 1). {text}"
        )
    if len(array) == 0:
        raise ValueError(f"The data is empty. Expected at least one sample. Load it first. {text}")


def check_finite(array, name):
    """The smallest and the largest number, where all are finite.

    Raises:
        ValueError: If one is NaN or infinite; it names the first such sample.
    """
    low, high = value_range(array)
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    start = 0
    for chunk in chunks(array):
        bad = ~np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
        if bad.any():
            break
        start += len(chunk)
    what = "NaN" if np.isnan(low) else "infinite values"
    raise ValueError(
        f"{name} holds {what}, first in sample {start + int(bad.argmax())}. Expected finite "
        "numbers. Remove those samples: "
        "`x[numpy.isfinite(x).reshape(len(x), -1).all(axis=1)]`. "
        f"{received(name, array)}"
    )
