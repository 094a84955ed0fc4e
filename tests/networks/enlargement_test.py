"""Networks of super-resolution: what they are at the start, how large, and how far they see."""

import keras
import numpy as np
import pytest
from keras import ops

from kgan.layers import LinearUpSampling2D
from kgan.networks import enlargement


def convolution(inputs, outputs, kernel=3):
    return kernel**2 * inputs * outputs + outputs


def test_number_of_weights_is_that_of_the_figure():
    """Ledig et al. 2017, figure 4, with kernels of 3x3 and without batch normalization."""
    body = convolution(3, 64) + 2 * 16 * convolution(64, 64) + convolution(64, 64)
    end = 2 * convolution(64, 256) + convolution(64, 64) + convolution(64, 3)
    assert enlargement.generator().count_params() == body + end
    # Wang et al. 2018, figure 4: 23 blocks of three dense blocks of five convolutions.
    growing = sum(convolution(64 + 32 * n, 32) for n in range(4)) + convolution(64 + 32 * 4, 64)
    dense = convolution(3, 64) + 23 * 3 * growing + convolution(64, 64)
    assert enlargement.generator(blocks=23, kind="dense").count_params() == dense + end


@pytest.mark.parametrize("kind", ["residual", "dense"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_without_details_the_image_is_enlarged_linearly(kind, scale):
    network = enlargement.generator(1, scale, width=4, blocks=1, kind=kind)
    network.get_layer("details").kernel.assign(np.zeros((3, 3, 4, 1)))
    x = np.random.default_rng(0).uniform(-1, 1, (2, 5, 3, 1)).astype("float32")
    expected = ops.convert_to_numpy(LinearUpSampling2D(scale)(x))
    np.testing.assert_allclose(ops.convert_to_numpy(network(x)), expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["residual", "dense"])
def test_no_output_sees_beyond_the_radius(kind):
    network = enlargement.generator(1, 2, width=4, blocks=1, kind=kind)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    radius, middle = enlargement.receptive_radius(network), 30
    x = rng.uniform(-1, 1, (1, 2 * middle + 1, 5, 1)).astype("float32")
    other = x.copy()
    other[:, middle] += 1.0
    one, two = (ops.convert_to_numpy(network(images))[0] for images in (x, other))
    changed = np.flatnonzero(np.abs(one - two).max((1, 2)) > 0) // 2
    reach = max(middle - changed.min(), changed.max() - middle)
    # The bound is whole pixels, and adds what shuffling rounds up.
    assert radius - 1 <= reach <= radius


def test_radius_of_an_unknown_layer_is_not_guessed():
    inputs = keras.Input((None, None, 1))
    network = keras.Model(inputs, keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs))
    with pytest.raises(ValueError, match="overlap="):
        enlargement.receptive_radius(network)


@pytest.mark.parametrize(("side", "out"), [(8, 4), (32, 4), (64, 4), (128, 8)])
def test_discriminator_halves_as_far_as_there_is_room(side, out):
    for normalization in ("spectral", "batch", None):
        network = enlargement.discriminator((side, side, 3), 4, normalization)
        assert network.output_shape == (None, out, out, 1)


def test_options_out_of_range_are_refused():
    for options in ({"scale": 1}, {"scale": 6}, {"kind": "wide"}, {"blocks": 0}):
        with pytest.raises(ValueError, match="Received"):
            enlargement.generator(**options)
    with pytest.raises(ValueError, match="normalization='instance'"):
        enlargement.discriminator((32, 32, 3), normalization="instance")
