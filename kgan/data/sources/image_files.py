"""Many pictures: image files as an array that is read when it is asked for."""

import concurrent.futures
import functools
import os
import sys

import keras
import numpy as np

from kgan.data.lazy_arrays import LazyArray
from kgan.data.sources.image_decoding import UnreadableImageError, decode, inspect

# Below this many files a folder loads in seconds, and a progress bar is noise.
_LONG = 2000
# Of many files that can't be read, the message names so many.
_MOST_NAMED = 10


class EncodedImages(LazyArray):
    """Encoded images of one size and one number of channels, read and decoded in threads.

    Args:
        items: sequence of what says where an image is; messages show it.
        size: `(height, width)` to cut and resize to, or `None` where they are of one size.
        channels: 1 or 3, or `None`: 3 where one of the pictures is in colour, else 1.

    Raises:
        ValueError: If images can't be read, or are of different kinds.
    """

    def __init__(self, items, size=None, channels=None):
        self.items = items
        self.size_read = size

        def look(item):
            return inspect(self._encoded(item), channels)

        found = read_all(look, items, "header")
        heights, widths, kinds = zip(*found, strict=True)
        height, width = size or _one_size(items, heights, widths)
        self.channels = one_kind(items, kinds)
        super().__init__(len(items), (height, width, self.channels))

    def _encoded(self, item):
        """The path of an image file, or its bytes."""
        raise NotImplementedError

    def read(self, indices):
        """Decodes the images of these places, in threads."""
        items = [self.items[index] for index in indices]
        images = _all_of(list(in_threads(self._decoded, items)), items)
        return np.stack(images) if images else np.empty((0, *self.sample_shape), "uint8")

    def load(self):
        """All of them as one NumPy array; says how far it is where there are many."""
        whole = np.empty(self.shape, "uint8")
        read_all(self._decoded, self.items, "image", whole)
        return whole

    def _decoded(self, item):
        image = decode(self._encoded(item), self.size_read, self.channels)
        if image.shape != self.sample_shape:
            raise UnreadableImageError(
                f"it has the shape {image.shape}, and its header said {self.sample_shape}"
            )
        return image


class ImageFiles(EncodedImages):
    """Image files of one size and one number of channels, read and decoded in threads.

    Use this through `kgan.data.load(folder, stream=True)`. The beginning of each file is read at
    once, so that files of other sizes, or that are no pictures, are known before training begins.

    Args:
        paths: list of paths.
        size: As for `EncodedImages`.
        channels: As for `EncodedImages`.

    Raises:
        ValueError: If files can't be read, or are of different kinds.
    """

    def __init__(self, paths, size=None, channels=None):
        # Strings take a fifth of the memory of paths.
        self.paths = [os.fspath(path) for path in paths]
        super().__init__(self.paths, size, channels)

    def _encoded(self, item):
        return item


def _one_size(paths, heights, widths):
    sizes = np.stack([heights, widths], axis=1)
    others = np.flatnonzero((sizes != sizes[0]).any(axis=1))
    if len(others):
        (height, width), (other_height, other_width) = sizes[0], sizes[others[0]]
        count = len(np.unique(sizes, axis=0))
        raise ValueError(
            f"The images have {count} different sizes: {paths[0]!r} is {height}x{width} and "
            f"{paths[others[0]]!r} is {other_height}x{other_width} (height x width). Expected one "
            "size. Pass size=64 or size=(height, width) to crop and resize them all. Received: "
            "size=None."
        )
    return int(sizes[0, 0]), int(sizes[0, 1])


def one_kind(paths, kinds):
    """The channels, 1 or 3, of files of which `inspect` found these; raises where they differ."""
    grey = [place for place, kind in enumerate(kinds) if kind == (1,)]
    colour = [place for place, kind in enumerate(kinds) if kind == (3,)]
    if grey and colour:
        raise ValueError(
            f"Grey and colour images are mixed: {paths[grey[0]]!r} is grey and "
            f"{paths[colour[0]]!r} is in colour, {len(grey)} and {len(colour)} of them. Expected "
            "one kind. Pass channels=3 or channels=1 to convert them all. Received: channels=None."
        )
    return 3 if colour else 1


def read_all(function, paths, unit, whole=None):
    """A function's result for each path: in a list, or in the rows of an array."""
    bar = None
    if len(paths) >= _LONG:
        # Without a terminal each update is a new line.
        interval = 0.1 if sys.stdout.isatty() else 10.0
        bar = keras.utils.Progbar(len(paths), interval=interval, unit_name=unit)
    results, failures = [], {}
    for place, result in enumerate(in_threads(function, paths)):
        if isinstance(result, UnreadableImageError):
            failures[paths[place]] = result
        elif whole is None:
            results.append(result)
        else:
            whole[place] = result
        if bar is not None and (place % 100 == 99 or place + 1 == len(paths)):
            bar.update(place + 1)
    refuse(failures, len(paths))
    return results


def _all_of(results, paths):
    failures = {p: r for p, r in zip(paths, results) if isinstance(r, UnreadableImageError)}
    refuse(failures, len(paths))
    return results


def refuse(failures, count):
    """Raises where there are failures, a dict of path -> `UnreadableImageError`, and names them."""
    if not failures:
        return
    named = "; ".join(f"{path!r}: {e}" for path, e in list(failures.items())[:_MOST_NAMED])
    more = len(failures) - _MOST_NAMED
    raise ValueError(
        f"{len(failures)} of {count} images cannot be read. {named}"
        + (f"; and {more} more" if more > 0 else "")
        + ". Expected whole PNG, JPEG, BMP, GIF, WEBP or TIFF files. Delete, replace or convert "
        f"them. Received: {len(failures)} unreadable files."
    )


def in_threads(function, paths):
    """Yields for each path, in order, what a function returns, or its `UnreadableImageError`."""

    def some(part):
        results = []
        for path in part:
            try:
                results.append(function(path))
            except UnreadableImageError as error:
                results.append(error)
        return results

    pool, workers = _pool(), os.cpu_count() or 1
    # Parts, since a thread takes as long to be asked as to read a small picture. Not all at once:
    # a folder may have a million files, and what is read has to fit into memory.
    length = max(1, min(16, len(paths) // (2 * workers)))
    parts = [paths[start : start + length] for start in range(0, len(paths), length)]
    ahead = 4 * workers
    waiting = [pool.submit(some, part) for part in parts[:ahead]]
    for place in range(len(parts)):
        yield from waiting.pop(0).result()
        if place + ahead < len(parts):
            waiting.append(pool.submit(some, parts[place + ahead]))


@functools.cache
def _pool():
    return concurrent.futures.ThreadPoolExecutor(thread_name_prefix="kgan-images")


if hasattr(os, "register_at_fork"):
    # A forked process, such as a worker of a torch DataLoader, has no threads but its own.
    os.register_at_fork(after_in_child=_pool.cache_clear)
