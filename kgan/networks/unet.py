"""The U-Net of Isola et al. 2017, from images to images."""

import random
from typing import Literal

import keras
from keras import initializers, layers

from kgan.data.fields import Images, kind_of_shape
from kgan.networks.parts import check_normalization, normalized
from kgan.utils.arguments import check_count

# Decoder stages with dropout, counted from the innermost: the paper's only noise.
_NUM_DROPOUTS = 3


def generator(
    image_shape: tuple[int, ...],
    out_channels: int,
    width: int = 64,
    depth: int | None = None,
    dropout: float = 0.5,
    normalization: Literal["instance", "batch"] | None = "instance",
) -> keras.Model:
    """Halves an image down to 1x1 and doubles it back, with a skip connection at every size.

    Use this when input and output share their outlines, such as edges and photographs: skip
    connections carry the outlines past the bottleneck. It needs sides that can be halved often,
    ideally powers of 2.

    Reference: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial
    Networks", section 3.2.1 and appendix 6.1.1: 4x4 convolutions with stride 2, LeakyReLU on the
    way down and ReLU on the way up, no normalization after the first convolution, nor after the
    innermost, which it would set to zero at 1x1 (the appendix's errata).

    Args:
        image_shape: tuple `(height, width, channels)` of the input. Sides are multiples of 4, or
            of 2 below 16.
        out_channels: integer, channels of the output.
        width: integer, channels after the first convolution, doubled at each halving up to
            8 times. Defaults to 64.
        depth: integer, how often the image is halved. Defaults to `None`: as often as both sides
            allow, at most 8 times.
        dropout: float in [0, 1), in the three innermost stages on the way up (but the last), in
            training. Defaults to 0.5.
        normalization: `"instance"`, `"batch"` or `None`. Defaults to `"instance"`.

    Returns:
        A functional `keras.Model`: images (batch, height, width, channels) -> images
        (batch, height, width, out_channels) in [-1, 1].

    Raises:
        ValueError: when halvings can't produce this size; the message suggests the nearest one.

    Example:

    ```python
    import kgan

    network = kgan.networks.unet.generator((32, 48, 1), out_channels=3, width=4)
    ```
    """
    check_count("out_channels", out_channels)
    check_count("width", width)
    check_normalization(normalization)
    depth = num_halvings(image_shape, depth)
    images = keras.Input(image_shape, name="images")
    x, skips = images, []
    for stage in range(depth):
        if stage:
            x = layers.LeakyReLU(0.2)(x)
        skips.append(x)
        edge = stage in (0, depth - 1)
        channels = width * 2 ** min(stage, 3)
        x = _convolved(x, layers.Conv2D, channels, None if edge else normalization)
    for stage in reversed(range(1, depth)):
        x = layers.ReLU()(x)
        channels = width * 2 ** min(stage - 1, 3)
        x = _convolved(x, layers.Conv2DTranspose, channels, normalization)
        if dropout and depth - stage <= _NUM_DROPOUTS:
            # With a seed, or torch would draw from a state that is not saved with the model.
            x = layers.Dropout(dropout, seed=random.randrange(2**31))(x)
        x = layers.Concatenate()([x, skips[stage]])  # (batch, 2 h, 2 w, 2 channels)
    x = layers.ReLU()(x)
    x = _convolved(x, layers.Conv2DTranspose, out_channels, None)
    made = layers.Activation("tanh", dtype="float32", name="made")(x)
    return keras.Model(images, made, name="generator")


def _convolved(x, convolution, channels, normalization):
    """One stride-2 convolution, which has a bias unless a normalization adds one."""
    layer = convolution(
        channels,
        4,
        strides=2,
        padding="same",
        use_bias=not normalization,
        kernel_initializer=initializers.RandomNormal(stddev=0.02),
    )
    return normalized(layer(x), normalization)


def num_halvings(image_shape: tuple[int, ...], depth: int | None = None) -> int:
    """How many times a U-Net halves an image.

    As often as both sides stay integers, at most 8 times: down to 1x1 at 256x256 and at 32x32, to
    7x7 at 28x28.

    Args:
        image_shape: tuple `(height, width, channels)`.
        depth: integer, the number of halvings, if the sides allow it. Defaults to `None`.

    Returns:
        Integer of at least 1.

    Raises:
        ValueError: when the halvings can't produce this size; the message suggests the nearest one.

    Example:

    ```python
    import kgan

    assert kgan.networks.unet.num_halvings((256, 256, 3)) == 8
    assert kgan.networks.unet.num_halvings((28, 28, 1)) == 2
    ```
    """
    if kind_of_shape(image_shape) is not Images or any(
        not isinstance(n, int) or n < 1 for n in image_shape
    ):
        raise ValueError(
            "A U-Net translates images of shape (height, width, channels), all positive integers, "
            f"such as (256, 256, 3). Received: image_shape={image_shape!r}"
        )
    height, width, _ = image_shape
    least = 1 if min(height, width) < 15 else 2  # the nearest to 15 is 16
    wanted = least if depth is None else check_count("depth", depth)
    step = 2**wanted
    if height % step or width % step:
        near = tuple(max(step, round(side / step + 1e-9) * step) for side in (height, width))
        raise ValueError(
            f"A U-Net halves the image at least {wanted} times, so height and width must be "
            f"multiples of {step}, ideally powers of 2. The nearest size is {near[0]}x{near[1]}"
            f": resize to it, for example with kgan.data.load(..., size={near}) or "
            f"keras.layers.Resizing{near}. Received: image_shape={image_shape!r}, depth={depth}"
        )
    if depth is not None:
        return depth
    halvings = 0
    while halvings < 8 and height % 2 ** (halvings + 1) == 0 and width % 2 ** (halvings + 1) == 0:
        halvings += 1
    return halvings
