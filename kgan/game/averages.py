"""Which weights are used: those that train, or their moving averages."""

import contextlib

import numpy as np
from keras import ops


@contextlib.contextmanager
def kept(variables):
    """Gives variables, at the end of this context, the values that they have now.

    Args:
        variables: list of `keras.Variable`.
    """
    # Copies, because JAX's predict gives away the buffers of what it reads.
    values = [np.array(ops.convert_to_numpy(variable)) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values):
            variable.assign(value)


class Averages:
    """The moving averages of a model's weights, which its optimizers keep.

    Args:
        model: a `kgan.AdversarialModel`.
    """

    def __init__(self, model):
        self._model = model
        self._is_settled = False  # whether an outer context has chosen the weights

    def pairs(self):
        """A list of (variable, average), empty where no optimizer keeps an average.

        A layer that is frozen is its own average, beside others that go on to move. While a whole
        player rests, its averages stay as they are.
        """
        optimizer = getattr(self._model, "optimizer", None)
        pairs = []
        for player in self._model.players if optimizer else ():
            moving = {id(variable) for variable in self._model.moving_variables(player)}
            pairs += [
                (variable, average)
                for variable, average in optimizer.averages(player)
                if not moving or id(variable) in moving
            ]
        return pairs

    def restart(self):
        """Lets the averages begin again, at the weights as they are."""
        optimizer = getattr(self._model, "optimizer", None)
        for player in self._model.players if optimizer else ():
            for variable, average in optimizer.averages(player):
                average.assign(variable)

    @contextlib.contextmanager
    def averaged(self):
        """Within this context, weights that have an average take its value."""
        with self._model.between_steps():
            pairs = [] if self._is_settled else self.pairs()
            if not pairs:
                yield
                return
            with kept([variable for variable, _ in pairs]), self.raw():
                for variable, average in pairs:
                    variable.assign(np.array(ops.convert_to_numpy(average)))
                yield

    @contextlib.contextmanager
    def raw(self):
        """Within this context, `averaged` changes nothing."""
        with self._model.between_steps():
            before, self._is_settled = self._is_settled, True
            try:
                yield
            finally:
                self._is_settled = before
