"""Networks that enhance speech by its spectrum, and one that predicts how it will be heard."""

from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from kgan.layers import InstanceNormalization, InverseSpectrum, SpectralNormalization, Spectrum
from kgan.layers.spectra import check_frames, magnitude
from kgan.utils.arguments import check_count

# Lu et al. 2023: the power of magnitudes, and the largest factor of a compressed one.
_COMPRESSION, _MOST = 0.3, 2.0
_SILENCE = 1e-6
_SLOPE = 0.2
# How often the small network halves the number of its bins.
_HALVINGS = 4


def generator(
    frame: int = 512,
    hop: int = 256,
    width: int = 16,
    blocks: int = 6,
    kind: Literal["convolutional", "conformer"] = "convolutional",
) -> keras.Model:
    """A network from noisy waveforms of any length to clean ones, by way of their spectrum.

    Use this for speech. It divides the waveform by its level, compresses the magnitudes of its
    short-time spectrum, and predicts for each frame and bin a factor for the magnitude and a step
    for the phase; the waveform is that of the spectrum that results. New, it changes nothing.

    Reference: Lu et al. 2023, "MP-SENet: A Speech Enhancement Model with Parallel Denoising of
    Magnitude and Phase Spectra", section 2.2. `"conformer"`: figure 2, a dense encoder, blocks of
    conformers along time and along frequency, and two decoders. `"convolutional"` is for ordinary
    processors: halved bins, dilated convolutions along time, a decoder with skips; it also sees
    each bin's mean over time, arithmetic and harmonic, which steady noise betrays itself by.

    Deviations: the phase is that of the noisy number plus a predicted one, not predicted from
    nothing; the factor is 2 * sigmoid without a trained slope; real and imaginary parts are read in
    place of the angle.

    Args:
        frame: integer, even, samples of a frame. Defaults to 512; 400 in the paper.
        hop: integer, samples from one frame to the next: a half of it, a quarter, ... Defaults to
            256; 100 in the paper.
        width: integer, channels. Time grows with its square. Defaults to 16; 64 in the paper.
        blocks: integer. Defaults to 6; 4 in the paper.
        kind: `"convolutional"` or `"conformer"`. Defaults to `"convolutional"`.

    Returns:
        A functional `keras.Model`: waveforms (batch, time, 1), the time a multiple of `hop` and
        longer than half a frame -> waveforms of that shape.

    Raises:
        TypeError: when a size is no integer.
        ValueError: when an option is out of range.

    Example:

    ```python
    import numpy as np

    import kgan

    network = kgan.networks.speech.generator(frame=32, hop=8, width=4, blocks=1)
    assert network(np.zeros((1, 80, 1), "float32")).shape == (1, 80, 1)
    ```
    """
    check_frames(frame, hop)
    check_count("width", width, minimum=4)
    check_count("blocks", blocks)
    body = {"convolutional": _convolutional, "conformer": _conformer}.get(kind)
    if body is None:
        raise ValueError(f'The network is "convolutional" or "conformer". Received: kind={kind!r}')
    waveform = keras.Input((None, 1), name="waveform")
    loudness = _loudness(waveform)
    spectrum = Spectrum(frame, hop, name="spectrum")(waveform / loudness)
    real, imaginary = spectrum[..., :1], spectrum[..., 1:]
    size = magnitude(real, imaginary)
    loud, real, imaginary = ops.power(size, _COMPRESSION), real / size, imaginary / size
    features = layers.Concatenate()([loud, loud * real, loud * imaginary])
    predicted = body(features, loud, width, blocks)
    factor, real_step, imaginary_step = (predicted[..., i : i + 1] for i in range(3))
    made = ops.power(loud * (_MOST * ops.sigmoid(factor)), 1 / _COMPRESSION)
    real, imaginary = real + real_step, imaginary + imaginary_step
    made = made / magnitude(real, imaginary)
    spectrum = layers.Concatenate(dtype="float32")([made * real, made * imaginary])
    made = InverseSpectrum(frame, hop, name="waveform_again")(spectrum)
    return keras.Model(waveform, made * loudness, name="generator")


def _loudness(waveform):
    """Root of the mean square of each waveform, never 0."""
    return ops.sqrt(ops.mean(ops.square(waveform), axis=1, keepdims=True) + _SILENCE)


def _convolutional(features, loud, width, blocks):
    bins = features.shape[2]
    steady = ops.mean(loud, axis=1, keepdims=True)
    # The harmonic mean is near to the quiet moments, in which noise is heard alone.
    floor = 1 / ops.mean(1 / (loud + 0.05), axis=1, keepdims=True)
    place = np.linspace(-1, 1, bins, dtype="float32")[None, None, :, None]
    spread = ops.zeros_like(loud)
    x = layers.Concatenate()([features, spread + steady, spread + floor, spread + place])
    skips = []
    for halving in range(_HALVINGS):
        skips.append(x)
        channels = width if not halving else 2 * width
        # Only the blocks normalize, where bins are few: on all bins it costs much time.
        x = layers.Conv2D(channels, (3, 5 if not halving else 3), (1, 2), "same")(x)
        x = layers.LeakyReLU(_SLOPE)(x)
    for block in range(blocks):
        x = _dilated_block(x, 2 ** (block % 4))
    for halving in reversed(range(1, _HALVINGS)):
        channels = 2 * width if halving > 1 else width
        x = layers.Conv2DTranspose(channels, (3, 4), (1, 2), "same")(x)
        x = layers.LeakyReLU(_SLOPE)(x[:, :, : skips[halving].shape[2]])
        x = layers.Concatenate()([x, skips[halving]])
    # Two bins of each place: no layer has its channels at all bins.
    x = _head(x, 6, 3)
    return layers.Reshape((-1, 2 * x.shape[2], 3), dtype="float32")(x)[:, :, :bins]


def _activated(x):
    return layers.PReLU(shared_axes=[1, 2])(InstanceNormalization()(x))


def _dilated_block(x, dilation):
    channels = x.shape[-1]
    plain = {"use_bias": False}  # The normalization would take a bias away.
    y = layers.Conv2D(channels, 3, padding="same", dilation_rate=(dilation, 1), **plain)(x)
    # What holds for the whole recording, bin by bin.
    always = layers.Dense(channels, **plain)(ops.mean(x, axis=1, keepdims=True))
    y = _activated(y + always)
    return layers.Add()([x, layers.Conv2D(channels, 1)(y)])


def _head(x, outputs, size=1):
    # Zero at first: a factor of 1 and no step, so a new network gives what it takes.
    return layers.Conv2D(
        outputs, size, padding="same", kernel_initializer="zeros", dtype="float32"
    )(x)


def _conformer(features, loud, width, blocks):
    bins = features.shape[2]
    plain = {"padding": "same", "use_bias": False}
    x = _dense_block(_activated(layers.Conv2D(width, 1, **plain)(features)), width)
    x = _activated(layers.Conv2D(width, (1, 3), (1, 2), **plain)(x))
    for _ in range(blocks):
        for axis in (1, 2):
            x = _conformer_block(x, width, axis)
    decoded = []
    for outputs in (1, 2):
        y = layers.Conv2DTranspose(width, (1, 4), (1, 2), **plain)(_dense_block(x, width))
        decoded.append(_head(_activated(y[:, :, :bins]), outputs))
    return layers.Concatenate(dtype="float32")(decoded)


def _dense_block(x, width):
    seen = [x]
    for depth in range(4):
        y = layers.Concatenate()(seen) if depth else x
        dilation = {"dilation_rate": (2**depth, 1), "padding": "same"}
        y = layers.Conv2D(width, (2, 3), use_bias=False, **dilation)(y)
        seen.append(_activated(y))
    return seen[-1]


def _conformer_block(x, width, axis, heads=4):
    def normalized(y):
        return layers.LayerNormalization(epsilon=1e-5)(y)

    def half_step(y):
        y = layers.Dense(4 * width, "silu")(normalized(y))
        return 0.5 * layers.Dense(width)(y)

    x = x + half_step(x)
    y = normalized(x)
    x = x + layers.MultiHeadAttention(heads, width // heads, attention_axes=(axis,))(y, y)
    y = layers.Dense(4 * width)(normalized(x))
    y = y[..., : 2 * width] * ops.sigmoid(y[..., 2 * width :])
    y = layers.DepthwiseConv2D((31, 1) if axis == 1 else (1, 31), padding="same")(y)
    x = x + layers.Dense(width)(ops.silu(normalized(y)))
    return normalized(x + half_step(x))


def metric_discriminator(
    signal_shape: tuple[int | None, int] = (None, 1),
    frame: int = 512,
    hop: int = 256,
    width: int = 16,
) -> keras.Model:
    """A network that predicts how a waveform will score beside the clean one.

    Use this as the discriminator of a `kgan.SpeechEnhancement` with a `score`.

    Reference: Fu et al. 2021, "MetricGAN+: An Improved Version of MetricGAN for Speech
    Enhancement", section 3: four convolutions with spectral normalization, their mean, dense
    layers. Strides, and compressed magnitudes of both waveforms as channels, as in Lu et al. 2023.

    Args:
        signal_shape: tuple `(time, 1)`. Defaults to `(None, 1)`, any length.
        frame: integer, even, samples of a frame. Defaults to 512.
        hop: integer, samples from one frame to the next. Defaults to 256.
        width: integer, channels of its first convolution. Defaults to 16.

    Returns:
        A functional `keras.Model`: `[clean, candidate]`, waveforms (batch, time, 1) -> scores
        (batch, 1) in (0, 1).

    Raises:
        TypeError: when a size is no integer.
        ValueError: when an option is out of range.

    Example:

    ```python
    import kgan

    network = kgan.networks.speech.metric_discriminator((800, 1), frame=64, hop=16, width=4)
    assert network.output_shape == (None, 1)
    ```
    """
    check_count("width", width)
    clean, candidate = (keras.Input(signal_shape, name=n) for n in ("clean", "candidate"))
    loudness = _loudness(clean)
    seen = []
    transform = Spectrum(frame, hop)
    for waveform in (clean, candidate):
        spectrum = transform(waveform / loudness)
        size = magnitude(spectrum[..., :1], spectrum[..., 1:])
        seen.append(ops.power(size, _COMPRESSION))
    x = layers.Concatenate()(seen)
    for doubling in range(4):
        x = SpectralNormalization(layers.Conv2D(width * 2**doubling, 4, 2, "same"))(x)
        x = layers.LeakyReLU(_SLOPE)(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.LeakyReLU(_SLOPE)(SpectralNormalization(layers.Dense(4 * width))(x))
    score = layers.Dense(1, "sigmoid", dtype="float32")(x)
    return keras.Model([clean, candidate], score, name="discriminator")
