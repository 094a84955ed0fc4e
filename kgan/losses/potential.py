"""The quadratic potential of GAN-QP, a penalty on logits and distances, not gradients."""

from collections.abc import Callable

import keras
from keras import ops

from kgan.losses.functions import check_same_shape
from kgan.losses.penalties import Penalty
from kgan.utils.hints import Tensor

# A pair that is one and the same has distance 0 and logits that do not differ: 0 / this.
_SMALLEST_DISTANCE = 1e-6


def mean_distances(real, fake):
    """Return the mean absolute difference of each pair.

    Args:
        real: float tensor, batch first.
        fake: tensor of the shape of `real`.

    Returns:
        A float32 tensor of shape `(n,)`.

    Raises:
        ValueError: if the shapes differ.
    """
    check_same_shape(real, fake, "samples")
    difference = ops.abs(ops.cast(real, "float32") - ops.cast(fake, "float32"))
    return ops.mean(difference, axis=tuple(range(1, len(difference.shape))))


@keras.saving.register_keras_serializable("kgan")
class QuadraticPotential(Penalty):
    """Hold the difference of two logits to a multiple of the distance of the two samples.

    Use this with the `Wasserstein` loss in place of a gradient penalty (GAN-QP): there is no
    gradient with respect to samples to take, so a step costs about half as much, and the
    discriminator may have BatchNorm.

    Reference: Su 2018, "GAN-QP: A Novel GAN Framework without Gradient Vanishing and Lipschitz
    Constraint". The term is `weight * mean((D(real) - D(fake))^2 / d(real, fake))` over pairs in
    batch order, d the mean absolute difference of a pair as in the author's code. Added to the
    Wasserstein loss it gives the paper's discriminator loss with `weight = 1 / (2 lambda)`. The
    paper's generator minimises `mean(D(real) - D(fake))`, whose first half does not depend on the
    generator: that is the Wasserstein generator loss.

    A pair's optimum is `D(real) - D(fake) = lambda d`, where the discriminator's loss is
    `-lambda d / 2`. Each sample needs its own logit, so it does not go with packs.

    Args:
        weight: float > 0, 1 / (2 lambda). Default 0.05, the paper's lambda = 10.

    Raises:
        TypeError, ValueError: if `weight` is not a number, or not positive and finite.

    Example:
    ```python
    import keras
    from kgan.losses import QuadraticPotential

    value = QuadraticPotential(weight=0.05)(
        keras.ops.ones((4, 2)),
        keras.ops.zeros((4, 2)),
        discriminator=lambda x: 10.0 * x[:, :1],
    )    # 0.05 * 10^2 / 1 = 5, where the Wasserstein loss is -10
    ```
    """

    name = "quadratic_potential"
    per_sample = False
    # `kgan.GAN` hands over the logits of the adversarial term: a second call costs time, and with
    # dropout gives other ones.
    reads_logits = True

    def __init__(self, weight: float = 0.05) -> None:
        """Check and keep the weight."""
        super().__init__(weight)

    def __call__(
        self,
        real: Tensor,
        fake: Tensor,
        *,
        discriminator: Callable[[Tensor], Tensor],
        gradient: Callable[..., Tensor] | None = None,
    ) -> Tensor:
        """Return the weighted potential; `gradient` is ignored."""
        for name, samples in (("real", real), ("fake", fake)):
            if samples is None:
                raise ValueError(
                    f"The quadratic potential was called without {name} samples. Expected a batch "
                    "of real and one of fake samples, of which it takes the distances. Pass the "
                    f"batch as `{name}`. Received: {name}=None"
                )
        return self.of_logits(real, fake, discriminator(real), discriminator(fake))

    def of_logits(
        self, real: Tensor, fake: Tensor, real_logits: Tensor, fake_logits: Tensor
    ) -> Tensor:
        """Return the weighted potential where the discriminator has answered already.

        Args:
            real: batch of real samples.
            fake: batch of generated samples.
            real_logits: the discriminator's logits of `real`, any shape, batch first.
            fake_logits: its logits of `fake`.

        Returns:
            A float32 scalar.

        Raises:
            ValueError: if samples differ in shape, or if there is not one logit per sample.
        """
        distances = mean_distances(real, fake)
        difference = _mean_logits(real_logits) - _mean_logits(fake_logits)
        _check_one_per_sample(difference, distances)
        distances = ops.maximum(distances, _SMALLEST_DISTANCE)
        return self.weight * ops.mean(ops.square(difference) / distances)


def _mean_logits(logits):
    logits = ops.cast(logits, "float32")
    axes = tuple(range(1, len(logits.shape)))
    return ops.mean(logits, axis=axes) if axes else logits


def _check_one_per_sample(logits, distances):
    made, wanted = logits.shape[0], distances.shape[0]
    if made is not None and wanted is not None and made != wanted:
        raise ValueError(
            "The quadratic potential divides the logit of each sample by its own distance. "
            "Expected one logit per sample. Take a discriminator that does not pack samples "
            f"(pack=1). Received: {made} logits of {wanted} samples"
        )
