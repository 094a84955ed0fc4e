"""The lock of a run's folder: one process trains in it at a time."""

import contextlib
import datetime
import errno
import json
import os
import pathlib
import socket

import psutil

from kgan.utils.files import atomic_write, remove_stale_partials

_LOCK, _OWNER = ".lock", ".lock-owner.json"
# In its place on a file system without locks, as some that are mounted over a network, and what
# those answer.
_SOFT_LOCK = ".lock-file"
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@contextlib.contextmanager
def locked(folder):
    """Within this context, no other process, and no other thread, trains in the folder.

    The system's own lock is held, which ends with the process that holds it, even by a kill. A file
    system that has none gets a file with the owner's host and number in its place. The folder is
    made when missing, and removed again when nothing came into it. What killed processes left half
    written is removed.

    Args:
        folder: path of the run's folder.

    Raises:
        BlockingIOError: when another one trains in the folder; it says who, and since when.
        OSError: when the folder can't be made or written.
    """
    import filelock

    folder = pathlib.Path(folder)
    made = _make(folder)
    lock = _acquired(folder, filelock)
    try:
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
        with atomic_write(folder / _OWNER) as partial:
            partial.write_text(json.dumps(owner) + "\n")
        for place in (folder, folder / "samples"):
            remove_stale_partials(place)
        yield
    finally:
        # While it is held: who waits for it sees that its file has gone, and makes another.
        for name in (_OWNER, _LOCK):
            with contextlib.suppress(OSError):
                (folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            lock.release()
        with contextlib.suppress(OSError):  # Not empty, which is what is hoped for.
            for path in made:
                path.rmdir()


def _make(folder):
    """Makes the folder, and returns what was made, innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    if not missing and not folder.is_dir():
        raise NotADirectoryError(
            "A run needs a folder, and there is a file of that name. Choose another with --out. "
            f"Received: {folder}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return missing


def _acquired(folder, filelock):
    lock = filelock.FileLock(folder / _LOCK, timeout=0)
    try:
        try:
            lock.acquire()
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                raise
            lock = filelock.SoftFileLock(folder / _SOFT_LOCK, timeout=0)
            lock.acquire()
    except filelock.Timeout:
        raise _taken(folder) from None
    except OSError as error:
        raise _unwritable(folder, error) from error
    return lock


def _unwritable(folder, error):
    text = (
        "A run's folder must be writable, to be locked and to be trained in "
        f"({error.strerror or error}). Choose another with --out, or mend it. Received: path"
    )
    return OSError(error.errno, text, str(folder))


def _taken(folder):
    try:
        owner = json.loads((folder / _OWNER).read_text())
        pid, host, since = owner["pid"], owner["host"], owner["since"]
        here = host == socket.gethostname()
        if here and not psutil.pid_exists(pid):
            raise ValueError("what an earlier owner left")
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"  # It has not written its name yet.
    else:
        who = f"process {pid} on {'this computer' if here else host}, since {since}"
        if here and pid == os.getpid():
            who = f"this process itself, in another thread, since {since}"
    return BlockingIOError(
        f"Another training runs in this folder: {who}. Wait for its end or stop it, and the same "
        "command then resumes the run; or choose a new folder with --out. `kgan report`, "
        f"`generate` and `export` work meanwhile. Received: {folder}"
    )


def _now():
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")
