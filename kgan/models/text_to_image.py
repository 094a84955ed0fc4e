"""Text to image: a GAN that is told by captions what to make."""

import types
from typing import Any

import keras
from keras import ops

from kgan.data.fields import Field, Vectors
from kgan.game import Player
from kgan.losses import AdversarialLoss
from kgan.models.captions import CaptionCondition, Captioned, WrongCaptions
from kgan.models.conditions import listed
from kgan.models.gan import GAN
from kgan.serving.endpoints import Endpoint
from kgan.utils.arguments import check_weight
from kgan.utils.hints import Batch, Config, Data, Tensor, Terms


class TextToImageGAN(Captioned, GAN):
    """A GAN that makes images of captions: of strings, or of embeddings that a user brings.

    Use this for images with captions: `fit(images, captions)`, `generate(captions=[...])`.

    Reference: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1
    (GAN-CLS) and equation 5 (GAN-INT).

    The discriminator's terms are `real` (with its caption), `fake` (with the caption that it was
    made of, times `1 - mismatched_weight`) and `mismatched` (real with another sample's caption,
    times `mismatched_weight`). The generator's are `adversarial` and, with `interpolation_weight`,
    `interpolated`: samples of embeddings half way between those of two captions, half a batch of
    them. No real image belongs to these, so they are the generator's alone.

    The text encoder is the discriminator's: it learns what tells a right caption from a wrong one.
    The generator takes its embeddings as they are.

    Args:
        generator: functional `keras.Model` from `[noise, embeddings]` to images.
        discriminator: functional `keras.Model` from `[images, embeddings]` to logits.
        text_encoder: functional `keras.Model` from what a batch holds of a caption, such as ids of
            words, to embeddings. Defaults to `None`: batches hold embeddings.
        captions: `kgan.data.Field` of the captions, such as `kgan.data.Text(...)`. Defaults to
            `None`: vectors of the size that the generator takes.
        loss: a `kgan.losses` pair or its name. The three terms need one that is a sum over
            real and fake, so none that is relativistic. Defaults to `"non_saturating"`.
        matching_aware: boolean. `False` leaves wrong captions out. Defaults to `True`.
        mismatched_weight: float in [0, 1]: what of the terms on wrong inputs is for wrong
            captions. Defaults to 0.5.
        wrong_captions: `"next"`, those of the next sample, or `"nearest"`, those that differ in the
            fewest words: see `kgan.CaptionCondition`. Defaults to `"next"`.
        interpolation_weight: float of at least 0, of the term of interpolated captions; 0 leaves it
            out, and its time, a quarter of a step. Defaults to 1.0.
        contrastive_weight: float of at least 0, of a term `contrastive` of both players: images
            are told from each other by their captions. See `kgan.CaptionCondition`, which says what
            the discriminator needs for it. Defaults to 0.0, no such term.
        seed: integer that seeds data order and noise. Defaults to `None`.
        **kwargs: `penalties`, `noise`, `discriminator_steps` and others as for `kgan.GAN`.

    Raises:
        ValueError: when the networks do not fit together, or the loss has no halves where they are
            needed.

    Example:

    ```python
    import kgan

    images, labels = kgan.data.load("digits", labels=True)
    words = "zero one two three four five six seven eight nine".split()
    captions = [f"a {words[label]}" for label in labels]
    text, networks = kgan.data.Text.describe(captions), kgan.networks.text
    model = kgan.TextToImageGAN(
        networks.generator((8, 8, 1), embedding_dim=16, width=8),
        networks.discriminator((8, 8, 1), embedding_dim=16, width=8),
        networks.encoder(text.num_tokens, text.max_length, 16),
        captions=text,
    )
    model.compile(optimizer="adam")
    model.fit(images[:64], captions[:64], verbose=0)
    sevens = model.generate(4, captions="a seven")
    walk = model.interpolate("a seven", "a one", steps=5)  # (5, 8, 8, 1)
    ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        text_encoder: keras.Model | None = None,
        captions: Field | None = None,
        loss: str | AdversarialLoss = "non_saturating",
        matching_aware: bool = True,
        mismatched_weight: float = 0.5,
        wrong_captions: WrongCaptions = "next",
        interpolation_weight: float = 1.0,
        contrastive_weight: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        taken = tuple(generator.inputs[-1].shape[1:])
        captions = Vectors(taken) if captions is None else captions
        captions = captions.renamed("captions")
        condition = CaptionCondition(
            captions, matching_aware, mismatched_weight, wrong_captions, contrastive_weight
        )
        super().__init__(
            generator, discriminator, loss=loss, condition=condition, seed=seed, **kwargs
        )
        self.interpolation_weight = check_weight("interpolation_weight", interpolation_weight)
        self.text_encoder = text_encoder
        self.check_captions(taken)
        if self.interpolation_weight and self.loss.relativistic:
            raise ValueError(
                "No real images belong to interpolated captions, and a relativistic loss compares "
                "with real ones. Set interpolation_weight=0, or take another loss. "
                f"Received: loss={self.loss!r}"
            )

    @property
    def captions(self) -> Field:
        """The field of the captions."""
        return self.condition.captions

    @property
    def matching_aware(self) -> bool:
        """Whether the discriminator is shown wrong captions."""
        return self.condition.matching_aware

    @property
    def mismatched_weight(self) -> float:
        """What of the terms on wrong inputs is for wrong captions."""
        return self.condition.mismatched_weight

    @property
    def wrong_captions(self) -> WrongCaptions:
        """Which captions of a batch are shown as wrong ones."""
        return self.condition.wrong_captions

    @property
    def contrastive_weight(self) -> float:
        """Weight of telling a batch's images from each other by their captions."""
        return self.condition.contrastive_weight

    def take_networks(self) -> None:
        """Checks that the networks fit, and reads them: again where one was replaced."""
        super().take_networks()
        # Untracked, because these layers belong to the discriminator already.
        reader = self.condition.reader(self.discriminator)
        self._reader = types.MappingProxyType({"discriminator": reader})

    @property
    def players(self) -> dict[str, Player]:
        """The table: a discriminator that reads captions too, and a generator."""
        table = super().players
        judge, maker = table["discriminator"], table["generator"]
        encoder = ("text_encoder",) * (self.text_encoder is not None)
        between = ("interpolated",) * bool(self.interpolation_weight)
        return {
            "discriminator": Player((*judge.networks, *encoder), judge.terms),
            "generator": Player(maker.networks, (*maker.terms, *between), maker.every),
        }

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: `generate`, and of strings `embed` and `generate_embedded`."""
        return self.with_embeddings(super().endpoints["generate"], super().generated)

    def generated(self, noise: Tensor, *given: Tensor) -> Tensor:
        """The generator's raw output for noise and captions."""
        return super().generated(noise, *given, self.embedded(given[0]))

    def draw_shared(self, x: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        """A generated batch for both turns, and the noise that it was made of."""
        return super().draw_shared(x, *given, self.embedded(given[0]))

    def discriminator_loss(self, x: Tensor, *given: Tensor) -> Terms:
        """The discriminator's terms on a real batch and a fresh generated one."""
        return super().discriminator_loss(x, *given, self.embedded(given[0]))

    def generator_loss(self, x: Tensor, *given: Tensor) -> Terms:
        """The generator's terms on fresh batches of the captions and of what is between them."""
        embeddings = ops.stop_gradient(self.embedded(given[0]))
        terms = super().generator_loss(x, *given, embeddings)
        if self.interpolation_weight:
            terms["interpolated"] = self.interpolation_weight * self._between(embeddings)
        return terms

    def _between(self, embeddings):
        """Equation 5's second term: the loss on samples of means of two embeddings."""
        num_samples = ops.shape(embeddings)[0]
        half = (num_samples + 1) // 2
        given = (0.5 * (embeddings[:half] + embeddings[num_samples - half :]),)
        noise = self._draw(half)
        outputs = self._outputs(self._augmented(self._make(noise, given)), given)
        heads = outputs[: len(self.heads)]
        return sum(self.loss.generator(None, logits) for logits in heads)

    def _outputs(self, samples, given):
        return listed(self._reader["discriminator"](self._inputs("discriminator", samples, given)))

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The discriminator's logits for the batch's samples, and for as many fake ones."""
        return super().discriminator_logits((*batch, self.embedded(batch[1])), fake)

    def get_config(self) -> Config:
        """The arguments of `__init__`: the condition is made of them."""
        config = super().get_config()
        del config["condition"]
        return config
