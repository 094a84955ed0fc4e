"""Batches of arrays, in an order that the caller gives for each epoch."""

import keras
import numpy as np

from kgan.data.lazy_arrays import is_on_demand, rows_of
from kgan.data.shuffled_batches import ShuffledBatches
from kgan.data.two_collections import unshuffled


def shuffled_batches(arrays, batch_size, permutation=None, paired=True):
    """Batches of arrays, the input of one `fit` or `evaluate`.

    Keras's own shuffling can't be resumed: in a new process, epoch 3 gets the order of
    epoch 0. Here the order is whatever `permutation` answers when an epoch begins.

    Args:
        arrays: tuple of NumPy arrays or `kgan.data.LazyArray`, of equal length where they are
            paired. What is on disk, mapped files too, is read a batch at a time, one ahead.
        batch_size: integer. A last, smaller batch holds the rest.
        permutation: function without arguments that returns the order of the samples in a new
            epoch, an integer array, whose numbers beyond the last sample are variants of a
            `LazyArray`; with a column for each array where they are not paired.
            Defaults to `None`: the arrays' own order.
        paired: boolean, whether sample `i` of one belongs to sample `i` of the others. Otherwise
            an epoch is as long as the longest. Defaults to `True`.

    Returns:
        A `tf.data.Dataset` on TensorFlow, otherwise a `keras.utils.PyDataset`, of tuples.
    """
    if keras.config.backend() == "tensorflow":
        return _dataset(arrays, batch_size, permutation, paired)
    replicas, *share = _share()
    if batch_size % replicas:
        raise ValueError(
            "The devices of the distribution share each batch evenly: batch_size, the global one, "
            f"must be a multiple of their number. Received: batch_size={batch_size} for {replicas} "
            "devices"
        )
    num_used = _shared_out(max(len(array) for array in arrays), batch_size, replicas)
    return ShuffledBatches(arrays, batch_size, permutation, paired, tuple(share), num_used)


def _share():
    """How many replicas share a batch on JAX; which part of it this process reads, of how many."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return 1, 0, 1
    replicas = distribution.num_model_replicas
    return replicas, distribution.data_shard_id, min(replicas, distribution.num_processes)


def _shared_out(num_samples, batch_size, replicas):
    """How many samples of an epoch replicas can share evenly, batch by batch."""
    # A replica without a sample can't play: what does not share out evenly waits for another epoch.
    num_used = num_samples // replicas * replicas if num_samples % batch_size else num_samples
    if num_used == 0:
        raise ValueError(
            "Each replica of the distribution strategy needs at least one sample. "
            f"Received: {num_samples} samples for {replicas} replicas"
        )
    return num_used


def _gather_from(array):
    import tensorflow as tf

    tensor = tf.convert_to_tensor(np.ascontiguousarray(array))
    return lambda indices: tf.gather(tensor, indices)


def _read_from(array):
    import tensorflow as tf

    def take(indices):
        rows = tf.numpy_function(lambda chosen: rows_of(array, chosen), [indices], array.dtype)
        return tf.ensure_shape(rows, (indices.shape[0], *array.shape[1:]))

    return take


def _dataset(arrays, batch_size, permutation, paired):
    # Whole permutations are cut into batches and gathered, which is several times quicker than
    # shuffling element by element.
    import tensorflow as tf

    lengths = tuple(len(array) for array in arrays)
    num_samples = max(lengths)
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    num_used = _shared_out(num_samples, batch_size, replicas)
    num_full = num_used // batch_size * batch_size

    def order(_):
        if permutation is None and not paired:
            return tf.constant(unshuffled(lengths)[:num_used], tf.int64)
        if permutation is None:
            return tf.range(num_used, dtype=tf.int64)
        indices = tf.numpy_function(lambda: permutation().astype("int64"), [], tf.int64)
        columns = () if paired else (len(arrays),)
        return tf.ensure_shape(indices, (num_samples, *columns))[:num_used]

    def cut(indices):
        shape = (num_full // batch_size, batch_size, *indices.shape[1:])
        full = tf.reshape(indices[:num_full], shape)
        batches = tf.data.Dataset.from_tensor_slices(full)
        if num_full < num_used:
            batches = batches.concatenate(tf.data.Dataset.from_tensors(indices[num_full:]))
        return batches

    def gather(indices):
        columns = [indices] * len(arrays) if paired else tf.unstack(indices, axis=1)
        return tuple(take(column) for take, column in zip(takers, columns))

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    # The pipeline is three operations with nothing to tune: optimizing its graph costs more than
    # it gains, and autotune's thread, which sleeps twice as long each time, can keep the end of an
    # epoch waiting until it wakes.
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    # Where one is read on demand, all are: its indices may count beyond the length of the others.
    make_taker = _read_from if any(map(is_on_demand, arrays)) else _gather_from
    takers = [make_taker(array) for array in arrays]
    batches = tf.data.Dataset.range(1).map(order).flat_map(cut)
    batches = batches.map(gather)
    cardinality = -(-num_used // batch_size)
    batches = batches.apply(tf.data.experimental.assert_cardinality(cardinality))
    return batches.prefetch(2).with_options(options)
