"""How many modes of a distribution a generator covers, and how evenly."""

import dataclasses
import math

import numpy as np

from kgan.utils.arguments import check_count
from kgan.utils.hints import Data

# A sample is of high quality below this many standard deviations from its nearest mode.
_NEAR = 3.0


@dataclasses.dataclass(frozen=True)
class Coverage:
    """Modes that samples cover, the share of high-quality samples, and how evenly they spread.

    `mode_coverage` and `class_coverage` return this. Printing it shows the protocol too.

    Args:
        modes: integer, modes covered by at least one sample that counts.
        num_modes: integer, modes in total.
        high_quality: float in [0, 1], share of samples near a mode. `None` if every sample
            counts, as for a classifier's labels.
        reverse_kl: float, Kullback-Leibler divergence in nats of the histogram of modes from the
            uniform one: 0 is even, `log(num_modes)` is a single mode. NaN if no sample counts.
        num_samples: integer, samples in total.

    Example:

    ```python
    import kgan

    coverage = kgan.metrics.class_coverage([0, 0, 1, 2], num_classes=4)
    print(coverage)  # 3 of 4 classes, KL 0.347 (histogram of 4 labels against uniform, ...
    ```
    """

    modes: int
    num_modes: int
    high_quality: float | None
    reverse_kl: float
    num_samples: int

    @property
    def floor(self) -> float:
        """The divergence that a perfect sampler has on average, (num_modes - 1) / (2 n)."""
        return (self.num_modes - 1) / (2 * self.num_samples)

    @property
    def protocol(self) -> str:
        """How the values were computed, in words."""
        if self.high_quality is None:
            counted = f"histogram of {self.num_samples} labels against uniform"
        else:
            counted = (
                f"{self.num_samples} samples; high quality: within {_NEAR:g} sigma of the nearest "
                "mode; a mode counts with one such sample; histogram of their modes against uniform"
            )
        return f"{counted}, in nats; a perfect sampler has about {self.floor:.2g}"

    def __str__(self):
        if self.high_quality is None:
            figures = f"{self.modes} of {self.num_modes} classes, KL {self.reverse_kl:.3g}"
        else:
            figures = (
                f"{self.modes} of {self.num_modes} modes, {self.high_quality:.1%} high quality, "
                f"reverse KL {self.reverse_kl:.3g}"
            )
        return f"{figures} ({self.protocol})"


def mode_coverage(samples: Data, centers: Data, sigma: float) -> Coverage:
    """Counts the modes of a mixture of isotropic Gaussians that samples cover.

    Use this for toy data such as `kgan.data.ring` and `kgan.data.grid`, where the modes are known
    and mode collapse can be counted instead of guessed.

    Reference: Lin et al. 2018, "PacGAN: The power of two samples in generative adversarial
    networks", section 4.1: a sample is of high quality when its Mahalanobis distance to the
    nearest mode is below 3, a mode counts when it has at least one such sample, and the reverse
    KL compares the histogram of the high-quality samples' modes with the uniform one.

    Args:
        samples: float array (num_samples, dim). Samples that are not finite never count.
        centers: float array (num_modes, dim), the means.
        sigma: float above 0, the standard deviation of each mode and axis.

    Returns:
        A `Coverage`.

    Raises:
        ValueError: when the shapes do not fit together, there are no samples, or sigma is not
            positive.

    Example:

    ```python
    import kgan

    points = kgan.data.ring(2500, seed=0)
    coverage = kgan.metrics.mode_coverage(points, kgan.data.ring_centers(), sigma=0.01)
    assert coverage.modes == 8 and coverage.high_quality > 0.97
    ```
    """
    samples, centers = np.asarray(samples, "float64"), np.asarray(centers, "float64")
    if samples.ndim != 2 or centers.ndim != 2 or samples.shape[1] != centers.shape[1]:
        raise ValueError(
            "Samples and centers must be points of one space: arrays of shape (num_samples, dim) "
            f"and (num_modes, dim). Received: samples of shape {samples.shape}, centers of shape "
            f"{centers.shape}"
        )
    if 0 in samples.shape or 0 in centers.shape:
        raise ValueError(
            "Coverage needs at least one sample and one mode. Generate some first. "
            f"Received: samples of shape {samples.shape}, centers of shape {centers.shape}"
        )
    if not 0 < sigma < math.inf:
        raise ValueError(
            "sigma is the standard deviation of each mode, a number above 0: 0.01 for the ring, "
            f"0.05 for the grid. Received: sigma={sigma!r}"
        )
    # One mode at a time: the memory of a thousand modes is that of one.
    nearest = np.full(len(samples), np.inf)
    modes = np.zeros(len(samples), "int64")
    for mode, center in enumerate(centers):
        squared = np.square(samples - center).sum(axis=1)
        closer = squared < nearest
        modes[closer] = mode
        nearest[closer] = squared[closer]
    is_near = np.sqrt(nearest) / sigma < _NEAR
    counts = np.bincount(modes[is_near], minlength=len(centers))
    return Coverage(
        modes=int((counts > 0).sum()),
        num_modes=len(centers),
        high_quality=float(is_near.mean()),
        reverse_kl=_divergence(counts),
        num_samples=len(samples),
    )


def class_coverage(labels: Data, num_classes: int) -> Coverage:
    """Counts the classes that a classifier found in samples, and how evenly they occur.

    Use this when the modes are classes: digits, or the 1 000 triples of stacked MNIST.

    Reference: Srivastava et al. 2017, "VEEGAN: Reducing mode collapse in GANs using implicit
    variational learning", section 5 (stacked MNIST): each sample counts for the class that a
    classifier predicts, and the KL compares the histogram with the uniform one.

    Args:
        labels: integer array (num_samples,), class ids from 0 to `num_classes - 1`.
        num_classes: integer, classes in total.

    Returns:
        A `Coverage` whose `high_quality` is `None`: each sample counts.

    Raises:
        TypeError: when labels or the number of classes are not integers.
        ValueError: when there are no labels, or one is out of range.

    Example:

    ```python
    import numpy as np

    import kgan

    triples = np.arange(1000).repeat(26)  # every class equally often
    coverage = kgan.metrics.class_coverage(triples, num_classes=1000)
    assert coverage.modes == 1000 and coverage.reverse_kl == 0
    ```
    """
    check_count("num_classes", num_classes)
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" and labels.size:
        raise TypeError(
            "Labels are class ids, so they must be integers. Take the predicted class first: "
            f"logits.argmax(-1). Received: labels of dtype {labels.dtype}"
        )
    if labels.ndim != 1 or not labels.size or labels.min() < 0 or labels.max() >= num_classes:
        span = f"from {labels.min()} to {labels.max()}" if labels.size else "without a value"
        raise ValueError(
            f"Labels must be a vector of class ids from 0 to {num_classes - 1}. "
            f"Received: labels of shape {labels.shape}, {span}"
        )
    counts = np.bincount(labels, minlength=num_classes)
    return Coverage(
        modes=int((counts > 0).sum()),
        num_modes=int(num_classes),
        high_quality=None,
        reverse_kl=_divergence(counts),
        num_samples=len(labels),
    )


def _divergence(counts):
    """KL of a histogram from the uniform one, with 0 log 0 = 0."""
    if not counts.sum():
        return math.nan
    shares = counts[counts > 0] / counts.sum()
    # Below 0 by rounding alone.
    return max(0.0, float((shares * np.log(shares * len(counts))).sum()))
