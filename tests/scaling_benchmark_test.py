"""The benchmarks of many processes and of what a training costs: verdicts, and tiny runs."""

import json
import pathlib
import sys

import keras
import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "benchmarks"))

import cost  # noqa: E402
import scaling  # noqa: E402

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="their processes choose their own backends"
)


def test_differences_are_relative_and_the_largest_counts():
    its = {"a": [1.0, 2.0], "b": [-4.0, 0.5]}
    assert scaling.difference(its, its) == 0.0
    assert scaling.difference({**its, "b": [-4.0, 0.55]}, its) == pytest.approx(0.1)


def test_what_misses_is_named():
    good = {
        "exact": [
            {"backend": "tensorflow", "model": "exact", "difference": 1e-7},
            {"backend": "tensorflow", "model": "batch_norm", "difference": 0.1},
        ],
        "killed": [{"agreed": True, "lost": 3, "save_freq": 3, "difference": 0.0}],
        "checkpoints": [{"difference": 1e-7}],
        "speed": [{"scaling": "weak", "processes": 2, "efficiency": 0.95}],
    }
    assert scaling.missed(good) == []
    for part, change in (
        ("exact", {"difference": 1e-2}),
        ("killed", {"lost": 4}),
        ("killed", {"agreed": False}),
        ("killed", {"difference": 1e-2}),
        ("checkpoints", {"difference": 1e-2}),
        ("speed", {"efficiency": 0.8}),
    ):
        bad = {**good, part: [{**good[part][0], **change}]}
        assert len(scaling.missed(bad)) == 1, (part, change)


def test_exponents_of_powers():
    values = np.array([1, 2, 4])
    assert cost.exponent(values, 3 * values**2) == pytest.approx(2.0)
    assert cost.exponent(values, [5, 5, 5]) == pytest.approx(0.0)
    rows = {"side": [(v, {"seconds": v**2.0, "mebibytes": 10.0 * v}) for v in (1, 2, 4)]}
    (line,) = cost.table(rows).splitlines()[2:]
    assert line == "| side, pixels | 1, 2, 4 | 1.0, 4.0, 16.0 | 2.00 | 10, 20, 40 | 1.00 |"


@pytest.mark.slow
def test_the_cost_of_a_training_is_measured(capsys):
    assert cost.main(["--tiny", "--only", "epochs", "side"]) == 0
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if "| " in line]
    assert [row[1].strip() for row in rows] == ["varied", "epochs", "side, pixels"]
    for row in rows[1:]:
        values = [float(number) for cell in (3, 5) for number in row[cell].split(",")]
        assert len(values) == 4 and min(values) >= 0


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_killed_process_costs_the_steps_since_the_last_save(backend, tmp_path, capsys):
    if backend == "jax":
        pytest.importorskip("jax")
    # Not their speed: the tests share the machine.
    arguments = ["--backends", backend, "--json", str(tmp_path / "all.json")]
    assert scaling.main([*arguments, "--parts", "killed"]) == 0
    results = json.loads((tmp_path / "all.json").read_text())
    (row,) = results["killed"]
    assert (row["killed_after"], row["save_freq"]) == (14, 3)
    assert row["went_on_at"] == 13 and row["lost"] == 2 and row["difference"] == 0.0
    assert capsys.readouterr().out.strip() == scaling.markdown(results)


@pytest.mark.slow
def test_weights_of_two_are_read_by_one_and_the_reverse(tmp_path):
    arguments = ["--backends", "tensorflow", "--json", str(tmp_path / "all.json")]
    assert scaling.main([*arguments, "--parts", "checkpoints"]) == 0
    rows = json.loads((tmp_path / "all.json").read_text())["checkpoints"]
    assert {(row["writers"], row["readers"]) for row in rows} == {(2, 1), (1, 2)}


@pytest.mark.slow
def test_speed_has_a_row_for_each_way(capsys):
    tiny = ["--side", "8", "--width", "4", "--batch-size", "8", "--steps", "2", "--epochs", "1"]
    arguments = ["--backends", "tensorflow", "--processes", "2", "--parts", "speed"]
    scaling.main([*arguments, *tiny])
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if "| " in line]
    assert [row[2].strip() for row in rows[1:]] == ["one", "apart", "weak", "strong"]
    assert [int(row[4]) for row in rows[1:]] == [8, 8, 16, 8]
