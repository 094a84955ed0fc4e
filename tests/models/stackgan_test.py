"""StackGAN: terms in closed form, who hears what, two stages of which the first stands still."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan

CAPTIONS = ["a red seven", "a blue seven", "a red one", "a blue one", "a red two", "seven"]
SIZES = {"width": 4, "refiner_width": 4, "condition_dim": 5, "embedding_dim": 6, "word_dim": 4}


def numpy_of(x):
    return ops.convert_to_numpy(x)


def softplus(x):
    return np.log1p(np.exp(x))


def data(n=6):
    images = np.random.default_rng(0).integers(0, 256, (n, 32, 32, 1), dtype="uint8")
    return images, [CAPTIONS[place % len(CAPTIONS)] for place in range(n)]


def make(stage=1, rate=0.1, **options):
    keras.utils.set_random_seed(0)
    options = {**SIZES, "latent_dim": 3, "num_blocks": 1, "seed": 0, **options}
    model = kgan.zoo.load("stackgan", like=data(), **options)
    model.compile(optimizer=keras.optimizers.SGD(rate))
    if stage == 2:
        model.next_stage()
    return model


def weights_of(model, *names):
    return [numpy_of(weight) for name in names for weight in getattr(model, name).weights]


def unlike(one, other):
    return [not np.array_equal(a, b) for a, b in zip(one, other, strict=True)]


def fixed_noise(model, monkeypatch, n):
    noise = np.random.default_rng(1).normal(size=(n, *model.noise_shape)).astype("float32")
    monkeypatch.setattr(model, "_draw", lambda x: ops.convert_to_tensor(noise))
    model.run_eagerly = True
    return noise


@pytest.mark.parametrize("stage", [1, 2])
def test_terms_are_the_equations(stage, monkeypatch):
    model = make(stage, mismatched_weight=0.25, divergence_weight=0.5)
    images, captions = data()
    noise = fixed_noise(model, monkeypatch, 6)
    logs = model.evaluate(images, captions, batch_size=6, verbose=0, return_dict=True)

    embeddings = model.run("embed", captions)
    mean, log_variance = map(numpy_of, model.condition(embeddings))
    told = mean + np.exp(0.5 * log_variance) * noise[:, 3:8]
    fake = numpy_of(model.generator([noise[:, :3], told], training=False))
    scaled = kgan.data.to_float(images)
    real = scaled.reshape(6, 8, 4, 8, 4, 1).mean((2, 4))
    judge = model.discriminator
    if stage == 2:
        mean, log_variance = map(numpy_of, model.refiner_condition(embeddings))
        told = mean + np.exp(0.5 * log_variance) * noise[:, 8:]
        fake = numpy_of(model.refiner([fake, told], training=False))
        real, judge = scaled, model.refiner_discriminator

    def logits(x, told):
        return numpy_of(judge([x, told], training=False))

    wrong = np.roll(embeddings, -1, axis=0)
    # Summed over the condition's dimensions, a mean over the batch.
    divergence = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1).mean()
    expected = {
        "discriminator_real": softplus(-logits(real, embeddings)).mean(),
        "discriminator_fake": 0.75 * softplus(logits(fake, embeddings)).mean(),
        "discriminator_mismatched": 0.25 * softplus(logits(real, wrong)).mean(),
        "generator_adversarial": softplus(-logits(fake, embeddings)).mean(),
        "generator_divergence": 0.5 * divergence,
    }
    for name, value in expected.items():
        assert logs[name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


def test_both_stages_may_tell_images_from_each_other_by_captions():
    images, labels = kgan.data.load("digits", labels=True, size=32)
    like = images[:8], [f"the digit {label}" for label in labels[:8]]
    options = {"conditioning": "projection", "contrastive_weight": 2.0, "modulation": True}
    model = kgan.zoo.load("stackgan", like=like, width=4, refiner_width=4, seed=0, **options)
    for _ in range(2):
        logs = model.fit(*like, batch_size=8, verbose=0).history
        for player in ("discriminator", "generator"):
            # About as much as a guess among eight, at the beginning.
            assert np.log(8) < logs[f"{player}_contrastive"][0] < 4 * np.log(8)
        if model.stage == 1:
            model.next_stage()
    with pytest.raises(ValueError, match="projection"):
        kgan.zoo.load("stackgan", like=like, width=4, refiner_width=4, contrastive_weight=1.0)


def test_text_encoder_learns_with_the_discriminator_and_condition_with_the_generator():
    model = make()
    for still in ("discriminator", "generator"):
        model.optimizer[still].learning_rate = 0.0
        before = {name: weights_of(model, name) for name in ("text_encoder", "condition")}
        model.fit(*data(), verbose=0)
        moved = {name: any(unlike(before[name], weights_of(model, name))) for name in before}
        assert moved == {
            "text_encoder": still == "generator",
            "condition": still == "discriminator",
        }
        model.optimizer[still].learning_rate = 0.1


def test_condition_hears_the_discriminator_through_the_generator_only():
    """With a generator that ignores its condition, only the divergence moves the condition."""
    model = make(divergence_weight=0.0)
    dense = [layer for layer in model.generator.get_layer("decoder").layers if layer.weights][0]
    kernel = numpy_of(dense.kernel)
    kernel[3:] = 0.0  # what reads the condition, behind three numbers of noise
    dense.kernel.assign(kernel)
    before = weights_of(model, "condition")
    gradients = model.gradient_norms(
        (*(field.check(x) for field, x in zip(model.fields, data(), strict=True)),)
    )
    assert gradients["generator"] > 0
    dense.trainable = False
    model.fit(*data(), verbose=0)
    assert not any(unlike(before, weights_of(model, "condition")))


def test_second_stage_moves_its_networks_and_no_other():
    first = ("generator", "condition", "text_encoder", "discriminator")
    second = ("refiner", "refiner_condition", "refiner_discriminator")
    model = make()
    assert model.stage == 1 and model.second_networks == []
    before = weights_of(model, *second)
    model.fit(*data(), verbose=0)
    assert not any(unlike(before, weights_of(model, *second)))

    small = model.run("generate_small", CAPTIONS, seed=0)
    model.next_stage(learning_rate=0.05)
    assert model.stage == 2
    assert float(model.optimizer["generator"].learning_rate) == pytest.approx(0.05)
    frozen, moving = weights_of(model, *first), weights_of(model, *second)
    model.fit(*data(), epochs=2, verbose=0)
    # BatchNorm's statistics of the first stage stand still too.
    assert not any(unlike(frozen, weights_of(model, *first)))
    assert all(unlike(moving, weights_of(model, *second)))
    after = model.run("generate_small", CAPTIONS, seed=0)
    noise = model.endpoints["generate"].noise
    assert small.shape == after.shape == (6, 8, 8, 1) and noise.shape == (3 + 5 + 5,)
    with pytest.raises(ValueError, match="no third.*Received: a model in stage 2"):
        model.next_stage()


def test_first_stage_is_enlarged_and_second_is_not():
    model = make()
    small = model.run("generate_small", CAPTIONS[:2], seed=0)
    large = model.generate(captions=CAPTIONS[:2], seed=0)
    assert large.shape == (2, 32, 32, 1)
    # Bilinear: pixels half way between two are means of both, and reducing gives nearly the same.
    again = large.reshape(2, 8, 4, 8, 4, 1).mean((2, 4))
    spread = small.astype("float32").std()
    assert np.abs(again - small)[:, 1:-1, 1:-1].mean() < 0.5 * spread
    model.next_stage()
    assert model.generate(captions=CAPTIONS[:2], seed=0).shape == (2, 32, 32, 1)
    assert model.interpolate("a red seven", "a blue one", steps=3, seed=0).shape[0] == 3


def test_averages_of_the_first_stage_stay_for_good():
    keras.utils.set_random_seed(0)
    options = {**SIZES, "latent_dim": 3, "num_blocks": 1, "ema_momentum": 0.5}
    model = kgan.zoo.load("stackgan", like=data(), seed=0, **options)
    model.fit(*data(), batch_size=2, verbose=0)
    with model.averaged_weights():
        expected = weights_of(model, "generator", "condition", "text_encoder")
    assert any(unlike(expected, weights_of(model, "generator", "condition", "text_encoder")))
    model.next_stage()
    assert not any(unlike(expected, weights_of(model, "generator", "condition", "text_encoder")))


@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize("by", ["load_model", "weights"])
def test_training_resumes_in_the_middle_of_either_stage(stage, by, tmp_path):
    keras.utils.set_random_seed(0)
    options = {**SIZES, "latent_dim": 3, "num_blocks": 1, "ema_momentum": 0.9}
    model = kgan.zoo.load("stackgan", like=data(), seed=0, **options)
    model.fit(*data(), batch_size=3, verbose=0)
    if stage == 2:
        model.next_stage()
    model.fit(*data(), batch_size=3, epochs=2, initial_epoch=1, verbose=0)
    path = tmp_path / "model.keras"
    model.save(path)
    if by == "load_model":
        loaded = keras.saving.load_model(path)
    else:
        loaded = kgan.zoo.load("stackgan", weights=path)
    assert loaded.stage == stage and loaded.captions == model.captions
    for some in (model, loaded):
        some.fit(*data(), batch_size=3, epochs=4, initial_epoch=2, verbose=0)
    state = [
        [numpy_of(v) for v in (*some.variables, *some.optimizer.variables)]
        for some in (model, loaded)
    ]
    assert not any(unlike(*state))
    if stage == 1:
        loaded.next_stage()
        loaded.fit(*data(), verbose=0)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="exports are TensorFlow's")
def test_second_stage_is_served(tmp_path):
    import tensorflow as tf

    model = make(2)
    model.export(tmp_path / "serving", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "serving"))
    captions = tf.constant(["A red SEVEN", "a word"])
    images = served.generate(tf.constant(2), tf.constant(3, tf.int64), captions).numpy()
    made = model.generate(captions=["a red seven", "a mauve"], seed=3)
    assert np.abs(images.astype(int) - made.astype(int)).max() <= 1


def test_what_does_not_fit_is_refused_in_words():
    with pytest.raises(ValueError, match="multiples of 4, at least 32.*Received: image_shape"):
        kgan.zoo.load("stackgan", image_shape=(30, 32, 3))
    with pytest.raises(ValueError, match="stages 1 and 2. Received: stage=3"):
        kgan.zoo.load("stackgan", stage=3, width=4)
    with pytest.raises(ValueError, match="There is no caption"):
        make().generate(captions=[])
    model = make()
    networks = {
        name: getattr(model, name)
        for name in ("generator", "condition", "discriminator", "refiner_discriminator")
    }
    with pytest.raises(ValueError, match="4 times the height and width.*Received: images of"):
        kgan.StackGAN(
            **networks,
            refiner=kgan.networks.stacked.refiner((64, 64, 1), 5, 4),
            refiner_condition=model.refiner_condition,
            text_encoder=model.text_encoder,
            captions=model.captions,
        )
