"""GANs whose samples follow a label, and that can tell whether they do."""

import keras
import numpy as np
from keras import ops

from kgan import losses
from kgan.backend.seeds import SeedGenerator
from kgan.data.checks import check
from kgan.models.gan import GAN
from kgan.utils.arguments import check_count, check_weight


class ConditionalGAN(GAN):
    """A GAN that makes samples of a class, and is shown real ones with wrong labels too.

    Choose it for labelled data. A discriminator that sees real samples with their labels only must
    find out by itself that a good sample of another class is wrong; the third kind of input, a
    real sample with a wrong label, says so.

    Reference: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", equation 2; the
    third term from Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1
    (GAN-CLS), whose weights are kept: fake and mismatched samples count half each.

    The terms of the discriminator are `real` (with its label), `fake` (with its label, times
    `1 - mismatched_weight`) and `mismatched` (real with a label drawn uniformly from the other
    classes, times `mismatched_weight`). A discriminator of two outputs, such as that of
    `kgan.networks.conditioned.discriminator(..., conditioning="two_heads")`, judges the two
    questions apart. The terms of both players are then `realness` (real against fake) and
    `matching`: for the discriminator real samples with right against wrong labels, for the
    generator its own samples with the labels that they were asked for.

    Penalties see the logit, and of two heads the sum, which is the logit of a projection.

    With `feature_matching=True` the generator still learns what the label says. Where the features
    do not know the label, as with a projection, the mean of each class is matched beside the mean
    of all, both with the batch's own labels: a projection's logit is linear in just these. With two
    heads the generator keeps its term `matching`.

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
        generator,
        discriminator,
        num_classes,
        loss="non_saturating",
        matching_aware=True,
        mismatched_weight=0.5,
        class_names=None,
        seed=None,
        **kwargs,
    ):
        check_count("num_classes", num_classes, minimum=2)
        self.class_names = class_names
        super().__init__(
            generator, discriminator, loss=loss, num_classes=num_classes, seed=seed, **kwargs
        )
        self.matching_aware = bool(matching_aware)
        self.mismatched_weight = mismatched_weight
        # Another stream than the noise's, or wrong labels would hang on it.
        self.label_seed = SeedGenerator(None if self.seed is None else self.seed + 1)
        self._check_game()
        self._matches_classes = (
            self.feature_matching
            and len(self.heads) == 1
            and not _depends(self._readers["features"], self.discriminator.inputs[1])
        )

    @property
    def heads(self):
        """What the discriminator's outputs judge: one name per output."""
        two = len(self.discriminator.outputs) == 2
        return ("realness", "matching") if two else ("adversarial",)

    @property
    def discriminator_terms(self):
        """Names of the terms that `discriminate` returns."""
        if len(self.heads) == 2:
            return self.heads
        if self.matching_aware:
            return ("real", "fake", "mismatched")
        return ("real", "fake") if self.loss.has_halves else ("adversarial",)

    @property
    def generator_terms(self):
        """Names of the terms that `deceive` returns."""
        if self.feature_matching:
            return (*super().generator_terms, *self.heads[1:])
        return self.heads

    def discriminate(self, real, fake, labels):
        """The discriminator's side of the game, without penalties: a dict of terms."""
        on_real, on_fake = self._verdicts(real, labels), self._verdicts(fake, labels)
        if self.matching_aware:
            mismatched = self._verdicts(real, (self._wrong(labels[0]),))
        if len(self.heads) == 2:
            return {
                "realness": self.loss.discriminator(on_real[0], on_fake[0]),
                "matching": self.loss.discriminator(on_real[1], mismatched[1]),
            }
        if self.matching_aware:
            weight = self.mismatched_weight
            return {
                "real": self.loss.discriminator_real(on_real[0]),
                "fake": (1.0 - weight) * self.loss.discriminator_fake(on_fake[0]),
                "mismatched": weight * self.loss.discriminator_fake(mismatched[0]),
            }
        if self.loss.has_halves:
            return {
                "real": self.loss.discriminator_real(on_real[0]),
                "fake": self.loss.discriminator_fake(on_fake[0]),
            }
        return {"adversarial": self.loss.discriminator(on_real[0], on_fake[0])}

    def deceive(self, real, fake, labels):
        """The generator's side of the game: a dict of terms."""
        if self.feature_matching and len(self.heads) == 1:
            return {"feature_matching": self._match(real, fake, labels)}
        on_fake = self._verdicts(fake, labels)
        relativistic = self.loss.relativistic
        on_real = self._verdicts(real, labels) if relativistic else [None] * len(on_fake)
        verdicts = zip(self.heads, on_real, on_fake, strict=True)
        terms = {head: self.loss.generator(real, fake) for head, real, fake in verdicts}
        if self.feature_matching:
            return {**super().deceive(real, fake, labels), "matching": terms["matching"]}
        return terms

    def _match(self, real, fake, labels):
        features = [self._features(samples, labels) for samples in (real, fake)]
        distance = losses.feature_matching(*features)
        if self._matches_classes:
            by_class = (self._by_class(some, labels[0]) for some in features)
            distance = distance + losses.feature_matching(*by_class)
        return distance

    def _by_class(self, features, labels):
        """The batch's mean of features where the class is c, else 0: (1, num_classes, dim)."""
        features = ops.reshape(ops.cast(features, "float32"), (ops.shape(labels)[0], -1))
        one_hot = ops.one_hot(labels, self.num_classes, dtype="float32")
        sums = ops.matmul(ops.transpose(one_hot), features)
        return sums[None] / ops.cast(ops.shape(labels)[0], "float32")

    def scores(self, samples, labels, batch_size=64):
        """What the discriminator makes of each sample with its label.

        Averages and training are left alone: the discriminator judges as it stands, in inference
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
        verdicts = []
        self.synchronize()
        for start in range(0, len(samples), batch_size):
            batch = self.fields[0].to_device(samples[start : start + batch_size])
            batch = ops.convert_to_numpy(batch)
            some = labels[start : start + batch_size]
            outputs = self.discriminator.predict_on_batch([batch, some])
            outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
            # Under a distribution strategy every replica answers: keep the first's answer.
            logits = [np.asarray(output[: len(batch)], "float32") for output in outputs]
            verdicts.append([x.reshape(len(batch), -1).mean(axis=1) for x in logits])
        columns = [np.concatenate(column) for column in zip(*verdicts, strict=True)]
        return {
            head: (0.5 + 0.5 * np.tanh(0.5 * column)).astype("float32")
            for head, column in zip(self.heads, columns, strict=True)
        }

    def _verdicts(self, samples, labels):
        """The discriminator's outputs, one per head."""
        return _as_list(super()._judge(samples, labels))

    def _judge(self, samples, labels):
        # One logit per sample is what a penalty differentiates.
        verdicts = self._verdicts(samples, labels)
        return verdicts[0] if len(verdicts) == 1 else sum(map(_mean_logit, verdicts))

    def _wrong(self, labels):
        """Labels drawn uniformly from the other classes."""
        others = self.num_classes - 1
        uniform = keras.random.uniform(ops.shape(labels), dtype="float32", seed=self.label_seed)
        # Rounding may carry the largest number to the end of the range.
        steps = ops.minimum(ops.cast(ops.floor(uniform * others), "int32"), others - 1)
        return (ops.cast(labels, "int32") + 1 + steps) % self.num_classes

    def _check_game(self):
        number = self.mismatched_weight
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1:
            raise ValueError(
                "mismatched_weight is what of the terms on wrong inputs is for wrong labels: a "
                f"number in [0, 1], 0.5 as in the paper. Received: mismatched_weight={number!r}"
            )
        num_outputs = len(self.discriminator.outputs)
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
            self.loss.require_halves()


class AuxiliaryClassifierGAN(GAN):
    """A conditional GAN whose discriminator does not see labels, but tells the class itself.

    Choose it where a classifier on top of the discriminator is wanted too. The generator is
    rewarded for samples that are easy to classify, which costs variety within a class: for that,
    `ConditionalGAN` is better.

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

    discriminator_terms = ("adversarial", "classification")
    labelled_networks = ("generator",)

    def __init__(
        self,
        generator,
        discriminator,
        num_classes,
        loss="non_saturating",
        classification_weight=1.0,
        class_names=None,
        **kwargs,
    ):
        check_count("num_classes", num_classes, minimum=2)
        self.class_names = class_names
        super().__init__(generator, discriminator, loss=loss, num_classes=num_classes, **kwargs)
        self.classification_weight = check_weight("classification_weight", classification_weight)
        shapes = [tuple(output.shape[1:]) for output in self.discriminator.outputs]
        if len(shapes) != 2 or shapes[1] != (num_classes,):
            raise ValueError(
                "The discriminator must return logits and then class logits of shape (batch, "
                f"{num_classes}). Received: outputs of shapes {shapes} without the batch"
            )

    @property
    def generator_terms(self):
        """Names of the terms that `deceive` returns."""
        return (*super().generator_terms, "classification")

    def discriminate(self, real, fake, labels):
        """The discriminator's side of the game, without penalties: a dict of terms."""
        (on_real, classes), (on_fake, fake_classes) = self._heads(real), self._heads(fake)
        misread = self._misread(classes, labels) + self._misread(fake_classes, labels)
        return {"adversarial": self.loss.discriminator(on_real, on_fake), "classification": misread}

    def deceive(self, real, fake, labels):
        """The generator's side of the game: a dict of terms."""
        on_fake, classes = self._heads(fake)
        if self.feature_matching:
            terms = super().deceive(real, fake, labels)
        else:
            on_real = self._heads(real)[0] if self.loss.relativistic else None
            terms = {"adversarial": self.loss.generator(on_real, on_fake)}
        return {**terms, "classification": self._misread(classes, labels)}

    def _heads(self, samples):
        return super()._judge(samples, ())

    def _judge(self, samples, labels):
        return self._heads(samples)[0]

    def _features(self, samples, labels):
        return super()._features(samples, ())

    def _misread(self, logits, labels):
        logits = ops.cast(logits, "float32")
        entropies = ops.sparse_categorical_crossentropy(labels[0], logits, from_logits=True)
        return self.classification_weight * ops.mean(entropies)


def _as_list(outputs):
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def _depends(network, tensor):
    """Whether the network's output depends on this one of its inputs."""
    others = [given for given in network.inputs if given is not tensor]
    try:
        keras.Model(others, network.outputs)
    except ValueError:
        return True
    return False


def _mean_logit(logits):
    return ops.mean(ops.reshape(logits, (ops.shape(logits)[0], -1)), axis=1)
