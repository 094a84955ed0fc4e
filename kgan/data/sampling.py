"""A few samples of whatever `fit` was given."""

import itertools

import numpy as np
from keras import ops

from kgan.data.field_lookup import unpack
from kgan.data.inspection import kind_of

_MOST_BATCHES = 1000


def sample_data(fields, data, count, seed):
    """Some samples of checked data, as the networks take them.

    Args:
        fields: tuple of `kgan.data.Field`.
        data: what `kgan.data.check` returned: a tuple of arrays, or a dataset.
        count: function of the tuple of fields' arrays that returns how many samples are wanted.
        seed: integer that chooses the rows of arrays.

    Returns:
        Tuple of NumPy arrays, one per field, of equal length; `None` for a generator, which gives
        its samples only once.
    """
    kind = kind_of(data)
    if data is None or kind == "generator":
        return None
    if kind is not None:
        batches = []
        for batch in itertools.islice(iter(data), _MOST_BATCHES):
            batches.append(_numpy(fields, batch))
            limit = count(batches[0])
            if sum(len(batch[0]) for batch in batches) >= limit:
                break
        return tuple(np.concatenate(column)[:limit] for column in zip(*batches))
    limit = count(data)
    generator, rows, chosen = np.random.default_rng(seed), None, []
    for array in data:
        # Pairs stay pairs; two collections of different lengths are drawn from each separately.
        if rows is None or len(array) != len(data[0]):
            rows = generator.permutation(len(array))[:limit]
        chosen.append(array[rows])
    shortest = min(len(array) for array in chosen)
    return _numpy(fields, tuple(array[:shortest] for array in chosen))


def first_samples(fields, data, count):
    """The first samples of checked arrays in the user's form, by the names of the fields.

    Args:
        fields: tuple of `kgan.data.Field`.
        data: a tuple of arrays, or anything else, of which nothing is taken.
        count: integer, how many at most.

    Returns:
        A dict of name -> array.
    """
    if not isinstance(data, tuple):
        return {}
    return {
        field.name: np.asarray(array[:count]) for field, array in zip(fields, data, strict=True)
    }


def _numpy(fields, batch):
    return tuple(ops.convert_to_numpy(field) for field in unpack(fields, batch))
