"""The data contract: what a model accepts, and how a batch becomes tensors in [-1, 1].

`check` runs once on the host before the first step and speaks in whole sentences; `unpack` runs in
the compiled step and looks only at what is known when it is traced. Integer images stay integers
until they are on the device: a quarter of the bytes are moved.
"""

import keras
from keras import ops

from kgan.data.checks import check
from kgan.data.fields import Labels, Samples, pick
from kgan.data.inspection import describe_data
from kgan.utils.pixels import as_float32, to_float, to_uint8

__all__ = [
    "Labels",
    "Samples",
    "as_float32",
    "check",
    "describe_data",
    "to_float",
    "to_uint8",
    "unpack",
]


def unpack(fields, data):
    """Turns a batch as Keras hands it over into one tensor per declared field.

    Choose it at the top of a custom step; `kgan.AdversarialModel` calls it on every batch.

    Args:
        fields: Tuple of `Samples` and `Labels`, in the order in which the model wants them.
        data: `x`, `(x,)`, `(x, y)`, `(x, y, None)`, `(x, None, None)`, a dictionary such as TFDS's
            `{"image": ..., "label": ...}`, or a tuple that holds one. Samples have shape
            `(batch, *field.shape)`, without a last axis of size one if they like; labels
            `(batch,)` or `(batch, 1)`.

    Returns:
        A tuple with exactly `len(fields)` tensors: float32 samples of shape
        `(batch, *field.shape)`, images in [-1, 1]; int32 labels of shape `(batch,)`.

    Raises:
        ValueError: If a field is missing or its rank or type cannot be the declared one.

    Example:
        ```python
        import kgan
        import numpy as np

        fields = (kgan.data.Samples((28, 28, 1)), kgan.data.Labels(10))
        batch = {"image": np.zeros((4, 28, 28), "uint8"), "label": np.arange(4)}
        images, labels = kgan.data.unpack(fields, batch)
        ```
    """
    return tuple(
        _labels(field, value) if isinstance(field, Labels) else _samples(field, value)
        for field, value in zip(fields, pick(fields, data), strict=True)
    )


def _samples(field, x):
    x = ops.convert_to_tensor(x)
    x = _with_declared_shape(field, x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    if not dtype.startswith(("int", "uint")):
        return ops.cast(x, "float32")
    if not field.is_image:
        raise ValueError(
            f"{field.name} are integers, and only images may be. Expected floats of shape (batch, "
            f"{', '.join(map(str, field.shape))}). Cast with `x.astype('float32')`. Received: "
            f"{field.name} of shape {tuple(x.shape)}, dtype {dtype}."
        )
    return ops.cast(x, "float32") / 127.5 - 1.0


def _with_declared_shape(field, x):
    try:
        shape = tuple(x.shape)
    except ValueError:  # TensorFlow's way to say that even the rank is unknown.
        shape = None
    wholly_declared = None not in field.shape
    if wholly_declared and (shape is None or None in shape[1:]):
        # Generators and `.map(decode)` lose sizes that the networks need to be built on.
        # The batch's size is kept, so that samples of another size stop here and are not recut.
        batch_size = -1 if shape is None else ops.shape(x)[0]
        return ops.reshape(x, (batch_size, *field.shape))
    if len(shape) == len(field.shape) and field.shape[-1] == 1:
        return ops.expand_dims(x, -1)
    if len(shape) != len(field.shape) + 1:
        raise ValueError(
            f"{field.name} have the wrong number of dimensions. Expected (batch, "
            f"{', '.join(map(str, field.shape))}). Reshape the data, or batch the dataset with "
            f"`.batch(64)`. Received: {field.name} of shape {shape}, dtype {x.dtype}."
        )
    return x


def _labels(field, y):
    y = ops.convert_to_tensor(y)
    if len(y.shape) == 2 and y.shape[-1] == 1:
        y = ops.squeeze(y, -1)
    if len(y.shape) != 1:
        raise ValueError(
            f"The labels {field.name} must have one class id per sample, shape (batch,). Turn "
            f"one-hot rows into ids with `y.argmax(-1)`. Received: {field.name} of shape "
            f"{tuple(y.shape)}, dtype {y.dtype}."
        )
    return ops.cast(y, "int32")
