"""The tutorials on discriminators, energies and latent spaces: what they say is so."""

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


@pytest.fixture(scope="module")
def energies():
    return imported("energies")


def test_closed_forms_of_energies_are_where_no_loss_can_fall(energies):
    """R1's landscape beats others near it, at the loss that its formula was derived from."""
    grid = energies.GRID
    p, q = energies.data_density(grid), energies.Q.pdf(grid)
    assert np.gradient(energies.data_distribution(grid), grid) == pytest.approx(p, abs=1e-4)

    def loss(energy):
        slopes = np.gradient(energy, grid)
        values = p * energy - q * energy + energies.GAMMA / 2 * p * slopes**2
        return np.trapezoid(values, grid)

    best = energies.closed_form("Wasserstein, R1: an energy")
    for bump in (
        0.05 * np.sin(grid),
        0.05 * np.cos(2 * grid),
        0.05 * np.tanh(3 * grid),
        0.1 * best,
    ):
        assert loss(best) < min(loss(best + bump), loss(best - bump))
        # Flat there: both sides cost the same, but for the ends of the grid.
        assert loss(best + bump) == pytest.approx(loss(best - bump), abs=2e-3)
    slopes = np.gradient(energies.closed_form("Wasserstein, gradient penalty"), grid)
    assert np.abs(slopes).max() <= 1 + 1e-6
    with np.errstate(divide="ignore"):
        assert energies.closed_form("minimax") == pytest.approx(np.log(q / p))


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
def test_energies_tend_to_their_closed_forms(energies, tmp_path):
    energies.main(["--out", str(tmp_path)])
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["differences"]["minimax"] < 0.1
    assert figures["differences"]["Wasserstein, R1: an energy"] < 0.1
    assert figures["energies"][1] < figures["energies"][0]
    assert figures["near a cluster"][1] > figures["near a cluster"][0]
    for name in ("losses", "game", "refined"):
        assert (tmp_path / f"{name}.png").stat().st_size > 5_000


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
