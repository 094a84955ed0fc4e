"""The residual generator: its plan, its sizes, and what it says of others."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import resnet


def convolutions(network):
    """(kind, channels, kernel size, stride) of each, in order."""
    kinds = (keras.layers.Conv2DTranspose, keras.layers.Conv2D)
    return [
        (type(x).__name__[6:] or "down", x.filters, x.kernel_size[0], x.strides[0])
        for x in network.layers
        if isinstance(x, kinds)
    ]


def test_layers_are_those_of_appendix_7_2():
    network = resnet.generator((64, 64, 3), width=64, num_blocks=2)
    assert convolutions(network) == [
        ("down", 64, 7, 1),
        ("down", 128, 3, 2),
        ("down", 256, 3, 2),
        *[("down", 256, 3, 1)] * 4,
        ("Transpose", 128, 3, 2),
        ("Transpose", 64, 3, 2),
        ("down", 3, 7, 1),
    ]
    norms = [x for x in network.layers if isinstance(x, kgan.layers.InstanceNormalization)]
    assert len(norms) == len(convolutions(network)) - 1
    kernels = [v for v in network.trainable_variables if v.name == "kernel"]
    for kernel in kernels[1:-1]:
        assert np.std(ops.convert_to_numpy(kernel)) == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize(("shape", "blocks"), [((128, 64, 1), 6), ((132, 8, 1), 9)])
def test_number_of_blocks_follows_the_size(shape, blocks):
    network = resnet.generator(shape, width=1)
    assert sum(isinstance(x, keras.layers.Add) for x in network.layers) == blocks


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (12, 28, 5)])
def test_output_is_an_image_of_the_size_of_the_input(shape, policy):
    keras.config.set_dtype_policy(policy)
    network = resnet.generator(shape, out_channels=2, width=2, num_blocks=1)
    made = network.predict(np.random.default_rng(0).uniform(-1, 1, (3, *shape)), verbose=0)
    assert made.shape == (3, *shape[:2], 2) and made.dtype == "float32"
    assert np.abs(made).max() <= 1 and made.std() > 0


@pytest.mark.parametrize(
    ("shape", "nearest"), [((30, 64, 3), "32x64"), ((4, 8, 1), "8x8"), ((61, 99, 1), "60x100")]
)
def test_sizes_that_strides_cannot_make_are_refused(shape, nearest):
    with pytest.raises(ValueError, match=f"The nearest size is {nearest}: .*Received"):
        resnet.generator(shape)
    for wrong in ((28, 28), (28, 0, 1)):
        with pytest.raises(ValueError, match="height, width, channels.*Received"):
            resnet.generator(wrong)


def test_encoder_blocks_and_decoder_are_the_generator_in_parts():
    shape = (8, 12, 3)
    whole = resnet.generator(shape, out_channels=2, width=2, num_blocks=3)
    parts = [
        resnet.encoder(shape, width=2, num_blocks=1),
        resnet.blocks((2, 3, 8), num_blocks=1),
        resnet.decoder((8, 12, 2), width=2, num_blocks=1),
    ]
    weights = [weight for part in parts for weight in part.get_weights()]
    assert [w.shape for w in weights] == [w.shape for w in whole.get_weights()]
    whole.set_weights(weights)
    x = np.random.default_rng(0).uniform(-1, 1, (3, *shape)).astype("float32")
    made = x
    for part in parts:
        made = part.predict(made, verbose=0)
    np.testing.assert_allclose(made, whole.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="The nearest size is 8x12"):
        resnet.decoder((7, 12, 2))
    with pytest.raises(ValueError, match="num_blocks"):
        resnet.blocks((2, 3, 8), num_blocks=0)
