"""Noise beside the features of a network."""

from typing import Any

import keras
from keras import layers, ops, random

from kgan.backend.seeds import SeedGenerator
from kgan.utils.hints import Config, Shape, Tensor


@keras.saving.register_keras_serializable("kgan")
class NoiseBeside(layers.Layer):
    """Puts as many channels of noise from N(0, 1) beside the features, in training.

    Use this in a network that is to give several answers in training and always the same one after
    it: then the noise is 0, its mean.

    Reference: Pascual et al. 2017, "SEGAN: Speech Enhancement Generative Adversarial Network",
    figure 2, the latent z.

    Args:
        seed: integer, of the noise. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape: (batch, ..., channels).

    Output shape: (batch, ..., 2 * channels).

    Example:

    ```python
    import kgan
    import numpy as np

    features = np.ones((2, 4, 3), "float32")
    beside = kgan.layers.NoiseBeside(seed=0)(features)
    assert beside.shape == (2, 4, 6) and float(np.abs(np.asarray(beside)[..., 3:]).max()) == 0.0
    ```
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.noise = SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """The features, and noise or zeros."""
        beside = ops.zeros_like(inputs)
        if training:
            drawn = random.normal(ops.shape(inputs), dtype="float32", seed=self.noise)
            beside = ops.cast(drawn, inputs.dtype)
        return ops.concatenate([inputs, beside], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Twice the channels."""
        channels = input_shape[-1]
        return (*input_shape[:-1], None if channels is None else 2 * channels)

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {**super().get_config(), "seed": self.seed}
