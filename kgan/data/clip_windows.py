"""Windows of clips: some frames, and the frame that comes after them."""

import numpy as np

from kgan.data.lazy_arrays import LazyArray, rows_of


def pair(clips, input_frames):
    """Windows of clips and the frames after them, of which each clip has one at a time.

    Which window it is in an epoch of `fit`, is drawn with the epoch's order; elsewhere it is that
    at the end of the clip.

    Args:
        clips: array (n, frames, height, width, channels) or `kgan.data.LazyArray`, with more frames
            than `input_frames`.
        input_frames: integer, frames of a window.

    Returns:
        A pair of `LazyArray`: (n, input_frames, height, width, channels) and (n, height, width,
        channels).
    """
    return _Windows(clips, input_frames, False), _Windows(clips, input_frames, True)


class _Windows(LazyArray):
    def __init__(self, clips, input_frames, is_next):
        frames, *sizes = clips.shape[1:]
        shape = sizes if is_next else (input_frames, *sizes)
        super().__init__(len(clips), shape, clips.dtype)
        self.clips, self.input_frames, self.is_next = clips, input_frames, is_next
        self.variants = frames - input_frames

    def read(self, indices):
        return self.read_variants(indices, np.zeros_like(indices))

    def read_variants(self, indices, which):
        # The last window first: it is that of a clip as it is.
        starts = self.variants - 1 - which
        if self.is_next:
            wanted = (starts + self.input_frames)[:, None]
        else:
            wanted = starts[:, None] + np.arange(self.input_frames)
        if hasattr(self.clips, "frames_of"):
            found = self.clips.frames_of(self.clips.split(indices)[0], wanted)
        elif isinstance(self.clips, LazyArray):
            found = rows_of(self.clips, indices)[np.arange(len(indices))[:, None], wanted]
        else:
            found = self.clips[indices[:, None], wanted]
        return found[:, 0] if self.is_next else found
