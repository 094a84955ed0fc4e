"""Atomic writes of files and folders, hashes, and checks of shipped files."""

import contextlib
import ctypes
import errno
import hashlib
import itertools
import os
import pathlib
import re
import shutil

import psutil

# `.model.4711-0.partial.keras`: written by process 4711, and not finished.
_PARTIAL = re.compile(r"^\..*\.(\d+)(?:-\d+)?\.partial(?:\.|$)")
# A clock that was set, or that of a file server, may say that a file is older than its process.
_CLOCK_SECONDS = 60.0
_CURES = {
    errno.ENOSPC: "Free some space on that disk, or choose another",
    errno.EDQUOT: "Free some space of your quota, or choose another disk",
    errno.ENOENT: "Make its folder first",
}
_numbers = itertools.count()
_in_progress = set()
_cleaned = set()


@contextlib.contextmanager
def atomic_write(path):
    """Atomic write: yields a temporary path to write to, which replaces `path` on success.

    If the process is killed, the write fails or the disk is full, an existing file at `path` is not
    modified. After success, the content is on the disk and not only in the system's memory.

    Args:
        path: path of the file; of a link, what it points to is written. The temporary path has the
            same suffixes, since they tell writers the format.

    Raises:
        OSError: when the file can't be written; it names `path`.
    """
    path = pathlib.Path(os.path.realpath(path))
    ending = "".join(path.suffixes[-2:]) if path.name.endswith(".weights.h5") else path.suffix
    with _partial(path, ending) as partial:
        yield partial
        _flush(partial)
        if path.is_file():
            shutil.copymode(path, partial)
        os.replace(partial, path)


@contextlib.contextmanager
def atomic_folder(path):
    """Atomic write of a folder: yields a new, empty one, which replaces `path` on success.

    As `atomic_write`, for what is several files. Linux exchanges the two folders in one move. Where
    the system can't, a kill between two moves leaves the earlier one beside `path`, as
    `.NAME.earlier`.

    Args:
        path: path of the folder. Its content is replaced as a whole.

    Raises:
        OSError: when the folder can't be written; it names `path`.
    """
    path = pathlib.Path(os.path.realpath(path))
    with _partial(path, "") as partial:
        partial.mkdir()
        yield partial
        for folder, _, names in os.walk(partial):
            for name in names:
                _flush(pathlib.Path(folder, name))
            _flush_folder(folder)
        _replace_folder(partial, path)


@contextlib.contextmanager
def _partial(path, ending):
    """A temporary path beside `path`, which is removed in the end; errors name `path`."""
    stem = path.name.removesuffix(ending)[:50]  # Of the length that names may have, some is ours.
    name = f".{stem}.{os.getpid()}-{next(_numbers)}.partial{ending}"
    partial = path.with_name(name)
    if path.parent not in _cleaned:  # Once, since a folder may hold many files.
        _cleaned.add(path.parent)
        remove_stale_partials(path.parent)
    _in_progress.add(name)
    try:
        yield partial
        _flush_folder(path.parent)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            _remove(partial)
        _in_progress.discard(name)


def _explained(error, path):
    text = (
        f"{error.strerror or error}, so nothing was written, and what was there before is as it "
        f"was. {_CURES.get(error.errno, 'Choose another place')}, and call again. Received: path"
    )
    # With its number, Python chooses the class, such as PermissionError.
    return OSError(error.errno, text, str(path)) if error.errno else OSError(f"{text} {path}")


def _flush(path):
    """Waits until a file is on the disk."""
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_folder(path):
    """Waits until a folder's names are on the disk, where the system can say so."""
    with contextlib.suppress(OSError):  # The files are in place: no reason to call it a failure.
        _flush(path)


def _replace_folder(new, path):
    if _exchange(new, path):
        return
    earlier = path.with_name(f".{path.name}.earlier")
    if path.exists():
        _remove(earlier)
        os.replace(path, earlier)
    os.replace(new, path)
    _remove(earlier)


def _exchange(one, other):
    """Exchanges two paths in one move, which Linux can do; says whether it did."""
    try:
        exchange = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here, swap = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return exchange(here, os.fsencode(one), here, os.fsencode(other), swap) == 0


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_stale_partials(folder):
    """Removes what killed processes left half written in a folder.

    What a living process writes now is left alone. A process that writes its first file to a
    folder calls it.

    Args:
        folder: path of the folder. It need not exist.

    Returns:
        List of the paths that were removed.
    """
    folder = pathlib.Path(folder)
    found = sorted(folder.glob(".*.partial*")) if folder.is_dir() else []
    stale = [path for path in found if _PARTIAL.match(path.name) and not _is_in_progress(path)]
    for path in stale:
        _remove(path)
    return stale


def _is_in_progress(partial):
    owner = int(_PARTIAL.match(partial.name).group(1))
    if owner == os.getpid():  # A container gives its first process the same number each time.
        return partial.name in _in_progress
    try:
        process = psutil.Process(owner)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        # A younger process of that number is another one.
        return process.create_time() <= partial.stat().st_mtime + _CLOCK_SECONDS
    except (psutil.NoSuchProcess, FileNotFoundError):
        return False
    except psutil.AccessDenied:
        return True


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
