"""Speech beside its clean recording: SI-SDR, segmental SNR, STOI and PESQ of pairs."""

import contextlib
from typing import Literal

import keras
import numpy as np

from kgan.metrics.base import SampleMetric
from kgan.utils.arguments import check_rate
from kgan.utils.hints import Config, Data
from kgan.utils.packages import needed

_TINY = np.finfo("float64").tiny
# Hu & Loizou 2008, section II: frames of 30 ms that overlap by three quarters, and the range that
# the ratio of a frame is held in.
_FRAME_SECONDS, _OVERLAP, _RANGE = 0.03, 4, (-10.0, 35.0)


class _SpeechMetric(SampleMetric):
    """Mean over pairs of signals of the values that `_value` computes of each."""

    paired = True
    mode = "max"

    def __init__(self, name: str) -> None:
        super().__init__(extractor=None, name=name)

    def note_shapes(self, real: Data = None, fake: Data = None) -> None:
        """Records the shapes of the signals, which have one channel."""
        for samples in (real, fake):
            if samples is not None and np.size(samples) != np.prod(np.shape(samples)[:2]):
                raise ValueError(
                    f"{type(self).__name__} compares signals of one channel, (n, time) or "
                    "(n, time, 1). Pass one channel at a time. "
                    f"Received: signals of shape {np.shape(samples)}"
                )
        super().note_shapes(real, fake)

    def update_features(self, real: Data = None, fake: Data = None) -> None:
        """Adds pairs of signals, row by row, as float arrays (n, time)."""
        if real is None and fake is None:
            return
        if real is None or fake is None or real.shape != fake.shape:
            shapes = [None if x is None else x.shape for x in (real, fake)]
            raise ValueError(
                f"{type(self).__name__} compares each signal with its clean recording, in the same "
                f"order and length. Received: clean signals of shape {shapes[0]}, others of shape "
                f"{shapes[1]}"
            )
        pairs = zip(real.astype("float64"), fake.astype("float64"))
        values = np.array([self._value(*pair) for pair in pairs])
        for side in (self._real, self._fake):
            side.add(values)

    def result(self) -> float:
        """The mean over all pairs, a float."""
        self._check_counts(minimum=1)
        return float(self._fake.rows().mean())

    def reset_fake(self) -> None:
        """Discards all pairs: a clean recording is useless without what is compared with it."""
        self._real, self._fake = self._new_side(), self._new_side()

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {"name": self.name}

    def _value(self, clean, other):
        raise NotImplementedError


class _RatedMetric(_SpeechMetric):
    """A metric that must know how many samples a second has."""

    def __init__(self, rate: float, name: str) -> None:
        super().__init__(name)
        self.rate = check_rate("rate", rate)

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {"rate": self.rate, **super().get_config()}

    def _details(self) -> tuple[str, ...]:
        return (f"at {self.rate:g} samples per second",)


@keras.saving.register_keras_serializable(package="kgan")
class ScaleInvariantDistortionRatio(_SpeechMetric):
    """Mean over pairs of SI-SDR, the scale-invariant signal-to-distortion ratio, in decibels.

    Use this for models that clean or separate sound: how much louder the clean signal is than all
    else that came out, whatever the volume. It says nothing of how annoying what is left sounds.
    Its gain over the noisy signal's own ratio is what papers report.

    Reference: Le Roux et al. 2019, "SDR - half-baked or well done?", equations 3 to 5; the means
    are left in.

    Args:
        name: string, the key in logs. Defaults to `"scale_invariant_distortion_ratio"`.

    Raises:
        ValueError: when signals differ in number or length, or have several channels.

    Example:

    ```python
    import numpy as np

    import kgan

    metric = kgan.metrics.ScaleInvariantDistortionRatio()
    metric.update_state(np.array([[1.0, 0.0]]), np.array([[2.0, 0.2]]))
    print(metric.result())  # 20 decibels: the error, 0.2, is a tenth of the signal, 2
    ```
    """

    title = "SI-SDR in decibels"

    def __init__(self, *, name: str = "scale_invariant_distortion_ratio") -> None:
        super().__init__(name)

    def _value(self, clean, other):
        target = (other @ clean) / max(clean @ clean, _TINY) * clean
        error = other - target
        with np.errstate(divide="ignore", over="ignore"):
            return 10 * np.log10((target @ target) / max(error @ error, _TINY))


@keras.saving.register_keras_serializable(package="kgan")
class SegmentalSignalToNoiseRatio(_RatedMetric):
    """Mean over pairs of the signal-to-noise ratio of short frames, in decibels.

    Use this beside SI-SDR: each frame of 30 ms counts alike, so noise in the pauses and in quiet
    sounds shows. The ratio of a frame is held between -10 and 35 decibels.

    Reference: Hu & Loizou 2008, "Evaluation of objective quality measures for speech enhancement",
    section II-B.

    Args:
        rate: float, samples per second. Defaults to 16000.0.
        name: string, the key in logs. Defaults to `"segmental_signal_to_noise_ratio"`.

    Raises:
        ValueError: when signals differ in number or length, have several channels, or are shorter
            than a frame.

    Example:

    ```python
    import numpy as np

    import kgan

    clean = np.sin(np.arange(16000.0) / 10)[None]
    metric = kgan.metrics.SegmentalSignalToNoiseRatio()
    metric.update_state(clean, 0.9 * clean)
    print(metric.result())  # 20 decibels in each frame
    ```
    """

    title = "segmental SNR in decibels, frames of 30 ms from -10 to 35"

    def __init__(
        self, rate: float = 16000.0, *, name: str = "segmental_signal_to_noise_ratio"
    ) -> None:
        super().__init__(rate, name)

    def _value(self, clean, other):
        frame = round(_FRAME_SECONDS * self.rate)
        if len(clean) < frame:
            raise ValueError(
                f"A frame has {frame} samples. Pass longer signals, or their own rate. "
                f"Received: signals of {len(clean)} samples, rate={self.rate:g}"
            )
        window = np.hanning(frame + 2)[1:-1]
        energies = [
            np.square(np.lib.stride_tricks.sliding_window_view(x, frame)[:: frame // _OVERLAP])
            @ np.square(window)
            for x in (clean, clean - other)
        ]
        signal, noise = (np.maximum(energy, _TINY) for energy in energies)
        return float(np.clip(10 * np.log10(signal / noise), *_RANGE).mean())


@keras.saving.register_keras_serializable(package="kgan")
class ShortTimeIntelligibility(_RatedMetric):
    """Mean over pairs of STOI, the short-time objective intelligibility, at most 1.

    Use this to see whether words are still understood: enhancement that raises the ratio of signal
    to noise and lowers this one has eaten speech. It is computed by pystoi: `pip install
    'kgan[audio]'`.

    Reference: Taal et al. 2011, "An algorithm for intelligibility prediction of time-frequency
    weighted noisy speech"; with `extended=True`, Jensen & Taal 2016.

    Args:
        rate: float, samples per second. Defaults to 16000.0.
        extended: boolean, whether ESTOI is measured. Defaults to `False`.
        name: string, the key in logs. Defaults to `"short_time_intelligibility"`.

    Raises:
        ModuleNotFoundError: when pystoi is not installed.
        ValueError: when signals differ in number or length, or have several channels.

    Example:

    ```python
    import kgan

    metric = kgan.metrics.ShortTimeIntelligibility(rate=16000)
    assert metric.mode == "max"
    ```
    """

    title = "STOI"

    def __init__(
        self,
        rate: float = 16000.0,
        extended: bool = False,
        *,
        name: str = "short_time_intelligibility",
    ) -> None:
        super().__init__(rate, name)
        self.extended = bool(extended)

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {**super().get_config(), "extended": self.extended}

    def _details(self) -> tuple[str, ...]:
        return (*super()._details(), *(("extended",) if self.extended else ()))

    def _value(self, clean, other):
        with needed("pystoi", "audio", "STOI"):
            import pystoi
        return float(pystoi.stoi(clean, other, round(self.rate), extended=self.extended))


@keras.saving.register_keras_serializable(package="kgan")
class PerceptualSpeechQuality(_RatedMetric):
    """Mean over pairs of PESQ, the perceptual evaluation of speech quality, from about 1 to 4.6.

    Use this for figures that compare with papers on speech enhancement: wide band at 16 kHz. It is
    computed by the package pesq, which is compiled when it is installed: `pip install
    'kgan[pesq]'`. Pairs in which it finds no speech have no value and are left out.

    Reference: ITU-T recommendation P.862.2 (2007); narrow band, P.862 (2001).

    Args:
        rate: float, 16000 or 8000, samples per second. Defaults to 16000.0.
        band: `"wide"`, at 16000 only, or `"narrow"`. Defaults to `"wide"`.
        name: string, the key in logs. Defaults to `"perceptual_speech_quality"`.

    Raises:
        ModuleNotFoundError: when pesq is not installed.
        ValueError: when signals differ in number or length, have several channels, or the rate is
            another.

    Example:

    ```python
    import kgan

    metric = kgan.metrics.PerceptualSpeechQuality(rate=8000, band="narrow")
    assert metric.mode == "max"
    ```
    """

    title = "PESQ"

    def __init__(
        self,
        rate: float = 16000.0,
        band: Literal["wide", "narrow"] = "wide",
        *,
        name: str = "perceptual_speech_quality",
    ) -> None:
        super().__init__(rate, name)
        if rate not in (8000, 16000) or band not in ("wide", "narrow"):
            raise ValueError(
                "PESQ is defined at 16000 samples per second, wide or narrow band, and at 8000, "
                "narrow band. Resample the signals. "
                f"Received: rate={rate!r}, band={band!r}"
            )
        if rate == 8000 and band == "wide":
            raise ValueError(
                "Wide-band PESQ is defined at 16000 samples per second. Pass band='narrow'. "
                f"Received: rate={rate!r}, band={band!r}"
            )
        self.band = band

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {**super().get_config(), "band": self.band}

    def result(self) -> float:
        """The mean over the pairs in which speech was found, a float."""
        self._check_counts(minimum=1)
        values = self._fake.rows()
        return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else np.nan

    def _details(self) -> tuple[str, ...]:
        return (f"{self.band} band", *super()._details())

    def _value(self, clean, other):
        with needed("pesq", "pesq", "PESQ"):
            import pesq
        mode = {"wide": "wb", "narrow": "nb"}[self.band]
        missing = (pesq.NoUtterancesError, pesq.BufferTooShortError)
        with contextlib.suppress(*missing), np.errstate(invalid="ignore"):
            return float(pesq.pesq(round(self.rate), clean, other, mode))
        return np.nan
