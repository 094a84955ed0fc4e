"""Where data comes from: named datasets, folders of images and of sound."""

from kgan.data.sources.datasets import load, load_pairs
from kgan.data.sources.image_folders import class_names
from kgan.data.sources.noisy_speech import noisy_speech
from kgan.data.sources.photographs import photographs
from kgan.data.sources.sound_files import recordings

__all__ = ["class_names", "load", "load_pairs", "noisy_speech", "photographs", "recordings"]
