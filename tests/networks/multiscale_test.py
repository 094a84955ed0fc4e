"""Networks that predict at several scales: what each adds to the one below."""

import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import multiscale


def clips(n=2, frames=3, height=16, width=8, channels=2):
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (n, frames, height, width, channels)).astype("float32")


def made_of(network, *inputs):
    return [ops.convert_to_numpy(part) for part in network(*inputs)]


def test_each_scale_adds_to_the_enlarged_one_below():
    network = multiscale.generator((16, 8, 2), 3, scales=3, width=(6, 5, 4), depth=1)
    assert [part.shape for part in made_of(network, clips())] == [
        (2, 4, 2, 2),
        (2, 8, 4, 2),
        (2, 16, 8, 2),
    ]
    last = network.get_layer("made_2")
    for weight in last.weights:
        weight.assign(np.zeros(weight.shape))
    _, below, above = made_of(network, clips())
    enlarged = ops.convert_to_numpy(kgan.layers.LinearUpSampling2D(2)(below))
    np.testing.assert_allclose(above, enlarged, atol=1e-6)
    assert below.std() > 0


def test_a_scale_sees_the_frames_reduced():
    network = multiscale.generator((16, 8, 2), 3, scales=2, width=4, depth=1)
    x = clips()
    # Blocks of 2x2 pixels with the same mean are one to the smaller scale.
    blocks = x.reshape(2, 3, 8, 2, 4, 2, 2)
    other = np.broadcast_to(blocks.mean((3, 5), keepdims=True), blocks.shape).reshape(x.shape)
    (small, large), (small_2, large_2) = made_of(network, x), made_of(network, other)
    np.testing.assert_allclose(small, small_2, atol=1e-5)
    assert np.abs(large - large_2).max() > 1e-3


def test_widths_are_those_of_the_scales():
    network = multiscale.generator((16, 16, 1), 4, scales=2, width=(7, 5), depth=2)
    filters = [layer.filters for layer in network.layers if hasattr(layer, "filters")]
    assert filters == [7, 7, 1, 5, 5, 1]
    with pytest.raises(ValueError, match="one for each"):
        multiscale.generator((16, 16, 1), 4, scales=3, width=(7, 5))


@pytest.mark.parametrize("shape", [(10, 16, 1), (4, 4, 1)])
def test_sides_that_cannot_be_halved_are_refused(shape):
    with pytest.raises(ValueError, match="multiples of 4"):
        multiscale.generator(shape, 4, scales=3, width=4)
    with pytest.raises(ValueError, match="An image has the shape"):
        multiscale.generator((16, 16), 4, scales=3, width=4)


def test_the_discriminator_sees_the_whole_clip():
    network = multiscale.discriminator((16, 16, 1), 3, scales=2, width=4, normalization=None)
    rng = np.random.default_rng(1)
    for weight in network.weights:
        weight.assign(rng.normal(0, 0.2, weight.shape))
    x = clips(width=16, channels=1)
    frames = [rng.uniform(-1, 1, (2, side, side, 1)).astype("float32") for side in (8, 16)]
    before = made_of(network, [x, *frames])
    # Another first frame, and the same next one.
    after = made_of(network, [np.concatenate([-x[:, :1], x[:, 1:]], 1), *frames])
    assert all(np.abs(one - other).max() > 1e-4 for one, other in zip(before, after, strict=True))
    # A frame is judged at its own scale.
    small, large = made_of(network, [x, -frames[0], frames[1]])
    assert np.abs(small - before[0]).max() > 1e-4
    np.testing.assert_allclose(large, before[1], atol=1e-6)
