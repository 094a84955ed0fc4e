"""What all turns of a step share, see `AdversarialModel.draw_shared`, and what devices share."""

import contextlib
import threading

_current = threading.local()  # replicas of one model run in threads of their own


@contextlib.contextmanager
def sharing(drawn):
    """A context in which `shared()` is what was drawn."""
    before = shared()
    _current.drawn = drawn
    try:
        yield
    finally:
        _current.drawn = before


def shared():
    """What the turns of the running step share, or `None`."""
    return getattr(_current, "drawn", None)


def left_whole(batch):
    """A batch that a step drew, where each device runs a step of its own: see `jax_functions`."""
    return batch
