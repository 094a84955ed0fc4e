"""Multilayer perceptrons: the networks of Goodfellow et al. 2014."""

import math
import random
from collections.abc import Sequence

import keras
from keras import layers

from kgan.data.fields import Images, Vectors, kind_of_shape
from kgan.networks.parts import batch_normalization, constrained, packed, spectrally_normalized
from kgan.utils.arguments import check_count, check_counts


def generator(
    sample_shape: tuple[int, ...],
    latent_dim: int,
    units: Sequence[int] = (128, 256),
    activation: str = "auto",
    normalization: bool = False,
) -> keras.Model:
    """A stack of ReLU layers from noise to a sample of any shape.

    Use this for points, small vectors, and images of the size of MNIST's; a convolutional
    generator works better on images.

    Reference: Goodfellow et al. 2014, "Generative Adversarial Nets", section 5.

    Args:
        sample_shape: tuple, shape of one sample: `(height, width, channels)` or `(dim,)`.
        latent_dim: integer, size of the noise.
        units: tuple of integers, width of each hidden layer. Defaults to `(128, 256)`.
        activation: of the last layer. `"auto"` means `"tanh"` for images, whose range is
            [-1, 1], and `"linear"` for vectors. Defaults to `"auto"`.
        normalization: boolean, BatchNorm before each ReLU. Defaults to `False`.

    Returns:
        A functional `keras.Model`: noise (batch, latent_dim) -> samples (batch, *sample_shape).

    Example:

    ```python
    import kgan

    network = kgan.networks.mlp.generator((28, 28, 1), latent_dim=64)
    ```
    """
    check_counts("sample_shape", sample_shape, "(2,)")
    check_counts("units", units)
    check_count("latent_dim", latent_dim)
    if activation == "auto":
        activation = "tanh" if kind_of_shape(sample_shape) is Images else "linear"
    noise = keras.Input((latent_dim,), name="noise")
    x = noise
    for width in units:
        if normalization:
            # BatchNorm has its own bias.
            x = layers.Dense(width, use_bias=False, kernel_initializer="he_normal")(x)
            x = layers.ReLU()(batch_normalization()(x))
        else:
            x = layers.Dense(width, activation="relu", kernel_initializer="he_normal")(x)
    # The last layer computes in float32 whatever the policy: samples and losses need it.
    x = layers.Dense(math.prod(sample_shape), activation=activation, dtype="float32")(x)
    if kind_of_shape(sample_shape) is not Vectors:
        x = layers.Reshape(sample_shape, dtype="float32")(x)
    return keras.Model(noise, x, name="generator")


def discriminator(
    sample_shape: tuple[int, ...],
    units: Sequence[int] = (256, 128),
    dropout: float = 0.0,
    negative_slope: float = 0.2,
    normalization: bool = False,
    spectral_normalization: bool = False,
    constraint: keras.constraints.Constraint | None = None,
    pack: int = 1,
    head: keras.layers.Layer | None = None,
) -> keras.Model:
    """A stack of leaky ReLU layers from a sample of any shape to one logit.

    Use this with `kgan.networks.mlp.generator`. The paper's maxout units are left out in favour
    of leaky ReLU, which has one kernel per unit.

    Reference: Goodfellow et al. 2014, "Generative Adversarial Nets", section 5.

    Args:
        sample_shape: tuple, shape of one sample: `(height, width, channels)` or `(dim,)`.
        units: tuple of integers, width of each hidden layer. Defaults to `(256, 128)`.
        dropout: float in [0, 1), after each hidden layer. Defaults to 0.0.
        negative_slope: float, slope of the leaky ReLU. Defaults to 0.2.
        normalization: boolean, BatchNorm before each leaky ReLU. Defaults to `False`.
        spectral_normalization: boolean, `kgan.layers.SpectralNormalization` of each layer.
            Defaults to `False`.
        constraint: a `keras.constraints.Constraint` of all weights. Defaults to `None`.
        pack: integer, samples per logit (`kgan.layers.Pack`). Defaults to 1.
        head: layer between the last hidden layer and the logit, such as
            `kgan.layers.MinibatchDiscrimination()`. Defaults to `None`.

    Returns:
        A functional `keras.Model`: samples (batch, *sample_shape) -> logits
        (ceil(batch / pack), 1).

    Example:

    ```python
    import kgan

    network = kgan.networks.mlp.discriminator((28, 28, 1), dropout=0.3)
    ```
    """
    check_counts("sample_shape", sample_shape, "(2,)")
    check_counts("units", units)
    sample = keras.Input(sample_shape, name="sample")
    x = packed(sample, pack)
    if kind_of_shape(sample_shape) is not Vectors:
        x = layers.Flatten()(x)
    for width in units:
        dense = layers.Dense(
            width,
            use_bias=not normalization,
            kernel_initializer="he_normal",
            **constrained(constraint, bias=not normalization),
        )
        x = spectrally_normalized(dense, spectral_normalization)(x)
        if normalization:
            x = batch_normalization(constraint)(x)
        x = layers.LeakyReLU(negative_slope)(x)
        if dropout:
            # With a seed, or torch would draw from a state that is not saved with the model.
            x = layers.Dropout(dropout, seed=random.randrange(2**31))(x)
    if head is not None:
        x = head(layers.Identity(name="features")(x))
    last = layers.Dense(1, dtype="float32", **constrained(constraint))
    logits = spectrally_normalized(last, spectral_normalization)(x)
    return keras.Model(sample, logits, name="discriminator")
