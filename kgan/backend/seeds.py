"""Random seeds that the replicas of a distribution strategy do not share."""

import keras

from kgan.utils.hints import Tensor


@keras.saving.register_keras_serializable(package="kgan")
class SeedGenerator(keras.random.SeedGenerator):
    """Give every replica of a distribution strategy its own stream of random seeds.

    Use it for every noise source of a model: latent noise, interpolation weights, pools. With
    the seed generator of Keras all replicas of a `tf.distribute` strategy draw the same numbers,
    so that eight replicas train on one eighth of the noise. Outside a strategy the two agree bit
    for bit.

    Make it a tracked attribute of the model or layer, or its state is not saved with the model.

    Args:
        seed: integer, the seed of the stream. Default `None`: a random seed.
        name: name of the state variable. Default `None`: a generated name.

    Raises:
        ValueError: if `seed` is neither an integer nor `None`.

    Example:
    ```python
    import keras
    from kgan.backend.seeds import SeedGenerator

    seed_generator = SeedGenerator(seed=0)
    noise = keras.random.normal((16, 100), seed=seed_generator)
    ```
    """

    def next(self, ordered: bool = True) -> Tensor:
        """Return the next seed, shifted by the current replica, and advance the state.

        Args:
            ordered: whether consecutive seeds count up (default) or jump.

        Returns:
            An integer tensor of shape `(2,)`.
        """
        # Imported here: the engines of kgan.backend may themselves need this module.
        from kgan.backend import replica_offset

        seed = super().next(ordered)
        offset = replica_offset()
        if isinstance(offset, int) and offset == 0:
            return seed
        return seed + offset
