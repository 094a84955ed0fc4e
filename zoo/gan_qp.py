"""The GAN with quadratic potential (Su 2018, lambda = 10).

A Wasserstein GAN without a Lipschitz constraint: the critic's loss has a term quadratic in the
difference of the logits of a real and a generated sample, divided by the distance of the two.
Two critic moves per generator move, Adam with learning rate 2e-4 and beta_1 0.5.
"""

from kgan import losses, networks
from kgan.catalog.registry import Like, register
from kgan.game.optimizers import adam_of_both
from kgan.models.gan import GAN


@register(like=Like("sample_shape"))
def gan_qp(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 128,
    potential_weight: float = 0.05,
    discriminator_steps: int = 2,
    width: int = 64,
    kernel_size: int = 5,
    units: tuple[int, ...] = (128, 128, 128),
    stages: int | None = None,
    generator_normalization: bool = True,
    discriminator_normalization: bool = True,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    beta_2: float = 0.999,
    decay_steps: int | None = None,
    ema_momentum: float | None = None,
    seed: int | None = None,
) -> GAN:
    """A Wasserstein GAN with a quadratic potential instead of a gradient penalty.

    Use this for training as stable as `wgan_gp`'s at a lower cost: it takes no second derivative,
    and its discriminator may have BatchNorm.

    Reference: Su 2018, "GAN-QP: A Novel GAN Framework without Gradient Vanishing and Lipschitz
    Constraint", with lambda = 10 and the mean absolute difference as distance, as in the author's
    code for 256x256 images.

    Deviations: layers keep their biases where no BatchNorm follows, and the networks are DCGAN's
    at `width` channels, vectors get a multilayer perceptron. The author's code draws a new batch
    for the generator's move as well.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images (sides are multiples of 4, or of
            2 below 16), `(dim,)` for vectors. `like=` and the command line fill it from your data.
            Defaults to `(28, 28, 1)`.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples can differ. Defaults to 128, as in the author's code.
        potential_weight: float, 1 / (2 lambda). Raise it where losses grow without end. Defaults to
            0.05.
        discriminator_steps: integer, discriminator moves per generator move. Raise it where the
            discriminator is too weak; each one costs time. Defaults to 2.
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
        beta_2: float in [0, 1), of both. Seldom worth a change. Defaults to 0.999.
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
    model = kgan.zoo.load("gan_qp", like=points, discriminator_normalization=False)
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
        generator_normalization=generator_normalization,
        discriminator_normalization=discriminator_normalization,
        stages=stages,
    )
    model = GAN(
        generator=generator,
        discriminator=discriminator,
        loss="wasserstein",
        penalties=(losses.QuadraticPotential(potential_weight),),
        discriminator_steps=discriminator_steps,
        seed=seed,
        name="gan_qp",
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
