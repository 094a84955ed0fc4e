"""Gradients of weights, taken from one step of a game: the way they are taken in `fit`."""

import keras
import numpy as np
from keras import ops

import kgan
from kgan.data import of_shape


class Descent(kgan.AdversarialModel):
    """One player that lowers `cost(network, x)`."""

    players = {"player": kgan.Player(networks=("network",), terms=("cost",))}

    def __init__(self, network, cost, shape, extra=None, **kwargs):
        super().__init__(seed=0, **kwargs)
        self.network = network
        self.extra = extra  # a layer that `cost` uses, so that its state is tracked
        self.cost = cost
        self.shape = shape
        self.built = True

    @property
    def fields(self):
        return (of_shape(self.shape),)

    def player_loss(self, x):
        return {"cost": self.cost(self.network, x)}


def descend(network, cost, x, extra=None, steps=1, learning_rate=1.0):
    """Plays `steps` steps of plain descent on the whole of `x`; returns the cost of each."""
    game = Descent(network, cost, x.shape[1:], extra)
    game.compile(keras.optimizers.SGD(learning_rate))
    history = game.fit(
        x.astype("float32"), batch_size=len(x), epochs=steps, shuffle=False, verbose=0
    )
    game.synchronize()
    return history.history["player_cost"]


def gradients(network, cost, x, extra=None):
    """The gradient of `cost(network, x)` for each trainable variable, in their order."""
    before = [array(v) for v in network.trainable_variables]
    descend(network, cost, x, extra)
    return [b - array(v) for b, v in zip(before, network.trainable_variables)]


def array(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def reloaded(layer, inputs, tmp_path):
    """A functional model of this layer, and the same saved and loaded."""
    symbolic = keras.Input(inputs.shape[1:], dtype=str(inputs.dtype))
    model = keras.Model(symbolic, layer(symbolic))
    model.save(tmp_path / "model.keras")
    return model, keras.models.load_model(tmp_path / "model.keras")
