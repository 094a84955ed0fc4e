"""The conditional GAN (Mirza and Osindero 2014, "Conditional Generative Adversarial Nets").

Both networks take a label. The discriminator is also shown real samples with wrong labels, as that
of Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1.
"""

from kgan import layers, losses, networks
from kgan.catalog.registry import Like, register
from kgan.game.optimizers import adam
from kgan.models.conditional import ConditionalGAN


@register(like=Like("sample_shape", "num_classes", "class_names"), tiny={"num_classes": 3})
def conditional(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    num_classes: int = 10,
    class_names: tuple[str, ...] | None = None,
    latent_dim: int = 100,
    noise: str = "normal",
    conditioning: str = "projection",
    matching_aware: bool = True,
    mismatched_weight: float = 0.5,
    loss: str | losses.AdversarialLoss = "non_saturating",
    label_smoothing: float = 0.0,
    discriminator_steps: int = 1,
    shared_draws: bool = False,
    embedding_dim: int = 50,
    width: int = 64,
    units: tuple[int, ...] = (128, 128, 128),
    kernel_size: int = 5,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    ema_momentum: float | None = None,
    augmentation: bool | str | None = None,
    seed: int | None = None,
) -> ConditionalGAN:
    """A GAN that generates samples of a given class: `generate(n, labels=...)`.

    Use this for images or points with class labels: `fit(x, y)`.

    Reference: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", equation 2; Reed
    et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1, for the third term;
    Miyato and Koyama 2018, "cGANs with Projection Discriminator", equation 3.

    Deviations: DCGAN's convolutions in place of maxout networks, class labels in place of Reed's
    captions, projection in place of concatenation unless asked for, Adam in place of SGD. The
    generator's noise is multiplied by one embedding of the label and concatenated with another.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, multiples of 4 (below 16 of 2);
            `(dim,)` for vectors. `like=` and the command line fill it from your data. Defaults to
            `(28, 28, 1)`.
        num_classes: integer of at least 2. `like=` and the command line fill it from your data.
            Defaults to 10.
        class_names: tuple of strings, for labels that are names. `like=` and the command line fill
            it from your data. Defaults to `None`.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples can differ. Defaults to 100.
        noise: `"normal"` or `"uniform"`. Both work; change it to compare with other work. Defaults
            to `"normal"`.
        conditioning: how the discriminator uses the label: `"concatenation"`, `"projection"`, or
            `"two_heads"`, which logs separately if samples look real and if they match. Leave it,
            unless to compare. Defaults to `"projection"`.
        matching_aware: boolean. `False` leaves out real samples with wrong labels, as in 2014.
            Leave it, unless to compare. Defaults to `True`.
        mismatched_weight: float in [0, 1], the share of wrong labels in the terms on wrong inputs.
            Raise it where samples are not of the class asked for. Defaults to 0.5.
        loss: a name or instance of `kgan.losses`. Try another where one player wins for good, which
            `Health` names. Defaults to `"non_saturating"`.
        label_smoothing: float in [0, 1): the discriminator's target for real samples is `1 -
            label_smoothing`. 0.1 holds back a discriminator that is too strong. Defaults to 0.0.
        discriminator_steps: integer, discriminator moves per generator move. Raise it where the
            discriminator is too weak; each one costs time. Defaults to 1.
        shared_draws: boolean, whether both players learn from one batch of generated samples, which
            saves a tenth of the time: see `kgan.GAN`. Defaults to `False`.
        embedding_dim: integer, size of the label's concatenated embedding. Raise it for hundreds of
            classes. Defaults to 50.
        width: integer, for images: channels at half the image's size. Parameters and time grow with
            its square: lower it for small images, few samples or a slow machine, raise it where
            samples lack detail. Defaults to 64.
        units: tuple of integers, for vectors: widths of both networks' hidden layers. Wider ones
            for points of many dimensions or modes. Defaults to `(128, 128, 128)`.
        kernel_size: integer, for images. 3 is quicker. Defaults to 5.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.5.
        ema_momentum: float in (0, 1), such as 0.999, to keep a moving average of the generator,
            which then makes the samples. Worth it in runs of thousands of steps, whose samples
            otherwise change from step to step. Defaults to `None`.
        augmentation: `True` or names such as `"color,translation"`, which help where images are
            few: see `kgan.layers.DifferentiableAugmentation`. Defaults to `None`.
        seed: integer that seeds data order, noise and wrong labels. Set it for a run that can be
            repeated. Defaults to `None`.

    Returns:
        A compiled `kgan.ConditionalGAN`.

    Raises:
        ValueError: when strides can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    images, labels = kgan.data.load("digits", labels=True)
    model = kgan.zoo.load("conditional", like=(images, labels), width=16)
    model.fit(images[:128], labels[:128], epochs=1, verbose=0)
    sevens = model.generate(8, labels=7, seed=0)
    ```
    """
    sizes = (sample_shape, num_classes)
    widths = {"width": width, "units": units, "kernel_size": kernel_size}
    model = ConditionalGAN(
        networks.conditioned.generator(*sizes, latent_dim, embedding_dim, **widths),
        networks.conditioned.discriminator(*sizes, conditioning, embedding_dim, **widths),
        num_classes=num_classes,
        class_names=class_names,
        loss=losses.get(loss, label_smoothing=label_smoothing),
        matching_aware=matching_aware,
        mismatched_weight=mismatched_weight,
        noise=noise,
        discriminator_steps=discriminator_steps,
        shared_draws=shared_draws,
        augmentation=layers.get_augmentation(augmentation, sample_shape, seed),
        seed=seed,
        name="conditional",
    )
    model.compile(
        optimizer={
            "discriminator": adam(learning_rate, beta_1),
            "generator": adam(learning_rate, beta_1, ema_momentum=ema_momentum),
        }
    )
    return model
