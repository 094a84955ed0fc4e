"""GAN's parts beside loss and penalties: augmentation, feature matching, historical averaging."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import losses
from kgan.losses import FeatureMatching, HistoricalAveraging


def array(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def points(n=16):
    return kgan.data.toys.ring(n, seed=0)


def point_gan(kernel=None, rates=(0.1, 0.1), seed=0, **options):
    """A GAN of points, whose discriminator is `x @ kernel` where a kernel is given."""
    discriminator = kgan.networks.mlp.discriminator((2,), (6,))
    if kernel is not None:
        x = keras.Input((2,))
        discriminator = keras.Model(x, keras.layers.Dense(1)(x), name="discriminator")
        discriminator.set_weights([np.reshape(kernel, (2, 1)), np.zeros(1)])
    generator = kgan.networks.mlp.generator((2,), 3, (6,))
    model = kgan.GAN(generator, discriminator, seed=seed, **options)
    model.compile(dict(zip(model.players, map(keras.optimizers.SGD, rates), strict=True)))
    return model


@keras.saving.register_keras_serializable("kgan_tests")
class Doubling(keras.layers.Layer):
    """An augmentation whose effect is plain: doubles in training."""

    def call(self, x, training=None):
        return 2.0 * x if training else x


def test_augmentation_meets_real_and_fake_alike_in_training_only():
    model = point_gan((1.0, 3.0), augmentation=Doubling(), loss="wasserstein")
    real = points()
    for training, factor in ((True, 2.0), (False, 1.0)):
        state = array(model.noise_seed.state)
        _, terms = model.play("discriminator", (ops.convert_to_tensor(real),), training=training)
        model.noise_seed.state.assign(state)
        fake = array(model._make(model._draw(len(real)), ()))
        expected = factor * np.mean((fake - real) @ [1.0, 3.0])
        assert float(terms["adversarial"]) == pytest.approx(expected, rel=1e-4)


@keras.saving.register_keras_serializable("kgan_tests")
class Jitter(keras.layers.Layer):
    """An augmentation that is another one at each call."""

    def __init__(self, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = kgan.SeedGenerator(seed)

    def call(self, x, training=None):
        shift = keras.random.normal(ops.shape(x), seed=self.seed_generator)
        return x + shift if training else x


def information_gan(**options):
    networks = kgan.networks.conditioned
    generator = networks.code_generator((2,), 3, 0, latent_dim=2, units=(4,))
    return kgan.InfoGAN(
        generator, networks.many_headed((2,), {"category": 3}, units=(4,)), **options
    )


def conditional_gan(**options):
    networks = kgan.networks.conditioned
    generator = networks.generator((2,), 3, latent_dim=2, units=(4,))
    discriminator = networks.discriminator((2,), 3, "two_heads", units=(4,))
    return kgan.ConditionalGAN(generator, discriminator, 3, **options)


@pytest.mark.parametrize("make", [point_gan, information_gan, conditional_gan])
def test_potential_takes_distances_of_the_samples_that_were_shown(make, monkeypatch):
    potential = kgan.losses.QuadraticPotential(0.5)
    model = make(augmentation=Jitter(), penalties=(potential,), loss="wasserstein", seed=0)
    shown, compared = [], []

    def augmented(self, samples):
        shown.append(self.augmentation(samples))
        return shown[-1]

    def of_logits(self, real, fake, *logits):
        compared.append((real, fake, *logits))
        return ops.mean(logits[0])

    monkeypatch.setattr(type(model), "_augmented", augmented)
    monkeypatch.setattr(type(potential), "of_logits", of_logits)
    batch = (ops.convert_to_tensor(points(6)), ops.convert_to_tensor(np.arange(6) % 3))
    _, terms = model.play("discriminator", batch[: len(model.fields)], training=True)
    assert "quadratic_potential" in terms
    assert len(shown) == 2  # real and generated samples, each once
    ((real, fake, on_real, on_fake),) = compared
    for samples, expected, logits in ((real, shown[0], on_real), (fake, shown[1], on_fake)):
        np.testing.assert_array_equal(array(samples), array(expected))
        again = array(model._logits(expected, batch[1 : len(model.fields)]))
        np.testing.assert_allclose(array(logits), again, rtol=1e-5, atol=1e-6)


def test_feature_matching_sees_augmented_samples():
    real = ops.convert_to_tensor(points())
    terms = {}
    for training in (False, True):
        keras.utils.set_random_seed(0)
        model = point_gan((1.0, 1.0), augmentation=Doubling(), feature_matching=FeatureMatching())
        _, terms[training] = model.play("generator", (real,), training=training)
    # The features of this discriminator are the points themselves.
    plain, doubled = (float(terms[training]["feature_matching"]) for training in (False, True))
    assert plain > 1e-4
    assert doubled == pytest.approx(4.0 * plain, rel=1e-4)


def test_the_generator_learns_through_the_augmentation():
    # Equal seeds: the one difference is the factor 2 of the gradient that comes through.
    moves = []
    for augmentation in (None, Doubling()):
        keras.utils.set_random_seed(0)
        model = point_gan((1.0, 1.0), (0.0, 0.1), augmentation=augmentation, loss="wasserstein")
        before = array(model.generator.trainable_variables[-1])
        model.fit(points(), batch_size=16, verbose=0)
        moves.append(array(model.generator.trainable_variables[-1]) - before)
    assert np.abs(moves[0]).min() > 1e-4
    np.testing.assert_allclose(moves[1], 2.0 * moves[0], rtol=1e-4)


def test_penalties_look_through_the_augmentation():
    # D(2 x) has twice the slope of D(x): R1 of a linear discriminator is 4 weight / 2 |w|^2.
    model = point_gan((1.0, 3.0), augmentation=Doubling(), penalties=(kgan.losses.R1(1.0),))
    _, terms = model.play("discriminator", (ops.convert_to_tensor(points()),), training=True)
    assert float(terms["r1"]) == pytest.approx(0.5 * 4.0 * 10.0, rel=1e-5)


def test_feature_matching_is_the_distance_of_mean_features():
    model = point_gan(feature_matching=FeatureMatching())
    assert model.players["generator"].terms == ("feature_matching",)
    real = points()
    state = array(model.noise_seed.state)
    _, terms = model.play("generator", (ops.convert_to_tensor(real),), training=False)
    model.noise_seed.state.assign(state)
    fake = array(model._make(model._draw(len(real)), ()))
    kernel, bias = map(array, model.discriminator.trainable_variables[:2])

    def features(x):
        hidden = x @ kernel + bias
        return np.where(hidden > 0, hidden, 0.2 * hidden)

    expected = np.sum((features(real).mean(0) - features(fake).mean(0)) ** 2)
    assert float(terms["feature_matching"]) == pytest.approx(expected, rel=1e-4)


def test_features_are_the_layer_of_that_name():
    x = inputs = keras.Input((2,))
    x = keras.layers.Dense(3, name="features")(x)
    network = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(4)(x)))
    generator = kgan.networks.mlp.generator((2,), 3, (6,))
    model = kgan.GAN(generator, network, feature_matching=FeatureMatching())
    features = array(model._features(ops.convert_to_tensor(points(4)), ()))
    kernel, bias = map(array, network.layers[1].weights)
    np.testing.assert_allclose(features, points(4) @ kernel + bias, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("nested", [False, True])
def test_features_are_what_the_last_weights_read(nested):
    base = kgan.networks.mlp.discriminator((2,), (6,))
    x = keras.Input((2,))
    logits = base(x) if nested else base.output
    inputs = x if nested else base.inputs
    scaled = keras.layers.Activation("tanh")(keras.layers.Rescaling(10.0)(logits))
    network = keras.Model(inputs, scaled)
    model = kgan.GAN(
        kgan.networks.mlp.generator((2,), 3, (6,)), network, feature_matching=FeatureMatching()
    )
    features = array(model._features(ops.convert_to_tensor(points(4)), ()))
    kernel, bias = map(array, base.trainable_variables[:2])
    hidden = points(4) @ kernel + bias
    np.testing.assert_allclose(
        features, np.where(hidden > 0, hidden, 0.2 * hidden), rtol=1e-5, atol=1e-6
    )
    assert len(model.discriminator.trainable_variables) == 4


def test_feature_matching_moves_means_together():
    model = point_gan(feature_matching=FeatureMatching(), loss="wasserstein")
    model.compile(
        {"discriminator": keras.optimizers.SGD(0.0), "generator": keras.optimizers.Adam(0.01)}
    )
    data = points(512) + np.float32(2.0)
    history = model.fit(data, epochs=8, verbose=0).history["generator_feature_matching"]
    assert history[-1] < 0.1 * history[0]


def test_historical_averaging_pulls_to_the_mean_of_all_steps():
    model = point_gan(historical_averaging=HistoricalAveraging(0.5))
    for player in model.players.values():
        assert player.terms == ("adversarial", "historical_averaging")
    visited = {player: [] for player in model.players}
    for _ in range(4):
        weights = {p: [array(v) for v in model.player_variables[p]] for p in model.players}
        history = model.fit(points(), batch_size=16, verbose=0).history
        for player, past in visited.items():
            expected = 0.0
            if past:
                means = [np.mean(column, axis=0) for column in zip(*past)]
                expected = 0.5 * sum(np.sum((w - m) ** 2) for w, m in zip(weights[player], means))
            term = history[f"{player}_historical_averaging"][0]
            assert term == pytest.approx(expected, rel=1e-3, abs=1e-7)
            past.append(weights[player])
    assert expected > 1e-6


def test_historical_averages_are_saved_and_evaluate_does_not_move_them(tmp_path):
    model = point_gan(historical_averaging=HistoricalAveraging(0.5))
    model.fit(points(), batch_size=4, verbose=0)
    before = [array(v) for v in model.weights]
    model.evaluate(points(), verbose=0)
    assert all(np.array_equal(a, array(b)) for a, b in zip(before, model.weights, strict=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert len(loaded.weights) == len(before)
    assert all(np.array_equal(a, array(b)) for a, b in zip(before, loaded.weights, strict=True))


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), "much", True])
def test_historical_averaging_takes_a_weight(weight):
    with pytest.raises((TypeError, ValueError), match="`weight` is not a positive finite number"):
        HistoricalAveraging(weight)


def test_features_of_a_layer_that_is_asked_for():
    x = inputs = keras.Input((2,))
    x = keras.layers.Dense(3, name="first")(x)
    network = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(4, name="second")(x)))
    assert FeatureMatching("first").reader(network).output_shape == (None, 3)
    assert FeatureMatching().reader(network).output_shape == (None, 4)
    with pytest.raises(ValueError, match="no layer 'frist'.*'first',.*Received: layer='frist'"):
        FeatureMatching("frist").reader(network)
    with pytest.raises(TypeError, match="name of a layer.*Received: layer=2"):
        FeatureMatching(layer=2)


def test_parts_are_saved_with_the_model(tmp_path):
    parts = {
        "feature_matching": FeatureMatching("dense"),
        "historical_averaging": HistoricalAveraging(0.25),
    }
    x = keras.Input((2,))
    network = keras.Model(x, keras.layers.Dense(1)(keras.layers.Dense(3, name="dense")(x)))
    model = kgan.GAN(kgan.networks.mlp.generator((2,), 3, (6,)), network, **parts)
    model.compile("sgd")
    model.fit(points(), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for name, part in parts.items():
        again = getattr(loaded, name)
        assert type(again) is type(part) and again.get_config() == part.get_config()
    assert set(loaded.fit(points(), verbose=0).history) == set(loaded.get_metrics_result())


@keras.saving.register_keras_serializable("kgan_tests")
class Furthest(FeatureMatching):
    """A stranger's matching: the largest difference of the means, under a name of its own."""

    name = "furthest"

    def __call__(self, real, fake):
        return ops.max(ops.abs(ops.mean(real, axis=0) - ops.mean(fake, axis=0)))


def test_a_part_of_ones_own_plays():
    model = point_gan(feature_matching=Furthest())
    assert model.players["generator"].terms == ("furthest",)
    assert model.fit(points(), verbose=0).history["generator_furthest"][0] > 0


@pytest.mark.parametrize(
    "part, value, expected",
    [
        ("feature_matching", True, "kgan.losses.FeatureMatching()"),
        ("historical_averaging", 0.5, "kgan.losses.HistoricalAveraging(1)"),
        ("condition", 10, "kgan.LabelCondition(10)"),
        ("augmentation", "color", "kgan.layers.DifferentiableAugmentation()"),
        ("penalties", ("r1",), "(kgan.losses.R1(10.0),)"),
        ("penalties", kgan.losses.R1(), "(kgan.losses.R1(10.0),)"),
    ],
)
def test_a_part_is_an_object(part, value, expected):
    with pytest.raises(TypeError) as error:
        point_gan(**{part: value})
    assert f"{part}={expected}" in str(error.value)
    assert f"Received: {part}={value!r}" in str(error.value)


@pytest.mark.parametrize("in_one_call", [False, True])
def test_lazy_penalties_cost_the_same_on_average(in_one_call):
    penalties = losses.R1(2.0, interval=3), losses.R2(3.0, interval=3)
    model = point_gan(kernel=(3.0, 4.0), rates=(1e-9, 1e-9), penalties=penalties)
    if keras.config.backend() != "torch":
        model.compile(model.optimizer, steps_per_execution=6 if in_one_call else 1)
    size = 24 if in_one_call else 4
    options = {"batch_size": 4, "epochs": 24 // size, "shuffle": False, "verbose": 0}
    history = model.fit(points(size), **options).history
    # The full ones are weight / 2 * |(3, 4)|^2.
    due = np.array([1.0]) if in_one_call else np.array([3.0, 0.0, 0.0, 3.0, 0.0, 0.0])
    np.testing.assert_allclose(history["discriminator_r1"], 25.0 * due, rtol=1e-5)
    np.testing.assert_allclose(history["discriminator_r2"], 37.5 * due, rtol=1e-5)
    # Out of training they are what they are.
    model.fit(points(4), batch_size=4, verbose=0)
    found = model.evaluate(points(4), verbose=0, return_dict=True)
    assert found["discriminator_r1"] == pytest.approx(25.0, rel=1e-5)
    assert found["discriminator_r2"] == pytest.approx(37.5, rel=1e-5)


def test_a_lazy_penalty_pulls_where_it_is_due():
    def kernels(interval):
        keras.utils.set_random_seed(0)
        penalty = losses.R1(1e-2, interval)
        model = point_gan(kernel=(3.0, 4.0), rates=(0.1, 1e-9), penalties=(penalty,))
        found = []
        for _ in range(2):
            model.fit(points(4), batch_size=4, shuffle=False, verbose=0)
            found.append(model.discriminator.get_weights()[0].ravel())
        return np.array(found)

    full, lazy, lazier = kernels(1), kernels(2), kernels(3)
    # Of a linear discriminator x @ w, the gradient of R1 is its weight times w.
    pull = -0.1 * 1e-2 * np.array([3.0, 4.0])
    np.testing.assert_allclose(lazy[0] - full[0], pull, rtol=1e-2)
    np.testing.assert_allclose(lazier[0] - full[0], 2 * pull, rtol=1e-2)
    # And none of both in the second step, which differs by what the first one moved.
    np.testing.assert_allclose((lazier - lazy)[1], pull, rtol=0.1)


def test_interval_of_a_penalty_is_saved_and_checked():
    penalty = losses.R1.from_config(losses.R1(2.0, interval=16).get_config())
    assert (penalty.weight, penalty.interval) == (2.0, 16)
    assert losses.R2.from_config({"weight": 3.0}).interval == 1
    with pytest.raises(ValueError, match="interval"):
        losses.R1(1.0, interval=0)
