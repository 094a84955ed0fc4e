"""`kgan advise`: what it takes data for, and that its command line is one."""

import shlex

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from kgan.app import advice, cli

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)


def pictures(folder, count=4, size=16, first=0):
    folder.mkdir(parents=True)
    for number in range(first, first + count):
        pixels = np.random.default_rng(number).integers(0, 256, (size, size, 3), "uint8")
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return str(folder)


def test_folders_are_recognised(tmp_path):
    pictures(tmp_path / "plain")
    assert advice.advise(str(tmp_path / "plain"))[0].model == "dcgan"
    for name in ("cats", "dogs", "birds"):
        pictures(tmp_path / "classes" / name, first=len(name))
    given, _ = advice.advise(str(tmp_path / "classes"))
    assert given.model == "conditional" and "3 sub-folders" in given.why
    one, same = pictures(tmp_path / "pairs" / "sketch"), pictures(tmp_path / "pairs" / "photo")
    for given, _ in (advice.advise(str(tmp_path / "pairs")), advice.advise(one, same)):
        assert given.model == "pix2pix" and given.settings["data_b"]
    other = pictures(tmp_path / "other", first=9)
    given, _ = advice.advise(one, other)
    assert given.model == "cyclegan" and "0 of 4 are in both" in given.why
    pictures(tmp_path / "two" / "trainA"), pictures(tmp_path / "two" / "trainB", first=9)
    assert advice.advise(str(tmp_path / "two"))[0].model == "cyclegan"


def test_sizes_that_differ_get_one_that_the_model_takes(tmp_path):
    pictures(tmp_path / "photos", size=70)
    pictures(tmp_path / "photos" / "more", size=91)
    given, shown = advice.advise(str(tmp_path / "photos"))
    assert given.settings["size"] == (64, 64) and shown.shape[1:] == (64, 64, 3)


def test_arrays_are_recognised(tmp_path):
    images = np.zeros((6, 8, 8, 1), "uint8")
    np.save(tmp_path / "points.npy", np.zeros((6, 2), "float32"))
    np.savez(tmp_path / "labelled.npz", x=images, y=np.arange(6) % 2)
    np.savez(tmp_path / "pairs.npz", x=images, y=images)
    for name, model in (("points.npy", "gan_qp"), ("labelled.npz", "conditional"),
                        ("pairs.npz", "pix2pix")):  # fmt: skip
        assert advice.advise(str(tmp_path / name))[0].model == model


def test_the_command_measures_and_prints_one_that_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "photos", count=20, size=8)
    monkeypatch.setattr(advice, "_STEPS", 1)
    result = CliRunner().invoke(cli.app, ["advise", "photos"])
    assert result.exit_code == 0, result.output + repr(result.exception)
    for word in ("20 samples", "dcgan", "batch", "steps", "ms per step, measured"):
        assert word in result.output
    line = result.output.strip().splitlines()[-1]
    assert line.startswith("kgan train dcgan --data photos")
    words = shlex.split(line)[1:]
    words[words.index("--epochs") + 1] = "0"
    # It gets as far as the epochs, so all its options are known ones.
    result = CliRunner().invoke(cli.app, words)
    assert result.exit_code == 2 and "--epochs" in result.stderr


def test_data_that_is_not_there_is_named(tmp_path):
    result = CliRunner().invoke(cli.app, ["advise", str(tmp_path / "nowhere")])
    assert result.exit_code == 1 and "There is no folder" in result.stderr
