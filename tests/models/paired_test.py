"""The paired translator: its terms against NumPy, and one answer in translate, evaluate, export."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.data import Images, Vectors


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


def softplus(x):
    return np.log1p(np.exp(x))


def dense(channels):
    return layers.Dense(channels, kernel_initializer="normal", bias_initializer="normal")


def linear(read=(4, 6, 1), made=(4, 6, 3), **options):
    """A generator and a discriminator that are one matrix each, at every pixel."""
    x, y = keras.Input(read), keras.Input(made)
    generator = keras.Model(x, layers.Activation("tanh")(dense(made[-1])(x)), name="g")
    pair, y = keras.Input(read), keras.Input(made)
    logits = dense(1)(layers.Concatenate()([pair, y]))
    return kgan.PairedTranslator(generator, keras.Model([pair, y], logits, name="d"), **options)


def pairs(read=(4, 6, 1), made=(4, 6, 3), n=5, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, 256, (n, *shape), dtype="uint8") for shape in (read, made))


def by_hand(model, x, y):
    """What the generator makes, and the logits of true and of made pairs, in NumPy."""
    (a, b), (c, d) = (
        [ops.convert_to_numpy(v) for v in network.trainable_variables]
        for network in (model.generator, model.discriminator)
    )
    x, y = (array / 127.5 - 1.0 for array in (x, y))
    made = np.tanh(x @ a + b)
    real, fake = (np.concatenate([x, other], -1) @ c + d for other in (y, made))
    return y, made, real, fake


def terms(model, player, x, y, training=False):
    batch = model.unpack((ops.convert_to_tensor(x), ops.convert_to_tensor(y)))
    _, found = model.play(player, batch, training)
    return {name: number(value) for name, value in found.items()}


@pytest.mark.parametrize(
    ("reconstruction", "distance"),
    [
        ("l1", lambda y, made: np.abs(y - made).mean()),
        ("l2", lambda y, made: ((y - made) ** 2).mean()),
        (keras.losses.MeanAbsoluteError(), lambda y, made: np.abs(y - made).mean()),
    ],
)
def test_terms_are_those_of_equation_4(reconstruction, distance):
    model = linear(reconstruction=reconstruction)
    x, y = pairs()
    truth, made, real, fake = by_hand(model, x, y)
    halved = 0.5 * (softplus(-real).mean() + softplus(fake).mean())
    assert terms(model, "discriminator", x, y) == pytest.approx({"adversarial": halved}, rel=1e-4)
    assert terms(model, "generator", x, y) == pytest.approx(
        {
            "adversarial": softplus(-fake).mean(),
            "reconstruction": 100.0 * distance(truth, made),
        },
        rel=1e-4,
    )


def test_weights_and_losses_are_options():
    model = linear(
        loss="least_squares", reconstruction_weight=3, discriminator_weight=2.0, reconstruction="l2"
    )
    x, y = pairs()
    truth, made, real, fake = by_hand(model, x, y)
    least_squares = kgan.losses.LeastSquares()
    expected = 2.0 * number(least_squares.discriminator(real, fake))
    assert terms(model, "discriminator", x, y)["adversarial"] == pytest.approx(expected, rel=1e-4)
    found = terms(model, "generator", x, y)
    assert found["reconstruction"] == pytest.approx(3 * ((truth - made) ** 2).mean(), rel=1e-4)
    # A relativistic generator looks at true pairs too.
    model = linear(loss="relativistic_pairing")
    _, _, real, fake = by_hand(model, x, y)
    expected = softplus(real - fake).mean()
    assert terms(model, "generator", x, y)["adversarial"] == pytest.approx(expected, rel=1e-4)


@pytest.fixture(scope="module")
def trained():
    """A tiny pix2pix with dropout after a few steps, and pairs: 5 channels from 2, not square."""
    keras.utils.set_random_seed(0)
    x, y = pairs((8, 12, 2), (8, 12, 5), n=6)
    model = kgan.zoo.load("pix2pix", like=(x, y), width=4, discriminator_width=4, seed=0)
    model.fit(x, y, batch_size=2, epochs=2, verbose=0)
    return model, x, y


def test_translate_evaluate_predict_and_export_agree(trained, tmp_path):
    import tensorflow as tf

    model, x, y = trained
    raw = model.predict(kgan.data.to_float(x), verbose=0)
    logs = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    distance = np.abs(raw - kgan.data.to_float(y)).mean()
    assert logs["generator_reconstruction"] == pytest.approx(100 * distance, rel=1e-4)

    made = model.translate(x)
    assert made.dtype == np.uint8 and made.shape == y.shape
    assert np.abs(made - ((raw + 1) * 127.5)).max() <= 0.51
    np.testing.assert_array_equal(made, model.translate(x))

    model.export(tmp_path / "1")
    served = tf.saved_model.load(tmp_path / "1")
    assert set(served.signatures) == {"serving_default", "translate"}
    for endpoint in (served.translate, served.serving_default):
        for size in (6, 1):
            answer = endpoint(tf.constant(x[:size])).numpy()
            assert answer.dtype == np.uint8
            assert np.abs(answer.astype(int) - made[:size]).max() <= 1


def test_dropout_plays_in_training_only(trained):
    model, x, y = trained
    still = [terms(model, "generator", x, y)["reconstruction"] for _ in range(2)]
    moving = [terms(model, "generator", x, y, True)["reconstruction"] for _ in range(2)]
    assert still[0] == still[1]
    assert len({*moving, *still}) == 3


def test_an_image_has_one_answer_whatever_it_is_batched_with(trained):
    model, x, _ = trained
    made = model.translate(x).astype(int)
    for answer in (model.translate(x, batch_size=4), model.translate(kgan.data.to_float(x))):
        assert answer.dtype == np.uint8
        assert np.abs(answer - made).max() <= 1
    assert np.abs(model.translate(x[2:3]) - made[2:3]).max() <= 1


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda x: x[:, :-1], ValueError, "7x12 instead of 8x12"),
        (lambda x: x[..., :1], ValueError, "1 channels instead of 2"),
        (lambda x: x.astype("float32"), ValueError, "look like 0..255"),
        (lambda x: kgan.data.to_float(x) * np.nan, ValueError, "NaN"),
        (lambda x: x[0], ValueError, "without a batch axis"),
        (lambda x: x[:0], ValueError, "empty"),
        (lambda x: iter([x]), TypeError, "takes arrays"),
        (lambda x: "photos", TypeError, "is a path or a name"),
    ],
)
def test_what_can_not_be_translated_is_refused(trained, change, error, match):
    model, x, _ = trained
    with pytest.raises(error, match=f"{match}.*Received"):
        model.translate(change(x))


def test_batch_size_is_checked(trained):
    model, x, _ = trained
    with pytest.raises(ValueError, match="Received: batch_size=0"):
        model.translate(x, batch_size=0)


def test_targets_are_checked_as_inputs_are(trained):
    model, x, y = trained
    with pytest.raises(ValueError, match="'y' are missing"):
        model.fit(x)
    with pytest.raises(ValueError, match="y has 2 channels instead of 5.*Received: y"):
        model.fit(x, x)
    with pytest.raises(ValueError, match="x has 6 samples and y has 5"):
        model.fit(x, y[:5])


def test_saved_and_loaded_it_translates_the_same(trained, tmp_path):
    model, x, _ = trained
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is kgan.PairedTranslator
    np.testing.assert_array_equal(loaded.translate(x), model.translate(x))


def test_the_average_translates_where_there_is_one():
    model = linear()
    model.compile(optimizer=keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5))
    x, y = pairs(n=8)
    model.fit(x, y, batch_size=4, epochs=2, verbose=0)
    with model.averaged_weights():
        averaged = model.predict(kgan.data.to_float(x), verbose=0)
    latest = model.predict(kgan.data.to_float(x), verbose=0)
    made = model.translate(x)
    assert np.abs(made - (averaged + 1) * 127.5).max() <= 0.51
    assert np.abs(made - (latest + 1) * 127.5).max() > 1


def test_grey_images_need_no_channel_axis():
    x, y = pairs((4, 6, 1), (4, 6, 1))
    model = linear((4, 6, 1), (4, 6, 1))
    model.compile(optimizer="sgd")
    model.fit(x[..., 0], y[..., 0], verbose=0)
    np.testing.assert_array_equal(model.translate(x[..., 0]), model.translate(x))


def test_samples_that_are_no_images_are_floats(tmp_path):
    """32 time steps of 1 channel without a range, from noisy to clean."""
    import tensorflow as tf

    model = linear((32, 1), (32, 1), source=Vectors((32, 1)), target=Vectors((32, 1)))
    model.compile(optimizer="adam")
    rng = np.random.default_rng(0)
    clean = rng.normal(0, 5, (6, 32, 1)).astype("float32")
    noisy = clean + rng.normal(size=clean.shape).astype("float32")
    model.fit(noisy, clean, verbose=0)
    made = model.translate(noisy, batch_size=4)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, model.predict(noisy, verbose=0), atol=1e-6)
    with pytest.raises(ValueError, match="integers.*Received"):
        model.translate(noisy.astype("int32"))
    if keras.config.backend() == "tensorflow":
        model.export(tmp_path / "1")
        served = tf.saved_model.load(tmp_path / "1")
        np.testing.assert_allclose(served.translate(tf.constant(noisy)), made, atol=1e-6)


# What follows from data


@pytest.mark.parametrize("kind", ["arrays", "tf.data", "DataLoader"])
def test_like_takes_pairs(kind):
    x, y = pairs((8, 8, 1), (8, 8, 3))
    like = (x, y)
    if kind == "tf.data":
        import tensorflow as tf

        like = tf.data.Dataset.from_tensor_slices((x, y)).batch(2)
    if kind == "DataLoader":
        torch = pytest.importorskip("torch")
        tensors = torch.utils.data.TensorDataset(*map(torch.as_tensor, (x, y)))
        like = torch.utils.data.DataLoader(tensors, batch_size=2)
    model = kgan.zoo.load("pix2pix", like=like, width=4, discriminator_width=4)
    assert model.fields == (Images((8, 8, 1), "x"), Images((8, 8, 3), "y"))


def test_options_stand_over_what_follows_from_data():
    x, y = pairs((8, 8, 1), (8, 8, 3))
    options = {"width": 4, "discriminator_width": 4}
    one = kgan.zoo.load("pix2pix", like=x, **options)
    assert [field.shape for field in one.fields] == [(8, 8, 1), (8, 8, 1)]
    other = kgan.zoo.load("pix2pix", like=(x, y), target_channels=2, **options)
    assert other.fields[1].shape == (8, 8, 2)
    with pytest.raises(ValueError, match="Resize.*\\(8, 8, 1\\) and \\(4, 8, 3\\)"):
        kgan.zoo.load("pix2pix", like=(x, y[:, :4]), **options)


def test_labels_are_no_targets():
    def described(*data):
        return [field.shape for field in kgan.data.describe_data(data, ((Images,), (Images,)))]

    x, y = pairs()
    assert described(x, y)[1] == (4, 6, 3)
    assert described(x, x[..., 0])[1] == (4, 6, 1)
    for labels in (np.arange(5), np.eye(5), np.arange(5)[:, None]):
        assert len(described(x, labels)) == 1


# What is refused


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"reconstruction": "l3"}, ValueError, 'Did you mean "l'),
        ({"reconstruction": abs}, TypeError, "Received: <built-in function abs>"),
        (
            {"reconstruction": keras.losses.MeanSquaredError(reduction=None)},
            ValueError,
            "MeanSquaredError with reduction=",
        ),
        ({"reconstruction_weight": -1}, ValueError, "reconstruction_weight=-1"),
        ({"reconstruction_weight": "100"}, TypeError, "reconstruction_weight='100'"),
        ({"discriminator_weight": np.nan}, ValueError, "discriminator_weight=nan"),
    ],
)
def test_bad_arguments_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        linear(**options)


def test_networks_that_do_not_fit_are_refused():
    model, other = linear(), linear((4, 6, 3), (4, 6, 1))
    alone = kgan.networks.patchgan.discriminator((8, 8, 3), width=2)
    for discriminator in (other.discriminator, alone):
        with pytest.raises(ValueError, match="must take pairs.*Received"):
            kgan.PairedTranslator(model.generator, discriminator)


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan"])
def test_the_command_line_trains_translators_from_files(name, tmp_path):
    from kgan.app import runs

    x, y = pairs((8, 8, 1), (8, 8, 1))
    names = ("x", "y") if name == "pix2pix" else ("a", "b")
    np.savez(tmp_path / "pairs.npz", **dict(zip(names, (x, y), strict=True)))
    asked = {"model": name, "data": str(tmp_path / "pairs.npz"), "batch_size": 4}
    options = {"width": 4, "discriminator_width": 4}
    asked["options"] = options if name == "pix2pix" else {**options, "num_blocks": 1}
    model = runs.train(tmp_path / "run", 1, asked, print_fn=lambda line: None)
    assert (tmp_path / "run" / "samples" / "epoch_0001.png").is_file()
    assert len(model.translate(x)) == len(x)


def test_the_command_line_says_what_a_translator_lacks(tmp_path):
    from kgan.app import runs

    asked = {"model": "pix2pix", "data": "digits", "max_examples": 8}
    asked["options"] = {"width": 4, "discriminator_width": 4}
    with pytest.raises(ValueError, match="Name both folders"):
        runs.train(tmp_path / "run", 1, asked, print_fn=lambda line: None)
    assert not (tmp_path / "run" / "run.json").exists()


# Several directions


class Both(kgan.AdversarialModel):
    """There and back, without training."""

    fields = (Images((2, 3, 1), "x"), Images((2, 3, 4), "y"))

    @property
    def endpoints(self):
        x, y = self.fields
        return {
            "there": kgan.Endpoint(
                function=self.there, inputs=(x,), output=y, networks=("there",), imitates="y"
            ),
            "back": kgan.Endpoint(
                function=self.back, inputs=(y,), output=x, networks=("back",), imitates="x"
            ),
        }

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        x, y = (keras.Input(field.shape) for field in self.fields)
        # Of one name, as two networks of one builder are.
        self.there = keras.Model(x, dense(4)(x), name="generator")
        self.back = keras.Model(y, dense(1)(y), name="generator")
        self.built = True


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="the same on every backend")
def test_each_direction_is_exported_under_its_name(tmp_path):
    import tensorflow as tf

    model = Both()
    x, y = pairs((2, 3, 1), (2, 3, 4))
    model.export(tmp_path / "1")
    served = tf.saved_model.load(tmp_path / "1")
    assert set(served.signatures) == {"serving_default", "there", "back"}
    for name, images in (("there", x), ("back", y)):
        made = model.run(name, images)
        np.testing.assert_array_equal(getattr(served, name)(tf.constant(images)), made)
    np.testing.assert_array_equal(served.serving_default(tf.constant(x)), served.there(x))

    onnxruntime = pytest.importorskip("onnxruntime")
    model.export(tmp_path / "both.onnx", format="onnx")
    session = onnxruntime.InferenceSession(tmp_path / "both.onnx")
    floats = [kgan.data.to_float(images) for images in (x, y)]
    names = [put_in.name for put_in in session.get_inputs()]
    assert names == ["there", "back"]
    answers = session.run(None, dict(zip(names, floats, strict=True)))
    for network, images, answer in zip((model.there, model.back), floats, answers, strict=True):
        np.testing.assert_allclose(answer, network(images), atol=1e-5)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="the same on every backend")
def test_onnx_holds_the_raw_network(trained, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model, x, _ = trained
    model.export(tmp_path / "translate.onnx", format="onnx")
    session = onnxruntime.InferenceSession(tmp_path / "translate.onnx")
    images = kgan.data.to_float(x)
    (answer,) = session.run(None, {session.get_inputs()[0].name: images})
    np.testing.assert_allclose(answer, model.predict(images, verbose=0), atol=1e-4)


def test_a_bright_batch_is_measured_without_a_word():
    bright = np.random.default_rng(0).integers(128, 256, (16, 8, 8, 1)).astype("uint8")
    model = kgan.zoo.load("pix2pix", like=(bright, bright), width=4, discriminator_width=4, seed=0)
    model.compile(optimizer=model.optimizer, metrics=[kgan.metrics.PeakSignalToNoiseRatio()])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.evaluate(bright, bright, batch_size=8, verbose=0)
