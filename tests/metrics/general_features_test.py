"""The network that metrics see pictures with, and what smudges are worth under the defaults."""

import hashlib
import json

import keras
import numpy as np
import pytest
from scipy import ndimage

import kgan
from kgan.callbacks import measurements
from kgan.metrics import Extractor, FrechetDistance, general_features, image_features


def images(count, shape, seed=0):
    return np.random.default_rng(seed).integers(256, size=(count, *shape)).astype("uint8")


def test_weights_are_those_of_the_card_on_every_backend():
    card, content = json.loads(general_features.CARD.read_text()), general_features.WEIGHTS
    assert hashlib.sha256(content.read_bytes()).hexdigest() == card["sha256"]
    assert content.stat().st_size < 1_000_000
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = image_features()
    assert network.count_params() == card["num_weights"]
    for question, guess in card["guesses"].items():
        assert card["test_accuracy"][question] > 2 * guess
    rows, columns = np.mgrid[0:64, 0:64]
    ring = np.exp(-0.02 * np.square(np.hypot(rows - 31.5, columns - 31.5) - 18))
    image = np.stack([2 * ring - 1, rows / 31.5 - 1, columns / 31.5 - 1], axis=-1)
    found = network.predict_on_batch(image[None].astype("float32"))[0]
    np.testing.assert_allclose(found[::38], card["probe"], atol=2e-3)


@pytest.mark.parametrize(
    "shape, length",
    [((8, 8, 1), 304), ((20, 31), 304), ((9, 7, 3), 304), ((9, 9, 4), 1216), ((2, 9, 9, 3), 608)],
)
def test_pictures_of_any_kind_are_seen(shape, length):
    samples = images(5, shape)
    metric = FrechetDistance()
    metric.update_state(samples, samples[::-1])
    assert metric.result() == pytest.approx(0, abs=1e-6)
    assert f"image_features features ({length})" in metric.protocol
    # As floats they are the same, and in parts.
    features = Extractor("image_features")(samples)
    floats = samples if len(shape) == 2 else (samples / 127.5 - 1).astype("float32")
    again = Extractor("image_features", batch_size=2)(floats)
    np.testing.assert_allclose(features, again, atol=1e-4)


def test_what_is_no_picture_is_compared_as_it_is():
    metric = FrechetDistance()
    metric.update_state(kgan.data.ring(50, seed=0), kgan.data.ring(50, seed=1))
    assert "samples as they are (2 numbers)" in metric.protocol
    again = FrechetDistance.from_config(metric.get_config())
    assert again.extractor.source == "auto" and "all else as it is" in again.protocol


def test_an_extractor_of_ones_own_learns_and_is_a_file(tmp_path):
    digits, labels = kgan.data.load("digits", labels=True)
    said = []
    mine = kgan.metrics.train_extractor(digits[:200], labels[:200], epochs=4, print_fn=said.append)
    assert float(said[0].split("reads ")[1].split("%")[0]) > 30, said
    path = str(tmp_path / "mine.keras")
    mine.save(path)
    metric = FrechetDistance(path)
    for one in (metric, FrechetDistance(mine), FrechetDistance.from_config(metric.get_config())):
        one.update_state(digits[400:600], digits[600:800])
        assert one.result() == pytest.approx(_of(mine, digits), rel=1e-3)
    with pytest.raises(ValueError, match="ends in .keras"):
        mine.save(tmp_path / "mine.h5")
    with pytest.raises(ValueError, match="no such file"):
        FrechetDistance(str(tmp_path / "other.keras"))
    (tmp_path / "bad.keras").write_bytes(b"bad")
    with pytest.raises(ValueError, match="no Keras model"):
        FrechetDistance(str(tmp_path / "bad.keras"))


def _of(extractor, digits):
    metric = FrechetDistance(extractor)
    metric.update_state(digits[400:600], digits[600:800])
    return metric.result()


@pytest.mark.parametrize(
    "call",
    [
        lambda: image_features("imagenet"),
        lambda: kgan.metrics.train_extractor(images(30, (8, 8, 1)), np.zeros(30, int)),
        lambda: kgan.metrics.train_extractor(images(30, (8, 8, 1)), np.arange(29)),
        lambda: kgan.metrics.train_extractor(images(30, (8, 8, 2)), np.arange(30)),
        lambda: kgan.zoo.load("vanilla", like=(2,)).compile(optimizer="sgd", metrics="all"),
    ],
)
def test_refuses_in_words(call):
    with pytest.raises(ValueError, match="Received"):
        call()


def impostors(real):
    """As in benchmarks/impostors.py, where the whole table is measured."""
    side, random = real.shape[1], np.random.default_rng(0)
    blur = (0, side / 16, side / 16, 0)
    return {
        "mean": real.mean(axis=0, keepdims=True).round().astype("uint8").repeat(len(real), axis=0),
        "blank": np.full_like(real, 255),
        "one real": real[:1].repeat(len(real), axis=0),
        "blurred": ndimage.gaussian_filter(real.astype("float32"), blur).round().astype("uint8"),
        "noise": random.integers(0, 256, real.shape, dtype="uint8"),
    }


def test_impostors_rank_below_a_trained_model_under_every_default_figure(data_folder):
    with np.load(data_folder / "mnist.npz") as file:
        real, held = file["x_train"][:256, ..., None], file["x_test"][:256, ..., None]
    candidates = {"model": kgan.zoo.load("dcgan", weights="mnist").generate(256, seed=0)}
    candidates |= {"real": real, **impostors(real)}
    see = Extractor("image_features")
    figures, modes = {}, {"Health's energy": "min", "Health's coverage": "max"}
    for who, samples in candidates.items():
        metrics = kgan.metrics.default_metrics()
        figures[who] = kgan.metrics.evaluate(held, samples, metrics)
        for metric in metrics:
            own = metric.mode if isinstance(metric.mode, dict) else {metric.name: metric.mode}
            modes |= own
        spread = measurements.spread(see(held), see(samples))
        shown = set(spread) - set(measurements.FOR_DIAGNOSES)
        figures[who] |= {f"Health's {name}": spread[name] for name in shown}
    assert set(modes) == set(figures["real"])
    for name, mode in modes.items():
        sign = 1 if mode == "max" else -1
        bar = min(sign * figures[who][name] for who in ("model", "real"))
        for who in impostors(real):
            assert sign * figures[who][name] < bar, f"{who} fools {name}"
