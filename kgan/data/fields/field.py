"""What every kind of data can do: the base class of the fields."""

import inspect
import pathlib
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from kgan.data.fields.values import as_float32, check_finite, check_some, is_integer
from kgan.data.inspection import as_array, received
from kgan.utils.hints import Config, Data, Limits, Scale, Shape, Tensor


class Field:
    """One field of a batch, and all that kgan knows of its kind of data.

    Use this as the base class of a kind of data that kgan does not have. A model declares what a
    batch holds as a tuple of fields, `fields = (Images((64, 64, 3)), Labels(10))`; data checks,
    `fit`, endpoints, exports, pictures and metrics ask the field and never count axes.

    A subclass keeps each argument of `__init__` in an attribute of the same name, so that what it
    knows is saved with the model, and overrides what differs for its kind: `check_values`,
    `to_device` and `from_device`; `claims` and `describe` for `like=`; `served_dtype`,
    `from_served` and `to_served` for exports; `draw` and `captions` for pictures. It holds floats.

    Args:
        shape: tuple, shape of a sample on the device, without the batch. `None` is any size.
        name: string, in messages and as a key of dictionaries. Defaults to `"x"`.
        paired: boolean, whether sample `i` belongs to sample `i` of the first field. `False`
            declares a separate collection, longer or shorter, which `fit` shuffles separately.
            Defaults to `True`.

    Raises:
        ValueError: If the shape has no axes or a size below 1.

    Example:
        ```python
        import kgan


        class Angles(kgan.data.Field):
            plural = "angles"

            def check_values(self, array, name):
                array = super().check_values(array, name)
                if abs(array).max() > 180:
                    raise ValueError(f"{name} are no angles: expected [-180, 180].")
                return array

            def to_device(self, x):
                return super().to_device(x) / 180.0

            def from_device(self, array):
                return array * 180.0


        field = Angles((1,))
        assert field.from_device(field.check([[90.0]])).shape == (1, 1)
        ```
    """

    # Keys of dictionaries under which the first field of this kind is found, beside its name.
    aliases = ()
    # What samples are called in messages and as an argument of endpoints.
    plural = "samples"
    # What the networks take.
    device_dtype = "float32"
    # What an endpoint of an export takes and gives.
    served_dtype = "float32"
    # Whether values come as something that no device holds, such as strings.
    is_encoded_on_host = False
    # What `check` expects, in words.
    _expected_values = "floats"

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = cls.__module__.partition(".")[0] == "kgan"
        keras.saving.register_keras_serializable("kgan" if own else "kgan.user")(cls)

    def __init__(self, shape: Shape, name: str = "x", paired: bool = True) -> None:
        self.shape = tuple(None if size is None else int(size) for size in shape)
        if not self.shape or any(size is not None and size < 1 for size in self.shape):
            raise ValueError(
                "The shape of a sample must have at least one dimension, and positive sizes. "
                f"Give it without the batch axis, as in (28, 28, 1). Received: shape={shape}."
            )
        self.name = name
        self.paired = bool(paired)

    # What it remembers

    def get_config(self) -> Config:
        """The arguments of `__init__`, read from the attributes of the same names."""
        given = {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in given.items()}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Makes the field from `get_config()`."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in config.items()})

    def __eq__(self, other):
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self):
        return hash((type(self), self.shape, self.name))

    def __repr__(self):
        names = inspect.signature(type(self)).parameters
        given = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({given})"

    def renamed(self, name: str, paired: bool = True) -> Self:
        """The same field under another name.

        Args:
            name: string.
            paired: boolean. Defaults to `True`.
        """
        return type(self).from_config({**self.get_config(), "name": name, "paired": paired})

    # On the host

    @property
    def expected(self) -> str:
        """What a batch looks like, in words, for messages."""
        return f"(n, {', '.join(map(str, self.shape))})"

    def check(self, value: Data, name: str | None = None) -> np.ndarray:
        """Checks a whole collection of samples and returns it ready for training.

        Args:
            value: what the user gave: an array, a tensor, or a list of equal-shaped samples.
            name: string, what to call it in messages. Defaults to the field's name.

        Returns:
            NumPy array of shape `(n, *shape)`.

        Raises:
            TypeError: If it holds nothing that this kind can be made of.
            ValueError: If shape or values are not what the field declares.
        """
        name = name or self.name
        array = as_array(value, name)
        self._check_numbers(array, name)
        if array.size == 0:
            raise ValueError(
                f"{name} is empty. Expected at least one sample of shape {self.shape}. Check the "
                f"filter or the folder the data comes from. {received(name, array)}"
            )
        return self.check_values(self._check_shape(array, name), name)

    def check_values(self, array: np.ndarray, name: str) -> np.ndarray:
        """Checks the values of samples whose shape is right, and returns them ready for training.

        Args:
            array: NumPy array of numbers, shape `(n, *shape)`.
            name: string, what to call it in messages.

        Returns:
            NumPy array of that shape.
        """
        if array.dtype.kind != "f":
            raise ValueError(
                f"{name} are integers, and only images may be. Expected floats of shape "
                f"{self.expected}. Use `x.astype('float32')`. {received(name, array)}"
            )
        check_finite(array, name)
        return as_float32(array)

    def check_batched(self, shape: Shape, dtype: Any, advice: str) -> None:
        """Refuses the elements of a dataset that are single samples.

        Args:
            shape: tuple, the shape of an element, perhaps with unknown sizes.
            dtype: its dtype, for the message.
            advice: string, how such a dataset is batched.
        """
        if self.is_single(shape):
            raise ValueError(
                f"The dataset gives single samples, not batches: {self.name} has no batch axis. "
                f"Expected elements of shape {self.expected.replace('(n,', '(batch,')}. {advice}. "
                f"Received: {self.name} of shape {shape}, dtype {dtype}."
            )

    def is_single(self, given: Shape) -> bool:
        """Whether a shape, perhaps with unknown sizes, is one sample without a batch axis."""
        wanted = self.shape
        if len(given) == len(wanted):
            if wanted[-1] is None:
                return given[-1] in (1, 3, 4)
            # A last size of one may be left out, and then the same rank is a batch.
            batch_of_ones = wanted[-1] == 1 and (len(wanted) == 1 or wanted[-2] in (1, None))
            return given[-1] == wanted[-1] and not batch_of_ones
        return wanted[-1] == 1 and _fits(given, wanted[:-1])

    def _check_numbers(self, array, name):
        kind = array.dtype.kind
        if kind in "iuf":
            return
        problem, fix = {
            "b": ("is boolean", "Scale it with `x.astype('uint8') * 255`"),
            "c": ("is complex", "Take `abs(x)`, or stack real and imaginary parts as channels"),
            "O": (
                "holds Python objects, as lists of unequal shapes do",
                "Bring all samples to one shape and stack them with `numpy.stack`",
            ),
        }.get(
            kind, ("does not hold numbers", "Decode it, for example with `kgan.data.load(folder)`")
        )
        raise TypeError(
            f"{name} {problem}. Expected {self._expected_values}. {fix}. {received(name, array)}"
        )

    def _check_shape(self, array, name):
        expected = f"Expected {self.expected}."
        if self.is_single(array.shape):
            raise ValueError(
                f"{name} is a single sample without a batch axis. {expected} Add the axis with "
                f"`x[None]`. {received(name, array)}"
            )
        if array.ndim == len(self.shape) and self.shape[-1] in (1, None):
            array = array[..., None]
        if _fits(array.shape[1:], self.shape):
            return array
        problem, fix = self._diagnose(array)
        raise ValueError(f"{name} {problem}. {expected} {fix}. {received(name, array)}")

    def _diagnose(self, array):
        """What is wrong with the shape of an array, and how to fix it."""
        sizes = ", ".join(map(str, self.shape))
        return "has the wrong shape", f"Reshape it with `x.reshape(-1, {sizes})`"

    def examples(self, n: int, seed: int = 0) -> Data:
        """Random values that the field accepts, to try a model out without data.

        Args:
            n: integer, how many samples.
            seed: integer. Defaults to 0.

        Returns:
            What a user would give: `check` accepts it.
        """
        return np.random.default_rng(seed).normal(size=self._sizes(n)).astype("float32")

    def in_turn(self, n: int) -> Data:
        """What to show for `n` samples where nobody says which, or `None` where someone must."""
        return None

    def for_each(self, value: Data, n: int) -> Data:
        """One value for all of `n` samples, or a value for each, as a value for each.

        Raises:
            ValueError: If there are not as many.
        """
        if len(value) != n:
            raise ValueError(
                f"{self.plural}: one per sample, {n} here. Received: {len(value)} of {self.name}"
            )
        return value

    def _sizes(self, n, unknown=8):
        return (n, *(unknown if size is None else size for size in self.shape))

    # On the device and back

    def to_device(self, x: Data) -> Tensor:
        """A batch as the networks take it, in `keras.ops`: called inside compiled steps.

        Args:
            x: tensor or array of what `check` returned, or of a dataset's batch.

        Returns:
            Tensor, float32 of shape `(batch, *shape)`.

        Raises:
            ValueError: If its rank or type can't be the declared one.
        """
        x = self._with_declared_shape(ops.convert_to_tensor(x))
        if is_integer(x):
            raise ValueError(
                f"{self.name} are integers, and only images may be. Expected floats of shape "
                f"{self.expected.replace('(n,', '(batch,')}. Cast with `x.astype('float32')`. "
                f"Received: {self.name} of shape {tuple(x.shape)}, dtype {x.dtype}."
            )
        return ops.cast(x, "float32")

    def from_device(self, array: Data) -> Data:
        """What a network made, in the user's scale.

        Args:
            array: NumPy array as a network returns it.

        Returns:
            NumPy array or list, of what the user gives for this field.
        """
        return np.asarray(array, "float32")

    def _with_declared_shape(self, x):
        try:
            shape = tuple(x.shape)
        except ValueError:  # TensorFlow's way to say that even the rank is unknown.
            shape = None
        if None not in self.shape and (shape is None or None in shape[1:]):
            # Generators and `.map(decode)` lose sizes that the networks need to be built on.
            # The batch's size is kept, so that samples of another size stop here and are not recut.
            batch_size = -1 if shape is None else ops.shape(x)[0]
            return ops.reshape(x, (batch_size, *self.shape))
        if len(shape) == len(self.shape) and self.shape[-1] == 1:
            return ops.expand_dims(x, -1)
        if len(shape) != len(self.shape) + 1:
            raise ValueError(
                f"{self.name} have the wrong number of dimensions. Expected "
                f"{self.expected.replace('(n,', '(batch,')}. Reshape the data, or batch the "
                f"dataset with `.batch(64)`. Received: {self.name} of shape {shape}, "
                f"dtype {x.dtype}."
            )
        return x

    # From data: `like=`

    @classmethod
    def claims(cls, array: np.ndarray) -> bool:
        """Whether samples look like this kind, for `like=`.

        Args:
            array: NumPy array of a user's samples.
        """
        return array.dtype.kind == "f"

    @classmethod
    def describe(cls, array: np.ndarray, name: str = "x") -> Self:
        """The field of a user's samples, for `like=`.

        Args:
            array: NumPy array of samples, perhaps only of a first batch.
            name: string, the field's name. Defaults to `"x"`.

        Returns:
            A field.

        Raises:
            TypeError, ValueError: If no field of this kind can hold them.
        """
        check_some(array, name)
        return cls(array.shape[1:] or (1,), name=name)

    @classmethod
    def describe_shape(cls, shape: Shape, name: str = "x") -> Self | None:
        """The field of a shape that the user gave in place of data, or `None`."""
        return cls(shape, name=name)

    # At endpoints

    @property
    def served_shape(self) -> Shape:
        """Shape of one sample as an endpoint takes it, without the batch axis."""
        return self.shape

    def served_asset(self) -> Any:
        """What `from_served` needs beside tensors, such as a lookup table, or `None`."""
        return None

    def from_served(self, x: Data, asset: Any = None) -> Tensor:
        """What an endpoint takes, as the networks take it. It runs inside a TensorFlow graph.

        Args:
            x: tensor of `served_dtype`, shape `(batch, *served_shape)`.
            asset: what `served_asset` returned. Defaults to `None`.
        """
        return self.to_device(x)

    def to_served(self, x: Data) -> Tensor:
        """What the networks made, as an endpoint gives it. It runs inside a TensorFlow graph.

        Args:
            x: tensor as a network returns it.
        """
        return x

    # In pictures

    def draw(
        self,
        values: Data,
        columns: int | None = None,
        real: Data = None,
        labels: Data = None,
        scale: Scale = "auto",
        limits: Limits | None = None,
    ) -> np.ndarray:
        """One picture of a collection of samples.

        Args:
            values: samples in the user's scale, as from `from_device`.
            columns: integer, samples per row. Defaults to `None`: about a square.
            real: real samples to draw beside or beneath them. Defaults to `None`.
            labels: integers that colour the samples, where the kind can. Defaults to `None`.
            scale: integer or `"auto"`, pixels per pixel of an image. Defaults to `"auto"`.
            limits: lowest and highest number shown, where there is an axis. Defaults to `None`,
                those of the data.

        Returns:
            uint8 array (height, width, channels).
        """
        from kgan import drawing

        rows = np.asarray(values, "float32")
        return drawing.curves(rows.reshape(len(rows), -1), columns)

    def captions(self, values: Data) -> list[str] | None:
        """A word for each sample, as a title of pictures; `None` for kinds that are drawn.

        Args:
            values: samples in the user's scale.

        Returns:
            A list of strings, or `None`.
        """
        return None

    # How many samples a picture shows where nobody says so.
    most_drawn = 16
    # Whether `draw` shows real samples too, and whether it shows labels as colours.
    draws_real = False
    colours_labels = False

    def save_each(self, values: Data, folder: pathlib.Path) -> None:
        """Writes each sample to a separate file.

        Args:
            values: samples in the user's scale.
            folder: `pathlib.Path` of a folder that exists.

        Raises:
            ValueError: If samples of this kind have no file format.
        """
        raise ValueError(
            f"Only kinds of data with a file format go into a file each, and {self.plural} have "
            "none. Write the numbers as one .npy file instead. "
            f"Received: samples of shape {np.shape(values)[1:]}"
        )


def _fits(given, wanted):
    return len(given) == len(wanted) and all(
        size is None or size == other for size, other in zip(wanted, given, strict=True)
    )
