import keras
import numpy as np
import pytest
from keras import layers, ops

from kgan.networks import dcgan, mlp

SIZES = [(28, 28, 1), (64, 64, 3), (32, 48, 3), (8, 8, 1), (12, 8, 5), (16, 16, 2)]


def num_parameters(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def run(network, *shape, seed=0):
    inputs = np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")
    return ops.convert_to_numpy(network(inputs, training=False))


@pytest.mark.parametrize("shape", SIZES, ids=lambda s: "x".join(map(str, s)))
def test_dcgan_makes_and_reads_images_of_the_size(shape):
    generator = dcgan.generator(shape, latent_dim=6, width=4)
    discriminator = dcgan.discriminator(shape, width=4)
    images = run(generator, 2, 6)
    assert images.shape == (2, *shape)
    assert np.abs(images).max() <= 1.0
    assert run(discriminator, 2, *shape).shape == (2, 1)
    assert generator.output.dtype == discriminator.output.dtype == "float32"


@pytest.mark.parametrize(
    ("shape", "stages"),
    [((28, 28, 1), 2), ((64, 64, 3), 4), ((32, 48, 3), 3), ((8, 8, 1), 1), ((128, 64, 3), 4)],
)
def test_dcgan_halves_while_sides_stay_whole_and_four(shape, stages):
    assert dcgan.num_stages(shape) == stages


@pytest.mark.parametrize(
    ("size", "near"),
    [((30, 30), (32, 32)), ((27, 29), (28, 28)), ((63, 65), (64, 64)), ((9, 9), (10, 10))],
)
@pytest.mark.parametrize("build", [dcgan.generator, dcgan.discriminator])
def test_dcgan_names_the_nearest_legal_size(build, size, near):
    with pytest.raises(ValueError, match=f"nearest size is {near[0]}x{near[1]}"):
        build((*size, 3))
    assert dcgan.num_stages((*near, 3)) >= 1


@pytest.mark.parametrize("height", range(1, 70))
def test_dcgan_names_sizes_that_it_makes(height):
    for width in (height, 32, 3 * height):
        try:
            stages = dcgan.num_stages((height, width, 3))
        except ValueError as error:
            near = str(error).split("nearest size is ")[1].split(":")[0].split("x")
            stages = dcgan.num_stages((int(near[0]), int(near[1]), 3))
        assert stages >= 1


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 0), (28.0, 28, 1), (2,), (28, None, 1)])
def test_dcgan_refuses_what_is_no_image_shape(shape):
    with pytest.raises(ValueError, match="height, width, channels.*Received: image_shape"):
        dcgan.generator(shape)


def dcgan_parameters(shape, latent, width, kernel):
    """Counted by hand: dense, then per stage BatchNorm (2 each) and a convolution."""
    stages = dcgan.num_stages(shape)
    area = shape[0] * shape[1] // 4**stages
    widths = [width * 2**stage for stage in range(stages)]
    generator = latent * area * widths[-1] + sum(2 * w for w in widths)
    generator += sum(kernel**2 * a * b for a, b in zip(widths, widths[1:], strict=False))
    generator += kernel**2 * width * shape[2] + shape[2]
    discriminator = kernel**2 * shape[2] * width + width + sum(2 * w for w in widths[1:])
    discriminator += sum(kernel**2 * a * b for a, b in zip(widths, widths[1:], strict=False))
    return generator, discriminator + area * widths[-1] + 1


@pytest.mark.parametrize(
    ("shape", "latent", "width", "kernel"),
    [((28, 28, 1), 100, 64, 5), ((32, 48, 3), 7, 8, 3), ((64, 64, 3), 100, 16, 5)],
)
def test_dcgan_has_the_parameters_counted_by_hand(shape, latent, width, kernel):
    generator, discriminator = dcgan_parameters(shape, latent, width, kernel)
    assert num_parameters(dcgan.generator(shape, latent, width, kernel)) == generator
    assert num_parameters(dcgan.discriminator(shape, width, kernel)) == discriminator


def test_dcgan_defaults_are_the_written_numbers():
    assert dcgan_parameters((28, 28, 1), 100, 64, 5) == (833_985, 212_993)


def test_dcgan_starts_from_the_papers_normal_distribution():
    for network in (dcgan.generator((32, 32, 3)), dcgan.discriminator((32, 32, 3))):
        kernels = [v for v in network.trainable_variables if v.name == "kernel"]
        values = [ops.convert_to_numpy(kernel) for kernel in kernels]
        for value in values:
            # Four standard errors of a standard deviation.
            assert abs(value.std() - 0.02) < 4 * 0.02 / np.sqrt(2 * value.size)
            assert abs(value.mean()) < 4 * 0.02 / np.sqrt(value.size)
        starts = [tuple(value.ravel()[:3]) for value in values]
        assert len(set(starts)) == len(starts)


def kinds(network):
    return [type(layer) for layer in network.layers]


def test_dcgan_normalizes_where_the_paper_does():
    generator, discriminator = dcgan.generator((32, 32, 3)), dcgan.discriminator((32, 32, 3))
    assert kinds(generator).count(layers.BatchNormalization) == 3
    assert kinds(generator)[-2:] == [layers.Conv2DTranspose, layers.Activation]
    # Not after the first convolution, which reads the image.
    assert kinds(discriminator)[1:4] == [layers.Conv2D, layers.LeakyReLU, layers.Conv2D]
    assert kinds(discriminator).count(layers.BatchNormalization) == 2
    plain = dcgan.discriminator((32, 32, 3), normalization=False)
    assert layers.BatchNormalization not in kinds(plain)
    assert all(layer.use_bias for layer in plain.layers if isinstance(layer, layers.Conv2D))
    assert not any("Pooling" in kind.__name__ for kind in kinds(generator) + kinds(discriminator))


@pytest.mark.parametrize("shape", [(2,), (28, 28, 1), (7, 5), (4, 3, 2, 1)])
def test_mlp_makes_and_reads_any_shape(shape):
    generator, discriminator = mlp.generator(shape, 3, (8, 9)), mlp.discriminator(shape, (8, 9))
    assert run(generator, 2, 3).shape == (2, *shape)
    assert run(discriminator, 2, *shape).shape == (2, 1)
    size = int(np.prod(shape))
    assert num_parameters(generator) == 4 * 8 + 9 * 9 + 10 * size
    assert num_parameters(discriminator) == (size + 1) * 8 + 9 * 9 + 10


def test_mlp_ends_in_the_range_of_its_data():
    images = run(mlp.generator((8, 8, 1), 3), 50, 3)
    assert 0.5 < np.abs(images).max() <= 1.0
    assert mlp.generator((8, 8, 1), 3).layers[-2].activation is keras.activations.tanh
    assert mlp.generator((2,), 3).layers[-1].activation is keras.activations.linear
    chosen = mlp.generator((2,), 3, activation="sigmoid")
    assert chosen.layers[-1].activation is keras.activations.sigmoid


def test_mlp_starts_from_he_normal():
    kernel = ops.convert_to_numpy(mlp.discriminator((400,), (500,)).layers[1].kernel)
    assert kernel.std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)


def test_mlp_drops_out_in_training_only():
    network = mlp.discriminator((4,), (64,), dropout=0.5)
    x = np.ones((2, 4), "float32")
    calls = [ops.convert_to_numpy(network(x, training=mode)) for mode in (True, True, False, False)]
    assert not np.array_equal(calls[0], calls[1])
    assert np.array_equal(calls[2], calls[3])
    assert not any(isinstance(layer, layers.Dropout) for layer in mlp.discriminator((4,)).layers)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_last_layers_compute_in_float32(policy):
    keras.config.set_dtype_policy(policy)
    for network in (
        mlp.generator((8, 8, 1), 3, (4,)),
        mlp.discriminator((8, 8, 1), (4,)),
        dcgan.generator((8, 8, 1), 3, 4),
        dcgan.discriminator((8, 8, 1), 4),
    ):
        assert network.output.dtype == "float32"
        assert any(layer.compute_dtype != "float32" for layer in network.layers)
