"""Both turns of a step on one batch of generated samples: another order of play."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan


def numbers(values):
    return [ops.convert_to_numpy(value) for value in values]


def linear(inputs, outputs, name):
    x = keras.Input((inputs,))
    return keras.Model(x, layers.Dense(outputs)(x), name=name)


def trained(model, *data, epochs=1, **options):
    model.fit(*data, batch_size=8, epochs=epochs, verbose=0, **options)
    return model


def test_a_step_by_hand():
    """One noise; the discriminator moves first, and the generator answers the one that moved."""
    model = kgan.GAN(
        linear(3, 2, "generator"), linear(2, 1, "discriminator"), shared_draws=True, seed=5
    )
    model.compile(optimizer=keras.optimizers.SGD(0.5))
    twin = kgan.GAN(linear(3, 2, "generator"), linear(2, 1, "discriminator"), seed=5)
    (z,) = numbers([twin._draw(8)])
    w, b = (x.astype("float64") for x in numbers(model.generator.weights))
    v, c = (x.astype("float64") for x in numbers(model.discriminator.weights))
    x = np.random.default_rng(0).normal(size=(8, 2))

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    fake = z @ w + b
    on_real, on_fake = sigmoid(x @ v + c) - 1, sigmoid(fake @ v + c)  # of the mean of softplus
    v, c = (
        v - 0.5 * (x.T @ on_real + fake.T @ on_fake) / 8,
        c - 0.5 * (on_real + on_fake).mean(0),
    )
    back = ((sigmoid(fake @ v + c) - 1) @ v.T) / 8
    w, b = w - 0.5 * z.T @ back, b - 0.5 * back.sum(0)

    trained(model, x.astype("float32"), shuffle=False)
    found = numbers(model.generator.weights + model.discriminator.weights)
    for weight, expected in zip(found, (w, b, v, c), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=2e-5, atol=1e-6)


def points_gan(**parts):
    def make(shared):
        networks = kgan.networks.mlp
        return kgan.GAN(
            networks.generator((2,), 3, (6,), normalization=True),
            networks.discriminator((2,), (6,)),
            shared_draws=shared,
            seed=0,
            **parts,
        )

    return make


def zoo_model(name, **options):
    def make(shared):
        like = kgan.data.load("digits", labels=True)
        like = like if name == "conditional" else like[0]
        return kgan.zoo.load(name, like=like, width=2, seed=0, shared_draws=shared, **options)

    return make


MODELS = {
    "feature matching": points_gan(feature_matching=kgan.losses.FeatureMatching()),
    # The generator's loss depends on its weights beside on what it made.
    "historical averaging": points_gan(historical_averaging=kgan.losses.HistoricalAveraging(0.5)),
    "penalty": points_gan(penalties=(kgan.losses.R1(1.0),)),
    "dcgan": zoo_model("dcgan"),
    # An embedding has sparse gradients on TensorFlow.
    "conditional": zoo_model("conditional"),
    "r3gan": zoo_model("r3gan"),
}


def data_of(model):
    images, labels = kgan.data.load("digits", labels=True)
    if model.fields[0].shape == (2,):
        return (kgan.data.toys.ring(16, seed=0),)
    return (images[:16], labels[:16])[: len(model.fields)]


@pytest.mark.parametrize("name", MODELS)
def test_where_both_noises_are_one_sharing_changes_nothing(name, monkeypatch):
    found = []
    for shared in (False, True):
        keras.utils.set_random_seed(3)
        model = MODELS[name](shared)
        model.compile(optimizer=keras.optimizers.SGD(0.05))
        noise = np.random.default_rng(1).normal(size=(8, *model.latent_shape)).astype("float32")
        monkeypatch.setattr(model, "_draw", lambda n, noise=noise: ops.convert_to_tensor(noise))
        before = numbers(model.trainable_variables)
        trained(model, *data_of(model), epochs=2)
        found.append(numbers(model.trainable_variables))
    assert all(np.abs(one - other).max() > 0 for one, other in zip(before, found[1]))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("shared", "draws"), [(False, 4), (True, 2)])
def test_noise_is_drawn_once_in_a_step(shared, draws):
    model, twin = MODELS["penalty"](shared), MODELS["penalty"](shared)
    model.compile(optimizer=keras.optimizers.SGD(0.05))
    trained(model, *data_of(model))  # two steps
    for _ in range(draws):
        twin._draw(8)
    np.testing.assert_array_equal(*numbers([model._draw(2), twin._draw(2)]))


def test_saved_and_resumed_is_as_in_one_go(tmp_path):
    images, weights = kgan.data.load("digits")[:24], []
    for stop in (False, True):
        keras.utils.set_random_seed(0)
        model = zoo_model("dcgan", ema_momentum=0.9)(True)
        if stop:
            trained(model, images).save(tmp_path / "model.keras")
            model = keras.saving.load_model(tmp_path / "model.keras")
            assert model.shared_draws
        trained(model, images, epochs=3, initial_epoch=int(stop))
        weights.append(numbers(model.variables + model.optimizer.variables))
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_more_moves_of_the_discriminator_have_draws_of_their_own():
    with pytest.raises(ValueError, match="discriminator_steps=1"):
        kgan.zoo.load("dcgan", like=(8, 8, 1), width=2, shared_draws=True, discriminator_steps=2)


def test_captions_share_what_was_made_of_them():
    images, labels = kgan.data.load("digits", labels=True)
    captions = [f"a {label}" for label in labels]
    model = kgan.zoo.load("text_to_image", like=(images, captions), width=2, seed=0)
    config = model.get_config()
    assert config["shared_draws"] is False
    model.shared_draws = True
    before = numbers(model.trainable_variables)
    trained(model, images[:16], captions[:16])
    after = numbers(model.trainable_variables)
    moved = [np.abs(one - other).max() > 0 for one, other in zip(before, after)]
    assert np.mean(moved) > 0.9


def test_evaluation_draws_for_each_player():
    model = MODELS["penalty"](True)
    model.compile(optimizer="sgd")
    logs = model.evaluate(*data_of(model), batch_size=8, verbose=0, return_dict=True)
    assert np.isfinite(list(logs.values())).all()
