"""The residual generator of Zhu et al. 2017, from images to images, and its parts."""

import keras
from keras import initializers, layers

from kgan.data.fields import Images, kind_of_shape
from kgan.layers import ReflectionPadding2D
from kgan.networks.parts import normalized
from kgan.utils.arguments import check_count, check_counts


def generator(
    image_shape: tuple[int, ...],
    out_channels: int | None = None,
    width: int = 64,
    num_blocks: int | None = None,
    name: str = "generator",
) -> keras.Model:
    """Halves an image twice, passes it through residual blocks, and doubles it back.

    Use this in image translation without pairs: a quarter of the size keeps outlines in place, and
    no skip connection carries the input's pixels past the blocks.

    Reference: Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent
    Adversarial Networks", section 4 and appendix 7.2, after Johnson et al. 2016: c7s1-64, d128,
    d256, R256 six or nine times, u128, u64, c7s1-3, instance normalization and ReLU, reflection
    padding, weights from N(0, 0.02).

    Args:
        image_shape: tuple `(height, width, channels)` of the input. Sides are multiples of 4, at
            least 8.
        out_channels: integer, channels of the output. Defaults to `None`: the input's.
        width: integer, channels at full size, doubled at each halving. Defaults to 64.
        num_blocks: integer, residual blocks. Defaults to `None`: 6 where both sides are at most
            128, 9 otherwise.
        name: string, the model's name. Defaults to `"generator"`.

    Returns:
        A functional `keras.Model`: images (batch, height, width, channels) -> images
        (batch, height, width, out_channels) in [-1, 1].

    Raises:
        ValueError: when strides can't produce this size; the message suggests the nearest one.

    Example:

    ```python
    import kgan

    network = kgan.networks.resnet.generator((32, 48, 1), out_channels=3, width=4, num_blocks=1)
    assert network.output_shape == (None, 32, 48, 3)
    ```
    """
    check_image_shape(image_shape)
    check_count("width", width)
    if num_blocks is None:
        num_blocks = 6 if max(image_shape[:2]) <= 128 else 9
    check_count("num_blocks", num_blocks, minimum=0)
    out_channels = image_shape[2] if out_channels is None else out_channels
    check_count("out_channels", out_channels)
    images = keras.Input(image_shape, name="images")
    x = _residuals(_halved(images, width), num_blocks)
    return keras.Model(images, _doubled(x, width, out_channels), name=name)


def encoder(
    image_shape: tuple[int, ...], width: int = 64, num_blocks: int = 3, name: str = "encoder"
) -> keras.Model:
    """The first half of `kgan.networks.resnet.generator`: from images to maps.

    Use this with `blocks` and `decoder` where several networks share the middle, as in
    `kgan.SharedLatentTranslator`.

    Args:
        image_shape: tuple `(height, width, channels)`. Sides are multiples of 4, at least 8.
        width: integer, channels at full size, doubled at each halving. Defaults to 64.
        num_blocks: integer, residual blocks after the halvings. Defaults to 3.
        name: string, the model's name. Defaults to `"encoder"`.

    Returns:
        A functional `keras.Model`: images -> maps (batch, height / 4, width / 4, 4 * width),
        float32 whatever the policy.

    Raises:
        ValueError: when strides can't produce this size; the message suggests the nearest one.

    Example:

    ```python
    import kgan

    network = kgan.networks.resnet.encoder((32, 48, 1), width=4, num_blocks=1)
    assert network.output_shape == (None, 8, 12, 16)
    ```
    """
    check_image_shape(image_shape)
    check_count("width", width)
    check_count("num_blocks", num_blocks, minimum=0)
    images = keras.Input(image_shape, name="images")
    x = _in_float32(_residuals(_halved(images, width), num_blocks))
    return keras.Model(images, x, name=name)


def blocks(shape: tuple[int, ...], num_blocks: int = 1, name: str = "blocks") -> keras.Model:
    """The residual blocks of `kgan.networks.resnet.generator` alone: from maps to maps.

    Use this between `encoder` and `decoder`.

    Args:
        shape: tuple `(height, width, channels)` of the maps, sides of at least 2.
        num_blocks: integer of at least 1. Defaults to 1.
        name: string, the model's name. Defaults to `"blocks"`.

    Returns:
        A functional `keras.Model`: maps -> maps of the same shape, float32 whatever the policy.

    Raises:
        ValueError: when an option is out of range.

    Example:

    ```python
    import kgan

    network = kgan.networks.resnet.blocks((8, 12, 16))
    assert network.output_shape == (None, 8, 12, 16)
    ```
    """
    check_counts("shape", shape, "(64, 64, 256)")
    check_count("num_blocks", num_blocks)
    maps = keras.Input(shape, name="maps")
    return keras.Model(maps, _in_float32(_residuals(maps, num_blocks)), name=name)


def decoder(
    image_shape: tuple[int, ...], width: int = 64, num_blocks: int = 3, name: str = "decoder"
) -> keras.Model:
    """The second half of `kgan.networks.resnet.generator`: from maps to images.

    Use this with `encoder` and `blocks`.

    Args:
        image_shape: tuple `(height, width, channels)` of what it makes. Sides are multiples of 4,
            at least 8.
        width: integer, channels at full size. Defaults to 64.
        num_blocks: integer, residual blocks before the doublings. Defaults to 3.
        name: string, the model's name. Defaults to `"decoder"`.

    Returns:
        A functional `keras.Model`: maps (batch, height / 4, width / 4, 4 * width) -> images in
        [-1, 1].

    Raises:
        ValueError: when strides can't produce this size; the message suggests the nearest one.

    Example:

    ```python
    import kgan

    network = kgan.networks.resnet.decoder((32, 48, 1), width=4, num_blocks=1)
    assert network.input_shape == (None, 8, 12, 16)
    ```
    """
    check_image_shape(image_shape)
    check_count("width", width)
    check_count("num_blocks", num_blocks, minimum=0)
    height, side, channels = image_shape
    maps = keras.Input((height // 4, side // 4, 4 * width), name="maps")
    return keras.Model(maps, _doubled(_residuals(maps, num_blocks), width, channels), name=name)


def check_image_shape(image_shape: tuple[int, ...]) -> None:
    """Raises if the strides can't produce an image of this shape.

    Args:
        image_shape: tuple `(height, width, channels)`.

    Raises:
        ValueError: with the nearest size that they can produce.

    Example:

    ```python
    import kgan

    kgan.networks.resnet.check_image_shape((256, 256, 3))
    ```
    """
    if kind_of_shape(image_shape) is not Images or any(
        not isinstance(n, int) or n < 1 for n in image_shape
    ):
        raise ValueError(
            "This generator turns images of shape (height, width, channels) into others, all "
            f"positive integers, such as (256, 256, 3). Received: image_shape={image_shape!r}"
        )
    sides = image_shape[:2]
    if any(side % 4 or side < 8 for side in sides):
        near = tuple(max(8, round(side / 4 + 1e-9) * 4) for side in sides)
        raise ValueError(
            "This generator halves an image twice and mirrors its edges, so height and width must "
            f"be multiples of 4, at least 8. The nearest size is {near[0]}x{near[1]}: resize to "
            f"it, for example with kgan.data.load(..., size={near}) or keras.layers.Resizing{near}."
            f" Received: image_shape={tuple(image_shape)}"
        )


def _halved(images, width):
    """Maps of a quarter of the images' size."""
    x = ReflectionPadding2D(3)(images)
    x = _activated(_convolution(width, 7, padding="valid", use_bias=False)(x))
    for factor in (2, 4):
        x = _convolution(factor * width, 3, strides=2, padding="same", use_bias=False)(x)
        x = _activated(x)  # (batch, h / factor, w / factor, factor * width)
    return x


def _residuals(x, num_blocks):
    for _ in range(num_blocks):
        x = layers.Add()([x, _residual(x, x.shape[-1])])
    return x


def _doubled(x, width, out_channels):
    """Images of four times the maps' size."""
    for factor in (2, 1):
        x = layers.Conv2DTranspose(
            factor * width,
            3,
            strides=2,
            padding="same",
            use_bias=False,  # the normalization has its own
            kernel_initializer=_normal(),
        )(x)
        x = _activated(x)  # (batch, h / factor, w / factor, factor * width)
    x = ReflectionPadding2D(3)(x)
    # In float32 whatever the policy, as every last layer; and PyTorch's CPU has no gradient for a
    # float16 convolution to one channel.
    x = _convolution(out_channels, 7, padding="valid", dtype="float32")(x)
    return layers.Activation("tanh", dtype="float32", name="made")(x)


def _in_float32(x):
    """Maps that leave their network: codes and losses are computed in float32."""
    return layers.Activation("linear", dtype="float32")(x)


def _residual(x, channels):
    x = _convolution(channels, 3, padding="valid", use_bias=False)(ReflectionPadding2D(1)(x))
    x = _activated(x)
    x = _convolution(channels, 3, padding="valid", use_bias=False)(ReflectionPadding2D(1)(x))
    # No ReLU after the sum, as in the released code.
    return normalized(x, "instance")


def _activated(x):
    return layers.ReLU()(normalized(x, "instance"))


def _convolution(channels, kernel_size, **options):
    return layers.Conv2D(channels, kernel_size, kernel_initializer=_normal(), **options)


def _normal():
    # A new one for each layer: one unseeded initializer would give layers equal weights.
    return initializers.RandomNormal(stddev=0.02)
