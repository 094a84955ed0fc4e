import keras
import pytest

import kgan
from kgan.callbacks import BestMoment


class Scripted(keras.callbacks.Callback):
    """Logs given values in place of a metric's."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["val_sliced_wasserstein"] = self.values[epoch]


def fit(folder, values, patience, epochs, model=None):
    points = kgan.data.ring(64, seed=0)
    if model is None:
        options = {"generator_units": (4,), "discriminator_units": (4,)}
        model = kgan.zoo.load("vanilla", like=points, **options)
        metrics = [kgan.metrics.SlicedWasserstein()]
        model.compile(optimizer=model.optimizer, metrics=metrics)
    best = BestMoment(folder, patience=patience, print_fn=lambda line: None)
    history = model.fit(
        points,
        validation_data=points,
        epochs=epochs,
        initial_epoch=model.batches_seen,
        callbacks=[Scripted(values), best],
        verbose=0,
    )
    return model, best, history.epoch


def test_training_ends_when_the_best_is_patience_epochs_ago(tmp_path):
    values = [3.0, 2.0, 2.5, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0]
    _, best, epochs = fit(tmp_path, values, 3, 9)
    # Epoch 5 is the best, and an equal value is no better one.
    assert epochs == list(range(8))
    assert best.best["epoch"] == 5 and best.last["epoch"] == 8 and best.is_over


def test_a_resumed_run_counts_on(tmp_path):
    values = [3.0, 2.0, 2.5, 2.5, 2.5, 2.5]
    model, best, epochs = fit(tmp_path, values, 3, 4)
    assert epochs == [0, 1, 2, 3] and not best.is_over
    _, best, epochs = fit(tmp_path, values, 3, 6, model)
    assert epochs == [4] and best.is_over


def test_without_patience_training_goes_on(tmp_path):
    _, best, epochs = fit(tmp_path, [1.0, 2.0, 3.0], None, 3)
    assert epochs == [0, 1, 2] and not best.is_over
    for wrong in (0, -1, 1.5, "three"):
        with pytest.raises((TypeError, ValueError), match="patience"):
            BestMoment(tmp_path, patience=wrong)
