"""Metrics of generated samples, and the feature extractors that they use."""

from kgan.metrics.base import SampleMetric
from kgan.metrics.classes import InceptionScore, ModeCoverage
from kgan.metrics.comparison import Evaluation, default_metrics, evaluate, update_all
from kgan.metrics.coverage import Coverage, class_coverage, mode_coverage
from kgan.metrics.distribution import FrechetDistance, KernelDistance, SlicedWasserstein
from kgan.metrics.extractors import Extractor
from kgan.metrics.features import digit_judge, read_digits
from kgan.metrics.general_features import feature_maps, image_features, train_extractor
from kgan.metrics.names import get
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
from kgan.metrics.two_sample import TwoSampleResult, two_sample_test
from kgan.utils.packages import shown

__all__ = [
    "Coverage",
    "Evaluation",
    "Extractor",
    "FrechetDistance",
    "InceptionScore",
    "KernelDistance",
    "ModeCoverage",
    "MultiScaleStructuralSimilarity",
    "PeakSignalToNoiseRatio",
    "PerceptualSpeechQuality",
    "PrecisionRecall",
    "SampleMetric",
    "ScaleInvariantDistortionRatio",
    "SegmentalSignalToNoiseRatio",
    "ShortTimeIntelligibility",
    "SlicedWasserstein",
    "StructuralSimilarity",
    "TwoSampleResult",
    "class_coverage",
    "default_metrics",
    "digit_judge",
    "evaluate",
    "feature_maps",
    "get",
    "image_features",
    "mode_coverage",
    "read_digits",
    "train_extractor",
    "two_sample_test",
    "update_all",
]
__dir__ = shown(__all__)
