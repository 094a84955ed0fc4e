"""The pool of past samples: who is stored, who comes back, and how often."""

import collections
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from kgan.layers.pool import HistoryPool


def serve(pool, batches, training=True):
    return [ops.convert_to_numpy(pool(ops.array(b), training=training)) for b in batches]


def numbered(sizes, shape=(2, 1)):
    """Batches of samples, each filled with a number of its own, from 1 on."""
    batches, first = [], 1
    for size in sizes:
        numbers = np.arange(first, first + size, dtype="float32")
        batches.append(np.broadcast_to(numbers.reshape(-1, 1, 1), (size, *shape)).copy())
        first += size
    return batches


def kept(pool):
    return ops.convert_to_numpy(pool.pool)[: int(ops.convert_to_numpy(pool.count))]


def test_a_pool_that_fills_stores_and_returns_each_sample_itself():
    pool = HistoryPool(8, seed=0)
    batches = numbered([3, 4])
    served = serve(pool, batches)
    for given, received in zip(batches, served, strict=True):
        np.testing.assert_array_equal(given, received)
    np.testing.assert_array_equal(kept(pool), np.concatenate(batches))


def test_what_does_not_fit_while_filling_passes():
    pool = HistoryPool(4, seed=0)
    first, second = numbered([3, 3])
    np.testing.assert_array_equal(serve(pool, [first, second])[1], second)
    np.testing.assert_array_equal(kept(pool), np.concatenate([first, second[:1]]))


@pytest.mark.parametrize("batch_size", [1, 7, 20])
def test_values_come_back_at_most_as_often_as_they_were_given(batch_size):
    pool = HistoryPool(10, seed=1)
    batches = numbered([batch_size] * 60)
    served = serve(pool, batches)
    # Whole samples, unchanged.
    for batch in served:
        assert (batch == batch[:, :1, :1]).all()
    numbers = [batch[:, 0, 0].astype(int).tolist() for batch in served]
    # Until it is full, or where a batch holds more than the pool, a sample is stored, returned
    # and may come back once more. All others: exactly once in, at most once out.
    times = collections.Counter(number for batch in numbers for number in batch)
    assert max(times.values()) <= 2
    doubled = [number for number, count in times.items() if count == 2]
    assert len(doubled) <= 10 and max(doubled, default=0) <= 10
    given = range(1, 60 * batch_size + 1)
    assert set(times) <= set(given)
    # What is not there any more lies in the pool: nothing is lost.
    lying = set(kept(pool)[:, 0, 0].astype(int).tolist())
    assert set(given) - set(times) <= lying
    assert len(lying) == 10


@pytest.mark.parametrize("batch_size", [1, 5])
def test_half_of_the_answers_are_old(batch_size):
    size, steps = 5, 400
    pool = HistoryPool(size, seed=2)
    batches = numbered([batch_size] * steps)
    served = serve(pool, batches)
    pairs = list(zip(batches, served, strict=True))[-(-size // batch_size) :]
    old = np.concatenate([(given != received)[:, 0, 0] for given, received in pairs])
    # Four standard deviations of a fair coin.
    assert abs(old.mean() - 0.5) < 4 * 0.5 / np.sqrt(len(old))
    # Which places are exchanged is uniform as well: how long a sample lay has the mean 2 size
    # steps (a place is exchanged with the probability batch_size / (2 size) at each).
    ages = np.concatenate([(given - received)[:, 0, 0] for given, received in pairs])[old]
    assert np.mean(ages) == pytest.approx(2 * size, rel=0.2)


def test_samples_beyond_the_size_pass():
    pool = HistoryPool(3, seed=0)
    serve(pool, numbered([3]))
    given = numbered([3, 8])[1]
    received = serve(pool, [given])[0]
    np.testing.assert_array_equal(received[3:], given[3:])


def test_inference_moves_nothing():
    pool = HistoryPool(3, seed=0)
    serve(pool, numbered([3]))
    state = [ops.convert_to_numpy(v) for v in pool.variables]
    given = numbered([3, 4])[1]
    for training in (False, None):
        np.testing.assert_array_equal(serve(pool, [given], training)[0], given)
    for before, variable in zip(state, pool.variables, strict=True):
        np.testing.assert_array_equal(before, ops.convert_to_numpy(variable))


def test_no_gradient_flows_through_the_past():
    from kgan.backend import input_gradient

    pool = HistoryPool(4, seed=0)
    first, second = numbered([4, 4])
    serve(pool, [first])
    state = ops.convert_to_numpy(pool.seed_generator.state)
    if keras.config.backend() == "jax":
        pytest.skip("a pool's state can't leave a bare jax.grad; the translator's test shows it")
    gradient = input_gradient(lambda x: pool(x, training=True), ops.array(second))
    gradient = ops.convert_to_numpy(gradient)[:, 0, 0]
    # The same choice once more: 1 where the sample came through, 0 where an old one came.
    assert set(gradient) == {0.0, 1.0}
    stored = np.isin(second[:, 0, 0], ops.convert_to_numpy(pool.pool)[:, 0, 0])
    np.testing.assert_array_equal(gradient, 1.0 - stored)
    assert (ops.convert_to_numpy(pool.seed_generator.state) != state).any()


def test_save_and_load_restore_the_pool(tmp_path):
    inputs = keras.Input((2, 1))
    model = keras.Model(inputs, HistoryPool(4, seed=0, name="pool")(inputs))
    for batch in numbered([3, 3]):
        model(batch, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    first, second = model.get_layer("pool"), loaded.get_layer("pool")
    assert second.size == 4 and second.seed == 0
    np.testing.assert_array_equal(kept(first), kept(second))
    assert len(kept(second)) == 4


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_in_a_functional_model_with_an_unknown_batch(policy):
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input((2, 1))
    model = keras.Model(inputs, HistoryPool(4, seed=0)(inputs))
    assert model.output_shape == (None, 2, 1)
    batch = numbered([3])[0] + 1 / 1024  # more than bfloat16 can hold
    np.testing.assert_array_equal(ops.convert_to_numpy(model(batch, training=True)), batch)
    np.testing.assert_array_equal(model.predict(batch, verbose=0), batch)


@pytest.mark.slow
@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="a strategy of TensorFlow")
def test_replicas_share_a_pool():
    # In a process of its own: devices are counted when TensorFlow starts.
    done = subprocess.run(
        [sys.executable, pathlib.Path(__file__).with_name("replicas.py")],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    given, received, pools = (report[name] for name in ("given", "received", "pools"))
    # While it fills, every replica gets its own back.
    assert received[0] == given[0]
    first = {number for step in given for number in step[0]}
    old = [set(step[1]) - set(mine[1]) for mine, step in zip(given, received, strict=True)]
    # What comes back to the second replica later is the first one's, not what it gave itself.
    assert set().union(*old) and set().union(*old) <= first
    for copies in pools:
        assert copies[0] == copies[1]
        assert set(copies[0]) <= first


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`size` must be an integer of at least 1"):
        HistoryPool(0)
    with pytest.raises(ValueError, match="all axes but the batch must be known"):
        HistoryPool(4).build((None, None, 8, 1))
