import dataclasses
import warnings

import numpy as np
import pytest
from scipy import stats

from kgan.data import load, ring
from kgan.metrics import TwoSampleResult, evaluate, two_sample_test
from kgan.metrics import two_sample as module


def test_points_of_one_distribution_are_not_told_apart_and_shifted_ones_are():
    a, b = ring(600, seed=0), ring(500, seed=1)
    same = two_sample_test(a, b, seed=0, epochs=4)
    assert not same.differs() and same.p_value > 0.05 and abs(same.accuracy - 0.5) < 0.06
    assert (
        same.num_test == same.num_train == 500
    )  # as many of each side as there are of the smaller
    assert str(same).startswith("No difference was found") and "500 held-out" in str(same)
    other = two_sample_test(a, b + (0.3, 0.0), seed=0, epochs=8)
    assert other.differs(level=1e-6) and other.accuracy > 0.6
    assert str(other).startswith("The samples differ") and other.protocol in str(other)


def test_images_and_seeds():
    images = load("digits")[np.random.default_rng(0).permutation(1437)]
    a, b = images[:400], images[400:800].transpose(0, 2, 1, 3)  # mirrored
    first = two_sample_test(a, b, seed=3, epochs=3)
    assert first.differs(level=1e-3) and "convolutional" in first.classifier
    assert two_sample_test(a, b, seed=3, epochs=3) == first


def test_features_of_an_extractor_are_told_apart():
    points = ring(300, seed=0)
    angles = two_sample_test(
        points,
        2 * ring(300, seed=1),
        extractor=lambda x: x / np.linalg.norm(x, axis=1)[:, None],
        epochs=3,
        num_samples=240,
    )
    assert not angles.differs(0.01) and (angles.num_train, angles.num_test) == (240, 240)


def test_copies_are_warned_of():
    copied = np.repeat(ring(50), 2, axis=0)
    with pytest.warns(UserWarning, match="50 of the 100 samples of `b` repeat others"):
        two_sample_test(ring(100), copied, epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # others are the libraries' own
        two_sample_test(ring(100), ring(100), epochs=1)


def test_images_on_another_scale_are_warned_of():
    digits = load("digits")
    with pytest.warns(UserWarning, match="images in 0..1"):
        two_sample_test(digits[:100], digits[100:200] / np.float32(255), epochs=1)
    with pytest.warns(UserWarning, match="images in 0..1"):
        evaluate(digits[:100], digits[100:200] / np.float32(255))


def test_p_value_is_that_of_guesses():
    assert module._p_value(50, 100) == pytest.approx(stats.binom.sf(49, 100, 0.5))
    assert module._p_value(63, 100) == pytest.approx(stats.binom.sf(62, 100, 0.5))
    result = TwoSampleResult(0.53, 0.04, 100, 100, 0, "a network")
    assert result.differs() and not result.differs(0.01)
    assert dataclasses.asdict(result)["p_value"] == 0.04
    assert str(result).startswith("The samples differ: 53.0% of 100 held-out samples were told")
    assert "probability 0.04 (" in str(result)
    assert "next to no probability (" in str(dataclasses.replace(result, p_value=0.0))


def test_goes_back_to_the_best_epoch(monkeypatch):
    random = np.random.default_rng(0)
    samples = random.normal(size=(60, 3)).astype("float32")
    labels = random.integers(2, size=60).astype("float32")  # nothing to learn
    network, outputs = module._network((3,), random), []
    read = module._logits

    def recorded(network, samples):
        outputs.append(read(network, samples))
        return outputs[-1]

    monkeypatch.setattr(module, "_logits", recorded)
    module._fit(network, samples, labels, 60, random)
    signs = 1 - 2 * labels[:12]  # a fifth is left out of training
    losses = [np.logaddexp(0, output * signs).mean() for output in outputs]
    assert len(losses) == np.argmin(losses) + 4 < 60  # three more epochs without a better one
    np.testing.assert_allclose(read(network, samples[:12]), outputs[np.argmin(losses)], rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: two_sample_test(ring(50), np.zeros((50, 3))), "different shapes"),
        (lambda: two_sample_test(ring(50), ring(10)), "at least 20.*Received: 50 and 10"),
        (lambda: two_sample_test(ring(50), ring(50), epochs=0), "epochs"),
        (lambda: two_sample_test(ring(50), ring(50), num_samples=3), "num_samples"),
        (lambda: two_sample_test(ring(50), ring(50) * np.nan), "NaN"),
    ],
)
def test_refuses_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
