"""Text to image (Reed et al. 2016, "Generative Adversarial Text to Image Synthesis").

A DCGAN whose networks are told of a caption's embedding. The discriminator is shown real images
with other images' captions too (GAN-CLS, algorithm 1); the generator also learns from embeddings
between those of two captions (GAN-INT, equation 5).
"""

from kgan import layers, losses, networks
from kgan.catalog.registry import captioned_images, register
from kgan.data import Text
from kgan.game.optimizers import adam
from kgan.models.text_to_image import TextToImageGAN

TINY = {"vocabulary": ("a", "red", "seven"), "max_length": 4}


@register(like=captioned_images(), tiny={**TINY, "embedding_dim": 6, "condition_dim": 5})
def text_to_image(
    image_shape: tuple[int, ...] = (64, 64, 3),
    *,
    vocabulary: tuple[str, ...] | None = (),
    max_length: int = 16,
    word_dim: int = 64,
    embedding_dim: int = 128,
    condition_dim: int = 128,
    latent_dim: int = 100,
    conditioning: str = "concatenation",
    mismatched_weight: float = 0.5,
    wrong_captions: str = "next",
    interpolation_weight: float = 1.0,
    contrastive_weight: float = 0.0,
    modulation: bool = False,
    loss: str | losses.AdversarialLoss = "non_saturating",
    width: int = 64,
    kernel_size: int = 5,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    ema_momentum: float | None = None,
    augmentation: bool | str | None = None,
    seed: int | None = None,
) -> TextToImageGAN:
    """Images of captions: `fit(images, captions)`, then `generate(captions=[...])`.

    Use this for small images with captions, as strings or as embeddings from elsewhere.

    Reference: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1,
    equation 5 and section 4.1.

    Deviations: a small convolutional encoder of words learns with the discriminator, in place of a
    char-CNN-RNN that was trained beforehand; learning rates do not fall by themselves.

    Args:
        image_shape: tuple `(height, width, channels)`. Sides are multiples of 4, or of 2 below 16.
            `like=` and the command line fill it from your data. Defaults to `(64, 64, 3)`.
        vocabulary: tuple of strings, the words that are known; all others are one unknown word.
            `None`: captions are embeddings. `like=` fills it from your data. Defaults to none.
        max_length: integer, words of a caption that are read. `like=` fills it. Defaults to 16.
        word_dim: integer, size of a word's embedding; more for thousands of words. Defaults to 64.
        embedding_dim: integer, size of a caption's embedding. `like=` fills it where captions are
            embeddings, such as 1024 numbers. Defaults to 128.
        condition_dim: integer, what each network brings the embedding to. Defaults to 128.
        latent_dim: integer, size of the noise. Seldom worth a change; it bounds in how many ways
            samples of a caption can differ. Defaults to 100.
        conditioning: how the discriminator uses the embedding: `"concatenation"` with its last
            features, as in the paper, or `"projection"`, which learns faster. Defaults to
            `"concatenation"`.
        mismatched_weight: float in [0, 1], the share of wrong captions in the terms on wrong
            inputs; 0 leaves GAN-CLS out. Raise it where captions are not followed. Defaults to 0.5.
        wrong_captions: `"next"`, as in the paper, or `"nearest"`, those of a batch that differ in
            the fewest words, for captions of several things each. Defaults to `"next"`.
        interpolation_weight: float of at least 0, of interpolated captions, which help captions
            that were never seen; 0 leaves GAN-INT out and saves time. Defaults to 1.0.
        contrastive_weight: float of at least 0, of telling a batch's images from each other by
            their captions, which are then followed much earlier. 1 is a good start; it needs
            `conditioning="projection"`. Defaults to 0.0, as in the paper.
        modulation: boolean, whether noise and caption scale and shift all the generator's layers:
            for captions of colours and textures. Defaults to `False`, as in the paper.
        loss: a name or instance of `kgan.losses`. Try another where one player wins for good, which
            `Health` names. Defaults to `"non_saturating"`.
        width: integer, channels at half the image's size. Parameters and time grow with its square:
            lower it for small images, few samples or a slow machine, raise it where samples lack
            detail. Defaults to 64.
        kernel_size: integer. 3 is quicker. Defaults to 5.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.5.
        ema_momentum: float in (0, 1), such as 0.999, to keep moving averages of the weights,
            which then make the samples. Worth it in runs of thousands of steps, whose samples
            otherwise change from step to step. Defaults to `None`.
        augmentation: `True` or names such as `"translation"`, which help where images are few:
            see `kgan.layers.DifferentiableAugmentation`. Defaults to `None`.
        seed: integer that seeds data order and noise. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.TextToImageGAN`.

    Raises:
        ValueError: when strides can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    images, labels = kgan.data.load("digits", labels=True)
    words = "zero one two three four five six seven eight nine".split()
    captions = [f"the digit {words[label]}" for label in labels]
    model = kgan.zoo.load("text_to_image", like=(images, captions), width=8)
    model.fit(images[:128], captions[:128], epochs=1, verbose=0)
    sevens = model.generate(captions=["the digit seven", "seven"], seed=0)
    ```
    """
    sizes = {"condition_dim": condition_dim, "width": width, "kernel_size": kernel_size}
    field = encoder = None
    if vocabulary is not None:
        field = Text(max_length, vocabulary)
        encoder = networks.text.encoder(field.num_tokens, max_length, embedding_dim, word_dim)
    model = TextToImageGAN(
        networks.text.generator(
            image_shape, embedding_dim, latent_dim, modulation=modulation, **sizes
        ),
        networks.text.discriminator(image_shape, embedding_dim, conditioning, **sizes),
        encoder,
        field,
        loss=loss,
        mismatched_weight=mismatched_weight,
        wrong_captions=wrong_captions,
        interpolation_weight=interpolation_weight,
        contrastive_weight=contrastive_weight,
        augmentation=layers.get_augmentation(augmentation, image_shape, seed),
        seed=seed,
        name="text_to_image",
    )
    # Of both players: the averaged generator needs embeddings that are as old as it is.
    averaging = {"ema_momentum": ema_momentum}
    model.compile(optimizer={p: adam(learning_rate, beta_1, **averaging) for p in model.players})
    return model
