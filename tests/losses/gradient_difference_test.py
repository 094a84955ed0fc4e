"""The gradient difference: closed forms, and the paper's formula in NumPy."""

import numpy as np
import pytest
from keras import ops

import kgan


def value(truth, made, **options):
    return float(kgan.losses.gradient_difference(truth, made, **options))


def test_ramps_differ_by_their_slopes():
    columns = np.tile(np.arange(6, dtype="float32")[None, None, :, None], (2, 4, 1, 3))
    # Down there is no slope; across, one of 1 and of 0.25.
    assert value(columns, 0.25 * columns) == pytest.approx(0.75)
    assert value(columns, 0.25 * columns, power=2.0) == pytest.approx(0.75**2)
    assert value(columns, 0.25 * columns, power=0.5) == pytest.approx(0.75**0.5, abs=2e-4)
    # Steepness alone counts: neither brightness nor which side is brighter.
    assert value(columns, 7.0 - columns) == pytest.approx(0.0, abs=1e-6)
    rows = columns.transpose(0, 2, 1, 3)
    assert value(rows, 0.25 * rows) == pytest.approx(0.75)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_it_is_equation_6_as_a_mean(power):
    rng = np.random.default_rng(0)
    truth, made = rng.uniform(-1, 1, (2, 3, 5, 7, 2))
    expected = 0.0
    for axis in (1, 2):
        steep = [np.abs(np.diff(images, axis=axis)) for images in (truth, made)]
        expected += (np.abs(steep[0] - steep[1]) ** power).mean()
    received = value(truth.astype("float32"), made.astype("float32"), power=power)
    assert received == pytest.approx(expected, rel=1e-5)


def test_half_precision_is_summed_in_float32():
    images = ops.cast(np.ones((1, 64, 64, 1)), "float16")
    assert ops.dtype(kgan.losses.gradient_difference(images, images)) == "float32"


def test_other_shapes_are_refused():
    images = np.zeros((2, 4, 4, 1), "float32")
    for truth, made in ((images, images[:, :3]), (images[0], images[0]), (images[:, :1],) * 2):
        with pytest.raises(ValueError, match="Received: shapes"):
            kgan.losses.gradient_difference(truth, made)
    with pytest.raises(ValueError, match="power"):
        kgan.losses.gradient_difference(images, images, power=0.0)
