"""Looking at user data on the host: what kind it is, its first batch, its shape and its classes."""

import hashlib
import itertools
import numbers

import keras
import numpy as np

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
    """Yields consecutive parts of `array` along its first axis, each of some 16 MB."""
    step = max(1, _CHUNK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), step):
        yield array[start : start + step]


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
    if array.size and array.ndim and array.dtype.kind in "biuf":
        low, high = value_range(array.astype("uint8") if array.dtype.kind == "b" else array)
        text += f", values in [{low:.6g}, {high:.6g}]"
    return text + "."


def describe_data(like):
    """Reads the shapes of samples, and the number of classes, off the user's data.

    Choose it to build a model that fits the data; `kgan.zoo.load(name, like=...)` calls it.

    Args:
        like: An array `(n, height, width, channels)`, grey images `(n, height, width)`, vectors
            `(n, d)`; `(x, y)` with labels or with the samples of a translator's other side; a
            dictionary `{"image": ..., "label": ...}`; a batched dataset, or two for a translator
            without pairs; or the shape of one sample as integers, where `(28, 28)` means
            `(28, 28, 1)`.

    Returns:
        A dictionary with `"shape"`, the shape of one sample without the batch axis;
        `"num_classes"`: the largest label plus one, or `None` when there are no labels or the data
        is a dataset, whose first batch need not hold the largest label; and `"target_shape"`, the
        shape of one of y's samples, or `None` when y is missing or holds labels.

    Raises:
        TypeError: If it is a generator, which can be read only once, or no data at all.
        ValueError: If no shape can be read off it.

    Example:
        ```python
        import kgan
        import numpy as np

        images, labels = np.zeros((50, 28, 28), "uint8"), np.arange(50) % 10
        described = kgan.data.describe_data((images, labels))
        assert described["shape"] == (28, 28, 1) and described["num_classes"] == 10
        assert kgan.data.describe_data((32, 32, 3))["shape"] == (32, 32, 3)
        ```
    """
    if _is_shape(like):
        return _described(_shape_from_integers(like))
    if isinstance(like, tuple) and len(like) == 2 and kind_of(like[0]) and kind_of(like[1]):
        first, second = map(describe_data, like)
        return {**first, "target_shape": second["shape"]}
    kind = kind_of(like)
    if kind == "generator":
        raise TypeError(
            "A generator can be read only once, so its first batch cannot be looked at here. "
            "Expected an array, a dataset or a shape. Give the shape of one sample instead, as in "
            f"`like=(64, 64, 3)`. Received: {type(like).__name__}."
        )
    if kind is None:
        x, y = _samples_and_labels(like)
        if x is None and like is not None:
            raise ValueError(
                "No samples were found in the data. Expected an array, `(x, y)`, or a dictionary "
                "with the key 'image' or 'x'. Rename the key, or pass the array itself. "
                f"Received: {_keys(like)}."
            )
        x = to_numpy(x)
        y = None if y is None else to_numpy(y, "y")
        return _described(_shape_from_batch(x.shape, x.dtype), y, _count(y))
    if kind == "tf.data":
        x, y = _samples_and_labels(like.element_spec)
        if _has_known_shape(x) and (y is None or _has_known_shape(y)):
            shape = _shape_from_batch(tuple(x.shape), np.dtype(x.dtype.as_numpy_dtype))
            return _described(shape, y)
    element, _ = peek(like, kind)
    # A DataLoader makes lists of what are tuples.
    x, y = _samples_and_labels(tuple(element) if isinstance(element, list) else element)
    if x is None:
        raise ValueError(
            "No samples were found in the dataset. Expected batches `x`, `(x, y)`, or dictionaries "
            "with the key 'image' or 'x'. Rename the key with `.map(...)`. "
            f"Received: {_keys(element)}."
        )
    x = to_numpy(x)
    return _described(_shape_from_batch(x.shape, x.dtype), y if hasattr(y, "shape") else None)


def _described(shape, y=None, num_classes=None):
    target_shape = None
    # Vectors (n, d) may be one-hot labels: only what has more axes must be samples.
    if y is not None and len(y.shape) > 2:
        target_shape = (*y.shape[1:], 1) if len(y.shape) == 3 else tuple(y.shape[1:])
    return {"shape": shape, "num_classes": num_classes, "target_shape": target_shape}


def _has_known_shape(spec):
    shape = getattr(spec, "shape", None)
    return shape is not None and shape.rank is not None and None not in tuple(shape)[1:]


def _is_shape(like):
    return isinstance(like, (tuple, list)) and all(
        isinstance(size, numbers.Integral) and not isinstance(size, bool) for size in like
    )


def _shape_from_integers(like):
    shape = tuple(int(size) for size in like)
    if not shape or min(shape) < 1:
        raise ValueError(
            "The shape of a sample must have at least one dimension, and positive sizes, without "
            f"the batch axis. Give for example (28, 28, 1). Received: {like}."
        )
    return (*shape, 1) if len(shape) == 2 else shape


def _shape_from_batch(shape, dtype):
    text = f"Received: x of shape {shape}, dtype {dtype}."
    if dtype.kind not in "iuf":
        raise TypeError(
            "The data does not hold numbers. Expected uint8 images in 0..255, or floats. Convert "
            f"it, for example with `x.astype('float32')`. {text}"
        )
    if shape and shape[0] == 0:
        raise ValueError(f"The data is empty. Expected at least one sample. Load it first. {text}")
    if len(shape) == 3 and shape[0] is not None and shape[-1] in (1, 3, 4):
        raise ValueError(
            "This is one image, not a batch of them. Expected (n, height, width, channels). Add "
            "the batch axis with `x[None]`, call `.batch(64)` on the dataset, or pass the shape "
            f"itself as a tuple. {text}"
        )
    if len(shape) == 3:
        return (*shape[1:], 1)
    if len(shape) == 4 and shape[1] in (1, 3, 4) and shape[-1] not in (1, 3, 4):
        raise ValueError(
            "The images seem to have their channels first. Expected (n, height, width, channels). "
            f"Use `numpy.transpose(x, (0, 2, 3, 1))`. {text}"
        )
    if len(shape) in (1, 2) and dtype.kind in "iu":
        raise ValueError(
            "Vectors must be floats: integers are read as pixels. Use `x.astype('float32')`, or "
            f"reshape flat images to (n, height, width, channels). {text}"
        )
    if len(shape) == 0:
        raise ValueError(
            "One number has no sample shape. Expected an array with a batch axis. Pass the data, "
            f"or a shape such as (28, 28, 1). {text}"
        )
    return tuple(shape[1:]) if len(shape) > 1 else (1,)


def _samples_and_labels(data):
    if isinstance(data, dict):
        x = next((data[key] for key in ("image", "images", "x") if key in data), None)
        y = next((data[key] for key in ("label", "labels", "y") if key in data), None)
        return x, y
    if isinstance(data, tuple) or (isinstance(data, list) and _is_pair(data)):
        x, y = (*data, None, None)[:2]
        if isinstance(x, dict):
            x, inner = _samples_and_labels(x)
            y = inner if y is None else y
        return x, y
    return data, None


def _is_pair(data):
    # torch's DataLoader gives `[x, y]`; a list of images has entries of one shape.
    return len(data) == 2 and np.ndim(data[1]) <= 1 < np.ndim(data[0])


def _count(labels):
    if labels is None:
        return None
    labels = to_numpy(labels, "y")
    if labels.ndim == 2 and labels.shape[-1] > 1 and labels.dtype.kind in "iuf":
        return int(labels.shape[-1])  # One-hot: `check` says later how to turn them into ids.
    if labels.size == 0 or labels.dtype.kind not in "iuf" or labels.ndim > 2:
        return None
    return int(labels.max()) + 1


def _keys(data):
    return f"the keys {sorted(map(str, data))}" if isinstance(data, dict) else type(data).__name__
