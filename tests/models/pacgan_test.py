"""PacGAN: what its discriminator sees."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan


def logits_of(model, samples):
    return ops.convert_to_numpy(model.discriminator(samples, training=False))


@pytest.mark.parametrize(("pack", "num_packs"), [(1, 7), (2, 4), (3, 3), (8, 1)])
def test_discriminator_takes_packs(pack, num_packs):
    model = kgan.zoo.load("pacgan", like=(8, 8, 3), pack=pack, width=4, seed=0)
    (first,) = [layer for layer in model.discriminator.layers if isinstance(layer, layers.Conv2D)]
    assert first.kernel.shape[2] == 3 * pack
    images = np.random.default_rng(0).uniform(-1, 1, (7, 8, 8, 3)).astype("float32")
    assert logits_of(model, images).shape == (num_packs, 1)


def test_a_logit_depends_on_all_of_its_pack_and_on_no_other():
    model = kgan.zoo.load("pacgan", like=(2,), pack=2, units=(8,), seed=0)
    points = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
    logits = logits_of(model, points)
    for sample in range(6):
        moved = points.copy()
        moved[sample] += 1
        changed = (logits_of(model, moved) != logits)[:, 0]
        assert changed.tolist() == [sample // 2 == pack for pack in range(3)]


def test_discriminator_is_the_plain_one_on_concatenated_samples():
    model = kgan.zoo.load("pacgan", like=(2,), pack=3, units=(8, 4), seed=0)
    plain = kgan.networks.mlp.discriminator((6,), units=(8, 4))
    plain.set_weights(model.discriminator.get_weights())
    points = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
    expected = ops.convert_to_numpy(plain(points.reshape(2, 6)))
    np.testing.assert_allclose(logits_of(model, points), expected, rtol=1e-5, atol=1e-6)


def test_ragged_batch_trains_and_counts():
    model = kgan.zoo.load("pacgan", like=(8, 8, 1), pack=4, width=4, latent_dim=3, seed=0)
    images = np.random.default_rng(0).integers(0, 256, (13, 8, 8, 1), dtype="uint8")
    history = model.fit(images, batch_size=6, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert int(model.optimizer.iterations) == 6


def test_normalization_of_the_discriminator_follows_the_samples():
    def normalized(**options):
        network = kgan.zoo.load("pacgan", **options).discriminator
        return any(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers)

    assert normalized(sample_shape=(16, 16, 1), width=4)
    assert not normalized(sample_shape=(2,), units=(4, 4))
    assert normalized(sample_shape=(2,), units=(4, 4), discriminator_normalization=True)
