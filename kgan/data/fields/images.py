"""Images: pictures (height, width, channels)."""

import pathlib
import warnings
from typing import Self

import numpy as np
from keras import ops

from kgan.data.fields.field import Field
from kgan.data.fields.values import as_float32, check_finite, check_some, is_integer
from kgan.data.inspection import chunks, received, to_numpy, value_range
from kgan.utils.hints import Data, Limits, Scale, Shape, Tensor
from kgan.utils.pixels import to_uint8

# Rounding in resizing and in float16 leaves [-1, 1] by about this much.
TOLERANCE = 1e-3


class PixelField(Field):
    """What images and clips share: integers in 0..255, or floats in [-1, 1]; uint8 comes back."""

    served_dtype = "uint8"
    draws_real = True
    _expected_values = "integers in 0..255 or floats in [-1, 1]"

    def check_values(self, array: np.ndarray, name: str) -> np.ndarray:
        """Checks the range; integers become uint8, floats float32."""
        if array.dtype.kind in "iu":
            return _check_integers(array, name)
        low, high = check_finite(array, name)
        if low < -1 - TOLERANCE or high > 1 + TOLERANCE:
            if low >= 0 and high <= 255 + TOLERANCE:
                problem = "are floats that look like 0..255"
                fix = "Cast them with `x.astype('uint8')`, or scale them with `x / 127.5 - 1`"
            else:
                problem = "are floats outside [-1, 1]"
                fix = (
                    "If they were standardised, give the pixels from before that, as uint8; or "
                    "scale with the data's known bounds: `2 * (x - low) / (high - low) - 1`"
                )
            raise ValueError(
                f"{name} {problem}. Expected integers in 0..255 or floats in [-1, 1]. {fix}. "
                f"{received(name, array)}"
            )
        if low >= 0 and 0 < high:
            warnings.warn(
                f"{name} look like images in 0..1: nothing is below 0. Expected floats in [-1, 1], "
                "where 0 is grey: as they are, black is taken for grey. Use `x * 2 - 1`. "
                f"{received(name, array)}",
                UserWarning,
                stacklevel=2,
            )
        return as_float32(array)

    def to_device(self, x: Data) -> Tensor:
        """Integers are scaled to [-1, 1] here, on the device: a quarter of the bytes move."""
        x = self._with_declared_shape(ops.convert_to_tensor(x))
        if is_integer(x):
            return ops.cast(x, "float32") / 127.5 - 1.0
        return ops.cast(x, "float32")

    def from_device(self, array: Data) -> Data:
        """Floats in [-1, 1] as uint8."""
        return to_uint8(np.asarray(array, "float32"))

    def to_served(self, x: Data) -> Tensor:
        """What `from_device` does, in operations that a graph can hold."""
        return ops.cast(ops.clip(ops.round((x + 1.0) * 127.5), 0.0, 255.0), "uint8")

    def examples(self, n: int, seed: int = 0) -> Data:
        """Random pixels."""
        return np.random.default_rng(seed).integers(0, 256, self._sizes(n), dtype="uint8")


class Images(PixelField):
    """Declares a field of images: integers in 0..255, or floats in [-1, 1].

    Use this for pictures. They travel to the device as bytes, are float32 in [-1, 1] there, and
    come back as uint8. Grey images may come without an axis for the channel.

    Args:
        shape: tuple `(height, width, channels)`. `None` accepts any size.
        name: string, in messages and as a key of dictionaries. Defaults to `"x"`.
        paired: boolean, as for `kgan.data.Field`. Defaults to `True`.

    Raises:
        ValueError: If the shape is none of an image.

    Example:
        ```python
        import kgan

        fields = (kgan.data.Images((28, 28, 1)),)
        ```
    """

    aliases = ("image", "images")
    plural = "images"
    most_drawn = 64

    def __init__(self, shape: Shape, name: str = "x", paired: bool = True) -> None:
        super().__init__(shape, name, paired)
        if len(self.shape) != 3:
            raise ValueError(
                "An image has the shape (height, width, channels). For other samples use "
                "kgan.data.Vectors, Signals or Clips. "
                f"Received: shape={self.shape}"
            )

    def check_one(self, image: Data, name: str | None = None) -> np.ndarray:
        """Checks one image, without a batch axis, and returns it ready for a network.

        Args:
            image: array (height, width, channels), or (height, width) of grey.
            name: string, what to call it in messages. Defaults to the field's name.

        Raises:
            ValueError: If it is several images, or none of the declared channels.
        """
        name = name or self.name
        array = to_numpy(image, name)
        if array.ndim not in (2, 3):
            raise ValueError(
                f"{name} is not one image. Expected (height, width, {self.shape[-1]}). Take one of "
                f"several with `x[0]`. {received(name, array)}"
            )
        return self.check(array[None], name)[0]

    def _diagnose(self, array):
        given, (height, width, channels) = array.shape[1:], self.shape
        if len(given) == 1 and None not in self.shape and given[0] == np.prod(self.shape):
            sizes = ", ".join(map(str, self.shape))
            return "are flat vectors, not images", f"Use `x.reshape(-1, {sizes})`"
        if len(given) == 2:
            return (
                "has no channel axis",
                f"Repeat grey images with `numpy.repeat(x[..., None], {channels}, -1)`",
            )
        if len(given) != 3:
            return (
                "has the wrong number of dimensions",
                "Make it a batch of images, four dimensions",
            )
        # Told before the size: channels-first data has wrong sizes as well.
        if given[-1] != channels and given[0] == channels:
            return (
                "seems to have its channels first",
                "Use `numpy.transpose(x, (0, 2, 3, 1))` (in torch: `x.permute(0, 2, 3, 1)`)",
            )
        if channels is not None and given[-1] != channels:
            fix = {
                (1, 3): "Repeat the grey channel with `numpy.repeat(x, 3, -1)`",
                (3, 1): "Make it grey with `x.mean(-1, keepdims=True).astype(x.dtype)`",
                (4, 3): "Drop the alpha channel with `x[..., :3]`",
            }.get((given[-1], channels), "Choose the channels that the model should see")
            return (
                f"has {given[-1]} channels instead of {channels}",
                f"{fix}, or build the model for this data with `kgan.zoo.load(..., like=images)`",
            )
        return (
            f"has images of {given[0]}x{given[1]} instead of {height}x{width}",
            "Build the model for this size with `kgan.zoo.load(..., like=images)`, or resize the "
            f"images with `keras.layers.Resizing({height}, {width})`",
        )

    @classmethod
    def claims(cls, array: np.ndarray) -> bool:
        """Images (n, height, width, channels); grey ones (n, height, width) with pixels' values."""
        if array.dtype.kind not in "iuf" or array.dtype == np.int16:
            return False
        if array.ndim == 4:
            return True
        # (n, time, channels) is a sound, and floats beyond [-1, 1] are no pixels.
        grey = array.ndim == 3 and (array.dtype.kind in "iu" or array.shape[-1] > 4)
        return grey and (array.dtype.kind in "iu" or _has_pixels_range(array))

    @classmethod
    def describe(cls, array: np.ndarray, name: str = "x") -> Self:
        """The field of images (n, height, width, channels) or (n, height, width)."""
        check_some(array, name)
        text = f"Received: {name} of shape {array.shape}, dtype {array.dtype}."
        shape = array.shape
        if array.ndim == 3 and shape[-1] in (1, 3, 4):
            raise ValueError(
                "This is one image, not a batch of them. Expected (n, height, width, channels). "
                "Add the batch axis with `x[None]`, call `.batch(64)` on the dataset, or pass the "
                f"shape itself as a tuple. {text}"
            )
        if array.ndim == 3:
            return cls((*shape[1:], 1), name=name)
        if array.ndim != 4:
            raise ValueError(
                "Images have the shape (n, height, width, channels), or (n, height, width) where "
                f"they are grey. Reshape the data to it. {text}"
            )
        if shape[1] in (1, 3, 4) and shape[-1] not in (1, 3, 4):
            raise ValueError(
                "The images seem to have their channels first. Expected (n, height, width, "
                f"channels). Use `numpy.transpose(x, (0, 2, 3, 1))`. {text}"
            )
        return cls(shape[1:], name=name)

    @classmethod
    def describe_shape(cls, shape: Shape, name: str = "x") -> Self | None:
        """`(height, width, channels)`, or `(height, width)` of grey images; else `None`."""
        if len(shape) == 2:
            shape = (*shape, 1)
        return cls(shape, name=name) if len(shape) == 3 else None

    def draw(
        self,
        values: Data,
        columns: int | None = None,
        real: Data = None,
        labels: Data = None,
        scale: Scale = "auto",
        limits: Limits | None = None,
    ) -> np.ndarray:
        """A grid of images; of real ones too, to the left of them."""
        from kgan import drawing

        grid = drawing.image_grid(values, columns, scale=scale)
        if real is None:
            return grid
        beside = drawing.image_grid(real[: len(values)], columns, scale=scale)
        return drawing.side_by_side(beside, grid)

    def save_each(self, values: Data, folder: pathlib.Path) -> None:
        """Writes each image as `0001.png` and so on."""
        from kgan import drawing

        for number, image in enumerate(values, start=1):
            picture = drawing.image_grid(image[None], padding=0)
            drawing.save_image(folder / f"{number:04d}.png", picture)


def _has_pixels_range(array):
    low, high = value_range(array)
    return -1 - TOLERANCE <= low and high <= 1 + TOLERANCE


def _check_integers(array, name):
    if array.dtype != np.uint8:
        low, high = value_range(array)
        if low < 0 or high > 255:
            fix = "Scale the images to 0..255 and cast them to uint8"
            if array.dtype == np.uint16:
                fix = "16-bit images become 8-bit with `(x // 257).astype('uint8')`"
            raise ValueError(
                f"{name} has integers outside 0..255. Expected pixels in 0..255. {fix}, or give "
                f"floats in [-1, 1]. {received(name, array)}"
            )
        array = array.astype("uint8")
    # Pictures end this search in the first part.
    is_dark = not any(chunk.max() > 1 for chunk in chunks(array))
    if is_dark and any(chunk.any() for chunk in chunks(array)):
        warnings.warn(
            f"{name} are integers that are all 0 or 1, which is nearly black. Expected pixels in "
            f"0..255. Scale binary images with `x * 255`. {received(name, array)}",
            UserWarning,
            stacklevel=2,
        )
    return array
