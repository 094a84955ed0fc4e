"""Checks of plain arguments, shared by many functions."""

import math
import numbers

import numpy as np


def check_count(name, value, minimum=1):
    """Returns an integer argument, and raises if it is not an integer or is too small.

    Args:
        name: string, the argument's name.
        value: the argument.
        minimum: integer, the smallest valid value. Defaults to 1.

    Returns:
        `value` as a Python integer.

    Raises:
        TypeError: when it is not an integer.
        ValueError: when it is below the minimum.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(
            f"`{name}` must be an integer of at least {minimum}. "
            f"Received: {name}={value!r} (of type {type(value).__name__})"
        )
    if value < minimum:
        raise ValueError(
            f"`{name}` must be an integer of at least {minimum}. Received: {name}={value!r}"
        )
    return int(value)


def check_counts(name, values, example="(128, 128)"):
    """Returns a tuple of integers of at least 1, and raises for anything else.

    Args:
        name: string, the argument's name.
        values: the argument.
        example: string, a valid value for the error messages.

    Returns:
        `values` as a tuple of Python integers.

    Raises:
        TypeError: when it is not a tuple or list of integers, or is empty.
        ValueError: when one is below 1.
    """
    if not isinstance(values, tuple | list) or not values:
        raise TypeError(
            f"`{name}` must be a tuple of positive integers, such as {example}. "
            f"Received: {name}={values!r}"
        )
    return tuple(check_count(name, value) for value in values)


def check_positive(name, value, example):
    """Returns a number as a Python float, and raises unless it is finite and above 0.

    Args:
        name: string, the argument's name.
        value: the argument.
        example: a valid value for the error messages.

    Returns:
        `value` as a Python float.

    Raises:
        TypeError: when it is not a number.
        ValueError: when it is not finite or not above 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating):
        raise TypeError(
            f"`{name}` must be a number above 0, such as {example}. Received: {name}={value!r}"
        )
    if not 0 < value < math.inf:
        raise ValueError(
            f"`{name}` must be a finite number above 0, such as {example}. "
            f"Received: {name}={value!r}"
        )
    return float(value)


def check_weight(name, value):
    """Returns the weight of a term, and raises unless it is a finite number of at least 0.

    Args:
        name: string, the argument's name.
        value: the argument.

    Returns:
        `value` as a Python float.

    Raises:
        TypeError: when it is not a number.
        ValueError: when it is negative or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"`{name}` must be a number of at least 0. "
            f"Received: {name}={value!r} (of type {type(value).__name__})"
        )
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"`{name}` must be a number of at least 0. Received: {name}={value!r}")
    return float(value)


def check_rate(name, value):
    """Returns a rate, per second or of learning, and raises where it is no finite number above 0.

    Args:
        name: string, the argument's name.
        value: what was received.

    Returns:
        `value` as a Python float.

    Raises:
        TypeError: when it is not a number.
        ValueError: when it is not positive and finite.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"`{name}` must be a number above 0. "
            f"Received: {name}={value!r} (of type {type(value).__name__})"
        )
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"`{name}` must be a finite number above 0. Received: {name}={value!r}")
    return float(value)


def check_part(name, value, kind, example):
    """Returns an object that a model is given as a part, and raises where it is of another kind.

    Args:
        name: string, the argument's name.
        value: what was received; `None` leaves the part out.
        kind: class that the object must be of.
        example: string, such an object as code, for the message.

    Returns:
        `value`.

    Raises:
        TypeError: when it is neither `None` nor of this kind.
    """
    if value is not None and not isinstance(value, kind):
        raise TypeError(
            f"`{name}` is an object that the model is given, a {kind.__name__}, or None. Pass for "
            f"example {name}={example}. "
            f"Received: {name}={value!r} (of type {type(value).__name__})"
        )
    return value
