"""What is saved, and how: config, random states, and atomic writes."""

import inspect
import pathlib
import warnings
from typing import Any, Self

import h5py
import keras
import numpy as np
from keras import ops

from kgan.backend import keras_internals
from kgan.game import state_files
from kgan.utils.files import atomic_write
from kgan.utils.hints import Config, FilePath

_RANDOM = "random_state_"
_EPOCH = "epoch_begun"
_ON_SAVING = (
    "Nothing was written, and an earlier file is as it was. Load that one, or start again with a "
    "lower learning rate; a network that is whole can be saved by itself, with "
    "model.generator.save."
)
_ON_LOADING = "Take a file that was saved before training broke."


class Saving:
    """How an `AdversarialModel` is saved and made again."""

    # What `kgan.zoo.load` made the model with, if it did: a mapping of `model` and `options`.
    built_with = None

    def get_config(self) -> Config:
        """The arguments of `__init__`, read from the attributes of the same names."""
        policy = keras.saving.serialize_keras_object(self.dtype_policy)
        config = {"name": self.name, "dtype": policy}
        for name in _arguments(type(self)):
            if not hasattr(self, name):
                raise ValueError(
                    f"{type(self).__name__} can't be saved: keep the argument `{name}` of "
                    f"__init__ in an attribute self.{name}, or override get_config."
                )
            config[name] = keras.saving.serialize_keras_object(getattr(self, name))
        return config

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        """Makes the model, with fresh weights, from `get_config()`."""
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)
                for name, value in config.items()
            }
        )

    def get_compile_config(self) -> Config:
        """The arguments of `compile`, serialized."""
        if not self.compiled:
            return {}
        optimizer = keras.saving.serialize_keras_object(self.optimizer)
        metrics = []
        for metric in self.sample_metrics:
            try:
                metrics.append(keras.saving.serialize_keras_object(metric))
            except Exception as error:  # A user's extractor may be anything.
                warnings.warn(
                    f"The metric '{metric.name}' is not saved with the model, which then has to be "
                    f"compiled again to be measured by it: {error}",
                    stacklevel=2,
                )
        return {"optimizer": optimizer, "metrics": metrics, **self.compile_arguments}

    def compile_from_config(self, config: Config) -> None:
        """Compiles the model as `get_compile_config()` says, with its optimizers built."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def random_states(self) -> list[Any]:
        """The states of all random generators, which Keras does not save."""
        weights = {id(variable) for variable in self.weights}
        return [
            variable
            for variable in self.non_trainable_variables
            if id(variable) not in weights and variable.name == "seed_generator_state"
        ]

    def save_own_variables(self, store: Any) -> None:
        """Adds what Keras leaves out: the random states, and what the model was built with."""
        super().save_own_variables(store)
        for index, state in enumerate(self.random_states()):
            store[f"{_RANDOM}{index}"] = ops.convert_to_numpy(state)
        if self.built_with is not None:
            store[state_files.BUILT_WITH] = state_files.encoded(self.built_with)
        if self.order.begun is not None:
            store[_EPOCH] = np.array(self.order.begun)

    def load_own_variables(self, store: Any) -> None:
        """Restores the random states with the rest."""
        saved = {key: store[key] for key in store.keys()}
        file = keras_internals.whole_file(store)
        if file is not None:  # The model is visited before its networks: nothing is loaded yet.
            self._check_loaded(state_files.differences(file, self)[2])
        begun = saved.pop(_EPOCH, None)
        self.order.begun = None if begun is None else tuple(int(number) for number in begun)
        made = saved.pop(state_files.BUILT_WITH, None)
        if self.built_with is None and made is not None:
            self.built_with = state_files.decoded(made)
        states = self.random_states()
        values = [saved.pop(key) for key in sorted(saved, key=_place) if key.startswith(_RANDOM)]
        if len(values) == len(states):
            for state, value in zip(states, values):
                state.assign(value)
        else:
            warnings.warn(
                f"The file holds {len(values)} random states and this model has {len(states)}, so "
                "they were left as they are: training continues with other noise.",
                stacklevel=2,
            )
        super().load_own_variables(saved)

    def save(self, filepath: FilePath, overwrite: bool = True, **kwargs: Any) -> None:
        """Saves everything as one `.keras` file: networks, optimizers, clock, random states.

        A save that fails half way leaves a file that was there before as it was.

        Args:
            filepath: path that ends in `.keras`.
            overwrite: boolean. Defaults to `True`.
            **kwargs: as in `keras.Model.save`.

        Raises:
            OSError: when the file can't be written.
            ValueError: when a weight is NaN or infinite, or the folder does not exist.
        """
        with self.between_steps():
            if not _is_one_file(filepath, ".keras", overwrite):
                super().save(filepath, overwrite=overwrite, **kwargs)
                return
            with atomic_write(_in_folder(filepath)) as partial:
                super().save(partial, overwrite=True, **kwargs)
                with state_files.opened(partial) as file:
                    self._check_saved(file)

    def save_weights(self, filepath: FilePath, overwrite: bool = True, **kwargs: Any) -> None:
        """Saves all state but the configuration as one `.weights.h5` file, in an atomic write.

        A model of `kgan.zoo.load` writes its options with it, so that they are known to
        `kgan.zoo.load(name, weights=filepath)`.

        Args:
            filepath: path that ends in `.weights.h5`.
            overwrite: boolean. Defaults to `True`.
            **kwargs: as in `keras.Model.save_weights`.

        Raises:
            OSError: when the file can't be written.
            ValueError: when a weight is NaN or infinite, or the folder does not exist.
        """
        shards = kwargs.get("max_shard_size") is not None
        if shards or not self.built or not _is_one_file(filepath, ".weights.h5", overwrite):
            with self.between_steps():
                super().save_weights(filepath, overwrite=overwrite, **kwargs)
            return
        path = _in_folder(filepath)
        with self.between_steps():
            state = keras_internals.state_of(self, kwargs.get("objects_to_skip") or ())
        with h5py.File(state, "r") as file:
            self._check_saved(file)
        with atomic_write(path) as partial:
            partial.write_bytes(state.getbuffer())

    def load_weights(self, filepath: FilePath, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Restores all state from a file of `save` or `save_weights`.

        Where the file does not fit, the model stays as it was.

        Args:
            filepath: path that ends in `.keras` or `.weights.h5`.
            skip_mismatch: boolean, whether to leave out what does not fit. Defaults to `False`.
            **kwargs: as in `keras.Model.load_weights`.

        Raises:
            FileNotFoundError: when there is no such file.
            ValueError: when the file is damaged, holds the networks of other options, or NaN.
        """
        if "://" in str(filepath) or not str(filepath).endswith((".keras", ".weights.h5")):
            super().load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)
            return
        with self.between_steps():
            self._load_checked(filepath, skip_mismatch, kwargs)

    def _load_checked(self, filepath, skip_mismatch, arguments):
        with state_files.opened(filepath) as file:
            networks, optimizers, fitting = state_files.differences(file, self)
            made = state_files.built_with(file)
            self._check_loaded(fitting)
        if networks and not skip_mismatch:
            raise ValueError(
                f"The file {pathlib.Path(filepath).name} holds the networks of another model, or "
                f"of one with other options{_told(made, self.built_with)}. Make the model with the "
                f"file's options. Received: {len(networks)} arrays differ, the first: {networks[0]}"
            )
        left_out = networks + optimizers
        if left_out:
            warnings.warn(
                f"What is not this model's in {pathlib.Path(filepath).name} is left out, so its "
                f"{'networks' if networks else 'optimizers'} stay as they are where they differ: "
                f"{len(left_out)} arrays, the first: {left_out[0]}",
                stacklevel=3,
            )
        before = [ops.convert_to_numpy(variable).copy() for variable in self.variables]
        try:
            with warnings.catch_warnings():
                if left_out:  # Keras says it once for each array.
                    warnings.filterwarnings("ignore", message="Skipping|A total of")
                super().load_weights(filepath, skip_mismatch=skip_mismatch, **arguments)
        except Exception as error:  # A user's layer may do anything.
            for variable, value in zip(self.variables, before):
                variable.assign(value)
            raise ValueError(
                f"The file {pathlib.Path(filepath).name} does not fit this model, which is as it "
                f"was: {' '.join(str(error).split())[:500]} Received: {filepath}"
            ) from error

    def _check_saved(self, file):
        state_files.check_finite(state_files.arrays_in(file), "The model is not saved", _ON_SAVING)

    def _check_loaded(self, arrays):
        state_files.check_finite(arrays, "The file is not loaded", _ON_LOADING)

    def export(self, filepath: FilePath, format: str = "tf_saved_model", **kwargs: Any) -> None:
        """Writes the model for serving, with neither kgan nor Keras needed to serve it.

        Args:
            filepath: folder of the SavedModel, or path of the `.onnx` file.
            format: `"tf_saved_model"` or `"onnx"`. Defaults to `"tf_saved_model"`.
            **kwargs: `verbose`.
        """
        from kgan.serving.export import export

        export(self, filepath, format=format, **kwargs)


def _place(key):
    return int(key.removeprefix(_RANDOM)) if key.startswith(_RANDOM) else -1


def _arguments(cls):
    """Names of what `cls(...)` takes, through each `**kwargs` up to Keras's own classes."""
    names = []
    for parent in cls.__mro__:
        if parent.__module__.startswith("keras."):
            break
        if "__init__" not in vars(parent):
            continue
        parameters = list(inspect.signature(parent.__init__).parameters.values())[1:]
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        names += [p.name for p in parameters if p.kind in named and p.name not in names]
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return names


def _is_one_file(filepath, ending, overwrite):
    """Whether a save is one file on this machine; where not, Keras asks, or says what is wrong."""
    path = pathlib.Path(filepath)
    is_local = "://" not in str(filepath) and path.name.endswith(ending)
    return is_local and not path.is_dir() and (overwrite or not path.exists())


def _in_folder(filepath):
    path = pathlib.Path(filepath)
    if not path.parent.exists():
        raise ValueError(
            f"The folder to save in does not exist. Make it first: mkdir -p {path.parent}. "
            f"Received: filepath={str(filepath)!r}"
        )
    return path


def _told(made, own):
    """How the options of a file and of a model differ, in words, where both are known."""
    if made is None or own is None:
        return ""
    if made["model"] != own["model"]:
        return f": '{made['model']}' where this is '{own['model']}'"
    names = [name for name in made["options"] if made["options"][name] != own["options"].get(name)]
    told = [f"{name}={made['options'][name]} and not {own['options'].get(name)}" for name in names]
    return f": {', '.join(told)}" if told else ""
