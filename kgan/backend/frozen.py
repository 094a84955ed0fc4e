"""Networks that a model reads and no player moves."""

import keras


def frozen_copy(network):
    """A functional or Sequential `keras.Model` as it is now, whose weights are not trained.

    A copy, since a user may train theirs on, and finds it as free as it was.
    """
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy


def freeze(networks):
    """Freezes networks where they are: nothing moves their weights and statistics from now on.

    Args:
        networks: list of `keras.Model`.
    """
    for network in networks:
        network.trainable = False
