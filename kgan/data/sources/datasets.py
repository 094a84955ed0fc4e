"""Loading named datasets and folders of images as NumPy arrays."""

import difflib
import numbers
import os
import pathlib
import re
from typing import Any

import numpy as np

from kgan.data import augmented_images, toys
from kgan.data.sources import image_folders
from kgan.data.sources import prepared_datasets as tfds
from kgan.data.sources.clip_folders import load_clips
from kgan.data.sources.image_decoding import convert
from kgan.data.sources.image_files import ImageFiles
from kgan.data.sources.photographs import photographs
from kgan.data.sources.record_files import found_in, load_records
from kgan.utils.hints import FilePath

_TOYS = ("ring", "grid", "gaussian")
_BUILT_IN = ("digits", *_TOYS)
# The protocol of the mode-counting tables: 100 000 fixed points.
_NUM_TOY_POINTS = 100_000


def load(
    name_or_folder: FilePath,
    split: str = "train",
    *,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    data_dir: FilePath | None = None,
    labels: bool = False,
    max_examples: int | None = None,
    stream: bool = False,
    augment: str | None = None,
    crop: int | None = None,
    frames: int | None = None,
) -> Any:
    """Loads a named dataset, a folder of images, or TFRecord files.

    Use this for images and points to train on. Folders and TFRecord files that do not fit in memory
    stay on disk with `stream=True`; for other data of that size, give `fit` a `tf.data` pipeline. A
    name that is also a folder means the dataset: write `"./name"` for the folder.

    Of a folder, each real file counts once: links are followed, but for those that lead to an
    image that is there already, to a folder that they lie in, or nowhere, which a warning counts.
    Hidden files are left out. Of animations, the first picture is read; transparent pixels become
    white; photographs are turned upright. Grey stays grey, and the greys of a palette (GIF) or
    beside transparency count as colour where other images are in colour. Images of 16 bits are read
    by their whole range, 0..65535 as 0..255; of floats and 32 bits, which have no range that a
    format defines, none are read.

    Of TFRecord and ArrayRecord files, each record is a `tf.train.Example` whose feature `"image"`
    or `"image/encoded"`, or the only one that is an encoded image, is read as an image file is.
    Compressed TFRecord files (GZIP, ZLIB) are refused: they can't be read in any order. ArrayRecord
    files need the extra `array_record`, and are quick to shuffle with groups of one record.

    Args:
        name_or_folder: `"digits"` (scikit-learn, 8x8, grey), the toys `"ring"`, `"grid"` and
            `"gaussian"` (float points), an image dataset of TensorFlow Datasets by its name, as in
            `"mnist"` or `"cifar10"`, or a folder of PNG, JPEG, BMP, GIF, WEBP or TIFF files, read
            with its sub-folders; a TFRecord or ArrayRecord file (`.tfrecord`, `.tfrecords`,
            `.tfrec`, `.array_record`, `.arrayrecord`), or a folder of them, as TensorFlow Datasets
            makes.
        split: `"train"` or `"test"`; with TensorFlow Datasets all it understands, as in
            `"train[:10%]"`; with folders, a sub-folder where all sub-folders are splits, and with a
            folder of TFRecord files those of that split, where their names say it. Digits: the
            first 80 % are `"train"`. Defaults to `"train"`.
        size: `(height, width)`, or an integer for squares. Images are cut to that aspect ratio
            around their centre and resized with antialiasing. Defaults to `None`, as they are.
        channels: 1 for grey, 3 for colour. Defaults to `None`, as they are.
        data_dir: Where TensorFlow Datasets keeps its data. Defaults to `$KGAN_DATA/tfds` where it
            exists, then TensorFlow Datasets' own folder; prepared data is preferred to a download.
        labels: Whether to return the classes too: of a folder the names of its sub-folders, of
            other data ids, of TFRecord files the feature `"label"` or `"image/class/label"`.
            Defaults to `False`.
        max_examples: At most this many samples: the first, or of a folder, files or records spread
            evenly over the sorted list. Defaults to `None`, all (100 000 points for the toys).
        stream: Whether the images of a folder or of TFRecord files stay on disk, and are read a
            batch at a time. The beginning of each image is read at once, and all of those with
            transparency or a palette unless `channels` is given. Defaults to `False`.
        augment: `"mirror"`, `"crop"` or `"mirror,crop"`, to let `fit` see more than there is: see
            `kgan.data.augmented`. For crops, images are loaded an eighth larger than `size`, which
            is then needed. Defaults to `None`.
        crop: Side of windows that are cut of photographs of any size, in place of whole ones that
            are resized: see `kgan.data.photographs`. They stay on disk. `max_examples` is then
            about photographs. Defaults to `None`.
        frames: Frames of a clip, to load clips in place of images: of a folder, each (sub-)folder
            of images holds the frames of a video in the order of their names, where 10 comes after
            9; of TensorFlow Datasets, a dataset of videos, such as `"moving_mnist"`. Videos are cut
            into clips from their beginning, and what is left over at their end is left out.
            Defaults to `None`, single images.

    Returns:
        uint8 images of shape `(n, height, width, channels)`, with `frames` clips of shape `(n,
        frames, height, width, channels)`, or float32 points of shape `(n, 2)`
        (`(n, 1)` for `"gaussian"`); with `stream=True`, `augment` or `crop` a `kgan.data.LazyArray`
        of that shape, which `fit`, `evaluate` and `like=` take in place of an array. With
        `labels=True` a tuple `(samples, labels)`, where labels have the shape `(n,)`: strings of
        folders, from which a model learns the names of its classes, and int32 of other data.

    Raises:
        ConnectionError: If a dataset is not prepared and cannot be downloaded.
        ImportError: If a package is missing: Pillow for folders and resizing, scikit-learn for
            digits, tensorflow-datasets (and importlib_resources, which it needs) for its datasets.
        TypeError: If an argument is not of the right type.
        ValueError: If there is no such dataset, folder, split or label, or images are unreadable:
            all of them are counted.

    Example:
        ```python
        import kgan

        images, labels = kgan.data.load("digits", size=16, labels=True)
        assert images.shape == (1437, 16, 16, 1)
        ```
    """
    if not isinstance(name_or_folder, (str, os.PathLike)):
        raise TypeError(
            "The first argument names the data. Expected a dataset's name or a folder. Pass for "
            f"example 'mnist'. Received: {type(name_or_folder).__name__}."
        )
    size, channels, max_examples = _check_options(size, channels, max_examples)
    if not isinstance(split, str) or not split:
        raise TypeError(
            "The split must be a name. Expected for example 'train' or 'test'. Pass "
            f"split='train'. Received: split={split!r}."
        )
    if crop is not None:
        others = {"size": size, "labels": labels, "augment": augment, "frames": frames}
        return _windows(name_or_folder, split, crop, channels, max_examples, others)
    if frames is not None:
        others = {"labels": labels, "augment": augment}
        return _clips(
            name_or_folder, split, frames, size, channels, data_dir, max_examples, stream, others
        )
    larger, show = _ways(augment, size)
    loaded = _loaded(
        name_or_folder, split, larger, channels, data_dir, labels, max_examples, stream
    )
    return (show(loaded[0]), loaded[1]) if labels else show(loaded)


def _loaded(name_or_folder, split, size, channels, data_dir, labels, max_examples, stream):
    kind = _kind_of(name_or_folder)
    if kind in ("folder", "records"):
        options = (split, size, channels, labels, max_examples, stream)
        read = load_records if kind == "records" else image_folders.load_folder
        return read(name_or_folder, *options)
    name = str(name_or_folder)
    if stream:
        raise ValueError(
            "Only folders of images are streamed, and TFRecord files. Expected a folder. Leave "
            "stream out, or pass the folder in which TensorFlow Datasets keeps the records. "
            f"Received: {name!r}, stream=True."
        )
    if kind == "tfds":
        return tfds.load(name, split, size, channels, data_dir, labels, max_examples)
    if split not in ("train", "test"):
        raise ValueError(
            f"{name!r} has no split {split!r}. Expected 'train' or 'test'. Take a part with "
            f"max_examples. Received: split={split!r}."
        )
    if name in _TOYS:
        if size is not None or channels is not None:
            raise ValueError(
                f"{name!r} is made of points, which have no size or channels. Expected neither. "
                f"Leave size and channels out. Received: size={size}, channels={channels}."
            )
        return _load_toy(name, split, labels, max_examples or _NUM_TOY_POINTS)
    return _load_digits(split, size, channels, labels, max_examples)


def _clips(source, split, frames, size, channels, data_dir, max_clips, stream, others):
    kind = _kind_of(source)
    given = [name for name, value in others.items() if value]
    is_other = kind in ("built-in", "records") or stream and kind == "tfds"
    if not _is_positive_integer(frames) or given or is_other:
        raise ValueError(
            "Clips have a positive number of frames, and are loaded of a folder or of a dataset of "
            "videos of TensorFlow Datasets, without labels and augment; those of a folder alone "
            f"are streamed. Received: {str(source)!r}, frames={frames!r}, stream={stream}"
            + "".join(f", {name}={others[name]!r}" for name in given)
        )
    if kind == "tfds":
        return tfds.load_clips(str(source), split, frames, size, channels, data_dir, max_clips)
    return load_clips(source, split, frames, size, channels, max_clips, stream)


def _windows(folder, split, crop, channels, max_photographs, others):
    given = [name for name, value in others.items() if value]
    if given or _kind_of(folder) != "folder":
        raise ValueError(
            "Windows are cut of the photographs of a folder as they are, turned and mirrored. "
            "Leave size, labels, augment and frames out; of arrays, kgan.data.photographs cuts "
            "them. "
            f"Received: {str(folder)!r}, crop={crop!r}"
            + "".join(f", {name}={others[name]!r}" for name in given)
        )
    return photographs(
        folder, crop, channels=channels, split=split, max_photographs=max_photographs
    )


def _ways(augment, size):
    """The size to load, and a function that makes what `augment` asks for of what is loaded."""
    ways = augmented_images.read_ways(augment)
    if not ways:
        return size, lambda images: images
    if "crop" in ways and size is None:
        raise ValueError(
            "Crops are windows of images that are loaded a little larger. Expected their size. "
            f"Pass for example size=64. Received: augment={augment!r}, size=None."
        )
    larger = tuple(map(augmented_images.with_margin, size)) if "crop" in ways else size
    crop = size if "crop" in ways else None
    return larger, lambda x: augmented_images.augmented(x, "mirror" in ways, crop)


def load_pairs(
    first: FilePath,
    second: FilePath,
    split: str = "train",
    *,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    max_examples: int | None = None,
    stream: bool = False,
    augment: str | None = None,
) -> tuple[Any, Any]:
    """Loads two folders of images whose files belong together, pair by pair.

    Use this for models that translate, such as pix2pix: `a/cats/1.png` belongs to
    `b/cats/1.jpg`. Two collections without pairs are loaded one by one with `load`.

    Args:
        first: A folder of images to translate from.
        second: A folder of images to translate to, with files of the same names; their endings may
            differ.
        split: As for `load`, of both.
        size: As for `load`. Defaults to `None`, as they are.
        channels: As for `load`, of both. Defaults to `None`: as they are, which may be grey in one
            folder and colour in the other.
        max_examples: At most this many pairs, spread evenly. Defaults to `None`, all.
        stream: As for `load`. Defaults to `False`.
        augment: As for `load`: both images of a pair are mirrored and cropped as one. Defaults to
            `None`.

    Returns:
        A tuple of two arrays as of `load`, of equal length, in the order of the names.

    Raises:
        ValueError: If a folder is not there, or an image has no partner or can't be read.

    Example:
        ```python
        import pathlib
        import tempfile

        import kgan
        from PIL import Image

        with tempfile.TemporaryDirectory() as folder:
            for name in ("sketches", "photos"):
                pathlib.Path(folder, name).mkdir()
                Image.new("RGB", (8, 8)).save(pathlib.Path(folder, name, "1.png"))
            sketches, photos = kgan.data.load_pairs(f"{folder}/sketches", f"{folder}/photos")
        assert sketches.shape == photos.shape == (1, 8, 8, 3)
        ```
    """
    size, channels, max_examples = _check_options(size, channels, max_examples)
    pairs = image_folders.matched(first, second, split)
    if max_examples is not None and max_examples < len(pairs):
        pairs = [pairs[place] for place in image_folders.spread(len(pairs), max_examples)]
    larger, show = _ways(augment, size)
    sides = [ImageFiles(paths, larger, channels) for paths in zip(*pairs, strict=True)]
    return tuple(show(side if stream else side.load()) for side in sides)


def _check_options(size, channels, max_examples):
    if size is not None:
        pair = (size, size) if isinstance(size, numbers.Integral) else size
        valid = isinstance(pair, (tuple, list)) and len(pair) == 2
        if not valid or not all(_is_positive_integer(side) for side in pair):
            raise ValueError(
                "size is no image size. Expected a positive integer or (height, width). Pass for "
                f"example size=64. Received: size={size!r}."
            )
        size = (int(pair[0]), int(pair[1]))
    if channels not in (None, 1, 3):
        raise ValueError(
            "channels must be 1 (grey), 3 (colour) or None (as they are). Transparency is laid on "
            f"white. Pass for example channels=3. Received: channels={channels!r}."
        )
    if max_examples is not None and not _is_positive_integer(max_examples):
        raise ValueError(
            "max_examples must be a positive integer or None. Leave it out to load all. Received: "
            f"max_examples={max_examples!r}."
        )
    return size, channels, max_examples


def _is_positive_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value > 0


def _kind_of(name_or_folder):
    """Returns `"built-in"`, `"tfds"`, `"records"` or `"folder"`; raises if it is none of these."""
    text = str(name_or_folder)
    is_path = not isinstance(name_or_folder, str) or text.startswith((".", "/", "~"))
    if not is_path and text in _BUILT_IN:
        return "built-in"
    folder = pathlib.Path(text).expanduser()
    is_path = is_path or ("/" in text or os.sep in text) and folder.is_dir()
    names = [] if is_path else tfds.names()
    # TFDS writes configurations and versions after the name: "imagenet_resized/64x64:0.1.0".
    if re.split("[/:]", text)[0] in names:
        return "tfds"
    if found_in(folder):
        return "records"
    if folder.is_dir():
        return "folder"
    if folder.is_file():
        raise ValueError(
            f"{text!r} is a file. Expected a folder of images, a TFRecord file (.tfrecord), or a "
            f"dataset's name. Pass the folder that holds it, {str(folder.parent)!r}. Received: "
            f"{text!r}."
        )
    if is_path or "/" in text or os.sep in text:
        raise ValueError(
            f"There is no folder {text!r}. Expected a folder of images, or a dataset's name. Check "
            f"the path. Received: {text!r}, looked for at {str(folder.absolute())!r}."
        )
    nearest = difflib.get_close_matches(text.lower(), [*_BUILT_IN, *names], n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(map(repr, nearest))}?" if nearest else "Check the spelling."
    if not names:
        hint += " For TensorFlow Datasets' names, `pip install tensorflow-datasets` first."
    raise ValueError(
        f"There is no dataset or folder {text!r}. Expected one of {', '.join(_BUILT_IN)}, an image "
        f"dataset of TensorFlow Datasets, or a folder. {hint} Received: {text!r}."
    )


def _load_toy(name, split, labels, n):
    seed = 0 if split == "train" else 1
    if name == "gaussian":
        if labels:
            raise ValueError(
                "'gaussian' has one mode and no labels. Expected labels=False. Take 'ring' or "
                "'grid', whose labels are the modes. Received: labels=True."
            )
        return toys.gaussian_1d(n, seed=seed)
    draw, centers = {
        "ring": (toys.ring, toys.ring_centers()),
        "grid": (toys.grid, toys.grid_centers()),
    }[name]
    points = draw(n, seed=seed)
    if not labels:
        return points
    distances = np.linalg.norm(points[:, None] - centers, axis=-1)
    return points, distances.argmin(axis=1).astype("int32")


def _load_digits(split, size, channels, labels, max_examples):
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "'digits' comes with scikit-learn, which is not installed. Run `pip install "
            "scikit-learn`."
        ) from error
    digits = load_digits()
    border = int(0.8 * len(digits.images))
    part = slice(None, border) if split == "train" else slice(border, None)
    pixels = digits.images[part][:max_examples]
    images = np.rint(pixels * (255 / 16)).astype("uint8")[..., None]
    if size is not None or channels is not None:
        images = np.stack([convert(image, size, channels) for image in images])
    ids = digits.target[part][:max_examples].astype("int32")
    return (images, ids) if labels else images
