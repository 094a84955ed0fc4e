"""Networks of super-resolution: two that enlarge, and one that judges."""

import math
from typing import Literal

import keras
from keras import initializers, layers

from kgan.layers import LinearUpSampling2D, PixelShuffle, SpectralNormalization
from kgan.networks.parts import normalized
from kgan.utils.arguments import check_count

_SLOPE = 0.2


def generator(
    channels: int = 3,
    scale: int = 4,
    width: int = 64,
    blocks: int = 16,
    kind: Literal["residual", "dense"] = "residual",
) -> keras.Model:
    """A network that enlarges images of any size.

    Use this for super-resolution. All its work but the last is done on the small image. Its input
    is enlarged linearly beside it, so that it learns no more than what that lacks.

    Reference: `"residual"`: Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using
    a Generative Adversarial Network", figure 4, without batch normalization, as Lim et al. 2017,
    "Enhanced Deep Residual Networks for Single Image Super-Resolution", section 3.1. `"dense"`:
    Wang et al. 2018, "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", figure 4,
    residual-in-residual dense blocks with their residuals times 0.2.

    Deviations: kernels of 3x3 throughout and plain rectifiers; the image enlarged linearly is
    added to the output.

    Args:
        channels: integer, of images. Defaults to 3.
        scale: integer: 2, 3, or a power of 2. Defaults to 4.
        width: integer, channels of the features. Defaults to 64.
        blocks: integer; 16 in the first paper, 23 in the other. Defaults to 16.
        kind: `"residual"` or `"dense"`, which is some ten times slower with as many blocks.
            Defaults to `"residual"`.

    Returns:
        A functional `keras.Model`: images (batch, height, width, channels) -> images
        (batch, scale * height, scale * width, channels), without a bound.

    Raises:
        ValueError: when an option is out of range.

    Example:

    ```python
    import numpy as np

    import kgan

    network = kgan.networks.enlargement.generator(3, scale=2, width=8, blocks=1)
    assert network(np.zeros((1, 6, 5, 3), "float32")).shape == (1, 12, 10, 3)
    ```
    """
    check_count("width", width)
    check_count("blocks", blocks)
    block = {"residual": _residual_block, "dense": _block_of_dense_blocks}.get(kind)
    if block is None:
        raise ValueError(
            f'The generator is "residual", after SRResNet, or "dense", after ESRGAN. '
            f"Received: kind={kind!r}"
        )
    images = keras.Input((None, None, check_count("channels", channels)), name="images")
    features = x = _convolution(images, width)
    for _ in range(blocks):
        x = block(x, width)
    x = layers.Add()([features, _convolution(x, width)])
    for factor in _factors(scale):
        x = _convolution(x, width * factor**2)
        x = layers.LeakyReLU(_SLOPE)(PixelShuffle(factor)(x))
    x = layers.LeakyReLU(_SLOPE)(_convolution(x, width))
    x = layers.Conv2D(
        channels, 3, padding="same", kernel_initializer=_small(), dtype="float32", name="details"
    )(x)
    enlarged = LinearUpSampling2D(scale, dtype="float32")(images)
    return keras.Model(images, layers.Add(dtype="float32")([enlarged, x]), name="generator")


def discriminator(
    image_shape: tuple[int, ...],
    width: int = 64,
    normalization: Literal["spectral", "batch"] | None = "spectral",
) -> keras.Model:
    """Convolutions, each second one with stride 2, to logits of patches.

    Use this to judge enlarged images.

    Reference: Ledig et al. 2017, figure 4: eight convolutions of 3x3 to 8 times the width,
    LeakyReLU 0.2, then 1024 units.

    Deviations: spectral normalization in place of batch normalization; the last two layers see each
    place by itself, and there is a logit for each. Images below 64 pixels are halved less often.

    Args:
        image_shape: tuple `(height, width, channels)`.
        width: integer, channels of the first convolution. Defaults to 64.
        normalization: `"spectral"`, `"batch"` or `None`. Defaults to `"spectral"`.

    Returns:
        A functional `keras.Model`: images -> logits (batch, height / 16, width / 16, 1).

    Raises:
        ValueError: when an option is out of range.

    Example:

    ```python
    import kgan

    network = kgan.networks.enlargement.discriminator((64, 64, 3), width=8)
    assert network.output_shape == (None, 4, 4, 1)
    ```
    """
    check_count("width", width)
    if normalization not in ("spectral", "batch", None):
        raise ValueError(
            'The discriminator\'s normalization is "spectral", "batch" or None. '
            f"Received: normalization={normalization!r}"
        )
    images = x = keras.Input(image_shape, name="images")
    halvings = max(1, min(4, int(math.log2(max(1, min(image_shape[:2]) // 4)))))

    def wrapped(layer):
        return SpectralNormalization(layer) if normalization == "spectral" else layer

    for stage in range(halvings):
        filters = width * 2**stage
        for stride in (1, 2):
            batch = normalization == "batch" and (stage, stride) != (0, 1)
            x = wrapped(layers.Conv2D(filters, 3, stride, padding="same", use_bias=not batch))(x)
            x = layers.LeakyReLU(_SLOPE)(normalized(x, "batch" if batch else None))
    x = layers.LeakyReLU(_SLOPE)(wrapped(layers.Conv2D(16 * width, 1))(x))
    logits = layers.Conv2D(1, 1, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="discriminator")


def receptive_radius(network: keras.Model) -> int:
    """How far from an output pixel the input pixels that it depends on lie at most.

    Use this to choose how far the tiles of a large image must overlap so that none of their edges
    can be seen.

    Args:
        network: functional `keras.Model` of one image, made of convolutions, enlargements and
            layers that see each pixel by itself.

    Returns:
        Integer, in pixels of the input.

    Raises:
        ValueError: when the network holds a layer of which this can't be told.

    Example:

    ```python
    import kgan

    network = kgan.networks.enlargement.generator(3, scale=2, width=8, blocks=1)
    assert kgan.networks.enlargement.receptive_radius(network) == 7
    ```
    """
    # Of each tensor: how far it sees, in pixels of the input, and how many times larger it is.
    seen = {id(network.inputs[0]): (0.0, 1)}
    for layer in network.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        radius, times = max(seen[id(tensor)] for tensor in given)
        if isinstance(layer, layers.Conv2D) and set(layer.strides) == {1}:
            reach = max(k // 2 * d for k, d in zip(layer.kernel_size, layer.dilation_rate))
            radius += reach / times
        elif isinstance(layer, LinearUpSampling2D | PixelShuffle):
            # A pixel of the larger image lies within one of the smaller, or beside it.
            radius, times = radius + 1 / times, times * layer.scale
        elif not isinstance(layer, _POINTWISE):
            raise ValueError(
                "How far an output sees can't be told of this network. Say how far tiles overlap, "
                f"with `overlap=`. Received: a layer {layer.name} of type {type(layer).__name__}"
            )
        seen[id(layer.output)] = (radius, times)
    return math.ceil(seen[id(network.outputs[0])][0])


_POINTWISE = (
    layers.Activation,
    layers.Add,
    layers.Concatenate,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ReLU,
    layers.Rescaling,
)


def _factors(scale):
    check_count("scale", scale)
    if scale == 3:
        return [3]
    if scale < 2 or scale & (scale - 1):
        raise ValueError(
            f"Images are enlarged 2, 3, 4, 8... times, at least twice. Received: scale={scale}"
        )
    return [2] * int(math.log2(scale))


def _convolution(x, filters, **options):
    return layers.Conv2D(filters, 3, padding="same", **options)(x)


def _small():
    """What residuals start as: a tenth of He et al. 2015, as in the released code of ESRGAN."""
    return initializers.VarianceScaling(0.02, "fan_in", "truncated_normal")


def _residual_block(x, width):
    y = _convolution(x, width, kernel_initializer=_small(), activation="relu")
    return layers.Add()([x, _convolution(y, width, kernel_initializer=_small())])


def _block_of_dense_blocks(x, width):
    y = x
    for _ in range(3):
        y = _dense_block(y, width, growth=max(1, width // 2))
    return layers.Add()([x, layers.Rescaling(0.2)(y)])


def _dense_block(x, width, growth):
    found = [x]
    for _ in range(4):
        whole = layers.Concatenate()(found) if len(found) > 1 else x
        y = _convolution(whole, growth, kernel_initializer=_small())
        found.append(layers.LeakyReLU(_SLOPE)(y))
    y = _convolution(layers.Concatenate()(found), width, kernel_initializer=_small())
    return layers.Add()([x, layers.Rescaling(0.2)(y)])
