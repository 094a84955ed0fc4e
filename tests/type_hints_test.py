"""Every public function and method has hints, and `py.typed` says that they are for others too."""

import importlib.resources
import inspect

import pytest
from docstrings_test import OBJECTS, is_ours


def functions_of(cls):
    """Yields the functions that a class has of kgan, those of its bases and properties too."""
    for owner in cls.__mro__:
        if not is_ours(owner):
            continue
        for name, member in vars(owner).items():
            if name.startswith("_") and name not in ("__init__", "__call__"):
                continue
            if isinstance(member, classmethod | staticmethod):
                member = member.__func__
            if isinstance(member, property):
                member = member.fget
            if inspect.isfunction(member) and is_ours(member):
                yield f"{owner.__module__}.{owner.__qualname__}.{name}", member


def public_functions():
    found = {path: value for path, value in OBJECTS if inspect.isfunction(value)}
    for _, value in OBJECTS:
        if inspect.isclass(value):
            found.update(functions_of(value))
    # An engine's methods are for `fit`, and each engine has its own.
    return sorted((path, f) for path, f in found.items() if ".Engine." not in path)


FUNCTIONS = public_functions()


@pytest.mark.parametrize("function", [f for _, f in FUNCTIONS], ids=[p for p, _ in FUNCTIONS])
def test_signature_has_hints(function):
    signature = inspect.signature(inspect.unwrap(function))
    bare = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty
        and parameter.name not in ("self", "cls")
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    assert bare == []
    assert signature.return_annotation is not signature.empty, "return"


def test_what_is_public_was_found():
    paths = {path for path, _ in FUNCTIONS}
    assert len(paths) > 300
    for path in ("kgan.zoo.load", "kgan.models.gan.GAN.generate", "kgan.networks.dcgan.generator"):
        assert path in paths


def test_checkers_are_told_of_the_hints():
    assert importlib.resources.files("kgan").joinpath("py.typed").is_file()
