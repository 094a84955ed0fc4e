"""Total variation: how much neighbouring pixels differ."""

from keras import ops

from kgan.utils.hints import Tensor

# Under the root, whose gradient has no limit at 0: a flat image would give NaN.
_SMOOTH = 1e-8


def total_variation(images: Tensor) -> Tensor:
    """Return how much pixels differ from those on their right and below, as a mean over pixels.

    Use this as a term of a loss where generated images have speckles: lowered, it makes areas even
    and keeps edges, which cost the same whether they are sharp or gradual.

    Reference: Mahendran and Vedaldi 2015, "Understanding Deep Image Representations by Inverting
    Them", section 3, with beta = 1; Taigman et al. 2017, "Unsupervised Cross-Domain Image
    Generation", the term L_TV: the root of the sum of both squared differences. There it is summed
    over pixels, here it is their mean, so that a weight does not depend on the size of images.

    Args:
        images: tensor (batch, height, width, channels), sides of at least 2.

    Returns:
        A float32 scalar.

    Raises:
        ValueError: when it has another rank, or a side is shorter.

    Example:
    ```python
    import kgan
    from keras import ops

    steps = ops.reshape(ops.arange(4, dtype="float32"), (1, 1, 4, 1))
    rows = ops.repeat(steps, 3, axis=1)  # each pixel 1 above the one on its left
    assert abs(float(kgan.losses.total_variation(rows)) - 1.0) < 1e-5
    ```
    """
    shape = tuple(images.shape)
    if len(shape) != 4 or any(side is not None and side < 2 for side in shape[1:3]):
        raise ValueError(
            "Total variation is of images of at least 2x2 pixels, a tensor of shape (batch, "
            f"height, width, channels). Received: shape {shape}"
        )
    images = ops.cast(images, "float32")
    here = images[:, :-1, :-1]
    right, below = images[:, :-1, 1:] - here, images[:, 1:, :-1] - here
    return ops.mean(ops.sqrt(ops.square(right) + ops.square(below) + _SMOOTH))
