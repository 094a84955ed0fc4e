"""Domain transfer: translation without pairs that keeps what a frozen network sees in a sample."""

import math
from typing import Any

import keras
from keras import ops

from kgan import losses
from kgan.backend import keras_internals
from kgan.backend.frozen import frozen_copy
from kgan.data.fields import Field, Images, kind_of_shape, of_shape
from kgan.game import Player
from kgan.losses import AdversarialLoss
from kgan.models.translation import OneWayTranslator
from kgan.utils.arguments import check_weight
from kgan.utils.hints import Batch, Data, Tensor, Terms

# Places among the discriminator's logits; the last is that of real samples of the target.
_OF_SOURCE, _OF_TARGET = 0, 1


class DomainTransfer(OneWayTranslator):
    """A generator of what a frozen network sees, and a discriminator of three kinds of samples.

    Use this where two collections show the same content in two looks, no pairs are known, and you
    have a network that reads that content, such as the features of a classifier of the source: the
    network says what must stay. `fit(source, target)` takes collections of any lengths. Without
    such a network, `kgan.UnpairedTranslator` asks that a translation can be undone.

    Samples go through the embedding f and the generator g: a translation is `g(f(x))`. The
    discriminator tells apart what was made from the source, what was made from the target, and real
    samples of the target, by the cross-entropy of a softmax. The generator has three terms or four:
    both kinds of its samples should pass for real ones; f should see the same in a translation as
    in its source (`constancy`); a sample of the target should come back as it was (`identity`);
    and, as an option, neighbouring pixels should be alike (`variation`).

    The embedding is copied and frozen: no optimizer knows its weights, and it is in inference mode
    in `fit` too, so that neither its BatchNorm statistics move nor its dropout is drawn.

    `direct=True` is the baseline of the paper's section 3: the generator reads the source's samples
    themselves, and meets no others. Without an embedding, nothing then says what a translation
    shows: that is what the embedding is for, and the place to see what goes wrong without.

    Reference: Taigman et al. 2017, "Unsupervised Cross-Domain Image Generation", sections 3
    (`direct`: R_GAN and R_CONST) and 4 (L_D, L_GANG, L_CONST, L_TID and L_TV). The distances of
    both other terms are mean squares.

    Args:
        generator: functional `keras.Model` from the embedding's outputs, flattened, to samples of
            the target; with `direct=True` from samples of the source.
        discriminator: functional `keras.Model` from samples of the target to logits whose last axis
            is 3: made from the source, made from the target, real. With `direct=True` it is 2: made
            and real.
        embedding: functional or Sequential `keras.Model` that sees samples of both kinds, images in
            [-1, 1]. Images of another size are resized for it, grey ones repeated where it takes
            colour. Defaults to `None`, which `direct=True` allows.
        direct: boolean, whether the generator reads samples rather than the embedding's outputs.
            Defaults to `False`.
        constancy_weight: float of at least 0, alpha of the paper. Defaults to 15.0.
        identity_weight: float of at least 0, beta of the paper. Defaults to 15.0.
        variation_weight: float of at least 0, gamma of the paper, times
            `kgan.losses.total_variation`. Defaults to 0.0.
        source: `kgan.data.Field` of the source. Defaults to `None`: what the input shape of the
            embedding, or of a direct generator, says.
        target: `kgan.data.Field` of the target. Defaults to `None`: what the generator's output
            shape says.
        seed: integer that seeds data order. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        TypeError: when the embedding is no functional Keras model.
        ValueError: when there is no embedding, the networks do not fit together, or a weight is out
            of range.

    Example:

    ```python
    import keras

    import kgan
    from kgan.networks import dcgan

    images, labels = kgan.data.load("digits", labels=True)  # uint8 (n, 8, 8, 1)
    source, target = 255 - images[:200], images[200:300]
    # What must stay: a network that reads digits in the source's look.
    features = [keras.layers.Flatten(), keras.layers.Dense(32, activation="relu")]
    reader = keras.Sequential([keras.Input((8, 8, 1)), *features, keras.layers.Dense(10)])
    reader.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    reader.fit(kgan.data.to_float(source), labels[:200], verbose=0)
    model = kgan.DomainTransfer(
        generator=dcgan.generator((8, 8, 1), latent_dim=32, width=8),
        discriminator=dcgan.discriminator((8, 8, 1), width=8, num_logits=3),
        embedding=keras.Model(reader.inputs, reader.layers[-2].output),
    )
    model.compile(optimizer="adam")
    model.fit(source, target, verbose=0)
    made = model.translate(source[:4])  # uint8 (4, 8, 8, 1)
    ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        embedding: keras.Model | None = None,
        direct: bool = False,
        constancy_weight: float = 15.0,
        identity_weight: float = 15.0,
        variation_weight: float = 0.0,
        source: Field | None = None,
        target: Field | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.direct = bool(direct)
        self._num_codes = num_codes(embedding, self.direct)
        self.embedding = None if embedding is None else frozen_copy(embedding)
        self.constancy_weight = check_weight("constancy_weight", constancy_weight)
        self.identity_weight = check_weight("identity_weight", identity_weight)
        self.variation_weight = check_weight("variation_weight", variation_weight)
        self.source = source
        self.target = target
        self._check_embedding()
        self._check_networks()
        self.built = True

    @property
    def players(self) -> dict[str, Player]:
        """The table: a discriminator, and then the generator."""
        has = {
            "adversarial": True,
            "constancy": self.embedding is not None and self.constancy_weight,
            "identity": not self.direct and self.identity_weight,
            "variation": self.variation_weight,
        }
        kinds = ("from_source", "real") if self.direct else ("from_source", "from_target", "real")
        return {
            "discriminator": Player(("discriminator",), kinds),
            "generator": Player(("generator",), tuple(term for term in has if has[term])),
        }

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a batch holds: samples of the source, and others of the target."""
        reads = self.generator if self.direct else self.embedding
        source = self.source or of_shape(reads.input_shape[1:])
        target = self.target or of_shape(self.generator.output_shape[1:])
        return source.renamed("source"), target.renamed("target", paired=False)

    @property
    def translating(self) -> tuple[str, ...]:
        """The attributes that hold the networks of `translated`."""
        return ("generator",) if self.direct else ("embedding", "generator")

    @property
    def adversarial_loss(self) -> AdversarialLoss | None:
        """The pair of losses that two logits' cross-entropy is; of three kinds there is none."""
        return losses.NonSaturating() if self.direct else None

    def seen(self, x: Tensor) -> Tensor:
        """What the embedding sees in a tensor of samples of either kind: (batch, dim)."""
        *sides, channels = self.embedding.input_shape[1:]
        shape = tuple(x.shape[1:])
        if any(side not in (None, own) for side, own in zip(sides, shape, strict=False)):
            x = ops.image.resize(x, sides, antialias=True)
        if channels == 3 and shape[-1] == 1:
            x = ops.repeat(x, 3, axis=-1)
        # In `fit` too: in training mode a frozen network's dropout would still be drawn.
        features = ops.cast(keras_internals.in_inference(self.embedding, x), "float32")
        return ops.reshape(features, (-1, self._num_codes))

    def translated(self, x: Tensor) -> Tensor:
        """What is made of a tensor of samples of the source, or of the target."""
        return self.generator(x if self.direct else self.seen(x))

    def discriminator_loss(self, source: Tensor, target: Tensor) -> Terms:
        """The discriminator's terms: a cross-entropy for each kind that it tells apart."""
        # Its turn: nothing flows back into the generator.
        made = ops.stop_gradient(self.translated(source))
        terms = {"from_source": cross_entropy(self.discriminator(made), _OF_SOURCE)}
        if not self.direct:
            remade = ops.stop_gradient(self.translated(target))
            terms["from_target"] = cross_entropy(self.discriminator(remade), _OF_TARGET)
        return {**terms, "real": cross_entropy(self.discriminator(target), -1)}

    def generator_loss(self, source: Tensor, target: Tensor) -> Terms:
        """The generator's terms: to pass for real, and to keep what is to stay."""
        codes = None if self.embedding is None else self.seen(source)
        made = self.generator(source if self.direct else codes)
        adversarial = cross_entropy(self.discriminator(made), -1)
        variation = losses.total_variation(made) if self.variation_weight else 0.0
        terms = {}
        if codes is not None and self.constancy_weight:
            terms["constancy"] = self.constancy_weight * _distance(codes, self.seen(made))
        if not self.direct:
            remade = self.translated(target)
            adversarial += cross_entropy(self.discriminator(remade), -1)
            if self.identity_weight:
                terms["identity"] = self.identity_weight * _distance(target, remade)
            if self.variation_weight:
                variation += losses.total_variation(remade)
        if self.variation_weight:
            terms["variation"] = self.variation_weight * variation
        return {"adversarial": adversarial, **terms}

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The logits, that a sample is real, of the batch's targets and of fake ones."""
        return _logit_of_real(self.discriminator(batch[1])), _logit_of_real(
            self.discriminator(fake)
        )

    def _check_embedding(self):
        if self.embedding is None:
            return
        taken = tuple(self.embedding.input_shape[1:])
        for field in self.fields:
            shape = tuple(field.shape)
            are_images = isinstance(field, Images) and kind_of_shape(taken) is Images
            channels = (shape[-1], 3) if shape[-1] == 1 else shape[-1:]
            if shape != taken and not (are_images and taken[-1] in channels):
                raise ValueError(
                    "The embedding must see samples of both kinds. Images are resized for it, and "
                    "grey ones repeated where it takes colour; a network of grey images sees "
                    "coloured ones after a layer that makes them grey. "
                    f"Received: an embedding of {taken} and a {field.name} of {shape}"
                )

    def _check_networks(self):
        source, target = (tuple(field.shape) for field in self.fields)
        wanted = source if self.direct else (self._num_codes,)
        num_kinds = 2 if self.direct else 3
        reads, made = self.generator.input_shape[1:], self.generator.output_shape[1:]
        judged, told = self.discriminator.input_shape[1:], self.discriminator.output_shape[-1]
        if (tuple(reads), tuple(made), tuple(judged)) != (wanted, target, target):
            raise ValueError(
                "The generator must read what the embedding makes, flattened, or samples of the "
                "source where it is direct, and the discriminator what the generator makes. "
                f"Received: a generator from {reads} to {made} where {wanted} to {target} is "
                f"wanted, and a discriminator of {judged}"
            )
        if told != num_kinds:
            raise ValueError(
                f"The discriminator tells {num_kinds} kinds of samples apart, so the last axis of "
                f"its logits is {num_kinds}: see num_logits of kgan.networks.dcgan.discriminator. "
                f"Received: logits of shape {self.discriminator.output_shape}"
            )


def cross_entropy(logits: Tensor, kind: int) -> Tensor:
    """Minus the mean log-probability of one kind, by a softmax over the last axis.

    Args:
        logits: tensor (..., num_kinds).
        kind: integer, place on the last axis.
    """
    return -ops.mean(ops.log_softmax(ops.cast(logits, "float32"), axis=-1)[..., kind])


def _logit_of_real(logits):
    """The one logit by which a sigmoid gives the softmax's probability of real samples."""
    return logits[..., -1:] - ops.logsumexp(logits[..., :-1], axis=-1, keepdims=True)


def _distance(first, second):
    return ops.mean(ops.square(first - second))


def num_codes(embedding: keras.Model | None, direct: bool = False) -> int | None:
    """How many numbers an embedding sees in a sample, and raises where it can be none.

    Args:
        embedding: what was received for one.
        direct: boolean, whether a model does without: then `None` is allowed, and returned.
    """
    if embedding is None and direct:
        return None
    if embedding is None:
        raise ValueError(
            "Domain transfer needs an embedding: a network that reads in samples of either look "
            "what a translation must keep. Train one on labels of the source, for example with "
            '`kgan.metrics.train_extractor(images, labels).save("reader.keras")` and then '
            'embedding="reader.keras", or give a classifier of your own without its last layer, '
            "embedding=keras.Model(classifier.inputs, classifier.layers[-2].output). direct=True "
            "does without, to see what goes wrong then. Received: embedding=None"
        )
    if not isinstance(embedding, keras.Model) or not getattr(embedding, "inputs", None):
        raise TypeError(
            "An embedding is a functional or Sequential keras.Model with a known input shape, so "
            "that it is saved with the model. Wrap a layer or a subclassed model: "
            "keras.Sequential([keras.Input(shape), layer]). "
            f"Received: embedding={embedding!r} (of type {type(embedding).__name__})"
        )
    inputs, outputs = (
        [tuple(tensor.shape[1:]) for tensor in side]
        for side in (embedding.inputs, embedding.outputs)
    )
    if len(inputs) != 1 or len(outputs) != 1 or None in outputs[0]:
        raise ValueError(
            "An embedding takes samples, and makes one output of a fixed size. Choose one of its "
            "layers: keras.Model(f.inputs, f.get_layer(name).output). "
            f"Received: inputs of {inputs} and outputs of {outputs}"
        )
    return math.prod(outputs[0])
