"""The lock of a model: other threads use it between two steps of `fit`, one after another."""

import contextlib
import threading
import warnings

import keras

# Long after this a callback may be waiting for the thread that waits for it.
_PATIENCE = 60.0


class StepLock:
    """A reentrant lock that threads get in the order in which they asked.

    `fit` holds it, and gives way between two steps to each thread that waits by then: a lock of
    Python's own goes to whoever is quickest, which may never be the one that waits.
    """

    def __init__(self):
        self._changed = threading.Condition()
        self._waiting = []
        self._owner = None
        self._depth = 0
        self._is_fitting = False

    def __enter__(self):
        thread = threading.get_ident()
        with self._changed:
            if self._owner != thread:
                self._wait(thread)
            self._depth += 1

    def __exit__(self, *error):
        with self._changed:
            self._depth -= 1
            if not self._depth:
                self._owner = None
                self._changed.notify_all()

    def _wait(self, thread):
        ticket = object()
        self._waiting.append(ticket)

        def is_my_turn():
            return self._owner is None and self._waiting[0] is ticket

        try:
            if not self._changed.wait_for(is_my_turn, _PATIENCE):
                if self._is_fitting:
                    warnings.warn(
                        f"Waiting for {_PATIENCE:.0f} seconds for the end of a training step in "
                        "another thread. If a callback of `fit` waits for this thread, both wait "
                        "forever: use the model in the callback itself.",
                        stacklevel=4,
                    )
                self._changed.wait_for(is_my_turn)
            self._owner = thread
        finally:
            # Also where the wait is interrupted, and then the next one may go on.
            self._waiting.remove(ticket)
            self._changed.notify_all()

    def give_way(self):
        """Lets the threads go first that wait now."""
        with self._changed:
            # An outer block has chosen weights, and nobody else may see those.
            if not self._waiting or self._depth > 1:
                return
        self.__exit__()
        self.__enter__()

    @contextlib.contextmanager
    def fitting(self):
        """Within this context the thread trains.

        Raises:
            RuntimeError: when another thread does.
        """
        with self._changed:
            if self._is_fitting and self._owner != threading.get_ident():
                raise RuntimeError(
                    "Another thread trains this model: one `fit` at a time. Wait for its end. "
                    "`generate`, `evaluate`, `save` and `export` may be called meanwhile."
                )
        with self:
            before, self._is_fitting = self._is_fitting, True
            try:
                yield
            finally:
                self._is_fitting = before


class BetweenSteps(keras.callbacks.Callback):
    """Gives way to other threads before each step, and at an epoch's start to who froze a layer.

    Args:
        lock: the model's `StepLock`.
    """

    def __init__(self, lock):
        super().__init__()
        self._lock = lock

    def on_epoch_begin(self, epoch, logs=None):
        """Remembers that an epoch begins."""
        self._begins = True

    def on_train_batch_begin(self, batch, logs=None):
        """Lets those go first that wait, and takes note of layers that were frozen since."""
        self._lock.give_way()
        if self._begins:
            self._begins = False
            self.model.make_train_function()
