"""The distance of two waveforms by their spectra, and a score of how well one is heard."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.layers.spectra import check_frames, magnitude, spectrum
from kgan.utils.arguments import check_count, check_rate, check_weight
from kgan.utils.hints import Config, Tensor

# Of full scale: under the level of a signal that may be silent.
_SILENCE = 1e-6
# Hu & Loizou 2008: the range of a frame in decibels, the power of a band's weight.
_LOWEST, _HIGHEST, _GAMMA = -10.0, 35.0, 0.2


def level(x: Tensor) -> Tensor:
    """Root of the mean square over time of signals (batch, time): (batch, 1), never 0."""
    return ops.sqrt(ops.mean(ops.square(x), axis=1, keepdims=True) + _SILENCE)


@keras.saving.register_keras_serializable("kgan")
class SpectralDistance(keras.losses.Loss):
    """How far a made waveform is from the clean one: magnitude, phase, both, and in time.

    Use this as the `reconstruction` of a model of sound. Both waveforms are divided by the level of
    the clean one, so that quiet ones count as much as loud ones.

    * magnitude: mean squared difference of magnitudes to the power `compression`.
    * complex: the same of spectra whose magnitudes were compressed, real and imaginary parts.
    * phase: mean absolute difference of phases, of their differences along frequency (group delay)
      and along time (angular frequency), all wrapped to [0, pi].
    * time: mean absolute difference of samples.
    * distortion: the negative scale-invariant signal-to-distortion ratio in decibels.

    Reference: Lu et al. 2023, "MP-SENet: A Speech Enhancement Model with Parallel Denoising of
    Magnitude and Phase Spectra", section 2.3; for the last, Le Roux et al. 2019, "SDR - half-baked
    or well done?", equation 3.

    Deviations: spectra are those of the waveform that is heard, so they are consistent and there is
    no loss for that; the last term is an addition.

    Args:
        frame: integer, even, samples of a frame. Defaults to 400.
        hop: integer, samples from one frame to the next. Defaults to 100.
        compression: float in (0, 1], the power of magnitudes. Defaults to 0.3.
        magnitude_weight: float of at least 0. Defaults to 0.9.
        complex_weight: float of at least 0. Defaults to 0.1.
        phase_weight: float of at least 0. Defaults to 0.3.
        time_weight: float of at least 0. Defaults to 0.2.
        distortion_weight: float of at least 0. Defaults to 0.0.
        name: string. Defaults to `"spectral_distance"`.
        **kwargs: `reduction` and `dtype` as for `keras.losses.Loss`.

    Call arguments:
        y_true: clean waveforms (batch, time, 1), the time a multiple of `hop`.
        y_pred: made waveforms of the same shape.

    Raises:
        TypeError: when an argument is no number.
        ValueError: when one is out of range.

    Example:
    ```python
    import kgan
    import numpy as np

    sound = np.random.default_rng(0).normal(size=(2, 400, 1)).astype("float32")
    distance = kgan.losses.SpectralDistance(frame=64, hop=16)
    assert float(distance(sound, sound)) < 1e-2 < float(distance(sound, -sound))
    ```
    """

    def __init__(
        self,
        frame: int = 400,
        hop: int = 100,
        compression: float = 0.3,
        magnitude_weight: float = 0.9,
        complex_weight: float = 0.1,
        phase_weight: float = 0.3,
        time_weight: float = 0.2,
        distortion_weight: float = 0.0,
        name: str = "spectral_distance",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.frame, self.hop = check_frames(frame, hop)
        self.compression = check_rate("compression", compression)
        self.magnitude_weight = check_weight("magnitude_weight", magnitude_weight)
        self.complex_weight = check_weight("complex_weight", complex_weight)
        self.phase_weight = check_weight("phase_weight", phase_weight)
        self.time_weight = check_weight("time_weight", time_weight)
        self.distortion_weight = check_weight("distortion_weight", distortion_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The distance of each pair, (batch,)."""
        terms = self.terms(y_true, y_pred)
        return sum(getattr(self, f"{name}_weight") * value for name, value in terms.items())

    def terms(self, y_true: Tensor, y_pred: Tensor) -> dict[str, Tensor]:
        """Each term by its name, without its weight, of each pair: tensors (batch,).

        Args:
            y_true: clean waveforms (batch, time, 1).
            y_pred: made waveforms of the same shape.
        """
        clean, made = (ops.cast(x[..., 0], "float32") for x in (y_true, y_pred))
        scale = level(clean)
        clean, made = clean / scale, made / scale
        parts = [spectrum(x, self.frame, self.hop) for x in (clean, made)]
        sizes = [magnitude(*part) for part in parts]
        loud = [ops.power(size, self.compression) for size in sizes]
        unit = [[part / size for part in pair] for pair, size in zip(parts, sizes)]
        (a, b), (c, d) = ([way * size for way in pair] for pair, size in zip(unit, loud))
        return {
            "magnitude": _mean(ops.square(loud[0] - loud[1])),
            "complex": _mean(ops.square(a - c) + ops.square(b - d)),
            "phase": _phase_distance(*unit),
            "time": ops.mean(ops.abs(clean - made), axis=1),
            "distortion": -distortion_ratio(clean, made),
        }

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "frame": self.frame,
            "hop": self.hop,
            "compression": self.compression,
            "magnitude_weight": self.magnitude_weight,
            "complex_weight": self.complex_weight,
            "phase_weight": self.phase_weight,
            "time_weight": self.time_weight,
            "distortion_weight": self.distortion_weight,
        }


def distortion_ratio(clean: Tensor, made: Tensor) -> Tensor:
    """SI-SDR in decibels of signals (batch, time), at most 60: (batch,)."""
    energy = ops.sum(ops.square(clean), axis=1, keepdims=True)
    target = ops.sum(clean * made, axis=1, keepdims=True) / (energy + _SILENCE) * clean
    wanted = ops.sum(ops.square(target), axis=1)
    rest = ops.sum(ops.square(made - target), axis=1)
    floor = 1e-6 * energy[:, 0] + _SILENCE
    return 10.0 * (ops.log10(wanted + floor) - ops.log10(rest + floor))


def _mean(x):
    return ops.mean(x, axis=(1, 2))


def _phase_distance(one, other):
    # As the angle between unit numbers: nothing has to be unwrapped.
    cosine = one[0] * other[0] + one[1] * other[1]
    sine = one[1] * other[0] - one[0] * other[1]
    distance = _mean(_angle(cosine, sine))
    for first, second in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((..., slice(None, -1)), (..., slice(1, None))),
    ):
        # The difference of two neighbours' angles.
        c = cosine[first] * cosine[second] + sine[first] * sine[second]
        s = sine[second] * cosine[first] - cosine[second] * sine[first]
        distance = distance + _mean(_angle(c, s))
    return distance


def _angle(cosine, sine):
    # A bit off 0, where the angle has no gradient.
    return ops.abs(ops.arctan2(sine, cosine + 1e-7))


@keras.saving.register_keras_serializable("kgan")
class SegmentalScore:
    """A score from 0 to 1 of how a waveform is heard beside the clean one, in `keras.ops`.

    Use this as the `score` of a `kgan.SpeechEnhancement` whose discriminator learns to predict it.
    It is the signal-to-noise ratio of short frames in bands of hearing, weighted by how loud the
    clean band is, from -10 decibels, which count as 0, to 35, which count as 1. In the paper it
    follows listeners' opinions nearly as closely as PESQ does, and it can be computed inside a
    compiled step on every backend.

    Reference: Hu & Loizou 2008, "Evaluation of objective quality measures for speech enhancement",
    equation 8, with gamma 0.2.

    Deviations: 25 triangular bands on the mel scale in place of critical bands; a floor of a
    thousandth of the mean band, below which nothing is heard.

    Args:
        rate: float, samples per second. Defaults to 16000.0.
        frame: integer, even, samples of a frame. Defaults to 512.
        hop: integer, samples from one frame to the next. Defaults to 256.
        num_bands: integer. Defaults to 25.

    Raises:
        TypeError: when an argument is no number.
        ValueError: when one is out of range.

    Example:
    ```python
    import kgan
    import numpy as np

    sound = np.random.default_rng(0).normal(size=(2, 4096, 1)).astype("float32")
    score = kgan.losses.SegmentalScore()
    assert np.allclose(np.asarray(score(sound, sound)), 1.0)
    ```
    """

    def __init__(
        self, rate: float = 16000.0, frame: int = 512, hop: int = 256, num_bands: int = 25
    ) -> None:
        self.rate = check_rate("rate", rate)
        self.frame, self.hop = check_frames(frame, hop)
        self.num_bands = check_count("num_bands", num_bands)

    def __call__(self, clean: Tensor, other: Tensor) -> Tensor:
        """The score of each pair.

        Args:
            clean: waveforms (batch, time, 1).
            other: waveforms of the same shape.

        Returns:
            A float32 tensor (batch,).
        """
        signals = [ops.cast(x[..., 0], "float32") for x in (clean, other)]
        scale = level(signals[0])
        bands = ops.convert_to_tensor(mel_bands(self.rate, self.frame, self.num_bands))
        wanted, found = (
            ops.matmul(magnitude(*spectrum(x / scale, self.frame, self.hop)), bands)
            for x in signals
        )
        floor = 1e-3 * ops.mean(wanted, axis=(1, 2), keepdims=True)
        ratio = ops.square(wanted + floor) / (ops.square(wanted - found) + ops.square(floor) * 1e-4)
        weight = ops.power(wanted + floor, _GAMMA)
        decibels = ops.clip(10.0 * ops.log10(ratio), _LOWEST, _HIGHEST)
        frames = ops.sum(weight * decibels, axis=-1) / ops.sum(weight, axis=-1)
        return (ops.mean(frames, axis=-1) - _LOWEST) / (_HIGHEST - _LOWEST)

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        names = ("rate", "frame", "hop", "num_bands")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: Config) -> "SegmentalScore":
        """Makes the score from `get_config()`."""
        return cls(**config)


def mel_bands(rate, frame, num_bands):
    """Triangular bands, evenly spaced on the mel scale: float32 (frame / 2 + 1, num_bands).

    Each sums to 1; one that is narrower than the bins are apart is the nearest bin.

    Args:
        rate: float, samples per second.
        frame: integer, samples of a frame.
        num_bands: integer.
    """
    mels = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), num_bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = np.linspace(0, rate / 2, frame // 2 + 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rise = (bins[:, None] - low) / (middle - low)
    fall = (high - bins[:, None]) / (high - middle)
    bands = np.maximum(0, np.minimum(rise, fall))
    for band in np.flatnonzero(bands.sum(axis=0) == 0):
        bands[np.abs(bins - middle[band]).argmin(), band] = 1.0
    return (bands / bands.sum(axis=0)).astype("float32")
