"""Text to image: GAN-CLS and GAN-INT in closed form, who learns what, and captions as given."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.networks import text

CAPTIONS = ["a red seven", "a blue seven", "a red one", "a blue one", "a red two", "seven"]


def softplus(x):
    return np.log1p(np.exp(x))


def numpy_of(x):
    return ops.convert_to_numpy(x)


def make(strings=True, discriminator=None, **options):
    keras.utils.set_random_seed(0)
    field = kgan.data.Text.describe(CAPTIONS) if strings else None
    model = kgan.TextToImageGAN(
        text.generator((8, 8, 1), 6, latent_dim=4, condition_dim=5, width=4),
        discriminator or text.discriminator((8, 8, 1), 6, condition_dim=5, width=4),
        text.encoder(field.num_tokens, field.max_length, 6, 4) if strings else None,
        field,
        seed=0,
        **options,
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    return model


def data(n=6):
    images = np.random.default_rng(0).integers(0, 256, (n, 8, 8, 1), dtype="uint8")
    return images, [CAPTIONS[place % len(CAPTIONS)] for place in range(n)]


def logits(model, images, embeddings):
    return numpy_of(model.discriminator([images, embeddings], training=False))


def wrong(*rows):
    condition = kgan.CaptionCondition(kgan.data.Text(2, ["a", "b"]))
    given = np.array(rows, "int32")
    ids, places = condition.wrong((given, np.arange(len(rows), dtype="float32")[:, None]))
    places = numpy_of(places).ravel().astype(int).tolist()
    assert numpy_of(ids).tolist() == given[places].tolist()
    return places


def test_wrong_captions_are_the_next_that_differ():
    assert wrong([2, 0], [3, 0], [2, 3], [3, 2]) == [1, 2, 3, 0]
    # Equal neighbours are stepped over, also around the end.
    assert wrong([2, 0], [2, 0], [2, 0], [3, 0]) == [3, 3, 3, 0]
    assert wrong([2, 0], [3, 0], [2, 0]) == [1, 2, 1]
    # Without another caption, the next one stands in; alone, its own.
    assert wrong([2, 0], [2, 0], [2, 0]) == [1, 2, 0]
    assert wrong([2, 0]) == [0]


def test_nearest_captions_differ_in_the_fewest_words():
    condition = kgan.CaptionCondition(kgan.data.Text(3, ["a", "b", "c"]), wrong_captions="nearest")
    captions = np.array([[2, 3, 4], [3, 4, 2], [2, 3, 4], [2, 4, 4], [3, 4, 4]], "int32")
    (wrong,) = condition.wrong((captions,))
    # Of two that differ in one word the next behind, also around the end; never an equal one.
    expected = captions[[3, 4, 3, 4, 1]]
    assert numpy_of(wrong).tolist() == expected.tolist()
    with pytest.raises(ValueError, match="\"nearest\".*Received: wrong_captions='last'"):
        kgan.CaptionCondition(condition.captions, wrong_captions="last")


def test_terms_of_the_discriminator_are_algorithm_1():
    model = make(mismatched_weight=0.25)
    images, captions = data()
    logs = model.evaluate(images, captions, batch_size=6, verbose=0, return_dict=True)
    scaled = kgan.data.to_float(images)
    embeddings = model.run("embed", captions)
    real = logits(model, scaled, embeddings)
    mismatched = logits(model, scaled, np.roll(embeddings, -1, axis=0))
    assert logs["discriminator_real"] == pytest.approx(softplus(-real).mean(), rel=1e-4)
    expected = 0.25 * softplus(mismatched).mean()
    assert logs["discriminator_mismatched"] == pytest.approx(expected, rel=1e-4)


def with_projection(**options):
    return make(
        discriminator=text.discriminator((8, 8, 1), 6, "projection", condition_dim=5, width=4),
        **options,
    )


def cross_entropy(scores):
    """Of each row's own column, in float64."""
    scores = scores.astype("float64")
    return np.mean(np.log(np.exp(scores).sum(axis=1)) - np.diag(scores))


def test_contrast_is_the_cross_entropy_of_captions_and_images_both_ways():
    condition = kgan.CaptionCondition(kgan.data.Text(2, ["a", "b"]), contrastive_weight=1.0)
    random = np.random.default_rng(0)
    told, features = random.normal(size=(2, 4, 3)).astype("float32")
    captions = np.array([[2, 0], [3, 0], [2, 3], [2, 0]])
    found = condition.contrast([None, told, features], captions)
    scores = told @ features.T
    # The first and the last have one caption: neither is a wrong answer for the other.
    scores[0, 3] = scores[3, 0] = -np.inf
    expected = 0.5 * (cross_entropy(scores) + cross_entropy(scores.T))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_contrast_is_a_term_of_both_players_on_their_own_images(monkeypatch):
    model = with_projection(contrastive_weight=2.0, interpolation_weight=0.5)
    plain = with_projection(interpolation_weight=0.5)
    plain.set_weights(model.get_weights())
    images, captions = data()
    for each in (model, plain):
        monkeypatch.setattr(each, "_draw", lambda n: ops.ones((n, 4)))
        each.run_eagerly = True
    settings = {"batch_size": 6, "verbose": 0, "return_dict": True}
    logs = model.evaluate(images, captions, **settings)
    without = plain.evaluate(images, captions, **settings)
    network, embeddings = model.discriminator, model.run("embed", captions)
    parts = keras.Model(
        network.inputs, [network.get_layer(name).output for name in ("projection", "features")]
    )
    fake = numpy_of(model.generator([np.ones((6, 4)), embeddings], training=False))
    for player, shown in (("discriminator", kgan.data.to_float(images)), ("generator", fake)):
        told, features = (numpy_of(x) for x in parts([shown, embeddings], training=False))
        scores = told @ features.T
        expected = cross_entropy(scores) + cross_entropy(scores.T)
        assert logs[f"{player}_contrastive"] == pytest.approx(expected, rel=1e-4)
    # All other terms are as without it.
    for name in set(without) - {"loss", "discriminator_loss", "generator_loss"}:
        assert logs[name] == pytest.approx(without[name], rel=1e-4), name


def test_a_game_with_contrast_trains_and_is_saved(tmp_path):
    images, captions = data()
    like = (images, captions)
    options = {"conditioning": "projection", "contrastive_weight": 1.0, "modulation": True}
    model = kgan.zoo.load("text_to_image", like=like, width=4, seed=0, **options)
    history = model.fit(images, captions, batch_size=6, epochs=2, verbose=0).history
    assert np.isfinite(history["generator_contrastive"]).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.contrastive_weight == 1.0
    np.testing.assert_array_equal(
        again.generate(captions=captions, seed=0), model.generate(captions=captions, seed=0)
    )
    histories = [
        each.fit(images, captions, batch_size=6, verbose=0).history for each in (model, again)
    ]
    assert histories[0]["generator_contrastive"] == histories[1]["generator_contrastive"]


def test_contrast_needs_a_projection():
    with pytest.raises(ValueError, match='conditioning="projection"'):
        make(contrastive_weight=1.0)


def test_modulation_reaches_every_stage_and_embeddings_have_one_scale():
    network = text.generator((8, 8, 1), 6, latent_dim=4, condition_dim=5, width=4, modulation=True)
    plain = text.generator((8, 8, 1), 6, latent_dim=4, condition_dim=5, width=4)
    stages = sum(
        isinstance(layer, keras.layers.ReLU) for layer in network.get_layer("decoder").layers
    )
    dense = [
        x.count_params() for x in network.get_layer("decoder").layers if x.name.startswith("dense")
    ]
    # Two dense layers for each stage, from noise and condition to its channels.
    assert len(dense) == 1 + 2 * stages
    assert network.count_params() == plain.count_params() + sum(dense[1:])
    embeddings = make().run("embed", CAPTIONS)
    np.testing.assert_allclose(embeddings.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(embeddings.std(axis=1), 1, atol=0.1)


def of_constant_noise(model, monkeypatch):
    monkeypatch.setattr(model, "_draw", lambda n: ops.ones((n, 4)))


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_interpolated_captions_are_means_of_two(n, monkeypatch):
    """Half a batch of them, whatever the batch: equation 5 with beta 0.5."""
    model = make(interpolation_weight=3.0)
    of_constant_noise(model, monkeypatch)
    images, captions = data(n)
    model.run_eagerly = True
    logs = model.evaluate(images, captions, batch_size=n, verbose=0, return_dict=True)
    embeddings, half = model.run("embed", captions), (n + 1) // 2
    between = 0.5 * (embeddings[:half] + embeddings[n - half :])
    fake = numpy_of(model.generator([np.ones((half, 4)), between], training=False))
    expected = 3.0 * softplus(-logits(model, fake, between)).mean()
    assert logs["generator_interpolated"] == pytest.approx(expected, rel=1e-4)


def test_interpolation_is_the_generators_alone_and_may_be_left_out():
    model = make(interpolation_weight=0.0)
    assert model.players["generator"].terms == ("adversarial",)
    images, captions = data()
    history = model.fit(images, captions, verbose=0).history
    assert "generator_interpolated" not in history
    assert not any("interpolated" in term for term in make().players["discriminator"].terms)


def test_text_encoder_learns_in_the_discriminators_turn_only():
    model = make()
    assert model.players["discriminator"].networks == ("discriminator", "text_encoder")
    images, captions = data()
    for still in ("discriminator", "generator"):
        model.optimizer[still].learning_rate = 0.0
        before = [numpy_of(weight) for weight in model.text_encoder.weights]
        model.fit(images, captions, verbose=0)
        after = [numpy_of(weight) for weight in model.text_encoder.weights]
        moved = any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
        assert moved == (still == "generator")
        model.optimizer[still].learning_rate = 0.1


def test_captions_decide_and_wordings_are_read():
    model = make()
    one, same, other = model.generate(
        captions=["a red seven", "A RED, seven!", "a blue one"], seed=0
    ).astype(int)
    noise = model.endpoints["generate"].noise.sample(1, 0)
    single = model.decode(noise, "a red seven")
    assert np.abs(single - one).max() <= 1
    again = model.decode(np.repeat(noise, 2, axis=0), ["a red seven", "A RED, seven!"])
    assert np.abs(np.subtract(*again.astype(int))).max() <= 1
    assert one.shape == same.shape == other.shape
    # Unknown words are one word: not nothing, and not a known one.
    unknown = model.run("embed", ["a green seven", "a mauve seven", "a red seven", "a seven"])
    np.testing.assert_allclose(unknown[0], unknown[1], atol=1e-6)
    assert min(np.abs(unknown[0] - unknown[place]).max() for place in (2, 3)) > 1e-4
    assert len(model.generate(5, captions="a red seven", seed=0)) == 5


def test_interpolation_goes_from_caption_to_caption():
    model = make()
    walk = model.interpolate("a red seven", "a blue one", steps=5, seed=3)
    noise = np.repeat(model.endpoints["generate"].noise.sample(1, 3), 2, axis=0)
    ends = model.decode(noise, ["a red seven", "a blue one"])
    assert walk.shape == (5, 8, 8, 1)
    assert np.abs(walk[[0, -1]].astype(int) - ends.astype(int)).max() <= 1
    walks = model.interpolate(CAPTIONS[:2], CAPTIONS[2:4], steps=3)
    assert walks.shape == (2, 3, 8, 8, 1)
    embeddings = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    walks = make(strings=False).interpolate(embeddings[:2], embeddings[2:], steps=3)
    assert walks.shape == (2, 3, 8, 8, 1)
    with pytest.raises(ValueError, match="as many of both. Received: 2 and 1"):
        model.interpolate(CAPTIONS[:2], CAPTIONS[:1])


@pytest.mark.parametrize(
    ("captions", "error", "words"),
    [
        ([], ValueError, "There is no caption.*Received: captions=\\[\\]"),
        (" ", ValueError, "There is no caption"),
        (None, ValueError, "There is no caption"),
        (5, TypeError, "a string, or a list of them.*Received: captions=5"),
        ([1, 2], TypeError, "holds no strings.*Received: "),
        (["a", 3], TypeError, "strings and something else.*Received: 3"),
        (["a", None], TypeError, "strings and something else.*Received: None"),
    ],
)
def test_what_is_no_caption_is_refused_in_words(captions, error, words):
    with pytest.raises(error, match=words):
        make().generate(captions=captions)


def test_counts_and_labels_are_refused_in_words():
    model = make()
    with pytest.raises(ValueError, match="one per sample, 3 here. Received: 2"):
        model.generate(3, captions=["a", "b"])
    with pytest.raises(ValueError, match="asked by captions.*Received: labels=3"):
        model.generate(3, captions="a", labels=3)
    with pytest.raises(TypeError, match="holds no strings"):
        model.fit(data()[0], np.arange(6), verbose=0)


def test_networks_and_losses_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="compares with real ones.*Received: loss="):
        make(loss="relativistic_average", matching_aware=False)
    field = kgan.data.Text.describe(CAPTIONS)
    networks = (
        text.generator((8, 8, 1), 6, latent_dim=4, width=4),
        text.discriminator((8, 8, 1), 6, width=4),
    )
    with pytest.raises(ValueError, match="must fit together.*Received: captions"):
        kgan.TextToImageGAN(*networks, text.encoder(9, 3, 5, 4), field)
    with pytest.raises(ValueError, match="must fit together.*Received: captions"):
        kgan.TextToImageGAN(*networks, None, field)


def test_data_says_which_words_there_are_or_how_long_embeddings_are():
    images, captions = data()
    model = kgan.zoo.load("text_to_image", like=(images, captions), width=4)
    assert set(model.captions.vocabulary) == {"a", "red", "blue", "one", "two", "seven"}
    assert model.captions.max_length == 3
    # Single words are captions too.
    single = kgan.zoo.load("text_to_image", like=(images, ["red", "blue"] * 3), width=4)
    assert set(single.captions.vocabulary) == {"red", "blue"}
    vectors = np.zeros((6, 20), "float32")
    model = kgan.zoo.load("text_to_image", like=(images, vectors), width=4)
    assert model.captions == kgan.data.Vectors((20,), name="captions")
    assert list(model.endpoints) == ["generate"] and model.text_encoder is None
    model.fit(images, vectors + np.arange(6, dtype="float32")[:, None], verbose=0)
    assert model.generate(captions=vectors[:2]).shape == (2, 8, 8, 1)
    with pytest.raises(ValueError, match="one per image.*mean"):
        kgan.zoo.load("text_to_image", like=(images, np.zeros((6, 5, 20), "float32")))


def test_vocabulary_is_saved_and_loaded(tmp_path):
    model = make()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.captions == model.captions
    first, second = (m.generate(captions=CAPTIONS, seed=1) for m in (model, loaded))
    assert np.array_equal(first, second)


SERVE = """
import sys
sys.modules["kgan"] = sys.modules["keras"] = None  # importing them raises
import numpy as np, tensorflow as tf
served = tf.saved_model.load(sys.argv[1])
captions = tf.constant(["A red SEVEN", "a word"])
images = served.generate(tf.constant(2), tf.constant(3, tf.int64), captions)
np.save(sys.argv[2], images.numpy())
"""


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="exports are TensorFlow's")
def test_served_strings_are_those_of_generate(tmp_path):
    model = make()
    model.export(tmp_path / "serving")
    script = tmp_path / "serve.py"
    script.write_text(SERVE)
    subprocess.run(
        [sys.executable, "-I", script, tmp_path / "serving", tmp_path / "images.npy"], check=True
    )
    made = model.generate(captions=["a red seven", "a mauve"], seed=3)
    served = np.load(tmp_path / "images.npy")
    assert np.abs(served.astype(int) - made.astype(int)).max() <= 1
