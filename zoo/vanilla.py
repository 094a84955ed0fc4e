"""The first GAN (Goodfellow et al. 2014, "Generative Adversarial Nets", algorithm 1).

Two multilayer perceptrons play the minimax game of equation 1. The generator lowers either the
minimax loss log(1 - D(G(z))) itself or, as section 3 advises, the non-saturating -log D(G(z)).
"""

import keras

from kgan import losses, networks
from kgan.catalog.registry import Like, register
from kgan.models.gan import GAN


@register(like=Like("sample_shape"))
def vanilla(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 64,
    noise: str = "normal",
    loss: str | losses.AdversarialLoss = "non_saturating",
    discriminator_steps: int = 1,
    label_smoothing: float = 0.0,
    generator_units: tuple[int, ...] = (256, 512),
    discriminator_units: tuple[int, ...] = (512, 256),
    dropout: float = 0.3,
    learning_rate: float = 2e-4,
    seed: int | None = None,
) -> GAN:
    """The original GAN of multilayer perceptrons, for points, vectors and small images.

    Use this to learn how GANs behave, for 1-D and 2-D data, and as the baseline for other models.
    For images, `dcgan` makes better ones.

    Reference: Goodfellow et al. 2014, "Generative Adversarial Nets", algorithm 1 and equation 1.

    Deviations: leaky ReLU in place of maxout units in the discriminator, Adam in place of SGD with
    momentum, tanh in place of sigmoid at an image's output since data is in [-1, 1].

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, `(dim,)` for vectors. `like=`
            and the command line fill it from your data. Defaults to `(28, 28, 1)`.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples can differ. Defaults to 64.
        noise: `"normal"` or `"uniform"`. Both work; change it to compare with other work. Defaults
            to `"normal"`.
        loss: `"minimax"` (equation 1), `"non_saturating"` (section 3), or any other name or
            instance of `kgan.losses`. Try another where one player wins for good, which `Health`
            names. Defaults to `"non_saturating"`.
        discriminator_steps: integer, the k of algorithm 1. Raise it where the discriminator is too
            weak; each one costs time. Defaults to 1.
        label_smoothing: float in [0, 1): the discriminator's target for real samples is `1 -
            label_smoothing` (Salimans et al. 2016). Only for losses given by name that have it. 0.1
            holds back a discriminator that is too strong. Defaults to 0.0.
        generator_units: tuple of integers, widths of hidden layers. Wider ones for data of many
            dimensions or modes. Defaults to `(256, 512)`.
        discriminator_units: tuple of integers. Change it with `generator_units`. Defaults to `(512,
            256)`.
        dropout: float in [0, 1) in the discriminator. Raise it where it learns few samples by
            heart. Defaults to 0.3.
        learning_rate: float above 0, of both Adam optimizers (beta_1 0.5). Lower it where losses
            jump or diverge; raise it for a short run. Defaults to 2e-4.
        seed: integer that seeds data order and noise. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.GAN`.

    Raises:
        ValueError: when an option is out of range.

    Example:

    ```python
    import kgan

    points = kgan.data.toys.ring(1024, seed=0)
    model = kgan.zoo.load("vanilla", like=points, latent_dim=2, discriminator_steps=3)
    model.fit(points, epochs=1, verbose=0)
    samples = model.generate(100, seed=0)
    ```
    """
    model = GAN(
        generator=networks.mlp.generator(sample_shape, latent_dim, generator_units),
        discriminator=networks.mlp.discriminator(sample_shape, discriminator_units, dropout),
        loss=losses.get(loss, label_smoothing=label_smoothing),
        noise=noise,
        discriminator_steps=discriminator_steps,
        seed=seed,
        name="vanilla",
    )
    model.compile(
        optimizer={
            player: keras.optimizers.Adam(learning_rate, beta_1=0.5) for player in model.players
        }
    )
    return model
