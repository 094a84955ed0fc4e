"""Strips: images that belong together, beside one another."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from kgan import drawing
from kgan.data.inspection import chunks
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data, Scale
from kgan.utils.pixels import to_float


def strips(
    columns: Sequence[Data],
    titles: Sequence[str] | None = None,
    scale: Scale = "auto",
    padding: int = 2,
    blocks: int | None = None,
) -> np.ndarray:
    """Shows what belongs together in strips: input, output and truth of a translator.

    Use this wherever the n-th image of one array has to do with the n-th of another. Arrays may
    differ in size and channels: the smaller images are enlarged to the largest.

    Args:
        columns: list of arrays (n, height, width, channels), uint8 or floats in [-1, 1]. The i-th
            strip is made of the i-th image of each.
        titles: as many strings, the captions. Defaults to `None`, for none.
        scale: integer, pixels per image pixel and side, or `"auto"` for tiles of about 64 pixels.
            Defaults to `"auto"`.
        padding: integer, pixels between the images. Defaults to 2.
        blocks: integer, strips beside each other. Defaults to `None`: as many as make the picture
            about square.

    Returns:
        uint8 array (height, width, 3).

    Raises:
        TypeError: when images or a count are of the wrong type.
        ValueError: when the arrays are no images or differ in number, or the titles do.

    Example:
    ```python
    import kgan

    digits = kgan.data.load("digits")[:8]
    picture = kgan.pictures.strips([255 - digits, digits], ("input", "output"))
    ```
    """
    return _laid_out(columns, titles, scale, padding, blocks)


def _laid_out(columns, titles, scale, padding=2, blocks=None, apart=0):
    """Strips, with `apart` white pixels after the first image of each."""
    columns, scale = _tiles(columns, titles, scale)
    check_count("padding", padding, minimum=0)
    num_strips, height, width = columns[0].shape[:3]
    if blocks is None:
        blocks = round(math.sqrt(num_strips * height / (len(columns) * width)))
    else:
        check_count("blocks", blocks)
    blocks = max(1, min(blocks, num_strips))
    # Read row by row, as a page is: the second strip stands right of the first.
    pictures = [
        drawing.image_grid(column[block::blocks], 1, padding, scale)
        for block in range(blocks)
        for column in columns
    ]
    gaps = [apart, *[0] * len(columns)][: len(columns) - 1]
    gaps = [*gaps, max(8, width * scale // 4)] * blocks
    size = max(12, min(32, width * scale // 4))
    pictures = [picture[..., 0] if picture.shape[-1] == 1 else picture for picture in pictures]
    return drawing.beside(pictures, list(titles) * blocks if titles else None, size, gaps[:-1])


def nearest_neighbors(
    samples: Data,
    data: Data,
    count: int = 5,
    features: Callable[..., Any] | None = None,
    batch_size: int = 256,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the training images that are nearest to samples.

    Use this to measure memorisation: a generator that copies has neighbours at a distance far
    below those of held-out real images. The distance is Euclidean, on images in [-1, 1].

    Args:
        samples: array (n, ...), uint8 images or floats in [-1, 1], or vectors of floats.
        data: array (m, ...) of such, the training data.
        count: integer, neighbours per sample. Defaults to 5.
        features: function or Keras model from float images (batch, ...) to arrays (batch, dim), on
            which distances are taken then. Defaults to `None`: on the pixels, which overlook a
            copy that is shifted by a pixel.
        batch_size: integer, images per call of `features`. Defaults to 256.

    Returns:
        Two arrays (n, count), nearest first: places in `data`, as int64, and distances, as
        float64.

    Raises:
        TypeError: when a count is no integer.
        ValueError: when samples and data differ in shape, or there are fewer data than neighbours.

    Example:
    ```python
    import kgan

    digits = kgan.data.load("digits")
    places, distances = kgan.pictures.nearest_neighbors(digits[:3], digits, count=2)
    assert places[:, 0].tolist() == [0, 1, 2]  # each is its own nearest neighbour
    ```
    """
    from sklearn.metrics import pairwise

    samples, data = np.asarray(samples), np.asarray(data)
    check_count("count", count)
    check_count("batch_size", batch_size)
    if samples.ndim < 2 or samples.shape[1:] != data.shape[1:] or not len(samples):
        raise ValueError(
            "Neighbours are looked for among data of the samples' own shape. Resize one of them. "
            f"Received: samples of shape {samples.shape}, data of shape {data.shape}"
        )
    if len(data) < count:
        raise ValueError(
            "There must be as many training samples as neighbours. Lower count. "
            f"Received: count={count}, data of shape {data.shape}"
        )
    vectors = _vectors(samples, features, batch_size)
    places = np.zeros((len(samples), 0), "int64")
    distances = np.zeros((len(samples), 0))
    start = 0
    for chunk in chunks(data):
        # Float64 within: of near copies, float32 would leave nothing but rounding.
        found = pairwise.euclidean_distances(vectors, _vectors(chunk, features, batch_size))
        here = np.broadcast_to(np.arange(start, start + len(chunk)), found.shape)
        places, distances = np.hstack([places, here]), np.hstack([distances, found])
        # Stable, so that of equal distances the first of the data is kept.
        best = np.argsort(distances, axis=1, kind="stable")[:, :count]
        places = np.take_along_axis(places, best, axis=1)
        distances = np.take_along_axis(distances, best, axis=1)
        start += len(chunk)
    return places, distances


def neighbor_grid(
    samples: Data,
    data: Data,
    count: int = 5,
    features: Callable[..., Any] | None = None,
    scale: Scale = "auto",
) -> np.ndarray:
    """Shows samples, each beside the training images that are nearest to it.

    Use this to look for memorisation: samples that are one of their neighbours were copied;
    neighbours of another kind than the sample say that the model invents.

    Reference: Goodfellow et al. 2014, "Generative Adversarial Nets", figure 2, shows the nearest
    training example beside samples for that reason.

    Args:
        samples: array (n, height, width, channels), uint8 or floats in [-1, 1]. Some 10 to 20 can
            be looked at.
        data: array (m, height, width, channels) of such, the training images.
        count: integer, neighbours per sample. Defaults to 5.
        features: as of `nearest_neighbors`. Defaults to `None`: distances of pixels.
        scale: integer, pixels per image pixel and side, or `"auto"`. Defaults to `"auto"`.

    Returns:
        uint8 array (height, width, 3).

    Raises:
        TypeError: when images or a count are of the wrong type.
        ValueError: when they are no images, or do not fit together.

    Example:
    ```python
    import kgan

    digits = kgan.data.load("digits")
    picture = kgan.pictures.neighbor_grid(digits[:10], digits[10:], count=3)
    ```
    """
    places, _ = nearest_neighbors(samples, data, count, features)
    neighbors = [np.asarray(data)[places[:, rank]] for rank in range(count)]
    titles = ["sample", "nearest", *(f"{_ordinal(rank)}" for rank in range(2, count + 1))]
    return _laid_out([samples, *neighbors], titles, scale, apart=12)


def _ordinal(number):
    # 11th to 13th are no exceptions that a picture has room for, but cheap to get right.
    teen = 10 < number % 100 < 20
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _vectors(images, features, batch_size):
    if features is None:
        return _floats(images).reshape(len(images), -1)
    call = getattr(features, "predict_on_batch", features)
    parts = [
        np.asarray(ops.convert_to_numpy(call(_floats(images[start : start + batch_size]))))
        for start in range(0, len(images), batch_size)
    ]
    vectors = np.concatenate(parts)
    return vectors.reshape(len(vectors), -1)


def _floats(images):
    return to_float(images) if images.dtype == np.uint8 else images.astype("float32")


def _tiles(columns, titles, scale):
    """The columns as uint8 images of one size and number of channels, and the scale in pixels."""
    columns = [np.asarray(column) for column in columns]
    if not columns or any(column.ndim != 4 or 0 in column.shape for column in columns):
        raise ValueError(
            "Strips are made of arrays of images, each (n, height, width, channels). Received: "
            f"arrays of shapes {[column.shape for column in columns]}"
        )
    if len({len(column) for column in columns}) > 1:
        raise ValueError(
            "Each strip takes one image of every array, so all must have as many. Received: "
            f"{[len(column) for column in columns]} images"
        )
    if titles is not None and (isinstance(titles, str) or len(titles) != len(columns)):
        raise ValueError(
            f"There is one title per array of images, {len(columns)} here. "
            f"Received: titles={titles!r}"
        )
    if scale != "auto":
        check_count("scale", scale)
    columns = [drawing.visible(drawing.as_uint8("images", column)) for column in columns]
    height = max(column.shape[1] for column in columns)
    width = max(column.shape[2] for column in columns)
    channels = max(column.shape[3] for column in columns)
    columns = [
        np.broadcast_to(column, (*column.shape[:3], channels))
        if column.shape[1:3] == (height, width)
        else np.stack([_fitted(image, height, width, channels) for image in column])
        for column in columns
    ]
    if scale == "auto":
        scale = max(1, round(drawing.TILE / max(height, width)))
    return columns, scale


def _fitted(image, height, width, channels):
    """An image enlarged as far as it fits, in the middle of a white one."""
    from PIL import Image

    times = min(height / image.shape[0], width / image.shape[1])
    size = round(image.shape[1] * times), round(image.shape[0] * times)
    # Nearest neighbour: a small input is shown as the few pixels that it is.
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    picture = np.asarray(picture.resize(size, Image.Resampling.NEAREST))
    picture = picture.reshape(*picture.shape[:2], -1)
    tile = np.full((height, width, channels), drawing.BORDER, "uint8")
    top, left = (height - picture.shape[0]) // 2, (width - picture.shape[1]) // 2
    tile[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return tile
