"""The information maximizing GAN: codes in the noise that come to mean something."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.latent import noise as latent
from kgan.layers.codes import LatentCodes, split_codes
from kgan.losses import AdversarialLoss
from kgan.models.conditions import Condition, cross_entropy, output_shapes
from kgan.models.gan import GAN
from kgan.utils.arguments import check_count, check_weight
from kgan.utils.hints import Batch, Config, Data, Tensor, Terms


@keras.saving.register_keras_serializable("kgan")
class CodeCondition(Condition):
    """Codes in the noise, which the discriminator has to recover from the samples.

    Use this through `kgan.InfoGAN` for data without labels. A batch holds nothing for it: the codes
    are what `kgan.layers.LatentCodes` reads in the noise that the samples are made of.

    Reference: Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information
    Maximizing Generative Adversarial Nets", equations 5 and 6: both players raise the lower bound
    of the mutual information between codes and samples. Its terms are `category`, the
    cross-entropy of the category, and `continuous`, the squared error of the continuous codes
    summed and halved: the negative log-likelihood of Gaussians of unit variance, up to a constant.

    Args:
        num_categories: integer of at least 2, as in the generator's `LatentCodes`.
        num_continuous: integer, continuous codes. Defaults to 0.
        category_weight: float, lambda of the category. Defaults to 1.0.
        continuous_weight: float, lambda of the continuous codes. Defaults to 0.1.

    Raises:
        TypeError: when an argument is no number.
        ValueError: when an argument is out of range.

    Example:

    ```python
    import kgan

    networks = kgan.networks.conditioned
    model = kgan.GAN(
        networks.code_generator((2,), num_categories=8, num_continuous=1, latent_dim=4),
        networks.many_headed((2,), {"category": 8, "continuous": 1}),
        noise="uniform",
        condition=kgan.CodeCondition(num_categories=8, num_continuous=1),
    )
    ```
    """

    networks = ()

    def __init__(
        self,
        num_categories: int,
        num_continuous: int = 0,
        category_weight: float = 1.0,
        continuous_weight: float = 0.1,
    ) -> None:
        """Check and keep the options."""
        self.num_categories = check_count("num_categories", num_categories, minimum=2)
        self.num_continuous = check_count("num_continuous", num_continuous, minimum=0)
        self.category_weight = check_weight("category_weight", category_weight)
        self.continuous_weight = check_weight("continuous_weight", continuous_weight)

    def heads(self, num_outputs: int) -> tuple[str, ...]:
        """`adversarial`, `category`, and `continuous` where there are continuous codes."""
        return ("adversarial", "category", *["continuous"] * bool(self.num_continuous))

    def discriminator_losses(
        self,
        loss: AdversarialLoss,
        real: Sequence[Tensor],
        fake: Sequence[Tensor],
        mismatched: Sequence[Tensor] | None,
        given: Batch,
        noise: Tensor,
    ) -> Terms:
        """The plain game's term, and the codes' on fake samples."""
        terms = super().discriminator_losses(loss, real, fake, mismatched, given, noise)
        return {**terms, **self._code_losses(fake, noise)}

    def generator_losses(
        self,
        loss: AdversarialLoss,
        real: Sequence[Tensor] | None,
        fake: Sequence[Tensor],
        given: Batch,
        noise: Tensor,
    ) -> Terms:
        """The plain game's term, and the codes' on fake samples."""
        terms = super().generator_losses(loss, real, fake, given, noise)
        return {**terms, **self._code_losses(fake, noise)}

    def check(self, model: Any) -> None:
        """Raises `ValueError` where noise, generator and discriminator do not share the codes."""
        if model.noise != "uniform":
            raise ValueError(
                'Codes are made of uniform noise: pass noise="uniform", or leave it out of a '
                f"kgan.InfoGAN. Received: noise={model.noise!r}"
            )
        codes = codes_of(model.generator)
        made, wanted = (codes.num_categories, codes.num_continuous), self.get_config()
        if made != (self.num_categories, self.num_continuous):
            raise ValueError(
                "Condition and generator must have the same codes, and the generator's "
                f"kgan.layers.LatentCodes has {made[0]} categories and {made[1]} continuous codes. "
                f"Give the condition the same numbers. Received: {wanted}"
            )
        wanted = [(size,) for size in made if size]
        shapes = output_shapes(model.discriminator)
        if shapes[1:] != wanted:
            raise ValueError(
                f"The discriminator must return logits and then, per sample, {wanted} for the codes"
                f" of the generator. Received: outputs of shapes {shapes} without the batch"
            )

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal condition."""
        return {
            "num_categories": self.num_categories,
            "num_continuous": self.num_continuous,
            "category_weight": self.category_weight,
            "continuous_weight": self.continuous_weight,
        }

    def _code_losses(self, outputs, noise):
        categories, continuous = split_codes(noise, self.num_categories, self.num_continuous)
        terms = {"category": self.category_weight * cross_entropy(outputs[1], categories)}
        if self.num_continuous:
            errors = ops.sum(ops.square(ops.cast(outputs[2], "float32") - continuous), axis=-1)
            terms["continuous"] = 0.5 * self.continuous_weight * ops.mean(errors)
        return terms


class InfoGAN(GAN):
    """A GAN that finds categories and directions of variation without labels.

    Use this to explore unlabelled data: on digits the category comes to mean the digit, and the
    continuous codes slant and width. Which category means what differs from seed to seed. It is
    `kgan.GAN` with a `kgan.CodeCondition`, which says what the terms are, and with categories and
    continuous codes in `generate`.

    Reference: Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information
    Maximizing Generative Adversarial Nets", equations 5 and 6: both players raise the lower bound
    of the mutual information between codes and samples, which heads of the discriminator recover.

    The codes are part of the noise, which is uniform: see `kgan.layers.LatentCodes` for its layout.

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
        generator: keras.Model,
        discriminator: keras.Model,
        loss: str | AdversarialLoss = "non_saturating",
        category_weight: float = 1.0,
        continuous_weight: float = 0.1,
        **kwargs: Any,
    ) -> None:
        codes = codes_of(generator)
        sizes = codes.num_categories, codes.num_continuous
        condition = CodeCondition(*sizes, category_weight, continuous_weight)
        options = {"noise": "uniform", **kwargs}
        super().__init__(generator, discriminator, loss=loss, condition=condition, **options)

    @property
    def codes(self) -> LatentCodes:
        """The generator's `kgan.layers.LatentCodes`."""
        return codes_of(self.generator)

    @property
    def category_weight(self) -> float:
        """Lambda of the category."""
        return self.condition.category_weight

    @property
    def continuous_weight(self) -> float:
        """Lambda of the continuous codes."""
        return self.condition.continuous_weight

    def get_config(self) -> Config:
        """The arguments of `__init__`: the condition is made of them and of the generator."""
        config = super().get_config()
        del config["condition"]
        return config

    def generate(
        self,
        num_samples: int,
        *,
        categories: Data = None,
        continuous: Data = None,
        labels: None = None,
        seed: int | None = None,
        truncation: float | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New samples in the data's own scale, with the codes that are asked for.

        Args:
            num_samples: integer.
            categories: an integer, or `num_samples` of them, in 0..num_categories - 1. Defaults
                to `None`: drawn.
            continuous: array that broadcasts to (num_samples, num_continuous), numbers in [-1, 1]
                (beyond, the samples leave what was trained); NaN for those to be drawn. Defaults to
                `None`: all are drawn.
            labels: not defined: what this model finds it calls categories.
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
                "An InfoGAN knows no labels, but categories that it found, in an order that "
                "differs from seed to seed. Ask for them with `categories=`. "
                f"Received: labels={labels!r}"
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


def codes_of(generator):
    """Returns the generator's `kgan.layers.LatentCodes`, and raises where it has none."""
    for layer in generator.layers:
        if isinstance(layer, LatentCodes):
            return layer
    raise ValueError(
        "The generator must begin with a kgan.layers.LatentCodes, which turns noise into codes. "
        "Build it with kgan.networks.conditioned.code_generator. "
        f"Received: layers {[layer.name for layer in generator.layers]}"
    )
