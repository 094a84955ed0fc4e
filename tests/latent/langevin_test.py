import numpy as np
import pytest

from kgan.latent import langevin


def gaussian(mean, deviation):
    def potential(points):
        scores = (points - mean) / deviation
        return 0.5 * np.square(scores).sum(axis=1), scores / deviation

    return potential


def log_normal(x, mean, variance):
    """The log-density of N(mean, variance I), written out coordinate by coordinate."""
    total = 0.0
    for a, b in zip(x, mean, strict=True):
        total += -0.5 * (a - b) ** 2 / variance - 0.5 * np.log(2 * np.pi * variance)
    return total


def double_well(points):
    return np.sum((points**2 - 1) ** 2, axis=1), 4 * points * (points**2 - 1)


def test_a_step_is_taken_with_the_probability_of_metropolis_and_hastings():
    """Proposals and probabilities by the formula, chain by chain, from the same numbers."""
    start = np.random.default_rng(5).normal(size=(400, 3)).astype("float32")
    size, seed = 0.2, 7
    rng = np.random.default_rng([1, seed])
    pushes, chances = rng.standard_normal(start.shape), rng.random(len(start))
    expected, num_taken, probabilities = [], 0, []
    for z, push, chance in zip(start.astype("float64"), pushes, chances, strict=True):
        slope = 4 * z * (z**2 - 1)
        new = (z - size * slope + np.sqrt(2 * size) * push).astype("float32").astype("float64")
        new_slope = 4 * new * (new**2 - 1)
        log_density, new_log_density = -np.sum((z**2 - 1) ** 2), -np.sum((new**2 - 1) ** 2)
        forth = log_normal(new, z - size * slope, 2 * size)
        back = log_normal(z, new - size * new_slope, 2 * size)
        probability = min(1.0, np.exp(min(0.0, new_log_density + back - log_density - forth)))
        probabilities.append(probability)
        num_taken += chance < probability
        expected.append(new if chance < probability else z)
    received, taken = langevin(double_well, start, steps=1, step_size=size, seed=seed)
    np.testing.assert_allclose(received, expected, atol=1e-6)
    assert received.dtype == np.float32
    assert taken.mean() == num_taken / 400
    # Or the test would say little.
    assert 0.1 < num_taken / 400 < 0.9 and np.std(probabilities) > 0.1


@pytest.mark.parametrize("size", [0.05, 0.5])
def test_the_chain_has_the_mean_and_the_variance_of_a_gaussian(size):
    mean, deviation = np.array([2.0, -1.0]), np.array([0.5, 2.0])
    start = np.zeros((4000, 2))
    steps = int(40 / size)
    points, taken = langevin(gaussian(mean, deviation), start, steps=steps, step_size=size, seed=0)
    # Four standard errors of each estimate.
    error = 4 * deviation / np.sqrt(4000)
    assert np.all(np.abs(points.mean(axis=0) - mean) < error)
    assert np.all(np.abs(points.std(axis=0) - deviation) < error / np.sqrt(2))
    assert np.corrcoef(points.T)[0, 1] == pytest.approx(0, abs=4 / np.sqrt(4000))
    assert 0.3 < taken.mean() < 1


def test_without_the_decision_the_variance_would_be_wrong():
    """On N(0, 1), Langevin steps alone have the variance 1 / (1 - size / 2), 4 / 3 here."""
    points, _ = langevin(gaussian(0.0, 1.0), np.zeros((4000, 1)), steps=100, step_size=0.5, seed=1)
    assert points.var() == pytest.approx(1.0, abs=4 * np.sqrt(2 / 4000))


def test_a_bound_makes_the_uniform_distribution():
    def flat(points):
        return np.zeros(len(points)), np.zeros_like(points)

    points, taken = langevin(flat, np.zeros((4000, 1)), steps=200, step_size=0.2, seed=2, bound=1.0)
    assert np.abs(points).max() <= 1 and taken.mean() < 1
    assert points.mean() == pytest.approx(0, abs=4 * np.sqrt(1 / 3 / 4000))
    assert points.var() == pytest.approx(1 / 3, abs=4 * np.sqrt(4 / 45 / 4000))


def test_the_same_seed_gives_the_same_chain():
    start = np.zeros((10, 2))
    options = {"steps": 5, "step_size": 0.1}
    first, second, third, fresh, fresher = (
        langevin(double_well, start, seed=seed, **options)[0] for seed in (3, 3, 4, None, None)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third) and not np.array_equal(fresh, fresher)


def test_nothing_moves_without_steps_or_where_the_potential_is_not_a_number():
    start = np.ones((4, 2), "float32")
    points, taken = langevin(double_well, start, steps=0, step_size=0.1)
    np.testing.assert_array_equal(points, start)
    assert np.isnan(taken).all() and taken.shape == (4,)
    points, taken = langevin(double_well, start[:0], steps=3, step_size=0.1)
    assert points.shape == (0, 2) and taken.shape == (0,)

    def broken(points):
        beyond = (points != 1).any(axis=1)
        return np.where(beyond, np.nan, 0.0), np.zeros_like(points)

    points, taken = langevin(broken, start, steps=3, step_size=0.1, seed=0)
    np.testing.assert_array_equal(points, start)
    np.testing.assert_array_equal(taken, 0)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"steps": -1}, ValueError, "`steps` must be an integer of at least 0"),
        ({"steps": 1.5}, TypeError, "`steps` must be an integer"),
        ({"step_size": 0}, ValueError, "`step_size` must be a finite number above 0"),
        ({"step_size": np.inf}, ValueError, "`step_size` must be a finite number above 0"),
        ({"step_size": "a"}, TypeError, "`step_size` must be a number above 0"),
    ],
)
def test_arguments_out_of_range_are_refused(options, error, message):
    with pytest.raises(error, match=message + ".*Received: "):
        langevin(double_well, np.zeros((2, 2)), **{"steps": 1, "step_size": 0.1, **options})
