"""Keras's layers for JAX on a CPU, with the convolutions of `jax_convolutions.py`."""

import functools
from typing import Any

import jax
import keras
from jax import lax
from keras import ops

from kgan.backend.jax_convolutions import Geometry, convolution, transposed

FORWARD = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)


def hasten(layers: list[Any]) -> None:
    """Lets Keras's convolutions compute with `jax_convolutions.py`, where that is quicker.

    They do on a CPU, of what is neither dilated nor in groups, with channels last. What a layer is,
    and what is saved of it, stays as it was.

    Args:
        layers: list of Keras layers, of which others than convolutions are left alone.
    """
    if jax.default_backend() != "cpu":
        return
    for layer in layers:
        if type(layer) not in FORWARD + TRANSPOSED:
            continue
        plain = layer.data_format == "channels_last" and set(layer.dilation_rate) == {1}
        if not plain or layer.padding not in ("same", "valid"):
            continue
        if type(layer) in FORWARD and layer.groups == 1:
            layer.convolution_op = functools.partial(_convolution_op, layer)
        elif type(layer) in TRANSPOSED and layer.output_padding is None:
            layer.call = functools.partial(_call_transposed, layer)


def _geometry(layer, sides):
    padding = lax.padtype_to_pads(sides, layer.kernel_size, layer.strides, layer.padding.upper())
    return Geometry(tuple(sides), layer.kernel_size, layer.strides, tuple(map(tuple, padding)))


def _convolution_op(layer, inputs, kernel):
    x, kernel = ops.convert_to_tensor(inputs, kernel.dtype), ops.convert_to_tensor(kernel)
    return convolution(x, kernel, _geometry(layer, x.shape[1:-1]))


def _call_transposed(layer, inputs):
    """What Keras's `call` does."""
    kernel = ops.convert_to_tensor(layer.kernel)
    sides = [
        places * stride + (max(width - stride, 0) if layer.padding == "valid" else 0)
        for places, stride, width in zip(inputs.shape[1:-1], layer.strides, layer.kernel_size)
    ]
    outputs = transposed(ops.convert_to_tensor(inputs), kernel, _geometry(layer, sides))
    if layer.use_bias:
        outputs = ops.add(outputs, layer.bias)
    return outputs if layer.activation is None else layer.activation(outputs)
