import keras
import numpy as np
import pytest

from kgan.metrics import (
    MultiScaleStructuralSimilarity,
    PeakSignalToNoiseRatio,
    StructuralSimilarity,
)


def pictures(n=6, size=28, channels=1, seed=0):
    random = np.random.default_rng(seed)
    images = random.uniform(-1, 1, size=(n, size // 4, size // 4, channels))
    return images.repeat(4, axis=1).repeat(4, axis=2).astype("float32")


def measured(metric, real, fake):
    metric.reset_state()
    metric.update_state(real, fake)
    return metric.result()


def test_decibels_of_a_known_error():
    zeros = np.zeros((3, 8, 8, 1), "float32")
    metric = PeakSignalToNoiseRatio()
    assert measured(metric, zeros, zeros + 0.2) == pytest.approx(20.0, abs=1e-5)
    assert measured(metric, zeros, zeros) == np.inf
    # uint8: an error of one level of 255.
    one = np.full((3, 8, 8, 1), 101, "uint8")
    assert measured(metric, one, one - 1) == pytest.approx(20 * np.log10(255), abs=1e-3)


def test_decibels_are_the_mean_over_images_however_they_come():
    real, fake = pictures(), pictures(seed=1)
    each = 10 * np.log10(4 / np.square(real.astype("float64") - fake).mean(axis=(1, 2, 3)))
    metric = PeakSignalToNoiseRatio()
    metric.update_state(real[:1], fake[:1])
    metric.update_state(real[1:], fake[1:])
    assert metric.result() == pytest.approx(each.mean(), rel=1e-6)
    assert "6 real and 6 generated in pairs" in metric.protocol


def similarity_by_windows(one, other):
    """The mean of equation 13 over all windows of 11x11, for grey images (h, w)."""
    offsets = np.arange(-5, 6)
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line) / np.outer(line, line).sum()
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    values = []
    for row in range(one.shape[0] - 10):
        for column in range(one.shape[1] - 10):
            x, y = (image[row : row + 11, column : column + 11] for image in (one, other))
            mean, other_mean = (window * x).sum(), (window * y).sum()
            variance = (window * (x - mean) ** 2).sum()
            other_variance = (window * (y - other_mean) ** 2).sum()
            covariance = (window * (x - mean) * (y - other_mean)).sum()
            values.append(
                (2 * mean * other_mean + c1)
                * (2 * covariance + c2)
                / ((mean**2 + other_mean**2 + c1) * (variance + other_variance + c2))
            )
    return np.mean(values)


def test_similarity_is_that_of_its_windows():
    real, fake = pictures(2, 16), 0.5 * pictures(2, 16) + 0.5 * pictures(2, 16, seed=1)
    expected = np.mean(
        [similarity_by_windows(x[..., 0] + 1, y[..., 0] + 1) for x, y in zip(real, fake)]
    )
    assert measured(StructuralSimilarity(), real, fake) == pytest.approx(expected, rel=1e-5)
    assert measured(StructuralSimilarity(), real, real) == pytest.approx(1.0)


def test_similarity_of_flat_images_is_that_of_their_brightness():
    a, b, c1 = 0.6, -0.3, 0.02**2
    real, fake = (np.full((2, 12, 12, 3), value) for value in (a, b))
    a, b = a + 1, b + 1  # intensities begin at 0
    expected = (2 * a * b + c1) / (a**2 + b**2 + c1)
    assert measured(StructuralSimilarity(), real, fake) == pytest.approx(expected, abs=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="compares with TensorFlow")
def test_agrees_with_tensorflow():
    import tensorflow as tf

    real, noise = pictures(channels=3), pictures(channels=3, seed=1)
    fake = np.clip(real + 0.4 * noise, -1, 1)
    expected = float(tf.reduce_mean(tf.image.ssim(real + 1, fake + 1, 2.0)))
    assert measured(StructuralSimilarity(), real, fake) == pytest.approx(expected, abs=1e-4)
    metric = MultiScaleStructuralSimilarity(num_pairs=3)
    found = measured(metric, None, np.concatenate([real[:3], fake[:3]]))
    order = np.random.default_rng(0).permutation(6)
    images = np.concatenate([real[:3], fake[:3]])[order]
    factors = np.array([0.0448, 0.2856]) / (0.0448 + 0.2856)
    expected = tf.image.ssim_multiscale(
        images[:3] + 1, images[3:] + 1, 2.0, power_factors=list(factors)
    )
    assert found == pytest.approx(float(tf.reduce_mean(expected)), abs=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="compares with TensorFlow")
def test_pixels_are_compared_as_every_other_library_compares_them():
    import tensorflow as tf

    # Mid-grey, where floats in [-1, 1] change their sign, and a shift of brightness.
    real = (118 + 8 * (1 + pictures(channels=3))).astype("uint8")
    fake = real + np.uint8(15)
    expected = float(tf.reduce_mean(tf.image.ssim(real, fake, 255)))
    assert measured(StructuralSimilarity(), real, fake) == pytest.approx(expected, abs=1e-4)
    assert expected > 0.95


def test_diversity_ranks_collapse_worst():
    real = pictures(100)
    metric = MultiScaleStructuralSimilarity(num_pairs=50)
    assert measured(metric, real, real[:1].repeat(100, axis=0)) == pytest.approx(1.0)
    assert metric.real_similarity < 0.5
    few = measured(metric, real, real[:3].repeat(40, axis=0))
    assert metric.real_similarity < few < 0.9
    assert 0 < metric.standard_error < 0.2
    words = f"50 pairs, 2 scales, {metric.real_similarity:.4g} for real pairs"
    assert words in metric.protocol and metric.mode == "min"


@pytest.mark.parametrize(("size", "scales"), [(11, 1), (21, 1), (22, 2), (64, 3), (176, 5)])
def test_as_many_scales_as_fit(size, scales):
    metric = MultiScaleStructuralSimilarity(num_pairs=1)
    metric.update_state(None, np.zeros((2, size, size, 1)))
    assert metric.result() == pytest.approx(1.0) and f"{scales} scales" in metric.protocol


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: measured(StructuralSimilarity(), *np.zeros((2, 4, 8, 8, 1))), "11x11"),
        (
            lambda: measured(PeakSignalToNoiseRatio(), np.zeros((3, 8, 8, 1)), None),
            "image by image.*Received",
        ),
        (
            lambda: measured(PeakSignalToNoiseRatio(), pictures(3), pictures(4)),
            "image by image.*Received",
        ),
        (lambda: PeakSignalToNoiseRatio().result(), "Received: 0 real and 0 generated"),
        (lambda: measured(PeakSignalToNoiseRatio(), *np.zeros((2, 4, 8))), "dimensions"),
        (lambda: MultiScaleStructuralSimilarity(scales=6), "one to five"),
        (
            lambda: measured(MultiScaleStructuralSimilarity(scales=3), None, pictures()),
            "use 2 scale",
        ),
        (
            lambda: measured(MultiScaleStructuralSimilarity(), None, pictures(1)),
            "at least two generated",
        ),
    ],
)
def test_refuses_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("metric", [PeakSignalToNoiseRatio, StructuralSimilarity])
def test_a_likeness_takes_no_extractor_for_its_name(metric):
    with pytest.raises(TypeError, match="positional argument"):
        metric("digit_judge")
    assert metric(name="likeness").name == "likeness"


def test_luminance_and_border_are_those_of_papers():
    """MATLAB's rgb2ycbcr, on the digital values of ITU-R BT.601."""
    rng = np.random.default_rng(0)
    real, fake = rng.integers(0, 256, (2, 3, 20, 22, 3), "uint8")
    weights = np.array([65.481, 128.553, 24.966]) / 255

    def grey(images, crop):
        return (16 + images @ weights)[:, crop : 20 - crop, crop : 22 - crop]

    for crop in (0, 2):
        difference = grey(real, crop) - grey(fake, crop)
        expected = 10 * np.log10(255**2 / np.square(difference).mean(axis=(1, 2)))
        metric = PeakSignalToNoiseRatio(luminance=True, crop=crop)
        assert measured(metric, real, fake) == pytest.approx(expected.mean(), rel=1e-5)
        assert "luminance" in metric.protocol and ("2 pixels" in metric.protocol) == (crop == 2)
        again = PeakSignalToNoiseRatio.from_config(metric.get_config())
        assert again.luminance and again.crop == crop
    similarity = StructuralSimilarity(luminance=True, crop=4)
    one, two = (grey(images, 4)[..., None] / 127.5 - 1 for images in (real, fake))
    expected = measured(StructuralSimilarity(), one, two)
    assert measured(similarity, real, fake) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="Nothing is left"):
        measured(PeakSignalToNoiseRatio(crop=10), real, fake)
    with pytest.raises(ValueError, match="red, green and blue"):
        measured(PeakSignalToNoiseRatio(luminance=True), real[..., :2], fake[..., :2])
