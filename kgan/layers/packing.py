"""Packing of Lin et al. 2018: a discriminator that classifies several samples at once."""

from typing import Any

import keras
from keras import ops

from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class Pack(keras.layers.Layer):
    """Join every `size` samples of a batch into one, along the last axis.

    Use this as the first layer of a discriminator when the generator loses modes: a lack of variety
    shows in a pack of equal samples, but not in a single sample.

    If `size` does not divide the batch, the batch is padded with its own first samples, in order
    and as often as needed. So every sample is used, and a batch smaller than a pack works too.

    Under a TensorFlow distribution strategy, each replica packs its own share of the batch.

    Reference: Lin et al. 2018, "PacGAN: The power of two samples in generative adversarial
    networks", section 2.

    Args:
        size: integer of at least 1, samples per pack. 1 changes nothing.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape:
        `(n, d)`, `(n, h, w, c)` or any other with the batch first.

    Output shape:
        `(ceil(n / size), size * d)`, `(ceil(n / size), h, w, size * c)`. Channel `k * c + j` of
        pack `i` is channel `j` of sample `i * size + k`.

    Raises:
        TypeError: when `size` is not an integer.
        ValueError: when it is below 1.

    Example:

    ```python
    import numpy as np
    from kgan.layers import Pack

    packs = Pack(2)(np.zeros((5, 28, 28, 1), "float32"))
    assert packs.shape == (3, 28, 28, 2)
    ```
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = check_count("size", size)
        # Rules out per-sample penalties: see `kgan.GAN`.
        self.mixes_samples = self.size > 1

    def call(self, inputs: Tensor) -> Tensor:
        """The samples in packs."""
        if self.size == 1:
            return inputs
        rank = len(inputs.shape)
        num_samples = ops.shape(inputs)[0]
        num_packs = (num_samples + self.size - 1) // self.size
        places = ops.arange(num_packs * self.size, dtype="int32")
        samples = ops.take(inputs, places % num_samples, axis=0)
        inner = tuple(inputs.shape[1:-1])
        packs = ops.reshape(samples, (-1, self.size, *inner, inputs.shape[-1]))
        # (packs, size, h, w, c) -> (packs, h, w, size, c)
        packs = ops.transpose(packs, (0, *range(2, rank), 1, rank))
        return ops.reshape(packs, (-1, *inner, self.size * inputs.shape[-1]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output shape, with `None` for an unknown batch size."""
        num_samples, *inner, channels = input_shape
        num_packs = None if num_samples is None else -(-num_samples // self.size)
        return (num_packs, *inner, self.size * channels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "size": self.size}
