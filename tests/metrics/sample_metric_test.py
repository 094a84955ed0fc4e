"""What all metrics of samples share: state, protocol, configuration."""

import keras
import numpy as np
import pytest

from kgan import metrics
from kgan.data import ring_centers
from kgan.metrics.base import Reservoir

ALL = [
    metrics.FrechetDistance("digit_judge"),
    metrics.KernelDistance(block_size=7, num_samples=50, seed=3, name="mine"),
    metrics.SlicedWasserstein(num_directions=5, order=2),
    metrics.PrecisionRecall(neighbours=3),
    metrics.InceptionScore("digit_judge", splits=3),
    metrics.ModeCoverage(ring_centers(), sigma=0.01),
    metrics.ModeCoverage(classifier="digit_judge", stacked=True, confidence=0.5),
    metrics.MultiScaleStructuralSimilarity(num_pairs=4, scales=1, seed=2),
    metrics.PeakSignalToNoiseRatio(),
    metrics.StructuralSimilarity(name="likeness"),
]


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_configuration_makes_the_metric_again(metric):
    config = keras.saving.serialize_keras_object(metric)
    copy = keras.saving.deserialize_keras_object(config)
    assert type(copy) is type(metric) and copy.name == metric.name
    assert copy.get_config() == metric.get_config()
    assert copy.extractor.key == metric.extractor.key
    modes = metric.mode.values() if isinstance(metric.mode, dict) else [metric.mode]
    assert set(modes) <= {"min", "max"}


@keras.saving.register_keras_serializable(package="kgan_tests")
def squares(samples):
    return samples**2


def test_functions_are_saved_by_name():
    metric = metrics.FrechetDistance(squares)
    copy = metrics.FrechetDistance.from_config(metric.get_config())
    assert copy.extractor.source is squares
    with pytest.raises(ValueError, match="registered.*Received"):
        metrics.FrechetDistance(lambda samples: samples).get_config()


def test_a_model_comes_back_without_its_weights_and_says_so():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, use_bias=False)])
    metric = metrics.FrechetDistance(model)
    copy = metrics.FrechetDistance.from_config(metric.get_config())
    points = np.random.default_rng(0).normal(size=(2, 20, 2))
    with pytest.raises(ValueError, match="without its weights"):
        copy.update_state(*points)
    copy.extractor.source.set_weights(model.get_weights())
    copy.update_state(*points)
    metric.update_state(*points)
    assert copy.result() == pytest.approx(metric.result(), rel=1e-6)


def test_a_copy_measures_the_same():
    random = np.random.default_rng(0)
    images = random.integers(256, size=(2, 12, 28, 28, 1)).astype("uint8")
    for metric in ALL:
        if isinstance(metric, metrics.ModeCoverage):
            continue
        metric.reset_state()
        copy = type(metric).from_config(metric.get_config())
        for one in (metric, copy):
            one.update_state(*images)
        assert copy.result() == pytest.approx(metric.result(), rel=1e-5)
        assert copy.protocol == metric.protocol
        metric.reset_state()


def test_reservoir_keeps_each_row_alike_however_they_come():
    rows = np.arange(1000.0)[:, None]
    kept = Reservoir(100)
    kept.add(rows)
    others = Reservoir(100)
    for start, stop in ((0, 60), (60, 170), (170, 171), (171, 1000)):
        others.add(rows[start:stop])
    np.testing.assert_array_equal(kept.rows(), others.rows())
    assert len(kept) == 100 and kept.words == "100 of 1000"
    assert len(np.unique(kept.rows())) == 100
    # The mean of 100 of 1000 numbers is 499.5 +- 27.
    means = []
    for seed in range(30):
        one = Reservoir(100, seed)
        one.add(rows)
        means.append(one.rows().mean())
    assert abs(np.mean(means) - 499.5) < 4 * 27 / np.sqrt(30)
    assert (rows[:, 0] == np.arange(1000.0)).all()  # what was given is left as it was


def test_keeps_at_most_so_many_and_says_so():
    metric = metrics.KernelDistance(num_samples=30)
    points = np.random.default_rng(0).normal(size=(100, 2))
    metric.update_state(points, points[:20])
    assert "30 of 100 real and 20 generated samples" in metric.protocol
    assert np.isfinite(metric.result())


def test_a_side_may_be_missing_or_empty():
    points = np.random.default_rng(0).normal(size=(50, 2))
    metric = metrics.FrechetDistance()
    metric.update_state(points, None)
    metric.update_state(None, points[:20])
    metric.update_state(points[:0], points[20:])
    assert metric.result() == pytest.approx(0.0, abs=1e-9)
    metric.reset_state()
    with pytest.raises(ValueError, match="Received: 0 real and 0 generated"):
        metric.result()


def test_refuses_in_words():
    metric = metrics.FrechetDistance()
    metric.update_state(np.zeros((4, 3)), None)
    with pytest.raises(ValueError, match="one shape.*fake features of shape"):
        metric.update_state(None, np.zeros((4, 2)))
    with pytest.raises(ValueError, match="sample_weight"):
        metric.update_state(np.zeros((4, 3)), None, sample_weight=np.ones(4))
    for call in (
        lambda: metrics.KernelDistance(num_samples=1),
        lambda: metrics.KernelDistance(block_size=1),
        lambda: metrics.SlicedWasserstein(order=3),
        lambda: metrics.PrecisionRecall(neighbours=0),
        lambda: metrics.InceptionScore(splits=0),
    ):
        with pytest.raises(ValueError, match="Received"):
            call()
