"""The Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, algorithm 1).

The critic's gradient is pulled to norm 1 at random points between real and generated samples
(equation 3). Five critic moves per generator move, Adam with learning rate 1e-4, beta_1 0 and
beta_2 0.9, no BatchNorm in the critic.
"""

from kgan import losses, networks
from kgan.catalog.registry import Like, register
from kgan.game.optimizers import adam_of_both
from kgan.models.gan import GAN


@register(like=Like("sample_shape"))
def wgan_gp(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 128,
    gradient_penalty_weight: float = 10.0,
    one_sided: bool = False,
    discriminator_steps: int = 5,
    width: int = 64,
    kernel_size: int = 5,
    stages: int | None = None,
    units: tuple[int, ...] = (128, 128, 128),
    generator_normalization: bool = True,
    learning_rate: float = 1e-4,
    beta_1: float = 0.0,
    beta_2: float = 0.9,
    decay_steps: int | None = None,
    ema_momentum: float | None = None,
    seed: int | None = None,
) -> GAN:
    """The Wasserstein GAN whose critic is kept 1-Lipschitz by a penalty on its gradient.

    Use this for stable training and for a curve that is meaningful: minus
    `discriminator_adversarial` estimates a distance between data and samples, and falls as samples
    get better. A step costs about twice a `dcgan`'s, and the generator moves on every fifth only.

    Reference: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", equation 3 and
    algorithm 1.

    Deviations: the paper's networks differ by data set; here images get those of DCGAN at
    `width` channels, vectors a multilayer perceptron. One fit step is one critic move, and the
    generator's move on every fifth step reuses none of its batch but the size.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images (sides are multiples of 4, or of
            2 below 16), `(dim,)` for vectors. `like=` and the command line fill it from your data.
            Defaults to `(28, 28, 1)`.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples can differ. Defaults to 128, as in the paper's code.
        gradient_penalty_weight: float, lambda. Lower it where learning is slow, raise it where the
            critic's loss jumps. Defaults to 10.0; the paper's code takes 0.1 for two-dimensional
            points.
        one_sided: boolean, whether gradients below 1 are not penalised. Leave it, unless to
            compare. Defaults to `False`.
        discriminator_steps: integer, critic moves per generator move. Raise it where the
            discriminator is too weak; each one costs time. Defaults to 5.
        width: integer, for images: channels at half the image's size. Parameters and time grow with
            its square: lower it for small images, few samples or a slow machine, raise it where
            samples lack detail. Defaults to 64.
        kernel_size: integer, for images. 3 is quicker. Defaults to 5.
        stages: integer, for images: halvings and doublings, as for `dcgan`. 3 at 28x28 go down to
            4x4. Defaults to `None`.
        units: tuple of integers, for vectors: widths of both networks' hidden layers. Wider ones
            for points of many dimensions or modes. Defaults to `(128, 128, 128)`.
        generator_normalization: boolean, BatchNorm in the generator. `False` for batches of a few
            samples, whose statistics are mostly noise. Defaults to `True`.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 1e-4.
        beta_1: float in [0, 1), of both. Seldom worth a change; towards 0.9 games grow unsteady.
            Defaults to 0.0.
        beta_2: float in [0, 1), of both. Seldom worth a change. Defaults to 0.9.
        decay_steps: integer, fit steps within which both learning rates fall to a hundredth along
            half a cosine. Set it once the length of the run is known: a rate that falls makes the
            end steady. Defaults to `None`, constant learning rates, as in the paper.
        ema_momentum: float in (0, 1), such as 0.999, to keep a moving average of the generator,
            which then makes the samples. It does not average BatchNorm's statistics. Worth it in
            runs of thousands of steps, whose samples otherwise change from step to step. Defaults
            to `None`, as in the paper.
        seed: integer that seeds data order and noise. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.GAN`.

    Raises:
        ValueError: when strides can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    points = kgan.data.toys.ring(1024, seed=0)
    model = kgan.zoo.load("wgan_gp", like=points, latent_dim=2, gradient_penalty_weight=0.1)
    model.fit(points, epochs=1, verbose=0)
    samples = model.generate(100, seed=0)
    ```
    """
    generator, discriminator = networks.standard.pair(
        sample_shape,
        latent_dim,
        width=width,
        units=units,
        kernel_size=kernel_size,
        stages=stages,
        generator_normalization=generator_normalization,
    )
    # Not the noise's seed: points between samples must not depend on the noise behind them.
    penalty_seed = None if seed is None else seed + 1
    model = GAN(
        generator=generator,
        discriminator=discriminator,
        loss="wasserstein",
        penalties=(losses.GradientPenalty(gradient_penalty_weight, one_sided, penalty_seed),),
        discriminator_steps=discriminator_steps,
        seed=seed,
        name="wgan_gp",
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
