"""Encoders and decoders: perceptrons for any data, DCGAN's convolutions for images."""

import math
from collections.abc import Sequence

import keras
from keras import layers

from kgan.data.fields import Vectors, kind_of_shape
from kgan.networks import dcgan
from kgan.utils.arguments import check_count, check_counts


def encoder(
    sample_shape: tuple[int, ...],
    latent_dim: int,
    *,
    units: Sequence[int] | None = (500,),
    activation: str = "tanh",
    width: int = 32,
    normalization: bool = True,
    is_variational: bool = True,
) -> keras.Model:
    """From samples to codes: one code, or the mean and the log-variance of a normal distribution.

    Use this with `kgan.networks.autoencoders.decoder`.

    Reference: Kingma and Welling 2014, "Auto-Encoding Variational Bayes", appendix C.2.

    Args:
        sample_shape: tuple, shape of one sample: `(height, width, channels)` or `(dim,)`.
        latent_dim: integer, size of a code.
        units: tuple of integers, widths of the hidden layers of a perceptron. `None` for
            convolutions, those of `kgan.networks.dcgan.discriminator`. Defaults to `(500,)`.
        activation: string, of the perceptron's hidden layers. Defaults to `"tanh"`.
        width: integer, for convolutions: channels at half the image's size. Defaults to 32.
        normalization: boolean, for convolutions: BatchNorm. Defaults to `True`.
        is_variational: boolean. With `False` the network has one output, the code. Defaults to
            `True`.

    Returns:
        A functional `keras.Model`: samples -> `[mean, log_variance]`, each (batch, latent_dim), or
        samples -> codes (batch, latent_dim).

    Raises:
        ValueError: when a size is out of range, or strides can't divide the image's.

    Example:

    ```python
    import kgan

    network = kgan.networks.autoencoders.encoder((28, 28, 1), 20)
    ```
    """
    check_counts("sample_shape", sample_shape, "(2,)")
    check_count("latent_dim", latent_dim)
    if units is None:
        trunk = dcgan.discriminator(sample_shape, width, normalization=normalization)
        samples, x = trunk.inputs[0], trunk.get_layer("features").output
    else:
        samples = x = keras.Input(sample_shape, name="samples")
        if kind_of_shape(sample_shape) is not Vectors:
            x = layers.Flatten()(x)
        for size in check_counts("units", units):
            x = layers.Dense(size, activation=activation)(x)
    # Codes and likelihoods are computed in float32 whatever the policy.
    mean = layers.Dense(latent_dim, dtype="float32", name="mean")(x)
    if not is_variational:
        return keras.Model(samples, mean, name="encoder")
    log_variance = layers.Dense(latent_dim, dtype="float32", name="log_variance")(x)
    return keras.Model(samples, [mean, log_variance], name="encoder")


def decoder(
    sample_shape: tuple[int, ...],
    latent_dim: int,
    *,
    units: Sequence[int] | None = (500,),
    activation: str = "tanh",
    width: int = 32,
    normalization: bool = True,
    num_parameters: int = 1,
) -> keras.Model:
    """From codes to what a likelihood or a distance takes: a stack of layers without a last bound.

    Use this with `kgan.networks.autoencoders.encoder`.

    Reference: Kingma and Welling 2014, appendix C.1 and C.2.

    Args:
        sample_shape: tuple, shape of one sample: `(height, width, channels)` or `(dim,)`.
        latent_dim: integer, size of a code.
        units: tuple of integers, widths of the hidden layers of a perceptron. `None` for
            convolutions, those of `kgan.networks.dcgan.generator`. Defaults to `(500,)`.
        activation: string, of the perceptron's hidden layers. Defaults to `"tanh"`.
        width: integer, for convolutions: channels at half the image's size. Defaults to 32.
        normalization: boolean, for convolutions: BatchNorm. Defaults to `True`.
        num_parameters: integer, channels made for each of the samples', as a likelihood's
            `num_parameters` says. Defaults to 1.

    Returns:
        A functional `keras.Model`: codes (batch, latent_dim) -> (batch, *sample_shape) with
        `num_parameters` times the channels.

    Raises:
        ValueError: when a size is out of range, or strides can't make the image's.

    Example:

    ```python
    import kgan

    network = kgan.networks.autoencoders.decoder((28, 28, 1), 20)
    ```
    """
    check_counts("sample_shape", sample_shape, "(2,)")
    check_count("latent_dim", latent_dim)
    shape = (*sample_shape[:-1], sample_shape[-1] * check_count("num_parameters", num_parameters))
    if units is None:
        trunk = dcgan.generator(shape, latent_dim, width, normalization=normalization)
        # Without the bound of the last layer.
        x = layers.Activation("linear", dtype="float32")(trunk.get_layer("images").input)
        return keras.Model(trunk.inputs[0], x, name="decoder")
    codes = x = keras.Input((latent_dim,), name="codes")
    for size in check_counts("units", units):
        x = layers.Dense(size, activation=activation)(x)
    x = layers.Dense(math.prod(shape), dtype="float32")(x)
    if kind_of_shape(sample_shape) is not Vectors:
        x = layers.Reshape(shape, dtype="float32")(x)
    return keras.Model(codes, x, name="decoder")
