"""Unsupervised image-to-image translation networks (Liu et al. 2017).

Two variational autoencoders whose innermost layers are the same, and a discriminator for each kind.
"""

from kgan import losses, networks
from kgan.catalog.registry import image_pairs, register
from kgan.game import schedules
from kgan.game.optimizers import adam
from kgan.models.shared_latent import SharedLatentTranslator


@register(
    like=image_pairs("unit", paired=False),
    tiny={
        "receptive_field": 16,
        "width": 2,
        "pool_size": 4,
        "reconstruction_weight": 0.1,
        "cycle_weight": 0.1,
        "learning_rate": 2e-6,
    },
)
def unit(
    image_shape: tuple[int, ...] = (256, 256, 3),
    *,
    target_channels: int | None = None,
    loss: str | losses.AdversarialLoss = "least_squares",
    reconstruction_weight: float = 10.0,
    divergence_weight: float = 0.01,
    cycle_weight: float = 10.0,
    cycle_divergence_weight: float = 0.01,
    pool_size: int = 0,
    receptive_field: int | str = 70,
    width: int = 64,
    discriminator_width: int = 64,
    num_blocks: int = 3,
    num_shared_blocks: int = 1,
    learning_rate: float = 1e-4,
    beta_1: float = 0.5,
    constant_steps: int | None = None,
    decay_steps: int | None = None,
    ema_momentum: float | None = None,
    seed: int | None = None,
) -> SharedLatentTranslator:
    """Image-to-image translation without pairs, through codes that both kinds of images share.

    Use this when images of both kinds show the same things and there are no pairs, or to compare
    images of the two by the codes of `encode(x, side)`. `fit(a, b)` takes two collections of any
    lengths, `translate(x, direction)` makes the other kind.

    Reference: Liu et al. 2017, "Unsupervised Image-to-Image Translation Networks", equations 2 to
    7, section 3.

    Deviations: least squares in place of minimax, and one PatchGAN for each kind, of one size. No
    weight decay, and the rate is constant unless `constant_steps` and `decay_steps` are given. The
    divergence is a sum over the latents, divided by an image's number of values, as distances are.

    Args:
        image_shape: tuple `(height, width, channels)` of a. Sides are multiples of 4, at least 8.
            Defaults to `(256, 256, 3)`.
        target_channels: integer, channels of b. Defaults to `None`: as many as a.
        loss: a name or instance of `kgan.losses`. Defaults to `"least_squares"`.
        reconstruction_weight: float, weight of the L1 distance of reconstructions. Raise it where
            images lose detail. Defaults to 10.0.
        divergence_weight: float, weight of the divergence of codes. Raise it where codes of the two
            sides part; blurs. Defaults to 0.01.
        cycle_weight: float, weight of the L1 distance after both directions. Raise it where the
            content of images is lost. Defaults to 10.0.
        cycle_divergence_weight: float, weight of the divergence of translations' codes. Defaults to
            0.01.
        pool_size: integer, past fakes of each kind that are kept. Defaults to 0, as in the paper.
        receptive_field: side of the discriminators' patches: 70, 16, 1, or `"image"` for the whole.
            Small images need 16. Defaults to 70.
        width: integer, channels at full size; codes have 4 times as many. Time grows with its
            square. Defaults to 64.
        discriminator_width: integer, the discriminators' after one convolution. Defaults to 64.
        num_blocks: integer, residual blocks that each encoder and decoder has of its own. Defaults
            to 3.
        num_shared_blocks: integer, residual blocks that both encoders share, and both decoders.
            More tie the two kinds closer. Defaults to 1.
        learning_rate: float, of both Adam optimizers. Defaults to 1e-4.
        beta_1: float in [0, 1), of both. Defaults to 0.5.
        constant_steps: integer, steps at the full learning rate. Set it with `decay_steps` once the
            length of the run is known. Defaults to `None`: all.
        decay_steps: integer, steps in which it then falls to 0. Defaults to `None`.
        ema_momentum: float in (0, 1), to keep a moving average of encoders and decoders, which then
            serves. Defaults to `None`.
        seed: integer that seeds data order, noise and pools. Defaults to `None`.

    Returns:
        A compiled `kgan.SharedLatentTranslator`.

    Raises:
        ValueError: when strides can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")  # uint8 (n, 8, 8, 1)
    a, b = images[:16], 255 - images[100:110]
    options = {"width": 4, "discriminator_width": 4, "num_blocks": 1, "receptive_field": 16}
    model = kgan.zoo.load("unit", like=(a, b), **options)
    model.fit(a, b, batch_size=8, epochs=1, verbose=0)
    made, codes = model.translate(a), model.encode(a, side="a")
    ```
    """
    channels = image_shape[2] if target_channels is None else target_channels
    shapes = {"a": tuple(image_shape), "b": (*image_shape[:2], channels)}
    maps = (image_shape[0] // 4, image_shape[1] // 4, 4 * width)
    parts = {}
    for side, shape in shapes.items():
        parts[f"encoder_{side}"] = networks.resnet.encoder(shape, width, num_blocks)
        parts[f"decoder_{side}"] = networks.resnet.decoder(shape, width, num_blocks)
        parts[f"discriminator_{side}"] = networks.patchgan.discriminator(
            shape, receptive_field=receptive_field, width=discriminator_width
        )
    for name in ("shared_encoder", "shared_decoder"):
        parts[name] = networks.resnet.blocks(maps, num_shared_blocks, name=name)
    model = SharedLatentTranslator(
        **parts,
        loss=loss,
        reconstruction_weight=reconstruction_weight,
        divergence_weight=divergence_weight,
        cycle_weight=cycle_weight,
        cycle_divergence_weight=cycle_divergence_weight,
        pool_size=pool_size,
        seed=seed,
        name="unit",
    )
    rate = schedules.get(learning_rate, constant_steps, decay_steps)
    model.compile(
        optimizer={
            "discriminators": adam(rate, beta_1),
            "generators": adam(rate, beta_1, ema_momentum=ema_momentum),
        }
    )
    return model
