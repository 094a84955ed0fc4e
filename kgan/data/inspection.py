"""Looking at user data on the host: what holds it, its first batch, its range."""

import hashlib
import itertools
import numbers

import keras
import numpy as np

from kgan.data.lazy_arrays import LazyArray

_CHUNK_BYTES = 16 * 2**20


def first_of_equal(rows):
    """The places of the rows of an array that repeat none before them.

    Args:
        rows: array (n, ...).

    Returns:
        Increasing integer array of places, all n where no row is repeated.
    """
    # By their bytes: to sort rows of many numbers takes seconds.
    digests = [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows]
    _, first = np.unique(digests, return_index=True)
    return np.sort(first)


def kind_of(data):
    """Returns `"tf.data"`, `"PyDataset"`, `"DataLoader"`, `"generator"`, or `None` for arrays.

    Types are told by the modules of their classes: nothing is imported to find out.
    """
    if isinstance(data, keras.utils.PyDataset):
        return "PyDataset"
    modules = [cls.__module__ for cls in type(data).__mro__]
    if any(module.startswith("tensorflow.") for module in modules):
        return "tf.data" if hasattr(data, "element_spec") else None
    if any(module.startswith("torch.utils.data") for module in modules):
        if any(cls.__name__ == "DataLoader" for cls in type(data).__mro__):
            return "DataLoader"
        raise TypeError(
            "A torch Dataset gives single samples, and a model trains on batches. Wrap it: "
            "`torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True)`. "
            f"Received: an object of type {type(data).__name__}."
        )
    if hasattr(data, "__next__"):
        return "generator"
    return None


def peek(data, kind):
    """Returns the first element of a dataset, and the dataset with nothing lost.

    Args:
        data: A dataset.
        kind: What `kind_of` said of it.

    Returns:
        `(element, data)`. A generator comes back as a new generator of tuples that begins with the
        same element, because Keras takes nothing else; other datasets come back as they are.

    Raises:
        ValueError: If there is no first element.
    """
    try:
        if kind == "PyDataset":
            if data.num_batches == 0:
                raise StopIteration
            return data[0], data
        element = next(data if kind == "generator" else iter(data))
    except StopIteration:
        raise ValueError(
            "The dataset is empty: it ended before the first batch. Expected at least one batch. "
            "Check filters, the folder it reads, and that a generator is not used twice. Received: "
            f"{type(data).__name__}."
        ) from None
    if kind == "generator":
        chained = itertools.chain([element], data)
        data = (_as_tuple(batch) for batch in chained)
    return element, data


def _as_tuple(batch):
    return tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


def to_numpy(value, name="x"):
    """Returns `value` as a NumPy array, without a copy where there is a way.

    Args:
        value: An array, a tensor of any framework, or a list of equal-shaped images.
        name: What to call it in messages.

    Returns:
        A NumPy array. bfloat16, which NumPy cannot scan, becomes float32.

    Raises:
        TypeError: If it is no array.
        ValueError: If it is a list of unequal shapes.
    """
    if isinstance(value, (str, bytes)) or hasattr(value, "__fspath__"):
        raise TypeError(
            f"{name} is a path or a name. Expected an array or a dataset. Read it first: "
            f"`kgan.data.load({str(value)!r})`. Received: {name} of type {type(value).__name__}."
        )
    if isinstance(value, (list, tuple)):
        return _stack(value, name)
    if hasattr(value, "detach"):  # torch: a tensor that needs gradients, or is on a GPU.
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    if not hasattr(value, "__array__"):
        raise TypeError(
            f"{name} cannot be read as an array. Expected a NumPy array, a tensor, a list of "
            "images, a tf.data.Dataset, a PyDataset, a DataLoader or a generator of batches. "
            "Convert it with `numpy.asarray`. "
            f"Received: {name} of type {type(value).__name__}."
        )
    array = np.asarray(value)
    return array.astype("float32") if array.dtype.name == "bfloat16" else array


def as_array(value, name="x"):
    """As `to_numpy`, but samples that are read on demand stay what they are."""
    return value if isinstance(value, LazyArray) else to_numpy(value, name)


def _stack(values, name):
    if values and all(isinstance(value, (bool, numbers.Number)) for value in values):
        return np.asarray(values)
    if values and all(isinstance(value, str) for value in values):
        return np.asarray(values)
    arrays = [to_numpy(value, f"{name}[{index}]") for index, value in enumerate(values)]
    for index, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"{name} is a list of samples of different shapes: {name}[0] has "
                f"{arrays[0].shape} and {name}[{index}] has {array.shape}. Expected equal shapes. "
                "Resize them to one size, for example with `keras.layers.Resizing(height, width)`. "
                f"Received: {name}, a list of {len(arrays)}."
            )
    return np.stack(arrays) if arrays else np.zeros((0,), "float32")


def chunks(array):
    """Yields consecutive parts of `array`, each of some 16 MB; of a `LazyArray` the first alone."""
    step = max(1, _CHUNK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), step):
        yield np.asarray(array[start : start + step])
        if isinstance(array, LazyArray):
            return  # To look at the rest is to read it all before training.


def value_range(array):
    """Returns `(minimum, maximum)` in one pass without a copy; NaN when a value is NaN."""
    low, high = np.inf, -np.inf
    for chunk in chunks(array):
        # np.minimum, unlike min, lets NaN through.
        low, high = np.minimum(low, chunk.min()), np.maximum(high, chunk.max())
    return low, high


def received(name, array):
    """Returns the last sentence of every message: what was given, in numbers."""
    text = f"Received: {name} of shape {array.shape}, dtype {array.dtype}"
    is_here = not isinstance(array, LazyArray)
    if is_here and array.size and array.ndim and array.dtype.kind in "biuf":
        low, high = value_range(array.astype("uint8") if array.dtype.kind == "b" else array)
        text += f", values in [{low:.6g}, {high:.6g}]"
    return text + "."
