"""Layers that change the size of pictures, against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from kgan.layers.resampling import LinearUpSampling2D, PixelShuffle, ReflectionPadding2D


@pytest.mark.parametrize(
    ("padding", "pairs"),
    [
        (3, ((3, 3), (3, 3))),
        ((1, 2), ((1, 1), (2, 2))),
        (((0, 1), (2, 0)), ((0, 1), (2, 0))),
        (0, ((0, 0), (0, 0))),
    ],
)
def test_reflection_is_numpys(padding, pairs):
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    layer = ReflectionPadding2D(padding)
    padded = ops.convert_to_numpy(layer(x))
    np.testing.assert_array_equal(padded, np.pad(x, ((0, 0), *pairs, (0, 0)), mode="reflect"))
    assert layer.compute_output_shape(x.shape) == padded.shape


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_in_a_model_of_unknown_size(policy):
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, ReflectionPadding2D(2)(inputs))
    assert model.output_shape == (None, None, None, 1)
    x = np.arange(12, dtype="float32").reshape(1, 3, 4, 1)
    expected = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.cast(model(x), "float32")), expected)


def test_config_makes_the_layer_again():
    layer = ReflectionPadding2D((1, 2))
    again = ReflectionPadding2D.from_config(layer.get_config())
    assert again.padding == layer.padding == ((1, 1), (2, 2))


def test_gradient_counts_how_often_a_pixel_is_shown():
    from kgan.backend import input_gradient

    gradient = input_gradient(ReflectionPadding2D((0, 1)), ops.ones((1, 1, 3, 1)))
    np.testing.assert_array_equal(np.ravel(ops.convert_to_numpy(gradient)), [1.0, 3.0, 1.0])


def test_wrong_arguments_are_refused():
    for padding in (-1, (1, 2, 3), "same", ((1, 2), (3,))):
        with pytest.raises(ValueError, match="padding must be an integer.*Received"):
            ReflectionPadding2D(padding)
    with pytest.raises(ValueError, match="padding must be smaller than the side"):
        ReflectionPadding2D(3)(np.zeros((1, 3, 8, 1), "float32"))
    with pytest.raises(ValueError, match="batch, height, width, channels"):
        ReflectionPadding2D(1)(np.zeros((1, 3, 8), "float32"))


def test_pixel_shuffle_is_the_papers_equation():
    """Shi et al. 2016, equation 4, with the order of channels of `tf.nn.depth_to_space`."""
    scale, channels = 3, 2
    x = np.random.default_rng(0).normal(size=(2, 4, 5, scale**2 * channels)).astype("float32")
    expected = np.empty((2, 4 * scale, 5 * scale, channels), "float32")
    for row in range(4 * scale):
        for column in range(5 * scale):
            first = channels * (scale * (row % scale) + column % scale)
            place = (slice(None), row // scale, column // scale, slice(first, first + channels))
            expected[:, row, column] = x[place]
    layer = PixelShuffle(scale)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), expected)
    assert layer.compute_output_shape(x.shape) == expected.shape
    assert layer.compute_output_shape((None, None, 5, 18)) == (None, None, 15, 2)
    with pytest.raises(ValueError, match="multiple of scale"):
        PixelShuffle(2).compute_output_shape((1, 4, 4, 6))


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_linear_upsampling_is_keras_own(scale):
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    made = ops.convert_to_numpy(LinearUpSampling2D(scale)(x))
    expected = keras.layers.UpSampling2D(scale, interpolation="bilinear")(x)
    np.testing.assert_allclose(made, ops.convert_to_numpy(expected), atol=1e-5)


@pytest.mark.parametrize("kind", [PixelShuffle, LinearUpSampling2D])
def test_layers_that_enlarge_take_any_size_and_are_made_again(kind):
    inputs = keras.Input((None, None, 4))
    model = keras.Model(inputs, kind(2)(inputs))
    assert model.output_shape[1:3] == (None, None)
    for height, width in ((3, 4), (1, 7)):
        assert model(np.zeros((1, height, width, 4), "float32")).shape[1:3] == (
            2 * height,
            2 * width,
        )
    assert kind.from_config(kind(3).get_config()).scale == 3
