import keras
import numpy as np
import pytest
from keras import ops

from kgan.layers import LatentCodes


def test_layout_is_category_then_codes_then_noise():
    noise = np.array([[-1.0, 0.3, -0.4, 0.9], [0.3, 0.1, 0.2, -0.7], [1.0, 0.0, 0.5, 0.6]])
    layer = LatentCodes(num_categories=3, num_continuous=1)
    output = ops.convert_to_numpy(layer(noise.astype("float32")))
    expected = np.concatenate([np.eye(3), noise[:, 1:]], axis=1)
    np.testing.assert_allclose(output, expected, rtol=1e-6)
    categories, continuous = layer.split(ops.convert_to_tensor(noise.astype("float32")))
    assert np.array_equal(ops.convert_to_numpy(categories), [0, 1, 2])
    np.testing.assert_allclose(ops.convert_to_numpy(continuous), noise[:, 1:2], rtol=1e-6)


def test_categories_are_equally_likely():
    noise = np.linspace(-1, 1, 7000, endpoint=False, dtype="float32")[:, None]
    categories, _ = LatentCodes(7).split(ops.convert_to_tensor(noise))
    counts = np.bincount(ops.convert_to_numpy(categories), minlength=7)
    assert len(counts) == 7
    assert np.abs(counts - 1000).max() <= 1  # a number on the border


def test_half_precision_changes_no_category():
    keras.config.set_dtype_policy("mixed_float16")
    noise = np.full((1, 2), np.float32(0.2) - 1e-6)  # float16 would round to the next of ten
    output = ops.convert_to_numpy(LatentCodes(10)(noise.astype("float32")))
    assert output.dtype == "float32"
    assert output[0, :10].argmax() == 5


def test_shape_config_and_errors():
    layer = LatentCodes(4, 2, name="codes")
    assert layer.compute_output_shape((None, 6)) == (None, 9)
    again = LatentCodes.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    with pytest.raises(ValueError, match="at least 3. Received: noise of shape .4, 2"):
        layer(np.zeros((4, 2), "float32"))
    with pytest.raises(ValueError, match="`num_categories` must be an integer of at least 2"):
        LatentCodes(1)
