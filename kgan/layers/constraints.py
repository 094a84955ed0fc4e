"""Constraints that optimizers apply to weights after each update."""

import math
import numbers

import keras
from keras import ops

from kgan.utils.hints import Config, Tensor
from kgan.utils.packages import shown

__all__ = ["WeightClipping"]
__dir__ = shown(__all__)


@keras.saving.register_keras_serializable("kgan")
class WeightClipping(keras.constraints.Constraint):
    """Clips each weight to `[-limit, limit]` after each update of its optimizer.

    Use this to reproduce the original Wasserstein GAN. Otherwise prefer a gradient penalty
    (`kgan.losses.GradientPenalty`), which keeps a critic Lipschitz without pushing its weights to
    the limits.

    Reference: Arjovsky et al. 2017, "Wasserstein GAN", algorithm 1. As there, biases are clipped
    too: pass it to a whole discriminator with the `constraint` argument of the builders in
    `kgan.networks`. Initial weights are not clipped before the first update.

    Args:
        limit: float > 0, the paper's c. Defaults to 0.01.

    Raises:
        TypeError: when `limit` is not a number.
        ValueError: when it is not positive and finite.

    Example:

    ```python
    import kgan

    critic = kgan.networks.mlp.discriminator((2,), constraint=kgan.constraints.WeightClipping(0.1))
    ```
    """

    def __init__(self, limit: float = 0.01) -> None:
        message = (
            "The limit of the weights must be a positive finite number, such as 0.01. "
            f"Received: limit={limit!r}"
        )
        if isinstance(limit, bool) or not isinstance(limit, numbers.Real):
            raise TypeError(message)
        if not (math.isfinite(limit) and limit > 0):
            raise ValueError(message)
        self.limit = float(limit)

    def __call__(self, weights: Tensor) -> Tensor:
        """The weights, clipped."""
        return ops.clip(weights, -self.limit, self.limit)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {"limit": self.limit}
