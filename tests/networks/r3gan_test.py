import math

import keras
import numpy as np
import pytest
from keras import layers, ops

from kgan.networks import r3gan

SIZES = [(28, 28, 1), (32, 32, 3), (64, 64, 3), (32, 48, 3), (8, 8, 2), (12, 8, 1), (5,), (2,)]


def tiny(build, shape, *args, **options):
    sizes = {"units": (6, 4)} if len(shape) == 1 else {"width": 2}
    return build(shape, *args, **{**sizes, **options})


def run(network, *shape, seed=0):
    inputs = np.random.default_rng(seed).normal(size=shape).astype("float32")
    return ops.convert_to_numpy(network(inputs, training=False))


def kinds(network):
    return [type(layer) for layer in network.layers]


@pytest.mark.parametrize("shape", SIZES, ids=lambda s: "x".join(map(str, s)))
def test_networks_make_and_read_samples_of_the_size(shape):
    generator = tiny(r3gan.generator, shape, 6)
    discriminator = tiny(r3gan.discriminator, shape)
    samples = run(generator, 3, 6)
    assert samples.shape == (3, *shape)
    assert run(discriminator, 3, *shape).shape == (3, 1)
    assert generator.output.dtype == discriminator.output.dtype == "float32"
    if len(shape) == 3:
        assert 0.1 < np.abs(samples).max() <= 1


@pytest.mark.parametrize(
    ("shape", "base", "num_stages"),
    [
        ((28, 28, 1), (7, 7), 3),
        ((32, 32, 3), (4, 4), 4),
        ((64, 64, 3), (4, 4), 5),
        ((32, 48, 3), (4, 6), 4),
        ((8, 8, 1), (4, 4), 2),
    ],
)
def test_stages_halve_to_the_base(shape, base, num_stages):
    generator = r3gan.generator(shape, 6, width=2, num_blocks=2)
    discriminator = r3gan.discriminator(shape, width=2, num_blocks=2)
    widths = [2 * 2 ** min(stage, 3) for stage in range(num_stages)]
    for network, basis in (
        (generator, r3gan.GenerativeBasis),
        (discriminator, r3gan.DiscriminativeBasis),
    ):
        (layer,) = [layer for layer in network.layers if isinstance(layer, basis)]
        assert tuple(layer.basis.shape) == (*base, widths[-1])
        assert kinds(network).count(layers.Add) == 2 * num_stages
    assert kinds(generator).count(layers.UpSampling2D) == num_stages - 1
    assert kinds(discriminator).count(layers.AveragePooling2D) == num_stages - 1


@pytest.mark.parametrize(
    ("shape", "stages", "sides"),
    [
        ((28, 28, 1), 3, [(28, 28), (14, 14), (7, 7), (4, 4)]),
        ((12, 20, 3), 4, [(12, 20), (6, 10), (3, 5), (2, 3), (1, 2)]),
        ((16, 16, 1), 1, [(16, 16), (8, 8)]),
    ],
)
def test_stages_beyond_the_whole_sides_round_up_and_cut(shape, stages, sides):
    generator = tiny(r3gan.generator, shape, 3, stages=stages)
    discriminator = tiny(r3gan.discriminator, shape, stages=stages)
    sums = {
        network: [x.output.shape[1:3] for x in network.layers if isinstance(x, layers.Add)]
        for network in (generator, discriminator)
    }
    assert sums[generator] == sides[::-1]
    assert sums[discriminator] == sides
    assert run(generator, 2, 3).shape == (2, *shape)
    assert run(discriminator, 2, *shape).shape == (2, 1)


def test_halving_an_odd_side_averages_what_there_is():
    discriminator = tiny(r3gan.discriminator, (12, 12, 1), stages=3)
    halving = [x for x in discriminator.layers if isinstance(x, layers.AveragePooling2D)][-1]
    assert halving.input.shape[1:3] == (3, 3)
    image = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
    halved = ops.convert_to_numpy(halving(image))[0, :, :, 0]
    np.testing.assert_allclose(halved, [[2, 3.5], [6.5, 8]])


@pytest.mark.parametrize("build", [r3gan.generator, r3gan.discriminator])
@pytest.mark.parametrize("stages", [0, 6])
def test_stages_that_make_nothing_are_refused(build, stages):
    with pytest.raises(ValueError, match=f"Received: stages={stages}"):
        build((28, 28, 1), stages=stages)


@pytest.mark.parametrize("shape", [(16, 16, 3), (5,)])
def test_every_block_starts_as_the_identity(shape):
    generator = tiny(r3gan.generator, shape, 6)
    discriminator = tiny(r3gan.discriminator, shape)
    for network, inputs in ((generator, (4, 6)), (discriminator, (4, *shape))):
        sums = [layer for layer in network.layers if isinstance(layer, layers.Add)]
        assert sums
        ends = [[add.input[0], add.output] for add in sums]
        probe = keras.Model(network.input, [end for pair in ends for end in pair])
        values = probe(np.random.default_rng(0).normal(size=inputs).astype("float32"))
        values = [ops.convert_to_numpy(value) for value in values]
        for before, after in zip(values[::2], values[1::2], strict=True):
            assert np.abs(before).max() > 0
            assert np.array_equal(before, after)


@pytest.mark.parametrize("num_blocks", [1, 4])
def test_kernels_start_smaller_the_deeper_the_network_is(num_blocks):
    network = r3gan.discriminator((32, 32, 3), width=8, num_blocks=num_blocks)
    depth = 4 * num_blocks
    wide = [layer.kernel for layer in network.layers if getattr(layer, "kernel_size", 0) == (3, 3)]
    assert len(wide) == depth
    # He et al.'s gain for a slope of 0.2, times depth^(-1 / 4).
    expected = math.sqrt(2 / 1.04) * depth**-0.25 / np.sqrt([k.shape[2] * 9 for k in wide])
    spreads = [ops.convert_to_numpy(kernel).std() for kernel in wide]
    np.testing.assert_allclose(spreads, expected, rtol=0.1)


def test_networks_normalize_nothing_and_end_without_a_bias():
    for shape in ((28, 28, 1), (2,)):
        for network in (tiny(r3gan.generator, shape), tiny(r3gan.discriminator, shape)):
            assert not any("Normalization" in kind.__name__ for kind in kinds(network))
            assert not network.non_trainable_variables
            # A relativistic loss has no gradient for it.
            assert not network.layers[-1].get_config().get("use_bias")


def test_bases_are_what_they_say():
    rng = np.random.default_rng(0)
    weights, images = rng.normal(size=(2, 3)), rng.normal(size=(2, 4, 5, 3))
    generative, discriminative = r3gan.GenerativeBasis(4, 5), r3gan.DiscriminativeBasis()
    made = ops.convert_to_numpy(generative(weights.astype("float32")))
    read = ops.convert_to_numpy(discriminative(images.astype("float32")))
    basis = ops.convert_to_numpy(generative.basis)
    np.testing.assert_allclose(made, np.einsum("hwc,nc->nhwc", basis, weights), rtol=1e-5)
    basis = ops.convert_to_numpy(discriminative.basis)
    np.testing.assert_allclose(read, np.einsum("hwc,nhwc->nc", basis, images), rtol=1e-4, atol=1e-5)


def num_kernel_weights(network):
    return sum(
        int(np.prod(layer.kernel.shape))
        for layer in network.layers
        if getattr(layer, "kernel_size", 0) == (3, 3)
    )


def test_groups_divide_the_wide_kernels():
    dense = r3gan.generator((8, 8, 1), 3, width=8)
    grouped = r3gan.generator((8, 8, 1), 3, width=8, group_size=4)
    # Inner widths are 32 and 16: 8 and 4 groups.
    assert num_kernel_weights(dense) == 9 * (32**2 + 16**2)
    assert num_kernel_weights(grouped) == 9 * (32**2 // 8 + 16**2 // 4)
    # Groups wider than the layer are the layer.
    assert num_kernel_weights(r3gan.generator((8, 8, 1), 3, width=8, group_size=99)) == (
        num_kernel_weights(dense)
    )
    with pytest.raises(ValueError, match="divides 32, or None. Received: group_size=5"):
        r3gan.generator((8, 8, 1), 3, width=8, group_size=5)


@pytest.mark.parametrize("build", [r3gan.generator, r3gan.discriminator])
def test_sizes_that_stages_cannot_make_are_refused_with_the_nearest(build):
    with pytest.raises(ValueError, match="stages of R3GAN.*nearest size is 32x32"):
        build((30, 30, 3))
    with pytest.raises(ValueError, match=r"\(height, width, channels\).*Received: image_shape"):
        build((28, 28))
    with pytest.raises(TypeError, match="units.*Received: units=128"):
        build((2,), units=128)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_last_layers_compute_in_float32(policy):
    keras.config.set_dtype_policy(policy)
    for network in (
        r3gan.generator((8, 8, 1), 3, 4),
        r3gan.discriminator((8, 8, 1), 4),
        r3gan.generator((2,), 3, units=(4,)),
        r3gan.discriminator((2,), units=(4,)),
    ):
        assert network.output.dtype == "float32"
        assert np.isfinite(run(network, 2, *network.input_shape[1:])).all()
        assert any(layer.compute_dtype != "float32" for layer in network.layers)


def test_a_tuple_of_widths_is_one_per_size():
    options = {"width": (8, 6, 8), "stages": 2}
    generator = r3gan.generator((16, 16, 1), 3, **options)
    discriminator = r3gan.discriminator((16, 16, 1), **options)
    made = [layer.output.shape[-1] for layer in generator.layers if isinstance(layer, layers.Add)]
    read = [
        layer.output.shape[-1] for layer in discriminator.layers if isinstance(layer, layers.Add)
    ]
    assert made == [8, 6, 8] and read == [8, 6, 8]
    same = r3gan.generator((16, 16, 1), 3, width=(4, 8, 16), stages=2)
    assert same.count_params() == r3gan.generator((16, 16, 1), 3, width=4, stages=2).count_params()
    with pytest.raises(ValueError, match="have 3 sizes here.*Pass 3 widths.*Received: width=.8, 8"):
        r3gan.generator((16, 16, 1), 3, width=(8, 8), stages=2)
    with pytest.raises(ValueError, match="width"):
        r3gan.generator((16, 16, 1), 3, width=(8, 0, 8), stages=2)
