"""Metrics by a classifier or by known modes: which of them samples cover, and how evenly."""

import math

import keras
import numpy as np

from kgan.metrics.base import SampleMetric
from kgan.metrics.coverage import class_coverage, mode_coverage
from kgan.metrics.extractors import Extractor
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Data, Features

_SUM_TOLERANCE = 1e-3


@keras.saving.register_keras_serializable(package="kgan")
class InceptionScore(SampleMetric):
    """How confident a classifier is about each sample, and how many classes it finds in all.

    Use this to compare with papers before 2018, or when no real data is available. It ignores real
    samples, so a model that repeats one good sample per class has the best score: prefer a
    distance. The score lies between 1 and the number of classes.

    Reference: Salimans et al. 2016, "Improved techniques for training GANs", section 4:
    exp(E_x KL(p(y|x) || p(y))), the mean over splits. `standard_deviation` holds that of the
    splits after `result()`, and `standard_error` that of their mean.

    Args:
        classifier: `"digit_judge"`, `"inception"` (Keras Applications' InceptionV3, not the network
            of the papers), a `keras.Model` or a function from images in [-1, 1] to classes.
            Defaults to `"digit_judge"`.
        splits: integer, parts whose scores are averaged. Defaults to 10.
        from_logits: boolean, whether the classifier returns logits rather than probabilities, as
            the named ones do. Defaults to `True`.
        num_samples: integer, rows of classes kept. Defaults to 10 000.
        seed: integer seed of the splits, which are random because samples may be sorted by class.
            Defaults to 0.
        name: string, the key in logs. Defaults to `"inception_score"`.

    Raises:
        ValueError: when `result` is called with fewer samples than splits, or the classifier's
            outputs contradict `from_logits`.

    Example:

    ```python
    import kgan

    score = kgan.metrics.InceptionScore("digit_judge", splits=2)
    score.update_state(None, kgan.data.load("digits", size=28)[:200])
    print(score.result(), score.standard_deviation)
    ```
    """

    title = "inception score"
    mode = "max"
    uses_real = False

    def __init__(
        self,
        classifier: Features = "digit_judge",
        splits: int = 10,
        from_logits: bool = True,
        num_samples: int = 10_000,
        seed: int = 0,
        name: str = "inception_score",
    ) -> None:
        _check_classifier(classifier)
        extractor = Extractor.get(classifier, head="logits")
        super().__init__(extractor=extractor, num_samples=num_samples, name=name)
        self.splits = check_count("splits", splits)
        self.from_logits = bool(from_logits)
        self.seed = check_count("seed", seed, minimum=0)
        self.standard_deviation = None

    def result(self) -> float | dict[str, float]:
        """The mean score of the splits, a float. Sets their spread too."""
        _, rows = self._rows(minimum=self.splits)
        log_odds = log_probabilities(rows, self.from_logits)
        order = np.random.default_rng(self.seed).permutation(log_odds)
        scores = []
        for part in np.array_split(order, self.splits):
            odds = np.exp(part)
            mean = np.log(np.maximum(odds.mean(axis=0), np.finfo("float64").tiny))
            scores.append(math.exp((odds * (part - mean)).sum(axis=1).mean()))
        self.standard_deviation = float(np.std(scores))
        self.standard_error = (
            float(np.std(scores, ddof=1) / math.sqrt(self.splits))
            if self.splits > 1
            else float("nan")
        )
        return float(np.mean(scores))

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        config = super().get_config()
        return {
            "classifier": config.pop("extractor"),
            **config,
            "splits": self.splits,
            "from_logits": self.from_logits,
            "seed": self.seed,
        }

    def _details(self):
        return (f"mean of {self.splits} splits",)


@keras.saving.register_keras_serializable(package="kgan")
class ModeCoverage(SampleMetric):
    """Modes that samples cover, the share of high-quality samples, and how evenly they spread.

    Use this to detect mode collapse during `fit` when the modes are known: on mixtures such as
    `kgan.data.ring`, on digits, and on stacked digits, whose 1 000 triples are PacGAN's benchmark.
    A classifier can be confident about noise, which is in none of its classes: look at a distance
    too. `kgan.metrics.mode_coverage` and `class_coverage` count once and print the full protocol;
    after `result()`, `counted` holds what they returned.

    Reference: Lin et al. 2018, "PacGAN", section 4.1, for mixtures; Srivastava et al. 2017,
    "VEEGAN", section 5, for classes.

    Args:
        centers: float array (num_modes, dim), the means of a mixture. Defaults to `None`.
        sigma: float above 0, the standard deviation of each mode and axis. Defaults to `None`.
        classifier: in place of `centers`: `"digit_judge"`, a `keras.Model` or a function from
            images in [-1, 1] to classes. Defaults to `None`.
        stacked: boolean. Classifies each channel separately, so ten classes of grey images become
            1 000 of images with three channels. Defaults to `False`.
        num_classes: integer, classes of the classifier. Defaults to 10.
        from_logits: boolean, whether the classifier returns logits rather than probabilities.
            Defaults to `True`.
        confidence: float in [0, 1], the least probability of the predicted class of a high-quality
            sample (stacked: of each channel). All samples count for the modes. Defaults to 0.9.
        num_samples: integer, samples kept. Defaults to 10 000.
        name: string. The keys in logs are `modes`, `high_quality` and `reverse_kl`. Defaults to
            `"mode_coverage"`.

    Raises:
        ValueError: when there are both or neither of `centers` and `classifier`, or samples do not
            fit them.

    Example:

    ```python
    import kgan

    metric = kgan.metrics.ModeCoverage(kgan.data.ring_centers(), sigma=0.01)
    metric.update_state(None, kgan.data.ring(2500, seed=0))
    assert metric.result()["modes"] == 8

    digits = kgan.data.load("digits", size=28)
    triples = kgan.data.stacked(digits, n=100, seed=0)
    metric = kgan.metrics.ModeCoverage(classifier="digit_judge", stacked=True)
    metric.update_state(None, triples)
    print(metric.result(), metric.counted)
    ```
    """

    title = "mode coverage"
    mode = {"modes": "max", "high_quality": "max", "reverse_kl": "min"}
    uses_real = False

    def __init__(
        self,
        centers: Data = None,
        sigma: float | None = None,
        classifier: Features = None,
        stacked: bool = False,
        num_classes: int = 10,
        from_logits: bool = True,
        confidence: float = 0.9,
        num_samples: int = 10_000,
        name: str = "mode_coverage",
    ) -> None:
        if (centers is None) == (classifier is None) or (centers is None) != (sigma is None):
            raise ValueError(
                "Modes are counted by the means of a mixture, ModeCoverage(centers, sigma), or by "
                'a classifier, ModeCoverage(classifier="digit_judge"). Received: centers '
                f"{'missing' if centers is None else 'given'}, sigma={sigma!r}, "
                f"classifier={classifier!r}"
            )
        if not 0 <= confidence <= 1:
            raise ValueError(
                f"`confidence` must be a probability. Received: confidence={confidence!r}"
            )
        if classifier is not None:
            _check_classifier(classifier)
        extractor = Extractor.get(classifier, head="logits", per_channel=stacked)
        if classifier is None:
            extractor = Extractor()
        super().__init__(extractor=extractor, num_samples=num_samples, name=name)
        # A tuple, since Keras would wrap a list in a tracked container.
        self.centers = None if centers is None else _as_tuples(centers)
        self.sigma = sigma
        self.stacked, self.from_logits = bool(stacked), bool(from_logits)
        self.num_classes = check_count("num_classes", num_classes, minimum=2)
        self.confidence = float(confidence)
        self.counted = None

    def result(self) -> float | dict[str, float]:
        """A dict of floats: modes, high_quality, reverse_kl."""
        _, rows = self._rows(minimum=1)
        if self.centers is not None:
            self.counted = mode_coverage(rows, self.centers, self.sigma)
            high_quality = self.counted.high_quality
        else:
            rows = self._by_channel(rows)  # (n, channels, num_classes)
            odds = np.exp(log_probabilities(rows, self.from_logits))
            places = self.num_classes ** np.arange(rows.shape[1])[::-1]
            labels = odds.argmax(axis=-1) @ places
            self.counted = class_coverage(labels, self.num_classes ** rows.shape[1])
            high_quality = (odds.max(axis=-1).min(axis=-1) >= self.confidence).mean()
        return {
            "modes": float(self.counted.modes),
            "high_quality": float(high_quality),
            "reverse_kl": float(self.counted.reverse_kl),
        }

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        config = super().get_config()
        return {
            "classifier": config.pop("extractor"),
            **config,
            "centers": None if self.centers is None else [list(row) for row in self.centers],
            "sigma": self.sigma,
            "stacked": self.stacked,
            "num_classes": self.num_classes,
            "from_logits": self.from_logits,
            "confidence": self.confidence,
        }

    def _by_channel(self, rows):
        channels, rest = divmod(rows.shape[1], self.num_classes)
        if rest or (channels != 1 and not self.stacked):
            raise ValueError(
                "The classifier does not return one number per class. Set num_classes to the "
                f"number of its classes. Received: {rows.shape[1]} numbers per sample with "
                f"num_classes={self.num_classes}, stacked={self.stacked}"
            )
        return rows.reshape(len(rows), channels, self.num_classes)

    def _details(self):
        if self.centers is not None:
            return (
                f"{len(self.centers)} modes of sigma {self.sigma:g}, high quality within 3 sigma, "
                "reverse KL of those samples' modes against uniform in nats",
            )
        return (
            f"high quality: at least {self.confidence:.0%} sure, reverse KL of all samples' "
            "classes against uniform in nats",
        )


def log_probabilities(rows, from_logits):
    """The logarithms of the probabilities (..., num_classes) that a classifier returned.

    Args:
        rows: float array (..., num_classes), logits or probabilities.
        from_logits: boolean, which of the two.
    """
    sums_to_one = rows.min() >= 0 and np.abs(rows.sum(axis=-1) - 1).max() <= _SUM_TOLERANCE
    if sums_to_one == from_logits:
        kind = "probabilities, rows that sum to 1" if from_logits else "logits"
        raise ValueError(
            f"The classifier's outputs look like {kind}. Set from_logits={not from_logits}. "
            f"Received: from_logits={from_logits}, numbers from {rows.min():.4g} to "
            f"{rows.max():.4g}"
        )
    if not from_logits:
        return np.log(np.maximum(rows, np.finfo("float64").tiny))
    rows = rows - rows.max(axis=-1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(axis=-1, keepdims=True))


def _check_classifier(classifier):
    if classifier is None:
        raise ValueError(
            'A classifier is required: "digit_judge", "inception", a keras.Model or a '
            "function. Received: classifier=None"
        )


def _as_tuples(centers):
    centers = np.asarray(centers, "float64")
    if centers.ndim != 2 or 0 in centers.shape:
        raise ValueError(
            "The centers of a mixture must be an array of shape (num_modes, dim). "
            f"Received: centers of shape {centers.shape}"
        )
    return tuple(tuple(row) for row in centers.tolist())
