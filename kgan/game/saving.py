"""What is saved, and how: config, random states, and atomic writes."""

import inspect
import pathlib
import warnings
from typing import Any, Self

import keras
from keras import ops

from kgan.utils.files import atomic_write
from kgan.utils.hints import Config, FilePath

_RANDOM = "random_state_"


class Saving:
    """How an `AdversarialModel` is saved and made again."""

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
        """Adds the random states, which Keras leaves out, to what is saved."""
        super().save_own_variables(store)
        for index, state in enumerate(self.random_states()):
            store[f"{_RANDOM}{index}"] = ops.convert_to_numpy(state)

    def load_own_variables(self, store: Any) -> None:
        """Restores the random states with the rest."""
        saved = {key: store[key] for key in store.keys()}
        states = self.random_states()
        kept = [saved.pop(key) for key in sorted(saved, key=_place) if key.startswith(_RANDOM)]
        if len(kept) == len(states):
            for state, value in zip(states, kept):
                state.assign(value)
        else:
            warnings.warn(
                f"The file holds {len(kept)} random states and this model has {len(states)}, so "
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
        """
        with self.between_steps():
            save_atomically(super().save, filepath, overwrite, kwargs)

    def save_weights(self, filepath: FilePath, overwrite: bool = True, **kwargs: Any) -> None:
        """Saves all state but the configuration as one `.weights.h5` file, in an atomic write.

        Args:
            filepath: path that ends in `.weights.h5`.
            overwrite: boolean. Defaults to `True`.
            **kwargs: as in `keras.Model.save_weights`.
        """
        with self.between_steps():
            save_atomically(super().save_weights, filepath, overwrite, kwargs)

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


def save_atomically(save, filepath, overwrite, arguments):
    """Atomic write: runs `save` on a temporary file, which replaces `filepath` on success.

    Args:
        save: function of `(filepath, overwrite=..., **arguments)` that writes one file.
        filepath: path of the file.
        overwrite: boolean; when `False` and the file exists, Keras asks the user.
        arguments: dict of further arguments of `save`.
    """
    path = pathlib.Path(filepath)
    is_single_file = "://" not in str(filepath) and path.name.endswith((".keras", ".weights.h5"))
    if not is_single_file or path.is_dir() or (path.exists() and not overwrite):
        save(filepath, overwrite=overwrite, **arguments)
        return
    if not path.parent.exists():
        raise ValueError(
            f"The folder to save in does not exist. Make it first: mkdir -p {path.parent}. "
            f"Received: filepath={str(filepath)!r}"
        )
    with atomic_write(path) as partial:
        save(partial, overwrite=True, **arguments)
