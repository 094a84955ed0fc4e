"""Grids and rows of pictures, as uint8 arrays."""

import functools
import math
import os
from collections.abc import Sequence

import numpy as np

from kgan.utils.arguments import check_count
from kgan.utils.hints import Data, Scale
from kgan.utils.pixels import as_uint8

TILE = 64  # pixels: about the size at which a face or a digit is read at a glance
BORDER = 255  # white, so that dark images on dark borders do not run into one another


def image_grid(
    images: Data, columns: int | None = None, padding: int = 2, scale: Scale = 1
) -> np.ndarray:
    """Arranges images row by row in one picture, with white borders.

    Use this to display samples. Grey images stay grey, and of two channels the first is shown;
    three are red, green and blue; a fourth is opacity over white; of more the first three are
    shown.

    Args:
        images: array (n, height, width, channels) or (n, height, width), uint8 or floats in
            [-1, 1].
        columns: integer, images per row. Defaults to `None`: as many as make the grid square.
        padding: integer, pixels around and between the images. Defaults to 2.
        scale: integer, pixels per image pixel and side, or `"auto"` for tiles of about 64 pixels.
            Defaults to 1.

    Returns:
        uint8 array (height, width, channels) with 1 or 3 channels.

    Raises:
        TypeError: when images or a count are of the wrong type.
        ValueError: when there are no images, the shape is wrong, or a count is out of range.

    Example:
    ```python
    import kgan

    digits = kgan.data.load("digits")[:20]
    picture = kgan.pictures.image_grid(digits, columns=5, scale="auto")
    ```
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            "A grid needs at least one image, as an array of shape (n, height, width, "
            "channels) or (n, height, width). Add an axis to a single one: images[None]. "
            f"Received: images of shape {images.shape}"
        )
    images = as_uint8("images", images)
    check_count("padding", padding, minimum=0)
    if columns is not None:
        check_count("columns", columns)
    if scale != "auto":
        check_count("scale", scale)
    images = visible(images)
    if scale == "auto":
        scale = max(1, round(TILE / max(images.shape[1:3])))
    # Nearest neighbour: each pixel stays a crisp square, as the model made it.
    images = images.repeat(scale, axis=1).repeat(scale, axis=2)
    num_images, height, width, channels = images.shape
    columns = min(columns or math.ceil(math.sqrt(num_images)), num_images)
    rows = -(-num_images // columns)
    tiles = np.full(
        (rows * columns, height + padding, width + padding, channels), BORDER, dtype="uint8"
    )
    tiles[:num_images, padding:, padding:] = images
    tiles = tiles.reshape(rows, columns, height + padding, width + padding, channels)
    picture = tiles.transpose(0, 2, 1, 3, 4).reshape(rows * (height + padding), -1, channels)
    return np.pad(picture, ((0, padding), (0, padding), (0, 0)), constant_values=BORDER)


def side_by_side(
    real: Data, generated: Data, titles: Sequence[str] = ("real", "generated")
) -> np.ndarray:
    """Puts two pictures side by side, each below its caption.

    Use this to compare a grid of real images with one of generated ones.

    Args:
        real: picture (height, width) or (height, width, channels), or images (n, height, width,
            channels), which are made a grid; uint8 or floats in [-1, 1].
        generated: the same for the second picture.
        titles: two strings. Defaults to `("real", "generated")`.

    Returns:
        uint8 array (height, width, 3).

    Raises:
        TypeError: when a picture has another dtype.
        ValueError: when an array is not a picture, or there are not two titles.

    Example:
    ```python
    import kgan

    digits = kgan.data.load("digits")
    picture = kgan.pictures.side_by_side(digits[:16], 255 - digits[:16], ("a", "b"))
    ```
    """
    if isinstance(titles, str) or len(titles) != 2:
        raise ValueError(
            "`titles` must be two strings, such as ('real', 'generated'). "
            f"Received: titles={titles!r}"
        )
    pictures = []
    for name, picture in (("real", real), ("generated", generated)):
        if np.ndim(picture) == 4:
            picture = image_grid(picture, scale="auto")
        pictures.append(squeezed(name, picture))
    # A caption that can be read when the picture is shrunk to a page's width.
    size = max(14, min(32, max(len(picture) for picture in pictures) // 16))
    return beside(pictures, titles, size, [size])


def beside(pictures, titles, size, gaps):
    """Arranges pictures in a row, each centred below its caption.

    Args:
        pictures: list of uint8 arrays (height, width) or (height, width, 3).
        titles: as many strings, or `None` for no captions.
        size: integer, pixels of a caption's height.
        gaps: list of integers, the white pixels between each picture and the next.

    Returns:
        uint8 array (height, width, 3).
    """
    from PIL import Image, ImageDraw

    font = _font(size)
    bar = size + 12 if titles else 0
    titles = titles or [""] * len(pictures)
    widths = [
        max(picture.shape[1], math.ceil(font.getlength(title)))
        for picture, title in zip(pictures, titles, strict=True)
    ]
    height = bar + max(len(picture) for picture in pictures)
    sheet = Image.new("RGB", (sum(widths) + sum(gaps), height), "white")
    pen = ImageDraw.Draw(sheet)
    left = 0
    for picture, title, width, gap in zip(pictures, titles, widths, [*gaps, 0], strict=True):
        pen.text((left + width // 2, bar // 2), title, fill="black", font=font, anchor="mm")
        corner = (left + (width - picture.shape[1]) // 2, bar)
        sheet.paste(Image.fromarray(picture).convert("RGB"), corner)
        left += width + gap
    return np.asarray(sheet)


def with_row_titles(picture, titles):
    """Writes a title to the left of each row of a grid.

    Args:
        picture: uint8 array (height, width, channels), a grid.
        titles: list of strings, one per row.

    Returns:
        uint8 array (height, width, 3).
    """
    from PIL import Image, ImageDraw

    picture = squeezed("picture", picture)
    row = len(picture) / len(titles)
    font = _font(max(10, min(24, int(row * 0.6))))
    left = 12 + math.ceil(max(font.getlength(title) for title in titles))
    sheet = Image.new("RGB", (left + picture.shape[1], len(picture)), "white")
    sheet.paste(Image.fromarray(picture).convert("RGB"), (left, 0))
    pen = ImageDraw.Draw(sheet)
    for number, title in enumerate(titles):
        place = (left - 6, round((number + 0.5) * row))
        pen.text(place, title, fill="black", font=font, anchor="rm")
    return np.asarray(sheet)


def visible(images):
    """Converts images with any number of channels to 1 or 3: see `image_grid`.

    Args:
        images: uint8 array (n, height, width, channels).

    Returns:
        uint8 array (n, height, width, 1) or (n, height, width, 3).
    """
    channels = images.shape[-1]
    if channels == 4:
        opacity = images[..., 3:].astype("float32") / 255.0
        over_white = images[..., :3] * opacity + 255.0 * (1.0 - opacity)
        return np.rint(over_white).astype("uint8")
    return images[..., :3] if channels >= 3 else images[..., :1]


def squeezed(name, array):
    """A picture as Pillow takes it: grey ones without a channel axis."""
    array = as_uint8(name, np.asarray(array))
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (3, 4))
    if not is_picture or array.size == 0:
        raise ValueError(
            "A picture must have the shape (height, width) or (height, width, channels) with 1, 3 "
            "or 4 channels. Make one of many images, or of other channels, with image_grid. "
            f"Received: {name} of shape {array.shape}"
        )
    return array


def lines(texts, size=16):
    """Writes texts below one another.

    Args:
        texts: list of strings.
        size: integer, pixels of a line's height. Defaults to 16.

    Returns:
        uint8 array (height, width, 3).
    """
    from PIL import Image, ImageDraw

    font = _font(size)
    width = max([math.ceil(font.getlength(text)) for text in texts], default=0) + 2 * size
    sheet = Image.new("RGB", (max(width, 64), (len(texts) + 1) * (size + 4)), "white")
    pen = ImageDraw.Draw(sheet)
    for number, text in enumerate(texts):
        pen.text((size, size // 2 + number * (size + 4)), text, fill="black", font=font)
    return np.asarray(sheet)


@functools.cache
def _font(size):
    """Matplotlib's font, which knows the letters of most European languages; Pillow's does not."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(
        os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size
    )
