import hashlib
import json

import keras
import numpy as np
import pytest

from kgan.metrics import digit_judge, features, read_digits


@pytest.fixture(scope="module")
def judge():
    return digit_judge()


@pytest.fixture(scope="module")
def card():
    return json.loads(features.CARD.read_text())


def made_up_image():
    """The image of the card's probe: a bright ring on black."""
    rows, columns = np.mgrid[0:28, 0:28]
    ring = np.exp(-0.08 * np.square(np.hypot(rows - 13.5, columns - 13.5) - 7.5))
    return (2 * ring - 1).astype("float32")[None, ..., None]


def test_weights_are_those_of_the_card(judge, card):
    content = features.WEIGHTS.read_bytes()
    assert hashlib.sha256(content).hexdigest() == card["sha256"]
    assert len(content) < 1_000_000
    assert judge.count_params() == card["num_weights"] < 150_000
    assert card["test_accuracy"] >= 0.99
    assert all(weight.dtype == "float32" for weight in judge.weights)


def test_logits_are_the_stored_ones_on_every_backend(judge, card):
    logits = judge.predict_on_batch(made_up_image())
    np.testing.assert_allclose(logits[0], card["probe"], atol=2e-4)
    digits, confidences = read_digits(made_up_image(), judge)
    assert digits.tolist() == [0]  # a ring
    odds = np.exp(np.array(card["probe"]))
    np.testing.assert_allclose(confidences, odds.max() / odds.sum(), atol=1e-4)


def test_reads_mnist(judge, data_folder):
    path = data_folder / "mnist.npz"
    if not path.is_file():
        pytest.skip(f"no real data: {path}")
    with np.load(path) as file:
        images, labels = file["x_test"][::5], file["y_test"][::5]
    digits, confidences = read_digits(images, judge)
    assert (digits == labels).mean() >= 0.99
    assert confidences.mean() > 0.98 and confidences[digits != labels].mean() < 0.9


def test_reads_any_number_scale_and_batch_alike(judge):
    images = np.random.default_rng(0).integers(256, size=(7, 28, 28, 1)).astype("uint8")
    digits, confidences = read_digits(images, judge)
    assert digits.dtype == "int64" and digits.shape == confidences.shape == (7,)
    others = (
        read_digits(images[..., 0], judge, batch_size=3),
        read_digits(images / 127.5 - 1, judge),
        read_digits(images.astype("int64")),
    )
    for same in others:
        np.testing.assert_array_equal(same[0], digits)
        np.testing.assert_allclose(same[1], confidences, atol=1e-5)
    digits, confidences = read_digits(images[:0], judge)
    assert digits.shape == confidences.shape == (0,)


def test_features_are_an_extractor(judge):
    extractor = keras.Model(judge.input, judge.get_layer("features").output)
    found = np.asarray(extractor.predict_on_batch(made_up_image()))
    assert found.shape == (1, 96) and found.min() >= 0 and found.max() > 0


def test_computes_in_float32_under_any_policy(judge, card):
    keras.config.set_dtype_policy("mixed_bfloat16")
    logits = digit_judge().predict_on_batch(made_up_image())
    assert logits.dtype == "float32"
    np.testing.assert_allclose(logits[0], card["probe"], atol=2e-4)


def test_new_weights_know_nothing(judge):
    new = digit_judge(weights=None)
    assert new.count_params() == judge.count_params()
    assert np.abs(new.get_weights()[0] - judge.get_weights()[0]).max() > 0.01


def test_foreign_or_missing_weights_are_refused(monkeypatch, tmp_path):
    foreign = tmp_path / "digit_judge.weights.h5"
    monkeypatch.setattr(features, "WEIGHTS", foreign)
    with pytest.raises(ValueError, match="train_judge.py. Received: no file"):
        digit_judge()
    foreign.write_bytes(b"something else")
    with pytest.raises(ValueError, match="does not match its card"):
        digit_judge()


@pytest.mark.parametrize(
    "call",
    [
        lambda judge: digit_judge(weights="cifar10"),
        lambda judge: read_digits(np.zeros((4, 28, 28, 3), "uint8"), judge),
        lambda judge: read_digits(np.zeros((4, 32, 32, 1), "uint8"), judge),
        lambda judge: read_digits(np.full((4, 28, 28, 1), 255.0), judge),
        lambda judge: read_digits(np.full((4, 28, 28, 1), np.nan), judge),
        lambda judge: read_digits(np.zeros((4, 28, 28, 1)), judge, batch_size=0),
    ],
)
def test_refuses_in_words(call, judge):
    with pytest.raises(ValueError, match="Received"):
        call(judge)
