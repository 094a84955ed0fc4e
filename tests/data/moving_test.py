"""Moving images: they go straight on, bounce, and lie over one another."""

import numpy as np
import pytest

import kgan


def places(clips):
    """Where a single white image of 4x3 pixels lies in each frame: its upper left corner."""
    found = [[np.argwhere(frame[..., 0])[0] for frame in clip] for clip in clips]
    return np.array(found)


def test_an_image_goes_straight_on_and_bounces():
    white = np.full((1, 4, 3), 255, "uint8")
    clips = kgan.data.moving(white, 50, frames=60, side=64, objects=1, speed=0.05, seed=0)
    assert clips.shape == (50, 60, 64, 64, 1)
    assert ((clips == 255).sum((2, 3, 4)) == 12).all()
    steps = np.diff(places(clips), axis=1)
    # Speed is a twentieth of the way from edge to edge, 60 and 61 pixels, in a random direction.
    turns = (np.abs(np.diff(steps, axis=1)).max(2) > 1).sum(1)
    assert turns.max() <= 2 * (3 + 3)
    lengths = np.linalg.norm(steps[..., :] / (60, 61), axis=-1)
    assert lengths.max() < 0.05 + 0.03 and np.median(lengths) == pytest.approx(0.05, abs=0.01)
    # Over 60 frames each one that moves along an axis has met an edge, and goes back.
    fast = np.abs(steps).max(1) >= 2
    turned = (steps.max(1) > 0) & (steps.min(1) < 0)
    assert turned[fast].all()
    directions = np.arctan2(*np.moveaxis(steps[:, 0], -1, 0))
    assert (directions > 0).any() and (directions < 0).any()


def test_the_brightest_pixel_is_seen():
    images = np.array([100, 200], "uint8")[:, None, None].repeat(8, 1).repeat(8, 2)
    clips = kgan.data.moving(images, 20, frames=4, side=8, objects=2, seed=0)
    assert set(np.unique(clips)) == {100, 200}
    # There is no room to move in, and two of one are one.
    assert (clips == clips[:, :1, :1, :1]).all()


def test_seeds_make_the_same_clips_again():
    digits = kgan.data.load("digits")
    one, other = (kgan.data.moving(digits, 4, 5, 20, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert (kgan.data.moving(digits, 4, 5, 20, seed=4) != one).any()


@pytest.mark.parametrize(
    ("images", "options"),
    [
        (np.zeros((2, 8, 8), "float32"), {}),
        (np.zeros((2, 8, 8, 3), "uint8"), {}),
        (np.zeros((2, 80, 8), "uint8"), {}),
        (np.zeros((0, 8, 8), "uint8"), {}),
        (np.zeros((2, 8, 8), "uint8"), {"speed": 0.0}),
        (np.zeros((2, 8, 8), "uint8"), {"frames": 0}),
    ],
)
def test_what_cannot_move_is_refused(images, options):
    with pytest.raises(ValueError, match="Received"):
        kgan.data.moving(images, 1, **options)
