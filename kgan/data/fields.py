"""The fields of a batch that a model declares, and how they are found in what the user gives."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Samples:
    """Declares one field of real samples.

    Choose it for everything a discriminator looks at. Three dimensions `(height, width, channels)`
    mean images, which have a range: integers in 0..255 or floats in [-1, 1]. Any other number of
    dimensions means plain floats (points, signals, video features) without a range.

    Args:
        shape: Shape of one sample, without the batch axis. `None` in it accepts any size.
        name: Name of the field, in messages and as a key of dictionaries. Defaults to `"x"`.
        paired: Whether sample `i` belongs to sample `i` of the first field. `False` declares a
            collection of its own: it may be longer or shorter, and `fit` shuffles it by itself.
            Defaults to `True`.

    Example:
        ```python
        import kgan

        fields = (kgan.data.Samples((28, 28, 1)),)
        ```
    """

    shape: tuple
    name: str = "x"
    paired: bool = True

    def __post_init__(self):
        """Makes lists and NumPy integers a plain tuple, so that fields compare and hash."""
        shape = tuple(None if size is None else int(size) for size in self.shape)
        if not shape or any(size is not None and size < 1 for size in shape):
            raise ValueError(
                "The shape of a sample must have at least one dimension, and positive sizes. "
                f"Give it without the batch axis, as in (28, 28, 1). Received: shape={self.shape}."
            )
        object.__setattr__(self, "shape", shape)

    @property
    def is_image(self):
        """Whether samples are images `(height, width, channels)`, which have a value range."""
        return len(self.shape) == 3


@dataclasses.dataclass(frozen=True)
class Labels:
    """Declares one field of integer class ids.

    Choose it, after the samples, for models that are conditioned on a class.

    Args:
        num_classes: Number of classes; labels run from 0 to `num_classes - 1`.
        name: Name of the field, in messages and as a key of dictionaries. Defaults to `"y"`.

    Example:
        ```python
        import kgan

        fields = (kgan.data.Samples((28, 28, 1)), kgan.data.Labels(10))
        ```
    """

    num_classes: int
    name: str = "y"


def keys_of(field, fields):
    """Returns the dictionary keys under which `field` is looked for, the best first."""
    if isinstance(field, Labels):
        return (field.name, "label", "labels", "y")
    if field is first_samples(fields):
        return (field.name, "image", "images", "x")
    return (field.name,)


def are_paired(fields):
    """Returns whether sample `i` of every field belongs to sample `i` of the first."""
    return all(getattr(field, "paired", True) for field in fields[1:])


def first_samples(fields):
    """Returns the first `Samples` field."""
    return next(field for field in fields if isinstance(field, Samples))


def pick(fields, data):
    """Returns one entry of `data` per field, in the order of `fields`.

    Looks at structure only (tuples, lists, dictionaries), never at values, so that it runs on the
    host, on element specs and inside a compiled step alike. Entries that no field asks for, such as
    the labels an unconditional model has no use for, are left out.

    Args:
        fields: Tuple of `Samples` and `Labels`.
        data: A tensor, a dictionary, or a (nested) tuple or list of them; `None` at the end is
            the place Keras keeps for absent targets and sample weights.

    Returns:
        A tuple with `len(fields)` entries.

    Raises:
        ValueError: If a field is missing, or sample weights are given.
    """
    positional, named = _flatten(data)
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
            kind = "labels" if isinstance(field, Labels) else "samples"
            keys = " or ".join(repr(key) for key in dict.fromkeys(keys_of(field, fields)))
            raise ValueError(
                f"The {kind} {field.name!r} are missing from the data. Expected "
                f"{_expected(fields)}. Pass `fit(x, y)`, a dataset of `(x, y)`, or a dictionary "
                f"with the key {keys}. Received: {_structure(data)}."
            )
        picked.append(value)
    return tuple(picked)


def _flatten(data):
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
