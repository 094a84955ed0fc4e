"""The U-Net: sizes, skips, where it is normalized and drops out, and the released code's size."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kgan.layers import InstanceNormalization
from kgan.networks import unet

SIZES = {
    (256, 256): 8,
    (512, 512): 8,
    (256, 128): 7,
    (32, 32): 5,
    (28, 28): 2,
    (24, 64): 3,
    (8, 8): 3,
    (6, 10): 1,
}


def kinds(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


@pytest.mark.parametrize(("size", "halvings"), SIZES.items())
def test_it_halves_as_often_as_both_sides_allow(size, halvings):
    assert unet.num_halvings((*size, 3)) == halvings


@pytest.mark.parametrize("shape", [(8, 8, 5), (6, 10, 2)])
def test_it_makes_images_of_the_size(shape):
    network = unet.generator(shape, out_channels=2, width=4)
    images = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype("float32")
    made = ops.convert_to_numpy(network(images, training=False))
    assert made.shape == (2, *shape[:2], 2) and made.dtype == "float32"
    assert 0 < np.abs(made).max() <= 1


def test_it_has_the_size_of_the_released_code():
    # The released PyTorch code prints 54.414 M for unet_256. Counted by hand:
    down = [3, 64, 128, 256, 512, 512, 512, 512, 512]
    # A stage up reads the one below it, and beside it, from the second on, the skip.
    up = [(512, 512), *[(1024, 512)] * 3, (1024, 256), (512, 128), (256, 64)]
    kernels = sum(16 * a * b for a, b in zip(down, down[1:], strict=False))
    kernels += sum(16 * a * b for a, b in up) + 16 * 128 * 3
    scales = 2 * (sum(down[2:-1]) + sum(b for _, b in up))
    # That code leaves the biases 64 and 512 of the two bare convolutions on the way down out.
    assert round((kernels + scales + 3) / 1e6, 3) == 54.414
    # A sixteenth of the width is quicker to build, and the counts scale as they are written.
    small = unet.generator((256, 256, 3), out_channels=3, width=4)
    kernels = sum(16 * a * b for a, b in zip(down[1:], down[2:], strict=False)) // 256
    kernels += sum(16 * a * b for a, b in up) // 256 + 16 * 3 * 4 + 16 * 8 * 3
    assert small.count_params() == kernels + (scales + 64 + 512) // 16 + 3


@pytest.mark.parametrize(
    ("size", "near"), [((30, 32), (32, 32)), ((27, 29), (28, 28)), ((7, 8), (8, 8))]
)
def test_it_names_the_nearest_legal_size(size, near):
    with pytest.raises(ValueError, match=f"nearest size is {near[0]}x{near[1]}.*Received"):
        unet.generator((*size, 3), 3)
    assert unet.num_halvings((*near, 3)) >= 1


@pytest.mark.parametrize("side", range(1, 70))
def test_it_names_sizes_that_it_makes(side):
    for other in (side, 32, 3 * side):
        try:
            halvings = unet.num_halvings((side, other, 3))
        except ValueError as error:
            near = str(error).split("nearest size is ")[1].split(":")[0].split("x")
            halvings = unet.num_halvings((int(near[0]), int(near[1]), 3))
        assert halvings >= 1


def test_a_depth_that_the_size_does_not_allow_is_refused():
    with pytest.raises(ValueError, match="multiples of 16.*nearest size is 32x32.*depth=4"):
        unet.generator((28, 28, 1), 1, depth=4)
    network = unet.generator((32, 32, 1), 1, width=4, depth=3)
    assert len(kinds(network, layers.Conv2D)) == len(kinds(network, layers.Conv2DTranspose)) == 3


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 0), (28.0, 28, 1), (2,), (28, None, 1)])
def test_it_refuses_what_is_no_image_shape(shape):
    with pytest.raises(ValueError, match="height, width, channels.*Received: image_shape"):
        unet.generator(shape, 3)


def test_no_map_of_1x1_is_normalized():
    network = unet.generator((32, 32, 3), 3, width=4)
    found = kinds(network, InstanceNormalization)
    sides = [layer.output.shape[1:-1] for layer in found]
    # Five halvings: not after the first and the innermost; four doublings, not after the last.
    assert sides == [(8, 8), (4, 4), (2, 2), (2, 2), (4, 4), (8, 8), (16, 16)]
    # What is normalized has no bias of its own, and all else has one.
    convolutions = kinds(network, (layers.Conv2D, layers.Conv2DTranspose))
    assert sum(not layer.use_bias for layer in convolutions) == len(found)


def test_normalization_is_chosen():
    batch = unet.generator((8, 8, 1), 1, width=4, normalization="batch")
    assert len(kinds(batch, layers.BatchNormalization)) == 3
    assert not kinds(batch, InstanceNormalization)
    plain = unet.generator((8, 8, 1), 1, width=4, normalization=None)
    assert not kinds(plain, (InstanceNormalization, layers.BatchNormalization))
    assert all(layer.use_bias for layer in kinds(plain, layers.Conv2D))
    with pytest.raises(ValueError, match="Received: normalization='layer'"):
        unet.generator((8, 8, 1), 1, normalization="layer")


def test_it_drops_out_in_the_innermost_three_stages_up_and_in_training_only():
    network = unet.generator((64, 64, 1), 1, width=4)
    dropped = kinds(network, layers.Dropout)
    assert [layer.output.shape[1] for layer in dropped] == [2, 4, 8]
    assert all(layer.rate == 0.5 and layer.seed is not None for layer in dropped)
    assert not kinds(unet.generator((8, 8, 1), 1, width=4, dropout=0.0), layers.Dropout)
    network = unet.generator((8, 8, 1), 1, width=4)
    images = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 1)).astype("float32")
    calls = [
        ops.convert_to_numpy(network(images, training=mode)) for mode in (True, True, False, False)
    ]
    assert not np.array_equal(calls[0], calls[1])
    assert np.array_equal(calls[2], calls[3])


def test_skips_carry_every_size_past_the_bottleneck():
    network = unet.generator((16, 16, 1), 1, width=4, normalization=None)
    joined = kinds(network, layers.Concatenate)
    assert [layer.output.shape[1:] for layer in joined] == [(2, 2, 32), (4, 4, 16), (8, 8, 8)]
    for layer in joined:
        below, skip = layer.input
        assert below.shape == skip.shape


def test_weights_start_from_the_papers_normal_distribution():
    network = unet.generator((16, 16, 3), 3, width=16)
    kernels = [v for v in network.trainable_variables if v.name == "kernel"]
    values = [ops.convert_to_numpy(kernel) for kernel in kernels]
    for value in values:
        assert abs(value.std() - 0.02) < 4 * 0.02 / np.sqrt(2 * value.size)
    starts = [tuple(value.ravel()[:3]) for value in values]
    assert len(set(starts)) == len(starts)


def test_the_last_layer_computes_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = unet.generator((8, 8, 1), 1, width=4)
    assert network.output.dtype == "float32"
    assert any(layer.compute_dtype == "bfloat16" for layer in network.layers)
