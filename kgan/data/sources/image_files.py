"""Reading, cropping and converting pictures on the host, with Pillow."""

import concurrent.futures
import os
import pathlib
import sys

import keras
import numpy as np

from kgan.utils.hints import FilePath

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
_SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation"}
# Decoded at a time: enough for the threads, little beside the result.
_BLOCK = 256
# Below this many files a folder loads in seconds, and a progress bar is noise.
_LONG = 2000


def load_folder(folder, split, size, channels, labels, max_examples):
    """Reads a folder of images; see `kgan.data.load` for the arguments."""
    folder = _enter_split(pathlib.Path(folder).expanduser(), split)
    paths = _find(folder)
    if not paths:
        raise ValueError(
            f"The folder {str(folder)!r} holds no images. Expected files ending in "
            f"{', '.join(SUFFIXES)}, in it or in its sub-folders. Check the path. Received: a "
            f"folder with {sum(1 for _ in folder.iterdir())} entries."
        )
    classes = _classes(folder, paths)[1] if labels else None
    if max_examples is not None and max_examples < len(paths):
        # Spread evenly: the first files in order would all be of one class.
        kept = np.linspace(0, len(paths) - 1, max_examples).round().astype(int)
        paths = [paths[index] for index in kept]
        classes = classes[kept] if labels else None
    images = _read_all(paths, size, channels)
    return (images, classes) if labels else images


def class_names(folder: FilePath, split: str = "train") -> list[str]:
    """Tells what the labels of a folder of images mean.

    Use this beside `kgan.data.load(folder, labels=True)`: label `i` stands for the `i`-th name.
    Sub-folders without images are no classes.

    Args:
        folder: A folder with one sub-folder of images per class.
        split: As for `kgan.data.load`. Defaults to `"train"`.

    Returns:
        A list of strings, sorted.

    Raises:
        ValueError: If there is no such folder or split, or an image lies in no sub-folder.

    Example:
        ```python
        import pathlib
        import tempfile

        import kgan
        from PIL import Image

        with tempfile.TemporaryDirectory() as folder:
            for name in ("rose", "daisy"):
                pathlib.Path(folder, name).mkdir()
                Image.new("RGB", (8, 8)).save(pathlib.Path(folder, name, "1.png"))
            assert kgan.data.class_names(folder) == ["daisy", "rose"]
        ```
    """
    folder = pathlib.Path(folder).expanduser()
    if not folder.is_dir():
        raise ValueError(
            "Expected a folder with one sub-folder of images per class. Check the path. "
            f"Received: {str(folder)!r}, looked for at {str(folder.absolute())!r}."
        )
    folder = _enter_split(folder, split)
    return _classes(folder, _find(folder))[0]


def _enter_split(folder, split):
    inner = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    inner = [name for name in inner if not name.startswith((".", "__"))]
    # A class may be called "train" too: only folders that are all splits are taken for splits.
    if inner and {name.lower() for name in inner} <= _SPLITS:
        if split in inner:
            return folder / split
    elif split == "train":
        return folder
    raise ValueError(
        f"The folder {str(folder)!r} has no split {split!r}. Expected a sub-folder of that name. "
        f"Pass split={inner[0]!r}, or the folder itself with split='train'. "
        f"Received: split={split!r}, sub-folders {inner}."
        if inner
        else f"The folder {str(folder)!r} has no split {split!r}. Expected a sub-folder of that "
        "name. Pass split='train' for the images in the folder itself. "
        f"Received: split={split!r}, no sub-folders."
    )


def _find(folder):
    paths = []
    for root, folders, files in os.walk(folder, followlinks=True):
        # macOS leaves "._name.jpg" and "__MACOSX", which only look like images.
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                paths.append(pathlib.Path(root, name))
    return sorted(paths)


def _classes(folder, paths):
    names = [path.relative_to(folder).parts[0] for path in paths]
    for path, name in zip(paths, names, strict=True):
        if path == folder / name:
            raise ValueError(
                f"{str(path)!r} lies in no sub-folder, so it has no class. Expected one sub-folder "
                "per class. Move it into one, or load without labels=True. Received: "
                f"labels=True, folder {str(folder)!r}."
            )
    classes, ids = np.unique(names, return_inverse=True)
    return classes.tolist(), ids.astype("int32")


def _read_all(paths, size, channels):
    images, first = None, None
    bar = None
    if len(paths) >= _LONG:
        # Without a terminal each update is a new line.
        interval = 0.1 if sys.stdout.isatty() else 10.0
        bar = keras.utils.Progbar(len(paths), interval=interval, unit_name="image")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), _BLOCK):
            block = paths[start : start + _BLOCK]
            decoded = pool.map(lambda path: _read(path, size, channels), block)
            for index, image in enumerate(decoded, start):
                if images is None:
                    images, first = np.empty((len(paths), *image.shape), "uint8"), paths[index]
                if image.shape != images.shape[1:]:
                    _refuse_mix(first, images.shape[1:], paths[index], image.shape)
                images[index] = image
            if bar is not None:
                bar.update(start + len(block))
    return images


def _refuse_mix(first, shape, other, other_shape):
    if shape[:2] != other_shape[:2]:
        raise ValueError(
            f"The images have different sizes: {str(first)!r} is {shape[0]}x{shape[1]} and "
            f"{str(other)!r} is {other_shape[0]}x{other_shape[1]} (height x width). Expected one "
            "size. Pass size=64 or size=(height, width) to crop and resize them all. Received: "
            "size=None."
        )
    colour = {1: "grey", 3: "in colour"}
    raise ValueError(
        f"Grey and colour images are mixed: {str(first)!r} is {colour[shape[-1]]} and "
        f"{str(other)!r} is {colour[other_shape[-1]]}. Expected one kind. Pass channels=3 or "
        "channels=1 to convert them all. Received: channels=None."
    )


def _read(path, size, channels):
    image_module = pillow()
    try:
        with image_module.open(path) as opened:
            from PIL import ImageOps

            # Cameras store photographs lying on their side, with a note of which.
            image = ImageOps.exif_transpose(opened)
            image = _with_channels(image, channels)
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow raises SyntaxError, struct.error... on damaged files.
        raise ValueError(
            f"The image {str(path)!r} cannot be read: {type(error).__name__}, {error}. Expected a "
            "whole PNG, JPEG, BMP, GIF or WEBP file. Delete it or replace it. Received: a file of "
            f"{os.path.getsize(path)} bytes."
        ) from error
    return _to_array(_crop_and_resize(image, size))


def _with_channels(image, channels):
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion clips at 255.
        values = np.asarray(image).astype("int64")
        values = values // 257 if values.max() > 255 else values
        image = pillow().fromarray(values.clip(0, 255).astype("uint8"))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        # What lies under transparent pixels is arbitrary: show them on white, as viewers do.
        image = image.convert("RGBA")
        white = pillow().new("RGBA", image.size, "white")
        flat = pillow().alpha_composite(white, image)
        grey = channels is None and _was_grey(image)
        image = flat.convert("L" if grey else "RGB")
    if channels is None:
        channels = 1 if image.mode in ("1", "L", "F") else 3
    return image.convert("L" if channels == 1 else "RGB")


def _was_grey(image):
    red, green, blue, _ = image.split()
    return red.tobytes() == green.tobytes() == blue.tobytes()


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
    grey = image.shape[-1] == 1
    if size in (None, image.shape[:2]) and channels in (None, image.shape[-1]):
        return image
    picture = pillow().fromarray(image[..., 0] if grey else image)
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
