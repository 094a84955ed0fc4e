import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.layers.constraints import WeightClipping


def values(network):
    return [ops.convert_to_numpy(v) for v in network.trainable_variables]


def largest(network):
    return max(np.abs(value).max() for value in values(network))


def critic(limit, shape=(2,)):
    options = {"normalization": True, "constraint": WeightClipping(limit)}
    if len(shape) == 1:
        return kgan.networks.mlp.discriminator(shape, (16, 16), **options)
    return kgan.networks.dcgan.discriminator(shape, 4, **options)


def game(limit, shape=(2,)):
    generator = kgan.networks.mlp.generator(shape, 2, (16,))
    return kgan.GAN(generator, critic(limit, shape), loss="wasserstein", seed=0)


def data(shape, n=64):
    numbers = np.random.default_rng(0).uniform(-1, 1, (n, *shape))
    return numbers.astype("float32")


def test_weights_are_clipped_on_both_sides():
    clipped = ops.convert_to_numpy(WeightClipping(0.5)(ops.convert_to_tensor([-2.0, -0.1, 0.5, 9])))
    np.testing.assert_allclose(clipped, [-0.5, -0.1, 0.5, 0.5])
    assert WeightClipping().limit == 0.01


@pytest.mark.parametrize("shape", [(2,), (16, 16, 1)])
def test_the_constraint_reaches_every_kernel_bias_and_scale(shape):
    variables = critic(0.1, shape).trainable_variables
    assert {v.name for v in variables} == {"kernel", "bias", "gamma", "beta"}
    assert all(isinstance(v.constraint, WeightClipping) for v in variables)
    generator, discriminator = kgan.networks.standard.pair(
        shape, 3, width=4, units=(8,), constraint=WeightClipping(0.1)
    )
    assert all(v.constraint.limit == 0.1 for v in discriminator.trainable_variables)
    assert all(v.constraint is None for v in generator.trainable_variables)


@pytest.mark.parametrize(
    ("shape", "optimizer"), [((2,), "rmsprop"), ((2,), "adam"), ((16, 16, 1), "sgd")]
)
def test_weights_stay_within_the_bound_in_fit(shape, optimizer):
    model = game(0.02, shape)
    model.compile(optimizer=optimizer)
    assert largest(model.discriminator) > 0.02
    model.fit(data(shape), batch_size=16, epochs=2, verbose=0)
    assert largest(model.discriminator) <= np.float32(0.02)
    # Not by standing still, and the generator is free.
    assert largest(model.discriminator) > 0.0
    assert len({float(abs(v)) for value in values(model.discriminator) for v in value.flat}) > 1
    assert largest(model.generator) > 0.02


def test_a_saved_model_goes_on_clipping(tmp_path):
    model = game(0.02)
    model.compile(optimizer="rmsprop")
    model.fit(data((2,)), batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    kinds = {type(v.constraint) for v in loaded.discriminator.trainable_variables}
    assert kinds == {WeightClipping}
    # A rate that would throw the weights far out at once.
    loaded.optimizer["discriminator"].learning_rate = 1.0
    loaded.fit(data((2,)), batch_size=16, verbose=0)
    assert largest(loaded.discriminator) == np.float32(0.02)


def test_mixed_precision_is_clipped_too():
    keras.config.set_dtype_policy("mixed_float16")
    model = game(0.02)
    model.compile(optimizer="rmsprop")
    model.fit(data((2,)), batch_size=16, epochs=6, verbose=0)
    assert isinstance(model.optimizer["discriminator"], keras.optimizers.LossScaleOptimizer)
    assert largest(model.discriminator) <= np.float32(0.02)


def test_config_round_trip():
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(WeightClipping(0.3))
    )
    assert type(again) is WeightClipping and again.limit == 0.3
    layer = layers.Dense(3, kernel_constraint=WeightClipping(0.3))
    assert type(layer).from_config(layer.get_config()).kernel_constraint.limit == 0.3


def test_a_limit_that_is_none_is_refused():
    for limit in (0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="positive finite.*Received: limit="):
            WeightClipping(limit)
    for limit in ("0.01", None, True):
        with pytest.raises(TypeError, match="positive finite.*Received: limit="):
            WeightClipping(limit)
