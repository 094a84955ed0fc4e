"""Penalties on the gradient of the discriminator with respect to its input samples.

A penalty is one more term of the discriminator's loss. It is called as
`penalty(real, fake, discriminator=..., gradient=...)`, where `gradient(function, samples)` returns
the derivative of `sum(function(samples))`, and returns a float32 scalar with its weight multiplied
in. Outside the discriminator's own call everything is computed in float32.

Samples may be vectors `(n, d)`, images `(n, h, w, c)` or anything else with the batch first. If
the discriminator returns several logits per sample, as a patch discriminator does, the gradient is
that of their mean per sample, so that a weight means the same for a patch discriminator as for
one with a single logit. This holds only if a logit depends on its own sample alone: no batch
normalization.
"""

import math
import numbers
from collections.abc import Callable
from typing import Self

import keras
from keras import ops

from kgan.backend.seeds import SeedGenerator
from kgan.losses.functions import check_same_shape, per_sample_mean
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Tensor

# Below the resolution of float32 at a norm of 1, and it keeps the root differentiable at 0.
_EPSILON = 1e-12


def _float32(samples, name):
    if samples is None:
        raise ValueError(
            f"A penalty was called without {name} samples. Expected a batch of them, because the "
            f"discriminator's gradient is taken there. Pass the batch as `{name}`. "
            f"Received: {name}=None"
        )
    return ops.cast(samples, "float32")


def positive(name, value):
    """Return `value` as a float, or raise where it is not a positive finite number."""
    message = (
        f"`{name}` is not a positive finite number. Expected a float > 0. Pass for example "
        f"{name}=10.0, or leave this part out to train without it. Received: {name}={value!r}"
    )
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(message)
    if not (math.isfinite(value) and value > 0):
        raise ValueError(message)
    return float(value)


def squared_gradient_norms(samples, discriminator, gradient):
    """Return the squared norm, per sample, of the gradient of the sample's mean logit.

    Args:
        samples: float tensor, batch first.
        discriminator: function from samples to logits `(n,)`, `(n, 1)` or `(n, ...)`.
        gradient: function `(function, samples)` that returns `d sum(function(samples)) / d
            samples`, such as `kgan.backend.input_gradient`.

    Returns:
        A float32 tensor of shape `(n,)`.
    """

    def mean_logits(inputs):
        return per_sample_mean(discriminator(inputs))

    gradients = ops.cast(gradient(mean_logits, samples), "float32")
    return ops.sum(ops.square(gradients), axis=tuple(range(1, len(gradients.shape))))


def zero_centered_penalty(squared_norms, weight):
    """Return `weight / 2 * mean(squared_norms)`, the R1 and R2 of Mescheder et al. 2018."""
    return 0.5 * weight * ops.mean(squared_norms)


def one_centered_penalty(squared_norms, weight, one_sided=False):
    """Return `weight * mean((norm - 1)^2)`; if `one_sided`, norms below 1 cost nothing."""
    excess = ops.sqrt(squared_norms + _EPSILON) - 1.0
    if one_sided:
        excess = ops.relu(excess)
    return weight * ops.mean(ops.square(excess))


def interpolate_samples(real, fake, seed=None):
    """Return one uniform point per pair on the line between a real and a fake sample.

    Args:
        real: tensor, batch first.
        fake: tensor of the shape of `real`.
        seed: integer or seed generator. Default `None`: the global seed generator of Keras.

    Returns:
        A float32 tensor of the shape of `real`.

    Raises:
        ValueError: if one of them is missing or their shapes differ.
    """
    real, fake = _float32(real, "real"), _float32(fake, "fake")
    check_same_shape(real, fake, "samples")
    shape = (ops.shape(real)[0],) + (1,) * (len(real.shape) - 1)
    share = keras.random.uniform(shape, dtype="float32", seed=seed)
    return share * real + (1.0 - share) * fake


def perturb_samples(real, noise_scale=0.5, seed=None):
    """Return `real + noise_scale * std(real) * u` with `u` uniform in [0, 1) per element.

    Args:
        real: tensor, batch first. The standard deviation is one number for the whole batch.
        noise_scale: float > 0. Default 0.5.
        seed: integer or seed generator. Default `None`: the global seed generator of Keras.

    Returns:
        A float32 tensor of the shape of `real`.

    Raises:
        ValueError: if `real` is missing.
    """
    real = _float32(real, "real")
    noise = keras.random.uniform(ops.shape(real), dtype="float32", seed=seed)
    return real + noise_scale * ops.std(real) * noise


class Penalty:
    """Base class of the penalties: a weighted term of the discriminator's loss.

    Use this to write a penalty of your own: subclass it, set `name`, override `__call__`, return
    the constructor's arguments from `get_config` and register the class for saving. A random
    penalty keeps a `kgan.SeedGenerator` as `seed_generator`, so that its state is saved.

    Attributes:
        name: name of the term in the logs.
        per_sample: whether a logit must depend on its own sample alone, which forbids batch
            normalization, packs and minibatch discrimination in the discriminator.
        interval: batches from one evaluation to the next: see `R1`.
        reads_logits: whether it reads logits and samples only, without a gradient. `kgan.GAN` then
            calls `of_logits(real, fake, real_logits, fake_logits)` on the samples and logits of
            the adversarial term, in place of the penalty itself.

    Args:
        weight: float > 0, the factor of the term. Default 10.

    Raises:
        TypeError, ValueError: if `weight` is not a number, or not positive and finite.

    Example:
    ```python
    import keras
    from kgan.losses import Penalty

    @keras.saving.register_keras_serializable("my_package")
    class Drift(Penalty):
        name = "drift"
        per_sample = False

        def __call__(self, real, fake, *, discriminator, gradient):
            return self.weight * keras.ops.mean(keras.ops.square(discriminator(real)))
    ```
    """

    name = "penalty"
    per_sample = True
    interval = 1
    reads_logits = False

    def __init__(self, weight: float = 10.0) -> None:
        """Check and keep the weight."""
        self.weight = positive("weight", weight)

    def __call__(
        self,
        real: Tensor,
        fake: Tensor,
        *,
        discriminator: Callable[[Tensor], Tensor],
        gradient: Callable[..., Tensor],
    ) -> Tensor:
        """Return the weighted penalty.

        Args:
            real: batch of real samples; may be `None` for a penalty that does not use them.
            fake: batch of generated samples; may be `None` likewise.
            discriminator: function from samples to logits.
            gradient: function `(function, samples)` that returns the derivative of
                `sum(function(samples))`, such as `kgan.backend.input_gradient`.

        Returns:
            A float32 scalar.

        Raises:
            ValueError: if samples that the penalty needs are missing, or differ in shape where
                they are paired.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not implement `__call__`. Expected a `__call__(real, "
            "fake, *, discriminator, gradient)` that returns a scalar. Override it in the subclass."
        )

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal penalty."""
        return {"weight": self.weight}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make a penalty from the output of `get_config`."""
        return cls(**config)


class _RandomPenalty(Penalty):
    def __init__(
        self, weight: float = 10.0, one_sided: bool = False, seed: int | None = None
    ) -> None:
        super().__init__(weight)
        self.one_sided = bool(one_sided)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)

    def __call__(
        self,
        real: Tensor,
        fake: Tensor,
        *,
        discriminator: Callable[[Tensor], Tensor],
        gradient: Callable[..., Tensor],
    ) -> Tensor:
        samples = self._samples(real, fake)
        squared_norms = squared_gradient_norms(samples, discriminator, gradient)
        return one_centered_penalty(squared_norms, self.weight, self.one_sided)

    def get_config(self) -> Config:
        return {**super().get_config(), "one_sided": self.one_sided, "seed": self.seed}


@keras.saving.register_keras_serializable("kgan")
class GradientPenalty(_RandomPenalty):
    """Pull the norm of the gradient towards 1 between the real and the fake samples.

    Use this with the `Wasserstein` loss, whose critic has to be 1-Lipschitz (WGAN-GP).

    Reference: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", equation 3 and
    algorithm 1. One interpolation weight per example, the norm over all its elements, 1e-12 added
    under the root.

    Args:
        weight: float > 0, the paper's lambda. Default 10.
        one_sided: whether norms below 1 are not penalised. Default `False`, as in the paper.
        seed: integer seed of the interpolation weights. Default `None`: a random seed.

    Raises:
        TypeError, ValueError: if `weight` is not a number, or not positive and finite.

    Example:
    ```python
    import keras
    from kgan.backend import input_gradient
    from kgan.losses import GradientPenalty

    penalty = GradientPenalty(weight=10.0, seed=0)
    value = penalty(
        keras.ops.zeros((4, 2)),
        keras.ops.ones((4, 2)),
        discriminator=lambda x: 3.0 * x[:, :1],
        gradient=input_gradient,
    )    # 10 * (3 - 1)^2 = 40
    ```
    """

    name = "gradient_penalty"

    def _samples(self, real, fake):
        return interpolate_samples(real, fake, self.seed_generator)


@keras.saving.register_keras_serializable("kgan")
class DRAGAN(_RandomPenalty):
    """Pull the norm of the gradient towards 1 in a neighbourhood of the real samples.

    Use this with `NonSaturating` against mode collapse where fake samples are too poor to
    interpolate with; it does not look at them.

    Reference: Kodali et al. 2017, "On Convergence and Stability of GANs": lambda = 10, target
    k = 1, two-sided. The noise is that of the authors' code, uniform in [0, 1) per element times
    half the standard deviation of the batch, where the text has a Gaussian. Unlike that code no
    further interpolation is made between the sample and its perturbation. The gradient is that of
    the logit.

    Args:
        weight: float > 0, the paper's lambda. Default 10.
        noise_scale: float > 0, the largest noise in standard deviations of the batch. Default 0.5.
        one_sided: whether norms below 1 are not penalised. Default `False`, as in the paper.
        seed: integer seed of the noise. Default `None`: a random seed.

    Raises:
        TypeError, ValueError: if `weight` or `noise_scale` is not a number, or not positive and
            finite.

    Example:
    ```python
    import keras
    from kgan.backend import input_gradient
    from kgan.losses import DRAGAN

    penalty = DRAGAN(weight=10.0, seed=0)
    value = penalty(
        keras.ops.zeros((4, 2)),
        None,
        discriminator=lambda x: 3.0 * x[:, :1],
        gradient=input_gradient,
    )    # 10 * (3 - 1)^2 = 40
    ```
    """

    name = "dragan"

    def __init__(
        self,
        weight: float = 10.0,
        noise_scale: float = 0.5,
        one_sided: bool = False,
        seed: int | None = None,
    ) -> None:
        """Check and keep the options, and make the source of the noise."""
        super().__init__(weight, one_sided, seed)
        self.noise_scale = positive("noise_scale", noise_scale)

    def _samples(self, real, fake):
        return perturb_samples(real, self.noise_scale, self.seed_generator)

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal penalty."""
        return {**super().get_config(), "noise_scale": self.noise_scale}


class _ZeroCenteredPenalty(Penalty):
    def __init__(self, weight: float = 10.0, interval: int = 1) -> None:
        """Check and keep the options."""
        super().__init__(weight)
        self.interval = check_count("interval", interval)

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal penalty."""
        return {**super().get_config(), "interval": self.interval}

    def __call__(
        self,
        real: Tensor,
        fake: Tensor,
        *,
        discriminator: Callable[[Tensor], Tensor],
        gradient: Callable[..., Tensor],
    ) -> Tensor:
        samples = self._samples(real, fake)
        squared_norms = squared_gradient_norms(samples, discriminator, gradient)
        return zero_centered_penalty(squared_norms, self.weight)


@keras.saving.register_keras_serializable("kgan")
class R1(_ZeroCenteredPenalty):
    """Pull the gradient towards 0 at the real samples.

    Use this with `NonSaturating`, where it makes training converge locally (StyleGAN), or with
    `R2` and `RelativisticPairing` (R3GAN).

    Reference: Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?",
    equation 9: `weight / 2 * E[|gradient|^2]`, with the factor 1/2. Karras et al. 2020, "Analyzing
    and Improving the Image Quality of StyleGAN", section 3.1 for `interval`. There it is a step of
    its own, with rates of Adam scaled accordingly; here it is part of the step of its batch.

    Args:
        weight: float > 0, the paper's gamma. Default 10.
        interval: integer, in training the penalty is evaluated on each `interval`-th batch, the
            first included, with `interval` times the weight, and is 0 on the others: most of its
            cost is saved. 16 is StyleGAN2's. Default 1.

    Raises:
        TypeError, ValueError: if `weight` is not a number, or not positive and finite, or
            `interval` is no integer of at least 1.

    Example:
    ```python
    import keras
    from kgan.backend import input_gradient
    from kgan.losses import R1

    value = R1(weight=10.0)(
        keras.ops.ones((4, 2)),
        None,
        discriminator=lambda x: keras.ops.sum(x**2, axis=1) / 2.0,
        gradient=input_gradient,
    )    # 10 / 2 * 2 = 10
    ```
    """

    name = "r1"

    def _samples(self, real, fake):
        return _float32(real, "real")


@keras.saving.register_keras_serializable("kgan")
class R2(_ZeroCenteredPenalty):
    """Pull the gradient towards 0 at the fake samples.

    Use this together with `R1`, as R3GAN does: with `R1` alone a relativistic discriminator
    keeps exploding gradients on fake samples early in training.

    Reference: Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?",
    equation 10: `weight / 2 * E[|gradient|^2]`, with the factor 1/2.

    Args:
        weight: float > 0, the paper's gamma. Default 10.
        interval: integer, as for `R1`. Default 1.

    Raises:
        TypeError, ValueError: if `weight` is not a number, or not positive and finite, or
            `interval` is no integer of at least 1.

    Example:
    ```python
    import keras
    from kgan.backend import input_gradient
    from kgan.losses import R2

    value = R2(weight=10.0)(
        None,
        keras.ops.ones((4, 2)),
        discriminator=lambda x: keras.ops.sum(x**2, axis=1) / 2.0,
        gradient=input_gradient,
    )    # 10 / 2 * 2 = 10
    ```
    """

    name = "r2"

    def _samples(self, real, fake):
        return _float32(fake, "fake")
