"""The frames before a frame, which are cut of whole clips where the data holds those."""

from typing import Any

from kgan.data.fields.clips import Clips
from kgan.data.fields.field import Field
from kgan.utils.hints import Data


class PastFrames(Clips):
    """Declares a field of a fixed number of frames, after which a frame comes: the second field.

    Use this as the first of two fields of a model that predicts frames. `fit(past, next)` takes
    pairs as they are; of `fit(clips)` alone, with clips of any length, both are cut: a window of
    each clip, at random in `fit`, and its last frames elsewhere.

    Args:
        shape: tuple `(frames, height, width, channels)`.
        rate: float, frames per second. Defaults to 10.0.
        name: string, in messages and as a key of dictionaries. Defaults to `"x"`.
        paired: boolean, as for `kgan.data.Field`. Defaults to `True`.
        min_frames: integer, as for `kgan.data.Clips`. Defaults to 1.

    Raises:
        ValueError: If the shape is none of a clip, or the rate is not positive.

    Example:
        ```python
        import kgan
        import numpy as np

        fields = (kgan.data.PastFrames((4, 8, 8, 1), name="x"),
                  kgan.data.Images((8, 8, 1), name="y"))
        past, following = kgan.data.check(fields, np.zeros((16, 20, 8, 8, 1), "uint8"))
        assert past.shape == (16, 4, 8, 8, 1) and following.shape == (16, 8, 8, 1)
        ```
    """

    def made_from(self, second: Field) -> Field:
        """What both are cut of: clips of at least a frame more."""
        frames, *sizes = self.shape
        return Clips((None, *sizes), self.rate, "clips", min_frames=frames + 1)

    def made_of(self, other: Data) -> tuple[Any, Any]:
        """Windows of clips, and the frames that come after them.

        Args:
            other: array (n, frames, height, width, channels) or `kgan.data.LazyArray`.

        Returns:
            A pair of `kgan.data.LazyArray`, which belong together.
        """
        from kgan.data.clip_windows import pair

        return pair(other, self.shape[0])
