"""Values that variables have while a pure function of the state is traced."""

import contextlib

import keras

running = []  # (variables, scope) of the running turn, innermost last


@contextlib.contextmanager
def scope_of(variables, values):
    """A `StatelessScope` in which each of the variables has its value."""
    with keras.StatelessScope(state_mapping=zip(variables, values)) as scope:
        running.append((variables, scope))
        try:
            yield scope
        finally:
            running.pop()
