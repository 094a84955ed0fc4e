"""The deep convolutional GAN (Radford et al. 2016, section 3).

Strided and transposed convolutions without pooling, BatchNorm in both networks except at the
generator's output and the discriminator's input, ReLU in the generator, leaky ReLU in the
discriminator, weights from N(0, 0.02), Adam with learning rate 2e-4 and beta_1 0.5 (section 4).
"""

from kgan import layers, losses, networks
from kgan.catalog.registry import Like, register
from kgan.data import Images
from kgan.game.optimizers import adam
from kgan.models.gan import GAN


@register(like=Like("image_shape", kinds=(Images,)))
def dcgan(
    image_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 100,
    noise: str = "uniform",
    loss: str | losses.AdversarialLoss = "non_saturating",
    discriminator_steps: int = 1,
    shared_draws: bool = False,
    label_smoothing: float = 0.0,
    width: int = 64,
    kernel_size: int = 5,
    stages: int | None = None,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    ema_momentum: float | None = None,
    augmentation: bool | str | None = None,
    seed: int | None = None,
) -> GAN:
    """The convolutional GAN that the others build on, for small images.

    Use this for images of up to 64x64, grey, colour or with any number of channels, when a fast,
    well-understood model is enough.

    Reference: Radford et al. 2016, "Unsupervised Representation Learning with Deep Convolutional
    Generative Adversarial Networks", section 3, figure 1, section 4.

    Deviations: `width` is 64 at the discriminator's first layer and as many stages as the size
    allows, which at 64x64 gives the released code's 64-128-256-512, half of figure 1's widths.
    `ema_momentum` averages weights but not BatchNorm's statistics, which fits once training has
    slowed down: with 0.999, after some thousands of steps.

    Args:
        image_shape: tuple `(height, width, channels)`. Sides are multiples of 4, or of 2 below 16.
            `like=` and the command line fill it from your data. Defaults to `(28, 28, 1)`.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples can differ. Defaults to 100.
        noise: `"uniform"` on [-1, 1] as in the paper, or `"normal"`. Both work; change it to
            compare with other work. Defaults to `"uniform"`.
        loss: a name or instance of `kgan.losses`. Try another where one player wins for good, which
            `Health` names. Defaults to `"non_saturating"`.
        discriminator_steps: integer, discriminator moves per generator move. Raise it where the
            discriminator is too weak; each one costs time. Defaults to 1.
        shared_draws: boolean, whether both players learn from one batch of generated samples, which
            saves a tenth of the time: see `kgan.GAN`. Defaults to `False`.
        label_smoothing: float in [0, 1): the discriminator's target for real images is `1 -
            label_smoothing`. 0.1 holds back a discriminator that is too strong. Defaults to 0.0.
        width: integer, channels at half the image's size. Parameters and time grow with its square:
            lower it for small images, few samples or a slow machine, raise it where samples lack
            detail. Defaults to 64.
        kernel_size: integer. 3 is quicker. Defaults to 5, as in the paper's code.
        stages: integer, halvings and doublings. 3 at 28x28 go down to 4x4, which makes better
            digits than two. Defaults to `None`, as many as leave integer sides of at least 4.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.5.
        ema_momentum: float in (0, 1), such as 0.999, to keep a moving average of the generator,
            which then makes the samples. Worth it in runs of thousands of steps, whose samples
            otherwise change from step to step. Defaults to `None`, as in the paper.
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
    model = kgan.zoo.load("dcgan", like=images, width=16)
    model.fit(images[:128], epochs=1, verbose=0)
    samples = model.generate(16, seed=0)
    ```
    """
    model = GAN(
        generator=networks.dcgan.generator(
            image_shape, latent_dim, width, kernel_size, stages=stages
        ),
        discriminator=networks.dcgan.discriminator(image_shape, width, kernel_size, stages=stages),
        loss=losses.get(loss, label_smoothing=label_smoothing),
        noise=noise,
        discriminator_steps=discriminator_steps,
        shared_draws=shared_draws,
        augmentation=layers.get_augmentation(augmentation, image_shape, seed),
        seed=seed,
        name="dcgan",
    )
    model.compile(
        optimizer={
            "discriminator": adam(learning_rate, beta_1),
            "generator": adam(learning_rate, beta_1, ema_momentum=ema_momentum),
        }
    )
    return model
