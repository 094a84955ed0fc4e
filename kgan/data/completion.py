"""Fields that are made of another one where the data does not hold them."""

from kgan.data.field_lookup import flatten, keys_of
from kgan.data.inspection import as_array, kind_of


def is_completed(fields):
    """Whether the first of two fields can be made of the other one, so that data may lack it."""
    return len(fields) == 2 and hasattr(fields[0], "made_of")


def completed(fields, x, y):
    """What a user gave to a model, with the first field's values made where they are lacking.

    Args:
        fields: tuple of `kgan.data.Field`.
        x: what `kgan.data.check` takes.
        y: likewise.

    Returns:
        A pair of x and y.
    """
    if y is not None or not is_completed(fields) or kind_of(x) is not None:
        return x, y
    first, second = fields
    value = x
    if isinstance(x, dict | tuple):
        positional, named = flatten(x)
        # A dictionary may hold more than a model has use for, such as labels.
        keys = [key for key in keys_of(second, fields) + first.aliases if key in named]
        values = [*positional, *(named[key] for key in keys[:1])]
        if len(values) != 1 or first.name in named:
            return x, y
        (value,) = values
    whole = first.made_from(second)
    return first.made_of(whole.check(as_array(value, whole.name), whole.name)), None
