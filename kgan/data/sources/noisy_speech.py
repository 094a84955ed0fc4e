"""Noisy speech and the same speech clean, mixed when it is asked for, at levels that are drawn."""

import collections
import copy
import functools
import os
import threading
from collections.abc import Callable, Sequence

import numpy as np

from kgan.data.lazy_arrays import LazyArray
from kgan.data.noises import NOISES, at_level
from kgan.data.sources.sound_files import recordings
from kgan.utils.arguments import check_positive, check_rate
from kgan.utils.hints import Data, FilePath

# In how many ways a window may be mixed: a number for each, as of `LazyArray`.
_WAYS = 2**31
# Of speech: how loud it is, in decibels of full scale; pauses between recordings, in seconds.
_LOUDNESS, _PAUSES = (-35.0, -20.0), (0.0, 0.4)
# Pairs that are kept: both sides of a batch are asked for one after the other.
_KEPT = 64


def noisy_speech(
    speech: FilePath | Sequence[np.ndarray] | Data,
    noises: FilePath | Sequence[str | Callable | np.ndarray] = tuple(NOISES),
    *,
    seconds: float = 2.0,
    rate: float = 16000.0,
    levels: tuple[float, float] = (-5.0, 20.0),
    clean_share: float = 0.05,
    speed: float = 0.1,
    seed: int = 0,
) -> tuple[LazyArray, LazyArray]:
    """Windows of speech with noise, and the same windows without: pairs that are mixed on the fly.

    Use this to train `speech_enhancement` and `segan` on clean recordings and noises. In `fit` each
    window is mixed anew: where in its recording it begins, which recordings follow it until the
    window is full, a little faster or slower, how loud, which noise and at which level are drawn
    with the order of the epoch, from the model's saved state, so a resumed run hears what the whole
    run would have heard. Read otherwise, as by `evaluate`, each window is always mixed alike.

    Args:
        speech: clean recordings: a folder of files, which `kgan.data.recordings` reads, or a list
            of float arrays (time,) in [-1, 1].
        noises: what they are mixed with, each equally often: `"white"`, `"pink"`, `"hum"` (mains
            with partials), `"babble"` (several other recordings of `speech`), `"clicks"`; a
            function `noise(rng, length, rate, speech)` that returns an array (length,); or a float
            array (time,), of which a random part is taken. A folder stands for its recordings.
            Defaults to the five names.
        seconds: float, length of the windows. Defaults to 2.0.
        rate: float, samples per second. Defaults to 16000.0.
        levels: `(lowest, highest)`, signal-to-noise ratios in decibels, drawn evenly: the power of
            all speech of a window to that of its noise. Defaults to (-5.0, 20.0).
        clean_share: float in [0, 1), share of the windows without noise, from which a model learns
            to leave clean speech alone. Defaults to 0.05.
        speed: float in [0, 1), by how much speech is made faster or slower at most, and its voice
            higher or lower. Defaults to 0.1.
        seed: integer. Another one mixes other windows. Defaults to 0.

    Returns:
        A pair of `kgan.data.LazyArray` (n, time, 1) of float32 in [-1, 1], the noisy and the clean
        windows, which `fit(noisy, clean)` and `like=(noisy, clean)` take. There are as many as
        recordings, or as windows in all of them where those are more.

    Raises:
        ModuleNotFoundError: If files are to be read and soundfile is not installed.
        TypeError: If a noise is none of these.
        ValueError: If there is no speech, or a number is out of range.

    Example:
        ```python
        import kgan
        import numpy as np

        speech = [np.sin(np.arange(length) / 20) for length in (4000, 9000)]
        noisy, clean = kgan.data.noisy_speech(speech, ("white", "hum"), seconds=0.25, rate=8000)
        assert noisy.shape == clean.shape == (6, 2000, 1)
        ```
    """
    rate, seconds = check_rate("rate", rate), check_positive("seconds", seconds, "2.0")
    speech = _sounds("speech", speech, rate)
    if isinstance(noises, str | os.PathLike):
        noises = [str(noises)] if str(noises) in NOISES else recordings(noises, rate)
    makers = [_maker(noise) for noise in noises]
    low, high = map(float, levels)
    shares = {"clean_share": clean_share, "speed": speed}
    wrong = [f"{name}={value!r}" for name, value in shares.items() if not 0 <= value < 1]
    if wrong or not makers or not np.isfinite([low, high]).all() or low > high:
        raise ValueError(
            "Expected at least one noise, levels as (lowest, highest) in decibels, and shares from "
            f"0 to below 1. Received: {len(makers)} noises, levels={levels}, {', '.join(wrong)}"
        )
    mixer = _Mixer(speech, makers, round(seconds * rate), rate, (low, high), shares, seed)
    count = max(len(speech), sum(map(len, speech)) // mixer.length)
    return _Side(mixer, count, 0), _Side(mixer, count, 1)


def _sounds(name, source, rate):
    """Recordings as a list of float32 arrays (time,) that are not silent."""
    if isinstance(source, str | os.PathLike):
        source = recordings(source, rate)
    sounds = [np.asarray(sound, "float32").reshape(len(sound), -1) for sound in source]
    sounds = [sound.mean(axis=1) for sound in sounds if sound.size]
    if any(not np.isfinite(sound).all() or np.abs(sound).max() > 1.001 for sound in sounds):
        raise ValueError(
            f"Each of {name} is a float array (time,) in [-1, 1]. Divide 16-bit sound by 32768. "
            f"Received: {len(sounds)} recordings, one of them beyond that"
        )
    sounds = [sound for sound in sounds if np.abs(sound).max() > 1e-4]
    if not sounds:
        raise ValueError(
            f"There is no sound in {name}. Expected a folder, or a list of float arrays (time,) "
            "that are not silent. "
            f"Received: {type(source).__name__} of {len(source)}"
        )
    return sounds


def _maker(noise):
    """A function of (rng, length, rate, speech)."""
    if isinstance(noise, str):
        if noise not in NOISES:
            raise ValueError(
                f"There is no noise of this name. Expected one of {', '.join(NOISES)}, a function "
                f"or an array. Received: {noise!r}"
            )
        return NOISES[noise]
    if callable(noise):
        return noise
    if isinstance(noise, np.ndarray) and noise.dtype.kind == "f" and noise.size:
        return functools.partial(_part, sound=noise.reshape(len(noise), -1).mean(axis=1))
    raise TypeError(
        "A noise is a name such as 'white', a function (rng, length, rate, speech), or a float "
        f"array (time,). Received: a {type(noise).__name__}"
    )


def _part(rng, length, rate, speech, sound):
    return np.resize(np.roll(sound, -int(rng.integers(len(sound)))), length)


class _Mixer:
    """Mixes window after window, and keeps the last ones, for each is asked for twice."""

    def __init__(self, speech, makers, length, rate, levels, shares, seed):
        self.speech, self.makers, self.length, self.rate = speech, makers, length, rate
        self.levels, self.seed = levels, int(seed)
        self.clean_share, self.speed = shares["clean_share"], shares["speed"]
        self._pairs, self._lock = collections.OrderedDict(), threading.Lock()

    def pair(self, index, way):
        """The noisy and the clean window, float32 (2, length)."""
        with self._lock:
            if (index, way) not in self._pairs:
                self._pairs[index, way] = self._mixed(index, way)
                if len(self._pairs) > _KEPT:
                    self._pairs.popitem(last=False)
            return self._pairs[index, way]

    def _mixed(self, index, way):
        rng = np.random.default_rng([self.seed, index, way])
        clean = self._spoken(rng, index)
        power = np.mean(np.square(clean))
        loudness = np.sqrt(10 ** (rng.uniform(*_LOUDNESS) / 10) / max(power, 1e-12))
        noise = np.zeros(self.length)
        if rng.uniform() >= self.clean_share:
            maker = self.makers[rng.integers(len(self.makers))]
            noise = np.asarray(maker(rng, self.length, self.rate, self.speech), "float64")
            noise = at_level(power, noise, rng.uniform(*self.levels))
        noisy = clean + noise
        # Loud clicks would be cut off, and what is cut off is no longer a sum.
        loudness = min(loudness, 0.99 / max(np.abs(noisy).max(), np.abs(clean).max(), 1e-12))
        return (loudness * np.stack([noisy, clean])).astype("float32")

    def _spoken(self, rng, index):
        """A window that begins in a recording, or shortly before it, and goes on in others."""
        parts, missing = [], self.length
        number = index % len(self.speech)
        while missing > 0:
            voice = self._at_speed(self.speech[number], rng)
            if not parts and len(voice) > self.length:
                voice = voice[int(rng.integers(len(voice) - self.length + 1)) :]
            pause = np.zeros(int(rng.uniform(*_PAUSES) * self.rate))
            # Quiet and loud recordings follow each other, as near and far speakers do.
            voice = voice * 10 ** (rng.uniform(-3, 3) / 20) / max(np.abs(voice).max(), 1e-3)
            for part in (pause, voice) if len(voice) < self.length else (voice,):
                parts.append(part[:missing])
                missing -= len(parts[-1])
            number = int(rng.integers(len(self.speech)))
        return np.concatenate(parts).astype("float64")

    def _at_speed(self, voice, rng):
        # Only as much as a window needs.
        most = int(self.length * (1 + self.speed)) + 1
        if len(voice) > most:
            start = int(rng.integers(len(voice) - most + 1))
            voice = voice[start : start + most]
        factor = rng.uniform(1 - self.speed, 1 + self.speed)
        length = max(1, round(len(voice) / factor))
        if length == len(voice):
            return voice
        spectrum = np.fft.rfft(voice)[: length // 2 + 1]
        return np.fft.irfft(spectrum, length) * (length / len(voice))


class _Side(LazyArray):
    """The noisy or the clean windows of a mixer."""

    variants = _WAYS

    def __init__(self, mixer, count, side):
        super().__init__(count, (mixer.length, 1), "float32")
        self.mixer, self.side = mixer, side

    def read(self, indices):
        return self.read_variants(indices, np.zeros_like(indices))

    def read_variants(self, indices, which):
        pairs = zip(indices.tolist(), which.tolist(), strict=True)
        made = [self.mixer.pair(index, way)[self.side] for index, way in pairs]
        return np.stack(made)[..., None] if made else np.empty((0, *self.sample_shape), "float32")

    def __deepcopy__(self, memo):
        # A mixer holds a lock and all speech, and never changes.
        return copy.copy(self)
