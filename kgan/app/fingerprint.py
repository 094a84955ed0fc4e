"""A fingerprint of a run's data, by which a resumed run knows it again."""

import hashlib
import os

import numpy as np

_BLOCK = 2**24  # bytes of an array that are hashed at a time
_SAMPLES = 256  # of data that stays on disk, which are read and hashed


def fingerprint(arrays):
    """What tells data from other data of the same shape: a hash for each array.

    All of what is in memory is hashed, which takes far less time than to read it. Of files that are
    read on demand, the names and sizes of all are, and the content of 256 spread evenly.

    Args:
        arrays: list of arrays, or `kgan.data.LazyArray`.

    Returns:
        A list of strings.
    """
    return [_hash(array).hexdigest()[:32] for array in arrays]


def _hash(array):
    found = hashlib.sha256(f"{array.dtype} {tuple(array.shape)}".encode())
    if not isinstance(array, np.ndarray):
        for path in getattr(array, "paths", None) or getattr(array, "files", ()):
            # Without the folder, which may be moved.
            found.update(f"{os.path.basename(path)} {os.stat(path).st_size}\n".encode())
        places = np.linspace(0, len(array) - 1, min(_SAMPLES, len(array))).round().astype("int64")
        array = np.asarray(array[places])
    if array.dtype.hasobject:
        found.update(repr(array.tolist()).encode())
        return found
    rows = max(1, _BLOCK // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        found.update(np.ascontiguousarray(array[start : start + rows]).data.cast("B"))
    return found
