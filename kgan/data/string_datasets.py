"""Datasets whose values no device holds, such as strings: encoded on the host, batch by batch."""

import copy

import keras
import numpy as np

from kgan.data.field_lookup import pick


def encoded(fields, dataset, kind, first, element):
    """The dataset, with strings as the ids that the fields make of them.

    Args:
        fields: tuple of `kgan.data.Field`.
        dataset: a checked dataset.
        kind: what `kind_of` said of it.
        first: tuple of arrays, the values of its first batch.
        element: that batch as the dataset gives it.

    Returns:
        The dataset itself where no field is encoded on the host and no string is in it; otherwise
        one of tuples with a value for each field. So comes a DataLoader of bare tensors, which
        Keras would take apart sample by sample.
    """
    wanted = [field.is_encoded_on_host and value.dtype.kind not in "iu"
              for field, value in zip(fields, first, strict=True)]  # fmt: skip
    # Keras takes no fourth entry of a batch, and a third for sample weights.
    is_nested = len(fields) > 2 and kind in ("PyDataset", "generator")
    # `element` has its strings in arrays already: a DataLoader keeps them in lists.
    is_bare = kind == "DataLoader" and not isinstance(element, tuple | list)
    if not any(wanted) and not is_nested and not is_bare:
        return dataset

    def encode(batch):
        values = tuple(
            field.check(value) if is_wanted else value
            for field, value, is_wanted in zip(
                fields, pick(fields, with_string_arrays(batch)), wanted, strict=True
            )
        )
        return (values,) if is_nested else values

    if kind == "tf.data":
        return _mapped(fields, dataset, wanted)
    if kind == "PyDataset":
        return EncodedBatches(dataset, encode)
    if kind == "generator":
        return (encode(batch) for batch in dataset)
    return _encoded_loader(dataset, encode)


def with_string_arrays(batch):
    """A batch whose lists of strings, as a DataLoader makes them, are arrays."""
    if isinstance(batch, dict):
        return {key: with_string_arrays(value) for key, value in batch.items()}
    if not isinstance(batch, tuple | list):
        return batch
    if batch and all(isinstance(value, str) for value in batch):
        return np.array(batch)
    return tuple(with_string_arrays(value) for value in batch)


def _encoded_loader(loader, encode):
    # Of the loader's own class, since Keras asks for that and for much of what it has.
    class EncodedLoader(type(loader)):
        def __iter__(self):
            import torch

            for batch in super().__iter__():
                yield tuple(
                    values if isinstance(values, torch.Tensor) else torch.as_tensor(values)
                    for values in encode(batch)
                )

    encoded_loader = copy.copy(loader)
    encoded_loader.__class__ = EncodedLoader
    return encoded_loader


def _mapped(fields, dataset, wanted):
    import tensorflow as tf

    def check(field, values):
        ids = tf.numpy_function(field.check, [values], tf.int32)
        return tf.ensure_shape(ids, (None, *field.shape))

    def encode(*element):
        values = pick(fields, element)
        return tuple(
            check(field, value) if is_wanted else value
            for field, value, is_wanted in zip(fields, values, wanted, strict=True)
        )

    return dataset.map(encode, num_parallel_calls=tf.data.AUTOTUNE)


class EncodedBatches(keras.utils.PyDataset):
    """Another dataset's batches, encoded when they are asked for.

    Args:
        dataset: a `keras.utils.PyDataset`.
        encode: function from a batch to a tuple of arrays.
    """

    def __init__(self, dataset, encode):
        super().__init__(workers=1, use_multiprocessing=False)
        self.dataset = dataset
        self.encode = encode

    @property
    def num_batches(self):
        """As many as the dataset has."""
        return self.dataset.num_batches

    def __getitem__(self, index):
        """Batch `index`, encoded."""
        return self.encode(self.dataset[index])

    def on_epoch_begin(self):
        """Tells the dataset that an epoch begins."""
        self.dataset.on_epoch_begin()

    def on_epoch_end(self):
        """Tells the dataset that an epoch ended."""
        self.dataset.on_epoch_end()
