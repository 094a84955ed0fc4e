"""The domain transfer network (Taigman et al. 2017, section 4).

Without pairs, a frozen network says what a translation keeps: a generator reads what it sees, and a
discriminator tells apart images made from either collection and real ones.
"""

import keras

from kgan import networks
from kgan.catalog.registry import Like, register
from kgan.data.fields import Images
from kgan.game.optimizers import adam
from kgan.metrics import image_features
from kgan.metrics.extractors import load_network
from kgan.models.domain_transfer import DomainTransfer, num_codes

# Of a direct generator, as many as the paper's embedding of digits has.
_CODE_SIZE = 128


def _shape_of_target(source, target=None):
    return {} if target is None else {"target_shape": target.shape}


@register(
    like=Like(
        "image_shape", kinds=(Images,), then=((Images,),), paired=False, fill=_shape_of_target
    ),
    brought=lambda: {"embedding": image_features()},
)
def domain_transfer(
    image_shape: tuple[int, ...] = (32, 32, 3),
    *,
    target_shape: tuple[int, ...] | None = None,
    embedding: keras.Model | str | None = None,
    direct: bool = False,
    constancy_weight: float = 15.0,
    identity_weight: float = 15.0,
    variation_weight: float = 0.0,
    width: int = 64,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    ema_momentum: float | None = None,
    seed: int | None = None,
) -> DomainTransfer:
    """Image translation without pairs that keeps what a network of your own sees in an image.

    Use this when there are images of two kinds but no pairs, and a network that reads in either
    what a translation must keep, such as a classifier of the first kind's labels. The second kind
    needs no labels. `fit(source, target)` takes two collections of any lengths and sizes,
    `translate(images)` goes from the first to the second.

    Reference: Taigman et al. 2017, "Unsupervised Cross-Domain Image Generation", section 4, with
    the weights of section 5.1 (digits).

    Deviations: the networks are DCGAN's, with as many doublings as the image allows, and Adam has
    DCGAN's rates. The total variation is a mean over pixels.

    Args:
        image_shape: tuple `(height, width, channels)` of the source's images. `like=` and the
            command line fill it from your data. Defaults to `(32, 32, 3)`.
        target_shape: tuple, likewise of the target's images. Defaults to `None`: as the source's.
        embedding: functional or Sequential `keras.Model` from images in [-1, 1], of any size and in
            grey or colour, to what a translation must keep, or the path of a `.keras` file that
            holds one, as `kgan.metrics.train_extractor(images, labels).save(path)` writes it. It is
            copied and frozen. Defaults to `None`, which is refused unless `direct=True`.
        direct: boolean. `True` builds the paper's baseline, whose generator reads the images
            themselves: with an embedding its likeness is a term only, without one nothing says what
            a translation shows. Use it to see what the embedding is for. Defaults to `False`.
        constancy_weight: float of at least 0, weight of what the embedding sees differently after
            translation. Raise it where the content changes. Defaults to 15.0.
        identity_weight: float of at least 0, weight of what translation changes in images that are
            the target's already. Raise it where translations are unclear. Defaults to 15.0.
        variation_weight: float of at least 0, weight of the differences between neighbouring
            pixels. Try 0.05 where there are speckles. Defaults to 0.0.
        width: integer, channels at half the image's size. Parameters and time grow with its square:
            lower it for small images, few samples or a slow machine, raise it where samples lack
            detail. Defaults to 64.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.5.
        ema_momentum: float in (0, 1), to keep a moving average of the generator, which then serves.
            Worth it in long runs. Defaults to `None`.
        seed: integer that seeds data order. Set it for a run that can be repeated. Defaults to
            `None`.

    Returns:
        A compiled `kgan.DomainTransfer`.

    Raises:
        ValueError: when there is no embedding, or it can't see both kinds of images, strides can't
            produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    images, labels = kgan.data.load("digits", labels=True)  # uint8 (n, 8, 8, 1)
    source, target = 255 - images[:200], images[200:300]
    reader = kgan.metrics.train_extractor(source, labels[:200], epochs=1)
    reader.save("reader.keras")
    options = {"embedding": "reader.keras", "width": 8}
    model = kgan.zoo.load("domain_transfer", like=(source, target), **options)
    model.fit(source[:32], target[:32], verbose=0)
    made = model.translate(source[:4])  # uint8 (4, 8, 8, 1)
    ```
    """
    target_shape = tuple(image_shape if target_shape is None else target_shape)
    embedding = load_network(embedding) if isinstance(embedding, str) else embedding
    dim = _CODE_SIZE if direct else num_codes(embedding)
    generator = networks.dcgan.generator(target_shape, dim, width)
    if direct:
        encoder = networks.autoencoders.encoder(
            image_shape, dim, units=None, width=width, is_variational=False
        )
        generator = keras.Model(encoder.inputs, generator(encoder.output), name="generator")
    model = DomainTransfer(
        generator=generator,
        discriminator=networks.dcgan.discriminator(
            target_shape, width, num_logits=2 if direct else 3
        ),
        embedding=embedding,
        direct=direct,
        constancy_weight=constancy_weight,
        identity_weight=identity_weight,
        variation_weight=variation_weight,
        source=Images(image_shape),
        target=Images(target_shape),
        seed=seed,
        name="domain_transfer",
    )
    model.compile(
        optimizer={
            "discriminator": adam(learning_rate, beta_1),
            "generator": adam(learning_rate, beta_1, ema_momentum=ema_momentum),
        }
    )
    return model
