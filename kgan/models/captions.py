"""Captions: what models of text to image share, and what the discriminator is told."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from kgan.data.fields import Field, Vectors
from kgan.losses import AdversarialLoss
from kgan.models.conditions import MatchingCondition
from kgan.serving.endpoints import Endpoint
from kgan.utils.arguments import check_count, check_weight
from kgan.utils.hints import Batch, Config, Data, Tensor, Terms

WrongCaptions = Literal["next", "nearest"]


@keras.saving.register_keras_serializable("kgan")
class CaptionCondition(MatchingCondition):
    """A caption that both networks are told, as numbers.

    Use this for embeddings of captions that a batch holds, or through `kgan.TextToImageGAN`, which
    makes them of strings. The terms are those of `kgan.MatchingCondition`. A wrong caption is that
    of another sample of the batch whose caption differs: in data of few captions a sample's
    neighbour often has the same, and would be called wrong where it is right. Where all captions of
    a batch are equal there is none, and the next sample's stands in.

    `wrong_captions="nearest"` takes the one that differs in the fewest words, place by place. A
    caption that differs in all is told from the right one by the easiest of its words, such as a
    colour, and the others are learned late.

    With a `contrastive_weight` both players have a term `contrastive` too: each image of a batch is
    to be told from the others by its caption, and each caption from the others by its image. The
    discriminator learns it of real images, the generator of its own. Samples then show what their
    captions say much earlier. It needs a discriminator of one logit with layers named `features`
    and `projection`, such as `kgan.networks.text.discriminator(conditioning="projection")`.

    Reference: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1; for
    the contrastive term, Zhang et al. 2021, "Cross-Modal Contrastive Learning for Text-to-Image
    Generation", section 4.1, contrast of images and sentences.

    Deviations: the contrast is that of the inner products which the logit is made of, not of
    cosines over a temperature, and in both directions.

    Args:
        captions: `kgan.data.Field` of the captions, `kgan.data.Text` or `kgan.data.Vectors`.
        matching_aware: boolean, whether there are wrong captions. Defaults to `True`.
        mismatched_weight: float in [0, 1]: what of the terms on wrong inputs is for wrong
            captions. Defaults to 0.5.
        wrong_captions: `"next"`, as in the paper, or `"nearest"`. Defaults to `"next"`.
        contrastive_weight: float of at least 0. Defaults to 0.0, no such term.

    Raises:
        ValueError: when a weight is out of range, or there are no such wrong captions.

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
        self,
        captions: Field,
        matching_aware: bool = True,
        mismatched_weight: float = 0.5,
        wrong_captions: WrongCaptions = "next",
        contrastive_weight: float = 0.0,
    ) -> None:
        """Check and keep the options."""
        super().__init__(matching_aware, mismatched_weight)
        if wrong_captions not in ("next", "nearest"):
            raise ValueError(
                'A wrong caption is that of the "next" sample, or the "nearest" one in words. '
                f"Received: wrong_captions={wrong_captions!r}"
            )
        self.captions = captions
        self.wrong_captions = wrong_captions
        self.contrastive_weight = check_weight("contrastive_weight", contrastive_weight)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The captions."""
        return (self.captions,)

    def inputs(self, given: Batch) -> Batch:
        """The embeddings, which a model that makes them puts behind the captions."""
        return (given[-1],)

    def wrong(self, given: Batch) -> Batch:
        """Another caption of the batch for each sample, and its embedding."""
        captions = given[0]
        unlike = ops.cast(ops.not_equal(captions[:, None], captions[None, :]), "int32")
        unlike = ops.sum(unlike, axis=-1)  # (batch, batch), numbers that differ
        rank = unlike if self.wrong_captions == "nearest" else ops.zeros_like(unlike)
        # Equal captions come after all others.
        rank = ops.where(unlike == 0, captions.shape[1] + 1, rank)
        num_samples = ops.shape(captions)[0]
        places = ops.arange(num_samples, dtype="int32")
        # How far behind a sample another is, itself last.
        steps = (places[None, :] - places[:, None] - 1) % num_samples
        other = ops.argmin(steps + num_samples * rank, axis=1)
        return tuple(ops.take(values, other, axis=0) for values in given)

    def reader(self, discriminator: keras.Model) -> keras.Model:
        """The discriminator with what the contrast is of: logits, projected captions, features.

        Args:
            discriminator: functional `keras.Model` of images and embeddings.

        Returns:
            The discriminator itself without a `contrastive_weight`, else a `keras.Model` of the
            same layers with three outputs.

        Raises:
            ValueError: when it has no layers named `features` and `projection`, or several outputs.
        """
        if not self.contrastive_weight:
            return discriminator
        wanted, names = ("projection", "features"), [layer.name for layer in discriminator.layers]
        if not set(wanted) <= set(names) or len(discriminator.outputs) != 1:
            raise ValueError(
                "The contrast of captions and images is that of a projection: the discriminator "
                "has one logit, and layers named 'features' and 'projection'. Take "
                'conditioning="projection", or set contrastive_weight=0. '
                f"Received: {len(discriminator.outputs)} outputs and layers {names}"
            )
        parts = [discriminator.get_layer(name).output for name in wanted]
        return keras.Model(discriminator.inputs, [*discriminator.outputs, *parts])

    def contrast(self, outputs: Sequence[Tensor], captions: Tensor) -> Tensor:
        """How badly images and captions of a batch are told from each other: a cross-entropy.

        Args:
            outputs: a reader's outputs for images with their own captions: logits, projected
                captions (batch, size) and features (batch, size).
            captions: tensor (batch, ...), captions as the batch holds them: another sample with
                the same one is no wrong answer.

        Returns:
            A scalar, the mean over both directions.
        """
        told, features = (ops.cast(part, "float32") for part in outputs[1:])
        scores = ops.matmul(told, ops.transpose(features))  # (batch, batch), captions by images
        same = ops.all(ops.equal(captions[:, None], captions[None, :]), axis=-1)
        own = ops.eye(ops.shape(captions)[0])
        scores = ops.where(ops.logical_and(same, own == 0), -1e9, scores)
        right = ops.sum(scores * own, axis=0)
        wrong = [ops.logsumexp(scores, axis=axis) for axis in (0, 1)]
        return ops.mean(0.5 * (wrong[0] + wrong[1]) - right)

    def discriminator_terms(self, loss: AdversarialLoss, heads: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the terms of `discriminator_losses`."""
        return (*super().discriminator_terms(loss, heads), *self._contrastive)

    def generator_terms(self, loss: AdversarialLoss, heads: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the terms of `generator_losses`."""
        return (*super().generator_terms(loss, heads), *self._contrastive)

    def discriminator_losses(
        self,
        loss: AdversarialLoss,
        real: Sequence[Tensor],
        fake: Sequence[Tensor],
        mismatched: Sequence[Tensor] | None,
        given: Batch,
        noise: Tensor,
    ) -> Terms:
        """The terms of `kgan.MatchingCondition`, and of real images the contrast."""
        on_real, on_fake, on_wrong = (self._heads_of(side) for side in (real, fake, mismatched))
        terms = super().discriminator_losses(loss, on_real, on_fake, on_wrong, given, noise)
        return {**terms, **self._contrasts(real, given)}

    def generator_losses(
        self,
        loss: AdversarialLoss,
        real: Sequence[Tensor] | None,
        fake: Sequence[Tensor],
        given: Batch,
        noise: Tensor,
    ) -> Terms:
        """The terms of `kgan.MatchingCondition`, and of generated images the contrast."""
        on_real, on_fake = self._heads_of(real), self._heads_of(fake)
        terms = super().generator_losses(loss, on_real, on_fake, given, noise)
        return {**terms, **self._contrasts(fake, given)}

    def logits(self, outputs: Sequence[Tensor]) -> Tensor:
        """The logits that penalties see."""
        return super().logits(self._heads_of(outputs))

    @property
    def _contrastive(self):
        return ("contrastive",) * bool(self.contrastive_weight)

    def _heads_of(self, outputs):
        """A discriminator's own outputs, of a reader's or of none."""
        return outputs[:1] if self.contrastive_weight and outputs is not None else outputs

    def _contrasts(self, outputs, given):
        if not self.contrastive_weight:
            return {}
        return {"contrastive": self.contrastive_weight * self.contrast(outputs, given[0])}

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal condition."""
        captions = keras.saving.serialize_keras_object(self.captions)
        config = {"captions": captions, **super().get_config()}
        return {
            **config,
            "wrong_captions": self.wrong_captions,
            "contrastive_weight": self.contrastive_weight,
        }

    @classmethod
    def from_config(cls, config: Config) -> "CaptionCondition":
        """Make a condition from what `get_config` returned."""
        captions = keras.saving.deserialize_keras_object(config["captions"])
        return cls(**{**config, "captions": captions})


class Captioned:
    """What models share that make images of captions.

    A subclass of this and of `kgan.AdversarialModel` keeps its field of captions as `captions`, a
    network `text_encoder`, or `None` where batches hold embeddings, and an endpoint `generate`.
    """

    # What a subclass keeps.
    captions: Field
    text_encoder: keras.Model | None
    answers: Any
    endpoints: Any
    run: Any

    def embedded(self, captions: Tensor) -> Tensor:
        """The embeddings of captions as a batch holds them."""
        return captions if self.text_encoder is None else self.text_encoder(captions)

    def with_embeddings(
        self, generate: Endpoint, function: Callable[..., Tensor]
    ) -> dict[str, Endpoint]:
        """The endpoints around embeddings, beside one that makes images of captions.

        Args:
            generate: the endpoint that takes captions as a user gives them.
            function: what it does, of noise and embeddings.

        Returns:
            A dict: `generate`, and of strings `embed` and `generate_embedded` too.
        """
        if self.text_encoder is None:
            return {"generate": generate}
        embeddings = Vectors(tuple(self.text_encoder.output_shape[1:]), name="embeddings")
        return {
            "generate": dataclasses.replace(
                generate, networks=(*generate.networks, "text_encoder")
            ),
            "embed": Endpoint(
                function=self.embedded,
                inputs=(self.captions,),
                output=embeddings,
                networks=("text_encoder",),
            ),
            "generate_embedded": dataclasses.replace(
                generate, function=function, inputs=(embeddings,), imitates=None
            ),
        }

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
        if captions is not None and not hasattr(captions, "__len__"):
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
        check_count("num_samples", num_samples, minimum=0)
        inputs = self.answers.inputs_for("generate", num_samples, captions)
        noise = self.answers["generate"].noise.sample(num_samples, seed, truncation)
        return self.answers.run("generate", inputs, noise, batch_size)

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
        is_one = isinstance(start, str | bytes)
        ends: list[Any] = [[side] if is_one else side for side in (start, end)]
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

    def check_captions(self, taken: tuple[int, ...]) -> None:
        """Raises where field, text encoder and what reads embeddings do not fit together.

        Args:
            taken: tuple, the shape of an embedding as a network reads it.

        Raises:
            ValueError: when shapes differ.
        """
        captions = self.captions
        made = self.text_encoder and tuple(self.text_encoder.output_shape[1:])
        read = self.text_encoder and tuple(self.text_encoder.input_shape[1:])
        if (made or captions.shape) != taken or (read or captions.shape) != captions.shape:
            raise ValueError(
                "Captions, text encoder and generator must fit together: the encoder reads "
                "captions as batches hold them, the generator what the encoder makes. "
                f"Received: captions of shape {captions.shape}, a text encoder of {read} to "
                f"{made}, a generator of embeddings of {taken}"
            )
