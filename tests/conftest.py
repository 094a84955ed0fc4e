"""What every test shares."""

import os
import pathlib

# Keras and TensorFlow read these when they are imported, so they come first.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402
import pytest  # noqa: E402

pytest.register_assert_rewrite("standard")

# One model for each kind of game: from noise, with labels, many moves of one player, translation.
GAMES = ("dcgan", "conditional", "wgan_gp", "pix2pix")
# What `make quick` leaves to the second tier of `make test`, where nothing is left out: what drives
# kgan from outside or tests one option after another, and takes most of the time.
LATER = (
    "app/",
    "callbacks/",
    "catalog/weights_test.py",
    "distribution/",
    "docstrings_test.py",
    "game/evaluation_test.py",
    "packaging_test.py",
    "report/",
)
# What computes on the host, or drives kgan from outside: TensorFlow proves it, and PyTorch in
# `make slow`. JAX, which compiles each operation by itself here, would take a quarter of an hour.
ON_THE_HOST = (
    "app/",
    "callbacks/",
    "catalog/weights_test.py",
    "docstrings_test.py",
    "game/evaluation_test.py",
    "metrics/",
    "pictures/",
    "report/",
)
# What JAX is asked in `make slow` only, for the same reason.
LONG_ON_JAX = (
    "data/",
    "game/guard_test.py",
    "game/position_test.py",
    "models/conditional_test.py",
    "models/conditions_test.py",
    "models/gan_options_test.py",
    "models/information_test.py",
    "models/paired_test.py",
    "models/shared_latent_test.py",
    "models/sngan_test.py",
    "models/speech_enhancement_test.py",
    "models/unpaired_test.py",
    "networks/",
    "serving/",
)


STANDARD = ("zoo_test.py", "stranger_test.py")


def pytest_generate_tests(metafunc):
    """Runs the standard test for each of a file's NAMES."""
    names = getattr(metafunc.module, "NAMES", None)
    if names is None or metafunc.function.__module__ != "standard":
        return
    if {"name", "option"} <= set(metafunc.fixturenames):
        from kgan.catalog.registry import options_of

        pairs = [(name, option) for name in names for option in options_of(name)]
        metafunc.parametrize("name, option", pairs)
    elif "name" in metafunc.fixturenames:
        metafunc.parametrize("name", names)
    for fixture in ("paper", "plain"):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, names, indirect=True, scope="module")


def pytest_collection_modifyitems(items):
    """Says what is slow, and keeps together what shares what is costly.

    Pytest-xdist gives a file's tests to one of its workers, and in the standard test those of one
    model.
    """
    folder, backend = pathlib.Path(__file__).parent, keras.config.backend()
    for item in items:
        chosen = item.callspec.params if hasattr(item, "callspec") else {}
        model = next((chosen[key] for key in ("name", "paper", "plain") if key in chosen), "")
        path = item.path.relative_to(folder).as_posix() if folder in item.path.parents else ""
        is_standard = path in STANDARD
        # The first tier takes one model of each kind of game, and all that is tested of a game's
        # class for the first of them.
        first = GAMES[:1] if item.get_closest_marker("of_the_game") else GAMES
        if path.startswith(LATER) or model and is_standard and model not in first:
            item.add_marker("later")
        marks = []
        if item.get_closest_marker("of_the_game") and model not in GAMES:
            marks = ["slow"]
            if backend == "jax":
                # It needs no engine, or one that a model of GAMES drives as well: the other two
                # backends take every model, and JAX would compile for ten minutes.
                item.own_markers = [m for m in item.own_markers if m.name != "every_backend"]
        if backend != "tensorflow" and path.startswith(ON_THE_HOST):
            marks = ["slow", "every_backend"] if backend == "torch" else ["slow"]
        is_long = path.startswith(LONG_ON_JAX) or is_standard and model in ("cyclegan", "unit")
        if backend == "jax" and is_long and "stored_ones" not in item.name:
            marks = ["slow", "every_backend"]
        for mark in marks:
            item.add_marker(mark)
        item.add_marker(pytest.mark.xdist_group(f"{path} {model if is_standard else ''}"))


@pytest.fixture(autouse=True)
def same_start():
    """Starts every test from one seed, and takes back a dtype policy that it set."""
    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture(scope="session")
def data_folder():
    """The folder of real data: `KGAN_DATA`, else `../shared/data` beside the repository."""
    named = os.environ.get("KGAN_DATA")
    beside = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = pathlib.Path(named).resolve() if named else beside
    if not folder.is_dir():
        pytest.skip(f"no real data: KGAN_DATA is {named!r} and {folder} is not a folder")
    return folder
