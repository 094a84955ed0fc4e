import unittest.mock

import keras
import numpy as np
import pytest
from descent import array, reloaded
from keras import ops

import kgan
from kgan.backend import input_gradient
from kgan.layers import DifferentiableAugmentation, get_augmentation

RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.uniform(-1.0, 1.0, shape).astype("float32")


def augment(images, policy, *draws):
    """The augmented images, where each draw from U(0, 1) is given: one number per image."""
    left = [np.asarray(draw, "float32").reshape(-1, 1, 1, 1) for draw in draws]

    def uniform(shape, *args, **kwargs):
        assert tuple(shape) == (len(images), 1, 1, 1)
        return ops.convert_to_tensor(left.pop(0))

    with unittest.mock.patch.object(keras.random, "uniform", uniform):
        outputs = DifferentiableAugmentation(policy)(images, training=True)
    assert left == []
    return outputs


def test_brightness_adds():
    images = drawn(2, 3, 3, 3)
    # 0.5 is the middle of each range: saturation and contrast by the factor 1.
    outputs = augment(images, "color", [0.0, 0.75], [0.5, 0.5], [0.5, 0.5])
    expected = images + np.array([-0.5, 0.25])[:, None, None, None]
    np.testing.assert_allclose(array(outputs), expected, atol=1e-6)


def test_saturation_moves_from_the_mean_of_channels():
    images = drawn(3, 3, 3, 3)
    outputs = augment(images, "color", [0.5] * 3, [0.0, 0.25, 1.0], [0.5] * 3)
    grey = images.mean(-1, keepdims=True)
    factors = np.array([0.0, 0.5, 2.0])[:, None, None, None]
    np.testing.assert_allclose(array(outputs), grey + factors * (images - grey), atol=1e-6)
    greys = drawn(3, 3, 3, 1)
    outputs = augment(greys, "color", [0.5] * 3, [0.0, 0.25, 1.0], [0.5] * 3)
    np.testing.assert_allclose(array(outputs), greys, atol=1e-6)


def test_contrast_moves_from_the_mean_of_the_image():
    images = drawn(2, 3, 3, 3)
    outputs = augment(images, "color", [0.5] * 2, [0.5] * 2, [0.0, 1.0])
    mean = images.mean((1, 2, 3), keepdims=True)
    factors = np.array([0.5, 1.5])[:, None, None, None]
    np.testing.assert_allclose(array(outputs), mean + factors * (images - mean), atol=1e-6)


def shifted(image, down, right):
    padded = np.pad(image, ((8, 8), (8, 8), (0, 0)))
    height, width = image.shape[:2]
    return padded[8 - down : 8 - down + height, 8 - right : 8 - right + width]


def test_translation_shifts_by_an_eighth_and_pads_with_zero():
    images = drawn(4, 16, 8, 2)  # at most 2 down or up, 1 left or right
    outputs = array(augment(images, "translation", [0.0, 0.999, 0.5, 1.0], [0.0, 0.999, 0.5, 0.34]))
    for image, output, shift in zip(images, outputs, [(-2, -1), (2, 1), (0, 0), (2, 0)]):
        np.testing.assert_array_equal(output, shifted(image, *shift))


def hidden(image, first_row, first_column, height, width):
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    inside = (rows >= first_row) & (rows < first_row + height)
    inside = inside & (columns >= first_column) & (columns < first_column + width)
    return np.where(inside[..., None], 0.0, image)


def test_cutout_hides_half_of_each_side_around_a_centre_anywhere():
    images = drawn(3, 8, 6, 2)  # 4 x 3; centres 0 ... 8 and 0 ... 5
    outputs = array(augment(images, "cutout", [0.0, 0.5, 1.0], [0.0, 0.5, 1.0]))
    corners = [(-2, -1), (2, 2), (6, 4)]
    for image, output, corner in zip(images, outputs, corners):
        np.testing.assert_array_equal(output, hidden(image, *corner, 4, 3))


def test_order_is_the_policys():
    images = drawn(1, 8, 8, 1)
    cut = ([0.5], [0.5])
    bright = ([1.0], [0.5], [0.5])
    first = array(augment(images, ("color", "cutout"), *bright, *cut))
    last = array(augment(images, ("cutout", "color"), *cut, *bright))
    assert first[0, 4, 4, 0] == 0.0
    assert last[0, 4, 4, 0] == pytest.approx(0.5, abs=1e-6)


def test_gradient_of_translation_is_shifted_back():
    images, weight = drawn(1, 8, 8, 1), drawn(1, 8, 8, 1)

    def weighed(images):
        moved = augment(images, "translation", [1.0], [0.0])  # 1 down, 1 left
        return ops.multiply(moved, weight)

    gradient = array(input_gradient(weighed, ops.convert_to_tensor(images)))
    np.testing.assert_allclose(gradient[0], shifted(weight[0], -1, 1), atol=1e-7)


def test_gradient_of_cutout_and_color():
    images = ops.convert_to_tensor(drawn(1, 8, 8, 1))
    gradient = input_gradient(lambda x: augment(x, "cutout", [0.5], [0.5]), images)
    np.testing.assert_array_equal(array(gradient)[0], hidden(np.ones((8, 8, 1)), 2, 2, 4, 4))
    # Of the sum: contrast and saturation keep the mean, brightness adds a constant.
    gradient = input_gradient(lambda x: augment(x, "color", [0.1], [0.9], [0.7]), images)
    np.testing.assert_allclose(array(gradient), np.ones((1, 8, 8, 1)), atol=1e-5)


def test_images_of_a_batch_and_calls_differ():
    layer = DifferentiableAugmentation(seed=0)
    images = np.repeat(drawn(1, 16, 16, 3), 16, axis=0)
    first, second = (array(layer(images, training=True)) for _ in range(2))
    assert len(np.unique(first.reshape(16, -1), axis=0)) == 16
    assert not np.any(np.all(np.isclose(first, second), axis=(1, 2, 3)))
    again = array(DifferentiableAugmentation(seed=0)(images, training=True))
    np.testing.assert_array_equal(again, first)


def test_draws_are_spread_over_their_ranges():
    layer = DifferentiableAugmentation("translation", seed=0)
    image = np.zeros((600, 8, 8, 1), "float32")
    image[:, 4, 4] = 1.0
    places = np.argwhere(array(layer(image, training=True))[..., 0])[:, 1:] - 4
    shifts, counts = np.unique(places, axis=0, return_counts=True)
    assert len(places) == 600 and len(shifts) == 9
    assert np.all(np.abs(counts - 600 / 9) < 4.5 * np.sqrt(600 / 9))


def test_inference_changes_nothing():
    layer, images = DifferentiableAugmentation(seed=0), drawn(2, 8, 8, 3)
    state = array(layer.seed_generator.state)
    np.testing.assert_array_equal(array(layer(images)), images)
    np.testing.assert_array_equal(array(layer(images, training=False)), images)
    np.testing.assert_array_equal(array(layer.seed_generator.state), state)


def test_float32_stays_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    layer, images = DifferentiableAugmentation(seed=0), drawn(2, 8, 8, 3)
    for training in (True, False):
        outputs = layer(images, training=training)
        assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    assert layer(keras.Input((8, 8, 3), dtype="float32")).dtype == "float32"


def test_layer_is_saved_and_its_random_state_is_tracked(tmp_path):
    images = drawn(4, 8, 8, 1)
    layer = DifferentiableAugmentation(("cutout", "color"), seed=3)
    _, again = reloaded(layer, images, tmp_path)
    assert again.layers[-1].get_config() == layer.get_config()
    assert again.layers[-1].policy == ("cutout", "color")
    # What a game saves, and what JAX carries through a step.
    assert any(variable is layer.seed_generator.state for variable in layer.variables)


def test_training_of_a_model_with_any_batch():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            DifferentiableAugmentation(seed=0),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    history = model.fit(drawn(7, 8, 8, 1), np.zeros((7, 1)), batch_size=4, verbose=0)
    assert np.isfinite(history.history["loss"][0])


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="policy="):
        DifferentiableAugmentation(("colour",))
    with pytest.raises(ValueError, match="policy="):
        DifferentiableAugmentation(())
    with pytest.raises(ValueError, match="input of shape"):
        DifferentiableAugmentation()(np.zeros((4, 2), "float32"), training=True)


def test_names_stand_for_augmentations():
    shape = (8, 8, 1)
    assert get_augmentation(None, shape) is None and get_augmentation(False, shape) is None
    everything = ("color", "translation", "cutout")
    asked = {
        True: everything,
        "cutout": ("cutout",),
        "translation, color": ("translation", "color"),
        ("color", "cutout"): ("color", "cutout"),
    }
    for identifier, policy in asked.items():
        assert get_augmentation(identifier, shape).policy == policy
    assert get_augmentation(["color"], shape, seed=3).seed == 5  # as JSON has it
    own = keras.layers.GaussianNoise(0.1)
    assert get_augmentation(own, (2,)) is own
    with pytest.raises(ValueError, match="policy="):
        get_augmentation("colour", shape)
    with pytest.raises(ValueError, match="for images.*samples of shape .2,."):
        get_augmentation(True, (2,))
    with pytest.raises(TypeError, match="Received: augmentation=3"):
        get_augmentation(3, shape)


@pytest.mark.parametrize("name", ["dcgan", "conditional", "sngan", "r3gan", "lsgan"])
def test_models_of_the_zoo_augment(name):
    model = kgan.zoo.load(name, like=(8, 8, 1), width=4, augmentation="color,cutout", seed=0)
    assert model.augmentation.policy == ("color", "cutout")
    assert kgan.zoo.load(name, like=(8, 8, 1), width=4).augmentation is None
