"""`kgan train --frames`, `kgan evaluate` of it, and `kgan predict`."""

import keras
import numpy as np
import pytest
from commands import run
from PIL import Image

import kgan

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)


def test_films_go_from_folders_of_frames_to_their_next_frames(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, count in (("a", 13), ("b", 7)):
        (tmp_path / "films" / name).mkdir(parents=True)
        for number in range(count):
            frame = rng.integers(0, 256, (10, 8, 3), "uint8")
            Image.fromarray(frame).save(tmp_path / "films" / name / f"{number}.png")
    train = ["train", "video_prediction", "--data", "films", "--frames", 6, "--size", 8]
    for option in ("scales=2", "width=2", "depth=1", "discriminator_width=2", "input_frames=3"):
        train += ["--option", option]
    output = run(
        *train, "--batch-size", 2, "--epochs", 1, "--out", "run",
        "--validation", 0.3, "--metric", "psnr",
    )  # fmt: skip
    assert "3 samples" in output or "2 samples" in output
    assert "best.keras" in output and list((tmp_path / "run" / "samples").glob("*.png"))
    # As many clips of four frames as there are.
    assert "4 held-out samples" in run("evaluate", "run/best.keras", "--data", "films")
    model = keras.saving.load_model("run/model.keras")
    given = np.stack(
        [kgan.data.load(f"films/{name}", size=8)[order] for name, order in _last_three()]
    )
    expected = model.predict_frames(given, 4)
    assert "4 frames after each of 2 clips" in run(
        "predict", "films", "--run", "run", "--count", 4, "--out", "next.npy"
    )
    np.testing.assert_array_equal(np.load("next.npy"), expected)
    np.save("given.npy", given[0])
    run("predict", "given.npy", "--run", "run", "--count", 4, "--whole", "--out", "next.gif")
    with Image.open("next.gif") as film:
        assert film.n_frames == 7
    run("predict", "films", "--run", "run", "--out", "each")
    assert sorted(path.name for path in (tmp_path / "each").iterdir()) == ["0001.gif", "0002.gif"]
    (tmp_path / "films" / "a" / "0.png").rename(tmp_path / "0.png")
    (tmp_path / "few").mkdir()
    (tmp_path / "0.png").rename(tmp_path / "few" / "0.png")
    refused = run("predict", "few", "--run", "run", "--out", "x.gif", code=1)
    assert "too few frames to go on with" in refused


def _last_three():
    """Where the last frames of each folder are in the order of `load`, that of strings."""
    for name, count in (("a", 13), ("b", 7)):
        names = sorted(map(str, range(count)))
        yield name, [names.index(str(number)) for number in range(count - 3, count)]


def test_models_of_other_kinds_predict_no_frames(tmp_path):
    model = kgan.zoo.load("vanilla", sample_shape=(2,), generator_units=(4,))
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "clip.npy", np.zeros((4, 8, 8, 1), "uint8"))
    arguments = ["predict", tmp_path / "clip.npy", "--run", tmp_path / "model.keras"]
    assert "does not predict frames" in run(*arguments, "--out", tmp_path / "x.gif", code=1)
