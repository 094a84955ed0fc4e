"""The VAE-GAN: who hears what, terms in closed form, refusals."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import autoencoders, mlp


def make(discriminator=None, **options):
    keras.utils.set_random_seed(0)
    model = kgan.VAEGAN(
        autoencoders.encoder((2,), 3, units=(8,)),
        mlp.generator((2,), 3, units=(8,)),
        mlp.discriminator((2,), units=(8, 4)) if discriminator is None else discriminator,
        seed=0,
        **options,
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    return model


def points(n=16):
    return np.random.default_rng(0).normal(size=(n, 2)).astype("float32")


def without_spread(model):
    """Codes without noise, so that terms have one value."""
    layer = model.encoder.get_layer("log_variance")
    layer.set_weights([np.zeros_like(layer.kernel), np.full(3, -40.0)])


def numpy_of(x):
    return ops.convert_to_numpy(x)


def features(model, x):
    """The discriminator's second hidden layer, before its activation, in NumPy."""
    first, second, _ = [layer for layer in model.discriminator.layers if hasattr(layer, "kernel")]
    hidden = x @ numpy_of(first.kernel) + numpy_of(first.bias)
    hidden = np.where(hidden > 0, hidden, 0.2 * hidden)
    return hidden @ numpy_of(second.kernel) + numpy_of(second.bias)


def test_similarity_is_the_squared_distance_summed_over_features():
    model, x = make(similarity_weight=0.5), points()
    without_spread(model)
    made = model.reconstruct(x)
    distance = 0.5 * np.square(features(model, x) - features(model, made)).sum(axis=1).mean()
    logs = model.evaluate(x, batch_size=16, verbose=0, return_dict=True)
    assert logs["encoder_similarity"] == pytest.approx(distance, rel=1e-4)
    assert logs["decoder_similarity"] == pytest.approx(0.5 * distance, rel=1e-4)


def test_features_are_compared_after_their_batchnorm_where_there_is_one():
    """So that their scale, and with it the divergence's part, is not that of the first weights."""
    judge = kgan.networks.dcgan.discriminator((28, 28, 1), width=4)
    model = kgan.VAEGAN(
        autoencoders.encoder((28, 28, 1), 3, units=(8,)),
        kgan.networks.dcgan.generator((28, 28, 1), 3, width=4),
        judge,
    )
    (normalization,) = [x for x in judge.layers if isinstance(x, keras.layers.BatchNormalization)]
    x = np.random.default_rng(0).uniform(-1, 1, (16, 28, 28, 1)).astype("float32")
    before, features = (
        numpy_of(keras.Model(judge.input, tensor)(x, training=True))
        for tensor in (normalization.input, normalization.output)
    )
    assert before.std() < 0.1 and features.std() == pytest.approx(1.0, abs=0.2)
    seen = model._readers["features_and_logits"](x, training=True)[0]
    np.testing.assert_allclose(numpy_of(seen), features, atol=1e-4)


def test_encoder_hears_nothing_of_the_adversarial_game():
    """Whatever the weight of its likeness, a decoder's game changes no encoder."""
    by_loss = {}
    for loss in ("non_saturating", "least_squares"):
        model = make(loss=loss)
        model.decoder.trainable = model.discriminator.trainable = True
        logs = model.evaluate(points(), batch_size=16, verbose=0, return_dict=True)
        by_loss[loss] = {name: logs[name] for name in logs if name.startswith("encoder")}
    assert by_loss["non_saturating"] == by_loss["least_squares"]


def test_discriminator_hears_nothing_of_the_similarity():
    first, second = make(similarity_weight=0.0), make(similarity_weight=9.0)
    for model in (first, second):
        model.fit(points(), batch_size=16, verbose=0, shuffle=False)
    for one, other in zip(first.encoder.get_weights(), second.encoder.get_weights()):
        np.testing.assert_array_equal(one, other)
    differ = [
        not np.array_equal(one, other)
        for one, other in zip(first.decoder.get_weights(), second.decoder.get_weights())
    ]
    assert any(differ)


def test_discriminators_term_counts_samples_once_and_both_kinds_of_fakes():
    zero = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(4),
            keras.layers.Dense(1, kernel_initializer="zeros"),
        ]
    )
    model = make(discriminator=zero)
    logs = model.evaluate(points(), batch_size=16, verbose=0, return_dict=True)
    assert logs["discriminator_adversarial"] == pytest.approx(3 * np.log(2), rel=1e-5)
    assert logs["decoder_adversarial"] == pytest.approx(2 * np.log(2), rel=1e-5)


def test_with_features_that_are_the_samples_it_learns_to_give_them_back():
    same = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(2, kernel_initializer="identity"),
            keras.layers.Dense(1, kernel_initializer="zeros"),
        ]
    )
    model, ring = make(discriminator=same, divergence_weight=1e-3), kgan.data.ring(2000, seed=0)
    still, moving = keras.optimizers.SGD(0.0), keras.optimizers.Adam(1e-2)
    model.compile(
        {"encoder": moving, "decoder": keras.optimizers.Adam(1e-2), "discriminator": still}
    )
    model.similarity_weight = 1.0
    before = np.square(model.reconstruct(ring) - ring).sum(axis=1).mean()
    model.fit(ring, epochs=10, verbose=0)
    assert np.square(model.reconstruct(ring) - ring).sum(axis=1).mean() < 0.2 * before
    assert model.generate(5, seed=0).shape == (5, 2)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="no halves"):
        make(loss="relativistic_pairing")
    with pytest.raises(ValueError, match="no layer 'other'"):
        make(similarity_layer="other")
    with pytest.raises(ValueError, match="similarity_layer"):
        make(discriminator=keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    with pytest.raises(ValueError, match="what the decoder makes"):
        make(discriminator=mlp.discriminator((3,), units=(8, 4)))
    with pytest.raises(ValueError, match="similarity_weight"):
        make(similarity_weight=-1.0)
