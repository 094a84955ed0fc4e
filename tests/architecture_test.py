"""What the design forbids, looked for in the source text."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("kgan", "zoo")
    for path in (ROOT / folder).rglob("*.py")
)
BACKEND = "kgan/backend/"
FRAMEWORKS = {"tensorflow", "jax", "torch", "tf_keras", "flax", "optax"}

# Files that import a framework inside a function, to read data or to write files, not to compute.
# A path that ends in / stands for its folder.
LAZY = {
    "kgan/data/": {"tensorflow", "torch"},
    "kgan/serving/export.py": {"tensorflow"},
    "kgan/app/commands.py": {"tensorflow"},
    "kgan/serving/": {"tensorflow"},
    "kgan/backend/summaries.py": {"tensorflow"},
}
# The command line stands on both the library and the zoo.
ABOVE_THE_ZOO = {"kgan/__main__.py", "kgan/app/cli.py", "kgan/app/runs.py", "kgan/app/commands.py"}
# What only an engine says. `apply` is looked for on anything that is called an optimizer.
ENGINE_NAMES = {
    "GradientTape",
    "train_step",
    "test_step",
    "apply_gradients",
    "stateless_apply",
    "StatelessScope",
    "value_and_grad",
    "no_grad",
    "backward",
}


def source(path):
    return (ROOT / path).read_text(encoding="utf-8")


def tree(path):
    return ast.parse(source(path))


def imports(node, in_function=False):
    """Yields (framework, whether inside a function, line) of each import."""
    for child in ast.iter_child_nodes(node):
        names = []
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom) and child.level == 0:
            names = [child.module]
        for name in names:
            if name.split(".")[0] in FRAMEWORKS:
                yield name.split(".")[0], in_function, child.lineno
        inside = in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from imports(child, inside)


def num_lines(path):
    return len(source(path).splitlines())


def test_files_were_found():
    assert {"kgan/game/model.py", "kgan/backend/jax.py", "zoo/dcgan.py"} <= set(FILES)


@pytest.mark.parametrize("path", FILES)
def test_frameworks_are_imported_by_the_engines_only(path):
    if path.startswith(BACKEND) and path not in LAZY:
        allowed = {path.removeprefix(BACKEND).removesuffix(".py")}
        assert {name for name, _, _ in imports(tree(path))} <= allowed
        return
    places = [
        place for place in LAZY if path == place or path.startswith(place) and place[-1] == "/"
    ]
    allowed = set().union(*(LAZY[place] for place in places))
    wrong = [
        f"line {line}: {name}" + (" in a function" if in_function else " at module level")
        for name, in_function, line in imports(tree(path))
        if not in_function or name not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("path", [path for path in FILES if not path.startswith(BACKEND)])
def test_only_engines_step(path):
    wrong = []
    for node in ast.walk(tree(path)):
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        name = node.name if isinstance(node, ast.FunctionDef) else name
        if name in ENGINE_NAMES:
            wrong.append(f"line {node.lineno}: {name}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if node.func.attr == "apply" and "optimizer" in owner:
                wrong.append(f"line {node.lineno}: {owner}.apply")
        if isinstance(node, ast.Assign):
            targets = [t.attr for t in node.targets if isinstance(t, ast.Attribute)]
            if "trainable" in targets:
                wrong.append(f"line {node.lineno}: trainable is switched")
    assert wrong == []


@pytest.mark.parametrize("path", FILES)
def test_library_raises_and_does_not_assert(path):
    assert [n.lineno for n in ast.walk(tree(path)) if isinstance(n, ast.Assert)] == []


@pytest.mark.parametrize("path", FILES)
def test_loading_runs_no_foreign_code(path):
    called = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }
    assert not called & {"eval", "exec", "Lambda", "enable_unsafe_deserialization"}
    assert "pickle" not in source(path)


@pytest.mark.parametrize("path", FILES)
def test_file_is_short(path):
    limit = 450  # "about 400"
    if path.startswith(BACKEND):
        limit = 125  # "about 120"
    elif path.startswith("zoo/"):
        limit = 120
    assert num_lines(path) <= limit


@pytest.mark.parametrize("path", [p for p in FILES if p.startswith("zoo/")])
def test_zoo_file_holds_a_model_only(path):
    for node in ast.walk(tree(path)):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module]
        for module in modules:
            assert module.split(".")[0] not in {"argparse", "logging", "typer"}
            assert not module.startswith(("kgan.backend", "kgan.data.sources"))
        if isinstance(node, ast.FunctionDef):
            assert node.name != "get_config"


def test_library_does_not_depend_on_the_zoo():
    for path in FILES:
        if path.startswith("zoo/") or path in ABOVE_THE_ZOO:
            continue
        for node in tree(path).body:
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""] + [f"{node.module}.{a.name}" for a in node.names]
            assert not any(m == "kgan.zoo" or m.startswith("kgan.zoo.") for m in modules), path
            above = {place.removesuffix(".py").replace("/", ".") for place in ABOVE_THE_ZOO}
            assert not above & set(modules), path


def test_every_package_is_in_the_wheel():
    listed = source("setup.cfg").split("packages =\n")[1].split("\ninstall_requires")[0]
    for folder in {pathlib.PurePosixPath(path).parent.as_posix() for path in FILES}:
        package = "kgan.zoo" if folder == "zoo" else folder.replace("/", ".")
        assert f"    {package}\n" in listed


def test_engines_have_the_same_names():
    def names(path):
        module = tree(path)
        engine = next(node for node in module.body if isinstance(node, ast.ClassDef))
        functions = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
        methods = {node.name for node in engine.body if isinstance(node, ast.FunctionDef)}
        return {n for n in functions | methods if not n.startswith("_")}

    first, *others = [names(f"{BACKEND}{name}.py") for name in ("tensorflow", "jax", "torch")]
    assert {"train_step", "test_step", "input_gradient"} <= first
    assert all(other == first for other in others)
