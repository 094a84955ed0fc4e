"""The distance of waveforms whose high frequencies were brought forward."""

from typing import Any

import keras
from keras import ops

from kgan.layers.emphasis import emphasized
from kgan.utils.hints import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class EmphasizedDistance(keras.losses.Loss):
    """Mean absolute difference of waveforms after pre-emphasis: SEGAN's L1 term.

    Use this as the `reconstruction` of a model of waveforms.

    Reference: Pascual et al. 2017, "SEGAN: Speech Enhancement Generative Adversarial Network",
    equation 5 and section 3.2.

    Args:
        coefficient: float in [0, 1), as of `kgan.layers.PreEmphasis`. Defaults to 0.95.
        name: string. Defaults to `"emphasized_distance"`.
        **kwargs: `reduction` and `dtype` as for `keras.losses.Loss`.

    Raises:
        ValueError: when the coefficient is out of range.

    Example:
    ```python
    import kgan
    import numpy as np

    steady = np.ones((1, 1000, 1), "float32")
    distance = kgan.losses.EmphasizedDistance()(steady, 0 * steady)  # about 0.05: no high frequency
    assert abs(float(distance) - 0.05) < 0.01
    ```
    """

    def __init__(
        self, coefficient: float = 0.95, name: str = "emphasized_distance", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        if not 0 <= coefficient < 1:
            raise ValueError(
                "The coefficient of pre-emphasis lies from 0 to below 1, such as 0.95. "
                f"Received: coefficient={coefficient!r}"
            )
        self.coefficient = float(coefficient)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The distance of each pair, (batch,)."""
        return ops.mean(ops.abs(emphasized(y_true - y_pred, self.coefficient)), axis=(1, 2))

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {**super().get_config(), "coefficient": self.coefficient}
