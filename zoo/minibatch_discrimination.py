"""GAN with minibatch discrimination (Salimans et al. 2016, section 3).

Section 3.2: the discriminator's last layer sees, beside a sample's features, how close they are to
those of the batch's other samples. Sections 3.1, 3.3, 3.4: feature matching, historical averaging.
"""

import keras

from kgan import layers, losses, networks
from kgan.catalog.registry import Like, register
from kgan.data.fields import Images, kind_of_shape
from kgan.models.gan import GAN


@register(like=Like("sample_shape"))
def minibatch_discrimination(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 100,
    noise: str = "uniform",
    statistic: str | None = "discrimination",
    num_kernels: int = 50,
    kernel_dim: int = 5,
    feature_matching: bool = False,
    historical_averaging: float = 0.0,
    loss: str | losses.AdversarialLoss = "non_saturating",
    label_smoothing: float = 0.1,
    width: int = 64,
    kernel_size: int = 5,
    stages: int | None = None,
    units: tuple[int, ...] = (128, 128),
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    seed: int | None = None,
) -> GAN:
    """A DCGAN, or for vectors a GAN of perceptrons, whose discriminator compares samples.

    Use this when samples look alike: the same layers as `dcgan`, plus one that compares the
    samples of a batch. Train with batches of one size: what it sees grows with the batch. Under
    `tf.distribute` each replica compares its own share of the batch.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs", sections 3.1 to 3.4.

    Deviations: the discriminator is DCGAN's, and the paper's is larger. A sample is left out of its
    own sum, a constant 1 of the paper's. No virtual batch normalization: `kgan.layers` has it.

    Args:
        sample_shape: tuple, `(height, width, channels)` with sides that are multiples of 4, or of 2
            below 16, or `(dim,)`. `like=` and the command line fill it from your data. Defaults to
            `(28, 28, 1)`.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples can differ. Defaults to 100.
        noise: `"uniform"` on [-1, 1] or `"normal"`. Both work; change it to compare with other
            work. Defaults to `"uniform"`.
        statistic: what the last layer sees of the batch: `"discrimination"` (section 3.2),
            `"standard_deviation"` of groups of 4 samples, without weights (Karras et al. 2018,
            section 3), or `None`, nothing, to compare. Leave it, unless to compare. Defaults to
            `"discrimination"`.
        num_kernels: integer, B of section 3.2, features added to each sample. More see finer
            repetition and cost time. Defaults to 50.
        kernel_dim: integer, C of section 3.2. Seldom worth a change. Defaults to 5.
        feature_matching: boolean, the generator matches mean features (section 3.1) instead of
            playing its side of `loss`. `True` where training is unsteady. Defaults to `False`.
        historical_averaging: float, weight of section 3.3's term. Above 0, such as 0.001, where
            losses circle. Defaults to 0.0.
        loss: a name or instance of `kgan.losses`. Try another where one player wins for good, which
            `Health` names. Defaults to `"non_saturating"`.
        label_smoothing: float in [0, 1), 1 minus the real target (section 3.4). 0.1 holds back a
            discriminator that is too strong. Defaults to 0.1.
        width: integer, channels at half the image's size. Parameters and time grow with its square:
            lower it for small images, few samples or a slow machine, raise it where samples lack
            detail. Defaults to 64.
        kernel_size: integer, of the convolutions. 3 is quicker. Defaults to 5.
        stages: integer, halvings and doublings of images, as for `dcgan`. 3 at 28x28 go down to
            4x4. Defaults to `None`.
        units: tuple of integers, for vectors: hidden layers of both. Wider ones for points of many
            dimensions or modes. Defaults to `(128, 128)`.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.5.
        seed: integer that seeds data order and noise. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.GAN`.

    Raises:
        ValueError: when an option is out of range, or strides can't produce this size.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")
    model = kgan.zoo.load("minibatch_discrimination", like=images, width=8)
    model.fit(images[:128], verbose=0)
    samples = model.generate(16, seed=0)
    ```
    """
    heads = {
        "discrimination": lambda: layers.MinibatchDiscrimination(num_kernels, kernel_dim),
        "standard_deviation": layers.MinibatchStandardDeviation,
        None: lambda: None,
    }
    if statistic not in heads:
        raise ValueError(f"`statistic` must be in {list(heads)}. Received: statistic={statistic!r}")
    is_image = kind_of_shape(sample_shape) is Images
    generator, discriminator = networks.standard.pair(
        sample_shape,
        latent_dim,
        width=width,
        units=units,
        kernel_size=kernel_size,
        stages=stages,
        generator_normalization=is_image,
        discriminator_normalization=is_image,
        head=heads[statistic](),
    )
    history = losses.HistoricalAveraging(historical_averaging) if historical_averaging else None
    model = GAN(
        generator,
        discriminator,
        loss=losses.get(loss, label_smoothing=label_smoothing),
        noise=noise,
        feature_matching=losses.FeatureMatching() if feature_matching else None,
        historical_averaging=history,
        seed=seed,
        name="minibatch_discrimination",
    )
    model.compile(
        optimizer={player: keras.optimizers.Adam(learning_rate, beta_1) for player in model.players}
    )
    return model
