"""Filters of sound that bring high frequencies forward, and back."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kgan.utils.hints import Config, Shape, Tensor

# What is left of a sample after the last tap of the inverse, which would go on for ever.
_LAST = 1e-5


def emphasized(x: Tensor, coefficient: float) -> Tensor:
    """Signals (batch, time, channels) less a part of the sample before: y[t] = x[t] - c x[t-1]."""
    x = ops.cast(x, "float32")
    before = ops.pad(x[:, :-1], ((0, 0), (1, 0), (0, 0)))
    return x - coefficient * before


@keras.saving.register_keras_serializable("kgan")
class PreEmphasis(layers.Layer):
    """Brings the high frequencies of waveforms forward, or with `inverse=True` back.

    Use this at both ends of a network of waveforms: speech has most of its power in low
    frequencies, and a network that is trained on samples would learn little else.

    Reference: Pascual et al. 2017, "SEGAN: Speech Enhancement Generative Adversarial Network",
    section 3.2, with the coefficient 0.95.

    Args:
        coefficient: float in [0, 1), what is taken of the sample before. Defaults to 0.95.
        inverse: boolean, whether it is undone, which takes all samples before: those that count
            for less than a hundred-thousandth are left out. Defaults to `False`.
        **kwargs: `name` as for `keras.layers.Layer`. It computes in float32 always.

    Input shape: (batch, time, 1).

    Output shape: the input's.

    Raises:
        ValueError: when the coefficient is out of range.

    Example:

    ```python
    import kgan
    import numpy as np

    sound = np.random.default_rng(0).normal(size=(1, 50, 1)).astype("float32")
    forward = kgan.layers.PreEmphasis()(sound)
    again = kgan.layers.PreEmphasis(inverse=True)(forward)
    assert np.abs(np.asarray(again) - sound).max() < 1e-4
    ```
    """

    def __init__(self, coefficient: float = 0.95, inverse: bool = False, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        if not 0 <= coefficient < 1:
            raise ValueError(
                "The coefficient of pre-emphasis lies from 0 to below 1, such as 0.95. "
                f"Received: coefficient={coefficient!r}"
            )
        self.coefficient, self.inverse = float(coefficient), bool(inverse)

    def call(self, inputs: Tensor) -> Tensor:
        """The filtered waveforms."""
        if not self.inverse:
            return emphasized(inputs, self.coefficient)
        taps = 1 + int(np.ceil(np.log(_LAST) / np.log(max(self.coefficient, 1e-9))))
        kernel = self.coefficient ** np.arange(taps, dtype="float64")[::-1]
        padded = ops.pad(inputs, ((0, 0), (taps - 1, 0), (0, 0)))
        return ops.conv(padded, ops.convert_to_tensor(kernel[:, None, None].astype("float32")))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's."""
        return input_shape

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        own = {"coefficient": self.coefficient, "inverse": self.inverse}
        return {**super().get_config(), **own}
