"""The benchmark of streams: what it calls waiting, and a run of all its parts."""

import pathlib
import re
import sys
import time

import keras
import numpy as np
import pytest

from kgan.data import LazyArray
from kgan.data.batches import shuffled_batches

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "benchmarks"))

import streaming  # noqa: E402


class Slow(LazyArray):
    """Numbers, of which a batch takes some time to read."""

    seconds = 0.05

    def read(self, indices):
        time.sleep(self.seconds)
        return indices[:, None].astype("uint8")


def taken(batches, seconds):
    """What the batches hold, where each is worked on for so long."""
    held = []
    for index in range(batches.num_batches) if hasattr(batches, "num_batches") else batches:
        (batch,) = batches[index] if isinstance(index, int) else index
        held.extend(np.asarray(batch).ravel().tolist())
        time.sleep(seconds)
    return held


def test_waiting_is_the_time_that_a_taker_spends_asking():
    order = np.random.default_rng(0).permutation(12)
    for work, least, most in ((0.0, 0.04, 0.2), (0.15, 0.0, 0.03)):
        waiting = streaming.Waiting(shuffled_batches((Slow(12, (1,)),), 2, lambda: order))
        assert taken(waiting.batches, work) == order.tolist()
        assert len(waiting.seconds) >= 5
        assert least <= np.median(waiting.seconds[:5]) <= most


def test_pictures_are_the_same_each_time(tmp_path):
    sizes = []
    for name in "ab":
        (tmp_path / name).mkdir()
        sizes.append(streaming.write_pictures(tmp_path / name, 5, 16))
    a, b = (sorted((tmp_path / name).rglob("*.jpg")) for name in "ab")
    assert len(a) == 5 and sizes[0] == sizes[1] == np.mean([path.stat().st_size for path in a])
    assert [path.read_bytes() for path in a] == [path.read_bytes() for path in b]
    assert len({path.read_bytes() for path in a}) == 5


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="one backend is run whole")
def test_all_parts_of_the_benchmark(capfd):
    sizes = "--files 960 --side 32 --width 4 --batch-size 16 --steps 40 --rounds 1"
    # Steps so small may wait, which is a verdict; that a resumed run differs would be a mistake.
    streaming.main([*sizes.split(), "--kill-after", "0.1"])
    said = capfd.readouterr().out
    share = re.search(r"\| 60 \| \d+ \| [\d.]+ \| ([\d.]+)% \|", said)
    assert share and 0 < float(share[1]) < 100
    assert re.search(r"\| stream \| \d+ \| [\d.]+ \([\d.]+\) \| [\d.]+ \([\d.]+\) \|", said)
    equal = re.search(r"epoch 2 of 40 steps: True; resumed .* 1: True; .*: (\d+) of (\d+)\.", said)
    assert equal and equal[1] == equal[2] and int(equal[1]) > 50
