"""Where data comes from: named datasets and folders of images."""

from kgan.data.sources.datasets import load, load_pairs
from kgan.data.sources.image_folders import class_names
from kgan.data.sources.photographs import photographs

__all__ = ["class_names", "load", "load_pairs", "photographs"]
