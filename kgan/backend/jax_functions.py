"""What JAX compiles, and when it does so again."""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import jax
import keras

from kgan.backend import keras_internals
from kgan.backend.jax_layers import hasten


class Compiled:
    """The part of the JAX engine that compiles."""

    def __setattr__(self, name: str, value: Any) -> None:
        if keras_internals.is_state_of_a_step(name):
            # Set after each step, and no state to save: Keras would wrap each list anew.
            vars(self)[name] = value
        else:
            super().__setattr__(name, value)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles as Keras does, and takes the quicker form of each convolution."""
        hasten(keras_internals.all_layers(self))
        super().compile(*args, **kwargs)

    def make_train_function(self, force: bool = False) -> None:
        """Compiles the step."""
        if force or self.train_function is None:
            # JAX goes on with what it traced of a method, although the model may differ since.
            self.train_step = functools.partial(type(self).train_step, self)
        super().make_train_function(force)

    def make_test_function(self, force: bool = False) -> None:
        """Compiles the step of `evaluate`."""
        if force or self.test_function is None:
            self.test_step = functools.partial(type(self).test_step, self)
        super().make_test_function(force)

    def _symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: networks are built. Keras would spend a batch on a layer that is not."""

    def pure(self, name: str, function: Callable[..., Any], inputs: Any) -> Any:
        """A function of (variables, values, inputs), compiled once for what moves now.

        Operation by operation, JAX would compile hundreds of programs.
        """
        optimizer = self.optimizer.variables if self.optimizer else []
        everything = self.variables + self.metrics_variables + optimizer
        variables = list({id(variable): variable for variable in everything}.values())
        moving = self.moving_signature() if self.optimizer else ()
        key = (moving, *map(id, variables))
        # Past Keras, which tracks what is set as an attribute.
        compiled = vars(self).setdefault("_pure_functions", {})
        if compiled.get(name, (None,))[0] != key:
            compiled[name] = (key, jax.jit(functools.partial(function, variables)))
        return compiled[name][1]([variable.value for variable in variables], inputs)


def stepped(optimizer, state, gradients, weights):
    """Weights and an optimizer's state after a step: frozen weights have `None` for a gradient."""
    if all(gradient is None for gradient in gradients):
        return weights, state  # a player that rests
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gradients do not exist")
        return optimizer.stateless_apply(state, gradients, weights)


def places(variables, wanted):
    """Where each of the wanted variables is among others."""
    position = {id(variable): i for i, variable in enumerate(variables)}
    return [position[id(variable)] for variable in wanted]


def regroup(values, groups):
    """Values in lists as long as the groups."""
    values = iter(values)
    return tuple([next(values) for _ in group] for group in groups)


def gradients_through(loss_of, weights, drawn, pull):
    """Gradients of a loss of weights and of what they drew, by the pullback of drawing."""

    def loss(weights, made):
        return loss_of(weights, (made, *drawn[1:]))

    (own, made), values = jax.grad(loss, (0, 1), has_aux=True)(weights, drawn[0])
    (others,) = pull(made)
    return [one + other for one, other in zip(own, others)], values


def replaced(values, places, others):
    """A copy of a list with others at some places."""
    values = list(values)
    for place, value in zip(places, others):
        values[place] = value
    return values


def shared_out(batch):
    """A batch that a step drew, shared out among the devices as batches of data are.

    XLA shares out what depends on data, and noise depends on none: without this each device of a
    `keras.distribution` would make the whole generated batch.
    """
    distribution = keras.distribution.distribution()
    if distribution is None or not isinstance(batch, jax.core.Tracer):
        return batch
    if batch.shape[0] % distribution.num_model_replicas:
        return batch
    return keras.distribution.distribute_tensor(batch, distribution.get_data_layout(batch.shape))
