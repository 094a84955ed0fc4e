import math

import keras
import numpy as np
import pytest

from kgan.data import load, ring, ring_centers, stacked
from kgan.metrics import InceptionScore, ModeCoverage, class_coverage, mode_coverage, read_digits


@keras.saving.register_keras_serializable(package="kgan_tests")
def as_they_are(samples):
    """A classifier of samples that are logits already."""
    return samples


def scored(rows, **arguments):
    metric = InceptionScore(as_they_are, **arguments)
    metric.update_state(None, np.asarray(rows, "float32"))
    return metric.result(), metric


def test_inception_score_of_sure_and_of_unsure_classifiers():
    sure = 50.0 * np.eye(4).repeat(10, axis=0)  # sorted by class, as conditional samples come
    assert scored(sure, splits=1)[0] == pytest.approx(4.0)
    assert scored(sure[:10], splits=1)[0] == pytest.approx(1.0)
    assert scored(np.zeros((40, 4)), splits=5)[0] == pytest.approx(1.0)
    assert scored(sure, splits=2)[0] > 3  # and not 2: the splits are drawn at random


def test_inception_score_is_the_formula_in_each_split():
    odds = np.random.default_rng(0).dirichlet([0.3, 0.5, 1.0], size=60)
    score, metric = scored(odds, splits=1, from_logits=False)
    mean = odds.mean(axis=0)
    expected = np.exp(np.mean((odds * np.log(odds / mean)).sum(axis=1)))
    assert score == pytest.approx(expected, rel=1e-4)
    assert metric.standard_deviation == 0 and math.isnan(metric.standard_error)
    assert scored(np.log(odds), splits=1)[0] == pytest.approx(score, rel=1e-4)
    _, metric = scored(odds, splits=4, from_logits=False)
    # The paper's deviation divides by the number, a standard error by one less.
    assert metric.standard_error == pytest.approx(metric.standard_deviation / math.sqrt(3))


def test_numbers_must_be_what_was_said():
    with pytest.raises(ValueError, match="look like probabilities.*from_logits=False"):
        scored(np.full((20, 4), 0.25))
    with pytest.raises(ValueError, match="look like logits.*from_logits=True"):
        scored(np.eye(4).repeat(5, axis=0) * 3, from_logits=False)


def test_modes_of_a_mixture_are_those_of_the_function():
    points = np.concatenate([ring(600, seed=0)[:, :], np.full((100, 2), 0.2, "float32")])
    points = points[(points[:, 0] < 0.9)]
    expected = mode_coverage(points, ring_centers(), 0.01)
    metric = ModeCoverage(ring_centers(), sigma=0.01)
    for start in (0, 11, 300):
        metric.update_state(None, points[start : {0: 11, 11: 300, 300: None}[start]])
    found = metric.result()
    assert found["modes"] == expected.modes == 7
    assert found["high_quality"] == pytest.approx(expected.high_quality)
    assert found["reverse_kl"] == pytest.approx(expected.reverse_kl)
    assert metric.counted == expected
    assert set(metric.mode) == set(found) and metric.mode["reverse_kl"] == "min"
    assert "8 modes of sigma 0.01" in metric.protocol


def test_digits_are_those_that_the_judge_reads():
    images = load("digits", size=28)[:150]
    digits, sure = read_digits(images)
    metric = ModeCoverage(classifier="digit_judge", confidence=0.6)
    metric.update_state(None, images[:70])
    metric.update_state(None, images[70:])
    found = metric.result()
    expected = class_coverage(digits, 10)
    assert found["modes"] == expected.modes and expected.modes >= 8
    assert found["reverse_kl"] == pytest.approx(expected.reverse_kl)
    assert found["high_quality"] == pytest.approx((sure >= 0.6).mean(), abs=0.01)


def test_stacked_digits_are_read_channel_by_channel():
    triples = stacked(load("digits", size=28), n=60, seed=0)
    digits = [read_digits(triples[..., channel])[0] for channel in range(3)]
    expected = class_coverage(np.stack(digits, axis=-1) @ (100, 10, 1), 1000)
    metric = ModeCoverage(classifier="digit_judge", stacked=True)
    metric.update_state(None, triples)
    found = metric.result()
    assert metric.counted == expected and found["modes"] == expected.modes
    sure = np.stack([read_digits(triples[..., channel])[1] for channel in range(3)])
    assert found["high_quality"] == pytest.approx((sure.min(axis=0) >= 0.9).mean(), abs=0.02)
    assert "each channel by itself" in metric.protocol


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ModeCoverage(), "by the means of a mixture"),
        (lambda: ModeCoverage(ring_centers()), "by the means of a mixture"),
        (lambda: ModeCoverage(ring_centers(), 0.01, "digit_judge"), "by the means of a mixture"),
        (lambda: ModeCoverage(np.zeros(3), 0.1), "shape"),
        (lambda: ModeCoverage(classifier="digit_judge", confidence=90), "probability"),
        (lambda: InceptionScore(None), "classifier is required"),
        (lambda: scored(np.eye(4), splits=10), "at least 10 samples"),
        (lambda: InceptionScore().result(), "Received: 0 generated"),
    ],
)
def test_refuses_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_classifier_of_other_classes_is_refused():
    metric = ModeCoverage(classifier=as_they_are, num_classes=10)
    metric.update_state(None, np.random.default_rng(0).normal(size=(20, 7)))
    with pytest.raises(ValueError, match="one number per class.*7 numbers"):
        metric.result()
