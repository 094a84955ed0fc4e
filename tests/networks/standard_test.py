import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.layers import Pack, SpectralNormalization
from kgan.networks import dcgan, mlp, standard


def kinds(network):
    return [type(layer) for layer in network.layers]


def shapes(network):
    return [tuple(v.shape) for v in network.trainable_variables]


def run(network, *shape, training=False):
    inputs = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
    return ops.convert_to_numpy(network(inputs, training=training))


def test_vectors_get_perceptrons_and_images_get_convolutions():
    generator, discriminator = standard.pair((2,), 3, units=(5, 6))
    assert shapes(generator) == [(3, 5), (5,), (5,), (5, 6), (6,), (6,), (6, 2), (2,)]
    assert shapes(discriminator) == [(2, 5), (5,), (5, 6), (6,), (6, 1), (1,)]
    generator, discriminator = standard.pair((16, 16, 2), 3, width=4, kernel_size=3)
    assert shapes(generator) == shapes(dcgan.generator((16, 16, 2), 3, 4, 3))
    expected = dcgan.discriminator((16, 16, 2), 4, 3, normalization=False)
    assert shapes(discriminator) == shapes(expected)


@pytest.mark.parametrize("shape", [(2,), (8, 12, 3)])
def test_generator_and_discriminator_fit_together(shape):
    for options in ({}, {"pack": 2, "spectral_normalization": True}):
        generator, discriminator = standard.pair(shape, 3, width=4, units=(8,), **options)
        assert run(generator, 5, 3).shape == (5, *shape)
        assert run(discriminator, 5, *shape).shape == (3 if options else 5, 1)
        assert generator.output.dtype == discriminator.output.dtype == "float32"


@pytest.mark.parametrize(
    ("shape", "stages", "sides"),
    [
        ((28, 28, 1), None, [(14, 14), (7, 7)]),
        ((28, 28, 1), 3, [(14, 14), (7, 7), (4, 4)]),
        ((12, 20, 3), 4, [(6, 10), (3, 5), (2, 3), (1, 2)]),
        ((16, 16, 1), 1, [(8, 8)]),
    ],
)
def test_stages_halve_and_round_up(shape, stages, sides):
    generator, discriminator = standard.pair(shape, 3, width=4, stages=stages)
    assert run(generator, 2, 3).shape == (2, *shape)
    downward = [x.output.shape[1:3] for x in discriminator.layers if isinstance(x, layers.Conv2D)]
    assert downward == sides
    first = next(x for x in generator.layers if isinstance(x, layers.Reshape))
    assert first.output.shape[1:3] == sides[-1]
    transposed = [x for x in generator.layers if isinstance(x, layers.Conv2DTranspose)]
    assert [x.input.shape[1:3] for x in transposed] == sides[::-1]


def test_a_generator_of_stages_that_fit_cuts_nothing_off():
    assert layers.Cropping2D not in kinds(standard.pair((28, 28, 1), 3, width=4)[0])


@pytest.mark.parametrize("stages", [0, -1, 6])
def test_stages_that_make_nothing_are_refused(stages):
    with pytest.raises(ValueError, match=f"Received: stages={stages}"):
        standard.pair((28, 28, 1), 3, stages=stages)


@pytest.mark.parametrize("shape", [(4, 4), (), (2, 2, 2, 2)])
def test_other_samples_are_refused(shape):
    with pytest.raises(ValueError, match="vectors.*or images.*Received: sample_shape"):
        standard.pair(shape, 3)


@pytest.mark.parametrize("shape", [(2,), (16, 16, 1)])
@pytest.mark.parametrize("first", [True, False])
def test_normalization_goes_where_it_was_asked_for(shape, first):
    generator, discriminator = standard.pair(
        shape,
        3,
        width=4,
        units=(8, 8),
        generator_normalization=first,
        discriminator_normalization=not first,
    )
    for network, wanted in ((generator, first), (discriminator, not first)):
        found = [layer for layer in network.layers if type(layer) is layers.BatchNormalization]
        assert bool(found) == wanted
        # The released DCGAN's settings, and no bias that BatchNorm would take out again.
        assert {(layer.momentum, layer.epsilon) for layer in found} <= {(0.9, 1e-5)}
        names = [v.name for v in network.trainable_variables]
        assert names.count("beta") == len(found)
        assert names.count("kernel") == names.count("bias") + len(found)


def test_normalized_perceptron_is_batchnorm_then_relu():
    generator = mlp.generator((2,), 3, (8,), normalization=True)
    dense, normalization = generator.layers[1:3]
    assert kinds(generator)[1:] == [
        layers.Dense,
        layers.BatchNormalization,
        layers.ReLU,
        layers.Dense,
    ]
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    hidden = x @ ops.convert_to_numpy(dense.kernel)
    hidden = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + normalization.epsilon)
    kernel, bias = map(ops.convert_to_numpy, generator.layers[-1].weights)
    expected = np.maximum(hidden, 0) @ kernel + bias
    received = ops.convert_to_numpy(generator(x, training=True))
    np.testing.assert_allclose(received, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", [(2,), (16, 16, 1)])
def test_every_layer_of_the_discriminator_is_spectrally_normalized(shape):
    _, discriminator = standard.pair(shape, 3, width=4, units=(8, 8), spectral_normalization=True)
    wrapped = [layer for layer in discriminator.layers if type(layer) is SpectralNormalization]
    bare = {layers.Dense, layers.Conv2D} & set(kinds(discriminator))
    assert len(wrapped) == 3 and not bare
    # Products of layers of norm 1 and slopes of at most 1: Lipschitz with constant 1.
    _, vectors = standard.pair((2,), 3, units=(64, 64), spectral_normalization=True)
    for _ in range(30):  # the power iteration settles
        run(vectors, 4, 2, training=True)
    points = np.random.default_rng(1).normal(size=(200, 2, 2)).astype("float32")
    first, second = (ops.convert_to_numpy(vectors(points[:, i]))[:, 0] for i in (0, 1))
    slopes = np.abs(first - second) / np.linalg.norm(points[:, 0] - points[:, 1], axis=1)
    assert slopes.max() <= 1.01


@pytest.mark.parametrize("shape", [(2,), (8, 8, 1)])
def test_packs_share_a_logit(shape):
    _, discriminator = standard.pair(shape, 3, width=4, units=(8,), pack=3)
    assert kinds(discriminator)[1] is Pack
    samples = np.random.default_rng(0).uniform(-1, 1, (6, *shape)).astype("float32")
    before = ops.convert_to_numpy(discriminator(samples))
    samples[1] += 1.0
    after = ops.convert_to_numpy(discriminator(samples))
    assert before[0] != after[0] and before[1] == after[1]
    with pytest.raises(ValueError, match="Received: pack=0"):
        standard.pair(shape, 3, pack=0)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("shape", [(2,), (8, 8, 1)])
def test_last_layers_compute_in_float32(policy, shape):
    keras.config.set_dtype_policy(policy)
    pair = standard.pair(
        shape,
        3,
        width=4,
        units=(8,),
        discriminator_normalization=True,
        spectral_normalization=True,
        pack=2,
    )
    for network in pair:
        assert network.output.dtype == "float32"
        assert any(layer.compute_dtype != "float32" for layer in network.layers)
    assert run(pair[1], 5, *shape).dtype == "float32"


def test_pair_trains_saves_and_loads(tmp_path):
    model = kgan.GAN(
        *standard.pair((2,), 2, units=(8,), spectral_normalization=True, pack=2), seed=0
    )
    model.compile(optimizer="adam")
    model.fit(kgan.data.toys.ring(33, seed=0), batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded.generate(4, seed=0), model.generate(4, seed=0))
