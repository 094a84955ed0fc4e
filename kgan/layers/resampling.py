"""Layers that change the size of pictures."""

from typing import Any

import keras
from keras import layers, ops

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
