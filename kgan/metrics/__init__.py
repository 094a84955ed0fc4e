"""Metrics: what a generator reaches, counted, and the networks that read it."""

from kgan.metrics.coverage import Coverage, class_coverage, mode_coverage
from kgan.metrics.features import digit_judge, read_digits

__all__ = ["Coverage", "class_coverage", "digit_judge", "mode_coverage", "read_digits"]
