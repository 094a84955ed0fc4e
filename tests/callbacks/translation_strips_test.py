import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

import kgan
from kgan.callbacks import SampleGrid, TranslationStrips
from kgan.pictures import side_by_side, strips

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 4, 4, 1), dtype="uint8")


def network(inputs, output=None):
    x = keras.layers.Concatenate()(inputs) if isinstance(inputs, list) else inputs
    return keras.Model(inputs, keras.layers.Conv2D(output or 1, 3, padding="same")(x))


def image(channels=1):
    return keras.Input((4, 4, channels))


def paired():
    model = kgan.PairedTranslator(network(image(), 3), network([image(), image(3)]), seed=0)
    average = keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9)
    model.compile({"discriminator": "adam", "generator": average})
    return model


def unpaired():
    networks = [network(image()) for _ in range(4)]
    model = kgan.UnpairedTranslator(*networks, seed=0)
    model.compile("adam")
    return model


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_strips_of_input_output_and_truth_through_the_averages(tmp_path):
    model, truth = paired(), np.repeat(IMAGES, 3, -1)
    callback = TranslationStrips(tmp_path, IMAGES, truth, num_samples=5)
    model.fit(IMAGES, truth, epochs=2, verbose=0, callbacks=[callback])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["epoch_0001.png", "epoch_0002.png", "training.gif"]
    columns = [IMAGES[:5], model.translate(IMAGES[:5]), truth[:5]]
    expected = strips(columns, ("input", "output", "truth"))
    np.testing.assert_array_equal(read(tmp_path / "epoch_0002.png"), expected)
    assert (read(tmp_path / "epoch_0001.png") != expected).any()
    raw = kgan.data.to_uint8(model.predict(kgan.data.to_float(IMAGES[:5]), verbose=0))
    assert (raw != columns[1]).any()


def test_both_directions_are_shown_with_the_way_back(tmp_path):
    model, b = unpaired(), 255 - IMAGES
    callback = TranslationStrips(
        tmp_path, {"b_to_a": b[:3], "a_to_b": IMAGES[:3]}, {"a_to_b": b[:3]}, gif=False
    )
    model.fit(IMAGES, b, verbose=0, callbacks=[callback])
    made_a, made_b = model.translate(b[:3], "b_to_a"), model.translate(IMAGES[:3])
    one = strips(
        [b[:3], made_a, model.translate(made_a)], ("input", "output", "and back"), blocks=1
    )
    columns = [IMAGES[:3], made_b, b[:3], model.translate(made_b, "b_to_a")]
    other = strips(columns, ("input", "output", "truth", "and back"), blocks=1)
    expected = side_by_side(one, other, ("b to a", "a to b"))
    np.testing.assert_array_equal(read(tmp_path / "epoch_0001.png"), expected)


def test_training_is_the_same_with_and_without_strips(tmp_path):
    def train(callbacks):
        keras.utils.set_random_seed(1)
        model = paired()
        truth = np.repeat(IMAGES, 3, -1)
        model.fit(IMAGES, truth, batch_size=4, epochs=2, verbose=0, callbacks=callbacks)
        return [ops.convert_to_numpy(v) for v in [*model.variables, *model.optimizer.variables]]

    for one, other in zip(train([]), train([TranslationStrips(tmp_path, IMAGES)]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_does_not_fit_stops_before_the_first_step(tmp_path):
    def refuse(model, message, error=ValueError, **arguments):
        callback = TranslationStrips(tmp_path, **arguments)
        with pytest.raises(error, match=message):
            model.fit(IMAGES, np.repeat(IMAGES, 3, -1), verbose=0, callbacks=[callback])
        assert int(ops.convert_to_numpy(model.optimizer.iterations)) == 0

    refuse(paired(), r"\(2, 5, 5, 1\)", inputs=np.zeros((2, 5, 5, 1), "uint8"))
    refuse(paired(), "inputs for \\['a_to_b'\\]", inputs={"a_to_b": IMAGES})
    refuse(paired(), "12 inputs and 4 targets", inputs=IMAGES, targets=IMAGES[:4].repeat(3, -1))
    refuse(paired(), "inputs for \\[\\]", inputs={})
    assert not list(tmp_path.iterdir())


def test_other_models_and_callbacks_name_each_other(tmp_path):
    points = kgan.data.ring(64, seed=0)
    model = kgan.zoo.load("vanilla", like=points)
    with pytest.raises(TypeError, match="SampleGrid"):
        model.fit(points, verbose=0, callbacks=[TranslationStrips(tmp_path, points)])
    with pytest.raises(TypeError, match="TranslationStrips"):
        unpaired().fit(IMAGES, IMAGES, verbose=0, callbacks=[SampleGrid(tmp_path)])


def test_vectors_are_drawn_as_curves(tmp_path):
    inputs, pair = keras.Input((3,)), [keras.Input((3,)), keras.Input((3,))]
    generator = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    logit = keras.layers.Dense(1)(keras.layers.Concatenate()(pair))
    model = kgan.PairedTranslator(generator, keras.Model(pair, logit))
    model.compile("adam")
    x = np.zeros((4, 3), "float32")
    model.fit(x, x, verbose=0, callbacks=[TranslationStrips(tmp_path, x)])
    assert (tmp_path / "epoch_0001.png").is_file()


@pytest.mark.parametrize(
    ("options", "error"),
    [({"num_samples": 0}, ValueError), ({"every": 0}, ValueError), ({"scale": "huge"}, TypeError)],
)
def test_arguments_of_strips_are_checked(tmp_path, options, error):
    ((name, value),) = options.items()
    with pytest.raises(error, match=f"{name}={value!r}"):
        TranslationStrips(tmp_path, IMAGES, **options)
