"""Loading named datasets and folders of images as NumPy arrays."""

import difflib
import importlib.util
import numbers
import os
import pathlib
import re
import socket
import threading
import urllib.request
from typing import Any

import numpy as np

from kgan.data import toys
from kgan.data.sources import image_files as pictures
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
) -> Any:
    """Loads a named dataset, or a folder of images, into memory.

    Use this for data that fits in memory; for more, make a `tf.data` pipeline and give that to
    `fit`. A name that is also a folder means the dataset: write `"./name"` for the folder.

    Args:
        name_or_folder: `"digits"` (scikit-learn, 8x8, grey), the toys `"ring"`, `"grid"` and
            `"gaussian"` (float points), an image dataset of TensorFlow Datasets by its name, as in
            `"mnist"` or `"cifar10"`, or a folder of PNG, JPEG, BMP, GIF or WEBP files (the first
            picture of animations; transparent pixels become white), read with its sub-folders.
        split: `"train"` or `"test"`; with TensorFlow Datasets all it understands, as in
            `"train[:10%]"`; with folders, a sub-folder where all sub-folders are splits. Digits:
            the first 80 % are `"train"`. Defaults to `"train"`.
        size: `(height, width)`, or an integer for squares. Images are cut to that aspect ratio
            around their centre and resized with antialiasing. Defaults to `None`, as they are.
        channels: 1 for grey, 3 for colour. Defaults to `None`, as they are.
        data_dir: Where TensorFlow Datasets keeps its data. Defaults to `$KGAN_DATA/tfds` where it
            exists, then TensorFlow Datasets' own folder; prepared data is preferred to a download.
        labels: Whether to return class ids too. Of a folder, the sub-folders are the classes, in
            sorted order. Defaults to `False`.
        max_examples: At most this many samples: the first, or of a folder, files spread evenly
            over the sorted list. Defaults to `None`, all (100 000 points for the toys).

    Returns:
        uint8 images of shape `(n, height, width, channels)`, or float32 points of shape `(n, 2)`
        (`(n, 1)` for `"gaussian"`). With `labels=True` a tuple `(samples, labels)`, where labels
        are int32 of shape `(n,)`.

    Raises:
        ConnectionError: If a dataset is not prepared and cannot be downloaded.
        ImportError: If a package is missing: Pillow for folders and resizing, scikit-learn for
            digits, tensorflow-datasets (and importlib_resources, which it needs) for its datasets.
        TypeError: If an argument is not of the right type.
        ValueError: If there is no such dataset, folder, split or label, or an image is unreadable.

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
    kind = _kind_of(name_or_folder)
    if kind == "folder":
        return pictures.load_folder(name_or_folder, split, size, channels, labels, max_examples)
    name = str(name_or_folder)
    if kind == "tfds":
        return _load_tfds(name, split, size, channels, data_dir, labels, max_examples)
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
    """Returns `"built-in"`, `"tfds"` or `"folder"`; raises if it is none of these."""
    text = str(name_or_folder)
    is_path = not isinstance(name_or_folder, str) or text.startswith((".", "/", "~"))
    if not is_path and text in _BUILT_IN:
        return "built-in"
    folder = pathlib.Path(text).expanduser()
    is_path = is_path or ("/" in text or os.sep in text) and folder.is_dir()
    names = [] if is_path else _tfds_names()
    # TFDS writes configurations and versions after the name: "imagenet_resized/64x64:0.1.0".
    if re.split("[/:]", text)[0] in names:
        return "tfds"
    if folder.is_dir():
        return "folder"
    if folder.is_file():
        raise ValueError(
            f"{text!r} is a file. Expected a folder of images, or a dataset's name. Pass the "
            f"folder that holds it, {str(folder.parent)!r}. Received: {text!r}."
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


def _tfds_names():
    """Returns the names TFDS knows, from its own list, without a network."""
    if importlib.util.find_spec("tensorflow_datasets") is None:
        return []
    return _import_tfds().list_builders(with_community_datasets=False)


def _import_tfds():
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            f"TensorFlow Datasets cannot be imported: {error}. Run `pip install "
            "tensorflow-datasets importlib_resources`: version 4.9 needs both, and declares one."
        ) from error
    return tensorflow_datasets


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
        images = np.stack([pictures.convert(image, size, channels) for image in images])
    ids = digits.target[part][:max_examples].astype("int32")
    return (images, ids) if labels else images


def _load_tfds(name, split, size, channels, data_dir, labels, max_examples):
    tfds = _import_tfds()
    builder, tried = _find_prepared(tfds, name, data_dir)
    if builder.info.features is not None:  # Unknown, for a few, until they are prepared.
        _image_and_label_keys(tfds, builder, name, labels)
    if not _is_prepared(builder):
        _download(builder, name, tried)
    image_key, label_key = _image_and_label_keys(tfds, builder, name, labels)
    try:
        num_examples = builder.info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{name!r} has no split {split!r}. Expected one of {sorted(builder.info.splits)}, or a "
            "part of one, as in 'train[:10%]'. Pass another split. "
            f"Received: split={split!r}."
        ) from error
    wanted = {image_key: True} | ({label_key: True} if labels else {})
    dataset = builder.as_dataset(
        split=split,
        shuffle_files=False,
        decoders=tfds.decode.PartialDecoding(wanted),
    )
    num_examples = min(num_examples, max_examples or num_examples)
    images, ids = None, np.empty((num_examples,), "int32")
    for index, element in enumerate(tfds.as_numpy(dataset.take(num_examples))):
        image = pictures.convert(element[image_key], size, channels)
        if images is None:
            images = np.empty((num_examples, *image.shape), "uint8")
        if image.shape != images.shape[1:]:
            raise ValueError(
                f"The images of {name!r} differ: the first has shape {images.shape[1:]} and number "
                f"{index} has {image.shape}. Expected one shape. Pass size=64 or size=(height, "
                "width), and channels=3 where grey and colour are mixed. Received: "
                f"size={size}, channels={channels}."
            )
        images[index] = image
        if labels:
            ids[index] = element[label_key]
    if images is None:
        raise ValueError(
            f"The split {split!r} of {name!r} is empty. Expected at least one image. Pass another "
            f"split. Received: split={split!r}."
        )
    return (images, ids) if labels else images


def _find_prepared(tfds, name, data_dir):
    """Returns the builder whose data is prepared, or else that of the first place to put it."""
    if data_dir is not None:
        places = [os.path.expanduser(os.fspath(data_dir))]
    else:
        ours = pathlib.Path(os.environ.get("KGAN_DATA") or ".", "tfds").expanduser()
        places = [str(ours)] if os.environ.get("KGAN_DATA") and ours.is_dir() else []
        places.append(None)
    builders = []
    for place in places:
        try:
            builders.append(tfds.builder(name, data_dir=place))
        except (ValueError, AssertionError, tfds.core.DatasetNotFoundError) as error:
            raise ValueError(
                f"TensorFlow Datasets cannot make {name!r}: {str(error).splitlines()[0]} Expected "
                "'name', 'name/config' or 'name:version'. See https://www.tensorflow.org/datasets. "
                f"Received: {name!r}."
            ) from error
        if _is_prepared(builders[-1]):
            return builders[-1], []
    return builders[0], [str(builder.data_dir) for builder in builders]


def _is_prepared(builder):
    return os.path.exists(os.path.join(os.fspath(builder.data_path), "dataset_info.json"))


def _image_and_label_keys(tfds, builder, name, labels):
    features = builder.info.features
    images, ids = [], []
    if isinstance(features, tfds.features.FeaturesDict):
        # Exactly Image: videos and segmentation masks are sub-classes or hold images inside.
        images = [key for key, value in features.items() if type(value) is tfds.features.Image]
        ids = [
            key for key, value in features.items() if isinstance(value, tfds.features.ClassLabel)
        ]
    image_key = "image" if "image" in images else images[0] if len(images) == 1 else None
    if image_key is None or features[image_key].np_dtype != np.uint8:
        raise ValueError(
            f"{name!r} has no single 8-bit image per example. Expected a dataset with the feature "
            "'image'. Load it with tensorflow_datasets, `map` it to what the model wants, and pass "
            f"that to `fit`. Received: features {_names(features)}."
        )
    label_key = "label" if "label" in ids else ids[0] if len(ids) == 1 else None
    if labels and label_key is None:
        raise ValueError(
            f"{name!r} has no single class label per example. Expected the feature 'label'. Load "
            f"it with labels=False. Received: features {_names(features)}."
        )
    return image_key, label_key


def _names(features):
    return sorted(features) if hasattr(features, "keys") else type(features).__name__


def _download(builder, name, tried):
    folder = name.split(":")[0]
    advice = (
        f"Expected it prepared in one of {tried}, or a network. On a machine that has one, run "
        f"`tfds build {folder} --data_dir FOLDER` (or `tfds.load({name!r}, data_dir=FOLDER)`), "
        "copy FOLDER here, and pass data_dir=FOLDER or set KGAN_DATA to the folder above, if "
        f"FOLDER is called tfds. Received: {name!r}."
    )
    if not _has_network():
        raise ConnectionError(
            f"The dataset {name!r} is not prepared on this machine, and it cannot be downloaded: "
            f"there is no network. {advice}"
        )
    try:
        builder.download_and_prepare()
    except AssertionError as error:  # TFDS's way to say that files must be fetched by hand.
        raise ValueError(
            f"The dataset {name!r} must be fetched by hand: {error}. {advice}"
        ) from error
    except Exception as error:
        raise ConnectionError(
            f"The dataset {name!r} is not prepared on this machine, and downloading it failed: "
            f"{type(error).__name__}, {str(error)[:300]}. {advice}"
        ) from error


def _has_network(seconds=5.0):
    """Whether names resolve, or a proxy is set: TFDS alone retries for minutes without either."""
    if urllib.request.getproxies():
        return True
    found = []

    def resolve():
        try:
            found.append(socket.getaddrinfo("storage.googleapis.com", 443))
        except OSError:
            pass

    # The resolver has no time limit, and can hang on a network that drops packets.
    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(found)
