"""Models that kgan never saw: each of at most 70 lines, and everything works with it.

The standard test runs as for the zoo's own models; here is what a person does around it.
"""

import csv
import json
import pathlib
import sys

import keras
import numpy as np
import pytest
from commands import run
from keras import ops
from standard import *  # noqa: F403
from standard import data_of, load_tiny, tiny_options

import kgan

STRANGERS = pathlib.Path(__file__).with_name("strangers")
sys.path.insert(0, str(STRANGERS))
NAMES = ["codes", "denoiser", "painter"]
for _name in NAMES:
    __import__(_name)

on_tensorflow = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="drives kgan from outside: one backend is enough"
)


def state_of(path):
    model = keras.saving.load_model(path)
    return [ops.convert_to_numpy(v) for v in (*model.variables, *model.optimizer.variables)]


@pytest.mark.parametrize("name", NAMES)
def test_stranger_is_short(name):
    assert len((STRANGERS / f"{name}.py").read_text().splitlines()) <= 70


@pytest.fixture(scope="module", params=NAMES)
def trained(request, tmp_path_factory):
    """A run of two epochs by the command line: its folder, what it was called with, its data."""
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    model = load_tiny(name)
    arrays = {field.name: array for field, array in zip(model.fields, data_of(model, 12))}
    np.savez(folder / "data.npz", **arrays)
    options = [f"--option={k}={v!r}" for k, v in tiny_options(name).items()]
    module = ["--module", STRANGERS / f"{name}.py"]
    called = ["train", name, "--data", folder / "data.npz", *options, *module, "--seed", 3]
    called += ["--batch-size", 4]
    run(*called, "--epochs", 2, "--out", folder / "run")
    return name, folder, called, arrays


@on_tensorflow
def test_run_folder_has_all_that_a_run_has(trained):
    _, folder, _, _ = trained
    run = folder / "run"
    found = {path.name for path in run.iterdir()}
    assert found == {
        "health.json", "history.csv", "model.keras", "real.png", "report.html", "run.json",
        "samples"
    }  # fmt: skip
    assert (run / "samples" / "epoch_0002.png").is_file()
    with (run / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    figures = json.loads((run / "health.json").read_text())["figures"]
    assert len(figures) == 2 and np.isfinite(figures[-1]["diversity"])
    assert "Figures" in (run / "report.html").read_text()


@on_tensorflow
def test_run_resumes_exactly(trained):
    _, folder, called, _ = trained
    run(*called, "--epochs", 1, "--out", folder / "resumed")
    run(*called, "--epochs", 2, "--out", folder / "resumed")
    whole, resumed = (state_of(folder / run / "model.keras") for run in ("run", "resumed"))
    assert len(whole) == len(resumed) > 10
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one, other)


@on_tensorflow
def test_endpoints_run_from_the_command_line(trained):
    name, folder, _, arrays = trained
    module = ["--module", STRANGERS / f"{name}.py"]
    model = keras.saving.load_model(folder / "run" / "model.keras")
    for endpoint, described in model.endpoints.items():
        out = folder / f"{endpoint}.npy"
        if described.noise is not None:
            text = ["--text", "a red seven"] if described.inputs else []
            run("generate", folder / "run", "--count", 5, "--seed", 0, "--out", out, *module,
                    *text)  # fmt: skip
            assert len(np.load(out)) == 5
            continue
        given = ["--inputs", folder / "data.npz"]
        run("apply", folder / "run", endpoint, *given, "--out", out, *module)
        made = model.run(endpoint, *(arrays[field.name] for field in described.inputs))
        np.testing.assert_array_equal(np.load(out), made)
        run("apply", folder / "run", endpoint, *given, "--out", out.with_suffix(".png"), *module)
        assert out.with_suffix(".png").is_file()


@on_tensorflow
def test_export_from_the_command_line(trained):
    import tensorflow as tf

    name, folder, _, _ = trained
    out = folder / "serving"
    run("export", folder / "run", "--out", out, "--module", STRANGERS / f"{name}.py")
    served = tf.saved_model.load(str(out))
    model = keras.saving.load_model(folder / "run" / "model.keras")
    assert set(served.signatures) == {"serving_default", *model.endpoints}


@on_tensorflow
def test_words_that_are_served_are_those_of_the_field():
    model = load_tiny("painter")
    captions = ["A RED seven!", "a blue; seven", "rot und größer", ""]
    ids = model.fields[1].check(captions)
    assert ids.tolist() == [[2, 3, 4, 0], [2, 1, 4, 0], [1, 1, 1, 0], [0, 0, 0, 0]]
    served = model.fields[1].from_served(
        ops.convert_to_tensor(captions), model.fields[1].served_asset()
    )
    np.testing.assert_array_equal(served, ids)


@pytest.mark.parametrize("size", [8, 12])
def test_data_says_what_three_fields_are(size):
    pictures = np.zeros((4, size, size, 1), "uint8")
    captions = ["one red", "two blue cats", "red", "blue"]
    model = kgan.zoo.load("painter", like=(pictures, captions, ["x", "y", "x", "z"]))
    picture, caption, kind = model.fields
    assert picture.shape == (size, size, 1) and caption.max_length == 3
    assert set(caption.vocabulary) == {"one", "red", "two", "blue", "cats"}
    assert kind.names == ["x", "y", "z"]
