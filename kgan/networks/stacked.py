"""Networks of StackGAN: a condition that is drawn, and a refiner of small images."""

import keras
from keras import layers

from kgan.networks.parts import batch_normalization, everywhere
from kgan.utils.arguments import check_count

# How many times the refiner makes an image's sides larger.
FACTOR = 4


def condition(embedding_dim: int, condition_dim: int = 128) -> keras.Model:
    """A caption's embedding to the mean and the log-variance of its condition.

    Use this with `kgan.StackGAN`, which draws the generator's condition from this Gaussian.

    Reference: Zhang et al. 2017, "StackGAN: Text to Photo-realistic Image Synthesis with Stacked
    Generative Adversarial Networks", section 3.2. Both are linear: a ReLU over the log-variances,
    as in released code, would make each standard deviation at least 1.

    Args:
        embedding_dim: integer, size of a caption's embedding.
        condition_dim: integer, size of the condition. Defaults to 128.

    Returns:
        A functional `keras.Model`: embeddings (batch, embedding_dim) -> `[mean, log_variance]`,
        each (batch, condition_dim).

    Raises:
        TypeError, ValueError: when a size is no integer of at least 1.

    Example:

    ```python
    import kgan

    network = kgan.networks.stacked.condition(embedding_dim=64, condition_dim=16)
    ```
    """
    embedding = keras.Input((check_count("embedding_dim", embedding_dim),), name="embedding")
    check_count("condition_dim", condition_dim)
    outputs = [
        layers.Dense(condition_dim, dtype="float32", name=name)(embedding)
        for name in ("mean", "log_variance")
    ]
    return keras.Model(embedding, outputs, name="condition")


def refiner(
    image_shape: tuple[int, ...], condition_dim: int = 128, width: int = 32, num_blocks: int = 2
) -> keras.Model:
    """A small image and its condition to an image of four times the size.

    Use this as the second stage's generator of `kgan.StackGAN`. The small image is reduced while
    its sides stay at least 8, at most twice; the condition stands behind every place; residual
    blocks read both; and nearest neighbours and convolutions enlarge what they make.

    Reference: Zhang et al. 2017, section 3.4 and figure 2: 64x64 is reduced to 16x16.

    Args:
        image_shape: tuple `(height, width, channels)` of the large image, multiples of 4.
        condition_dim: integer, size of the condition. Defaults to 128.
        width: integer, channels at the large image's size; at smaller ones more, at most four times
            as many. Defaults to 32.
        num_blocks: integer, residual blocks. Defaults to 2.

    Returns:
        A functional `keras.Model`: small images in [-1, 1] and conditions (batch, condition_dim) ->
        images in [-1, 1].

    Raises:
        ValueError: when a side is no multiple of 4.

    Example:

    ```python
    import kgan

    network = kgan.networks.stacked.refiner((32, 32, 3), condition_dim=8, width=4)
    assert network.input_shape[0] == (None, 8, 8, 3)
    ```
    """
    small = small_shape(image_shape)
    check_count("width", width)
    num_blocks = check_count("num_blocks", num_blocks, minimum=0)
    images = keras.Input(small, name="small_images")
    told = keras.Input((check_count("condition_dim", condition_dim),), name="condition")
    most = 4 * width
    x = layers.ReLU()(_convolution(width if _reductions(small) else most, 3)(images))
    for step in range(_reductions(small)):
        x = _convolution(min(most, width * 2 ** (step + 1)), 4, strides=2)(x)
        x = layers.ReLU()(batch_normalization()(x))
    x = everywhere(x, told)
    x = layers.ReLU()(batch_normalization()(_convolution(most, 3)(x)))
    for _ in range(num_blocks):
        y = layers.ReLU()(batch_normalization()(_convolution(most, 3)(x)))
        x = layers.ReLU()(layers.Add()([x, batch_normalization()(_convolution(most, 3)(y))]))
    channels = most
    for _ in range(_reductions(small) + 2):
        channels = max(width, channels // 2)
        x = _convolution(channels, 3)(layers.UpSampling2D(2)(x))
        x = layers.ReLU()(batch_normalization()(x))
    x = layers.Conv2D(image_shape[2], 3, padding="same", kernel_initializer=_normal())(x)
    x = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model([images, told], x, name="refiner")


def small_shape(image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a quarter of an image's height and width.

    Args:
        image_shape: tuple `(height, width, channels)`.

    Returns:
        Such a tuple.

    Raises:
        ValueError: when a side is no multiple of 4, or below 32.

    Example:

    ```python
    import kgan

    assert kgan.networks.stacked.small_shape((64, 64, 3)) == (16, 16, 3)
    ```
    """
    height, width, channels = image_shape
    if height % FACTOR or width % FACTOR or min(height, width) < 8 * FACTOR:
        near = [max(8 * FACTOR, round(side / FACTOR) * FACTOR) for side in (height, width)]
        raise ValueError(
            f"StackGAN's first stage makes images of a {FACTOR}th of the size, so sides are "
            f"multiples of {FACTOR}, at least {8 * FACTOR}. The nearest size is "
            f"{near[0]}x{near[1]}: resize to it, for example with kgan.data.load(..., size=...). "
            f"Received: image_shape={tuple(image_shape)!r}"
        )
    return (height // FACTOR, width // FACTOR, channels)


def _reductions(small):
    """How many times a small image is halved: while its sides stay at least 8, at most twice."""
    sides, times = small[:2], 0
    while times < 2 and all(side % 2 == 0 and side // 2 >= 8 for side in sides):
        sides, times = [side // 2 for side in sides], times + 1
    return times


def _convolution(channels, kernel_size, strides=1):
    # BatchNorm has its own bias.
    return layers.Conv2D(
        channels,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer=_normal(),
    )


def _normal():
    # A new one for each layer: one unseeded initializer would give layers equal weights.
    return keras.initializers.RandomNormal(stddev=0.02)
