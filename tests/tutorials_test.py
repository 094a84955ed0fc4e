"""The tutorials run as they stand, and figure 1 shows what the theory says."""

import importlib.util
import json
import math
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import distance
from scipy.stats import norm

TUTORIALS = pathlib.Path(__file__).resolve().parents[1] / "tutorials"


def run(name, *arguments, folder):
    """Runs a tutorial in a process of its own, as a reader would, and returns what it printed."""
    done = subprocess.run(
        [sys.executable, TUTORIALS / name, "--out", "out", *arguments],
        cwd=folder,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def figure_1():
    spec = importlib.util.spec_from_file_location("figure_1", TUTORIALS / "figure_1.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["figure_1"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["figure_1"]


def snapshot(figure_1, mean, step=0, discriminator=None):
    """A game whose generator is exactly N(mean, SIGMA)."""
    noise = np.linspace(-1.0, 1.0, 4001)
    samples = norm.ppf((noise + 1.0) / 2.002 + 0.0005, mean, figure_1.SIGMA)
    p_g = norm.pdf(figure_1.GRID, mean, figure_1.SIGMA)
    best = figure_1.P_DATA / (figure_1.P_DATA + p_g)
    curve = best if discriminator is None else discriminator
    value = figure_1.integral(figure_1.P_DATA * np.log(curve) + p_g * np.log(1.0 - curve))
    return figure_1.Snapshot(step, noise, samples, p_g, curve, value)


def test_optimal_discriminator_is_proposition_1(figure_1):
    shifted = norm.pdf(figure_1.GRID, figure_1.MEAN + 0.5, figure_1.SIGMA)
    best = figure_1.optimal_discriminator(figure_1.P_DATA, shifted)
    known = ~np.isnan(best)
    # Two equal bells: the log of their ratio is a line, so D* is a sigmoid.
    slope = 0.5 / figure_1.SIGMA**2
    sigmoid = 1.0 / (1.0 + np.exp(slope * (figure_1.GRID - figure_1.MEAN - 0.25)))
    np.testing.assert_allclose(best[known], sigmoid[known], rtol=1e-6)
    # D may say anything where there are neither data nor samples, so nothing is drawn there.
    np.testing.assert_array_equal(known, figure_1.P_DATA + shifted > 1e-3)
    equal = figure_1.optimal_discriminator(figure_1.P_DATA, figure_1.P_DATA)
    np.testing.assert_allclose(equal[~np.isnan(equal)], 0.5)


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_jensen_shannon_agrees_with_scipy(figure_1, shift):
    p = figure_1.P_DATA
    q = norm.pdf(figure_1.GRID, figure_1.MEAN + shift, figure_1.SIGMA)
    expected = distance.jensenshannon(p, q) ** 2
    assert figure_1.jensen_shannon(p, q) == pytest.approx(expected, abs=1e-5)


def test_jensen_shannon_of_disjoint_densities_is_log_2(figure_1):
    far = [norm.pdf(figure_1.GRID, figure_1.MEAN + s, 0.1) for s in (-2.0, 2.0)]
    assert figure_1.jensen_shannon(*far) == pytest.approx(math.log(2.0), abs=1e-4)


@pytest.mark.parametrize("shift", [0.0, 0.4, 1.0])
def test_value_against_the_best_discriminator_is_theorem_1(figure_1, shift):
    best = snapshot(figure_1, figure_1.MEAN + shift)
    assert best.value == pytest.approx(best.cost, abs=1e-3)  # C(G) = -log 4 + 2 JSD
    assert best.value >= -math.log(4.0) - 1e-6
    worse = snapshot(figure_1, figure_1.MEAN + shift, discriminator=np.full(601, 0.4))
    assert worse.value < best.value
    if shift == 0.0:
        assert best.value == pytest.approx(-math.log(4.0), abs=1e-4)
        assert best.deviation == pytest.approx(0.0, abs=1e-6)


def test_the_pictures_go_from_far_to_near(figure_1, tmp_path):
    shifts = (2.0, 1.5, 1.0, 0.6, 0.3, 0.4, 0.1)
    game = [snapshot(figure_1, figure_1.MEAN + s, 25 * i) for i, s in enumerate(shifts)]
    panels = figure_1.chosen(game)
    assert (panels[0], panels[-1]) == (game[0], game[-1])
    assert [p.step for p in panels] == sorted(p.step for p in panels)
    assert [p.jsd for p in panels] == sorted((p.jsd for p in panels), reverse=True)
    assert figure_1.draw_figure(game).size == (1800, 1200)
    figure_1.save_film(tmp_path / "film.gif", game[:3])
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 3


@pytest.mark.slow
def test_figure_1_converges_as_the_theory_says(figure_1, tmp_path, capsys):
    figure_1.main(["--out", str(tmp_path), "--epochs", "200", "--snapshots", "12"])
    figures = json.loads((tmp_path / "figures.json").read_text())
    first, last = figures["first"], figures["last"]
    assert first["JSD"] > 0.2
    assert last["JSD"] < 0.02
    assert last["mean |D(x) - 1/2|"] < 0.05 < first["mean |D(x) - 1/2|"]
    assert abs(last["V(D, G)"] + math.log(4.0)) < 0.02
    assert last["V(D, G)"] < last["C(G)"] + 0.01  # no discriminator beats the best one
    assert "-1.386" in capsys.readouterr().out
    assert (tmp_path / "figure_1.png").stat().st_size > 50_000


@pytest.mark.slow
@pytest.mark.every_backend
def test_quickstart_shows_every_verb(tmp_path):
    printed = run("quickstart.py", "--quick", folder=tmp_path)
    for number in range(1, 8):
        assert f"\n{number}. " in f"\n{printed}"
    assert "served (16, 8, 8, 1) uint8 without kgan" in printed
    for name in ("samples.png", "path.png", "model.keras", "saved_model/saved_model.pb"):
        assert (tmp_path / "out" / name).is_file()


@pytest.mark.slow
def test_pix2pix_translates_a_folder_of_photographs(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(12):
        # Grey ones among them.
        pixels = rng.integers(0, 256, (20, 24, 3) if number else (20, 24), dtype="uint8")
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    options = ("--quick", "--folder", "photos", "--size", "16", "--channels", "3")
    printed = run("pix2pix.py", *options, folder=tmp_path)
    assert "12 pairs: (16, 16, 1) -> (16, 16, 3), 1 held out" in printed
    for name in ("pairs.png", "model.keras", "saved_model/saved_model.pb"):
        assert (tmp_path / "out" / name).is_file()


@pytest.mark.slow
def test_demo_leaves_pictures_files_and_a_report(tmp_path):
    run("demo.py", "--epochs", "2", "--max-examples", "64", folder=tmp_path)
    out = tmp_path / "out"
    found = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    assert found >= {
        "real_and_generated.png",
        "best.keras",
        "health.json",
        "samples/epoch_0001.png",
        "samples/epoch_0002.png",
        "samples/training.gif",
        "model.keras",
        "saved_model/saved_model.pb",
        "report.html",
    }
    report = (out / "report.html").read_text()
    assert "--epochs 2 --max-examples 64" in report
    assert "Frechet distance" in report and "data:image/png;base64," in report
    assert str(tmp_path) not in report


@pytest.mark.slow
def test_conditional_tutorial_makes_each_class_of_a_folder(tmp_path):
    for shade, name in enumerate(("dark", "light")):
        for split in ("train", "test"):
            (tmp_path / "mine" / split / name).mkdir(parents=True)
        for index in range(8):
            shape = (20, 16, 3) if index else (20, 16)  # a grey one in each class
            picture = np.full(shape, 40 + 150 * shade + index, "uint8")
            Image.fromarray(picture).save(tmp_path / "mine" / "train" / name / f"{index}.png")
    # A folder of words is no class.
    (tmp_path / "mine" / "train" / "about").mkdir()
    (tmp_path / "mine" / "train" / "about" / "licence.txt").write_text("Yours.")
    options = ("--folder", "mine", "--size", "16", "--channels", "3", "--quick")
    printed = run("conditional.py", *options, folder=tmp_path)
    assert "images (16, 16, 16, 3) uint8, 2 classes" in printed
    # One line of scores per class, in the order of the labels, and one for the real pictures.
    rows = [line.split()[0] for line in printed.partition("realness matching")[2].splitlines()[1:4]]
    assert rows == ["dark", "light", "your"]
    for name in ("one_row_per_class.png", "model.keras"):
        assert (tmp_path / "out" / name).is_file()


@pytest.mark.slow
def test_conditional_tutorial_runs_without_a_folder(tmp_path):
    printed = run("conditional.py", "--quick", folder=tmp_path)
    assert "images (1437, 8, 8, 1) uint8, 10 classes" in printed
    with Image.open(tmp_path / "out" / "one_row_per_class.png") as picture:
        assert picture.height * 12 == pytest.approx(picture.width * 10, rel=0.02)


@pytest.mark.slow
def test_cyclegan_translates_between_two_folders(tmp_path):
    rng = np.random.default_rng(0)
    for name, number in (("summer", 9), ("winter", 6)):
        (tmp_path / name).mkdir()
        for index in range(number):
            pixels = rng.integers(0, 256, (20, 24, 3), dtype="uint8")
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")
    folders = ("--a", "summer", "--b", "winter", "--size", "16")
    printed = run("cyclegan.py", "--quick", *folders, folder=tmp_path)
    assert "a: (9, 16, 16, 3), b: (6, 16, 16, 3)" in printed
    for name in ("a_to_b.png", "b_to_a.png", "model.keras", "saved_model/saved_model.pb"):
        assert (tmp_path / "out" / name).is_file()


@pytest.mark.slow
def test_cyclegan_runs_without_folders(tmp_path):
    printed = run("cyclegan.py", "--quick", folder=tmp_path)
    assert "a: (26, 16, 16, 3), b: (22, 16, 16, 3)" in printed
    with Image.open(tmp_path / "out" / "a_to_b.png") as picture:
        assert picture.height * 3 == pytest.approx(picture.width * 8, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("has_folder", [True, False])
def test_enlarge_makes_photographs_larger(tmp_path, has_folder):
    options = ["--quick"]
    if has_folder:
        (tmp_path / "photos").mkdir()
        for number, size in enumerate(((130, 131), (200, 128))):
            pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), dtype="uint8")
            Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
        options += ["--folder", "photos"]
    printed = run("enlarge.py", *options, folder=tmp_path)
    assert ("10 windows of 64 pixels" if has_folder else "72 windows of 64 pixels") in printed
    assert "bicubic: " in printed and "srgan: " in printed
    for name in ("strip.png", "model.keras", "saved_model/saved_model.pb"):
        assert (tmp_path / "out" / name).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("has_folder", [True, False])
def test_next_frames_goes_on_with_clips(tmp_path, has_folder):
    options = ["--quick"]
    if has_folder:
        for name in "abc":
            (tmp_path / "videos" / name).mkdir(parents=True)
            for number in range(25):
                pixels = np.random.default_rng(number).integers(0, 256, (40, 36, 3), "uint8")
                Image.fromarray(pixels).save(tmp_path / "videos" / name / f"{number}.png")
        options += ["--folder", "videos"]
    printed = run("next_frames.py", *options, folder=tmp_path)
    counts = "5 clips to train on, 1" if has_folder else "32 clips to train on, 32"
    assert counts in printed and "with one: squared error" in printed
    for name in ("film.gif", "model.keras", "saved_model/saved_model.pb"):
        assert (tmp_path / "out" / name).is_file()
    with Image.open(tmp_path / "out" / "film.gif") as film:
        assert film.n_frames <= 36 and film.size == (4 * 128 if not has_folder else 128, 128)


@pytest.mark.slow
def test_enhance_cleans_recordings(tmp_path):
    printed = run("enhance.py", "--quick", folder=tmp_path)
    assert "24 recordings, " in printed
    assert printed.count(" dB -> ") == 2
    for name in ("noisy_enhanced_clean.png", "0003.wav", "saved_model/saved_model.pb"):
        assert (tmp_path / "out" / name).is_file()
