"""Kinds of data: each field checks, scales, gives back, describes and draws its own."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.data import Clips, Field, Images, Labels, Signals, Text, Vectors, check, describe_data

RNG = np.random.default_rng(0)
EVERY_KIND = [
    Images((6, 4, 3)),
    Clips((5, 6, 4, 1), rate=5),
    Signals((64, 2), rate=8000),
    Vectors((2,)),
    Vectors((1,)),
    Vectors((7,)),
    Labels(3),
    Labels(2, ["cat", "dog"]),
    Text(3, ["a", "red", "seven"]),
]


def array(tensor):
    return ops.convert_to_numpy(tensor)


def floats(*shape):
    return RNG.uniform(-1, 1, shape).astype("float32")


@pytest.mark.parametrize("field", EVERY_KIND, ids=repr)
def test_every_kind_remembers_gives_back_and_draws(field, tmp_path):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(field))
    assert again == field and again.get_config() == field.get_config()
    values = field.examples(4)
    checked = field.check(values)
    tensor = array(field.to_device(checked))
    assert tensor.shape == (4, *field.shape)
    assert tensor.dtype == field.device_dtype
    back = field.from_device(tensor)
    np.testing.assert_array_equal(field.check(back), checked)
    picture = field.draw(back)
    assert picture.dtype == "uint8" and picture.ndim == 3 and min(picture.shape[:2]) > 3
    assert not (picture == picture[0, 0]).all()
    assert field.renamed("other").name == "other"
    if not isinstance(field, Labels | Text):
        assert type(field).describe(np.asarray(values)).shape == field.shape


def test_signals_are_floats_or_16_bit_integers_of_any_length():
    field = Signals((None, 1), rate=8000)
    whole = np.array([[-32768, 0, 16384]], "int16")
    np.testing.assert_allclose(array(field.to_device(field.check(whole)))[0, :, 0], [-1, 0, 0.5])
    assert field.check(floats(2, 9)).shape == (2, 9, 1)
    assert field.check(floats(2, 500, 1)).shape == (2, 500, 1)
    assert field.from_device(np.array([[[2.0], [-3.0]]])).ravel().tolist() == [1, -1]
    for wrong, match in (
        (3 * floats(2, 9, 1), "outside"),
        (np.ones((2, 9, 1), "int64"), "integers of int64"),
        (np.full((2, 9, 1), np.nan), "NaN"),
        (floats(2, 9, 3), "wrong shape"),
    ):
        with pytest.raises(ValueError, match=f"{match}.*Received"):
            field.check(wrong)
    with pytest.raises(ValueError, match="rate"):
        Signals((9, 1), rate=0)


def test_clips_are_pixels_with_frames_first():
    field = Clips((3, 4, 5, 1))
    clips = RNG.integers(0, 256, (2, 3, 4, 5, 1), dtype="uint8")
    np.testing.assert_allclose(array(field.to_device(clips)), clips / 127.5 - 1.0, atol=1e-6)
    np.testing.assert_array_equal(field.check(clips[..., 0]), clips)
    # A grey clip is no image, and images are no clips.
    with pytest.raises(ValueError, match="Received"):
        field.check(clips[:, 0])
    with pytest.raises(ValueError, match="shape .height, width, channels."):
        Images((3, 4, 5, 1))


def test_labels_know_names():
    field = Labels(3, ["ant", "bee", "cat"])
    assert field.check(["cat", "ant"]).tolist() == field.check([2, 0]).tolist() == [2, 0]
    assert field.from_device(np.array([1, 1])) == ["bee", "bee"]
    assert field.captions(["bee"]) == ["bee"]
    with pytest.raises(ValueError, match=r"\['dog'\].*The classes are.*Received"):
        field.check(["dog"])
    with pytest.raises(ValueError, match="one name"):
        Labels(2, ["a", "a"])


def test_text_is_words():
    field = Text.describe(["A red seven", "a blue, seven", "größer!"])
    assert field.vocabulary == ["a", "seven", "blue", "größer", "red"]
    assert field.max_length == 3 and field.num_tokens == 7
    ids = field.check(["Seven RED red red", "unheard of", ""])
    assert ids.tolist() == [[3, 6, 6], [1, 1, 0], [0, 0, 0]]
    assert field.from_device(ids)[0] == "seven red red"
    for wrong, error in (("one string", TypeError), ([1.5], TypeError), ([], ValueError)):
        with pytest.raises(error, match="Received"):
            field.check(wrong)


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        (RNG.integers(0, 256, (4, 8, 8), dtype="uint8"), [Images]),
        (floats(4, 28, 28), [Images]),
        (floats(4, 100, 1), [Signals]),
        (9 * floats(4, 100, 80), [Vectors]),
        (np.zeros((4, 100), "int16"), [Signals]),
        (floats(4, 7), [Vectors]),
        (np.zeros((4, 3, 8, 8, 1), "uint8"), [Clips]),
        ((floats(4, 8, 8, 3), np.arange(4)), [Images, Labels]),
        ((floats(4, 8, 8, 3), floats(4, 16)), [Images, Vectors]),
        ((floats(4, 8, 8, 3), np.array(["a cat", "a dog", "two", "cats"])), [Images, Text]),
        ((floats(4, 8, 8, 3), np.array(["cat", "dog", "cat", "cat"])), [Images, Labels]),
        ((floats(4, 50, 1), floats(4, 50, 1), np.arange(4)), [Signals, Signals, Labels]),
        (Vectors((8, 8, 3)), [Vectors]),
        ((Signals((None, 1)), Labels(4)), [Signals, Labels]),
    ],
)
def test_data_is_what_it_looks_like(data, kinds):
    assert [type(field) for field in describe_data(data)] == kinds


def test_caption_embeddings_and_token_ids_are_no_classes():
    images = floats(4, 8, 8, 3)
    for other in (floats(4, 16), RNG.integers(0, 9, (4, 16))):
        options = kgan.zoo.Like("sample_shape", num_classes="num_classes").options((images, other))
        assert options == {"sample_shape": (8, 8, 3)}


class Trio(kgan.AdversarialModel):
    """One player that writes down what it is shown."""

    players = {"one": kgan.Player(("network",), ("distance",))}
    fields = (Vectors((1,), "a"), Labels(64, name="b"), Text(1, ["w"], name="c"))

    def __init__(self, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        self.seen = []
        self.built = True

    def one_loss(self, a, b, c):
        self.seen.append([array(x).ravel().tolist() for x in (a, b, c)])
        return {"distance": ops.mean(ops.square(self.network(a)))}


def trio():
    model = Trio(seed=0)
    model.compile(optimizer="sgd", run_eagerly=True)
    return model


def data(n=24):
    words = np.array(["w" if place % 2 else "x" for place in range(n)])
    return np.arange(n, dtype="float32"), np.arange(n), words


def spellings():
    import tensorflow as tf

    a, b, c = data()
    yield "tuple", ((a, b, c),), {"batch_size": 10}
    yield "tuple and y", ((a, b), c), {"batch_size": 10}
    yield "dictionary", ({"c": c, "b": b, "a": a},), {"batch_size": 10}
    dataset = tf.data.Dataset.from_tensor_slices((a, b, c)).batch(10)
    yield "dataset of tuples", (dataset,), {}
    named = tf.data.Dataset.from_tensor_slices({"a": a, "b": b, "c": c}).batch(10)
    yield "dataset of dictionaries", (named,), {}


@pytest.mark.skipif(keras.config.backend() == "jax", reason="a loss that looks can't be traced")
def test_three_fields_train_shuffled_in_batches_and_together():
    for name, arguments, options in spellings():
        model = trio()
        model.fit(*arguments, verbose=0, **options)
        batches = model.seen
        assert [len(a) for a, _, _ in batches] == [10, 10, 4], name
        rows = [row for batch in batches for row in zip(*batch, strict=True)]
        assert sorted(a for a, _, _ in rows) == list(range(24)), name
        assert all(a == b and c == (2 if b % 2 else 1) for a, b, c in rows), name
        in_order = [a for a, _, _ in rows] == list(range(24))
        assert in_order == name.startswith("dataset"), name
        # Nothing of what is held out is lost.
        model.seen.clear()
        model.evaluate(*arguments, verbose=0, **options)
        assert sum(len(c) for _, _, c in model.seen) == 24, name


@pytest.mark.skipif(keras.config.backend() == "jax", reason="a loss that looks can't be traced")
def test_three_fields_are_held_out_together():
    model = trio()
    model.fit(data(), verbose=0, batch_size=6, validation_split=0.25)
    rows = [row for batch in model.seen for row in zip(*batch, strict=True)]
    assert all(a == b for a, b, _ in rows)
    assert [a for a, _, _ in rows[-6:]] == list(range(18, 24))
    model.seen.clear()
    model.fit(data(), verbose=0, batch_size=24, validation_data=data(4))
    assert [len(a) for a, _, _ in model.seen] == [24, 4]


def test_fields_that_do_not_fit_are_said_so():
    with pytest.raises(ValueError, match="texts 'c' are missing.*fit.(.)?a, b, c"):
        trio().fit(data()[:2], verbose=0)
    with pytest.raises(ValueError, match="24 samples and c has 3"):
        trio().fit((*data()[:2], data()[2][:3]), verbose=0)
    with pytest.raises(TypeError, match="c holds no strings"):
        trio().fit((*data()[:2], np.arange(24) * 0.5), verbose=0)


def test_a_kind_of_a_stranger_is_one_class():
    class Degrees(Field):
        plural = "degrees"

        def to_device(self, x):
            return super().to_device(x) / 180.0

        def from_device(self, array):
            return super().from_device(array) * 180.0

    generator = kgan.networks.mlp.generator((1,), 2, units=(4,))
    model = kgan.GAN(
        generator,
        kgan.networks.mlp.discriminator((1,), units=(4,)),
        samples=Degrees((1,)),
        seed=0,
    )
    model.compile(optimizer="sgd", metrics=[kgan.metrics.SlicedWasserstein()])
    angles = RNG.uniform(-180, 180, (32, 1)).astype("float32")
    model.fit(angles, verbose=0, validation_data=angles)
    noise = kgan.latent.sample((3, 2), seed=1)
    np.testing.assert_allclose(
        model.decode(noise), 180.0 * array(model(noise)), rtol=1e-5, atol=1e-4
    )
    assert check(model.fields, angles)[0].shape == (32, 1)
