import sys
import warnings

import keras
import numpy as np
import pytest

from kgan.data import (
    Images,
    Labels,
    ShuffledBatches,
    Vectors,
    check,
    describe_data,
    of_shape,
    to_float,
    to_uint8,
    unpack,
)

GREY = (Images((28, 28, 1)),)
COLOUR = (Images((32, 32, 3)),)
POINTS = (Vectors((2,)),)
CONDITIONAL = (Images((28, 28, 1)), Labels(10))
TRANSLATOR = (Images((8, 8, 3), "a"), Images((8, 8, 1), "b"))


def uint8(*shape, high=256):
    return np.random.default_rng(0).integers(0, high, shape).astype("uint8")


def floats(*shape, low=-1.0, high=1.0):
    return np.random.default_rng(0).uniform(low, high, shape).astype("float32")


def with_value(array, value):
    array = array.copy()
    array[3].flat[0] = value
    return array


def ids(n=6, value=0):
    return np.full((n,), value)


# name: fields, x, y, error, what happened, how to fix it. The rest is checked for all alike.
BAD = {
    "floats_255": (GREY, floats(6, 28, 28, 1, low=0, high=255), None, ValueError,
                   "look like 0..255", "x / 127.5 - 1"),
    "standardised": (GREY, floats(6, 28, 28, 1, low=-3, high=3), None, ValueError,
                     "outside [-1, 1]", "uint8"),
    "nan": (GREY, with_value(floats(6, 28, 28, 1), np.nan), None, ValueError,
            "NaN, first in sample 3", "isfinite"),
    "inf": (GREY, with_value(floats(6, 28, 28, 1), np.inf), None, ValueError,
            "infinite values, first in sample 3", "isfinite"),
    "minus_inf": (POINTS, with_value(floats(6, 2), -np.inf), None, ValueError,
                  "infinite", "isfinite"),
    "int_negative": (GREY, np.full((6, 28, 28, 1), -1), None, ValueError,
                     "outside 0..255", "uint8"),
    "int_16_bit": (GREY, np.full((6, 28, 28, 1), 60000, "uint16"), None, ValueError,
                   "outside 0..255", "// 257"),
    "flat": (GREY, floats(6, 784), None, ValueError, "flat vectors", "reshape(-1, 28, 28, 1)"),
    "rank_5": (GREY, floats(6, 2, 28, 28, 1), None, ValueError,
               "number of dimensions", "four dimensions"),
    "single": (GREY, uint8(28, 28, 1), None, ValueError, "single sample", "x[None]"),
    "single_grey": (GREY, uint8(28, 28), None, ValueError, "single sample", "x[None]"),
    "no_channel_axis": (COLOUR, uint8(6, 32, 32), None, ValueError,
                        "no channel axis", "repeat"),
    "channels_1_of_3": (COLOUR, uint8(6, 32, 32, 1), None, ValueError,
                        "1 channels instead of 3", "numpy.repeat(x, 3, -1)"),
    "channels_3_of_1": (GREY, uint8(6, 28, 28, 3), None, ValueError,
                        "3 channels instead of 1", "x.mean(-1"),
    "channels_4_of_3": (COLOUR, uint8(6, 32, 32, 4), None, ValueError,
                        "4 channels instead of 3", "x[..., :3]"),
    "channels_first": (COLOUR, uint8(6, 3, 32, 32), None, ValueError,
                       "channels first", "(0, 2, 3, 1)"),
    "channels_first_grey": (GREY, uint8(6, 1, 28, 28), None, ValueError,
                            "channels first", "(0, 2, 3, 1)"),
    "size": (GREY, uint8(6, 32, 32, 1), None, ValueError,
             "32x32 instead of 28x28", "Resizing(28, 28)"),
    "empty": (GREY, uint8(0, 28, 28, 1), None, ValueError, "is empty", "Check the filter"),
    "empty_list": (GREY, [], None, ValueError, "is empty", "Check the filter"),
    "object": (GREY, np.array([None, {}], object), None, TypeError,
               "Python objects", "numpy.stack"),
    "strings": (GREY, np.array(["a", "b"]), None, TypeError, "not hold numbers", "kgan.data.load"),
    "bool": (GREY, uint8(6, 28, 28, 1) > 9, None, TypeError, "boolean", "* 255"),
    "complex": (GREY, np.ones((6, 28, 28, 1), complex), None, TypeError, "complex", "abs(x)"),
    "path": (GREY, "photos/", None, TypeError, "a path", "kgan.data.load('photos/')"),
    "number": (GREY, 3.0, None, TypeError, "cannot be read as an array", "numpy.asarray"),
    "none": (GREY, None, None, TypeError, "cannot be read as an array", "numpy.asarray"),
    "list_of_sizes": (GREY, [uint8(28, 28, 1), uint8(30, 28, 1)], None, ValueError,
                      "different shapes", "Resizing"),
    "int_points": (POINTS, np.ones((6, 2), int), None, ValueError, "integers", "float32"),
    "points_shape": (POINTS, floats(6, 3), None, ValueError, "wrong shape", "reshape(-1, 2)"),
    "labels_high": (CONDITIONAL, uint8(6, 28, 28), ids(value=10), ValueError,
                    "out of range", "num_classes=11"),
    "labels_negative": (CONDITIONAL, uint8(6, 28, 28), ids(value=-1), ValueError,
                        "out of range", "negative"),
    "labels_from_1": (CONDITIONAL, uint8(10, 28, 28), np.arange(1, 11), ValueError,
                      "count from 1", "y - 1"),
    "labels_fractions": (CONDITIONAL, uint8(6, 28, 28), ids() + 0.5, ValueError,
                         "not whole numbers", "class ids"),
    "labels_nan": (CONDITIONAL, uint8(6, 28, 28), ids() * np.nan, ValueError,
                   "not whole numbers", "class ids"),
    "labels_one_hot": (CONDITIONAL, uint8(6, 28, 28), np.eye(10)[:6], ValueError,
                       "one-hot", "y.argmax(-1)"),
    "labels_strings": (CONDITIONAL, uint8(6, 28, 28), ["cat"] * 6, TypeError,
                       "not numbers", "numpy.unique"),
    "labels_bool": (CONDITIONAL, uint8(6, 28, 28), ids() > 0, TypeError, "boolean", "int32"),
    "labels_shape": (CONDITIONAL, uint8(6, 28, 28), np.zeros((6, 3), int), ValueError,
                     "wrong shape", "(n,)"),
    "labels_missing": (CONDITIONAL, uint8(6, 28, 28), None, ValueError, "missing", "fit(x, y)"),
    "labels_missing_dict": (CONDITIONAL, {"image": uint8(6, 28, 28)}, None, ValueError,
                            "missing", "'label'"),
    "labels_unwanted": (GREY, uint8(6, 28, 28), ids(), ValueError, "no use for", "fit(x)"),
    "lengths": (CONDITIONAL, uint8(6, 28, 28), ids(5), ValueError,
                "6 samples and y has 5", "Cut both"),
    "dict_key": (GREY, {"picture": uint8(6, 28, 28)}, None, ValueError,
                 "no samples", "Rename the key"),
    "twice": (CONDITIONAL, {"image": uint8(6, 28, 28), "label": ids()}, ids(), ValueError,
              "given twice", "Leave out one"),
    "tuple_of_4": (GREY, (uint8(6, 28, 28),) * 4, None, ValueError, "tuple of 4", "numpy.stack"),
    "second_missing": (TRANSLATOR, uint8(6, 8, 8, 3), None, ValueError,
                       "'b' are missing", "fit(x, y)"),
    "second_channels": (TRANSLATOR, uint8(6, 8, 8, 3), uint8(6, 8, 8, 3), ValueError,
                        "3 channels instead of 1", "mean"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_words(name):
    fields, x, y, error, what, fix = BAD[name]
    with pytest.raises(error) as caught:
        check(fields, x, y)
    message = str(caught.value)
    assert what in message and fix in message
    assert "xpected" in message and "Received: " in message
    assert type(caught.value) is error


def test_received_value_is_given_in_numbers():
    with pytest.raises(ValueError) as caught:
        check(GREY, np.full((6, 28, 28, 1), 200.0))
    end = "Received: x of shape (6, 28, 28, 1), dtype float64, values in [200, 200]."
    assert str(caught.value).endswith(end)


def test_good_arrays_are_normalised():
    (x,) = check(GREY, uint8(6, 28, 28).astype("int64"))
    assert x.shape == (6, 28, 28, 1) and x.dtype == "uint8"
    (x,) = check(GREY, floats(6, 28, 28, 1).astype("float64"))
    assert x.dtype == "float32"
    x, y = check(CONDITIONAL, uint8(6, 28, 28), ids()[:, None].astype("float64"))
    assert y.shape == (6,) and y.dtype == "int32"
    x, y = check(CONDITIONAL, {"image": uint8(6, 28, 28), "label": ids()})
    assert x.shape == (6, 28, 28, 1) and y.shape == (6,)
    x, y = check(CONDITIONAL, {"image": uint8(6, 28, 28)}, ids())
    assert y.shape == (6,)
    x, y = check(CONDITIONAL, (uint8(6, 28, 28), ids()))
    assert y.shape == (6,)
    (x,) = check(GREY, {"image": uint8(6, 28, 28), "label": ids()})
    assert x.shape == (6, 28, 28, 1)
    (x,) = check(GREY, [uint8(28, 28, 1)] * 3)
    assert x.shape == (3, 28, 28, 1)
    x, y = check(TRANSLATOR, uint8(6, 8, 8, 3), uint8(6, 8, 8))
    assert x.shape == (6, 8, 8, 3) and y.shape == (6, 8, 8, 1)
    (x,) = check(POINTS, 100 * floats(6, 2))
    assert x.dtype == "float32"
    (x,) = check((Vectors((1,)),), floats(6))
    assert x.shape == (6, 1)
    (x,) = check((Images((None, None, 3)),), uint8(6, 9, 7, 3))
    assert x.shape == (6, 9, 7, 3)


def test_uint8_and_float32_are_not_copied():
    for array in (uint8(6, 28, 28, 1), floats(6, 28, 28, 1)):
        assert check(GREY, array)[0] is array


def test_tensors_of_the_backend_are_arrays():
    (x,) = check(GREY, keras.ops.convert_to_tensor(floats(6, 28, 28, 1)))
    assert isinstance(x, np.ndarray)
    (x,) = check(GREY, keras.ops.cast(floats(6, 28, 28, 1), "bfloat16"))
    assert x.dtype == "float32"


def test_range_0_to_1_warns():
    with pytest.warns(UserWarning, match=r"0\.\.1.*Received: x of shape"):
        check(GREY, floats(6, 28, 28, 1, low=0))
    with pytest.warns(UserWarning, match="nearly black"):
        check(GREY, uint8(6, 28, 28, high=2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(GREY, floats(6, 28, 28, 1))
        check(GREY, 1.0005 * np.sign(floats(6, 28, 28, 1)))
        check(GREY, np.zeros((6, 28, 28), "uint8"))


def test_scan_works_in_parts(monkeypatch):
    import kgan.data.inspection

    monkeypatch.setattr(kgan.data.inspection, "_CHUNK_BYTES", 4 * 28 * 28 * 2)
    with pytest.raises(ValueError, match="first in sample 3"):
        check(GREY, with_value(floats(7, 28, 28, 1), np.nan))
    with pytest.raises(ValueError, match="outside 0..255"):
        check(GREY, np.concatenate([uint8(6, 28, 28, 1), np.full((1, 28, 28, 1), 256)]))


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def as_tf_data(x):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(x)


def as_loader(x, **options):
    data = pytest.importorskip("torch.utils.data")
    return data.DataLoader(list(x), **options)


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: as_tf_data(uint8(8, 28, 28, 1)), ".batch(64)"),
        (lambda: as_tf_data({"image": uint8(8, 28, 28, 1), "label": ids(8)}), ".batch(64)"),
        (lambda: as_tf_data(uint8(8, 28, 28)), ".batch(64)"),
        (lambda: as_loader(uint8(8, 28, 28, 1), batch_size=None), "batch_size=64"),
        (lambda: Batches([(uint8(28, 28, 1),)]), "__getitem__"),
        (lambda: (x for x in uint8(8, 28, 28, 1)), "Yield batches"),
    ],
)
def test_unbatched_datasets_are_refused(make, fix):
    with pytest.raises(ValueError, match="single samples, not batches") as caught:
        check(GREY, make())
    assert fix in str(caught.value) and "Received: " in str(caught.value)


def test_unbatched_colour_of_unknown_size_is_refused():
    dataset = as_tf_data(np.arange(4))
    tf = sys.modules["tensorflow"]
    dataset = dataset.map(lambda i: tf.ensure_shape(tf.zeros((32, 32, 3)), (None, None, 3)))
    with pytest.raises(ValueError, match="single samples"):
        check(COLOUR, dataset)
    with pytest.raises(ValueError, match="single samples"):
        check(POINTS, as_tf_data(floats(8, 2)))


def test_datasets_are_looked_into():
    good = uint8(8, 28, 28, 1)
    for dataset in (
        as_tf_data(good).batch(4),
        as_tf_data(good[..., 0]).batch(4).repeat(),
        as_tf_data({"image": good, "label": ids(8)}).batch(4),
        as_tf_data((good, ids(8))).batch(4),
        as_loader(list(zip(good, ids(8), strict=True)), batch_size=4),
        Batches([(good,)]),
        Batches([(good, ids(8))]),
        ShuffledBatches((good,), 3),
    ):
        assert check(GREY, dataset) is dataset
    bad = floats(8, 28, 28, 1, low=0, high=255)
    for dataset in (
        as_tf_data(bad).batch(4),
        as_loader(bad, batch_size=4),
        Batches([(bad,)]),
        iter([(bad,)]),
    ):
        with pytest.raises(ValueError, match=r"look like 0..255.*Received: x \(first batch\)"):
            check(GREY, dataset)
    for dataset in (
        as_tf_data(good[:0]).batch(4),
        Batches([]),
        iter([]),
    ):
        with pytest.raises(ValueError, match="empty"):
            check(GREY, dataset)
    with pytest.raises(ValueError, match="channels first"):
        check(COLOUR, as_loader(uint8(8, 3, 32, 32), batch_size=4))
    with pytest.raises(TypeError, match="DataLoader"):
        torch_data = sys.modules["torch"].utils.data
        check(GREY, torch_data.TensorDataset(sys.modules["torch"].zeros(4, 28, 28, 1)))


def test_labels_in_datasets():
    good = uint8(8, 28, 28, 1)
    dataset = as_tf_data({"image": good, "label": ids(8)}).batch(4)
    assert check(CONDITIONAL, dataset) is dataset
    with pytest.raises(ValueError, match="missing"):
        check(CONDITIONAL, as_tf_data(good).batch(4))
    with pytest.raises(ValueError, match="out of range"):
        check(CONDITIONAL, as_tf_data((good, ids(8, 12))).batch(4))
    with pytest.raises(ValueError, match="beside a dataset"):
        check(CONDITIONAL, as_tf_data(good).batch(4), ids(8))
    with pytest.raises(ValueError, match="sample weights"):
        check(GREY, as_tf_data((good, ids(8), ids(8))).batch(4))


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: (x,), lambda x: {"image": x}])
def test_generators_lose_nothing_and_fit_keras(wrap):
    batches = [uint8(2, 28, 28, 1) + index for index in range(3)]
    generator = check(GREY, (wrap(batch) for batch in batches))
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(1)])
    elements = list(generator)
    assert [type(element) for element in elements] == [tuple] * 3
    for element, batch in zip(elements, batches, strict=True):
        np.testing.assert_array_equal(unpack(GREY, element)[0], unpack(GREY, batch)[0])
    if not isinstance(wrap(0), dict):
        generator = check(GREY, (wrap(batch) for batch in batches))
        assert len(model.predict(generator, verbose=0)) == 6


def test_unpack_finds_the_fields():
    x, y = uint8(4, 28, 28, 1), np.arange(4)
    expected = x.astype("float32") / 127.5 - 1
    for data in (
        x,
        (x,),
        (x, y),
        [x, y],
        (x, y, None),
        (x, None, None),
        {"image": x, "label": y},
        ({"image": x, "label": y}, None, None),
        ({"image": x},),
        x[..., 0],
        x.astype("int64"),
        to_float(x),
        to_float(x).astype("float64"),
    ):
        (images,) = unpack(GREY, data)
        assert keras.backend.standardize_dtype(images.dtype) == "float32"
        np.testing.assert_allclose(keras.ops.convert_to_numpy(images), expected, atol=1e-6)
    for data in (
        (x, y),
        (x, y[:, None], None),
        {"x": x, "y": y},
        ({"image": x, "label": y}, None, None),
        ({"image": x}, y, None),
    ):
        images, labels = unpack(CONDITIONAL, data)
        assert keras.backend.standardize_dtype(labels.dtype) == "int32"
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(labels), y)
    a, b = uint8(4, 8, 8, 3), uint8(4, 8, 8)
    for data in ((a, b), ((a, b), None, None), {"a": a, "b": b}):
        first, second = unpack(TRANSLATOR, data)
        assert first.shape[-1] == 3 and second.shape[-1] == 1


def test_unpack_refuses_what_it_can_know():
    with pytest.raises(ValueError, match="labels 'y' are missing"):
        unpack(CONDITIONAL, uint8(4, 28, 28, 1))
    with pytest.raises(ValueError, match="'b' are missing"):
        unpack(TRANSLATOR, {"a": uint8(4, 8, 8, 3)})
    with pytest.raises(ValueError, match="integers"):
        unpack(POINTS, np.ones((4, 2), int))
    with pytest.raises(ValueError, match="number of dimensions"):
        unpack(COLOUR, uint8(4, 32, 32))
    with pytest.raises(ValueError, match="sample weights"):
        unpack(GREY, (uint8(4, 28, 28), ids(4), ids(4)))
    with pytest.raises(ValueError, match="argmax"):
        unpack(CONDITIONAL, (uint8(4, 28, 28), np.eye(10)[:4]))


def test_unpack_gives_shapes_back_that_tf_data_lost():
    dataset = as_tf_data(uint8(8, 28, 28, 1)).batch(4)
    tf = sys.modules["tensorflow"]
    seen = []

    def step(x):
        seen.append(x.shape)
        return unpack(GREY, x)[0]

    if keras.backend.backend() != "tensorflow":
        pytest.skip("compiles a TensorFlow step")
    for shape in (None, (None, None, None, 1), (None, 28, 28)):
        if shape == (None, 28, 28):
            lost = dataset.map(lambda x: tf.squeeze(x, -1))
        else:
            lost = tf.data.Dataset.from_generator(
                lambda: iter([uint8(4, 28, 28, 1)]), output_signature=tf.TensorSpec(shape, "uint8")
            )
        assert check(GREY, lost) is lost
        assert lost.map(step).element_spec.shape.as_list() == [None, 28, 28, 1]


def test_scaling_round_trips():
    pixels = np.arange(256, dtype="uint8")
    np.testing.assert_array_equal(to_uint8(to_float(pixels)), pixels)
    (images,) = unpack(((Images((16, 16, 1))),), pixels.reshape(1, 16, 16, 1))
    images = keras.ops.convert_to_numpy(images)
    np.testing.assert_array_equal(to_uint8(images).ravel(), pixels)
    assert to_uint8(np.array([-2.0, 2.0, 0.0])).tolist() == [0, 255, 128]
    with pytest.raises(TypeError, match="Received"):
        to_uint8(pixels)
    with pytest.raises(TypeError, match="Received"):
        to_float(images)
    with pytest.raises(ValueError, match="NaN"):
        to_uint8(np.array([np.nan]))


@pytest.mark.parametrize(
    ("make", "shape", "num_classes"),
    [
        (lambda: (28, 28), (28, 28, 1), None),
        (lambda: (32, 32, 3), (32, 32, 3), None),
        (lambda: [np.int64(2)], (2,), None),
        (lambda: uint8(6, 28, 28), (28, 28, 1), None),
        (lambda: uint8(6, 32, 32, 3), (32, 32, 3), None),
        (lambda: floats(6, 2), (2,), None),
        (lambda: floats(6), (1,), None),
        (lambda: floats(6, 4, 8, 8, 3), (4, 8, 8, 3), None),
        (lambda: [uint8(28, 28, 1)] * 2, (28, 28, 1), None),
        (lambda: (uint8(6, 28, 28), np.arange(6)), (28, 28, 1), 6),
        (lambda: (uint8(6, 28, 28), np.eye(10)[:6]), (28, 28, 1), 10),
        (lambda: {"image": uint8(6, 28, 28), "label": np.arange(6)}, (28, 28, 1), 6),
        (lambda: as_tf_data(uint8(6, 28, 28, 1)).batch(2), (28, 28, 1), None),
        (lambda: as_tf_data((uint8(6, 28, 28), ids())).batch(2), (28, 28, 1), None),
        (
            lambda: as_tf_data({"image": uint8(6, 8, 8, 3), "label": ids()}).batch(2),
            (8, 8, 3),
            None,
        ),
        (lambda: as_loader(uint8(6, 8, 8, 3), batch_size=2), (8, 8, 3), None),
        (lambda: Batches([(uint8(6, 8, 8, 3), ids())]), (8, 8, 3), None),
    ],
)
def test_describe_data(make, shape, num_classes):
    first, *others = describe_data(make())
    assert first == of_shape(shape)
    assert others == ([] if num_classes is None else [Labels(num_classes)])


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: (), ValueError, "at least one dimension"),
        (lambda: (28, -1), ValueError, "positive"),
        (lambda: (x for x in [uint8(6, 28, 28)]), TypeError, "only once"),
        (lambda: uint8(28, 28, 3), ValueError, "one image"),
        (lambda: uint8(6, 3, 28, 28), ValueError, "channels first"),
        (lambda: uint8(0, 28, 28), ValueError, "empty"),
        (lambda: uint8(6, 784), ValueError, "integers"),
        (lambda: {"picture": uint8(6, 28, 28)}, ValueError, "No samples"),
        (lambda: np.array(["a"]), TypeError, "numbers"),
        (lambda: "mnist", TypeError, "kgan.data.load"),
        (lambda: None, TypeError, "cannot be read"),
        (lambda: as_tf_data(uint8(6, 28, 28, 1)), ValueError, "one image"),
        (lambda: as_tf_data({"label": ids()}).batch(2), ValueError, "No samples"),
    ],
)
def test_describe_data_refuses(make, error, match):
    with pytest.raises(error, match=match) as caught:
        describe_data(make())
    assert "Received" in str(caught.value)


def test_fields_check_themselves():
    assert Images([28, 28, 1]) == Images((28, 28, 1))
    for shape in ((), (0, 28, 1)):
        with pytest.raises(ValueError, match="Received"):
            of_shape(shape)


class Recorder(keras.Model):
    """Keeps the first entry of each sample of each batch, in order."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.seen = []

    def build(self, shape):
        self.dense.build(shape)
        self.built = True

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize("build_first", [False, True])
def test_shuffled_batches_in_fit(build_first):
    x = np.arange(10, dtype="float32")[:, None]
    orders, generator = [], np.random.default_rng(0)

    def permutation():
        orders.append(generator.permutation(10))
        return orders[-1]

    class Spy(ShuffledBatches):
        def __getitem__(self, index):
            batch = super().__getitem__(index)
            served.append((index, batch[0][:, 0].astype(int).tolist()))
            return batch

    served = []
    model = Recorder()
    if build_first:
        model.build((None, 1))
    model.compile(loss="mse", optimizer="sgd", jit_compile=False)
    model.fit(Spy((x, x), 4, permutation), epochs=3, verbose=0, shuffle=False)
    # On TensorFlow, Keras looks at two batches for their shapes; kgan uses tf.data there.
    last = served[-9:]
    assert [index for index, _ in last] == [0, 1, 2] * 3
    assert [len(batch) for _, batch in last] == [4, 4, 2] * 3
    assert len(orders) == 3
    for epoch in range(3):
        epoch_order = sum((batch for _, batch in last[3 * epoch : 3 * epoch + 3]), [])
        assert epoch_order == orders[epoch].tolist()


def test_shuffled_batches_keep_their_order_within_a_pass():
    x = np.arange(12, dtype="float32")[:, None]
    calls = []

    def permutation():
        calls.append(1)
        return np.arange(12)[::-1]

    model = Recorder()
    model.build((None, 1))
    model.compile(loss="mse", optimizer="sgd", jit_compile=False)
    batches = ShuffledBatches((x, x), 3, permutation)
    model.fit(batches, epochs=4, steps_per_epoch=2, verbose=0, shuffle=False)
    assert len(calls) == 2
    order = [batch[0][0, 0] for batch in batches]
    assert order == [11, 8, 5, 2]
    assert [len(batch[0]) for batch in ShuffledBatches((x,), 5)] == [5, 5, 2]


def test_shuffled_batches_refuse():
    x = np.zeros((4, 1))
    for arguments in (((), 2), ((x, x[:3]), 2), ((x[:0],), 2), ((x,), 0), ((x,), 1.5)):
        with pytest.raises(ValueError, match="Received"):
            ShuffledBatches(*arguments)
    with pytest.raises(TypeError, match="Received"):
        ShuffledBatches((x,), 2, [0, 1, 2, 3])
    with pytest.raises(ValueError, match="no order"):
        ShuffledBatches((x,), 2, lambda: np.arange(3))[0]
    with pytest.raises(IndexError):
        ShuffledBatches((x,), 2)[2]
