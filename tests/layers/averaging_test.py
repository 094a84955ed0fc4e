import keras
import numpy as np
import pytest
from descent import Descent, array, descend
from keras import ops

from kgan.layers import HistoricalAverage


def network_of(value):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.layers[0].kernel.assign([[value], [2 * value]])
    network.layers[0].bias.assign([-value])
    return network


def recomputed(theta, steps, rate, weight):
    """NumPy's plain descent on `sum(theta) + weight * |theta - mean of past|^2`."""
    past, costs = [], []
    for _ in range(steps):
        distance = theta - np.mean(past, axis=0) if past else 0.0 * theta
        costs.append(theta.sum() + weight * np.sum(distance**2))
        past.append(theta)
        theta = theta - rate * (1.0 + 2.0 * weight * distance)
    return costs, theta, np.mean(past, axis=0)


def test_term_gradient_and_mean_are_numpys_over_four_steps():
    network, average = network_of(1.5), HistoricalAverage()
    average.build_for(network.trainable_variables)

    def cost(network, x):
        variables = network.trainable_variables
        return sum(ops.sum(v) for v in variables) + 0.3 * average(variables)

    theta = np.array([1.5, 3.0, -1.5])
    costs, theta, mean = recomputed(theta, steps=4, rate=0.5, weight=0.3)
    received = descend(network, cost, np.zeros((2, 2)), average, steps=4, learning_rate=0.5)
    np.testing.assert_allclose(received, costs, rtol=1e-5)
    values = [array(v).ravel() for v in network.trainable_variables]
    np.testing.assert_allclose(np.concatenate(values), theta, rtol=1e-5)
    means = [array(v).ravel() for v in average.means]
    np.testing.assert_allclose(np.concatenate(means), mean, rtol=1e-5)
    assert int(array(average.count)) == 4


def test_evaluation_moves_nothing():
    network, average = network_of(1.0), HistoricalAverage()
    average.build_for(network.trainable_variables)
    game = Descent(network, lambda net, x: average(net.trainable_variables), (2,), average)
    game.compile("sgd")
    game.evaluate(np.zeros((4, 2), "float32"), verbose=0)
    assert int(array(average.count)) == 0
    average(network.trainable_variables, training=True)
    network.layers[0].kernel.assign_add([[3.0], [0.0]])
    for _ in range(2):
        assert float(array(average(network.trainable_variables, training=False))) == 9.0
    assert int(array(average.count)) == 1


def test_means_are_the_layers_only_weights_and_float32():
    keras.config.set_dtype_policy("mixed_float16")
    network, average = network_of(1.0), HistoricalAverage()
    average.build_for(network.trainable_variables)
    assert average.trainable_variables == []
    assert [tuple(w.shape) for w in average.weights] == [(2, 1), (1,), ()]
    # 1 + 2^-12 is no float16.
    network.layers[0].bias.assign([1.0])
    average(network.trainable_variables, training=True)
    network.layers[0].bias.assign([1.0 + 2**-12])
    assert float(array(average(network.trainable_variables))) == 2**-24


def test_other_variables_are_refused():
    average = HistoricalAverage()
    variables = network_of(1.0).trainable_variables
    with pytest.raises(ValueError, match="build_for"):
        average(variables)
    average.build_for(variables)
    with pytest.raises(ValueError, match="1 variables"):
        average(variables[:1])
