"""Metrics by their names, as Keras's `compile` and the command line name them."""

import difflib

from kgan.metrics.base import SampleMetric
from kgan.metrics.classes import InceptionScore
from kgan.metrics.distribution import FrechetDistance, KernelDistance, SlicedWasserstein
from kgan.metrics.neighbours import PrecisionRecall
from kgan.metrics.similarity import (
    MultiScaleStructuralSimilarity,
    PeakSignalToNoiseRatio,
    StructuralSimilarity,
)
from kgan.metrics.speech_quality import (
    PerceptualSpeechQuality,
    ScaleInvariantDistortionRatio,
    SegmentalSignalToNoiseRatio,
    ShortTimeIntelligibility,
)

# `ModeCoverage` is not among them: without its centers or its classifier it counts nothing.
_CLASSES = {
    "frechet_distance": FrechetDistance,
    "kernel_distance": KernelDistance,
    "sliced_wasserstein": SlicedWasserstein,
    "precision_recall": PrecisionRecall,
    "inception_score": InceptionScore,
    "multi_scale_structural_similarity": MultiScaleStructuralSimilarity,
    "peak_signal_to_noise_ratio": PeakSignalToNoiseRatio,
    "structural_similarity": StructuralSimilarity,
    "scale_invariant_distortion_ratio": ScaleInvariantDistortionRatio,
    "segmental_signal_to_noise_ratio": SegmentalSignalToNoiseRatio,
    "short_time_intelligibility": ShortTimeIntelligibility,
    "perceptual_speech_quality": PerceptualSpeechQuality,
}
_SHORT = {
    "psnr": "peak_signal_to_noise_ratio",
    "ssim": "structural_similarity",
    "si_sdr": "scale_invariant_distortion_ratio",
    "segmental_snr": "segmental_signal_to_noise_ratio",
    "stoi": "short_time_intelligibility",
    "pesq": "perceptual_speech_quality",
    "ms_ssim": "multi_scale_structural_similarity",
}
_FIGURES = tuple(PrecisionRecall.mode)
NAMES = (*_CLASSES, *_FIGURES)


def get(identifier: str | SampleMetric) -> SampleMetric:
    """A metric by its name, with its default options.

    Use this where a name is all there is, such as in a file of settings or on the command line.

    Args:
        identifier: the name of a metric as it is in the logs, such as `"frechet_distance"`, or
            `"psnr"`, `"ssim"`, `"ms_ssim"`, `"si_sdr"`, `"segmental_snr"`, `"stoi"` and `"pesq"`
            for short; a figure of `PrecisionRecall` by itself,
            such as `"f1"`; or a metric, which comes back as it is.

    Returns:
        A `kgan.metrics.SampleMetric`.

    Raises:
        ValueError: when there is no such metric.

    Example:

    ```python
    import kgan

    metric = kgan.metrics.get("kernel_distance")
    assert metric.mode == "min"
    ```
    """
    if isinstance(identifier, SampleMetric):
        return identifier
    name = str(identifier).strip().lower().replace("-", "_")
    name = _SHORT.get(name, name)
    if name in _FIGURES:
        return PrecisionRecall(figures=(name,), name=name)
    if name not in _CLASSES:
        near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.5)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise ValueError(
            f"There is no metric of this name. {hint}Expected one of {', '.join(NAMES)}. "
            f"Received: {identifier!r}"
        )
    return _CLASSES[name]()
