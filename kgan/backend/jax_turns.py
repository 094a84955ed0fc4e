"""A turn on JAX: a pure function from the values of all variables to those after it."""

import jax

from kgan.backend.jax_functions import gradients_through, places, replaced, stepped
from kgan.backend.scopes import scope_of
from kgan.backend.sharing import sharing


class Turns:
    """The part of the JAX engine that plays one player's turn."""

    def _draw_shared(self, batch, variables, values):
        """What all turns share, its pullback to its player's networks, and the values after it."""
        if self.shared_by is None:
            return None, None, values
        movers = places(variables, self.moving_variables(self.shared_by))

        def draw(weights):
            with scope_of(variables, replaced(values, movers, weights)) as scope:
                made, *rest = self(batch, as_drawn=True, training=True)
            return made, (rest, [scope.get_current_value(v) for v in variables])

        made, pull, (rest, values) = jax.vjp(draw, [values[i] for i in movers], has_aux=True)
        return (made, *rest), pull, values

    def _turn(self, name, batch, variables, values, drawn, pull):
        optimizer = self.optimizer[name]
        gradients, values = self._gradients(
            name, batch, variables, values, optimizer.scale_loss, drawn, pull
        )
        given = dict(zip(map(id, self.moving_variables(name)), gradients))
        gradients = [given.get(id(variable)) for variable in self.player_variables[name]]
        movers = places(variables, self.player_variables[name])
        inner = places(variables, optimizer.variables)
        weights, state = stepped(
            optimizer, [values[i] for i in inner], gradients, [values[i] for i in movers]
        )
        for i, value in zip(movers + inner, [*weights, *state]):
            values[i] = value
        return values

    def _gradients(self, name, batch, variables, values, scale, drawn=None, pull=None):
        movers = places(variables, self.moving_variables(name))

        def loss_of(weights, drawn):
            with scope_of(variables, replaced(values, movers, weights)) as scope, sharing(drawn):
                loss, terms = self.play(name, batch, training=True)
                scaled = scale(loss)
                self.track(name, loss, terms, batch)
            return scaled, [scope.get_current_value(v) for v in variables]

        weights = [values[i] for i in movers]
        if drawn is not None and name == self.shared_by:
            return gradients_through(loss_of, weights, drawn, pull)
        return jax.grad(loss_of, has_aux=True)(weights, drawn)
