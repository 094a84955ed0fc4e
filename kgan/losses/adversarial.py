"""Adversarial losses: what the discriminator and the generator each minimise, on raw logits.

Every loss is a pair of pure functions and a class that carries the options. Logits may have any
shape, `(n,)`, `(n, 1)` or `(n, h, w, 1)` patches: each element counts as one answer and the mean
runs over all of them. Everything is computed in float32, and through `softplus` rather than a
sigmoid and a logarithm, which overflow for confident discriminators.

The functions take `real` and `fake`, the logits of real and of generated samples, and return a
float32 scalar. `label_smoothing` is a float in [0, 1). When to use which loss, the paper, the
errors and an example are in the docstring of the class.
"""

import math
import numbers
from typing import Self

import keras
from keras import ops

from kgan.losses.functions import (
    hinge_discriminator_loss,
    hinge_fake_loss,
    hinge_real_loss,
    least_squares_discriminator_loss,
    least_squares_fake_loss,
    least_squares_generator_loss,
    least_squares_real_loss,
    minimax_discriminator_loss,
    minimax_fake_loss,
    minimax_generator_loss,
    minimax_real_loss,
    non_saturating_generator_loss,
    relativistic_average_discriminator_loss,
    relativistic_average_generator_loss,
    relativistic_pairing_discriminator_loss,
    relativistic_pairing_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_fake_loss,
    wasserstein_generator_loss,
)
from kgan.utils.hints import Config, Tensor


class AdversarialLoss:
    """Base class of the adversarial losses: one number for each of the two players.

    Use this to write a loss of your own: subclass it, override `discriminator` and `generator`, set
    `relativistic = True` if the generator's loss needs the real logits, return the constructor's
    arguments from `get_config` and register the class for saving. If the discriminator's side is
    a sum over real and over fake samples, override `discriminator_real` and `discriminator_fake`
    too, which games with a third kind of sample need, such as `kgan.ConditionalGAN`.

    Example:
    ```python
    import keras
    from kgan.losses import AdversarialLoss

    @keras.saving.register_keras_serializable("my_package")
    class Linear(AdversarialLoss):
        def discriminator(self, real, fake):
            return keras.ops.mean(fake) - keras.ops.mean(real)

        def generator(self, real, fake):
            return -keras.ops.mean(fake)
    ```
    """

    relativistic = False
    # The logit above which a sample is taken for real; None where logits have no zero point.
    threshold = None
    _discriminator_loss = None
    _generator_loss = None
    _halves = None

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what the discriminator minimises.

        Args:
            real: logits of real samples, any shape.
            fake: logits of generated samples, any shape; that of `real` if the loss pairs them.

        Returns:
            A float32 scalar.

        Raises:
            ValueError: if `real` is `None`, or if paired logits differ in shape.
        """
        self._require_real(real, "discriminator")
        return self._discriminator_loss(real, fake, **self.get_config())

    def discriminator_real(self, real: Tensor) -> Tensor:
        """Return the half of `discriminator` on real samples, logits of any shape.

        `discriminator(real, fake)` is `discriminator_real(real) + discriminator_fake(fake)`.
        Raises `ValueError` if the loss compares the two and has no halves.
        """
        self.require_halves()
        self._require_real(real, "discriminator_real")
        return self._halves[0](real, **self.get_config())

    def discriminator_fake(self, fake: Tensor) -> Tensor:
        """Return the half of `discriminator` on generated samples: see `discriminator_real`."""
        self.require_halves()
        return self._halves[1](fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what the generator minimises.

        Args:
            real: logits of real samples if the loss is `relativistic`, otherwise ignored and
                normally `None`.
            fake: logits of generated samples, any shape.

        Returns:
            A float32 scalar.

        Raises:
            ValueError: if the loss is relativistic and `real` is `None` or, where logits are
                paired, of another shape.
        """
        if not self.relativistic:
            return self._generator_loss(fake)
        self._require_real(real, "generator")
        return self._generator_loss(real, fake)

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal loss."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make a loss from the output of `get_config`."""
        return cls(**config)

    def _require_real(self, real, player):
        if real is None:
            raise ValueError(
                f"{type(self).__name__}.{player} was called without real logits. Expected the "
                "discriminator's logits of a batch of real samples, against which this loss "
                "compares the fake ones. Pass `discriminator(real_samples)` as `real`. "
                "Received: real=None"
            )

    def jensen_shannon(self, real: Tensor, fake: Tensor) -> Tensor | None:
        """Estimate the Jensen-Shannon divergence of the two distributions, if the loss allows it.

        Reference: Goodfellow et al. 2014, "Generative Adversarial Nets", theorem 1: for the best
        discriminator the value function is `2 JSD - log 4`. A worse one gives a lower bound.

        Args:
            real: logits of real samples, any shape.
            fake: logits of generated samples, any shape.

        Returns:
            A number of nats from 0 to `log 2`, or `None` for a loss that does not bound it.
        """
        return None

    @property
    def has_halves(self) -> bool:
        """Whether `discriminator` is the sum of `discriminator_real` and `discriminator_fake`."""
        cls, halves = type(self), ("discriminator_real", "discriminator_fake")
        if all(getattr(cls, half) is not getattr(AdversarialLoss, half) for half in halves):
            return True
        # Inherited halves say nothing about a `discriminator` that a subclass overrides.
        return self._halves is not None and cls.discriminator is AdversarialLoss.discriminator

    def require_halves(self) -> None:
        """Raise `ValueError` if the loss has no halves, with what to use instead."""
        if not self.has_halves:
            raise ValueError(
                f"{type(self).__name__} has no halves: it is not the sum of a term on real and a "
                "term on fake logits. Expected a loss that is such a sum. Use "
                '"non_saturating", "hinge", "least_squares", "minimax" or "wasserstein", or '
                "override discriminator_real(real) and discriminator_fake(fake) in a custom "
                f"loss. Received: {type(self).__name__}"
            )


class _SmoothedLoss(AdversarialLoss):
    def __init__(self, label_smoothing: float = 0.0) -> None:
        message = (
            "`label_smoothing` is not a number in [0, 1). Expected a float: the real target is "
            "`1 - label_smoothing`. Pass 0.1 for a real target of 0.9, or 0 for none. "
            f"Received: label_smoothing={label_smoothing!r}"
        )
        if isinstance(label_smoothing, bool) or not isinstance(label_smoothing, numbers.Real):
            raise TypeError(message)
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(message)
        self.label_smoothing = float(label_smoothing)

    def get_config(self) -> Config:
        return {"label_smoothing": self.label_smoothing}


class _CrossEntropy(_SmoothedLoss):
    threshold = 0.0
    _discriminator_loss = staticmethod(minimax_discriminator_loss)
    _halves = (minimax_real_loss, minimax_fake_loss)

    def jensen_shannon(self, real: Tensor, fake: Tensor) -> Tensor | None:
        """`(value + log 4) / 2`, within its bounds."""
        # Targets of 1 and 0 whatever the smoothing: this measures, it does not train.
        value = -minimax_discriminator_loss(real, fake)
        return ops.clip((value + math.log(4.0)) / 2.0, 0.0, math.log(2.0))


@keras.saving.register_keras_serializable("kgan")
class Minimax(_CrossEntropy):
    """The original game: the generator minimises exactly what the discriminator maximises.

    Use this to study the theory. For training prefer `NonSaturating`: here the generator's
    gradient vanishes while the discriminator rejects its samples with confidence.

    Reference: Goodfellow et al. 2014, "Generative Adversarial Nets", equation 1. One-sided label
    smoothing: Salimans et al. 2016, section 3.4. The two terms are added, not halved.

    Args:
        label_smoothing: float in [0, 1), default 0. The real target is `1 - label_smoothing`, in
            the discriminator's loss alone; the fake target stays 0.

    Raises:
        TypeError, ValueError: if `label_smoothing` is not a number, or not in [0, 1).

    Example:
    ```python
    import numpy as np
    from kgan.losses import Minimax

    Minimax().discriminator(np.zeros((8, 1)), np.zeros((8, 1)))    # 2 log 2: undecided
    ```
    """

    _generator_loss = staticmethod(minimax_generator_loss)


@keras.saving.register_keras_serializable("kgan")
class NonSaturating(_CrossEntropy):
    """The game of `Minimax` with a generator that maximises `log D(G(z))`.

    Use this first: the standard loss of vanilla GANs, DCGAN and StyleGAN (there with `R1`). The
    generator's gradient is strongest when its samples are rejected.

    Reference: Goodfellow et al. 2014, "Generative Adversarial Nets", equation 1 with the
    generator's objective of section 3. Smoothing and halving: as for `Minimax`.

    Args:
        label_smoothing: float in [0, 1), default 0. The real target is `1 - label_smoothing`, in
            the discriminator's loss alone; the fake target stays 0.

    Raises:
        TypeError, ValueError: if `label_smoothing` is not a number, or not in [0, 1).

    Example:
    ```python
    import numpy as np
    from kgan.losses import NonSaturating

    NonSaturating(label_smoothing=0.1).generator(None, np.zeros((8, 1), "float32"))    # log 2
    ```
    """

    _generator_loss = staticmethod(non_saturating_generator_loss)


@keras.saving.register_keras_serializable("kgan")
class LeastSquares(_SmoothedLoss):
    """Squared distances of the raw logits to the targets 0 and 1, instead of cross-entropy.

    Use this for image translation with patch discriminators, as CycleGAN does: samples on the
    right side but far from the data still have a gradient.

    Reference: Mao et al. 2017, "Least Squares Generative Adversarial Networks", equation 9 (a = 0,
    b = c = 1). The factor 1/2 of the paper is kept, for both players; many libraries drop it, so
    their losses are twice as large.

    Args:
        label_smoothing: float in [0, 1), default 0. The real target is `1 - label_smoothing`, in
            the discriminator's loss alone; the generator's target stays 1.

    Raises:
        TypeError, ValueError: if `label_smoothing` is not a number, or not in [0, 1).

    Example:
    ```python
    import numpy as np
    from kgan.losses import LeastSquares

    LeastSquares().generator(None, np.zeros((8, 4, 4, 1), "float32"))    # 0.5
    ```
    """

    threshold = 0.5
    _discriminator_loss = staticmethod(least_squares_discriminator_loss)
    _halves = (least_squares_real_loss, least_squares_fake_loss)
    _generator_loss = staticmethod(least_squares_generator_loss)


@keras.saving.register_keras_serializable("kgan")
class Wasserstein(AdversarialLoss):
    """The difference of the mean logits: the earth mover's distance for a 1-Lipschitz critic.

    Use this with `GradientPenalty` when a loss that tracks sample quality is wanted. Without a
    penalty, weight clipping or spectral normalization it is unbounded and diverges.

    Reference: Arjovsky et al. 2017, "Wasserstein GAN", algorithm 1; Gulrajani et al. 2017,
    "Improved Training of Wasserstein GANs", algorithm 1.

    Example:
    ```python
    import numpy as np
    from kgan.losses import Wasserstein

    Wasserstein().discriminator(np.ones((8, 1)), np.zeros((8, 1)))    # -1
    ```
    """

    _discriminator_loss = staticmethod(wasserstein_discriminator_loss)
    _halves = (wasserstein_generator_loss, wasserstein_fake_loss)
    _generator_loss = staticmethod(wasserstein_generator_loss)


@keras.saving.register_keras_serializable("kgan")
class Hinge(AdversarialLoss):
    """Margins of 1 around zero for the discriminator, the mean logit for the generator.

    Use this with spectral normalization, as SNGAN, SAGAN and BigGAN do: samples that the
    discriminator already gets right by the margin no longer move it.

    Reference: Lim and Ye 2017, "Geometric GAN"; Miyato et al. 2018, "Spectral Normalization for
    Generative Adversarial Networks", equations 16 and 17. The two terms are added, not halved.

    Example:
    ```python
    import numpy as np
    from kgan.losses import Hinge

    Hinge().discriminator(np.zeros((8, 1)), np.zeros((8, 1)))    # 2
    ```
    """

    threshold = 0.0
    _discriminator_loss = staticmethod(hinge_discriminator_loss)
    _halves = (hinge_real_loss, hinge_fake_loss)
    _generator_loss = staticmethod(wasserstein_generator_loss)


@keras.saving.register_keras_serializable("kgan")
class RelativisticPairing(AdversarialLoss):
    """Is this real sample more realistic than this fake one? One comparison per pair.

    Use this with `R1` and `R2` for the training of R3GAN, which converges locally and drops
    fewer modes than losses that look at each sample alone. Real and fake logits need one shape.

    Reference: Jolicoeur-Martineau 2018, "The relativistic discriminator", RSGAN; Huang et al. 2024,
    "The GAN is dead; long live the GAN! A Modern GAN Baseline", equation 2.

    Example:
    ```python
    import numpy as np
    from kgan.losses import RelativisticPairing

    RelativisticPairing().generator(np.zeros((8, 1)), np.zeros((8, 1)))    # log 2
    ```
    """

    relativistic = True
    _discriminator_loss = staticmethod(relativistic_pairing_discriminator_loss)
    _generator_loss = staticmethod(relativistic_pairing_generator_loss)


@keras.saving.register_keras_serializable("kgan")
class RelativisticAverage(AdversarialLoss):
    """Is this real sample more realistic than the average fake one, and the other way round?

    Use this for super-resolution in the manner of ESRGAN, or where pairs are too noisy. The
    average runs over all logits of the batch, patches included; under a distribution strategy it
    is that of the replica.

    Reference: Jolicoeur-Martineau 2018, "The relativistic discriminator: a key element missing from
    standard GAN", RaSGAN (the relativistic average with cross-entropy). The two terms are added,
    not halved; ESRGAN's code halves the discriminator's.

    Example:
    ```python
    import numpy as np
    from kgan.losses import RelativisticAverage

    RelativisticAverage().discriminator(np.zeros((8, 1)), np.zeros((8, 1)))    # 2 log 2
    ```
    """

    relativistic = True
    _discriminator_loss = staticmethod(relativistic_average_discriminator_loss)
    _generator_loss = staticmethod(relativistic_average_generator_loss)
