"""Films: sequences of pictures, as animated GIFs."""

import pathlib
import warnings

import numpy as np

from kgan.drawing import output
from kgan.drawing.grids import squeezed
from kgan.utils.hints import FilePath

FRAMES = 100  # at most, which keeps a GIF of photographs to a few megabytes


def save_film(path: FilePath, folder: FilePath) -> None:
    """Makes an animated GIF of the pictures that `SampleGrid` saved in a folder.

    Use this to rebuild the film, for example of a run that was stopped. Of more than 100 pictures
    it takes 100, evenly spaced. The last is shown for two seconds.

    Args:
        path: path of the GIF.
        folder: path of the folder that holds `epoch_0001.png` and so on.

    Raises:
        ValueError: when the folder holds no pictures.

    Example:
    ```python
    import pathlib
    import tempfile

    import numpy as np

    from kgan import pictures

    folder = pathlib.Path(tempfile.mkdtemp())
    for epoch in (1, 2):
        grey = np.full((8, 8), 100 * epoch, "uint8")
        pictures.save_image(folder / f"epoch_{epoch:04d}.png", grey)
    pictures.save_film(folder / "training.gif", folder)
    ```
    """
    from PIL import Image

    files = [file for file in pathlib.Path(folder).glob("*.png") if epoch_of(file) is not None]
    if not files:
        raise ValueError(
            "A film needs pictures named epoch_0001.png and so on, as SampleGrid saves them. "
            f"Received: folder={str(folder)!r}"
        )
    files.sort(key=epoch_of)  # 10000 comes after 9999
    if len(files) > FRAMES:
        files = [files[i] for i in np.linspace(0, len(files) - 1, FRAMES).round().astype(int)]
    frames = []
    for file in files:
        try:
            with Image.open(file) as picture:
                frames.append(picture.convert("RGB" if picture.mode != "L" else "L"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            warnings.warn(
                f"The film is made without {file}, which is damaged: {error}", stacklevel=2
            )
    if not frames:
        return
    # A run that was resumed with other settings has pictures of two sizes.
    frames = [frame.resize(frames[-1].size) for frame in frames]
    write_film(path, frames, [200] * (len(frames) - 1) + [2000])


def epoch_of(path):
    """The epoch in the name of a picture saved by `SampleGrid`, or `None`."""
    number = pathlib.Path(path).stem.removeprefix("epoch_")
    return int(number) if number != pathlib.Path(path).stem and number.isdigit() else None


def write_film(path, frames, milliseconds):
    """Writes an animated GIF that loops.

    Args:
        path: path of the GIF.
        frames: list of Pillow images of one size, or of uint8 arrays (height, width, channels).
        milliseconds: how long each is shown: an integer, or a list of them.
    """
    from PIL import Image

    frames = [
        frame if isinstance(frame, Image.Image) else Image.fromarray(squeezed("frame", frame))
        for frame in frames
    ]
    output.write(
        pathlib.Path(path),
        lambda file: frames[0].save(
            file,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=milliseconds,
            loop=0,
        ),
    )
