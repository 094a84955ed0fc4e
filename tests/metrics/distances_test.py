import math

import numpy as np
import pytest
from scipy import linalg, stats

from kgan.data import ring
from kgan.metrics import FrechetDistance, KernelDistance, SlicedWasserstein


def exact(n, mean, covariance, seed=0):
    """Samples whose own mean and covariance are exactly these."""
    samples = np.random.default_rng(seed).normal(size=(n, len(mean)))
    samples -= samples.mean(axis=0)
    own = linalg.cholesky(np.atleast_2d(np.cov(samples.T)), lower=True)
    white = linalg.solve_triangular(own, samples.T, lower=True)
    return (linalg.cholesky(covariance, lower=True) @ white).T + mean


def measured(metric, real, fake):
    metric.reset_state()
    metric.update_state(real, fake)
    return metric.result()


def scipy_frechet(real, fake):
    covariances = [np.cov(x.T) for x in (real, fake)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    shift = real.mean(axis=0) - fake.mean(axis=0)
    return shift @ shift + np.trace(covariances[0] + covariances[1] - 2 * root)


def test_frechet_of_shifted_gaussians_is_the_squared_shift():
    covariance = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 0.5]])
    real = exact(200, np.zeros(3), covariance)
    fake = exact(150, np.array([1.0, -2.0, 2.0]), covariance, seed=1)
    assert measured(FrechetDistance(), real, fake) == pytest.approx(9.0, rel=1e-9)
    assert measured(FrechetDistance(), real, real) == pytest.approx(0.0, abs=1e-9)


def test_frechet_of_one_number_and_of_diagonal_gaussians():
    real, fake = exact(50, [1.0], [[4.0]]), exact(70, [-2.0], [[0.25]], seed=1)
    assert measured(FrechetDistance(), real, fake) == pytest.approx(9 + 1.5**2, rel=1e-9)
    scales, others = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 0.5])
    real = exact(100, np.zeros(3), np.diag(scales**2))
    fake = exact(100, np.zeros(3), np.diag(others**2), seed=1)
    expected = np.square(scales - others).sum()
    assert measured(FrechetDistance(), real, fake) == pytest.approx(expected, rel=1e-9)


def test_frechet_agrees_with_scipy():
    random = np.random.default_rng(0)
    real = random.normal(size=(700, 20)) @ random.normal(size=(20, 20))
    fake = random.uniform(size=(400, 20)) @ random.normal(size=(20, 20)) + 0.3
    metric = FrechetDistance()
    assert measured(metric, real, fake) == pytest.approx(scipy_frechet(real, fake), rel=1e-4)
    assert metric.protocol == (
        "Frechet distance, samples as they are (20 numbers), 700 real and 400 generated samples, "
        "no resizing"
    )


def test_frechet_of_fewer_samples_than_features():
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(12, 60)), random.normal(1, 2, size=(30, 60))
    covariances = [np.cov(x.T) for x in (real, fake)]
    # The root of a singular symmetric matrix, by its eigenvectors.
    values, vectors = np.linalg.eigh(covariances[0])
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    inner = np.maximum(np.linalg.eigvalsh(root @ covariances[1] @ root), 0)
    shift = real.mean(axis=0) - fake.mean(axis=0)
    expected = shift @ shift + sum(map(np.trace, covariances)) - 2 * np.sqrt(inner).sum()
    assert measured(FrechetDistance(), real, fake) == pytest.approx(expected, rel=1e-4)
    assert measured(FrechetDistance(), real, real) == pytest.approx(0.0, abs=1e-9)
    # One side with many samples.
    many = random.normal(size=(900, 60))
    one_way = measured(FrechetDistance(), real, many)
    assert one_way == pytest.approx(measured(FrechetDistance(), many, real), rel=1e-9)
    assert one_way == pytest.approx(scipy_frechet(real, many), rel=1e-3)


def test_frechet_survives_a_large_mean_and_no_spread():
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(2000, 4)), 2 * random.normal(size=(1500, 4))
    expected = measured(FrechetDistance(), real, fake)
    assert measured(FrechetDistance(), real + 1e6, fake + 1e6) == pytest.approx(expected, rel=1e-6)
    constant = np.ones((600, 4))
    assert measured(FrechetDistance(), constant, 3 * constant) == pytest.approx(16.0)
    assert measured(FrechetDistance(), np.zeros((600, 4)), constant) == pytest.approx(4.0)


@pytest.mark.parametrize(
    "metric",
    [FrechetDistance(), KernelDistance(block_size=300, num_samples=900), SlicedWasserstein()],
    ids=lambda metric: metric.name,
)
def test_streaming_equals_one_shot(metric):
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(1500, 3)) + 50, 1.1 * random.normal(size=(1300, 3)) + 50
    expected = measured(metric, real, fake)
    metric.reset_state()
    for start, stop in ((0, 1), (1, 700), (700, 701), (701, 1500)):
        metric.update_state(real[start:stop], fake[start:stop])
    assert metric.result() == pytest.approx(expected, rel=1e-9)
    # The real side stays, the generated one is given again.
    metric.reset_fake()
    metric.update_state(None, fake)
    assert metric.result() == pytest.approx(expected, rel=1e-9)


def kernel_by_loops(real, fake):
    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    def within(points):
        pairs = [(i, j) for i in range(len(points)) for j in range(len(points)) if i != j]
        return np.mean([kernel(points[i], points[j]) for i, j in pairs])

    across = np.mean([kernel(x, y) for x in real for y in fake])
    return within(real) + within(fake) - 2 * across


def test_kernel_distance_agrees_with_loops():
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(30, 4)), random.normal(0.5, 1, size=(20, 4))
    metric = KernelDistance()
    assert measured(metric, real, fake) == pytest.approx(kernel_by_loops(real, fake), rel=1e-9)
    assert math.isnan(metric.standard_error)  # of a single block


def test_kernel_distance_of_gaussians_is_that_of_their_moments():
    # (x y + 1)^3 compares the first three moments, with weights 3, 3 and 1.
    mean = 0.7
    expected = 3 * mean**2 + 3 * mean**4 + (mean**3 + 3 * mean) ** 2
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(20_000, 1)), random.normal(mean, 1, size=(20_000, 1))
    metric = KernelDistance(block_size=500, num_samples=20_000)
    found = measured(metric, real, fake)
    assert abs(found - expected) < 4 * metric.standard_error < 0.5 * expected
    assert "mean of 40 block(s)" in metric.protocol


def test_kernel_distance_has_no_bias_and_says_its_error():
    random = np.random.default_rng(0)
    metric = KernelDistance(block_size=20)
    found = measured(metric, *random.normal(size=(2, 10_000, 2)))
    assert abs(found) < 4 * metric.standard_error
    # The biased estimate would be off by far more than that.
    assert metric.standard_error < 0.05


def test_sliced_wasserstein_of_a_shift():
    points = np.random.default_rng(0).normal(size=(500, 2))
    shifted = points + (3.0, 0.0)
    assert measured(SlicedWasserstein(), points, points) == 0
    # A shift moves each projection by its cosine, whose mean is 2 / pi and mean square 1 / 2.
    many = SlicedWasserstein(num_directions=4000)
    assert measured(many, points, shifted) == pytest.approx(6 / np.pi, rel=0.03)
    squared = SlicedWasserstein(num_directions=4000, order=2)
    assert measured(squared, points, shifted) == pytest.approx(3 / np.sqrt(2), rel=0.03)


@pytest.mark.parametrize("sizes", [(40, 40), (40, 25), (7, 300), (1, 6)])
def test_sliced_wasserstein_on_a_line_agrees_with_scipy(sizes):
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(sizes[0], 1)), random.normal(1, 3, size=(sizes[1], 1))
    expected = stats.wasserstein_distance(real[:, 0], fake[:, 0])
    assert measured(SlicedWasserstein(), real, fake) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "metric",
    [FrechetDistance(), KernelDistance(block_size=400), SlicedWasserstein()],
    ids=lambda metric: metric.name,
)
def test_ranks_points(metric):
    real = ring(2000, seed=0)
    noisy = ring(2000, sigma=0.6, seed=1)
    lost = ring(2000, seed=2)
    lost = lost[lost[:, 0] > 0]
    figures = [measured(metric, real, fake) for fake in (ring(2000, seed=3), noisy, lost)]
    assert 4 * abs(figures[0]) < min(figures[1:])
