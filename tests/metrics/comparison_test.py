import json

import numpy as np
import pytest

from kgan import metrics
from kgan.data import ring


class Counting(metrics.Extractor):
    """Counts the samples that it reads."""

    count = 0

    def __call__(self, samples, name="samples"):
        self.count += len(samples)
        return super().__call__(samples, name)


def test_features_are_extracted_once_for_all():
    extractor = Counting()
    shared = [
        metrics.FrechetDistance(extractor),
        metrics.KernelDistance(extractor),
        metrics.PrecisionRecall(extractor),
    ]
    alone = [metrics.FrechetDistance(), metrics.KernelDistance(), metrics.PrecisionRecall()]
    real, fake = ring(200, seed=0), ring(150, seed=1)
    metrics.update_all(shared, real[:90], fake[:100])
    metrics.update_all(shared, real[90:], fake[100:])
    assert extractor.count == 350
    for metric, other in zip(shared, alone):
        other.update_state(real, fake)
        assert metric.result() == pytest.approx(other.result(), rel=1e-9)
        assert metric.protocol == other.protocol


def test_real_samples_that_are_known_go_only_to_pairs():
    images = np.random.default_rng(0).uniform(-1, 1, size=(2, 12, 16, 16, 1)).astype("float32")
    both = [metrics.FrechetDistance(), metrics.PeakSignalToNoiseRatio()]
    metrics.update_all(both, *images)
    expected = [metric.result() for metric in both]
    for metric in both:
        metric.reset_fake()
    metrics.update_all(both, *images, real_is_known=True)
    assert [metric.result() for metric in both] == pytest.approx(expected)
    assert "12 real and 12 generated" in both[0].protocol


def test_default_figures_of_points_print_with_their_protocols():
    found = metrics.evaluate(ring(600, seed=0), ring(500, seed=1))
    assert list(found) == [
        "frechet_distance",
        "kernel_distance",
        "f1",
        "coverage",
        "sliced_wasserstein",
    ]
    assert json.loads(json.dumps(found)) == found
    assert all(isinstance(value, float) for value in found.values())
    text = str(found)
    assert all(name in text and found.protocols[name] in text for name in found)
    assert "600 real and 500 generated" in text and "samples as they are (2 numbers)" in text


def test_default_figures_of_images():
    images = np.random.default_rng(0).integers(256, size=(2, 40, 28, 28, 1)).astype("uint8")
    found = metrics.evaluate(*images[..., 0])
    assert list(found) == list(metrics.evaluate(*images, extractor="digit_judge"))
    # What smudges fool is only there when it is asked for.
    assert not {"precision", "density", "multi_scale_structural_similarity"} & set(found)
    assert all("image_features" in protocol for protocol in found.protocols.values())
    names = set(
        metrics.evaluate(*images.repeat(3, -1).repeat(3, -2).repeat(3, -3)[..., :3], extractor=None)
    )
    assert "frechet_distance" not in names and "kernel_distance" in names


def test_chosen_metrics_start_anew_and_share_no_name():
    chosen = [metrics.PrecisionRecall(neighbours=1), metrics.PrecisionRecall(name="other")]
    real, fake = ring(100, seed=0), ring(100, seed=1)
    first = metrics.evaluate(real, fake, chosen)
    assert {"precision", "other_precision"} <= set(first)
    assert metrics.evaluate(real, fake, chosen) == first


def test_real_digits_are_near_one_another_and_noise_is_far(data_folder):
    path = data_folder / "mnist.npz"
    if not path.is_file():
        pytest.skip(f"no real data: {path}")
    with np.load(path) as file:
        images = file["x_test"][::5][..., None]
    images = images[np.random.default_rng(0).permutation(len(images))]
    real, other = images[:1000], images[1000:]
    random = np.random.default_rng(0)

    def noisy(strength):
        return np.clip(other / 127.5 - 1 + strength * random.normal(size=other.shape), -1, 1)

    noise = random.uniform(-1, 1, size=other.shape)

    def every():
        """Those that smudges fool, too."""
        named = "FrechetDistance KernelDistance SlicedWasserstein PrecisionRecall InceptionScore"
        chosen = [getattr(metrics, name)("digit_judge") for name in named.split()]
        return [*chosen, metrics.ModeCoverage(classifier="digit_judge")]

    ladder = [metrics.evaluate(real, fake, every()) for fake in (other, noisy(0.5), noise)]
    # With 1 000 samples it is biased upwards: with 10 000 it is a tenth.
    assert ladder[0]["frechet_distance"] < 0.15 * ladder[1]["frechet_distance"]
    assert abs(ladder[0]["kernel_distance"]) < 0.02 * ladder[1]["kernel_distance"]
    assert min(ladder[0][name] for name in ("precision", "recall", "density", "coverage")) > 0.85
    for name in ("frechet_distance", "kernel_distance", "sliced_wasserstein"):
        figures = [evaluation[name] for evaluation in ladder]
        assert figures == sorted(figures), name
    # Not by the judge's confidence: it is sure of noise, too.
    for name in ("coverage", "inception_score"):
        figures = [evaluation[name] for evaluation in ladder]
        assert figures == sorted(figures, reverse=True), name
    assert ladder[0]["modes"] == 10 and ladder[0]["high_quality"] > 0.97


def test_refuses_in_words():
    with pytest.raises(TypeError, match="Received: 'frechet_distance'"):
        metrics.evaluate(ring(10), ring(10), ["frechet_distance"])
    with pytest.raises(TypeError, match="Received"):
        metrics.update_all([3], ring(10))
    with pytest.raises(ValueError, match="Received"):
        metrics.evaluate(ring(10), np.zeros((10, 3)))


def test_figures_of_one_name_are_numbered_with_their_errors():
    real, fake = ring(300, seed=0), ring(300, seed=1)
    chosen = [metrics.KernelDistance(block_size=size) for size in (50, 100, 150)]
    found = metrics.evaluate(real, fake, metrics=chosen)
    names = ["kernel_distance", "kernel_distance_2", "kernel_distance_3"]
    assert list(found) == names and list(found.standard_errors) == names
    assert [found[name] for name in names] == [metric.result() for metric in chosen]
    assert [found.standard_errors[name] for name in names] == [m.standard_error for m in chosen]


def test_an_array_that_is_filled_anew_leaves_what_was_measured():
    real, buffer = ring(300, seed=0), ring(300, seed=1).astype("float64")
    metric = metrics.SlicedWasserstein()
    metric.update_state(real, buffer)
    expected = metric.result()
    buffer[:] = 100.0
    assert metric.result() == expected
