"""The information maximizing GAN of Chen et al. 2016.

"InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial
Nets", equations 5 and 6. Parts of the noise are codes, which heads of the discriminator recover
from the samples, so that each code learns a visible meaning.
"""

import keras

from kgan import losses, networks
from kgan.catalog.registry import Like, register
from kgan.models.information import InfoGAN


@register(like=Like("sample_shape"), tiny={"num_categories": 3})
def infogan(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    num_categories: int = 10,
    num_continuous: int = 2,
    latent_dim: int = 62,
    category_weight: float = 1.0,
    continuous_weight: float = 0.1,
    loss: str | losses.AdversarialLoss = "non_saturating",
    label_smoothing: float = 0.0,
    width: int = 64,
    units: tuple[int, ...] = (128, 128, 128),
    kernel_size: int = 5,
    generator_learning_rate: float = 1e-3,
    discriminator_learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    seed: int | None = None,
) -> InfoGAN:
    """A GAN that finds classes and directions of variation in unlabelled data.

    Use this to explore data without labels: `generate(n, categories=..., continuous=...)` shows
    what each code has learned to mean, which differs from seed to seed.

    Reference: Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information
    Maximizing Generative Adversarial Nets", equations 5 and 6, and section 7.2 for the codes.

    Deviations: DCGAN's networks; the heads that recover the codes are linear in the
    discriminator's features, without their own hidden layer; the Gaussians' variance is fixed.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, multiples of 4 (below 16 of 2);
            `(dim,)` for vectors. `like=` and the command line fill it from your data. Defaults to
            `(28, 28, 1)`.
        num_categories: integer of at least 2. As many groups as you expect in the data. Defaults to
            10.
        num_continuous: integer, continuous codes in [-1, 1]. As many gradual changes as you hope to
            find, such as slant or width. Defaults to 2.
        latent_dim: integer, numbers of noise that are not codes. Seldom worth a change; it bounds
            in how many ways samples can differ. Defaults to 62.
        category_weight: float, lambda of the category. Raise it where the category has no influence
            on samples. Defaults to 1.0.
        continuous_weight: float, lambda of the continuous codes. Raise it where the codes have no
            influence on samples. Defaults to 0.1.
        loss: a name or instance of `kgan.losses`. Try another where one player wins for good, which
            `Health` names. Defaults to `"non_saturating"`.
        label_smoothing: float in [0, 1): the discriminator's target for real samples is `1 -
            label_smoothing`. 0.1 holds back a discriminator that is too strong. Defaults to 0.0.
        width: integer, for images: channels at half the image's size. Parameters and time grow with
            its square: lower it for small images, few samples or a slow machine, raise it where
            samples lack detail. Defaults to 64.
        units: tuple of integers, for vectors: widths of both networks' hidden layers. Wider ones
            for points of many dimensions or modes. Defaults to `(128, 128, 128)`.
        kernel_size: integer, for images. 3 is quicker. Defaults to 5.
        generator_learning_rate: float above 0, of its Adam optimizer. Lower it where losses jump or
            diverge. Defaults to 1e-3.
        discriminator_learning_rate: float above 0, of its Adam optimizer. Lower it where the
            discriminator is too strong. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.5.
        seed: integer that seeds data order and noise. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.InfoGAN`.

    Raises:
        ValueError: when strides can't produce this size, or an option is out of range.

    Example:

    ```python
    import numpy as np
    import kgan

    images = kgan.data.load("digits")
    model = kgan.zoo.load("infogan", like=images, width=16)
    model.fit(images[:128], epochs=1, verbose=0)
    rows = model.generate(100, categories=np.repeat(np.arange(10), 10), seed=0)
    ```
    """
    sizes = {"width": width, "units": units, "kernel_size": kernel_size}
    heads = {"category": num_categories}
    if num_continuous:
        heads["continuous"] = num_continuous
    model = InfoGAN(
        networks.conditioned.code_generator(
            sample_shape, num_categories, num_continuous, latent_dim, **sizes
        ),
        networks.conditioned.many_headed(sample_shape, heads, **sizes),
        loss=losses.get(loss, label_smoothing=label_smoothing),
        category_weight=category_weight,
        continuous_weight=continuous_weight,
        seed=seed,
        name="infogan",
    )
    model.compile(
        optimizer={
            "discriminator": keras.optimizers.Adam(discriminator_learning_rate, beta_1),
            "generator": keras.optimizers.Adam(generator_learning_rate, beta_1),
        }
    )
    return model
