"""Distances between the distribution of generated samples and that of real ones."""

import keras
import numpy as np

from kgan.metrics.base import SampleMetric
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Features


@keras.saving.register_keras_serializable(package="kgan")
class FrechetDistance(SampleMetric):
    """Distance between Gaussians of the means and covariances of real and generated features.

    Use this as the one value to monitor and to select the best model by: it falls as samples get
    better *and* as they get as varied as the data. Only compare values of the same protocol: it is
    biased upwards, more so for fewer samples, and another extractor has another scale. All samples
    count, however many: once they outnumber the features, only sums are kept, no vectors.

    Reference: Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a
    local Nash equilibrium": |m_r - m_g|^2 + tr(C_r + C_g - 2 (C_r C_g)^(1/2)), which the paper
    calls FID on the features of Inception. The trace of the root is computed as the sum of the
    singular values of F_r F_g^T, where C = F^T F, which needs no root of a matrix that is not
    symmetric and stays exact when samples are fewer than features.

    Args:
        extractor: as for `kgan.metrics.Extractor`: `"digit_judge"` for digits,
            `"inception"` for photographs. Defaults to `None`, the samples themselves.
        name: string, the key in logs. Defaults to `"frechet_distance"`.

    Raises:
        ValueError: when `result` is called with fewer than two samples of a side.

    Example:

    ```python
    import kgan

    metric = kgan.metrics.FrechetDistance()
    metric.update_state(kgan.data.ring(1000, seed=0), kgan.data.ring(500, seed=1))
    metric.update_state(None, kgan.data.ring(500, seed=2))  # in batches, as they come
    print(metric.result(), metric.protocol)
    ```
    """

    title = "Frechet distance"

    def __init__(self, extractor: Features = "auto", name: str = "frechet_distance") -> None:
        super().__init__(extractor=extractor, name=name)

    def _new_side(self):
        return _Moments()

    def result(self) -> float:
        """The distance, a float of at least 0 (the paper's, which is squared)."""
        self._check_counts(minimum=2)
        (real_mean, real), (mean, fake) = self._real.factor(), self._fake.factor()
        root = np.linalg.svd(real @ fake.T, compute_uv=False).sum()
        spread = np.square(real).sum() + np.square(fake).sum() - 2 * root
        # Below 0 by rounding alone.
        return float(np.square(real_mean - mean).sum() + max(0.0, spread))

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        config = super().get_config()
        del config["num_samples"]
        return config


class _Moments:
    """Mean and covariance of a stream of vectors.

    Vectors are kept until they outnumber the features; then only sums are, of differences from a
    shift near the mean, so that a large mean does not swallow a small covariance.
    """

    def __init__(self):
        self.seen, self.shape = 0, None
        self._parts, self._kept = [], 0
        self._shift = self._sum = self._squares = None

    @property
    def words(self):
        return str(self.seen)

    def add(self, rows):
        self.seen, self.shape = self.seen + len(rows), rows.shape[1:]
        self._parts.append(rows)
        self._kept += len(rows)
        # By blocks, since a product of thin matrices is slow.
        if self.seen > rows.shape[1] and self._kept >= 500:
            self._fold()

    def _fold(self):
        rows = np.concatenate(self._parts).astype("float64")
        self._parts, self._kept = [], 0
        if self._shift is None:
            self._shift = rows.mean(axis=0)
            self._sum = np.zeros_like(self._shift)
            self._squares = np.zeros((len(self._shift),) * 2)
        rows = rows - self._shift
        self._sum += rows.sum(axis=0)
        self._squares += rows.T @ rows

    def factor(self):
        """`(mean, F)` with the covariance F^T F, where F has as few rows as it can."""
        if self.seen <= self.shape[0]:
            rows = np.concatenate(self._parts).astype("float64")
            mean = rows.mean(axis=0)
            return mean, (rows - mean) / np.sqrt(self.seen - 1)
        if self._kept:
            self._fold()
        offset = self._sum / self.seen
        covariance = self._squares / (self.seen - 1)
        covariance -= np.outer(offset, offset) * (self.seen / (self.seen - 1))
        values, vectors = np.linalg.eigh(covariance)
        # What is below is rounding, whose root would be a thousand times larger than it.
        real = values > values.max() * len(values) * np.finfo("float64").eps
        return self._shift + offset, (vectors[:, real] * np.sqrt(values[real])).T


@keras.saving.register_keras_serializable(package="kgan")
class KernelDistance(SampleMetric):
    """Squared maximum mean discrepancy of features under a cubic kernel, without bias.

    Use this with the Frechet distance, or instead of it for few samples: its mean does not depend
    on the number of samples, and it has a standard error. Near zero it may be negative.

    Reference: Binkowski et al. 2018, "Demystifying MMD GANs", the kernel inception distance: the
    kernel is (x . y / dim + 1)^3 and the estimate is that of U-statistics, the mean over blocks.
    The paper draws each subset independently; here the blocks of both sides are disjoint, so that
    their spread gives a standard error: it is in `standard_error` after `result()`, and NaN for a
    single block.

    Args:
        extractor: as for `kgan.metrics.Extractor`. Defaults to `"auto"`: images are
            compared by `"image_features"`, all else as it is.
        block_size: integer of at least 2, the fewest samples per block, if there are as many.
            Defaults to 1 000.
        num_samples: integer, vectors kept per side. Defaults to 10 000.
        seed: integer seed of the blocks. Defaults to 0.
        name: string, the key in logs. Defaults to `"kernel_distance"`.

    Raises:
        ValueError: when `result` is called with fewer than two samples of a side.

    Example:

    ```python
    import kgan

    metric = kgan.metrics.KernelDistance(block_size=250)
    metric.update_state(kgan.data.ring(1000, seed=0), kgan.data.grid(1000, seed=1))
    print(f"{metric.result():.3f} +- {metric.standard_error:.3f}")
    ```
    """

    title = "kernel distance"

    def __init__(
        self,
        extractor: Features = "auto",
        block_size: int = 1000,
        num_samples: int = 10_000,
        seed: int = 0,
        name: str = "kernel_distance",
    ) -> None:
        super().__init__(extractor=extractor, num_samples=num_samples, name=name)
        self.block_size = check_count("block_size", block_size, minimum=2)
        self.seed = check_count("seed", seed, minimum=0)

    def result(self) -> float:
        """The mean over blocks, a float. Sets `standard_error` too."""
        real, fake = self._rows(minimum=2)
        blocks = self._num_blocks()
        random = np.random.default_rng(self.seed)
        parts = (np.array_split(random.permutation(side), blocks) for side in (real, fake))
        found = [_squared_discrepancy(x, y) for x, y in zip(*parts)]
        self.standard_error = (
            float(np.std(found, ddof=1) / np.sqrt(blocks)) if blocks > 1 else float("nan")
        )
        return float(np.mean(found))

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {**super().get_config(), "block_size": self.block_size, "seed": self.seed}

    def _num_blocks(self):
        return max(1, min(len(self._real), len(self._fake)) // self.block_size)

    def _details(self):
        return ("kernel (x . y / dim + 1)^3", f"unbiased, mean of {self._num_blocks()} block(s)")


def _squared_discrepancy(x, y):
    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a):
        matrix = kernel(a, a)
        return (matrix.sum() - np.trace(matrix)) / (len(a) * (len(a) - 1))

    return within(x) + within(y) - 2 * kernel(x, y).mean()


@keras.saving.register_keras_serializable(package="kgan")
class SlicedWasserstein(SampleMetric):
    """Mean distance between real and generated samples along random lines.

    Use this for points and other samples of few dimensions. It is on the data's own scale, sees
    shapes that means and covariances miss, and needs neither a kernel nor neighbours.

    Reference: Rabin et al. 2011, "Wasserstein barycenter and its application to texture mixing":
    the mean over directions of the Wasserstein distance of projections. It is exact along each
    line, for equal and unequal numbers of samples.

    Args:
        extractor: as for `kgan.metrics.Extractor`. Defaults to `"auto"`: images are
            compared by `"image_features"`, all else as it is.
        num_directions: integer. Defaults to 128.
        order: 1 for the mean of the distances; 2 for the root of the mean of the squared distances
            of order 2, which weighs far outliers more. Defaults to 1.
        num_samples: integer, vectors kept per side. Defaults to 10 000.
        seed: integer seed of the directions. Defaults to 0.
        name: string, the key in logs. Defaults to `"sliced_wasserstein"`.

    Raises:
        ValueError: when the order is neither 1 nor 2, or `result` is called without samples.

    Example:

    ```python
    import kgan

    metric = kgan.metrics.SlicedWasserstein()
    points = kgan.data.ring(1000, seed=0)
    metric.update_state(points, points + (3.0, 0.0))
    print(metric.result())  # 1.9: a shift by 3, times the mean of |cos|, 2 / pi
    ```
    """

    title = "sliced Wasserstein distance"

    def __init__(
        self,
        extractor: Features = "auto",
        num_directions: int = 128,
        order: int = 1,
        num_samples: int = 10_000,
        seed: int = 0,
        name: str = "sliced_wasserstein",
    ) -> None:
        super().__init__(extractor=extractor, num_samples=num_samples, name=name)
        if order not in (1, 2):
            raise ValueError(f"The order of the distance must be 1 or 2. Received: order={order!r}")
        self.num_directions = check_count("num_directions", num_directions)
        self.order, self.seed = int(order), check_count("seed", seed, minimum=0)

    def result(self) -> float:
        """The distance, a float of at least 0."""
        real, fake = self._rows(minimum=1)
        random = np.random.default_rng(self.seed)
        axes = random.standard_normal((real.shape[1], self.num_directions))
        axes /= np.linalg.norm(axes, axis=0)
        real, fake = np.sort(real @ axes, axis=0), np.sort(fake @ axes, axis=0)
        # Both quantile functions are constant between these levels.
        levels = np.union1d(*(np.arange(1, len(x) + 1) / len(x) for x in (real, fake)))
        widths = np.diff(levels, prepend=0.0)
        middles = levels - widths / 2
        distances = np.abs(
            real[(middles * len(real)).astype("int64")]
            - fake[(middles * len(fake)).astype("int64")]
        )
        return float((widths @ distances**self.order).mean() ** (1 / self.order))

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "num_directions": self.num_directions,
            "order": self.order,
            "seed": self.seed,
        }

    def _details(self):
        return (f"order {self.order}", f"{self.num_directions} random directions")
