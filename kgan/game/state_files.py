"""What a file of saved state holds, read before a model takes it and before it replaces another."""

import contextlib
import io
import json
import pathlib
import types
import zipfile

import h5py
import numpy as np

from kgan.backend import keras_internals

# Of the model itself: what made it, so that a file knows the options of its networks.
BUILT_WITH = "built_with"
_MEMBER = "model.weights.h5"
_KINDS = {
    b"": "it is empty",
    b"\x89HDF\r\n\x1a\n": "it is an HDF5 file, such as save_weights writes",
    b"PK\x03\x04": "it is a zip archive, such as a .keras, .npz or PyTorch file",
    b"\x80": "it holds Python objects, which could run code and are not read",
    b"\x93NUMPY": "it is a file of numpy.save",
}


@contextlib.contextmanager
def opened(path):
    """Opens the state in a `.keras` or `.weights.h5` file for reading.

    Args:
        path: path of the file.

    Yields:
        An `h5py.File`.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, or something else; it says what.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            "There is no such file of weights. Expected one that model.save or model.save_weights "
            f"wrote. Received: {path}"
        )
    try:
        with contextlib.ExitStack() as stack:
            source = path
            if path.name.endswith(".keras"):
                archive = stack.enter_context(zipfile.ZipFile(path))
                member = archive.getinfo(_MEMBER)
                source = stack.enter_context(archive.open(member))
                # Keras compresses nothing; what is larger than its file is read bit by bit.
                if member.file_size <= path.stat().st_size:
                    source = io.BytesIO(source.read())
            yield stack.enter_context(h5py.File(source, "r"))
    except (OSError, RuntimeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"The file {path.name} can't be read: {_kind_of(path)}. Expected a whole file that "
            "model.save (.keras) or model.save_weights (.weights.h5) wrote. Take another copy, or "
            f"save again. Received: {path} ({' '.join(str(error).split())})"
        ) from error


def _kind_of(path):
    with path.open("rb") as file:
        head = file.read(8)
    own = b"PK\x03\x04" if path.name.endswith(".keras") else b"\x89HDF\r\n\x1a\n"
    if head.startswith(own):
        return "it is truncated or damaged, as after a copy or download that did not finish"
    for start, kind in _KINDS.items():
        if head.startswith(start) if start else not head:
            return kind
    return "it is of no format that Keras writes"


def arrays_in(file):
    """The arrays in a file of state.

    Args:
        file: `h5py.File`.

    Returns:
        A dict of path in the file -> `h5py.Dataset`. Links to elsewhere are not followed.
    """
    found = {}
    file.visititems(lambda name, entry: found.update({name: entry}) if _is_array(entry) else None)
    return found


def _is_array(entry):
    return isinstance(entry, h5py.Dataset) and not entry.external and not entry.is_virtual


def built_with(file):
    """The builder and the options of the model that saved a file, where it knew them.

    Args:
        file: `h5py.File`.

    Returns:
        A mapping of `model` and `options`, or `None`.
    """
    entry = file.get(f"vars/{BUILT_WITH}")
    if entry is None or not _is_array(entry) or entry.size > 2**20:
        return None
    return decoded(np.array(entry))


def encoded(built_with):
    """What a model was built with, as an array that fits into a file of weights."""
    return np.frombuffer(json.dumps(dict(built_with)).encode(), "uint8")


def decoded(array):
    """The inverse of `encoded`; `None` for something else."""
    try:
        content = json.loads(array.astype("uint8").tobytes())
        # Read-only, which Keras does not track: it would look for weights in it.
        return types.MappingProxyType(
            {"model": str(content["model"]), "options": dict(content["options"])}
        )
    except (ValueError, TypeError, KeyError):
        return None


def check_finite(arrays, what, cure):
    """Raises where an array holds NaN or infinity.

    Args:
        arrays: dict of path in the file -> `h5py.Dataset`.
        what: string, what was to happen, for the message.
        cure: string, how to go on, for the message.

    Raises:
        ValueError: it names the network, or the optimizer, and the arrays.
    """
    broken = [path for path, array in arrays.items() if not _is_finite(array)]
    if broken:
        names = ", ".join(dict.fromkeys(f"'{path.partition('/')[0]}'" for path in broken))
        raise ValueError(
            f"{what}: weights of {names} are NaN or infinite, so the model makes nothing. {cure} "
            f"Received: {len(broken)} such arrays of {len(arrays)}, the first {broken[0]}"
        )


def _is_finite(array):
    values = np.array(array)
    if array.attrs.get("dtype") == "bfloat16":  # NumPy knows the bits only: the exponent says it.
        return not ((values.view("uint16") & 0x7F80) == 0x7F80).any()
    return values.dtype.kind not in "fc" or bool(np.isfinite(values).all())


def differences(file, model):
    """What keeps a file's state from being a model's.

    Args:
        file: `h5py.File`.
        model: a `kgan.AdversarialModel`.

    Returns:
        A triple: a list of lines on the networks, one on the optimizers, and the dict of those
        arrays that fit.
    """
    found, networks, optimizers, fitting = arrays_in(file), [], [], {}
    with h5py.File(keras_internals.state_of(model), "r") as own:
        for path, array in arrays_in(own).items():
            there = found.get(path)
            if there is not None and there.shape == array.shape:
                fitting[path] = there
            elif not path.startswith("vars/"):
                place = "nothing" if there is None else there.shape
                line = f"{path} is {array.shape} in the model and {place} in the file"
                (optimizers if path.startswith("optimizer/") else networks).append(line)
    return networks, optimizers, fitting
