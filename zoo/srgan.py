"""Super-resolution with a discriminator (SRGAN of Ledig et al. 2017, with ESRGAN's options).

The generator is that of `srresnet` and begins with its weights. Its loss is L1, the distance of
features before their activation, and adversarial, weighted as in BasicSR's MSRGAN: 0.01, 1 and
0.005. Adam with beta 0.9 and 0.99 and a rate of 1e-4 for both players.
"""

import keras

from kgan import losses, networks
from kgan.catalog.registry import enlargements, register
from kgan.game.optimizers import adam
from kgan.models.content import content_network
from kgan.models.super_resolution import SuperResolution


@register(like=enlargements(), tiny={"scale": 2})
def srgan(
    image_shape: tuple[int, ...] = (128, 128, 3),
    *,
    scale: int = 4,
    degradation: str = "bicubic",
    loss: str | losses.AdversarialLoss = "non_saturating",
    content: str | keras.Model | None = "image_features",
    reconstruction_weight: float = 1e-2,
    content_weight: float = 1.0,
    adversarial_weight: float = 5e-3,
    generator: str = "residual",
    width: int = 64,
    blocks: int = 16,
    discriminator_width: int = 64,
    normalization: str | None = "spectral",
    learning_rate: float = 1e-4,
    beta_1: float = 0.9,
    decay_steps: int | None = None,
    ema_momentum: float | None = 0.999,
    seed: int | None = None,
) -> SuperResolution:
    """Enlarges photographs, with a discriminator: it invents the details that are lost.

    Use this for pictures that are to look sharp. Train `srresnet` first and begin with its weights:
    `kgan.zoo.take_weights(model, trained)`, or `kgan train srgan --init-from RUN`; from scratch it
    fails. What it invents was not there: where pixels must be true, `srresnet` is better.

    Reference: Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative
    Adversarial Network", equations 2 to 5. With `generator="dense"` and
    `loss="relativistic_average"`: Wang et al. 2018, "ESRGAN: Enhanced Super-Resolution Generative
    Adversarial Networks", equations 1 to 3.

    Deviations: no batch normalization; L1 beside the features; features of the network that ships
    with kgan unless `content="vgg19"`; see `kgan.networks.enlargement` for both networks'.

    Args:
        image_shape: tuple `(height, width, channels)` of the large images that it trains on, such
            as windows of 128 pixels. `like=` fills it from your data. Defaults to `(128, 128, 3)`.
        scale: integer, how many times larger images become. Defaults to 4.
        degradation: `"bicubic"` or `"blur_noise_jpeg"`, as for `srresnet`. Defaults to `"bicubic"`.
        loss: a name or instance of `kgan.losses`; `"relativistic_average"` is ESRGAN's. Defaults to
            `"non_saturating"`.
        content: `"image_features"`, which ships with kgan; `"vgg19"`, whose weights Keras
            downloads; a `keras.Model` from images in [-1, 1] to features; or `None` for no such
            term. Defaults to `"image_features"`.
        reconstruction_weight: float of at least 0, of L1: more is truer. Defaults to 1e-2.
        content_weight: float of at least 0, of the features' distance. Defaults to 1.0.
        adversarial_weight: float of at least 0: more is sharper, and invents more. Defaults to
            5e-3.
        generator: `"residual"`, or `"dense"` for ESRGAN's. Defaults to `"residual"`.
        width: integer, channels of the generator, as of the trained one. Defaults to 64.
        blocks: integer, of the generator, as of the trained one. Defaults to 16.
        discriminator_width: integer, channels of its first convolution. Defaults to 64.
        normalization: `"spectral"`, `"batch"` or `None`, of the discriminator. Defaults to
            `"spectral"`.
        learning_rate: float above 0, of both Adam optimizers. Defaults to 1e-4.
        beta_1: float in [0, 1), of both. Defaults to 0.9.
        decay_steps: integer, steps within which both rates fall to a hundredth. Defaults to `None`.
        ema_momentum: float in (0, 1), of the generator's moving average. Defaults to 0.999.
        seed: integer that seeds data order. Defaults to `None`.

    Returns:
        A compiled `kgan.SuperResolution`.

    Raises:
        ValueError: when an option is out of range, or weights can't be downloaded.

    Example:

    ```python
    import kgan

    windows = kgan.data.photographs(kgan.data.load("digits", size=32)[:64], crop=16)
    first = kgan.zoo.load("srresnet", like=windows, scale=2, width=8, blocks=1)
    first.fit(windows, batch_size=16, verbose=0)
    model = kgan.zoo.load("srgan", like=windows, scale=2, width=8, blocks=1, discriminator_width=4)
    kgan.zoo.take_weights(model, first)
    model.fit(windows, batch_size=16, verbose=0)
    ```
    """
    model = SuperResolution(
        generator=networks.enlargement.generator(image_shape[2], scale, width, blocks, generator),
        image_shape=image_shape,
        scale=scale,
        discriminator=networks.enlargement.discriminator(
            image_shape, discriminator_width, normalization
        ),
        content=content_network(content),
        loss=loss,
        reconstruction_weight=reconstruction_weight,
        content_weight=content_weight,
        adversarial_weight=adversarial_weight,
        degradation=degradation,
        seed=seed,
        name="srgan",
    )
    rates = {"beta_2": 0.99, "decay_steps": decay_steps}
    model.compile(
        optimizer={
            "discriminator": adam(learning_rate, beta_1, **rates),
            "generator": adam(learning_rate, beta_1, **rates, ema_momentum=ema_momentum),
        }
    )
    return model
