"""Image-to-image translation from pairs (Isola et al. 2017).

A U-Net turns an image into another; a PatchGAN classifies pairs of both. The generator's loss is
adversarial plus 100 times L1, the discriminator's is halved (sections 3.1 to 3.3). Adam with
learning rate 2e-4 and beta_1 0.5, batches of 1 to 10 (section 3.3 and appendix 6.2).
"""

import keras

from kgan import losses, networks
from kgan.catalog.registry import image_pairs, register
from kgan.models.paired import PairedTranslator


@register(like=image_pairs("pix2pix"))
def pix2pix(
    image_shape: tuple[int, ...] = (256, 256, 3),
    *,
    target_channels: int | None = None,
    loss: str | losses.AdversarialLoss = "non_saturating",
    reconstruction_weight: float = 100.0,
    receptive_field: int | str = 70,
    width: int = 64,
    discriminator_width: int = 64,
    dropout: float = 0.5,
    normalization: str | None = "instance",
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    seed: int | None = None,
) -> PairedTranslator:
    """Image-to-image translation that is learned from pairs of images.

    Use this when each input comes with its target output, such as edges and
    photographs or maps and aerial pictures. `fit(x, y)` takes both, `translate(x)` makes y. Train
    in small batches: `fit(x, y, batch_size=1)` is the paper's choice for most tasks.

    Reference: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial
    Networks", equation 4, sections 3.1 to 3.3, appendix 6.1.

    Deviations: inference is deterministic: dropout, the paper's only noise, is off in `translate`,
    `evaluate` and exports, where the paper leaves it on. Normalization is per image, which is what
    the paper's batch normalization amounts to with its batch size of 1, in training and testing
    alike. The discriminator's convolutions keep their size (`kgan.networks.patchgan`). Images are
    not jittered and mirrored: do so in your data.

    Args:
        image_shape: tuple `(height, width, channels)` of the inputs. Sides are multiples of 4, or
            of 2 below 16; powers of 2 work best. `like=` and the command line fill it from your
            data. Defaults to `(256, 256, 3)`.
        target_channels: integer, channels of the outputs, which have the inputs' size. `like=` and
            the command line fill it from your data. Defaults to `None`: as many as the inputs.
        loss: a name or instance of `kgan.losses`. Try another where one player wins for good, which
            `Health` names. Defaults to `"non_saturating"`.
        reconstruction_weight: float, weight of L1, the paper's lambda. Lower it where outputs are
            blurred, raise it where they invent detail. Defaults to 100.0.
        receptive_field: side of the discriminator's patches: 70, 16, 1, or `"image"` for the whole.
            Small images need 16. Defaults to 70.
        width: integer, the generator's channels after its first convolution. Parameters and time
            grow with its square: lower it for small images, few samples or a slow machine, raise it
            where samples lack detail. Defaults to 64.
        discriminator_width: integer, the same of the discriminator. Change it with `width`.
            Defaults to 64.
        dropout: float in [0, 1), of the generator, in training. Lower it where there are many
            pairs. Defaults to 0.5.
        normalization: `"instance"`, `"batch"` or `None`. Small images, such as 32x32, in larger
            batches need `"batch"`: their inner maps hold too few pixels for the statistics of one
            image. Defaults to `"instance"`.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.5.
        seed: integer that seeds data order. Set it for a run that can be repeated. Defaults to
            `None`.

    Returns:
        A compiled `kgan.PairedTranslator`.

    Raises:
        ValueError: when halvings can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    photos = kgan.data.load("digits")[:64]  # uint8 (n, 8, 8, 1)
    drawings = kgan.data.edges(photos)
    model = kgan.zoo.load("pix2pix", like=(drawings, photos), width=8, discriminator_width=8)
    model.fit(drawings, photos, batch_size=16, verbose=0)
    made = model.translate(drawings)
    ```
    """
    channels = image_shape[2] if target_channels is None else target_channels
    target_shape = (*image_shape[:2], channels)
    model = PairedTranslator(
        generator=networks.unet.generator(
            image_shape, channels, width, dropout=dropout, normalization=normalization
        ),
        discriminator=networks.patchgan.discriminator(
            target_shape, image_shape, receptive_field, discriminator_width, normalization
        ),
        loss=loss,
        reconstruction_weight=reconstruction_weight,
        seed=seed,
        name="pix2pix",
    )
    model.compile(
        optimizer={player: keras.optimizers.Adam(learning_rate, beta_1) for player in model.players}
    )
    return model
