"""Drawing: arrays to grids, plots and files."""

import io
import math
import pathlib

import numpy as np

from kgan.arguments import check_count
from kgan.data import contract
from kgan.files import replacing

TILE = 64  # pixels: about the size at which a face or a digit is read at a glance
BORDER = 255  # white, so that dark images on dark borders do not run into one another


def image_grid(images, columns=None, padding=2, scale=1):
    """Arranges images row by row in one picture, with white borders.

    Choose it to show samples. Grey images stay grey, and of two channels the first is shown; three
    are red, green and blue; a fourth is opacity, laid over white; of more the first three are
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
        ValueError: when there are no images, the shape is another, or a count is out of range.

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
            "A grid is made of at least one image, as an array of shape (n, height, width, "
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


def save_image(path, array):
    """Writes a picture to a file, whole or not at all.

    Choose it for what `image_grid` and `side_by_side` return, and for single samples.

    Args:
        path: path whose ending names the format, such as `.png`.
        array: uint8 or floats in [-1, 1], shape (height, width) or (height, width, channels) with
            1, 3 or 4 channels.

    Raises:
        TypeError: when the array is of another type.
        ValueError: when the array is no picture, the folder is missing or the ending unknown.

    Example:
    ```python
    import pathlib
    import tempfile

    import numpy as np

    from kgan.pictures import save_image

    save_image(pathlib.Path(tempfile.mkdtemp()) / "black.png", np.zeros((8, 8), "uint8"))
    ```
    """
    from PIL import Image

    formats = Image.registered_extensions()
    path = check_path(path, formats)
    picture = Image.fromarray(_squeezed("array", array))
    write(path, lambda file: picture.save(file, format=formats[path.suffix.lower()]))


def check_path(path, endings):
    """A path that a picture can be written to, or a word on why there is none.

    Args:
        path: path, of a string too.
        endings: strings that it may end in, such as `(".gif",)`.

    Returns:
        A `pathlib.Path`.

    Raises:
        ValueError: when the folder is missing, or the ending is another.
    """
    path = pathlib.Path(path)
    if not path.parent.is_dir():
        raise ValueError(
            f"The folder to save in does not exist. Make it first: mkdir -p {path.parent}. "
            f"Received: path={str(path)!r}"
        )
    if path.suffix.lower() not in endings:
        known = " or ".join(endings) if len(endings) < 3 else "such as .png or .jpg"
        raise ValueError(
            f"The ending of the path must name a format of pictures, {known}. "
            f"Received: path={str(path)!r}"
        )
    return path


def side_by_side(real, generated, titles=("real", "generated")):
    """Puts two pictures beside each other, each beneath its caption.

    Choose it to compare: a grid of real images with one of generated ones.

    Args:
        real: picture (height, width) or (height, width, channels), or images (n, height, width,
            channels), which are made a grid; uint8 or floats in [-1, 1].
        generated: another one.
        titles: two strings. Defaults to `("real", "generated")`.

    Returns:
        uint8 array (height, width, 3).

    Raises:
        TypeError: when a picture is of another type.
        ValueError: when an array is no picture, or there are not two titles.

    Example:
    ```python
    import kgan

    digits = kgan.data.load("digits")
    picture = kgan.pictures.side_by_side(digits[:16], 255 - digits[:16], ("a", "b"))
    ```
    """
    if isinstance(titles, str) or len(titles) != 2:
        raise ValueError(
            "Two pictures have two titles, such as ('real', 'generated'). "
            f"Received: titles={titles!r}"
        )
    pictures = []
    for name, picture in (("real", real), ("generated", generated)):
        if np.ndim(picture) == 4:
            picture = image_grid(picture, scale="auto")
        pictures.append(_squeezed(name, picture))
    # A caption that can be read when the picture is shrunk to a page's width.
    size = max(14, min(32, max(len(picture) for picture in pictures) // 16))
    return beside(pictures, titles, size, [size])


def beside(pictures, titles, size, gaps):
    """Lays pictures in a row, each in the middle beneath its caption.

    Args:
        pictures: list of uint8 arrays (height, width) or (height, width, 3).
        titles: as many strings, or `None` for no captions.
        size: integer, pixels of a caption's height.
        gaps: list of integers, the white pixels between each picture and the next.

    Returns:
        uint8 array (height, width, 3).
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size)
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


def scatter(points, real=None, labels=None, limits=(-1.5, 1.5)):
    """Draws points in the plane, over grey real ones where there are any.

    Args:
        points: float array (n, 2).
        real: float array (m, 2). Defaults to `None`.
        labels: integer array (n,) that colours the points. Defaults to `None`.
        limits: lowest and highest coordinate shown. Defaults to `(-1.5, 1.5)`.

    Returns:
        uint8 array (480, 480, 3).

    Example:
    ```python
    import kgan

    picture = kgan.pictures.scatter(kgan.data.ring(500, seed=0))
    ```
    """
    figure, axes = _figure()
    if real is not None:
        # Larger than the generated points, so that a mode that is hit still shows around them.
        axes.scatter(*real.T, s=60, color="0.8", linewidths=0, label="real")
    colours = {"color": "tab:blue"} if labels is None else {"c": labels, "cmap": "tab10"}
    axes.scatter(*points.T, s=9, alpha=0.7, linewidths=0, label="generated", **colours)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    if real is not None:
        axes.legend(loc="upper right")
    return pixels(figure)


def histogram(numbers, real=None, limits=(-1.5, 1.5)):
    """Draws the distribution of numbers, over that of real ones where there are any.

    Args:
        numbers: float array (n,).
        real: float array (m,). Defaults to `None`.
        limits: lowest and highest number shown. Defaults to `(-1.5, 1.5)`.

    Returns:
        uint8 array (480, 480, 3).

    Example:
    ```python
    import kgan

    picture = kgan.pictures.histogram(kgan.data.gaussian_1d(500, seed=0)[:, 0])
    ```
    """
    figure, axes = _figure()
    bins = np.linspace(*limits, 61)
    width = bins[1] - bins[0]
    for values, label, colour in ((real, "real", "0.75"), (numbers, "generated", "tab:blue")):
        if values is not None:
            # Over all values, also those outside: a bar is a density, comparable across frames.
            heights = np.histogram(values, bins)[0] / (len(values) * width)
            axes.stairs(heights, bins, fill=True, alpha=0.7, color=colour, label=label)
    axes.set(xlim=limits, ylabel="density")
    if real is not None:
        axes.legend(loc="upper right")
    return pixels(figure)


def curves(samples, columns=None):
    """Draws each vector as a curve of its own, row by row.

    Args:
        samples: float array (n, dim).
        columns: integer, curves per row. Defaults to `None`: as many as make a square.

    Returns:
        uint8 array (height, width, 3).

    Example:
    ```python
    import numpy as np

    import kgan

    waves = np.sin(np.linspace(0, 9, 50) * np.arange(1, 5)[:, None])
    picture = kgan.pictures.curves(waves)
    ```
    """
    from matplotlib.figure import Figure

    columns = min(columns or math.ceil(math.sqrt(len(samples))), len(samples))
    rows = -(-len(samples) // columns)
    figure = Figure(figsize=(1.4 * columns, rows), dpi=100, layout="tight")
    all_axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes in all_axes:
        axes.set_axis_off()
    for axes, sample in zip(all_axes, samples, strict=False):
        axes.plot(sample, linewidth=1)
    return pixels(figure)


def _figure():
    # Matplotlib's objects, not pyplot: nothing of the user's own plots is touched.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 4.8), dpi=100, layout="tight")
    return figure, figure.subplots()


def pixels(figure):
    """A figure of Matplotlib as a picture.

    Args:
        figure: `matplotlib.figure.Figure`.

    Returns:
        uint8 array (height, width, 3).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def visible(images):
    """Images with 1 or 3 channels of those with any number: see `image_grid`.

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


def as_uint8(name, images):
    """Pictures of uint8 or of floats in [-1, 1], as uint8.

    Args:
        name: string, what to call them in messages.
        images: array of any shape.

    Returns:
        uint8 array of that shape.

    Raises:
        TypeError: when they are of another type.
    """
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise TypeError(
            "A picture is made of uint8 or of floats in [-1, 1]. Cast integers in 0..255 with "
            f"{name}.astype('uint8'). Received: {name} of dtype {images.dtype}"
        )
    return contract.to_uint8(images)


def _squeezed(name, array):
    """A picture as Pillow takes it: grey without an axis for the channel."""
    array = as_uint8(name, np.asarray(array))
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (3, 4))
    if not is_picture or array.size == 0:
        raise ValueError(
            "A picture has the shape (height, width) or (height, width, channels) with 1, 3 or 4 "
            "channels. Make one of many images, or of other channels, with image_grid. "
            f"Received: {name} of shape {array.shape}"
        )
    return array


def with_margin(low, high):
    """Limits of an axis that shows numbers from `low` to `high` with some air."""
    margin = 0.2 * (high - low) + 1e-3
    return low - margin, high + margin


def write(path, save):
    """Writes a file that `save` encodes, whole or not at all.

    Args:
        path: path of the file.
        save: function of a binary file, to which it writes.
    """
    # Encoded in memory and moved into place: a run that is killed leaves no half picture, on
    # which the film of the resumed run would stumble.
    content = io.BytesIO()
    save(content)
    with replacing(path) as partial:
        partial.write_bytes(content.getvalue())
