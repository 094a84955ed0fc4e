"""Files that are whole or not there."""

import contextlib
import hashlib
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


def hash_of(path):
    """A file's SHA-256 as a hexadecimal string."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def check_shipped(path, sha256=None, remedy="Install kgan anew."):
    """Refuses a file of trained weights that is missing, or not the one that its card scores.

    Args:
        path: path of the file.
        sha256: string, the hash on its card. Defaults to `None`: any.
        remedy: string, what the error says to do. Defaults to `"Install kgan anew."`.

    Raises:
        ValueError: when the file is missing, or another.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(
            f"A file of trained weights is missing from this installation. {remedy} "
            f"Received: no file {path}"
        )
    if sha256 is not None and (found := hash_of(path)) != sha256:
        raise ValueError(
            f"The weights are not those of their card, so they would not do what it says. {remedy} "
            f"Received: {path} with sha256 {found}, expected {sha256}"
        )
