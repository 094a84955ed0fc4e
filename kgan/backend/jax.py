"""The JAX engine."""

import contextlib

import jax
import keras

from kgan.backend.jax_functions import Compiled, places, regroup
from kgan.backend.jax_turns import Turns
from kgan.backend.scopes import running, scope_of


class Engine(Turns, Compiled):
    """Plays the game as a pure function of the state, with `jax.grad`."""

    def train_step(self, state, data):
        """Every player whose turn it is moves once; returns the logs and the next state."""
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        variables, values = sum(groups, []), sum(map(list, state), [])
        batch = self.unpack(data)
        (clock,) = places(variables, [self.optimizer.iterations])
        drawn, pull, values = self._draw_shared(batch, variables, values)
        for name, player in self.players.items():

            def turn(values, name=name):
                return self._turn(name, batch, variables, values, drawn, pull)

            if player.every == 1:
                values = turn(values)
            else:
                moves = (values[clock] + 1) % player.every == 0
                values = jax.lax.cond(moves, turn, lambda values: values, values)
        values[clock] = values[clock] + 1
        return self._logs(variables, values), regroup(values, groups)

    def gradients(self, name, batch):
        """A player's gradients on a batch, without an update: see `gradient_norms`."""

        def gradients(variables, values, batch):
            return self._gradients(name, batch, variables, values, lambda loss: loss)[0]

        return self.pure(name, gradients, batch)

    def logits_in_training(self, inputs):
        """The discriminator's logits in training mode, without a change: see `training_logits`."""

        def logits(variables, values, inputs):
            with scope_of(variables, values):
                return self(inputs, as_discriminator=True, training=True)

        return self.pure("logits", logits, inputs)

    def test_step(self, state, data):
        """Every player's loss without a move; returns the logs and the next state."""
        groups = (self.trainable_variables, self.non_trainable_variables, self.metrics_variables)
        variables, values = sum(groups, []), sum(map(list, state), [])
        with scope_of(variables, values) as scope:
            batch = self.unpack(data)
            for name in self.players:
                loss, terms = self.play(name, batch, training=False)
                self.track(name, loss, terms, batch)
        values = [scope.get_current_value(v) for v in variables]
        return self._logs(variables, values), regroup(values, groups)

    def skip_step(self, state, iterator):
        """Draws the batches of a step, in place of `train_function`, and plays none."""
        for _ in range(self.steps_per_execution):
            next(iterator)
        return {}, state

    def _logs(self, variables, values):
        with keras.StatelessScope(state_mapping=zip(variables, values)):
            return self.get_metrics_result()

    def variable_scope(self):
        """Where this model's variables live: `keras.distribution` places them automatically."""
        return contextlib.nullcontext()

    def synchronize(self):
        """Puts the state of a running `fit` back into the variables."""
        self.jax_state_sync()


def input_gradient(function, inputs):
    """The gradient of `sum(function(inputs))` with respect to `inputs`, itself differentiable."""
    variables, outer = running[-1] if running else ((), None)

    def total(inputs):
        # Scopes do not nest, and what layers write in here must not leave this trace.
        with scope_of(variables, [outer.get_current_value(v) for v in variables]):
            return keras.ops.sum(function(inputs))

    return jax.grad(total)(inputs)


def replica_offset():
    """What to add to a seed so that each replica draws its own noise: one program here."""
    return 0
