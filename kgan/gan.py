"""The GAN family: from noise, and labels where it is conditional, to samples."""

import keras
import numpy as np
from keras import ops

from kgan import backend, latent, losses
from kgan.arguments import check_count
from kgan.data.checks import check_labels
from kgan.data.contract import to_uint8
from kgan.data.fields import Labels, Samples
from kgan.export import Serving
from kgan.game import AdversarialModel, Player
from kgan.random import SeedGenerator


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
        seed: integer that seeds data order and noise. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together, or a penalty that is defined per
            sample meets a discriminator with BatchNorm.

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
        self._check_networks()
        self.built = True

    @property
    def players(self):
        """The table: a discriminator that moves on every batch, and a generator."""
        penalties = tuple(penalty.name for penalty in self.penalties)
        return {
            "discriminator": Player(("discriminator",), ("adversarial", *penalties)),
            "generator": Player(("generator",), ("adversarial",), every=self.discriminator_steps),
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
        terms = {
            "adversarial": self.loss.discriminator(
                self._judge(x, labels), self._judge(fake, labels)
            )
        }
        for penalty in self.penalties:
            terms[penalty.name] = penalty(
                x,
                fake,
                discriminator=lambda samples: self._judge(samples, labels),
                gradient=backend.input_gradient,
            )
        return terms

    def generator_loss(self, x, *labels):
        """The generator's term on a fresh generated batch."""
        fake = self._judge(self._imagine(ops.shape(x)[0], labels), labels)
        real = self._judge(x, labels) if self.loss.relativistic else None
        return {"adversarial": self.loss.generator(real, fake)}

    def _imagine(self, num_samples, labels):
        noise = latent.draw((num_samples, *self.latent_shape), self.noise, self.noise_seed)
        return self.generator([noise, *labels] if labels else noise)

    def _judge(self, samples, labels):
        return self.discriminator([samples, *labels] if labels else samples)

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
        if labels is None:
            labels = np.arange(num_samples) % self.num_classes
        labels = np.broadcast_to(np.asarray(labels), (num_samples,))
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
        num_inputs = 2 if self.num_classes else 1
        for network in (self.generator, self.discriminator):
            if len(network.inputs) != num_inputs:
                raise ValueError(
                    f"With num_classes={self.num_classes}, the {network.name} must take "
                    f"{'[input, labels]' if self.num_classes else 'one input'}. "
                    f"Received: {len(network.inputs)} inputs"
                )
        per_sample = [p.name for p in self.penalties if getattr(p, "per_sample", False)]
        mixing = [
            layer.name
            for layer in self.discriminator._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        if per_sample and mixing:
            raise ValueError(
                f"The penalty {per_sample[0]} is defined per sample, but BatchNormalization makes "
                "the discriminator's answer for one sample depend on the others. Use "
                "LayerNormalization or no normalization in the discriminator (for the networks of "
                f"kgan: normalization=False). Received: layers {mixing[:3]}"
            )
