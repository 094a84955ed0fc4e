import keras
import numpy as np
import pytest
from PIL import Image

import kgan
from kgan.pictures import class_grid, image_grid, interpolation_grid, latent_walk

NUM_CLASSES = 3


def linear_model(num_classes=None, **options):
    """A model whose images show its noise: each pixel is a third of one number of it."""
    noise, image = keras.Input((4,)), keras.Input((2, 2, 1))
    x, logit = keras.layers.Reshape((2, 2, 1))(noise / 3.0), keras.layers.Flatten()(image)
    inputs, taken = noise, image
    if num_classes:
        label = keras.Input((), dtype="int32")
        shift = keras.layers.Embedding(num_classes, 4)(label)
        x = keras.layers.Add()([x, keras.layers.Reshape((2, 2, 1))(shift)])
        inputs, taken = [noise, label], [image, keras.Input((), dtype="int32")]
        logit = keras.layers.Add()([logit, keras.layers.Embedding(num_classes, 4)(taken[1])])
    x = keras.layers.Conv2D(1, 1, kernel_initializer="ones")(x)
    discriminator = keras.Model(taken, keras.layers.Dense(1)(logit))
    generator = keras.Model(inputs, x)
    condition = kgan.LabelCondition(num_classes) if num_classes else None
    return kgan.GAN(generator, discriminator, condition=condition, seed=0, **options)


def pixels_of(noise):
    return kgan.data.to_uint8(np.asarray(noise).reshape(-1, 2, 2, 1) / 3.0)


def test_a_row_goes_from_one_noise_to_the_other():
    start, end = kgan.latent.sample((2, 3, 4), seed=5)
    picture = interpolation_grid(linear_model(), steps=5, start=start, end=end, scale=1)
    expected = kgan.latent.slerp(start, end, 5)
    np.testing.assert_array_equal(picture, image_grid(pixels_of(expected), columns=5))
    straight = interpolation_grid(
        linear_model(), steps=3, start=start[0], end=end[0], method="linear", scale=1
    )
    middle = (start[0] + end[0]) / 2
    expected = pixels_of([start[0], middle, end[0]])
    np.testing.assert_array_equal(straight, image_grid(expected, columns=3))


def test_the_other_end_is_drawn_for_each_noise_that_is_given():
    model, noises = linear_model(), kgan.latent.sample((3, 4), seed=5)
    grid = interpolation_grid(model, start=noises, steps=2, seed=1, scale=1)
    ends = kgan.latent.sample((2, 3, 4), seed=1)[1]
    expected = np.stack([pixels_of(noises), pixels_of(ends)], axis=1).reshape(-1, 2, 2, 1)
    np.testing.assert_array_equal(grid, image_grid(expected, columns=2))


def test_drawn_pairs_differ_and_follow_the_seed():
    pictures = [interpolation_grid(linear_model(), 2, 3, seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert (pictures[0] != pictures[2]).any()


def test_rows_are_classes_and_columns_noises():
    model = linear_model(NUM_CLASSES)
    noise = kgan.latent.sample((5, 4), seed=2)
    expected = np.concatenate([model.decode(noise, [c] * 5) for c in range(NUM_CLASSES)])
    picture = class_grid(model, num_samples=5, seed=2, scale=1)
    np.testing.assert_array_equal(picture, image_grid(expected, columns=5))
    picture = class_grid(model, num_samples=5, seed=2, classes=[2, 0], scale=1)
    expected = np.concatenate([expected[10:], expected[:5]])
    np.testing.assert_array_equal(picture, image_grid(expected, columns=5))


def test_a_walk_passes_its_stops_at_one_pace_and_ends_where_it_began(tmp_path):
    path = tmp_path / "walk.gif"
    latent_walk(
        linear_model(), path, num_samples=2, num_stops=3, steps=4, seed=1, milliseconds=70, scale=1
    )
    stops = kgan.latent.sample((3, 2, 4), seed=1)
    with Image.open(path) as film:
        assert film.n_frames == 12 and film.info["duration"] == 70 and film.info["loop"] == 0
        for leg in range(3):
            between = kgan.latent.slerp(stops[leg], stops[(leg + 1) % 3], 5)
            for step in range(4):
                film.seek(4 * leg + step)
                expected = image_grid(pixels_of(between[:, step]), columns=2)
                np.testing.assert_array_equal(np.asarray(film.convert("L")), expected[..., 0])


def test_tiles_of_a_conditional_walk_keep_their_class(tmp_path):
    model = linear_model(NUM_CLASSES)
    latent_walk(model, tmp_path / "a.gif", num_samples=4, num_stops=2, steps=1, scale=1)
    noise = kgan.latent.sample((2, 4, 4), seed=0)
    with Image.open(tmp_path / "a.gif") as film:
        for frame in range(2):
            film.seek(frame)
            expected = image_grid(model.decode(noise[frame], [0, 1, 2, 0]), columns=2)
            np.testing.assert_array_equal(np.asarray(film.convert("L")), expected[..., 0])


def test_what_can_not_be_shown_is_explained(tmp_path):
    points = kgan.zoo.load("vanilla", like=(2,))
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    for draw in (interpolation_grid, class_grid, lambda m: latent_walk(m, tmp_path / "a.gif")):
        with pytest.raises(ValueError, match=r"have the shape \(2,\)"):
            draw(points)
        with pytest.raises(TypeError, match="model=Sequential"):
            draw(other)
    with pytest.raises(ValueError, match="knows no classes"):
        class_grid(linear_model())
    with pytest.raises(ValueError, match="out of range"):
        class_grid(linear_model(NUM_CLASSES), classes=[7])
    with pytest.raises(ValueError, match="not trained with labels"):
        interpolation_grid(linear_model(), labels=1)
    with pytest.raises(ValueError, match="mkdir -p .*nowhere"):
        latent_walk(linear_model(), tmp_path / "nowhere" / "a.gif")
    with pytest.raises(ValueError, match=r"format of pictures, \.gif"):
        latent_walk(linear_model(), tmp_path / "a.png")
    with pytest.raises(ValueError, match="num_stops=1"):
        latent_walk(linear_model(), tmp_path / "a.gif", num_stops=1)
