"""Convolutions for JAX on a CPU: Keras's own, to the second derivative, in other forms."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan

if keras.backend.backend() != "jax":
    pytest.skip("the forms are those of JAX", allow_module_level=True)

import jax

from kgan.backend.jax_layers import hasten

layers = keras.layers


def values_of(layer, x):
    """Output, gradients and the gradients of a penalty on one: as a critic's turn needs them."""
    aim = np.random.default_rng(1).standard_normal(layer(x).shape).astype("float32")

    def loss(x, kernel, bias):
        (y, _) = layer.stateless_call([kernel, bias], [], x)
        return ops.sum(ops.tanh(y) * aim), y

    def penalty(*inputs):
        return sum(ops.sum(ops.square(g)) for g in jax.grad(loss, (0, 1), has_aux=True)(*inputs)[0])

    def all_of(*inputs):
        gradients, y = jax.grad(loss, (0, 1, 2), has_aux=True)(*inputs)
        return y, *gradients, *jax.grad(penalty, (0, 1, 2))(*inputs)

    return jax.jit(all_of)(x, layer.kernel.value, layer.bias.value)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("kind", "kernel", "strides", "sides"),
    [
        (layers.Conv2D, 5, 2, (8, 8)),
        (layers.Conv2D, (3, 4), (1, 2), (5, 7)),
        (layers.Conv2D, 5, 1, (5, 5)),
        (layers.Conv1D, 5, 3, (11,)),
        (layers.Conv3D, 3, 2, (3, 4, 5)),
        (layers.Conv2DTranspose, 5, 2, (4, 4)),
        (layers.Conv2DTranspose, (4, 1), (2, 3), (3, 5)),
        (layers.Conv2DTranspose, 4, 1, (1, 1)),
        (layers.Conv1DTranspose, 31, 2, (6,)),
        (layers.Conv3DTranspose, 3, 2, (2, 2, 2)),
    ],
)
def test_same_as_keras_to_the_second_derivative(kind, kernel, strides, sides, padding):
    keras.utils.set_random_seed(0)
    layer = kind(4, kernel, strides=strides, padding=padding, activation="relu")
    x = np.random.default_rng(0).standard_normal((2, *sides, 3)).astype("float32")
    layer.build(x.shape)
    layer.bias.assign(np.linspace(-1, 1, 4))
    wanted = values_of(layer, x)
    hasten([layer])
    assert {"convolution_op", "call"} & set(vars(layer))
    for made, value in zip(values_of(layer, x), wanted, strict=True):
        np.testing.assert_allclose(made, value, rtol=1e-4, atol=1e-4)


def test_only_what_it_can_do_is_changed():
    others = [
        layers.Conv2D(4, 3, dilation_rate=2),
        layers.Conv2D(4, 3, groups=2),
        layers.Conv2D(4, 3, data_format="channels_first"),
        layers.Conv1D(4, 3, padding="causal"),
        layers.Conv2DTranspose(4, 3, strides=2, output_padding=1),
        layers.Conv2DTranspose(4, 3, dilation_rate=2),
        layers.DepthwiseConv2D(3),
        layers.Dense(4),
    ]

    class Mine(layers.Conv2D):
        """A user's own, whose methods may be others."""

    others.append(Mine(4, 3))
    hasten(others)
    for layer in others:
        assert not {"convolution_op", "call"} & set(vars(layer)), layer


def test_a_model_takes_them_and_is_saved_as_before(tmp_path):
    model = kgan.zoo.load("dcgan", like=(16, 16, 1), width=4, seed=0)
    first = model.discriminator.layers[1]
    assert isinstance(first, layers.Conv2D) and "convolution_op" in vars(first)
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 1), "uint8")
    model.fit(images, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    first = loaded.discriminator.layers[1]
    assert type(first) is layers.Conv2D and "convolution_op" in vars(first)
    np.testing.assert_array_equal(loaded.generate(4, seed=0), model.generate(4, seed=0))
