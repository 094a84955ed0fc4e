"""Layers that are frozen, players that rest, networks that are replaced."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan

POINTS = kgan.data.ring(64, seed=0)


def network(inputs, outputs):
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            kgan.layers.SpectralNormalization(keras.layers.Dense(8)),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(outputs),
        ]
    )


def model_of(compiled=True, **options):
    keras.utils.set_random_seed(0)
    model = kgan.GAN(network(4, 2), network(2, 1), seed=0, **options)
    if compiled:
        compile(model)
    return model


def compile(model):
    model.compile(
        optimizer=keras.optimizers.Adam(1e-2, weight_decay=0.1, use_ema=True, ema_momentum=0.5)
    )


def fit(model, **options):
    return model.fit(POINTS, batch_size=16, verbose=0, **options)


def weights(layer):
    return [np.array(ops.convert_to_numpy(v)) for v in layer.weights]


def same(one, other):
    return [bool(np.array_equal(a, b)) for a, b in zip(one, other, strict=True)]


def averages(model, layer):
    with model.averaged_weights():
        return weights(layer)


@pytest.mark.parametrize("when", ["before compile", "before fit", "after a fit", "within fit"])
def test_a_frozen_layer_does_not_move_and_the_others_do(when):
    model = model_of(compiled=when != "before compile")
    callbacks = []
    if when == "after a fit":
        fit(model)
    frozen = model.generator.layers[:2]

    def freeze(*args):
        for layer in frozen:
            layer.trainable = False
            before.append(weights(layer))

    before = []
    if when == "within fit":
        callbacks = [
            keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: freeze() if epoch == 1 else None
            )
        ]
    else:
        freeze()
    if when == "before compile":
        compile(model)
    others = weights(model.generator.layers[2]), weights(model.discriminator)
    fit(model, epochs=2, callbacks=callbacks)
    for layer, earlier in zip(frozen, before, strict=True):
        assert all(same(weights(layer), earlier))
        assert all(same(averages(model, layer), earlier))
    assert not any(same(weights(model.generator.layers[2]), others[0]))
    assert not any(same(weights(model.discriminator), others[1]))


def test_a_layer_that_is_released_moves_again():
    model = model_of(compiled=False)
    model.generator.trainable = False
    compile(model)
    fit(model)
    before = weights(model.generator)
    model.generator.trainable = True
    fit(model)
    assert not any(same(weights(model.generator), before))


def test_freezing_another_layer_of_the_same_shapes():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(2, use_bias=False, name=name) for name in "ab"]
    generator = keras.Sequential([keras.Input((2,)), *layers])
    model = kgan.GAN(generator, network(2, 1), seed=0)
    compile(model)
    for frozen, free in (layers, layers[::-1]):
        frozen.trainable, free.trainable = False, True
        before = weights(frozen), weights(free)
        fit(model)
        made = model.generate(5, seed=0)
        assert all(same(weights(frozen), before[0])) and not any(same(weights(free), before[1]))
        assert np.isfinite(made).all()


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_player_rests_while_its_networks_are_frozen(player):
    model = model_of()
    fit(model)
    resting, other = getattr(model, player), ({"generator", "discriminator"} - {player}).pop()
    resting.trainable = False
    before = weights(resting), averages(model, resting), weights(getattr(model, other))
    moves = int(ops.convert_to_numpy(model.optimizer[player].iterations))
    logs = fit(model).history
    assert all(same(weights(resting), before[0])) and all(same(averages(model, resting), before[1]))
    assert int(ops.convert_to_numpy(model.optimizer[player].iterations)) == moves
    assert not all(same(weights(getattr(model, other)), before[2]))
    assert logs[f"{player}_loss"][0] != 0.0
    assert model.gradient_norms((POINTS[:16],))[player] == 0.0
    assert model.batches_seen == 8


def test_all_may_rest():
    model = model_of()
    model.trainable = False
    before = weights(model)
    fit(model)
    assert all(same(weights(model), before))


def test_a_model_with_frozen_layers_is_saved_and_goes_on(tmp_path):
    model = model_of()
    fit(model)
    model.generator.layers[0].trainable = False
    fit(model)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert not loaded.generator.layers[0].trainable
    pairs = [fit(each).history for each in (model, loaded)]
    assert pairs[0] == pairs[1]
    states = [
        weights(each) + [np.array(ops.convert_to_numpy(v)) for v in each.optimizer.variables]
        for each in (model, loaded)
    ]
    assert all(same(*states))


def test_a_replaced_network_names_its_player_and_works_after_compile(tmp_path):
    history, matching = kgan.losses.HistoricalAveraging(0.1), kgan.losses.FeatureMatching()
    model = model_of(historical_averaging=history, feature_matching=matching)
    fit(model)
    made = model.generate(3, seed=0)
    model.discriminator = network(2, 1)
    with pytest.raises(ValueError, match="player 'discriminator' was replaced.*compile again"):
        fit(model)
    with pytest.raises(ValueError, match="Make a new one"):
        model.compile(optimizer=model.optimizer)
    np.testing.assert_array_equal(model.generate(3, seed=0), made)
    compile(model)
    before = weights(model.discriminator), weights(model.generator)
    fit(model)
    assert not any(same(weights(model.discriminator), before[0]))
    assert not any(same(weights(model.generator), before[1]))
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.generate(3, seed=0), model.generate(3, seed=0))
