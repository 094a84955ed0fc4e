"""The three terms, the two heads and the classifier, against NumPy."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.networks import conditioned as networks

CLASSES, N = 5, 6
RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(N, 2)).astype("float32")
FAKE = RNG.normal(size=(N, 2)).astype("float32")
LABELS = np.array([0, 1, 2, 3, 4, 1], "int32")


def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


def cross_entropy(logits, target):
    """-log of the probability of `target`, 0 or 1."""
    return np.mean(softplus(-logits if target else logits))


def array(tensor):
    return ops.convert_to_numpy(tensor)


class Constant(keras.layers.Layer):
    """A generator that ignores its noise and its label."""

    def __init__(self, samples):
        super().__init__()
        self.samples = samples

    def build(self, shape):
        self.shift = self.add_weight(shape=(2,), initializer="zeros")

    def call(self, inputs):
        return ops.convert_to_tensor(self.samples) + self.shift


def fixed_gan(num_heads=1, cls=kgan.ConditionalGAN, **options):
    """A game with samples that are known, and a discriminator that is linear in known features."""
    noise, labels = keras.Input((3,)), keras.Input((), dtype="int32")
    made = Constant(FAKE)(noise)
    generator = keras.Model([noise, labels], made + 0.0 * ops.cast(labels, "float32")[:, None])
    samples, labels = keras.Input((2,)), keras.Input((), dtype="int32")
    joined = ops.concatenate([samples, ops.one_hot(labels, CLASSES)], axis=1)
    dense = [layers.Dense(1, use_bias=False) for _ in range(num_heads)]
    outputs = [layer(joined) for layer in dense]
    model = cls(
        generator,
        keras.Model([samples, labels], outputs if num_heads > 1 else outputs[0]),
        CLASSES,
        seed=0,
        **options,
    )
    kernels = RNG.normal(size=(num_heads, 2 + CLASSES)).astype("float32")
    for layer, kernel in zip(dense, kernels, strict=True):
        layer.kernel.assign(kernel[:, None])

    def logit(samples, labels, head=0):
        return samples @ kernels[head, :2] + kernels[head, 2 + labels]

    return model, logit


def wrong_labels(model, labels):
    return array(model.condition.wrong((ops.convert_to_tensor(labels),))[0])


def play(model, player):
    """The terms of a turn, and the wrong labels that were drawn in it."""
    start = array(model.condition.seed_generator.state).copy()
    batch = tuple(map(ops.convert_to_tensor, (POINTS, LABELS)))
    _, terms = model.play(player, batch, training=False)
    after = array(model.condition.seed_generator.state).copy()
    model.condition.seed_generator.state.assign(start)
    wrong = wrong_labels(model, LABELS)
    model.condition.seed_generator.state.assign(after)
    return {name: float(array(value)) for name, value in terms.items()}, wrong


@pytest.mark.parametrize("weight", [0.5, 0.2])
def test_three_terms_are_those_of_algorithm_1(weight):
    model, logit = fixed_gan(mismatched_weight=weight)
    terms, wrong = play(model, "discriminator")
    assert (wrong != LABELS).all()
    expected = {
        "real": cross_entropy(logit(POINTS, LABELS), 1),
        "fake": (1 - weight) * cross_entropy(logit(FAKE, LABELS), 0),
        "mismatched": weight * cross_entropy(logit(POINTS, wrong), 0),
    }
    assert terms == pytest.approx(expected, rel=1e-5)
    terms, _ = play(model, "generator")
    assert terms == pytest.approx({"adversarial": cross_entropy(logit(FAKE, LABELS), 1)})


def test_two_terms_are_the_game_of_2014():
    model, logit = fixed_gan(matching_aware=False)
    terms, _ = play(model, "discriminator")
    expected = {
        "real": cross_entropy(logit(POINTS, LABELS), 1),
        "fake": cross_entropy(logit(FAKE, LABELS), 0),
    }
    assert terms == pytest.approx(expected, rel=1e-5)


def test_two_heads_answer_two_questions():
    model, logit = fixed_gan(num_heads=2, loss="least_squares")
    terms, wrong = play(model, "discriminator")
    square = np.mean((logit(POINTS, LABELS, 0) - 1) ** 2)
    match = np.mean((logit(POINTS, LABELS, 1) - 1) ** 2)
    expected = {
        "realness": 0.5 * square + 0.5 * np.mean(logit(FAKE, LABELS, 0) ** 2),
        "matching": 0.5 * match + 0.5 * np.mean(logit(POINTS, wrong, 1) ** 2),
    }
    assert terms == pytest.approx(expected, rel=1e-4)
    terms, _ = play(model, "generator")
    expected = {
        name: 0.5 * np.mean((logit(FAKE, LABELS, head) - 1) ** 2)
        for head, name in enumerate(("realness", "matching"))
    }
    assert terms == pytest.approx(expected, rel=1e-4)


def test_two_heads_take_a_relativistic_loss():
    model, logit = fixed_gan(num_heads=2, loss="relativistic_pairing")
    terms, wrong = play(model, "discriminator")
    real, fake = logit(POINTS, LABELS, 0), logit(FAKE, LABELS, 0)
    assert terms["realness"] == pytest.approx(np.mean(softplus(fake - real)), rel=1e-5)
    right, mismatched = logit(POINTS, LABELS, 1), logit(POINTS, wrong, 1)
    assert terms["matching"] == pytest.approx(np.mean(softplus(mismatched - right)), rel=1e-5)
    terms, _ = play(model, "generator")
    assert terms["realness"] == pytest.approx(np.mean(softplus(real - fake)), rel=1e-5)
    made = logit(FAKE, LABELS, 1)
    assert terms["matching"] == pytest.approx(np.mean(softplus(right - made)), rel=1e-5)


def test_two_terms_take_a_relativistic_loss():
    model, logit = fixed_gan(matching_aware=False, loss="relativistic_average")
    terms, _ = play(model, "discriminator")
    real, fake = logit(POINTS, LABELS), logit(FAKE, LABELS)
    expected = np.mean(softplus(fake.mean() - real)) + np.mean(softplus(fake - real.mean()))
    assert terms == pytest.approx({"adversarial": expected}, rel=1e-5)


def test_penalty_of_two_heads_is_that_of_their_sum():
    model, _ = fixed_gan(num_heads=2, penalties=(kgan.losses.R1(2.0),))
    terms, _ = play(model, "discriminator")
    kernel = sum(array(v)[:2, 0] for v in model.discriminator.trainable_variables)
    # A linear discriminator has its kernel for a gradient.
    assert terms["r1"] == pytest.approx(float(kernel @ kernel), rel=1e-4)


def test_wrong_labels_are_uniform_over_the_other_classes():
    model, _ = fixed_gan()
    labels = np.tile(np.arange(CLASSES), 4000)
    wrong = wrong_labels(model, labels)
    counts = np.zeros((CLASSES, CLASSES))
    np.add.at(counts, (labels, wrong), 1)
    assert np.trace(counts) == 0
    shares = counts[~np.eye(CLASSES, dtype=bool)] / 4000
    # Five standard deviations.
    np.testing.assert_allclose(shares, 0.25, atol=5 * np.sqrt(0.25 * 0.75 / 4000))
    assert not np.array_equal(wrong, wrong_labels(model, labels))


def test_wrong_label_of_the_largest_random_number(monkeypatch):
    model, _ = fixed_gan()
    # What rounding could make of a number just below 1.
    monkeypatch.setattr(keras.random, "uniform", lambda shape, **kwargs: ops.ones(shape))
    wrong = wrong_labels(model, LABELS)
    assert np.array_equal(wrong, (LABELS + CLASSES - 1) % CLASSES)


@pytest.mark.parametrize("num_heads", [1, 2])
def test_scores_are_the_heads_probabilities(num_heads):
    model, logit = fixed_gan(num_heads=num_heads)
    scores = model.scores(POINTS, LABELS, batch_size=4)
    assert tuple(scores) == (("realness", "matching") if num_heads == 2 else ("adversarial",))
    for head, values in enumerate(scores.values()):
        expected = 1 / (1 + np.exp(-logit(POINTS, LABELS, head)))
        np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_scores_of_pixels_are_those_of_the_same_images_as_floats():
    model = kgan.ConditionalGAN(
        networks.generator((8, 8, 1), CLASSES, latent_dim=2, width=4),
        networks.discriminator((8, 8, 1), CLASSES, width=4),
        CLASSES,
    )
    pixels = RNG.integers(0, 256, (N, 8, 8, 1), dtype="uint8")
    expected = model.scores(pixels, LABELS)["adversarial"]
    for images in (kgan.data.to_float(pixels), kgan.data.to_float(pixels).astype("float64")):
        np.testing.assert_allclose(model.scores(images, LABELS)["adversarial"], expected, rtol=1e-5)
    assert np.ptp(expected) > 0


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="trains: one backend is enough")
def test_matching_head_learns_and_its_score_tells_wrong_labels():
    points, labels = kgan.data.load("ring", labels=True, max_examples=512)
    model = kgan.zoo.load(
        "conditional", like=(points, labels), conditioning="two_heads", units=(64,), seed=0
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    model.fit(points, labels, epochs=10, batch_size=64, verbose=0)
    right = model.scores(points, labels)["matching"]
    wrong = model.scores(points, (labels + 4) % 8)["matching"]
    assert right.mean() > 0.8
    assert wrong.mean() < 0.3


@pytest.mark.parametrize("options", [{}, {"loss": "wasserstein"}])
@pytest.mark.parametrize("loss", ["relativistic_average", "relativistic_pairing"])
def test_three_terms_need_a_loss_with_halves(loss, options):
    with pytest.raises(ValueError, match='has no halves.*Use "non_saturating"'):
        fixed_gan(**{**options, "loss": loss})


@pytest.mark.parametrize("weight", [-0.1, 1.5, "half", True])
def test_weight_is_a_share(weight):
    with pytest.raises(ValueError, match="mismatched_weight is what of the terms"):
        fixed_gan(mismatched_weight=weight)


def test_head_for_matching_needs_wrong_labels():
    with pytest.raises(ValueError, match="learns from wrong labels alone"):
        fixed_gan(num_heads=2, matching_aware=False)


def test_more_than_two_heads_are_refused():
    with pytest.raises(ValueError, match="AuxiliaryClassifierGAN.*Received: 3 outputs"):
        fixed_gan(num_heads=3)


def test_one_class_has_no_wrong_label():
    network = networks.generator((2,), 2, latent_dim=2, units=(4,))
    discriminator = networks.discriminator((2,), 2, units=(4,))
    with pytest.raises(ValueError, match="`num_classes` must be an integer of at least 2"):
        kgan.ConditionalGAN(network, discriminator, num_classes=1)


def matching_gan(conditioning):
    return kgan.ConditionalGAN(
        networks.generator((2,), CLASSES, latent_dim=2, units=(4,)),
        networks.discriminator((2,), CLASSES, conditioning, units=(4,)),
        CLASSES,
        feature_matching=kgan.losses.FeatureMatching(),
    )


@pytest.mark.parametrize("conditioning", networks.CONDITIONINGS)
def test_feature_matching_tells_the_generator_the_label(conditioning):
    model = matching_gan(conditioning)
    real, fake = (ops.convert_to_tensor(samples) for samples in (POINTS, FAKE))
    losses = []
    for labels in (LABELS, np.roll(LABELS, 1)):
        terms = model.deceive(real, fake, (ops.convert_to_tensor(labels),))
        assert set(terms) == set(model.players["generator"].terms)
        losses.append(sum(float(array(value)) for value in terms.values()))
    assert abs(losses[0] - losses[1]) > 1e-4 * abs(losses[0])


def test_projection_matches_the_features_of_all_and_of_each_class():
    model = matching_gan("projection")
    real, fake, labels = map(ops.convert_to_tensor, (POINTS, FAKE, LABELS))
    features = [array(model._features(samples, (labels,))) for samples in (real, fake)]
    difference = features[0] - features[1]
    expected = np.sum(difference.mean(axis=0) ** 2)
    for label in range(CLASSES):
        expected += np.sum((difference[LABELS == label].sum(axis=0) / N) ** 2)
    terms = model.deceive(real, fake, (labels,))
    assert float(array(terms["feature_matching"])) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("conditioning", networks.CONDITIONINGS)
def test_feature_matching_takes_the_place_of_the_term_on_realness(conditioning):
    model = matching_gan(conditioning)
    matching = ("matching",) if conditioning == "two_heads" else ()
    assert model.players["generator"].terms == ("feature_matching", *matching)
    model.compile(optimizer="sgd")
    history = model.fit(POINTS, LABELS, verbose=0).history
    assert np.isfinite(history["generator_feature_matching"]).all()


# The auxiliary classifier


def auxiliary(**options):
    generator = networks.generator((2,), CLASSES, latent_dim=2, units=(4,))
    discriminator = networks.many_headed((2,), {"classes": CLASSES}, units=(4,))
    return kgan.AuxiliaryClassifierGAN(generator, discriminator, CLASSES, seed=0, **options)


def test_class_is_told_of_real_and_of_generated_samples():
    model = auxiliary(classification_weight=0.5)
    batch = tuple(map(ops.convert_to_tensor, (POINTS, LABELS)))
    start = array(model.noise_seed.state).copy()
    noise = kgan.latent.noise.draw((N, 2), "normal", model.noise_seed)
    fake = model.generator([noise, batch[1]])

    def answers(samples):
        logits, classes = (array(output) for output in model.discriminator(samples))
        classes = classes - np.log(np.exp(classes).sum(axis=1, keepdims=True))
        return logits, -np.mean(classes[np.arange(N), LABELS])

    (on_real, real_entropy), (on_fake, fake_entropy) = answers(batch[0]), answers(fake)
    expected = {
        "discriminator": {
            "adversarial": cross_entropy(on_real, 1) + cross_entropy(on_fake, 0),
            "classification": 0.5 * (real_entropy + fake_entropy),
        },
        "generator": {
            "adversarial": cross_entropy(on_fake, 1),
            "classification": 0.5 * fake_entropy,
        },
    }
    for player, terms in expected.items():
        model.noise_seed.state.assign(start)
        _, received = model.play(player, batch, training=False)
        received = {name: float(array(value)) for name, value in received.items()}
        assert received == pytest.approx(terms, rel=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "relativistic_pairing"},
        {"feature_matching": kgan.losses.FeatureMatching()},
        {"penalties": (kgan.losses.GradientPenalty(1.0),)},
    ],
)
def test_classifier_plays_with_the_options_of_a_gan(options):
    model = auxiliary(**options)
    model.compile(optimizer="sgd")
    history = model.fit(POINTS, LABELS, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert "generator_classification" in history


def test_classifier_needs_a_head_of_classes_and_no_labels():
    generator = networks.generator((2,), CLASSES, latent_dim=2, units=(4,))
    with pytest.raises(ValueError, match="class logits of shape .batch, 5.*1.*3"):
        kgan.AuxiliaryClassifierGAN(
            generator, networks.many_headed((2,), {"classes": 3}, units=(4,)), CLASSES
        )
    with pytest.raises(ValueError, match="the discriminator must take one input"):
        kgan.AuxiliaryClassifierGAN(
            generator, networks.discriminator((2,), CLASSES, units=(4,)), CLASSES
        )
