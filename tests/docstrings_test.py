"""Every public name is documented, and every example runs as it stands."""

import inspect
import re
import sys
import textwrap
import types

import keras
import pytest

import kgan
from kgan.catalog.registry import builder_of

SPACES = ["kgan", "kgan.zoo"] + [
    f"kgan.{name}"
    for name in kgan.__all__
    if isinstance(getattr(kgan, name), types.ModuleType) and name != "zoo"
]


def module_of(space):
    return kgan if space == "kgan" else getattr(kgan, space.removeprefix("kgan."))


EXAMPLE = re.compile(r"^( *)```python\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def is_ours(value):
    return getattr(value, "__module__", "").startswith("kgan")


def public_objects():
    """Yields (path, object): functions, classes, and their own public methods."""
    found = {}
    for space in SPACES:
        module = module_of(space)
        for name in getattr(module, "__all__", None) or dir(module):
            value = getattr(module, name)
            if name.startswith("_"):
                continue
            if isinstance(value, types.ModuleType):
                # Networks are modules of builders.
                if space != "kgan" and value.__name__.startswith(module.__name__):
                    for part, builder in vars(value).items():
                        if inspect.isfunction(builder) and builder.__module__ == value.__name__:
                            if not part.startswith("_"):
                                found.setdefault(id(builder), (f"{space}.{name}.{part}", builder))
            elif is_ours(value):
                found.setdefault(id(value), (f"{space}.{name}", value))
    for name in kgan.zoo.list_models():
        found.setdefault(id(builder_of(name)), (f"the model {name}", builder_of(name)))
    return sorted(found.values(), key=lambda entry: entry[0])


OBJECTS = public_objects()
METHODS = sorted(
    {
        f"{value.__module__}.{value.__qualname__}.{name}": method
        for _, value in OBJECTS
        if inspect.isclass(value)
        for cls in value.__mro__
        if is_ours(cls)
        for name, method in vars(cls).items()
        if not name.startswith("_") and inspect.isfunction(method)
    }.items()
)


def parameters_of(value):
    callee = value.__init__ if inspect.isclass(value) else value
    return [
        parameter.name
        for parameter in inspect.signature(callee).parameters.values()
        if parameter.name != "self"
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]


def section(text, title):
    """The indented lines below a title."""
    match = re.search(rf"^{title}\n((?:[ ]+.*\n|\n)*)", text + "\n", re.MULTILINE)
    return match.group(1) if match else ""


def examples(text):
    return [textwrap.dedent(code) for _, code in EXAMPLE.findall(text)]


def test_public_names_exist():
    paths = [path for path, _ in OBJECTS]
    assert len(OBJECTS) > 30
    for path in ("kgan.GAN", "kgan.losses.Hinge", "kgan.networks.dcgan.generator", "kgan.zoo.load"):
        assert path in paths


@pytest.mark.parametrize("space", SPACES)
def test_public_names_are_what_all_says(space):
    module = module_of(space)
    assert module.__doc__
    for name in getattr(module, "__all__", ()):
        assert hasattr(module, name)


@pytest.mark.parametrize("value", [v for _, v in OBJECTS], ids=[p for p, _ in OBJECTS])
def test_docstring_is_whole(value):
    text = inspect.getdoc(value) or ""
    first, _, rest = text.partition("\n")
    assert first.endswith((".", "?")), "the first line is one sentence"
    assert not rest or rest.startswith("\n"), "the first line stands alone"
    parameters = parameters_of(value)
    if parameters:
        arguments = section(text, "Args:")
        for parameter in parameters:
            assert re.search(rf"^ +{parameter}: ", arguments, re.MULTILINE), f"Args: {parameter}"
    if not inspect.isclass(value) and "return " in inspect.getsource(value):
        assert section(text, "Returns:") or first.startswith("Return"), "Returns"
    assert examples(text), "an example in a ```python block"


@pytest.mark.parametrize("value", [m for _, m in METHODS], ids=[p for p, _ in METHODS])
def test_method_says_what_it_does(value):
    first = (inspect.getdoc(value) or "").partition("\n")[0]
    assert first.endswith(".")


def run(code, name, monkeypatch, tmp_path):
    """Runs an example in a folder of its own, as a module of its own."""
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", module)
    exec(compile(code, f"<example of {name}>", "exec"), vars(module))


# Image translators take longest to compile.
LONG = (
    "kgan.PairedTranslator",
    "kgan.SharedLatentTranslator",
    "kgan.UnpairedTranslator",
    "the model cyclegan",
    "the model unit",
)


@pytest.mark.parametrize(
    "value",
    [pytest.param(v, marks=[pytest.mark.slow] * (p in LONG), id=p) for p, v in OBJECTS],
)
def test_example_runs(value, monkeypatch, tmp_path):
    # An example may register a model or a class: both are forgotten afterwards.
    monkeypatch.setattr(kgan.catalog.registry, "_builders", dict(kgan.catalog.registry._builders))
    with keras.saving.custom_object_scope({}):
        for code in examples(inspect.getdoc(value)):
            run(code, value.__name__, monkeypatch, tmp_path)


METHOD_EXAMPLES = [
    (path, code) for path, method in METHODS for code in examples(inspect.getdoc(method) or "")
]


@pytest.mark.parametrize(
    "code", [c for _, c in METHOD_EXAMPLES], ids=[p for p, _ in METHOD_EXAMPLES]
)
def test_example_of_method_runs(code, monkeypatch, tmp_path):
    run(code, "a method", monkeypatch, tmp_path)
