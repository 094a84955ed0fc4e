"""Atomic writes of pictures."""

import io
import pathlib

from kgan.drawing.grids import squeezed
from kgan.utils.files import atomic_write
from kgan.utils.hints import Data, FilePath


def save_image(path: FilePath, array: Data) -> None:
    """Saves a picture to a file, with an atomic write.

    Use this for the output of `image_grid` and `side_by_side`, and for single samples.

    Args:
        path: path whose suffix names the format, such as `.png`.
        array: uint8 or floats in [-1, 1], shape (height, width) or (height, width, channels) with
            1, 3 or 4 channels.

    Raises:
        TypeError: when the array has another dtype.
        ValueError: when the array is not a picture, the folder is missing or the suffix unknown.

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
    picture = Image.fromarray(squeezed("array", array))
    write(path, lambda file: picture.save(file, format=formats[path.suffix.lower()]))


def check_path(path, endings):
    """Checks that a picture can be written to a path.

    Args:
        path: path or string.
        endings: valid suffixes, such as `(".gif",)`.

    Returns:
        A `pathlib.Path`.

    Raises:
        ValueError: when the folder is missing, or the suffix is not one of these.
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
            f"The suffix of the path must name a format of pictures, {known}. "
            f"Received: path={str(path)!r}"
        )
    return path


def write(path, save):
    """Writes a file that `save` encodes, with an atomic write.

    Args:
        path: path of the file.
        save: function of a binary file, to which it writes.
    """
    # Encoded in memory and moved into place: a run that is killed leaves no partial picture, which
    # would break the film of the resumed run.
    content = io.BytesIO()
    save(content)
    with atomic_write(path) as partial:
        partial.write_bytes(content.getvalue())
