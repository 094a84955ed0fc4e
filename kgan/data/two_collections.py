"""Two collections that belong together as wholes, not sample by sample."""

import numpy as np

from kgan.data.field_lookup import pick
from kgan.data.inspection import kind_of


def orders(lengths, generator):
    """The order of an epoch in which each collection is shuffled separately.

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
    again until the longer one ends; otherwise the pairs end with the dataset that ends first. The
    longer one's batches stay as they are. The samples of the other are batched again at the
    same size, and both parts of a pair are cut to the smaller of the two, so that a ragged last
    batch, or another batch size, leaves out no more than what an epoch's last batch lacks.

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
    lengths = [int(collection.cardinality()) for collection in collections]  # negative: not known
    sizes = [_batch_size(collection) for collection in collections]
    known = min(lengths) > 0
    # Where only one has an end, it is that one.
    longer = lengths[1] > lengths[0]
    if known:
        longer = lengths[1] * sizes[1] > lengths[0] * sizes[0]
    longer, other = int(longer), 1 - int(longer)
    if not known or lengths[0] != lengths[1] or sizes[0] != sizes[1]:
        again = collections[other]
        if _fixed_batch_size(again) != sizes[longer]:
            # Its batches may differ in size, at its end or wherever it was repeated.
            again = (again.unbatch().repeat() if known else again.unbatch()).batch(sizes[longer])
        elif known:
            again = again.repeat()
        collections[other] = again
    pairs = tf.data.Dataset.zip(tuple(collections))
    first, second = map(_fixed_batch_size, collections)
    if first is None or first != second:
        pairs = pairs.map(_cut)
    if known:
        pairs = pairs.apply(tf.data.experimental.assert_cardinality(lengths[longer]))
    return pairs


def _fixed_batch_size(dataset):
    shape = dataset.element_spec.shape
    return shape[0] if shape.rank else None


def _batch_size(dataset):
    fixed = _fixed_batch_size(dataset)
    if fixed is not None or dataset.element_spec.shape.rank == 0:
        return fixed or 1
    # Of an empty dataset, what checks the pairs will complain.
    return next((len(batch) for batch in dataset), 1)


def _cut(first, second):
    import tensorflow as tf

    size = tf.minimum(tf.shape(first)[0], tf.shape(second)[0])
    return first[:size], second[:size]
