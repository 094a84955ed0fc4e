"""Samples as metrics take them: checked, as arrays, and resized for a network."""

import functools

import keras
import numpy as np

from kgan.data.checks import check, check_batch
from kgan.data.fields import Images, Vectors, of_samples
from kgan.data.inspection import received, to_numpy

RESIZER = "Pillow's bicubic filter, antialiased"


def read(samples, name="samples", as_images=False, whole=False):
    """Converts samples to a validated array.

    Args:
        samples: images, uint8 (n, height, width) or (n, height, width, channels) or floats
            (n, height, width, channels) in [-1, 1]; or finite floats (n, ...) of any other shape.
        name: string for messages.
        as_images: boolean. Takes floats (n, height, width) as grey images, and raises for anything
            that can't be images. Defaults to `False`.
        whole: boolean, whether this is a whole data set, for which the warnings of training data
            apply, such as that of floats in [0, 1]. Defaults to `False`, a batch.

    Returns:
        uint8 or float32 images with their channels, or floats (n, ...), (n, 1) for plain numbers.
    """
    if isinstance(samples, keras.KerasTensor) or _is_symbolic(samples):
        raise TypeError(
            "Metrics of samples work on arrays, outside of compiled graphs. Pass them to the "
            "compile(metrics=[...]) of a kgan model, or call update_state yourself. "
            f"Received: {name}, a symbolic tensor"
        )
    samples = to_numpy(samples, name)
    if samples.ndim == 1 and samples.dtype.kind == "f":
        samples = samples[:, None]
    field = Images((None,) * 3, name=name) if as_images else of_samples(samples, name)
    if not isinstance(field, Vectors) or samples.dtype.kind != "f" or 0 in samples.shape:
        (samples,) = (check if whole else check_batch)((field,), samples)
        return samples
    if not np.isfinite(samples).all():
        raise ValueError(
            f"{name} contain NaN or infinite values, which have no distance to anything. The "
            "network that made them has probably diverged: go back to an earlier checkpoint. "
            f"{received(name, samples)}"
        )
    return samples if samples.dtype == "float64" else samples.astype("float32")


def resize(images, size):
    """Resizes float images with Pillow's bicubic filter, antialiased, and clips them to [-1, 1].

    Args:
        images: float array (n, height, width, channels).
        size: `(height, width)`.

    Returns:
        float32 array (n, *size, channels).
    """
    if images.shape[1:3] == tuple(size):
        return images
    down, across = (_filter(old, new) for old, new in zip(images.shape[1:3], size))
    images = np.einsum("Hh,nhwc,Ww->nHWc", down, images, across, optimize=True)
    return np.clip(images, -1.0, 1.0).astype("float32")  # bicubic overshoots


@functools.lru_cache(maxsize=16)
def _filter(old, new):
    """The matrix (new, old) that resizes a column: Pillow's result for the unit vectors."""
    from PIL import Image

    unit = Image.fromarray(np.eye(old, dtype="float32"))
    return np.asarray(unit.resize((old, new), Image.Resampling.BICUBIC))


def _is_symbolic(samples):
    # By the names of their classes, so that no framework is imported.
    kinds = {cls.__name__ for cls in type(samples).__mro__}
    return bool(kinds & {"SymbolicTensor", "Tracer"})
