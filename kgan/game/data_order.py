"""The order of the data: named from what is saved, so that a resumed run sees the same batches."""

import keras
import numpy as np
from keras import ops

from kgan.data.two_collections import orders


class DataOrder(keras.random.SeedGenerator):
    """Where the order of a model's data comes from: a seed, which is saved with the model.

    While an epoch runs, `begun` holds its number and the clock at its beginning.
    """

    begun: tuple[int, int] | None = None

    def key(self, batches_seen):
        """What seeds the order of the epoch that begins after so many batches."""
        seed = ops.convert_to_numpy(self.state).astype("uint32")
        return [*seed.tolist(), int(batches_seen)]


class EpochOrder(keras.callbacks.Callback):
    """Shuffles the samples of each epoch by the model's `DataOrder` and its clock.

    Args:
        lengths: list of integers, how many samples each field has.
        paired: boolean, whether sample `i` of one belongs to sample `i` of the others.
        variants: list of integers, in how many ways a sample of each can be read: see
            `kgan.data.augmented`. Defaults to one way.
    """

    def __init__(self, lengths, paired, variants=(1,)):
        super().__init__()
        if paired and len(set(variants) - {1}) > 1:
            raise ValueError(
                "Pairs are mirrored and cropped as one. Expected the same of all fields that are "
                f"augmented. Received: {tuple(variants)} variants"
            )
        self._shuffle = _Shuffle(lengths, paired, variants)

    def on_epoch_begin(self, epoch, logs=None):
        """Reads the seed."""
        # Read here and not when the data begins to flow: JAX has taken the state away by then.
        self._shuffle.key = self.model.order.key(self.model.order.begun[1])

    @property
    def permutation(self):
        """A function that returns the order of the epoch that has begun.

        It knows nothing of the model: TensorFlow keeps what a dataset calls as long as the process
        lasts.
        """
        return self._shuffle.permutation


class _Shuffle:
    def __init__(self, lengths, paired, variants):
        self.lengths = lengths
        self.paired = paired
        self.variants = variants
        self.key = None

    def permutation(self):
        generator = np.random.default_rng(self.key)
        lengths, variants = np.array(self.lengths), np.array(self.variants)
        if self.paired:
            # A pair is mirrored as one.
            order, lengths, variants = generator.permutation(lengths[0]), lengths[0], max(variants)
        else:
            order = orders(self.lengths, generator)
        if np.max(variants) == 1:
            return order
        return order + lengths * generator.integers(variants, size=order.shape)
