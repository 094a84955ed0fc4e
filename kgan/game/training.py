"""The verbs that take data: `fit` and `evaluate`, with the input contract and the averages."""

import contextlib

import keras
import numpy as np
from keras import ops

from kgan.backend import keras_internals
from kgan.data.batches import shuffled_batches
from kgan.data.checks import check
from kgan.data.fields import are_paired
from kgan.data.two_collections import orders
from kgan.game.guard import NaNGuard
from kgan.utils.arguments import check_count


class Training:
    """What an `AdversarialModel` does with data before and after the engine plays."""

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        **kwargs,
    ):
        """Plays the game on your data.

        Arrays are checked whole before the first step, datasets by their first batch. Arrays are
        shuffled anew each epoch in an order that depends only on the model's saved state, so a
        resumed run sees what the whole run would have seen; with `steps_per_epoch` a pass over the
        data spans epochs, and a resumed run begins a new pass. A dataset brings its own order.

        A model of two unpaired collections takes `fit(a, b)`, of any two lengths: two arrays, each
        shuffled by itself, or two `tf.data.Dataset`s. An epoch is as long as the longer one, and
        the shorter one is gone through again.

        Args:
            x: images as integers in 0..255 or floats in [-1, 1], shape (n, height, width,
                channels); other samples as floats. An array, a `tf.data.Dataset`, a `PyDataset`,
                a torch `DataLoader`, a generator, or TFDS's dict of `image` and `label`.
            y: the second field of the model, such as labels or the images to translate to.
                Defaults to `None`.
            batch_size: integer. Samples per step for arrays. Defaults to 64.
            epochs: integer. Defaults to 1.
            verbose: as in `keras.Model.fit`.
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
        x, y = check(self.fields, x, y)
        if validation_split and validation_data is None:
            (x, y), validation_data = _split(x, y, validation_split)
        if validation_data is not None:
            size = kwargs.get("validation_batch_size") or batch_size
            validation_data = self._batches(*_pair(validation_data), size)
            kwargs.pop("validation_batch_size", None)
        # For callbacks that can't do without: Keras tells them nothing of it.
        self.validates = validation_data is not None
        callbacks = _guarded(callbacks)
        for callback in callbacks if isinstance(callbacks, list) else ():
            if hasattr(callback, "take_data"):
                callback.take_data(x, y)
        if isinstance(x, np.ndarray):
            lengths = [len(x)] if y is None else [len(x), len(y)]
            order = _Order(lengths, are_paired(self.fields)) if shuffle else None
            callbacks = _with(order, callbacks, self) if shuffle else callbacks
            x, y, batch_size = self._batches(x, y, batch_size, order, checked=True), None, None
        return super().fit(
            x,
            y,
            batch_size=batch_size,
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
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        averaged=True,
        **kwargs,
    ):
        """Every player's loss and terms on held-out data, without a move.

        The averaged weights play where an optimizer has `use_ema=True`. Calling it changes nothing:
        noise is drawn from where training stands, and training then draws the same. Where the model
        was compiled with metrics, they go through the data a second time, beside as many of the
        model's own samples, drawn from the same noise each time.

        Args:
            x: as in `fit`.
            y: as in `fit`.
            batch_size: integer. Defaults to 64 for arrays.
            verbose: as in `keras.Model.evaluate`.
            sample_weight: not defined for a game.
            averaged: boolean. With `False` the weights play as they are, and not their averages.
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
            x = self._batches(x, y, batch_size)
            y = batch_size = None
        as_dict = kwargs.pop("return_dict", False)
        self.synchronize()
        weights = self.averaged_weights() if averaged else self.raw_weights()
        with self._kept(self._random_states()), weights:
            logs = super().evaluate(
                x, y, batch_size=batch_size, verbose=verbose, return_dict=True, **kwargs
            )
            measured = {}
            if self._sample_metrics:
                show_progress = bool(verbose) and not in_fit
                measured = self._measure(x, kwargs.get("steps"), show_progress)
        if as_dict:
            return {**logs, **measured}
        return [*keras_internals.in_order(self, logs), *measured.values()]

    def predict(self, x, **kwargs):
        """The network's raw output, as `model(x)` gives it, in batches: see `keras.Model.predict`.

        Args:
            x: array or dataset of what the network takes.
            **kwargs: `batch_size`, `verbose`, `steps`, `callbacks` as in `keras.Model.predict`.

        Returns:
            NumPy array.
        """
        self.synchronize()
        return super().predict(x, **kwargs)

    def set_weights(self, weights):
        """Sets all weights, and starts the averages anew from them.

        Args:
            weights: list of arrays, as from `get_weights()`.
        """
        super().set_weights(weights)
        self.restart_averages()

    @property
    def batches_seen(self):
        """The game's clock: an integer, how many batches it was trained with."""
        self.synchronize()
        return int(ops.convert_to_numpy(self.optimizer.iterations))

    def restart_averages(self):
        """Lets the moving averages begin anew, at the weights as they are."""
        if getattr(self, "optimizer", None):
            for variable, average in self.optimizer.averages(self.trainable_variables):
                average.assign(variable)

    @contextlib.contextmanager
    def _kept(self, variables):
        """Gives variables, at the end of this context, the values that they have now."""
        # Copies, because JAX's predict gives away the buffers of what it reads.
        values = [np.array(ops.convert_to_numpy(variable)) for variable in variables]
        try:
            yield
        finally:
            for variable, value in zip(variables, values):
                variable.assign(value)

    def _batches(self, x, y=None, batch_size=None, order=None, checked=False):
        if not checked:
            x, y = check(self.fields, x, y)
        if not isinstance(x, np.ndarray):
            return x
        batch_size = 64 if batch_size is None else check_count("batch_size", batch_size)
        arrays = (x,) if y is None else (x, y)
        # In the model's own strategy, which `fit` need not be called in.
        with self.variable_scope():
            permutation = order.permutation if order else None
            return shuffled_batches(arrays, batch_size, permutation, are_paired(self.fields))

    @contextlib.contextmanager
    def averaged_weights(self):
        """Within this context, weights that have a moving average take its value.

        Does nothing for a model whose optimizers keep no average, or keep one that has not begun.
        `generate`, `evaluate`, `export` and the picture callbacks use it; `model(x)` and `predict`
        do not. Not for another thread while `fit` runs.

        Example:

        ```python
        import kgan

        model = kgan.zoo.load("vanilla", like=(2,))
        with model.averaged_weights():
            points = model(kgan.latent.sample((5, 64), seed=0))
        ```
        """
        optimizer = getattr(self, "optimizer", None)
        # Threads that serve one model wait for each other, and what is within stays within.
        with self._averaging:
            self.synchronize()
            pairs = optimizer.averages(self.trainable_variables) if optimizer else []
            if not pairs or self._is_averaged:
                yield
                return
            with self._kept([variable for variable, _ in pairs]), self.raw_weights():
                for variable, average in pairs:
                    variable.assign(np.array(ops.convert_to_numpy(average)))
                yield

    @contextlib.contextmanager
    def raw_weights(self):
        """Within this context, `generate` and its kin take the weights as they are.

        Choose it to see what the averages are worth, beside `averaged_weights`. Without averages
        it changes nothing.

        Example:

        ```python
        import kgan

        model = kgan.zoo.load("vanilla", like=(2,))
        with model.raw_weights():
            points = model.generate(5, seed=0)
        ```
        """
        with self._averaging:
            before, self._is_averaged = self._is_averaged, True
            try:
                yield
            finally:
                self._is_averaged = before


class _Order(keras.callbacks.Callback):
    """Names the order of an epoch's samples from what is saved: a seed and the game's clock."""

    def __init__(self, lengths, paired):
        super().__init__()
        self.lengths = lengths
        self.paired = paired

    def on_epoch_begin(self, epoch, logs=None):
        # Read here and not when the data begins to flow: JAX has taken the state away by then.
        seed = ops.convert_to_numpy(self.model.order.state).astype("uint32")
        clock = ops.convert_to_numpy(self.model.optimizer.iterations)
        self.key = [*seed.tolist(), int(clock)]

    def permutation(self):
        generator = np.random.default_rng(self.key)
        if self.paired:
            return generator.permutation(self.lengths[0])
        return orders(self.lengths, generator)


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


def _split(x, y, fraction):
    if not isinstance(x, np.ndarray):
        raise ValueError(
            "Only arrays can be split. Pass validation_data=... with a dataset of its own. "
            f"Received: validation_split={fraction!r} with x of type {type(x).__name__}"
        )
    kept, held_out = [], []
    for array in (x, y):
        if array is None:
            kept.append(None)
            held_out.append(None)
            continue
        # Each by its own length: collections that are not paired may differ.
        cut = int(len(array) * (1.0 - fraction)) if 0.0 <= fraction < 1.0 else 0
        if cut < 1:
            raise ValueError(
                "validation_split is the part of the samples to hold out, at least 0 and below 1, "
                "and must leave one to train on. "
                f"Received: validation_split={fraction!r} of {len(array)}"
            )
        kept.append(array[:cut])
        held_out.append(array[cut:])
    return tuple(kept), tuple(held_out)
