import numpy as np
import pytest
from keras import ops

import kgan


def arrays(network):
    return [ops.convert_to_numpy(weight) for weight in network.weights]


def test_equal_models_give_all_and_training_begins_at_step_0():
    points = kgan.data.ring(128, seed=0)
    source = kgan.zoo.load("vanilla", like=points, generator_units=(8,), discriminator_units=(8,))
    source.fit(points, verbose=0)
    model = kgan.zoo.load("vanilla", like=points, generator_units=(8,), discriminator_units=(8,))
    taken = kgan.zoo.take_weights(model, source)
    assert taken.taken == taken.total and taken.left == {}
    for mine, its in zip(arrays(model.generator), arrays(source.generator), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert model.batches_seen == 0 and source.batches_seen == 2


def test_what_does_not_fit_stays_fresh_and_is_named():
    source = kgan.zoo.load("dcgan", image_shape=(8, 8, 1), width=4)
    model = kgan.zoo.load("dcgan", image_shape=(8, 8, 3), width=4)
    before = arrays(model.generator)
    taken = kgan.zoo.take_weights(model, source)
    after = arrays(model.generator)
    # All but the layer that makes colours, the last.
    np.testing.assert_array_equal(after[-1], before[-1])
    np.testing.assert_array_equal(after[-2], before[-2])
    np.testing.assert_array_equal(after[0], arrays(source.generator)[0])
    assert [len(layers) for layers in taken.left.values()] == [1, 1]
    assert "5x5x3x4" in str(taken) and "discriminator" in str(taken)
    fresh = [w for n in (model.generator, model.discriminator) for w in n.weights]
    assert taken.total == sum(int(np.prod(weight.shape)) for weight in fresh)


def test_averages_are_taken_and_begin_again():
    points = kgan.data.ring(256, seed=0)
    options = {"like": points, "units": (8,), "ema_momentum": 0.5}
    source = kgan.zoo.load("r3gan", **options)
    source.fit(points, batch_size=64, verbose=0)
    with source.averaged_weights():
        averages = arrays(source.generator)
    assert np.abs(averages[0] - arrays(source.generator)[0]).max() > 0
    model = kgan.zoo.load("r3gan", **options)
    kgan.zoo.take_weights(model, source)
    np.testing.assert_array_equal(arrays(model.generator)[0], averages[0])
    with model.averaged_weights():
        np.testing.assert_array_equal(arrays(model.generator)[0], averages[0])


def test_a_model_of_which_nothing_fits_is_refused():
    source = kgan.zoo.load("vanilla", like=(2,), generator_units=(8,), discriminator_units=(8,))
    model = kgan.zoo.load("dcgan", image_shape=(8, 8, 1), width=4)
    before = arrays(model.generator)
    with pytest.raises(ValueError, match="above all the same width"):
        kgan.zoo.take_weights(model, source)
    np.testing.assert_array_equal(arrays(model.generator)[0], before[0])
