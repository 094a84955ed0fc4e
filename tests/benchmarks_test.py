"""The quality benchmark runs: every task, a few steps of narrow networks."""

import ast
import dataclasses
import json
import pathlib
import re
import sys

import keras
import numpy as np
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[1]
BENCHMARKS, PAGE = ROOT / "benchmarks", ROOT / "docs" / "benchmarks.md"
sys.path.insert(0, str(BENCHMARKS))

import mode_collapse  # noqa: E402
import quality  # noqa: E402
import ranking  # noqa: E402
import train_weights  # noqa: E402
import watching  # noqa: E402
from tasks import all_tasks, common  # noqa: E402
from tasks.mixtures import followed  # noqa: E402

import kgan.zoo  # noqa: E402, which registers the models
from kgan import drawing  # noqa: E402
from kgan.catalog import weights as shipped  # noqa: E402
from kgan.catalog.registry import builder_of  # noqa: E402

TASKS = all_tasks()
POINTS = {"ring", "grid", "ring_compared", "collapse"}
# The data of docs/choosing.md, by the names of the weights that were trained on it.
WEIGHTS = {
    "MNIST": "mnist",
    "MNIST with labels": "mnist",
    "CIFAR-10": "cifar10",
    "MNIST, tinted MNIST": "tinted_digits",
}

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the benchmarks' figures are TensorFlow's"
)


# One in the quick tier: the others differ in data and figures, not in how they are run.
@pytest.mark.parametrize(
    "task", [pytest.param(t, marks=[pytest.mark.slow] * (t != "ring")) for t in TASKS]
)
def test_task_runs(task, tmp_path, capsys, request):
    if task not in POINTS:
        folder = request.getfixturevalue("data_folder")
        needed = ("mnist.npz", "cifar10.tar", "emoji.npz", "spoken_digits.tar.gz", "voices.tar")
        missing = [file for file in needed if not (folder / file).is_file()]
        if missing:
            pytest.skip(f"no real data: {folder} holds no {missing}")
    for package in ("soundfile", "pystoi", "pesq") if task == "noisy_voices" else ():
        pytest.importorskip(package, reason="the extras audio and pesq are not installed")
    model = sorted(TASKS[task].recipes)[0]
    assert quality.main([model, "--task", task, "--quick", "--out", str(tmp_path)]) == 0
    folder = tmp_path / model / task
    result = json.loads((folder / "result.json").read_text())
    assert result["steps"] == 4 and result["model"] == model and result["figures"]
    assert result["protocol"].startswith("Protocol: ")
    for path in result["pictures"]:
        assert pathlib.Path(path).parent == folder
        assert np.ptp(np.asarray(Image.open(path))) > 0
    printed = capsys.readouterr().out
    assert result["protocol"] in printed and "| figure | value |" in printed
    assert (folder / "result.md").read_text().strip() == printed.strip()


def test_lists_what_there_is(capsys):
    assert quality.main([]) == 0
    printed = capsys.readouterr().out
    for name, task in TASKS.items():
        assert f"| {name} | " in printed and all(model in printed for model in task.recipes)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dcgan", "--task", "opera"], "no task 'opera'. Choose one of:.*ring"),
        (["nothing"], "no recipe for 'nothing'"),
        (["pix2pix", "--task", "ring"], "no recipe for 'pix2pix' on ring"),
    ],
)
def test_refuses_in_words(arguments, words):
    with pytest.raises(SystemExit, match=words):
        quality.main(arguments)


def test_missing_data_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("KGAN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit, match="Set KGAN_DATA"):
        common.load_mnist()
    monkeypatch.setenv("KGAN_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match="holds no mnist.npz"):
        common.load_mnist()


def test_bars_and_result(tmp_path):
    assert common.Bar("a", 8, 8).passed and not common.Bar("a", 7, 8).passed
    assert common.Bar("a", 9, 10, at_most=True).passed
    assert not common.Bar("a", 11, 10, at_most=True).passed
    assert not common.Bar("a", float("nan"), 0).passed
    bar = common.Bar("modes", 7, 8)
    figures = {"KL": float("nan"), "modes": np.int64(7)}
    result = common.Result("m", "t", 0, "Protocol: p", {}, 10, 0.5, figures, [bar])
    result.write(tmp_path / "result.json")
    written = json.loads((tmp_path / "result.json").read_text())
    assert written["figures"] == {"KL": None, "modes": 7}
    assert written["bars"][0]["passed"] is False
    assert "modes: 7, at least 8: MISS" in result.markdown()


def test_rank_correlation_of_what_rises_together():
    rows = [{"term": -1 / (i + 1), "high_quality": i**2} for i in range(5)]
    assert followed(rows, "term") == pytest.approx(1.0)
    assert followed(rows[::-1] + [{"high_quality": 1.0}], "term") == pytest.approx(1.0)
    falling = [{"term": -i, "high_quality": i} for i in range(5)]
    assert followed(falling, "term") == pytest.approx(-1.0)


def test_learning_rate_falls_to_the_end():
    class Model:
        optimizer = type("Optimizers", (), {"optimizers": [keras.optimizers.SGD(0.5)]})

    decay = common.LinearDecay(0.5)
    decay.set_params({"epochs": 10})
    decay._model = Model
    decay.on_train_begin()
    rates = []
    for epoch in range(10):
        decay.on_epoch_begin(epoch)
        rates.append(float(Model.optimizer.optimizers[0].learning_rate))
    assert rates[:5] == [0.5] * 5
    np.testing.assert_allclose(rates[5:], 0.5 * np.array([5, 4, 3, 2, 1]) / 6, rtol=1e-6)


@pytest.mark.slow
def test_mode_collapse_makes_a_table_beside_the_published_rows(tmp_path, capsys):
    arguments = ["--quick", "--tasks", "ring", "--models", "gan_qp", "--seeds", "2"]
    assert mode_collapse.main([*arguments, "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "| `gan_qp` |" in text and "| 2 | 4 |" in text and "PacGAN2" in text
    # What is there is not run again.
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("ring_gan_qp_*.json")}
    assert len(before) == 2
    mode_collapse.main([*arguments, "--out", str(tmp_path)])
    assert before == {path: path.stat().st_mtime_ns for path in before}
    # Unless it was made by another recipe.
    other = min(before)
    row = json.loads(other.read_text())
    other.write_text(json.dumps({**row, "recipe": {**row["recipe"], "steps": 3}}))
    mode_collapse.main([*arguments, "--out", str(tmp_path)])
    assert json.loads(other.read_text())["recipe"] == row["recipe"]


def test_mean_and_standard_error():
    assert mode_collapse.spread([1000.0]) == "1000.0"
    assert mode_collapse.spread([0.5, float("nan")]) == "-"
    assert mode_collapse.spread([6.0, 8.0]) == "7.0 ± 1.0"  # deviation sqrt(2), over sqrt(2)
    assert mode_collapse.spread([0.5, 0.25], 3) == "0.375 ± 0.125"


def test_the_page_shows_what_the_cards_say():
    assert train_weights.table() in PAGE.read_text()


def test_the_first_picture_of_the_readme_is_what_it_says():
    picture = np.asarray(Image.open(train_weights.HERO).convert("L")).astype("int32")
    made = drawing.image_grid(train_weights.hero_samples(), columns=8, scale=2)[..., 0]
    height, width = made.shape
    # On the right, beneath its title; where exactly, Matplotlib says.
    distances = [
        np.abs(picture[row : row + height, column : column + width] - made).max()
        for row in range(picture.shape[0] - height + 1)
        for column in range(picture.shape[1] // 2, picture.shape[1] - width + 1)
    ]
    assert min(distances) <= 2
    readme = (ROOT / "README.md").read_text()
    minutes = round(shipped.card(builder_of("dcgan"), "mnist")["core_minutes"])
    assert "tutorials/pictures/mnist.png" in readme and f"in {minutes} core minutes" in readme


@pytest.mark.parametrize(("model", "weights"), sorted(train_weights.RECIPES))
def test_the_command_of_a_card_is_what_trained_it(model, weights):
    recipe = json.loads(json.dumps(dataclasses.asdict(train_weights.RECIPES[model, weights])))
    card = shipped.card(builder_of(model), weights)
    asked, played = recipe.pop("steps"), card["recipe"]["steps"]
    # An epoch ends early where a pass over the data does.
    assert 0.8 * asked < played <= asked
    assert {name: card["recipe"][name] for name in recipe} == recipe
    assert card["options"] == recipe["options"]


def test_the_page_shows_the_runs_that_ship():
    page = PAGE.read_text()
    rows = mode_collapse.shipped()
    for tasks in mode_collapse.TABLES:
        assert mode_collapse.table_of_runs(rows, tasks) in page
    for row in rows:
        recipe = mode_collapse.RECIPES[row["task"]][row["model"]]
        assert mode_collapse.is_of(row, recipe), f"{row['task']} {row['model']}: other recipe"


OPTIONS = re.compile(
    r"^\| (.*?) \| `(\w+)`, `([^`]*)`(.*?) \| (\d+) \| ([\d,]+) \| ([\d.]+) \|$", re.MULTILINE
)


def test_the_options_that_were_measured_are_those_of_cards_and_runs():
    rows = OPTIONS.findall((ROOT / "docs" / "choosing.md").read_text())
    assert len(rows) == 7
    for data, model, options, remark, batch_size, steps, core_minutes in rows:
        if data == "ring, grid":
            recipe = mode_collapse.RECIPES["ring"][model]
            assert recipe == mode_collapse.RECIPES["grid"][model]
            runs = [row for row in mode_collapse.shipped() if row["model"] == model]
            runs = [row for row in runs if row["task"] in ("ring", "grid")]
            played = {row["steps"] for row in runs}
            minutes = np.mean([row["core_minutes"] for row in runs])
        else:
            card = shipped.card(builder_of(model), WEIGHTS[data])
            recipe = train_weights.RECIPES[model, WEIGHTS[data]]
            played, minutes = {card["recipe"]["steps"]}, card["core_minutes"]
        # Data fills in the shape and the classes.
        filled = ("sample_shape", "image_shape", "num_classes")
        wanted = {name: value for name, value in recipe.options.items() if name not in filled}
        said = ast.parse(f"f({options})", mode="eval").body.keywords
        given = {word.arg: ast.literal_eval(word.value) for word in said}
        defaults = kgan.zoo.describe(model).options
        assert given == {k: v for k, v in wanted.items() if v != defaults[k]}, (data, model)
        assert int(batch_size) == recipe.batch_size
        assert played == {int(steps.replace(",", ""))}
        assert core_minutes == f"{minutes:.1f}"
        assert ("falling rate" in remark) == (recipe.decay_from < 1)


def test_runs_ship_in_place_of_older_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(mode_collapse, "FIGURES", tmp_path / "figures" / "mode_collapse.json")
    assert mode_collapse.shipped() == []
    common_to_all = {"task": "stacked", "steps": 4000, "core_minutes": 2.0}
    common_to_all |= {"reverse_kl": 0.5, "high_quality": 0.25}
    rows = [
        {**common_to_all, "model": model, "seed": seed, "modes": modes}
        for model, seed, modes in (("gan_qp", 0, 900.0), ("dcgan", 0, 10.0), ("dcgan", 1, 20.0))
    ]
    mode_collapse.ship(rows)
    mode_collapse.ship([{**rows[1], "modes": 30.0}])
    assert [row["modes"] for row in mode_collapse.shipped()] == [30.0, 20.0, 900.0]
    text = mode_collapse.table_of_runs(mode_collapse.shipped(), ["stacked"])
    assert "| `dcgan` | 25.0 ± 5.0 | 25.0 ± 0.0 | 0.500 ± 0.000 | 2 | 4,000 | 2.0 |" in text
    assert "| `gan_qp` | 900.0 | 25.0 | 0.500 | 1 | 4,000 | 2.0 |" in text
    assert "`r3gan`" not in text
    assert (
        "| published: PacDCGAN2 (Lin et al. 2018) | 1000.0 ± 0 | - | 0.06 | 10 | 100,000 | |"
        in text
    )
    with pytest.raises(SystemExit):
        mode_collapse.main(["--ship", "--quick"])


@pytest.mark.slow
def test_metrics_rank_real_above_best_above_early_above_noise(capsys, data_folder):
    if not (data_folder / "mnist.npz").is_file():
        pytest.skip(f"no real data: {data_folder} holds no mnist.npz")
    # Of a few hundred samples, how many of each digit there are decides.
    arguments = ["--model", "conditional", "--samples", "2000", "--early-steps", "5"]
    assert ranking.main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed.count("| yes |") == 5 and "| NO |" not in printed


@pytest.mark.slow
def test_watching_is_timed_beside_a_bare_run(capsys, data_folder, monkeypatch):
    monkeypatch.setenv("KGAN_DATA", str(data_folder))
    # Of four steps, what watches takes many times the bar: the table is wanted, not the verdict.
    assert watching.main(["--width", "4", "--rounds", "1", "--steps", "4"]) == 1
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if "| " in line]
    shares = {row[1].strip(): float(row[3].split()[0]) for row in rows if "(" in row[3]}
    assert 1.0 <= shares["bare"] < shares["health"] and shares["bare"] < shares["all"]


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [("dcgan", "mnist"), ("conditional", "mnist")])
def test_weights_are_trained_scored_and_written(tmp_path, chosen, data_folder, monkeypatch):
    monkeypatch.setenv("KGAN_DATA", str(data_folder))
    assert train_weights.main([*chosen, "--quick", "--out", str(tmp_path)]) == 0
    folder = tmp_path / "_".join(chosen)
    card = json.loads((folder / f"{folder.name}.json").read_text())
    assert 0 <= card["scores"]["share of which the judge is 90 % sure"] <= 1
    assert ("read as asked" in card["scores"]) == (chosen[0] == "conditional")
    assert (folder / card["file"]).is_file() and (folder / card["picture"]).is_file()
