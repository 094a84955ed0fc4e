"""Clips as files: what a GIF and an MP4 hold when they are read again."""

import builtins

import numpy as np
import pytest
from PIL import Image

import kgan
from kgan.pictures import save_clip


def clip(frames=6, height=9, width=11, channels=1):
    """A square that goes to the right."""
    found = np.zeros((frames, height, width, channels), "uint8")
    for time in range(frames):
        found[time, 2:6, time : time + 4] = 255
    return found


def test_a_gif_holds_each_frame(tmp_path):
    save_clip(tmp_path / "film.gif", clip(), rate=5)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 6 and film.info["duration"] == 200
        for time in range(6):
            film.seek(time)
            np.testing.assert_array_equal(np.asarray(film.convert("L")), clip()[time, ..., 0])
    save_clip(tmp_path / "floats.gif", kgan.data.to_float(clip(channels=3)))
    with Image.open(tmp_path / "floats.gif") as film:
        assert film.n_frames == 6 and film.info["duration"] == 100


@pytest.mark.parametrize("channels", [1, 3])
def test_an_mp4_holds_each_frame(tmp_path, channels):
    av = pytest.importorskip("av")
    save_clip(tmp_path / "film.mp4", clip(height=33, width=40, channels=channels), rate=12.5)
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert float(container.streams.video[0].average_rate) == 12.5
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    # A row more, since sides are even; the codec loses a little.
    assert np.shape(frames) == (6, 34, 40, 3)
    wanted = clip(height=33, width=40)
    assert np.abs(np.array(frames)[:, :33].astype(int) - wanted).mean() < 4


def test_an_mp4_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "av":
            raise ImportError("No module named 'av'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install 'kgan\[video\]'.*film.mp4"):
        save_clip(tmp_path / "film.mp4", clip())
    assert not list(tmp_path.iterdir())


def test_what_is_no_clip_is_refused(tmp_path):
    for wrong in (clip()[0], clip()[None], clip(channels=2)):
        with pytest.raises(ValueError, match="A clip has frames"):
            save_clip(tmp_path / "film.gif", wrong)
    with pytest.raises(ValueError, match=".gif or .mp4"):
        save_clip(tmp_path / "film.png", clip())
    with pytest.raises(ValueError, match="rate"):
        save_clip(tmp_path / "film.gif", clip(), rate=0)
