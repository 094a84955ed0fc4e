"""Functions of the TensorFlow engine that know nothing of the game."""

import functools

import tensorflow as tf


def added(some, others):
    """Sums of gradients, each of which may be missing or sparse."""
    pairs = [[g for g in pair if g is not None] for pair in zip(some, others)]
    return [
        tf.add_n(list(map(tf.convert_to_tensor, pair))) if len(pair) > 1 else next(iter(pair), None)
        for pair in pairs
    ]


def sometimes(moves, turn, batch):
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
