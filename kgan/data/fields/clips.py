"""Clips: pictures in time (frames, height, width, channels)."""

import pathlib
from typing import Self

import numpy as np

from kgan.data.fields.images import PixelField
from kgan.data.fields.values import check_some
from kgan.data.inspection import received
from kgan.utils.arguments import check_count, check_rate
from kgan.utils.hints import Data, Limits, Scale, Shape


class Clips(PixelField):
    """Declares a field of clips: frames of integers in 0..255, or of floats in [-1, 1].

    Use this for video. Values travel and come back as those of `kgan.data.Images` do.

    Args:
        shape: tuple `(frames, height, width, channels)`. `None` accepts any size.
        rate: float, frames per second, for what is drawn and written. Defaults to 10.0.
        name: string, in messages and as a key of dictionaries. Defaults to `"x"`.
        paired: boolean, as for `kgan.data.Field`. Defaults to `True`.
        min_frames: integer, the frames that clips have at least, where the shape leaves their
            number open. Defaults to 1.

    Raises:
        ValueError: If the shape is none of a clip, or the rate is not positive.

    Example:
        ```python
        import kgan

        fields = (kgan.data.Clips((10, 64, 64, 1), name="past"),)
        ```
    """

    aliases = ("video", "clip", "clips", "image_sequence")
    plural = "clips"
    most_drawn = 8

    def __init__(
        self,
        shape: Shape,
        rate: float = 10.0,
        name: str = "x",
        paired: bool = True,
        min_frames: int = 1,
    ) -> None:
        super().__init__(shape, name, paired)
        self.rate = check_rate("rate", rate)
        self.min_frames = check_count("min_frames", min_frames)
        if len(self.shape) != 4:
            raise ValueError(
                "A clip has the shape (frames, height, width, channels). For single pictures use "
                f"kgan.data.Images. Received: shape={self.shape}"
            )

    @property
    def expected(self) -> str:
        """What a batch looks like, in words, for messages."""
        if self.shape[0] is not None or self.min_frames == 1:
            return super().expected
        sizes = ", ".join(map(str, self.shape[1:]))
        return f"(n, frames, {sizes}) with at least {self.min_frames} frames"

    def check_values(self, array: np.ndarray, name: str) -> np.ndarray:
        """Checks the number of frames too."""
        if array.shape[1] < self.min_frames:
            raise ValueError(
                f"{name} are too short: clips of {array.shape[1]} frames. Expected "
                f"{self.expected}. Give longer clips, or take a model that reads fewer frames. "
                f"{received(name, array)}"
            )
        return super().check_values(array, name)

    def as_several(self, array: np.ndarray) -> np.ndarray:
        """Clips with all their axes, of several or of a single one, grey ones with or without."""
        if self.shape[-1] == 1 and array.shape[-2:] == self.shape[1:3]:
            array = array[..., None]
        return array[None] if array.ndim == len(self.shape) else array

    def examples(self, n: int, seed: int = 0) -> Data:
        """Random pixels, with frames enough."""
        frames = self.shape[0] or max(8, self.min_frames)
        sizes = (n, frames, *self._sizes(n)[2:])
        return np.random.default_rng(seed).integers(0, 256, sizes, dtype="uint8")

    @classmethod
    def claims(cls, array: np.ndarray) -> bool:
        """Clips (n, frames, height, width, channels)."""
        return array.dtype.kind in "iuf" and array.ndim == 5

    @classmethod
    def describe(cls, array: np.ndarray, name: str = "x") -> Self:
        """The field of clips (n, frames, height, width, channels)."""
        check_some(array, name)
        if array.ndim != 5:
            raise ValueError(
                "Clips have the shape (n, frames, height, width, channels). Add an axis for the "
                "channel of grey ones with `x[..., None]`, and the batch axis of a single one with "
                f"`x[None]`. Received: {name} of shape {array.shape}, dtype {array.dtype}."
            )
        return cls(array.shape[1:], name=name)

    @classmethod
    def describe_shape(cls, shape: Shape, name: str = "x") -> Self | None:
        """`(frames, height, width, channels)`; else `None`."""
        return cls(shape, name=name) if len(shape) == 4 else None

    def draw(
        self,
        values: Data,
        columns: int | None = None,
        real: Data = None,
        labels: Data = None,
        scale: Scale = "auto",
        limits: Limits | None = None,
    ) -> np.ndarray:
        """A film strip per clip: its frames from left to right; real ones above made ones."""
        from kgan import drawing

        values = np.asarray(values)
        if real is not None:
            real = np.asarray(real)[: len(values)]
            pairs = zip(real, values[: len(real)], strict=True)
            values = np.stack([clip for pair in pairs for clip in pair])
        frames = values.shape[1]
        return drawing.image_grid(values.reshape(-1, *values.shape[2:]), frames, scale=scale)

    def save_film(self, values: Data, path: pathlib.Path) -> None:
        """Writes clips as one film, a GIF or MP4, in which they play beside one another."""
        from kgan import drawing

        frames = np.moveaxis(np.asarray(values), 1, 0)
        drawing.save_clip(
            path, np.stack([drawing.image_grid(images) for images in frames]), self.rate
        )

    def save_each(self, values: Data, folder: pathlib.Path) -> None:
        """Writes each clip as `0001.gif` and so on, at its rate."""
        from kgan import drawing

        for number, clip in enumerate(values, start=1):
            drawing.write_film(folder / f"{number:04d}.gif", clip, round(1000 / self.rate))
