"""The autoencoder (Hinton and Salakhutdinov 2006): samples to codes and back.

The network narrows to a code and widens again, and is trained to give back what it was given.
"""

from kgan import networks
from kgan.catalog.registry import Like, register
from kgan.game.optimizers import adam
from kgan.models.autoencoder import Autoencoder


@register(like=Like("sample_shape"))
def autoencoder(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 32,
    units: tuple[int, ...] | None = (512, 128),
    width: int = 32,
    reconstruction: str = "l2",
    learning_rate: float = 1e-3,
    seed: int | None = None,
) -> Autoencoder:
    """An encoder and a decoder of small codes, for images and vectors.

    Use this to compress samples, to compare them by their codes, and as the baseline of `vae`,
    from which new samples can be drawn too.

    Reference: Hinton and Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural
    Networks", figure 1.

    Deviations: ReLU and Adam from random weights, in place of sigmoid units that are pretrained
    layer by layer; squared error in place of cross-entropy.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, `(dim,)` for vectors. `like=`
            and the command line fill it from your data. Defaults to `(28, 28, 1)`.
        latent_dim: integer, size of a code. Fewer force it to generalise, more keep detail.
            Defaults to 32.
        units: tuple of integers, widths of the encoder's hidden layers; the decoder has them in
            reverse. `None` for convolutions, which images need from 32x32 on. Wider ones for richer
            data. Defaults to `(512, 128)`.
        width: integer, for convolutions: channels at half the image's size. Parameters and time
            grow with its square: lower it for small images, few samples or a slow machine, raise it
            where samples lack detail. Defaults to 32.
        reconstruction: `"l1"`, `"l2"` or `"huber"`, a mean over everything. `"l1"` blurs less and
            forgives outliers. Defaults to `"l2"`.
        learning_rate: float above 0, of Adam. Lower it where losses jump or diverge; raise it for a
            short run. Defaults to 1e-3.
        seed: integer that seeds data order. Set it for a run that can be repeated. Defaults to
            `None`.

    Returns:
        A compiled `kgan.Autoencoder`.

    Raises:
        ValueError: when an option is out of range, or strides can't divide the image's sides.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")  # uint8 (n, 8, 8, 1)
    model = kgan.zoo.load("autoencoder", like=images, latent_dim=8, units=(32,))
    model.fit(images[:128], epochs=1, verbose=0)
    codes = model.encode(images[:5])  # float32 (5, 8)
    ```
    """
    options = {"activation": "relu", "width": width}
    model = Autoencoder(
        encoder=networks.autoencoders.encoder(
            sample_shape, latent_dim, units=units, is_variational=False, **options
        ),
        decoder=networks.autoencoders.decoder(
            sample_shape, latent_dim, units=units and units[::-1], **options
        ),
        reconstruction=reconstruction,
        seed=seed,
        name="autoencoder",
    )
    model.compile(optimizer=adam(learning_rate, 0.9))
    return model
