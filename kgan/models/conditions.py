"""Conditions: what a GAN is asked for beside a sample, such as a label, a caption or a code."""

from collections.abc import Sequence
from typing import Any, Self

from keras import ops

from kgan.losses import AdversarialLoss
from kgan.utils.hints import Batch, Config, Tensor, Terms


class Condition:
    """What a GAN is asked for beside a sample: the base class of labels, captions and codes.

    Use this to write a condition of your own, and give it to `kgan.GAN(condition=...)`. It says
    what a batch holds for it (`fields`), which networks are told (`networks`), what the
    discriminator's outputs are called (`heads`), and what both players lose on them. A GAN without
    a condition uses this class's own methods: one head, one term.

    Every method is given what it needs and keeps nothing, so that one condition may serve several
    models. Return the constructor's arguments from `get_config` and register the class for saving.
    A condition that draws random numbers keeps a `kgan.SeedGenerator` as `seed_generator`, so that
    its state is saved. For pairs that may or may not match, start from `kgan.MatchingCondition`.

    Reference: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", equation 2, for
    conditions that both networks are told: `log D(x | y) + log(1 - D(G(z | y) | y))`.

    Attributes:
        fields: tuple of fields of `kgan.data` that a batch holds after the samples. `given`, in
            the methods below, is the tuple of their tensors. Empty by default.
        networks: names of the networks that take `inputs(given)` after their first input.
            `("generator", "discriminator")` by default.
        num_classes: integer for labels of so many classes, else `None`.

    Example:

    ```python
    import keras
    import kgan

    @keras.saving.register_keras_serializable("my_package")
    class Place(kgan.Condition):
        '''Both networks are told two numbers that belong to each sample.'''

        fields = (kgan.data.Vectors((2,), name="place"),)

        def inputs(self, given):
            return tuple(keras.ops.tanh(values) for values in given)

    noise, place, x = (keras.Input((size,)) for size in (3, 2, 2))
    join = lambda *parts: keras.layers.Dense(parts[0])(keras.layers.Concatenate()(parts[1:]))
    model = kgan.GAN(
        keras.Model([noise, place], join(2, noise, place)),
        keras.Model([x, place], join(1, x, place)),
        condition=Place(),
    )
    model.compile(optimizer="adam")
    points = kgan.data.toys.ring(64, seed=0)
    model.fit(points, points + 1.0, verbose=0)
    ```
    """

    fields = ()
    networks = ("generator", "discriminator")
    num_classes = None

    @property
    def num_inputs(self) -> int:
        """How many tensors `inputs` returns: one per field, unless a subclass says otherwise."""
        return len(self.fields)

    def inputs(self, given: Batch) -> Batch:
        """What the `networks` take for the condition: a tuple of tensors, by default `given`."""
        return tuple(given)

    def mismatched(self, given: Batch) -> Batch | None:
        """A condition that the batch's real samples do not meet, as `given`, or `None` for none."""
        return None

    def heads(self, num_outputs: int) -> tuple[str, ...]:
        """Names of the discriminator's outputs, of which the first says how real a sample looks.

        Args:
            num_outputs: integer, how many outputs the discriminator has.

        Returns:
            Tuple of strings. Where they are not `num_outputs`, the discriminator is refused.
        """
        return ("adversarial",)

    def discriminator_terms(self, loss: AdversarialLoss, heads: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the terms of `discriminator_losses`, as a tuple: by default `heads`."""
        return heads

    def generator_terms(self, loss: AdversarialLoss, heads: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the terms of `generator_losses`, as a tuple: by default `heads`."""
        return heads

    def discriminator_losses(
        self,
        loss: AdversarialLoss,
        real: Sequence[Tensor],
        fake: Sequence[Tensor],
        mismatched: Sequence[Tensor] | None,
        given: Batch,
        noise: Tensor,
    ) -> Terms:
        """The discriminator's terms.

        Args:
            loss: the model's pair of `kgan.losses`.
            real: list of the discriminator's outputs, one per head, on real samples with what was
                given with them.
            fake: the same on generated samples with what they were asked for.
            mismatched: the same on real samples with `mismatched(given)`, or `None`.
            given: tuple of the fields' tensors.
            noise: the noise that the fake samples were made of.

        Returns:
            Dict of scalars, named as `discriminator_terms` says.
        """
        return {"adversarial": loss.discriminator(real[0], fake[0])}

    def generator_losses(
        self,
        loss: AdversarialLoss,
        real: Sequence[Tensor] | None,
        fake: Sequence[Tensor],
        given: Batch,
        noise: Tensor,
    ) -> Terms:
        """The generator's terms: a dict, named as `generator_terms` says.

        Where the model matches features, the first head's term is left out.

        Args:
            loss: the model's pair of `kgan.losses`.
            real: as for `discriminator_losses`; `None` unless `loss` is relativistic.
            fake: as for `discriminator_losses`.
            given: tuple of the fields' tensors.
            noise: the noise that the fake samples were made of.

        Returns:
            Dict of scalars.
        """
        return {self.heads(len(fake))[0]: _generator_loss(loss, real, fake, 0)}

    def logits(self, outputs: Sequence[Tensor]) -> Tensor:
        """The logits that penalties see, of the discriminator's list of outputs."""
        return outputs[0]

    def statistics(self, features: Tensor, given: Batch) -> Tensor | None:
        """What feature matching compares beside the mean, where the features ignore the condition.

        Args:
            features: tensor (batch, ...), the discriminator's features of samples.
            given: tuple of the fields' tensors that belong to these samples.

        Returns:
            A tensor whose mean over its first axis is compared, or `None` for nothing.
        """
        return None

    def check(self, model: Any) -> None:
        """Raises `ValueError` where the model's networks, loss or noise do not fit.

        Args:
            model: the `kgan.GAN`, with its generator, discriminator, loss and noise.
        """
        shapes = output_shapes(model.discriminator)
        heads = self.heads(len(shapes))
        if len(shapes) != len(heads):
            raise ValueError(
                f"With condition={self!r}, the discriminator has {len(heads)} output(s), for "
                f"{list(heads)}. Build one with these heads, or give the model the condition whose "
                "heads it has, such as kgan.ClassifierCondition for class logits. "
                f"Received: outputs of shapes {shapes} without the batch"
            )

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal condition."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make a condition from what `get_config` returned."""
        return cls(**config)

    def __repr__(self):
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class MatchingCondition(Condition):
    """A condition that a sample meets or does not, shown to the discriminator with wrong ones too.

    Use this as the base of conditions that both networks are told. A discriminator that sees real
    samples with their own labels or captions only must find out that a good sample of
    another kind is wrong; the third kind of input, a real sample with a wrong condition, says so.
    A subclass declares `fields`; `wrong` takes that of the batch's next sample.

    Reference: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1
    (GAN-CLS): `log s_r + (log(1 - s_w) + log(1 - s_f)) / 2` for the scores of real samples with
    right and with wrong conditions and of fake ones.

    With a discriminator of one output, its terms are `real`, `fake` (times
    `1 - mismatched_weight`) and `mismatched` (times `mismatched_weight`). With two outputs both
    players have the terms `realness` (real against fake) and `matching`: for the discriminator
    real samples with right against wrong conditions, for the generator its own samples with the
    conditions that they were asked for. Penalties see the logit, and of two heads the sum, which is
    the logit of a projection.

    Args:
        matching_aware: boolean. `False` leaves wrong conditions out: the terms are then `real` and
            `fake`, or `adversarial` where the loss compares the two. Defaults to `True`.
        mismatched_weight: float in [0, 1]: what of the terms on wrong inputs is for wrong
            conditions. Not used by two heads. Defaults to 0.5.

    Raises:
        ValueError: when the weight is out of range.

    Example:

    ```python
    import keras
    import kgan

    @keras.saving.register_keras_serializable("my_package")
    class Caption(kgan.MatchingCondition):
        fields = (kgan.data.Text(8, ["red", "blue"], name="caption"),)
    ```
    """

    def __init__(self, matching_aware: bool = True, mismatched_weight: float = 0.5) -> None:
        """Check and keep the options."""
        number = mismatched_weight
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1:
            raise ValueError(
                "mismatched_weight is what of the terms on wrong inputs is for wrong labels: a "
                f"number in [0, 1], 0.5 as in the paper. Received: mismatched_weight={number!r}"
            )
        self.matching_aware = bool(matching_aware)
        self.mismatched_weight = mismatched_weight

    def wrong(self, given: Batch) -> Batch:
        """Conditions that the samples do not meet: by default those of the batch's next sample."""
        return tuple(ops.roll(values, -1, axis=0) for values in given)

    def mismatched(self, given: Batch) -> Batch | None:
        """`wrong(given)`, or `None` without `matching_aware`."""
        return self.wrong(given) if self.matching_aware else None

    def heads(self, num_outputs: int) -> tuple[str, ...]:
        """`adversarial`, or `realness` and `matching` for two outputs."""
        return ("realness", "matching") if num_outputs == 2 else ("adversarial",)

    def discriminator_terms(self, loss: AdversarialLoss, heads: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the terms of `discriminator_losses`."""
        if len(heads) == 2:
            return heads
        if self.matching_aware:
            return ("real", "fake", "mismatched")
        return ("real", "fake") if loss.has_halves else heads

    def discriminator_losses(
        self,
        loss: AdversarialLoss,
        real: Sequence[Tensor],
        fake: Sequence[Tensor],
        mismatched: Sequence[Tensor] | None,
        given: Batch,
        noise: Tensor,
    ) -> Terms:
        """The three terms of algorithm 1, the two of two heads, or those of the plain game."""
        if len(real) == 2:
            return {
                "realness": loss.discriminator(real[0], fake[0]),
                "matching": loss.discriminator(real[1], mismatched[1]),
            }
        if not self.matching_aware and not loss.has_halves:
            return super().discriminator_losses(loss, real, fake, mismatched, given, noise)
        on_real, on_fake = loss.discriminator_real(real[0]), loss.discriminator_fake(fake[0])
        if not self.matching_aware:
            return {"real": on_real, "fake": on_fake}
        return {
            "real": on_real,
            "fake": (1.0 - self.mismatched_weight) * on_fake,
            "mismatched": self.mismatched_weight * loss.discriminator_fake(mismatched[0]),
        }

    def generator_losses(
        self,
        loss: AdversarialLoss,
        real: Sequence[Tensor] | None,
        fake: Sequence[Tensor],
        given: Batch,
        noise: Tensor,
    ) -> Terms:
        """One term per head."""
        heads = self.heads(len(fake))
        return {name: _generator_loss(loss, real, fake, i) for i, name in enumerate(heads)}

    def logits(self, outputs: Sequence[Tensor]) -> Tensor:
        """The logits, or of two heads the sum of the sample's mean logits."""
        # One logit per sample is what a penalty differentiates.
        return outputs[0] if len(outputs) == 1 else sum(map(_mean_logit, outputs))

    def check(self, model: Any) -> None:
        """Raises `ValueError` where the discriminator's outputs or the loss do not fit."""
        num_outputs = len(model.discriminator.outputs)
        if num_outputs > 2:
            raise ValueError(
                "The discriminator of a conditional GAN has one output, or two: realness logits "
                "and matching logits. For a class head, use kgan.AuxiliaryClassifierGAN. "
                f"Received: {num_outputs} outputs"
            )
        if num_outputs == 2 and not self.matching_aware:
            raise ValueError(
                "A head for matching learns from wrong labels alone. Leave matching_aware=True, "
                "or take a discriminator of one output, such as conditioning='projection'. "
                "Received: matching_aware=False with two outputs"
            )
        if num_outputs == 1 and self.matching_aware:
            # Says so where the loss compares real with fake, and so can't weight a third kind.
            model.loss.require_halves()

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal condition."""
        return {
            "matching_aware": self.matching_aware,
            "mismatched_weight": self.mismatched_weight,
        }


def listed(outputs):
    """Returns what a network of one or of several outputs made as a list."""
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def output_shapes(network):
    """Returns the shapes of a network's outputs as a list, without the batch."""
    return [tuple(output.shape[1:]) for output in network.outputs]


def _generator_loss(loss, real, fake, head):
    return loss.generator(None if real is None else real[head], fake[head])


def cross_entropy(logits, classes):
    """Returns the mean cross-entropy of class logits (n, c) with class ids (n,), in float32."""
    logits = ops.cast(logits, "float32")
    return ops.mean(ops.sparse_categorical_crossentropy(classes, logits, from_logits=True))


def _mean_logit(logits):
    return ops.mean(ops.reshape(logits, (ops.shape(logits)[0], -1)), axis=1)
