"""A number that grows from 0 to 1 in training."""

from typing import Any

import keras
from keras import ops

from kgan.utils.arguments import check_count
from kgan.utils.hints import Tensor


@keras.saving.register_keras_serializable("kgan")
class Ramp(keras.layers.Layer):
    """A number that grows in equal steps from 0 to 1, over the first calls in training mode.

    Use this to bring in a term of a loss slowly. Each call in training mode counts, so call it once
    per turn. The count is a weight, saved with the model that holds it. In inference mode it is 1:
    what `evaluate` reports then compares from epoch to epoch.

    Args:
        steps: integer, calls until it is 1.
        **kwargs: `name` as for `keras.layers.Layer`.

    Raises:
        ValueError: when there are fewer than 1 steps.

    Example:

    ```python
    from kgan.layers import Ramp

    ramp = Ramp(2)
    rise = [float(ramp(training=True)) for _ in range(4)]  # 0.0, 0.5, 1.0, 1.0
    ```
    """

    def __init__(self, steps: int, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.steps = check_count("steps", steps)
        self.count = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False, name="count"
        )
        self.built = True

    def call(self, training: bool | None = False) -> Tensor:
        """A float32 scalar in [0, 1]."""
        if not training:
            return ops.ones(())
        count = ops.cast(self.count, "float32")
        self.count.assign(ops.minimum(self.count + 1, self.steps))
        return ops.minimum(count / self.steps, 1.0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "steps": self.steps}
