import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import conditioned as networks

CATEGORIES, CONTINUOUS, N = 4, 2, 6


def array(tensor):
    return ops.convert_to_numpy(tensor)


def information_gan(shape=(2,), continuous=CONTINUOUS, **options):
    sizes = {"width": 4, "units": (8,)}
    heads = {"category": CATEGORIES, **({"continuous": continuous} if continuous else {})}
    generator = networks.code_generator(shape, CATEGORIES, continuous, latent_dim=3, **sizes)
    return kgan.InfoGAN(generator, networks.many_headed(shape, heads, **sizes), seed=0, **options)


def points(n=N):
    return np.random.default_rng(0).normal(size=(n, 2)).astype("float32")


def test_terms_recover_the_codes_of_the_noise():
    model = information_gan(category_weight=0.7, continuous_weight=0.3)
    start = array(model.noise_seed.state).copy()
    noise = kgan.latent.noise.draw((N, 6), "uniform", model.noise_seed)
    fake = model.generator(noise)
    on_fake, logits, means = (array(output) for output in model.discriminator(fake))
    on_real = array(model.discriminator(points())[0])
    noise = array(noise)
    log_odds = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    category = np.floor((noise[:, 0] + 1) / 2 * CATEGORIES).astype(int)
    codes = {
        "category": -0.7 * np.mean(log_odds[np.arange(N), category]),
        "continuous": 0.3 * np.mean(np.sum((means - noise[:, 1:3]) ** 2, axis=1)) / 2,
    }
    softplus = lambda x: np.mean(np.log1p(np.exp(x)))  # noqa: E731
    adversarial = {
        "discriminator": softplus(-on_real) + softplus(on_fake),
        "generator": softplus(-on_fake),
    }
    for player, value in adversarial.items():
        model.noise_seed.state.assign(start)
        _, terms = model.play(player, (ops.convert_to_tensor(points()),), training=False)
        received = {name: float(array(term)) for name, term in terms.items()}
        assert received == pytest.approx({"adversarial": value, **codes}, rel=1e-4)


def test_generate_sets_the_codes_that_are_asked_for(monkeypatch):
    model = information_gan()
    monkeypatch.setattr(model, "decode", lambda noise, batch_size: noise)
    drawn = model.generate(N, seed=1)
    wanted = np.array([0, 1, 2, 3, 3, 0])
    given = model.generate(N, seed=1, categories=wanted, continuous=[0.5, np.nan])
    assert np.array_equal(array(model.codes.split(ops.convert_to_tensor(given))[0]), wanted)
    assert np.array_equal(given[:, 1], np.full(N, 0.5, "float32"))
    assert np.array_equal(given[:, 2:], drawn[:, 2:])
    one = model.generate(N, seed=1, categories=2)
    assert np.array_equal(array(model.codes.split(ops.convert_to_tensor(one))[0]), [2] * N)
    # Truncation leaves the category alone.
    truncated = model.generate(N, seed=1, truncation=0.1)
    assert truncated[:, 0] == pytest.approx(drawn[:, 0], rel=1e-5)
    assert truncated[:, 1:] == pytest.approx(0.1 * drawn[:, 1:], rel=1e-5)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"categories": 4}, "There are the categories 0 to 3"),
        ({"categories": [0, -1, 0]}, "There are the categories 0 to 3"),
        ({"categories": [0, 1]}, "one integer or 3 of them"),
        ({"categories": 0.5}, "one integer or 3 of them"),
        ({"continuous": np.zeros((3, 3))}, "`continuous` holds 2 codes per sample"),
        ({"labels": 3}, "Ask for them with `categories=`. Received: labels=3"),
    ],
)
def test_generate_refuses_codes_that_there_are_not(arguments, message):
    with pytest.raises(ValueError, match=message):
        information_gan().generate(3, **arguments)


def test_without_continuous_codes_there_is_no_term():
    model = information_gan(continuous=0)
    assert model.players["generator"].terms == ("adversarial", "category")
    model.compile(optimizer="sgd")
    assert np.isfinite(list(model.fit(points(), verbose=0).history.values())).all()


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "relativistic_pairing"},
        {"feature_matching": kgan.losses.FeatureMatching()},
        {"penalties": (kgan.losses.R1(1.0),)},
    ],
)
def test_plays_with_the_options_of_a_gan(options):
    model = information_gan(**options)
    model.compile(optimizer="sgd")
    history = model.fit(points(), verbose=0).history
    assert np.isfinite(list(history.values())).all()


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="trains: one backend is enough")
def test_heads_learn_the_codes():
    model = information_gan()
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    history = model.fit(points(64), epochs=60, verbose=0).history
    assert history["generator_category"][0] > 1.0  # log 4 = 1.39
    assert history["generator_category"][-1] < 0.5


def test_networks_that_do_not_fit_are_refused():
    generator = networks.code_generator((2,), CATEGORIES, 2, latent_dim=3, units=(8,))
    with pytest.raises(ValueError, match="must return logits and then, per sample"):
        kgan.InfoGAN(generator, networks.many_headed((2,), {"category": 3}, units=(8,)))
    plain = kgan.networks.mlp.generator((2,), 4, units=(8,))
    with pytest.raises(ValueError, match="must begin with a kgan.layers.LatentCodes"):
        kgan.InfoGAN(plain, networks.many_headed((2,), {"category": 4}, units=(8,)))
    with pytest.raises(ValueError, match="made of uniform noise"):
        information_gan(noise="normal")
