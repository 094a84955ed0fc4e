"""Noises that recordings are mixed with: each from a generator of random numbers, of unit power."""

import numpy as np

# Partials of a hum, and how long a click rings.
_MOST_PARTIALS, _CLICK_SECONDS = 24, (0.0005, 0.006)


def white(rng, length, rate, speech):
    """Alike at all frequencies."""
    return rng.normal(size=length)


def pink(rng, length, rate, speech):
    """Power that falls by 3 decibels an octave, from 20 Hz on."""
    return coloured(rng, length, rate, -3.0)


def coloured(rng, length, rate, slope):
    """Noise whose power rises by so many decibels an octave, from 20 Hz on.

    Args:
        rng: `numpy.random.Generator`.
        length: integer, samples.
        rate: float, samples per second.
        slope: float, decibels an octave: 0 is white, -3 pink, -6 brown, 3 blue.
    """
    spectrum = np.fft.rfft(rng.normal(size=length))
    frequency = np.maximum(np.fft.rfftfreq(length, 1 / rate), 20.0)
    return np.fft.irfft(spectrum * frequency ** (slope / (20 * np.log10(2))), length)


def hum(rng, length, rate, speech):
    """Mains at about 50 or 60 Hz with partials, some of them missing, that fall unevenly."""
    return buzz(rng, length, rate, rng.choice([50.0, 60.0]) * rng.uniform(0.98, 1.02))


def buzz(rng, length, rate, fundamental):
    """A steady tone with partials of random strength.

    Args:
        rng: `numpy.random.Generator`.
        length: integer, samples.
        rate: float, samples per second.
        fundamental: float, in Hz.
    """
    count = min(int(rng.integers(3, _MOST_PARTIALS + 1)), int(rate / 2 / fundamental))
    order = np.arange(1, max(1, count) + 1)
    strength = rng.uniform(0, 1, len(order)) * order ** -rng.uniform(0.2, 1.5)
    turns = np.arange(length) * (fundamental / rate)
    phases = 2 * np.pi * rng.uniform(size=len(order))
    return strength @ np.sin(2 * np.pi * order[:, None] * turns + phases[:, None])


def babble(rng, length, rate, speech):
    """Three to eight other recordings at once, from random places."""
    voices = np.zeros(length)
    for number in rng.integers(len(speech), size=rng.integers(3, 9)):
        voice = speech[number]
        voices += np.resize(np.roll(voice, int(rng.integers(len(voice)))), length)
    return voices


def clicks(rng, length, rate, speech):
    """Two to thirty clicks a second, each of which rings for some milliseconds."""
    made = np.zeros(length)
    for start in rng.integers(length, size=1 + rng.poisson(rng.uniform(2, 30) * length / rate)):
        seconds, tone = rng.uniform(*_CLICK_SECONDS), rng.uniform(0.02, 0.4)
        time = np.arange(min(length - start, max(2, int(5 * seconds * rate))))
        ring = np.cos(2 * np.pi * tone * time + rng.uniform(0, 2 * np.pi))
        made[start : start + len(time)] += (
            rng.choice([-1, 1]) * rng.uniform(0.2, 1.0) * ring * np.exp(-time / (seconds * rate))
        )
    return made


NOISES = {"white": white, "pink": pink, "hum": hum, "babble": babble, "clicks": clicks}


def at_level(speech_power, noise, level):
    """Noise at so many decibels below speech.

    Args:
        speech_power: float, mean square of the speech.
        noise: array (time,).
        level: float, the signal-to-noise ratio in decibels.
    """
    power = np.mean(np.square(noise))
    return noise * np.sqrt(speech_power / max(power, 1e-20) / 10 ** (level / 10))
