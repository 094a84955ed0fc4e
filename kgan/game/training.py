"""The verbs that take data: `fit`, `evaluate` and `predict`, with the input contract."""

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.backend import keras_internals
from kgan.data.batches import shuffled_batches
from kgan.data.checks import check
from kgan.data.field_lookup import are_paired
from kgan.game.averages import kept
from kgan.game.callback_list import CallbackList, num_batches
from kgan.game.data_order import EpochOrder
from kgan.game.guard import NaNGuard
from kgan.game.position import EpochPosition
from kgan.game.progress import Evaluation, Progress, fitted, is_terminal
from kgan.game.step_lock import BetweenSteps
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data


class Training:
    """What an `AdversarialModel` does with data before and after the engine plays."""

    def fit(
        self,
        x: Data = None,
        y: Data = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Data = None,
        shuffle: bool = True,
        class_weight: None = None,
        sample_weight: None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains the model on your data.

        Arrays are checked whole before the first step, datasets by their first batch. Arrays are
        shuffled again each epoch in an order that depends only on the model's saved state, so a
        resumed run sees what the whole run would have seen; with `steps_per_epoch` a pass over the
        data spans epochs, and a resumed run begins a new pass. A dataset brings its own order.

        Another thread may use the model meanwhile: `generate`, `run`, `predict`, `evaluate`,
        `save`, `export` and `averaged_weights` wait for the end of a step, the next step waits for
        them, and training goes on as if they had not been called.

        A model of two unpaired collections takes `fit(a, b)`, of any two lengths: two arrays, each
        shuffled separately, or two `tf.data.Dataset`s. An epoch is as long as the longer one, and
        the shorter one is gone through again.

        Args:
            x: what the model's first field takes, such as images as integers in 0..255 or floats in
                [-1, 1]; a tuple or a dictionary with a value for each field; a `tf.data.Dataset`,
                `PyDataset`, torch `DataLoader` or generator of tuples or dictionaries, such as
                TFDS's of `image` and `label`.
            y: the last field, where `x` holds the others, such as labels or the images to
                translate to. Defaults to `None`.
            batch_size: integer. Samples per step for arrays. Defaults to 64.
            epochs: integer. Defaults to 1.
            verbose: 1 for one line per epoch that is drawn again while it runs, with a loss per
                player, what is watched, speed and the time left for the whole run; 2 for plain
                lines, which 1 is too where nothing can be drawn again; 0 for none. `"auto"` is 1.
                All that is logged is in the history. Defaults to `"auto"`.
            callbacks: list of `keras.callbacks.Callback`. A `kgan.callbacks.NaNGuard` is added
                unless the list holds one or a `TerminateOnNaN`.
            validation_split: float in [0, 1): the last part of the arrays to hold out.
            validation_data: what `x` may be, or an `(x, y)` tuple.
            shuffle: boolean, for arrays. Defaults to `True`.
            sample_weight: not defined for a game.
            class_weight: not defined for a game.
            **kwargs: `initial_epoch`, `steps_per_epoch`, `validation_steps`,
                `validation_batch_size`, `validation_freq` as in `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: when the data can't be what the model was built for.
            TypeError: when the data is of a kind that no model takes.
        """
        keras_internals.require_compiled(self, "fit")
        if sample_weight is not None or class_weight is not None:
            raise ValueError(
                "A game has no per-sample loss to weight. Resample the data instead. Received: "
                f"sample_weight={sample_weight is not None}, class_weight={class_weight}"
            )
        data = check(self.fields, x, y)
        if validation_split and validation_data is None:
            data, validation_data = _split(data, validation_split)
        if validation_data is not None:
            size = kwargs.pop("validation_batch_size", None) or batch_size
            validation_data = self._batches(check(self.fields, *_pair(validation_data)), size)
        # For callbacks that can't do without: Keras tells them nothing of it.
        self.validates = validation_data is not None
        callbacks = _guarded(callbacks)
        for callback in callbacks if isinstance(callbacks, list) else ():
            take_data = getattr(callback, "take_data", None)
            if take_data is not None:
                take_data(data)
        position = EpochPosition(self)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = _with(position, callbacks, self)
        is_array = isinstance(data, tuple)
        if is_array:
            lengths, variants = zip(*((len(x), getattr(x, "variants", 1)) for x in data))
            order = EpochOrder(lengths, are_paired(self.fields), variants) if shuffle else None
            callbacks = _with(order, callbacks, self) if shuffle else callbacks
            data = self._batches(data, batch_size, order)
        callbacks = _with(BetweenSteps(self.step_lock), callbacks, self)
        if isinstance(callbacks, list):
            callbacks = [position, *callbacks]
        shown = (keras.callbacks.ProgbarLogger, Progress)
        if (
            isinstance(callbacks, list)
            and verbose
            and not any(isinstance(callback, shown) for callback in callbacks)
        ):
            size = 64 if batch_size is None else batch_size
            progress = Progress(
                self.fields[0].plural,
                size if is_array else None,
                [f"val_{name}" for name in self.sample_metrics.directions],
                live=verbose != 2 and is_terminal(),
            )
            # First what takes the line away for others who print, last what prints it for good.
            clear = keras.callbacks.LambdaCallback(on_epoch_end=progress.clear)
            callbacks, verbose = [clear, *callbacks, progress], 0
        if isinstance(callbacks, list):
            callbacks = CallbackList(
                callbacks,
                position,
                add_history=True,
                add_progbar=verbose != 0,
                model=self,
                verbose=verbose,
                epochs=epochs,
                steps=num_batches(data, kwargs.get("steps_per_epoch")),
            )
        with self.step_lock.fitting(), contextlib.closing(position):
            return super().fit(
                data,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_data=validation_data,
                # Shuffled already, or in the dataset's own order: Keras's can't be resumed.
                shuffle=False,
                **kwargs,
            )

    def evaluate(
        self,
        x: Data = None,
        y: Data = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: None = None,
        averaged: bool = True,
        **kwargs: Any,
    ) -> list[float] | dict[str, float]:
        """Every player's loss and terms on held-out data, without a move.

        Averaged weights are used where an optimizer has `use_ema=True`. Calling it changes nothing:
        noise is drawn from where training stands, and training then draws the same. Where the model
        was compiled with metrics, they go through the data a second time, beside as many of the
        model's own samples, drawn from the same noise each time.

        Args:
            x: as in `fit`.
            y: as in `fit`.
            batch_size: integer. Defaults to 64 for arrays.
            verbose: 0 for nothing, else one line, as `fit` prints for an epoch.
            sample_weight: not defined for a game.
            averaged: boolean. With `False` the weights as they are, and not their averages.
                Defaults to `True`.
            **kwargs: `steps`, `callbacks`, `return_dict` as in `keras.Model.evaluate`.

        Returns:
            A list of numbers, or a dict with `return_dict=True`.
        """
        if sample_weight is not None:
            raise ValueError(
                "A game has no per-sample loss to weight. Received: sample_weight is not None"
            )
        in_fit = keras_internals.is_called_by_fit(kwargs)
        if not in_fit:
            keras_internals.require_compiled(self, "evaluate")
            x, y = self._batches(check(self.fields, x, y), batch_size), None
        as_dict = kwargs.pop("return_dict", False)
        weights = self.averages.averaged() if averaged else self.averages.raw()
        # The means that `fit` logs from, when this is called from within it.
        means = [] if in_fit else self.metrics_variables
        with self.between_steps(), kept([*self.random_states(), *means]), weights:
            shows = bool(verbose) and not isinstance(
                kwargs.get("callbacks"), keras.callbacks.CallbackList
            )
            live = shows and verbose != 2 and is_terminal()
            if live:
                kwargs["callbacks"] = [*(kwargs.get("callbacks") or []), Evaluation()]
            logs = super().evaluate(x, y, verbose=0, return_dict=True, **kwargs)
            measured = {}
            if self.sample_metrics:
                measured = self.sample_metrics.measure(self, x, kwargs.get("steps"), live)
        if shows:
            print(fitted("Evaluated", None, self, {**logs, **measured}, measured), flush=True)
        if as_dict:
            return {**logs, **measured}
        return [*keras_internals.in_order(self, logs), *measured.values()]

    def predict(self, x: Data, **kwargs: Any) -> np.ndarray:
        """The network's raw output, as `model(x)` gives it, in batches: see `keras.Model.predict`.

        Args:
            x: array or dataset of what the network takes.
            **kwargs: `batch_size`, `verbose`, `steps`, `callbacks` as in `keras.Model.predict`.

        Returns:
            NumPy array.
        """
        with self.between_steps():
            return super().predict(x, **kwargs)

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """One step of training on a batch: see `keras.Model.train_on_batch`."""
        with self.between_steps():
            return super().train_on_batch(*args, **kwargs)

    def test_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """The losses of a batch, without a move: see `keras.Model.test_on_batch`."""
        with self.between_steps():
            return super().test_on_batch(*args, **kwargs)

    def predict_on_batch(self, x: Data) -> np.ndarray:
        """The network's raw output for a batch: see `keras.Model.predict_on_batch`."""
        with self.between_steps():
            return super().predict_on_batch(x)

    def get_weights(self) -> list[np.ndarray]:
        """All weights, as a list of NumPy arrays: see `keras.Model.get_weights`."""
        with self.between_steps():
            return super().get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets all weights, and restarts the averages from them.

        Args:
            weights: list of arrays, as from `get_weights()`.
        """
        with self.between_steps():
            super().set_weights(weights)
            self.averages.restart()

    @property
    def batches_seen(self) -> int:
        """The game's clock: an integer, how many batches it was trained with."""
        with self.between_steps():
            return int(ops.convert_to_numpy(self.optimizer.iterations))

    @contextlib.contextmanager
    def between_steps(self) -> Iterator[None]:
        """Within this context no other thread trains or uses the model, whose state is whole.

        Use this in a thread beside `fit` to read weights or to call the model: it waits for the end
        of the step, and the next step waits for the end of the context.

        Example:

        ```python
        import kgan

        model = kgan.zoo.load("vanilla", like=(2,))
        with model.between_steps():
            weights = model.generator.get_weights()
        ```
        """
        with self.step_lock:
            self.synchronize()
            yield

    def _batches(self, data, batch_size=None, order=None):
        """Batches of checked arrays; a dataset as it is."""
        if not isinstance(data, tuple):
            return data
        batch_size = 64 if batch_size is None else check_count("batch_size", batch_size)
        # In the model's own strategy, which `fit` need not be called in.
        with self.variable_scope():
            permutation = order.permutation if order else None
            return shuffled_batches(data, batch_size, permutation, are_paired(self.fields))

    def averaged_weights(self) -> AbstractContextManager[None]:
        """Within this context, weights that have a moving average take its value.

        Does nothing for a model whose optimizers keep no average, or keep one that has not begun.
        `generate`, `evaluate`, `export` and the picture callbacks use it; `model(x)` and `predict`
        do not. In another thread than that of `fit` it waits for the end of a step, and the next
        step waits for the end of the context.

        Example:

        ```python
        import kgan

        model = kgan.zoo.load("vanilla", like=(2,))
        with model.averaged_weights():
            points = model(kgan.latent.sample((5, 64), seed=0))
        ```
        """
        return self.averages.averaged()

    def raw_weights(self) -> AbstractContextManager[None]:
        """Within this context, `generate` and all other endpoints take the weights as they are.

        Use this to see what the averages are worth, beside `averaged_weights`. Without averages
        it changes nothing.

        Example:

        ```python
        import kgan

        model = kgan.zoo.load("vanilla", like=(2,))
        with model.raw_weights():
            points = model.generate(5, seed=0)
        ```
        """
        return self.averages.raw()


def _with(callback, callbacks, model):
    """The callbacks with one more, first where they are a plain list."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callback.set_model(model)
        callbacks.append(callback)
        return callbacks
    return [callback, *callbacks]


def _guarded(callbacks):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    callbacks = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    callbacks = [callback for callback in callbacks if callback is not None]
    guards = (NaNGuard, keras.callbacks.TerminateOnNaN)
    if any(isinstance(callback, guards) for callback in callbacks):
        return callbacks
    # First, so that no later callback saves the model of the epoch that broke.
    return [NaNGuard(), *callbacks]


def _pair(data):
    """Validation data as x and y: a pair, or x alone."""
    if isinstance(data, tuple | list) and len(data) in (1, 2):
        return tuple(data) + (None,) * (2 - len(data))
    return data, None


def _split(data, fraction):
    if not isinstance(data, tuple):
        raise ValueError(
            "Only arrays can be split. Pass validation_data=... with a separate dataset. "
            f"Received: validation_split={fraction!r} with x of type {type(data).__name__}"
        )
    kept_back, held_out = [], []
    for array in data:
        # Each by its own length: collections that are not paired may differ.
        cut = int(len(array) * (1.0 - fraction)) if 0.0 <= fraction < 1.0 else 0
        if cut < 1:
            raise ValueError(
                "validation_split is the part of the samples to hold out, at least 0 and below 1, "
                "and must leave one to train on. "
                f"Received: validation_split={fraction!r} of {len(array)}"
            )
        kept_back.append(array[:cut])
        held_out.append(array[cut:])
    return tuple(kept_back), tuple(held_out)
