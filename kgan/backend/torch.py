"""The PyTorch engine."""

import contextlib

import torch

from kgan.backend.sharing import sharing


class Engine:
    """Plays the game with `torch.autograd`."""

    def train_step(self, data):
        """Every player whose turn it is moves once."""
        batch = self.unpack(data)
        clock = self.optimizer.iterations
        # Its graph is kept until the turn of the player that made it.
        drawn = None if self.shared_by is None else self(batch, as_drawn=True, training=True)
        for name, player in self.players.items():
            # Reading the clock waits for the device, so only games that need it do.
            if player.every == 1 or (int(clock) + 1) % player.every == 0:
                with sharing(drawn):
                    self._turn(name, batch)
        clock.assign_add(1)
        return self.get_metrics_result()

    def _turn(self, name, batch):
        optimizer, variables = self.optimizer[name], self.moving_variables(name)
        gradients, loss, terms = self._gradients(name, batch, optimizer.scale_loss)
        with torch.no_grad():
            # Keras does nothing where there are none: a player whose networks are frozen rests.
            optimizer.apply(gradients, variables)
            self.track(name, loss, terms, batch)

    def _gradients(self, name, batch, scale):
        loss, terms = self.play(name, batch, training=True)
        # Gradients of this player's variables alone: nothing is left behind on the others.
        weights = [variable.value for variable in self.moving_variables(name)]
        scaled = scale(loss)
        gradients = torch.autograd.grad(scaled, weights, allow_unused=True) if weights else ()
        return list(gradients), loss, terms

    def gradients(self, name, batch):
        """A player's gradients on a batch, without an update: see `gradient_norms`."""
        return self._gradients(name, batch, lambda loss: loss)[0]

    def logits_in_training(self, inputs):
        """The discriminator's logits in training mode: see `training_logits`."""
        return self(inputs, as_discriminator=True, training=True)

    def test_step(self, data):
        """Every player's loss without a move."""
        batch = self.unpack(data)
        for name in self.players:
            loss, terms = self.play(name, batch, training=False)
            self.track(name, loss, terms, batch)
        return self.get_metrics_result()

    def skip_step(self, data):
        """Takes the batch of a step, in place of `train_function`, and does not play it."""
        return {}

    def _symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: networks are built. Keras would spend a batch on a layer that is not."""

    def variable_scope(self):
        """Where this model's variables live: nowhere special here."""
        return contextlib.nullcontext()

    def synchronize(self):
        """Does nothing: variables always hold the state here."""


def input_gradient(function, inputs):
    """The gradient of `sum(function(inputs))` with respect to `inputs`, itself differentiable."""
    with torch.enable_grad():  # penalties are evaluated too, under no_grad
        if not inputs.requires_grad:
            inputs = inputs.detach().requires_grad_(True)
        total = function(inputs).sum()
        return torch.autograd.grad(total, inputs, create_graph=True)[0]


def replica_offset():
    """What to add to a seed so that each replica draws its own noise: one replica here."""
    return 0
