"""Autoencoders: the bound and its parts in closed form, options of training, refusals."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import kgan
from kgan.networks import autoencoders

BACKEND = keras.config.backend()


def linear_model(dim=3, latent_dim=2, scale=0.7, **options):
    """A model whose log-likelihood is known: probabilistic principal components."""
    keras.utils.set_random_seed(0)
    x, z = keras.Input((dim,)), keras.Input((latent_dim,))
    mean = keras.layers.Dense(latent_dim, kernel_initializer="glorot_normal")(x)
    log_variance = keras.layers.Dense(
        latent_dim, kernel_initializer="zeros", bias_initializer="ones"
    )(x)
    model = kgan.VariationalAutoencoder(
        keras.Model(x, [mean, log_variance]),
        keras.Model(z, keras.layers.Dense(dim, kernel_initializer="he_normal")(z)),
        likelihood=kgan.losses.Gaussian(scale),
        seed=0,
        **options,
    )
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    return model


def points(n=16, dim=3):
    return np.random.default_rng(0).normal(size=(n, dim)).astype("float32")


def exact_log_likelihood(model, x, scale=0.7):
    kernel, bias = (w.astype("float64") for w in model.decoder.get_weights())
    covariance = kernel.T @ kernel + scale**2 * np.eye(x.shape[1])
    return stats.multivariate_normal(bias, covariance).logpdf(x)


def codes_of(model, x):
    return [ops.convert_to_numpy(part) for part in model.encoder(ops.convert_to_tensor(x))]


def test_elbo_of_many_draws_is_the_expectation():
    model, x, scale = linear_model(), points(), 0.7
    mean, log_variance = codes_of(model, x)
    kernel, bias = model.decoder.get_weights()
    distance = np.square(x - mean @ kernel - bias) + np.exp(log_variance) @ np.square(kernel)
    nats = (-0.5 * distance / scale**2 - np.log(scale) - 0.5 * np.log(2 * np.pi)).sum(axis=1)
    divergence = 0.5 * (np.square(mean) + np.exp(log_variance) - 1 - log_variance).sum(axis=1)
    found = model.elbo(x, num_draws=1000, seed=0)
    assert np.allclose(found, nats - divergence, rtol=0.1)
    assert found.mean() == pytest.approx((nats - divergence).mean(), rel=0.02)
    assert (found < exact_log_likelihood(model, x)).all()


def test_importance_weighted_estimate_reaches_the_log_likelihood():
    model, x = linear_model(), points()
    exact = exact_log_likelihood(model, x)
    one, some, many = (
        model.log_likelihood(x, num_draws=draws, seed=0).mean() for draws in (1, 10, 1000)
    )
    assert one < some < many < exact.mean() + 0.02
    assert many == pytest.approx(exact.mean(), abs=0.05)


def test_exact_posterior_makes_every_weight_the_log_likelihood():
    model, x, scale = linear_model(), points(), 0.7
    kernel, bias = (w.astype("float64") for w in model.decoder.get_weights())
    kernel[1] -= kernel[0] * (kernel[0] @ kernel[1]) / (kernel[0] @ kernel[0])  # a diagonal one
    model.decoder.set_weights([kernel, bias])
    precision = np.eye(2) + kernel @ kernel.T / scale**2
    solved = np.linalg.solve(precision, kernel) / scale**2
    dense = [layer for layer in model.encoder.layers if isinstance(layer, keras.layers.Dense)]
    dense[0].set_weights([solved.T, -solved @ bias])
    dense[1].set_weights([np.zeros((3, 2)), -np.log(np.diag(precision))])
    exact = exact_log_likelihood(model, x)
    assert np.allclose(model.log_likelihood(x, num_draws=1, seed=1), exact, atol=1e-4)
    assert model.elbo(x, num_draws=500, seed=0).mean() == pytest.approx(exact.mean(), abs=0.1)


def test_loss_is_the_negative_bound_summed_over_samples_and_averaged_over_the_batch():
    model, x = linear_model(), points(64)
    *_, last = [layer for layer in model.encoder.layers if isinstance(layer, keras.layers.Dense)]
    last.set_weights([np.zeros((3, 2)), np.full(2, -20.0)])  # codes without noise
    logs = model.evaluate(x, batch_size=64, verbose=0, return_dict=True)
    assert logs["autoencoder_loss"] == pytest.approx(-model.elbo(x, seed=0).mean(), rel=1e-3)
    mean, kernel, bias = codes_of(model, x)[0], *model.decoder.get_weights()
    nats = stats.norm.logpdf(x, mean @ kernel + bias, 0.7).sum(axis=1)
    assert logs["autoencoder_reconstruction"] == pytest.approx(-nats.mean(), rel=1e-3)


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"divergence_weight": 4.0}, lambda kl: 4.0 * kl.mean(axis=0).sum()),
        ({"free_bits": 0.9}, lambda kl: np.maximum(kl.mean(axis=0), 0.9).sum()),
        (
            {"capacity": 9.0, "divergence_weight": 3.0},
            lambda kl: 3.0 * abs(kl.mean(axis=0).sum() - 9.0),
        ),
        ({"warm_up": 10}, lambda kl: kl.mean(axis=0).sum()),  # evaluation counts it whole
    ],
    ids=["beta", "free_bits", "capacity", "warm_up"],
)
def test_options_of_the_divergence(options, expected):
    model, x = linear_model(**options), points()
    mean, log_variance = codes_of(model, x)
    kl = 0.5 * (np.square(mean) + np.exp(log_variance) - 1 - log_variance)
    logs = model.evaluate(x, batch_size=16, verbose=0, return_dict=True)
    assert logs["autoencoder_divergence"] == pytest.approx(expected(kl), rel=1e-4)


def test_warm_up_brings_the_divergence_in_and_goes_on_where_it_stopped(tmp_path):
    model, x = linear_model(warm_up=4), points()
    whole = linear_model().fit(x, batch_size=16, verbose=0).history["autoencoder_divergence"][0]
    found = model.fit(x, batch_size=16, epochs=3, verbose=0).history["autoencoder_divergence"]
    assert np.allclose(found, [0.0, whole / 4, whole / 2], rtol=1e-4)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    found = again.fit(x, batch_size=16, epochs=3, verbose=0).history["autoencoder_divergence"]
    assert np.allclose(found, [3 * whole / 4, whole, whole], rtol=1e-4)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "discretized_logistic"])
@pytest.mark.parametrize("units", [(32,), None], ids=["perceptron", "convolutions"])
def test_training_raises_the_bound(likelihood, units):
    keras.utils.set_random_seed(0)
    images = kgan.data.load("digits")[:256]
    options = {"units": units, "width": 8, "learning_rate": 1e-2}
    model = kgan.zoo.load("vae", like=images, likelihood=likelihood, seed=0, **options)
    before = model.elbo(images, seed=0).mean()
    model.fit(images, epochs=10, verbose=0)
    assert model.elbo(images, seed=0).mean() > before + 3.0
    assert model.reconstruct(images[:3]).shape == images[:3].shape
    assert model.reconstruct(images[:3]).dtype == np.uint8


def test_codes_go_both_ways():
    images = kgan.data.load("digits")[:8]
    model = kgan.zoo.load("vae", like=images, latent_dim=4, units=(8,), seed=0)
    codes = model.encode(images)
    assert codes.shape == (8, 4)
    assert (model.decode(codes) == model.reconstruct(images)).all()
    walk = kgan.latent.interpolate(model, codes[0], codes[1], steps=3)
    assert (walk[0] == model.decode(codes[:1])[0]).all()
    assert (model.elbo(images, seed=3) == model.elbo(images, seed=3)).all()
    assert (model.elbo(images, seed=3) != model.elbo(images, seed=4)).any()
    with pytest.raises(ValueError, match="Received"):
        model.decode(np.zeros((2, 3), "float32"))
    with pytest.raises(ValueError, match="num_draws"):
        model.elbo(images, num_draws=0)


def test_networks_that_do_not_fit_are_refused():
    one = autoencoders.encoder((8, 8, 1), 4, units=(8,), is_variational=False)
    two = autoencoders.encoder((8, 8, 1), 4, units=(8,))
    decoder = autoencoders.decoder((8, 8, 1), 4, units=(8,))
    with pytest.raises(ValueError, match="mean, log_variance"):
        kgan.VariationalAutoencoder(one, decoder)
    with pytest.raises(ValueError, match="num_parameters=2"):
        kgan.VariationalAutoencoder(two, decoder, likelihood="discretized_logistic")
    with pytest.raises(ValueError, match="Received"):
        kgan.Autoencoder(two, decoder)
    with pytest.raises(ValueError, match="Received"):
        kgan.Autoencoder(one, autoencoders.decoder((8, 8, 1), 5, units=(8,)))
    for option in ({"divergence_weight": -1.0}, {"free_bits": float("nan")}, {"capacity": -2}):
        with pytest.raises(ValueError, match=next(iter(option))):
            kgan.VariationalAutoencoder(two, decoder, **option)
