"""Drawing: arrays to pictures, and pictures to files. It does not depend on models or runs."""

from kgan.drawing.films import save_clip, save_film, write_film
from kgan.drawing.grids import (
    BORDER,
    TILE,
    beside,
    image_grid,
    lines,
    side_by_side,
    visible,
    with_row_titles,
)
from kgan.drawing.output import check_path, save_image, write
from kgan.drawing.plots import (
    bars,
    curves,
    histogram,
    pixels,
    plain_text,
    scatter,
    sounds,
    with_margin,
)
from kgan.utils.pixels import as_uint8

__all__ = [
    "BORDER",
    "TILE",
    "as_uint8",
    "bars",
    "beside",
    "check_path",
    "curves",
    "histogram",
    "image_grid",
    "lines",
    "pixels",
    "plain_text",
    "save_clip",
    "save_film",
    "save_image",
    "scatter",
    "side_by_side",
    "sounds",
    "visible",
    "with_margin",
    "with_row_titles",
    "write",
    "write_film",
]
