"""All metrics at once: features are extracted once, and values come with their protocols."""

import itertools
from collections.abc import Sequence

import numpy as np

from kgan.data.fields import Images, of_samples
from kgan.metrics.base import SampleMetric
from kgan.metrics.classes import InceptionScore, ModeCoverage
from kgan.metrics.distribution import FrechetDistance, KernelDistance, SlicedWasserstein
from kgan.metrics.extractors import Extractor, read
from kgan.metrics.neighbours import PrecisionRecall
from kgan.metrics.similarity import MultiScaleStructuralSimilarity
from kgan.utils.hints import Data, Features

# Samples read at a time.
_SLICE = 2000
# Numbers per sample above which a covariance of the samples themselves takes minutes.
_WIDE = 3072


def update_all(
    metrics: Sequence[SampleMetric],
    real: Data = None,
    fake: Data = None,
    real_is_known: bool = False,
) -> None:
    """Updates several metrics with a batch, and extracts features once for those that share them.

    Use this in a custom loop, in place of each metric's `update_state`.

    Args:
        metrics: list of metrics of `kgan.metrics`.
        real: real samples, as in `update_state`. Defaults to `None`.
        fake: generated samples. Defaults to `None`.
        real_is_known: boolean. With `True` only paired metrics take the real samples; the others
            have them already, since `reset_fake` keeps them. Defaults to `False`.

    Returns:
        `None`.

    Raises:
        TypeError: when an entry is not a metric of samples.
        ValueError: when the samples do not fit a metric.

    Example:

    ```python
    import kgan

    metrics = [kgan.metrics.FrechetDistance(), kgan.metrics.PrecisionRecall()]
    for seed in range(4):
        kgan.metrics.update_all(metrics, kgan.data.ring(100, seed=seed), kgan.data.ring(100))
    print([metric.result() for metric in metrics])
    ```
    """
    groups = {}
    for metric in metrics:
        _check_metric(metric)
        groups.setdefault(metric.extractor.key, []).append(metric)
    for group in groups.values():
        wanting = [
            m for m in group if (m.paired or not real_is_known) and (m.uses_real or m.paired)
        ]
        features = {}
        for name, samples, wanted in (("real", real, wanting), ("fake", fake, group)):
            if samples is not None and len(samples) and wanted:
                features[name] = group[0].extractor(samples, name)
        for metric in group:
            takes_real = "real" in features and metric in wanting
            metric.note_shapes(real if takes_real else None, fake)
            metric.update_features(features["real"] if takes_real else None, features.get("fake"))


class Evaluation(dict):
    """The result of `evaluate`: values by name, and how each was computed.

    Print it, or write it as JSON: it is a dict of floats.

    Args:
        metrics: list of metrics that have seen their samples.

    Example:

    ```python
    import kgan

    metric = kgan.metrics.SlicedWasserstein()
    metric.update_state(kgan.data.ring(500, seed=0), kgan.data.ring(500, seed=1))
    evaluation = kgan.metrics.Evaluation([metric])
    print(evaluation)  # sliced_wasserstein  0.02...  and its protocol
    ```
    """

    def __init__(self, metrics: Sequence[SampleMetric]) -> None:
        super().__init__()
        self.protocols, self.standard_errors = {}, {}
        self._blocks = []
        for metric in metrics:
            result = metric.result()
            figures = result if isinstance(result, dict) else {metric.name: result}
            if isinstance(result, dict) and any(name in self for name in figures):
                figures = {f"{metric.name}_{name}": value for name, value in figures.items()}
            figures = {self._free(name): value for name, value in figures.items()}
            self.update({name: float(value) for name, value in figures.items()})
            for name in figures:
                self.protocols[name] = metric.protocol
            if metric.standard_error is not None and np.isfinite(metric.standard_error):
                name = metric.name if isinstance(result, dict) else next(iter(figures))
                self.standard_errors[name] = metric.standard_error
            self._blocks.append((list(figures), metric.protocol))

    def _free(self, name):
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        return next(free for free in itertools.chain([name], numbered) if free not in self)

    def __str__(self):
        width = max((len(name) for name in self), default=0)
        lines = []
        for names, protocol in self._blocks:
            for name in names:
                error = self.standard_errors.get(name)
                spread = "" if error is None else f" +- {error:.2g}"
                lines.append(f"{name:<{width}}  {self[name]:.4g}{spread}")
            lines.append(f"{'':<{width}}  ({protocol})")
        return "\n".join(lines)


def evaluate(
    real: Data,
    fake: Data,
    metrics: Sequence[SampleMetric] | None = None,
    extractor: Features = None,
) -> Evaluation:
    """Compares generated samples with real ones, by every metric that applies.

    Use this after training, or on samples from any other source: the values come with their
    protocols. During `fit`, pass metrics to `compile(metrics=[...])`.

    Args:
        real: array of real samples: uint8 images, floats in [-1, 1], or vectors.
        fake: array of generated samples, ideally as many.
        metrics: list of metrics, which are reset. Defaults to `None`: Frechet and kernel distance,
            precision, recall, density, coverage and sliced Wasserstein distance; for images of one
            size of at least 11x11 pixels diversity too; with `"digit_judge"` or `"inception"` the
            inception score, where there are enough samples, and with `"digit_judge"` the digits
            that occur. Without an extractor, samples of more than 3 072 numbers have no Frechet
            distance: their covariance would take minutes, and say little.
        extractor: the features by which the default metrics compare samples, as for
            `kgan.metrics.Extractor`. Defaults to `None`, the samples themselves: right for points;
            for images it needs no network but says little about their content, so use
            `"digit_judge"` for digits, `"inception"` or your own network for photographs.

    Returns:
        An `Evaluation`: a dict of floats that prints with its protocols.

    Raises:
        TypeError: when an entry of `metrics` is not a metric of samples.
        ValueError: when there are too few samples, or they do not fit the metrics.

    Example:

    ```python
    import kgan

    real, fake = kgan.data.ring(1000, seed=0), kgan.data.ring(1000, seed=1)
    evaluation = kgan.metrics.evaluate(real, fake)
    print(evaluation)
    assert evaluation["precision"] > 0.9
    ```
    """
    real, fake = read(real, "real", whole=True), read(fake, "fake", whole=True)
    if metrics is None:
        metrics = default_metrics(real, fake, extractor)
    for metric in metrics:
        _check_metric(metric)
        metric.reset_state()
    for start in range(0, max(len(real), len(fake)), _SLICE):
        some_real, some = (x[start : start + _SLICE] for x in (real, fake))
        update_all(metrics, some_real, some)
    return Evaluation(metrics)


def default_metrics(real, samples, extractor=None):
    """The default metrics of `evaluate`: see there."""
    extractor = Extractor.get(extractor)
    metrics = [
        KernelDistance(extractor),
        PrecisionRecall(extractor),
        SlicedWasserstein(extractor),
    ]
    if extractor.source is not None or samples[0].size <= _WIDE:
        metrics.insert(0, FrechetDistance(extractor))
    is_of_one_shape = real.shape[1:] == samples.shape[1:]
    are_images = isinstance(of_samples(samples), Images)
    if are_images and min(samples.shape[1:3]) >= 11 and is_of_one_shape:
        metrics.append(MultiScaleStructuralSimilarity())
    if extractor.source in ("digit_judge", "inception"):
        score = InceptionScore(extractor.source)
        if len(samples) >= score.splits:
            metrics.append(score)
    if extractor.source == "digit_judge":
        metrics.append(ModeCoverage(classifier="digit_judge"))
    return metrics


def _check_metric(metric):
    if not isinstance(metric, SampleMetric):
        raise TypeError(
            "Expected a metric that compares real samples with generated ones, such as "
            f"kgan.metrics.FrechetDistance(). Received: {metric!r}"
        )
