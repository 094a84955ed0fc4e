"""Precision and recall by nearest neighbours: do samples look real, and cover the data?"""

import warnings
from collections.abc import Sequence

import keras
import numpy as np

from kgan.metrics.base import SampleMetric
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Features

FIGURES = ("f1", "precision", "recall", "density", "coverage")
# Distances held at a time: 64 MB.
_DISTANCES = 2**23
# Of a squared distance, relative to the squared lengths of the vectors: what rounding leaves of 0.
_ROUNDING = 64 * np.finfo("float64").eps


@keras.saving.register_keras_serializable(package="kgan")
class PrecisionRecall(SampleMetric):
    """How many samples look real, and how much of the real data they cover, as separate values.

    Use this to distinguish bad samples (low precision and density) from missing ones (low recall
    and coverage), which a single distance mixes. Density and coverage are the ones to trust when
    there are outliers: one real outlier has a large ball, in which every sample counts as precise.
    A perfect generator has a density and a coverage of about 1, if both sides have as many samples.
    Precision and recall fall with the dimension (two equal Gaussians of 96 dimensions: 0.7), so
    compare them with those of further real data.

    Reference: Kynkaanniemi et al. 2019, "Improved precision and recall metric for assessing
    generative models" (precision, recall); Naeem et al. 2020, "Reliable fidelity and diversity
    metrics for generative models" (density, coverage). The ball of a sample reaches to its k-th
    nearest neighbour of its own side. Precision: generated samples in the ball of any real one.
    Recall: real samples in the ball of any generated one. Density: balls of real samples that a
    generated one lies in, over k. Coverage: real samples with a generated one in their ball. What
    lies on the surface of a ball is inside, as in Kynkaanniemi et al.'s code: so copies of real
    samples are precise where the real ones repeat. (Naeem et al.'s code counts the inside alone.)
    Of a sample that occurs more than k times the ball is a point, which only copies can hit.

    Blind spots: smudges fool precision, density and coverage where features see them near to real
    samples: a blurred image lies in the midst of sharp ones. Read `f1`, the harmonic mean of
    precision and recall, first: it is high only if both are.

    Args:
        extractor: as for `kgan.metrics.Extractor`. Defaults to `"auto"`: images are
            compared by `"image_features"`, all else as it is.
        neighbours: integer, k. Defaults to 5 as in Naeem et al.; Kynkaanniemi et al. take 3.
        num_samples: integer, vectors kept per side; the time grows with its square. Defaults to
            10 000.
        figures: names of what `result` returns, of `f1`, `precision`, `recall`, `density` and
            `coverage`. Defaults to `None`, all.
        name: string. The keys in logs are those names.
            Defaults to `"precision_recall"`.

    Raises:
        ValueError: when `result` is called with no more than k samples of a side.

    Example:

    ```python
    import kgan

    metric = kgan.metrics.PrecisionRecall()
    ring = kgan.data.ring(1000, seed=0)
    metric.update_state(ring, ring[ring[:, 0] > 0])  # good points, and half of the modes
    figures = metric.result()
    assert figures["precision"] == 1 and figures["coverage"] < 0.8
    ```
    """

    title = "precision, recall, density and coverage"
    mode = dict.fromkeys(FIGURES, "max")

    def __init__(
        self,
        extractor: Features = "auto",
        neighbours: int = 5,
        num_samples: int = 10_000,
        figures: Sequence[str] | None = None,
        name: str = "precision_recall",
    ) -> None:
        super().__init__(extractor=extractor, num_samples=num_samples, name=name)
        self.neighbours = check_count("neighbours", neighbours)
        self.figures = FIGURES if figures is None else tuple(figures)
        if not self.figures or set(self.figures) - set(FIGURES):
            raise ValueError(
                f"`figures` must be some of {FIGURES}, or None for all. Received: {figures!r}"
            )
        self.mode = dict.fromkeys(self.figures, "max")
        self._said = None

    def result(self) -> float | dict[str, float]:
        """A dict of floats, by the names in `figures`."""
        real, fake = self._rows(minimum=self.neighbours + 1)
        # Differences of squares lose less near the origin.
        center = real.mean(axis=0)
        real, fake = real - center, fake - center
        real_radii, radii = radii_of(real, self.neighbours), radii_of(fake, self.neighbours)
        points = int((real_radii == 0).sum())
        if points and points != self._said:
            self._said = points  # Once, and not after each epoch.
            warnings.warn(
                f"{points} of the {len(real)} real samples have {self.neighbours} or more copies "
                "among the others, so their balls are points, which only copies can hit: all "
                "other samples count as far. Drop the repeats, or let the metric look at more "
                f"neighbours. Received: neighbours={self.neighbours}",
                stacklevel=2,
            )
        inside, balls = 0, 0
        reached = np.zeros(len(real), bool)
        nearest = np.full(len(real), np.inf)
        for start, distances in _distances(fake, real):
            in_real = distances <= real_radii
            inside += in_real.any(axis=1).sum()
            balls += in_real.sum()
            own = radii[start : start + len(distances), None]
            reached |= (distances <= own).any(axis=0)
            nearest = np.minimum(nearest, distances.min(axis=0))
        precision, recall = float(inside / len(fake)), float(reached.mean())
        found = {
            "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
            "precision": precision,
            "recall": recall,
            "density": float(balls / (self.neighbours * len(fake))),
            "coverage": float((nearest <= real_radii).mean()),
        }
        return {name: found[name] for name in self.figures}

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "neighbours": self.neighbours,
            "figures": list(self.figures),
        }

    def _details(self):
        return (f"{self.neighbours} nearest neighbours",)


def radii_of(rows, neighbours):
    """The squared distance of each row to its k-th nearest other row, 0 where that is a copy.

    It is larger by what rounding can add to it, so that a copy of that row is no further.

    Args:
        rows: float64 array (n, dim), near the origin.
        neighbours: integer, k, below n.
    """
    radii = np.empty(len(rows))
    squares = np.square(rows).sum(axis=1)
    for start, distances in _distances(rows, rows):
        index = np.arange(len(distances))
        distances[index, start + index] = np.inf  # itself
        part = np.partition(distances, neighbours - 1, axis=1)[:, neighbours - 1]
        radii[start : start + len(distances)] = part
    # `_distances` makes 0 of what is no more than rounding.
    return np.where(radii > 0, radii + _ROUNDING * (squares + squares.max()), 0.0)


def _distances(rows, others):
    """Yields `(start, squared distances)` of some rows at a time to all others."""
    from sklearn.metrics.pairwise import euclidean_distances

    squares = np.square(others).sum(axis=1)[None]
    step = max(1, _DISTANCES // len(others))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        distances = euclidean_distances(part, others, Y_norm_squared=squares, squared=True)
        # Of two equal rows, the products of which were added up in another order.
        rounding = _ROUNDING * (np.square(part).sum(axis=1)[:, None] + squares)
        distances[distances <= rounding] = 0.0
        yield start, distances
