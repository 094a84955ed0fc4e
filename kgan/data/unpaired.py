"""Two collections that belong together as wholes, not sample by sample."""

import numpy as np

from kgan.data.fields import pick
from kgan.data.inspection import kind_of


def orders(lengths, generator):
    """The order of an epoch in which each collection is shuffled by itself.

    An epoch is as long as the longest collection. The others are gone through again, in a new
    order each time, so that no sample comes more than once more often than another.

    Args:
        lengths: tuple of integers, the collections' lengths.
        generator: a `numpy.random.Generator`.

    Returns:
        Integer array (the largest length, number of collections), a column of indices for each.
    """
    longest = max(lengths)
    columns = []
    for length in lengths:
        rounds = [generator.permutation(length) for _ in range(-(-longest // length))]
        columns.append(np.concatenate(rounds)[:longest])
    return np.stack(columns, axis=1)


def unshuffled(lengths):
    """The order of an epoch without shuffling: as `orders`, each collection in its own order."""
    return np.arange(max(lengths))[:, None] % np.array(lengths)


def is_two_collections(x, y):
    """Whether at least one of `x` and `y` is a dataset, and both are there."""
    return x is not None and y is not None and not (kind_of(x) is None and kind_of(y) is None)


def zipped(fields, x, y):
    """Makes one dataset of pairs out of two tf.data datasets of batches.

    Each goes its own way, in its own order. Where both lengths are known, the shorter one begins
    again until the longer one ends; otherwise the pairs end with the dataset that ends first.

    Args:
        fields: the two `Samples` that the model declares.
        x: a batched `tf.data.Dataset` of the first field, alone, with labels or as a dictionary.
        y: another, of the second field.

    Returns:
        A `tf.data.Dataset` of `(first, second)`.

    Raises:
        ValueError: when one of them is no tf.data dataset.
    """
    kinds = (kind_of(x), kind_of(y))
    if kinds != ("tf.data", "tf.data"):
        first, second = (field.name for field in fields)
        raise ValueError(
            "Two collections can be two arrays or two tf.data datasets. Expected arrays "
            f"`fit({first}, {second})`, datasets `fit(dataset_{first}, dataset_{second})`, or one "
            f"dataset whose batches are pairs ({first}, {second}). Bring both to one kind. "
            f"Received: {first} of type {type(x).__name__}, {second} of type {type(y).__name__}"
        )
    import tensorflow as tf

    # Only the samples of each: two dictionaries with the key "image" could not be told apart.
    collections = [
        dataset.map(lambda *element, field=field: pick((field,), element)[0])
        for field, dataset in zip(fields, (x, y), strict=True)
    ]
    lengths = [int(collection.cardinality()) for collection in collections]
    if min(lengths) > 0:
        collections = [
            collection.repeat() if length < max(lengths) else collection
            for collection, length in zip(collections, lengths, strict=True)
        ]
    return tf.data.Dataset.zip(tuple(collections))
