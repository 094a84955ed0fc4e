"""Adversarial losses as pure functions of raw logits, for the classes in `adversarial`.

Logits may have any shape; they are computed with in float32, and a float32 scalar comes back. When
to use which loss, the paper and an example are in the docstring of its class.
"""

from keras import ops


def _float32(logits):
    return ops.cast(logits, "float32")


def _mean_softplus(logits):
    return ops.mean(ops.softplus(_float32(logits)))


def per_sample_mean(logits):
    """Return the mean logit of each sample, float32 of shape `(n,)`, of logits `(n, ...)`."""
    logits = _float32(logits)
    axes = tuple(range(1, len(logits.shape)))
    return ops.mean(logits, axis=axes) if axes else logits


def check_same_shape(real, fake, what):
    """Raise `ValueError` for two tensors that broadcasting would silently combine wrongly."""
    shapes = tuple(real.shape), tuple(fake.shape)
    if len(shapes[0]) != len(shapes[1]) or any(
        a is not None and b is not None and a != b for a, b in zip(*shapes, strict=True)
    ):
        raise ValueError(
            f"The real and the fake {what} have different shapes. Expected equal shapes, because "
            "each real one is paired with a fake one. Generate as many fakes as there are "
            f"reals, in the same shape. Received: real.shape={shapes[0]}, fake.shape={shapes[1]}"
        )


def minimax_real_loss(real, label_smoothing=0.0):
    """Return `-mean(t log D(real) + (1 - t) log(1 - D(real)))`, `t = 1 - label_smoothing`."""
    # softplus(x) = softplus(-x) + x, hence t softplus(-x) + (1 - t) softplus(x) is this:
    real = _float32(real)
    return _mean_softplus(-real) + label_smoothing * ops.mean(real)


def minimax_fake_loss(fake):
    """Return `-mean(log(1 - D(fake)))`."""
    return _mean_softplus(fake)


def minimax_discriminator_loss(real, fake, label_smoothing=0.0):
    """Return `-mean(t log D(real) + (1 - t) log(1 - D(real))) - mean(log(1 - D(fake)))`.

    `D` is the sigmoid of the logit and `t = 1 - label_smoothing` the real target.
    """
    return minimax_real_loss(real, label_smoothing) + minimax_fake_loss(fake)


def minimax_generator_loss(fake):
    """Return `mean(log(1 - D(fake)))`, the generator's side of the minimax game."""
    return -_mean_softplus(fake)


def non_saturating_generator_loss(fake):
    """Return `-mean(log D(fake))`; the discriminator's side is that of the minimax game."""
    return _mean_softplus(-_float32(fake))


def least_squares_real_loss(real, label_smoothing=0.0):
    """Return `mean((real - t)^2) / 2` with `t = 1 - label_smoothing`."""
    return 0.5 * ops.mean(ops.square(_float32(real) - (1.0 - label_smoothing)))


def least_squares_fake_loss(fake):
    """Return `mean(fake^2) / 2`."""
    return 0.5 * ops.mean(ops.square(_float32(fake)))


def least_squares_discriminator_loss(real, fake, label_smoothing=0.0):
    """Return `mean((real - t)^2) / 2 + mean(fake^2) / 2` with `t = 1 - label_smoothing`."""
    return least_squares_real_loss(real, label_smoothing) + least_squares_fake_loss(fake)


def least_squares_generator_loss(fake):
    """Return `mean((fake - 1)^2) / 2`."""
    return 0.5 * ops.mean(ops.square(_float32(fake) - 1.0))


def wasserstein_fake_loss(fake):
    """Return `mean(fake)`."""
    return ops.mean(_float32(fake))


def wasserstein_discriminator_loss(real, fake):
    """Return `mean(fake) - mean(real)`."""
    return wasserstein_fake_loss(fake) - wasserstein_fake_loss(real)


def wasserstein_generator_loss(fake):
    """Return `-mean(fake)`: also the hinge's generator, and Wasserstein's half on real samples."""
    return -ops.mean(_float32(fake))


def hinge_real_loss(real):
    """Return `mean(max(0, 1 - real))`."""
    return ops.mean(ops.relu(1.0 - _float32(real)))


def hinge_fake_loss(fake):
    """Return `mean(max(0, 1 + fake))`."""
    return ops.mean(ops.relu(1.0 + _float32(fake)))


def hinge_discriminator_loss(real, fake):
    """Return `mean(max(0, 1 - real)) + mean(max(0, 1 + fake))`."""
    return hinge_real_loss(real) + hinge_fake_loss(fake)


def relativistic_pairing_discriminator_loss(real, fake):
    """Return `mean(softplus(-(real - fake)))`, real and fake paired in batch order."""
    check_same_shape(real, fake, "logits")
    return _mean_softplus(_float32(fake) - _float32(real))


def relativistic_pairing_generator_loss(real, fake):
    """Return `mean(softplus(-(fake - real)))`, the discriminator's loss with the roles swapped."""
    check_same_shape(real, fake, "logits")
    return _mean_softplus(_float32(real) - _float32(fake))


def relativistic_average_discriminator_loss(real, fake):
    """Return `mean(softplus(-(real - mean(fake)))) + mean(softplus(fake - mean(real)))`."""
    real, fake = _float32(real), _float32(fake)
    return _mean_softplus(ops.mean(fake) - real) + _mean_softplus(fake - ops.mean(real))


def relativistic_average_generator_loss(real, fake):
    """Return `mean(softplus(-(fake - mean(real)))) + mean(softplus(real - mean(fake)))`."""
    return relativistic_average_discriminator_loss(fake, real)
