"""Films: sequences of pictures, as animated GIFs and as MP4."""

import fractions
import pathlib
import warnings

import numpy as np

from kgan.drawing import output
from kgan.drawing.grids import squeezed
from kgan.utils.arguments import check_rate
from kgan.utils.hints import Data, FilePath
from kgan.utils.pixels import as_uint8

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


def save_clip(path: FilePath, clip: Data, rate: float = 10.0) -> None:
    """Saves a clip as an animated GIF or as MP4.

    Use this for what `predict_frames` gives. A GIF shows everywhere and has 256 colours; MP4, by
    H.264, is smaller, and needs the package `av`, which `pip install 'kgan[video]'` brings. Its
    sides are even: of odd ones, the last row or column is repeated.

    Args:
        path: path that ends in `.gif` or `.mp4`.
        clip: array (frames, height, width, channels), uint8 or floats in [-1, 1].
        rate: float, frames per second; a GIF counts in hundredths of a second. Defaults to 10.0.

    Raises:
        ImportError: when it is MP4, and `av` is not installed.
        TypeError: when the clip is of another dtype, or the rate no number.
        ValueError: when it is no clip, the folder is missing, the ending is another or the rate is
            not above 0.

    Example:
    ```python
    import pathlib
    import tempfile

    import numpy as np

    from kgan.pictures import save_clip

    clip = np.zeros((10, 8, 8, 1), "uint8")
    clip[range(10), 4, [0, 1, 2, 3, 4, 5, 6, 7, 7, 7]] = 255
    save_clip(pathlib.Path(tempfile.mkdtemp()) / "dot.gif", clip)
    ```
    """
    file = output.check_path(path, (".gif", ".mp4"))
    check_rate("rate", rate)
    clip = as_uint8("clip", np.asarray(clip))
    if clip.ndim != 4 or 0 in clip.shape or clip.shape[-1] not in (1, 3):
        raise ValueError(
            "A clip has frames, height, width, and 1 or 3 channels. Save several one by one. "
            f"Received: clip of shape {clip.shape}"
        )
    if file.suffix.lower() == ".gif":
        write_film(file, clip, max(20, round(1000 / rate)))
    else:
        _write_mp4(file, clip, rate)


def _write_mp4(path, clip, rate):
    try:
        import av
    except ImportError as error:
        raise ImportError(
            "MP4 is written by the package av, which is not installed. Run `pip install "
            f"'kgan[video]'`, or write a GIF. Received: path={str(path)!r}"
        ) from error
    clip = np.pad(clip, ((0, 0), *((0, side % 2) for side in clip.shape[1:3]), (0, 0)), "edge")
    clip = np.broadcast_to(clip, (*clip.shape[:3], 3))

    def encode(file):
        with av.open(file, "w", format="mp4") as container:
            exact = fractions.Fraction(rate).limit_denominator(1000)
            stream = container.add_stream("libx264", rate=exact, options={"crf": "15"})
            stream.height, stream.width = clip.shape[1:3]
            stream.pix_fmt = "yuv420p"
            for frame in clip:
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode())

    output.write(path, encode)


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
