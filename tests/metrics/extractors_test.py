import keras
import numpy as np
import pytest
from PIL import Image

from kgan.metrics import Extractor, FrechetDistance, digit_judge, extractors
from kgan.metrics.samples import resize


def images(n=7, size=28, channels=1, seed=0):
    return np.random.default_rng(seed).integers(256, size=(n, size, size, channels), dtype="uint8")


def network(channels=2, name="reader"):
    return keras.Sequential(
        [keras.Input((8, 8, channels)), keras.layers.Flatten(), keras.layers.Dense(5)], name=name
    )


def test_samples_themselves_are_flattened_on_their_own_scale():
    extract = Extractor()
    found = extract(np.array([[[0, 255], [255, 0]]], "uint8"))
    assert found.tolist() == [[-1.0, 1.0, 1.0, -1.0]]
    points = np.array([[1e3, 2.0], [0.5, -7.0]])
    assert extract(points).dtype == "float64" and (extract(points) == points).all()
    assert extract(points[:, 0]).shape == (2, 1)
    assert extract(points.astype("float16")).dtype == "float32"
    assert extract(np.zeros((2, 30, 4))).shape == (2, 120)  # sound has any range
    assert Extractor(head="images")(images(channels=3)).shape == (7, 28, 28, 3)


def test_judge_reads_its_features():
    judge = digit_judge()
    extractor = keras.Model(judge.input, judge.get_layer("features").output)
    expected = extractor.predict_on_batch(images() / 127.5 - 1)
    for given in (images(), images()[..., 0], images() / 127.5 - 1, (images()[..., 0]) / 127.5 - 1):
        found = Extractor("digit_judge", batch_size=3)(given)
        assert found.shape == (7, 96)
        np.testing.assert_allclose(found, expected, atol=1e-3)
    assert Extractor("digit_judge", head="logits")(images()).shape == (7, 10)


def test_judge_is_loaded_once():
    assert extractors._named("digit_judge", "logits") is extractors._named("digit_judge", "logits")
    first = FrechetDistance("digit_judge").extractor
    assert first.key == Extractor("digit_judge").key != Extractor().key


def test_channels_are_read_by_themselves():
    triples = images(channels=3)
    found = Extractor("digit_judge", head="logits", per_channel=True)(triples)
    assert found.shape == (7, 30)
    alone = Extractor("digit_judge", head="logits")(triples[..., 1:2])
    np.testing.assert_allclose(found[:, 10:20], alone, atol=1e-3)


def test_resizing_is_pillows():
    for old, new in (((28, 20), (14, 33)), ((32, 32), (28, 28))):
        pictures = np.random.default_rng(0).uniform(-0.5, 0.5, (2, *old, 3)).astype("float32")
        found = resize(pictures, new)
        for picture, one in zip(pictures, found):
            for channel in range(3):
                expected = Image.fromarray(picture[..., channel]).resize(
                    new[::-1], Image.Resampling.BICUBIC
                )
                np.testing.assert_allclose(one[..., channel], expected, atol=1e-5)
    assert resize(pictures, (32, 32)) is pictures
    checks = 2.0 * (np.indices((8, 8)).sum(axis=0) // 3 % 2) - 1
    assert np.abs(resize(checks[None, ..., None], (28, 28))).max() <= 1  # bicubic overshoots


def test_protocol_says_what_was_resized():
    metric = FrechetDistance("digit_judge")
    metric.update_state(images(size=32), images(9, seed=1))
    assert metric.protocol == (
        "Frechet distance, digit_judge features (96), 7 real and 9 generated samples, resized "
        "from 32x32 to 28x28 with Pillow's bicubic filter, antialiased"
    )


def test_own_models_and_functions():
    model = network()
    pictures = images(11, 8, 2)
    expected = model.predict_on_batch(pictures / 127.5 - 1)
    extract = Extractor(model, batch_size=4)
    np.testing.assert_allclose(extract(pictures), expected, atol=1e-5)
    assert extract(images(3, 16, 2)).shape == (3, 5)
    assert "Keras model reader (5)" in extract.words(5)
    grey = Extractor(network(3))
    assert "grey repeated" in grey.resizing([(8, 8)]) and grey(images(3, 8)).shape == (3, 5)

    def brightness(batch):
        return keras.ops.mean(batch, axis=(1, 2, 3))

    found = Extractor(brightness, batch_size=4)(pictures)
    np.testing.assert_allclose(found[:, 0], (pictures / 127.5 - 1).mean(axis=(1, 2, 3)), atol=1e-5)
    assert "function brightness" in Extractor(brightness).words(1)
    on_points = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    assert Extractor(on_points)(np.zeros((4, 2))).shape == (4, 3)


def test_inception_is_named_for_what_it_is(monkeypatch):
    asked = {}

    def small(**arguments):
        asked.update(arguments)
        pool = keras.layers.GlobalAveragePooling2D()
        return keras.Sequential([keras.Input((299, 299, 3)), pool])

    monkeypatch.setattr(keras.applications, "InceptionV3", small)
    extractors._named.cache_clear()
    try:
        metric = FrechetDistance("inception")
        metric.update_state(images(2, 8), images(3, 8, 3))
        assert asked["weights"] == "imagenet" and asked["pooling"] == "avg"
        for words in ("InceptionV3 of Keras", "not the network of the TF-2015 FID", "299x299"):
            assert words in metric.protocol
    finally:
        extractors._named.cache_clear()


def test_inception_that_cannot_be_downloaded_says_what_to_do(monkeypatch):
    def fails(**arguments):
        raise OSError("no network")

    monkeypatch.setattr(keras.applications, "InceptionV3", fails)
    extractors._named.cache_clear()
    try:
        with pytest.raises(ValueError, match="no network.*copy its file.*another extractor"):
            Extractor("inception")(images(2))
    finally:
        extractors._named.cache_clear()


def two_outputs(batch):
    return [batch, batch]


def one_row(batch):
    return batch[:1]


def overflowing(batch):
    return np.full((len(batch), 2), np.inf)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Extractor("vgg"), ValueError, "Received: 'vgg'"),
        (lambda: Extractor(3), TypeError, "Received: a int"),
        (lambda: Extractor(head="tail"), ValueError, "tail"),
        (lambda: Extractor("digit_judge")(images(channels=3)), ValueError, "Average colours"),
        (lambda: Extractor("digit_judge")(np.zeros((3, 2))), ValueError, "dimensions"),
        (lambda: Extractor()(np.array([[1.0, np.nan]])), ValueError, "NaN"),
        (lambda: Extractor()(np.full((2, 8, 8, 1), 200.0)), ValueError, "0..255"),
        (lambda: Extractor()(np.zeros((4, 2), "int64")), ValueError, "only images may be"),
        (lambda: Extractor()("digits"), TypeError, "Received"),
        (lambda: Extractor(one_row)(images()), ValueError, "one row per sample"),
        (lambda: Extractor(overflowing)(images()), ValueError, "infinite features of samples"),
        (lambda: Extractor()(keras.Input((2,))), TypeError, "outside of compiled graphs"),
    ],
)
def test_refuses_in_words(call, error, words):
    with pytest.raises(error, match=words):
        call()
