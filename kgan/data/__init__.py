"""Data: its kinds, what models accept, toy distributions, loaders for datasets and folders."""

from kgan.data.augmented_images import augmented
from kgan.data.checks import check
from kgan.data.edges import edges
from kgan.data.field_inference import describe_data
from kgan.data.field_lookup import unpack
from kgan.data.fields import (
    Clips,
    Field,
    Images,
    Labels,
    LowResolution,
    PastFrames,
    Signals,
    Text,
    Vectors,
    of_shape,
)
from kgan.data.lazy_arrays import LazyArray
from kgan.data.moving import moving
from kgan.data.shuffled_batches import ShuffledBatches
from kgan.data.sources import (
    class_names,
    load,
    load_pairs,
    noisy_speech,
    photographs,
    recordings,
)
from kgan.data.toys import gaussian_1d, grid, grid_centers, ring, ring_centers, stacked
from kgan.utils.packages import shown
from kgan.utils.pixels import to_float, to_uint8

__all__ = [
    "Clips",
    "Field",
    "Images",
    "Labels",
    "LazyArray",
    "LowResolution",
    "PastFrames",
    "ShuffledBatches",
    "Signals",
    "Text",
    "Vectors",
    "augmented",
    "check",
    "class_names",
    "describe_data",
    "edges",
    "gaussian_1d",
    "grid",
    "grid_centers",
    "load",
    "load_pairs",
    "moving",
    "noisy_speech",
    "of_shape",
    "photographs",
    "recordings",
    "ring",
    "ring_centers",
    "stacked",
    "to_float",
    "to_uint8",
    "unpack",
]
__dir__ = shown(__all__)
