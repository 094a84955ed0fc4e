"""Networks of video prediction: one that predicts at several scales, and one that judges there."""

from typing import Literal

import keras
from keras import layers

from kgan.data.fields import Images
from kgan.layers import LinearUpSampling2D
from kgan.networks import enlargement
from kgan.utils.arguments import check_count, check_counts
from kgan.utils.hints import Shape


def generator(
    image_shape: Shape,
    input_frames: int = 4,
    scales: int = 4,
    width: int | tuple[int, ...] = 128,
    depth: int = 4,
) -> keras.Model:
    """A network that predicts the next frame, first small, and then larger scale by scale.

    Use this for video prediction. Each scale sees the given frames at its own size and the
    prediction of the scale below, enlarged to twice its sides, and adds what that lacks. What is
    far apart in the frame is near at a small scale, so large motions are seen there.

    Reference: Mathieu, Couprie and LeCun 2016, "Deep multi-scale video prediction beyond mean
    square error", equations 1 and 2 and figure 2.

    Deviations: each scale has the same number of convolutions, of 5x5 and then of 3x3, where table
    1 of the paper has three to five with kernels of 3x3 to 7x7; predictions end without a bound.

    Args:
        image_shape: tuple `(height, width, channels)` of a frame, whose sides can be halved
            `scales - 1` times and then have at least 2 pixels.
        input_frames: integer, the frames that it sees. Defaults to 4.
        scales: integer, how often it predicts, each time at twice the size. Defaults to 4.
        width: integer, channels of its convolutions, or a tuple of one for each scale, the smallest
            first. Time grows with its square, and fourfold from scale to scale. Defaults to 128.
        depth: integer, convolutions of each scale, besides its last. Defaults to 4.

    Returns:
        A functional `keras.Model`: clips (batch, input_frames, height, width, channels) -> a list
        of frames, one for each scale, the smallest first, the last one (batch, height, width,
        channels).

    Raises:
        TypeError, ValueError: when an option is out of range, or the sides can't be halved so
            often.

    Example:

    ```python
    import numpy as np

    import kgan

    network = kgan.networks.multiscale.generator((16, 16, 1), 4, scales=2, width=8, depth=1)
    small, large = network(np.zeros((3, 4, 16, 16, 1), "float32"))
    assert small.shape == (3, 8, 8, 1) and large.shape == (3, 16, 16, 1)
    ```
    """
    check_count("depth", depth)
    height, across, channels = _checked(image_shape, scales)
    widths = _widths(width, scales)
    clips = keras.Input((check_count("input_frames", input_frames), *image_shape), name="clips")
    given = _as_channels(clips)
    made = []
    for scale, filters in enumerate(widths):
        x = seen = _reduced(given, scales - 1 - scale)
        if made:
            enlarged = LinearUpSampling2D(2, dtype="float32")(made[-1])
            x = layers.Concatenate()([seen, enlarged])
        for place in range(depth):
            kernel = 5 if place == 0 else 3
            x = layers.Conv2D(filters, kernel, padding="same", activation="relu")(x)
        x = layers.Conv2D(channels, 3, padding="same", dtype="float32", name=f"made_{scale}")(x)
        made.append(layers.Add(dtype="float32")([enlarged, x]) if made else x)
    return keras.Model(clips, made, name="generator")


def discriminator(
    image_shape: Shape,
    input_frames: int = 4,
    scales: int = 4,
    width: int = 64,
    normalization: Literal["spectral", "batch"] | None = "spectral",
) -> keras.Model:
    """A discriminator for each scale, of the given frames and the next joined to one clip.

    Use this beside `generator`, with as many scales. Whether a next frame is true can only be told
    beside those before it: alone, each of them is.

    Reference: Mathieu, Couprie and LeCun 2016, section 3.2 and equation 4: D_k at each scale.

    Deviations: each is `kgan.networks.enlargement.discriminator`, of convolutions with spectral
    normalization and logits of patches, in place of table 1's with dense layers.

    Args:
        image_shape: tuple `(height, width, channels)` of a frame.
        input_frames: integer, the frames before the one that is judged. Defaults to 4.
        scales: integer. Defaults to 4.
        width: integer, channels of the first convolution of each. Defaults to 64.
        normalization: `"spectral"`, `"batch"` or `None`. Defaults to `"spectral"`.

    Returns:
        A functional `keras.Model`: a list of clips (batch, input_frames, height, width, channels)
        and a frame for each scale, the smallest first -> a list of logits, one per scale.

    Raises:
        TypeError, ValueError: when an option is out of range, or the sides can't be halved so
            often.

    Example:

    ```python
    import numpy as np

    import kgan

    network = kgan.networks.multiscale.discriminator((16, 16, 1), 4, scales=2, width=4)
    frames = [np.zeros((3, side, side, 1), "float32") for side in (8, 16)]
    small, large = network([np.zeros((3, 4, 16, 16, 1), "float32"), *frames])
    ```
    """
    height, across, channels = _checked(image_shape, scales)
    clips = keras.Input((check_count("input_frames", input_frames), *image_shape), name="clips")
    given, frames, logits = _as_channels(clips), [], []
    for scale in range(scales):
        halvings = scales - 1 - scale
        shape = height // 2**halvings, across // 2**halvings
        frame = keras.Input((*shape, channels), name=f"frames_{scale}")
        joined = layers.Concatenate()([_reduced(given, halvings), frame])
        judge = enlargement.discriminator(tuple(joined.shape[1:]), width, normalization)
        judge.name = f"scale_{scale}"
        logits.append(judge(joined))
        frames.append(frame)
    return keras.Model([clips, *frames], logits, name="discriminator")


def _checked(image_shape, scales):
    image_shape = Images(tuple(image_shape)).shape
    check_count("scales", scales)
    if any(side % 2 ** (scales - 1) or side < 2**scales for side in image_shape[:2]):
        raise ValueError(
            "The sides of frames (height, width, channels) are halved from scale to scale, and at "
            f"the smallest are 2 pixels at least. Resize frames to multiples of {2 ** (scales - 1)}"
            f", or take fewer scales. Received: image_shape={image_shape}, scales={scales}"
        )
    return image_shape


def _widths(width, scales):
    if not isinstance(width, tuple | list):
        return (check_count("width", width),) * scales
    if len(width) != scales:
        raise ValueError(
            "There is one width for all scales, or one for each, the smallest scale's first. "
            f"Received: width={width!r}, scales={scales}"
        )
    return check_counts("width", width)


def _as_channels(clips):
    """Clips as images whose channels are those of all frames."""
    _, frames, height, across, channels = clips.shape
    x = layers.Permute((2, 3, 1, 4))(clips)
    return layers.Reshape((height, across, frames * channels))(x)


def _reduced(images, halvings):
    return layers.AveragePooling2D(2**halvings)(images) if halvings else images
