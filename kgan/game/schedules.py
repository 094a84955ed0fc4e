"""Learning-rate schedules that Keras does not have."""

import keras
from keras import ops

from kgan.utils.arguments import check_count, check_weight
from kgan.utils.hints import Config, Tensor
from kgan.utils.packages import shown

__all__ = ["ConstantThenLinear", "get"]
__dir__ = shown(__all__)

__all__ = ["ConstantThenLinear", "get"]


@keras.saving.register_keras_serializable("kgan")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """A constant learning rate, and then a straight line down to zero.

    Use this where a game should converge: at a constant rate, players circle around each
    other, and the last picture depends on where the run was stopped. One for each player: a
    schedule counts its own optimizer's moves.

    Reference: Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent
    Adversarial Networks", section 4: 100 epochs of each. The released code goes down once per
    epoch, this one at each step.

    Args:
        initial_learning_rate: float, the constant rate.
        constant_steps: integer of at least 0, the optimizer's moves at that rate.
        decay_steps: integer of at least 1, its moves on the way down. Then the rate is 0.
        name: string. Defaults to `"constant_then_linear"`.

    Raises:
        ValueError: when a number is out of range.

    Example:

    ```python
    import keras
    import kgan

    rate = kgan.schedules.ConstantThenLinear(2e-4, constant_steps=1000, decay_steps=1000)
    optimizer = keras.optimizers.Adam(rate, beta_1=0.5)
    assert abs(float(rate(1500)) - 1e-4) < 1e-9
    ```
    """

    def __init__(
        self,
        initial_learning_rate: float,
        constant_steps: int,
        decay_steps: int,
        name: str = "constant_then_linear",
    ) -> None:
        super().__init__()
        self.initial_learning_rate = check_weight("initial_learning_rate", initial_learning_rate)
        self.constant_steps = check_count("constant_steps", constant_steps, minimum=0)
        self.decay_steps = check_count("decay_steps", decay_steps)
        self.name = name

    def __call__(self, step: Tensor) -> Tensor:
        """The rate of one step, counted from 0."""
        past = ops.cast(step, "float32") - self.constant_steps
        part = ops.clip(1.0 - past / self.decay_steps, 0.0, 1.0)
        return self.initial_learning_rate * part

    def get_config(self) -> Config:
        """The arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "constant_steps": self.constant_steps,
            "decay_steps": self.decay_steps,
            "name": self.name,
        }


def get(
    learning_rate: float, constant_steps: int | None = None, decay_steps: int | None = None
) -> float | ConstantThenLinear:
    """Return a constant rate, or a schedule where numbers of steps are given.

    Use this in a model's builder that takes the three as options.

    Args:
        learning_rate: float, the rate at the beginning.
        constant_steps: integer, steps at that rate. Defaults to `None`.
        decay_steps: integer, steps of a straight line down to zero. Defaults to `None`.

    Returns:
        `learning_rate` where both are `None`, otherwise a `ConstantThenLinear`.

    Raises:
        ValueError: when only one of them is given.

    Example:

    ```python
    import kgan

    assert kgan.schedules.get(2e-4) == 2e-4
    ```
    """
    if constant_steps is None and decay_steps is None:
        return learning_rate
    if constant_steps is None or decay_steps is None:
        raise ValueError(
            "A rate that is constant and then falls needs both numbers of steps: give "
            "constant_steps and decay_steps, or neither for a constant rate. Received: "
            f"constant_steps={constant_steps!r}, decay_steps={decay_steps!r}"
        )
    return ConstantThenLinear(learning_rate, constant_steps, decay_steps)
