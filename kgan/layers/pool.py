"""A buffer of past samples, so that a discriminator does not see the newest ones alone."""

from typing import Any

import keras
from keras import layers, ops

from kgan.backend.seeds import SeedGenerator
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class HistoryPool(layers.Layer):
    """Returns past samples about half of the time, and stores the new ones instead.

    Use this between a generator and its discriminator: the discriminator then also sees samples
    from earlier generators, which keeps the two from oscillating.

    Until the pool is full, each sample is stored and returned. Later a sample is, with
    probability 1/2, stored in place of a random earlier one, which is returned instead;
    otherwise it is returned and not stored. Samples of one batch take different places, so each
    value is returned at most as often as it was given. What a batch holds beyond the free places
    of a pool that is filling, or beyond `size`, is returned as it is and not stored. In inference
    mode the input is returned and the pool does not change. No gradient flows through what was
    stored.

    The pool is part of the saved state. Under a `tf.distribute` strategy all replicas read one
    pool and the first replica's samples are what it keeps.

    Reference: Shrivastava et al. 2017, "Learning from Simulated and Unsupervised Images through
    Adversarial Training", section 2.3; in the form of Zhu et al. 2017, "Unpaired Image-to-Image
    Translation using Cycle-Consistent Adversarial Networks", section 4.

    Args:
        size: integer of at least 1, how many samples it holds. Defaults to 50.
        seed: integer that seeds the choices. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.layers.Layer`. Samples are stored in float32
            unless `dtype` says otherwise, under mixed precision too.

    Input shape: (batch, ...), all axes but the batch known.

    Output shape: the same.

    Raises:
        ValueError: when `size` is below 1, or the shape of a sample is not known.

    Example:

    ```python
    import keras
    import kgan

    pool = kgan.layers.HistoryPool(size=2, seed=0)
    first = keras.random.normal((2, 8, 8, 1))
    same = pool(first, training=True)  # fills the pool
    mixed = pool(keras.random.normal((2, 8, 8, 1)), training=True)  # about half are old
    ```
    """

    def __init__(self, size: int = 50, seed: int | None = None, **kwargs: Any) -> None:
        # Not the global dtype policy: samples must be returned exactly as they were stored.
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.size = check_count("size", size)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        """Makes the pool for samples of one shape."""
        shape = tuple(input_shape[1:])
        if None in shape:
            raise ValueError(
                "A pool keeps samples of one shape, so all axes but the batch must be known. Give "
                "the network before it a fixed input shape. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        options = {
            "initializer": "zeros",
            "trainable": False,
            "autocast": False,
            # Replicas see different samples: a mean of their pools would hold none of them.
            "aggregation": "only_first_replica",
        }
        self.pool = self.add_weight(shape=(self.size, *shape), name="pool", **options)
        self.count = self.add_weight(shape=(), dtype="int", name="count", **options)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Returns the samples, some of them exchanged for earlier ones while training."""
        if not training:
            return inputs
        pool = ops.convert_to_tensor(self.pool)
        count = ops.cast(self.count, "int32")
        samples = ops.stop_gradient(ops.cast(inputs, pool.dtype))
        num_samples = ops.shape(inputs)[0]  # a tensor where it is not known
        is_full = count >= self.size
        # The j-th sample's place is place_of[j], and the i-th place's sample is sample_of[i]:
        # both ways are gathered, since scattering would write a different number each time.
        places = ops.arange(self.size, dtype="int32")
        uniform = keras.random.uniform((2, self.size), seed=self.seed_generator)
        place_of = ops.cast(ops.argsort(uniform[0]), "int32")
        sample_of = ops.where(
            is_full, ops.cast(ops.argsort(place_of), "int32"), places - count
        )  # (size,)
        changes = ops.logical_and(sample_of >= 0, sample_of < num_samples)
        is_chosen = uniform[1] < 0.5  # a coin flip for each place
        changes = ops.logical_and(changes, ops.logical_or(ops.logical_not(is_full), is_chosen))
        nearest = ops.clip(sample_of, 0, num_samples - 1)
        new_pool = ops.where(self._wide(changes), ops.take(samples, nearest, axis=0), pool)

        indices = ops.arange(num_samples, dtype="int32")
        place = ops.take(place_of, ops.minimum(indices, self.size - 1))  # (batch,)
        is_old = ops.logical_and(is_full, indices < self.size)
        is_old = ops.logical_and(is_old, ops.take(is_chosen, place))
        old = ops.stop_gradient(ops.cast(ops.take(pool, place, axis=0), inputs.dtype))
        outputs = ops.where(self._wide(is_old), old, inputs)

        self.pool.assign(new_pool)
        self.count.assign(ops.cast(ops.minimum(count + num_samples, self.size), self.count.dtype))
        return outputs

    def _wide(self, condition):
        """A condition per sample, in a shape that broadcasts to the samples."""
        return ops.reshape(condition, (-1, *(1 for _ in self.pool.shape[1:])))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return tuple(input_shape)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "size": self.size, "seed": self.seed}
