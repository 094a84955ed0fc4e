"""Edge drawings: where the edges are, what they are scaled by, and what is refused."""

import numpy as np
import pytest

from kgan.data import edges


def photo(low=0, high=200, channels=3):
    image = np.full((1, 10, 12, channels), low, "uint8")
    image[:, :, 6:] = high
    return image


def test_edges_are_white_where_brightness_changes():
    drawn = edges(photo())
    assert drawn.shape == (1, 10, 12, 1) and drawn.dtype == "uint8"
    # Sobel's operator, by hand: the two columns beside the step differ from their neighbours.
    expected = np.zeros((10, 12), "uint8")
    expected[:, 5:7] = 255
    np.testing.assert_array_equal(drawn[0, ..., 0], expected)
    np.testing.assert_array_equal(edges(photo().transpose(0, 2, 1, 3))[0, ..., 0], expected.T)


def test_signed_edges_tell_the_bright_side():
    drawn = edges(photo(), signed=True)[0, ..., 0].astype(int)
    assert (drawn[:, 6:8] > 128).all() and (drawn[:, 4:6] < 127).all()
    assert drawn[0, 0] == drawn[0, -1] == 128
    negative = edges(255 - photo(), signed=True)[0, ..., 0].astype(int)
    assert np.abs(drawn + negative - 255).max() <= 1
    # Without a sign, a photograph and its negative have one drawing.
    np.testing.assert_array_equal(edges(255 - photo()), edges(photo()))


def test_each_photo_is_scaled_by_its_own_contrast():
    both = np.concatenate([photo(), photo(90, 110)])
    drawn = edges(both)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    flat = np.full((1, 8, 8, 3), 77, "uint8")
    assert not edges(flat).any()


def test_grey_photos_need_no_channel_axis():
    grey = photo(channels=1)
    np.testing.assert_array_equal(edges(grey[..., 0]), edges(grey))
    np.testing.assert_array_equal(edges(np.repeat(grey, 5, -1)), edges(grey))


def test_what_are_no_photos_is_refused():
    with pytest.raises(TypeError, match="to_uint8.*Received: images of shape"):
        edges(photo().astype("float32"))
    with pytest.raises(ValueError, match="Received: images of shape"):
        edges(photo()[0, 0])
    with pytest.raises(ValueError, match="Received: images of shape"):
        edges(photo()[:0])
