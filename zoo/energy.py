"""Maximum entropy generators for energy-based models (Kumar et al. 2019, algorithm 1).

The discriminator's logit is minus an energy of the data, with a penalty on its gradient at real
samples. The generator lowers its samples' energy and keeps their mutual information with the noise.
"""

from kgan import losses, networks
from kgan.catalog.registry import Like, register
from kgan.game.optimizers import adam_of_both
from kgan.models.energy import MaximumEntropyGAN


@register(like=Like("sample_shape"))
def energy(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 128,
    gamma: float = 10.0,
    information_weight: float = 1.0,
    discriminator_steps: int = 5,
    width: int = 64,
    kernel_size: int = 5,
    stages: int | None = None,
    units: tuple[int, ...] = (128, 128, 128),
    generator_normalization: bool = True,
    learning_rate: float = 1e-4,
    beta_1: float = 0.5,
    beta_2: float = 0.9,
    decay_steps: int | None = None,
    ema_momentum: float | None = None,
    seed: int | None = None,
) -> MaximumEntropyGAN:
    """A GAN that learns an energy, with which it scores anything and refines its samples.

    Use this to find what is unlike the data (`energy(samples)`: anomalies), to refine samples
    (`generate(n, refine=100)`), and where samples come out alike.

    Reference: Kumar et al. 2019, "Maximum Entropy Generators for Energy-Based Models", algorithm 1.

    Deviations: DCGAN's networks at `width` channels, as many halvings as the image allows. The norm
    of the penalty is a sample's; that of the paper's code is a pixel's, averaged, which makes it a
    gamma of 20 / (height * width) here, 0.02 at 32x32. The code weighs the information by a half
    and shuffles the noises that do not belong. For points it takes no BatchNorm and a gamma of 0.2.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images (sides are multiples of 4, or of
            2 below 16), `(dim,)` for vectors. `like=` and the command line fill it from your data.
            Defaults to `(28, 28, 1)`.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples can differ. Defaults to 128.
        gamma: float above 0, weight of R1: `gamma / 2` times the squared norm of a sample's
            gradient. Energies go with 1 / gamma, and the weight of the information with them. Raise
            it where energies run away, lower it for points, to between 0.02 and 0.2. Defaults to
            10.0.
        information_weight: float of at least 0. Raise it where samples come out alike, lower it
            where they are unlike the data. Defaults to 1.0.
        discriminator_steps: integer, moves of the energy per move of the generator. Raise it where
            the energy lags behind; each one costs time. Defaults to 5.
        width: integer, for images: channels at half the image's size. Parameters and time grow with
            its square: lower it for small images, few samples or a slow machine, raise it where
            samples lack detail. Defaults to 64.
        kernel_size: integer, for images. 3 is quicker. Defaults to 5.
        stages: integer, for images: halvings and doublings, as for `dcgan`. 3 at 28x28 go down to
            4x4. Defaults to `None`.
        units: tuple of integers, for vectors: widths of the networks' hidden layers. Defaults to
            `(128, 128, 128)`.
        generator_normalization: boolean, BatchNorm in the generator. `False` for points and for
            batches of a few samples. Defaults to `True`.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 1e-4.
        beta_1: float in [0, 1), of both. Seldom worth a change. Defaults to 0.5.
        beta_2: float in [0, 1), of both. Seldom worth a change. Defaults to 0.9.
        decay_steps: integer, fit steps within which both learning rates fall to a hundredth along
            half a cosine. Set it once the length of the run is known. Defaults to `None`, constant
            learning rates, as in the paper.
        ema_momentum: float in (0, 1), such as 0.999, to keep a moving average of the generator,
            which then makes the samples. Defaults to `None`, as in the paper.
        seed: integer that seeds data order and noise. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.MaximumEntropyGAN`.

    Raises:
        ValueError: when strides can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")
    model = kgan.zoo.load("energy", like=images, latent_dim=8, width=8)
    model.fit(images[:128], epochs=1, verbose=0)
    unlike = model.energy(255 - images[:16]).mean() - model.energy(images[:16]).mean()
    samples = model.generate(4, refine=5, seed=0)
    ```
    """
    sizes = {"width": width, "units": units, "kernel_size": kernel_size, "stages": stages}
    generator, discriminator = networks.standard.pair(
        sample_shape, latent_dim, generator_normalization=generator_normalization, **sizes
    )
    model = MaximumEntropyGAN(
        generator,
        discriminator,
        networks.conditioned.statistics(sample_shape, latent_dim, **sizes),
        penalties=(losses.R1(gamma),),
        information_weight=information_weight,
        discriminator_steps=discriminator_steps,
        seed=seed,
        name="energy",
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
