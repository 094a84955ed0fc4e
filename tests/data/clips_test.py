"""Clips: windows of them, their frames in folders, and videos of TensorFlow Datasets."""

import numpy as np
import pytest

import kgan
from kgan.data.clip_windows import pair

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def numbered(n=3, frames=6, side=4):
    """Clips whose pixels say which clip and frame they are of."""
    values = 10 * np.arange(n)[:, None] + np.arange(frames)
    return np.broadcast_to(values[..., None, None, None], (n, frames, side, side, 1)).astype(
        "uint8"
    )


def write(folder, values, names="frame {}.png"):
    folder.mkdir(parents=True, exist_ok=True)
    for place, value in enumerate(values):
        Image.fromarray(np.full((6, 8), value, "uint8")).save(folder / names.format(place + 1))


def first_pixels(array):
    return array[..., 0, 0, 0].tolist()


def test_a_window_is_the_last_one_and_in_fit_any():
    past, following = pair(numbered(), 4)
    assert past.shape == (3, 4, 4, 4, 1) and following.shape == (3, 4, 4, 1)
    assert past.variants == following.variants == 2
    assert first_pixels(np.asarray(past)) == [[1, 2, 3, 4], [11, 12, 13, 14], [21, 22, 23, 24]]
    assert first_pixels(np.asarray(following)) == [5, 15, 25]
    # Variant 1 of clip 2 begins a frame earlier, in both.
    assert first_pixels(past[[2 + 3]]) == [[20, 21, 22, 23]]
    assert first_pixels(following[[2 + 3]]) == [24]


def test_clips_become_pairs_under_any_name():
    fields = (kgan.data.PastFrames((4, 4, 4, 1), name="x"), kgan.data.Images((4, 4, 1), "y"))
    for given in (
        numbered(),
        numbered()[..., 0],
        {"clips": numbered()},
        {"image_sequence": numbered()},
        {"video": numbered(), "label": np.zeros(3, "int32")},
        {"x": numbered()[:, 1:5], "y": numbered()[:, 5]},
    ):
        past, following = kgan.data.check(fields, given)
        assert past.shape == (3, 4, 4, 4, 1)
        assert first_pixels(np.asarray(following)) == [5, 15, 25]
    with pytest.raises(ValueError, match="too short: clips of 4 frames.*at least 5 frames"):
        kgan.data.check(fields, numbered(frames=4))
    with pytest.raises(ValueError, match="floats that look like 0..255"):
        kgan.data.check(fields, numbered().astype("float32") * 9)


def test_every_window_is_seen():
    past, _ = pair(numbered(n=1, frames=9), 3)
    assert past.variants == 6
    starts = [first_pixels(past[[number]])[0][0] for number in range(6)]
    assert sorted(starts) == list(range(6))


@pytest.mark.parametrize("stream", [False, True])
def test_folders_of_frames_are_cut_into_clips(tmp_path, stream):
    write(tmp_path / "films" / "b", range(100, 112))  # "frame 10.png" comes after "frame 9.png"
    write(tmp_path / "films" / "a", range(5))
    write(tmp_path / "films" / "short", range(2))
    clips = kgan.data.load(tmp_path / "films", frames=5, size=4, stream=stream)
    assert clips.shape == (3, 5, 4, 4, 1) and clips.dtype == np.uint8
    expected = [list(range(5)), list(range(100, 105)), list(range(105, 110))]
    assert first_pixels(np.asarray(clips)) == expected
    past, following = pair(clips, 3)
    assert first_pixels(past[[1, 1 + 3]]) == [[101, 102, 103], [100, 101, 102]]
    assert first_pixels(following[[1, 1 + 3]]) == [104, 103]
    past, following = pair(clips[1:], 3)  # of a part, too
    assert first_pixels(past[[1]]) == [[106, 107, 108]] and first_pixels(following[[0]]) == [104]
    two = kgan.data.load(tmp_path / "films", frames=5, size=4, stream=stream, max_examples=2)
    assert len(two) == 2
    (single,) = kgan.data.load(tmp_path / "films" / "a", frames=5, stream=stream)
    assert first_pixels(single) == expected[0]


def test_folders_that_hold_no_clip_are_refused(tmp_path):
    write(tmp_path / "films" / "a", range(3))
    with pytest.raises(ValueError, match="No folder holds enough frames.*3 frames at most"):
        kgan.data.load(tmp_path / "films", frames=4)
    for options in ({"frames": 0}, {"frames": 2, "labels": True}, {"frames": 2, "augment": "crop"}):
        with pytest.raises(ValueError, match="Clips have a positive number of frames"):
            kgan.data.load(tmp_path / "films", **options)
    with pytest.raises(ValueError, match="Clips have a positive number of frames"):
        kgan.data.load("digits", frames=2)
    with pytest.raises(ValueError, match="Leave size, labels, augment and frames out"):
        kgan.data.load(tmp_path / "films", crop=2, frames=2)


def test_videos_of_tensorflow_datasets(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")

    class CountingFilms(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            video = tfds.features.Video(shape=(None, 6, 8, 1))
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict({"image_sequence": video})
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for key, length in enumerate((7, 3, 2)):
                frames = [np.full((6, 8, 1), 10 * key + time, "uint8") for time in range(length)]
                yield key, {"image_sequence": frames}

    CountingFilms(data_dir=tmp_path).download_and_prepare()
    load = {"data_dir": tmp_path, "frames": 3}
    clips = kgan.data.load("counting_films", **load, size=4)
    assert clips.shape == (3, 3, 4, 4, 1)
    assert sorted(first_pixels(clips)) == [[0, 1, 2], [3, 4, 5], [10, 11, 12]]
    assert len(kgan.data.load("counting_films", **load, max_examples=2)) == 2
    with pytest.raises(ValueError, match="No video of 'counting_films' is long enough"):
        kgan.data.load("counting_films", data_dir=tmp_path, frames=8)
    with pytest.raises(ValueError, match="has no split 'test'"):
        kgan.data.load("counting_films", "test", **load)
    with pytest.raises(ValueError, match="no single 8-bit image"):
        kgan.data.load("counting_films", data_dir=tmp_path)
