import keras
import numpy as np
import pytest
from keras import ops

from kgan.networks import conditioned, dcgan, mlp

SHAPES = [(8, 12, 3), (2,), (6, 3)]
SIZES = {"width": 4, "units": (8,)}


def size(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def logits_of(network, samples, labels):
    outputs = network([samples, np.asarray(labels, "int32")], training=False)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return [ops.convert_to_numpy(output) for output in outputs]


@pytest.mark.parametrize("shape", SHAPES)
def test_generator_makes_the_shape_and_follows_the_label(shape):
    network = conditioned.generator(shape, 3, latent_dim=4, embedding_dim=5, **SIZES)
    noise = np.ones((3, 4), "float32")
    samples = ops.convert_to_numpy(network([noise, np.arange(3, dtype="int32")], training=False))
    assert samples.shape == (3, *shape)
    assert network.output.dtype == "float32"
    distances = [np.abs(samples[a] - samples[b]).max() for a, b in ((0, 1), (0, 2), (1, 2))]
    assert min(distances) > 1e-5
    # The label's two embeddings are all that is added to the network without labels.
    if len(shape) == 3:
        plain = dcgan.generator(shape, 4 + 5, width=4)
    else:
        plain = mlp.generator(shape, 4 + 5, units=(8,), normalization=True)
    assert size(network) == size(plain) + 3 * 5 + 3 * 4


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("conditioning", conditioned.CONDITIONINGS)
def test_discriminator_sees_sample_and_label(shape, conditioning):
    network = conditioned.discriminator(shape, 3, conditioning, **SIZES)
    samples = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    first, other = logits_of(network, samples, [0, 1]), logits_of(network, samples, [1, 1])
    assert [output.shape for output in first] == [(2, 1)] * (2 if conditioning[0] == "t" else 1)
    assert {output.dtype for output in network.outputs} == {"float32"}
    assert first[-1][0] != other[-1][0]
    assert first[-1][1] == pytest.approx(other[-1][1], rel=1e-5)
    changed = logits_of(network, samples[::-1].copy(), [0, 1])
    assert (changed[0] != first[0]).all()
    if conditioning == "two_heads":
        np.testing.assert_allclose(first[0], other[0], rtol=1e-5)  # realness has no label


def test_projection_is_equation_3():
    network = conditioned.discriminator((2,), 3, "projection", units=(8,))
    samples = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    labels = np.array([0, 2, 1, 2])
    features = keras.Model(network.inputs, network.get_layer("features").output)
    features = ops.convert_to_numpy(features([samples, labels.astype("int32")]))
    last = next(v for v in network.layers if getattr(v, "units", None) == 1)
    kernel, bias = (ops.convert_to_numpy(v) for v in (last.kernel, last.bias))
    embedding = ops.convert_to_numpy(network.get_layer("embedding").kernel).T
    assert embedding.shape == (3, 8)
    expected = features @ kernel[:, 0] + bias + np.sum(embedding[labels] * features, axis=1)
    np.testing.assert_allclose(
        logits_of(network, samples, labels)[0][:, 0], expected, rtol=1e-4, atol=1e-6
    )


def test_concatenated_label_is_one_more_channel():
    network = conditioned.discriminator((8, 8, 3), 3, "concatenation", width=4)
    assert size(network) == size(dcgan.discriminator((8, 8, 4), width=4)) + 3 * 8 * 8


@pytest.mark.parametrize("shape", SHAPES)
def test_many_heads_share_the_features(shape):
    network = conditioned.many_headed(shape, {"classes": 3, "angle": 2}, **SIZES)
    samples = np.zeros((2, *shape), "float32")
    outputs = network(samples, training=False)
    assert [tuple(output.shape) for output in outputs] == [(2, 1), (2, 3), (2, 2)]
    plain = dcgan.discriminator(shape, 4) if len(shape) == 3 else mlp.discriminator(shape, (8,))
    width = network.get_layer("features").output.shape[-1]
    assert size(network) == size(plain) + (width + 1) * 5


def test_code_generator_reads_uniform_noise():
    network = conditioned.code_generator((8, 8, 1), 4, 2, latent_dim=3, width=4)
    assert network.input_shape == (None, 6)
    noise = np.zeros((3, 6), "float32")
    noise[:, 0] = -0.9, -0.6, 0.9  # the first two mean one category of four
    samples = ops.convert_to_numpy(network(noise, training=False))
    np.testing.assert_allclose(samples[0], samples[1], atol=1e-6)
    assert np.abs(samples[0] - samples[2]).max() > 1e-5


def test_conditioning_is_one_of_three():
    with pytest.raises(ValueError, match="Did you mean 'projection'.*conditioning='projektion'"):
        conditioned.discriminator((2,), 3, "projektion")


@pytest.mark.parametrize("build", [conditioned.generator, conditioned.discriminator])
def test_one_class_is_refused(build):
    with pytest.raises(ValueError, match="`num_classes` must be an integer of at least 2"):
        build((2,), 1)
