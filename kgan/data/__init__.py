"""Data: what models accept, toy distributions, and loaders for named datasets and folders."""

from kgan.data.checks import check
from kgan.data.contract import to_float, to_uint8, unpack
from kgan.data.edges import edges
from kgan.data.fields import Labels, Samples
from kgan.data.inspection import describe_data
from kgan.data.ordering import ShuffledBatches
from kgan.data.sources import class_names, load
from kgan.data.toys import gaussian_1d, grid, grid_centers, ring, ring_centers, stacked

__all__ = [
    "Labels",
    "Samples",
    "ShuffledBatches",
    "check",
    "class_names",
    "describe_data",
    "edges",
    "gaussian_1d",
    "grid",
    "grid_centers",
    "load",
    "ring",
    "ring_centers",
    "stacked",
    "to_float",
    "to_uint8",
    "unpack",
]
