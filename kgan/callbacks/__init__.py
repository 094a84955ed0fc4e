"""Callbacks: pictures while a model trains, and a watch over its health."""

from kgan.callbacks.best import BestMoment
from kgan.callbacks.guard import NaNGuard
from kgan.callbacks.health import Health
from kgan.callbacks.pictures import SampleGrid
from kgan.callbacks.strips import TranslationStrips
from kgan.pictures import drawing

__all__ = ["BestMoment", "Health", "NaNGuard", "SampleGrid", "TranslationStrips", "drawing"]
