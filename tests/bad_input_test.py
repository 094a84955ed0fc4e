"""Bad input stops in words, costs no trained state, and leaves a model that still trains."""

import re

import keras
import numpy as np
import pytest

import kgan


def images(n=16, dtype="uint8", shape=(8, 8, 1)):
    return np.random.default_rng(0).integers(0, 255, (n, *shape)).astype(dtype)


def with_nan():
    x = images(dtype="float32") / 127.5 - 1
    x[3, 2, 1, 0] = np.nan
    return x


class PyDatasetOf(keras.utils.PyDataset):
    """One batch, over and over."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return (self.batch,)


# What the user does to a DCGAN for 8x8x1 images, and a word that the message must have.
FITS = {
    "floats in 0..255": (lambda m: m.fit(images(dtype="float32")), "127.5"),
    "floats far outside": (lambda m: m.fit(images(dtype="float32") * -9.0), r"\[-1, 1\]"),
    "NaN": (lambda m: m.fit(with_nan()), "NaN"),
    "infinity": (lambda m: m.fit(np.full((4, 8, 8, 1), np.inf, "float32")), "inf"),
    "negative integers": (lambda m: m.fit(images(dtype="int32") - 300), "0..255"),
    "integers above 255": (lambda m: m.fit(images(dtype="int32") * 9), "0..255"),
    "three channels": (lambda m: m.fit(images(shape=(8, 8, 3))), "channel"),
    "channels first": (lambda m: m.fit(images(shape=(1, 8, 8))), "channel"),
    "another size": (lambda m: m.fit(images(shape=(16, 16, 1))), "16"),
    "one image without a batch": (lambda m: m.fit(images()[0]), "batch|shape"),
    "flat rows": (lambda m: m.fit(images().reshape(16, 64)), "shape"),
    "five dimensions": (lambda m: m.fit(images()[None]), "shape"),
    "no image at all": (lambda m: m.fit(images(0)), "empty|no "),
    "an empty list": (lambda m: m.fit([]), "empty|no "),
    "booleans": (lambda m: m.fit(images() > 9), "bool"),
    "complex numbers": (lambda m: m.fit(images().astype("complex64")), "complex"),
    "strings": (lambda m: m.fit(np.array([["a", "b"]])), "str|dtype"),
    "objects": (lambda m: m.fit(np.array([{}, {}], dtype=object)), "object|dict"),
    "images of different sizes": (lambda m: m.fit([images()[0], images()[0][:4]]), "size|shape"),
    "a number": (lambda m: m.fit(3), "Received"),
    "nothing": (lambda m: m.fit(None), "Received"),
    "labels that are not wanted": (lambda m: m.fit(images(), np.zeros(16, "int32")), "label"),
    "sample weights": (lambda m: m.fit(images(), sample_weight=np.ones(16)), "weight"),
    "class weights": (lambda m: m.fit(images(), class_weight={0: 1.0}), "weight"),
    "a dict without images": (lambda m: m.fit({"picture": images()}), "picture"),
    "batch size 0": (lambda m: m.fit(images(), batch_size=0), "batch_size"),
    "batch size 1.5": (lambda m: m.fit(images(), batch_size=1.5), "batch_size"),
    "nothing left to train on": (lambda m: m.fit(images(), validation_split=1.0), "split"),
    "a bad dataset": (lambda m: m.fit(PyDatasetOf(images(shape=(8, 8, 3)))), "channel"),
    "a dataset of NaN": (lambda m: m.fit(PyDatasetOf(with_nan())), "NaN"),
    "a generator of floats": (lambda m: m.fit(images(4, "float32") for _ in range(3)), "127.5"),
    "bad validation data": (
        lambda m: m.fit(images(), validation_data=images(shape=(8, 8, 3))),
        "channel",
    ),
    "bad evaluation data": (lambda m: m.evaluate(images(dtype="float32")), "127.5"),
}
OTHERS = {
    "a negative count": (lambda m: m.generate(-1), "num_samples"),
    "a count of 1.5": (lambda m: m.generate(1.5), "num_samples"),
    "a seed in words": (lambda m: m.generate(2, seed="zero"), "seed"),
    "no truncation at all": (lambda m: m.generate(2, truncation=0), "truncation"),
    "labels for an unconditional model": (lambda m: m.generate(2, labels=[1, 2]), "labels"),
    "noise of another size": (lambda m: m.decode(np.zeros((2, 3))), "noise"),
    "no optimizer": (lambda m: m.compile(), "optimizer"),
    "half the optimizers": (lambda m: m.compile({"generator": "adam"}), "discriminator"),
    "a misspelt player": (
        lambda m: m.compile({"generator": "adam", "discriminater": "adam"}),
        "discriminater",
    ),
    "an export nobody knows": (lambda m: m.export("x", format="coreml"), "coreml"),
    "a file in no folder": (lambda m: m.save("no/folder/m.keras"), "no/folder"),
}


@pytest.fixture(scope="module")
def model():
    model = kgan.zoo.load("dcgan", like=(8, 8, 1), width=4, latent_dim=6)
    model.fit(images(), verbose=0)
    return model


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


@pytest.mark.parametrize("kind", [*FITS, *OTHERS])
def test_bad_input_stops_in_words_and_costs_nothing(model, kind, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    do, word = {**FITS, **OTHERS}[kind]
    before = state(model)
    with pytest.raises((ValueError, TypeError)) as error:
        do(model)
    message = str(error.value)
    assert re.search(word, message, re.IGNORECASE), message
    assert "Received" in message, message
    for value, kept in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(value, kept)
    assert np.isfinite(model.fit(images(), verbose=0).history["generator_loss"][0])
    assert any((a != b).any() for a, b in zip(state(model), before, strict=True))


def test_there_are_at_least_25_kinds():
    assert len(FITS) >= 25


@pytest.mark.parametrize(
    "options, word",
    [
        ({"name": "dcgam"}, "'dcgan'"),
        ({"name": "dcgan", "widht": 8}, "'width'"),
        ({"name": "dcgan", "like": (27, 27, 1)}, "28x28"),
        ({"name": "dcgan", "like": (2, 2, 1)}, "8x8"),
        ({"name": "dcgan", "loss": "hing"}, "hinge"),
        ({"name": "dcgan", "loss": "hinge", "label_smoothing": 0.1}, "label_smoothing"),
        ({"name": "dcgan", "label_smoothing": 1.5}, "label_smoothing"),
        ({"name": "dcgan", "noise": "normol"}, "'normal'"),
        ({"name": "vanilla", "discriminator_steps": 0}, "every|discriminator_steps"),
        ({"name": "dcgan", "like": "photos"}, "kgan.data.load"),
        ({"name": "dcgan", "weights": "nowhere.keras"}, "nowhere.keras"),
        ({"name": "dcgan", "weights": "weights.pt"}, "weights.pt"),
    ],
)
def test_a_model_that_cannot_be_built_says_why(options, word):
    with pytest.raises((ValueError, TypeError), match=word) as error:
        kgan.zoo.load(**options)
    assert "Received" in str(error.value)
