"""Layers between waveforms and their spectra."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Shape, Tensor

# Below this a magnitude counts as none: its root has no gradient at 0.
_FLOOR = 1e-9


def check_frames(frame, hop):
    """Returns the sizes of a short-time Fourier transform, and raises where it has no inverse.

    Args:
        frame: integer, even, samples of a frame.
        hop: integer, samples from one frame to the next: a half of it, a quarter, ...

    Raises:
        TypeError: when one is no integer.
        ValueError: when one is out of range.
    """
    check_count("frame", frame, minimum=2)
    check_count("hop", hop)
    if frame % 2 or frame % hop or 2 * hop > frame:
        raise ValueError(
            "A spectrum comes back as sound where frames overlap by half at least: `frame` is "
            "even, and `hop` a half, a quarter or another whole part of it. "
            f"Received: frame={frame}, hop={hop}"
        )
    return frame, hop


def spectrum(x: Tensor, frame: int, hop: int) -> tuple[Tensor, Tensor]:
    """Real and imaginary parts of the short-time Fourier transform under Hann windows.

    Args:
        x: tensor (batch, time) of floats.
        frame: integer, even, samples of a frame.
        hop: integer, samples from one frame to the next, of which the time is a multiple.

    Returns:
        Two float32 tensors (batch, time / hop + 1, frame / 2 + 1). The first frame is centred at
        the first sample; beyond the ends the signal is mirrored.
    """
    x = ops.cast(x, "float32")
    return ops.stft(x, frame, hop, frame, window="hann", center=True)


def waveform(real: Tensor, imaginary: Tensor, frame: int, hop: int) -> Tensor:
    """The waveform whose spectrum is nearest to a given one: the inverse of `spectrum`.

    Frames are weighted by the window again, added, and divided by what the squared windows add up
    to, at the ends too, where `keras.ops.istft` on TensorFlow takes that to be what it is within.

    Args:
        real: tensor (batch, frames, frame / 2 + 1).
        imaginary: tensor of that shape.
        frame: integer, even, samples of a frame.
        hop: integer that divides it, samples from one frame to the next.

    Returns:
        A float32 tensor (batch, (frames - 1) * hop).
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)
    window = ops.convert_to_tensor(window.astype("float32"))
    frames = ops.irfft((ops.cast(real, "float32"), ops.cast(imaginary, "float32")), frame)
    weights = ops.ones_like(frames[:1]) * ops.square(window)
    added, weight = (_added(x, frame, hop) for x in (frames * window, weights))
    half = frame // 2
    inside = slice(half, -half)
    return added[:, inside] / weight[:, inside]


def _added(frames, frame, hop):
    """Overlapping frames (batch, frames, frame), added: (batch, (frames - 1) * hop + frame)."""
    parts = frame // hop
    batch, count = ops.shape(frames)[:2]
    blocks = ops.reshape(frames, (batch, count, parts, hop))
    added = sum(
        ops.pad(blocks[:, :, part], ((0, 0), (part, parts - 1 - part), (0, 0)))
        for part in range(parts)
    )
    return ops.reshape(added, (batch, (count + parts - 1) * hop))


def magnitude(real: Tensor, imaginary: Tensor) -> Tensor:
    """The absolute value of a complex number, with a gradient at 0."""
    return ops.sqrt(ops.square(real) + ops.square(imaginary) + _FLOOR)


class _SpectralLayer(layers.Layer):
    """What both directions share. They compute in float32, for the transform has no other."""

    def __init__(self, frame: int, hop: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.frame, self.hop = check_frames(frame, hop)

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {**super().get_config(), "frame": self.frame, "hop": self.hop}


@keras.saving.register_keras_serializable("kgan")
class Spectrum(_SpectralLayer):
    """The short-time Fourier transform of waveforms, real and imaginary parts as channels.

    Use this at the beginning of a network that works on spectra and takes sound. It has no weights,
    and `InverseSpectrum` undoes it.

    Args:
        frame: integer, even, samples of a frame.
        hop: integer, samples from one frame to the next: a half of it, a quarter, ...
        **kwargs: `name` as for `keras.layers.Layer`. It computes in float32 always.

    Input shape: (batch, time, 1), the time a multiple of `hop` and longer than half a frame.

    Output shape: (batch, time / hop + 1, frame / 2 + 1, 2).

    Raises:
        TypeError: when a size is no integer.
        ValueError: when `frame` is odd, or `hop` no half, quarter... of it.

    Example:

    ```python
    import kgan
    import numpy as np

    sound = np.random.default_rng(0).normal(size=(2, 64, 1)).astype("float32")
    spectrum = kgan.layers.Spectrum(frame=16, hop=4)(sound)
    assert spectrum.shape == (2, 17, 9, 2)
    again = kgan.layers.InverseSpectrum(frame=16, hop=4)(spectrum)
    assert np.abs(np.asarray(again) - sound).max() < 1e-4
    ```
    """

    def call(self, inputs: Tensor) -> Tensor:
        """The spectrum of waveforms."""
        made = ops.stack(spectrum(inputs[..., 0], self.frame, self.hop), axis=-1)
        batch, frames = ops.shape(made)[:2]
        return ops.reshape(made, (batch, frames, self.frame // 2 + 1, 2))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Frames, bins and two parts."""
        time = input_shape[1]
        frames = None if time is None else time // self.hop + 1
        return (input_shape[0], frames, self.frame // 2 + 1, 2)

    def compute_output_spec(self, inputs: Tensor) -> Tensor:
        """As `compute_output_shape`."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), "float32")


@keras.saving.register_keras_serializable("kgan")
class InverseSpectrum(_SpectralLayer):
    """The waveforms of spectra: the inverse of `Spectrum`.

    Use this at the end of a network that works on spectra and gives sound. A spectrum that belongs
    to no waveform gives the one whose own is nearest.

    Args:
        frame: integer, even, samples of a frame.
        hop: integer, samples from one frame to the next: a half of it, a quarter, ...
        **kwargs: `name` as for `keras.layers.Layer`. It computes in float32 always.

    Input shape: (batch, frames, frame / 2 + 1, 2).

    Output shape: (batch, (frames - 1) * hop, 1).

    Raises:
        TypeError: when a size is no integer.
        ValueError: when `frame` is odd, or `hop` no half, quarter... of it.

    Example:

    ```python
    import kgan
    import numpy as np

    silence = kgan.layers.InverseSpectrum(frame=16, hop=4)(np.zeros((2, 17, 9, 2), "float32"))
    assert silence.shape == (2, 64, 1)
    ```
    """

    def call(self, inputs: Tensor) -> Tensor:
        """The waveforms of spectra."""
        made = waveform(inputs[..., 0], inputs[..., 1], self.frame, self.hop)
        return ops.expand_dims(made, -1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Time and one channel."""
        frames = input_shape[1]
        return (input_shape[0], None if frames is None else (frames - 1) * self.hop, 1)

    def compute_output_spec(self, inputs: Tensor) -> Tensor:
        """As `compute_output_shape`."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), "float32")
