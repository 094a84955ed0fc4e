"""Callbacks: pictures while a model trains, and a watch over its health."""

from kgan.callbacks.health import NaNGuard
from kgan.callbacks.pictures import SampleGrid

__all__ = ["NaNGuard", "SampleGrid"]
