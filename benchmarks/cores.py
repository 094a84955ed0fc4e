"""Which core a process of a benchmark has."""

import os


def bind_to_core():
    """Binds this process to the last of its cores.

    Call it before a framework is imported, which counts the cores then.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
