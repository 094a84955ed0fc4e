"""One picture: from a file to pixels, with Pillow."""

import contextlib
import io
import os

import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# Pillow tells formats by their first bytes, not by the file's name. All of these hold pixels;
# others, such as EPS, are programs that Pillow hands to Ghostscript.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
_NAMES = "PNG, JPEG, BMP, GIF, WEBP or TIFF"
# The tag that says how a camera was held, and its values for pictures that lie on their side.
_ORIENTATION, _SIDEWAYS = 0x0112, (5, 6, 7, 8)
_PALETTES = ("P", "PA")


class UnreadableImageError(ValueError):
    """An image file that can't be read; the message is the reason, without the file's name."""


def inspect(path, channels=None):
    """What a picture is, from the beginning of its file.

    Args:
        path: path of an image file, or its bytes.
        channels: 1 or 3 where the caller knows what it wants, else `None`.

    Returns:
        A tuple of height, width, and the numbers of channels that it may be read with: 3 for
        colour, 1 for grey, and both for the greys of a palette, or beside transparency, which such
        files can hold in no other way. Only with `channels=None` such files are read whole.

    Raises:
        UnreadableImageError: If it is no picture, or a damaged one.
    """
    with _opened(path) as image:
        _check_range(image)
        width, height = image.size
        # A TIFF's size is given as it is held. Where a PNG does not begin with its orientation,
        # Pillow would read to the end of the file for one.
        looks = image.format != "TIFF" and (image.format != "PNG" or "exif" in image.info)
        if looks and image.getexif().get(_ORIENTATION) in _SIDEWAYS:
            width, height = height, width
        if channels is not None:
            return height, width, (channels,)
        if image.mode in _PALETTES or _is_transparent(image):
            # What such a file is made of says nothing: its colours do.
            return height, width, (1, 3) if _is_grey(_on_white(image)) else (3,)
        is_grey = image.mode in ("1", "L") or image.mode.startswith("I;16")
        return height, width, (1,) if is_grey else (3,)


def decode(path, size, channels):
    """The pixels of an image file.

    Integers of 16 bits are read by their whole range, 0..65535, whatever part of it a picture uses;
    floats and integers of 32 bits have no range that a format defines, and are refused.

    Args:
        path: path of an image file, or its bytes.
        size: `(height, width)`, or `None` for its own.
        channels: 1 or 3.

    Returns:
        uint8 NumPy array (height, width, channels).

    Raises:
        UnreadableImageError: If it is no picture, a damaged one, or has pixels without a range.
    """
    from PIL import ImageOps

    with _opened(path) as opened:
        # Cameras store photographs lying on their side, with a note of which.
        image = _with_channels(_of_8_bits(ImageOps.exif_transpose(opened)), channels)
        return _to_array(_crop_and_resize(image, size))


@contextlib.contextmanager
def _opened(path):
    """An opened picture, as a context in which all that fails says why in words."""
    open_image = pillow().open
    try:
        # Of a file that it opens itself, Pillow maps some into memory, and then turns no TIFF.
        file = io.BytesIO(path) if isinstance(path, bytes) else open(path, "rb")
        with file, open_image(file, formats=FORMATS) as image:
            yield image
    except (UnreadableImageError, MemoryError):
        raise
    except Exception as error:  # Pillow raises SyntaxError, struct.error... on damaged files.
        raise UnreadableImageError(_reason(path, error)) from error


def _reason(path, error):
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, Image.DecompressionBombError):
        return (
            f"it says that it has more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels, so it is "
            "damaged, or made to fill the memory"
        )
    if isinstance(error, UnidentifiedImageError):
        num_bytes = len(path) if isinstance(path, bytes) else os.path.getsize(path)
        return f"{num_bytes} bytes that are no {_NAMES} file" if num_bytes else "it is empty"
    if isinstance(error, PermissionError):
        return "permission to open it is denied"
    if isinstance(error, FileNotFoundError):
        return "it is no longer there"
    return f"it is damaged ({type(error).__name__}: {error})"


def _check_range(image):
    if image.mode in ("I", "F"):
        raise UnreadableImageError(
            f"its pixels are {'floats' if image.mode == 'F' else 'integers'} of 32 bits, of which "
            "no format says what is black and what is white; save it with 8 or 16 bits, or give "
            "floats in [-1, 1] as an array"
        )


def _of_8_bits(image):
    """The picture as it is, or one of 16 bits per pixel as one of 8."""
    _check_range(image)
    if not image.mode.startswith("I;16"):
        return image
    # Pillow's own conversion clips at 255.
    values = np.asarray(image).astype("uint32")
    return pillow().fromarray(((values + 128) // 257).astype("uint8"))


def _is_transparent(image):
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _on_white(image):
    """The picture in colour. What lies under transparent pixels is arbitrary: it becomes white."""
    if not _is_transparent(image):
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = pillow().new("RGBA", image.size, "white")
    return pillow().alpha_composite(white, image).convert("RGB")


def _is_grey(image):
    red, green, blue = image.split()
    return red.tobytes() == green.tobytes() == blue.tobytes()


def _with_channels(image, channels):
    if _is_transparent(image) or image.mode in _PALETTES:
        image = _on_white(image)
    return image.convert("L" if channels == 1 else "RGB")


def _crop_and_resize(image, size):
    if size is None or (image.height, image.width) == size:
        return image
    height, width = size
    # The largest box of the wanted aspect ratio, in the middle.
    scale = min(image.width / width, image.height / height)
    left = (image.width - width * scale) / 2
    top = (image.height - height * scale) / 2
    box = (left, top, left + width * scale, top + height * scale)
    box = (max(0.0, box[0]), max(0.0, box[1]), min(image.width, box[2]), min(image.height, box[3]))
    # Pillow widens the filter when it shrinks, which is the antialiasing that resizers often lack.
    return image.resize((width, height), pillow().Resampling.BICUBIC, box=box)


def _to_array(image):
    array = np.asarray(image, "uint8")
    return array[..., None] if array.ndim == 2 else array


def convert(image, size, channels):
    """Converts one uint8 array `(height, width, channels)` to a size and a number of channels."""
    own = image.shape[-1]
    if size in (None, image.shape[:2]) and channels in (None, own):
        return image
    picture = pillow().fromarray(image[..., 0] if own == 1 else image)
    channels = channels or (1 if own == 1 else 3)
    return _to_array(_crop_and_resize(_with_channels(picture, channels), size))


def pillow():
    """Returns the module `PIL.Image`, or says how to install it."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Reading and resizing images needs Pillow, which is not installed. "
            "Run `pip install pillow`."
        ) from error
    return Image
