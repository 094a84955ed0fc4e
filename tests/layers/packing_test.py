import numpy as np
import pytest
from descent import array, reloaded
from keras import ops

from kgan.backend import input_gradient
from kgan.layers import Pack


def test_vectors_are_joined_in_order():
    x = np.arange(8, dtype="float32").reshape(4, 2)
    np.testing.assert_array_equal(array(Pack(2)(x)), [[0, 1, 2, 3], [4, 5, 6, 7]])


def test_rest_is_filled_up_with_the_first_samples():
    x = np.arange(5, dtype="float32").reshape(5, 1)
    np.testing.assert_array_equal(array(Pack(3)(x)), [[0, 1, 2], [3, 4, 0]])
    np.testing.assert_array_equal(array(Pack(5)(x[:2])), [[0, 1, 0, 1, 0]])


def test_images_are_joined_by_channels():
    x = np.random.default_rng(0).normal(size=(5, 3, 2, 2)).astype("float32")
    packs = array(Pack(2)(x))
    assert packs.shape == (3, 3, 2, 4)
    for i in range(3):
        for k in range(2):
            np.testing.assert_array_equal(packs[i, ..., 2 * k : 2 * k + 2], x[(2 * i + k) % 5])


def test_one_changes_nothing():
    x = np.random.default_rng(0).normal(size=(3, 2, 2, 1)).astype("float32")
    np.testing.assert_array_equal(array(Pack(1)(x)), x)


def test_gradient_counts_a_sample_as_often_as_it_is_packed():
    x = ops.convert_to_tensor(np.ones((3, 2), "float32"))
    gradient = array(input_gradient(lambda x: Pack(2)(x), x))
    np.testing.assert_array_equal(gradient, [[2, 2], [1, 1], [1, 1]])


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2)])
def test_pack_takes_any_batch_and_is_saved(shape, tmp_path):
    x = np.random.default_rng(0).normal(size=(6, *shape)).astype("float32")
    model, again = reloaded(Pack(4), x, tmp_path)
    assert model.output_shape == (None, *shape[:-1], 4 * shape[-1])
    for n in (6, 5, 1):
        packs = model.predict_on_batch(x[:n])
        np.testing.assert_array_equal(packs, array(Pack(4)(x[:n])))
        np.testing.assert_array_equal(again.predict_on_batch(x[:n]), packs)
    assert Pack(4).compute_output_shape((6, *shape)) == (2, *shape[:-1], 4 * shape[-1])


def test_size_is_checked():
    with pytest.raises(ValueError, match="size=0"):
        Pack(0)
    with pytest.raises(TypeError, match="size=1.5"):
        Pack(1.5)
