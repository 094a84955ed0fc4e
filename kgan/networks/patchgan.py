"""The PatchGAN of Isola et al. 2017: a discriminator that classifies patches."""

from typing import Literal

import keras
from keras import initializers, layers

from kgan.data.fields import Images, kind_of_shape
from kgan.networks.parts import check_normalization, normalized
from kgan.utils.arguments import check_count

# Receptive field -> kernel size, and the stride of each convolution before the last.
_PATCHES = {1: (1, (1, 1)), 16: (4, (2, 1)), 70: (4, (2, 2, 2, 1))}


def discriminator(
    image_shape: tuple[int, ...],
    condition_shape: tuple[int, ...] | None = None,
    receptive_field: int | Literal["image"] = 70,
    width: int = 64,
    normalization: Literal["instance", "batch"] | None = "instance",
) -> keras.Model:
    """Convolutions to a map of logits, one for each patch of the image.

    Use this in image translation, with a reconstruction term that gets the coarse structure right:
    what remains is texture, for which patches are enough, with fewer weights than the whole image
    takes. Small patches (16) train faster on small images; 1 sees colours only.

    Reference: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial
    Networks", section 3.2.2 and appendix 6.1.2: C64-C128-C256-C512 for 70x70 patches, C64-C128 for
    16x16, 1x1 convolutions C64-C128 for pixels, LeakyReLU 0.2, no normalization after the first.

    Deviations: convolutions are padded to keep their size where the released code, with stride 1,
    loses a pixel: 32x32 logits at 256x256 in place of 30x30. Maps of 1x1, which small images are
    reduced to, are not normalized per image. The whole-image network halves down to 4x4 or less.

    Args:
        image_shape: tuple `(height, width, channels)`.
        condition_shape: tuple of the same height and width: the network then classifies pairs
            `[condition, image]`. Defaults to `None`: it classifies images alone.
        receptive_field: side of a patch in pixels: 70, 16, 1, or `"image"` for one logit that
            sees the whole image. Defaults to 70.
        width: integer, channels after the first convolution, doubled at each up to 8 times.
            Defaults to 64.
        normalization: `"instance"`, `"batch"` or `None`. With `"instance"`, a logit also
            depends on what lies outside its patch. Defaults to `"instance"`.

    Returns:
        A functional `keras.Model`: images, or `[conditions, images]`, -> logits
        (batch, height / 8, width / 8, 1), rounded up, for 70.

    Raises:
        ValueError: when an option is out of range, or condition and image differ in size.

    Example:

    ```python
    import kgan

    network = kgan.networks.patchgan.discriminator((32, 32, 3), receptive_field=16, width=8)
    assert network.output_shape == (None, 16, 16, 1)
    ```
    """
    check_count("width", width)
    check_normalization(normalization)
    _check_shapes(image_shape, condition_shape)
    kernel, strides, last = _plan(receptive_field, image_shape)
    images = keras.Input(image_shape, name="images")
    inputs, x = images, images
    if condition_shape is not None:
        conditions = keras.Input(condition_shape, name="conditions")
        inputs = [conditions, images]
        x = layers.Concatenate()(inputs)
    for stage, stride in enumerate(strides):
        # Normalization per image would set a 1x1 map to zero.
        is_pixel = all(side <= stride for side in x.shape[1:-1])
        bare = stage == 0 or (normalization == "instance" and is_pixel)
        own = None if bare else normalization
        x = layers.Conv2D(
            width * 2 ** min(stage, 3),
            kernel,
            strides=stride,
            padding="same",
            use_bias=not own,
            kernel_initializer=_normal(),
        )(x)
        x = layers.LeakyReLU(0.2)(normalized(x, own))
    logits = layers.Conv2D(
        1,
        last,
        padding="valid" if receptive_field == "image" else "same",
        kernel_initializer=_normal(),
        dtype="float32",
    )(x)  # (batch, h, w, 1)
    return keras.Model(inputs, logits, name="discriminator")


def _plan(receptive_field, image_shape):
    """Kernel size, strides of the convolutions before the last, and the last one's kernel size."""
    if receptive_field == "image":
        sides, strides = image_shape[:2], []
        while max(sides) > 4:
            sides = tuple(-(-side // 2) for side in sides)
            strides.append(2)
        return 4, strides, sides
    if receptive_field not in _PATCHES:
        raise ValueError(
            "The patches are 70, 16 or 1 pixels wide, or the whole image. Expected one of "
            f"{[*_PATCHES, 'image']}. Received: receptive_field={receptive_field!r}"
        )
    kernel, strides = _PATCHES[receptive_field]
    return kernel, strides, kernel


def _check_shapes(image_shape, condition_shape):
    for name, shape in (("image_shape", image_shape), ("condition_shape", condition_shape)):
        if shape is None and name == "condition_shape":
            continue
        if kind_of_shape(shape) is not Images or any(
            not isinstance(n, int) or n < 1 for n in shape
        ):
            raise ValueError(
                "A PatchGAN takes images of shape (height, width, channels), all positive "
                f"integers, such as (256, 256, 3). Received: {name}={shape!r}"
            )
    if condition_shape is not None and tuple(condition_shape[:2]) != tuple(image_shape[:2]):
        raise ValueError(
            "Condition and image are concatenated, so they must have the same height and width. "
            "Resize one of them, for example with keras.layers.Resizing. "
            f"Received: image_shape={image_shape!r}, condition_shape={condition_shape!r}"
        )


def _normal():
    # A new one for each layer: one unseeded initializer would give layers equal weights.
    return initializers.RandomNormal(stddev=0.02)
