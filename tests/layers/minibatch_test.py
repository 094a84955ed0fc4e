import keras
import numpy as np
import pytest
from descent import array, gradients, reloaded
from keras import ops

from kgan.backend import input_gradient
from kgan.layers import MinibatchDiscrimination, MinibatchStandardDeviation

RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.normal(size=shape).astype("float32")


def discrimination(kernel, kernel_dim):
    """The layer with a given matrix (A, B * C)."""
    kernel = np.asarray(kernel, "float32")
    layer = MinibatchDiscrimination(kernel.shape[1] // kernel_dim, kernel_dim)
    layer.build((None, kernel.shape[0]))
    layer.kernel.assign(kernel)
    return layer


def test_example_by_hand():
    # Two features, two kernels of length one: with the unit matrix, M is the sample itself.
    x = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]], "float32")
    layer = discrimination([[1.0, 0.0], [0.0, 1.0]], kernel_dim=1)
    # Distances of the first feature: 0-1 is 1, 1-2 is 2, 0-2 is 3. The second never differs.
    e1, e2, e3 = np.exp([-1.0, -2.0, -3.0])
    expected = [
        [0.0, 0.0, e1 + e3, 2.0],
        [1.0, 0.0, e1 + e2, 2.0],
        [3.0, 0.0, e2 + e3, 2.0],
    ]
    np.testing.assert_allclose(array(layer(x)), expected, rtol=1e-6)


def test_example_by_hand_of_one_kernel_of_length_two():
    x = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]], "float32")
    layer = discrimination([[1.0, 0.0], [0.0, 1.0]], kernel_dim=2)
    # L1 distances: 0-1 is 1, 1-2 is 2, 0-2 is 1 + 2.
    e1, e2, e3 = np.exp([-1.0, -2.0, -3.0])
    np.testing.assert_allclose(array(layer(x))[:, 2], [e1 + e3, e1 + e2, e2 + e3], rtol=1e-6)


def test_minibatch_discrimination_is_its_formula():
    x, kernel = drawn(6, 4), 0.3 * drawn(4, 5 * 3)
    expected = np.zeros((6, 5))
    for i in range(6):
        for j in set(range(6)) - {i}:
            for b in range(5):
                tensor = kernel.reshape(4, 5, 3)
                expected[i, b] += np.exp(-np.abs(x[i] @ tensor[:, b] - x[j] @ tensor[:, b]).sum())
    outputs = array(discrimination(kernel, 3)(x))
    np.testing.assert_array_equal(outputs[:, :4], x)
    np.testing.assert_allclose(outputs[:, 4:], expected, rtol=1e-4)


def test_equal_samples_are_as_close_as_can_be_and_one_alone_is_not():
    layer = discrimination(drawn(3, 8), 2)
    np.testing.assert_allclose(array(layer(np.ones((5, 3), "float32")))[:, 3:], np.full((5, 4), 4))
    np.testing.assert_array_equal(array(layer(drawn(1, 3)))[:, 3:], np.zeros((1, 4)))


def test_gradients_of_minibatch_discrimination():
    # o_0 = o_1 = exp(-|t (x_0 - x_1)|), so its derivatives can be written down.
    x = np.array([[2.0], [0.5]], "float32")
    layer = discrimination([[0.4]], 1)
    value = np.exp(-0.4 * 1.5)
    to_inputs = input_gradient(lambda x: layer(x)[:, 1], ops.convert_to_tensor(x))
    np.testing.assert_allclose(array(to_inputs), [[-0.8 * value], [0.8 * value]], rtol=1e-5)
    network = keras.Sequential([keras.Input((1,)), layer])
    to_kernel = gradients(network, lambda net, x: ops.sum(net(x)[:, 1]), x)
    np.testing.assert_allclose(to_kernel, [[[-2 * 1.5 * value]]], rtol=1e-5)


def test_closeness_is_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    layer = discrimination([[1.0]], 1)
    outputs = layer(np.array([[0.0], [0.5]], "float32"))
    assert keras.backend.standardize_dtype(outputs.dtype) == "float16"
    np.testing.assert_allclose(array(outputs)[:, 1], np.exp([-0.5, -0.5]), rtol=1e-3)


def test_minibatch_discrimination_reads_vectors_only():
    with pytest.raises(ValueError, match="Flatten"):
        MinibatchDiscrimination(2)(drawn(2, 4, 4, 3))
    with pytest.raises(ValueError, match="num_kernels=0"):
        MinibatchDiscrimination(0)


def deviations(x, group_size, epsilon=1e-8):
    """The appended number of each sample, one group after the other."""
    num_groups = max(1, len(x) // group_size)
    numbers = np.zeros(len(x))
    for group in range(num_groups):
        numbers[group::num_groups] = np.sqrt(x[group::num_groups].var(0) + epsilon).mean()
    return numbers


@pytest.mark.parametrize("num_samples", [8, 4, 10, 7, 3, 1])
def test_standard_deviation_is_its_formula_in_ragged_batches_too(num_samples):
    x = drawn(num_samples, 2, 3, 4) * 2.0 + 5.0
    outputs = array(MinibatchStandardDeviation(4)(x))
    np.testing.assert_array_equal(outputs[..., :4], x)
    expected = np.broadcast_to(deviations(x, 4)[:, None, None], (num_samples, 2, 3))
    np.testing.assert_allclose(outputs[..., 4], expected, rtol=1e-4, atol=1e-6)


def test_standard_deviation_groups_are_the_released_codes():
    x = drawn(8, 2, 2, 3)
    y = x.reshape(4, -1, 2, 2, 3)  # [GMHWC] of the released code, group_size 4
    y = np.sqrt(np.square(y - y.mean(0, keepdims=True)).mean(0) + 1e-8).mean((1, 2, 3))
    received = array(MinibatchStandardDeviation(4)(x))[:, 0, 0, -1]
    np.testing.assert_allclose(received, np.tile(y, 4), rtol=1e-5)


def test_standard_deviation_of_vectors_and_its_gradient():
    x = np.array([[1.0], [4.0]], "float32")  # standard deviation |a - b| / 2
    layer = MinibatchStandardDeviation()
    np.testing.assert_allclose(array(layer(x)), [[1.0, 1.5], [4.0, 1.5]], rtol=1e-5)
    gradient = input_gradient(lambda x: layer(x)[:, 1], ops.convert_to_tensor(x))
    np.testing.assert_allclose(array(gradient), [[-1.0], [1.0]], rtol=1e-4)
    equal = ops.convert_to_tensor(np.ones((3, 2), "float32"))
    gradient = input_gradient(lambda x: layer(x)[:, 2], equal)
    np.testing.assert_array_equal(array(gradient), np.zeros((3, 2)))


@pytest.mark.parametrize(
    "layer, shape",
    [
        (MinibatchDiscrimination(3, 2, kernel_initializer="he_normal"), (6,)),
        (MinibatchStandardDeviation(3), (2, 2, 4)),
    ],
    ids=["discrimination", "deviation"],
)
def test_layers_are_saved_and_take_any_batch(layer, shape, tmp_path):
    x = drawn(7, *shape)
    model, again = reloaded(layer, x, tmp_path)
    assert again.layers[-1].get_config() == layer.get_config()
    for batch in (x, x[:2], x[:1]):
        outputs = model.predict(batch, verbose=0)
        assert model.output_shape == (None, *outputs.shape[1:])
        np.testing.assert_array_equal(outputs, again.predict(batch, verbose=0))
