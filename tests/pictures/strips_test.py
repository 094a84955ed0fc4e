import keras
import numpy as np
import pytest
from keras import ops
from scipy.spatial import distance

from kgan.pictures import nearest_neighbors, neighbor_grid, strips


def images_of(n, shape=(8, 8, 1), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype="uint8")


def flat(value, n, size):
    return np.full((n, size, size, 1), value, "uint8")


def test_each_strip_holds_one_image_of_every_array():
    columns = [np.concatenate([flat(10 * c + i, 1, 16) for i in range(3)]) for c in range(3)]
    picture = strips(columns, scale=1, padding=1, blocks=1)
    assert picture.shape == (3 * 17 + 1, 3 * 18, 3)
    for i in range(3):
        for c in range(3):
            tile = picture[1 + 17 * i : 17 + 17 * i, 1 + 18 * c : 17 + 18 * c]
            assert (tile == 10 * c + i).all()


def test_strips_are_read_row_by_row_over_the_blocks():
    first = np.concatenate([flat(value, 1, 4) for value in range(5)])
    picture = strips([first, first + 100], scale=1, padding=0, blocks=2)
    # 4 + 4 pixels of a strip, 8 between the blocks.
    assert picture.shape == (12, 24, 3)
    assert picture[[0, 0, 4, 4, 8], [0, 16, 0, 16, 0], 0].tolist() == [0, 1, 2, 3, 4]
    assert picture[[0, 0], [4, 20], 0].tolist() == [100, 101]
    assert (picture[8:, 16:] == 255).all()


def test_captions_stand_above_and_many_strips_make_a_square():
    columns = [images_of(16)] * 3
    picture = strips(columns, ("input", "output", "truth"))
    bar = picture.shape[0] - strips(columns).shape[0]
    assert bar > 12 and picture[:bar].min() < 100
    assert 0.5 < picture.shape[0] / picture.shape[1] < 2


def test_small_and_grey_images_are_shown_beside_large_and_coloured_ones():
    small, large = flat(7, 2, 4), images_of(2, (16, 8, 3))
    picture = strips([small, large], scale=1, padding=0, blocks=1)
    np.testing.assert_array_equal(picture[:16, 8:16], large[0])
    # 4x4 in 16x8: twice as large, in the middle of white.
    assert (picture[4:12, :8] == 7).all() and (picture[:4, :8] == 255).all()
    assert (picture[12:16, :8] == 255).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, r"arrays of shapes \[\]"),
        (([images_of(2), images_of(3)],), ValueError, r"\[2, 3\] images"),
        (([images_of(2)[0]],), ValueError, r"\(8, 8, 1\)"),
        (([images_of(2)], "in"), ValueError, "titles='in'"),
        (([images_of(2)], ("a", "b")), ValueError, "titles="),
        (([images_of(2).astype("int64")],), TypeError, "dtype int64"),
        (([images_of(2)], None, "auto", -1), ValueError, "padding=-1"),
        (([images_of(2)], None, "auto", 0, 0), ValueError, "blocks=0"),
    ],
)
def test_strips_explain_what_they_can_not_show(arguments, error, message):
    with pytest.raises(error, match=message):
        strips(*arguments)


@pytest.mark.parametrize("chunk_bytes", [1 << 24, 1000])
def test_nearest_neighbors_agree_with_scipy(monkeypatch, chunk_bytes):
    from kgan.data import inspection

    monkeypatch.setattr(inspection, "_CHUNK_BYTES", chunk_bytes)
    samples, data = images_of(7, seed=1), images_of(50, seed=2)
    data[33] = samples[4]
    places, distances = nearest_neighbors(samples, data, count=3)
    floats = [array.reshape(len(array), -1) / 127.5 - 1 for array in (samples, data)]
    every = distance.cdist(*floats)
    np.testing.assert_array_equal(places, np.argsort(every, axis=1)[:, :3])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :3], atol=1e-6)
    assert places[4, 0] == 33 and distances[4, 0] < 1e-6


def test_equal_neighbours_are_those_that_come_first(monkeypatch):
    from kgan.data import inspection

    monkeypatch.setattr(inspection, "_CHUNK_BYTES", 100)
    data = np.repeat(images_of(1), 9, axis=0)
    assert nearest_neighbors(data[:1], data, count=4)[0].tolist() == [[0, 1, 2, 3]]


def test_features_say_what_near_means():
    # By brightness alone, an image is nearest to its mirror image.
    samples, others = images_of(3, seed=1), images_of(20, seed=2)
    data = np.concatenate([others, samples[:, :, ::-1]])
    inputs = keras.Input((8, 8, 1))
    mean = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    for features in (mean, lambda images: ops.mean(images, axis=(1, 2, 3))[:, None]):
        places, distances = nearest_neighbors(samples, data, 1, features, batch_size=2)
        assert places[:, 0].tolist() == [20, 21, 22]
        np.testing.assert_allclose(distances, 0, atol=1e-5)
    assert nearest_neighbors(samples, data, 1)[0][:, 0].tolist() != [20, 21, 22]


def test_neighbours_of_points():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    places, distances = nearest_neighbors(points[:1], points[1:], count=2)
    assert places.tolist() == [[0, 1]] and distances.tolist() == [[1.0, 2.0]]


def test_neighbours_are_shown_right_of_their_sample():
    samples = images_of(2, seed=1)
    data = np.concatenate([images_of(9, seed=2), samples ^ 1, samples ^ 2])
    picture = neighbor_grid(samples, data, count=2, scale=1)
    places = []
    for image in np.stack([samples, samples ^ 1, samples ^ 2], axis=1).reshape(6, 8, 8, 1):
        windows = np.lib.stride_tricks.sliding_window_view(picture[..., 0], (8, 8))
        places.append(np.argwhere((windows == image[..., 0]).all((2, 3))).tolist())
    assert all(len(place) == 1 for place in places)
    rows, lefts = np.array(places).reshape(2, 3, 2).transpose(2, 0, 1)
    assert (np.diff(rows, axis=1) == 0).all() and (np.diff(lefts, axis=1) > 8).all()
    # The sample stands apart from its neighbours.
    assert (np.diff(lefts, axis=1)[:, 0] > np.diff(lefts, axis=1)[:, 1]).all()


def test_neighbours_that_can_not_be_found_are_explained():
    with pytest.raises(ValueError, match=r"samples of shape \(2, 8, 8, 1\), data of shape"):
        nearest_neighbors(images_of(2), images_of(2, (4, 4, 1)))
    with pytest.raises(ValueError, match="count=5"):
        nearest_neighbors(images_of(2), images_of(4))
