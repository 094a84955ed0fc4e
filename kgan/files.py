"""Files that are whole or not there."""

import contextlib
import os
import pathlib


@contextlib.contextmanager
def replacing(path):
    """A neighbouring path to write to, which takes the place of `path` once it is whole.

    A process that is killed, or a write that fails half way, leaves a file that was there before
    as it was.

    Args:
        path: path of the file. Its endings are kept, since they tell writers the format.
    """
    path = pathlib.Path(path)
    ending = "".join(path.suffixes[-2:]) if path.name.endswith(".weights.h5") else path.suffix
    stem = path.name.removesuffix(ending)
    partial = path.with_name(f".{stem}.{os.getpid()}.partial{ending}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
