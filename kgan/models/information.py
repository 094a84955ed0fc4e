"""The information maximizing GAN: codes in the noise that come to mean something."""

import numpy as np
from keras import ops

from kgan.latent import noise as latent
from kgan.layers.codes import LatentCodes
from kgan.models.gan import GAN
from kgan.utils.arguments import check_count, check_weight


class InfoGAN(GAN):
    """A GAN that finds categories and directions of variation by itself, without labels.

    Choose it to explore unlabelled data: on digits the category comes to mean the digit, and the
    continuous codes slant and width. Which category means what differs from seed to seed.

    Reference: Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information
    Maximizing Generative Adversarial Nets", equations 5 and 6: both players raise the lower bound
    of the mutual information between codes and samples, which heads of the discriminator recover.

    The codes are part of the noise, which is uniform: see `kgan.layers.LatentCodes` for its layout.
    Their terms are `category`, the cross-entropy of the category, and `continuous`, the squared
    error of the continuous codes summed and halved: the negative log-likelihood of Gaussians of
    unit variance, up to a constant.

    Args:
        generator: functional `keras.Model` from noise to samples that holds a
            `kgan.layers.LatentCodes`, such as `kgan.networks.conditioned.code_generator(...)`.
        discriminator: functional `keras.Model` from samples to `[logits, category logits,
            continuous codes]`, the last only where there are some, such as
            `kgan.networks.conditioned.many_headed(...)`.
        loss: a `kgan.losses` pair or its name. Defaults to `"non_saturating"`.
        category_weight: float, lambda of the category. Defaults to 1.0.
        continuous_weight: float, lambda of the continuous codes. Defaults to 0.1.
        **kwargs: `penalties`, `discriminator_steps`, `seed` and others as for `kgan.GAN`; `noise`
            is `"uniform"`.

    Raises:
        ValueError: when the networks do not fit together.

    Example:

    ```python
    import kgan

    networks = kgan.networks.conditioned
    model = kgan.InfoGAN(
        networks.code_generator((2,), num_categories=8, num_continuous=0, latent_dim=4),
        networks.many_headed((2,), {"category": 8}),
    )
    model.compile(optimizer="adam")
    model.fit(kgan.data.toys.ring(256, seed=0), verbose=0)
    points = model.generate(16, categories=3, seed=0)
    ```
    """

    def __init__(
        self,
        generator,
        discriminator,
        loss="non_saturating",
        category_weight=1.0,
        continuous_weight=0.1,
        **kwargs,
    ):
        super().__init__(generator, discriminator, loss=loss, **{"noise": "uniform", **kwargs})
        self.category_weight = check_weight("category_weight", category_weight)
        self.continuous_weight = check_weight("continuous_weight", continuous_weight)
        self._check_codes()

    @property
    def codes(self):
        """The generator's `kgan.layers.LatentCodes`."""
        return next(layer for layer in self.generator.layers if isinstance(layer, LatentCodes))

    @property
    def discriminator_terms(self):
        """Names of the terms that `discriminate` returns."""
        return ("adversarial", "category", *self._continuous_terms)

    @property
    def generator_terms(self):
        """Names of the terms that `deceive` returns."""
        return (*super().generator_terms, "category", *self._continuous_terms)

    @property
    def _continuous_terms(self):
        return ("continuous",) if self.codes.num_continuous else ()

    # The noise travels where labels would, for it holds what the heads shall recover.

    def discriminator_loss(self, x):
        """The discriminator's terms on a real batch and a fresh generated one."""
        return super().discriminator_loss(x, self._noise(x))

    def generator_loss(self, x):
        """The generator's terms on a fresh generated batch."""
        return super().generator_loss(x, self._noise(x))

    def discriminate(self, real, fake, labels):
        """The discriminator's side of the game, without penalties: a dict of terms."""
        logits, *heads = self._heads(fake)
        adversarial = self.loss.discriminator(self._heads(real)[0], logits)
        return {"adversarial": adversarial, **self._misread(heads, labels[0])}

    def deceive(self, real, fake, labels):
        """The generator's side of the game: a dict of terms."""
        logits, *heads = self._heads(fake)
        if self.feature_matching:
            terms = super().deceive(real, fake, labels)
        else:
            on_real = self._heads(real)[0] if self.loss.relativistic else None
            terms = {"adversarial": self.loss.generator(on_real, logits)}
        return {**terms, **self._misread(heads, labels[0])}

    def generate(
        self,
        num_samples,
        *,
        categories=None,
        continuous=None,
        labels=None,
        seed=None,
        truncation=None,
        batch_size=64,
    ):
        """New samples in the data's own scale, with the codes that are asked for.

        Args:
            num_samples: integer.
            categories: an integer, or `num_samples` of them, in 0..num_categories - 1. Defaults
                to `None`: drawn.
            continuous: array that broadcasts to (num_samples, num_continuous), numbers in [-1, 1]
                (beyond, the samples leave what was trained); NaN for those to be drawn. Defaults to
                `None`: all are drawn.
            labels: not defined: what this model finds by itself it calls categories.
            seed: integer: the same seed gives the same noise, whatever the codes. Defaults to a
                new one each time.
            truncation: float in (0, 1] that scales all that is drawn but the category. Defaults to
                `None`.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            NumPy array as from `kgan.GAN.generate`.

        Raises:
            ValueError: when an argument is out of range.
        """
        check_count("num_samples", num_samples, minimum=0)
        check_count("batch_size", batch_size)
        if labels is not None:
            raise ValueError(
                "An InfoGAN knows no labels, but categories that it found by itself, in an order "
                f"of its own. Ask for them with `categories=`. Received: labels={labels!r}"
            )
        shape = (num_samples, *self.latent_shape)
        noise = latent.sample(shape, self.noise, seed=seed, truncation=truncation)
        if truncation is not None:
            # A scaled first number would mean the categories in the middle only.
            noise[:, 0] /= min(float(truncation), 1.0)
        if categories is not None:
            noise[:, 0] = self._places(categories, num_samples)
        if continuous is not None:
            wanted = (num_samples, self.codes.num_continuous)
            try:
                given = np.broadcast_to(np.asarray(continuous, "float32"), wanted)
            except ValueError:
                raise ValueError(
                    f"`continuous` holds {wanted[1]} codes per sample: an array that broadcasts to "
                    f"{wanted}. Received: shape {np.shape(continuous)}"
                ) from None
            part = noise[:, 1 : 1 + wanted[1]]
            noise[:, 1 : 1 + wanted[1]] = np.where(np.isnan(given), part, given)
        return self.decode(noise, batch_size=batch_size)

    def _places(self, categories, num_samples):
        number = self.codes.num_categories
        given = np.asarray(categories)
        if given.dtype.kind not in "iu" or given.shape not in ((), (num_samples,)):
            raise ValueError(
                f"`categories` is one integer or {num_samples} of them, one per sample. "
                f"Received: categories={categories!r}"
            )
        if given.size and not 0 <= given.min() <= given.max() < number:
            raise ValueError(
                f"There are the categories 0 to {number - 1}. Received: categories={categories!r}"
            )
        return (2.0 * given + 1.0) / number - 1.0  # the middle of what the category stands for

    def _noise(self, x):
        return latent.draw((ops.shape(x)[0], *self.latent_shape), self.noise, self.noise_seed)

    def _imagine(self, num_samples, labels):
        return self.generator(labels[0])

    def _heads(self, samples):
        return super()._judge(samples, ())

    def _judge(self, samples, labels):
        return self._heads(samples)[0]

    def _features(self, samples, labels):
        return super()._features(samples, ())

    def _misread(self, heads, noise):
        categories, continuous = self.codes.split(noise)
        logits = ops.cast(heads[0], "float32")
        entropies = ops.sparse_categorical_crossentropy(categories, logits, from_logits=True)
        terms = {"category": self.category_weight * ops.mean(entropies)}
        if len(heads) > 1:
            errors = ops.sum(ops.square(ops.cast(heads[1], "float32") - continuous), axis=-1)
            terms["continuous"] = 0.5 * self.continuous_weight * ops.mean(errors)
        return terms

    def _check_codes(self):
        if self.noise != "uniform":
            raise ValueError(
                "The codes of an InfoGAN are made of uniform noise: leave `noise` out. "
                f"Received: noise={self.noise!r}"
            )
        if not any(isinstance(layer, LatentCodes) for layer in self.generator.layers):
            raise ValueError(
                "The generator must begin with a kgan.layers.LatentCodes, which turns noise into "
                "codes. Build it with kgan.networks.conditioned.code_generator. "
                f"Received: layers {[layer.name for layer in self.generator.layers]}"
            )
        codes = self.codes
        wanted = [(codes.num_categories,)]
        wanted += [(codes.num_continuous,)] if codes.num_continuous else []
        shapes = [tuple(output.shape[1:]) for output in self.discriminator.outputs]
        if shapes[1:] != wanted:
            raise ValueError(
                f"The discriminator must return logits and then, per sample, {wanted} for the codes"
                f" of the generator. Received: outputs of shapes {shapes} without the batch"
            )
