"""Callbacks that wait for the device only where one of them looks at a number."""

import keras
from keras import ops


class CallbackList(keras.callbacks.CallbackList):
    """Keras's list of callbacks, which gives a step's logs as `LateLogs`.

    Keras itself turns the logs of each step into numbers, whether or not a callback reads them, and
    so waits for the step. A device that could run ahead of Python then stands still while Python
    prepares the next step.

    Args:
        callbacks: list of callbacks.
        position: the `EpochPosition` among them. Defaults to `None`.
        **arguments: as of Keras's list.
    """

    def __init__(self, callbacks, position=None, **arguments):
        self.position = position
        super().__init__(callbacks, **arguments)

    def _is_skipped(self, batch):
        return self.position is not None and batch < self.position.skipped

    def on_train_begin(self, logs=None):
        """Lets each begin, then goes on where one of them restored a step within an epoch."""
        super().on_train_begin(logs)
        if self.position is not None:
            self.position.resume()

    def on_train_batch_begin(self, batch, logs=None):
        """Tells each callback, unless the batch is one that restored weights have seen."""
        if not self._is_skipped(batch):
            super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Hands the logs to each callback as they are."""
        if self._is_skipped(batch):
            return
        logs = LateLogs(logs or {})
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs=logs)


class LateLogs(dict):
    """A step's logs: a dict of numbers, which leave the device when one is looked at.

    Args:
        *args: as for a dict, with scalar tensors for values.
    """

    is_read = False

    def read(self):
        """Turns all values into floats, once, and returns the dict itself."""
        if not self.is_read:
            self.is_read = True
            for name, value in super().items():
                # No change of size, so that the iteration goes on.
                super().__setitem__(name, _number(value))
        return self

    # A copy by `dict(logs)` or `{**logs}` also looks, since it iterates by this method.
    def __iter__(self):
        return super().__iter__()

    def __getitem__(self, name):
        return dict.__getitem__(self.read(), name)

    def __eq__(self, other):
        return dict.__eq__(self.read(), other)

    __hash__ = None

    def __repr__(self):
        return dict.__repr__(self.read())

    def __or__(self, other):
        return dict(self) | other

    def __ror__(self, other):
        return other | dict(self)

    def get(self, name, default=None):
        """As of a dict."""
        return dict.get(self.read(), name, default)

    def items(self):
        """As of a dict."""
        return dict.items(self.read())

    def values(self):
        """As of a dict."""
        return dict.values(self.read())

    def copy(self):
        """A plain dict of the numbers."""
        return dict(self.items())

    def pop(self, *arguments):
        """As of a dict."""
        return dict.pop(self.read(), *arguments)


def _number(value):
    try:
        return float(ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else value)
    except (TypeError, ValueError):
        return value


def num_batches(data, steps_per_epoch=None):
    """How many batches an epoch of a dataset has, or `None` where it does not say.

    Args:
        data: what `fit` of Keras is given.
        steps_per_epoch: integer, where the caller decides. Defaults to `None`.
    """
    if steps_per_epoch:
        return steps_per_epoch
    try:
        own = isinstance(data, keras.utils.PyDataset)
        return data.num_batches if own else len(data)
    except (TypeError, NotImplementedError):
        return None
