"""GANs whose samples follow a label, and that can tell whether they do."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.backend.seeds import SeedGenerator
from kgan.data.checks import check
from kgan.data.fields import Field, Labels
from kgan.losses import AdversarialLoss
from kgan.models.conditions import (
    Condition,
    MatchingCondition,
    cross_entropy,
    listed,
    output_shapes,
)
from kgan.models.gan import GAN
from kgan.utils.arguments import check_count, check_weight
from kgan.utils.hints import Batch, Config, Data, Tensor, Terms


@keras.saving.register_keras_serializable("kgan")
class LabelCondition(MatchingCondition):
    """Class labels that both networks are told.

    Use this for labelled data, or through `kgan.ConditionalGAN`, which adds `scores`. The terms are
    those of `kgan.MatchingCondition`, its wrong labels drawn uniformly from the other classes.

    Where a GAN matches features that do not know the label, as with a projection, the mean of each
    class is matched beside the mean of all, both with the batch's own labels: a projection's logit
    is linear in just these.

    Reference: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", equation 2; Reed
    et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1, for wrong labels.

    Args:
        num_classes: integer of at least 2.
        matching_aware: boolean, whether there are wrong labels. Defaults to `True`.
        mismatched_weight: float in [0, 1]: what of the terms on wrong inputs is for wrong
            labels. Not used by two heads. Defaults to 0.5.
        class_names: list of strings, what the classes are called. Defaults to `None`.
        seed: integer that starts the wrong labels. Defaults to `None`: a random start.

    Raises:
        TypeError: when `num_classes` is no integer.
        ValueError: when there are fewer than two classes, or the weight is out of range.

    Example:

    ```python
    import kgan

    networks = kgan.networks.conditioned
    model = kgan.GAN(
        networks.generator((2,), num_classes=8, latent_dim=4),
        networks.discriminator((2,), num_classes=8),
        condition=kgan.LabelCondition(8),
    )
    model.compile(optimizer="adam")
    points, labels = kgan.data.load("ring", labels=True, max_examples=128)
    model.fit(points, labels, verbose=0)
    third = model.generate(16, labels=3)
    ```
    """

    def __init__(
        self,
        num_classes: int,
        matching_aware: bool = True,
        mismatched_weight: float = 0.5,
        class_names: Sequence[str] | None = None,
        seed: int | None = None,
    ) -> None:
        """Check and keep the options, and make the source of wrong labels."""
        self.class_names = class_names
        self.num_classes = check_count("num_classes", num_classes, minimum=2)
        super().__init__(matching_aware, mismatched_weight)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The labels."""
        return (Labels(self.num_classes, self.class_names),)

    def wrong(self, given: Batch) -> Batch:
        """Labels drawn uniformly from the other classes."""
        (labels,) = given
        others = self.num_classes - 1
        shape, seed = ops.shape(labels), self.seed_generator
        uniform = keras.random.uniform(shape, dtype="float32", seed=seed)
        # Rounding may carry the largest number to the end of the range.
        steps = ops.minimum(ops.cast(ops.floor(uniform * others), "int32"), others - 1)
        return ((ops.cast(labels, "int32") + 1 + steps) % self.num_classes,)

    def statistics(self, features: Tensor, given: Batch) -> Tensor | None:
        """The batch's mean of features where the class is c, else 0: (1, num_classes, dim)."""
        num_samples = ops.shape(given[0])[0]
        features = ops.reshape(ops.cast(features, "float32"), (num_samples, -1))
        one_hot = ops.one_hot(given[0], self.num_classes, dtype="float32")
        sums = ops.matmul(ops.transpose(one_hot), features)
        return sums[None] / ops.cast(num_samples, "float32")

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal condition."""
        config = {"num_classes": self.num_classes, **super().get_config()}
        return {**config, "class_names": self.class_names, "seed": self.seed}


class ConditionalGAN(GAN):
    """A GAN that makes samples of a class, and is shown real ones with wrong labels too.

    Use this for labelled data. It is `kgan.GAN` with a `kgan.LabelCondition`, and with `scores`.

    Reference: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", equation 2; the
    third term from Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1
    (GAN-CLS), whose weights are kept: fake and mismatched samples count half each.

    The terms of the discriminator are `real` (with its label), `fake` (with its label, times
    `1 - mismatched_weight`) and `mismatched` (real with a label drawn uniformly from the other
    classes, times `mismatched_weight`). A discriminator of two outputs, such as that of
    `kgan.networks.conditioned.discriminator(..., conditioning="two_heads")`, answers the two
    questions apart. The terms of both players are then `realness` (real against fake) and
    `matching`: for the discriminator real samples with right against wrong labels, for the
    generator its own samples with the labels that they were asked for.

    Penalties see the logit, and of two heads the sum, which is the logit of a projection. With
    `feature_matching` the generator still learns what the label says: with two heads it keeps its
    term `matching`, else `kgan.LabelCondition` says how.

    Args:
        generator: functional `keras.Model` from `[noise, labels]`, labels of shape (batch,), to
            samples.
        discriminator: functional `keras.Model` from `[samples, labels]` to logits, or to
            `[realness logits, matching logits]`.
        num_classes: integer of at least 2.
        loss: a `kgan.losses` pair or its name. The three terms need one that is a sum over
            real and fake, so none that is relativistic; two heads and the two-term game take any.
            Defaults to `"non_saturating"`.
        matching_aware: boolean. `False` is the two-term game of 2014. Defaults to `True`.
        mismatched_weight: float in [0, 1]: what of the terms on wrong inputs is for wrong
            labels. Not used by two heads. Defaults to 0.5.
        class_names: list of strings, what the classes are called: `fit` and `generate` then take
            names too. Defaults to `None`.
        seed: integer that seeds data order, noise and wrong labels. Defaults to `None`.
        **kwargs: `penalties`, `noise`, `discriminator_steps` and others as for `kgan.GAN`.

    Raises:
        ValueError: when there are fewer than two classes, the networks do not take labels, or the
            loss has no halves where they are needed.

    Example:

    ```python
    import kgan

    images, labels = kgan.data.load("digits", labels=True)
    model = kgan.ConditionalGAN(
        kgan.networks.conditioned.generator((8, 8, 1), 10, width=8),
        kgan.networks.conditioned.discriminator((8, 8, 1), 10, "two_heads", width=8),
        num_classes=10,
    )
    model.compile(optimizer="adam")
    model.fit(images[:128], labels[:128], verbose=0)
    sevens = model.generate(4, labels=7)
    scores = model.scores(sevens, [7] * 4)  # {"realness": ..., "matching": ...}
    ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        num_classes: int,
        loss: str | AdversarialLoss = "non_saturating",
        matching_aware: bool = True,
        mismatched_weight: float = 0.5,
        class_names: Sequence[str] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        # Another stream than the noise's, or the wrong labels would follow from the noise.
        label_seed = None if seed is None else seed + 1
        condition = LabelCondition(
            num_classes, matching_aware, mismatched_weight, class_names, label_seed
        )
        super().__init__(
            generator, discriminator, loss=loss, condition=condition, seed=seed, **kwargs
        )

    @property
    def class_names(self) -> Sequence[str] | None:
        """What the classes are called, or `None`."""
        return self.condition.class_names

    @property
    def matching_aware(self) -> bool:
        """Whether the discriminator is shown wrong labels."""
        return self.condition.matching_aware

    @property
    def mismatched_weight(self) -> float:
        """What of the terms on wrong inputs is for wrong labels."""
        return self.condition.mismatched_weight

    def scores(self, samples: Data, labels: Data, batch_size: int = 64) -> dict[str, np.ndarray]:
        """What the discriminator says of each sample with its label.

        Averages and training are left alone: the discriminator answers as it stands, in inference
        mode. With two heads a low score tells what is wrong, the sample or its label.

        Args:
            samples: array as for `fit`, such as what `generate` returned.
            labels: class ids (num_samples,).
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            Dict of float32 arrays (num_samples,) in [0, 1], the sigmoids of the logits:
            `"realness"` and `"matching"` for two heads, else `"adversarial"`, which is high for
            real samples with their own labels. Probabilities only where the loss is a
            cross-entropy; of several logits per sample, the mean.

        Raises:
            ValueError: when samples or labels are not what the model was built for.
        """
        check_count("batch_size", batch_size)
        samples, labels = check(self.fields, samples, labels)
        rows = []
        with self.between_steps():
            for start in range(0, len(samples), batch_size):
                batch = self.fields[0].to_device(samples[start : start + batch_size])
                batch = ops.convert_to_numpy(batch)
                some = labels[start : start + batch_size]
                outputs = listed(self.discriminator.predict_on_batch([batch, some]))
                # Under a distribution strategy every replica answers: keep the first's answer.
                logits = [np.asarray(output[: len(batch)], "float32") for output in outputs]
                rows.append([x.reshape(len(batch), -1).mean(axis=1) for x in logits])
        columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
        return {
            head: (0.5 + 0.5 * np.tanh(0.5 * column)).astype("float32")
            for head, column in zip(self.heads, columns, strict=True)
        }

    def get_config(self) -> Config:
        """The arguments of `__init__`: the condition is made of them."""
        config = super().get_config()
        del config["condition"]
        return config


@keras.saving.register_keras_serializable("kgan")
class ClassifierCondition(Condition):
    """Class labels that the generator is told, and that the discriminator has to tell.

    Use this through `kgan.AuxiliaryClassifierGAN` where a classifier on top of the discriminator is
    wanted too.

    Reference: Odena et al. 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs",
    equations 2 and 3: both players add the log-likelihood of the class to their side, the
    discriminator that of real and of generated samples, the generator that of its own.

    Args:
        num_classes: integer of at least 2.
        classification_weight: float, weight of the cross-entropy of the class. Defaults to 1.0.
        class_names: list of strings, what the classes are called. Defaults to `None`.

    Raises:
        TypeError: when an argument is no number.
        ValueError: when there are fewer than two classes, or the weight is negative.

    Example:

    ```python
    import kgan

    networks = kgan.networks.conditioned
    model = kgan.GAN(
        networks.generator((2,), num_classes=8, latent_dim=4),
        networks.many_headed((2,), {"classes": 8}),
        condition=kgan.ClassifierCondition(8, classification_weight=0.5),
    )
    ```
    """

    networks = ("generator",)

    def __init__(
        self,
        num_classes: int,
        classification_weight: float = 1.0,
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Check and keep the options."""
        self.class_names = class_names
        self.num_classes = check_count("num_classes", num_classes, minimum=2)
        self.classification_weight = check_weight("classification_weight", classification_weight)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The labels."""
        return (Labels(self.num_classes, self.class_names),)

    def heads(self, num_outputs: int) -> tuple[str, ...]:
        """`adversarial` and `classification`."""
        return ("adversarial", "classification")

    def discriminator_losses(
        self,
        loss: AdversarialLoss,
        real: Sequence[Tensor],
        fake: Sequence[Tensor],
        mismatched: Sequence[Tensor] | None,
        given: Batch,
        noise: Tensor,
    ) -> Terms:
        """The plain game's term, and the cross-entropy of the class of real and fake samples."""
        terms = super().discriminator_losses(loss, real, fake, mismatched, given, noise)
        return {**terms, "classification": sum(self._entropy(some, given) for some in (real, fake))}

    def generator_losses(
        self,
        loss: AdversarialLoss,
        real: Sequence[Tensor] | None,
        fake: Sequence[Tensor],
        given: Batch,
        noise: Tensor,
    ) -> Terms:
        """The plain game's term, and the cross-entropy of the class of fake samples."""
        terms = super().generator_losses(loss, real, fake, given, noise)
        return {**terms, "classification": self._entropy(fake, given)}

    def check(self, model: Any) -> None:
        """Raises `ValueError` where there is no head for so many classes."""
        shapes = output_shapes(model.discriminator)
        if len(shapes) != 2 or shapes[1] != (self.num_classes,):
            raise ValueError(
                "The discriminator must return logits and then class logits of shape (batch, "
                f"{self.num_classes}). Received: outputs of shapes {shapes} without the batch"
            )

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal condition."""
        return {
            "num_classes": self.num_classes,
            "classification_weight": self.classification_weight,
            "class_names": self.class_names,
        }

    def _entropy(self, outputs, given):
        return self.classification_weight * cross_entropy(outputs[1], given[0])


class AuxiliaryClassifierGAN(GAN):
    """A conditional GAN whose discriminator does not see labels, but tells the class itself.

    Use this where a classifier on top of the discriminator is wanted too. The generator is
    rewarded for samples that are easy to classify, which costs variety within a class: for that,
    `ConditionalGAN` is better. It is `kgan.GAN` with a `kgan.ClassifierCondition`.

    Reference: Odena et al. 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs",
    equations 2 and 3: both players add the log-likelihood of the class to their side, the
    discriminator that of real and of generated samples, the generator that of its own.

    Args:
        generator: functional `keras.Model` from `[noise, labels]`, labels of shape (batch,), to
            samples.
        discriminator: functional `keras.Model` from samples to `[logits, class logits]`, the
            latter of shape (batch, num_classes), such as
            `kgan.networks.conditioned.many_headed(shape, {"classes": num_classes})`.
        num_classes: integer of at least 2.
        loss: a `kgan.losses` pair or its name. Defaults to `"non_saturating"`.
        classification_weight: float, weight of the cross-entropy of the class. Defaults to 1.0.
        class_names: list of strings, what the classes are called. Defaults to `None`.
        **kwargs: `penalties`, `noise`, `seed` and others as for `kgan.GAN`.

    Raises:
        ValueError: when the networks do not fit together.

    Example:

    ```python
    import kgan

    model = kgan.AuxiliaryClassifierGAN(
        kgan.networks.conditioned.generator((2,), num_classes=8, latent_dim=4),
        kgan.networks.conditioned.many_headed((2,), {"classes": 8}),
        num_classes=8,
    )
    model.compile(optimizer="adam")
    points, labels = kgan.data.load("ring", labels=True, max_examples=128)
    model.fit(points, labels, verbose=0)
    ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        num_classes: int,
        loss: str | AdversarialLoss = "non_saturating",
        classification_weight: float = 1.0,
        class_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        condition = ClassifierCondition(num_classes, classification_weight, class_names)
        super().__init__(generator, discriminator, loss=loss, condition=condition, **kwargs)

    @property
    def class_names(self) -> Sequence[str] | None:
        """What the classes are called, or `None`."""
        return self.condition.class_names

    @property
    def classification_weight(self) -> float:
        """Weight of the cross-entropy of the class."""
        return self.condition.classification_weight

    def get_config(self) -> Config:
        """The arguments of `__init__`: the condition is made of them."""
        config = super().get_config()
        del config["condition"]
        return config
