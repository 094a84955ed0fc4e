"""The TensorFlow engine."""

import functools

import tensorflow as tf


class Engine:
    """Plays the game with `tf.GradientTape`."""

    def train_step(self, data):
        """Every player whose turn it is moves once."""
        batch = self.unpack(data)
        # The data may end inside a step. Noise, counts and the clock do not depend on data, and
        # would advance past the end.
        with tf.control_dependencies(batch):
            batches_seen = self.optimizer.iterations + 1
            for name, player in self.players.items():
                turn = functools.partial(self._turn, name)
                if player.every == 1:
                    turn(*batch)
                else:
                    _sometimes(batches_seen % player.every == 0, turn, batch)
            self.optimizer.iterations.assign_add(1)
            return self._logs()

    def _turn(self, name, *batch):
        optimizer, variables = self.optimizer[name], self.moving_variables(name)

        def scale(loss):
            # Keras's optimizers add the gradients of the replicas up.
            return optimizer.scale_loss(loss / tf.distribute.get_strategy().num_replicas_in_sync)

        gradients, loss, terms = self._gradients(name, batch, scale)
        # A variable that a penalty only reads, such as a bias that R1 has no gradient for, could
        # be assigned while the penalty still reads it: TensorFlow's graph optimizer was seen to
        # lose that order. So nothing is applied before the whole loss is known.
        with tf.control_dependencies([loss]):
            gradients = [g if g is None else tf.identity(g) for g in gradients]
        # Keras does nothing where there are none: a player whose networks are frozen rests.
        optimizer.apply(gradients, variables)
        self.track(name, loss, terms, batch)

    def _gradients(self, name, batch, scale):
        variables = self.moving_variables(name)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            loss, terms = self.play(name, batch, training=True)
            scaled = scale(loss)
        return tape.gradient(scaled, [variable.value for variable in variables]), loss, terms

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


def _sometimes(moves, turn, batch):
    """Plays `turn(*batch)` if `moves`, in a way that every strategy supports."""
    strategy_allows = tf.__internal__.distribute.strategy_supports_no_merge_call()
    if not tf.distribute.has_strategy() or strategy_allows:
        tf.cond(moves, lambda: turn(*batch), lambda: None)
        return

    # An optimizer's step synchronises replicas, which a branch inside a replica may not do:
    # leave the replicas, choose once, and enter them again.
    def choose(strategy, moves, *batch):
        local = strategy.experimental_local_results(moves)[0]
        play = functools.partial(strategy.extended.call_for_each_replica, turn, args=batch)

        def move():
            play()

        tf.cond(local, move, lambda: None)

    tf.distribute.get_replica_context().merge_call(choose, args=(moves, *batch))


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
