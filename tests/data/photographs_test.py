"""Windows of photographs of any size, and the small images that are made of them."""

import numpy as np
import pytest
from keras import ops

import kgan
from kgan.data.degradation import degraded, enlarged, shrunk

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

SIZES = ((50, 70), (33, 40), (64, 32))


def drawn(seed=0):
    """Smooth pictures, as photographs are."""
    rng = np.random.default_rng(seed)
    return [
        enlarged(rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), "uint8"), 4)[
            :height, :width
        ]
        for height, width in SIZES
    ]


@pytest.fixture
def folder(tmp_path):
    for number, photograph in enumerate(drawn()):
        path = tmp_path / "photographs" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(photograph).save(path)
    return tmp_path / "photographs"


def turned(window):
    """The eight ways in which a square is mirrored and turned."""
    sides = [np.rot90(window, quarter) for quarter in range(4)]
    return [*sides, *(side[:, ::-1] for side in sides)]


def is_part(window, photograph):
    side = len(window)
    places = np.lib.stride_tricks.sliding_window_view(photograph, (side, side), axis=(0, 1))
    return bool((places == window.transpose(2, 0, 1)).all((-3, -2, -1)).any())


def test_windows_are_tiles_and_in_fit_parts_that_are_turned():
    photographs = drawn()
    windows = kgan.data.photographs(photographs, crop=16)
    tiles = [(height // 16) * (width // 16) for height, width in SIZES]
    assert windows.shape == (sum(tiles), 16, 16, 3) and windows.dtype == np.uint8
    np.testing.assert_array_equal(windows.groups, np.repeat(np.arange(3), tiles))
    # As they are: a grid from edge to edge.
    np.testing.assert_array_equal(windows[0], photographs[0][:16, :16])
    np.testing.assert_array_equal(windows[-1], photographs[2][-16:, -16:])
    rng = np.random.default_rng(0)
    number = rng.integers(len(windows), size=12)
    drawn_ones = windows[number + len(windows) * rng.integers(1, 2**31, 12)]
    for place, window in zip(number, drawn_ones, strict=True):
        photograph = photographs[windows.groups[place]]
        assert any(is_part(side, photograph) for side in turned(window))
    assert len({window.tobytes() for window in drawn_ones}) > 8
    straight = kgan.data.photographs(photographs, crop=16, turn=False)
    assert is_part(straight[5 + 7 * len(windows)], photographs[0])


def test_every_place_and_turn_comes_equally_often():
    picture = np.arange(16, dtype="uint8").reshape(4, 4, 1)
    windows = kgan.data.photographs([picture], crop=3)
    assert len(windows) == 1
    seen = windows[np.arange(1, 8001)].reshape(8000, -1)
    _, counts = np.unique(seen, axis=0, return_counts=True)
    assert len(counts) == 4 * 8
    # Chi-squared with 31 degrees of freedom: 61 at one in a thousand.
    assert np.square(counts - 250).sum() / 250 < 61


def test_a_folder_gives_what_arrays_give_in_any_memory(folder):
    expected = kgan.data.photographs(drawn(), crop=16)
    rng = np.random.default_rng(0)
    numbers = rng.integers(len(expected), size=20) + len(expected) * rng.integers(2**31, size=20)
    for windows in (
        kgan.data.load(folder, crop=16),
        kgan.data.photographs(sorted(folder.iterdir()), crop=16),
        kgan.data.photographs(folder, crop=16, memory=1),
    ):
        np.testing.assert_array_equal(windows[numbers], expected[numbers])
        assert len(windows.paths) == 3
    assert len(kgan.data.load(folder, crop=16, max_examples=2)) == 12 + 8


@pytest.mark.parametrize("scale", [2, 4])
def test_small_windows_are_those_of_whole_small_photographs(scale):
    photographs = drawn()
    windows = kgan.data.photographs(photographs, crop=16)
    fields = (
        kgan.data.LowResolution((16 // scale, 16 // scale, 3), scale),
        kgan.data.Images((16, 16, 3), name="y"),
    )
    small, large = kgan.data.check(fields, windows)
    wholes = [shrunk(photograph, scale) for photograph in photographs]
    rng = np.random.default_rng(0)
    numbers = rng.integers(len(small), size=10) + len(small) * rng.integers(1, 2**31, 10)
    for number, low, high in zip(numbers, small[numbers], large[numbers], strict=True):
        whole = wholes[windows.groups[number % len(small)]]
        assert any(is_part(side, whole) for side in turned(low))
        # Of the same place and turn: far from edges, a window of its own gives the same.
        alone = shrunk(high, scale).astype(int)
        inner = slice(2, -2) if scale == 2 else slice(1, -1)
        assert np.abs(alone - low)[inner, inner].mean() < 2


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_pillows_bicubic_is_kerass_antialiased(scale):
    image = drawn()[0][:48, :48]
    floats = image[None].astype("float32")
    side = 48 // scale
    found = ops.image.resize(floats, (side, side), interpolation="bicubic", antialias=True)
    found = np.clip(ops.convert_to_numpy(found)[0], 0, 255)
    # Pillow rounds after each of the two directions; edges, where Pillow leaves out what lies
    # beyond and some backends repeat the last pixel, are not compared.
    inner = slice(2, -2)
    difference = np.abs(found - shrunk(image, scale))[inner, inner]
    assert difference.max() < 2 and difference.mean() < 0.5


def test_small_images_of_arrays_belong_to_them():
    images = np.stack([photograph[:32, :32] for photograph in drawn()])
    fields = (kgan.data.LowResolution((8, 8, 3), 4), kgan.data.Images((32, 32, 3), name="y"))
    labels = {"image": images, "label": np.arange(3)}
    for given in (images, (images,), labels, {"y": images}, list(images)):
        small, large = kgan.data.check(fields, given)
        np.testing.assert_array_equal(large[np.arange(3)], images)
        np.testing.assert_array_equal(small, [shrunk(image, 4) for image in images])
    pairs = kgan.data.check(fields, (np.asarray(small), images))
    assert isinstance(pairs[0], np.ndarray)
    with pytest.raises(ValueError, match="scale must divide"):
        kgan.data.check((fields[0], kgan.data.Images((30, 30, 3), name="y")), images[:, :30, :30])


def test_degradations_are_drawn_from_the_number_of_the_sample():
    images = np.stack([photograph[:32, :32] for photograph in drawn()])
    fields = (
        kgan.data.LowResolution((16, 16, 3), 2, "blur_noise_jpeg"),
        kgan.data.Images((32, 32, 3), name="y"),
    )
    small, _ = kgan.data.check(fields, images)
    numbers = np.array([0, 1, 2, 3, 300])
    np.testing.assert_array_equal(small[numbers], small[numbers])
    # Three ways of the same image, none of them the plain one.
    ways = small[np.array([0, 3, 6])].astype(int)
    others = [*ways, shrunk(images[0], 2)]
    for place, one in enumerate(others):
        assert all(np.abs(one - other).max() > 3 for other in others[:place])
    grey = degraded(images[0, ..., :1], 2, np.random.default_rng(0))
    assert grey.shape == (16, 16, 1) and grey.dtype == np.uint8


def test_what_are_no_photographs_is_refused(folder):
    photographs = drawn()
    with pytest.raises(ValueError, match="No photograph is as large as a window.*one of 50x70"):
        kgan.data.photographs(photographs, crop=80)
    with pytest.warns(UserWarning, match="1 of 3 photographs are smaller"):
        assert len(kgan.data.photographs(photographs[:2] + [photographs[0][:8]], crop=16)) == 16
    with pytest.raises(ValueError, match="one number of channels"):
        kgan.data.photographs([photographs[0], photographs[1][..., 0]], crop=8)
    with pytest.raises(ValueError, match=r"size=\(32, 32\)"):
        kgan.data.load(folder, crop=16, size=32)
    with pytest.raises(ValueError, match="degradation='worse'"):
        kgan.data.LowResolution((8, 8, 3), 2, "worse")
