"""Callbacks: pictures while a model trains, and a watch over its health."""

from kgan.callbacks.best import BestMoment
from kgan.callbacks.health import Health
from kgan.callbacks.history_logger import HistoryLogger
from kgan.callbacks.sample_grid import SampleGrid
from kgan.callbacks.translation_strips import TranslationStrips
from kgan.game.guard import NaNGuard
from kgan.utils.packages import shown

__all__ = ["BestMoment", "Health", "HistoryLogger", "NaNGuard", "SampleGrid", "TranslationStrips"]
__dir__ = shown(__all__)
