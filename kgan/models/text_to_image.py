"""Text to image: a GAN that is told by captions what to make."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.data.fields import Field, Vectors
from kgan.game import Player
from kgan.losses import AdversarialLoss
from kgan.models.conditions import MatchingCondition
from kgan.models.gan import GAN
from kgan.serving.endpoints import Endpoint
from kgan.utils.arguments import check_count, check_weight
from kgan.utils.hints import Batch, Config, Data, Tensor, Terms


@keras.saving.register_keras_serializable("kgan")
class CaptionCondition(MatchingCondition):
    """A caption that both networks are told, as numbers.

    Use this for embeddings of captions that a batch holds, or through `kgan.TextToImageGAN`, which
    makes them of strings. The terms are those of `kgan.MatchingCondition`. A wrong caption is that
    of the next sample of the batch whose caption differs: in data of few captions a sample's
    neighbour often has the same, and would be called wrong where it is right. Where all captions of
    a batch are equal there is none, and the next sample's stands in.

    Reference: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1.

    Args:
        captions: `kgan.data.Field` of the captions, `kgan.data.Text` or `kgan.data.Vectors`.
        matching_aware: boolean, whether there are wrong captions. Defaults to `True`.
        mismatched_weight: float in [0, 1]: what of the terms on wrong inputs is for wrong
            captions. Defaults to 0.5.

    Raises:
        ValueError: when the weight is out of range.

    Example:

    ```python
    import kgan
    import numpy as np

    condition = kgan.CaptionCondition(kgan.data.Vectors((1,), name="captions"))
    (wrong,) = condition.wrong((np.array([[0.0], [0.0], [1.0]], "float32"),))
    assert np.array(wrong).ravel().tolist() == [1.0, 1.0, 0.0]
    ```
    """

    def __init__(
        self, captions: Field, matching_aware: bool = True, mismatched_weight: float = 0.5
    ) -> None:
        """Check and keep the options."""
        super().__init__(matching_aware, mismatched_weight)
        self.captions = captions

    @property
    def fields(self) -> tuple[Field, ...]:
        """The captions."""
        return (self.captions,)

    def inputs(self, given: Batch) -> Batch:
        """The embeddings, which a model that makes them puts behind the captions."""
        return (given[-1],)

    def wrong(self, given: Batch) -> Batch:
        """The captions, and their embeddings, of the next sample with another caption."""
        captions = given[0]
        equal = ops.all(ops.equal(captions[:, None], captions[None, :]), axis=-1)
        num_samples = ops.shape(captions)[0]
        places = ops.arange(num_samples, dtype="int32")
        # How far behind a sample another is, itself last; equal captions after all others.
        steps = (places[None, :] - places[:, None] - 1) % num_samples
        other = ops.argmin(steps + num_samples * ops.cast(equal, "int32"), axis=1)
        return tuple(ops.take(values, other, axis=0) for values in given)

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal condition."""
        captions = keras.saving.serialize_keras_object(self.captions)
        return {"captions": captions, **super().get_config()}

    @classmethod
    def from_config(cls, config: Config) -> "CaptionCondition":
        """Make a condition from what `get_config` returned."""
        captions = keras.saving.deserialize_keras_object(config["captions"])
        return cls(**{**config, "captions": captions})


class TextToImageGAN(GAN):
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
        interpolation_weight: float of at least 0, of the term of interpolated captions; 0 leaves it
            out, and its time, a quarter of a step. Defaults to 1.0.
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
        interpolation_weight: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        taken = tuple(generator.inputs[-1].shape[1:])
        captions = Vectors(taken) if captions is None else captions
        captions = captions.renamed("captions")
        condition = CaptionCondition(captions, matching_aware, mismatched_weight)
        super().__init__(
            generator, discriminator, loss=loss, condition=condition, seed=seed, **kwargs
        )
        self.interpolation_weight = check_weight("interpolation_weight", interpolation_weight)
        self.text_encoder = text_encoder
        self._check_captions(captions, taken)

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
        generate = super().endpoints["generate"]
        if self.text_encoder is None:
            return {"generate": generate}
        size = tuple(self.text_encoder.output_shape[1:])
        embedding = Vectors(size, name="embeddings")
        networks = ("generator", "text_encoder")
        return {
            "generate": dataclasses.replace(generate, networks=networks),
            "embed": Endpoint(
                function=self.embedded,
                inputs=(self.captions,),
                output=embedding,
                networks=("text_encoder",),
            ),
            "generate_embedded": dataclasses.replace(
                generate, function=super().generated, inputs=(embedding,), imitates=None
            ),
        }

    def embedded(self, captions: Tensor) -> Tensor:
        """The embeddings of captions as a batch holds them."""
        return captions if self.text_encoder is None else self.text_encoder(captions)

    def generated(self, noise: Tensor, *given: Tensor) -> Tensor:
        """The generator's raw output for noise and captions."""
        return super().generated(noise, *given, self.embedded(given[0]))

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
        return sum(self.condition.generator_losses(self.loss, None, outputs, given, noise).values())

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The discriminator's logits for the batch's samples, and for as many fake ones."""
        return super().discriminator_logits((*batch, self.embedded(batch[1])), fake)

    def generate(
        self,
        num_samples: int | None = None,
        *,
        captions: Data = None,
        labels: None = None,
        seed: int | None = None,
        truncation: float | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New images of captions, in the data's own scale.

        Args:
            num_samples: integer. Defaults to `None`, one for each caption.
            captions: one string for all samples, or a list of strings, one for each; embeddings,
                (num_samples, embedding_dim), for a model of such. Words that the model does not
                know are all the same word to it.
            labels: not defined: this model is asked by `captions`.
            seed: integer: the same seed gives the same samples. Defaults to a new one each time.
            truncation: float, bound of the noise: see `kgan.latent.sample`. Defaults to `None`.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            NumPy array: images as uint8 (num_samples, height, width, channels).

        Raises:
            TypeError: when captions are no strings, for a model of strings.
            ValueError: when there are none, or not one per sample.
        """
        if labels is not None:
            raise ValueError(
                "This model is asked by captions and knows no classes. Pass them as `captions=`. "
                f"Received: labels={labels!r}"
            )
        is_one = isinstance(captions, str | bytes)
        if not is_one and captions is not None and np.ndim(captions) == 0:
            raise TypeError(
                "Captions are a string, or a list of them with one per sample. "
                f"Received: captions={captions!r}"
            )
        if captions is None or len(captions) == 0 or (is_one and not captions.strip()):
            raise ValueError(
                "There is no caption to make an image of. Expected a string, or a list of them "
                f"with one per sample. Received: captions={captions!r}"
            )
        if num_samples is None:
            num_samples = 1 if is_one else len(captions)
        return super().generate(
            num_samples, labels=captions, seed=seed, truncation=truncation, batch_size=batch_size
        )

    def interpolate(
        self,
        start: Data,
        end: Data,
        steps: int = 8,
        *,
        seed: int | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """The images between two captions: how one turns into another, with the same noise.

        Reference: Reed et al. 2016, section 4.3: the embeddings between two captions' need not
        belong to any text.

        Args:
            start: a string, or a list of strings; embeddings for a model of such.
            end: as many.
            steps: integer of at least 2, both ends included. Defaults to 8.
            seed: integer that the noise is drawn from, one for each pair. Defaults to a new one
                each time.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            NumPy array (steps, height, width, channels), or (n, steps, height, width, channels)
            for lists.

        Raises:
            TypeError: when captions are no strings, for a model of strings.
            ValueError: when there are not as many of each, or fewer than two steps.
        """
        check_count("steps", steps, minimum=2)
        is_one = isinstance(start, str | bytes) or np.ndim(start) == 0
        ends = [[side] if is_one else side for side in (start, end)]
        if self.text_encoder is None:
            name, ends = "generate", [self.captions.check(side) for side in ends]
        else:
            name, ends = "generate_embedded", [self.run("embed", side) for side in ends]
        if len(ends[0]) != len(ends[1]):
            raise ValueError(
                "Each path has a start and an end, so there must be as many of both. "
                f"Received: {len(ends[0])} and {len(ends[1])}"
            )
        times = np.linspace(0.0, 1.0, steps, dtype="float32")[:, None]
        path = (1.0 - times) * ends[0][:, None] + times * ends[1][:, None]
        noise = self.endpoints[name].noise.sample(len(path), seed)
        rows = [np.repeat(noise, steps, axis=0), path.reshape(-1, path.shape[-1])]
        images = self.answers.run(name, rows[1:], rows[0], batch_size)
        images = images.reshape(*path.shape[:2], *images.shape[1:])
        return images[0] if is_one else images

    def get_config(self) -> Config:
        """The arguments of `__init__`: the condition is made of them."""
        config = super().get_config()
        del config["condition"]
        return config

    def _check_captions(self, captions, taken):
        made = self.text_encoder and tuple(self.text_encoder.output_shape[1:])
        read = self.text_encoder and tuple(self.text_encoder.input_shape[1:])
        if (made or captions.shape) != taken or (read or captions.shape) != captions.shape:
            raise ValueError(
                "Captions, text encoder and generator must fit together: the encoder reads "
                "captions as batches hold them, the generator what the encoder makes. "
                f"Received: captions of shape {captions.shape}, a text encoder of {read} to "
                f"{made}, a generator of embeddings of {taken}"
            )
        if self.interpolation_weight and self.loss.relativistic:
            raise ValueError(
                "No real images belong to interpolated captions, and a relativistic loss compares "
                "with real ones. Set interpolation_weight=0, or take another loss. "
                f"Received: loss={self.loss!r}"
            )
