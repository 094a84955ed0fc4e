"""What translators between two collections share: discriminators, pools, and both directions."""

from typing import Literal

import numpy as np
from keras import ops

from kgan import losses
from kgan.data.fields import Field, of_shape
from kgan.game import AdversarialModel, Player
from kgan.layers import HistoryPool
from kgan.losses import AdversarialLoss
from kgan.serving.endpoints import Endpoint
from kgan.utils.hints import Batch, Data, Tensor, Terms

# The first row of their tables.
DISCRIMINATORS = Player(("discriminator_a", "discriminator_b"), ("a", "b"))
DIRECTIONS = ("a_to_b", "b_to_a")


class TwoWayTranslator(AdversarialModel):
    """What models share that translate between two collections without pairs, both ways.

    A subclass keeps `kind_a`, `kind_b`, `discriminator_a`, `discriminator_b`, `loss`,
    `discriminator_weight` and `pool_size`, makes its pools with `make_pools`, and has `a_to_b` and
    `b_to_a`: networks, or functions of the networks that `networks_of` names.
    """

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a batch holds: samples of a, and samples of b that do not belong to them."""
        a = self.kind_a or of_shape(self.discriminator_a.input_shape[1:])
        b = self.kind_b or of_shape(self.discriminator_b.input_shape[1:])
        return a.renamed("a"), b.renamed("b", paired=False)

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: it translates both ways."""
        a, b = self.fields

        def way(name, source, target):
            return Endpoint(
                function=getattr(self, name),
                inputs=(source,),
                output=target,
                networks=self.networks_of(name),
                imitates=target.name,
            )

        return {"a_to_b": way("a_to_b", a, b), "b_to_a": way("b_to_a", b, a)}

    def networks_of(self, direction: str) -> tuple[str, ...]:
        """Names of the networks that translate in a direction."""
        return (direction,)

    @property
    def adversarial_loss(self) -> AdversarialLoss:
        """The pair of losses that the discriminators are trained by."""
        return self.loss

    def fakes(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """What training makes of samples: of those of b samples of a, and the other way round."""
        return self.b_to_a(b), self.a_to_b(a)

    def discriminators_loss(self, a: Tensor, b: Tensor) -> Terms:
        """Each discriminator's term, on real samples and on fakes of now and of the past."""
        # Their turn: nothing flows back into the generators.
        fake_a, fake_b = map(ops.stop_gradient, self.fakes(a, b))
        if self.pool_size:
            fake_a, fake_b = self.pool_a(fake_a), self.pool_b(fake_b)
        weight = self.discriminator_weight * self._adversarial_weight
        a_term = self.loss.discriminator(self.discriminator_a(a), self.discriminator_a(fake_a))
        b_term = self.loss.discriminator(self.discriminator_b(b), self.discriminator_b(fake_b))
        return {"a": weight * a_term, "b": weight * b_term}

    def adversarial_term(self, a: Tensor, b: Tensor, fake_a: Tensor, fake_b: Tensor) -> Tensor:
        """How far fakes are from passing for real, summed over both kinds."""
        real_a = self.discriminator_a(a) if self.loss.relativistic else None
        real_b = self.discriminator_b(b) if self.loss.relativistic else None
        adversarial = self.loss.generator(real_a, self.discriminator_a(fake_a))
        adversarial += self.loss.generator(real_b, self.discriminator_b(fake_b))
        return self._adversarial_weight * adversarial

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The logits of b's discriminator for the batch's samples of b, and for fake ones."""
        return self.discriminator_b(batch[1]), self.discriminator_b(fake)

    def translate(
        self, images: Data, direction: Literal["a_to_b", "b_to_a"] = "a_to_b", batch_size: int = 64
    ) -> np.ndarray:
        """What images become in the other collection, in the data's own scale.

        Averaged weights make it where the generators' optimizer has `use_ema=True`. Nothing is
        drawn: the same image gives the same answer. Calling it changes nothing in the model.

        Args:
            images: array (n, height, width, channels) of integers in 0..255 or floats in [-1, 1];
                floats where the model's samples are no images.
            direction: `"a_to_b"` or `"b_to_a"`. Defaults to `"a_to_b"`.
            batch_size: integer, images per pass. Defaults to 64.

        Returns:
            NumPy array: images as uint8 (n, height, width, channels), other samples as float32.

        Raises:
            ValueError: when there is no such direction, or the images are not what it takes.
            TypeError: when they are no array.

        Example:

        ```python
        import kgan

        images = kgan.data.load("digits")[:8]
        model = kgan.zoo.load(
            "cyclegan", like=images, width=4, discriminator_width=4, num_blocks=1
        )
        there = model.translate(images)
        back = model.translate(there, direction="b_to_a")
        ```
        """
        if direction not in DIRECTIONS:
            raise ValueError(
                f"There is no such direction. Expected one of {list(DIRECTIONS)}. "
                f"Received: direction={direction!r}"
            )
        return self.run(direction, images, batch_size=batch_size)

    @property
    def _adversarial_weight(self):
        # The released code's squares are not halved, and its other weights are relative to that.
        return 2.0 if isinstance(self.loss, losses.LeastSquares) else 1.0

    def make_pools(self) -> None:
        """Makes the pools of past fakes, or none."""
        self.pool_a, self.pool_b = self._pool(0), self._pool(1)

    def _pool(self, index):
        if not self.pool_size:
            return None
        # Two seeds, so that the pools do not exchange the same places at the same time.
        seed = None if self.seed is None else self.seed + index
        pool = HistoryPool(self.pool_size, seed)
        pool.build((None, *self.fields[index].shape))
        return pool

    def check_discriminators(self) -> None:
        """Raises `ValueError` where the discriminators' weight is 0."""
        if self.discriminator_weight == 0:
            raise ValueError(
                "Discriminators with weight 0 never learn. Expected a weight above 0. "
                f"Received: discriminator_weight={self.discriminator_weight}"
            )


def distance(first: Tensor, second: Tensor) -> Tensor:
    """The mean absolute difference."""
    return ops.mean(ops.abs(first - second))
