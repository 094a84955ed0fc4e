"""The auxiliary classifier GAN of Odena et al. 2017.

"Conditional Image Synthesis with Auxiliary Classifier GANs", equations 2 and 3. The discriminator
does not see the label: a second head classifies real and generated samples, and the generator is
rewarded for samples that are classified correctly.
"""

import keras

from kgan import losses, networks
from kgan.catalog.registry import Like, register
from kgan.models.conditional import AuxiliaryClassifierGAN


@register(like=Like("sample_shape", "num_classes", "class_names"), tiny={"num_classes": 3})
def acgan(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    num_classes: int = 10,
    class_names: tuple[str, ...] | None = None,
    latent_dim: int = 100,
    noise: str = "normal",
    classification_weight: float = 1.0,
    loss: str | losses.AdversarialLoss = "non_saturating",
    label_smoothing: float = 0.0,
    embedding_dim: int = 50,
    width: int = 64,
    units: tuple[int, ...] = (128, 128, 128),
    kernel_size: int = 5,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    seed: int | None = None,
) -> AuxiliaryClassifierGAN:
    """A conditional GAN whose discriminator is a classifier as well.

    Use this when you need that classifier, or labels must be followed at any price. Samples that
    are easy to classify are rewarded, which costs variety: `conditional` keeps more of it.

    Reference: Odena et al. 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs",
    equations 2 and 3.

    Deviations: DCGAN's convolutions, without the paper's dropout and noise in the discriminator;
    the noise is multiplied by one embedding of the label and concatenated with another.

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
        classification_weight: float, weight of the cross-entropy of the class in both players'
            losses. Raise it where samples are not of the class asked for; it costs variety.
            Defaults to 1.0.
        loss: a name or instance of `kgan.losses`. Try another where one player wins for good, which
            `Health` names. Defaults to `"non_saturating"`.
        label_smoothing: float in [0, 1): the discriminator's target for real samples is `1 -
            label_smoothing`. 0.1 holds back a discriminator that is too strong. Defaults to 0.0.
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
        seed: integer that seeds data order and noise. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.AuxiliaryClassifierGAN`.

    Raises:
        ValueError: when strides can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    images, labels = kgan.data.load("digits", labels=True)
    model = kgan.zoo.load("acgan", like=(images, labels), width=16)
    model.fit(images[:128], labels[:128], epochs=1, verbose=0)
    sevens = model.generate(8, labels=7, seed=0)
    ```
    """
    sizes = {"width": width, "units": units, "kernel_size": kernel_size}
    model = AuxiliaryClassifierGAN(
        networks.conditioned.generator(
            sample_shape, num_classes, latent_dim, embedding_dim, **sizes
        ),
        networks.conditioned.many_headed(sample_shape, {"classes": num_classes}, **sizes),
        num_classes=num_classes,
        class_names=class_names,
        loss=losses.get(loss, label_smoothing=label_smoothing),
        classification_weight=classification_weight,
        noise=noise,
        seed=seed,
        name="acgan",
    )
    model.compile(
        optimizer={player: keras.optimizers.Adam(learning_rate, beta_1) for player in model.players}
    )
    return model
