"""Conditions as parts of a GAN: those of kgan, and those of a stranger."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.networks import conditioned as networks

WORDS, LENGTH, N = 7, 3, 6
RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(N, 2)).astype("float32")
CAPTIONS = RNG.integers(0, WORDS, (N, LENGTH)).astype("float32")


def array(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def mean_softplus(x):
    return np.mean(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0))


@keras.saving.register_keras_serializable("kgan_tests")
class Captions(kgan.Condition):
    """GAN-CLS by a stranger: captions as ids, and those of another sample as the wrong ones."""

    fields = (kgan.data.Vectors((LENGTH,), name="caption"),)

    def __init__(self, wrong_share=0.5):
        self.wrong_share = wrong_share

    def inputs(self, given):
        return (ops.cast(given[0], "int32"),)

    def mismatched(self, given):
        return (ops.flip(given[0], axis=0),)

    def discriminator_terms(self, loss, heads):
        return ("right", "wrong", "made")

    def discriminator_losses(self, loss, real, fake, mismatched, given, noise):
        return {
            "right": loss.discriminator_real(real[0]),
            "wrong": self.wrong_share * loss.discriminator_fake(mismatched[0]),
            "made": (1.0 - self.wrong_share) * loss.discriminator_fake(fake[0]),
        }

    def get_config(self):
        return {"wrong_share": self.wrong_share}


@keras.saving.register_keras_serializable("kgan_tests")
class Sentences(kgan.MatchingCondition):
    """The same from the base for pairs, which has the terms already."""

    fields = Captions.fields

    def inputs(self, given):
        return (ops.cast(given[0], "int32"),)


def caption_network(size, last, num_outputs=1):
    first, caption = keras.Input((size,)), keras.Input((LENGTH,), dtype="int32")
    words = layers.Flatten()(layers.Embedding(WORDS, 4, embeddings_initializer="normal")(caption))
    x = layers.Dense(5, activation="tanh")(layers.Concatenate()([first, words]))
    outputs = [layers.Dense(last)(x) for _ in range(num_outputs)]
    return keras.Model([first, caption], outputs if num_outputs > 1 else outputs[0])


def caption_gan(condition, num_outputs=1, **options):
    model = kgan.GAN(
        caption_network(3, 2),
        caption_network(2, 1, num_outputs),
        condition=condition,
        seed=0,
        **options,
    )
    model.compile(optimizer="sgd")
    return model


def terms_of(model, player, batch=(POINTS, CAPTIONS)):
    _, terms = model.play(player, tuple(map(ops.convert_to_tensor, batch)), training=False)
    return {name: float(array(value)) for name, value in terms.items()}


def test_a_strangers_captions_are_the_game_of_gan_cls():
    model = caption_gan(Captions(0.25))
    assert [field.name for field in model.fields] == ["x", "caption"]
    assert model.players["discriminator"].terms == ("right", "wrong", "made")
    start = array(model.noise_seed.state)
    noise = kgan.latent.noise.draw((N, 3), "normal", model.noise_seed)
    ids, wrong = CAPTIONS.astype("int32"), CAPTIONS[::-1].astype("int32")
    fake = array(model.generator([noise, ops.convert_to_tensor(ids)]))

    def logits(samples, captions):
        return array(model.discriminator([samples, captions]))

    expected = {
        "right": mean_softplus(-logits(POINTS, ids)),
        "wrong": 0.25 * mean_softplus(logits(POINTS, wrong)),
        "made": 0.75 * mean_softplus(logits(fake, ids)),
    }
    model.noise_seed.state.assign(start)
    assert terms_of(model, "discriminator") == pytest.approx(expected, rel=1e-4)
    model.noise_seed.state.assign(start)
    expected = {"adversarial": mean_softplus(-logits(fake, ids))}
    assert terms_of(model, "generator") == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"feature_matching": kgan.losses.FeatureMatching()},
        {"historical_averaging": kgan.losses.HistoricalAveraging(0.1)},
        {"penalties": (kgan.losses.R1(1.0),)},
        {"penalties": (kgan.losses.QuadraticPotential(0.1),), "loss": "wasserstein"},
    ],
)
def test_a_strangers_condition_trains_and_is_saved(options, tmp_path):
    model = caption_gan(Captions(0.25), **options)
    history = model.fit(POINTS, CAPTIONS, epochs=2, batch_size=4, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.condition) is Captions and loaded.condition.wrong_share == 0.25
    first, second = (m.evaluate(POINTS, CAPTIONS, verbose=0) for m in (model, loaded))
    np.testing.assert_allclose(first, second, rtol=1e-5)


@pytest.mark.parametrize("num_outputs", [1, 2])
def test_the_base_for_pairs_takes_the_next_samples_captions_for_wrong_ones(num_outputs):
    condition = Sentences(mismatched_weight=0.25)
    model = caption_gan(condition, num_outputs, loss="least_squares")
    (wrong,) = condition.wrong((ops.convert_to_tensor(CAPTIONS),))
    np.testing.assert_array_equal(array(wrong), np.roll(CAPTIONS, -1, axis=0))
    terms = terms_of(model, "discriminator")
    outputs = model.discriminator([POINTS, array(wrong).astype("int32")])
    if num_outputs == 1:
        expected = 0.25 * 0.5 * np.mean(array(outputs) ** 2)
        assert terms["mismatched"] == pytest.approx(expected, rel=1e-4)
    else:
        right = model.discriminator([POINTS, CAPTIONS.astype("int32")])[1]
        expected = 0.5 * np.mean((array(right) - 1) ** 2) + 0.5 * np.mean(array(outputs[1]) ** 2)
        assert terms["matching"] == pytest.approx(expected, rel=1e-4)
    assert model.players["generator"].terms == model.heads


def test_one_condition_serves_two_models():
    condition = Sentences()
    one, two = caption_gan(condition), caption_gan(condition, num_outputs=2)
    assert one.heads == ("adversarial",) and two.heads == ("realness", "matching")
    for model in (one, two):
        assert set(terms_of(model, "discriminator")) == set(model.players["discriminator"].terms)


LABELS = np.arange(N, dtype="int32") % 3


def family(name):
    """A model of a family, and a GAN with the same networks and the family's condition."""
    sizes = {"units": (4,)}
    if name == "infogan":
        generator = networks.code_generator((2,), 3, 1, latent_dim=2, **sizes)
        heads = {"category": 3, "continuous": 1}
        discriminator = networks.many_headed((2,), heads, **sizes)
        options, made = {"noise": "uniform"}, kgan.InfoGAN(generator, discriminator, seed=0)
        return made, kgan.GAN(generator, discriminator, condition=made.condition, **options, seed=0)
    generator = networks.generator((2,), 3, latent_dim=2, **sizes)
    if name == "acgan":
        discriminator = networks.many_headed((2,), {"classes": 3}, **sizes)
        made = kgan.AuxiliaryClassifierGAN(generator, discriminator, 3, seed=0)
        condition = kgan.ClassifierCondition(3)
    else:
        discriminator = networks.discriminator((2,), 3, **sizes)
        made = kgan.ConditionalGAN(generator, discriminator, 3, seed=0)
        condition = kgan.LabelCondition(3, seed=1)
    return made, kgan.GAN(generator, discriminator, condition=condition, seed=0)


@pytest.mark.parametrize("name", ["conditional", "acgan", "infogan"])
def test_a_family_is_a_gan_with_its_condition(name):
    made, plain = family(name)
    assert made.fields == plain.fields and made.num_classes == plain.num_classes
    batch = (POINTS, LABELS)[: len(made.fields)]
    for player in ("discriminator", "generator"):
        assert made.players[player] == plain.players[player]
        assert terms_of(made, player, batch) == terms_of(plain, player, batch)


@pytest.mark.parametrize("name", ["conditional", "acgan", "infogan"])
@pytest.mark.parametrize("which", [0, 1])
def test_a_condition_is_saved_with_its_model(name, which, tmp_path):
    model = family(name)[which]
    model.compile(optimizer="sgd")
    data = (POINTS, LABELS)[: len(model.fields)]
    model.fit(*data, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.condition.get_config() == model.condition.get_config()
    first, second = (m.fit(*data, verbose=0, shuffle=False).history for m in (model, loaded))
    assert set(first) == set(second)
    for name in first:
        assert first[name] == pytest.approx(second[name], rel=1e-5)


def test_a_condition_says_what_it_is():
    assert repr(kgan.ClassifierCondition(3, 0.5)) == (
        "ClassifierCondition(num_classes=3, classification_weight=0.5, class_names=None)"
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"condition": None},
            "has 1 output.s., for \\['adversarial'\\].*shapes \\[\\(1,\\), \\(3,",
        ),
        ({"condition": kgan.CodeCondition(3)}, 'pass noise="uniform".*Received: noise='),
        (
            {"condition": kgan.CodeCondition(4, 1), "noise": "uniform"},
            "has 3 categories and 0 continuous codes.*Received: .*'num_categories': 4",
        ),
    ],
)
def test_heads_and_codes_that_do_not_fit_are_refused(arguments, message):
    generator = networks.code_generator((2,), 3, 0, latent_dim=2, units=(4,))
    discriminator = networks.many_headed((2,), {"category": 3}, units=(4,))
    with pytest.raises(ValueError, match=message):
        kgan.GAN(generator, discriminator, **arguments)


def test_the_number_of_inputs_is_that_of_the_condition():
    with pytest.raises(ValueError, match="the discriminator must take 2 inputs, samples and the"):
        kgan.GAN(caption_network(3, 2), kgan.networks.mlp.discriminator((2,)), condition=Captions())


def test_a_penalty_keeps_to_a_name_of_its_own():
    class Wrong(kgan.losses.R1):
        name = "wrong"

    with pytest.raises(ValueError, match="'wrong'.* are taken. Received: penalties named"):
        caption_gan(Captions(), penalties=(Wrong(),))
