"""All metrics at once: features are extracted once, and values come with their protocols."""

import itertools
from collections.abc import Sequence

import numpy as np

from kgan.metrics.base import SampleMetric
from kgan.metrics.distribution import FrechetDistance, KernelDistance, SlicedWasserstein
from kgan.metrics.extractors import Extractor
from kgan.metrics.neighbours import PrecisionRecall
from kgan.metrics.samples import read
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
    extractor: Features = "auto",
) -> Evaluation:
    """Compares generated samples with real ones, by the metrics that smudges do not fool.

    Use this after training, or on samples from any other source: the values come with their
    protocols. During `fit`, pass metrics to `compile(metrics=[...])`.

    Args:
        real: array of real samples: uint8 images, floats in [-1, 1], or vectors.
        fake: array of generated samples, ideally as many.
        metrics: list of metrics, which are reset. Defaults to `None`: `default_metrics`.
        extractor: the features by which the default metrics compare samples, as for
            `kgan.metrics.Extractor`. Defaults to `"auto"`: images are compared by a small network
            that ships, `"image_features"`, points and other vectors as they are. For digits there
            is `"digit_judge"`, for photographs `"inception"`, for your own kinds of images
            `kgan.metrics.train_extractor`.

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
    assert evaluation["f1"] > 0.9
    ```
    """
    real, fake = read(real, "real", whole=True), read(fake, "fake", whole=True)
    if metrics is None:
        metrics = default_metrics(extractor, real[:1])
    for metric in metrics:
        _check_metric(metric)
        metric.reset_state()
    for start in range(0, max(len(real), len(fake)), _SLICE):
        some_real, some = (x[start : start + _SLICE] for x in (real, fake))
        update_all(metrics, some_real, some)
    return Evaluation(metrics)


def default_metrics(extractor: Features = "auto", samples: Data = None) -> list[SampleMetric]:
    """The metrics of `evaluate` and of `compile(metrics="default")`, which smudges do not fool.

    Use this to add your own to them. They are the Frechet, kernel and sliced Wasserstein distances,
    the harmonic mean of precision and recall, `f1`, and `coverage`: the figures under which the
    mean image, blank ones, one real image repeated, blurred ones and noise all rank below samples
    of trained models, on digits, photographs and emoji (docs/benchmarks.md). Other figures, such as
    precision, density and diversity, say more about what is wrong, and fail that test.

    Args:
        extractor: as for `kgan.metrics.Extractor`. Defaults to `"auto"`.
        samples: array of some samples, by which is known what they are. Defaults to `None`.
            Samples of more than 3 072 numbers that are compared as they are have no Frechet
            distance: their covariance would take minutes, and say little.

    Returns:
        A list of metrics.

    Example:

    ```python
    import kgan

    metrics = [*kgan.metrics.default_metrics(), kgan.metrics.MultiScaleStructuralSimilarity()]
    images = kgan.data.load("digits", size=28)
    print(kgan.metrics.evaluate(images[:100], images[100:200], metrics))
    ```
    """
    extractor = Extractor.get(extractor)
    metrics = [
        FrechetDistance(extractor),
        KernelDistance(extractor),
        PrecisionRecall(extractor, figures=("f1", "coverage")),
        SlicedWasserstein(extractor),
    ]
    if samples is not None and extractor.settle(samples).source is None:
        if np.prod(np.shape(samples)[1:]) > _WIDE:
            del metrics[0]
    return metrics


def _check_metric(metric):
    if not isinstance(metric, SampleMetric):
        raise TypeError(
            "Expected a metric that compares real samples with generated ones, such as "
            f"kgan.metrics.FrechetDistance(). Received: {metric!r}"
        )
