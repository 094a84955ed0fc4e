"""Pictures as files, whole or not at all."""

import io
import pathlib

from kgan.drawing.grids import squeezed
from kgan.utils.files import replacing


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
    picture = Image.fromarray(squeezed("array", array))
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
