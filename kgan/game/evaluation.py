"""Metrics of `evaluate`: a model's own samples beside held-out ones, batch by batch."""

import itertools
import types
import weakref

import keras
import numpy as np
from keras import ops

from kgan.backend import keras_internals
from kgan.data import contract
from kgan.data.inspection import kind_of


class Measuring:
    """What an `AdversarialModel` does with the metrics that it was compiled with."""

    _sample_metrics = types.MappingProxyType({})
    # What the metrics' real side was measured on, and the marks that it left there.
    _real_side = (None, None)
    # The place, among the fields, of the samples that the model's own should look like.
    imitated_field = 0

    def imitate(self, batch, seed=0):
        """Real samples, and as many of the model's own that should look like them.

        `evaluate` gives both to each metric. A model that makes samples from noise imitates the
        samples of the batch, with their labels; a translator answers the batch's inputs.

        Args:
            batch: tuple of NumPy arrays, one per field: float32 samples, int32 labels.
            seed: integer that the noise is drawn from. Defaults to 0.

        Returns:
            A pair of arrays in the data's own scale.
        """
        raise ValueError(
            f"{type(self).__name__} does not say what its samples are, so metrics can't compare "
            "them with real ones. Define imitate(batch, seed) to return a pair of arrays, real "
            f"samples and generated ones. Received: a {type(self).__name__}"
        )

    def verdicts(self, batch, fake):
        """The discriminator's logits for a batch's real samples, and for as many fake ones.

        Args:
            batch: tuple of tensors, one per field: float32 samples, int32 labels.
            fake: float32 samples, as from `imitate`, on the network's scale.

        Returns:
            A pair of tensors, or `None` for a game without a discriminator. Subclasses define it.
        """
        return None

    def gradient_norms(self, batch):
        """The length of each player's gradient on a batch, without a move.

        Choose it to see who still learns: a generator whose gradient vanishes is stuck, one whose
        gradient explodes is about to diverge. Nothing in the model changes.

        Args:
            batch: tuple of arrays, one per field: float32 samples, images in [-1, 1]; int32 labels.

        Returns:
            A dict of player -> float, the Euclidean norm over all of its variables.

        Example:

        ```python
        import kgan

        model = kgan.zoo.load("vanilla", like=(2,))
        norms = model.gradient_norms((kgan.data.ring(64, seed=0),))
        ```
        """
        keras_internals.require_compiled(self, "gradient_norms")
        self.synchronize()
        batch = self.unpack(tuple(batch))
        # A forward pass in training mode moves statistics, noise and pools.
        with self._kept(self.non_trainable_variables):
            return {name: _norm(self.gradients(name, batch)) for name in self.players}

    def played_verdicts(self, batch, fake):
        """What `verdicts` says in training mode, in which the discriminator plays.

        Choose it to see who wins: with BatchNorm a discriminator answers quite differently outside
        of its game. Nothing in the model changes.

        Args:
            batch: tuple of arrays, one per field: float32 samples, images in [-1, 1]; int32 labels.
            fake: float32 array, as many generated samples.

        Returns:
            Two NumPy arrays of logits, for real and for fake samples, or `None` for a game without
            a discriminator.
        """
        self.synchronize()
        inputs = (
            [ops.convert_to_tensor(field) for field in batch],
            ops.convert_to_tensor(fake),
        )
        with self._kept(self.non_trainable_variables):
            verdicts = self(inputs, judging=True, training=True)
        return verdicts and tuple(ops.convert_to_numpy(side) for side in verdicts)

    @property
    def sample_metrics(self):
        """The metrics that the model was compiled with, as a list for another `compile`."""
        return list(self._sample_metrics.values())

    @property
    def metric_directions(self):
        """Which values are better: a dict of a name in `evaluate` to `"min"` or `"max"`."""
        directions = {}
        for name, metric in self._sample_metrics.items():
            directions.update(metric.mode if isinstance(metric.mode, dict) else {name: metric.mode})
        return directions

    def _take_metrics(self, metrics):
        """Keeps the metrics of `compile`, where no compiled step looks for them."""
        metrics = [metrics] if isinstance(metrics, keras.metrics.Metric) else list(metrics or [])
        for metric in metrics:
            if not hasattr(metric, "reset_fake"):
                raise TypeError(
                    "A game is measured by metrics that compare real samples with generated ones, "
                    "such as kgan.metrics.FrechetDistance(). Keras's own compare a prediction "
                    f"with a target. Received: metrics with {metric!r}"
                )
        # A metric of several figures logs each under its own name.
        names = [
            name
            for metric in metrics
            for name in (metric.mode if isinstance(metric.mode, dict) else [metric.name])
        ]
        taken = {name for name in names if names.count(name) > 1 or name in self.trackers}
        if taken:
            raise ValueError(
                "Each metric is logged under its name, so names must differ, from each other and "
                "from the players' losses: kgan.metrics.FrechetDistance(name=...). "
                f"Received: figures named {names}, of which {sorted(taken)} are taken"
            )
        # Read-only and thereby untracked: Keras would ask for results within compiled steps.
        self._sample_metrics = types.MappingProxyType({metric.name: metric for metric in metrics})
        self._real_side = (None, None)

    def _measure(self, data, steps, show_progress):
        """Feeds the metrics with `data` and with as many samples, and returns their results."""
        from kgan.metrics import update_all

        metrics = list(self._sample_metrics.values())
        # What real samples leave behind stays the same while `fit` comes with the same data.
        measured, marks = self._real_side
        # Metrics can be used elsewhere in between: on other data, or by another model.
        seen_before = (
            steps is None
            and measured is not None
            and measured() is data
            and marks == [metric.real_mark() for metric in metrics]
        )
        self._real_side = (None, None)
        for metric in metrics:
            if seen_before and not metric.paired:
                metric.reset_fake()
            else:
                metric.reset_state()
        bar = keras.utils.Progbar(steps, unit_name="batch") if show_progress else None
        number = None
        for number, batch in enumerate(itertools.islice(_batches_of(data), steps)):
            fields = tuple(
                ops.convert_to_numpy(field) for field in contract.unpack(self.fields, batch)
            )
            real, fake = self.imitate(fields, seed=number)
            update_all(metrics, real, fake, real_is_known=seen_before)
            if bar is not None:
                bar.update(number + 1)
        if number is None:
            raise ValueError(
                "The metrics go through the data once more, after the losses, and found nothing "
                "left. Pass arrays or a dataset that can be gone through again. "
                f"Received: a {type(data).__name__}"
            )
        if steps is None:
            self._real_side = (weakref.ref(data), [metric.real_mark() for metric in metrics])
        results = {}
        for name, metric in self._sample_metrics.items():
            result = metric.result()
            if isinstance(result, dict):
                results.update({key: float(value) for key, value in result.items()})
            else:
                results[name] = float(result)
        return results


def _batches_of(data):
    if kind_of(data) != "PyDataset":
        return iter(data)
    # Keras's datasets end by their length: one without an end has none.
    numbers = itertools.count() if data.num_batches is None else range(data.num_batches)
    return (data[number] for number in numbers)


def _norm(gradients):
    arrays = (ops.convert_to_numpy(gradient) for gradient in gradients if gradient is not None)
    return float(np.sqrt(sum(np.square(array, dtype="float64").sum() for array in arrays)))
