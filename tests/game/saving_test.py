"""Saving, resuming and Keras's stock callbacks: nothing is lost, and nothing changes."""

import math
import os
import pathlib
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

import kgan

SCRIPT = pathlib.Path(__file__).with_name("resume.py")
TINY = {"width": 4, "latent_dim": 4}


@pytest.fixture(scope="module")
def digits():
    return kgan.data.load("digits")[:96]


def run(folder, *arguments):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [sys.executable, SCRIPT, folder, *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    output, errors = process.communicate(timeout=300)
    assert "DONE" in output, errors[-3000:]
    return output


def state_of(folder):
    with np.load(folder / "state.npz") as state:
        return {name: state[name] for name in state}


def check_equal(state, reference):
    assert set(state) == set(reference)
    for name, value in reference.items():
        np.testing.assert_array_equal(state[name], value, err_msg=name)


@pytest.fixture(scope="module")
def six_epochs(tmp_path_factory):
    """The state after six epochs in one process, which every interrupted run must reach."""
    folder = tmp_path_factory.mktemp("whole")
    finish(run(folder, 6))
    return state_of(folder)


needs_cpu_tensorflow = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="bit for bit is promised on TensorFlow's CPU"
)


@needs_cpu_tensorflow
@pytest.mark.slow
@pytest.mark.every_backend
def test_killed_in_the_fourth_epoch_and_resumed_ends_bit_for_bit_the_same(tmp_path, six_epochs):
    process = run(tmp_path, 6, "--backup", "--slow", 0.3)
    for line in process.stdout:
        if line.strip() == "EPOCH 3":
            break
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    process.stdout.close()
    process.stderr.close()
    assert not (tmp_path / "state.npz").exists()
    output = finish(run(tmp_path, 6, "--backup"))
    assert [line for line in output.split("\n") if "EPOCH" in line] == [
        "EPOCH 3",
        "EPOCH 4",
        "EPOCH 5",
    ]
    check_equal(state_of(tmp_path), six_epochs)


@pytest.mark.later
@needs_cpu_tensorflow
def test_saved_as_keras_and_resumed_in_a_new_process_ends_bit_for_bit_the_same(
    tmp_path, six_epochs
):
    finish(run(tmp_path, 3))
    (tmp_path / "state.npz").unlink()
    finish(run(tmp_path, 6, "--load", tmp_path / "model.keras", "--first-epoch", 3))
    check_equal(state_of(tmp_path), six_epochs)


def test_random_states_optimizers_and_clock_survive_a_keras_file(tmp_path, digits):
    model = kgan.zoo.load("vanilla", like=digits, dropout=0.5, generator_units=(8,), seed=1)
    model.fit(digits, batch_size=32, verbose=0)
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    originals, copies = model.variables, copy.variables
    assert [v.name for v in originals] == [v.name for v in copies]
    # The data's order, the noise, and the discriminator's two dropout layers.
    assert sum(v.name == "seed_generator_state" for v in originals) == 4
    pairs = [*zip(originals, copies), *zip(model.optimizer.variables, copy.optimizer.variables)]
    for original, restored in pairs:
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(original), keras.ops.convert_to_numpy(restored)
        )
    assert int(copy.optimizer.iterations) == 3


def test_a_save_that_fails_half_way_leaves_the_file_before_it_whole(tmp_path, digits, monkeypatch):
    model = kgan.zoo.load("dcgan", like=digits, **TINY)
    path = tmp_path / "model.keras"
    model.save(path)
    before = path.read_bytes()

    def half(self, filepath, **arguments):
        pathlib.Path(filepath).write_bytes(before[: len(before) // 2])
        raise OSError("No space left on device")

    monkeypatch.setattr(keras.Model, "save", half)
    with pytest.raises(OSError, match="No space left"):
        model.save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.keras"]


def test_saving_into_a_folder_that_is_not_there_says_so(digits):
    model = kgan.zoo.load("dcgan", like=digits, **TINY)
    with pytest.raises(ValueError, match="does not exist.*Received: filepath"):
        model.save("no/such/folder/model.keras")


@pytest.mark.parametrize("damage", ["truncated", "foreign", "empty"])
def test_a_broken_file_is_refused_in_words(tmp_path, digits, damage):
    model = kgan.zoo.load("dcgan", like=digits, **TINY)
    path = tmp_path / "model.keras"
    model.save(path)
    whole = path.read_bytes()
    contents = {"truncated": whole[: len(whole) // 2], "foreign": b"GIF89a" * 99, "empty": b""}
    path.write_bytes(contents[damage])
    weights = model.get_weights()
    with pytest.raises(ValueError, match="model.keras can't be read.*Received: "):
        kgan.zoo.load("dcgan", like=digits, weights=path, **TINY)
    with pytest.raises((ValueError, OSError)) as error:
        keras.saving.load_model(path)
    assert "model.keras" in str(error.value)
    for before, after in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(before, after)


def test_a_file_loads_in_safe_mode_without_running_code(tmp_path, digits):
    import zipfile

    model = kgan.zoo.load("dcgan", like=digits, **TINY)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        names = archive.namelist()
        config = archive.read("config.json").decode()
    assert set(names) == {"metadata.json", "config.json", "model.weights.h5"}
    assert "Lambda" not in config and "__lambda__" not in config
    keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)


def test_weights_of_a_saved_model_load_into_a_new_one(tmp_path, digits):
    model = kgan.zoo.load("dcgan", like=digits, **TINY)
    model.fit(digits, verbose=0)
    model.save(tmp_path / "model.keras")
    other = kgan.zoo.load("dcgan", like=digits, weights=tmp_path / "model.keras", **TINY)
    np.testing.assert_array_equal(other.generate(3, seed=0), model.generate(3, seed=0))
    with pytest.raises(ValueError, match="width=8 where the file has 4"):
        kgan.zoo.load("dcgan", like=digits, weights=tmp_path / "model.keras", width=8)


def test_stock_callbacks_work_as_they_stand(tmp_path, digits):
    model = kgan.zoo.load("dcgan", like=digits, learning_rate=1e-3, **TINY)
    rates = []
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True),
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e-3 / (epoch + 1)),
        keras.callbacks.TensorBoard(tmp_path / "logs"),
        keras.callbacks.CSVLogger(tmp_path / "history.csv"),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.EarlyStopping(monitor="val_generator_loss", mode="min", patience=5),
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: rates.append(
                [float(inner.learning_rate) for inner in model.optimizer.optimizers]
            )
        ),
    ]
    history = model.fit(
        digits, validation_data=digits[:32], epochs=3, callbacks=callbacks, verbose=0
    ).history
    np.testing.assert_allclose(rates, [[1e-3, 1e-3], [5e-4, 5e-4], [1e-3 / 3, 1e-3 / 3]], rtol=1e-6)
    assert history["learning_rate_discriminator"] == history["learning_rate_generator"]
    assert {"1.weights.h5", "2.weights.h5", "3.weights.h5", "best.keras"} <= set(
        os.listdir(tmp_path)
    )
    assert list((tmp_path / "logs" / "train").iterdir())
    header = (tmp_path / "history.csv").read_text().splitlines()[0]
    assert "generator_adversarial" in header and "val_loss" in header
    model.load_weights(tmp_path / "1.weights.h5")
    assert int(model.optimizer.iterations) == 2


def test_reduce_on_plateau_reaches_each_player(digits):
    model = kgan.zoo.load("dcgan", like=digits, learning_rate=1e-3, **TINY)
    plateau = keras.callbacks.ReduceLROnPlateau(
        monitor="generator_loss", mode="min", factor=0.1, patience=0, min_delta=1e9
    )
    model.fit(digits, epochs=2, callbacks=[plateau], verbose=0)
    rates = [float(inner.learning_rate) for inner in model.optimizer.optimizers]
    np.testing.assert_allclose(rates, [1e-4, 1e-4], rtol=1e-5)


def poisoned(digits):
    """A model whose generator loss is NaN from the first step."""
    model = kgan.zoo.load("dcgan", like=digits, **TINY)
    weights = model.discriminator.get_weights()
    model.discriminator.set_weights([np.full_like(weight, math.nan) for weight in weights])
    return model


def test_terminate_on_nan_stops_without_an_error(digits):
    model = poisoned(digits)
    history = model.fit(digits, epochs=3, callbacks=[keras.callbacks.TerminateOnNaN()], verbose=0)
    assert len(history.epoch) == 1


def test_nan_stops_by_default_and_saves_nothing(tmp_path, digits):
    model = poisoned(digits)
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="term 'adversarial' of player 'discriminator'"):
        model.fit(digits, epochs=3, callbacks=[checkpoint], verbose=0)
    assert not list(tmp_path.iterdir())
