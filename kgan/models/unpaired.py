"""Image translation without pairs: two collections, and a translator each way."""

from typing import Any

import keras

from kgan import losses
from kgan.data.fields import Field
from kgan.game import Player
from kgan.losses import AdversarialLoss
from kgan.models.two_way import DISCRIMINATORS, TwoWayTranslator, distance
from kgan.utils.arguments import check_count, check_weight
from kgan.utils.hints import Tensor, Terms


class UnpairedTranslator(TwoWayTranslator):
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
        self.check_discriminators()
        self.make_pools()
        self.built = True

    @property
    def players(self) -> dict[str, Player]:
        """The table: both discriminators, then both generators."""
        cycle = ("cycle",) if self.cycle_weight else ()
        identity = ("identity",) if self.identity_weight else ()
        terms = ("adversarial", *cycle, *identity)
        return {
            "discriminators": DISCRIMINATORS,
            "generators": Player(("a_to_b", "b_to_a"), terms),
        }

    def generators_loss(self, a: Tensor, b: Tensor) -> Terms:
        """The generators' terms: to pass for real, to come back, to leave alone what fits."""
        fake_a, fake_b = self.fakes(a, b)
        terms = {"adversarial": self.adversarial_term(a, b, fake_a, fake_b)}
        if self.cycle_weight:
            # Both generators travel in both cycles, and learn from both.
            cycle = distance(a, self.b_to_a(fake_b)) + distance(b, self.a_to_b(fake_a))
            terms["cycle"] = self.cycle_weight * cycle
        if self.identity_weight:
            identity = distance(a, self.b_to_a(a)) + distance(b, self.a_to_b(b))
            terms["identity"] = self.identity_weight * self.cycle_weight * identity
        return terms

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
