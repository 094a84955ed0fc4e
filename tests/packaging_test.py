"""What is installed, what `import kgan` loads, and what it says when a package is missing."""

import ast
import configparser
import importlib.metadata
import importlib.util
import inspect
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
import venv
import zipfile

import keras
import pytest

import kgan

ROOT = pathlib.Path(__file__).resolve().parents[1]
BACKENDS = ("tensorflow", "jax", "torch")
# What kgan needs for one thing or another, but not to build and train a model.
LAZY = {
    "PIL",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "scipy",
    "sklearn",
    "tensorboard",
    "tensorflow_datasets",
    "tf2onnx",
    "typer",
}
# Hides packages from Python as if they were not installed.
HIDE = """
import sys

class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            return None
        return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
"""

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="each test chooses the backend of its process"
)


def python(code, *arguments, backend="tensorflow", hidden=(), **options):
    """Runs code in a process of its own, in which some packages are not installed."""
    if hidden:
        code = f"HIDDEN = {set(hidden)!r}\n{HIDE}\n{code}"
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        **options,
    )


def needs(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")


# The version


def test_the_version_stands_once():
    named = re.compile(r"""version\w*["']?\s*[:=]\s*["']?v?\d+\.\d+\.\d+""")
    files = [ROOT / name for name in ("setup.cfg", "pyproject.toml", "Makefile")]
    files += [path for folder in ("kgan", "zoo") for path in (ROOT / folder).rglob("*.py")]
    places = [path.name for path in files for _ in named.finditer(path.read_text())]
    assert places == ["setup.cfg"]


def test_the_version_is_that_of_setup_cfg():
    stated = re.search(r"^version = (\S+)$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)[1]
    hint = "install again, as `make test` does: pip install -e ."
    assert kgan.__version__ == importlib.metadata.version("kgan") == stated, hint


# Imports


def loaded(code, backend):
    result = python(
        f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))", backend=backend
    )
    assert result.returncode == 0, result.stderr
    return {name.partition(".")[0] for name in json.loads(result.stdout.splitlines()[-1])}


# TensorFlow's in the quick tier: kgan's imports are the same on all, and each costs two processes.
@pytest.mark.parametrize(
    "backend", [pytest.param(b, marks=[pytest.mark.slow] * (b != "tensorflow")) for b in BACKENDS]
)
def test_import_loads_nothing_that_keras_does_not(backend):
    needs(backend)
    theirs = loaded("import keras", backend)
    code = "import kgan\nkgan.zoo.load('vanilla', like=(2,))"
    assert (loaded(code, backend) - theirs) & LAZY == set()


def test_a_model_trains_where_none_of_the_lazy_packages_is_installed():
    # Keras loads some of them where it finds them, which would hide that kgan does.
    code = """
        import kgan

        model = kgan.zoo.load("vanilla", like=(2,))
        model.fit(kgan.data.ring(64, seed=0), verbose=0)
        print(model.generate(3).shape)
    """
    result = python(textwrap.dedent(code), hidden=LAZY)
    assert result.stdout == "(3, 2)\n", result.stderr


def test_help_loads_the_command_line_only():
    code = """
        import sys

        sys.argv[:] = ["kgan", "--help"]
        from kgan.app.cli import main

        try:
            main()
        finally:
            print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
    """
    result = python(textwrap.dedent(code))
    assert result.returncode == 0 and "Usage: kgan" in result.stdout
    names = set(result.stdout.partition("LOADED")[2].split())
    assert names & {*LAZY, *BACKENDS, "keras", "numpy"} == {"typer"}


# Packages that are missing


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_need_no_tensorflow(backend, tmp_path):
    needs(backend)
    code = """
        import keras
        import kgan

        model = kgan.zoo.load("vanilla", like=(2,), generator_units=(8,))
        model.fit(kgan.data.ring(64, seed=0), verbose=0)
        model.save("model.keras")
        print(keras.saving.load_model("model.keras").generate(3).shape)
    """
    hidden = {"tensorflow"}
    result = python(textwrap.dedent(code), backend=backend, hidden=hidden, cwd=tmp_path)
    assert result.stdout == "(3, 2)\n", result.stderr


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("tensorflow", "pip install tensorflow"),
        ("jax", "pip install 'kgan[jax]'"),
        ("torch", "pip install 'kgan[torch]'"),
    ],
)
def test_a_missing_backend_is_explained(backend, words):
    code = """
        import sys

        try:
            import kgan
        except ModuleNotFoundError as error:
            print("kgan:", error)
        sys.argv[:] = ["kgan", "list"]
        from kgan.app.cli import main

        main()
    """
    result = python(textwrap.dedent(code), backend=backend, hidden={backend, "jaxlib"})
    message = f"Keras is set to the backend '{backend}', "
    assert result.returncode == 1
    assert re.fullmatch(rf"kgan: {message}[^\n]+\n", result.stdout)
    assert re.fullmatch(rf"Error: {message}[^\n]+\n", result.stderr)
    for text in (result.stdout, result.stderr):
        assert words in text and f"Received: No module named '{backend}'" in text


def test_another_missing_package_keeps_its_own_words():
    result = python("import kgan", hidden={"numpy"})
    assert result.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'numpy'"


# What is installed


def test_every_import_is_declared():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]
    # What users choose; only developers have the rest.
    chosen = [extras[name] for name in extras if name != "dev"]
    required = "".join([setup["options"]["install_requires"], *chosen])
    declared = {m[1] for m in re.finditer(r"^([\w-]+)", required, re.MULTILINE)}
    distributions = importlib.metadata.packages_distributions()
    for folder in ("kgan", "zoo"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                modules = []
                if isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    modules = [node.module]
                for name in {module.partition(".")[0] for module in modules}:
                    if name == "kgan" or name in sys.stdlib_module_names:
                        continue
                    # PIL is in Pillow. What is not installed here, such as torch, has its own name.
                    names = {d.lower() for d in distributions.get(name, [name])}
                    assert names & declared, f"{path}: setup.cfg does not name {name}"


def files_of_packages():
    """What the wheel should hold, by its path there: all that lies in kgan/ and zoo/."""
    for folder, package in (("kgan", "kgan"), ("zoo", "kgan/zoo")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{package}/{path.relative_to(ROOT / folder).as_posix()}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy: a build in the checkout would leave files there."""
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("kgan", "zoo"):
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", "."]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.mark.slow
def test_wheel_holds_every_file(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == set(files_of_packages())
    assert {"kgan/py.typed", "kgan/report/page.html", "kgan/zoo/weights/dcgan_mnist.npz"} <= held
    # There is no top-level package named zoo.
    assert not [name for name in held if not name.startswith("kgan/")]


@pytest.mark.slow
def test_wheel_works_in_an_environment_of_its_own(wheel, tmp_path):
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    binaries = folder / "bin"
    # Its own packages come first. From here it gets the dependencies, and not the checkout: a line
    # in a .pth file adds a folder, and reads none of the .pth files there.
    (packages,) = (folder / "lib").glob("python*/site-packages")
    shared = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "dependencies.pth").write_text("\n".join(shared) + "\n")
    install = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    pip = [sys.executable, "-m", "pip", "--python", str(binaries / "python")]
    subprocess.run([*pip, *install], check=True)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTHONPATH", None)

    def run(*command):
        options = {"cwd": elsewhere, "env": environment, "capture_output": True, "text": True}
        result = subprocess.run([binaries / command[0], *command[1:]], **options)
        assert result.returncode == 0, result.stderr
        return result.stdout

    code = """
        import importlib.util
        import kgan

        print(kgan.__file__)
        print(kgan.zoo.load("dcgan", weights="mnist").generate(4).shape)
        print(importlib.util.find_spec("zoo"))
    """
    imported, shape, top_level = run("python", "-c", textwrap.dedent(code)).splitlines()
    assert pathlib.Path(imported).resolve().is_relative_to(packages.resolve())
    assert (shape, top_level) == ("(4, 28, 28, 1)", "None")
    assert run("kgan", "--version") == f"kgan {kgan.__version__}\n"
    # Other tests may have registered models of their own in this process.
    num_models = len(list((ROOT / "zoo").glob("[a-z]*.py")))
    assert run("kgan", "list").count("\n") == 1 + num_models


PUBLIC = ["", *[name for name in kgan.__all__ if inspect.ismodule(getattr(kgan, name))]]


@pytest.mark.parametrize("name", PUBLIC, ids=lambda name: name or "kgan")
def test_tab_completion_shows_what_is_for_users(name):
    module = getattr(kgan, name) if name else kgan
    shown = [word for word in dir(module) if not word.startswith("_")]
    assert shown == sorted(module.__all__) and shown
    for word in shown:
        value = getattr(module, word)
        # A module that is public, or something that kgan itself defines.
        home = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", "kgan")
        assert home.partition(".")[0] == "kgan", word
