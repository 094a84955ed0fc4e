import keras
import numpy as np
import pytest

import kgan
from kgan.backend.variable_memory import checked_variables
from kgan.utils import memory


@pytest.fixture
def little(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2**30)


def test_available_memory_is_that_of_the_container(tmp_path, monkeypatch):
    free = memory.available_memory()
    assert 2**20 < free < 2**50
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    (tmp_path / "memory.current").write_text("1000\n")
    for limit, expected in (("5000\n", 4000), ("500\n", 0)):
        (tmp_path / "memory.max").write_text(limit)
        assert memory.available_memory() == expected
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_memory() > 2**20


def test_a_model_that_is_too_large_is_refused_before_it_takes_memory(little):
    create = keras.Variable.__init__
    for width in (10_000_000, 10**30):
        with pytest.raises(MemoryError, match=f"'dcgan' with .*width={width}.* 1.07 GB are free"):
            kgan.zoo.load("dcgan", like=(8, 8, 1), width=width)
    assert keras.Variable.__init__ is create
    kgan.zoo.load("dcgan", like=(8, 8, 1), width=4)


def test_many_variables_count_together(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2**26)
    zeros, made = keras.initializers.Zeros(), []
    with pytest.raises(MemoryError, match="Together would need"):
        with checked_variables("Together", "Make fewer."):
            for _ in range(200):  # of half a megabyte
                made.append(keras.Variable(zeros, shape=(2**17,), dtype="float32"))
    assert len(made) == 128


@pytest.mark.parametrize("name", ["dcgan", "conditional"])
def test_samples_that_have_no_room_are_refused_before_they_are_made(name):
    options = {"num_classes": 3} if name == "conditional" else {}
    model = kgan.zoo.load(name, like=(8, 8, 1), width=4, **options)
    for count in (10**10, 10**30):
        with pytest.raises(MemoryError, match=f"{count} samples.* TB of memory.* Make fewer"):
            model.generate(count)
        with pytest.raises(MemoryError, match="Make fewer"):
            model.run("generate", num_samples=count) if not options else model.generate(count)
    assert model.generate(2, seed=0).shape == (2, 8, 8, 1)
    assert np.shape(model.generate(0)) == (0, 8, 8, 1)


def test_the_command_says_so_in_one_line(tmp_path):
    from typer.testing import CliRunner

    from kgan.app import cli

    def kgan_command(*arguments):
        return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])

    train = ["train", "dcgan", "--data", "digits", "--max-examples", 8, "--epochs", 1]
    result = kgan_command(*train, "--out", tmp_path / "run", "--option", "width=10000000")
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert "width=10000000" in result.stderr and "would need" in result.stderr
    assert not (tmp_path / "run").exists()
    kgan.zoo.load("dcgan", like=(8, 8, 1), width=4).save(tmp_path / "small.keras")
    out = tmp_path / "a.npy"
    result = kgan_command("generate", tmp_path / "small.keras", "--count", 10**10, "--out", out)
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert "10000000000 samples" in result.stderr and not out.exists()
