"""The GAN with packing (Lin et al. 2018), "PacGAN": the discriminator classifies packs of samples.

Several samples of one kind, all real or all generated, are stacked along their channels and
classified together. A generator that makes the same few samples again and again is then easily
told apart from the data, so that it has to match the data's variety.
"""

from kgan import losses, networks
from kgan.catalog.registry import Like, register
from kgan.data.fields import Images, kind_of_shape
from kgan.game.optimizers import adam
from kgan.models.gan import GAN


@register(like=Like("sample_shape"))
def pacgan(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    pack: int = 2,
    latent_dim: int = 100,
    noise: str = "normal",
    loss: str | losses.AdversarialLoss = "non_saturating",
    label_smoothing: float = 0.0,
    generator_normalization: bool = True,
    discriminator_normalization: bool | None = None,
    width: int = 64,
    kernel_size: int = 5,
    units: tuple[int, ...] = (128, 128, 128),
    stages: int | None = None,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    decay_steps: int | None = None,
    ema_momentum: float | None = None,
    seed: int | None = None,
) -> GAN:
    """A discriminator that sees several samples at once, against mode collapse.

    Use this when samples look alike: it costs next to nothing and changes neither the loss nor the
    generator. Batch sizes should be multiples of `pack`: other batches are padded.

    Reference: Lin et al. 2018, "PacGAN: The power of two samples in generative adversarial
    networks", section 3.

    Deviations: leaky ReLU in place of maxout in the discriminator for vectors; both players move in
    turn, where the paper's experiments on mixtures move them at once.

    Args:
        sample_shape: tuple, `(height, width, channels)` with sides that are multiples of 4, or of 2
            below 16, or `(dim,)`. `like=` and the command line fill it from your data. Defaults to
            `(28, 28, 1)`.
        pack: integer, samples per logit. 1 is the GAN without packing. 3 or 4 where modes are still
            lost. Defaults to 2.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples can differ. Defaults to 100.
        noise: `"normal"` or `"uniform"`. Both work; change it to compare with other work. Defaults
            to `"normal"`.
        loss: a name or instance of `kgan.losses`. Try another where one player wins for good, which
            `Health` names. Defaults to `"non_saturating"`.
        label_smoothing: float in [0, 1): the discriminator's target for real packs is `1 -
            label_smoothing`. 0.1 holds back a discriminator that is too strong. Defaults to 0.0.
        generator_normalization: boolean, BatchNorm in the generator. `False` for batches of a few
            samples, whose statistics are mostly noise. Defaults to `True`.
        discriminator_normalization: boolean, BatchNorm in the discriminator. Defaults to `None`:
            for images, not for vectors, as in the paper's experiments.
        width: integer, for images: channels at half the image's size. Parameters and time grow with
            its square: lower it for small images, few samples or a slow machine, raise it where
            samples lack detail. Defaults to 64.
        kernel_size: integer, for images. 3 is quicker. Defaults to 5.
        units: tuple of integers, for vectors: hidden layers of both networks. Wider ones for points
            of many dimensions or modes. Defaults to `(128, 128, 128)`.
        stages: integer, for images: halvings and doublings, as for `dcgan`. 3 at 28x28 go down to
            4x4. Defaults to `None`.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.5.
        decay_steps: integer, steps within which the learning rate falls to a hundredth along half a
            cosine. Set it once the length of the run is known: a rate that falls makes the end
            steady. Defaults to `None`, a constant learning rate.
        ema_momentum: float in (0, 1), such as 0.999, to keep a moving average of the generator,
            which then makes the samples. Worth it in runs of thousands of steps, whose samples
            otherwise change from step to step. Defaults to `None`, as in the paper.
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
    model = kgan.zoo.load("pacgan", like=images, width=8, pack=3)
    model.fit(images[:128], epochs=1, verbose=0)
    samples = model.generate(16, seed=0)
    ```
    """
    if discriminator_normalization is None:
        discriminator_normalization = kind_of_shape(sample_shape) is Images
    generator, discriminator = networks.standard.pair(
        sample_shape,
        latent_dim,
        width=width,
        kernel_size=kernel_size,
        units=units,
        generator_normalization=generator_normalization,
        discriminator_normalization=discriminator_normalization,
        pack=pack,
        stages=stages,
    )
    model = GAN(
        generator,
        discriminator,
        loss=losses.get(loss, label_smoothing=label_smoothing),
        noise=noise,
        seed=seed,
        name="pacgan",
    )
    model.compile(
        optimizer={
            "discriminator": adam(learning_rate, beta_1, decay_steps=decay_steps),
            "generator": adam(
                learning_rate, beta_1, decay_steps=decay_steps, ema_momentum=ema_momentum
            ),
        }
    )
    return model
