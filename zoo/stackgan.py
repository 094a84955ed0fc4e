"""StackGAN (Zhang et al. 2017, "StackGAN: Text to Photo-realistic Image Synthesis").

A small image of a caption, then a large one of both (equations 3 to 5), with conditions drawn from
a Gaussian that follows from the caption (section 3.2).
"""

from kgan import losses, networks
from kgan.catalog.registry import captioned_images, register
from kgan.data import Text
from kgan.game.optimizers import adam
from kgan.models.stackgan import StackGAN

TINY = {"image_shape": (32, 32, 1), "vocabulary": ("a", "red", "seven"), "max_length": 4}


@register(
    like=captioned_images(), tiny={**TINY, "word_dim": 4, "embedding_dim": 6, "condition_dim": 5}
)
def stackgan(
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
    divergence_weight: float = 1 / 64,
    contrastive_weight: float = 0.0,
    modulation: bool = False,
    loss: str | losses.AdversarialLoss = "non_saturating",
    width: int = 64,
    kernel_size: int = 5,
    refiner_width: int = 32,
    num_blocks: int = 2,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    ema_momentum: float | None = None,
    stage: int = 1,
    seed: int | None = None,
) -> StackGAN:
    """Large images of captions in two stages: `fit`, `next_stage()`, `fit` again.

    Use this for images with captions of 64x64 or more, where one generator draws parts of things.

    Reference: Zhang et al. 2017, "StackGAN: Text to Photo-realistic Image Synthesis with Stacked
    Generative Adversarial Networks", equations 1 to 5 and section 3.4.

    Deviations: the text encoder learns with the first discriminator; log-variances are linear; the
    first stage has DCGAN's networks; learning rates do not fall by themselves.

    Args:
        image_shape: tuple `(height, width, channels)` of the large images. Sides are multiples of
            16, at least 32. `like=` and the command line fill it. Defaults to `(64, 64, 3)`.
        vocabulary: tuple of strings, the words that are known; all others are one unknown word.
            `None`: captions are embeddings. `like=` fills it from your data. Defaults to none.
        max_length: integer, words of a caption that are read. `like=` fills it. Defaults to 16.
        word_dim: integer, size of a word's embedding; more for thousands of words. Defaults to 64.
        embedding_dim: integer, size of a caption's embedding. `like=` fills it where captions are
            embeddings, such as 1024 numbers. Defaults to 128.
        condition_dim: integer, size of conditions and of embeddings as judged. Defaults to 128.
        latent_dim: integer, size of the noise. Defaults to 100.
        conditioning: how discriminators use the embedding: `"concatenation"` with features, as in
            the paper, or `"projection"`, which learns faster. Defaults to `"concatenation"`.
        mismatched_weight: float in [0, 1], the share of wrong captions in the terms on wrong
            inputs. Raise it where captions are not followed. Defaults to 0.5.
        wrong_captions: `"next"`, as in the paper, or `"nearest"`, those of a batch that differ in
            the fewest words, for captions of several things each. Defaults to `"next"`.
        divergence_weight: float of at least 0, of the divergence, which is summed over dimensions.
            Raise it for smoother transitions, lower it where captions are not followed. Defaults
            to 1/64: twice a mean over 128 dimensions, as in released code.
        contrastive_weight: float of at least 0, of telling images from each other by captions; it
            needs `conditioning="projection"`. Defaults to 0.0.
        modulation: boolean, whether noise and condition scale the first generator's layers.
            Defaults to `False`, as in the paper.
        loss: a name or instance of `kgan.losses`. Defaults to `"non_saturating"`.
        width: integer, channels at half an image's size in DCGAN's networks. Defaults to 64.
        kernel_size: integer, in the same networks. 3 is quicker. Defaults to 5.
        refiner_width: integer, channels of the refiner at the large image's size. Raise it where
            the second stage lacks detail; its time grows with the square. Defaults to 32.
        num_blocks: integer, the refiner's residual blocks. Defaults to 2.
        learning_rate: float above 0, of all optimizers. Lower it if losses jump. Defaults to 2e-4.
        beta_1: float in [0, 1), of both. Seldom worth a change. Defaults to 0.5.
        ema_momentum: float in (0, 1), such as 0.999, to keep moving averages of the weights, which
            then make the samples. Worth it in runs of thousands of steps. Defaults to `None`.
        stage: 1 or 2, which `fit` trains: leave it to `next_stage()`. Defaults to 1.
        seed: integer that seeds data order and noise. Defaults to `None`.

    Returns:
        A compiled `kgan.StackGAN`.

    Raises:
        ValueError: when strides can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    images, labels = kgan.data.load("digits", labels=True, size=32)
    captions = [f"the digit {label}" for label in labels]
    model = kgan.zoo.load("stackgan", like=(images, captions), width=4, refiner_width=4)
    model.fit(images[:64], captions[:64], verbose=0)
    model.next_stage()
    model.fit(images[:64], captions[:64], verbose=0)
    sevens = model.generate(captions=["the digit 7", "a 7"], seed=0)
    ```
    """
    small = networks.stacked.small_shape(image_shape)
    field = encoder = None
    if vocabulary is not None:
        field = Text(max_length, vocabulary)
        encoder = networks.text.encoder(field.num_tokens, max_length, embedding_dim, word_dim)
    sizes = {"width": width, "kernel_size": kernel_size}
    told = {"conditioning": conditioning, "condition_dim": condition_dim, **sizes}
    sizes |= {"condition_dim": None, "modulation": modulation}
    model = StackGAN(
        networks.text.generator(small, condition_dim, latent_dim, **sizes),
        networks.stacked.condition(embedding_dim, condition_dim),
        networks.text.discriminator(small, embedding_dim, **told),
        networks.stacked.refiner(image_shape, condition_dim, refiner_width, num_blocks),
        networks.stacked.condition(embedding_dim, condition_dim),
        networks.text.discriminator(image_shape, embedding_dim, **told),
        encoder,
        field,
        loss=loss,
        mismatched_weight=mismatched_weight,
        wrong_captions=wrong_captions,
        divergence_weight=divergence_weight,
        contrastive_weight=contrastive_weight,
        stage=stage,
        seed=seed,
        name="stackgan",
    )
    averaging = {"ema_momentum": ema_momentum}
    model.compile(optimizer={p: adam(learning_rate, beta_1, **averaging) for p in model.players})
    return model
