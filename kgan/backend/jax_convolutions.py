"""Convolutions for JAX on a CPU: the same sums, in forms that XLA has a fast program for.

XLA computes number by number, 20 to 40 times slower than it could, the gradient of a transposed
convolution's kernel, and a transposed convolution of fewer places than its kernel has, which the
gradient of a convolution's input is too. Here a convolution, its transpose and the gradient of
their kernel are each other's derivatives, so that all orders of them are fast;
`benchmarks/convolutions.py` measures them.
"""

import functools
import math
from typing import NamedTuple

import jax
from jax import lax
from jax import numpy as jnp

from kgan.utils.hints import Tensor


class Geometry(NamedTuple):
    """What a convolution is beside its numbers, by dimension; of a transposed one, its inverse's.

    Args:
        sides: tuple of integers, of the input.
        kernel: tuple of integers, sides of the kernel.
        strides: tuple of integers.
        padding: tuple of pairs of integers, zeros before and behind.
    """

    sides: tuple
    kernel: tuple
    strides: tuple
    padding: tuple


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolution(x: Tensor, kernel: Tensor, geometry: Geometry) -> Tensor:
    """(batch, *sides, channels) and (*kernel, channels, filters) -> (batch, *places, filters)."""
    return _convolved(x, kernel, geometry.strides, geometry.padding, (1,) * len(geometry.sides))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def transposed(z: Tensor, kernel: Tensor, geometry: Geometry) -> Tensor:
    """(batch, *places, filters) and (*kernel, channels, filters) -> (batch, *sides, channels)."""
    axes = range(len(geometry.sides))
    padding = [
        (width - 1 - before, side - (places - 1) * stride - 1 + before)
        for side, width, stride, (before, _), places in zip(*geometry, z.shape[1:-1])
    ]
    kernel = jnp.flip(kernel, axes).swapaxes(-1, -2)
    return _convolved(z, kernel, (1,) * len(padding), padding, geometry.strides)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def kernel_gradient(x: Tensor, z: Tensor, geometry: Geometry) -> Tensor:
    """(batch, *sides, channels) and (batch, *places, filters) -> (*kernel, channels, filters)."""
    axes = "DHW"[-len(geometry.sides) :]
    padding = [
        (before, width + (places - 1) * stride - side - before)
        for side, width, stride, (before, _), places in zip(*geometry, z.shape[1:-1])
    ]
    return lax.conv_general_dilated(
        x,
        z,
        (1,) * len(padding),
        padding,
        rhs_dilation=geometry.strides,
        # Channels take the place of samples, and samples are summed over.
        dimension_numbers=(f"C{axes}N", f"I{axes}O", f"{axes}NC"),
    )


def _convolved(x, kernel, strides, padding, dilation):
    """A convolution of an input that `dilation` spreads out, all with channels last."""
    axes = "DHW"[-len(strides) :]
    if math.prod(x.shape[1:-1]) < math.prod(kernel.shape[:-2]):
        # XLA would exchange input and kernel, and has no fast program for what results.
        more = [
            (before // step, behind // step)
            for (before, behind), step in zip(padding, dilation, strict=True)
        ]
        x = lax.optimization_barrier(jnp.pad(x, ((0, 0), *more, (0, 0))))
        padding = [
            tuple(zeros - step * some for zeros, some in zip(pair, added, strict=True))
            for pair, added, step in zip(padding, more, dilation, strict=True)
        ]
    numbers = (f"N{axes}C", f"{axes}IO", f"N{axes}C")
    return lax.conv_general_dilated(
        x, kernel, strides, padding, lhs_dilation=dilation, dimension_numbers=numbers
    )


def _kept(function):
    def forward(one, other, geometry):
        return function(one, other, geometry), (one, other)

    return forward


def _of_convolution(geometry, kept, z):
    x, kernel = kept
    return transposed(z, kernel, geometry), kernel_gradient(x, z, geometry)


def _of_transposed(geometry, kept, x):
    z, kernel = kept
    return convolution(x, kernel, geometry), kernel_gradient(x, z, geometry)


def _of_kernel_gradient(geometry, kept, kernel):
    x, z = kept
    return transposed(z, kernel, geometry), convolution(x, kernel, geometry)


convolution.defvjp(_kept(convolution), _of_convolution)
transposed.defvjp(_kept(transposed), _of_transposed)
kernel_gradient.defvjp(_kept(kernel_gradient), _of_kernel_gradient)
