"""The PatchGAN: what one logit sees, its sizes, and the released code's number of weights."""

import numpy as np
import pytest
from keras import layers, ops

from kgan.backend import input_gradient
from kgan.layers import InstanceNormalization
from kgan.networks import patchgan


def kinds(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def seen(network, side, row, column):
    """Rows and columns of the pixels that move one logit."""

    def logit(images):
        return ops.sum(network(images)[:, row, column, :])

    images = np.random.default_rng(0).uniform(-1, 1, (1, side, side, 2)).astype("float32")
    gradient = ops.convert_to_numpy(input_gradient(logit, ops.convert_to_tensor(images)))
    found = np.abs(gradient).sum((0, 3)) > 0
    return np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))


@pytest.mark.parametrize(("field", "stride", "side"), [(70, 8, 160), (16, 2, 40), (1, 1, 8)])
def test_a_logit_sees_a_patch_of_the_receptive_field(field, stride, side):
    network = patchgan.discriminator(
        (side, side, 2), receptive_field=field, width=2, normalization=None
    )
    assert network.output_shape == (None, side // stride, side // stride, 1)
    middle = side // stride // 2
    rows, columns = seen(network, side, middle, middle + 1)
    assert len(rows) == len(columns) == field
    assert (np.diff(rows) == 1).all() and (np.diff(columns) == 1).all()
    # The next logit looks one stride further, at around the place that it stands for.
    assert columns[0] - rows[0] == stride
    assert abs(np.mean(rows) - (middle + 0.5) * stride) <= 2 * stride


@pytest.mark.parametrize(("shape", "last"), [((32, 32, 2), (4, 4)), ((27, 27, 2), (4, 4))])
def test_one_logit_may_see_the_whole_image(shape, last):
    network = patchgan.discriminator(shape, receptive_field="image", width=2, normalization=None)
    assert network.output_shape == (None, 1, 1, 1)
    rows, columns = seen(network, shape[0], 0, 0)
    assert len(rows) == len(columns) == shape[0]
    assert network.layers[-1].kernel_size == last


def test_it_has_the_size_of_the_released_code():
    # The released PyTorch code prints 2.769 M for it.
    network = patchgan.discriminator((64, 64, 3), (64, 64, 3))
    widths = [6, 64, 128, 256, 512, 1]
    kernels = sum(16 * a * b for a, b in zip(widths, widths[1:], strict=False))
    expected = kernels + 64 + 1 + 2 * (128 + 256 + 512)
    assert network.count_params() == expected == 2_768_705


@pytest.mark.parametrize("field", [1, 16, 70, "image"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 5), (33, 20, 3)])
def test_it_takes_pairs_of_any_size(shape, field):
    network = patchgan.discriminator(shape, (*shape[:2], 2), receptive_field=field, width=2)
    rng = np.random.default_rng(0)
    pair = [rng.uniform(-1, 1, (3, *shape[:2], c)).astype("float32") for c in (2, shape[2])]
    logits = ops.convert_to_numpy(network(pair))
    assert logits.shape[0] == 3 and logits.shape[-1] == 1 and logits.dtype == "float32"
    # Both halves of the pair count.
    for index in (0, 1):
        other = list(pair)
        other[index] = -other[index]
        assert not np.allclose(ops.convert_to_numpy(network(other)), logits, atol=1e-9)


def test_it_is_normalized_but_for_the_first_and_for_1x1():
    found = kinds(patchgan.discriminator((32, 32, 3), width=2), InstanceNormalization)
    assert [layer.output.shape[1] for layer in found] == [8, 4, 4]
    small = patchgan.discriminator((8, 8, 3), width=2)
    assert [x.output.shape[1] for x in kinds(small, InstanceNormalization)] == [2]
    convolutions = kinds(small, layers.Conv2D)
    assert [layer.use_bias for layer in convolutions] == [True, False, True, True, True]
    batch = kinds(patchgan.discriminator((8, 8, 3), width=2, normalization="batch"), layers.Layer)
    assert sum(isinstance(layer, layers.BatchNormalization) for layer in batch) == 3


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"receptive_field": 34}, "Received: receptive_field=34"),
        ({"receptive_field": "pixel"}, "Received: receptive_field='pixel'"),
        ({"condition_shape": (16, 8, 3)}, "Received: .*condition_shape=\\(16, 8, 3\\)"),
        ({"condition_shape": (8, 8)}, "Received: condition_shape=\\(8, 8\\)"),
        ({"image_shape": (8, 8)}, "Received: image_shape=\\(8, 8\\)"),
        ({"normalization": "group"}, "Received: normalization='group'"),
        ({"width": 0}, "Received: width=0"),
    ],
)
def test_bad_options_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        patchgan.discriminator(**{"image_shape": (8, 8, 3), **arguments})
