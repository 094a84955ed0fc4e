"""Networks of captions: what words and their order do, and what a condition adds."""

import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import dcgan, text

WORDS = kgan.data.Text(6, ["red", "blue", "on", "a", "seven"])
SHAPE = (8, 12, 3)


def size(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def embedded(network, *captions):
    return ops.convert_to_numpy(network(WORDS.check(list(captions))))


def test_encoder_is_the_formula():
    """Kernels over neighbouring words, ReLU, the maximum over places with words, normalized."""
    network = text.encoder(WORDS.num_tokens, 6, embedding_dim=5, word_dim=3)
    words, convolution, last = [layer for layer in network.layers if layer.weights]
    table, kernel, bias = (ops.convert_to_numpy(w) for w in (*words.weights, *convolution.weights))
    for caption in ("a red seven on blue", "seven", "red red red red red red"):
        (ids,) = WORDS.check([caption])
        x = table[ids[ids > 0]]
        padded = np.concatenate([np.zeros((1, 3)), x, np.zeros((1, 3))])
        places = [np.einsum("wi,wio->o", padded[p : p + 3], kernel) + bias for p in range(len(x))]
        features = np.maximum(places, 0).max(axis=0)
        x = features @ ops.convert_to_numpy(last.kernel) + ops.convert_to_numpy(last.bias)
        # Keras's epsilon of layer normalization.
        expected = (x - x.mean()) / np.sqrt(x.var() + 1e-3)
        np.testing.assert_allclose(embedded(network, caption)[0], expected, atol=1e-5)


def test_encoder_reads_the_order_of_words_and_no_padding():
    network = text.encoder(WORDS.num_tokens, 6, embedding_dim=5, word_dim=8)
    longer = text.encoder(WORDS.num_tokens, 9, embedding_dim=5, word_dim=8)
    longer.set_weights(network.get_weights())
    one, other, unknown = embedded(network, "red on blue", "blue on red", "green on red")
    assert np.abs(one - other).max() > 1e-3 < np.abs(unknown - other).max()
    ids = kgan.data.Text(9, WORDS.vocabulary).check(["red on blue"])
    np.testing.assert_allclose(ops.convert_to_numpy(longer(ids))[0], one, atol=1e-6)


def test_generator_adds_one_dense_layer_and_follows_the_embedding():
    network = text.generator(SHAPE, 7, latent_dim=4, condition_dim=5, width=4)
    assert size(network) == size(dcgan.generator(SHAPE, 4 + 5, width=4)) + 7 * 5 + 5
    noise, told = np.ones((2, 4), "float32"), np.eye(2, 7, dtype="float32") * 100
    one, other = ops.convert_to_numpy(network([noise, told], training=False))
    assert one.shape == SHAPE and np.abs(one - other).max() > 1e-5


@pytest.mark.parametrize("conditioning", text.CONDITIONINGS)
def test_discriminator_adds_what_the_paper_says(conditioning):
    network = text.discriminator(SHAPE, 7, conditioning, condition_dim=5, width=4)
    plain = dcgan.discriminator(SHAPE, width=4)
    features = plain.get_layer("features").output.shape[-1]
    channels = plain.get_layer("features").input.shape[-1]
    # A 1x1 convolution without bias over features and condition, with BatchNorm; or a projection.
    added = {
        "concatenation": (channels + 5) * channels + 2 * channels,
        "projection": 5 * features,
    }[conditioning]
    assert size(network) == size(plain) + 7 * 5 + 5 + added
    assert network.output.shape == (None, 1) and network.output.dtype == "float32"


def test_projection_is_linear_in_the_condition():
    """`psi(phi(x)) + <V c, phi(x)>`: equation 3 of Miyato and Koyama."""
    network = text.discriminator(SHAPE, 7, "projection", condition_dim=5, width=4)
    rng = np.random.default_rng(0)
    for weight in network.trainable_variables:
        weight.assign(rng.normal(0.0, 0.3, weight.shape))
    images = np.repeat(rng.normal(size=(1, *SHAPE)).astype("float32"), 3, axis=0)
    dense = network.get_layer("condition").input._keras_history.operation
    kernel, bias = (ops.convert_to_numpy(weight) for weight in dense.weights)
    # Embeddings whose conditions are c, -> 0.5 c and 0 need a leaky ReLU above 0 everywhere.
    conditions = np.array([1.0, 0.5, 0.0])[:, None] * np.ones(5)
    embeddings = (conditions - bias) @ np.linalg.pinv(kernel)
    logits = ops.convert_to_numpy(network([images, embeddings.astype("float32")], training=False))
    assert logits[0, 0] + logits[2, 0] == pytest.approx(2 * logits[1, 0], abs=1e-4)
    assert abs(logits[0, 0] - logits[2, 0]) > 1e-2


def test_unknown_conditioning_is_refused():
    with pytest.raises(ValueError, match="one of the ways.*Received: conditioning='magic'"):
        text.discriminator(SHAPE, 7, "magic")
