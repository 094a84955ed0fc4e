"""Signals: sound and other series of samples in time (time, channels)."""

import pathlib
from typing import Self

import numpy as np
from keras import ops

from kgan.data.fields.field import Field
from kgan.data.fields.values import as_float32, check_finite, check_some, is_integer
from kgan.data.inspection import received, value_range
from kgan.utils.arguments import check_rate
from kgan.utils.files import atomic_write
from kgan.utils.hints import Data, Limits, Scale, Shape, Tensor

_TOLERANCE = 1e-3
_FULL_SCALE = 32768.0  # of 16-bit sound


class Signals(Field):
    """Declares a field of signals: floats in [-1, 1], or 16-bit integers.

    Use this for sound and other series in time. They are float32 in [-1, 1] on the device and come
    back as such. Signals of one channel may come without an axis for it.

    Args:
        shape: tuple `(time, channels)`. `None` as the time accepts any length, the same within a
            batch.
        rate: float, samples per second, for what is drawn and written. Defaults to 16000.0.
        name: string, in messages and as a key of dictionaries. Defaults to `"x"`.
        paired: boolean, as for `kgan.data.Field`. Defaults to `True`.

    Raises:
        ValueError: If the shape is none of a signal, or the rate is not positive.

    Example:
        ```python
        import kgan

        fields = (kgan.data.Signals((None, 1), "noisy"), kgan.data.Signals((None, 1), "clean"))
        ```
    """

    aliases = ("audio", "signal", "signals")
    plural = "signals"
    most_drawn = 4
    draws_real = True
    _expected_values = "floats in [-1, 1] or int16"

    def __init__(
        self, shape: Shape, name: str = "x", rate: float = 16000.0, paired: bool = True
    ) -> None:
        super().__init__(shape, name, paired)
        self.rate = check_rate("rate", rate)
        if len(self.shape) != 2:
            raise ValueError(
                "A signal has the shape (time, channels). For other samples use kgan.data.Vectors. "
                f"Received: shape={self.shape}"
            )

    def check_values(self, array: np.ndarray, name: str) -> np.ndarray:
        """Checks the range; int16 stays as it is, floats become float32."""
        if array.dtype == np.int16:
            return array
        if array.dtype.kind != "f":
            raise ValueError(
                f"{name} are integers of {array.dtype}. Expected floats in [-1, 1] or int16. "
                "Divide them by their full scale, for example `x / 2**31` of 32-bit sound. "
                f"{received(name, array)}"
            )
        low, high = check_finite(array, name)
        if low < -1 - _TOLERANCE or high > 1 + _TOLERANCE:
            raise ValueError(
                f"{name} are floats outside [-1, 1]. Expected floats in [-1, 1] or int16. Divide "
                "them by their full scale, such as `x / 32768` of 16-bit sound, or declare them as "
                f"kgan.data.Vectors, which have no range. {received(name, array)}"
            )
        return as_float32(array)

    def to_device(self, x: Data) -> Tensor:
        """16-bit integers are scaled to [-1, 1] here, on the device."""
        x = self._with_declared_shape(ops.convert_to_tensor(x))
        if is_integer(x):
            return ops.cast(x, "float32") / _FULL_SCALE
        return ops.cast(x, "float32")

    def to_served(self, x: Data) -> Tensor:
        """Floats, clipped to [-1, 1]."""
        return ops.clip(x, -1.0, 1.0)

    def from_device(self, array: Data) -> Data:
        """Floats, clipped to [-1, 1]."""
        return np.clip(np.asarray(array, "float32"), -1.0, 1.0)

    def examples(self, n: int, seed: int = 0) -> Data:
        """Random noise in [-1, 1]."""
        sizes = self._sizes(n, unknown=64)
        return np.random.default_rng(seed).uniform(-1, 1, sizes).astype("float32")

    @classmethod
    def claims(cls, array: np.ndarray) -> bool:
        """Signals (n, time, channels): 16-bit integers, or floats in [-1, 1]."""
        if array.ndim not in (2, 3):
            return False
        if array.dtype == np.int16:
            return True
        if array.dtype.kind != "f" or array.ndim != 3:
            return False
        low, high = value_range(array)
        return -1 - _TOLERANCE <= low and high <= 1 + _TOLERANCE

    @classmethod
    def describe(cls, array: np.ndarray, name: str = "x") -> Self:
        """The field of signals (n, time, channels) or (n, time)."""
        check_some(array, name)
        if array.ndim == 2:
            array = array[..., None]
        if array.ndim != 3:
            raise ValueError(
                "Signals have the shape (n, time, channels), or (n, time) where they have one. Add "
                "the batch axis of a single one with `x[None]`. "
                f"Received: {name} of shape {array.shape}, dtype {array.dtype}."
            )
        return cls(array.shape[1:], name=name)

    @classmethod
    def describe_shape(cls, shape: Shape, name: str = "x") -> Self | None:
        """`(time, channels)`, or `(time,)` of one channel; else `None`."""
        if len(shape) == 1:
            shape = (*shape, 1)
        return cls(shape, name=name) if len(shape) == 2 else None

    def draw(
        self,
        values: Data,
        columns: int | None = None,
        real: Data = None,
        labels: Data = None,
        scale: Scale = "auto",
        limits: Limits | None = None,
    ) -> np.ndarray:
        """Each signal as a waveform above its spectrogram; real ones in a row above."""
        from kgan import drawing

        values = [np.asarray(value, "float32") for value in values]
        real = [np.asarray(value, "float32") for value in real] if real is not None else None
        return drawing.sounds(values, self.rate, columns, real)

    def save_each(self, values: Data, folder: pathlib.Path) -> None:
        """Writes each signal as `0001.wav` and so on, 16 bits, at its rate."""
        import wave

        for number, signal in enumerate(values, start=1):
            whole = np.rint(np.clip(signal, -1, 1) * (_FULL_SCALE - 1)).astype("<i2")
            with atomic_write(folder / f"{number:04d}.wav") as partial:
                with wave.open(str(partial), "wb") as file:
                    file.setnchannels(whole.shape[-1])
                    file.setsampwidth(2)
                    file.setframerate(round(self.rate))
                    file.writeframes(whole.tobytes())
