"""Atomic writes, hashes, and checks of shipped files."""

import contextlib
import hashlib
import os
import pathlib


@contextlib.contextmanager
def atomic_write(path):
    """Atomic write: yields a temporary path to write to, which replaces `path` on success.

    If the process is killed or the write fails, an existing file at `path` is not modified.

    Args:
        path: path of the file. The temporary path has the same suffixes, since they tell writers
            the format.
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


def check_shipped(path, sha256=None, remedy="Reinstall kgan."):
    """Raises if a file of trained weights is missing, or does not match its card.

    Args:
        path: path of the file.
        sha256: string, the hash on its card. Defaults to `None`: not checked.
        remedy: string, how to fix it, for the error message. Defaults to `"Reinstall kgan."`.

    Raises:
        ValueError: when the file is missing, or has another hash.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(
            f"A file of trained weights is missing from this installation. {remedy} "
            f"Received: no file {path}"
        )
    if sha256 is not None and (found := hash_of(path)) != sha256:
        raise ValueError(
            f"The weights file does not match its card, so its scores would not hold. {remedy} "
            f"Received: {path} with sha256 {found}, expected {sha256}"
        )
