"""Layers that change the size of pictures."""

from typing import Any

import keras
from keras import layers, ops

from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class ReflectionPadding2D(layers.Layer):
    """Pads pictures with their mirrored content; the edge itself is not repeated.

    Use this before a convolution without padding when zero padding would leave a visible frame, as
    in image translation and super-resolution.

    Args:
        padding: integer for all sides, a pair `(vertical, horizontal)`, or
            `((top, bottom), (left, right))`. Each must be smaller than the side that it mirrors.
            Defaults to 1.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape: (batch, height, width, channels).

    Output shape: (batch, height + top + bottom, width + left + right, channels).

    Raises:
        ValueError: when `padding` is negative or malformed, or a picture is too small for it.

    Example:

    ```python
    import numpy as np
    import kgan

    row = np.array([1.0, 2.0, 3.0], "float32").reshape(1, 1, 3, 1)
    padded = kgan.layers.ReflectionPadding2D((0, 2))(row)  # 3 2 1 2 3 2 1
    ```
    """

    def __init__(self, padding: int | tuple[Any, Any] = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = _two_pairs(padding)

    def build(self, input_shape: Any) -> None:
        """Checks that the pictures are large enough to be mirrored."""
        if len(input_shape) != 4:
            raise ValueError(
                "ReflectionPadding2D takes pictures (batch, height, width, channels). "
                f"Received: input_shape={tuple(input_shape)}"
            )
        for side, pads in zip(input_shape[1:3], self.padding):
            if side is not None and side <= max(pads):
                raise ValueError(
                    "A side can't mirror more than itself: padding must be smaller than the side. "
                    "Use larger pictures or less padding. "
                    f"Received: input_shape={tuple(input_shape)}, padding={self.padding}"
                )

    def call(self, inputs: Tensor) -> Tensor:
        """Returns the padded pictures."""
        if not any(sum(pads) for pads in self.padding):
            return inputs  # PyTorch's reflection does not accept a padding of 0
        return ops.pad(inputs, ((0, 0), *self.padding, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape with both sides' padding added."""
        batch, *sides, channels = input_shape
        sides = [
            None if side is None else side + sum(pads) for side, pads in zip(sides, self.padding)
        ]
        return (batch, *sides, channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable("kgan")
class PixelShuffle(layers.Layer):
    """Turns channels into pixels: `scale` times the height and the width, `scale ** 2` times fewer.

    Use this after a convolution, to enlarge inside a network at the cost of small pictures.

    Reference: Shi et al. 2016, "Real-time single image and video super-resolution using an
    efficient sub-pixel convolutional neural network", equation 4, in the order of channels of
    `tf.nn.depth_to_space`.

    Args:
        scale: integer of at least 1. Defaults to 2.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape: (batch, height, width, scale ** 2 * channels).

    Output shape: (batch, scale * height, scale * width, channels).

    Raises:
        ValueError: when the channels can't be shared out evenly.

    Example:

    ```python
    import numpy as np
    import kgan

    channels = np.array([1.0, 2.0, 3.0, 4.0], "float32").reshape(1, 1, 1, 4)
    pixels = kgan.layers.PixelShuffle(2)(channels)  # rows 1 2 and 3 4
    ```
    """

    def __init__(self, scale: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = check_count("scale", scale)

    def call(self, inputs: Tensor) -> Tensor:
        """Returns the larger pictures."""
        _, height, width, _ = ops.shape(inputs)
        scale, channels = self.scale, self.compute_output_shape(inputs.shape)[-1]
        x = ops.reshape(inputs, (-1, height, width, scale, scale, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, height * scale, width * scale, channels))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the larger pictures."""
        batch, *sides, channels = input_shape
        if channels % self.scale**2:
            raise ValueError(
                "Each pixel becomes a square of pixels, so the channels must be a multiple of "
                f"scale ** 2, {self.scale**2} here. Give the convolution before it so many "
                f"filters. Received: input_shape={tuple(input_shape)}"
            )
        sides = [None if side is None else side * self.scale for side in sides]
        return (batch, *sides, channels // self.scale**2)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("kgan")
class LinearUpSampling2D(layers.Layer):
    """Enlarges pictures of any size by bilinear interpolation, with edges repeated beyond them.

    Use this in a network for pictures whose size is not known when it is traced, such as of an
    export, where `keras.layers.UpSampling2D(interpolation="bilinear")` fails; it gives the same.

    Args:
        scale: integer of at least 1. Defaults to 2.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape: (batch, height, width, channels).

    Output shape: (batch, scale * height, scale * width, channels).

    Example:

    ```python
    import numpy as np
    import kgan

    row = np.array([0.0, 4.0], "float32").reshape(1, 1, 2, 1)
    larger = kgan.layers.LinearUpSampling2D(2)(row)  # two rows 0 1 3 4
    ```
    """

    def __init__(self, scale: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = check_count("scale", scale)

    def call(self, inputs: Tensor) -> Tensor:
        """Returns the larger pictures."""
        _, height, width, channels = ops.shape(inputs)
        x = ops.stack(self._phases(inputs, 1), axis=2)  # (batch, height, scale, width, channels)
        x = ops.reshape(x, (-1, height * self.scale, width, channels))
        x = ops.stack(self._phases(x, 2), axis=3)
        return ops.reshape(x, (-1, height * self.scale, width * self.scale, channels))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the larger pictures."""
        batch, *sides, channels = input_shape
        return (batch, *(side and side * self.scale for side in sides), channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "scale": self.scale}

    def _phases(self, x, axis):
        """What lies between the pixels: as many pictures as each pixel becomes pixels."""
        first, last = (x[:, :1], x[:, -1:]) if axis == 1 else (x[:, :, :1], x[:, :, -1:])
        rest, most = (x[:, 1:], x[:, :-1]) if axis == 1 else (x[:, :, 1:], x[:, :, :-1])
        before, behind = ops.concatenate([first, most], axis), ops.concatenate([rest, last], axis)
        shifts = [(2 * phase + 1 - self.scale) / (2 * self.scale) for phase in range(self.scale)]
        return [
            (1 - abs(shift)) * x + abs(shift) * (before if shift < 0 else behind)
            for shift in shifts
        ]


def _two_pairs(padding):
    sides = (padding, padding) if isinstance(padding, int) else padding
    pairs = [
        (side, side) if isinstance(side, int) else side
        for side in (sides if isinstance(sides, (tuple, list)) else ())
    ]
    is_legal = len(pairs) == 2 and all(
        isinstance(pair, (tuple, list))
        and len(pair) == 2
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in pair)
        for pair in pairs
    )
    if not is_legal:
        raise ValueError(
            "padding must be an integer of at least 0, a pair (vertical, horizontal) or a pair of "
            f"pairs ((top, bottom), (left, right)). Received: padding={padding!r}"
        )
    return tuple(tuple(pair) for pair in pairs)
