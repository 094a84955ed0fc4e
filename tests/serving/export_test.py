"""Export: what is served is what the model makes, where neither kgan nor Keras can be imported."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import kgan

SERVE = pathlib.Path(__file__).with_name("serve.py")


@pytest.fixture(scope="module")
def model():
    digits = kgan.data.load("digits")[:64]
    model = kgan.zoo.load("dcgan", like=digits, width=4, latent_dim=6, ema_momentum=0.5)
    # A few steps, so that the average and the weights, and the BatchNorm modes, differ.
    model.fit(digits, batch_size=16, verbose=0)
    return model


@pytest.fixture(scope="module")
def expected(model):
    noises = {f"noise_{n}": kgan.latent.sample((n, 6), "uniform", seed=n) for n in (1, 7)}
    with model.averaged_weights():
        outputs = {name: np.asarray(model.predict(z, verbose=0)) for name, z in noises.items()}
    return noises, outputs


def test_a_saved_model_serves_without_kgan_and_keras(tmp_path, model, expected):
    noises, outputs = expected
    model.export(tmp_path / "serving" / "1")
    np.savez(tmp_path / "noises.npz", **noises)
    command = [sys.executable, SERVE, tmp_path / "serving/1", tmp_path / "noises.npz"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    subprocess.run([*command, tmp_path / "answers.npz"], check=True, env=environment, timeout=300)
    with np.load(tmp_path / "answers.npz") as answers:
        for name, output in outputs.items():
            np.testing.assert_allclose(answers[name], output, atol=1e-5)
        for count in (1, 7):
            served = answers[f"generate_{count}"]
            assert served.dtype == np.uint8 and served.shape == (count, 8, 8, 1)
            if keras.config.backend() == "tensorflow":
                np.testing.assert_array_equal(served, model.generate(count, seed=5))
    assert sorted(os.listdir(tmp_path / "serving")) == ["1"]


def test_onnx_gives_the_same_numbers(tmp_path, model, expected):
    onnxruntime = pytest.importorskip("onnxruntime")
    noises, outputs = expected
    model.export(tmp_path / "generator.onnx", format="onnx")
    session = onnxruntime.InferenceSession(tmp_path / "generator.onnx")
    (put_in,) = session.get_inputs()
    for name, noise in noises.items():
        (served,) = session.run(None, {put_in.name: noise})
        np.testing.assert_allclose(served, outputs[name], atol=1e-5)


def test_an_export_replaces_an_earlier_one_and_nothing_else(tmp_path, model):
    if keras.config.backend() != "tensorflow":
        pytest.skip("the same code on every backend, and slow in a process of its own")
    model.export(tmp_path / "1")
    model.export(tmp_path / "1")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("precious")
    with pytest.raises(ValueError, match="not an earlier export.*Received: filepath"):
        model.export(tmp_path / "notes")
    assert (tmp_path / "notes" / "mine.txt").read_text() == "precious"


def test_bad_formats_and_names_are_refused(tmp_path, model):
    with pytest.raises(ValueError, match="one of the formats.*Received: format='tflite'"):
        model.export(tmp_path / "1", format="tflite")
    with pytest.raises(ValueError, match="ends in .onnx.*Received: filepath"):
        model.export(tmp_path / "generator", format="onnx")
    assert not list(tmp_path.iterdir())


def test_a_conditional_model_is_served_with_labels(tmp_path):
    if keras.config.backend() != "tensorflow":
        pytest.skip("the same code on every backend, and slow in a process of its own")
    import tensorflow as tf

    layers = keras.layers
    noise, label = keras.Input((3,)), keras.Input((), dtype="int32")
    embedded = layers.Embedding(4, 3)(label)
    points = layers.Dense(2)(layers.Concatenate()([noise, embedded]))
    sample, label_too = keras.Input((2,)), keras.Input((), dtype="int32")
    logits = layers.Dense(1)(layers.Concatenate()([sample, layers.Embedding(4, 3)(label_too)]))
    model = kgan.GAN(
        keras.Model([noise, label], points),
        keras.Model([sample, label_too], logits),
        condition=kgan.LabelCondition(4),
    )
    model.compile("adam")
    model.export(tmp_path / "1")
    served = tf.saved_model.load(tmp_path / "1")
    labels = np.array([3, 1, 0, 2, 2], "int32")
    np.testing.assert_allclose(
        served.generate(5, 2, labels), model.generate(5, labels=labels, seed=2), atol=1e-6
    )
