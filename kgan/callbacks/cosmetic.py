"""What callbacks share that training can do without: an error in one does not end it."""

import functools
import warnings

import keras

# Not on_train_begin: a wrong argument stops `fit` before the first step, when nothing is lost yet.
_HOOKS = (
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_train_end",
)


class Cosmetic(keras.callbacks.Callback):
    """A callback that shows a training and does not make it: an error in it never ends `fit`.

    Subclasses are written like any other callback. When one of their methods fails in the middle of
    a training, as at a full disk, this is warned of once, the callback rests until the next `fit`,
    and training goes on. Wrong arguments belong into `on_train_begin`, whose errors are raised, as
    an interrupt of the user is anywhere.
    """

    is_resting = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in _HOOKS:
            if name in vars(cls):
                setattr(cls, name, _caught(vars(cls)[name]))

    def set_model(self, model: keras.Model) -> None:
        """Takes the model at the beginning of each `fit`, and works again."""
        super().set_model(model)
        self.is_resting = False


def _caught(method):
    @functools.wraps(method)
    def call(self, *arguments, **named):
        if self.is_resting:
            return
        try:
            method(self, *arguments, **named)
        except Exception as error:
            self.is_resting = True
            warnings.warn(
                f"{type(self).__name__} failed in {method.__name__} and stops here; training goes "
                "on without it, and what it made so far is kept. Mend the cause, and it works "
                f"again in the next fit. Received: {type(error).__name__}: {error}",
                stacklevel=2,
            )

    return call
