"""What the design forbids, looked for in the source text."""

import ast
import pathlib
import re

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
    "kgan/app/shared_options.py": {"tensorflow"},
    "kgan/serving/": {"tensorflow"},
    "kgan/backend/summaries.py": {"tensorflow"},
}
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


def floors():
    """The floors of the table in ARCHITECTURE.md, from the top: a list of lists of rooms."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+ \| ([^|]+) \|", text, flags=re.MULTILINE)
    return [re.findall(r"`([\w/]+)/`", row) for row in rows]


def room_of(path):
    """`kgan/data` of `kgan/data/fields/images.py`, `zoo` of `zoo/dcgan.py`."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "kgan" and len(parts) > 2 else parts[0]


def module_files():
    """A dict of module name -> path in the repository."""
    names = {}
    for path in FILES:
        name = re.sub(r"^zoo(?=/|$)", "kgan/zoo", path).removesuffix(".py").replace("/", ".")
        names[name.removesuffix(".__init__")] = path
    return names


def imported_files(path, modules):
    """Files of kgan that a file imports anywhere, lazily too, outside of docstrings."""
    for node in ast.walk(tree(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            # `from kgan import losses` takes a module, `from kgan.data import check` a name of one.
            names = [
                full if (full := f"{node.module}.{alias.name}") in modules else node.module
                for alias in node.names
            ]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            # `import_module(f"{__name__}.x")` stays in its own room, a user's name is no room.
            names = [a.value for a in node.args if isinstance(a, ast.Constant)]
        for name in names:
            if name in modules:
                yield modules[name], node.lineno


def num_lines(path):
    return len(source(path).splitlines())


def test_files_were_found():
    assert {"kgan/game/model.py", "kgan/backend/jax.py", "zoo/dcgan.py"} <= set(FILES)


@pytest.mark.parametrize("path", FILES)
def test_frameworks_are_imported_by_the_engines_only(path):
    if path.startswith(BACKEND) and path not in LAZY:
        # `jax_functions.py` belongs to the JAX engine.
        allowed = {path.removeprefix(BACKEND).removesuffix(".py").partition("_")[0]}
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
    if path == f"{BACKEND}keras_internals.py":
        limit = 150  # a list, with a function for each private name
    elif path.startswith(BACKEND):
        limit = 125  # "about 120"
    elif path.startswith("zoo/"):
        limit = 140  # options are explained in its docstring
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


def test_every_room_has_a_floor():
    rooms = {room_of(path) for path in FILES} - {"kgan"}
    listed = [room for floor in floors() for room in floor]
    assert sorted(listed) == sorted(rooms)


def test_no_module_lies_loose():
    loose = {path for path in FILES if path.count("/") == 1 and path.startswith("kgan/")}
    assert loose == {"kgan/__init__.py", "kgan/__main__.py"}


def test_no_two_rooms_share_a_name():
    """Files and folders of the library; a zoo file is called as its model, wherever else."""
    names = [pathlib.PurePosixPath(path).stem for path in FILES if path.startswith("kgan/")]
    names = [name for name in names if name not in ("__init__", "__main__")]
    folders = {part for path in FILES for part in path.split("/")[1:-1]}
    names += sorted(folders)
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) != "kgan"])
def test_imports_point_down(path):
    heights = {room: -number for number, floor in enumerate(floors()) for room in floor}
    modules, here = module_files(), room_of(path)
    wrong = []
    for target, line in imported_files(path, modules):
        there = room_of(target)
        if target in ("kgan/__init__.py", "kgan/__main__.py"):
            wrong.append(f"line {line}: the package itself")
        elif there != here and heights[there] >= heights[here]:
            wrong.append(f"line {line}: {target}")
    assert wrong == []


# Where axes are counted, and not to learn what data is: arrays of points, noises, logits and the
# like are checked there as arguments.
COUNTS_AXES = {
    "kgan/game/model.py": "a loss is a scalar",
    "kgan/latent/paths.py": "noises are vectors, labels one or many",
    "kgan/latent/projection.py": "a mean over all axes but the first",
    "kgan/metrics/classes.py": "centres of modes are points",
    "kgan/metrics/coverage.py": "points and labels of the counting",
    "kgan/metrics/extractors.py": "an extractor's own input",
    "kgan/metrics/features.py": "the classifier of digits reads grey images",
    "kgan/metrics/samples.py": "plain numbers become vectors of one",
    "kgan/metrics/two_sample.py": "features or images that the extractor made",
    "kgan/pictures/strips.py": "pictures as arrays",
}
# Parts that work on tensors of any number of axes, and the room that owns what data is.
BELOW = ("kgan/backend/", "kgan/data/", "kgan/drawing/", "kgan/layers/", "kgan/losses/")


@pytest.mark.parametrize(
    "path", [path for path in FILES if not path.startswith(BELOW) and path not in COUNTS_AXES]
)
def test_only_fields_count_axes(path):
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in ("ndim", "is_image", "rank"):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                text = ast.unparse(side)
                if re.fullmatch(r"len\(.*shape(\[.*\])?\)|(np|ops)\.ndim\(.*\)", text):
                    found.append(f"line {node.lineno}: {text}")
    assert found == []


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("kgan/")])
def test_nobody_asks_for_a_family(path):
    """Callbacks, exports, pictures and the command line read the tables of a model."""
    families = {"GAN", "ConditionalGAN", "AuxiliaryClassifierGAN", "InfoGAN"}
    families |= {"PairedTranslator", "UnpairedTranslator"}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
            assert not families & set(re.findall(r"\w+", ast.unparse(node.args[1]))), node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "hasattr":
            # Of layers, penalties and networks that a user brings, an attribute may be missing.
            assert ast.unparse(node.args[0]) not in ("model", "self.model"), node.lineno
