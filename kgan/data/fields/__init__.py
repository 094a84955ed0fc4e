"""Kinds of data: a field is the only one who knows what its data is. One kind per file."""

from typing import Any

from kgan.data.fields.clips import Clips
from kgan.data.fields.field import Field
from kgan.data.fields.images import Images
from kgan.data.fields.labels import Labels
from kgan.data.fields.low_resolution import LowResolution
from kgan.data.fields.past_frames import PastFrames
from kgan.data.fields.signals import Signals
from kgan.data.fields.texts import Text
from kgan.data.fields.vectors import Vectors
from kgan.utils.hints import Shape

__all__ = [
    "Clips",
    "Field",
    "Images",
    "Labels",
    "LowResolution",
    "PastFrames",
    "Signals",
    "Text",
    "Vectors",
    "kind_of_shape",
    "of_samples",
    "of_shape",
]


def of_samples(samples, name="samples"):
    """The field of an array of samples of which nothing else is known, of any size.

    Use this for what comes without a model, such as the two sides of a metric: integers are
    pixels, floats (n, height, width, channels) are images, and all other floats are vectors.

    Args:
        samples: NumPy array (n, ...).
        name: string, the field's name. Defaults to `"samples"`.

    Returns:
        A `kgan.data.Field` whose sizes are all `None`.
    """
    if samples.ndim == 5 and samples.dtype.kind in "iu":
        return Clips((None,) * 4, name=name)
    if samples.ndim == 4 or samples.dtype.kind != "f" and samples.ndim == 3:
        return Images((None,) * 3, name=name)
    return Vectors((None,) * max(1, samples.ndim - 1), name=name)


# The one place where the number of axes says what a sample is, for networks that only know shapes.
_BY_NUMBER_OF_AXES = {1: Vectors, 2: Signals, 3: Images, 4: Clips}


def kind_of_shape(shape):
    """The class of field that samples of a shape are taken for: see `of_shape`.

    Args:
        shape: tuple, the shape of one sample without the batch axis.

    Returns:
        A subclass of `kgan.data.Field`.
    """
    shape = tuple(shape)
    return _BY_NUMBER_OF_AXES.get(len(shape), Vectors if shape else Field)


def of_shape(shape: Shape, name: str = "x", **kwargs: Any) -> Field:
    """The field of samples of which nothing is known but the shape, as a network knows it.

    Use this for the output of a network: `(dim,)` are vectors, `(time, channels)` signals,
    `(height, width, channels)` images, `(frames, height, width, channels)` clips. Where that is
    not what the samples are, such as spectrograms without a range, give the model the field
    itself: `kgan.data.Vectors((time, bins))`.

    Args:
        shape: tuple, the shape of one sample without the batch axis.
        name: string, the field's name. Defaults to `"x"`.
        **kwargs: `paired` and other arguments of the field.

    Returns:
        A `kgan.data.Field`.

    Example:
        ```python
        import kgan

        assert kgan.data.of_shape((28, 28, 1)) == kgan.data.Images((28, 28, 1))
        ```
    """
    return kind_of_shape(shape)(shape, name=name, **kwargs)
