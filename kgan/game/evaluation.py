"""Metrics of `evaluate`: a model's own samples beside held-out ones, batch by batch."""

import contextlib
import itertools
import sys
import weakref

import keras
import numpy as np
from keras import ops
from tqdm.auto import tqdm

from kgan.data.field_lookup import unpack
from kgan.data.inspection import kind_of
from kgan.game.progress import width


class SampleMetrics:
    """The metrics that a model was compiled with, which compare its samples with real ones.

    Args:
        metrics: a metric of `kgan.metrics`, or a list of them. Defaults to none.
        taken: names in the logs that are in use, such as the players' losses. Defaults to none.

    Raises:
        TypeError: when one is no metric of samples.
        ValueError: when names are not unique.
    """

    def __init__(self, metrics=None, taken=()):
        metrics = [metrics] if isinstance(metrics, keras.metrics.Metric) else list(metrics or [])
        for metric in metrics:
            if not callable(getattr(metric, "reset_fake", None)):
                raise TypeError(
                    "A game is measured by metrics that compare real samples with generated ones, "
                    "such as kgan.metrics.FrechetDistance(). Keras's own compare a prediction "
                    f"with a target. Received: metrics with {metric!r}"
                )
        self._metrics = {metric.name: metric for metric in metrics}
        # A metric of several figures logs each under its own name.
        names = [name for metric in metrics for name in _figures(metric)]
        repeated = {name for name in names if names.count(name) > 1 or name in taken}
        if repeated:
            raise ValueError(
                "Each metric is logged under its name, so names must differ, from each other and "
                "from the players' losses: kgan.metrics.FrechetDistance(name=...). "
                f"Received: figures named {names}, of which {sorted(repeated)} are taken"
            )
        # What the metrics' real side was measured on, and the marks that it left there.
        self._real_side = (None, None)
        # Name to value: what the figures are where both sides are real. It takes a pass over the
        # data, so it is found for those who ask.
        self.of_real, self.compares_real = {}, False

    def __iter__(self):
        return iter(self._metrics.values())

    def __bool__(self):
        return bool(self._metrics)

    @property
    def directions(self):
        """Which values are better: a dict of a name in `evaluate` to `"min"` or `"max"`."""
        return {name: mode for metric in self for name, mode in _figures(metric).items()}

    def measure(self, model, data, steps, show_progress):
        """Feeds the metrics with data and with as many samples of the model.

        Args:
            model: a `kgan.AdversarialModel`.
            data: a dataset of batches.
            steps: integer, batches, or `None` for all.
            show_progress: boolean.

        Returns:
            A dict of name -> float.
        """
        from kgan.metrics import update_all

        if self.compares_real and not self.of_real and steps is None:
            self._compare_real(model, data)
        # What real samples leave behind stays the same while `fit` comes with the same data.
        measured, marks = self._real_side
        # Metrics can be used elsewhere in between: on other data, or by another model.
        seen_before = (
            steps is None
            and measured is not None
            and measured() is data
            and marks == [metric.real_mark() for metric in self]
        )
        self._real_side = (None, None)
        for metric in self:
            if seen_before and not metric.paired:
                metric.reset_fake()
            else:
                metric.reset_state()
        bar = tqdm(
            total=steps, desc="Measuring", leave=False, ncols=width(), file=sys.stdout,
            disable=not show_progress,
        )  # fmt: skip
        number = None
        for number, batch in enumerate(itertools.islice(_batches_of(data), steps)):
            fields = tuple(ops.convert_to_numpy(x) for x in unpack(model.fields, batch))
            real, fake = model.sample_like(fields, seed=number)
            update_all(list(self), real, fake, real_is_known=seen_before)
            bar.update()
        bar.close()
        if number is None:
            raise ValueError(
                "The metrics go through the data once more, after the losses, and found nothing "
                "left. Pass arrays or a dataset that can be gone through again. "
                f"Received: a {type(data).__name__}"
            )
        if steps is None:
            self._real_side = (weakref.ref(data), [metric.real_mark() for metric in self])
        return _results(self)

    def _compare_real(self, model, data):
        """Finds how good each figure can be: what it is between two halves of real samples."""
        from kgan.metrics import update_all

        self._real_side = (None, None)
        for metric in self:
            metric.reset_state()
        # A distance from the very partner says nothing of two samples that are none.
        free = [metric for metric in self if not metric.paired]
        for batch in _batches_of(data):
            fields = tuple(ops.convert_to_numpy(x) for x in unpack(model.fields, batch))
            real = fields[model.imitated_field]
            half = len(real) // 2
            if half and free:
                update_all(free, real[:half], real[half : 2 * half])
        for metric in free:
            # Half of the samples may be too few for a figure that all are enough for.
            with contextlib.suppress(ValueError):
                self.of_real.update(_results([metric]))


def _results(metrics):
    results = {}
    for metric in metrics:
        result = metric.result()
        named = result if isinstance(result, dict) else {metric.name: result}
        results.update({key: float(value) for key, value in named.items()})
    return results


def named_metrics(name, field):
    """The metrics that a name stands for.

    Args:
        name: string, `"default"`.
        field: `kgan.data.Field` of the samples.

    Returns:
        List of metrics.

    Raises:
        ValueError: when it is another name.
    """
    from kgan.metrics import default_metrics

    if name != "default":
        raise ValueError(
            'Metrics are a list of metrics of kgan.metrics, or "default". '
            f"Received: metrics={name!r}"
        )
    return default_metrics(samples=field.examples(1))


def _figures(metric):
    return metric.mode if isinstance(metric.mode, dict) else {metric.name: metric.mode}


def _batches_of(data):
    if kind_of(data) != "PyDataset":
        return iter(data)
    # Keras's datasets end by their length: one without an end has none.
    numbers = itertools.count() if data.num_batches is None else range(data.num_batches)
    return (data[number] for number in numbers)


def norm(gradients):
    """The Euclidean norm over a list of gradients, `None` among them."""
    arrays = (ops.convert_to_numpy(gradient) for gradient in gradients if gradient is not None)
    return float(np.sqrt(sum(np.square(array, dtype="float64").sum() for array in arrays)))
