"""Networks of StackGAN: the sizes of its refiner, and its condition."""

import numpy as np
import pytest
from keras import ops

from kgan.networks import stacked


@pytest.mark.parametrize(
    ("side", "reduced"), [((32, 32), (8, 8)), ((64, 64), (8, 8)), ((256, 128), (16, 8))]
)
def test_refiner_makes_four_times_the_size(side, reduced):
    """64x64 is reduced to 16x16 as in the paper's figure 2; sides stay at least 8."""
    network = stacked.refiner((*side, 3), condition_dim=5, width=4, num_blocks=1)
    assert network.input_shape[0] == (None, side[0] // 4, side[1] // 4, 3)
    assert network.output.shape == (None, *side, 3) and network.output.dtype == "float32"
    smallest = min(
        tuple(layer.output.shape[1:3]) for layer in network.layers if len(layer.output.shape) == 4
    )
    assert smallest == reduced


def test_refiner_reads_both_inputs():
    network = stacked.refiner((32, 32, 1), condition_dim=5, width=4, num_blocks=1)
    for weight in network.trainable_variables:
        weight.assign(np.random.default_rng(0).normal(0.0, 0.2, weight.shape))
    rng = np.random.default_rng(1)
    small = rng.normal(size=(2, 8, 8, 1)).astype("float32")
    told = rng.normal(size=(2, 5)).astype("float32")
    made = ops.convert_to_numpy(network([small, told], training=False))
    others = ([small[::-1], told], [small, told[::-1]])
    for inputs in others:
        other = ops.convert_to_numpy(network([np.ascontiguousarray(x) for x in inputs]))
        assert np.abs(made - other).max() > 1e-3
    assert -1 <= made.min() < made.max() <= 1


def test_condition_is_linear_so_that_deviations_may_be_below_one():
    network = stacked.condition(embedding_dim=3, condition_dim=2)
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    for output, name in zip(network(x), ("mean", "log_variance"), strict=True):
        kernel, bias = map(ops.convert_to_numpy, network.get_layer(name).weights)
        np.testing.assert_allclose(ops.convert_to_numpy(output), x @ kernel + bias, atol=1e-5)
        assert ops.convert_to_numpy(output).min() < 0
