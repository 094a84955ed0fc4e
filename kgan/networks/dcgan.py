"""The convolutional networks of Radford et al. 2016."""

import keras
from keras import initializers, layers

from kgan.data.fields import Images, kind_of_shape
from kgan.networks.parts import (
    batch_normalization,
    constrained,
    cropped,
    packed,
    spectrally_normalized,
)
from kgan.utils.arguments import check_count


def num_stages(image_shape: tuple[int, ...], family: str = "a DCGAN") -> int:
    """How many times the strides of a DCGAN halve an image.

    As often as both sides stay integers of at least 4, which gives a 4x4 base at 64x64 as in the
    paper's figure 1, and 7x7 at 28x28.

    Args:
        image_shape: tuple `(height, width, channels)`.
        family: string, name of the networks in error messages. Defaults to `"a DCGAN"`.

    Returns:
        Integer of at least 1.

    Raises:
        ValueError: when the strides can't produce this size; the message suggests the nearest one.

    Example:

    ```python
    import kgan

    assert kgan.networks.dcgan.num_stages((64, 64, 3)) == 4
    ```
    """
    is_size = all(isinstance(n, int) and n >= 1 for n in image_shape)
    if kind_of_shape(image_shape) is not Images or not is_size:
        raise ValueError(
            f"The networks of {family} are for images of shape (height, width, channels), all "
            "positive integers, such as (28, 28, 1). For vectors, use the model 'vanilla'. "
            f"Received: image_shape={image_shape!r}"
        )
    height, width, channels = image_shape
    stages = 0
    while (
        height % 2 ** (stages + 1) == 0
        and width % 2 ** (stages + 1) == 0
        and min(height, width) // 2 ** (stages + 1) >= 4
    ):
        stages += 1
    step = _step(min(height, width))
    if height % step or width % step or stages == 0:
        near = tuple(max(8, round(side / step + 1e-9) * step) for side in (height, width))
        raise ValueError(
            f"The stages of {family} double the image at least {'once' if step == 2 else 'twice'}, "
            f"so height and width must be multiples of {step}, at least 8. The nearest size is "
            f"{near[0]}x{near[1]}: resize to it, for example with kgan.data.load(..., "
            f"size={near}) or keras.layers.Resizing{near}. "
            f"Received: image_shape={(height, width, channels)}"
        )
    return stages


def _step(side):
    return 2 if side < 15 else 4  # the nearest to 15 is 16


def stage_sizes(
    image_shape: tuple[int, ...], stages: int | None = None, family: str = "a DCGAN"
) -> list[tuple[int, ...]]:
    """The sizes that an image goes through as strides of 2 halve it, odd sides rounded up.

    Args:
        image_shape: tuple `(height, width, channels)`.
        stages: integer, halvings. Defaults to `None`: `num_stages`.
        family: string, name of the networks in error messages. Defaults to `"a DCGAN"`.

    Returns:
        List of `(height, width)`, from the image's own down to the base's: one more than stages.

    Raises:
        ValueError: when strides can't produce this size, or an image of one pixel would be halved.

    Example:

    ```python
    import kgan

    sizes = kgan.networks.dcgan.stage_sizes((28, 28, 1), 3)
    assert sizes == [(28, 28), (14, 14), (7, 7), (4, 4)]
    ```
    """
    fitting = num_stages(image_shape, family)  # which validates the size in any case
    stages = fitting if stages is None else check_count("stages", stages)
    sizes = [tuple(image_shape[:2])]
    for _ in range(stages):
        if max(sizes[-1]) == 1:
            raise ValueError(
                f"A {image_shape[0]}x{image_shape[1]} image is reduced to one pixel after "
                f"{len(sizes) - 1} halvings. Use fewer stages. Received: stages={stages}"
            )
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    return sizes


def generator(
    image_shape: tuple[int, ...],
    latent_dim: int = 100,
    width: int = 64,
    kernel_size: int = 5,
    normalization: bool = True,
    stages: int | None = None,
    modulation: bool = False,
) -> keras.Model:
    """Transposed convolutions from noise to an image, BatchNorm and ReLU, no pooling.

    Use this for images of up to 64x64 when a plain, fast network is enough.

    Reference: Radford et al. 2016, "Unsupervised Representation Learning with Deep Convolutional
    Generative Adversarial Networks", section 3 and figure 1; for modulation, Chen et al. 2019, "On
    Self Modulation for Generative Adversarial Networks", equation 2.

    Args:
        image_shape: tuple `(height, width, channels)`; see `num_stages` for the sizes.
        latent_dim: integer, size of the noise. Defaults to 100.
        width: integer, channels at half the image's size, doubled at each halving.
            Defaults to 64.
        kernel_size: integer. Defaults to 5, as in the paper's code.
        normalization: boolean, BatchNorm before each ReLU. Defaults to `True`.
        stages: integer, doublings. With more than `num_stages`, the base is the size that halving
            and rounding up gives, and the excess is cropped after a doubling: 3 go from 4x4 via
            7x7 and 14x14 to 28x28. Defaults to `None`: `num_stages`.
        modulation: boolean, whether the noise scales and shifts the channels before each ReLU, by
            a dense layer each. Defaults to `False`.

    Returns:
        A functional `keras.Model`: noise (batch, latent_dim) -> images in [-1, 1].

    Raises:
        ValueError: when strides can't produce this size.

    Example:

    ```python
    import kgan

    network = kgan.networks.dcgan.generator((32, 48, 3), width=8)
    ```
    """
    check_count("latent_dim", latent_dim)
    _check_convolutions(width, kernel_size)
    sizes = stage_sizes(image_shape, stages)
    stages = len(sizes) - 1
    height, breadth = sizes[stages]
    channels = width * 2 ** (stages - 1)
    noise = keras.Input((latent_dim,), name="noise")
    x = layers.Dense(
        height * breadth * channels, use_bias=not normalization, kernel_initializer=_normal()
    )(noise)
    x = layers.Reshape((height, breadth, channels))(x)
    for stage in range(stages):
        if normalization:
            x = batch_normalization()(x)
        if modulation:
            x = _modulated(x, noise)
        x = layers.ReLU()(x)
        last = stage == stages - 1
        channels = image_shape[2] if last else channels // 2
        x = layers.Conv2DTranspose(
            channels,
            kernel_size,
            strides=2,
            padding="same",
            # BatchNorm has its own bias; the output has no BatchNorm.
            use_bias=last or not normalization,
            kernel_initializer=_normal(),
        )(x)  # (batch, 2 h, 2 w, channels)
        x = cropped(x, sizes[stages - 1 - stage])
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(noise, images, name="generator")


def discriminator(
    image_shape: tuple[int, ...],
    width: int = 64,
    kernel_size: int = 5,
    negative_slope: float = 0.2,
    normalization: bool = True,
    spectral_normalization: bool = False,
    constraint: keras.constraints.Constraint | None = None,
    pack: int = 1,
    head: keras.layers.Layer | None = None,
    stages: int | None = None,
    num_logits: int = 1,
) -> keras.Model:
    """Strided convolutions from an image to one logit, BatchNorm and LeakyReLU, no pooling.

    Use this with `kgan.networks.dcgan.generator`. Set `normalization=False` for losses with a
    per-sample penalty, such as WGAN-GP's: BatchNorm mixes the samples of a batch.

    Reference: Radford et al. 2016, section 3 and figure 1, mirrored.

    Args:
        image_shape: tuple `(height, width, channels)`; see `num_stages` for the sizes.
        width: integer, channels after the first convolution, doubled at each stride.
            Defaults to 64.
        kernel_size: integer. Defaults to 5, as in the paper's code.
        negative_slope: float, slope of the leaky ReLU. Defaults to 0.2.
        normalization: boolean, BatchNorm after all convolutions but the first, which reads the
            image. Defaults to `True`.
        spectral_normalization: boolean, `kgan.layers.SpectralNormalization` of each convolution
            and of the last layer. Defaults to `False`.
        constraint: a `keras.constraints.Constraint` of all weights. Defaults to `None`.
        pack: integer, images per logit (`kgan.layers.Pack`). Defaults to 1.
        head: layer between the flattened features and the logit, such as
            `kgan.layers.MinibatchDiscrimination()`. Defaults to `None`.
        stages: integer, convolutions with stride 2. More than `num_stages` round odd sides up: 3
            reduce 28x28 to 4x4, where a logit sees whole shapes rather than parts of them. Defaults
            to `None`: `num_stages`.
        num_logits: integer, 1 for real or not, more for a softmax over as many kinds. Defaults to
            1.

    Returns:
        A functional `keras.Model`: images -> logits (ceil(batch / pack), num_logits).

    Raises:
        ValueError: when strides can't produce this size.

    Example:

    ```python
    import kgan

    network = kgan.networks.dcgan.discriminator((28, 28, 1), width=8)
    ```
    """
    _check_convolutions(width, kernel_size)
    images = keras.Input(image_shape, name="images")
    x = packed(images, pack)
    for stage in range(len(stage_sizes(image_shape, stages)) - 1):
        normalize = normalization and stage > 0
        convolution = layers.Conv2D(
            width * 2**stage,
            kernel_size,
            strides=2,
            padding="same",
            use_bias=not normalize,
            kernel_initializer=_normal(),
            **constrained(constraint, bias=not normalize),
        )
        x = spectrally_normalized(convolution, spectral_normalization)(x)
        # (batch / pack, h / 2, w / 2, channels)
        if normalize:
            x = batch_normalization(constraint)(x)
        x = layers.LeakyReLU(negative_slope)(x)
    x = layers.Flatten(name="features")(x)
    if head is not None:
        x = head(x)
    last = layers.Dense(
        check_count("num_logits", num_logits),
        kernel_initializer=_normal(),
        dtype="float32",
        **constrained(constraint),
    )
    logits = spectrally_normalized(last, spectral_normalization)(x)
    return keras.Model(images, logits, name="discriminator")


def _modulated(x, told):
    """The symbolic maps `x`, their channels scaled and shifted by what vectors say."""
    scale, shift = (
        layers.Reshape((1, 1, x.shape[-1]))(
            layers.Dense(x.shape[-1], kernel_initializer=_normal())(told)
        )
        for _ in range(2)
    )
    return layers.Add()([x, layers.Multiply()([x, scale]), shift])


def _check_convolutions(width, kernel_size):
    check_count("width", width)
    check_count("kernel_size", kernel_size)


def _normal():
    # A new one for each layer: one unseeded initializer would give layers equal weights.
    return initializers.RandomNormal(stddev=0.02)  # section 4 of the paper
