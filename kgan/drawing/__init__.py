"""Drawing: arrays to pictures, and pictures to files. It does not depend on models or runs."""

from kgan.drawing.films import save_film, write_film
from kgan.drawing.grids import BORDER, TILE, beside, image_grid, side_by_side, visible
from kgan.drawing.output import check_path, save_image, write
from kgan.drawing.plots import curves, histogram, pixels, scatter, with_margin
from kgan.utils.pixels import as_uint8

__all__ = [
    "BORDER",
    "TILE",
    "as_uint8",
    "beside",
    "check_path",
    "curves",
    "histogram",
    "image_grid",
    "pixels",
    "save_film",
    "save_image",
    "scatter",
    "side_by_side",
    "visible",
    "with_margin",
    "write",
    "write_film",
]
