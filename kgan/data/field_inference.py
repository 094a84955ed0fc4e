"""What a user's data is, field by field: how `like=` becomes fields."""

import numbers
from collections.abc import Sequence

import numpy as np

from kgan.data.fields import Clips, Field, Images, Labels, Signals, Text, Vectors, of_shape
from kgan.data.inspection import as_array, kind_of, peek, to_numpy
from kgan.utils.hints import Data

# What data may be where nobody says so, in the order in which kinds are tried.
FIRST = (Images, Clips, Signals, Vectors)
OTHERS = (Text, Labels, Images, Clips, Signals, Vectors)


def describe_data(
    like: Data, kinds: Sequence[Sequence[type[Field]]] = (FIRST, OTHERS, OTHERS, OTHERS)
) -> tuple[Field, ...]:
    """The fields of a user's data: its kinds, shapes, classes, vocabularies.

    Use this to build a model that fits the data; `kgan.zoo.load(name, like=...)` calls it.

    Args:
        like: an array of samples; a tuple of arrays or datasets, one per field; a dictionary such
            as `{"image": ..., "label": ...}`; a batched dataset; the shape of one sample as
            integers, where `(28, 28)` means grey images; or a `kgan.data.Field`, or a tuple of
            them, where what the data is should not be guessed.
        kinds: tuple of tuples of field classes: what the first, the second... may be, in the order
            in which they are tried. Data beyond them is not looked at. Defaults to all kinds.

    Returns:
        A tuple of fields, as many as the data has, at most one per entry of `kinds`. Of a dataset
        only the first batch is known, so no `Labels` without names come from it: it need not
        hold the largest.

    Raises:
        TypeError: If it is a generator, which can be read only once, or no data at all.
        ValueError: If no kind fits.

    Example:
        ```python
        import kgan
        import numpy as np

        images, labels = np.zeros((50, 28, 28), "uint8"), np.arange(50) % 10
        x, y = kgan.data.describe_data((images, labels))
        assert x == kgan.data.Images((28, 28, 1)) and y == kgan.data.Labels(10)
        assert kgan.data.describe_data((32, 32, 3)) == (kgan.data.Images((32, 32, 3)),)
        ```
    """
    if like is None:
        to_numpy(like)  # which says what data is
    if isinstance(like, Field):
        like = (like,)
    if isinstance(like, tuple) and like and all(isinstance(field, Field) for field in like):
        return _checked_fields(like, kinds)
    if _is_shape(like):
        return (_of_integers(like, kinds[0]),)
    is_dataset = False
    if isinstance(like, tuple) and any(kind_of(entry) is not None for entry in like):
        # Several collections, each a dataset.
        values = tuple(_samples_of(entry) for entry in like)
        is_dataset = True
    elif kind_of(like) is not None:
        values, is_dataset = _first_batch(like), True
    else:
        values = like
    return _described(values, kinds, is_dataset)


def _checked_fields(fields, kinds):
    for field, allowed in zip(fields, kinds):
        if not isinstance(field, allowed):
            raise ValueError(
                f"The data is of another kind than what is wanted: {_names(allowed)}. Load another "
                f"model, or bring the data to that kind. Received: like={field}"
            )
    return tuple(fields[: len(kinds)])


def _is_shape(like):
    return isinstance(like, (tuple, list)) and all(
        isinstance(size, numbers.Integral) and not isinstance(size, bool) for size in like
    )


def _of_integers(like, allowed):
    shape = tuple(int(size) for size in like)
    if not shape or min(shape) < 1:
        raise ValueError(
            "The shape of a sample must have at least one dimension, and positive sizes, without "
            f"the batch axis. Give for example (28, 28, 1). Received: {like}."
        )
    for kind in allowed:
        # Of two axes, grey images are the first guess where they are allowed; vectors the last.
        if kind is Signals and len(shape) == 1 and Vectors in allowed:
            continue
        field = kind.describe_shape(shape)
        if field is not None and (kind is not Vectors or len(shape) == 1 or len(allowed) == 1):
            return field
    field = of_shape(shape)
    return field if isinstance(field, allowed) else Vectors(shape)


def _first_batch(dataset):
    kind = kind_of(dataset)
    if kind == "generator":
        raise TypeError(
            "A generator can be read only once, so its first batch cannot be looked at here. "
            "Expected an array, a dataset or a shape. Give the shape of one sample instead, as in "
            f"`like=(64, 64, 3)`. Received: {type(dataset).__name__}."
        )
    element, _ = peek(dataset, kind)
    # A DataLoader makes lists of what are tuples.
    element = tuple(element) if isinstance(element, list) else element
    return element if isinstance(element, dict | tuple) else (element,)


def _samples_of(entry):
    """The samples of one of several collections, which may hold labels too."""
    if not kind_of(entry):
        return entry
    batch = _first_batch(entry)
    if isinstance(batch, dict):
        key = _key(batch, FIRST, 0, ())
        return batch if key is None else batch[key]
    return batch[0]


def _described(values, kinds, is_dataset):
    named = None
    if isinstance(values, dict):
        named = dict(values)
    elif isinstance(values, tuple) and values and isinstance(values[0], dict):
        named = {**values[0]}
        named |= {"y": values[1]} if len(values) > 1 and values[1] is not None else {}
    elif isinstance(values, list) and len(values) == 2 and np.ndim(values[1]) <= 1:
        # `[x, y]`; a list of images has entries of one shape.
        values = tuple(values) if np.ndim(values[0]) > 1 else (values,)
    elif not isinstance(values, tuple):
        values = (values,)
    fields, used = [], set()
    for place, allowed in enumerate(kinds):
        if named is not None:
            key = _key(named, allowed, place, used)
            if key is None:
                break
            used.add(key)
            value, name = named[key], key
        elif place < len(values) and values[place] is not None:
            value, name = values[place], "x" if not place else "y"
        else:
            break
        array = as_array(value, name)
        kind = next((kind for kind in allowed if kind.claims(array)), None)
        if Text in allowed and Labels not in allowed and array.dtype.kind in "SUO":
            kind = Text  # Of one word each, too: nothing else is made of strings here.
        if kind is None and place:
            break  # What a model has no use for, such as labels, may lie in its data.
        if kind is Labels and is_dataset and array.dtype.kind not in "SUO":
            break
        # No kind fits: the first one says what is wrong.
        fields.append((kind or _nearest(allowed, array)).describe(array))
    if not fields:
        raise ValueError(
            "No samples were found in the data. Expected an array, `(x, y)`, or a dictionary "
            "with the key 'image' or 'x'. Rename the key, or pass the array itself. "
            f"Received: {_keys(values)}."
        )
    return tuple(fields)


def _key(named, allowed, place, used):
    keys = [key for kind in allowed for key in kind.aliases] + ([] if place else ["x"])
    keys += ["y", "label", "labels"] if place == 1 else []
    keys = [key for key in keys if key in named and key not in used]
    if not keys and len(named) > 1:
        # Names of a model's own: the first entry that could be meant.
        for key, value in named.items():
            if key not in used and any(kind.claims(as_array(value, key)) for kind in allowed):
                return key
    return next(iter(keys), None)


def _nearest(allowed, array):
    if array.ndim <= 2 and Vectors in allowed:
        return Vectors
    return allowed[0]


def _names(kinds):
    return " or ".join(kind.__name__ for kind in kinds)


def _keys(data):
    return f"the keys {sorted(map(str, data))}" if isinstance(data, dict) else type(data).__name__
