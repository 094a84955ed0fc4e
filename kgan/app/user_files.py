"""Files of a user: data, inputs, modules, and what is made of them."""

import collections
import dataclasses
import importlib
import pathlib
import sys
import types

import numpy as np

from kgan import data, drawing
from kgan.data.completion import is_completed
from kgan.data.field_lookup import are_paired
from kgan.data.sources import clip_folders, image_decoding, image_folders, sound_files
from kgan.utils.files import atomic_write


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a model learns from, as far as it says how data is read.

    Args:
        labels: boolean, whether labels are read with the samples.
        two: boolean, whether there are two kinds of images.
        paired: boolean, whether image `i` of the one belongs to image `i` of the other.
        completed: boolean, whether the first kind is made of the second where there is one alone.
    """

    labels: bool = False
    two: bool = False
    paired: bool = True
    completed: bool = False

    @classmethod
    def by(cls, like):
        """What a builder's `kgan.zoo.Like` says; `None` says nothing."""
        if like is None:
            return cls()
        return cls(like.takes_labels, len(like.then) == 1, like.paired, like.completed)

    @classmethod
    def of(cls, model):
        """What a model's fields say."""
        kinds = [type(field) for field in model.fields]
        labels = len(kinds) == 2 and issubclass(kinds[1], data.Labels)
        two, made = len(kinds) == 2 and not labels, is_completed(model.fields)
        return cls(labels, two, are_paired(model.fields), made)


def load_data(name, settings, data_dir=None, wanted=Wanted(), name_b=None, split="train"):
    """Samples by the name of a dataset, a folder of images or a file of arrays.

    Args:
        name: as for `kgan.data.load`, or path of an `.npz` file that holds an array for each field
            of a model, under the fields' names, or of an `.npy` file.
        settings: dict that may have `size`, `channels`, `max_examples` and `stream`.
        data_dir: path where TensorFlow Datasets keeps its data. Defaults to `None`.
        wanted: a `Wanted`. Defaults to samples alone.
        name_b: as `name`, the second kind of images. Defaults to `None`.
        split: as for `kgan.data.load`. Defaults to `"train"`.

    Returns:
        An array, a tuple of samples and labels or of two kinds of images, or a dict of arrays.

    Raises:
        ValueError: when there are too few or too many names for what is wanted.
    """
    is_file = str(name).endswith(".npz")
    if name_b is not None and (is_file or not wanted.two):
        raise ValueError(
            "A second kind of images is for models of two, such as pix2pix and cyclegan, in two "
            "folders or .npy files. Leave --data-b out, or choose another model. "
            f"Received: {name} and {name_b}"
        )
    if wanted.two and name_b is None and not is_file and not wanted.completed:
        raise ValueError(
            "This model learns from two kinds of images. Name both folders, --data a/ --data-b b/"
            + (", with files of the same names" if wanted.paired else "")
            + f"; or an .npz file with an array for each. Received: {name} alone"
        )
    if name_b is None:
        return _load_one(name, settings, data_dir, wanted.labels, split)
    are_folders = all(pathlib.Path(path).expanduser().is_dir() for path in (name, name_b))
    if settings.get("crop"):
        raise ValueError(
            "Windows are cut of one kind of photographs, of which the small images are made. Leave "
            f"--data-b or --crop out. Received: {name} and {name_b} with --crop"
        )
    if wanted.paired and are_folders:
        return data.load_pairs(name, name_b, split, **_reading(settings))
    pair = tuple(_load_one(path, settings, data_dir, False, split) for path in (name, name_b))
    for path, loaded in zip((name, name_b), pair):
        if isinstance(loaded, dict):
            raise ValueError(
                "Of two kinds of images, each is a folder, a dataset or an .npy file. "
                f"Received: {path}"
            )
    return pair


def _reading(settings):
    size = settings.get("size")
    reading = {
        "size": None if size is None else tuple(size),
        "channels": settings.get("channels"),
        "max_examples": settings.get("max_examples"),
    }
    more = {n: settings[n] for n in ("stream", "augment", "crop", "frames") if settings.get(n)}
    return {**reading, **more}


def _load_one(name, settings, data_dir, labels, split):
    if str(name).endswith((".npz", ".npy")):
        given = ("size", "channels", "stream", "augment", "crop", "frames")
        ignored = [n for n in given if settings.get(n)]
        if ignored:
            raise ValueError(
                f"Arrays are taken as they are. Leave --{ignored[0]} out, or give a folder of "
                f"images. Received: {name} with --{ignored[0]}"
            )
        return _read_arrays(pathlib.Path(name).expanduser(), settings.get("max_examples"))
    reading = _reading(settings)
    return data.load(name, split, data_dir=data_dir, labels=labels, **reading)


def lengths_of(loaded):
    """How many samples each array of loaded data has: a list."""
    return [len(array) for array in arrays_of(loaded)]


def arrays_of(loaded):
    """The arrays of what `load_data` returns: a list."""
    if isinstance(loaded, dict):
        return list(loaded.values())
    return list(loaded) if isinstance(loaded, tuple) else [loaded]


def _read_arrays(path, limit):
    try:
        # NumPy refuses objects by default: a file of arrays runs no code.
        loaded = np.load(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} holds no arrays that can be read. Expected a file of numpy.save or "
            f"numpy.savez, of numbers and strings. Received: {error}"
        ) from error
    if isinstance(loaded, np.ndarray):
        return loaded[:limit]
    with loaded:
        try:
            return {name: loaded[name][:limit] for name in loaded.files}
        except ValueError as error:
            raise ValueError(
                f"{path} holds Python objects, which are not read. Save strings as an array of "
                f"numpy.str_, numpy.array(texts). Received: {error}"
            ) from error


def save_samples(field, samples, path, in_one=True):
    """Writes samples as one picture, as a file each, or as they are.

    Args:
        field: `kgan.data.Field` of the samples.
        samples: what the field gives a user.
        path: path of the picture, of a `.npy` file for the numbers themselves, of a `.gif` or
            `.mp4` file for clips, or of a `.txt` file for words. With `in_one=False`, of a folder.
        in_one: boolean. `False` writes `0001.png` and so on. Defaults to `True`.

    Raises:
        ValueError: when the ending is unknown, or such samples have no file format.
    """
    path = pathlib.Path(path)
    if not in_one:
        if path.suffix:
            raise ValueError(
                "With --files, --out names a folder, and this looks like a file. Pass for example "
                f"--out {path.with_suffix('')}. Received: {path}"
            )
        path.mkdir(parents=True, exist_ok=True)
        field.save_each(samples, path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    words = field.captions(samples)
    if path.suffix == ".npy":
        with atomic_write(path) as partial, partial.open("wb") as file:
            # Not to the file itself: on a full disk NumPy loses the end without a word.
            np.save(types.SimpleNamespace(write=file.write), samples)
    elif path.suffix == ".txt" and words is not None:
        with atomic_write(path) as partial:
            partial.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    elif path.suffix.lower() in (".gif", ".mp4") and hasattr(field, "save_film"):
        field.save_film(samples, path)
    else:
        drawing.save_image(path, field.draw(samples))


def read_clips(field, name):
    """Clips to go on with, from a file or from folders of frames.

    Args:
        field: `kgan.data.Clips` of the endpoint's input.
        name: path of a folder of frames or of folders of them, or of an `.npy` file that holds one
            clip or several.

    Returns:
        Array (n, frames, height, width, channels).
    """
    *size, channels = field.shape[1:]
    path = pathlib.Path(name).expanduser()
    if path.suffix != ".npy":
        return clip_folders.last_frames(path, field.min_frames, size, channels)
    return field.as_several(_read_arrays(path, None))


def read_inputs(field, name, settings=None):
    """What an endpoint takes, from a file.

    Args:
        field: `kgan.data.Field` of the input.
        name: path of an `.npy` file, of a `.txt` file with a text per line, or what `load_data`
            takes, such as a folder of images.
        settings: dict as for `load_data`. Defaults to none.

    Returns:
        What the field takes from a user.
    """
    if str(name).endswith(".txt"):
        return pathlib.Path(name).read_text(encoding="utf-8").splitlines()
    loaded = load_data(name, settings or {})
    if isinstance(loaded, dict):
        if field.name not in loaded:
            raise ValueError(
                f"The file has no array for the input '{field.name}'. "
                f"Received: {name} with {list(loaded)}"
            )
        return loaded[field.name]
    return loaded


def translate_folder(model, name, folder, out, batch_size=64):
    """Runs an endpoint from images to images on each file of a folder.

    Args:
        model: a `kgan.AdversarialModel`.
        name: string, the endpoint's name.
        folder: path of a folder of images.
        out: path of the folder for the results, which have the names of the originals as `.png`.
        batch_size: integer, images read and translated at a time. Defaults to 64.

    Returns:
        Integer, the number of images.

    Raises:
        ValueError: when the folder holds no images, or the results would replace them.
    """
    folder, out = (pathlib.Path(path).expanduser().resolve() for path in (folder, out))
    if not folder.is_dir():
        raise FileNotFoundError(
            "There is no such folder. Expected a folder of images to translate. "
            f"Received: --data {folder}"
        )
    if out == folder:
        raise ValueError(
            "The results would replace the images. Name another folder with --out. "
            f"Received: {folder} for both"
        )
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(
            "The results need a folder, and there is a file of that name. Name another with --out. "
            f"Received: {out}"
        )
    height, width, channels = model.answers[name].inputs[0].shape
    channels = channels if channels in (1, 3) else None
    images = data.load(str(folder), size=(height, width), channels=channels, stream=True)
    if not hasattr(images, "paths"):
        raise ValueError(
            "The results have the names of the images' files, and records have none. Expected a "
            f"folder of image files. Received: {folder}, a folder of TFRecord files"
        )
    names = [pathlib.Path(path).relative_to(folder) for path in images.paths]
    targets = [path.with_suffix(".png") for path in names]
    counts = collections.Counter(targets)
    # Of a.jpg beside a.png, each keeps its ending.
    targets = [
        target if counts[target] == 1 else path.with_name(f"{path.name}.png")
        for path, target in zip(names, targets)
    ]
    for start in range(0, len(images), batch_size):
        stop = min(start + batch_size, len(images))
        made = model.run(name, images[np.arange(start, stop)])
        for image, target in zip(made, targets[start:stop], strict=True):
            (out / target).parent.mkdir(parents=True, exist_ok=True)
            drawing.save_image(out / target, image)
    return len(images)


def enlarge_files(model, source, out, **options):
    """Enlarges a picture, or each of a folder.

    Args:
        model: a `kgan.AdversarialModel` with the method `enlarge`.
        source: path of a picture or of a folder of them.
        out: path of the result, or of a folder for the results, which have the names of the
            originals as `.png`.
        **options: of `model.enlarge`.

    Yields:
        For each picture the shape of what was made of it.

    Raises:
        ValueError: when a picture can't be read, or the results would replace them.
    """
    source, out = (pathlib.Path(path).expanduser() for path in (source, out))
    if source.is_dir():
        files = [pathlib.Path(path) for path in image_folders.enter(source, "train")[1]]
        if out.resolve() == source.resolve():
            raise ValueError(
                f"The results would replace the pictures. Name another folder. Received: {out}"
            )
        targets = [(out / file.relative_to(source)).with_suffix(".png") for file in files]
    else:
        if not source.exists():
            raise FileNotFoundError(f"There is no such picture. Received: {source}")
        files, targets = [source], [out]
    channels = model.answers["enlarge"].output.shape[-1]
    for file, target in zip(files, targets, strict=True):
        try:
            image = image_decoding.decode(file, None, channels)
        except image_decoding.UnreadableImageError as error:
            raise ValueError(f"{file} cannot be read: {error}. Received: {file}") from error
        target.parent.mkdir(parents=True, exist_ok=True)
        made = model.enlarge(image, **options)
        drawing.save_image(target, made)
        yield made.shape


def enhance_files(model, source, out, **options):
    """Enhances a recording, or each of a folder.

    Args:
        model: a `kgan.AdversarialModel` with the method `enhance`.
        source: path of a file of sound or of a folder of them.
        out: path of the result, or of a folder for the results, which have the names of the
            originals.
        **options: of `model.enhance`.

    Yields:
        For each recording its length in seconds.

    Raises:
        ValueError: when a file can't be read, or the results would replace them.
    """
    source, out = (pathlib.Path(path).expanduser() for path in (source, out))
    files, targets = [source], [out]
    if source.is_dir():
        files = sound_files.found_in(source)
        targets = [out / file.relative_to(source) for file in files]
    elif not source.exists():
        raise FileNotFoundError(f"There is no such recording. Received: {source}")
    if out.resolve() == source.resolve():
        raise ValueError(
            f"The results would replace the recordings. Name another place. Received: {out}"
        )
    for file, target in zip(files, targets, strict=True):
        sound, rate = sound_files.read_sound(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        made = model.enhance(np.clip(sound, -1, 1), rate, **options)
        with atomic_write(target) as partial:
            sound_files.write_sound(partial, made, rate, target.suffix)
        yield len(sound) / rate


def import_module(path_or_name):
    """Imports a user's module, so that its models are registered and its classes can be loaded.

    Args:
        path_or_name: path of a Python file, or the name of a module.

    Raises:
        FileNotFoundError: when there is no such file.
        ImportError: when there is no such module.
    """
    if not str(path_or_name).endswith(".py"):
        importlib.import_module(str(path_or_name))
        return
    path = pathlib.Path(path_or_name).resolve()
    if not path.is_file():
        raise FileNotFoundError(
            "There is no such Python file. Expected a file that registers models with "
            f"kgan.zoo.register, or a module's name. Received: --module {path_or_name}"
        )
    # Found again by its name, as by the process that exports on other backends.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    importlib.import_module(path.stem)
