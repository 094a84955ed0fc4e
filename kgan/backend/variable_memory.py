"""A look at the memory before a model's variables take it."""

import contextlib
import math

import keras

from kgan.utils.memory import require_memory

# The random numbers, their scaled copy and the variable are there at once.
_COPIES = 3


@contextlib.contextmanager
def checked_variables(what, cure):
    """Within this context, a Keras variable that the memory has no room for is an error.

    Without it, the system may end the process in the middle of a model that is too large.

    Args:
        what: string that the message begins with, such as `"The model"`.
        cure: string, a sentence on how to need less.

    Raises:
        MemoryError: when there is too little memory for all variables made here.
    """
    create, taken = keras.Variable.__init__, 0

    def checked(self, initializer, shape=None, dtype=None, *arguments, **named):
        nonlocal taken
        if callable(initializer) and shape is not None:
            size = 4 * math.prod(int(side) for side in shape)
            # What was taken before may not be touched yet, and so still counts as free.
            require_memory(taken + _COPIES * size if size > 2**20 else taken + size, what, cure)
            taken += size
        create(self, initializer, shape, dtype, *arguments, **named)

    keras.Variable.__init__ = checked
    try:
        yield
    finally:
        keras.Variable.__init__ = create
