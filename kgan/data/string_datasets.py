"""Datasets whose values no device holds, such as strings: encoded on the host, batch by batch."""

import keras

from kgan.data.field_lookup import pick


def encoded(fields, dataset, kind, first):
    """The dataset, with strings as the ids that the fields make of them.

    Args:
        fields: tuple of `kgan.data.Field`.
        dataset: a checked dataset.
        kind: what `kind_of` said of it.
        first: tuple of arrays, its first batch.

    Returns:
        The dataset itself where no field is encoded on the host and no string is in it; otherwise
        one of tuples with a value for each field.

    Raises:
        TypeError: for a torch DataLoader, which can't be wrapped.
    """
    wanted = [field.is_encoded_on_host and value.dtype.kind not in "iu"
              for field, value in zip(fields, first, strict=True)]  # fmt: skip
    # Keras takes no fourth entry of a batch, and a third for sample weights.
    is_nested = len(fields) > 2 and kind in ("PyDataset", "generator")
    if not any(wanted) and not is_nested:
        return dataset

    def encode(batch):
        values = tuple(
            field.check(value) if is_wanted else value
            for field, value, is_wanted in zip(fields, pick(fields, batch), wanted, strict=True)
        )
        return (values,) if is_nested else values

    if kind == "tf.data":
        return _mapped(fields, dataset, wanted)
    if kind == "PyDataset":
        return EncodedBatches(dataset, encode)
    if kind == "generator":
        return (encode(batch) for batch in dataset)
    names = [field.name for field, is_wanted in zip(fields, wanted, strict=True) if is_wanted]
    raise TypeError(
        f"A DataLoader's strings can't be encoded on their way. Encode {names} in its collate_fn, "
        "with the `check` of the model's field, such as model.fields[1].check(strings). "
        "Received: a DataLoader of strings"
    )


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
