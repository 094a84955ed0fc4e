"""The modern residual networks of Huang et al. 2024 (R3GAN), for images and for vectors.

One kind of block throughout: a 1x1 convolution that widens, a 3x3 convolution, and a 1x1
convolution back, added to the block's input. Nothing is normalized. Instead each branch starts at
zero and its kernels start smaller the deeper the network is (Zhang et al. 2019, "Fixup").
"""

import math
from collections.abc import Sequence

import keras
from keras import initializers, layers, ops

from kgan.data.fields import Vectors, kind_of_shape
from kgan.networks.dcgan import stage_sizes
from kgan.networks.parts import cropped
from kgan.utils.arguments import check_count, check_counts

NEGATIVE_SLOPE = 0.2
# Keeps the variance of a signal that passes a leaky ReLU (He et al. 2015).
ACTIVATION_GAIN = math.sqrt(2.0 / (1.0 + NEGATIVE_SLOPE**2))


def generator(
    sample_shape: tuple[int, ...],
    latent_dim: int = 64,
    width: int | Sequence[int] = 16,
    num_blocks: int = 1,
    expansion: int = 2,
    group_size: int | None = None,
    units: Sequence[int] = (128, 128, 128),
    stages: int | None = None,
) -> keras.Model:
    """A learned basis weighted by the noise, then residual stages with bilinear upsampling.

    Use this with `kgan.networks.r3gan.discriminator` when quality matters more than speed.
    Vectors get residual layers of a perceptron with the same initialization.

    Reference: Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline",
    section 4, configuration E.

    Args:
        sample_shape: tuple, `(height, width, channels)` of the sizes of
            `kgan.networks.dcgan.num_stages`, or `(dim,)`.
        latent_dim: integer, size of the noise. Defaults to 64, as in the paper's code.
        width: integer, for images: channels at the image's size, doubled at each halving up to
            eightfold. Or a tuple of the channels at each size, from the image's to the base's:
            `(768, 768, 768, 768)` is the paper's at 32x32. Defaults to 16.
        num_blocks: integer, for images: residual blocks per stage. Defaults to 1; the paper's
            code has 2.
        expansion: integer, for images: how much wider a block is within than its input. Defaults
            to 2, as in the paper's code.
        group_size: integer, for images: channels per group of the 3x3 convolutions, or all
            channels if there are fewer; the paper's code has 16. Defaults to `None` for dense
            convolutions, because TensorFlow computes grouped ones tens of times slower on a CPU.
        units: tuple of integers, for vectors: hidden units of each residual block, around a
            stream of the first one's width. Defaults to `(128, 128, 128)`.
        stages: integer, for images: doublings. 3 go from the paper's base of 4x4 to 28x28, by
            cropping the excess after a doubling. Defaults to `None`:
            `kgan.networks.dcgan.num_stages`, whose base is 7x7 there.

    Returns:
        A functional `keras.Model`: noise (batch, latent_dim) -> samples (batch, *sample_shape).
        Images end in a tanh, within [-1, 1], where the paper's networks end linearly.

    Raises:
        ValueError: when the stages can't produce this size, when there are other widths than sizes,
            or groups do not divide the channels.

    Example:

    ```python
    import kgan

    network = kgan.networks.r3gan.generator((32, 48, 3), width=8)
    ```
    """
    check_count("latent_dim", latent_dim)
    noise = keras.Input((latent_dim,), name="noise")
    if kind_of_shape(sample_shape) is Vectors:
        x = _residual_perceptron(noise, units)
        samples = _dense(*sample_shape, dtype="float32", name="samples")(x)
        return keras.Model(noise, samples, name="generator")
    sizes = stage_sizes(sample_shape, stages, family="R3GAN")
    widths = _widths(len(sizes), width)
    depth = len(widths) * check_count("num_blocks", num_blocks)
    # (batch, base, base, widths[-1])
    x = GenerativeBasis(*sizes[-1])(_dense(widths[-1])(noise))
    for stage, (size, channels) in enumerate(zip(reversed(sizes), reversed(widths))):
        if stage:
            if x.shape[-1] != channels:
                x = _convolution(channels)(x)
            x = layers.UpSampling2D(interpolation="bilinear")(x)  # (batch, 2 h, 2 w, channels)
            x = cropped(x, size)
        for _ in range(num_blocks):
            x = _block(x, depth, expansion, group_size)
    x = _convolution(sample_shape[-1])(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(noise, images, name="generator")


def discriminator(
    sample_shape: tuple[int, ...],
    width: int | Sequence[int] = 16,
    num_blocks: int = 1,
    expansion: int = 2,
    group_size: int | None = None,
    units: Sequence[int] = (128, 128, 128),
    stages: int | None = None,
) -> keras.Model:
    """Residual stages with bilinear downsampling, then a learned basis.

    Use this with `kgan.networks.r3gan.generator`. It has no output bias, which a relativistic
    loss could not train.

    Reference: Huang et al. 2024, section 4, configuration E.

    Args:
        sample_shape: tuple, `(height, width, channels)` or `(dim,)`, as for the generator.
        width: integer or tuple, as for the generator. Defaults to 16.
        num_blocks: integer, as for the generator. Defaults to 1.
        expansion: integer, as for the generator. Defaults to 2.
        group_size: integer or `None`, as for the generator. Defaults to `None`.
        units: tuple of integers, for vectors, as for the generator. Defaults to
            `(128, 128, 128)`.
        stages: integer, for images: halvings, which round odd sides up. Defaults to `None`, as
            for the generator.

    Returns:
        A functional `keras.Model`: samples (batch, *sample_shape) -> logits (batch, 1).

    Raises:
        ValueError: when the stages can't produce this size, when there are other widths than sizes,
            or groups do not divide the channels.

    Example:

    ```python
    import kgan

    network = kgan.networks.r3gan.discriminator((28, 28, 1), width=8)
    ```
    """
    samples = keras.Input(sample_shape, name="samples")
    if kind_of_shape(sample_shape) is Vectors:
        x = _residual_perceptron(samples, units)
        return keras.Model(samples, _dense(1, dtype="float32")(x), name="discriminator")
    widths = _widths(len(stage_sizes(sample_shape, stages, family="R3GAN")), width)
    depth = len(widths) * check_count("num_blocks", num_blocks)
    x = _convolution(widths[0])(samples)
    for stage, channels in enumerate(widths):
        if stage:
            # (batch, h / 2, w / 2, channels): bilinear halving
            x = layers.AveragePooling2D(2, padding="same")(x)
            if x.shape[-1] != channels:
                x = _convolution(channels)(x)
        for _ in range(num_blocks):
            x = _block(x, depth, expansion, group_size)
    x = DiscriminativeBasis()(x)  # (batch, widths[-1])
    return keras.Model(samples, _dense(1, dtype="float32")(x), name="discriminator")


@keras.saving.register_keras_serializable("kgan")
class GenerativeBasis(layers.Layer):
    """One learned picture per channel, weighted by the input: (n, c) -> (n, height, width, c)."""

    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        self.height = height
        self.width = width

    def build(self, input_shape):
        """Makes the pictures, from N(0, 1)."""
        self.basis = self.add_weight(
            shape=(self.height, self.width, input_shape[-1]),
            initializer=initializers.RandomNormal(stddev=1.0),
            name="basis",
        )

    def call(self, inputs):
        """The pictures, each multiplied by its input."""
        return self.basis * inputs[:, None, None, :]

    def compute_output_shape(self, input_shape):
        """(batch, height, width, channels)."""
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("kgan")
class DiscriminativeBasis(layers.Layer):
    """How much of one learned picture each channel contains: (n, height, width, c) -> (n, c).

    A depthwise convolution as large as its input, written as a sum.
    """

    def build(self, input_shape):
        """Makes the pictures, so that the sum keeps its input's variance."""
        height, width, channels = input_shape[1:]
        self.basis = self.add_weight(
            shape=(height, width, channels),
            initializer=initializers.RandomNormal(stddev=1.0 / math.sqrt(height * width)),
            name="basis",
        )

    def call(self, inputs):
        """One number per channel."""
        return ops.sum(self.basis * inputs, axis=(1, 2))

    def compute_output_shape(self, input_shape):
        """(batch, channels)."""
        return (input_shape[0], input_shape[-1])


def _widths(num_sizes, width):
    """Channels per size, from the image's to the base's."""
    if isinstance(width, tuple | list):
        widths = check_counts("width", width, "(64, 128, 256), one per size")
        if len(widths) != num_sizes:
            raise ValueError(
                f"The images have {num_sizes} sizes here, from their own to the base's, and each "
                f"needs its channels. Pass {num_sizes} widths, or one, which is doubled at each "
                f"halving. Received: width={width!r}"
            )
        return list(widths)
    check_count("width", width)
    return [width * 2 ** min(stage, 3) for stage in range(num_sizes)]


def _block(x, depth, expansion, group_size):
    """A residual block, which at first is the identity."""
    channels = x.shape[-1]
    inner = channels * check_count("expansion", expansion)
    size = inner if group_size is None else min(check_count("group_size", group_size), inner)
    if inner % size:
        raise ValueError(
            "Groups of a 3x3 convolution must divide its channels: pass a group_size that "
            f"divides {inner}, or None. Received: group_size={group_size}"
        )
    gain = _gain(depth)
    y = layers.LeakyReLU(NEGATIVE_SLOPE)(_convolution(inner, gain=gain, use_bias=True)(x))
    y = _convolution(inner, 3, gain=gain, groups=inner // size, use_bias=True)(y)
    y = layers.LeakyReLU(NEGATIVE_SLOPE)(y)
    y = _convolution(channels, gain=0.0)(y)
    return layers.Add()([x, y])


def _residual_perceptron(x, units):
    """Residual blocks of dense layers, without normalization, which at first are the identity."""
    units = check_counts("units", units, "(128, 128, 128), one per residual block")
    gain = _gain(len(units))
    x = _dense(units[0])(x)
    for width in units:
        y = layers.LeakyReLU(NEGATIVE_SLOPE)(_dense(width, gain=gain, use_bias=True)(x))
        y = layers.LeakyReLU(NEGATIVE_SLOPE)(_dense(width, gain=gain, use_bias=True)(y))
        x = layers.Add()([x, _dense(units[0], gain=0.0)(y)])
    return x


def _gain(depth):
    # Fixup's rule for three layers per branch: depth ** (-1 / (2 * 3 - 2)).
    return ACTIVATION_GAIN * depth**-0.25


def _convolution(channels, kernel_size=1, gain=1.0, groups=1, use_bias=False):
    return layers.Conv2D(
        channels,
        kernel_size,
        padding="same",
        groups=groups,
        use_bias=use_bias,
        kernel_initializer=_scaled(gain),
    )


def _dense(units, gain=1.0, use_bias=False, **kwargs):
    return layers.Dense(units, use_bias=use_bias, kernel_initializer=_scaled(gain), **kwargs)


def _scaled(gain):
    if not gain:
        return initializers.Zeros()
    # A new one for each layer: one unseeded initializer would give layers equal weights.
    return initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal")
