"""The GAN family: from noise, and labels where it is conditional, to samples."""

import types

import keras
import numpy as np
from keras import ops

from kgan import backend, losses
from kgan.backend import keras_internals
from kgan.backend.seeds import SeedGenerator
from kgan.data.checks import check_labels
from kgan.data.contract import to_uint8
from kgan.data.fields import Labels, Samples
from kgan.game import AdversarialModel, Player
from kgan.latent import noise as latent
from kgan.layers import HistoricalAverage
from kgan.serving.export import Serving
from kgan.utils.arguments import check_count, check_weight


class GAN(AdversarialModel):
    """A generator and a discriminator, a pair of losses, and penalties.

    Choose it for every model that makes samples from noise: vanilla, DCGAN, WGAN-GP, least
    squares, hinge, R3GAN and conditional GANs differ in networks, loss and penalties only.

    Reference: Goodfellow et al. 2014, "Generative Adversarial Nets", algorithm 1. The
    discriminator moves on every batch, the generator on every `discriminator_steps`-th, each
    with fresh noise. Real and generated samples pass the discriminator in separate batches.

    Args:
        generator: functional `keras.Model` from noise (batch, latent_dim), or from
            `[noise, labels]` with labels of shape (batch,), to samples.
        discriminator: functional `keras.Model` from samples, or from `[samples, labels]`, to
            logits of any shape.
        loss: a `kgan.losses` pair or its name, such as `"hinge"`. Defaults to
            `"non_saturating"`.
        penalties: tuple of penalties of `kgan.losses`, added to the discriminator's loss.
            Defaults to none.
        noise: `"normal"` for N(0, 1) or `"uniform"` for U(-1, 1). Defaults to `"normal"`.
        discriminator_steps: integer of at least 1, the k of algorithm 1. Defaults to 1.
        num_classes: integer, for networks that take labels. Defaults to `None`.
        augmentation: Keras layer that real and generated samples pass on their way to the
            discriminator, in training only, such as `kgan.layers.DifferentiableAugmentation()`.
            It must be differentiable: the generator learns through it. Defaults to `None`.
        feature_matching: boolean. The generator then matches the mean of the discriminator's
            features instead of playing its side of `loss` (Salimans et al. 2016, section 3.1).
            The features are the output of the discriminator's layer named "features", or what its
            last layer with weights reads. Defaults to `False`.
        historical_averaging: float, weight of the squared distance between each player's weights
            and their mean over all steps so far (Salimans et al. 2016, section 3.3). Defaults to
            0.0, which keeps no such means.
        seed: integer that seeds data order and noise. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together, or a penalty that is defined per
            sample meets a discriminator with BatchNorm, packs or minibatch discrimination.

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
        generator,
        discriminator,
        loss="non_saturating",
        penalties=(),
        noise="normal",
        discriminator_steps=1,
        num_classes=None,
        augmentation=None,
        feature_matching=False,
        historical_averaging=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(seed=seed, **kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.loss = losses.get(loss)
        self.penalties = tuple(penalties)
        self.noise = latent.checked_distribution(noise)
        self.discriminator_steps = discriminator_steps
        self.num_classes = num_classes
        self.noise_seed = SeedGenerator(seed)
        # Tracked here, because a penalty's noise is part of the game's state too.
        self.penalty_seeds = [
            penalty.seed_generator
            for penalty in self.penalties
            if hasattr(penalty, "seed_generator")
        ]
        self.augmentation = augmentation
        if augmentation is not None and not augmentation.built:
            # Keras would take a batch away from the data to build it.
            augmentation.build((None, *self.fields[0].shape))
        self.feature_matching = bool(feature_matching)
        self.historical_averaging = check_weight("historical_averaging", historical_averaging)
        self._check_networks()
        # Untracked, because these layers belong to the discriminator already.
        self._readers = types.MappingProxyType(
            {"features": _feature_network(self.discriminator)} if feature_matching else {}
        )
        self.histories = {}
        for player in ("discriminator", "generator") if historical_averaging else ():
            self.histories[player] = HistoricalAverage()
            self.histories[player].build_for(getattr(self, player).trainable_variables)
        self.built = True

    # What the two sides of the game are called in the logs. A subclass that overrides
    # `discriminate` or `deceive` names its terms here.
    discriminator_terms = ("adversarial",)
    # The networks that take labels where `num_classes` is given.
    labelled_networks = ("generator", "discriminator")

    @property
    def generator_terms(self):
        """Names of the terms that `deceive` returns."""
        return ("feature_matching",) if self.feature_matching else ("adversarial",)

    @property
    def players(self):
        """The table: a discriminator that moves on every batch, and a generator."""
        penalties = tuple(penalty.name for penalty in self.penalties)
        history = ("historical_averaging",) if self.historical_averaging else ()
        return {
            "discriminator": Player(
                ("discriminator",), (*self.discriminator_terms, *penalties, *history)
            ),
            "generator": Player(
                ("generator",), (*self.generator_terms, *history), every=self.discriminator_steps
            ),
        }

    @property
    def fields(self):
        """What a batch holds: samples, and labels where the model is conditional."""
        samples = Samples(tuple(self.generator.output_shape[1:]))
        return (samples, Labels(self.num_classes)) if self.num_classes else (samples,)

    @property
    def latent_shape(self):
        """Shape of one noise, without the batch: `(latent_dim,)`."""
        return tuple(self.generator.inputs[0].shape[1:])

    def discriminator_loss(self, x, *labels):
        """The discriminator's terms on a real batch and a fresh generated one."""
        # Its turn: nothing flows back into the generator.
        fake = ops.stop_gradient(self._imagine(ops.shape(x)[0], labels))
        # Once for all terms: a verdict and a distance must be those of the same samples.
        shown = self._augmented(x), self._augmented(fake)
        terms = self.discriminate(*shown, labels)

        def judge(samples):
            return self._judge(samples, labels)

        def judge_augmented(samples):
            # A gradient with respect to the samples comes through the augmentation.
            return self._judge(self._augmented(samples), labels)

        for penalty in self.penalties:
            if penalty.name in terms:
                continue
            reads_verdicts = getattr(penalty, "reads_verdicts", False)
            terms[penalty.name] = penalty(
                *(shown if reads_verdicts else (x, fake)),
                discriminator=judge if reads_verdicts else judge_augmented,
                gradient=backend.input_gradient,
            )
        return {**terms, **self._history("discriminator")}

    def generator_loss(self, x, *labels):
        """The generator's terms on a fresh generated batch."""
        fake = self._imagine(ops.shape(x)[0], labels)
        terms = self.deceive(self._augmented(x), self._augmented(fake), labels)
        return {**terms, **self._history("generator")}

    def discriminate(self, real, fake, labels):
        """The discriminator's side of the game, without penalties that judge anew.

        Args:
            real: real samples, augmented where the model augments.
            fake: as many generated ones, augmented likewise.
            labels: tuple of tensors, the batch's other fields.

        Returns:
            Dict of terms.
        """
        verdicts = self._judge(real, labels), self._judge(fake, labels)
        terms = {"adversarial": self.loss.discriminator(*verdicts)}
        for penalty in self.penalties:
            if getattr(penalty, "reads_verdicts", False):
                terms[penalty.name] = penalty.of_verdicts(real, fake, *verdicts)
        return terms

    def deceive(self, real, fake, labels):
        """The generator's side of the game: a dict of terms. Samples as for `discriminate`."""
        if self.feature_matching:
            features = (self._features(samples, labels) for samples in (real, fake))
            return {"feature_matching": losses.feature_matching(*features)}
        verdict = self._judge(fake, labels)
        target = self._judge(real, labels) if self.loss.relativistic else None
        return {"adversarial": self.loss.generator(target, verdict)}

    def _history(self, player):
        if not self.historical_averaging:
            return {}
        distance = self.histories[player](getattr(self, player).trainable_variables)
        return {"historical_averaging": self.historical_averaging * distance}

    def _imagine(self, num_samples, labels):
        noise = latent.draw((num_samples, *self.latent_shape), self.noise, self.noise_seed)
        return self.generator([noise, *labels] if labels else noise)

    def _judge(self, samples, labels):
        return self.discriminator([samples, *labels] if labels else samples)

    def _features(self, samples, labels):
        return self._readers["features"]([samples, *labels] if labels else samples)

    def _augmented(self, samples):
        return samples if self.augmentation is None else self.augmentation(samples)

    def respond(self, inputs):
        """The generator's raw output for noise, or for `[noise, labels]`."""
        return self.generator(inputs)

    def generate(self, num_samples, *, labels=None, seed=None, truncation=None, batch_size=64):
        """New samples in the data's own scale.

        Averaged weights make them where the generator's optimizer has `use_ema=True`. Calling it
        changes nothing in the model: training goes on as if it had not been called.

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
        check_count("batch_size", batch_size)
        noise = latent.sample(
            (num_samples, *self.latent_shape), self.noise, seed=seed, truncation=truncation
        )
        labels = self._labels(num_samples, labels)
        return self.decode(noise, labels, batch_size)

    def decode(self, noise, labels=None, batch_size=64):
        """The samples that these noises stand for, in the data's own scale.

        Args:
            noise: array (num_samples, latent_dim).
            labels: class ids (num_samples,) for conditional models.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            NumPy array as from `generate`.
        """
        noise = np.asarray(noise, "float32")
        if noise.shape[1:] != self.latent_shape:
            raise ValueError(
                f"Noise must have the shape (num_samples, {', '.join(map(str, self.latent_shape))})"
                f". Received: noise of shape {noise.shape}"
            )
        inputs = [noise] if labels is None else [noise, np.asarray(labels, "int32")]
        batches = []
        with self.averaged_weights():
            for start in range(0, len(noise), batch_size):
                batch = [array[start : start + batch_size] for array in inputs]
                output = self.generator.predict_on_batch(batch if len(batch) > 1 else batch[0])
                # Under a distribution strategy every replica answers: keep the first's answer.
                batches.append(np.asarray(output[: len(batch[0])], "float32"))
        shape = (0, *self.fields[0].shape)
        samples = np.concatenate(batches) if batches else np.zeros(shape, "float32")
        return to_uint8(samples) if self.fields[0].is_image else samples

    def imitate(self, batch, seed=0):
        """The batch's samples, and as many generated ones, with its labels where it has some."""
        real, *labels = batch
        asked = {"labels": labels[0]} if labels else {}
        return real, self.generate(len(real), seed=seed, batch_size=len(real), **asked)

    def verdicts(self, batch, fake):
        """The discriminator's logits for the batch's samples, and for as many fake ones."""
        real, *labels = batch
        return self._judge(real, labels), self._judge(fake, labels)

    def serving(self):
        """What `export` writes: the generator, with the noise that it was trained on."""
        return Serving(self.generator, self.noise, self.fields[0].is_image)

    def _labels(self, num_samples, labels):
        if self.num_classes is None:
            if labels is not None:
                raise ValueError(
                    "This model was not trained with labels, so it can't follow them. Load a "
                    "conditional model, or leave labels out. "
                    f"Received: labels={labels!r}"
                )
            return None
        labels = np.arange(num_samples) % self.num_classes if labels is None else labels
        labels = np.asarray(labels)
        if labels.ndim == 0:
            labels = np.broadcast_to(labels, (num_samples,))
        if len(labels) != num_samples:
            raise ValueError(
                f"labels: one integer, or {num_samples} of them, one per sample. "
                f"Received: {len(labels)}"
            )
        # Nothing was asked for, and nothing can be wrong with it.
        if num_samples == 0:
            return np.zeros(0, "int32")
        return check_labels(self.fields[1], labels, "labels")

    def _check_networks(self):
        check_count("discriminator_steps", self.discriminator_steps)
        names = [penalty.name for penalty in self.penalties]
        if len(set(names)) < len(names) or {"adversarial", "loss"} & set(names):
            raise ValueError(
                "Each penalty is logged under its name, so names must differ, and 'adversarial' "
                f"and 'loss' are taken. Received: penalties named {names}"
            )
        made = tuple(self.generator.output_shape[1:])
        read = tuple(self.discriminator.inputs[0].shape[1:])
        if made != read:
            raise ValueError(
                "The discriminator must read what the generator makes: build both for one shape. "
                f"Received: generator output {made}, discriminator input {read}"
            )
        for player in ("generator", "discriminator"):
            network = getattr(self, player)
            labelled = bool(self.num_classes) and player in self.labelled_networks
            if len(network.inputs) != 1 + labelled:
                raise ValueError(
                    f"With num_classes={self.num_classes}, the {network.name} must take "
                    f"{'[input, labels]' if labelled else 'one input'}. "
                    f"Received: {len(network.inputs)} inputs"
                )
        per_sample = [p.name for p in self.penalties if getattr(p, "per_sample", False)]
        mixing = [
            layer
            for layer in keras_internals.all_layers(self.discriminator)
            if isinstance(layer, keras.layers.BatchNormalization)
            or getattr(layer, "mixes_samples", False)
        ]
        if per_sample and mixing:
            advice = "Leave the layer or the penalty out (for kgan's networks: pack=1, no head)"
            if isinstance(mixing[0], keras.layers.BatchNormalization):
                advice = (
                    "Use LayerNormalization or no normalization in the discriminator (for the "
                    "networks of kgan: normalization=False)"
                )
            raise ValueError(
                f"The penalty {per_sample[0]} is defined per sample, but "
                f"{type(mixing[0]).__name__} makes the discriminator's answer for one sample "
                f"depend on the others. {advice}. "
                f"Received: layers {[layer.name for layer in mixing[:3]]}"
            )


def _feature_network(discriminator):
    named = [layer for layer in discriminator.layers if layer.name == "features"]
    if named:
        return keras.Model(discriminator.inputs, named[0].output)
    # Behind the last weights there may be a factor or an activation of the logit.
    last = [layer for layer in discriminator.layers if layer.weights][-1]
    features = keras_internals.last_input(last)
    if isinstance(last, keras.Model):
        features = _feature_network(last)(features)
    return keras.Model(discriminator.inputs, features)
