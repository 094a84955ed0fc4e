"""Super-resolution: its terms, photographs of any size without seams, exports and resuming."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.data.degradation import shrunk
from kgan.models.content import before_activation, content_network


def image(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), "uint8")


def tiny(name="srresnet", scale=2, **options):
    keras.utils.set_random_seed(0)
    options = {"width": 4, "blocks": 1, "seed": 0, **options}
    return kgan.zoo.load(name, image_shape=(16, 16, 3), scale=scale, **options)


def numbers(tensor):
    return np.asarray(ops.convert_to_numpy(tensor), "float64")


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("generator", ["residual", "dense"])
def test_tiles_leave_no_seam(scale, generator):
    model = tiny(scale=scale, generator=generator)
    rng = np.random.default_rng(1)
    for weight in model.generator.weights:
        weight.assign(rng.normal(0.0, 0.15, weight.shape))
    photograph = image(75, 90)
    whole = model.run("enlarge", photograph[None])[0]
    assert whole.std() > 20
    for tile in (16, 33):
        made = model.enlarge(photograph, tile=tile)
        assert made.shape == (75 * scale, 90 * scale, 3) and made.dtype == np.uint8
        # Rounding to whole numbers may fall on either side.
        assert np.abs(made.astype(int) - whole).max() <= 1
        assert (made != whole).mean() < 1e-3
    # Without their surroundings, tiles do show.
    seams = model.enlarge(photograph, tile=16, overlap=0)
    assert np.abs(seams.astype(int) - whole).max() > 3


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 200), (37, 3)])
def test_any_size_is_enlarged(height, width):
    model = tiny()
    assert model.enlarge(image(height, width), tile=10).shape == (2 * height, 2 * width, 3)
    with pytest.raises(ValueError, match="image is not one image"):
        model.enlarge(image(height, width)[None])
    with pytest.raises(ValueError, match="Received"):
        model.enlarge(image(height, width, channels=1))


def test_averaged_weights_enlarge():
    model = tiny(ema_momentum=0.5)
    windows = kgan.data.photographs([image(48, 48)], crop=16)
    model.fit(windows, batch_size=4, verbose=0)
    made = model.enlarge(image(20, 20, seed=1))
    with model.raw_weights():
        assert (model.enlarge(image(20, 20, seed=1)) != made).any()
    with model.averaged_weights():
        expected = numbers(model(kgan.data.to_float(image(20, 20, seed=1)[None])))[0]
    np.testing.assert_array_equal(kgan.data.to_uint8(expected), made)


def test_terms_are_those_of_the_paper():
    """Wang et al. 2018, equations 1 to 3, in NumPy."""
    model = tiny("srgan", loss="relativistic_average", discriminator_width=4)
    model = kgan.SuperResolution.from_config(
        {**model.get_config(), "reconstruction_weight": 0.3, "content_weight": 0.7}
    )
    x = np.random.default_rng(0).uniform(-1, 1, (3, 8, 8, 3)).astype("float32")
    y = np.random.default_rng(1).uniform(-1, 1, (3, 16, 16, 3)).astype("float32")
    made = model.generator(x)
    real, fake = numbers(model.discriminator(y)), numbers(model.discriminator(made))

    def surprise(logits):
        return np.log1p(np.exp(-logits)).mean()

    a, b = real - fake.mean(), fake - real.mean()
    terms = {name: float(value) for name, value in model.generator_loss(x, y).items()}
    # The mean of both halves: see kgan.losses.RelativisticAverage.
    expected = model.loss.generator(ops.convert_to_tensor(real), ops.convert_to_tensor(fake))
    assert float(expected) == pytest.approx(surprise(b) + surprise(-a), rel=1e-4) or float(
        expected
    ) == pytest.approx((surprise(b) + surprise(-a)) / 2, rel=1e-4)
    assert terms["adversarial"] == pytest.approx(5e-3 * float(expected), rel=1e-4)
    distance = np.abs(numbers(made) - y).mean()
    assert terms["reconstruction"] == pytest.approx(0.3 * distance, rel=1e-4)
    pairs = zip(model.content(y), model.content(made), strict=True)
    content = np.mean([np.abs(numbers(one) - numbers(other)).mean() for one, other in pairs])
    assert terms["content"] == pytest.approx(0.7 * content, rel=1e-4)


def test_content_stays_as_it_is_and_is_saved(tmp_path):
    inputs = keras.Input((None, None, 3))
    content = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs), name="own")
    model = tiny("srgan", content=content, discriminator_width=4)
    before = content.get_weights()
    assert content.trainable_variables and not model.content.trainable_variables
    model.fit(kgan.data.photographs([image(32, 32)], crop=16), batch_size=4, verbose=0)
    for one, other in zip(before, model.content.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.content.get_weights()[0], before[0])


def test_features_of_vgg_are_kerass_before_their_activation():
    keras.utils.set_random_seed(0)
    trained = keras.applications.VGG19(include_top=False, weights=None)
    layer = "block2_conv2"
    network = before_activation(trained, layer)
    pixels = image(16, 16)[None].astype("float32")
    expected = keras.Model(trained.inputs, trained.get_layer(layer).output)(
        keras.applications.vgg19.preprocess_input(pixels.copy())
    )
    found = numbers(network(pixels / 127.5 - 1)) * 12.75
    np.testing.assert_allclose(np.maximum(found, 0), numbers(expected), atol=1e-3)
    assert found.min() < 0
    assert content_network(None) is None
    with pytest.raises(ValueError, match="content='vgg16'"):
        content_network("vgg16")


def test_fit_of_large_images_is_fit_of_pairs():
    large = np.stack([image(16, 16, seed=seed) for seed in range(8)])
    small = np.stack([shrunk(one, 2) for one in large])
    histories = []
    for given in ((large,), (small, large)):
        model = tiny()
        histories.append(model.fit(*given, batch_size=4, epochs=2, verbose=0).history["loss"])
        histories.append(model.evaluate(*given, verbose=0))
    np.testing.assert_allclose(histories[0], histories[2], rtol=1e-6)
    np.testing.assert_allclose(histories[1], histories[3], rtol=1e-6)


@pytest.mark.parametrize("degradation", ["bicubic", "blur_noise_jpeg"])
def test_a_resumed_run_sees_the_same_windows(tmp_path, degradation):
    windows = kgan.data.photographs([image(48, 40), image(33, 64, seed=1)], crop=16)
    whole = tiny(degradation=degradation)
    whole.fit(windows, batch_size=4, epochs=3, verbose=0)
    model = tiny(degradation=degradation)
    model.fit(windows, batch_size=4, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    model.fit(windows, batch_size=4, initial_epoch=1, epochs=3, verbose=0)
    for one, other in zip(whole.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_srgan_begins_with_the_weights_of_srresnet():
    first, model = tiny(), tiny("srgan", discriminator_width=4, seed=1)
    taken = kgan.zoo.take_weights(model, first)
    assert list(taken.left) == ["discriminator"]
    for one, other in zip(first.generator.weights, model.generator.weights, strict=True):
        np.testing.assert_array_equal(numbers(one), numbers(other))


def test_scale_and_shape_come_from_data():
    small, large = np.zeros((2, 6, 9, 3), "uint8"), np.zeros((2, 18, 27, 3), "uint8")
    model = kgan.zoo.load("srresnet", like=(small, large), width=4, blocks=1)
    assert model.scale == 3 and model.image_shape == (18, 27, 3)
    with pytest.raises(ValueError, match="whole number of times"):
        kgan.zoo.load("srresnet", like=(small, large[:, :17]))
    with pytest.raises(ValueError, match="scale must divide"):
        kgan.zoo.load("srresnet", like=large, scale=2)


# The peak of this program alone: `ru_maxrss` begins with that of the process that started it.
LARGE = """
import pathlib
import re
import numpy as np
import kgan

model = kgan.zoo.load("srresnet", image_shape=(96, 96, 3), scale=2, width=8, blocks=1)
large = model.enlarge(np.zeros((3000, 4000, 3), "uint8"))
assert large.shape == (6000, 8000, 3)
status = pathlib.Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s+(\\d+) kB", status).group(1))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or keras.config.backend() != "tensorflow",
    reason="memory is counted in kilobytes on Linux; one backend is enough",
)
def test_twelve_megapixels_take_less_than_two_gigabytes():
    done = subprocess.run(
        [sys.executable, "-c", LARGE], capture_output=True, text=True, check=True, timeout=600
    )
    assert int(done.stdout.split()[-1]) < 2e6


def test_an_export_enlarges_any_size(tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    model = tiny()
    model.export(tmp_path / "served")
    served = tensorflow.saved_model.load(tmp_path / "served")
    for height, width in ((7, 9), (31, 12)):
        photograph = image(height, width)
        made = served.enlarge(photograph[None]).numpy()[0]
        assert made.dtype == np.uint8
        assert np.abs(made.astype(int) - model.enlarge(photograph)).max() <= 1
