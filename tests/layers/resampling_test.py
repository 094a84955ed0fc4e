"""Layers that change the size of pictures, against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from kgan.layers.resampling import ReflectionPadding2D


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
