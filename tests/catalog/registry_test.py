import keras
import numpy as np
import pytest

import kgan
import kgan.zoo  # registers the models before a test looks at the registry
from kgan.catalog import registry


@pytest.fixture
def empty_registry(monkeypatch):
    monkeypatch.setattr(registry, "_builders", dict(registry._builders))


def tiny_model(units=4):
    """A model of a test.

    Reference: none.

    Args:
        units: integer.
    """
    model = kgan.GAN(
        generator=kgan.networks.mlp.generator((2,), 2, (units,)),
        discriminator=kgan.networks.mlp.discriminator((2,), (units,)),
    )
    model.compile(optimizer="sgd")
    return model


def test_registered_function_is_a_model(empty_registry):
    assert kgan.zoo.register(tiny_model) is tiny_model
    assert "tiny_model" in kgan.zoo.list_models()
    for name in ("tiny_model", "Tiny-Model", "TINYMODEL"):
        assert kgan.zoo.load(name, units=3).generator.layers[1].units == 3


def test_same_function_may_register_again(empty_registry):
    kgan.zoo.register(tiny_model)
    kgan.zoo.register(tiny_model)


def test_name_that_is_taken_is_refused(empty_registry):
    def dcgan(seed=None):
        """Another model."""

    with pytest.raises(ValueError, match="'dcgan' is registered already, by kgan.zoo.dcgan"):
        kgan.zoo.register(dcgan)
    assert registry.builder_of("dcgan").__module__ == "kgan.zoo.dcgan"


def test_option_without_default_is_refused(empty_registry):
    def lacking(image_shape):
        """A model."""

    with pytest.raises(ValueError, match="option 'image_shape' without one"):
        kgan.zoo.register(lacking)
    assert "lacking" not in kgan.zoo.list_models()


def test_list_models_is_sorted_and_filtered():
    names = kgan.zoo.list_models()
    assert names == sorted(names)
    assert {"dcgan", "vanilla"} <= set(names)
    assert kgan.zoo.list_models("dc*") == ["dcgan"]
    assert kgan.zoo.list_models("nothing*") == []


@pytest.mark.parametrize("name", ["dcgann", "DC_GAM", "dc-gan2"])
def test_misspelt_name_names_the_nearest(name):
    with pytest.raises(ValueError, match="Did you mean 'dcgan'") as error:
        kgan.zoo.load(name)
    assert f"Received: name={name!r}" in str(error.value)
    assert "'vanilla'" in str(error.value)


@pytest.mark.parametrize("name", [None, 3, ["dcgan"], ""])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="no model of this name"):
        kgan.zoo.load(name)


def test_unknown_option_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'latent_dim'.*'image_shape'"):
        kgan.zoo.load("dcgan", latent_dims=3)


@pytest.mark.parametrize(
    "like",
    [np.zeros((4, 8, 12, 3), "uint8"), (8, 12, 3), np.zeros((4, 8, 12, 3), "float32")],
    ids=["integers", "shape", "floats"],
)
def test_like_fills_the_shape(like):
    assert kgan.zoo.load("dcgan", like=like, width=4).fields[0].shape == (8, 12, 3)


def test_option_wins_over_like():
    model = kgan.zoo.load("dcgan", like=(8, 8, 1), image_shape=(16, 16, 1), width=4)
    assert model.fields[0].shape == (16, 16, 1)


def test_like_needs_a_shape_option(empty_registry):
    kgan.zoo.register(tiny_model)
    with pytest.raises(ValueError, match="takes no shape from data"):
        kgan.zoo.load("tiny_model", like=(2,))


def test_compile_false_has_no_optimizer():
    model = kgan.zoo.load("vanilla", like=(2,), compile=False)
    assert getattr(model, "optimizer", None) is None
    assert model.generate(2, seed=0).shape == (2, 2)
    with pytest.raises(ValueError, match="compile"):
        model.fit(np.zeros((4, 2), "float32"))


def small(**options):
    options = {"generator_units": (4,), "discriminator_units": (4,), **options}
    return kgan.zoo.load("vanilla", like=(2,), latent_dim=2, **options)


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "not compiled"])
def test_weights_come_from_a_file(tmp_path, ending, compiled):
    keras.utils.set_random_seed(1)
    model = small()
    file = tmp_path / f"model{ending}"
    model.save(file) if ending == ".keras" else model.save_weights(file)
    loaded = small(weights=file, compile=compiled)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("name", ["missing.keras", "missing.weights.h5", "broken.keras"])
def test_missing_or_broken_weights_are_refused(tmp_path, name):
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"no zip file")
    with pytest.raises(ValueError, match="no such file of weights|can't be read"):
        small(weights=tmp_path / name)


def test_weights_of_other_options_are_refused(tmp_path):
    small(generator_units=(5,)).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"generator_units=\[4\] where the file has \[5\]"):
        small(weights=tmp_path / "model.keras")


def test_weights_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="ending in .keras or .weights.h5"):
        small(weights="model.pt")


def test_card_tells_what_the_model_is():
    card = kgan.zoo.describe("DCGAN")
    assert card.name == "dcgan"
    assert "Radford et al. 2016" in card.paper
    assert "width" in card.deviations
    assert card.options["latent_dim"] == 100
    assert card.players["generator"] == (("generator",), ("adversarial",), 1)
    assert card.parameters == {"generator": 833_985, "discriminator": 212_993}
    assert all(type(size) is int for size in card.parameters.values())
    assert card.sample_shape == (28, 28, 1)
    for part in (card.summary, "833,985 parameters", "moves generator every batch", "latent_dim"):
        assert part in str(card)


def test_card_explains_each_option_in_the_docstrings_words(empty_registry):
    def tiny_card(units=4, other=None):
        """A model of a test.

        Args:
            units: integer above 0. Raise it where there is time, and
                never else. Defaults to 4.
            other: `None`. Defaults to `None`.

        Returns:
            A model.
        """
        return tiny_model(units)

    kgan.zoo.register(tiny_card)
    card = kgan.zoo.describe("tiny_card")
    assert card.meanings == {
        "units": "integer above 0. Raise it where there is time, and never else. Defaults to 4.",
        "other": "None. Defaults to None.",
    }
    assert "  units=4\n      integer above 0. Raise it" in str(card)
    # Of a model that nobody measured, nothing is said.
    assert card.step_cost is None and "Cost of a step" not in str(card)


def test_what_only_a_user_can_bring_is_an_example_on_the_card(empty_registry):
    @kgan.zoo.register(brought=lambda: {"units": 3})
    def lacking_units(units=None, seed=None):
        """A model that can't do without what only its user has.

        Args:
            units: integer. Defaults to `None`, which is refused.
            seed: integer. Defaults to `None`.
        """
        if units is None:
            raise ValueError("Bring units.")
        return tiny_model(units)

    with pytest.raises(ValueError, match="Bring units"):
        kgan.zoo.load("lacking_units")
    card = kgan.zoo.describe("lacking_units")
    assert card.options["units"] is None and card.parameters["discriminator"] == 2 * 3 + 3 + 3 + 1
    assert registry.tiny_options_of("lacking_units") == {"units": 3}
    assert registry.brought_options_of("vanilla") == {}


def test_without_compiling_a_model_keeps_the_weights_that_it_was_built_with():
    options = {"sample_shape": (2,), "generator_units": (4,), "seed": 0}
    keras.utils.set_random_seed(0)
    compiled = kgan.zoo.load("vanilla", **options)
    keras.utils.set_random_seed(0)
    model = kgan.zoo.load("vanilla", compile=False, **options)
    assert not model.compiled
    for one, other in zip(compiled.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", kgan.zoo.list_models())
def test_every_option_of_the_zoo_is_explained(name):
    from kgan.catalog.card import meanings_of

    meanings = meanings_of(registry.builder_of(name))
    assert list(meanings) == registry.options_of(name)
    assert all("Defaults to" in text for text in meanings.values()), meanings


def test_costs_of_a_step_are_measured_beside_dcgans():
    from kgan.catalog.card import step_costs

    costs = step_costs()
    assert costs["dcgan"] == 1.0 and costs["cyclegan"] > 10 > costs["vanilla"] > 0
    assert set(costs) <= set(kgan.zoo.list_models())
    text = str(kgan.zoo.describe("vanilla"))
    assert f"Cost of a step  {costs['vanilla']:.1f} times that of dcgan (processor time" in text
