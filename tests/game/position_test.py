"""A run that was killed inside an epoch goes on at the step that was saved last."""

import keras
import numpy as np
import pytest

import kgan
from kgan.game.position import EpochPosition

STEPS = 5  # of an epoch: the last of 10 images instead of 16


class KilledError(Exception):
    """Ends a run at a step, as SIGKILL would: nothing is saved any more."""


class Steps(keras.callbacks.Callback):
    """Notes the steps that are played, and ends the run at one."""

    def __init__(self, last=None):
        super().__init__()
        self.played, self.last = [], last

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.played.append((self.epoch, batch))
        if self.played[-1] == self.last:
            raise KilledError


@pytest.fixture(scope="module")
def digits():
    return kgan.data.load("digits")[: 16 * (STEPS - 1) + 10]


def made(digits):
    keras.utils.set_random_seed(5)
    options = {"generator_units": (8,), "dropout": 0.5, "discriminator_steps": 2, "seed": 2}
    return kgan.zoo.load("vanilla", like=digits, **options)


def play(digits, kind, folder=None, save_freq=2, last=None, epochs=3):
    """Trains a new model, and returns it and the steps that were played."""
    model, steps = made(digits), Steps(last)
    callbacks = [steps]
    if folder is not None:
        backup = keras.callbacks.BackupAndRestore(folder, save_freq=save_freq)
        callbacks.insert(0, backup)
    data = digits
    if kind == "dataset":
        data = kgan.data.ShuffledBatches((digits,), 16, lambda: np.arange(len(digits))[::-1])
    arguments = {"batch_size": 16} if kind == "arrays" else {}
    try:
        model.fit(data, epochs=epochs, callbacks=callbacks, verbose=0, **arguments)
    except KilledError:
        assert last is not None
    else:
        assert last is None or steps.played[-1] != last
    return model, steps.played


def check_equal(model, reference):
    pairs = zip(
        [*model.variables, *model.optimizer.variables],
        [*reference.variables, *reference.optimizer.variables],
        strict=True,
    )
    for value, wanted in pairs:
        value, wanted = map(keras.ops.convert_to_numpy, (value, wanted))
        np.testing.assert_array_equal(value, wanted)


ALL = [(epoch, batch) for epoch in range(3) for batch in range(STEPS)]


@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_killed_inside_an_epoch_ends_bit_for_bit_as_if_it_were_not(tmp_path, digits, kind):
    reference, played = play(digits, kind)
    assert played == ALL
    _, played = play(digits, kind, tmp_path / "backup", last=(1, 3))
    assert played[-1] == (1, 3)
    # Saved after steps 2, 4, 6 and 8 of the run: the second of the second epoch's is (1, 2), and
    # the step at which the run ended is lost.
    model, played = play(digits, kind, tmp_path / "backup")
    assert played == ALL[ALL.index((1, 3)) :]
    check_equal(model, reference)


def test_killed_again_in_the_same_epoch(tmp_path, digits):
    reference, _ = play(digits, "arrays")
    play(digits, "arrays", tmp_path / "backup", save_freq=1, last=(1, 1))
    _, played = play(digits, "arrays", tmp_path / "backup", save_freq=1, last=(1, 3))
    assert played == [(1, 2), (1, 3)]
    model, played = play(digits, "arrays", tmp_path / "backup", save_freq=1)
    assert played == ALL[ALL.index((1, 4)) :]
    check_equal(model, reference)


def test_saved_after_the_last_step_of_an_epoch_goes_on_with_the_next(tmp_path, digits):
    reference, _ = play(digits, "arrays")
    play(digits, "arrays", tmp_path / "backup", save_freq=STEPS, last=(2, 1))
    model, played = play(digits, "arrays", tmp_path / "backup", save_freq=STEPS)
    assert played == [(2, batch) for batch in range(STEPS)]
    check_equal(model, reference)


def test_a_backup_of_each_epoch_and_a_later_fit_are_as_they_were(tmp_path, digits):
    reference, _ = play(digits, "arrays")
    play(digits, "arrays", tmp_path / "backup", save_freq="epoch", last=(1, 3))
    model, played = play(digits, "arrays", tmp_path / "backup", save_freq="epoch")
    assert played == ALL[STEPS:]
    check_equal(model, reference)
    steps = Steps()
    model.fit(digits, batch_size=16, verbose=0, callbacks=[steps])
    assert steps.played == ALL[:STEPS]


def test_a_model_saved_inside_an_epoch_begins_a_new_one_without_a_backup(tmp_path, digits):
    model, _ = play(digits, "arrays", last=(1, 2))
    assert model.order.begun == (1, STEPS)
    model.save(tmp_path / "model.keras")
    copy, steps = keras.saving.load_model(tmp_path / "model.keras"), Steps()
    assert copy.order.begun == (1, STEPS)
    copy.fit(digits, batch_size=16, verbose=0, callbacks=[steps])
    assert steps.played == ALL[:STEPS]
    assert copy.order.begun is None


def test_the_steps_are_given_back_when_skipping_fails(digits, monkeypatch):
    model = made(digits)
    model.fit(digits, batch_size=16, verbose=0)
    step = model.train_function

    def resume(self):
        self.skipped, self.model.order.begun = 2, (0, 0)

    def fail(*arguments):
        raise KilledError

    monkeypatch.setattr(EpochPosition, "resume", resume)
    monkeypatch.setattr(model, "skip_step", fail)
    with pytest.raises(KilledError):
        model.fit(digits, batch_size=16, verbose=0)
    assert model.train_function is step
