"""The benchmark of convolutions: all forms are the same sums, and shapes are read from networks."""

import pathlib
import sys

import keras
import numpy as np
import pytest
from keras import ops

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "benchmarks"))

import convolutions  # noqa: E402

import kgan.zoo  # noqa: E402


def by_hand(x, w, z, stride):
    """The three operations as sums over places, in NumPy."""
    side, kernel = x.shape[1], w.shape[0]
    pad = convolutions.padding_of(side, kernel, stride)
    x = np.pad(x, ((0, 0), pad, pad, (0, 0)))
    forward, dx, dw = np.zeros_like(z), np.zeros_like(x), np.zeros_like(w)
    for row in range(z.shape[1]):
        for column in range(z.shape[2]):
            place = (
                slice(None),
                slice(stride * row, stride * row + kernel),
                slice(stride * column, stride * column + kernel),
            )
            given = z[:, row, column]
            forward[:, row, column] = np.einsum("bijl,ijls->bs", x[place], w)
            dx[place] += np.einsum("bs,ijls->bijl", given, w)
            dw += np.einsum("bijl,bs->ijls", x[place], given)
    end = pad[0] + side
    return forward, dx[:, pad[0] : end, pad[0] : end], dw


@pytest.mark.parametrize("side", [6, 7])
@pytest.mark.parametrize(("kernel", "stride"), [(5, 2), (4, 2), (3, 1), (3, 2), (5, 3), (1, 1)])
def test_all_forms_are_the_same_sums(side, kernel, stride):
    random = np.random.default_rng(0)
    after = -(-side // stride)
    x, w, z = (
        random.standard_normal(shape).astype("float32")
        for shape in ((2, side, side, 3), (kernel, kernel, 3, 4), (2, after, after, 4))
    )
    forward, dx, dw = by_hand(x, w, z, stride)
    wanted = dict(zip(convolutions.OPERATIONS, (forward, dx, dw, dw), strict=True))
    found = convolutions.forms(keras.backend.backend(), (2, side, 3, 4, kernel, stride))
    assert set(found) == set(convolutions.OPERATIONS[: 3 + (side % stride == 0)])
    for operation, ways in found.items():
        assert "as it is" in ways and ("kgan" in ways) == (keras.backend.backend() == "jax")
        for name, way in ways.items():
            made = ops.convert_to_numpy(way(*map(ops.convert_to_tensor, (x, w, z))))
            np.testing.assert_allclose(made, wanted[operation], rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_transposed_convolution_is_read_backwards():
    model = kgan.zoo.load("dcgan", like=(16, 16, 3), width=8, kernel_size=4)
    found = convolutions.shapes_of(model, 5)
    # 16 -> 8 -> 4, and from 4 back to 16: the same two shapes.
    assert found == {
        (5, 16, 3, 8, 4, 2): ["discriminator", "generator"],
        (5, 8, 8, 16, 4, 2): ["discriminator", "generator"],
    }


def test_a_table_names_shapes_and_shares():
    row = {
        "backend": "jax",
        "shape": (32, 64, 3, 64, 5, 2),
        "operation": "forward",
        "matrix product": 80.4,
        "shares": {"as it is": 0.5, "patches": 0.25},
    }
    (line,) = convolutions.markdown([row]).splitlines()[2:]
    assert line == "| JAX | 64x64x3 to 64, 5x5, stride 2 | forward | 80 | 0.50 | patches 0.25 |"
