"""`kgan train --crop`, `kgan evaluate` of it, and `kgan enlarge`."""

import keras
import numpy as np
import pytest
from commands import run
from PIL import Image

import kgan
from kgan.app import held_out

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    for name, size in (("a", (40, 50)), ("b/a", (33, 32)), ("b/c", (48, 36))):
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (*size, 3), "uint8")).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def test_photographs_go_from_a_folder_to_larger_ones(photos, tmp_path):
    train = ["train", "srresnet", "--data", photos, "--crop", 16, "--batch-size", 4, "--out", "run"]
    train += ["--option", "scale=2", "--option", "width=2", "--option", "blocks=1", "--epochs", 1]
    output = run(*train, "--validation", 0.4, "--metric", "psnr")
    assert "of 16x16x3" in output and "best.keras" in output
    figures = run("evaluate", "run/best.keras", "--data", photos, "--metric", "psnr")
    assert "16 held-out samples" in figures
    command = ["enlarge", photos / "a.png", "--run", "run", "--out", "large.png", "--tile", 20]
    assert "Enlarged to 100x80: large.png" in run(*command)
    model = keras.saving.load_model("run/model.keras")
    with Image.open(photos / "a.png") as small, Image.open("large.png") as large:
        np.testing.assert_array_equal(np.asarray(large), model.enlarge(np.asarray(small)))
    assert "3 pictures enlarged: all" in run("enlarge", photos, "--run", "run", "--out", "all")
    folder = tmp_path / "all"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    assert found == {"a.png", "b/a.png", "b/c.png"}
    missing = ["enlarge", "none.png", "--run", "run", "--out", "x.png"]
    assert "There is no such picture" in run(*missing, code=1)


def test_windows_of_one_photograph_are_held_out_together():
    windows = kgan.data.photographs([np.zeros((48, 48, 3), "uint8")] * 10, crop=16)
    settings = {"validation": 0.3, "seed": 0}
    trained, measured = held_out.split(windows, settings, None, held_out.Wanted())
    assert len(trained) + len(measured) == 90 and len(measured) == 27
    assert not set(trained.groups) & set(measured.groups)
    # What is read of them is what the windows of those photographs are.
    assert trained[np.array([0])].shape == (1, 16, 16, 3)
