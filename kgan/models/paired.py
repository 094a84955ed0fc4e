"""Translation from pairs: from a sample of one kind to the sample that belongs to it."""

from typing import Any

import keras
from keras import ops

from kgan import losses
from kgan.data.fields import Field, of_shape
from kgan.game import Player
from kgan.losses import AdversarialLoss
from kgan.models.translation import OneWayTranslator
from kgan.utils.arguments import check_weight
from kgan.utils.hints import Batch, Data, Tensor, Terms


class PairedTranslator(OneWayTranslator):
    """A generator that learns from pairs, and a discriminator of whole pairs.

    Use this when each input comes with the output that is wanted for it: edges and photographs,
    maps and aerial pictures, small images and large ones, noisy speech and clean. For two
    collections without pairs, use a CycleGAN.

    The discriminator moves first, then the generator, both on every batch. Samples of any kind
    work: images are uint8 or floats in [-1, 1] and come back as uint8, sound is floats in [-1, 1].
    Without a discriminator it is a game of one player, which learns the reconstruction alone.

    Inference is deterministic. Dropout is off and BatchNorm takes its moving statistics in
    `translate`, `predict`, `evaluate` and in what `export` writes alike.

    Reference: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial
    Networks", equations 1, 3 and 4, section 3.3: the discriminator's objective is divided by 2.

    Args:
        generator: functional `keras.Model` from inputs x to outputs y. Its noise, if any, is its
            own, such as dropout.
        discriminator: functional `keras.Model` from `[x, y]`, or from y alone, to logits of any
            shape, such as one per patch. `None` leaves the adversarial game out. Defaults to
            `None`.
        loss: a `kgan.losses` pair or its name. Defaults to `"non_saturating"`.
        reconstruction: `"l1"`, `"l2"`, `"huber"` or a `keras.losses.Loss` of `(y, made)`. Defaults
            to `"l1"`.
        reconstruction_weight: float of at least 0, the paper's lambda. Defaults to 100.0.
        discriminator_weight: float of at least 0, times the discriminator's loss. Defaults to 0.5.
        source: `kgan.data.Field` of x. Defaults to `None`: what the generator's input shape says,
            as of `kgan.data.of_shape`.
        target: `kgan.data.Field` of y, likewise. Defaults to `None`.
        seed: integer that seeds data order. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together, or a weight is out of range.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")[:64]  # uint8 (n, 8, 8, 1)
    model = kgan.PairedTranslator(
        generator=kgan.networks.unet.generator((8, 8, 1), 1, width=4),
        discriminator=kgan.networks.patchgan.discriminator((8, 8, 1), (8, 8, 1), width=4),
    )
    model.compile(optimizer="adam")
    model.fit(255 - images, images, verbose=0)
    made = model.translate(255 - images[:4])  # uint8 (4, 8, 8, 1)
    ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model | None = None,
        loss: str | AdversarialLoss = "non_saturating",
        reconstruction: str | keras.losses.Loss = "l1",
        reconstruction_weight: float = 100.0,
        discriminator_weight: float = 0.5,
        source: Field | None = None,
        target: Field | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.loss = losses.get(loss)
        self.reconstruction = losses.get_reconstruction(reconstruction)
        self.reconstruction_weight = check_weight("reconstruction_weight", reconstruction_weight)
        self.discriminator_weight = check_weight("discriminator_weight", discriminator_weight)
        self.source = source
        self.target = target
        self._check_networks()
        self.built = True

    @property
    def players(self) -> dict[str, Player]:
        """The table: a discriminator, where there is one, and then the generator."""
        if self.discriminator is None:
            return {"generator": Player(("generator",), ("reconstruction",))}
        return {
            "discriminator": Player(("discriminator",), ("adversarial",)),
            "generator": Player(("generator",), ("adversarial", "reconstruction")),
        }

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a batch holds: inputs, and for each the output that is wanted."""
        x = self.source or of_shape(self.generator.input_shape[1:])
        y = self.target or of_shape(self.generator.output_shape[1:])
        return x.renamed("x"), y.renamed("y")

    @property
    def adversarial_loss(self) -> AdversarialLoss | None:
        """The pair of losses that the discriminator is trained by, or `None` without one."""
        return None if self.discriminator is None else self.loss

    def discriminator_loss(self, x: Tensor, y: Tensor) -> Terms:
        """The discriminator's term on true pairs and on pairs with a made output."""
        # Its turn: nothing flows back into the generator.
        made = ops.stop_gradient(self.generator(x))
        real, fake = self._judged(x, y), self._judged(x, made)
        return {"adversarial": self.discriminator_weight * self.loss.discriminator(real, fake)}

    def generator_loss(self, x: Tensor, y: Tensor) -> Terms:
        """The generator's terms: to pass for true, and to come near to what was wanted."""
        made = self.generator(x)
        distance = self.reconstruction_weight * self.reconstruction(y, made)
        if self.discriminator is None:
            return {"reconstruction": distance}
        return {"adversarial": self.fooled(x, y, made), "reconstruction": distance}

    def fooled(self, x: Tensor, y: Tensor, made: Tensor) -> Tensor:
        """The generator's adversarial loss for what it made of x, where y was wanted: a scalar."""
        real = self._judged(x, y) if self.loss.relativistic else None
        return self.loss.generator(real, self._judged(x, made))

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The discriminator's logits for the batch's pairs, and for inputs with fake outputs."""
        if self.discriminator is None:
            return None
        x, y = batch
        return self._judged(x, y), self._judged(x, fake)

    def _judged(self, x, y):
        pairs = len(self.discriminator.inputs) > 1
        return self.discriminator([x, y] if pairs else y)

    def _check_networks(self):
        read, made = (tuple(field.shape) for field in self.fields)
        taken = [read, made]
        if self.discriminator is not None:
            taken = [tuple(tensor.shape[1:]) for tensor in self.discriminator.inputs]
        if len(self.generator.inputs) != 1 or taken not in ([read, made], [made]):
            raise ValueError(
                "The discriminator must take pairs `[x, y]`, what the generator reads, and what "
                "it makes, or y alone. Build both networks for the same shapes; in "
                "kgan.networks.patchgan, condition_shape is that of x. "
                f"Received: a generator from {read} to {made} and a discriminator of {taken}"
            )
