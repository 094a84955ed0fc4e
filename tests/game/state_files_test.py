"""Nothing broken goes into a file of state or comes out of one, and a file knows its options."""

import errno
import os
import pickle
import warnings

import keras
import numpy as np
import pytest

import kgan
from kgan.catalog import weights as shipped

TINY = {"width": 4, "latent_dim": 4}
ENDINGS = [".keras", ".weights.h5"]


@pytest.fixture(scope="module")
def digits():
    return kgan.data.load("digits")[:64]


@pytest.fixture
def model(digits):
    return kgan.zoo.load("dcgan", like=digits, learning_rate=0.001, **TINY)


def save(model, path):
    (model.save if path.name.endswith(".keras") else model.save_weights)(path)
    return path


def broken(model, value=np.nan):
    """The model with one weight of its generator that is no number."""
    kernel = model.generator.trainable_variables[-1]
    values = np.array(keras.ops.convert_to_numpy(kernel))
    values.flat[0] = value
    kernel.assign(values)
    return model


def without_checks(monkeypatch):
    """As the files of other programs, and of versions before these checks."""
    monkeypatch.setattr(kgan.AdversarialModel, "_check_saved", lambda self, file: None)


def equal(first, second):
    pairs = zip(first, second, strict=True)
    return all(
        np.array_equal(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b))
        for a, b in pairs
    )


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_replace_no_good_file(tmp_path, model, ending, value):
    path = save(model, tmp_path / f"model{ending}")
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match="'generator' are NaN or infinite.*earlier file is as it w"
    ):
        save(broken(model, value), path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]


def test_averages_and_moments_that_are_no_numbers_are_not_saved(tmp_path, digits):
    model = kgan.zoo.load("dcgan", like=digits, ema_momentum=0.9, **TINY)
    moment = next(v for v in model.optimizer["generator"].variables if len(v.shape))
    moment.assign(np.full(moment.shape, np.nan, "float32"))
    with pytest.raises(ValueError, match="'optimizer' are NaN"):
        model.save(tmp_path / "model.keras")


@pytest.mark.parametrize("ending", ENDINGS)
def test_weights_that_are_no_numbers_are_not_loaded(tmp_path, model, digits, monkeypatch, ending):
    whole = [np.array(keras.ops.convert_to_numpy(v)) for v in model.variables]
    with monkeypatch.context() as context:
        without_checks(context)
        other = kgan.zoo.load("dcgan", like=digits, learning_rate=0.001, **TINY)
        path = save(broken(other), tmp_path / f"model{ending}")
    with pytest.raises(ValueError, match="not loaded.*'generator' are NaN"):
        model.load_weights(path)
    assert equal(whole, model.variables)
    with pytest.raises(ValueError, match="not loaded.*'generator' are NaN"):
        kgan.zoo.load("dcgan", weights=path)
    if ending == ".keras":
        with pytest.raises(ValueError, match="not loaded.*'generator' are NaN"):
            keras.saving.load_model(path)


@pytest.mark.parametrize("format", ["tf_saved_model", "onnx"])
def test_weights_that_are_no_numbers_are_not_exported(tmp_path, model, format):
    name = "model.onnx" if format == "onnx" else "model"
    with pytest.raises(ValueError, match="not exported.*network 'generator'"):
        broken(model).export(tmp_path / name, format=format)
    assert os.listdir(tmp_path) == []


def test_a_broken_network_that_is_not_served_keeps_no_export_back(tmp_path, model):
    kernel = model.discriminator.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan, "float32"))
    model.export(tmp_path / "model")
    assert (tmp_path / "model" / "saved_model.pb").exists()


def test_shipped_weights_that_are_no_numbers_are_not_restored(tmp_path, model):
    shipped.save(model, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        arrays = {name: file[name] for name in file.files}
    arrays["0001"] = np.full_like(arrays["0001"], np.nan)
    np.savez(tmp_path / "b.npz", **arrays)
    before = model.get_weights()
    with pytest.raises(ValueError, match="b.npz holds weights that are NaN.*Received: values of"):
        shipped.restore(model, tmp_path / "b.npz")
    (tmp_path / "c.npz").write_bytes((tmp_path / "b.npz").read_bytes()[:300])
    with pytest.raises(ValueError, match="c.npz is damaged"):
        shipped.restore(model, tmp_path / "c.npz")
    assert equal(before, model.get_weights())


DAMAGES = {
    "truncated": (lambda whole: whole[: len(whole) // 2], "truncated or damaged"),
    "empty": (lambda whole: b"", "it is empty"),
    "a pickle": (lambda whole: pickle.dumps({"a": 1}), "holds Python objects"),
    "a picture": (lambda whole: b"GIF89a" * 99, "no format that Keras writes"),
    "an array": (lambda whole: b"\x93NUMPY" + bytes(99), "numpy.save"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_is_something_else_is_said_in_words(tmp_path, model, ending, damage):
    path = save(model, tmp_path / f"mine{ending}")
    content, words = DAMAGES[damage]
    path.write_bytes(content(path.read_bytes()))
    before = model.get_weights()
    for load in (model.load_weights, lambda path: kgan.zoo.load("dcgan", weights=path)):
        with pytest.raises(ValueError, match=f"mine{ending} can't be read.*{words}.*model.save"):
            load(path)
    assert equal(before, model.get_weights())


def test_the_other_kind_of_file_is_named(tmp_path, model):
    save(model, tmp_path / "a.keras").rename(tmp_path / "a.weights.h5")
    with pytest.raises(ValueError, match="it is a zip archive, such as a .keras"):
        model.load_weights(tmp_path / "a.weights.h5")
    save(model, tmp_path / "b.weights.h5").rename(tmp_path / "b.keras")
    with pytest.raises(ValueError, match="it is an HDF5 file, such as save_weights writes"):
        model.load_weights(tmp_path / "b.keras")
    with pytest.raises(FileNotFoundError, match="no such file of weights"):
        model.load_weights(tmp_path / "none.keras")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_knows_its_options(tmp_path, model, ending):
    path = save(model, tmp_path / f"mine{ending}")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        loaded = kgan.zoo.load("dcgan", weights=path)
        # What the file says may be said again, and a model that is not compiled takes less.
        kgan.zoo.load("dcgan", weights=path, width=4, like=(8, 8, 1))
        kgan.zoo.load("dcgan", weights=path, compile=False)
    assert equal(model.variables, loaded.variables)
    assert float(loaded.optimizer["generator"].learning_rate) == pytest.approx(0.001)
    # It is still known after the model went through a file of Keras's own.
    if ending == ".keras":
        loaded = keras.saving.load_model(path)
    again = save(loaded, tmp_path / f"again{ending}")
    assert equal(model.variables, kgan.zoo.load("dcgan", weights=again).variables)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_option_that_contradicts_the_file_is_one_line(tmp_path, model, ending):
    path = save(model, tmp_path / f"mine{ending}")
    for given, told in (
        ({"width": 8}, "width=8 where the file has 4"),
        ({"like": (16, 16, 3)}, r"image_shape=\[16, 16, 3\] where the file has \[8, 8, 1\]"),
        ({"learning_rate": 0.1}, "learning_rate=0.1 where the file has 0.001"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            with pytest.raises(ValueError, match=told) as caught:
                kgan.zoo.load("dcgan", weights=path, **given)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"another model. Load it with kgan.zoo.load\('dcgan'"):
        kgan.zoo.load("lsgan", weights=path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_without_options_loads_where_it_fits(tmp_path, model, digits, ending):
    model.built_with = None
    path = save(model, tmp_path / f"old{ending}")
    loaded = kgan.zoo.load("dcgan", like=digits, weights=path, **TINY)
    assert equal(model.variables, loaded.variables)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(ValueError, match="arrays differ, the first: discriminator/") as caught:
            kgan.zoo.load("dcgan", like=digits, weights=path, width=8, latent_dim=4)
    assert "\n" not in str(caught.value)


def test_other_networks_are_told_by_their_options(tmp_path, model, digits):
    path = save(model, tmp_path / "mine.keras")
    other = kgan.zoo.load("dcgan", like=digits, width=8, latent_dim=4)
    before = other.get_weights()
    with pytest.raises(ValueError, match="width=4 and not 8.*arrays differ"):
        other.load_weights(path)
    assert equal(before, other.get_weights())
    with pytest.warns(UserWarning, match="left out") as said:
        other.load_weights(path, skip_mismatch=True)
    assert sum(warning.category is UserWarning for warning in said) == 1


def test_other_optimizers_start_anew_and_say_so_once(tmp_path, model, digits):
    path = save(model, tmp_path / "mine.keras")
    model.compile(optimizer="sgd")
    with pytest.warns(UserWarning, match="optimizers stay as they are") as said:
        model.load_weights(path)
    assert sum(warning.category is UserWarning for warning in said) == 1
    bare = kgan.zoo.load("dcgan", like=digits, learning_rate=0.001, compile=False, **TINY)
    path = save(bare, tmp_path / "bare.weights.h5")
    with pytest.warns(UserWarning, match="optimizers stay as they are"):
        loaded = kgan.zoo.load("dcgan", weights=path)
    assert equal(bare.get_weights(), loaded.get_weights())


def test_a_layer_that_fails_while_it_loads_costs_no_state(tmp_path, model, digits, monkeypatch):
    other = kgan.zoo.load("dcgan", like=digits, learning_rate=0.001, **TINY)
    path = save(other, tmp_path / "mine.weights.h5")
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in model.variables]

    def fail(self, store):
        raise RuntimeError("of a user's own")

    monkeypatch.setattr(keras.layers.Dense, "load_own_variables", fail)
    with pytest.raises(ValueError, match="mine.weights.h5 does not fit.*of a user's own"):
        model.load_weights(path)
    assert equal(before, model.variables)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_keeps_the_earlier_file_and_the_next_save_works(
    tmp_path, model, monkeypatch, ending
):
    path = save(model, tmp_path / f"model{ending}")
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", full)
        for _ in range(2):
            with pytest.raises(OSError, match=f"No space left.*model{ending}"):
                save(model, path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]
    save(model, path)
    assert equal(kgan.zoo.load("dcgan", weights=path).variables, model.variables)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="the errors of TensorFlow")
def test_a_full_disk_while_exporting_is_said_as_the_system_does(tmp_path, model, monkeypatch):
    import tensorflow as tf

    model.export(tmp_path / "model")
    before = (tmp_path / "model" / "saved_model.pb").read_bytes()

    def full(*_, **__):
        message = f"{tmp_path}/variables; {os.strerror(errno.ENOSPC)}"
        raise tf.errors.ResourceExhaustedError(None, None, message)

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(OSError, match="No space left.*as it was.*Free some space") as caught:
        model.export(tmp_path / "model")
    assert caught.value.filename == str(tmp_path / "model")
    assert (tmp_path / "model" / "saved_model.pb").read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]
