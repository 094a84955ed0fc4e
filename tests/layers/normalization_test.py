import keras
import numpy as np
import pytest
from descent import array, descend, gradients, reloaded
from keras import layers, ops

import kgan
from kgan.backend import input_gradient
from kgan.layers import InstanceNormalization, SpectralNormalization

RNG = np.random.default_rng(0)


def drawn(*shape, scale=1.0):
    return (scale * RNG.normal(size=shape)).astype("float32")


def matrix_of(layer):
    """The kernel as a matrix with one column per output channel."""
    kernel = array(layer.embeddings if isinstance(layer, layers.Embedding) else layer.kernel)
    if "Transpose" in type(layer).__name__:
        kernel = np.moveaxis(kernel, -2, -1)
    return kernel.reshape(-1, kernel.shape[-1])


def plain(layer):
    """The same layer once more, not normalized, with the kernel divided by its largest value."""
    twin = type(layer).from_config(layer.get_config())
    twin.build(layer._build_shapes_dict["input_shape"])
    largest = np.linalg.svd(matrix_of(layer))[1][0]
    values = [array(v) for v in layer.weights]
    twin.set_weights([values[0] / largest, *values[1:]])
    return twin


LAYERS = {
    "dense": (lambda: layers.Dense(5, "tanh", bias_initializer="ones"), drawn(4, 3)),
    "conv1d": (lambda: layers.Conv1D(4, 3, bias_initializer="ones"), drawn(2, 6, 3)),
    "conv2d": (
        lambda: layers.Conv2D(4, 3, 2, "same", activation="relu", bias_initializer="ones"),
        drawn(2, 6, 6, 3),
    ),
    "conv3d": (lambda: layers.Conv3D(4, 2, bias_initializer="ones"), drawn(2, 3, 3, 3, 2)),
    "conv2d_transpose": (
        lambda: layers.Conv2DTranspose(2, 3, 2, bias_initializer="ones"),
        drawn(2, 3, 3, 4),
    ),
    "embedding": (lambda: layers.Embedding(6, 3), np.arange(6, dtype="int32")),
}


@pytest.mark.parametrize("name", LAYERS)
def test_kernel_is_divided_by_its_largest_singular_value_and_nothing_else(name):
    make, x = LAYERS[name]
    layer = make()
    normalized = SpectralNormalization(layer, power_iterations=200)
    outputs = normalized(x, training=True)
    largest = np.linalg.svd(matrix_of(layer))[1][0]
    assert float(array(normalized.sigma())) == pytest.approx(largest, rel=1e-5)
    np.testing.assert_allclose(array(outputs), array(plain(layer)(x)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(array(normalized(x)), array(outputs), rtol=1e-4, atol=1e-5)
    assert {id(v) for v in normalized.trainable_variables} == {id(v) for v in layer.weights}


def test_one_call_in_training_is_one_step_of_algorithm_1():
    layer = layers.Dense(4)
    normalized = SpectralNormalization(layer)
    x = drawn(2, 3)
    normalized.build(x.shape)
    kernel, u = array(layer.kernel), array(normalized.u)
    for _ in range(2):  # two calls, as with real and generated samples, are two steps
        normalized(x, training=True)
        v = kernel @ u / np.linalg.norm(kernel @ u)
        u = v @ kernel / np.linalg.norm(v @ kernel)
        np.testing.assert_allclose(array(normalized.u), u, rtol=1e-5)
    outputs = array(normalized(x, training=False))
    np.testing.assert_allclose(outputs, x @ kernel / np.linalg.norm(kernel @ u), rtol=1e-5)
    np.testing.assert_array_equal(array(layer.kernel), kernel)


def test_inference_moves_nothing():
    normalized = SpectralNormalization(layers.Dense(4))
    x = drawn(2, 3)
    normalized.build(x.shape)
    before = [array(v) for v in normalized.weights]
    normalized(x)
    normalized(x, training=False)
    for value, variable in zip(before, normalized.weights):
        np.testing.assert_array_equal(array(variable), value)


def spectral_dense(features, units):
    """A network of one normalized layer, with a bias, and its layer."""
    layer = layers.Dense(units, bias_initializer="ones")
    network = keras.Sequential([keras.Input((features,)), SpectralNormalization(layer)])
    layer.kernel.assign(np.random.default_rng(3).normal(size=(features, units)))
    return network, layer


def closed_form(kernel, u, x, weight):
    """Gradient of `sum(weight * (x kernel / sigma))` with u and v fixed, and the next u."""
    v = kernel @ u / np.linalg.norm(kernel @ u)
    u = v @ kernel / np.linalg.norm(v @ kernel)
    sigma = v @ kernel @ u
    outer = x.T @ (weight * np.ones((len(x), kernel.shape[1])))
    return (outer - np.sum(outer * kernel / sigma) * np.outer(v, u)) / sigma, u


def test_gradient_is_the_closed_form():
    network, layer = spectral_dense(3, 4)
    x = drawn(5, 3)
    expected, u = closed_form(array(layer.kernel), array(network.layers[0].u), x, 1.0)
    kernel, bias = gradients(network, lambda net, x: ops.sum(net(x)), x)
    np.testing.assert_allclose(kernel, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(bias, [5.0] * 4, rtol=1e-5)
    np.testing.assert_allclose(array(network.layers[0].u), u, rtol=1e-5)


def test_gradient_through_two_calls_in_one_loss():
    network, layer = spectral_dense(3, 4)
    x = drawn(5, 3)
    kernel, u = array(layer.kernel), array(network.layers[0].u)
    first, u = closed_form(kernel, u, x, 1.0)
    second, u = closed_form(kernel, u, 2.0 * x, -3.0)

    def cost(network, x):
        return ops.sum(network(x)) - 3.0 * ops.sum(network(2.0 * x))

    received = gradients(network, cost, x)[0]
    np.testing.assert_allclose(received, first + second, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(array(network.layers[0].u), u, rtol=1e-5)


def test_gradient_penalty_goes_through_it():
    network, layer = spectral_dense(3, 1)

    def cost(network, x):
        return ops.sum(ops.square(input_gradient(network, x))) / 5.0

    # The input's gradient is kernel / sigma, of norm 1 whatever the kernel of one column.
    value = descend(network, cost, drawn(5, 3))[0]
    assert value == pytest.approx(1.0, rel=1e-5)


def test_discriminator_of_a_gan_stays_flat():
    def dense(units):
        return SpectralNormalization(layers.Dense(units), power_iterations=3)

    discriminator = keras.Sequential(
        [keras.Input((2,)), dense(16), layers.LeakyReLU(0.1), dense(16), dense(1)]
    )
    model = kgan.GAN(
        kgan.networks.mlp.generator((2,), latent_dim=4, units=(8,)),
        discriminator,
        loss="hinge",
        seed=0,
    )
    model.compile(keras.optimizers.Adam(0.01))
    before = array(discriminator.layers[0].layer.kernel)
    model.fit(kgan.data.toys.ring(128, seed=0), batch_size=32, epochs=3, verbose=0)
    model.synchronize()
    assert np.abs(array(discriminator.layers[0].layer.kernel) - before).max() > 0.01
    x, y = drawn(256, 2, scale=3.0), drawn(256, 2, scale=3.0)
    rise = array(discriminator(x) - discriminator(y))[:, 0]
    assert np.all(np.abs(rise) <= 1.01 * np.linalg.norm(x - y, axis=1))


def test_kernel_of_zeros_stays_zero_with_finite_gradients():
    layer = layers.Dense(2, kernel_initializer="zeros")
    network = keras.Sequential([keras.Input((3,)), SpectralNormalization(layer)])
    kernel, _ = gradients(network, lambda net, x: ops.sum(net(x)), np.ones((4, 3)))
    np.testing.assert_allclose(kernel, np.full((3, 2), 4.0))


def test_mixed_precision_computes_sigma_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    layer = layers.Conv2D(4, 3)
    normalized = SpectralNormalization(layer, power_iterations=200)
    outputs = normalized(drawn(2, 6, 6, 3), training=True)
    sigma = normalized.sigma()
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(sigma.dtype) == "float32"
    largest = np.linalg.svd(matrix_of(layer))[1][0]
    assert float(array(sigma)) == pytest.approx(largest, rel=1e-5)
    symbolic = normalized(keras.Input((6, 6, 3)))
    assert (symbolic.shape, symbolic.dtype) == ((None, 4, 4, 4), "bfloat16")


@pytest.mark.parametrize("name", LAYERS)
def test_spectral_normalization_is_saved_with_its_vector(name, tmp_path):
    make, x = LAYERS[name]
    wrapper = SpectralNormalization(make(), power_iterations=2)
    wrapper(x, training=True)
    x = x.reshape(-1, 1) if x.ndim == 1 else x
    model, again = reloaded(wrapper, x, tmp_path)
    np.testing.assert_array_equal(array(model(x)), array(again(x)))
    assert again.layers[-1].power_iterations == 2
    np.testing.assert_array_equal(array(again.layers[-1].u), array(wrapper.u))


@pytest.mark.parametrize(
    "layer",
    [
        layers.Flatten(),
        layers.DepthwiseConv2D(3),
        SpectralNormalization(layers.Dense(2)),
    ],
    ids=["no kernel", "depthwise", "normalized"],
)
def test_layers_without_one_matrix_are_refused(layer):
    with pytest.raises(ValueError, match="Received: layer="):
        SpectralNormalization(layer).build((None, 4, 4, 3))


def test_instance_normalization_is_its_formula_per_image_and_channel():
    x = drawn(3, 5, 4, 2, scale=3.0) + 7.0
    layer = InstanceNormalization()
    layer.build(x.shape)
    layer.gamma.assign([2.0, 0.5])
    layer.beta.assign([1.0, -1.0])
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 1e-5) * [2.0, 0.5] + [1.0, -1.0]
    np.testing.assert_allclose(array(layer(x)), expected, rtol=1e-4, atol=1e-4)
    # No image depends on another.
    np.testing.assert_allclose(array(layer(x[:1])), expected[:1], rtol=1e-4, atol=1e-4)


def test_instance_normalization_is_saved(tmp_path):
    x = drawn(2, 4, 4, 3)
    layer = InstanceNormalization(1e-3, center=False, gamma_initializer="he_normal", name="norm")
    model, again = reloaded(layer, x, tmp_path)
    np.testing.assert_array_equal(array(model(x)), array(again(x)))
    assert again.layers[-1].beta is None
    # It fits another number of channels, which a number of groups in the config would forbid.
    InstanceNormalization.from_config(layer.get_config())(drawn(2, 4, 4, 5))
