"""Shared parts of the network builders: BatchNorm, wrapped layers, packs and constraints."""

from keras import constraints, layers

from kgan.layers import Pack, SpectralNormalization
from kgan.utils.arguments import check_count


def batch_normalization(constraint=None):
    """Returns a BatchNormalization with the momentum and epsilon of the released DCGAN code.

    Keras's default momentum of 0.99 lags far behind a generator in training.

    Args:
        constraint: for both its scale and its shift: see `constrained`. Defaults to none.

    Returns:
        A `keras.layers.BatchNormalization`.
    """
    constraint = constraints.get(constraint)
    return layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, beta_constraint=constraint, gamma_constraint=constraint
    )


def constrained(constraint, bias=True):
    """Returns the keyword arguments that constrain a layer's kernel and bias.

    Args:
        constraint: a `keras.constraints.Constraint`, its name or config, or `None` for none.
        bias: boolean, whether the layer has a bias. Defaults to `True`.

    Returns:
        A dict for the layer's constructor.
    """
    constraint = constraints.get(constraint)
    if constraint is None:
        return {}
    return {"kernel_constraint": constraint, "bias_constraint": constraint if bias else None}


def spectrally_normalized(layer, wanted=True):
    """Returns the layer in a `kgan.layers.SpectralNormalization` if `wanted`, else unchanged."""
    return SpectralNormalization(layer) if wanted else layer


def packed(samples, size):
    """Returns the symbolic samples packed by `kgan.layers.Pack(size)`, unchanged for size 1."""
    return samples if check_count("pack", size) == 1 else Pack(size)(samples)


def cropped(x, size):
    """Returns the symbolic images `x`, cropped at the bottom and the right to `(height, width)`."""
    excess = [made - side for made, side in zip(x.shape[1:3], size)]
    return layers.Cropping2D([(0, number) for number in excess])(x) if any(excess) else x


def check_normalization(normalization):
    """Raises if `normalization` is neither `"instance"`, `"batch"` nor `None`."""
    if normalization not in ("instance", "batch", None):
        raise ValueError(
            '`normalization` must be "instance" (per image), "batch" (over the batch) or None. '
            f"Received: normalization={normalization!r}"
        )


def normalized(x, normalization):
    """Returns the symbolic maps `x`, normalized per image, over the batch, or not at all."""
    if not normalization:
        return x
    if normalization == "batch":
        return batch_normalization()(x)
    from kgan.layers import InstanceNormalization

    return InstanceNormalization()(x)


def everywhere(maps, condition):
    """Returns symbolic maps (batch, height, width, channels) with a condition behind each place.

    Args:
        maps: symbolic images or features.
        condition: symbolic vectors (batch, dim).

    Returns:
        Symbolic maps of as many channels more as the condition has numbers.
    """
    height, breadth = maps.shape[1:3]
    told = layers.RepeatVector(height * breadth)(condition)
    told = layers.Reshape((height, breadth, condition.shape[-1]))(told)
    return layers.Concatenate()([maps, told])
