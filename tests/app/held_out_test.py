"""`kgan train` with held-out data: figures, the best epoch, patience, fine-tuning, precision."""

import json
import shutil

import keras
import numpy as np
import pytest
from keras import ops
from typer.testing import CliRunner

from kgan.app import cli

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)

SMALL = ["--data", "digits", "--max-examples", 60, "--option", "width=2", "--seed", 7]
HELD_OUT = ["--validation", 0.4, "--metric", "sliced_wasserstein"]


def kgan(*arguments):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def train(folder, epochs, *arguments, model="dcgan"):
    result = kgan(
        "train", model, "--epochs", epochs, "--out", folder, "--picture-every", 0, *arguments
    )
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def refused(*arguments):
    result = kgan(*arguments)
    assert result.exit_code == 1 and "Traceback" not in result.output, result.output
    return " ".join(result.stderr.split())


def weights(path):
    return [ops.convert_to_numpy(w) for w in keras.saving.load_model(path).variables]


def best(folder):
    return json.loads((folder / "best.json").read_text())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("held_out") / "run"
    output = train(folder, 2, *SMALL, *HELD_OUT)
    assert "36 samples" in output and "24 held-out samples: sliced_wasserstein" in output
    return folder


def test_a_stopped_run_goes_on_to_the_same_best_and_last_model(trained, tmp_path):
    resumed = shutil.copytree(trained, tmp_path / "resumed")
    train(resumed, 4, "--data", "digits")
    train(tmp_path / "whole", 4, *SMALL, *HELD_OUT)
    assert best(resumed) == best(tmp_path / "whole")
    for name in ("model.keras", "best.keras"):
        for one, other in zip(
            weights(resumed / name), weights(tmp_path / "whole" / name), strict=True
        ):
            np.testing.assert_array_equal(one, other)
    assert "val_sliced_wasserstein" in (resumed / "history.csv").read_text().splitlines()[0]


def test_patience_ends_a_run_for_good_until_it_is_raised(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    record = best(folder)
    record["best"] = {**record["best"], "epoch": 1, "batch": 1, "value": 0.0}
    (folder / "best.json").write_text(json.dumps(record))
    before = (folder / "model.keras").read_bytes()
    output = train(folder, 9, "--data", "digits", "--patience", 1)
    assert "has ended after epoch 2: 1 epochs brought nothing better" in output
    assert (folder / "model.keras").read_bytes() == before
    output = train(folder, 9, "--data", "digits", "--patience", 3)
    assert "Trained epochs 3 to 4:" in output and "Ended early" in output
    assert json.loads((folder / "run.json").read_text())["settings"]["patience"] == 3


def test_a_kill_in_the_epoch_where_patience_ends_trains_no_epoch_more(trained, tmp_path):
    # The model of epoch 2 is there, and neither its row nor its figure.
    folder = shutil.copytree(trained, tmp_path / "run")
    record, history = best(folder), folder / "history.csv"
    first = {"epoch": 1, "batch": record["last"]["batch"] // 2, "value": 0.0}
    (folder / "best.json").write_text(json.dumps({**record, "best": first, "last": first}))
    history.write_text("".join(history.read_text().splitlines(keepends=True)[:-1]))
    before = (folder / "model.keras").read_bytes()
    output = train(folder, 9, "--data", "digits", "--patience", 1)
    assert "has ended after epoch 2: 1 epochs brought nothing better" in output
    assert (folder / "model.keras").read_bytes() == before
    assert best(folder)["last"]["epoch"] == 2 and best(folder)["best"] == first
    assert len(history.read_text().splitlines()) == 3


def test_settings_of_held_out_data_are_the_runs(trained):
    for wrong, words in (
        (["--validation", 0.3], "validation 0.3 where the run has 0.4"),
        (["--metric", "f1"], "metrics ['f1'] where the run has ['sliced_wasserstein']"),
        (["--precision", "mixed_bfloat16"], "precision mixed_bfloat16 where the run has None"),
        (["--init-from", "mnist"], "init_from mnist where the run has None"),
    ):
        arguments = ["--data", "digits", *wrong, "--epochs", 3, "--out", trained]
        assert words in refused("train", "dcgan", *arguments)


def test_fine_tuning_and_precision(trained, tmp_path):
    more = ["--channels", 3, "--init-from", trained, "--precision", "mixed_bfloat16"]
    output = train(tmp_path / "run", 1, *SMALL, *more)
    assert "parameters taken; fresh because nothing fits: discriminator: " in output
    assert "(5x5x3x2)" in output
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert model.batches_seen == 1
    assert model.generator.layers[1].compute_dtype == "bfloat16"


def test_a_run_of_an_earlier_version_goes_on(trained, tmp_path):
    train(tmp_path / "run", 1, *SMALL)
    path = tmp_path / "run" / "run.json"
    record = json.loads(path.read_text())
    for name in ("data_b", "stream", "validation", "validation_b", "metrics", "patience",
                 "precision", "init_from"):  # fmt: skip
        del record["settings"][name]
    path.write_text(json.dumps(record))
    assert "Resuming after epoch 1" in train(tmp_path / "run", 2, "--data", "digits")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--validation", "1.5"], "above 0 and below 1"),
        (["--validation", "0.001"], "to train on, and some to measure on"),
        (["--validation", "nowhere/"], "There is no folder 'nowhere/'"),
        (["--validation", "ring"], "does not fit what the model is trained on"),
        (["--validation", "0.4", "--metric", "psnr"], "compares each sample with its own target"),
        (["--validation", "0.4", "--metric", "frechet"], "Did you mean 'frechet_distance'?"),
        (["--validation", "0.05", "--metric", "f1"], "can't measure this model on these 3"),
        (["--metric", "f1"], "Hold some out with --validation"),
        (["--patience", "3"], "Hold some out with --validation"),
        (["--init-from", "nowhere/run"], "no such file or folder"),
        (["--init-from", "mnsit"], "Those that do: ['cifar10', 'mnist']"),
        (["--init-from", "mnist"], "Expected a model of the same kind"),
        (["--data-b", "digits"], "--data-b"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_can_not_be_is_said_before_a_folder_is_made(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in refused("train", "dcgan", *SMALL, *arguments, "--epochs", 1, "--out", "run")
    assert not list(tmp_path.iterdir())


def test_two_kinds_of_images_need_both(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["--data", "digits", "--epochs", 1, "--out", "run"]
    for model in ("pix2pix", "cyclegan"):
        assert "--data a/ --data-b b/" in refused("train", model, *arguments)
    both = ["--data-b", "digits", "--validation", "digits"]
    assert "--validation-b" in refused("train", "cyclegan", *arguments, *both)


def test_of_the_default_figures_those_that_need_more_samples_are_left_out(tmp_path):
    output = train(tmp_path / "run", 1, *SMALL, "--validation", "0.05")
    assert "on 3 held-out samples: frechet_distance" in output and "f1" not in output
