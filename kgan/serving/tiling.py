"""Large images, part by part: no more of one is in a network at a time than fits into memory."""

import numpy as np

from kgan.utils.memory import require_memory


def in_tiles(function, image, scale, tile, overlap):
    """What a function makes of an image, tile by tile, in memory that does not grow with it.

    Each tile is handed over with its surroundings, of which nothing is kept, so that what is kept
    saw all that it sees in the whole image. All have one size: nothing is compiled twice.

    Args:
        function: from array (1, height, width, channels) to array (1, scale * height,
            scale * width, channels).
        image: array (height, width, channels).
        scale: integer.
        tile: integer, side of a tile with its surroundings.
        overlap: integer, how far these reach.

    Returns:
        Array (scale * height, scale * width, channels).
    """
    sides = [min(tile, side) for side in image.shape[:2]]
    rows, columns = (
        list(_parts(whole, side, overlap)) for whole, side in zip(image.shape[:2], sides)
    )
    made = None
    for top, first_row, last_row in rows:
        for left, first_column, last_column in columns:
            part = function(image[None, top : top + sides[0], left : left + sides[1]])[0]
            if made is None:
                shape = (scale * image.shape[0], scale * image.shape[1], part.shape[-1])
                require_memory(int(np.prod(shape)) * part.itemsize, "The enlarged image", "Cut it.")
                made = np.empty(shape, part.dtype)
            kept = part[
                scale * (first_row - top) : scale * (last_row - top),
                scale * (first_column - left) : scale * (last_column - left),
            ]
            made[
                scale * first_row : scale * last_row, scale * first_column : scale * last_column
            ] = kept
    return made


def _parts(whole, side, overlap):
    """Where tiles begin along a side, and from where to where each is kept."""
    step = side if side == whole else side - 2 * overlap
    for first in range(0, whole, step):
        last = min(first + step, whole)
        yield min(max(0, first - overlap), whole - side), first, last
