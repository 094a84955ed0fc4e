"""The least squares GAN (Mao et al. 2017, equation 2 with the targets of equation 9).

The discriminator pulls its raw output to 1 on real samples and to 0 on generated ones, the
generator pulls it to 1 on its own, all by squared distance with factors of 1/2.
"""

from kgan import layers, losses, networks
from kgan.catalog.registry import Like, register
from kgan.game.optimizers import adam
from kgan.models.gan import GAN


@register(like=Like("sample_shape"))
def lsgan(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 100,
    label_smoothing: float = 0.0,
    discriminator_steps: int = 1,
    width: int = 64,
    kernel_size: int = 5,
    units: tuple[int, ...] = (128, 128, 128),
    stages: int | None = None,
    generator_normalization: bool = True,
    discriminator_normalization: bool = True,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    ema_momentum: float | None = None,
    augmentation: bool | str | None = None,
    seed: int | None = None,
) -> GAN:
    """A DCGAN that regresses to targets, so that samples far from the boundary keep a gradient.

    Use this in place of `dcgan`, a change of one word, when the discriminator becomes so confident
    that the generator stops learning.

    Reference: Mao et al. 2017, "Least Squares Generative Adversarial Networks", equation 2 with
    the targets a = 0, b = c = 1 of equation 9.

    Deviations: the networks and Adam's settings are those of DCGAN; the paper's generator for
    112x112 scenes has extra stride-1 layers and a noise of 1024. Vectors get a multilayer
    perceptron.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images (sides are multiples of 4, or of
            2 below 16), `(dim,)` for vectors. `like=` and the command line fill it from your data.
            Defaults to `(28, 28, 1)`.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples can differ. Defaults to 100.
        label_smoothing: float in [0, 1): the discriminator's target for real samples, b, is `1 -
            label_smoothing`. 0.1 holds back a discriminator that is too strong. Defaults to 0.0.
        discriminator_steps: integer, discriminator moves per generator move. Raise it where the
            discriminator is too weak; each one costs time. Defaults to 1.
        width: integer, for images: channels at half the image's size. Parameters and time grow with
            its square: lower it for small images, few samples or a slow machine, raise it where
            samples lack detail. Defaults to 64.
        kernel_size: integer, for images. 3 is quicker. Defaults to 5.
        units: tuple of integers, for vectors: widths of both networks' hidden layers. Wider ones
            for points of many dimensions or modes. Defaults to `(128, 128, 128)`.
        stages: integer, for images: halvings and doublings, as for `dcgan`. 3 at 28x28 go down to
            4x4. Defaults to `None`.
        generator_normalization: boolean, BatchNorm in the generator. `False` for batches of a few
            samples, whose statistics are mostly noise. Defaults to `True`.
        discriminator_normalization: boolean, BatchNorm in the discriminator. `False` for batches of
            a few samples, whose statistics are mostly noise. Defaults to `True`.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both. Seldom worth a change; towards 0.9 games grow unsteady.
            Defaults to 0.5.
        ema_momentum: float in (0, 1), such as 0.999, to keep a moving average of the generator,
            which then makes the samples. It does not average BatchNorm's statistics. Worth it in
            runs of thousands of steps, whose samples otherwise change from step to step. Defaults
            to `None`, as in the paper.
        augmentation: `True` or names such as `"color,translation"`, which help where images are
            few: see `kgan.layers.DifferentiableAugmentation`. Defaults to `None`.
        seed: integer that seeds data order and noise. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.GAN`.

    Raises:
        ValueError: when strides can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")  # uint8 (n, 8, 8, 1)
    model = kgan.zoo.load("lsgan", like=images, width=16)
    model.fit(images[:128], epochs=1, verbose=0)
    samples = model.generate(16, seed=0)
    ```
    """
    generator, discriminator = networks.standard.pair(
        sample_shape,
        latent_dim,
        width=width,
        units=units,
        kernel_size=kernel_size,
        generator_normalization=generator_normalization,
        discriminator_normalization=discriminator_normalization,
        stages=stages,
    )
    model = GAN(
        generator=generator,
        discriminator=discriminator,
        loss=losses.LeastSquares(label_smoothing),
        discriminator_steps=discriminator_steps,
        augmentation=layers.get_augmentation(augmentation, sample_shape, seed),
        seed=seed,
        name="lsgan",
    )
    model.compile(
        optimizer={
            "discriminator": adam(learning_rate, beta_1),
            "generator": adam(learning_rate, beta_1, ema_momentum=ema_momentum),
        }
    )
    return model
