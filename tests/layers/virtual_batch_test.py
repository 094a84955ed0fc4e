import keras
import numpy as np
import pytest
from descent import array, gradients, reloaded
from keras import layers, ops

from kgan.layers import DropReference, ReferenceBatch, VirtualBatchNormalization

RNG = np.random.default_rng(0)


def drawn(*shape):
    return (2.0 * RNG.normal(size=shape) + 3.0).astype("float32")


@pytest.mark.parametrize("shape", [(4,), (3, 2, 4), (5, 4)])
def test_each_sample_is_normalized_with_the_reference_and_itself(shape):
    size, x = 3, drawn(3 + 4, *shape)
    layer = VirtualBatchNormalization(size, epsilon=1e-3)
    layer.build(x.shape)
    layer.gamma.assign([1.0, 2.0, 3.0, 4.0])
    layer.beta.assign([0.0, 1.0, -1.0, 2.0])
    expected = np.zeros_like(x)
    for i in range(len(x)):
        # The reference alone for its own samples, the reference and one more for others.
        batch = x[:size] if i < size else np.concatenate([x[:size], x[i : i + 1]])
        axes = tuple(range(x.ndim - 1))
        expected[i] = (x[i] - batch.mean(axes)) / np.sqrt(batch.var(axes) + 1e-3)
    expected = expected * [1.0, 2.0, 3.0, 4.0] + [0.0, 1.0, -1.0, 2.0]
    np.testing.assert_allclose(array(layer(x)), expected, rtol=1e-4, atol=1e-4)


def generator(reference):
    size, shape = len(reference), reference.shape[1:]
    body = [layers.Dense(8), VirtualBatchNormalization(size), layers.ReLU()]
    body += [layers.Dense(8), VirtualBatchNormalization(size), layers.Dense(2)]
    return keras.Sequential(
        [keras.Input(shape), ReferenceBatch(reference), *body, DropReference(size)]
    )


def test_no_sample_depends_on_the_others_of_its_batch():
    network, x = generator(drawn(6, 3)), drawn(5, 3)
    for training in (True, False):
        together = array(network(x, training=training))
        assert together.shape == (5, 2)
        for i in range(5):
            alone = array(network(x[i : i + 1], training=training))
            np.testing.assert_allclose(alone, together[i : i + 1], rtol=1e-4, atol=1e-5)
        others = np.concatenate([x[:1], 100.0 * drawn(4, 3)])
        first = array(network(others, training=training))[:1]
        np.testing.assert_allclose(first, together[:1], rtol=1e-4, atol=1e-5)


def test_reference_matters_and_weights_get_gradients():
    reference, x = drawn(6, 3), drawn(5, 3)
    network = generator(reference)
    received = gradients(network, lambda net, x: ops.mean(ops.square(net(x))), x)
    assert len(received) == len(network.trainable_variables) == 10
    # The bias before a normalization has no effect; all other weights have.
    norms = [np.abs(g).max() for g in received]
    assert sum(norm > 1e-3 for norm in norms) == 8
    before = array(network(x))
    network.layers[0].reference.assign(3.0 * reference)
    assert np.abs(array(network(x)) - before).max() > 1e-2


def test_reference_is_saved_as_a_weight_and_not_in_the_config(tmp_path):
    reference, x = drawn(6, 3), drawn(4, 3)
    network = generator(reference)
    assert network.layers[0].get_config()["shape"] == (6, 3)
    assert "reference" not in network.layers[0].get_config()
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(array(again.layers[0].reference), reference)
    np.testing.assert_array_equal(array(again(x)), array(network(x)))
    assert network.output_shape == (None, 2)


def test_virtual_batch_normalization_keeps_its_options(tmp_path):
    x = drawn(4, 3)
    layer = VirtualBatchNormalization(2, epsilon=0.1, center=False, scale=False)
    model, again = reloaded(layer, x, tmp_path)
    np.testing.assert_array_equal(array(model(x)), array(again(x)))
    assert again.layers[-1].get_config() == layer.get_config()
    assert again.weights == []


def test_half_precision_is_normalized_in_float32():
    keras.config.set_dtype_policy("mixed_float16")
    x = np.array([[300.0], [500.0], [400.0]], "float32")  # squares beyond float16
    outputs = VirtualBatchNormalization(2)(x)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float16"
    np.testing.assert_allclose(array(outputs), [[-1.0], [1.0], [0.0]], atol=1e-3)


def test_wrong_references_are_refused():
    with pytest.raises(ValueError, match="reference=None, shape=None"):
        ReferenceBatch()
    with pytest.raises(ValueError, match="inputs of shape"):
        ReferenceBatch(drawn(4, 3))(drawn(2, 5))
    with pytest.raises(ValueError, match="at least one sample"):
        ReferenceBatch(np.zeros((3,)))
