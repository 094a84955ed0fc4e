"""Normalizations: of kernels by their spectral norm, of images one by one."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class InstanceNormalization(keras.layers.GroupNormalization):
    """Normalize each channel of each sample by its own mean and variance over space.

    Use this in image translation, where the contrast of one image should not depend on the other
    images of the batch. A generator from noise usually works better with batch normalization,
    since this layer removes the differences between the means of the channels.

    It is `keras.layers.GroupNormalization` with one channel per group.

    Reference: Ulyanov et al. 2016, "Instance Normalization: The Missing Ingredient for Fast
    Stylization".

    Args:
        epsilon: float, added to the variance. Defaults to 1e-5, as in PyTorch.
        center: boolean, adds a trained offset per channel. Defaults to `True`.
        scale: boolean, multiplies by a trained factor per channel. Defaults to `True`.
        **kwargs: initializers, regularizers, constraints, `name` and `dtype` as for
            `keras.layers.GroupNormalization`.

    Input shape:
        `(n, ..., c)` with a known number of channels. At least one axis in between is
        needed to take the mean over.

    Output shape:
        The input's.

    Example:

    ```python
    import numpy as np
    from kgan.layers import InstanceNormalization

    images = InstanceNormalization()(np.random.rand(2, 8, 8, 3).astype("float32"))
    ```
    """

    def __init__(
        self, epsilon: float = 1e-5, center: bool = True, scale: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(groups=-1, epsilon=epsilon, center=center, scale=scale, **kwargs)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        config = super().get_config()
        del config["groups"]  # after building, the number of channels
        return config


@keras.saving.register_keras_serializable("kgan")
class SpectralNormalization(keras.layers.Wrapper):
    """Divide the kernel of a layer by its largest singular value, its spectral norm.

    Use this in discriminators, on every layer with a kernel: it bounds the Lipschitz constant of
    the discriminator, at the cost of one matrix-vector product per call, and without the second
    derivative that a gradient penalty takes.

    The kernel `W`, as a matrix with one column per output channel, has the singular value
    `sigma = v^T W u`. Power iteration finds the vectors: `v = W u / |W u|`, `u = W^T v / |W^T v|`.
    `u` is kept as a weight. Each call in training mode updates it with `power_iterations` steps
    (two calls in one loss update it twice), a call in inference mode does not. The derivative of
    `sigma` is taken with `u` and `v` held fixed, as in the paper, and reaches the kernel.

    The kernel itself is not modified, unlike in `keras.layers.SpectralNormalization`, which
    overwrites it: a layer can be called several times within one loss, with the same gradients on
    every backend. Instead, the layer's input is divided, since `(x / sigma) W = x (W / sigma)`:
    bias and activation are not affected. For an embedding, the output is divided.

    `sigma` is computed in float32 under mixed precision. A kernel of zeros is left undivided.

    Reference: Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks",
    algorithm 1.

    Args:
        layer: `Dense`, `Conv1D`, `Conv2D`, `Conv3D`, their transposed variants, `Embedding`, or
            another layer with a `kernel` of shape `(..., output channels)` that is linear in its
            input up to bias and activation. Its dtype, initializers and regularizers are kept.
        power_iterations: integer of at least 1, steps per call in training. Defaults to 1.
        epsilon: float, below which a norm counts as zero. Defaults to 1e-12.
        **kwargs: `name` as for `keras.layers.Layer`.

    Input shape:
        That of `layer`.

    Output shape:
        That of `layer`.

    Raises:
        ValueError: when the layer has neither `kernel` nor `embeddings`, is itself normalized, or
            is a depthwise convolution, whose channels do not mix.

    Example:

    ```python
    import keras
    from kgan.layers import SpectralNormalization

    discriminator = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            SpectralNormalization(keras.layers.Conv2D(16, 4, strides=2, padding="same")),
            keras.layers.LeakyReLU(0.1),
            keras.layers.Flatten(),
            SpectralNormalization(keras.layers.Dense(1)),
        ]
    )
    ```
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        power_iterations: int = 1,
        epsilon: float = 1e-12,
        **kwargs: Any,
    ) -> None:
        if isinstance(layer, keras.layers.Layer):
            # Of the variables, not of the computation: in this wrapper kernels are not cast.
            kwargs.setdefault("dtype", layer.variable_dtype)
        super().__init__(layer, **kwargs)
        if isinstance(layer, SpectralNormalization | keras.layers.SpectralNormalization):
            raise ValueError(
                "The layer is wrapped in a spectral normalization already. Wrap the plain layer. "
                f"Received: layer={layer.name} of type {type(layer).__name__}"
            )
        if isinstance(layer, keras.layers.DepthwiseConv1D | keras.layers.DepthwiseConv2D):
            raise ValueError(
                "The kernel of a depthwise convolution is not a matrix from input to output "
                "channels. Leave it unwrapped. "
                f"Received: layer={layer.name} of type {type(layer).__name__}"
            )
        self.power_iterations = check_count("power_iterations", power_iterations)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Builds the wrapped layer, and the vector `u`."""
        super().build(input_shape)
        if not (hasattr(self.layer, "kernel") or hasattr(self.layer, "embeddings")):
            raise ValueError(
                "Spectral normalization needs a layer with one kernel, such as Dense, Conv2D, "
                "Conv2DTranspose or Embedding. Leave layers without a kernel unwrapped. "
                f"Received: layer={self.layer.name} of type {type(self.layer).__name__}"
            )
        self.u = self.add_weight(
            shape=(self._matrix_shape[1],),
            initializer=_start,
            trainable=False,
            name="u",
        )

    @property
    def _kernel(self):
        kernel = getattr(self.layer, "embeddings" if self._looks_up else "kernel")
        return ops.convert_to_tensor(kernel)

    @property
    def _looks_up(self):
        return hasattr(self.layer, "embeddings")

    @property
    def _is_transposed(self):
        # Their kernels are (..., output channels, input channels).
        transposed = (
            keras.layers.Conv1DTranspose,
            keras.layers.Conv2DTranspose,
            keras.layers.Conv3DTranspose,
        )
        return isinstance(self.layer, transposed)

    @property
    def _matrix_shape(self):
        shape = tuple(self._kernel.shape)
        columns = shape[-2] if self._is_transposed else shape[-1]
        return (int(np.prod(shape)) // columns, columns)

    def _matrix(self):
        kernel = ops.cast(self._kernel, self.compute_dtype)
        if self._is_transposed:
            kernel = ops.swapaxes(kernel, -1, -2)
        return ops.reshape(kernel, self._matrix_shape)

    def _unit(self, vector):
        return vector / ops.maximum(ops.norm(vector), self.epsilon)

    def sigma(self, training: bool | None = False) -> Tensor:
        """Returns the largest singular value of the kernel, as estimated with `u`.

        Args:
            training: boolean. Whether power iteration updates `u` first. Defaults to `False`.

        Returns:
            A scalar, differentiable in the kernel.
        """
        matrix = self._matrix()
        fixed = ops.stop_gradient(matrix)
        # A new tensor: PyTorch must not find a tensor that it saved for backward overwritten.
        u = self._unit(ops.stop_gradient(ops.convert_to_tensor(self.u)) + 0.0)
        v = self._unit(ops.matmul(fixed, u))
        if training:
            u = self._unit(ops.matmul(v, fixed))
            for _ in range(self.power_iterations - 1):
                v = self._unit(ops.matmul(fixed, u))
                u = self._unit(ops.matmul(v, fixed))
            self.u.assign(u)
        return ops.sum(v * ops.matmul(matrix, u))

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        """The output of the layer with its kernel divided by `sigma`."""
        # Frozen, it stays as it is.
        sigma = self.sigma(training and self.trainable)
        sigma = ops.where(sigma > self.epsilon, sigma, ops.ones_like(sigma))
        if self._looks_up:
            outputs = self.layer(inputs)
            return ops.cast(ops.cast(outputs, self.compute_dtype) / sigma, outputs.dtype)
        return self.layer(inputs / sigma)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output shape, with `None` for an unknown batch size."""
        return self.layer.compute_output_shape(input_shape)

    def compute_output_spec(self, inputs: Tensor, training: bool | None = False) -> Any:
        """The output's shape and dtype for a symbolic input."""
        return self.layer.compute_output_spec(inputs)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "power_iterations": self.power_iterations,
            "epsilon": self.epsilon,
        }


def _start(shape, dtype=None):
    # The same for every backend and seed: the vector does not matter, as long as it is not one that
    # a kernel is designed to map to zero, as (1, ..., 1) might be.
    return ops.convert_to_tensor(np.random.default_rng(0).normal(size=shape), dtype=dtype)
