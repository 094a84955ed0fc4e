"""Files of sound: read with soundfile, brought to one rate with soxr, one channel."""

import os
import pathlib
from collections.abc import Sequence

import numpy as np

from kgan.utils.arguments import check_rate
from kgan.utils.hints import FilePath
from kgan.utils.packages import needed

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au")


def recordings(
    source: FilePath | Sequence[FilePath], rate: float = 16000.0, *, max_files: int | None = None
) -> list[np.ndarray]:
    """Reads files of sound of any length, as one channel at one rate.

    Use this for speech and noises of your own, as `kgan.data.noisy_speech` takes them. It needs
    the extra audio: `pip install 'kgan[audio]'`.

    Args:
        source: a folder, whose subfolders are searched too, or a list of paths: WAV, FLAC, OGG,
            MP3 and what else soundfile reads.
        rate: float, samples per second that they are brought to. Defaults to 16000.0.
        max_files: integer, at most so many of a folder, evenly spread. Defaults to `None`.

    Returns:
        A list of float32 arrays (time,) in [-1, 1], sorted by path. Channels are averaged.

    Raises:
        ModuleNotFoundError: If soundfile, or soxr where the rates differ, is not installed.
        ValueError: If there are no files of sound, or one can't be read.

    Example:
        ```python
        import pathlib
        import tempfile

        import kgan
        import numpy as np

        with tempfile.TemporaryDirectory() as folder:
            tone = np.sin(np.arange(800) / 10)[None, :, None]
            kgan.data.Signals((None, 1), rate=8000).save_each(tone, pathlib.Path(folder))
            try:
                (tone,) = kgan.data.recordings(folder, rate=16000)
                assert tone.shape == (1600,)
            except ModuleNotFoundError as error:
                print(error)  # pip install 'kgan[audio]'
        ```
    """
    rate = check_rate("rate", rate)
    if isinstance(source, str | os.PathLike):
        paths = found_in(source)
    else:
        paths = [pathlib.Path(path) for path in source]
    if max_files is not None and max_files < len(paths):
        paths = [paths[i] for i in np.linspace(0, len(paths) - 1, max_files).round().astype(int)]
    return [mono(sound, found, rate) for sound, found in map(read_sound, paths)]


def found_in(folder):
    """The files of sound in a folder and its subfolders, sorted.

    Args:
        folder: path.

    Raises:
        ValueError: If there are none.
    """
    paths = sorted(
        path
        for path in pathlib.Path(folder).expanduser().rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    if not paths:
        raise ValueError(
            f"There are no files of sound. Expected a folder with some of {', '.join(SUFFIXES)}. "
            f"Check the path. Received: {str(folder)!r}"
        )
    return paths


def read_sound(path):
    """A file of sound as float32 (time, channels), and its rate.

    Args:
        path: path of the file.

    Raises:
        ModuleNotFoundError: If soundfile is not installed.
        ValueError: If the file can't be read or holds no sound.
    """
    with needed("soundfile", "audio", "Reading files of sound"):
        import soundfile
    try:
        sound, rate = soundfile.read(os.fspath(path), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(
            "A file of sound can't be read. Expected WAV, FLAC, OGG or MP3. Convert it, or leave "
            f"it out. Received: {os.fspath(path)!r} ({error})"
        ) from error
    if not len(sound):
        raise ValueError(
            "A file of sound is empty. Expected at least one sample. Leave it out. "
            f"Received: {os.fspath(path)!r}"
        )
    return sound, float(rate)


def write_sound(path, sound, rate, ending=None):
    """Writes float sound (time, channels) in [-1, 1] as the format that the path's ending names.

    Args:
        path: path of the file.
        sound: array (time, channels).
        rate: float, samples per second.
        ending: string such as `".wav"`. Defaults to `None`, the path's.

    Raises:
        ModuleNotFoundError: If soundfile is not installed.
        ValueError: If it knows no such format.
    """
    with needed("soundfile", "audio", "Writing files of sound"):
        import soundfile
    ending = (pathlib.Path(path).suffix if ending is None else ending).lstrip(".").upper()
    kind = {"AIF": "AIFF", "OPUS": "OGG"}.get(ending, ending)
    if kind not in soundfile.available_formats():
        raise ValueError(
            "Sound is written in a format that the file's ending names, such as .wav or .flac. "
            f"Received: {os.fspath(path)!r}"
        )
    with open(path, "wb") as file:
        soundfile.write(file, np.clip(sound, -1, 1), round(rate), format=kind)


def resampled(sound, rate, wanted):
    """Sound at another rate.

    Args:
        sound: float array (time,) or (time, channels).
        rate: float, samples per second that it has.
        wanted: float, samples per second that it gets.

    Raises:
        ModuleNotFoundError: If soxr is not installed and the rates differ.
    """
    if rate == wanted:
        return sound
    with needed("soxr", "audio", "Bringing sound to another rate"):
        import soxr
    return soxr.resample(sound, rate, wanted)


def mono(sound, rate, wanted):
    """One channel of sound (time, channels) at a wanted rate, float32 (time,)."""
    return resampled(sound.mean(axis=1), rate, wanted).astype("float32")
