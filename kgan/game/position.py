"""Where in an epoch a training is: saved with the weights, for a backup of a step to go on."""

import keras
from keras import ops

from kgan.backend import keras_internals


class EpochPosition(keras.callbacks.Callback):
    """Tells `model.order` which epoch runs, and goes on within one that a callback restored.

    `keras.callbacks.BackupAndRestore(folder, save_freq=100)` restores the weights of a step, and
    Keras then begins the epoch of that step again, with all its batches. Here the batches that the
    weights have seen are drawn and not played, so that the run ends as if it had never stopped.
    It has to come before all callbacks that ask for the order.

    Args:
        model: the model, which forgets where an earlier run was.
    """

    def __init__(self, model):
        super().__init__()
        self.skipped = 0
        self._train_function = None
        model.order.begun = None
        # Keras would begin all later runs of the process at the epoch that was once restored.
        keras_internals.begin_at(model, None)

    def resume(self):
        """Goes on where the weights are that a callback restored, if they are within an epoch."""
        if self.model.order.begun is None:
            return
        epoch, first = self.model.order.begun
        self.skipped = _clock(self.model) - first
        steps = (self.params or {}).get("steps")
        if steps and self.skipped >= steps:
            # Of this epoch everything was played.
            epoch, self.skipped, self.model.order.begun = epoch + 1, 0, None
        # Keras's own note is written after the weights, and may be that of an earlier step.
        keras_internals.begin_at(self.model, epoch)

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the epoch, or begins to skip."""
        if self.skipped:
            self._train_function = self.model.train_function
            self.model.train_function = self.model.skip_step
        else:
            self.model.order.begun = (epoch, _clock(self.model))

    def on_train_batch_begin(self, batch, logs=None):
        """Plays again; not called while batches are skipped."""
        self.close()

    def on_epoch_end(self, epoch, logs=None):
        """Between two epochs there is nothing to go on with."""
        self.close()
        self.model.order.begun = None

    def close(self):
        """Gives the model its steps back."""
        if self._train_function is not None:
            self.model.train_function, self._train_function = self._train_function, None
        self.skipped = 0


def _clock(model):
    return int(ops.convert_to_numpy(model.optimizer.iterations))
