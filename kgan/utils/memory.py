"""How much memory there is, asked before it is taken: a system kills who takes too much."""

import pathlib

import psutil

_GROUP = pathlib.Path("/sys/fs/cgroup")


def available_memory():
    """Bytes that this process may still take: what is free, swap included, within its container."""
    free = psutil.virtual_memory().available + psutil.swap_memory().free
    try:
        limit = int((_GROUP / "memory.max").read_text())  # "max" where there is none
        return max(0, min(free, limit - int((_GROUP / "memory.current").read_text())))
    except (OSError, ValueError):
        return free


def require_memory(needed, what, cure):
    """Raises when something would take more memory than there is, before it does.

    Args:
        needed: integer, bytes.
        what: string that the message begins with, such as `"10 samples"`.
        cure: string, a sentence on how to need less.

    Raises:
        MemoryError: when there is less.
    """
    # So little is there, and asking takes longer than taking it.
    if needed < 2**26:
        return
    available = available_memory()
    if needed > available:
        raise MemoryError(
            f"{what} would need {_in_words(needed)} of memory, and {_in_words(available)} are "
            f"free. {cure}"
        )


def _in_words(size):
    for unit, factor in (("TB", 10**12), ("GB", 10**9)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size / 10**6:.3g} MB"
