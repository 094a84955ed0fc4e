"""Labels: class ids, or the names of classes."""

import difflib
import unicodedata
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from keras import ops

from kgan.data.fields.field import Field
from kgan.data.inspection import received, to_numpy
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Data, Limits, Scale, Shape, Tensor


class Labels(Field):
    """Declares a field of classes: integers from 0 on, or names.

    Use this, after the samples, for models that are conditioned on a class. Where the names of the
    classes are known, users may give them in place of ids, and ids come back as names.

    Args:
        num_classes: integer, labels run from 0 to `num_classes - 1`.
        names: list of as many strings, what the classes are called. Defaults to `None`.
        name: string, in messages and as a key of dictionaries. Defaults to `"y"`.
        paired: boolean, as for `kgan.data.Field`. Defaults to `True`.

    Raises:
        TypeError: If `num_classes` is no integer.
        ValueError: If there is no class, or there are not as many different names.

    Example:
        ```python
        import kgan

        fields = (kgan.data.Images((28, 28, 1)), kgan.data.Labels(10))
        assert kgan.data.Labels(2, ["cat", "dog"]).check(["dog", "cat"]).tolist() == [1, 0]
        ```
    """

    aliases = ("label", "labels", "y")
    plural = "labels"
    device_dtype = "int32"

    def __init__(
        self,
        num_classes: int,
        names: Sequence[str] | None = None,
        name: str = "y",
        paired: bool = True,
    ) -> None:
        self.num_classes = check_count("num_classes", num_classes)
        self.names = None if names is None else [str(entry) for entry in names]
        self.shape = ()
        self.name = name
        self.paired = bool(paired)
        if self.names is not None and len(set(self.names)) != self.num_classes:
            raise ValueError(
                f"Each of the {self.num_classes} classes has one name, which differs from the "
                f"others. Received: names={names!r}"
            )

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Makes the field from `get_config()`."""
        return cls(**config)

    @property
    def served_dtype(self) -> str:
        """An export takes and gives names where there are some, else ids."""
        return "int32" if self.names is None else "string"

    @property
    def is_encoded_on_host(self) -> bool:
        """Names become ids before the device sees them."""
        return self.names is not None

    @property
    def expected(self) -> str:
        """What a batch looks like, in words."""
        return "(n,)"

    def is_single(self, given: Shape) -> bool:
        """Whether a shape is that of one label."""
        return len(given) == 0

    def check(self, value: Data, name: str | None = None) -> np.ndarray:
        """Checks class ids, or names of classes, and returns them as int32 of shape `(n,)`.

        Args:
            value: integers of shape `(n,)` or `(n, 1)`, floats that are whole numbers, or names.
            name: string, what to call it in messages. Defaults to the field's name.

        Returns:
            int32 NumPy array of shape `(n,)`.

        Raises:
            TypeError: If the labels are neither numbers nor known names.
            ValueError: If they are one-hot, fractions, out of range, empty or of another shape.
        """
        name = name or self.name
        array = _unboxed(to_numpy(value, name))
        expected = f"Expected one integer class id per sample, 0 to {self.num_classes - 1}."

        def fail(error, problem, fix):
            raise error(f"{name} {problem}. {expected} {fix}. {received(name, array)}")

        are_names = array.dtype.kind in "SU" and self.names is not None
        if array.dtype.kind not in "iuf" and not are_names and array.size:
            if array.dtype.kind == "b":
                fail(TypeError, "are boolean", "Cast them with `y.astype('int32')`")
            if array.dtype.kind == "O":
                fail(TypeError, "are Python objects", "Remove samples without a label")
            fail(
                TypeError,
                "are not numbers, and this model's classes have no names",
                "Build the model with `kgan.zoo.load(..., like=(x, y))`, which keeps them, or "
                "number them with `numpy.unique(y, return_inverse=True)[1]`",
            )
        if array.ndim == 2 and array.shape[-1] == 1:
            array = array[:, 0]
        if array.ndim == 2 and array.shape[-1] == self.num_classes:
            fail(ValueError, "look one-hot", "Turn them into ids with `y.argmax(-1)`")
        if array.ndim != 1:
            fail(ValueError, "have the wrong shape", "Bring them to shape (n,)")
        if array.size == 0:
            fail(ValueError, "are empty", "Give as many labels as samples")
        if are_names:
            return self._ids_of(array, fail)
        if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.rint(array))).all():
            fail(
                ValueError,
                "are floats that are not whole numbers",
                "Give class ids; bin a continuous value first with `numpy.digitize`",
            )
        low, high = array.min(), array.max()
        if low < 0 or high >= self.num_classes:
            if low == 1 and high == self.num_classes:
                fail(ValueError, "count from 1", "Subtract one: `y - 1`")
            fail(
                ValueError,
                "are out of range",
                f"Build the model with `num_classes={int(high) + 1}`, or mend the labels"
                if low >= 0
                else "Remove or renumber the samples with negative labels",
            )
        return array.astype("int32")

    def _ids_of(self, array, fail):
        ids = {_text(name): place for place, name in enumerate(self.names)}
        found, places = np.unique(array, return_inverse=True)
        found = [_text(entry) for entry in found]
        unknown = sorted({entry for entry in found if entry not in ids})
        if unknown:
            near = difflib.get_close_matches(unknown[0], list(ids), n=3)
            fail(
                ValueError,
                f"hold the names {unknown[:3]}, which are none of the classes",
                f"Did you mean {' or '.join(map(repr, near))}?"
                if near
                else f"The classes are {self.names[:10]}",
            )
        return np.array([ids[entry] for entry in found], "int32")[places]

    def to_device(self, x: Data) -> Tensor:
        """Class ids, int32 of shape `(batch,)`."""
        x = ops.convert_to_tensor(x)
        if len(x.shape) == 2 and x.shape[-1] == 1:
            x = ops.squeeze(x, -1)
        if len(x.shape) != 1:
            raise ValueError(
                f"The labels {self.name} must have one class id per sample, shape (batch,). Turn "
                f"one-hot rows into ids with `y.argmax(-1)`. Received: {self.name} of shape "
                f"{tuple(x.shape)}, dtype {x.dtype}."
            )
        return ops.cast(x, "int32")

    def from_device(self, array: Data) -> Data:
        """Class ids, or their names where those are known."""
        ids = np.asarray(array).astype("int32")
        return ids if self.names is None else [self.names[place] for place in ids]

    def examples(self, n: int, seed: int = 0) -> Data:
        """The classes in turn."""
        return (np.arange(n) % self.num_classes).astype("int32")

    def in_turn(self, n: int) -> Data:
        """The classes in turn."""
        return self.examples(n)

    def for_each(self, value: Data, n: int) -> Data:
        """One class for all, or one for each."""
        value = np.asarray(value)
        if value.ndim == 0:
            return np.broadcast_to(value, (n,))
        if len(value) != n:
            raise ValueError(
                f"labels: one integer, or {n} of them, one per sample. Received: {len(value)}"
            )
        return value

    @classmethod
    def claims(cls, array: np.ndarray) -> bool:
        """One whole number or one string per sample, or one-hot rows."""
        if array.ndim == 2 and array.shape[-1] > 1:
            return _is_one_hot(array)
        if array.ndim != 1 and not (array.ndim == 2 and array.shape[-1] == 1):
            return False
        return array.dtype.kind in "iuSUO" or (
            array.dtype.kind == "f" and bool((array == np.rint(array)).all())
        )

    @classmethod
    def describe(cls, array: np.ndarray, name: str = "y") -> Self:
        """The field of class ids, whose largest says how many there are, or of names."""
        array = _unboxed(array)
        if array.dtype.kind in "SU":
            names = sorted_names(map(_text, np.unique(array)))
            return cls(len(names), names, name=name)
        if array.ndim == 2 and array.shape[-1] > 1:
            return cls(array.shape[-1], name=name)  # `check` says how to turn them into ids.
        if array.dtype.kind == "O":
            raise TypeError(
                "Labels are class ids or names, one per sample, and some of these are neither. "
                f"Remove samples without a label. {received(name, array)}"
            )
        if array.size > 1 and array.min() == 1 and len(np.unique(array)) == array.max() > 1:
            raise ValueError(
                f"{name} count from 1, so class 0 would be one without a sample. Expected class "
                "ids from 0 on. Subtract one: `y - 1`. Where class 0 is only missing here, pass "
                f"num_classes={int(array.max()) + 1} in place of labels. {received(name, array)}"
            )
        return cls(int(array.max()) + 1 if array.size else 1, name=name)

    @classmethod
    def describe_shape(cls, shape: Shape, name: str = "y") -> Self | None:
        """A shape does not tell how many classes there are: `None`."""
        return None

    def served_asset(self) -> Any:
        """The table of names, which a SavedModel must know of; `None` without names."""
        if self.names is None:
            return None
        import tensorflow as tf

        ids = tf.range(self.num_classes, dtype=tf.int32)
        entries = tf.lookup.KeyValueTensorInitializer(tf.constant(self.names), ids)
        return tf.lookup.StaticHashTable(entries, default_value=-1)

    def from_served(self, x: Data, asset: Any = None) -> Tensor:
        """Names to ids, and an error that lists the classes for others; ids as they are."""
        if asset is None:
            return self.to_device(x)
        import tensorflow as tf

        ids = asset.lookup(x)
        unknown = tf.boolean_mask(x, ids < 0)
        message = f"Labels are names of classes. Expected some of {self.names}. Received: "
        with tf.control_dependencies([tf.Assert(tf.size(unknown) == 0, [message, unknown])]):
            return tf.identity(ids)

    def to_served(self, x: Data) -> Tensor:
        """Names where there are some, else class ids as they are."""
        if self.names is None:
            return ops.cast(x, "int32")
        import tensorflow as tf

        return tf.gather(tf.constant(self.names), x)

    def draw(
        self,
        values: Data,
        columns: int | None = None,
        real: Data = None,
        labels: Data = None,
        scale: Scale = "auto",
        limits: Limits | None = None,
    ) -> np.ndarray:
        """How often each class occurs."""
        from kgan import drawing

        values = self.check(values)
        counts = np.bincount(values, minlength=self.num_classes)
        return drawing.bars(self.names or list(map(str, range(self.num_classes))), counts)

    def captions(self, values: Data) -> list[str] | None:
        """The name of each class, or its number."""
        ids = self.check(values)
        return [self.names[place] if self.names else str(place) for place in ids]


def sorted_names(names):
    """The different names among some: by the alphabet, or by number where all are whole numbers."""
    names = sorted(set(names))
    return sorted(names, key=int) if all(name.isdecimal() for name in names) else names


def _unboxed(array):
    """Strings or integers that lie in an array of objects, as pandas keeps them, as their own."""
    for kinds in (str, (int, np.integer)) if array.dtype.kind == "O" else ():
        if array.size and all(isinstance(entry, kinds) for entry in array.flat):
            return array.astype(str if kinds is str else "int64")
    return array


def _text(entry):
    text = entry.decode() if isinstance(entry, bytes) else str(entry)
    # "é" may be one character or two, by where it was typed.
    return unicodedata.normalize("NFC", text)


def _is_one_hot(array):
    if array.dtype.kind not in "iuf":
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=-1) == 1).all())
