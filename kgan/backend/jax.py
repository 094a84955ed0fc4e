"""The JAX engine."""

import contextlib

import jax
import keras

_scopes = []  # (variables, scope) of the running turn, innermost last


@contextlib.contextmanager
def _scope(variables, values):
    """A `StatelessScope` in which each of the variables has its value."""
    with keras.StatelessScope(state_mapping=zip(variables, values)) as scope:
        _scopes.append((variables, scope))
        try:
            yield scope
        finally:
            _scopes.pop()


class Engine:
    """Plays the game as a pure function of the state, with `jax.grad`."""

    def train_step(self, state, data):
        """Every player whose turn it is moves once; returns the logs and the next state."""
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        variables = [variable for group in groups for variable in group]
        values = [value for group in state for value in group]
        batch = self.unpack(data)
        position = {id(variable): i for i, variable in enumerate(variables)}
        clock = position[id(self.optimizer.iterations)]
        for name, player in self.players.items():

            def turn(values, name=name):
                return self._turn(name, batch, variables, position, values)

            if player.every == 1:
                values = turn(values)
            else:
                moves = (values[clock] + 1) % player.every == 0
                values = jax.lax.cond(moves, turn, lambda values: values, values)
        values[clock] = values[clock] + 1
        return self._logs(variables, values), _regroup(values, groups)

    def _turn(self, name, batch, variables, position, values):
        optimizer = self.optimizer[name]
        movers = [position[id(variable)] for variable in self.player_variables[name]]

        def loss_of(weights):
            state = list(values)
            for i, weight in zip(movers, weights):
                state[i] = weight
            with _scope(variables, state) as scope:
                loss, terms = self.play(name, batch, training=True)
                scaled = optimizer.scale_loss(loss)
                self.track(name, loss, terms, batch)
            return scaled, [scope.get_current_value(v) for v in variables]

        weights = [values[i] for i in movers]
        gradients, values = jax.grad(loss_of, has_aux=True)(weights)
        inner = [position[id(variable)] for variable in optimizer.variables]
        weights, state = optimizer.stateless_apply([values[i] for i in inner], gradients, weights)
        for i, value in zip(movers + inner, [*weights, *state]):
            values[i] = value
        return values

    def test_step(self, state, data):
        """Every player's loss without a move; returns the logs and the next state."""
        groups = (self.trainable_variables, self.non_trainable_variables, self.metrics_variables)
        variables = [variable for group in groups for variable in group]
        values = [value for group in state for value in group]
        with _scope(variables, values) as scope:
            batch = self.unpack(data)
            for name in self.players:
                loss, terms = self.play(name, batch, training=False)
                self.track(name, loss, terms, batch)
        values = [scope.get_current_value(v) for v in variables]
        return self._logs(variables, values), _regroup(values, groups)

    def _logs(self, variables, values):
        with keras.StatelessScope(state_mapping=zip(variables, values)):
            return self.get_metrics_result()

    def variable_scope(self):
        """Where this model's variables live: `keras.distribution` places them by itself."""
        return contextlib.nullcontext()

    def synchronize(self):
        """Puts the state of a running `fit` back into the variables."""
        if getattr(self, "_jax_state", None):
            self.jax_state_sync()


def _regroup(values, groups):
    values = iter(values)
    return tuple([next(values) for _ in group] for group in groups)


def input_gradient(function, inputs):
    """The gradient of `sum(function(inputs))` with respect to `inputs`, itself differentiable."""
    variables, outer = _scopes[-1] if _scopes else ((), None)

    def total(inputs):
        # Scopes do not nest, and what layers write in here must not leave this trace.
        with _scope(variables, [outer.get_current_value(v) for v in variables]):
            return keras.ops.sum(function(inputs))

    return jax.grad(total)(inputs)


def replica_offset():
    """What to add to a seed so that each replica draws its own noise: one program here."""
    return 0
