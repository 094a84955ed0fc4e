"""StackGAN: a small image of a caption first, and then a large one of both."""

import types
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import losses
from kgan.backend.frozen import freeze
from kgan.backend.seeds import SeedGenerator
from kgan.data.fields import Field, Vectors, of_shape
from kgan.game import AdversarialModel, Player
from kgan.losses import AdversarialLoss
from kgan.losses.likelihoods import standard_normal_divergence
from kgan.models.captions import CaptionCondition, Captioned, WrongCaptions
from kgan.models.conditions import listed
from kgan.models.encoder_decoder import drawn
from kgan.networks.stacked import FACTOR
from kgan.serving.endpoints import Endpoint, Noise
from kgan.utils.arguments import check_rate, check_weight
from kgan.utils.hints import Batch, Data, Tensor, Terms

SECOND = ("refiner", "refiner_condition", "refiner_discriminator")


class StackGAN(Captioned, AdversarialModel):
    """Two GANs, one after the other: small images of captions, and large ones of those.

    Use this for images with captions that are too large for `kgan.TextToImageGAN`. Both stages take
    the same data: the first learns from the images reduced to a quarter of their height and width.
    When it is good, `next_stage()` freezes it, and `fit` goes on with the second.

    Reference: Zhang et al. 2017, "StackGAN: Text to Photo-realistic Image Synthesis with Stacked
    Generative Adversarial Networks", equations 1 to 5; Reed et al. 2016, algorithm 1, for wrong
    captions.

    Both stages have the same terms. The discriminator's are `real`, `fake` and `mismatched`, as of
    `kgan.MatchingCondition`. The generator's are `adversarial` and `divergence`: its condition is
    drawn from a Gaussian whose mean and variance follow from the caption, and `divergence` is the
    Kullback-Leibler divergence from that Gaussian to N(0, 1), *summed* over dimensions, a mean over
    the batch. Discriminators are told the embedding itself. The text encoder is the first
    discriminator's: it learns what tells a right caption from a wrong one, the first generator
    takes its embeddings as they are, and in the second stage it stands still.

    Args:
        generator: functional `keras.Model` from `[noise, conditions]` to small images.
        condition: functional `keras.Model` from embeddings to `[mean, log_variance]`.
        discriminator: functional `keras.Model` from `[small images, embeddings]` to logits.
        refiner: functional `keras.Model` from `[small images, conditions]` to images.
        refiner_condition: the refiner's own `condition`.
        refiner_discriminator: functional `keras.Model` from `[images, embeddings]` to logits.
        text_encoder: functional `keras.Model` from what a batch holds of a caption to embeddings.
            Defaults to `None`: batches hold embeddings.
        captions: `kgan.data.Field` of the captions. Defaults to `None`: vectors of the size that
            `condition` takes.
        loss: a `kgan.losses` pair or its name, which must be a sum over real and fake. Defaults to
            `"non_saturating"`.
        mismatched_weight: float in [0, 1]: what of the terms on wrong inputs is for wrong
            captions. Defaults to 0.5.
        wrong_captions: `"next"` or `"nearest"`: see `kgan.CaptionCondition`. Defaults to `"next"`.
        divergence_weight: float of at least 0, of the sum over dimensions. Defaults to 1.0, as in
            equation 4.
        contrastive_weight: float of at least 0, of a term `contrastive` of both players: see
            `kgan.CaptionCondition`. Defaults to 0.0, no such term.
        stage: 1 or 2, which of the two `fit` trains. Defaults to 1.
        samples: `kgan.data.Field` of the large images. Defaults to `None`: what the refiner's
            output shape says.
        seed: integer that seeds data order and noise. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together, the loss has no halves, or there is no
            such stage.

    Example:

    ```python
    import kgan

    images, labels = kgan.data.load("digits", labels=True, size=32)
    captions = [f"the digit {label}" for label in labels]
    model = kgan.zoo.load("stackgan", like=(images, captions), width=4, condition_dim=8)
    model.fit(images[:32], captions[:32], verbose=0)
    model.next_stage()
    model.fit(images[:32], captions[:32], verbose=0)
    made = model.generate(captions=["the digit 7"], seed=0)  # uint8 (1, 32, 32, 1)
    ```
    """

    def __init__(
        self,
        generator: keras.Model,
        condition: keras.Model,
        discriminator: keras.Model,
        refiner: keras.Model,
        refiner_condition: keras.Model,
        refiner_discriminator: keras.Model,
        text_encoder: keras.Model | None = None,
        captions: Field | None = None,
        loss: str | AdversarialLoss = "non_saturating",
        mismatched_weight: float = 0.5,
        wrong_captions: WrongCaptions = "next",
        divergence_weight: float = 1.0,
        contrastive_weight: float = 0.0,
        stage: int = 1,
        samples: Field | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.generator = generator
        self.condition = condition
        self.discriminator = discriminator
        self.text_encoder = text_encoder
        # Untracked in the first stage: what does not learn yet is neither saved nor counted.
        later = (refiner, refiner_condition, refiner_discriminator)
        self._second = types.MappingProxyType(dict(zip(SECOND, later, strict=True)))
        self.second_networks: list[keras.Model] = []
        taken = tuple(condition.input_shape[1:])
        captions = Vectors(taken) if captions is None else captions
        self.captions = captions.renamed("captions")
        self.loss = losses.get(loss)
        self.loss.require_halves()
        self._matching = CaptionCondition(
            self.captions, True, mismatched_weight, wrong_captions, contrastive_weight
        )
        self.mismatched_weight = mismatched_weight
        self.wrong_captions = wrong_captions
        self.contrastive_weight = contrastive_weight
        self.divergence_weight = check_weight("divergence_weight", divergence_weight)
        self.samples = samples
        self.check_captions(taken)
        self._check_networks()
        if stage not in (1, 2):
            raise ValueError(f"There are the stages 1 and 2. Received: stage={stage!r}")
        self.noise_seed = SeedGenerator(seed)
        self.stage = stage
        if stage == 2:
            self._take_second()
        self.take_networks()
        self.built = True

    def take_networks(self) -> None:
        """Reads the discriminators: again where one was replaced."""
        super().take_networks()
        both = enumerate((self.discriminator, self.refiner_discriminator), start=1)
        # Untracked, because these layers belong to the discriminators already.
        self._readers = types.MappingProxyType(
            {stage: self._matching.reader(network) for stage, network in both}
        )

    @property
    def refiner(self) -> keras.Model:
        """The second stage's generator."""
        return self._second["refiner"]

    @property
    def refiner_condition(self) -> keras.Model:
        """The second stage's condition."""
        return self._second["refiner_condition"]

    @property
    def refiner_discriminator(self) -> keras.Model:
        """The second stage's discriminator."""
        return self._second["refiner_discriminator"]

    @property
    def players(self) -> dict[str, Player]:
        """The table: the discriminator of the stage, and what makes its images."""
        heads = self._matching.heads(1)
        judged = self._matching.discriminator_terms(self.loss, heads)
        made = (*self._matching.generator_terms(self.loss, heads), "divergence")
        if self.stage == 2:
            return {
                "discriminator": Player(("refiner_discriminator",), judged),
                "generator": Player(("refiner", "refiner_condition"), made),
            }
        encoder = ("text_encoder",) * (self.text_encoder is not None)
        return {
            "discriminator": Player(("discriminator", *encoder), judged),
            "generator": Player(("generator", "condition"), made),
        }

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a batch holds: large images, and captions."""
        return (self.samples or of_shape(self.refiner.output_shape[1:]), self.captions)

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of one noise: the generator's, and what each stage's condition is drawn by."""
        stages = (self.condition, self.refiner_condition)[: self.stage]
        drawn_by = sum(network.output_shape[0][-1] for network in stages)
        return (self._latent_dim + drawn_by,)

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does: `generate`, `generate_small`, and of strings `embed` and others.

        In the first stage `generate` gives its small images, enlarged.
        """
        images, captions = self.fields
        small = type(images).from_config(
            {**images.get_config(), "shape": tuple(self.generator.output_shape[1:])}
        )
        networks = ("generator", "condition")
        refining = ("refiner", "refiner_condition") * (self.stage == 2)
        generate = Endpoint(
            function=self.generated,
            inputs=(captions,),
            output=images,
            networks=(*networks, *refining),
            noise=Noise(self.noise_shape),
            imitates=images.name,
        )
        encoder = ("text_encoder",) * (self.text_encoder is not None)
        return {
            **self.with_embeddings(generate, self.generated_embedded),
            "generate_small": Endpoint(
                function=self.generated_small,
                inputs=(captions,),
                output=small.renamed("small_images"),
                networks=(*networks, *encoder),
                noise=Noise(self.noise_shape),
            ),
        }

    @property
    def adversarial_loss(self) -> AdversarialLoss:
        """The pair of losses that discriminators are trained by."""
        return self.loss

    def generated(self, noise: Tensor, captions: Tensor) -> Tensor:
        """Large images of noise and captions."""
        return self.generated_embedded(noise, self.embedded(captions))

    def generated_embedded(self, noise: Tensor, embeddings: Tensor) -> Tensor:
        """Large images of noise and embeddings: in the first stage small ones, enlarged."""
        made, _ = self._made(noise, embeddings)
        return made if self.stage == 2 else self._enlarged(made)

    def generated_small(self, noise: Tensor, captions: Tensor) -> Tensor:
        """The first stage's images of noise and captions."""
        return self._first(noise, self.embedded(captions))[0]

    def discriminator_loss(self, x: Tensor, captions: Tensor) -> Terms:
        """The discriminator's terms on a real batch and a fresh generated one."""
        embeddings = self.embedded(captions)
        fake = ops.stop_gradient(self._made(self._draw(x), ops.stop_gradient(embeddings))[0])
        real, given = self._reduced(x), (captions, embeddings)
        wrong = self._matching.wrong(given)
        on_real, on_fake, on_wrong = (
            self._outputs(some, told[-1])
            for some, told in ((real, given), (fake, given), (real, wrong))
        )
        return self._matching.discriminator_losses(
            self.loss, on_real, on_fake, on_wrong, given, None
        )

    def generator_loss(self, x: Tensor, captions: Tensor) -> Terms:
        """The generator's terms on a fresh batch."""
        embeddings = ops.stop_gradient(self.embedded(captions))
        fake, (mean, log_variance) = self._made(self._draw(x), embeddings)
        divergence = ops.sum(standard_normal_divergence(mean, log_variance), axis=-1)
        outputs, given = self._outputs(fake, embeddings), (captions, embeddings)
        terms = self._matching.generator_losses(self.loss, None, outputs, given, None)
        return {**terms, "divergence": self.divergence_weight * ops.mean(divergence)}

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The stage's discriminator's logits for real images, and for as many fake ones."""
        real, captions = batch
        embeddings = self.embedded(captions)
        return tuple(self._outputs(self._reduced(some), embeddings)[0] for some in (real, fake))

    def next_stage(self, learning_rate: float | None = None) -> None:
        """Freezes the first stage as it is, and lets `fit` train the second from now on.

        Where weights have averages, the first stage's take their values for good. The optimizers
        are new ones of the same kind, so a learning-rate schedule starts again, and so do the
        clock and the count of epochs. Saved models know their stage, and training goes on in it.

        Args:
            learning_rate: float above 0, of all new optimizers. Defaults to `None`: what it is now,
                which a callback may have brought near 0.

        Raises:
            ValueError: when the second stage has begun, or the rate is not above 0.
        """
        if self.stage == 2:
            raise ValueError(
                "The second stage has begun, and there is no third: go on with fit. "
                "Received: a model in stage 2"
            )
        optimizers = {}
        for player in self.players if self.compiled else ():
            optimizers[player] = _fresh(self.optimizer[player], learning_rate)
        with self.between_steps():
            with self.averaged_weights():
                values = [np.array(ops.convert_to_numpy(weight)) for weight in self.weights]
            for weight, value in zip(self.weights, values, strict=True):
                weight.assign(value)
            self.stage = 2
            self._take_second()
        if self.built_with is not None:
            options = {**self.built_with["options"], "stage": 2}
            self.built_with = types.MappingProxyType({**self.built_with, "options": options})
        if optimizers:
            self.compile(optimizers, self.sample_metrics, **self.compile_arguments)

    def _take_second(self):
        first = (self.generator, self.condition, self.text_encoder, self.discriminator)
        freeze([network for network in first if network is not None])
        self.second_networks = list(self._second.values())

    @property
    def _latent_dim(self):
        return self.generator.inputs[0].shape[-1]

    def _draw(self, x):
        return Noise(self.noise_shape).draw(ops.shape(x)[0], self.noise_seed)

    def _made(self, noise, embeddings):
        """The stage's images, and the mean and log-variance of their condition."""
        small, told = self._first(noise, embeddings)
        if self.stage == 1:
            return small, told
        mean, log_variance = self.refiner_condition(embeddings)
        start = self.noise_shape[0] - mean.shape[-1]
        condition = drawn(mean, log_variance, noise[:, start:])
        return self.refiner([ops.stop_gradient(small), condition]), (mean, log_variance)

    def _first(self, noise, embeddings):
        mean, log_variance = self.condition(embeddings)
        start = self._latent_dim
        condition = drawn(mean, log_variance, noise[:, start : start + mean.shape[-1]])
        return self.generator([noise[:, :start], condition]), (mean, log_variance)

    def _outputs(self, images, embeddings):
        """The stage's discriminator's logits, and behind them what a contrast is of."""
        return listed(self._readers[self.stage]([images, embeddings]))

    def _reduced(self, images):
        """Images as the stage's discriminator sees them: means of 4x4 pixels in the first."""
        return ops.average_pool(images, FACTOR, FACTOR) if self.stage == 1 else images

    def _enlarged(self, small):
        size = tuple(self.refiner.output_shape[1:3])
        return ops.image.resize(small, size, interpolation="bilinear")

    def _check_networks(self):
        small, large = self.generator.output_shape[1:], self.refiner.output_shape[1:]
        wanted = (*(side // FACTOR for side in large[:-1]), large[-1])
        parts = (
            (self.condition, self.generator, self.discriminator),
            (self.refiner_condition, self.refiner, self.refiner_discriminator),
        )
        sizes = [
            (made, taker.inputs[-1].shape[-1])
            for condition, generator, discriminator in parts
            for made, taker in (
                (condition.output_shape[0][-1], generator),
                (condition.input_shape[-1], discriminator),
            )
        ]
        if tuple(small) != wanted or any(made != taken for made, taken in sizes):
            raise ValueError(
                f"The refiner makes images of {FACTOR} times the height and width of the "
                "generator's; generators take what their stage's condition makes, and "
                "discriminators the embedding that it takes. "
                f"Received: images of {tuple(small)} and {tuple(large)}, conditions and embeddings "
                f"given and taken of sizes {sizes}"
            )


def _fresh(optimizer, learning_rate):
    """A new optimizer of the same kind."""
    made = type(optimizer).from_config(optimizer.get_config())
    if learning_rate is not None:
        made.learning_rate = check_rate("learning_rate", learning_rate)
    return made
