"""Host-side checks of user data, before the first step: what is wrong is said in whole sentences.

Every message has four parts: what happened, what was expected, how to mend it, what was received.
"""

import warnings

import numpy as np

from kgan.data.fields import Labels, Samples, are_paired, first_samples, keys_of, pick
from kgan.data.inspection import chunks, kind_of, peek, received, to_numpy, value_range
from kgan.data.two_collections import is_two_collections, zipped

# Rounding in resizing and in float16 leaves [-1, 1] by about this much.
_TOLERANCE = 1e-3


def check(fields, x, y=None):
    """Checks the data for a model and returns it ready for training.

    Choose it before a custom training loop; `fit` and `evaluate` call it. Arrays are checked whole,
    in parts of some 16 MB; of a dataset, the element spec and the first batch are.

    Args:
        fields: Tuple of `Samples` and `Labels` that the model declares.
        x: Images `(n, height, width, channels)` or `(n, height, width)`, integers in 0..255 or
            floats in [-1, 1]; floats of shape `(n, *shape)` for fields that are no images; a list
            of equal-shaped samples; a dictionary of arrays; `(x, y)`; or a batched dataset:
            tf.data, PyDataset, torch DataLoader, Python generator.
        y: Labels `(n,)` or `(n, 1)`, or the second samples of a translator; beside a tf.data
            dataset another one, where the model's fields are not paired. Defaults to `None`.

    Returns:
        `(x, y)`: uint8 or float arrays with all axes, int32 labels of shape `(n,)`, `None` for
        what the model has no field for. A dataset comes back as `(dataset, None)`; a generator
        as a new one in which no batch is missing.

    Raises:
        TypeError: If the data is no array or dataset, or does not hold numbers.
        ValueError: If shapes, values or labels are not what the model declares.

    Example:
        ```python
        import kgan
        import numpy as np

        fields = (kgan.data.Samples((28, 28, 1)),)
        images, _ = kgan.data.check(fields, np.zeros((4, 28, 28), "int64"))
        assert images.shape == (4, 28, 28, 1) and images.dtype == "uint8"
        ```
    """
    fields = tuple(fields)
    if not are_paired(fields) and is_two_collections(x, y):
        x, y = zipped(fields, x, y), None
    kind = kind_of(x)
    if kind is not None:
        return _check_dataset(fields, x, y, kind), None
    values = _gather(fields, x, y)
    checked = _check_values(fields, values)
    if len(checked) > 2:
        return checked[:-1], checked[-1]
    return (*checked, None)[:2]


def check_batch(fields, x):
    """`check` of a batch of samples, which may well hold no dark pixel: nothing is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return check(fields, x)[0]


def _gather(fields, x, y):
    """Returns one raw value per field from what the user passed as arrays."""
    wants_labels = any(isinstance(field, Labels) for field in fields)
    if y is not None and len(fields) == 1:
        raise ValueError(
            "Labels were given to a model that has no use for them. Expected x alone. Call "
            "`fit(x)`, or load a conditional model, for example with `num_classes=`. Received: "
            f"{_received_any('y', y)}"
        )
    data = x
    if isinstance(x, tuple):
        if len(x) > max(2, len(fields)):
            raise ValueError(
                f"x is a tuple of {len(x)} entries. Expected an array, or `(x, y)`. Pass a list of "
                "samples as `numpy.stack(samples)`, and no sample weights. "
                f"Received: x, a tuple of {len(x)}."
            )
        entries = [entry for entry in x if entry is not None]
        # Lists in a tuple are samples, not structure: make them arrays before they are picked.
        data = tuple(entry if isinstance(entry, dict) else to_numpy(entry) for entry in entries)
    elif not isinstance(x, dict):
        data = to_numpy(x)
    if isinstance(x, dict) and not any(key in x for key in keys_of(first_samples(fields), fields)):
        raise ValueError(
            f"The dictionary has no samples. Expected the key {first_samples(fields).name!r} or "
            "'image'. Rename the key, or pass the array itself. "
            f"Received: the keys {sorted(map(str, x))}."
        )
    if y is None:
        if wants_labels and not isinstance(x, (tuple, dict)):
            raise ValueError(
                "The labels 'y' are missing: this model is conditional. Expected one class id per "
                f"sample, 0 to {_labels_of(fields).num_classes - 1}. Call `fit(x, y)`, pass a "
                "dataset of `(x, y)`, or load an unconditional model. "
                f"{received('x', data)}"
            )
        return pick(fields, data)
    if isinstance(x, dict) and any(key in x for key in keys_of(fields[-1], fields)):
        raise ValueError(
            f"{fields[-1].name!r} was given twice: in the dictionary and as y. Expected it once. "
            f"Leave out one. Received: the keys {sorted(map(str, x))} and {_received_any('y', y)}"
        )
    return pick(fields, (data, to_numpy(y, "y")))


def _labels_of(fields):
    return next(field for field in fields if isinstance(field, Labels))


def _received_any(name, value):
    try:
        return received(name, to_numpy(value, name)).removeprefix("Received: ")
    except (TypeError, ValueError):
        return f"{name} of type {type(value).__name__}."


def _check_values(fields, values, where=""):
    """Checks one value per field; `where` is added to names in messages."""
    arrays = [
        to_numpy(value, field.name + where) for field, value in zip(fields, values, strict=True)
    ]
    checked = [
        _check_samples(field, array, field.name + where)
        if isinstance(field, Samples)
        else check_labels(field, array, field.name + where)
        for field, array in zip(fields, arrays, strict=True)
    ]
    for field, array in zip(fields[1:], checked[1:], strict=True):
        if len(array) != len(checked[0]) and getattr(field, "paired", True):
            first = fields[0].name
            raise ValueError(
                f"{first} has {len(checked[0])} samples and {field.name} has {len(array)}. "
                "Expected one for one. Cut both to the same samples, in the same order. "
                f"{received(first + where, checked[0])} "
                f"{received(field.name + where, array)}"
            )
    return tuple(checked)


def _check_samples(field, array, name):
    _check_numbers(field, array, name)
    if array.size == 0:
        raise ValueError(
            f"{name} is empty. Expected at least one sample of shape {field.shape}. Check the "
            f"filter or the folder the data comes from. {received(name, array)}"
        )
    array = _check_shape(field, array, name)
    if field.is_image:
        return _check_pixels(array, name)
    if array.dtype.kind != "f":
        raise ValueError(
            f"{name} are integers, and only images may be. Expected floats of shape (n, "
            f"{_join(field.shape)}). Use `x.astype('float32')`. {received(name, array)}"
        )
    _check_finite(array, name)
    return _as_float32(array)


def _check_numbers(field, array, name):
    kind = array.dtype.kind
    if kind in "iuf":
        return
    expected = "integers in 0..255 or floats in [-1, 1]" if field.is_image else "floats"
    problem, fix = {
        "b": ("is boolean", "Scale it with `x.astype('uint8') * 255`"),
        "c": ("is complex", "Take `abs(x)`, or stack real and imaginary parts as channels"),
        "O": (
            "holds Python objects, as lists of unequal shapes do",
            "Bring all samples to one shape and stack them with `numpy.stack`",
        ),
    }.get(kind, ("does not hold numbers", "Decode it, for example with `kgan.data.load(folder)`"))
    raise TypeError(f"{name} {problem}. Expected {expected}. {fix}. {received(name, array)}")


def _check_shape(field, array, name):
    expected = f"Expected (n, {_join(field.shape)})."
    if _is_single(array.shape, field.shape):
        raise ValueError(
            f"{name} is a single sample without a batch axis. {expected} Add the axis with "
            f"`x[None]`. {received(name, array)}"
        )
    if array.ndim == len(field.shape) and field.shape[-1] in (1, None):
        array = array[..., None]
    if _fits(array.shape[1:], field.shape):
        return array
    problem, fix = _diagnose(field, array)
    raise ValueError(f"{name} {problem}. {expected} {fix}. {received(name, array)}")


def _diagnose(field, array):
    """Returns what is wrong with the shape of `array`, and how to mend it."""
    given, wanted = array.shape[1:], field.shape
    if not field.is_image:
        return "has the wrong shape", f"Reshape it with `x.reshape(-1, {_join(wanted)})`"
    height, width, channels = wanted
    if len(given) == 1 and None not in wanted and given[0] == np.prod(wanted):
        return "are flat vectors, not images", f"Use `x.reshape(-1, {_join(wanted)})`"
    if len(given) == 2:
        return (
            "has no channel axis",
            f"Repeat grey images with `numpy.repeat(x[..., None], {channels}, -1)`",
        )
    if len(given) != 3:
        return "has the wrong number of dimensions", "Make it a batch of images, four dimensions"
    # Told before the size: channels-first data has wrong sizes as well.
    if given[-1] != channels and given[0] == channels:
        return (
            "seems to have its channels first",
            "Use `numpy.transpose(x, (0, 2, 3, 1))` (in torch: `x.permute(0, 2, 3, 1)`)",
        )
    if channels is not None and given[-1] != channels:
        fix = {
            (1, 3): "Repeat the grey channel with `numpy.repeat(x, 3, -1)`",
            (3, 1): "Make it grey with `x.mean(-1, keepdims=True).astype(x.dtype)`",
            (4, 3): "Drop the alpha channel with `x[..., :3]`",
        }.get((given[-1], channels), "Choose the channels that the model should see")
        return (
            f"has {given[-1]} channels instead of {channels}",
            f"{fix}, or build the model for this data with `kgan.zoo.load(..., like=images)`",
        )
    return (
        f"has images of {given[0]}x{given[1]} instead of {height}x{width}",
        "Build the model for this size with `kgan.zoo.load(..., like=images)`, or resize the "
        f"images with `keras.layers.Resizing({height}, {width})`",
    )


def _is_single(given, wanted):
    """Whether a shape, perhaps with unknown sizes, is that of one sample without a batch axis."""
    if len(given) == len(wanted):
        if wanted[-1] is None:
            return given[-1] in (1, 3, 4)
        # A last size of one may be left out, and then the same rank is a batch.
        batch_of_ones = wanted[-1] == 1 and (len(wanted) == 1 or wanted[-2] == 1)
        return given[-1] == wanted[-1] and not batch_of_ones
    return wanted[-1] == 1 and _fits(given, wanted[:-1])


def _fits(given, wanted):
    return len(given) == len(wanted) and all(
        size is None or size == other for size, other in zip(wanted, given, strict=True)
    )


def _join(shape):
    return ", ".join(map(str, shape))


def _check_pixels(array, name):
    if array.dtype.kind in "iu":
        return _check_integer_pixels(array, name)
    low, high = _check_finite(array, name)
    if low < -1 - _TOLERANCE or high > 1 + _TOLERANCE:
        if low >= 0 and high <= 255 + _TOLERANCE:
            problem = "are floats that look like 0..255"
            fix = "Cast them with `x.astype('uint8')`, or scale them with `x / 127.5 - 1`"
        else:
            problem = "are floats outside [-1, 1]"
            fix = (
                "If they were standardised, give the pixels from before that, as uint8; or scale "
                "with the data's known bounds: `2 * (x - low) / (high - low) - 1`"
            )
        raise ValueError(
            f"{name} {problem}. Expected integers in 0..255 or floats in [-1, 1]. {fix}. "
            f"{received(name, array)}"
        )
    if low >= 0 and 0 < high:
        warnings.warn(
            f"{name} look like images in 0..1: nothing is below 0. Expected floats in [-1, 1], "
            "where 0 is grey: as they are, black is taken for grey. Use `x * 2 - 1`. "
            f"{received(name, array)}",
            UserWarning,
            stacklevel=2,
        )
    return _as_float32(array)


def _check_integer_pixels(array, name):
    if array.dtype != np.uint8:
        low, high = value_range(array)
        if low < 0 or high > 255:
            fix = "Scale the images to 0..255 and cast them to uint8"
            if array.dtype == np.uint16:
                fix = "16-bit images become 8-bit with `(x // 257).astype('uint8')`"
            raise ValueError(
                f"{name} has integers outside 0..255. Expected pixels in 0..255. {fix}, or give "
                f"floats in [-1, 1]. {received(name, array)}"
            )
        array = array.astype("uint8")
    # Pictures end this search in the first part.
    if not any(chunk.max() > 1 for chunk in chunks(array)) and array.any():
        warnings.warn(
            f"{name} are integers that are all 0 or 1, which is nearly black. Expected pixels in "
            f"0..255. Scale binary images with `x * 255`. {received(name, array)}",
            UserWarning,
            stacklevel=2,
        )
    return array


def _check_finite(array, name):
    low, high = value_range(array)
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    start = 0
    for chunk in chunks(array):
        bad = ~np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
        if bad.any():
            break
        start += len(chunk)
    what = "NaN" if np.isnan(low) else "infinite values"
    raise ValueError(
        f"{name} holds {what}, first in sample {start + int(bad.argmax())}. Expected finite "
        "numbers. Remove those samples: "
        "`x[numpy.isfinite(x).reshape(len(x), -1).all(axis=1)]`. "
        f"{received(name, array)}"
    )


def _as_float32(array):
    return array if array.dtype in (np.float32, np.float16) else array.astype("float32")


def check_labels(field, array, name):
    """Checks class ids against a `Labels` field and returns them as int32 of shape `(n,)`.

    Args:
        field: A `Labels`.
        array: NumPy array of shape `(n,)` or `(n, 1)`: integers, or floats that are whole numbers.
        name: What to call it in messages.

    Returns:
        An int32 NumPy array of shape `(n,)`.

    Raises:
        TypeError: If the labels are not numbers.
        ValueError: If they are one-hot, fractions, out of range, empty or of another shape.
    """
    expected = f"Expected one integer class id per sample, 0 to {field.num_classes - 1}."

    def fail(error, problem, fix):
        raise error(f"{name} {problem}. {expected} {fix}. {received(name, array)}")

    if array.dtype.kind not in "iuf":
        if array.dtype.kind == "b":
            fail(TypeError, "are boolean", "Cast them with `y.astype('int32')`")
        fail(
            TypeError,
            "are not numbers",
            "Number the names with `numpy.unique(y, return_inverse=True)[1]`",
        )
    if array.ndim == 2 and array.shape[-1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.shape[-1] == field.num_classes:
        fail(ValueError, "look one-hot", "Turn them into ids with `y.argmax(-1)`")
    if array.ndim != 1:
        fail(ValueError, "have the wrong shape", "Bring them to shape (n,)")
    if array.size == 0:
        fail(ValueError, "are empty", "Give as many labels as samples")
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.rint(array))).all():
        fail(
            ValueError,
            "are floats that are not whole numbers",
            "Give class ids; bin a continuous value first with `numpy.digitize`",
        )
    low, high = array.min(), array.max()
    if low < 0 or high >= field.num_classes:
        if low == 1 and high == field.num_classes:
            fail(ValueError, "count from 1", "Subtract one: `y - 1`")
        fail(
            ValueError,
            "are out of range",
            f"Build the model with `num_classes={int(high) + 1}`, or mend the labels"
            if low >= 0
            else "Remove or renumber the samples with negative labels",
        )
    return array.astype("int32")


_BATCHING = {
    "tf.data": "Call `.batch(64)` on the dataset",
    "PyDataset": "Return a whole batch from `__getitem__`",
    "DataLoader": "Pass `batch_size=64` to the DataLoader",
    "generator": "Yield batches, for example of 64 samples stacked with `numpy.stack`",
}


def _check_dataset(fields, dataset, y, kind):
    if y is not None:
        raise ValueError(
            "y was given beside a dataset. Expected labels inside the dataset's elements, as "
            "`(x, y)`. Zip them in, for example with `tf.data.Dataset.zip`, or leave y out. "
            f"Received: x, a {type(dataset).__name__}, and {_received_any('y', y)}"
        )
    if kind == "tf.data":
        specs = pick(fields, dataset.element_spec)
        for field, spec in zip(fields, specs, strict=True):
            shape = getattr(spec, "shape", None)
            if shape is not None and shape.rank is not None:
                _refuse_single(field, tuple(shape), spec.dtype.name, kind)
    element, dataset = peek(dataset, kind)
    where = " (first batch)"
    values = pick(fields, element)
    values = [
        to_numpy(value, field.name + where) for field, value in zip(fields, values, strict=True)
    ]
    for field, value in zip(fields, values, strict=True):
        _refuse_single(field, value.shape, value.dtype, kind)
    _check_values(fields, values, where)
    return dataset


def _refuse_single(field, shape, dtype, kind):
    if isinstance(field, Labels):
        single, expected = len(shape) == 0, "(batch,)"
    else:
        single, expected = _is_single(shape, field.shape), f"(batch, {_join(field.shape)})"
    if single:
        raise ValueError(
            f"The dataset gives single samples, not batches: {field.name} has no batch axis. "
            f"Expected elements of shape {expected}. {_BATCHING[kind]}. Received: {field.name} of "
            f"shape {shape}, dtype {dtype}."
        )
