import contextlib

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from kgan.metrics import PrecisionRecall, neighbours


def measured(real, fake, **arguments):
    metric = PrecisionRecall(**arguments)
    metric.update_state(real, fake)
    return metric.result()


def by_definition(real, fake, k):
    real_radii = np.sort(cdist(real, real))[:, k]  # the nearest is itself
    radii = np.sort(cdist(fake, fake))[:, k]
    across = cdist(fake, real)
    precision = np.mean([(row <= real_radii).any() for row in across])
    recall = np.mean([(column <= radii).any() for column in across.T])
    return {
        "f1": 2 / (1 / precision + 1 / recall),
        "precision": precision,
        "recall": recall,
        "density": np.mean([(row <= real_radii).sum() / k for row in across]),
        "coverage": (across.min(axis=0) <= real_radii).mean(),
    }


@pytest.mark.parametrize("k", [1, 3, 5])
def test_agrees_with_the_definitions(k, monkeypatch):
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(120, 3)), random.normal(0.4, 0.8, size=(90, 3))
    expected = by_definition(real, fake, k)
    assert 0 < expected["recall"] < expected["precision"] < 1
    assert measured(real, fake, neighbours=k) == pytest.approx(expected)
    # In parts of a few rows, and far from the origin.
    monkeypatch.setattr(neighbours, "_DISTANCES", 1000)
    assert measured(real + 1e3, fake + 1e3, neighbours=k) == pytest.approx(expected)


def test_good_samples_of_half_of_the_data_are_precise_and_not_complete():
    random = np.random.default_rng(0)
    left, right = random.normal(size=(2, 200, 2)), random.normal(size=(2, 200, 2)) + 100
    real = np.concatenate([left[0], right[0]])
    found = measured(real, left[1])
    assert found["precision"] > 0.9 and 0.8 < found["density"] < 2.2
    assert 0.4 < found["recall"] <= 0.5 and 0.4 < found["coverage"] <= 0.5
    # The other way about: all of the data, and as much of nothing.
    found = measured(left[0], np.concatenate([left[1], right[1]]))
    assert 0.4 < found["precision"] <= 0.5 and found["recall"] > 0.9


def test_an_outlier_deceives_precision_and_not_density():
    real = np.random.default_rng(0).normal(size=(200, 2))
    outlier = np.concatenate([real, [[50.0, 0.0]]])
    fake = np.random.default_rng(1).normal(size=(200, 2)) + (50.0, 0.0)
    assert measured(real, fake)["precision"] == 0
    found = measured(outlier, fake)
    assert found["precision"] > 0.9 and found["density"] < 0.25 and found["coverage"] < 0.02


def test_collapse_and_distance():
    real = np.random.default_rng(0).normal(size=(100, 2))
    found = measured(real, real[:1].repeat(50, axis=0))
    assert found["precision"] == 1 and found["coverage"] < 0.2 and found["recall"] < 0.05
    assert set(measured(real, real + 1000).values()) == {0.0}


def test_wants_more_samples_than_neighbours():
    with pytest.raises(ValueError, match="at least 6 samples.*Received: 5 real and 50"):
        measured(np.zeros((5, 2)), np.zeros((50, 2)))


@pytest.mark.parametrize("shift", [0.0, 1e3])
@pytest.mark.parametrize("repeats", [2, 4, 8])
def test_identical_data_with_repeats_is_perfect(repeats, shift):
    # Rows of many numbers: the distance of equal ones is 0 only without rounding.
    rows = np.random.default_rng(0).normal(size=(40, 300)).repeat(repeats, axis=0) + shift
    said = pytest.warns(UserWarning, match="320 of the 320 real samples")
    with said if repeats > 5 else contextlib.nullcontext():
        found = measured(rows, np.random.default_rng(1).permutation(rows))
    assert [found[name] for name in ("precision", "recall", "coverage", "f1")] == [1.0] * 4
    if repeats > 5:
        # Of what is no copy, nothing is inside.
        with pytest.warns(UserWarning, match="only copies can hit"):
            assert measured(rows, rows + 1e-3)["precision"] == 0


def test_what_lies_on_the_surface_is_inside():
    # As in Kynkaanniemi et al.'s code, `samples_in_manifold = distance <= radius`.
    line = np.arange(8.0)[:, None] ** 2
    assert measured(line, line[[1, 3]].repeat(2, axis=0), neighbours=1)["coverage"] > 0
    edge = np.array([[0.0], [1.0], [3.0], [-1.0]])
    assert measured(np.array([[0.0], [1.0]]), edge, neighbours=1)["precision"] == 0.75


def test_some_of_the_figures():
    points = np.random.default_rng(0).normal(size=(50, 2))
    metric = PrecisionRecall(figures=["f1", "coverage"])
    metric.update_state(points, points)
    assert metric.result() == {"f1": 1.0, "coverage": 1.0} and set(metric.mode) == {
        "f1",
        "coverage",
    }
    assert PrecisionRecall.from_config(metric.get_config()).figures == ("f1", "coverage")
    with pytest.raises(ValueError, match="some of.*Received: \\['beauty'\\]"):
        PrecisionRecall(figures=["beauty"])
