"""Pairs of small and large images, of which the small ones are made when they are asked for."""

import numpy as np

from kgan.data.degradation import degraded, shrunk
from kgan.data.inspection import received
from kgan.data.lazy_arrays import LazyArray, rows_of
from kgan.utils.pixels import as_uint8

# In how many ways a random degradation may come out: a number for each, as of `LazyArray`.
_WAYS = 2**31


def pair(large, scale, degradation):
    """Small images of large ones, and the large ones.

    Args:
        large: array (n, height, width, channels) or `kgan.data.LazyArray`.
        scale: integer, how many times smaller.
        degradation: string, as of `kgan.data.LowResolution`.

    Returns:
        A `LazyArray`, and the large images, which begin at places that the scale divides where they
        are windows of photographs.

    Raises:
        ValueError: If the scale does not divide their sides.
    """
    if not isinstance(large, LazyArray) and large.ndim == 3:
        large = large[..., None]
    height, width = large.shape[1:3]
    if large.ndim != 4 or height % scale or width % scale:
        raise ValueError(
            f"Small images are {scale} times smaller, so the scale must divide the sides of the "
            "large ones. Cut them, or load another size. "
            f"{received('images', large)}"
        )
    if hasattr(large, "aligned"):
        large = large.aligned(scale)
    return _SmallImages(large, scale, degradation), large


class _SmallImages(LazyArray):
    def __init__(self, large, scale, degradation):
        _, height, width, channels = large.shape
        super().__init__(len(large), (height // scale, width // scale, channels))
        self.large, self.scale, self.is_plain = large, scale, degradation == "bicubic"
        self.variants = getattr(large, "variants", 1)
        if not self.is_plain:
            self.variants = max(self.variants, _WAYS)

    def read(self, indices):
        return self.read_variants(indices, np.zeros_like(indices))

    def read_variants(self, indices, which):
        # A random degradation has more ways than large images that are always shown alike.
        ways = getattr(self.large, "variants", 1)
        numbers = indices + len(self.large) * (which % ways)
        if self.is_plain and hasattr(self.large, "shrunk"):
            # Whole photographs were made smaller, so windows see what lies beyond their edges.
            return self.large.shrunk(numbers, self.scale)
        images = as_uint8("images", rows_of(self.large, numbers))
        if self.is_plain:
            made = [shrunk(image, self.scale) for image in images]
        else:
            made = [
                degraded(image, self.scale, np.random.default_rng([int(n), int(way)]))
                for image, n, way in zip(images, indices, which, strict=True)
            ]
        return np.stack(made) if made else np.empty((0, *self.sample_shape), "uint8")
