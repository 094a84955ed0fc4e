"""Gradient difference: how far the edges of images are from those of their targets."""

from keras import ops

from kgan.utils.arguments import check_positive
from kgan.utils.hints import Tensor


def gradient_difference(truth: Tensor, made: Tensor, power: float = 1.0) -> Tensor:
    """Return how much the edges of made images differ from those of the true ones.

    Use this as a term beside `"l1"` or `"l2"` where predictions come out blurred: a blurred edge is
    near in pixels, and far in gradients.

    Reference: Mathieu, Couprie and LeCun 2016, "Deep multi-scale video prediction beyond mean
    square error", equation 6. There it is summed over pixels; here each of the two directions is a
    mean over its pixels, and the two are added, so that a weight does not depend on the size.

    Args:
        truth: tensor (batch, height, width, channels), sides of at least 2.
        made: tensor of the same shape.
        power: float above 0, the paper's alpha. Defaults to 1.0.

    Returns:
        A float32 scalar.

    Raises:
        TypeError: when the power is no number.
        ValueError: when the shapes differ, a side is shorter, or the power is not above 0.

    Example:
    ```python
    import kgan
    from keras import ops

    columns = ops.reshape(ops.arange(4, dtype="float32"), (1, 1, 4, 1))
    edges = ops.repeat(columns, 3, axis=1)  # each pixel 1 above the one on its left
    assert float(kgan.losses.gradient_difference(edges, 3.0 * edges)) == 2.0
    assert float(kgan.losses.gradient_difference(edges, -edges)) == 0.0
    ```
    """
    check_positive("power", power, 1.0)
    shapes = tuple(truth.shape), tuple(made.shape)
    sides = [side for shape in shapes for side in shape[1:3]]
    is_short = any(side is not None and side < 2 for side in sides)
    if any(len(shape) != 4 for shape in shapes) or shapes[0][1:] != shapes[1][1:] or is_short:
        raise ValueError(
            "Gradients are compared between images of one shape and at least 2x2 pixels, tensors "
            "(batch, height, width, channels). "
            f"Received: shapes {shapes[0]} and {shapes[1]}"
        )
    truth, made = (ops.cast(images, "float32") for images in (truth, made))
    return sum(
        ops.mean(_powered(ops.abs(true - other), power))
        for true, other in zip(_steepness(truth), _steepness(made))
    )


def _powered(x, power):
    # The gradient of a power below or at 1 has no limit at 0, where the plain one is known.
    return x if power == 1.0 else ops.square(x) if power == 2.0 else ops.power(x + 1e-8, power)


def _steepness(images):
    """How much pixels differ from those above them, and from those on their left."""
    down, across = images[:, 1:] - images[:, :-1], images[:, :, 1:] - images[:, :, :-1]
    return ops.abs(down), ops.abs(across)
