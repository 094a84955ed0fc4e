"""What a resumed run finds changed: data, settings, the backend, its own files."""

import json
import shutil
import warnings
import zipfile

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.app import runs
from kgan.app.fingerprint import fingerprint
from kgan.app.run_callbacks import Saver

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)
OPTIONS = {"generator_units": [4], "discriminator_units": [4]}


def train(folder, epochs, allow_changes=False, **asked):
    said = []
    asked = {"model": "vanilla", "data": str(folder.parent / "points.npy"), **asked}
    model = runs.train(
        folder, epochs, asked, picture_every=0, allow_changes=allow_changes, print_fn=said.append
    )
    return model, "\n".join(said)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume") / "run"
    np.save(folder.parent / "points.npy", kgan.data.ring(96, seed=0))
    train(folder, 2, options=OPTIONS, seed=1)
    return folder


@pytest.fixture
def run(trained, tmp_path):
    shutil.copy(trained.parent / "points.npy", tmp_path / "points.npy")
    folder = shutil.copytree(trained, tmp_path / "run")
    edit(folder, lambda record: record["settings"].update(data=str(tmp_path / "points.npy")))
    rewrite_saved(folder, json.loads((folder / "run.json").read_text()))
    return folder


def edit(folder, change):
    record = json.loads((folder / "run.json").read_text())
    change(record)
    (folder / "run.json").write_text(json.dumps(record))


def rewrite_saved(folder, record):
    """The model file with another record, or none, as an earlier kgan wrote it."""
    with zipfile.ZipFile(folder / "model.keras") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    earlier = json.loads(contents.pop("run.json"))
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
        if record:
            content = {**record, "epochs": earlier["epochs"], "logs": earlier["logs"]}
            archive.writestr("run.json", json.dumps(content))


def replace_points(folder):
    np.save(folder.parent / "points.npy", kgan.data.ring(96, seed=5))


def fewer_points(folder):
    np.save(folder.parent / "points.npy", kgan.data.ring(70, seed=0))


def other_backend(folder):
    record = json.loads((folder / "run.json").read_text())
    record["versions"]["backend"] = "jax"
    rewrite_saved(folder, record)
    (folder / "run.json").write_text(json.dumps(record))


def other_width(folder):
    edit(folder, lambda record: record["settings"]["options"].update(generator_units=[8]))


def other_batch(folder):
    edit(folder, lambda record: record["settings"].update(batch_size=7))


@pytest.mark.parametrize(
    "change, words",
    [
        (replace_points, "has other content than when the run began"),
        pytest.param(
            fewer_points,
            "70 samples of 2 where the run has 96 samples of 2",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            other_backend, "the backend, tensorflow where the run has jax", marks=pytest.mark.slow
        ),
        (other_width, r"option generator_units \[8\] in run.json .* trained with \[4\]"),
        pytest.param(
            other_batch,
            "batch_size 7 in run.json where model.keras was trained with 64",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_changed_is_named_and_needs_a_word(run, change, words):
    change(run)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=words + ".*--allow-changes"):
        train(run, 3)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    _, said = train(run, 3, allow_changes=True)
    assert "Changed: " in said and "Resuming after epoch 2" in said
    (noted,) = json.loads((run / "run.json").read_text())["changes"]
    assert noted["epoch"] == 2 and noted["what"]
    # It was allowed once: from now on, this is the run.
    assert "Changed" not in train(run, 4)[1]


@pytest.mark.slow
def test_another_batch_size_may_be_asked_for(run):
    with pytest.raises(ValueError, match="batch_size 32 where the run has 64.*--allow-changes"):
        train(run, 3, batch_size=32)
    model, said = train(run, 3, batch_size=32, allow_changes=True)
    assert "3 steps per epoch" in said and model.batches_seen == 2 * 2 + 3
    assert "Resuming after epoch 3" in train(run, 4)[1]
    for options, seed in (({"latent_dim": 3}, None), ({}, 8)):  # They are in the model itself.
        with pytest.raises(ValueError, match="started with other settings"):
            train(run, 5, options=options, seed=seed, allow_changes=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, value",
    [("batch_size", 0), ("batch_size", "64"), ("size", [0, 8]), ("channels", 2), ("seed", -1),
     ("options", [1]), ("model", None), ("max_examples", 0)],
)  # fmt: skip
def test_nonsense_in_run_json_is_said_in_words(run, name, value):
    edit(run, lambda record: record["settings"].update({name: value}))
    with pytest.warns(UserWarning, match=f"run.json is damaged: it needs .*{name}|model's name"):
        train(run, 2)
    assert (run / "run.json.damaged-1").exists()
    (run / "run.json").write_text((run / "run.json.damaged-1").read_text())
    (run / "model.keras").unlink()  # Before the first epoch there is nothing to take its place.
    with pytest.raises(ValueError, match="run.json is damaged, so the run can't be resumed"):
        train(run, 2)


def test_the_model_of_another_run(run, tmp_path):
    train(tmp_path / "other", 1, options=OPTIONS)
    shutil.copy(tmp_path / "other" / "model.keras", run / "model.keras")
    with pytest.raises(ValueError, match="was not saved by this run, but by that of vanilla on"):
        train(run, 3, allow_changes=True)


@pytest.mark.slow
def test_a_run_of_an_earlier_kgan_goes_on(run):
    rewrite_saved(run, None)
    edit(run, lambda record: [record.pop(key) for key in ("fingerprint", "id")])
    _, said = train(run, 3)
    assert "An earlier kgan started this run" in said and "Resuming after epoch 2" in said
    assert "earlier kgan" not in train(run, 4)[1]
    replace_points(run)
    with pytest.raises(ValueError, match="has other content"):
        train(run, 5)


@pytest.mark.slow
def test_a_run_json_that_was_deleted_is_made_again(run):
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").unlink()
    assert "Resuming after epoch 2" in train(run, 3)[1]
    assert json.loads((run / "run.json").read_text()) == record


@pytest.mark.slow
def test_a_moved_run_and_moved_data_need_no_word(run, tmp_path):
    new = tmp_path / "elsewhere" / "run"
    shutil.copytree(run, new)
    assert "Resuming after epoch 2" in train(new, 3, data=str(tmp_path / "points.npy"))[1]


@pytest.mark.slow
def test_nothing_changed_and_stopped_in_between_is_bit_for_bit_the_same(run, monkeypatch):
    whole, _ = train(run.parent / "whole", 4, options=OPTIONS, seed=1)
    save = Saver.on_epoch_end

    def stop(self, epoch, logs=None):
        save(self, epoch, logs)
        if epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as context, pytest.raises(KeyboardInterrupt):
        context.setattr(Saver, "on_epoch_end", stop)
        train(run, 4)
    resumed, _ = train(run, 4)
    for one, other in zip(whole.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other))
    for name in ("history.csv", "health.json"):
        assert (run / name).read_text() == (run.parent / "whole" / name).read_text()


def test_a_report_that_fails_costs_no_run(run, monkeypatch):
    from kgan import report

    def fails(folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "write", fails)
    with pytest.warns(UserWarning, match="report could not be written.*No space left"):
        assert "Trained epochs 3 to 3" in train(run, 3)[1]


def test_fingerprints_tell_data_apart(tmp_path):
    x = np.arange(1000 * 12, dtype="uint8").reshape(1000, 2, 6)
    other = x.copy()
    other[567, 1, 1] += 1
    words = np.array(["a", "b"])
    distinct = [x, other, x[:999], x.reshape(1000, 3, 4), x.astype("int8"), words, words[::-1]]
    prints = [fingerprint([array])[0] for array in distinct]
    assert len(set(prints)) == len(prints)
    assert fingerprint([x.copy()]) == fingerprint([x[::1]]) == prints[:1]
    assert fingerprint([np.asfortranarray(x)]) == prints[:1]
    # Pictures that stay on disk: by their names, sizes and, of some, content.
    for number in range(4):
        kgan.pictures.save_image(tmp_path / f"{number}.png", x[:60].reshape(-1, 24)[:24])
    stream = kgan.data.load(tmp_path, stream=True)
    before = fingerprint([stream])
    assert before == fingerprint([kgan.data.load(shutil.copytree(tmp_path, tmp_path.parent / "moved"), stream=True)])  # fmt: skip # noqa: E501
    kgan.pictures.save_image(tmp_path / "3.png", 255 - x[:60].reshape(-1, 24)[:24])
    assert fingerprint([kgan.data.load(tmp_path, stream=True)]) != before
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fingerprint([np.array([{"a": 1}], dtype=object)])
