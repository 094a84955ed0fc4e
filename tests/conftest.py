"""What every test shares."""

import os
import pathlib

# Keras and TensorFlow read these when they are imported, so they come first.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402
import pytest  # noqa: E402

# One model for each kind of game: from noise, with labels, many moves of one player, translation.
GAMES = ("dcgan", "conditional", "wgan_gp", "pix2pix")
# What computes on the host, or drives kgan from outside: `make test` proves it on TensorFlow, and
# `make slow` repeats it on JAX and PyTorch.
ON_THE_HOST = (
    "callbacks/health_test.py",
    "callbacks/pictures_test.py",
    "callbacks/translation_strips_test.py",
    "cli_test.py",
    "docstrings_test.py",
    "measuring_test.py",
    "metrics/",
    "pictures/",
    "report/",
    "weights_test.py",
)


def pytest_collection_modifyitems(items):
    """Says what is slow, and keeps together what shares what is costly.

    Pytest-xdist gives a file's tests to one of its workers, and in the standard test those of one
    model.
    """
    folder = pathlib.Path(__file__).parent
    elsewhere = keras.config.backend() != "tensorflow"
    for item in items:
        chosen = item.callspec.params if hasattr(item, "callspec") else {}
        model = next((chosen[key] for key in ("name", "paper", "plain") if key in chosen), "")
        is_standard = item.path.name == "zoo_test.py"
        if item.get_closest_marker("of_the_game") and model not in GAMES:
            item.add_marker(pytest.mark.slow)
        path = item.path.relative_to(folder).as_posix() if folder in item.path.parents else ""
        if elsewhere and path.startswith(ON_THE_HOST):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.every_backend)
        item.add_marker(pytest.mark.xdist_group(f"{item.path} {model if is_standard else ''}"))


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
