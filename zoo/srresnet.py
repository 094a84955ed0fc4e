"""Super-resolution by one network (SRResNet of Ledig et al. 2017).

A residual network that works at the size of the small image and enlarges at its end, by pixel
shuffle. Its loss is L1, as is usual since Lim et al. 2017; it has no BatchNorm. The optimizer is
Adam with beta 0.9 and 0.99 and a rate of 2e-4, as in BasicSR's MSRResNet.
"""

from kgan import networks
from kgan.catalog.registry import enlargements, register
from kgan.game.optimizers import adam
from kgan.models.super_resolution import SuperResolution


@register(like=enlargements(), tiny={"scale": 2})
def srresnet(
    image_shape: tuple[int, ...] = (128, 128, 3),
    *,
    scale: int = 4,
    degradation: str = "bicubic",
    reconstruction: str = "l1",
    generator: str = "residual",
    width: int = 64,
    blocks: int = 16,
    learning_rate: float = 2e-4,
    beta_1: float = 0.9,
    decay_steps: int | None = None,
    ema_momentum: float | None = 0.999,
    seed: int | None = None,
) -> SuperResolution:
    """Enlarges photographs: small images to large ones, without a discriminator.

    Use this where what is made must be near to what was there, measured in decibels, and as the
    start of `srgan`. `fit(photographs)` makes the small images itself, from the windows of
    `kgan.data.photographs`; `enlarge(image)` takes whole photographs of any size.

    Reference: Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative
    Adversarial Network", section 2.1 and figure 4; Lim et al. 2017, "Enhanced Deep Residual
    Networks for Single Image Super-Resolution", sections 3.1 and 3.2: no batch normalization, L1.

    Deviations: L1 where the first paper has L2; see `kgan.networks.enlargement.generator` for the
    network's.

    Args:
        image_shape: tuple `(height, width, channels)` of the large images that it trains on, such
            as windows of 128 pixels; its sides are multiples of `scale`. `like=` and the command
            line fill it from your data. Defaults to `(128, 128, 3)`.
        scale: integer, how many times larger images become: 2, 3, 4 or 8. Defaults to 4.
        degradation: `"bicubic"` for small images that were made carefully, `"blur_noise_jpeg"` for
            those of cameras and the web, which it then cleans too. Defaults to `"bicubic"`.
        reconstruction: `"l1"`, `"l2"` or `"huber"`. Defaults to `"l1"`.
        generator: `"residual"`, or `"dense"` for ESRGAN's blocks, which take some ten times longer.
            Defaults to `"residual"`.
        width: integer, channels of the features. Time grows with its square. Defaults to 64.
        blocks: integer. Fewer are quicker, and see less far. Defaults to 16.
        learning_rate: float above 0, of Adam. Raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of Adam. Seldom worth a change. Defaults to 0.9.
        decay_steps: integer, steps within which the learning rate falls to a hundredth along half
            a cosine: give it the length of the run. Defaults to `None`.
        ema_momentum: float in (0, 1), of the moving average of the weights, which enlarges.
            `None` keeps none. Defaults to 0.999.
        seed: integer that seeds data order. Set it for a run that can be repeated. Defaults to
            `None`.

    Returns:
        A compiled `kgan.SuperResolution`.

    Raises:
        ValueError: when an option is out of range, or the scale does not divide the image's sides.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits", size=32)[:64]  # uint8 (n, 32, 32, 1): yours are photographs
    windows = kgan.data.photographs(images, crop=16)
    model = kgan.zoo.load("srresnet", like=windows, scale=2, width=8, blocks=1)
    model.fit(windows, batch_size=16, verbose=0)
    large = model.enlarge(images[0])  # uint8 (64, 64, 1)
    ```
    """
    model = SuperResolution(
        generator=networks.enlargement.generator(image_shape[2], scale, width, blocks, generator),
        image_shape=image_shape,
        scale=scale,
        reconstruction=reconstruction,
        degradation=degradation,
        seed=seed,
        name="srresnet",
    )
    optimizer = adam(
        learning_rate, beta_1, 0.99, decay_steps=decay_steps, ema_momentum=ema_momentum
    )
    model.compile(optimizer={"generator": optimizer})
    return model
