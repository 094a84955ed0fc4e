import itertools

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.catalog import registry
from kgan.game.optimizers import PlayerOptimizers

PLAYERS = ["discriminator", "generator"]


def small(**options):
    options = {"latent_dim": 2, "generator_units": (4,), "discriminator_units": (4,), **options}
    return kgan.zoo.load("vanilla", like=(2,), dropout=0.0, seed=0, **options)


def points(n=16):
    return kgan.data.toys.ring(n, seed=0)


def number(variable):
    return float(ops.convert_to_numpy(variable))


def test_one_optimizer_is_copied_for_each_player():
    template = keras.optimizers.Adam(3e-4, beta_1=0.0)
    optimizers = PlayerOptimizers.for_players(template, PLAYERS)
    first, second = optimizers.optimizers
    assert first is not second and first is not template
    for optimizer in (first, second):
        assert number(optimizer.learning_rate) == pytest.approx(3e-4)
        assert optimizer.beta_1 == 0.0
    assert [o.name for o in optimizers.optimizers] == PLAYERS


@pytest.mark.parametrize("given", ["sgd", {"class_name": "SGD", "config": {}}])
def test_names_and_configs_are_taken(given):
    optimizers = PlayerOptimizers.for_players(given, PLAYERS)
    # On torch, Keras has subclasses of its own.
    assert all(isinstance(o, keras.optimizers.SGD) for o in optimizers.optimizers)
    assert len(optimizers.optimizers) == 2


def test_order_is_that_of_the_players():
    optimizers = PlayerOptimizers.for_players(
        {"generator": "sgd", "discriminator": "adam"}, PLAYERS
    )
    assert isinstance(optimizers["discriminator"], keras.optimizers.Adam)
    assert optimizers.optimizers[0] is optimizers["discriminator"]


def test_missing_and_misspelt_players_are_named():
    with pytest.raises(ValueError) as error:
        PlayerOptimizers.for_players({"discriminator": "sgd", "genrator": "sgd"}, PLAYERS)
    for part in (
        "Missing: ['generator']",
        "Unknown: ['genrator']",
        "'genrator' looks like 'generator'",
        "Received: optimizer with keys ['discriminator', 'genrator']",
    ):
        assert part in str(error.value)


def test_no_optimizer_is_refused():
    with pytest.raises(ValueError, match="can't be compiled without optimizers"):
        small().compile()


def test_shared_instance_is_refused():
    shared = keras.optimizers.SGD()
    with pytest.raises(ValueError, match="same optimizer instance"):
        PlayerOptimizers.for_players({name: shared for name in PLAYERS}, PLAYERS)


def test_players_must_be_a_dict():
    with pytest.raises(TypeError, match="one optimizer per player, as a dict"):
        PlayerOptimizers(["adam", "adam"])


def test_overwriting_averages_are_refused():
    overwriting = keras.optimizers.SGD(use_ema=True, ema_overwrite_frequency=2)
    with pytest.raises(ValueError, match="ema_overwrite_frequency"):
        PlayerOptimizers({"generator": overwriting})


def test_there_is_no_common_learning_rate():
    optimizer = small().optimizer
    with pytest.raises(AttributeError, match="one learning rate per player"):
        _ = optimizer.learning_rate
    with pytest.raises(AttributeError, match="Received: learning_rate=0.1"):
        optimizer.learning_rate = 0.1


def test_it_does_not_step_itself():
    with pytest.raises(ValueError, match="PlayerOptimizers can't step"):
        small().optimizer.apply([])


def test_state_exists_before_the_first_step_and_holds_everything_once():
    model = small()
    ids = [id(v) for v in model.optimizer.variables]
    assert len(ids) == len(set(ids))
    for optimizer in model.optimizer.optimizers:
        assert optimizer.built
        assert {id(v) for v in optimizer.variables} <= set(ids)
    # The clock, then per player: iterations, learning rate, and Adam's two moments.
    assert len(ids) == 1 + 2 * 2 + 2 * len(model.trainable_variables)
    model.fit(points(), verbose=0)
    assert [id(v) for v in model.optimizer.variables] == ids


def test_each_optimizer_holds_its_own_players_variables():
    model = small()
    for player in PLAYERS:
        held = {id(v) for v in model.optimizer[player]._trainable_variables}
        assert held == {id(v) for v in getattr(model, player).trainable_variables}


def test_config_makes_an_equal_one():
    config = small().optimizer.get_config()
    again = PlayerOptimizers.from_config(config)
    assert again.get_config() == config
    assert list(again._players) == PLAYERS


def test_schedules_and_clipping_stay_the_players_own():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    model = small()
    model.compile(
        optimizer={
            "discriminator": keras.optimizers.SGD(schedule),
            "generator": keras.optimizers.SGD(0.1, clipnorm=1e-3),
        }
    )
    before = [np.array(v) for v in model.get_weights()]
    model.fit(points(), batch_size=16, verbose=0)
    assert number(model.optimizer["discriminator"].learning_rate) == pytest.approx(0.05)
    moves = [np.abs(a - b).max() for a, b in zip(before, model.get_weights(), strict=True)]
    limited = [id(v) in {id(w) for w in model.generator.weights} for v in model.weights]
    assert (
        max(m for m, clipped in zip(moves, limited, strict=True) if clipped) <= 0.1 * 1e-3 * 1.001
    )
    assert max(m for m, clipped in zip(moves, limited, strict=True) if not clipped) > 1e-3


def test_stock_callbacks_reach_each_players_rate():
    model = small()
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=0, min_delta=1e9)
    logs = model.fit(points(), epochs=2, verbose=0, callbacks=[scheduler, plateau]).history
    for player in PLAYERS:
        assert logs[f"learning_rate_{player}"] == pytest.approx([1e-4, 0.5e-4], rel=1e-5)
        # The first epoch sets the best loss, the second is no better.
        assert number(model.optimizer[player].learning_rate) == pytest.approx(0.5e-5, rel=1e-5)


def test_averages_pair_weights_with_their_average():
    model = small()
    model.compile(
        optimizer={
            "discriminator": "sgd",
            "generator": keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5),
        }
    )
    assert model.optimizer.averages("generator") == []
    one_batch = points()[:16]
    model.fit(one_batch, batch_size=16, verbose=0)
    pairs = model.optimizer.averages("generator")
    assert [id(v) for v, _ in pairs] == [id(v) for v in model.generator.trainable_variables]
    assert model.optimizer.averages("discriminator") == []
    first = [np.array(ops.convert_to_numpy(v)) for v, _ in pairs]
    for (_, average), weight in zip(pairs, first, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(average), weight)
    model.fit(one_batch, batch_size=16, verbose=0)
    for (variable, average), begun in zip(pairs, first, strict=True):
        expected = 0.5 * begun + 0.5 * ops.convert_to_numpy(variable)
        np.testing.assert_allclose(ops.convert_to_numpy(average), expected, rtol=1e-5, atol=1e-7)


def test_float16_gives_each_player_its_own_loss_scale():
    keras.config.set_dtype_policy("mixed_float16")
    model = small()
    assert not isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    first, second = model.optimizer.optimizers
    assert isinstance(first, keras.optimizers.LossScaleOptimizer)
    assert first.dynamic_scale is not second.dynamic_scale


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_a_learning_rate_that_can_not_train_is_refused(rate):
    with pytest.raises(ValueError, match="learning_rate of player 'generator'"):
        small().compile(optimizer={"discriminator": "sgd", "generator": keras.optimizers.SGD(rate)})
    schedule = keras.optimizers.schedules.CosineDecay(rate, 10)
    with pytest.raises(ValueError, match="learning_rate of player 'discriminator'"):
        small().compile(optimizer=keras.optimizers.Adam(schedule))


@pytest.mark.parametrize("name", kgan.zoo.list_models())
def test_every_model_refuses_such_rates(name):
    rates = [each for each in registry.options_of(name) if each.endswith("learning_rate")]
    assert rates
    for option, value in itertools.product(rates, (-1.0, 0.0, float("nan"), float("inf"))):
        with pytest.raises(ValueError, match=f"`{option}` must be a finite number above 0"):
            kgan.zoo.load(name, **{option: value})


def test_rates_that_begin_or_end_at_zero_pass(tmp_path):
    warm = keras.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=1e-3, warmup_steps=5)
    model = small()
    model.compile(optimizer=keras.optimizers.SGD(warm))
    model.compile(optimizer=keras.optimizers.SGD(1e-3))
    model.optimizer["generator"].learning_rate = 0.0
    model.save(tmp_path / "m.keras")
    keras.saving.load_model(tmp_path / "m.keras")
