"""The TensorFlow engine."""

import functools

import tensorflow as tf

from kgan.backend.sharing import sharing
from kgan.backend.tensorflow_functions import added, sometimes


class Engine:
    """Plays the game with `tf.GradientTape`."""

    def train_step(self, data):
        """Every player whose turn it is moves once."""
        batch = self.unpack(data)
        # The data may end inside a step. Noise, counts and the clock do not depend on data, and
        # would advance past the end.
        with tf.control_dependencies(batch):
            batches_seen = self.optimizer.iterations + 1
            drawn, tape = self._draw_shared(batch)
            for name, player in self.players.items():
                turn = functools.partial(self._turn, name, drawn=drawn, tape=tape)
                if player.every == 1:
                    turn(*batch)
                else:
                    sometimes(batches_seen % player.every == 0, turn, batch)
            self.optimizer.iterations.assign_add(1)
            return self._logs()

    def _draw_shared(self, batch):
        """What all turns share, and the tape on which its player's networks made it."""
        if self.shared_by is None:
            return None, None
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in self.moving_variables(self.shared_by)])
            return self(batch, as_drawn=True, training=True), tape

    def _turn(self, name, *batch, drawn=None, tape=None):
        optimizer, variables = self.optimizer[name], self.moving_variables(name)

        def scale(loss):
            # Keras's optimizers add the gradients of the replicas up.
            return optimizer.scale_loss(loss / tf.distribute.get_strategy().num_replicas_in_sync)

        gradients, loss, terms = self._gradients(name, batch, scale, drawn, tape)
        # A variable that a penalty only reads, such as a bias that R1 has no gradient for, could
        # be assigned while the penalty still reads it: TensorFlow's graph optimizer was seen to
        # lose that order. So nothing is applied before the whole loss is known.
        with tf.control_dependencies([loss]):
            gradients = [g if g is None else tf.identity(g) for g in gradients]
        # Keras does nothing where there are none: a player whose networks are frozen rests.
        optimizer.apply(gradients, variables)
        self.track(name, loss, terms, batch)

    def _gradients(self, name, batch, scale, drawn=None, drawing=None):
        values = [variable.value for variable in self.moving_variables(name)]
        through = drawn[:1] if drawn and name == self.shared_by and values else []
        with tf.GradientTape(watch_accessed_variables=False) as tape, sharing(drawn):
            tape.watch([*values, *through])
            loss, terms = self.play(name, batch, training=True)
            scaled = scale(loss)
        gradients = tape.gradient(scaled, [*values, *through])
        if through:
            *gradients, onward = gradients
            gradients = added(gradients, drawing.gradient(*through, values, onward))
        return gradients, loss, terms

    def gradients(self, name, batch):
        """A player's gradients on a batch, without an update: see `gradient_norms`."""
        return self._gradients(name, batch, lambda loss: loss)[0]

    def logits_in_training(self, inputs):
        """The discriminator's logits in training mode: see `training_logits`."""
        return self(inputs, as_discriminator=True, training=True)

    def test_step(self, data):
        """Every player's loss without a move."""
        batch = self.unpack(data)
        with tf.control_dependencies(batch):
            for name in self.players:
                loss, terms = self.play(name, batch, training=False)
                self.track(name, loss, terms, batch)
            return self._logs()

    def skip_step(self, iterator):
        """Draws the batches of a step, in place of `train_function`, and plays none."""
        for _ in range(self.steps_per_execution):
            next(iterator)
        return {}

    def _logs(self):
        logs = self.get_metrics_result()
        if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
            # Keras 3.15 averages the workers' logs along an axis, which scalars do not have.
            logs = {name: tf.expand_dims(value, 0) for name, value in logs.items()}
        return logs

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: networks are built. Keras would spend a batch on `model(x)`."""

    def variable_scope(self):
        """Where this model's variables live: its distribution strategy's scope."""
        return self.distribute_strategy.scope()

    def synchronize(self):
        """Does nothing: variables always hold the state here."""


def input_gradient(function, inputs):
    """The gradient of `sum(function(inputs))` with respect to `inputs`, itself differentiable."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        total = tf.reduce_sum(function(inputs))
    return tape.gradient(total, inputs)


def replica_offset():
    """What to add to a seed so that each replica draws its own noise; 0 on one device."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0
    replica = tf.cast(context.replica_id_in_sync_group, tf.int64)  # the dtype of Keras's seeds
    return tf.stack([replica * 1_000_003, tf.zeros_like(replica)])
