"""Host-side checks of user data, before the first step: what is wrong is said in whole sentences.

Every message has four parts: what happened, what was expected, how to fix it, what was received.
What a value must be, its field knows; here is how values are found and compared.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from kgan.data.completion import completed
from kgan.data.field_lookup import are_paired, flatten, keys_of, pick
from kgan.data.fields import Field
from kgan.data.inspection import as_array, kind_of, peek, received
from kgan.data.string_datasets import encoded, with_string_arrays
from kgan.data.two_collections import is_two_collections, zipped
from kgan.utils.hints import Data


def check(fields: Sequence[Field], x: Data, y: Data = None) -> Any:
    """Checks the data for a model and returns it ready for training.

    Use this before a custom training loop; `fit` and `evaluate` call it. Arrays are checked whole,
    in parts of some 16 MB; of a dataset, the element spec and the first batch are.

    Args:
        fields: tuple of `kgan.data.Field` that the model declares, any number of them.
        x: what the first field takes; a tuple or a dictionary with a value for each field; or a
            batched dataset of tuples or dictionaries: tf.data, PyDataset, torch DataLoader, Python
            generator.
        y: the last field, where `x` holds the others; beside a tf.data dataset another one, where
            the model's fields are not paired. Defaults to `None`.

    Returns:
        A tuple with one NumPy array per field, or the dataset; a generator comes back as a new one
        in which no batch is missing.

    Raises:
        TypeError: If the data is no array or dataset, or does not hold what a field takes.
        ValueError: If shapes, values or labels are not what the model declares.

    Example:
        ```python
        import kgan
        import numpy as np

        fields = (kgan.data.Images((28, 28, 1)),)
        (images,) = kgan.data.check(fields, np.zeros((4, 28, 28), "int64"))
        assert images.shape == (4, 28, 28, 1) and images.dtype == "uint8"
        ```
    """
    fields = tuple(fields)
    x, y = completed(fields, x, y)
    if not are_paired(fields) and is_two_collections(x, y):
        x, y = zipped(fields, x, y), None
    kind = kind_of(x)
    if kind is not None:
        return _check_dataset(fields, x, y, kind)
    return _check_values(fields, _gather(fields, x, y))


def check_batch(fields, x):
    """`check` of a batch of samples, which may well hold no dark pixel: nothing is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return check(fields, x)


def _gather(fields, x, y):
    """One raw value per field, from what the user passed as arrays."""
    first, last = fields[0], fields[-1]
    if y is not None and len(fields) == 1:
        raise ValueError(
            "Labels were given to a model that has no use for them. Expected x alone. Call "
            "`fit(x)`, or load a conditional model, for example with `num_classes=`. Received: "
            f"{_received_any('y', y)}"
        )
    if isinstance(x, tuple) and len(flatten(x)[0]) > max(2, len(fields)):
        raise ValueError(
            f"x is a tuple of {len(x)} entries. Expected an array, or `(x, y)`. Pass a list of "
            "samples as `numpy.stack(samples)`, and no sample weights. "
            f"Received: x, a tuple of {len(x)}."
        )
    data = _as_arrays(x)
    if isinstance(x, dict) and not any(key in x for key in keys_of(first, fields)):
        raise ValueError(
            f"The dictionary has no samples. Expected the key {first.name!r}"
            + "".join(f" or {key!r}" for key in first.aliases[:1])
            + ". Rename the key, or pass the array itself. "
            f"Received: the keys {sorted(map(str, x))}."
        )
    if y is None:
        return pick(fields, data)
    if isinstance(x, dict) and any(key in x for key in keys_of(last, fields)):
        raise ValueError(
            f"{last.name!r} was given twice: in the dictionary and as y. Expected it once. "
            f"Leave out one. Received: the keys {sorted(map(str, x))} and {_received_any('y', y)}"
        )
    return pick(fields, (data, _as_arrays(y, "y")))


def _as_arrays(x, name="x"):
    """Tuples and dictionaries are structure; lists in them are samples, and become arrays."""
    if isinstance(x, dict):
        return x
    if isinstance(x, tuple):
        return tuple(_as_arrays(entry, name) for entry in x if entry is not None)
    return as_array(x, name)


def _received_any(name, value):
    try:
        return received(name, as_array(value, name)).removeprefix("Received: ")
    except (TypeError, ValueError):
        return f"{name} of type {type(value).__name__}."


def _check_values(fields, values, where=""):
    """One checked array per field; `where` is added to names in messages."""
    checked = tuple(
        field.check(value, field.name + where) for field, value in zip(fields, values, strict=True)
    )
    first = fields[0].name
    for field, array, value in zip(fields[1:], checked[1:], values[1:], strict=True):
        if len(array) != len(checked[0]) and field.paired:
            raise ValueError(
                f"{first} has {len(checked[0])} samples and {field.name} has {len(array)}. "
                "Expected one for one. Cut both to the same samples, in the same order. "
                f"{received(first + where, checked[0])} "
                f"{received(field.name + where, as_array(value))}"
            )
    return checked


_BATCHING = {
    "tf.data": "Call `.batch(64)` on the dataset",
    "PyDataset": "Return a whole batch from `__getitem__`",
    "DataLoader": "Pass `batch_size=64` to the DataLoader",
    "generator": "Yield batches, for example of 64 samples stacked with `numpy.stack`",
}


def _check_dataset(fields, dataset, y, kind):
    if y is not None:
        raise ValueError(
            "y was given beside a dataset. Expected labels inside the dataset's elements, as "
            "`(x, y)`. Zip them in, for example with `tf.data.Dataset.zip`, or leave y out. "
            f"Received: x, a {type(dataset).__name__}, and {_received_any('y', y)}"
        )
    if kind == "tf.data":
        specs = pick(fields, dataset.element_spec)
        for field, spec in zip(fields, specs, strict=True):
            shape = getattr(spec, "shape", None)
            if shape is not None and shape.rank is not None:
                field.check_batched(tuple(shape), spec.dtype.name, _BATCHING[kind])
    element, dataset = peek(dataset, kind)
    element = with_string_arrays(element)
    where = " (first batch)"
    values = tuple(
        as_array(value, field.name + where)
        for field, value in zip(fields, pick(fields, element), strict=True)
    )
    for field, value in zip(fields, values, strict=True):
        field.check_batched(value.shape, value.dtype, _BATCHING[kind])
    _check_values(fields, values, where)
    return encoded(fields, dataset, kind, values, element)
