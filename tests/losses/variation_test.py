"""Total variation against sums written out, and its gradient where an image is flat."""

import numpy as np
import pytest
from keras import ops

from kgan import backend, losses


def test_is_the_mean_length_of_the_differences_to_the_right_and_below():
    images = np.random.default_rng(0).normal(size=(3, 5, 4, 2)).astype("float32")
    lengths = [
        np.hypot(x[i, j + 1] - x[i, j], x[i + 1, j] - x[i, j])
        for x in images
        for i in range(4)
        for j in range(3)
    ]
    value = float(losses.total_variation(ops.convert_to_tensor(images)))
    assert value == pytest.approx(np.mean(lengths), rel=1e-5)


def test_an_edge_costs_the_same_sharp_and_gradual():
    sharp = np.tile(np.float32([0, 0, 0, 1, 1, 1]), (6, 1))[None, :, :, None]
    gradual = np.tile(np.linspace(0, 1, 6, dtype="float32"), (6, 1))[None, :, :, None]
    values = [float(losses.total_variation(ops.convert_to_tensor(x))) for x in (sharp, gradual)]
    assert values[0] == pytest.approx(values[1], abs=1e-3)


def test_a_flat_image_costs_nothing_and_has_a_gradient():
    flat = ops.zeros((2, 4, 4, 1))
    assert float(losses.total_variation(flat)) < 1e-3
    gradient = backend.input_gradient(losses.total_variation, flat)
    np.testing.assert_array_equal(ops.convert_to_numpy(gradient), np.zeros((2, 4, 4, 1)))


def test_what_are_no_images_is_refused():
    for shape in ((4, 4, 1), (2, 1, 4, 1)):
        with pytest.raises(ValueError, match="at least 2x2.*Received: shape"):
            losses.total_variation(ops.zeros(shape))
