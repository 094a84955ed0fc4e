"""The modern baseline GAN (Huang et al. 2024), "R3GAN": relativistic, R1, R2, residual networks.

The discriminator only has to tell each real sample from one generated sample (relativistic
pairing), and its gradient is pulled to zero at real and at generated samples (R1 and R2).
"""

from kgan import layers, losses, networks
from kgan.catalog.registry import Like, register
from kgan.data.fields import Vectors, kind_of_shape
from kgan.game.optimizers import adam
from kgan.models.gan import GAN


@register(like=Like("sample_shape"))
def r3gan(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 64,
    gamma: float = 1.0,
    penalty_interval: int = 1,
    shared_draws: bool = False,
    width: int | tuple[int, ...] = 16,
    num_blocks: int = 1,
    expansion: int = 2,
    group_size: int | None = None,
    units: tuple[int, ...] = (128, 128, 128),
    stages: int | None = None,
    learning_rate: float = 2e-4,
    beta_1: float = 0.0,
    beta_2: float = 0.99,
    decay_steps: int | None = None,
    ema_momentum: float = 0.999,
    augmentation: bool | str | None = None,
    seed: int | None = None,
) -> GAN:
    """A modern GAN baseline: no normalization, no tricks, a provably stable loss.

    Use this for images when quality and variety matter more than speed, and for vectors.

    Reference: Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline",
    section 2 (loss), section 4, configuration E (networks).

    Deviations: far narrower than the paper's 768 channels, one residual block per stage in place of
    two, and dense 3x3 convolutions in place of groups of 16 channels, so that it trains on a CPU:
    raise `width` and `num_blocks` and set `group_size=16` on a GPU. A tanh keeps images in [-1, 1];
    theirs end linearly. The base is 4x4 to 7x7, by size and `stages`, in place of 4x4. Doubling
    and halving are bilinear at pixel centres. `gamma`, `beta_2` and the average's momentum are
    constant, where theirs follow cosine schedules (beta_2 from 0.9 to 0.99, gamma down to a tenth,
    learning rate from 2e-4 to 5e-5), and nothing is augmented by default. Vectors, which the paper
    does not cover, get residual perceptrons with the same initialization.

    Args:
        sample_shape: tuple, `(height, width, channels)` with sides that are multiples of 4, or of 2
            below 16, or `(dim,)`. `like=` and the command line fill it from your data. Defaults to
            `(28, 28, 1)`.
        latent_dim: integer, size of the normal noise. Seldom worth a change; it bounds in how many
            ways samples can differ. Defaults to 64.
        gamma: float, weight of R1 and of R2. The paper's grows with the image's size: 0.05 at first
            on CIFAR-10, 2 on faces at 64x64, 150 at 256x256. Defaults to 1.0.
        penalty_interval: integer, batches from one R1 and R2 to the next. They take a third of a
            CPU's step: raise it, up to StyleGAN2's 16, for speed. Defaults to 1, as in the paper.
        shared_draws: boolean, whether both players learn from one batch of generated samples, which
            saves a tenth of the time: see `kgan.GAN`. Defaults to `False`.
        width: integer, for images: channels at the image's size, doubled at each halving up to
            eightfold. Parameters and time grow with its square: lower it for small images, few
            samples or a slow machine, raise it where samples lack detail. A tuple gives the
            channels of each size, the image's first: CIFAR-10's in the paper are
            `(768, 768, 768, 768)`, with `num_blocks=2, group_size=16`. Defaults to 16.
        num_blocks: integer, for images: residual blocks per stage. More where samples lack detail
            and there is time. Defaults to 1.
        expansion: integer, for images: widening within a block. 1 is quicker. Defaults to 2.
        group_size: integer, for images: channels per group of the 3x3 convolutions. 16 with wide
            networks on a GPU. Defaults to `None`, one group.
        units: tuple of integers, for vectors: hidden units of each residual block. Wider ones for
            points of many dimensions or modes. Defaults to `(128, 128, 128)`.
        stages: integer, for images: halvings and doublings. 3 at 28x28 go down to the paper's 4x4.
            Defaults to `None`, as many as leave integer sides of at least 4.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.0.
        beta_2: float in [0, 1), of both Adam optimizers. Seldom worth a change. Defaults to 0.99.
        decay_steps: integer, steps within which the learning rate falls to a hundredth along half a
            cosine. Set it once the length of the run is known: a rate that falls makes the end
            steady. Defaults to `None`, a constant learning rate.
        ema_momentum: float in (0, 1), or `None`: a moving average of the generator makes the
            samples. Worth it in runs of thousands of steps, whose samples otherwise change from
            step to step. Defaults to 0.999.
        augmentation: `True` or names such as `"color,translation"`, which help where images are
            few: see `kgan.layers.DifferentiableAugmentation`. Defaults to `None`.
        seed: integer that seeds data order and noise. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.GAN`.

    Raises:
        ValueError: when the stages can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")  # uint8 (n, 8, 8, 1)
    model = kgan.zoo.load("r3gan", like=images, width=8)
    model.fit(images[:128], epochs=1, verbose=0)
    samples = model.generate(16, seed=0)
    ```
    """
    if kind_of_shape(sample_shape) is Vectors:
        sizes = {"units": units}
    else:
        sizes = {
            "width": width,
            "num_blocks": num_blocks,
            "expansion": expansion,
            "group_size": group_size,
            "stages": stages,
        }
    model = GAN(
        generator=networks.r3gan.generator(sample_shape, latent_dim, **sizes),
        discriminator=networks.r3gan.discriminator(sample_shape, **sizes),
        loss=losses.RelativisticPairing(),
        penalties=(losses.R1(gamma, penalty_interval), losses.R2(gamma, penalty_interval)),
        shared_draws=shared_draws,
        augmentation=layers.get_augmentation(augmentation, sample_shape, seed),
        seed=seed,
        name="r3gan",
    )
    options = {"beta_1": beta_1, "beta_2": beta_2, "decay_steps": decay_steps}
    model.compile(
        optimizer={
            "discriminator": adam(learning_rate, **options),
            "generator": adam(learning_rate, ema_momentum=ema_momentum, **options),
        }
    )
    return model
