"""The GAN family: from noise, and a condition where there is one, to samples."""

import types
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import backend, losses
from kgan.backend.keras_internals import could_train
from kgan.backend.seeds import SeedGenerator
from kgan.data.fields import Field, of_shape
from kgan.game import AdversarialModel, Player
from kgan.latent import noise as latent
from kgan.losses import AdversarialLoss, FeatureMatching, HistoricalAveraging
from kgan.losses.matching import depends
from kgan.models import compatibility
from kgan.models.conditions import Condition, listed
from kgan.serving.endpoints import Endpoint, Noise
from kgan.utils.arguments import check_count
from kgan.utils.hints import Batch, Data, Distribution, Tensor, Terms


class GAN(AdversarialModel):
    """A generator and a discriminator, a pair of losses, and the parts that a game is made of.

    Use this for every model that makes samples from noise: vanilla, DCGAN, WGAN-GP, least
    squares, hinge, R3GAN and conditional GANs differ in networks, loss and parts only. A part is an
    object that the model is given, and that is saved with it.

    Reference: Goodfellow et al. 2014, "Generative Adversarial Nets", algorithm 1. The
    discriminator moves on every batch, the generator on every `discriminator_steps`-th, each
    with fresh noise. Real and generated samples pass the discriminator in separate batches. With
    `shared_draws=True` it is another order of play: both turns of a batch have the same noise, and
    the generator learns from the samples that the discriminator has just learned to tell. The
    generator runs once in place of twice, as in PyTorch's DCGAN tutorial.

    Args:
        generator: functional `keras.Model` from noise (batch, latent_dim), or from
            `[noise, *condition]`, to samples.
        discriminator: functional `keras.Model` from samples, or from `[samples, *condition]`, to
            logits of any shape, or to one output per head of the condition.
        loss: a `kgan.losses` pair or its name, such as `"hinge"`. Defaults to
            `"non_saturating"`.
        penalties: tuple of penalties of `kgan.losses`, added to the discriminator's loss.
            Defaults to none.
        noise: `"normal"` for N(0, 1) or `"uniform"` for U(-1, 1). Defaults to `"normal"`.
        discriminator_steps: integer of at least 1, the k of algorithm 1. Defaults to 1.
        shared_draws: boolean, whether both turns share one batch of generated samples, which saves
            a tenth of the time and more; only where `discriminator_steps` is 1. Defaults to
            `False`.
        condition: what samples are asked for by, such as `kgan.LabelCondition(10)`: see
            `kgan.Condition`. Defaults to `None`.
        feature_matching: a `kgan.losses.FeatureMatching()`: the generator then matches features of
            the discriminator instead of playing its side of `loss`. Defaults to `None`.
        historical_averaging: a `kgan.losses.HistoricalAveraging(weight)`, added to both players'
            losses. Defaults to `None`.
        augmentation: Keras layer that real and generated samples pass on their way to the
            discriminator, in training only, such as `kgan.layers.DifferentiableAugmentation()`.
            It must be differentiable: the generator learns through it. Defaults to `None`.
        samples: `kgan.data.Field` of what the generator makes. Defaults to `None`: what its output
            shape says, as of `kgan.data.of_shape`.
        seed: integer that seeds data order and noise. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        TypeError: when a part is not an object of its kind.
        ValueError: when the networks do not fit together or the condition, or a penalty that is
            defined per sample meets a discriminator with BatchNorm, packs or minibatch
            discrimination.

    Example:

    ```python
    import keras
    import kgan

    model = kgan.GAN(
        generator=kgan.networks.mlp.generator((2,), latent_dim=4),
        discriminator=kgan.networks.mlp.discriminator((2,)),
        loss="wasserstein",
        penalties=(kgan.losses.GradientPenalty(10.0),),
        discriminator_steps=5,
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9))
    model.fit(kgan.data.toys.ring(512, seed=0), verbose=0)
    points = model.generate(8, seed=0)
    ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        loss: str | AdversarialLoss = "non_saturating",
        penalties: Sequence[Any] = (),
        noise: Distribution = "normal",
        discriminator_steps: int = 1,
        shared_draws: bool = False,
        condition: Condition | None = None,
        feature_matching: FeatureMatching | None = None,
        historical_averaging: HistoricalAveraging | None = None,
        augmentation: keras.layers.Layer | None = None,
        samples: Field | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.samples = samples
        self.generator = generator
        self.discriminator = discriminator
        self.loss = losses.get(loss)
        self.penalties = compatibility.checked_penalties(penalties)
        self.noise = latent.checked_distribution(noise)
        self.discriminator_steps = check_count("discriminator_steps", discriminator_steps)
        self.shared_draws = bool(shared_draws)
        self.condition = condition
        self.feature_matching = feature_matching
        self.historical_averaging = historical_averaging
        self.augmentation = augmentation
        compatibility.check_parts(self)
        # Without a condition the base class says what the terms are.
        self._conditioning = Condition() if condition is None else condition
        self.noise_seed = SeedGenerator(seed)
        # Tracked here, because the random state of a part is part of the game's state too.
        parts = (*self.penalties, condition, feature_matching, historical_averaging)
        self.part_seeds = [p.seed_generator for p in parts if hasattr(p, "seed_generator")]
        if augmentation is not None and not augmentation.built:
            # Keras would take a batch away from the data to build it.
            augmentation.build((None, *self.fields[0].shape))
        self.histories = {}
        self._followed = types.MappingProxyType({})
        self.take_networks()
        self.built = True

    def take_networks(self) -> None:
        """Checks that the networks fit, and reads them: again where one was replaced."""
        compatibility.check_networks(self, self._conditioning)
        self._conditioning.check(self)
        compatibility.check_penalties(self.penalties, self.discriminator_terms, self.discriminator)
        self._read_features()
        part, followed = self.historical_averaging, {}
        for player in ("discriminator", "generator") if part else ():
            followed[player] = could_train(getattr(self, player))
            if list(map(id, followed[player])) != list(map(id, self._followed.get(player, ()))):
                with self.variable_scope():
                    self.histories[player] = part.follow(followed[player])
        # Untracked, because these variables belong to the networks already.
        self._followed = types.MappingProxyType(followed)

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the discriminator's outputs: the first says how real a sample looks."""
        return self._conditioning.heads(len(self.discriminator.outputs))

    # What the two sides of the game are called in the logs. A subclass that overrides
    # `discriminate` or `deceive` names its terms here.

    @property
    def discriminator_terms(self) -> tuple[str, ...]:
        """Names of the terms that `discriminate` returns, without penalties."""
        return self._conditioning.discriminator_terms(self.loss, self.heads)

    @property
    def generator_terms(self) -> tuple[str, ...]:
        """Names of the terms that `deceive` returns."""
        terms = self._conditioning.generator_terms(self.loss, self.heads)
        if self.feature_matching is None:
            return terms
        return (self.feature_matching.name, *(name for name in terms if name != self.heads[0]))

    @property
    def players(self) -> dict[str, Player]:
        """The table: a discriminator that moves on every batch, and a generator."""
        penalties = tuple(penalty.name for penalty in self.penalties)
        history = (self.historical_averaging.name,) if self.historical_averaging else ()
        return {
            "discriminator": Player(
                ("discriminator",), (*self.discriminator_terms, *penalties, *history)
            ),
            "generator": Player(
                ("generator",), (*self.generator_terms, *history), every=self.discriminator_steps
            ),
        }

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a batch holds: samples, and what the condition needs."""
        samples = self.samples or of_shape(self.generator.output_shape[1:])
        return (samples, *self._conditioning.fields)

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: `generate`."""
        samples, *given = self.fields
        return {
            "generate": Endpoint(
                function=self.generated,
                inputs=tuple(given) if "generator" in self._conditioning.networks else (),
                output=samples,
                networks=("generator",),
                noise=Noise(self.latent_shape, self.noise),
                imitates=samples.name,
            )
        }

    def generated(self, noise: Tensor, *given: Tensor) -> Tensor:
        """The generator's raw output for noise, and for what a conditional model is asked for."""
        return self._make(noise, given)

    @property
    def adversarial_loss(self) -> AdversarialLoss:
        """The pair of losses that the discriminator is trained by."""
        return self.loss

    @property
    def num_classes(self) -> int | None:
        """How many classes the labels have, or `None` for a model without labels."""
        return self._conditioning.num_classes

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one noise, without the batch: `(latent_dim,)`."""
        return tuple(self.generator.inputs[0].shape[1:])

    def discriminator_loss(self, x: Tensor, *given: Tensor) -> Terms:
        """The discriminator's terms on a real batch and a fresh generated one."""
        fake, noise = self._drawn(x, *given)
        fake = ops.stop_gradient(fake)  # its turn: nothing flows back into the generator
        # Once for all terms: a logit and a distance must be those of the same samples.
        shown = self._augmented(x), self._augmented(fake)
        terms = self.discriminate(*shown, given, noise)

        def logits(samples):
            return self._logits(samples, given)

        def logits_of_augmented(samples):
            # A gradient with respect to the samples comes through the augmentation.
            return self._logits(self._augmented(samples), given)

        for penalty in self.penalties:
            if penalty.name in terms:
                continue
            terms[penalty.name] = self._lazily(
                penalty,
                *(shown if penalty.reads_logits else (x, fake)),
                discriminator=logits if penalty.reads_logits else logits_of_augmented,
                gradient=backend.input_gradient,
            )
        return {**terms, **self._history("discriminator")}

    def _lazily(self, penalty, *samples, **functions):
        """A penalty, in training on each `interval`-th batch with as many times its weight."""
        if penalty.interval == 1 or not self.is_training:
            return penalty(*samples, **functions)
        return ops.cond(
            ops.equal(self.optimizer.iterations % penalty.interval, 0),
            lambda: penalty.interval * penalty(*samples, **functions),
            lambda: ops.zeros((), "float32"),
        )

    def generator_loss(self, x: Tensor, *given: Tensor) -> Terms:
        """The generator's terms on a fresh generated batch."""
        fake, noise = self._drawn(x, *given)
        terms = self.deceive(self._augmented(x), self._augmented(fake), given, noise)
        return {**terms, **self._history("generator")}

    @property
    def shared_by(self) -> str | None:
        """The player whose draws both turns of a step share, or `None`."""
        return "generator" if self.shared_draws else None

    def draw_shared(self, x: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        """A generated batch for both turns, and the noise that it was made of."""
        noise = self._draw(ops.shape(x)[0])
        return self._make(noise, given), noise

    def _drawn(self, x, *given):
        """A generated batch and its noise: fresh ones, or those that the turns share."""
        return backend.shared() or GAN.draw_shared(self, x, *given)

    def discriminate(
        self, real: Tensor, fake: Tensor, given: Batch = (), noise: Tensor = None
    ) -> Terms:
        """The discriminator's side of the game, with the penalties that read logits only.

        Args:
            real: real samples, augmented where the model augments.
            fake: as many generated ones, augmented likewise.
            given: tuple of tensors, the batch's other fields. Defaults to none.
            noise: what `fake` was made of, for a condition that looks at it. Defaults to `None`.

        Returns:
            Dict of terms.
        """
        condition = self._conditioning
        on_real, on_fake = (self._outputs(samples, given) for samples in (real, fake))
        wrong = condition.mismatched(given)
        on_wrong = None if wrong is None else self._outputs(real, wrong)
        terms = condition.discriminator_losses(self.loss, on_real, on_fake, on_wrong, given, noise)
        for penalty in self.penalties:
            if penalty.reads_logits:
                logits = condition.logits(on_real), condition.logits(on_fake)
                terms[penalty.name] = penalty.of_logits(real, fake, *logits)
        return terms

    def deceive(self, real: Tensor, fake: Tensor, given: Batch = (), noise: Tensor = None) -> Terms:
        """The generator's side of the game: a dict of terms. Arguments as for `discriminate`."""
        matching = self.feature_matching
        terms = {}
        if matching is None or len(self.generator_terms) > 1:
            on_fake = self._outputs(fake, given)
            on_real = self._outputs(real, given) if self.loss.relativistic else None
            terms = self._conditioning.generator_losses(self.loss, on_real, on_fake, given, noise)
        if matching is None:
            return terms
        terms.pop(self.heads[0], None)
        return {matching.name: self._match(real, fake, given), **terms}

    def _match(self, real, fake, given):
        features = [self._features(samples, given) for samples in (real, fake)]
        distance = self.feature_matching(*features)
        if self._matches_conditions:
            statistics = [self._conditioning.statistics(some, given) for some in features]
            if statistics[0] is not None:
                distance = distance + self.feature_matching(*statistics)
        return distance

    def _history(self, player):
        part = self.historical_averaging
        if part is None:
            return {}
        return {part.name: part(self._followed[player], self.histories[player])}

    def _draw(self, num_samples):
        return latent.draw((num_samples, *self.latent_shape), self.noise, self.noise_seed)

    def _make(self, noise, given):
        return self.generator(self._inputs("generator", noise, given))

    def _outputs(self, samples, given):
        """The discriminator's outputs, a list with one entry per head."""
        return listed(self.discriminator(self._inputs("discriminator", samples, given)))

    def _logits(self, samples, given):
        return self._conditioning.logits(self._outputs(samples, given))

    def _features(self, samples, given):
        return self._readers["features"](self._inputs("discriminator", samples, given))

    def _inputs(self, network, first, given):
        """What a network takes: noise or samples, and the condition where it is told that."""
        told = given and network in self._conditioning.networks
        return [first, *self._conditioning.inputs(given)] if told else first

    def _augmented(self, samples):
        return samples if self.augmentation is None else self.augmentation(samples)

    def generate(
        self,
        num_samples: int,
        *,
        labels: Data = None,
        seed: int | None = None,
        truncation: float | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New samples in the data's own scale.

        Averaged weights make them where the generator's optimizer has `use_ema=True`. Calling it
        changes nothing in the model: training continues as if it had not been called.

        Args:
            num_samples: integer.
            labels: for conditional models: an integer, or `num_samples` class ids. Defaults to
                the classes in turn.
            seed: integer: the same seed gives the same samples. Defaults to a new one each time.
            truncation: float. Normal noise is drawn within `[-truncation, truncation]`, uniform
                noise is scaled by it (at most 1): less variety, more typical samples. Defaults
                to `None`.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            NumPy array: images as uint8 (num_samples, height, width, channels), other samples as
            float32.

        Raises:
            ValueError: when an argument is out of range, or labels are given to an unconditional
                model.

        Example:

        ```python
        import kgan

        model = kgan.zoo.load("dcgan", like=(28, 28, 1), width=8)
        images = model.generate(4, seed=0)
        ```
        """
        check_count("num_samples", num_samples, minimum=0)
        self.answers.require_memory("generate", num_samples)
        noise = self.answers["generate"].noise.sample(num_samples, seed, truncation)
        return self.decode(noise, labels, batch_size)

    def decode(self, noise: Data, labels: Data = None, batch_size: int = 64) -> np.ndarray:
        """The samples that these noises stand for, in the data's own scale.

        Args:
            noise: array (num_samples, latent_dim).
            labels: for conditional models: a class, or one per noise. Defaults to the classes in
                turn.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            NumPy array as from `generate`.
        """
        noise = self._checked_noise(noise)
        inputs = self.answers.inputs_for("generate", len(noise), labels)
        return self.answers.run("generate", inputs, noise, batch_size)

    def _checked_noise(self, noise):
        noise = np.asarray(noise, "float32")
        if noise.shape[1:] != self.latent_shape:
            raise ValueError(
                f"Noise must have the shape (num_samples, {', '.join(map(str, self.latent_shape))})"
                f". Received: noise of shape {noise.shape}"
            )
        return noise

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The discriminator's logits for the batch's samples, and for as many fake ones."""
        real, *labels = batch
        return self._logits(real, labels), self._logits(fake, labels)

    def _read_features(self):
        matching, network = self.feature_matching, self.discriminator
        readers = {} if matching is None else {"features": matching.reader(network)}
        # Untracked, because these layers belong to the discriminator already.
        self._readers = types.MappingProxyType(readers)
        # Where nothing else tells the generator the condition that the discriminator is told.
        self._matches_conditions = (
            matching is not None
            and len(self.heads) == 1
            and len(network.inputs) > 1
            and not any(depends(readers["features"], tensor) for tensor in network.inputs[1:])
        )
