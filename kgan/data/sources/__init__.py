"""Where data comes from: named datasets and folders of images."""

from kgan.data.sources.datasets import load
from kgan.data.sources.image_files import class_names

__all__ = ["class_names", "load"]
