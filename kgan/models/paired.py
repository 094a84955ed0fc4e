"""Image translation: from a sample of one kind to the sample of another kind that belongs to it."""

import typing

import numpy as np
from keras import ops

from kgan import losses
from kgan.data.checks import check, check_batch
from kgan.data.contract import as_float32, to_uint8
from kgan.data.fields import Samples
from kgan.data.inspection import kind_of
from kgan.game import AdversarialModel, Player
from kgan.serving.export import TranslatorServing
from kgan.utils.arguments import check_count, check_weight


class Direction(typing.NamedTuple):
    """One way in which a translator translates.

    Args:
        network: string, name of the model's attribute that holds the network.
        source: `kgan.data.Samples`, what the network reads.
        target: `kgan.data.Samples`, what it makes.
    """

    network: str
    source: Samples
    target: Samples


class Translator(AdversarialModel):
    """What all translators share: samples in, samples out, and how they are served.

    Choose it as the base of a model that turns samples into other samples, and declare
    `directions`: the first is what `model(x)`, `predict` and `serving_default` do, and each is an
    endpoint of its own name in what `export` writes. For translation that is learnt from pairs, use
    `kgan.PairedTranslator`, which is such a subclass.

    Inference is deterministic. Dropout is off and BatchNorm takes its moving statistics in
    `translate`, `predict`, `evaluate` and in what `export` writes alike.
    """

    imitated_field = 1

    @property
    def directions(self):
        """The ways in which it translates: a dict of name -> `Direction`. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define directions.")

    def respond(self, inputs):
        """The raw output of the first direction's network."""
        direction = next(iter(self.directions.values()))
        return getattr(self, direction.network)(inputs)

    def imitate(self, batch, seed=0):
        """The second field's samples, and what the first direction makes of the first field's."""
        way = next(iter(self.directions.values()))
        samples = check_batch((way.source,), batch[0])
        return batch[1], self._answers(way, samples, batch_size=len(samples))

    def serving(self):
        """What `export` writes: each direction's network, as an endpoint of its name."""
        networks = {name: getattr(self, way.network) for name, way in self.directions.items()}
        return TranslatorServing(networks)

    def _translated(self, name, samples, batch_size):
        """Samples that were sent through the direction `name`, in the data's own scale."""
        check_count("batch_size", batch_size)
        way = self.directions[name]
        if kind_of(samples) is not None:
            raise TypeError(
                "Arrays are translated, and this is a dataset. Translate batch by batch, in a loop "
                "over the dataset, or call predict, which gives the network's raw output. "
                f"Received: a {type(samples).__name__}"
            )
        samples, _ = check((way.source,), samples)
        return self._answers(way, samples, batch_size)

    def _answers(self, way, samples, batch_size):
        network = getattr(self, way.network)
        batches = []
        with self.averaged_weights():
            for start in range(0, len(samples), batch_size):
                batch = as_float32(samples[start : start + batch_size])
                output = network.predict_on_batch(batch)
                # Under a distribution strategy every replica answers: keep the first's answer.
                output = np.asarray(output[: len(batch)], "float32")
                batches.append(to_uint8(output) if way.target.is_image else output)
        return np.concatenate(batches)


class PairedTranslator(Translator):
    """A generator that learns from pairs, and a discriminator that judges whole pairs.

    Choose it when each input comes with the output that is wanted for it: edges and photographs,
    maps and aerial pictures, small images and large ones, noisy speech and clean. For two
    collections without pairs, use a CycleGAN.

    The discriminator moves first, then the generator, both on every batch. Samples of any rank
    work: images are uint8 or floats in [-1, 1] and come back as uint8, others are floats.

    Reference: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial
    Networks", equations 1, 3 and 4, section 3.3: the discriminator's objective is divided by 2.

    Args:
        generator: functional `keras.Model` from inputs x to outputs y. Its noise, if any, is its
            own, such as dropout.
        discriminator: functional `keras.Model` from `[x, y]` to logits of any shape, such as one
            per patch.
        loss: a `kgan.losses` pair or its name. Defaults to `"non_saturating"`.
        reconstruction: `"l1"`, `"l2"`, `"huber"` or a `keras.losses.Loss` of `(y, made)`. Defaults
            to `"l1"`.
        reconstruction_weight: float of at least 0, the paper's lambda. Defaults to 100.0.
        discriminator_weight: float of at least 0, times the discriminator's loss. Defaults to 0.5.
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

    players = {
        "discriminator": Player(("discriminator",), ("adversarial",)),
        "generator": Player(("generator",), ("adversarial", "reconstruction")),
    }

    def __init__(
        self,
        generator,
        discriminator,
        loss="non_saturating",
        reconstruction="l1",
        reconstruction_weight=100.0,
        discriminator_weight=0.5,
        seed=None,
        **kwargs,
    ):
        super().__init__(seed=seed, **kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.loss = losses.get(loss)
        self.reconstruction = losses.get_reconstruction(reconstruction)
        self.reconstruction_weight = check_weight("reconstruction_weight", reconstruction_weight)
        self.discriminator_weight = check_weight("discriminator_weight", discriminator_weight)
        self._check_networks()
        self.built = True

    @property
    def fields(self):
        """What a batch holds: inputs, and for each the output that is wanted."""
        return (
            Samples(tuple(self.generator.input_shape[1:]), "x"),
            Samples(tuple(self.generator.output_shape[1:]), "y"),
        )

    @property
    def directions(self):
        """The one way in which it translates, from x to y."""
        return {"translate": Direction("generator", *self.fields)}

    def discriminator_loss(self, x, y):
        """The discriminator's term on true pairs and on pairs with a made output."""
        # Its turn: nothing flows back into the generator.
        made = ops.stop_gradient(self.generator(x))
        real, fake = self.discriminator([x, y]), self.discriminator([x, made])
        return {"adversarial": self.discriminator_weight * self.loss.discriminator(real, fake)}

    def generator_loss(self, x, y):
        """The generator's terms: to pass for true, and to come near to what was wanted."""
        made = self.generator(x)
        real = self.discriminator([x, y]) if self.loss.relativistic else None
        return {
            "adversarial": self.loss.generator(real, self.discriminator([x, made])),
            "reconstruction": self.reconstruction_weight * self.reconstruction(y, made),
        }

    def verdicts(self, batch, fake):
        """The discriminator's logits for the batch's pairs, and for inputs with fake outputs."""
        x, y = batch
        return self.discriminator([x, y]), self.discriminator([x, fake])

    def translate(self, images, batch_size=64):
        """What the generator makes of images, in the data's own scale.

        Averaged weights make them where the generator's optimizer has `use_ema=True`. Dropout is
        off: the same image gives the same answer, whatever it is batched with. Calling it changes
        nothing in the model.

        Args:
            images: array (n, height, width, channels) of integers in 0..255 or floats in [-1, 1];
                floats where the model's inputs are no images.
            batch_size: integer, images per pass. Defaults to 64.

        Returns:
            NumPy array: images as uint8 (n, height, width, channels), other samples as float32.

        Raises:
            ValueError: when the images are not what the model was built for.
            TypeError: when they are no array.

        Example:

        ```python
        import kgan

        images = kgan.data.load("digits")[:8]
        model = kgan.zoo.load("pix2pix", like=images, width=4, discriminator_width=4)
        made = model.translate(images)
        ```
        """
        return self._translated("translate", images, batch_size)

    def _check_networks(self):
        read, made = (tuple(field.shape) for field in self.fields)
        judged = [tuple(tensor.shape[1:]) for tensor in self.discriminator.inputs]
        if len(self.generator.inputs) != 1 or judged != [read, made]:
            raise ValueError(
                "The discriminator must judge pairs `[x, y]`: what the generator reads, and what "
                "it makes. Build both networks for the same shapes; in kgan.networks.patchgan, "
                f"condition_shape is that of x. Received: a generator from {read} to {made} and a "
                f"discriminator of {judged}"
            )
