"""Layers that let a discriminator compare a sample with the rest of its batch."""

import math
from typing import Any

import keras
from keras import ops

from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class MinibatchDiscrimination(keras.layers.Layer):
    """Append to each sample's features how close they come to those of the rest of the batch.

    Use this near the end of a discriminator, after flattening, when the generator collapses: a
    batch of equal samples gets large closeness features, which make it easy to detect. For
    convolutional features `MinibatchStandardDeviation` is cheaper.

    With `M_i` the matrix `(B, C)` of sample `i`, the product of its features and a trained tensor
    of shape `(A, B, C)`, feature `b` of sample `i` is `sum over j of exp(-|M_ib - M_jb|_1)`.

    The other samples are those of the same call: pass real and generated samples in separate
    batches. Under a TensorFlow distribution strategy they are those of the same replica. A sample
    alone in its batch gets zeros. The logit of one sample depends on the others, so `kgan.GAN`
    does not allow per-sample penalties together with this layer.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.2. The sum
    there runs over all `j`; here the sample itself is left out, whose part is always 1.

    Args:
        num_kernels: integer of at least 1, the B of the formula: features appended.
            Defaults to 50.
        kernel_dim: integer of at least 1, the C of the formula: length of the vectors that are
            compared. Defaults to 5.
        kernel_initializer: for the trained tensor, kept as a matrix `(A, B * C)`. Defaults to
            `"glorot_uniform"`.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape:
        `(n, A)`.

    Output shape:
        `(n, A + B)`.

    Raises:
        TypeError: when a size is not an integer.
        ValueError: when a size is below 1, or the input is not a batch of vectors.

    Example:

    ```python
    import keras
    from kgan.layers import MinibatchDiscrimination

    images = keras.Input((28, 28, 1))
    x = keras.layers.Flatten()(keras.layers.Conv2D(8, 4, strides=2)(images))
    logits = keras.layers.Dense(1)(MinibatchDiscrimination(16)(x))
    ```
    """

    # Rules out per-sample penalties: see `kgan.GAN`.
    mixes_samples = True

    def __init__(
        self,
        num_kernels: int = 50,
        kernel_dim: int = 5,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_kernels = check_count("num_kernels", num_kernels)
        self.kernel_dim = check_count("kernel_dim", kernel_dim)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Any) -> None:
        """Makes the tensor that features are multiplied with."""
        if len(input_shape) != 2 or input_shape[-1] is None:
            raise ValueError(
                "Minibatch discrimination compares vectors of a known length: put a Flatten layer "
                f"before it. Received: input shape {tuple(input_shape)}, expected (n, features)"
            )
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.num_kernels * self.kernel_dim),
            initializer=self.kernel_initializer,
            name="kernel",
        )

    def call(self, inputs: Tensor) -> Tensor:
        """The features and their closeness to the rest of the batch."""
        # Distances and their sums in float32: in half precision equal samples would seem to differ.
        matrices = ops.cast(ops.matmul(inputs, self.kernel), "float32")
        matrices = ops.reshape(matrices, (-1, self.num_kernels, self.kernel_dim))  # (n, B, C)
        differences = ops.expand_dims(matrices, 1) - ops.expand_dims(matrices, 0)
        closeness = ops.exp(-ops.sum(ops.abs(differences), axis=-1))  # (n, n, B)
        places = ops.arange(ops.shape(inputs)[0])
        others = ops.cast(places[:, None] != places[None, :], "float32")
        features = ops.sum(closeness * others[:, :, None], axis=1)  # (n, B)
        return ops.concatenate([inputs, ops.cast(features, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output shape, with `None` for an unknown batch size."""
        return (input_shape[0], input_shape[1] + self.num_kernels)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_kernels": self.num_kernels,
            "kernel_dim": self.kernel_dim,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable("kgan")
class MinibatchStandardDeviation(keras.layers.Layer):
    """Append one feature map with the standard deviation over the batch, averaged to one number.

    Use this near the end of a convolutional discriminator to counter a lack of variety: it has no
    weights and costs next to nothing.

    A batch of `n` is split into `max(1, n // group_size)` groups; of `m` groups, sample `i` belongs
    to group `i modulo m`. If `group_size` divides `n`, all groups have that size, as in the
    released code, which supports no other case. If not, some groups are larger, and a batch smaller
    than a group is one group: no sample is alone unless the batch is one sample. Each group's
    standard deviation is taken per feature and place, then averaged over both. Equal samples, and a
    single one, get the root of `epsilon`.

    Under a TensorFlow distribution strategy, groups are formed within each replica's share. The
    logit of one sample depends on the others of its group. Per-sample penalties are allowed with
    this layer nevertheless: the paper trains it with a gradient penalty, and StyleGAN (Karras et
    al. 2019) with R1.

    Reference: Karras et al. 2018, "Progressive Growing of GANs for Improved Quality, Stability,
    and Variation", section 3. The groups are the released code's.

    Args:
        group_size: integer of at least 1. Defaults to 4.
        epsilon: float, added to the variance, whose root has no derivative at zero.
            Defaults to 1e-8, as in the released code.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape:
        `(n, h, w, c)`, `(n, d)` or any other of known size with the batch first.

    Output shape:
        The same with one more channel at the end.

    Raises:
        TypeError: when `group_size` is not an integer.
        ValueError: when it is below 1.

    Example:

    ```python
    import numpy as np
    from kgan.layers import MinibatchStandardDeviation

    features = MinibatchStandardDeviation()(np.random.rand(10, 4, 4, 8).astype("float32"))
    assert features.shape == (10, 4, 4, 9)
    ```
    """

    def __init__(self, group_size: int = 4, epsilon: float = 1e-8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group_size = check_count("group_size", group_size)
        self.epsilon = epsilon

    def call(self, inputs: Tensor) -> Tensor:
        """The features and one map of the group's standard deviation."""
        rank = len(inputs.shape)
        num_samples = ops.shape(inputs)[0]
        num_groups = ops.maximum(1, num_samples // self.group_size)
        group = ops.arange(num_samples, dtype="int32") % ops.cast(num_groups, "int32")
        together = ops.cast(group[:, None] == group[None, :], "float32")
        # Products with this matrix put the mean of its group in each sample's place.
        averaging = together / ops.sum(together, axis=1, keepdims=True)  # (n, n)
        x = ops.cast(inputs, "float32")
        x = ops.reshape(x, (-1, math.prod(inputs.shape[1:])))
        variance = ops.matmul(averaging, ops.square(x - ops.matmul(averaging, x)))
        deviation = ops.mean(ops.sqrt(variance + self.epsilon), axis=1)  # (n,)
        deviation = ops.reshape(ops.cast(deviation, inputs.dtype), (-1, *[1] * (rank - 1)))
        extra = ops.ones_like(inputs[..., :1]) * deviation
        return ops.concatenate([inputs, extra], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output shape, with `None` for an unknown batch size."""
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "epsilon": self.epsilon,
        }
