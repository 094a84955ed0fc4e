"""Lengths of signals that a network does not take as they are."""

from typing import Any

import keras
from keras import layers, ops

from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Shape, Tensor


@keras.saving.register_keras_serializable("kgan")
class PadToMultiple(layers.Layer):
    """Puts zeros after the end of signals, up to the next length that a number divides.

    Use this before a network that halves the time, or cuts it into frames, and takes signals of any
    length. A layer, because the length is known only when there is a signal.

    Args:
        multiple: integer.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape: (batch, time, channels).

    Output shape: (batch, time of at least that, channels).

    Raises:
        TypeError, ValueError: when it is no integer of at least 1.

    Example:

    ```python
    import kgan
    import numpy as np

    padded = kgan.layers.PadToMultiple(4)(np.ones((2, 6, 1), "float32"))
    assert padded.shape == (2, 8, 1)
    ```
    """

    def __init__(self, multiple: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.multiple = check_count("multiple", multiple)

    def call(self, inputs: Tensor) -> Tensor:
        """The signals, and zeros after them."""
        whole = -(-ops.shape(inputs)[1] // self.multiple) * self.multiple
        return ops.pad(inputs, ((0, 0), (0, self.multiple - 1), (0, 0)))[:, :whole]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The next length that the number divides, where the length is known."""
        batch, time, channels = input_shape
        return (batch, time and -(-time // self.multiple) * self.multiple, channels)

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable("kgan")
class CropToLength(layers.Layer):
    """Cuts signals off where others end: `[signals, others]`.

    Use this after a network whose input `PadToMultiple` made longer.

    Args:
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape: two of (batch, time, channels), the first at least as long.

    Output shape: (batch, time of the second, channels of the first).

    Example:

    ```python
    import kgan
    import numpy as np

    signals = [np.ones((2, time, 1), "float32") for time in (8, 6)]
    assert kgan.layers.CropToLength()(signals).shape == (2, 6, 1)
    ```
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def call(self, inputs: list[Tensor]) -> Tensor:
        """The first signals, as long as the second."""
        signals, others = inputs
        return signals[:, : ops.shape(others)[1]]

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """The shape of the first, with the length of the second."""
        (batch, _, channels), others = input_shape
        return (batch, others[1], channels)
