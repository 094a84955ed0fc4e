"""The GAN with spectral normalization (Miyato et al. 2018).

Each of the discriminator's kernels is divided by its largest singular value, found by a step of
power iteration per move. That bounds its slope without a penalty's second derivative.
"""

import keras

from kgan import layers, losses, networks
from kgan.catalog.registry import Like, register
from kgan.game.optimizers import adam_of_both
from kgan.models.gan import GAN


@register(like=Like("sample_shape"))
def sngan(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 128,
    loss: str | losses.AdversarialLoss = "hinge",
    discriminator_steps: int = 1,
    lipschitz: float = 1.0,
    generator_normalization: bool = True,
    width: int = 64,
    kernel_size: int = 4,
    units: tuple[int, ...] = (128, 128, 128),
    stages: int | None = None,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    beta_2: float = 0.999,
    decay_steps: int | None = None,
    ema_momentum: float | None = None,
    augmentation: bool | str | None = None,
    seed: int | None = None,
) -> GAN:
    """A GAN with a discriminator of bounded slope, which stabilizes training at a low cost.

    Use this when plain training is unstable and a gradient penalty is too slow.

    Reference: Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks",
    algorithm 1, and table 1, setting C for Adam.

    Deviations: DCGAN's strided networks, whose discriminator lacks the paper's 3x3 convolutions
    before each strided one; perceptrons for vectors. The hinge loss is the paper's for its residual
    networks; for the plain ones it reports the standard one, `loss="non_saturating"`.

    Args:
        sample_shape: tuple, `(height, width, channels)` with sides that are multiples of 4, or of 2
            below 16, or `(dim,)`. `like=` and the command line fill it from your data. Defaults to
            `(28, 28, 1)`.
        latent_dim: integer, size of the normal noise. Seldom worth a change; it bounds in how many
            ways samples can differ. Defaults to 128.
        loss: a name or instance of `kgan.losses`. Try another where one player wins for good, which
            `Health` names. Defaults to `"hinge"`.
        discriminator_steps: integer, discriminator moves per generator move. Raise it where the
            discriminator is too weak; each one costs time. Defaults to 1.
        lipschitz: float above 0, factor of the logits and so the bound of the discriminator's
            slope. On the ring of narrow clusters the hinge loss finds all modes with 10 and with
            100, but not with the paper's 1; the standard loss does with 1. Defaults to 1.0.
        generator_normalization: boolean, BatchNorm in the generator. `False` for batches of a few
            samples, whose statistics are mostly noise. Defaults to `True`.
        width: integer, for images: channels at half the image's size. Parameters and time grow with
            its square: lower it for small images, few samples or a slow machine, raise it where
            samples lack detail. Defaults to 64.
        kernel_size: integer, for images. 3 is quicker. Defaults to 4.
        units: tuple of integers, for vectors: hidden layers of both networks. Wider ones for points
            of many dimensions or modes. Defaults to `(128, 128, 128)`.
        stages: integer, for images: halvings and doublings, as for `dcgan`. 3 at 28x28 go down to
            4x4. Defaults to `None`.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.5.
        beta_2: float in [0, 1), of both Adam optimizers. Seldom worth a change. Defaults to 0.999.
        decay_steps: integer, fit steps within which both learning rates fall to a hundredth along
            half a cosine. Set it once the length of the run is known: a rate that falls makes the
            end steady. Defaults to `None`, constant learning rates, as in the paper.
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
    model = kgan.zoo.load("sngan", like=images, width=8)
    model.fit(images[:128], epochs=1, verbose=0)
    samples = model.generate(16, seed=0)
    ```
    """
    generator, discriminator = networks.standard.pair(
        sample_shape,
        latent_dim,
        width=width,
        kernel_size=kernel_size,
        units=units,
        generator_normalization=generator_normalization,
        spectral_normalization=True,
        stages=stages,
    )
    if lipschitz != 1:
        scaled = keras.layers.Rescaling(lipschitz, dtype="float32")(discriminator.output)
        discriminator = keras.Model(discriminator.input, scaled, name="discriminator")
    model = GAN(
        generator,
        discriminator,
        loss=losses.get(loss),
        discriminator_steps=discriminator_steps,
        augmentation=layers.get_augmentation(augmentation, sample_shape, seed),
        seed=seed,
        name="sngan",
    )
    model.compile(
        optimizer=adam_of_both(
            learning_rate,
            beta_1,
            beta_2,
            discriminator_steps=discriminator_steps,
            decay_steps=decay_steps,
            ema_momentum=ema_momentum,
        )
    )
    return model
