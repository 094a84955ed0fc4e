"""Domain transfer: what is frozen, terms in NumPy, who hears what, saving, refusals."""

import pathlib

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.models.domain_transfer import cross_entropy

SIDE = 4


def images(n, channels=1, seed=0):
    shape = (n, SIDE, SIDE, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype="uint8")


def reader(channels=1):
    """An embedding with all that moves by itself: BatchNorm's statistics and dropout."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, channels)),
            layers.Conv2D(3, 2, strides=2),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
        ],
        name="reader",
    )


def dense(taken, made, activation=None):
    """A network of one layer, from samples or codes to samples or logits."""
    size = int(np.prod(made))
    inputs = keras.Input(taken)
    x = layers.Dense(size, activation=activation)(layers.Flatten()(inputs))
    return keras.Model(inputs, layers.Reshape(made)(x))


def make(embedding="reader", direct=False, compile=True, **options):
    embedding = reader() if embedding == "reader" else embedding
    keras.utils.set_random_seed(0)
    shape = (SIDE, SIDE, 1)
    model = kgan.DomainTransfer(
        generator=dense(shape if direct else (12,), shape, "tanh"),
        discriminator=dense(shape, (2,) if direct else (3,)),
        embedding=embedding,
        direct=direct,
        seed=0,
        **options,
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    return model


def seen(network, x):
    """What a reader sees, in NumPy."""
    kernel, bias, gamma, beta, mean, variance = network.get_weights()
    patches = x.reshape(len(x), 2, 2, 2, 2, 1).transpose(0, 1, 3, 2, 4, 5)
    codes = (
        np.einsum("nijkl,klc->nijc", patches.reshape(len(x), 2, 2, 2, 2), kernel[:, :, 0]) + bias
    )
    codes = gamma * (codes - mean) / np.sqrt(variance + 1e-3) + beta
    return codes.reshape(len(x), -1)


def applied(network, x):
    """A network of one layer, in NumPy."""
    kernel, bias = network.get_weights()
    return x.reshape(len(x), -1) @ kernel + bias


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def variation(x):
    right, below = x[:, :-1, 1:] - x[:, :-1, :-1], x[:, 1:, :-1] - x[:, :-1, :-1]
    return np.hypot(right, below).mean()


def terms_in_numpy(model, source, target, weights):
    """L_D and L_G of section 4, written out."""

    def translated(x):
        return np.tanh(applied(model.generator, seen(model.embedding, x))).reshape(x.shape)

    def told(x, kind):
        return -log_softmax(applied(model.discriminator, x))[:, kind].mean()

    made, remade = translated(source), translated(target)
    moved = np.square(seen(model.embedding, source) - seen(model.embedding, made))
    alpha, beta, gamma = weights
    return {
        "discriminator_from_source": told(made, 0),
        "discriminator_from_target": told(remade, 1),
        "discriminator_real": told(target, 2),
        "generator_adversarial": told(made, 2) + told(remade, 2),
        "generator_constancy": alpha * moved.mean(),
        "generator_identity": beta * np.square(target - remade).mean(),
        "generator_variation": gamma * (variation(made) + variation(remade)),
    }


def settled(network):
    """A reader whose statistics are not those of a new layer."""
    random = np.random.default_rng(3)
    network.set_weights(
        [w + random.uniform(0.1, 0.5, w.shape).astype("float32") for w in network.get_weights()]
    )
    return network


def test_terms_are_those_of_the_paper():
    weights = (2.0, 3.0, 0.5)
    names = ("constancy_weight", "identity_weight", "variation_weight")
    model = make(settled(reader()), **dict(zip(names, weights)))
    source, target = images(6), images(6, seed=1)
    logs = model.evaluate(source, target, batch_size=6, verbose=0, return_dict=True)
    wanted = terms_in_numpy(model, source / 127.5 - 1, target / 127.5 - 1, weights)
    for name, value in wanted.items():
        assert logs[name] == pytest.approx(value, rel=1e-4, abs=1e-5), name
    # And the same in training mode: nothing of these networks but the reader has one.
    logs = model.fit(source, target, batch_size=6, shuffle=False, verbose=0).history
    assert logs["discriminator_from_source"][0] == pytest.approx(
        wanted["discriminator_from_source"], rel=1e-4
    )
    assert logs["generator_constancy"][0] == pytest.approx(wanted["generator_constancy"], rel=1e-4)


def test_cross_entropy_of_a_discriminator_that_knows_nothing():
    for num_kinds in (2, 3):
        value = float(cross_entropy(ops.zeros((5, 2, 2, num_kinds)), -1))
        assert value == pytest.approx(np.log(num_kinds), rel=1e-6)


def test_the_embedding_never_moves_and_is_the_users_no_more():
    mine = settled(reader())
    before = [w.copy() for w in mine.get_weights()]
    model = make(mine)
    model.fit(images(32), images(24, seed=1), batch_size=8, epochs=2, verbose=0)
    for one, other in zip(before, model.embedding.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # Theirs is free to be trained on, which the model does not notice.
    assert mine.trainable and all(layer.trainable for layer in mine.layers)
    mine.set_weights([w + 1 for w in before])
    for one, other in zip(before, model.embedding.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    ours = {id(v) for variables in model.player_variables.values() for v in variables}
    assert ours.isdisjoint(id(v) for v in model.embedding.weights)


def test_other_networks_train_in_training_mode_beside_a_frozen_one():
    """Keras holds a call's `training=False` for all that follow it."""
    model = make()
    with_statistics = keras.Sequential([model.generator, layers.BatchNormalization()])
    model.generator = keras.Model(with_statistics.inputs, with_statistics.outputs)
    model.compile(optimizer="sgd")
    moving = model.generator.layers[-1].moving_mean
    before = ops.convert_to_numpy(moving).copy()
    model.fit(images(8), images(8, seed=1), verbose=0)
    assert not np.array_equal(before, ops.convert_to_numpy(moving))


def test_the_generator_hears_through_the_embedding():
    """With constancy alone, what the embedding sees comes nearer to what it saw."""
    model = make(settled(reader()), constancy_weight=100.0, identity_weight=0.0)
    model.compile({"discriminator": keras.optimizers.SGD(0.0), "generator": "adam"})
    model.optimizer["generator"].learning_rate = 0.02
    source, target = images(64), images(64, seed=1)
    logs = model.fit(source, target, batch_size=16, epochs=30, verbose=0).history
    assert logs["generator_constancy"][-1] < 0.3 * logs["generator_constancy"][0]


@pytest.mark.parametrize("embedding", [None, "reader"])
def test_direct_is_the_plain_game_and_constancy_where_there_is_an_embedding(embedding):
    model = make(embedding, direct=True, constancy_weight=2.0)
    source, target = images(6), images(6, seed=1)
    logs = model.evaluate(source, target, batch_size=6, verbose=0, return_dict=True)
    x, real = source / 127.5 - 1, target / 127.5 - 1
    made = np.tanh(applied(model.generator, x)).reshape(x.shape)
    logits = {name: applied(model.discriminator, y) for name, y in (("made", made), ("real", real))}
    # Two logits are one: a softmax of two is a sigmoid of their difference.
    ahead = {name: each[:, 1] - each[:, 0] for name, each in logits.items()}
    for name, value in {
        "discriminator_real": -ahead["real"],
        "discriminator_from_source": ahead["made"],
        "generator_adversarial": -ahead["made"],
    }.items():
        assert logs[name] == pytest.approx(np.log1p(np.exp(value)).mean(), rel=1e-4), name
    terms = model.players["generator"].terms
    assert terms == (("adversarial",) if embedding is None else ("adversarial", "constancy"))
    if embedding:
        moved = np.square(seen(model.embedding, x) - seen(model.embedding, made)).mean()
        assert logs["generator_constancy"] == pytest.approx(2.0 * moved, rel=1e-4)
    shown = model.discriminator_logits((source, real.astype("float32")), made.astype("float32"))
    for side, name in zip(shown, ("real", "made"), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(side)[:, 0], ahead[name], atol=1e-4)


def test_images_of_another_size_and_in_grey_are_brought_to_the_embedding():
    inputs = keras.Input((8, 8, 3))
    mean = keras.Model(inputs, layers.GlobalAveragePooling2D()(inputs))
    keras.utils.set_random_seed(0)
    model = kgan.DomainTransfer(
        generator=dense((3,), (SIDE, SIDE, 1), "tanh"),
        discriminator=dense((SIDE, SIDE, 1), (3,)),
        embedding=mean,
        source=kgan.data.Images((16, 16, 3)),
    )
    coloured = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(model.seen(ops.convert_to_tensor(coloured))),
        coloured.mean((1, 2)),
        atol=0.05,
    )
    grey = ops.full((2, SIDE, SIDE, 1), 0.5)
    np.testing.assert_allclose(ops.convert_to_numpy(model.seen(grey)), np.full((2, 3), 0.5), 1e-5)
    assert model.fields[0].shape == (16, 16, 3) and model.fields[1].shape == (SIDE, SIDE, 1)


def test_a_users_embedding_is_in_the_file_and_training_resumes(tmp_path):
    model = make(settled(reader()))
    source, target = images(32), images(24, seed=1)
    model.fit(source, target, batch_size=8, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for one, other in zip(model.embedding.get_weights(), loaded.embedding.get_weights()):
        np.testing.assert_array_equal(one, other)
    assert not loaded.embedding.trainable
    for each in (model, loaded):
        each.fit(source, target, batch_size=8, epochs=2, initial_epoch=1, verbose=0)
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.translate(source), loaded.translate(source))


def test_load_takes_a_path_and_keeps_the_weights_without_compiling(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(5)])
    mine.save("mine.keras")
    options = {"like": (8, 8, 1), "width": 4, "seed": 0}
    for embedding in (mine, "mine.keras"):
        model = kgan.zoo.load(
            "domain_transfer", embedding=embedding, compile=embedding is mine, **options
        )
        for one, other in zip(model.embedding.get_weights(), mine.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    assert pathlib.Path("mine.keras").is_file() and model.generator.input_shape == (None, 5)


def test_what_does_not_fit_is_refused():
    flat = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    sees_five = dense((SIDE, SIDE, 1), (5,))
    any_size = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 2)])
    for error, words, options in (
        (ValueError, "needs an embedding.*train_extractor.*Received: embedding=None", [None]),
        (TypeError, "functional or Sequential.*type int", [3]),
        (TypeError, "functional or Sequential", [layers.Dense(2)]),
        (ValueError, "one output of a fixed size", [any_size]),
        (ValueError, "must see samples of both kinds.*of \\(3,\\) and a target", [flat]),
        (ValueError, "The generator must read", [sees_five]),
    ):
        with pytest.raises(error, match=words):
            make(*options)
    with pytest.raises(ValueError, match="must see samples of both kinds.*source of"):
        make(reader(channels=3), source=kgan.data.Images((SIDE, SIDE, 4)))
    with pytest.raises(ValueError, match="its logits is 3"):
        kgan.DomainTransfer(
            dense((12,), (SIDE, SIDE, 1)), dense((SIDE, SIDE, 1), (1,)), embedding=reader()
        )
    with pytest.raises(ValueError, match="constancy_weight"):
        make(constancy_weight=-1.0)
    with pytest.raises(ValueError, match="needs an embedding"):
        kgan.zoo.load("domain_transfer", like=(8, 8, 1), width=4)
    with pytest.raises(ValueError, match="no such file"):
        kgan.zoo.load("domain_transfer", like=(8, 8, 1), embedding="nowhere.keras")
