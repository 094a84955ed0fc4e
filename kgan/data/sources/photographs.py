"""Windows of photographs of any size: networks learn from pictures of one."""

import collections
import copy
import functools
import os
import threading
import warnings
from collections.abc import Sequence

import numpy as np

from kgan.data.degradation import shrunk
from kgan.data.lazy_arrays import LazyArray
from kgan.data.sources.image_decoding import UnreadableImageError, decode, inspect
from kgan.data.sources.image_files import in_threads, one_kind, read_all, refuse
from kgan.data.sources.image_folders import enter
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data, FilePath
from kgan.utils.pixels import as_uint8

# In how many ways a window may be placed and turned: a number for each, as of `LazyArray`.
_WAYS = 2**31
# Of the order in which a window is turned: mirrored, upside down, rows for columns.
_TURNS = 8


def photographs(
    source: FilePath | Sequence[FilePath] | Sequence[np.ndarray] | Data,
    crop: int = 128,
    *,
    channels: int | None = None,
    turn: bool = True,
    split: str = "train",
    max_photographs: int | None = None,
    memory: int = 2**30,
) -> LazyArray:
    """Windows of photographs, which may be large and differ in size.

    Use this to train on photographs at their own resolution, above all `srresnet` and `srgan`:
    nothing is resized. `kgan.data.load(folder, crop=128)` calls it.

    There are as many windows as fit beside one another, so an epoch sees about as many pixels as
    there are. In `fit` each lies at a random place of its photograph, mirrored and turned by
    quarters at random; where and how is drawn with the order of the epoch, from the model's saved
    state, so a resumed run sees what the whole run would have seen. Read otherwise, as by
    `evaluate` and metrics, the windows are the tiles of the photograph, as they are.

    Args:
        source: a folder of images, a list of paths, a list of arrays (height, width, channels), or
            an array (n, height, width, channels): uint8, or floats in [-1, 1].
        crop: integer, side of the windows in pixels. Defaults to 128.
        channels: 1 for grey, 3 for colour. Defaults to `None`: 3 where a photograph is in colour.
        turn: boolean, whether windows are mirrored and turned in `fit`. Defaults to `True`.
        split: as for `kgan.data.load`. Defaults to `"train"`.
        max_photographs: integer, at most so many of a folder, evenly spread. Defaults to `None`.
        memory: integer, bytes of pixels that are kept. Where photographs of a folder take more,
            those that were not used for longest are read again when they are needed. Defaults to
            2 ** 30, one gigabyte.

    Returns:
        A `kgan.data.LazyArray` (n, crop, crop, channels) of uint8, which `fit`, `evaluate` and
        `like=` take.

    Raises:
        ValueError: If there are no photographs of that size, or files can't be read.

    Example:
        ```python
        import kgan
        import numpy as np

        large = [np.zeros((100, 70, 3), "uint8"), np.zeros((64, 96, 3), "uint8")]
        windows = kgan.data.photographs(large, crop=32)
        assert windows.shape == (3 * 2 + 2 * 3, 32, 32, 3)
        ```
    """
    check_count("crop", crop)
    if isinstance(source, str | os.PathLike):
        _, paths = enter(source, split)
        if max_photographs is not None:
            count = min(check_count("max_photographs", max_photographs), len(paths))
            paths = [paths[i] for i in np.linspace(0, len(paths) - 1, count).round().astype(int)]
        source = paths
    entries = list(source)
    if entries and all(isinstance(entry, str | os.PathLike) for entry in entries):
        held, sizes, channels = _of_files(list(map(os.fspath, entries)), channels, memory)
    else:
        held, sizes, channels = _of_arrays(entries)
    return _Windows(held, sizes, channels, crop, turn)


def _of_files(paths, channels, memory):
    look = functools.partial(inspect, channels=channels)
    heights, widths, kinds = zip(*read_all(look, paths, "header"), strict=True)
    channels = one_kind(paths, kinds)
    return _Held(paths, channels, memory), np.stack([heights, widths], axis=1), channels


def _of_arrays(entries):
    arrays = [as_uint8("photographs", np.asarray(entry)) for entry in entries]
    arrays = [
        np.ascontiguousarray(array[..., None] if array.ndim == 2 else array) for array in arrays
    ]
    kinds = {array.shape[2:] for array in arrays}
    if len(kinds) != 1 or {len(kind) for kind in kinds} != {1}:
        raise ValueError(
            "Photographs are a folder, paths of files, or arrays (height, width, channels) of one "
            "number of channels. Bring them to one. Received: "
            f"{len(arrays)} arrays, of shapes such as {[array.shape for array in arrays[:3]]}"
        )
    sizes = np.array([array.shape[:2] for array in arrays])
    return _Held(arrays, arrays[0].shape[2], None), sizes, arrays[0].shape[2]


class _Held:
    """Photographs, and smaller ones made of them: those used last, as far as memory is granted."""

    def __init__(self, sources, channels, memory):
        self.sources, self.channels, self.memory = sources, channels, memory
        self.is_on_disk = isinstance(sources[0], str)
        self._pixels, self._lock = collections.OrderedDict(), threading.Lock()

    def get(self, places, scale=1):
        """A dict of place -> uint8 array, of photographs made so many times smaller."""
        with self._lock:
            found = {}
            for place in np.unique(places).tolist():
                key = place, scale
                if key in self._pixels:
                    self._pixels.move_to_end(key)
                    found[place] = self._pixels[key]
            missing = [place for place in np.unique(places).tolist() if place not in found]
            made = self._made(missing, scale)
            for place, pixels in made.items():
                self._pixels[place, scale] = pixels
            found |= made
            if self.is_on_disk:
                kept = sum(pixels.nbytes for pixels in self._pixels.values())
                while kept > self.memory and len(self._pixels) > 1:
                    kept -= self._pixels.popitem(last=False)[1].nbytes
            return found

    def _made(self, places, scale):
        if not self.is_on_disk:
            whole = {place: self.sources[place] for place in places}
        else:
            whole = {p: self._pixels[p, 1] for p in places if scale > 1 and (p, 1) in self._pixels}
            unread = [place for place in places if place not in whole]
            paths = [self.sources[place] for place in unread]
            read = functools.partial(decode, size=None, channels=self.channels)
            pictures = list(in_threads(read, paths))
            refuse(
                {
                    path: picture
                    for path, picture in zip(paths, pictures, strict=True)
                    if isinstance(picture, UnreadableImageError)
                },
                len(paths),
            )
            whole |= dict(zip(unread, pictures, strict=True))
        if scale == 1:
            return whole
        return {place: shrunk(picture, scale) for place, picture in whole.items()}


class _Windows(LazyArray):
    def __init__(self, held, sizes, channels, crop, turn):
        fits = (sizes >= crop).all(axis=1)
        if not fits.any():
            raise ValueError(
                "No photograph is as large as a window. Pass a smaller crop. Received: "
                f"crop={crop}, {len(sizes)} photographs, such as one of {sizes[0][0]}x{sizes[0][1]}"
            )
        if not fits.all():
            warnings.warn(
                f"{int((~fits).sum())} of {len(sizes)} photographs are smaller than a window of "
                f"{crop}x{crop} and left out. Pass a smaller crop to use them.",
                UserWarning,
                stacklevel=3,
            )
        tiles = []
        for place in np.flatnonzero(fits):
            tops, lefts = (_spread(side - crop, side // crop) for side in sizes[place])
            tiles += [(place, top, left) for top in tops for left in lefts]
        super().__init__(len(tiles), (crop, crop, channels))
        self.held, self.sizes, self.crop = held, sizes, crop
        self.tiles = np.array(tiles)
        self.turn = bool(turn)
        self.align = 1
        self.variants = _WAYS

    @property
    def paths(self):
        """The files, where it is files that they are in."""
        return self.held.sources if self.held.is_on_disk else ()

    @property
    def groups(self):
        """The photograph that each window is cut of: what is held out is whole photographs."""
        return self.tiles[np.asarray(self._rows), 0]

    def aligned(self, scale):
        """The windows at places that a scale divides, at which small photographs have pixels."""
        view = copy.copy(self)
        view.align = scale
        return view

    def read(self, indices):
        return self.read_variants(indices, np.zeros_like(indices))

    def read_variants(self, indices, which):
        return self._cut(indices, which, 1)

    def shrunk(self, numbers, scale):
        """The windows of photographs that were made smaller as wholes.

        Args:
            numbers: integer array (n,) of samples and their variants.
            scale: integer that divides the windows and their places.
        """
        return self._cut(*self.split(numbers), scale)

    def _cut(self, indices, which, scale):
        photos, tops, lefts, turns = self._places(indices, which)
        pictures, side = self.held.get(photos, scale), self.crop // scale
        made = np.empty((len(photos), side, side, self.sample_shape[-1]), "uint8")
        pixels = _pixels(made)
        for row, (photo, top, left, turned) in enumerate(
            zip(photos.tolist(), tops // scale, lefts // scale, turns, strict=True)
        ):
            window = _pixels(pictures[photo])[top : top + side, left : left + side]
            window = window[:, ::-1] if turned & 1 else window
            window = window[::-1] if turned & 2 else window
            pixels[row] = window.T if turned & 4 else window
        return made

    def _places(self, indices, which):
        photos, tops, lefts = self.tiles[indices].T
        steps = (self.sizes[photos] - self.crop) // self.align + 1
        drawn = _hashed(indices, which)
        is_drawn = which > 0
        tops = np.where(is_drawn, drawn[0] % steps[:, 0] * self.align, tops)
        lefts = np.where(is_drawn, drawn[1] % steps[:, 1] * self.align, lefts)
        turns = np.where(is_drawn & self.turn, drawn[2] % _TURNS, 0)
        return photos, tops - tops % self.align, lefts - lefts % self.align, turns


def _pixels(array):
    """An array of pixels, not of numbers, which are turned in half the time."""
    return array.view(f"V{array.shape[-1]}")[..., 0]


def _spread(last, count):
    return np.linspace(0, last, count).round().astype(int) if count > 1 else [last // 2]


def _hashed(indices, which):
    """Three numbers from 0 to 2**31 for each sample and variant, as if drawn at random.

    The finalizer of SplitMix64 (Steele et al. 2014): a generator for each would take a hundred
    times longer.
    """
    x = indices.astype("uint64") * np.uint64(0x9E3779B97F4A7C15) + which.astype("uint64")
    rows = []
    for salt in (1, 2, 3):
        z = x + np.uint64(salt * 0x632BE59BD9B4E019 % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        rows.append(((z ^ (z >> np.uint64(31))) >> np.uint64(33)).astype("int64"))
    return rows
