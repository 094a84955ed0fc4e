"""Folders of pictures: which files are in them, their classes, their splits, and pairs of them."""

import collections
import os
import pathlib
import unicodedata
import warnings

import numpy as np

from kgan.data.fields.labels import sorted_names
from kgan.data.sources.image_decoding import SUFFIXES
from kgan.data.sources.image_files import ImageFiles
from kgan.utils.hints import FilePath

_SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation"}
# What macOS and Synology leave behind, which only looks like images. Hidden files are left out too.
_LEFTOVERS = (".", "__MACOSX", "@eaDir")


def load_folder(folder, split, size, channels, labels, max_examples, stream):
    """Reads a folder of images; see `kgan.data.load` for the arguments."""
    folder, paths = enter(folder, split)
    names = np.array(_classes(folder, paths)) if labels else None
    if max_examples is not None and max_examples < len(paths):
        kept = spread(len(paths), max_examples)
        paths = [paths[index] for index in kept]
        names = names[kept] if labels else None
    images = ImageFiles(paths, size, channels)
    images = images if stream else images.load()
    return (images, names) if labels else images


def spread(count, kept):
    """The places of some of many files, evenly spread: the first would all be of one class."""
    return np.linspace(0, count - 1, kept).round().astype(int)


def matched(first, second, split):
    """The images of two folders that have equal names, but for their endings.

    Args:
        first: path of a folder.
        second: path of another.
        split: as for `kgan.data.load`.

    Returns:
        A list of pairs of paths, sorted by name.

    Raises:
        ValueError: If an image has no partner, or several.
    """
    sides = []
    for folder in (first, second):
        root, paths = enter(folder, split)
        named = collections.defaultdict(list)
        for path in paths:
            named[str(path.relative_to(root).with_suffix(""))].append(path)
        twice = next((found for found in named.values() if len(found) > 1), None)
        if twice:
            raise ValueError(
                "Pairs are told by the names of files without their endings, and two have the same "
                f"name. Rename one of them. Received: {str(twice[0])!r} and {str(twice[1])!r}."
            )
        sides.append(named)
    a, b = sides
    alone = [sorted(set(a) - set(b)), sorted(set(b) - set(a))]
    if any(alone):
        counts = " and ".join(
            f"{len(names)} only in {str(folder)!r}" + (f", such as {names[0]!r}" if names else "")
            for names, folder in zip(alone, (first, second), strict=True)
        )
        raise ValueError(
            "Pairs are images of equal names in both folders, and some have no partner. Rename or "
            "remove them; two collections without pairs are loaded one by one, with "
            f"kgan.data.load, for a model such as cyclegan. Received: {counts}."
        )
    return [(a[name][0], b[name][0]) for name in sorted(a)]


def class_names(folder: FilePath, split: str = "train") -> list[str]:
    """Tells the classes of a folder of images.

    Use this to see what `kgan.data.load(folder, labels=True)` may return. Sub-folders without
    images are no classes. Names that are whole numbers are sorted as numbers.

    Args:
        folder: A folder with one sub-folder of images per class.
        split: As for `kgan.data.load`. Defaults to `"train"`.

    Returns:
        A list of strings, sorted: the ids of `kgan.data.Labels` made of these labels are their
        places in it.

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
    return sorted_names(_classes(*enter(folder, split)))


def enter(folder, split):
    """The folder of a split, and the paths of its images."""
    folder = pathlib.Path(folder).expanduser()
    if not folder.is_dir():
        raise ValueError(
            "There is no such folder. Expected a folder of images. Check the path. Received: "
            f"{str(folder)!r}, looked for at {str(folder.absolute())!r}."
        )
    folder = _enter_split(folder, split)
    paths = _find(folder)
    if not paths:
        raise ValueError(
            f"The folder {str(folder)!r} holds no images. Expected files ending in "
            f"{', '.join(SUFFIXES)}, in it or in its sub-folders. Check the path. Received: a "
            f"folder with {sum(1 for _ in folder.iterdir())} entries."
        )
    return folder, paths


def _enter_split(folder, split):
    inner = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    inner = [name for name in inner if not name.startswith((*_LEFTOVERS, "__"))]
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
    """The paths of the images in a folder, sorted: each file once, however many links lead to it.

    Links to folders are followed, but for those that lead to where they lie, which have no end.
    What is left out is said in one warning.
    """
    left_out = collections.defaultdict(list)
    paths, linked_files, seen = [], [], set()

    def closed(error):
        left_out["cannot be opened"].append(error.filename)

    # What is really there comes first, so that a link beside a class is none of its own.
    waiting = collections.deque([str(folder)])
    while waiting:
        start = waiting.popleft()
        if os.path.islink(start) and start != str(folder):
            target, home = os.path.realpath(start), os.path.realpath(os.path.dirname(start))
            if any(_is_within(place, target) for place in (home, os.path.realpath(folder))):
                left_out["link to a folder that they lie in"].append(start)
                continue
            if target in seen:
                left_out["link to what is there already"].append(start)
                continue
        for root, folders, files in os.walk(start, onerror=closed):
            real = os.path.realpath(root)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if not name.startswith(_LEFTOVERS))
            waiting.extend(
                os.path.join(root, name) for name in folders if os.path.islink(f"{root}/{name}")
            )
            for name in files:
                if name.startswith(_LEFTOVERS) or not name.lower().endswith(SUFFIXES):
                    continue
                path = os.path.join(root, name)
                if os.path.islink(path):
                    linked_files.append(path)
                else:
                    seen.add(os.path.join(real, name))
                    paths.append(path)
    for path in sorted(linked_files):
        target = os.path.realpath(path)
        if not os.path.isfile(target):
            left_out["lead nowhere"].append(path)
        elif target in seen:
            left_out["link to what is there already"].append(path)
        else:
            seen.add(target)
            paths.append(path)
    if left_out:
        _warn(folder, left_out)
    return sorted(map(pathlib.Path, paths))


def _is_within(place, folder):
    return place == folder or place.startswith(folder.rstrip(os.sep) + os.sep)


def _warn(folder, left_out):
    reasons = "; ".join(
        f"{len(entries)} that {reason}, such as {entries[0]!r}"
        for reason, entries in left_out.items()
    )
    count = sum(map(len, left_out.values()))
    warnings.warn(
        f"{count} entries of the folder {str(folder)!r} were left out: {reasons}. Each image "
        "counts once. Remove the links, or replace them by copies.",
        UserWarning,
        stacklevel=5,
    )


def _classes(folder, paths):
    """The class of each image: the sub-folder that it lies in."""
    names = [path.relative_to(folder).parts[0] for path in paths]
    for path, name in zip(paths, names, strict=True):
        if path == folder / name:
            raise ValueError(
                f"{str(path)!r} lies in no sub-folder, so it has no class. Expected one sub-folder "
                "per class. Move it into one, or load without labels=True. Received: "
                f"labels=True, folder {str(folder)!r}."
            )
    # Some file systems write "é" as two characters, and a keyboard writes one.
    return [unicodedata.normalize("NFC", name) for name in names]
