import numpy as np
import pytest

from kgan.data import gaussian_1d, grid, grid_centers, ring, ring_centers, stacked


def test_ring_centers_follow_the_protocol():
    centers = ring_centers()
    expected = [(np.cos(2 * np.pi * k / 8), np.sin(2 * np.pi * k / 8)) for k in range(8)]
    np.testing.assert_allclose(centers, expected, atol=1e-6)
    np.testing.assert_allclose(ring_centers(3, radius=2.0)[0], [2, 0])


def test_grid_centers_follow_the_protocol():
    expected = {(float(a), float(b)) for a in (-4, -2, 0, 2, 4) for b in (-4, -2, 0, 2, 4)}
    assert {tuple(center) for center in grid_centers().tolist()} == expected
    assert grid_centers(2, spacing=1.0)[:2].tolist() == [[-0.5, -0.5], [-0.5, 0.5]]


@pytest.mark.parametrize(
    ("draw", "centers", "sigma"),
    [(ring, ring_centers(), 0.01), (grid, grid_centers(), 0.05)],
)
def test_mixtures_have_their_modes_and_their_quality(draw, centers, sigma):
    points = draw(100_000, seed=0)
    assert points.shape == (100_000, 2) and points.dtype == "float32"
    distances = np.linalg.norm(points[:, None] - centers, axis=-1)
    counts = np.bincount(distances.argmin(axis=1), minlength=len(centers)) / len(points)
    np.testing.assert_allclose(counts, 1 / len(centers), rtol=0.07)
    # A Gaussian in the plane has 1 - exp(-9 / 2) = 98.889 % within three sigma.
    assert abs((distances.min(axis=1) < 3 * sigma).mean() - 0.98889) < 0.0012
    offsets = points - centers[distances.argmin(axis=1)]
    np.testing.assert_allclose(offsets.std(axis=0), sigma, rtol=0.02)


def test_gaussian_has_its_mean_and_spread():
    numbers = gaussian_1d(100_000, mean=4.0, sigma=0.5, seed=0)
    assert numbers.shape == (100_000, 1) and numbers.dtype == "float32"
    assert abs(numbers.mean() - 4) < 0.01 and abs(numbers.std() - 0.5) < 0.01


@pytest.mark.parametrize("draw", [ring, grid, gaussian_1d])
def test_seeds(draw):
    np.testing.assert_array_equal(draw(10, seed=3), draw(10, seed=3))
    assert (draw(10, seed=3) != draw(10, seed=4)).any()
    assert (draw(10) != draw(10)).any()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: ring(0), ValueError),
        (lambda: ring(10.0), TypeError),
        (lambda: ring(True), TypeError),
        (lambda: ring(10, modes=0), ValueError),
        (lambda: ring(10, radius=0), ValueError),
        (lambda: ring(10, radius="1"), TypeError),
        (lambda: ring(10, sigma=-1), ValueError),
        (lambda: ring(10, sigma=np.nan), ValueError),
        (lambda: ring(10, seed=-1), ValueError),
        (lambda: ring(10, seed=0.5), ValueError),
        (lambda: grid(10, side=0), ValueError),
        (lambda: grid(10, spacing=-2), ValueError),
        (lambda: gaussian_1d(-1), ValueError),
        (lambda: gaussian_1d(10, mean=np.inf), ValueError),
        (lambda: gaussian_1d(10, sigma=-0.1), ValueError),
    ],
)
def test_bad_arguments_are_refused_in_words(call, error):
    with pytest.raises(error, match="(?s)xpected|must be") as caught:
        call()
    assert "Received: " in str(caught.value) and "Pass " in str(caught.value)


def test_stacked_lays_three_images_over_one_another():
    images = np.arange(10, dtype="uint8")[:, None, None].repeat(4, 1).repeat(6, 2)
    triples = stacked(images, n=20_000, seed=0)
    assert triples.shape == (20_000, 4, 6, 3) and triples.dtype == "uint8"
    # Each channel is one whole image, and channels are drawn apart: all 1 000 triples come, evenly.
    assert (triples == triples[:, :1, :1]).all()
    classes = triples[:, 0, 0].astype(int) @ (100, 10, 1)
    counts = np.bincount(classes, minlength=1000)
    assert counts.min() > 0 and counts.sum() == 20_000
    chi_square = np.square(counts - 20).sum() / 20
    assert abs(chi_square - 999) < 5 * np.sqrt(2 * 999)
    np.testing.assert_array_equal(stacked(images[..., None], n=20_000, seed=0), triples)
    assert (stacked(images, n=100, seed=1) != triples[:100]).any()


@pytest.mark.parametrize(
    ("images", "n", "error"),
    [
        (np.zeros((5, 8, 8, 3)), 4, ValueError),
        (np.zeros((0, 8, 8)), 4, ValueError),
        (np.zeros((8, 8)), 4, ValueError),
        (np.zeros((5, 8, 8)), 0, ValueError),
        (np.zeros((5, 8, 8)), 4.0, TypeError),
    ],
)
def test_stacked_refuses_in_words(images, n, error):
    with pytest.raises(error, match="Received"):
        stacked(images, n)
