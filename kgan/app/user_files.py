"""Files of a user: data, inputs, modules, and what is made of them."""

import importlib
import pathlib
import sys
import types

import numpy as np

from kgan import data, drawing
from kgan.utils.files import atomic_write


def load_data(name, settings, data_dir=None, labels=False):
    """Samples by the name of a dataset, a folder of images or a file of arrays.

    Args:
        name: as for `kgan.data.load`, or path of an `.npz` file that holds an array for each field
            of a model, under the fields' names, or of an `.npy` file.
        settings: dict that may have `size`, `channels` and `max_examples`.
        data_dir: path where TensorFlow Datasets keeps its data. Defaults to `None`.
        labels: boolean, whether labels are wanted. Defaults to `False`.

    Returns:
        An array, a tuple of samples and labels, or a dict of arrays.
    """
    if str(name).endswith((".npz", ".npy")):
        return _read_arrays(pathlib.Path(name).expanduser(), settings.get("max_examples"))
    size = settings.get("size")
    return data.load(
        name,
        size=None if size is None else tuple(size),
        channels=settings.get("channels"),
        data_dir=data_dir,
        labels=labels,
        max_examples=settings.get("max_examples"),
    )


def _read_arrays(path, limit):
    try:
        # NumPy refuses objects by default: a file of arrays runs no code.
        loaded = np.load(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} holds no arrays that can be read. Expected a file of numpy.save or "
            f"numpy.savez, of numbers and strings. Received: {error}"
        ) from error
    if isinstance(loaded, np.ndarray):
        return loaded[:limit]
    with loaded:
        try:
            return {name: loaded[name][:limit] for name in loaded.files}
        except ValueError as error:
            raise ValueError(
                f"{path} holds Python objects, which are not read. Save strings as an array of "
                f"numpy.str_, numpy.array(texts). Received: {error}"
            ) from error


def save_samples(field, samples, path, in_one=True):
    """Writes samples as one picture, as a file each, or as they are.

    Args:
        field: `kgan.data.Field` of the samples.
        samples: what the field gives a user.
        path: path of the picture, of a `.npy` file for the numbers themselves, or of a `.txt` file
            for words. With `in_one=False`, of a folder.
        in_one: boolean. `False` writes `0001.png` and so on. Defaults to `True`.

    Raises:
        ValueError: when the ending is unknown, or such samples have no file format.
    """
    path = pathlib.Path(path)
    if not in_one:
        if path.suffix:
            raise ValueError(
                "With --files, --out names a folder, and this looks like a file. Pass for example "
                f"--out {path.with_suffix('')}. Received: {path}"
            )
        path.mkdir(parents=True, exist_ok=True)
        field.save_each(samples, path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    words = field.captions(samples)
    if path.suffix == ".npy":
        with atomic_write(path) as partial, partial.open("wb") as file:
            # Not to the file itself: on a full disk NumPy loses the end without a word.
            np.save(types.SimpleNamespace(write=file.write), samples)
    elif path.suffix == ".txt" and words is not None:
        with atomic_write(path) as partial:
            partial.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    else:
        drawing.save_image(path, field.draw(samples))


def read_inputs(field, name, settings=None):
    """What an endpoint takes, from a file.

    Args:
        field: `kgan.data.Field` of the input.
        name: path of an `.npy` file, of a `.txt` file with a text per line, or what `load_data`
            takes, such as a folder of images.
        settings: dict as for `load_data`. Defaults to none.

    Returns:
        What the field takes from a user.
    """
    if str(name).endswith(".txt"):
        return pathlib.Path(name).read_text(encoding="utf-8").splitlines()
    loaded = load_data(name, settings or {})
    if isinstance(loaded, dict):
        if field.name not in loaded:
            raise ValueError(
                f"The file has no array for the input '{field.name}'. "
                f"Received: {name} with {list(loaded)}"
            )
        return loaded[field.name]
    return loaded


def import_module(path_or_name):
    """Imports a user's module, so that its models are registered and its classes can be loaded.

    Args:
        path_or_name: path of a Python file, or the name of a module.

    Raises:
        FileNotFoundError: when there is no such file.
        ImportError: when there is no such module.
    """
    if not str(path_or_name).endswith(".py"):
        importlib.import_module(str(path_or_name))
        return
    path = pathlib.Path(path_or_name).resolve()
    if not path.is_file():
        raise FileNotFoundError(
            "There is no such Python file. Expected a file that registers models with "
            f"kgan.zoo.register, or a module's name. Received: --module {path_or_name}"
        )
    # Found again by its name, as by the process that exports on other backends.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    importlib.import_module(path.stem)
