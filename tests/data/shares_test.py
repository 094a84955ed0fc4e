"""Several processes share each batch: together they serve all of it, in the places of the whole."""

import types

import keras
import numpy as np
import pytest

import kgan
from kgan.data.batches import shuffled_batches

NUMBERS = np.arange(26)
ORDER = NUMBERS[::-1]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_shares_are_the_parts_of_a_batch_in_their_order(count):
    options = {"permutation": lambda: ORDER, "num_samples": 24}
    whole = list(kgan.data.ShuffledBatches((NUMBERS,), 16, **options))
    shares = [
        list(kgan.data.ShuffledBatches((NUMBERS,), 16, share=(number, count), **options))
        for number in range(count)
    ]
    assert [len(x) for (x,) in whole] == [16, 8]
    for (x,), parts in zip(whole, zip(*shares)):
        assert {len(part) for (part,) in parts} == {len(x) // count}
        np.testing.assert_array_equal(np.concatenate([part for (part,) in parts]), x)
    np.testing.assert_array_equal(np.concatenate([x for (x,) in whole]), ORDER[:24])


@pytest.fixture
def second_of_two_processes(monkeypatch):
    """Two processes with two devices each."""
    distribution = types.SimpleNamespace(num_model_replicas=4, num_processes=2, data_shard_id=1)
    monkeypatch.setattr(keras.distribution, "distribution", lambda: distribution)


needs_keras_distribution = pytest.mark.skipif(
    keras.config.backend() == "tensorflow",
    reason="TensorFlow's strategies share batches",
)


@needs_keras_distribution
def test_a_process_reads_its_share_and_what_does_not_share_out_waits(second_of_two_processes):
    batches = [x.tolist() for (x,) in shuffled_batches((NUMBERS,), 16)]
    assert batches == [list(range(8, 16)), list(range(20, 24))]


@needs_keras_distribution
def test_a_batch_that_devices_can_not_share_is_refused(second_of_two_processes):
    with pytest.raises(ValueError, match="must be a multiple.*batch_size=18 for 4 devices"):
        shuffled_batches((NUMBERS,), 18)
    with pytest.raises(ValueError, match="at least one sample.*3 samples for 4 replicas"):
        shuffled_batches((NUMBERS[:3],), 16)
