"""SEGAN's networks of waveforms: an encoder and a decoder with skips, and a discriminator."""

import keras
from keras import layers

from kgan.layers import NoiseBeside, PreEmphasis
from kgan.networks.parts import batch_normalization
from kgan.utils.arguments import check_count

# Channels of the eleven convolutions, over those of the first.
_WIDTHS = (1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 64)
_KERNEL, _SLOPE = 31, 0.3


def _widths_of(width, depth):
    """Channels of each convolution.

    Args:
        width: integer, of the first one.
        depth: integer from 1 to 11, how many there are.

    Raises:
        TypeError: when one is no integer.
        ValueError: when one is out of range.
    """
    check_count("width", width)
    if check_count("depth", depth) > len(_WIDTHS):
        raise ValueError(f"SEGAN has at most {len(_WIDTHS)} convolutions. Received: depth={depth}")
    return [width * factor for factor in _WIDTHS[:depth]]


def generator(width: int = 16, depth: int = 11, emphasis: float = 0.95) -> keras.Model:
    """An encoder of waveforms, noise beside its code, and a decoder with a skip to each layer.

    Use this as the generator of SEGAN.

    Reference: Pascual et al. 2017, "SEGAN: Speech Enhancement Generative Adversarial Network",
    sections 3.1 and 3.2, figure 2.

    Deviations: the noise beside the code is drawn in training only; otherwise it is 0, its mean, so
    that a recording is always enhanced alike. Pre-emphasis and its inverse are in the network.

    Args:
        width: integer, channels of the first convolution; the last has 64 times as many. Defaults
            to 16.
        depth: integer, how often the time is halved, at most 11. Defaults to 11.
        emphasis: float in [0, 1), of `kgan.layers.PreEmphasis`. Defaults to 0.95.

    Returns:
        A functional `keras.Model`: waveforms (batch, time, 1), the time a multiple of
        2 ** depth -> waveforms of that shape.

    Raises:
        TypeError: when a size is no integer.
        ValueError: when an option is out of range.

    Example:

    ```python
    import numpy as np

    import kgan

    network = kgan.networks.segan.generator(width=2, depth=3)
    assert network(np.zeros((1, 64, 1), "float32")).shape == (1, 64, 1)
    ```
    """
    widths = _widths_of(width, depth)
    waveform = keras.Input((None, 1), name="waveform")
    x, skips = PreEmphasis(emphasis)(waveform), []
    for channels in widths:
        x = layers.Conv1D(channels, _KERNEL, 2, "same")(x)
        skips.append(x)
        x = layers.PReLU(shared_axes=[1])(x)
    x = NoiseBeside()(x)
    for channels, skip in zip(reversed(widths[:-1]), reversed(skips[:-1])):
        x = layers.Conv1DTranspose(channels, _KERNEL, 2, "same")(x)
        x = layers.Concatenate()([layers.PReLU(shared_axes=[1])(x), skip])
    x = layers.Conv1DTranspose(1, _KERNEL, 2, "same", activation="tanh", dtype="float32")(x)
    return keras.Model(waveform, PreEmphasis(emphasis, inverse=True)(x), name="generator")


def discriminator(
    signal_shape: tuple[int, int] = (16_384, 1),
    width: int = 16,
    depth: int = 11,
    emphasis: float = 0.95,
) -> keras.Model:
    """A discriminator of pairs of waveforms: noisy, and clean or enhanced.

    Use this as the discriminator of SEGAN.

    Reference: Pascual et al. 2017, "SEGAN: Speech Enhancement Generative Adversarial Network",
    section 3.2: the encoder with LeakyReLU of slope 0.3, a convolution to one channel, one logit.

    Deviations: batch normalization over the batch itself, in place of a reference batch.

    Args:
        signal_shape: tuple `(time, 1)`, the time a multiple of 2 ** depth. Defaults to
            `(16384, 1)`, about a second.
        width: integer, channels of the first convolution. Defaults to 16.
        depth: integer, how often the time is halved, at most 11. Defaults to 11.
        emphasis: float in [0, 1), of `kgan.layers.PreEmphasis`. Defaults to 0.95.

    Returns:
        A functional `keras.Model`: `[noisy, candidate]`, waveforms (batch, time, 1) -> logits
        (batch, 1).

    Raises:
        TypeError: when a size is no integer.
        ValueError: when an option is out of range.

    Example:

    ```python
    import kgan

    network = kgan.networks.segan.discriminator((64, 1), width=2, depth=3)
    assert network.output_shape == (None, 1)
    ```
    """
    pair = [keras.Input(signal_shape, name=name) for name in ("noisy", "candidate")]
    x = PreEmphasis(emphasis)(layers.Concatenate()(pair))
    for channels in _widths_of(width, depth):
        x = layers.Conv1D(channels, _KERNEL, 2, "same", use_bias=False)(x)
        x = layers.LeakyReLU(_SLOPE)(batch_normalization()(x))
    x = layers.Flatten()(layers.Conv1D(1, 1)(x))
    return keras.Model(pair, layers.Dense(1, dtype="float32")(x), name="discriminator")
