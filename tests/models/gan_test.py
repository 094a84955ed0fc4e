import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan import losses

LOSSES = [
    "hinge",
    "least_squares",
    "minimax",
    "non_saturating",
    "relativistic_average",
    "relativistic_pairing",
    "wasserstein",
]
PENALTIES = [losses.GradientPenalty, losses.DRAGAN, losses.R1, losses.R2]


def vector_discriminator(batch_normalization=False):
    x = inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, strides=2, activation="tanh")(x)
    if batch_normalization:
        x = layers.BatchNormalization()(x)
    return keras.Model(inputs, layers.Dense(1)(layers.Flatten()(x)), name="discriminator")


def patch_discriminator():
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, strides=2, activation="tanh")(inputs)
    return keras.Model(inputs, layers.Conv2D(1, 1)(x), name="discriminator")


DISCRIMINATORS = {"vector": vector_discriminator, "patch": patch_discriminator}


def image_generator():
    return kgan.networks.mlp.generator((8, 8, 1), 3, (6,))


def image_gan(discriminator="vector", **options):
    return kgan.GAN(image_generator(), DISCRIMINATORS[discriminator](), seed=0, **options)


def point_networks(num_classes=None):
    """A generator and a discriminator of points, of two inputs where they are conditional."""
    if num_classes is None:
        generator = kgan.networks.mlp.generator((2,), 3, (6,))
        return generator, kgan.networks.mlp.discriminator((2,), (6,))

    def conditional(size, name):
        inputs = [keras.Input((size,)), keras.Input((), dtype="int32")]
        label = layers.Embedding(num_classes, 4, embeddings_initializer="normal")(inputs[1])
        x = layers.Dense(6, activation="tanh")(layers.Concatenate()([inputs[0], label]))
        return keras.Model(inputs, layers.Dense(2 if name == "generator" else 1)(x), name=name)

    return conditional(3, "generator"), conditional(2, "discriminator")


def point_gan(num_classes=None, optimizer="sgd", **options):
    generator, discriminator = point_networks(num_classes)
    condition = kgan.LabelCondition(num_classes) if num_classes else None
    model = kgan.GAN(generator, discriminator, condition=condition, seed=0, **options)
    model.compile(optimizer)
    return model


def points(n=16):
    return kgan.data.toys.ring(n, seed=0)


def images(n=8):
    return np.random.default_rng(0).uniform(-1, 1, (n, 8, 8, 1)).astype("float32")


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


def state_of(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


# Losses and penalties


@pytest.mark.parametrize("logits", DISCRIMINATORS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_plays_on_every_shape_of_logits(loss, logits):
    model, pair = image_gan(logits, loss=loss), losses.get(loss)
    batch = (ops.convert_to_tensor(images()),)
    start = ops.convert_to_numpy(model.noise_seed.state).copy()
    for player in model.players:
        total, terms = model.play(player, batch, training=True)
        assert list(terms) == ["adversarial"]
        # The same noise again, and the pair of losses called by hand.
        model.noise_seed.state.assign(start)
        fake = model.discriminator(model._make(model._draw(8), ()))
        model.noise_seed.state.assign(start)
        real = model.discriminator(images())
        if player == "generator" and not pair.relativistic:
            real = None
        assert number(total) == pytest.approx(number(getattr(pair, player)(real, fake)), rel=1e-5)


@pytest.mark.parametrize("logits", DISCRIMINATORS)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_penalty_is_a_term(penalty, logits):
    model = image_gan(logits, loss="wasserstein", penalties=(penalty(2.0),))
    batch = (ops.convert_to_tensor(images()),)
    total, terms = model.play("discriminator", batch, training=True)
    assert list(terms) == ["adversarial", penalty.name]
    assert number(terms[penalty.name]) > 0.0
    assert number(total) == pytest.approx(sum(map(number, terms.values())), rel=1e-6)
    assert list(model.play("generator", batch, training=True)[1]) == ["adversarial"]


def test_penalties_are_logged_and_train(tmp_path):
    penalties = (losses.GradientPenalty(1.0, seed=1), losses.R1(0.5))
    model = point_gan(loss="wasserstein", penalties=penalties)
    logs = model.fit(points(), verbose=0).history
    total = sum(logs[f"discriminator_{t}"][0] for t in ("adversarial", "gradient_penalty", "r1"))
    assert logs["discriminator_loss"][0] == pytest.approx(total, rel=1e-5)
    evaluated = model.evaluate(points(), verbose=0, return_dict=True)
    assert evaluated["discriminator_gradient_penalty"] > 0.0
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [type(p) for p in loaded.penalties] == [losses.GradientPenalty, losses.R1]
    # The penalty's noise goes on where it was.
    assert same(state_of(model), state_of(loaded))


@pytest.mark.parametrize("penalty", PENALTIES)
def test_penalty_per_sample_refuses_batch_normalization(penalty):
    generator, discriminator = image_generator(), vector_discriminator(batch_normalization=True)
    with pytest.raises(ValueError, match=f"{penalty.name} is defined per sample.*batch_norm"):
        kgan.GAN(generator, discriminator, penalties=(penalty(),))
    assert kgan.GAN(generator, discriminator).built


@pytest.mark.parametrize("name", ["Pack", "MinibatchDiscrimination"])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_penalty_per_sample_refuses_layers_that_mix_samples(penalty, name):
    generator = kgan.networks.mlp.generator((2,), 3, (6,))
    options = {"pack": 2} if name == "Pack" else {"head": kgan.layers.MinibatchDiscrimination(2, 2)}
    discriminator = kgan.networks.mlp.discriminator((2,), (6,), **options)
    with pytest.raises(ValueError, match=f"{penalty.name} is defined per sample, but {name} makes"):
        kgan.GAN(generator, discriminator, penalties=(penalty(),))
    assert kgan.GAN(generator, discriminator).built


def test_penalty_per_sample_goes_with_a_standard_deviation_of_the_batch():
    generator = kgan.networks.mlp.generator((2,), 3, (6,))
    for options in ({"head": kgan.layers.MinibatchStandardDeviation()}, {"pack": 1}):
        discriminator = kgan.networks.mlp.discriminator((2,), (6,), **options)
        assert kgan.GAN(generator, discriminator, penalties=(losses.R1(),)).built
    assert not kgan.layers.Pack(1).mixes_samples


def test_nested_batch_normalization_is_found():
    inputs = keras.Input((8, 8, 1))
    nested = keras.Sequential([layers.Flatten(), layers.BatchNormalization()])
    network = keras.Model(inputs, layers.Dense(1)(nested(inputs)))
    with pytest.raises(ValueError, match="defined per sample"):
        kgan.GAN(image_generator(), network, penalties=(losses.R1(),))


def test_generator_loss_reaches_the_generator_only_through_the_discriminator():
    model = point_gan(loss="wasserstein")
    batch = (ops.convert_to_tensor(points(4)),)
    start = ops.convert_to_numpy(model.noise_seed.state).copy()
    loss, _ = model.play("generator", batch, training=False)
    model.noise_seed.state.assign(start)
    noise = kgan.latent.noise.draw((4, 3), "normal", model.noise_seed)
    by_hand = -np.mean(ops.convert_to_numpy(model.discriminator(model.generator(noise))))
    assert number(loss) == pytest.approx(by_hand, rel=1e-5)


def test_no_samples_are_an_empty_array():
    networks = kgan.networks.conditioned
    conditional = kgan.ConditionalGAN(
        networks.generator((8, 8, 1), 3, latent_dim=2, width=4),
        networks.discriminator((8, 8, 1), 3, width=4),
        3,
    )
    for samples in (
        conditional.generate(0),
        conditional.generate(0, labels=2),
        conditional.generate(0, labels=[]),
        image_gan().generate(0),
    ):
        assert samples.shape == (0, 8, 8, 1) and samples.dtype == "uint8"
    for labels in ([1, 2], [1], np.zeros((2, 1), int), np.arange(5)):
        given = len(labels)
        with pytest.raises(
            ValueError, match=f"labels: one integer, or 4 of them.*Received: {given}$"
        ):
            conditional.generate(4, labels=labels)


# Networks that do not fit


def test_sizes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"generator output \(8, 8, 1\).*input \(4,\)"):
        kgan.GAN(image_generator(), kgan.networks.mlp.discriminator((4,)))


def test_conditional_networks_take_two_inputs():
    message = r"With condition=LabelCondition\(num_classes=3.*the generator must take 2 inputs"
    with pytest.raises(ValueError, match=message):
        kgan.GAN(*point_networks(), condition=kgan.LabelCondition(3))
    with pytest.raises(ValueError, match="With condition=None, the generator must take one"):
        kgan.GAN(*point_networks(3))


@pytest.mark.parametrize("steps", [0, -1])
def test_discriminator_steps_are_positive(steps):
    with pytest.raises(ValueError, match="discriminator_steps"):
        kgan.GAN(*point_networks(), discriminator_steps=steps)


def test_noise_is_one_of_two():
    with pytest.raises(ValueError, match="Did you mean 'uniform'"):
        kgan.GAN(*point_networks(), noise="uniforn")
    noise = ops.convert_to_numpy(kgan.latent.noise.draw((1000, 3), "uniform", 0))
    assert -1.0 <= noise.min() < -0.9 and 0.9 < noise.max() <= 1.0


def test_noise_is_fresh_in_every_turn():
    model = point_gan()
    first, second = (ops.convert_to_numpy(model._draw(4)) for _ in range(2))
    assert not np.array_equal(first, second)


# Labels


@pytest.fixture(scope="module")
def conditional():
    model = point_gan(num_classes=3)
    model.fit(points(), np.arange(16) % 3, batch_size=8, verbose=0)
    return model


def test_labels_reach_both_networks(conditional):
    noise = kgan.latent.sample((3, 3), seed=0)
    outputs = [conditional.decode(noise, np.full(3, label)) for label in range(3)]
    assert not np.allclose(outputs[0], outputs[1])
    batch = [(ops.convert_to_tensor(points(4)), ops.full((4,), k, "int32")) for k in range(2)]
    start = ops.convert_to_numpy(conditional.noise_seed.state).copy()
    values = []
    for entry in batch:
        conditional.noise_seed.state.assign(start)
        values.append(number(conditional.play("discriminator", entry, training=False)[0]))
    assert values[0] != pytest.approx(values[1], rel=1e-7)


def test_generate_follows_labels(conditional):
    cycled = conditional.generate(6, seed=1)
    assert np.array_equal(cycled, conditional.generate(6, seed=1, labels=[0, 1, 2, 0, 1, 2]))
    constant = conditional.generate(6, seed=1, labels=2)
    assert np.array_equal(constant, conditional.generate(6, seed=1, labels=[2] * 6))
    # Those whose label is the same are the same sample.
    np.testing.assert_allclose(constant[[2, 5]], cycled[[2, 5]], rtol=1e-5)
    assert not np.allclose(constant[0], cycled[0])


@pytest.mark.parametrize("labels", [3, -1, [0, 1, 5, 0], [0.5, 1, 1, 1]])
def test_generate_refuses_labels_that_do_not_exist(conditional, labels):
    with pytest.raises((ValueError, TypeError), match="labels"):
        conditional.generate(4, labels=labels)


def test_labels_are_asked_for_and_refused(conditional):
    with pytest.raises(ValueError, match="labels 'y' are missing"):
        conditional.fit(points())
    with pytest.raises(ValueError, match="not trained with labels"):
        point_gan().generate(2, labels=1)


def test_conditional_model_is_saved(conditional, tmp_path):
    conditional.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.num_classes == 3
    assert np.array_equal(loaded.generate(4, seed=2), conditional.generate(4, seed=2))
    inputs = [kgan.latent.sample((2, 3), seed=0), np.array([0, 2])]
    assert loaded.predict(inputs, verbose=0).shape == (2, 2)


# Samples


@pytest.fixture(scope="module")
def pictures():
    model = kgan.GAN(
        kgan.networks.dcgan.generator((8, 8, 1), 3, 4),
        kgan.networks.dcgan.discriminator((8, 8, 1), 4),
        seed=0,
    )
    model.compile("sgd")
    return model


def test_same_seed_gives_the_same_samples(pictures):
    first = pictures.generate(5, seed=1)
    assert first.dtype == "uint8" and first.shape == (5, 8, 8, 1)
    assert np.array_equal(first, pictures.generate(5, seed=1))
    assert not np.array_equal(first, pictures.generate(5, seed=2))
    assert not np.array_equal(pictures.generate(5), pictures.generate(5))


def test_batch_size_of_generate_changes_nothing(pictures):
    first = pictures.generate(5, seed=1).astype(int)
    assert np.abs(first - pictures.generate(5, seed=1, batch_size=2)).max() <= 1
    assert pictures.generate(0).shape == (0, 8, 8, 1)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"num_samples": -1}, ValueError),
        ({"num_samples": 2.5}, TypeError),
        ({"num_samples": 2, "batch_size": 0}, ValueError),
        ({"num_samples": 2, "seed": -1}, ValueError),
        ({"num_samples": 2, "seed": 1.5}, ValueError),
        ({"num_samples": 2, "truncation": 0.0}, ValueError),
        ({"num_samples": 2, "labels": 1}, ValueError),
    ],
)
def test_generate_checks_its_arguments(pictures, arguments, error):
    with pytest.raises(error, match="Received: "):
        pictures.generate(**arguments)


def test_decode_refuses_noise_of_another_size(pictures):
    with pytest.raises(ValueError, match=r"shape \(num_samples, 3\).*\(2, 4\)"):
        pictures.decode(np.zeros((2, 4)))


def test_truncated_noise_stays_within():
    noise = kgan.latent.sample((4000, 2), "normal", seed=0, truncation=0.5)
    assert np.abs(noise).max() <= 0.5
    # The variance of a normal distribution that is cut at half a standard deviation.
    assert noise.std() == pytest.approx(0.2838, rel=0.03)
    uniform = kgan.latent.sample((4000, 2), "uniform", seed=0, truncation=0.5)
    assert 0.45 < np.abs(uniform).max() <= 0.5
    with pytest.raises(ValueError, match="at most 1 for uniform"):
        kgan.latent.sample((2, 2), "uniform", truncation=1.5)


def test_truncation_makes_more_typical_samples():
    model = point_gan()
    wide, narrow = (model.generate(500, seed=0, truncation=t) for t in (None, 0.1))
    assert narrow.std() < 0.5 * wide.std()


def test_generate_and_evaluate_leave_the_training_state(pictures):
    before = state_of(pictures)
    pictures.generate(4, seed=0)
    pictures.generate(4)
    pictures.predict(np.zeros((2, 3), "float32"), verbose=0)
    assert same(before, state_of(pictures))


def test_statistics_move_in_fit_and_never_in_evaluate(pictures):
    statistics = [v for v in pictures.weights if not v.trainable]
    assert len(statistics) == 2 * 1  # one BatchNorm in the generator at 8x8, and none beside it

    def read():
        return [np.array(ops.convert_to_numpy(v)) for v in statistics]

    before, weights = read(), [w for w in pictures.get_weights()]
    pictures.evaluate(images(), verbose=0)
    pictures.generate(4)
    assert same(before, read())
    assert same(weights, pictures.get_weights())
    pictures.fit(images(), verbose=0)
    assert not any(np.array_equal(a, b) for a, b in zip(before, read(), strict=True))


# Averages


@pytest.fixture(scope="module")
def averaged():
    model = point_gan(
        optimizer={
            "discriminator": keras.optimizers.SGD(0.5),
            "generator": keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9),
        }
    )
    model.fit(points(), epochs=3, batch_size=8, verbose=0)
    return model


def averages_of(model):
    pairs = model.optimizer.averages("generator")
    return [ops.convert_to_numpy(average) for _, average in pairs]


def test_average_makes_the_samples_and_training_weights_stay(averaged):
    weights = averaged.get_weights()
    samples = averaged.generate(4, seed=0)
    assert same(weights, averaged.get_weights())

    noise = kgan.latent.sample((4, 3), seed=0)
    raw = ops.convert_to_numpy(averaged.generator(noise))
    assert not np.allclose(samples, raw, rtol=1e-4)
    network, _ = point_networks()
    network.set_weights(averages_of(averaged))
    np.testing.assert_allclose(samples, ops.convert_to_numpy(network(noise)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(averaged.predict(noise, verbose=0), raw, rtol=1e-4, atol=1e-5)


def test_evaluate_plays_with_the_average(averaged):
    weights = averaged.get_weights()
    start = ops.convert_to_numpy(averaged.noise_seed.state).copy()
    logs = averaged.evaluate(points(8), verbose=0, return_dict=True)
    assert same(weights, averaged.get_weights())

    averaged.noise_seed.state.assign(start)
    batch = (ops.convert_to_tensor(points(8)),)
    with averaged.averaged_weights():
        assert same(averages_of(averaged), averaged.generator.get_weights())
        values = {p: number(averaged.play(p, batch, training=False)[0]) for p in averaged.players}
    assert logs["generator_loss"] == pytest.approx(values["generator"], rel=1e-4)
    assert logs["discriminator_loss"] == pytest.approx(values["discriminator"], rel=1e-4)


def test_weights_come_back_after_an_error(averaged):
    weights = averaged.get_weights()
    with pytest.raises(RuntimeError), averaged.averaged_weights():
        raise RuntimeError
    assert same(weights, averaged.get_weights())


def test_new_model_generates_with_its_weights_not_with_an_empty_average():
    optimizer = keras.optimizers.SGD(0.1, use_ema=True)
    model = point_gan(optimizer=optimizer)
    noise = kgan.latent.sample((4, 3), seed=0)
    raw = ops.convert_to_numpy(model.generator(noise))
    np.testing.assert_allclose(model.generate(4, seed=0), raw, rtol=1e-5, atol=1e-6)


def test_averages_are_saved(averaged, tmp_path):
    averaged.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert same(averages_of(averaged), averages_of(loaded))
    assert np.array_equal(averaged.generate(4, seed=0), loaded.generate(4, seed=0))


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="compares on TensorFlow")
def test_average_is_what_is_exported(averaged, tmp_path):
    import tensorflow as tf

    weights = averaged.get_weights()
    averaged.export(tmp_path / "served")
    assert same(weights, averaged.get_weights())
    served = tf.saved_model.load(str(tmp_path / "served"))
    noise = kgan.latent.sample((4, 3), seed=0)
    output = served.signatures["serving_default"](noise=tf.constant(noise))
    (samples,) = output.values()
    np.testing.assert_allclose(samples, averaged.generate(4, seed=0), rtol=1e-4, atol=1e-5)
