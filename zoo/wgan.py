"""The Wasserstein GAN (Arjovsky et al. 2017, algorithm 1).

The critic's weights are clipped to [-0.01, 0.01] after each of its moves, which keeps it Lipschitz.
Five critic moves per generator move, RMSprop with learning rate 5e-5.
"""

import keras

from kgan import networks
from kgan.catalog.registry import Like, register
from kgan.layers import constraints
from kgan.models.gan import GAN


@register(like=Like("sample_shape"), tiny={"clip": 0.3})
def wgan(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 100,
    clip: float = 0.01,
    discriminator_steps: int = 5,
    width: int = 64,
    kernel_size: int = 5,
    units: tuple[int, ...] = (128, 128, 128),
    stages: int | None = None,
    generator_normalization: bool = True,
    discriminator_normalization: bool = True,
    learning_rate: float = 5e-5,
    seed: int | None = None,
) -> GAN:
    """The first Wasserstein GAN, whose critic is kept Lipschitz by clipping its weights.

    Use this to compare with the original. `wgan_gp` learns faster and gets further: clipped
    weights gather at the limits, which leaves a simple critic.

    Reference: Arjovsky et al. 2017, "Wasserstein GAN", algorithm 1.

    Deviations: one fit step is one critic move; the released code's 100 critic moves per generator
    move at the start, which the paper does not have, are left out. Initial weights are clipped
    with the first move, not before.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images (sides are multiples of 4, or of
            2 below 16), `(dim,)` for vectors. `like=` and the command line fill it from your data.
            Defaults to `(28, 28, 1)`.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples can differ. Defaults to 100.
        clip: float, c of algorithm 1, the largest weight of the critic. Smaller makes training
            slow, larger unsteady. Defaults to 0.01.
        discriminator_steps: integer, critic moves per generator move. Raise it where the
            discriminator is too weak; each one costs time. Defaults to 5.
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
        discriminator_normalization: boolean, BatchNorm in the critic, without which clipped weights
            let hardly any signal through. Defaults to `True`.
        learning_rate: float above 0, of both RMSprop optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 5e-5.
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
    model = kgan.zoo.load("wgan", like=points, latent_dim=2, clip=0.1)
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
        constraint=constraints.WeightClipping(clip),
        stages=stages,
    )
    model = GAN(
        generator=generator,
        discriminator=discriminator,
        loss="wasserstein",
        discriminator_steps=discriminator_steps,
        seed=seed,
        name="wgan",
    )
    model.compile(
        optimizer={player: keras.optimizers.RMSprop(learning_rate) for player in model.players}
    )
    return model
