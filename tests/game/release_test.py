"""A model that nobody uses any more is given back."""

import gc
import weakref

import pytest

import kgan

POINTS = kgan.data.ring(64, seed=0)


def trained():
    model = kgan.zoo.load("vanilla", like=(2,))
    model.fit(POINTS, batch_size=32, verbose=0, validation_data=POINTS[:8])
    model.generate(3, seed=0)
    return weakref.ref(model)


def test_a_trained_model_is_given_back():
    model = trained()
    gc.collect()
    assert model() is None


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


@pytest.mark.slow
def test_twenty_models_in_turn_do_not_pile_up():
    try:
        resident()
    except OSError:
        pytest.skip("no /proc to measure by")
    for _ in range(4):
        trained()
    gc.collect()
    before = resident()
    for _ in range(20):
        assert (trained(), gc.collect())[0]() is None
    # What TensorFlow keeps of each function that it compiled; 19 MB each, before.
    assert resident() - before < 20 * 8
