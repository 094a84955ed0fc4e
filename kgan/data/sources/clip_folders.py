"""Clips in folders: the frames of each folder, in the order of their names, cut into clips."""

import itertools
import re

import numpy as np

from kgan.data.lazy_arrays import LazyArray
from kgan.data.sources.image_files import ImageFiles
from kgan.data.sources.image_folders import enter, spread


def load_clips(folder, split, frames, size, channels, max_examples, stream):
    """Reads a folder of folders of frames; see `kgan.data.load` for the arguments.

    Returns:
        uint8 array (n, frames, height, width, channels), or with `stream` a `LazyArray`.
    """
    folder, paths = enter(folder, split)
    starts, ordered, lengths = [], [], []
    for group in _videos(paths):
        lengths.append(len(group))
        starts += range(len(ordered), len(ordered) + len(group) - frames + 1, frames)
        ordered += group
    if not starts:
        raise ValueError(
            f"No folder holds enough frames for a clip of {frames}. Expected a folder of frames "
            "for each clip, named in their order. Take fewer frames a clip. "
            f"Received: {str(folder)!r}, whose folders hold {max(lengths)} frames at most."
        )
    if max_examples is not None and max_examples < len(starts):
        starts = [starts[place] for place in spread(len(starts), max_examples)]
    # What is left over at the end of a folder need not be of the size of the rest.
    used = [ordered[start + place] for start in starts for place in range(frames)]
    images = ImageFiles(used, size, channels)
    clips = _Clips(images, frames)
    return clips if stream else images.load().reshape(clips.shape)


def last_frames(folder, frames, size, channels):
    """The last frames of each folder of frames, to go on with.

    Args:
        folder: path of a folder of frames, or of folders of them.
        frames: integer, how many of each.
        size: `(height, width)` to cut and resize to.
        channels: 1 or 3.

    Returns:
        uint8 array (n, frames, height, width, channels), in the order of the folders' names.

    Raises:
        ValueError: If there is no such folder, or one of them holds fewer frames.
    """
    folder, paths = enter(folder, "train")
    videos = _videos(paths)
    short = next((video for video in videos if len(video) < frames), None)
    if short is not None:
        raise ValueError(
            f"A folder holds too few frames to go on with. Expected at least {frames} in each. "
            f"Received: {len(short)} in {str(short[0].parent)!r}"
        )
    images = ImageFiles([path for video in videos for path in video[-frames:]], size, channels)
    return images.load().reshape(len(videos), frames, *images.sample_shape)


def _videos(paths):
    """The frames of each folder, in the order of their names."""
    groups = itertools.groupby(sorted(paths, key=_place), lambda path: path.parent)
    return [list(group) for _, group in groups]


def _place(path):
    """What files are ordered by: their folder, and then names, with numbers in them as numbers."""
    parts = re.split(r"(\d+)", path.name)
    return path.parent, [int(part) if part.isdigit() else part for part in parts]


class _Clips(LazyArray):
    """Frames of image files, so many to a clip, of which only those asked for are read."""

    def __init__(self, images, frames):
        super().__init__(len(images) // frames, (frames, *images.sample_shape))
        self.images, self.paths = images, images.paths

    def read(self, indices):
        return self.frames_of(indices, np.arange(self.sample_shape[0])[None])

    def frames_of(self, indices, wanted):
        """Some frames of each of some clips.

        Args:
            indices: integer array (n,), clips of the whole source.
            wanted: integer array (n or 1, count), places of frames in them.
        """
        places = self.sample_shape[0] * indices[:, None] + wanted
        found = self.images[places.ravel()]
        return found.reshape(*places.shape, *self.sample_shape[1:])
