"""Callbacks get numbers, and the device is waited for only where one is looked at."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.game.callback_list import CallbackList, LateLogs, num_batches


def logs():
    return LateLogs({"a": ops.convert_to_tensor(1.5), "b": 2, "c": "text"})


@pytest.mark.parametrize(
    "look",
    [
        lambda x: x["a"],
        lambda x: x.get("a"),
        lambda x: dict(x)["a"],
        lambda x: {**x}["a"],
        lambda x: dict(x.items())["a"],
        lambda x: next(iter(x.values())),
        lambda x: x.copy()["a"],
        lambda x: (x | {"d": 1})["a"],
        lambda x: ({"d": 1} | x)["a"],
        lambda x: x.pop("a"),
        lambda x: (lambda **named: named["a"])(**x),
    ],
)
def test_every_look_finds_numbers(look):
    found = look(logs())
    assert isinstance(found, float) and found == 1.5


def test_a_dict_in_all_else():
    assert logs() == {"a": 1.5, "b": 2.0, "c": "text"} and repr(logs()).startswith("{'a': 1.5")
    some = logs()
    assert (
        list(some) == ["a", "b", "c"] and "a" in some and len(some) == 3 and some.keys() == {*"abc"}
    )
    assert not some.is_read
    some["a"] = 3.0
    assert some["a"] == 3.0 and some.get("z", 7) == 7


class Looks(keras.callbacks.Callback):
    def __init__(self, every):
        super().__init__()
        self.every, self.unread, self.seen = every, [], []

    def on_train_batch_end(self, batch, logs=None):
        if batch % self.every == 0:
            self.seen.append(logs["loss"])
        else:
            self.unread.append(logs.is_read)


def test_fit_waits_only_where_one_looks():
    model = kgan.zoo.load("vanilla", like=(2,), seed=0)
    points = kgan.data.toys.ring(400, seed=0)
    looks = Looks(every=5)
    steps = []
    count = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: steps.append(looks.params))
    history = model.fit(points, batch_size=20, callbacks=[looks, count], verbose=0)
    assert steps[0]["steps"] == 20 and steps[0]["epochs"] == 1
    # The guard looks at batches 0 and 10, as this callback does, and nobody at the others.
    assert looks.unread == [False] * 16
    assert all(type(value) is float and np.isfinite(value) for value in looks.seen)
    assert set(history.history) >= {"loss", "discriminator_loss", "generator_loss"}


def test_callbacks_of_keras_read_steps(tmp_path):
    model = kgan.zoo.load("vanilla", like=(2,), seed=0)
    path = tmp_path / "step_{batch:02d}_{loss:.3f}.weights.h5"
    saved = keras.callbacks.ModelCheckpoint(path, save_freq=2, save_weights_only=True)
    points = kgan.data.toys.ring(80, seed=0)
    model.fit(points, batch_size=20, callbacks=[saved], verbose=0)
    assert len(list(tmp_path.glob("step_0[24]_*.weights.h5"))) == 2


def test_counts_batches():
    batches = kgan.data.ShuffledBatches((np.zeros((10, 2)),), 4)
    assert num_batches(batches) == 3 and num_batches(batches, 7) == 7
    assert num_batches([1, 2]) == 2 and num_batches(iter(())) is None
    assert isinstance(CallbackList([]), keras.callbacks.CallbackList)
