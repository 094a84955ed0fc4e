import math

import numpy as np
import pytest

from kgan.data import grid, grid_centers, ring, ring_centers
from kgan.metrics import class_coverage, mode_coverage

CENTERS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def test_counts_by_hand():
    samples = [[0, 0], [0.2, 0], [10, 0.29], [10, 0.31], [5, 5], [0, 10.1], [-0.1, 10], [0, 10]]
    coverage = mode_coverage(samples, CENTERS, sigma=0.1)
    # Modes 0, 1 and 2 with 2, 1 and 3 good samples; one just outside, one far from all.
    assert (coverage.modes, coverage.num_modes, coverage.num_samples) == (3, 4, 8)
    assert coverage.high_quality == 6 / 8
    shares = np.array([2, 1, 3]) / 6
    assert coverage.reverse_kl == pytest.approx((shares * np.log(shares / 0.25)).sum())


def test_three_sigma_itself_is_outside():
    assert mode_coverage([[3.0]], [[0.0]], sigma=1.0).high_quality == 0
    assert mode_coverage([[2.999]], [[0.0]], sigma=1.0).high_quality == 1


def test_all_in_one_mode_diverges_by_log_of_modes():
    coverage = mode_coverage(np.zeros((100, 2)), ring_centers() - ring_centers()[3], sigma=0.01)
    assert coverage.modes == 1 and coverage.high_quality == 1
    assert coverage.reverse_kl == pytest.approx(math.log(8))
    coverage = class_coverage(np.full(50, 7), 10)
    assert coverage.modes == 1 and coverage.reverse_kl == pytest.approx(math.log(10))


def test_no_good_sample_has_no_divergence():
    coverage = mode_coverage([[5.0, 5.0], [np.nan, 0.0], [np.inf, 0.0]], CENTERS, sigma=0.1)
    assert (coverage.modes, coverage.high_quality) == (0, 0)
    assert math.isnan(coverage.reverse_kl)


@pytest.mark.parametrize(
    ("draw", "centers", "sigma"), [(ring, ring_centers(), 0.01), (grid, grid_centers(), 0.05)]
)
def test_real_points_reach_the_floor_of_a_perfect_sampler(draw, centers, sigma):
    found = [mode_coverage(draw(2500, seed=seed), centers, sigma) for seed in range(40)]
    assert all(coverage.modes == len(centers) for coverage in found)
    assert abs(np.mean([c.high_quality for c in found]) - (1 - math.exp(-4.5))) < 0.001
    floor = (len(centers) - 1) / (2 * 2500)
    assert found[0].floor == floor
    # 2 n KL is about chi-square with K - 1 degrees of freedom: the mean of 40 has this error.
    error = floor * math.sqrt(2 / (len(centers) - 1)) / math.sqrt(40)
    assert abs(np.mean([c.reverse_kl for c in found]) - floor) < 4 * error


def test_classes_of_a_perfect_sampler_reach_the_published_floor():
    labels = np.random.default_rng(0).integers(1000, size=26_000)
    coverage = class_coverage(labels, 1000)
    assert coverage.modes == 1000 and coverage.high_quality is None
    assert coverage.floor == pytest.approx(0.0192, abs=1e-4)  # stacked MNIST, 26 000 samples
    assert abs(coverage.reverse_kl - coverage.floor) < 0.004
    assert class_coverage(np.arange(10), 10).reverse_kl == 0


def test_text_says_figures_and_protocol():
    text = str(mode_coverage(ring(2500, seed=0), ring_centers(), 0.01))
    assert text.startswith("8 of 8 modes, 99.2% high quality") and "reverse KL" in text
    for words in ("2500 samples", "3 sigma", "one such sample", "against uniform", "0.0014"):
        assert words in text
    text = str(class_coverage([0, 0, 1, 2], 4))
    assert text.startswith("3 of 4 classes, KL 0.347 (histogram of 4 labels against uniform")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: mode_coverage(np.zeros((4, 3)), CENTERS, 0.1), ValueError),
        (lambda: mode_coverage(np.zeros(4), CENTERS, 0.1), ValueError),
        (lambda: mode_coverage(np.zeros((0, 2)), CENTERS, 0.1), ValueError),
        (lambda: mode_coverage(np.zeros((4, 2)), CENTERS, 0.0), ValueError),
        (lambda: mode_coverage(np.zeros((4, 2)), CENTERS, np.nan), ValueError),
        (lambda: class_coverage([0, 1, 10], 10), ValueError),
        (lambda: class_coverage([-1], 10), ValueError),
        (lambda: class_coverage([], 10), ValueError),
        (lambda: class_coverage([[1]], 10), ValueError),
        (lambda: class_coverage([0.5], 10), TypeError),
        (lambda: class_coverage([0], 10.0), TypeError),
    ],
)
def test_refuses_in_words(call, error):
    with pytest.raises(error, match="Received"):
        call()
