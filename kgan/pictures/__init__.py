"""Pictures: of samples, of what lies between them, of strips that belong together, of a training.

All take arrays, models or histories and return pictures as uint8 arrays, which `save_image`
writes. `kgan.callbacks` saves pictures while a model trains, `kgan.report` gathers those of a run.
"""

from kgan.drawing import (
    curves,
    histogram,
    image_grid,
    save_clip,
    save_film,
    save_image,
    scatter,
    side_by_side,
)
from kgan.pictures.history import plot_history
from kgan.pictures.latent_space import class_grid, interpolation_grid, latent_walk
from kgan.pictures.strips import nearest_neighbors, neighbor_grid, strips
from kgan.utils.packages import shown

__all__ = [
    "class_grid",
    "curves",
    "histogram",
    "image_grid",
    "interpolation_grid",
    "latent_walk",
    "nearest_neighbors",
    "neighbor_grid",
    "plot_history",
    "save_clip",
    "save_film",
    "save_image",
    "scatter",
    "side_by_side",
    "strips",
]
__dir__ = shown(__all__)
