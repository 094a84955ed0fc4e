"""Weights that ship: written and read back, checked, and as their cards say."""

import hashlib
import json

import keras
import numpy as np
import pytest
from keras import ops

import kgan
import kgan.zoo  # registers the models
from kgan.catalog import weights as shipped
from kgan.catalog.registry import builder_of

WEIGHTS = shipped.folder(builder_of("dcgan"))
CARDS = sorted(WEIGHTS.glob("*.json"))
NAMES = [path.stem for path in CARDS]


def tiny(**options):
    return kgan.zoo.load(
        "dcgan", image_shape=(8, 8, 1), **{"width": 4, "latent_dim": 4, "seed": 0, **options}
    )


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of weights with one set for a tiny dcgan, in place of the zoo's."""
    keras.utils.set_random_seed(1)
    model = tiny(ema_momentum=0.9)
    model.fit(kgan.data.load("digits")[:64], batch_size=16, verbose=0)
    sha256 = shipped.save(model, tmp_path / "dcgan_squares.npz")
    card = {
        "model": "dcgan",
        "weights": "squares",
        "file": "dcgan_squares.npz",
        "sha256": sha256,
        "options": {"image_shape": [8, 8, 1], "width": 4, "latent_dim": 4},
        "data": "digits",
        "recipe": {"steps": 4},
        "scores": {"frechet_distance": 1.25},
        "protocol": "none",
    }
    (tmp_path / "dcgan_squares.json").write_text(json.dumps(card))
    monkeypatch.setattr(shipped, "folder", lambda builder: tmp_path)
    return model


def test_loaded_by_name_it_makes_the_same_samples(shelf):
    model = kgan.zoo.load("DCGAN", weights="squares")
    # The averages are what was kept: they make the samples of the model that was trained.
    first, second = (m.generate(16, seed=0).astype(int) for m in (shelf, model))
    assert np.abs(first - second).max() <= 2  # of 255: float16
    assert model.compiled and int(ops.convert_to_numpy(model.optimizer.iterations)) == 0
    model.fit(kgan.data.load("digits")[:32], verbose=0)


def test_other_options_that_change_no_network_are_free(shelf):
    model = kgan.zoo.load("dcgan", weights="squares", learning_rate=1e-5, ema_momentum=0.5)
    assert float(model.optimizer["generator"].learning_rate) == pytest.approx(1e-5)
    model.fit(kgan.data.load("digits")[:16], verbose=0)
    with pytest.raises(ValueError, match="trained with other options"):
        kgan.zoo.load("dcgan", weights="squares", width=8)


def test_data_of_another_shape_is_refused(shelf):
    kgan.zoo.load("dcgan", weights="squares", like=(8, 8, 1))
    with pytest.raises(ValueError, match="trained on other data"):
        kgan.zoo.load("dcgan", weights="squares", like=(28, 28, 1))


def test_a_name_that_does_not_exist_names_those_that_do(shelf):
    with pytest.raises(ValueError, match=r"\['squares'\]"):
        kgan.zoo.load("dcgan", weights="circles")
    with pytest.raises(ValueError, match="none"):
        kgan.zoo.load("vanilla", weights="squares")


def test_a_file_that_is_not_the_cards_is_refused(shelf):
    path = shipped.folder(None) / "dcgan_squares.npz"
    shipped.save(tiny(), path)
    with pytest.raises(ValueError, match="does not match its card"):
        kgan.zoo.load("dcgan", weights="squares")
    path.unlink()
    with pytest.raises(ValueError, match="Reinstall kgan"):
        kgan.zoo.load("dcgan", weights="squares")


def test_the_card_is_described(shelf):
    text = str(kgan.zoo.describe("dcgan"))
    assert 'weights="squares"' in text and "frechet_distance 1.25" in text


def test_weights_that_float16_can_not_hold_are_refused(tmp_path):
    model = tiny()
    variable = model.generator.trainable_variables[0]
    variable.assign(variable + 1e6)
    with pytest.raises(ValueError, match="too large for float16"):
        shipped.save(model, tmp_path / "weights.npz")
    assert not (tmp_path / "weights.npz").exists()


def test_what_ships_is_small():
    files = [path for path in WEIGHTS.glob("*") if path.is_file()]
    # Ten sets of weights; each new one may add about a megabyte.
    assert sum(path.stat().st_size for path in files) < 15 * 2**20


@pytest.mark.parametrize("name", NAMES)
def test_card_is_whole_and_its_files_are_there(name):
    card = json.loads((WEIGHTS / f"{name}.json").read_text())
    assert name == f"{card['model']}_{card['weights']}"
    found = hashlib.sha256((WEIGHTS / card["file"]).read_bytes()).hexdigest()
    assert found == card["sha256"]
    assert (WEIGHTS / card["picture"]).is_file()
    wanted = "options data licence command recipe core_minutes machine versions monitor scores "
    wanted += "scores_of_the_last_epoch protocol tolerance deviations"
    assert [field for field in wanted.split() if not card.get(field)] == []
    assert card["command"].startswith(f"python benchmarks/train_weights.py {card['model']}")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_mnist")])
def test_digits_are_as_good_as_the_card_says(name):
    card = json.loads((WEIGHTS / f"{name}.json").read_text())
    model = kgan.zoo.load(card["model"], weights=card["weights"])
    digits, sure = kgan.metrics.read_digits(model.generate(1000, seed=5, batch_size=200))
    expected = card["scores"]["share of which the judge is 90 % sure"]
    # Five standard errors of a share among 1 000 other samples.
    assert (
        abs((sure >= 0.9).mean() - expected) < 5 * np.sqrt(expected * (1 - expected) / 1000) + 0.01
    )
    assert len(set(digits)) == 10
