"""The tutorials on discriminators and latent spaces: what they say is so."""

import importlib.util
import json
import pathlib

import numpy as np
import pytest
from scipy.spatial import distance
from scipy.stats import norm

TUTORIALS = pathlib.Path(__file__).resolve().parents[1] / "tutorials"


def imported(name):
    spec = importlib.util.spec_from_file_location(name, TUTORIALS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def discriminator():
    return imported("what_a_discriminator_knows")


@pytest.fixture(scope="module")
def latent_space():
    return imported("a_latent_space")


def test_divergence_and_best_discriminator_are_the_theorys(discriminator):
    p, q = (density.pdf(discriminator.GRID) for density in (discriminator.P, discriminator.Q))
    assert discriminator.jensen_shannon() == pytest.approx(
        distance.jensenshannon(p, q) ** 2, abs=1e-5
    )
    # The ratio that D holds is p / q.
    best = discriminator.optimal_discriminator()
    np.testing.assert_allclose((best / (1 - best))[200:600], (p / q)[200:600], rtol=1e-6)


def test_slants_are_products_of_places_and_do_not_depend_on_ink(latent_space):
    image = np.zeros((2, 5, 5, 1))
    image[0, [0, 1, 2, 3, 4], [4, 3, 2, 1, 0]] = 7.0  # a slash
    image[1, :, 2] = 3.0  # upright
    np.testing.assert_allclose(latent_space.slants(image), [2.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(latent_space.slants(9 * image), [2.0, 0.0], atol=1e-12)


@pytest.mark.slow
def test_a_discriminator_knows_the_ratio_of_densities(discriminator, tmp_path, capsys):
    discriminator.main(["--out", str(tmp_path)])
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["mean |D - D*|"] < 0.02
    # A bound from below, within the chance of 20,000 samples.
    assert figures["JSD"] - 0.01 < figures["JSD from V"] < figures["JSD"] + 0.005
    assert abs(figures["mean of reweighted samples"]) < 0.1 < figures["mean of samples"]
    drift = figures["drift"]
    assert drift["10 % darker"][1] > 0.8 and drift["blurred"][1] > 0.8
    assert drift["nothing"][1] < norm.ppf(0.999, 0.5, 0.5 / np.sqrt(700))
    assert "no drift found" in capsys.readouterr().out
    for name in ("ratio.png", "drift.png", "believable.png"):
        assert (tmp_path / name).stat().st_size > 5_000


@pytest.mark.slow
def test_codes_hold_attributes_and_noise_holds_digits(latent_space, tmp_path):
    latent_space.main(["--out", str(tmp_path)])
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["digits kept"] >= 0.9
    assert figures["error of generated"] < figures["error of others"] / 2
    assert figures["slant"] == sorted(figures["slant"])
    assert figures["slant"][-1] - figures["slant"][0] > 1.0
    for name in ("paths", "arithmetic", "projection", "map", "attribute"):
        assert (tmp_path / f"{name}.png").stat().st_size > 2_000
    assert (tmp_path / "walk.gif").is_file()
