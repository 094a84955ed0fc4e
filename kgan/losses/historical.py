"""Historical averaging as a part of a model: the term and its weight."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import keras

from kgan.layers.averaging import HistoricalAverage
from kgan.losses.penalties import positive
from kgan.utils.hints import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class HistoricalAveraging:
    """Hold each player's weights near the mean of their own past values.

    Use this as `kgan.GAN(historical_averaging=kgan.losses.HistoricalAveraging(0.01))` where the
    players circle around each other: it pulls each back to where it has been on average.

    This object keeps nothing but its weight. The means are weights of a
    `kgan.layers.HistoricalAverage` per player, which `follow` makes and the model keeps and saves.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.3:
    `|| theta - (1 / t) sum of theta[i] ||^2`, over the t turns so far.

    Attributes:
        name: name of the term in the logs.

    Args:
        weight: float > 0, the factor of the term. Default 1.

    Raises:
        TypeError, ValueError: if `weight` is not a number, or not positive and finite.

    Example:
    ```python
    import kgan

    model = kgan.GAN(
        kgan.networks.mlp.generator((2,), latent_dim=4),
        kgan.networks.mlp.discriminator((2,)),
        historical_averaging=kgan.losses.HistoricalAveraging(0.01),
    )
    ```
    """

    name = "historical_averaging"

    def __init__(self, weight: float = 1.0) -> None:
        """Check and keep the weight."""
        self.weight = positive("weight", weight)

    def follow(self, variables: Sequence[Any]) -> HistoricalAverage:
        """Return a layer that keeps the means of a player's variables.

        Args:
            variables: list of Keras variables, in the order in which calls will give them.

        Returns:
            A `kgan.layers.HistoricalAverage`, built.
        """
        average = HistoricalAverage()
        average.build_for(variables)
        return average

    def __call__(
        self, variables: Sequence[Any], average: Callable[[Sequence[Any]], Tensor]
    ) -> Tensor:
        """Return the weighted term of a player's turn.

        Args:
            variables: the player's variables.
            average: what `follow` returned for them.

        Returns:
            A float32 scalar.
        """
        return self.weight * average(variables)

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal part."""
        return {"weight": self.weight}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make a part from what `get_config` returned."""
        return cls(**config)
