"""Historical averaging of Salimans et al. 2016: a cost for leaving the past behind."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kgan.utils.hints import Tensor


@keras.saving.register_keras_serializable("kgan")
class HistoricalAverage(keras.layers.Layer):
    """Measure how far variables are from the mean of their own past values.

    Use this as a term of a player's loss where the players circle around each other: it pulls each
    back to where it has been on average. `kgan.losses.HistoricalAveraging` gives it to a GAN.

    `average(variables)` is `sum of |theta - mean|^2` with `mean = (1 / t) sum of theta[i]` over the
    `t` calls in training mode so far. Nothing flows back into the mean. In training mode the
    present values enter the mean afterwards, so call it once per turn. The very first call gives
    0, for there is no past.

    Means and their count are weights of this layer, saved with the model that holds it.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.3.

    Args:
        **kwargs: `name` as for `keras.layers.Layer`.

    Raises:
        ValueError: when it is called before `build_for`, or with other variables.

    Example:

    ```python
    import keras
    from kgan.layers import HistoricalAverage

    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    average = HistoricalAverage()
    average.build_for(network.trainable_variables)
    term = 0.1 * average(network.trainable_variables, training=True)
    ```
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.means = []

    def build_for(self, variables: Sequence[Any]) -> None:
        """Makes the weights: a mean of the same shape for each variable, and their count.

        Args:
            variables: list of Keras variables, in the order in which calls will give them.
        """
        self.means = [
            self.add_weight(
                shape=variable.shape, initializer="zeros", trainable=False, name=f"mean_{i}"
            )
            for i, variable in enumerate(variables)
        ]
        self.count = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False, name="count"
        )
        self.built = True

    def build(self, input_shape: Any) -> None:
        """Raises an error: `build_for` makes the weights, before the first call."""
        raise ValueError(
            "A historical average has to know the variables that it follows before it is called: "
            "call build_for(variables) once, when the networks are built. "
            f"Received: a call with shapes {input_shape}"
        )

    def call(self, variables: Sequence[Any], training: bool | None = False) -> Tensor:
        """The squared distance of the variables from their past, a float32 scalar."""
        if [tuple(v.shape) for v in variables] != [tuple(m.shape) for m in self.means]:
            raise ValueError(
                "A historical average follows the variables that it was built for: give the same "
                f"ones in the same order. Received: {len(variables)} variables where "
                f"{len(self.means)} are followed, or other shapes"
            )
        count = ops.cast(self.count, "float32")
        distance = 0.0
        for variable, mean in zip(variables, self.means):
            value = ops.cast(variable, "float32")
            past = ops.stop_gradient(ops.convert_to_tensor(mean))
            step = value - past
            distance = distance + ops.sum(ops.square(step))
            if training:
                mean.assign(past + ops.stop_gradient(step) / (count + 1.0))
        if training:
            self.count.assign(self.count + 1)
        # Before the first step the means are not means of anything.
        return ops.where(count > 0, distance, ops.zeros_like(distance))
