"""Image translation without pairs: two collections, and a translator each way."""

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from kgan import losses
from kgan.data.fields import Field, of_shape
from kgan.game import AdversarialModel, Player
from kgan.layers import HistoryPool
from kgan.losses import AdversarialLoss
from kgan.serving.endpoints import Endpoint
from kgan.utils.arguments import check_count, check_weight
from kgan.utils.hints import Batch, Data, Tensor, Terms


class UnpairedTranslator(AdversarialModel):
    """Two generators that undo each other, and a discriminator for each of the two collections.

    Use this when there are samples of both kinds but no pairs: photographs and paintings, summer
    and winter, horses and zebras. `fit(a, b)` takes two collections of any lengths, and shuffles
    each separately. Where pairs exist, `kgan.PairedTranslator` learns more from less.

    It finds a mapping that can be undone, not necessarily the one that you mean: nothing in the
    loss says which a belongs to which b. Look at what `translate` makes.

    Reference: Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent
    Adversarial Networks", equations 1 to 3, sections 4 and 5.2 (the identity term). The
    discriminators' loss is halved and taken on a pool of past fakes (section 4).

    Weights are those of the paper's released code, where the generators' terms stand 1 : 10 : 5.
    There, least squares are a plain mean of squares; `kgan.losses.LeastSquares` halves them, so
    with that loss the adversarial terms of both players are doubled here: the generators' is
    `mean((D(G(x)) - 1)^2)` summed over both directions, the discriminators' each
    `discriminator_weight * (mean((D(real) - 1)^2) + mean(D(fake)^2))`. Other losses count as
    they are. The discriminators move first and the generators answer their new state; the released
    code has them the other way round.

    Args:
        a_to_b: functional `keras.Model` from samples of a to samples of b.
        b_to_a: functional `keras.Model` from samples of b to samples of a.
        discriminator_a: functional `keras.Model` from samples of a to logits of any shape.
        discriminator_b: functional `keras.Model` from samples of b to logits of any shape.
        loss: a `kgan.losses` pair or its name. Defaults to `"least_squares"`.
        cycle_weight: float of at least 0, times the L1 distance of each sample to what comes back
            from both translations in turn; the paper's lambda. Defaults to 10.0.
        identity_weight: float of at least 0. A generator that is given what it is to make should
            leave it alone: `identity_weight * cycle_weight` times the L1 distance. It keeps
            colours. 0 leaves the term out, which it must where a and b differ in shape. Defaults
            to 0.5.
        discriminator_weight: float above 0, times the discriminators' loss. Defaults to 0.5.
        pool_size: integer, how many past fakes of each kind the discriminators may be shown; 0 for
            none. Defaults to 50.
        kind_a: `kgan.data.Field` of a. Defaults to `None`: what the networks' shapes say, as of
            `kgan.data.of_shape`.
        kind_b: `kgan.data.Field` of b, likewise. Defaults to `None`.
        seed: integer that seeds data order and the pools. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together, or a weight is out of range.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")  # uint8 (n, 8, 8, 1)
    shape = (8, 8, 1)
    model = kgan.UnpairedTranslator(
        a_to_b=kgan.networks.resnet.generator(shape, width=4, num_blocks=1),
        b_to_a=kgan.networks.resnet.generator(shape, width=4, num_blocks=1),
        discriminator_a=kgan.networks.patchgan.discriminator(shape, width=4),
        discriminator_b=kgan.networks.patchgan.discriminator(shape, width=4),
    )
    model.compile(optimizer="adam")
    model.fit(images[:64], 255 - images[64:100], verbose=0)
    made = model.translate(images[:4], direction="a_to_b")  # uint8 (4, 8, 8, 1)
    ```
    """

    def __init__(
        self,
        a_to_b: keras.Model,
        b_to_a: keras.Model,
        discriminator_a: keras.Model,
        discriminator_b: keras.Model,
        loss: str | AdversarialLoss = "least_squares",
        cycle_weight: float = 10.0,
        identity_weight: float = 0.5,
        discriminator_weight: float = 0.5,
        pool_size: int = 50,
        kind_a: Field | None = None,
        kind_b: Field | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.kind_a = kind_a
        self.kind_b = kind_b
        self.a_to_b = a_to_b
        self.b_to_a = b_to_a
        self.discriminator_a = discriminator_a
        self.discriminator_b = discriminator_b
        self.loss = losses.get(loss)
        self.cycle_weight = check_weight("cycle_weight", cycle_weight)
        self.identity_weight = check_weight("identity_weight", identity_weight)
        self.discriminator_weight = check_weight("discriminator_weight", discriminator_weight)
        self.pool_size = check_count("pool_size", pool_size, minimum=0)
        self._check_networks()
        self.pool_a = self._pool(0)
        self.pool_b = self._pool(1)
        self.built = True

    @property
    def players(self) -> dict[str, Player]:
        """The table: both discriminators, then both generators."""
        cycle = ("cycle",) if self.cycle_weight else ()
        identity = ("identity",) if self.identity_weight else ()
        terms = ("adversarial", *cycle, *identity)
        return {
            "discriminators": Player(("discriminator_a", "discriminator_b"), ("a", "b")),
            "generators": Player(("a_to_b", "b_to_a"), terms),
        }

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a batch holds: samples of a, and samples of b that do not belong to them."""
        a = self.kind_a or of_shape(self.a_to_b.input_shape[1:])
        b = self.kind_b or of_shape(self.b_to_a.input_shape[1:])
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
                networks=(name,),
                imitates=target.name,
            )

        return {"a_to_b": way("a_to_b", a, b), "b_to_a": way("b_to_a", b, a)}

    @property
    def adversarial_loss(self) -> AdversarialLoss:
        """The pair of losses that the discriminators are trained by."""
        return self.loss

    def discriminators_loss(self, a: Tensor, b: Tensor) -> Terms:
        """Each discriminator's term, on real samples and on fakes of now and of the past."""
        # Their turn: nothing flows back into the generators.
        fake_a = ops.stop_gradient(self.b_to_a(b))
        fake_b = ops.stop_gradient(self.a_to_b(a))
        if self.pool_size:
            fake_a, fake_b = self.pool_a(fake_a), self.pool_b(fake_b)
        weight = self.discriminator_weight * self._adversarial_weight
        a_term = self.loss.discriminator(self.discriminator_a(a), self.discriminator_a(fake_a))
        b_term = self.loss.discriminator(self.discriminator_b(b), self.discriminator_b(fake_b))
        return {"a": weight * a_term, "b": weight * b_term}

    def generators_loss(self, a: Tensor, b: Tensor) -> Terms:
        """The generators' terms: to pass for real, to come back, to leave alone what fits."""
        fake_b, fake_a = self.a_to_b(a), self.b_to_a(b)
        real_a = self.discriminator_a(a) if self.loss.relativistic else None
        real_b = self.discriminator_b(b) if self.loss.relativistic else None
        adversarial = self.loss.generator(real_a, self.discriminator_a(fake_a))
        adversarial += self.loss.generator(real_b, self.discriminator_b(fake_b))
        terms = {"adversarial": self._adversarial_weight * adversarial}
        if self.cycle_weight:
            # Both generators travel in both cycles, and learn from both.
            cycle = _distance(a, self.b_to_a(fake_b)) + _distance(b, self.a_to_b(fake_a))
            terms["cycle"] = self.cycle_weight * cycle
        if self.identity_weight:
            identity = _distance(a, self.b_to_a(a)) + _distance(b, self.a_to_b(b))
            terms["identity"] = self.identity_weight * self.cycle_weight * identity
        return terms

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The logits of b's discriminator for the batch's samples of b, and for fake ones."""
        return self.discriminator_b(batch[1]), self.discriminator_b(fake)

    def translate(
        self, images: Data, direction: Literal["a_to_b", "b_to_a"] = "a_to_b", batch_size: int = 64
    ) -> np.ndarray:
        """What a generator makes of images, in the data's own scale.

        Averaged weights make them where the generators' optimizer has `use_ema=True`. Calling it
        changes nothing in the model.

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
        if direction not in self.endpoints:
            raise ValueError(
                f"There is no such direction. Expected one of {list(self.endpoints)}. "
                f"Received: direction={direction!r}"
            )
        return self.run(direction, images, batch_size=batch_size)

    @property
    def _adversarial_weight(self):
        # The released code's squares are not halved, and its other weights are relative to that.
        return 2.0 if isinstance(self.loss, losses.LeastSquares) else 1.0

    def _pool(self, index):
        if not self.pool_size:
            return None
        # Two seeds, so that the pools do not exchange the same places at the same time.
        seed = None if self.seed is None else self.seed + index
        pool = HistoryPool(self.pool_size, seed)
        pool.build((None, *self.fields[index].shape))
        return pool

    def _check_networks(self):
        networks = (self.a_to_b, self.b_to_a, self.discriminator_a, self.discriminator_b)
        if any(len(network.inputs) != 1 for network in networks):
            raise ValueError(
                "Each network of an unpaired translator takes one input. Received: "
                f"{[len(network.inputs) for network in networks]} inputs"
            )
        a, b = self.a_to_b.input_shape[1:], self.b_to_a.input_shape[1:]
        made = (self.b_to_a.output_shape[1:], self.a_to_b.output_shape[1:])
        taken = (self.discriminator_a.input_shape[1:], self.discriminator_b.input_shape[1:])
        if made != (a, b) or taken != (a, b):
            raise ValueError(
                "What one generator makes the other must read, and a discriminator must take: "
                "build all four for the same two shapes. Received: a_to_b reads "
                f"{a} and makes {made[1]}, b_to_a reads {b} and makes {made[0]}, discriminator_a "
                f"takes {taken[0]}, discriminator_b {taken[1]}"
            )
        if a != b and self.identity_weight:
            raise ValueError(
                "A generator can only leave alone what has the shape of what it makes, so there is "
                "no identity term between samples of different shapes. Pass identity_weight=0, or "
                "bring a and b to one shape, for example grey images to three channels with "
                "`numpy.repeat(x, 3, -1)`. "
                f"Received: identity_weight={self.identity_weight} with a of shape {a} and b of "
                f"shape {b}"
            )
        if self.discriminator_weight == 0:
            raise ValueError(
                "Discriminators with weight 0 never learn. Expected a weight above 0. "
                f"Received: discriminator_weight={self.discriminator_weight}"
            )


def _distance(first, second):
    return ops.mean(ops.abs(first - second))
