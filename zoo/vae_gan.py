"""The VAE-GAN (Larsen et al. 2016, algorithm 1).

A variational autoencoder that compares samples by a layer of a discriminator, which also plays the
adversarial game against what the decoder makes of encodings and of drawn codes.
"""

from kgan import losses, networks
from kgan.catalog.registry import Like, register
from kgan.data.fields import Vectors, kind_of_shape
from kgan.game.optimizers import adam
from kgan.models.vae_gan import VAEGAN


@register(like=Like("sample_shape"))
def vae_gan(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 64,
    loss: str | losses.AdversarialLoss = "non_saturating",
    similarity_weight: float = 1e-2,
    divergence_weight: float = 1.0,
    width: int = 32,
    units: tuple[int, ...] = (128, 128, 128),
    learning_rate: float = 3e-4,
    beta_1: float = 0.5,
    ema_momentum: float | None = None,
    seed: int | None = None,
) -> VAEGAN:
    """A variational autoencoder with a discriminator in place of a distance of pixels.

    Use this to generate, encode and reconstruct images that are sharper than those of `vae`, and to
    change what a picture shows by adding the difference of two encodings to its own.

    Reference: Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric",
    algorithm 1, equation 7, section 4 and table 1.

    Deviations: as many halvings as the image allows, as in DCGAN, and Adam in place of RMSProp; the
    likeness of features is a sum, so its weight goes with the number of features. They are compared
    after their BatchNorm, where the released code takes them before it: there their scale is any.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, `(dim,)` for vectors.
            Defaults to `(28, 28, 1)`.
        latent_dim: integer, size of a code; 128 in the paper. Defaults to 64.
        loss: a name or instance of `kgan.losses` that is no relativistic one. Defaults to
            `"non_saturating"`.
        similarity_weight: float of at least 0, the paper's gamma: more is truer to the sample, less
            looks more real. Defaults to 1e-2.
        divergence_weight: float of at least 0, in the encoder's loss. Defaults to 1.0.
        width: integer, for images: channels at half the image's size. Defaults to 32.
        units: tuple of integers, for vectors: widths of all networks' hidden layers. Defaults to
            `(128, 128, 128)`.
        learning_rate: float, of the three Adam optimizers. Defaults to 3e-4, as in the paper.
        beta_1: float in [0, 1), of the three. Defaults to 0.5.
        ema_momentum: float in (0, 1), to keep a moving average of encoder and decoder, which then
            serves. Defaults to `None`.
        seed: integer that seeds data order and noise. Defaults to `None`.

    Returns:
        A compiled `kgan.VAEGAN`.

    Raises:
        ValueError: when an option is out of range, or strides can't divide the image's sides.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")  # uint8 (n, 8, 8, 1)
    model = kgan.zoo.load("vae_gan", like=images, latent_dim=4, width=8)
    model.fit(images[:128], epochs=1, verbose=0)
    samples, again = model.generate(16, seed=0), model.reconstruct(images[:5])
    ```
    """
    of_vectors = kind_of_shape(sample_shape) is Vectors
    decoder, discriminator = networks.standard.pair(
        sample_shape, latent_dim, width=width, units=units, discriminator_normalization=True
    )
    model = VAEGAN(
        encoder=networks.autoencoders.encoder(
            sample_shape,
            latent_dim,
            units=units if of_vectors else None,
            activation="relu",
            width=width,
        ),
        decoder=decoder,
        discriminator=discriminator,
        loss=loss,
        similarity_weight=similarity_weight,
        divergence_weight=divergence_weight,
        seed=seed,
        name="vae_gan",
    )
    served = {"ema_momentum": ema_momentum}
    model.compile(
        optimizer={
            "encoder": adam(learning_rate, beta_1, **served),
            "decoder": adam(learning_rate, beta_1, **served),
            "discriminator": adam(learning_rate, beta_1),
        }
    )
    return model
