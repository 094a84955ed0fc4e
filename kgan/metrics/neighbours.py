"""Precision and recall by nearest neighbours: do samples look real, and cover the data?"""

import keras
import numpy as np

from kgan.metrics.base import SampleMetric
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Features

# Distances held at a time: 64 MB.
_DISTANCES = 2**23


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
    generated one lies in, over k. Coverage: real samples with a generated one in their ball.

    Args:
        extractor: as for `kgan.metrics.Extractor`. Defaults to `None`, the samples themselves.
        neighbours: integer, k. Defaults to 5 as in Naeem et al.; Kynkaanniemi et al. take 3.
        num_samples: integer, vectors kept per side; the time grows with its square. Defaults to
            10 000.
        name: string. The keys in logs are `precision`, `recall`, `density` and `coverage`.
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
    mode = {"precision": "max", "recall": "max", "density": "max", "coverage": "max"}

    def __init__(
        self,
        extractor: Features = None,
        neighbours: int = 5,
        num_samples: int = 10_000,
        name: str = "precision_recall",
    ) -> None:
        super().__init__(extractor=extractor, num_samples=num_samples, name=name)
        self.neighbours = check_count("neighbours", neighbours)

    def result(self) -> float | dict[str, float]:
        """A dict of floats: precision, recall, density, coverage."""
        real, fake = self._rows(minimum=self.neighbours + 1)
        # Differences of squares lose less near the origin.
        center = real.mean(axis=0)
        real, fake = real - center, fake - center
        real_radii, radii = _radii(real, self.neighbours), _radii(fake, self.neighbours)
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
        return {
            "precision": float(inside / len(fake)),
            "recall": float(reached.mean()),
            "density": float(balls / (self.neighbours * len(fake))),
            "coverage": float((nearest <= real_radii).mean()),
        }

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {**super().get_config(), "neighbours": self.neighbours}

    def _details(self):
        return (f"{self.neighbours} nearest neighbours",)


def _radii(rows, neighbours):
    """The squared distance of each row to its k-th nearest other row."""
    radii = np.empty(len(rows))
    for start, distances in _distances(rows, rows):
        index = np.arange(len(distances))
        distances[index, start + index] = np.inf  # itself
        radii[start : start + len(distances)] = np.partition(distances, neighbours - 1, axis=1)[
            :, neighbours - 1
        ]
    return radii


def _distances(rows, others):
    """Yields `(start, squared distances)` of some rows at a time to all others."""
    from sklearn.metrics.pairwise import euclidean_distances

    squares = np.square(others).sum(axis=1)[None]
    step = max(1, _DISTANCES // len(others))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        yield start, euclidean_distances(part, others, Y_norm_squared=squares, squared=True)
