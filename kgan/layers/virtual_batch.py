"""Virtual batch normalization of Salimans et al. 2016, and the reference batch that it needs."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Data, Shape, Tensor


@keras.saving.register_keras_serializable("kgan")
class ReferenceBatch(keras.layers.Layer):
    """Prepend a fixed batch of reference samples to every batch.

    Use this as the first layer of a network with `VirtualBatchNormalization`, and end the network
    with `DropReference`. Draw the reference once, before training: real samples for a
    discriminator, noise for a generator. The samples are kept as a weight, so they are saved with
    the model; the layer's config only holds their shape.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.4.

    Args:
        reference: array `(reference_size, ...)`, shaped like a batch of inputs. May be left out
            if weights are loaded afterwards.
        shape: tuple, the shape of the reference, if it is left out. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape:
        `(n, ...)`.

    Output shape:
        `(reference_size + n, ...)`.

    Raises:
        ValueError: when neither the reference nor its shape is given, or inputs have another shape
            than its samples.

    Example:

    ```python
    import keras
    import numpy as np
    from kgan.layers import DropReference, ReferenceBatch, VirtualBatchNormalization

    noise = np.random.default_rng(0).normal(size=(32, 10))
    generator = keras.Sequential(
        [
            keras.Input((10,)),
            ReferenceBatch(noise),
            keras.layers.Dense(16),
            VirtualBatchNormalization(32),
            keras.layers.ReLU(),
            keras.layers.Dense(2),
            DropReference(32),
        ]
    )
    ```
    """

    def __init__(self, reference: Data = None, shape: Shape | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if reference is None and shape is None:
            raise ValueError(
                "A reference batch needs its samples: pass an array (reference_size, ...), or its "
                "shape if weights are loaded afterwards. Received: reference=None, shape=None"
            )
        self._values = None if reference is None else np.array(reference, "float32")
        self.shape = tuple(shape if reference is None else self._values.shape)
        if len(self.shape) < 2 or self.shape[0] < 1:
            raise ValueError(
                "A reference batch holds at least one sample of at least one axis: "
                f"(reference_size, ...). Received: a reference of shape {self.shape}"
            )

    def build(self, input_shape: Any) -> None:
        """Makes the weight that holds the reference."""
        if tuple(input_shape[1:]) != self.shape[1:]:
            raise ValueError(
                "The reference must be shaped like a batch of this layer's inputs. Received: "
                f"inputs of shape {tuple(input_shape)}, reference of shape {self.shape}"
            )
        self.reference = self.add_weight(
            shape=self.shape, initializer="zeros", trainable=False, name="reference"
        )
        if self._values is not None:
            self.reference.assign(self._values)

    def call(self, inputs: Tensor) -> Tensor:
        """The reference and then the inputs."""
        reference = ops.cast(ops.convert_to_tensor(self.reference), inputs.dtype)
        return ops.concatenate([reference, inputs], axis=0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output shape, with `None` for an unknown batch size."""
        num_samples = input_shape[0]
        num_samples = None if num_samples is None else num_samples + self.shape[0]
        return (num_samples, *input_shape[1:])

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "shape": self.shape}


@keras.saving.register_keras_serializable("kgan")
class DropReference(keras.layers.Layer):
    """Remove the reference samples that `ReferenceBatch` prepended.

    Use this as the last layer of a network that begins with `ReferenceBatch`.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.4.

    Args:
        reference_size: integer of at least 1, the samples in the reference batch.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape:
        `(reference_size + n, ...)`.

    Output shape:
        `(n, ...)`.

    Raises:
        TypeError: when `reference_size` is not an integer.
        ValueError: when it is below 1.

    Example:

    ```python
    import numpy as np
    from kgan.layers import DropReference

    assert DropReference(32)(np.zeros((40, 2), "float32")).shape == (8, 2)
    ```
    """

    def __init__(self, reference_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reference_size = check_count("reference_size", reference_size)

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs without the reference."""
        return inputs[self.reference_size :]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output shape, with `None` for an unknown batch size."""
        num_samples = input_shape[0]
        num_samples = None if num_samples is None else max(0, num_samples - self.reference_size)
        return (num_samples, *input_shape[1:])

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "reference_size": self.reference_size}


@keras.saving.register_keras_serializable("kgan")
class VirtualBatchNormalization(keras.layers.Layer):
    """Normalize each sample by a fixed reference batch and the sample itself.

    Use this when batch normalization helps a generator but makes the samples of a batch depend on
    each other: here no sample depends on the others of its batch, in training and in inference. It
    costs a pass of the reference batch with every batch.

    The first `reference_size` samples of the batch are the reference, which `ReferenceBatch`
    prepended; layers in between transform them like all others. Mean and variance of channel `c`
    are taken over samples and positions: for the reference over itself, for another sample over the
    reference and that sample, which is one of `reference_size + 1`.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.4.

    Args:
        reference_size: integer of at least 1, the samples in the reference batch.
        epsilon: float, added to the variance. Defaults to 1e-5.
        center: boolean, adds a trained offset per channel. Defaults to `True`.
        scale: boolean, multiplies by a trained factor per channel. Defaults to `True`.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`.

    Input shape:
        `(reference_size + n, ..., c)` with a known number of channels.

    Output shape:
        The input's.

    Raises:
        TypeError: when `reference_size` is not an integer.
        ValueError: when it is below 1.

    Example:

    ```python
    import numpy as np
    from kgan.layers import VirtualBatchNormalization

    features = np.random.rand(32 + 8, 4, 4, 16).astype("float32")
    normalized = VirtualBatchNormalization(32)(features)
    ```
    """

    def __init__(
        self,
        reference_size: int,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.reference_size = check_count("reference_size", reference_size)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale

    def build(self, input_shape: Any) -> None:
        """Makes the factor and the offset."""
        shape = (input_shape[-1],)
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                shape=shape, initializer="ones", name="gamma", autocast=False
            )
        if self.center:
            self.beta = self.add_weight(
                shape=shape, initializer="zeros", name="beta", autocast=False
            )

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs, each normalized."""
        x = ops.cast(inputs, "float32")
        places = tuple(range(1, len(x.shape) - 1))
        own_mean, own_variance = _moments(x, places)  # (reference_size + n, 1, 1, c)
        reference = x[: self.reference_size]
        reference_mean, reference_variance = _moments(reference, (0, *places))  # (1, 1, 1, c)
        # The weight of a sample in its own statistics: 0 if it is in the reference already.
        is_other = ops.arange(ops.shape(x)[0]) >= self.reference_size
        weight = ops.cast(is_other, "float32") / (self.reference_size + 1)
        weight = ops.reshape(weight, (-1, *[1] * (len(x.shape) - 1)))
        mean = weight * own_mean + (1.0 - weight) * reference_mean
        # Of two groups: the mean of their variances and the variance of their means.
        variance = weight * (own_variance + ops.square(own_mean - mean))
        variance = variance + (1.0 - weight) * (
            reference_variance + ops.square(reference_mean - mean)
        )
        x = (x - mean) * ops.rsqrt(variance + self.epsilon)
        if self.scale:
            x = x * ops.cast(self.gamma, "float32")
        if self.center:
            x = x + ops.cast(self.beta, "float32")
        return ops.cast(x, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output shape, with `None` for an unknown batch size."""
        return input_shape

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "reference_size": self.reference_size,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
        }


def _moments(x, axes):
    if not axes:  # a vector alone; backends read an empty tuple of axes in different ways
        return x, ops.zeros_like(x)
    mean = ops.mean(x, axis=axes, keepdims=True)
    return mean, ops.mean(ops.square(x - mean), axis=axes, keepdims=True)
