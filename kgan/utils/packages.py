"""What kgan says when a package that it needs is not installed."""

import contextlib

# What installs each framework that Keras computes with.
_FRAMEWORKS = {
    "tensorflow": "pip install tensorflow",
    "jax": "pip install 'kgan[jax]'",
    "jaxlib": "pip install 'kgan[jax]'",
    "torch": "pip install 'kgan[torch]'",
}


@contextlib.contextmanager
def explained_imports():
    """Within this context, the import of a missing framework says how to install it.

    Keras imports its backend when it is itself imported, and ends with Python's own words: no
    module named 'jax'. Those don't say that a setting asked for JAX, nor what installs it.

    Raises:
        ModuleNotFoundError: when the framework of the chosen backend is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _FRAMEWORKS:
            raise
        backend = package.removesuffix("lib")
        raise ModuleNotFoundError(
            f"Keras is set to the backend '{backend}', by the environment variable KERAS_BACKEND, "
            f"by its configuration file or by default, and the package {package} is not "
            f"installed. Install it with `{_FRAMEWORKS[package]}`, or set KERAS_BACKEND to another "
            "of tensorflow, jax and torch before Python starts. "
            f"Received: {error}",
            name=error.name,
        ) from error


@contextlib.contextmanager
def needed(package, extra, what):
    """Within this context, the import of a missing optional package says how to install it.

    Args:
        package: string, the package that is imported.
        extra: string, the extra of kgan that installs it.
        what: string, what it is needed for.

    Raises:
        ModuleNotFoundError: when it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        raise ModuleNotFoundError(
            f"{what} needs the package {package}, which is not installed. Install it with "
            f"`pip install 'kgan[{extra}]'`. Received: {error}",
            name=error.name,
        ) from error


def shown(names):
    """What a public module has as its `__dir__`, so that tab completion shows what is for users.

    Args:
        names: list of strings, the module's `__all__`.
    """
    return lambda: sorted([*names, "__all__", "__doc__", "__file__", "__name__"])
