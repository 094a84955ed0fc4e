"""Feature matching: the generator's loss that looks at statistics instead of verdicts."""

from keras import ops

from kgan.losses.functions import check_same_shape


def feature_matching(real, fake):
    """Return the squared distance between the mean features of real and generated samples.

    Choose it, through `GAN(feature_matching=True)` or a model's option of that name, where the
    generator overtrains on the discriminator of the moment: it has to match statistics of the
    data only, which is steadier and, for the eye, less sharp.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.1:
    `|| E f(x) - E f(G(z)) ||^2`, summed over features.

    Args:
        real: features of real samples, shape (batch, ...).
        fake: features of generated samples, of the same shape.

    Returns:
        A float32 scalar.

    Raises:
        ValueError: if the features differ in shape.

    Example:
    ```python
    import keras
    import kgan

    ones, zeros = keras.ops.ones((4, 3)), keras.ops.zeros((4, 3))
    value = kgan.losses.feature_matching(ones, zeros)    # 3.0
    ```
    """
    real, fake = ops.cast(real, "float32"), ops.cast(fake, "float32")
    check_same_shape(real, fake, "features")
    return ops.sum(ops.square(ops.mean(real, axis=0) - ops.mean(fake, axis=0)))
