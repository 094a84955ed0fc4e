"""SNGAN: how steep its discriminator gets."""

import numpy as np
import pytest
from keras import ops

import kgan


@pytest.mark.parametrize("lipschitz", [1.0, 3.0])
def test_discriminator_is_no_steeper_than_asked(lipschitz):
    model = kgan.zoo.load("sngan", like=(2,), units=(16, 16), lipschitz=lipschitz, seed=0)
    points = np.random.default_rng(0).normal(size=(400, 2)).astype("float32")
    for _ in range(50):  # each call in training moves the power iteration
        model.discriminator(points[:1], training=True)
    logits = ops.convert_to_numpy(model.discriminator(points, training=False))[:, 0]
    slopes = np.abs(np.diff(logits)) / np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert 0.01 * lipschitz < slopes.max() <= 1.001 * lipschitz


def test_logits_are_multiplied():
    plain = kgan.zoo.load("sngan", like=(2,), units=(8,), seed=0).discriminator
    scaled = kgan.zoo.load("sngan", like=(2,), units=(8,), lipschitz=5.0, seed=0).discriminator
    scaled.set_weights(plain.get_weights())
    points = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(scaled(points)), 5 * ops.convert_to_numpy(plain(points)), rtol=1e-5
    )
