"""Learning-rate schedules against their closed form, and in an optimizer."""

import keras
import numpy as np
import pytest
from keras import ops

from kgan.game.schedules import ConstantThenLinear, get


def rates(schedule, steps):
    return [float(ops.convert_to_numpy(schedule(ops.convert_to_tensor(step)))) for step in steps]


def test_the_rate_is_constant_and_then_a_straight_line_to_zero():
    schedule = ConstantThenLinear(0.2, constant_steps=10, decay_steps=20)
    steps = [0, 9, 10, 11, 20, 29, 30, 1000]
    expected = [0.2, 0.2, 0.2, 0.19, 0.1, 0.01, 0.0, 0.0]
    np.testing.assert_allclose(rates(schedule, steps), expected, rtol=1e-6, atol=1e-9)


def test_an_optimizer_follows_it():
    optimizer = keras.optimizers.SGD(ConstantThenLinear(1.0, constant_steps=1, decay_steps=4))
    variable = keras.Variable(0.0)
    optimizer.build([variable])
    places = []
    for _ in range(7):
        optimizer.apply([ops.ones(())], [variable])
        places.append(float(ops.convert_to_numpy(variable)))
    np.testing.assert_allclose(-np.diff([0.0, *places]), [1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0])


def test_config_makes_it_again():
    schedule = ConstantThenLinear(3e-4, constant_steps=0, decay_steps=7)
    optimizer = keras.optimizers.Adam(schedule)
    config = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(config)._learning_rate
    assert isinstance(again, ConstantThenLinear)
    assert again.get_config() == schedule.get_config()


def test_wrong_numbers_are_refused():
    for arguments in ((-1.0, 1, 1), (1.0, -1, 1), (1.0, 1, 0)):
        with pytest.raises(ValueError, match="Received: "):
            ConstantThenLinear(*arguments)
    with pytest.raises(ValueError, match="both numbers of steps"):
        get(1e-3, constant_steps=5)
    assert get(1e-3) == 1e-3
