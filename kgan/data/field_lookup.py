"""How the fields that a model declares are found in what the user gives."""

from collections.abc import Sequence

from kgan.data.fields import Field
from kgan.utils.hints import Batch, Data


def keys_of(field, fields):
    """The dictionary keys under which a field is looked for, the best first."""
    place = next(place for place, other in enumerate(fields) if other is field)
    keys = (field.name,)
    # Words such as "image" mean the first field of that kind, and "x" the first of all.
    if not any(type(other) is type(field) for other in fields[:place]):
        keys += field.aliases
    # The samples of a data set are called so whatever they are.
    return keys if place else (*keys, "x", "image", "images")


def are_paired(fields):
    """Whether sample `i` of every field belongs to sample `i` of the first."""
    return all(field.paired for field in fields[1:])


def pick(fields, data):
    """One entry of `data` per field, in the order of `fields`.

    Looks at structure only (tuples, lists, dictionaries), never at values, so that it runs on the
    host, on element specs and inside a compiled step alike. Entries that no field asks for, such as
    the labels an unconditional model has no use for, are left out.

    Args:
        fields: tuple of `kgan.data.Field`.
        data: a tensor, a dictionary, or a (nested) tuple or list of them; `None` at the end is
            the place Keras keeps for absent targets and sample weights.

    Returns:
        A tuple with `len(fields)` entries.

    Raises:
        ValueError: If a field is missing, or sample weights are given.
    """
    positional, named = flatten(data)
    if len(positional) > max(2, len(fields)):
        raise ValueError(
            f"A batch has {len(positional)} entries, the last of which Keras takes for sample "
            "weights, and the losses of a GAN have no use for those. Expected "
            f"{_expected(fields)}. Drop the rest, for example with "
            f"`.map(lambda x, y, weight: (x, y))`. Received: {_structure(data)}."
        )
    positional = iter(positional)
    picked = []
    for field in fields:
        key = next((key for key in keys_of(field, fields) if key in named), None)
        value = next(positional, None) if key is None else named[key]
        if value is None:
            keys = " or ".join(repr(key) for key in dict.fromkeys(keys_of(field, fields)))
            raise ValueError(
                f"The {field.plural} {field.name!r} are missing from the data. Expected "
                f"{_expected(fields)}. Pass `{_call(fields)}`, a dataset of {_expected(fields)}, "
                f"or a dictionary with the key {keys}. Received: {_structure(data)}."
            )
        picked.append(value)
    return tuple(picked)


def unpack(fields: Sequence[Field], data: Data) -> Batch:
    """Turns a batch as Keras hands it over into one tensor per declared field.

    Use this at the top of a custom step; `kgan.AdversarialModel` calls it on every batch.

    Args:
        fields: tuple of `kgan.data.Field`, in the order in which the model wants them.
        data: `x`, `(x,)`, `(x, y)`, `(x, y, z)`, `(x, None, None)`, a dictionary such as TFDS's
            `{"image": ..., "label": ...}`, or a tuple that holds one.

    Returns:
        A tuple with exactly `len(fields)` tensors, as each field's `to_device` returns them.

    Raises:
        ValueError: If a field is missing or its rank or type cannot be the declared one.

    Example:
        ```python
        import kgan
        import numpy as np

        fields = (kgan.data.Images((28, 28, 1)), kgan.data.Labels(10))
        batch = {"image": np.zeros((4, 28, 28), "uint8"), "label": np.arange(4)}
        images, labels = kgan.data.unpack(fields, batch)
        ```
    """
    values = pick(fields, data)
    return tuple(field.to_device(value) for field, value in zip(fields, values, strict=True))


def flatten(data):
    """The entries of nested data by place, and those that a dictionary names."""
    positional, named = [], {}

    def walk(value):
        if isinstance(value, dict):
            named.update(value)
        elif isinstance(value, (tuple, list)):
            for entry in value:
                walk(entry)
        else:
            positional.append(value)

    walk(data)
    # Only trailing `None`s are dropped: a `None` in front of something is an absent target.
    while positional and positional[-1] is None:
        positional.pop()
    return positional, named


def _expected(fields):
    names = ", ".join(field.name for field in fields)
    return f"({names})" if len(fields) > 1 else names


def _call(fields):
    return "fit(x, y)" if len(fields) == 2 else f"fit({_expected(fields)})"


def _structure(data):
    """Describes nested data in one line without its values."""
    if isinstance(data, dict):
        return "{" + ", ".join(f"{key!r}: {_structure(data[key])}" for key in data) + "}"
    if isinstance(data, (tuple, list)):
        return "(" + ", ".join(_structure(entry) for entry in data) + ("," * (len(data) == 1)) + ")"
    if data is None:
        return "None"
    shape = getattr(data, "shape", None)
    return type(data).__name__ if shape is None else f"{type(data).__name__} of shape {shape}"
