"""Likelihoods against SciPy, and the divergence against quadrature."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import kgan
from kgan.losses import Bernoulli, DiscretizedLogistic, Gaussian


def numbers(*shape, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype("float32")


def log_prob(likelihood, x, made):
    return ops.convert_to_numpy(
        likelihood.log_prob(ops.convert_to_tensor(x), ops.convert_to_tensor(made))
    )


def test_bernoulli_of_binary_images_is_scipys():
    x = np.sign(numbers(3, 4, 4, 2))
    logits = numbers(3, 4, 4, 2, seed=1, scale=3.0)
    expected = stats.bernoulli.logpmf((x + 1) / 2, 1 / (1 + np.exp(-logits.astype("float64"))))
    assert np.allclose(log_prob(Bernoulli(), x, logits), expected.sum(axis=(1, 2, 3)), rtol=1e-5)


def test_bernoulli_survives_certain_pixels():
    x = np.float32([[[[1.0]]], [[[-1.0]]]])
    assert np.allclose(log_prob(Bernoulli(), x, 1e4 * x), 0.0)
    assert np.allclose(log_prob(Bernoulli(), x, -1e4 * x), -1e4)


def test_gaussian_is_scipys():
    x, mean, log_scale = (numbers(3, 5, seed=seed) for seed in range(3))
    made = np.concatenate([mean, log_scale], axis=-1)
    expected = stats.norm.logpdf(x, mean, np.exp(log_scale)).sum(axis=1)
    assert np.allclose(log_prob(Gaussian(), x, made), expected, rtol=1e-4)


def test_gaussian_of_a_fixed_scale_is_scipys():
    x, mean = numbers(3, 5), numbers(3, 5, seed=1)
    expected = stats.norm.logpdf(x, mean, 0.3).sum(axis=1)
    assert np.allclose(log_prob(Gaussian(scale=0.3), x, mean), expected, rtol=1e-4)


def test_discretized_logistic_is_scipys():
    x = np.random.default_rng(0).integers(0, 256, (4, 3, 3, 1))
    x[0, 0, 0], x[1, 0, 0] = 0, 255
    mean, log_scale = numbers(4, 3, 3, 1, seed=1), numbers(4, 3, 3, 1, seed=2) - 2
    at = x / 127.5 - 1.0
    logistic = stats.logistic(mean.astype("float64"), np.exp(log_scale.astype("float64")))
    # From the nearer tail, where differences keep their digits.
    a, b = at - 1 / 255, at + 1 / 255
    right = at > mean
    inside = np.where(right, logistic.sf(a) - logistic.sf(b), logistic.cdf(b) - logistic.cdf(a))
    whole = np.where(x == 0, logistic.cdf(b), np.where(x == 255, logistic.sf(a), inside))
    expected = np.log(whole).sum(axis=(1, 2, 3))
    made = np.concatenate([mean, log_scale], axis=-1)
    found = log_prob(DiscretizedLogistic(), at.astype("float32"), made)
    assert np.allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("log_scale", [-6.0, -3.0, 0.0, 3.0])
def test_probabilities_of_all_bytes_sum_to_1(log_scale):
    at = (np.arange(256) / 127.5 - 1.0).astype("float32").reshape(256, 1, 1, 1)
    made = np.full((256, 1, 1, 2), log_scale, "float32")
    made[..., 0] = 0.3
    assert np.exp(log_prob(DiscretizedLogistic(), at, made)).sum() == pytest.approx(1.0, abs=1e-3)


def test_means_are_on_the_scale_of_the_data():
    made = numbers(2, 3, 3, 2, scale=5.0)
    assert np.allclose(
        ops.convert_to_numpy(Bernoulli().mean(made)), 2 / (1 + np.exp(-made)) - 1, atol=1e-5
    )
    assert np.allclose(ops.convert_to_numpy(Gaussian().mean(made)), made[..., :1])
    assert np.abs(ops.convert_to_numpy(DiscretizedLogistic().mean(made))).max() <= 1.0


@pytest.mark.parametrize("mean, deviation", [(0.0, 1.0), (2.0, 0.5), (-1.0, 3.0)])
def test_divergence_is_the_integral(mean, deviation):
    z = np.linspace(-30, 30, 200_001)
    q = stats.norm(mean, deviation)
    integral = np.trapezoid(q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z)), z)
    found = kgan.losses.standard_normal_divergence(
        ops.full((1, 1), mean), ops.full((1, 1), 2 * np.log(deviation))
    )
    assert float(ops.convert_to_numpy(found)[0, 0]) == pytest.approx(integral, abs=1e-4)


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(0.2), DiscretizedLogistic()])
def test_likelihoods_are_saved(likelihood):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(likelihood))
    assert type(again) is type(likelihood) and again.get_config() == likelihood.get_config()
    assert again.num_parameters == likelihood.num_parameters


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'bernoulli'"):
        kgan.losses.get_likelihood("bernouli")
    with pytest.raises(TypeError, match="Received: 3"):
        kgan.losses.get_likelihood(3)
    for scale in (0, -1.0, float("nan"), True, "a"):
        with pytest.raises(ValueError, match="scale="):
            Gaussian(scale)
