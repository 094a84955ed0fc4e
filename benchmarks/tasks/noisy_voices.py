"""Voices in noise, for speech_enhancement and segan.

Trained on the recordings of `voices.tar` under `train/` (Belarusian, Bulgarian, Greek, Spanish,
Romanian and Russian), measured on those under `test/`: French and Danish, other speakers. A
third of them, another one at each level, is mixed with each noise at 0, 5 and 10 decibels, and each
is enhanced by itself.

* Seen in kind: white, pink, hum, babble of training voices, clicks, as `kgan.data.noisy_speech`
  draws them; the draws themselves are new.
* Unseen in kind, one beside each: blue, brown, a buzz of 400 Hz as of aircraft, babble of the
  test's own voices played backwards, crackle of bursts without a ring.
* Beside the models stand the noisy recordings themselves and spectral subtraction, which learns
  nothing: the noise is taken to be the quietest tenth of each bin (after Boll 1979).
* All are measured on whole recordings: SI-SDR, wide-band PESQ and STOI. It needs the extras audio
  and pesq: `pip install 'kgan[audio,pesq]'`.
"""

import dataclasses
import io
import tarfile
import time

import keras
import numpy as np

import kgan
from kgan import drawing
from kgan.data.noises import NOISES, at_level, buzz, coloured
from tasks.common import Bar, Recipe, Result, Task, data_file, quickened, say, train

RATE = 16000
LEVELS = (0, 5, 10)
SEEN = ("white", "pink", "hum", "babble", "clicks")


@dataclasses.dataclass(frozen=True)
class SpeechRecipe(Recipe):
    """A recipe, and the length of the windows that it trains on."""

    seconds: float = 2.048


# For half an hour on one core, with the measuring.
RECIPES = {
    "speech_enhancement": SpeechRecipe(
        {
            "width": 12,
            "blocks": 4,
            "discriminator_every": 4,
            "distortion_weight": 0.02,
            "learning_rate": 2e-3,
            "ema_momentum": 0.99,
        },
        steps=5000,
        batch_size=4,
    ),
    "segan": SpeechRecipe(
        {"width": 4, "discriminator_width": 4, "learning_rate": 5e-4, "ema_momentum": 0.99},
        steps=1200,
        batch_size=8,
        seconds=1.024,
    ),
}


def blue(rng, length, rate, speech):
    return coloured(rng, length, rate, 3.0)


def brown(rng, length, rate, speech):
    return coloured(rng, length, rate, -6.0)


def aircraft(rng, length, rate, speech):
    return buzz(rng, length, rate, 400.0 * rng.uniform(0.98, 1.02))


def backwards(rng, length, rate, speech):
    """Babble of the voices that are tested."""
    return NOISES["babble"](rng, length, rate, [voice[::-1] for voice in speech])


def crackle(rng, length, rate, speech):
    """Bursts of noise of a millisecond, 5 to 50 a second."""
    made = np.zeros(length)
    for start in rng.integers(length, size=1 + rng.poisson(rng.uniform(5, 50) * length / rate)):
        burst = rng.normal(size=min(length - start, int(rng.uniform(2, 32))))
        made[start : start + len(burst)] += rng.uniform(0.2, 1.0) * burst
    return made


UNSEEN = {
    "blue": blue,
    "brown": brown,
    "aircraft": aircraft,
    "other voices": backwards,
    "crackle": crackle,
}


def load_voices(split, count=None):
    """The recordings of a split: a dict of path -> float32 (time,) at 16 kHz."""
    import soundfile

    found = {}
    with tarfile.open(data_file("voices.tar")) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            if member.isfile() and member.name.startswith(f"{split}/"):
                data = io.BytesIO(archive.extractfile(member).read())
                found[member.name], rate = soundfile.read(data, dtype="float32")
                if rate != RATE:
                    raise ValueError(f"{member.name} has {rate} samples per second, not {RATE}")
    names = list(found)
    if count is not None:
        names = [names[i] for i in np.linspace(0, len(names) - 1, count).round().astype(int)]
    return {name: found[name] for name in names}


def mixtures(kind, maker, level, voices, others):
    """Each voice with a noise at a level: lists of noisy and of clean arrays."""
    noisy, clean = [], []
    for number, voice in enumerate(voices):
        rng = np.random.default_rng([number, level, *kind.encode()])
        noise = maker(rng, len(voice), RATE, others)
        mixed = voice + at_level(np.mean(np.square(voice)), noise, level)
        # As loud as files are, so that no click is cut off.
        scale = 0.9 / max(np.abs(mixed).max(), np.abs(voice).max())
        noisy.append((scale * mixed).astype("float32"))
        clean.append((scale * voice).astype("float32"))
    return noisy, clean


def subtracted(noisy, frame=512, hop=128):
    """Spectral subtraction, which knows nothing of speech."""
    import scipy.signal

    sizes = {"nperseg": min(frame, len(noisy)), "noverlap": min(frame, len(noisy)) - hop}
    _, _, spectrum = scipy.signal.stft(noisy, **sizes)
    power = np.square(np.abs(spectrum))
    noise = 1.7 * np.quantile(power, 0.1, axis=1, keepdims=True)
    kept = np.sqrt(np.maximum(1 - 2 * noise / np.maximum(power, 1e-12), 0.01))
    _, made = scipy.signal.istft(kept * spectrum, **sizes)
    return np.pad(made, (0, max(0, len(noisy) - len(made))))[: len(noisy)].astype("float32")


def measured(clean, made):
    """SI-SDR, PESQ and STOI, means over recordings."""
    metrics = [
        kgan.metrics.ScaleInvariantDistortionRatio(),
        kgan.metrics.PerceptualSpeechQuality(RATE),
        kgan.metrics.ShortTimeIntelligibility(RATE),
    ]
    for one, other in zip(clean, made):
        for metric in metrics:
            metric.update_state(one[None], other[None])
    return np.array([metric.result() for metric in metrics])


def real_time_factor(model, seconds=20):
    """Seconds that a second of sound takes."""
    sound = np.random.default_rng(0).uniform(-0.1, 0.1, seconds * RATE).astype("float32")
    model.enhance(sound)
    start = time.perf_counter()
    model.enhance(sound)
    return (time.perf_counter() - start) / seconds


def run(model_name, seed, out, quick):
    """Trains a model on mixtures and measures it in every cell of noise and level."""
    recipe = RECIPES[model_name]
    recipe = dataclasses.replace(quickened(recipe), seconds=1.024) if quick else recipe
    voices = list(load_voices("train", 12 if quick else None).values())
    tested = list(load_voices("test", 2 if quick else None).values())
    pairs = kgan.data.noisy_speech(voices, SEEN, seconds=recipe.seconds, rate=RATE, seed=seed)
    keras.utils.set_random_seed(seed)
    options = dict(recipe.options)
    if model_name == "speech_enhancement":
        options["decay_steps"] = recipe.steps
    model = kgan.zoo.load(model_name, like=pairs, rate=RATE, seed=seed, **options)
    steps, minutes, _ = train(model, pairs, recipe)
    model.save(out / "model.keras")

    makers = {**{name: NOISES[name] for name in SEEN}, **UNSEEN}
    cells, figures, examples = {}, {}, []
    for kind, maker in makers.items():
        for place, level in enumerate(LEVELS[:1] if quick else LEVELS):
            others = tested if kind == "other voices" else voices
            third = tested if quick else tested[place :: len(LEVELS)]
            noisy, clean = mixtures(kind, maker, level, third, others)
            made = [model.enhance(signal) for signal in noisy]
            plain = [subtracted(signal) for signal in noisy]
            ways = [measured(clean, signals) for signals in (noisy, made, plain)]
            cells[kind, level] = ways
            before, after, other = ways
            figures[f"{kind} at {level} dB: SI-SDR, PESQ, STOI"] = (
                f"{before[0]:.2f} -> {after[0]:.2f} dB, {before[1]:.2f} -> {after[1]:.2f}, "
                f"{before[2]:.3f} -> {after[2]:.3f} (subtraction {other[0]:.2f} dB, "
                f"{other[1]:.2f}, {other[2]:.3f})"
            )
            say(f"{kind} at {level}: {figures[f'{kind} at {level} dB: SI-SDR, PESQ, STOI']}")
            if level == LEVELS[0]:
                longest = int(np.argmax([len(signal) for signal in noisy]))
                examples.append([side[longest] for side in (noisy, made, clean)])
    gains = {cell: ways[1] - ways[0] for cell, ways in cells.items()}
    for kind in makers:
        values = np.mean([gain for (name, _), gain in gains.items() if name == kind], axis=0)
        figures[f"{kind}, mean gain: SI-SDR (dB), PESQ, STOI"] = (
            f"{values[0]:.2f}, {values[1]:.2f}, {values[2]:.3f}"
        )
    by_kind = {
        kind: np.mean([gain[0] for (name, _), gain in gains.items() if name == kind])
        for kind in makers
    }
    steady = np.mean([by_kind[kind] for kind in ("white", "pink", "hum", "clicks")])
    figures["real time factor on the cores it has"] = factor = real_time_factor(model)
    figures["generator's weights"] = model.generator.count_params()
    bars = [
        Bar("mean gain on white, pink, hum and clicks (dB)", float(steady), 7.0),
        Bar("mean gain on babble (dB)", float(by_kind["babble"]), 2.0),
        Bar("smallest gain of a cell (dB)", float(min(g[0] for g in gains.values())), 0.0),
        Bar("mean gain of PESQ", float(np.mean([g[1] for g in gains.values()])), 0.4),
        Bar("smallest gain of STOI of a cell", float(min(g[2] for g in gains.values())), 0.0),
        Bar("real time factor", float(factor), 0.5, at_most=True),
    ]
    return Result(
        model=model_name,
        task="noisy_voices",
        seed=seed,
        protocol=(
            f"Protocol: {len(voices)} recordings to train on, {len(tested)} of other languages and "
            "speakers to test with, a third of them at each level, each by itself in each of "
            f"{len(cells)} cells of noise and level, which is the power of the whole recording to "
            "that of the noise; means over recordings of SI-SDR, wide-band PESQ (P.862.2) and "
            "STOI, noisy -> enhanced; the "
            f"noises {', '.join(UNSEEN)} are of kinds that no training window had."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures=figures,
        # SEGAN stands beside it: what it reaches is a row, not a bar.
        bars=bars if model_name == "speech_enhancement" else [],
        pictures=pictures(examples, makers, out),
    )


def pictures(examples, makers, out):
    """For each noise a picture of one recording: noisy, enhanced, clean."""
    paths = []
    for kind, signals in zip(makers, examples):
        path = out / f"{kind.replace(' ', '_')}.png"
        values = np.stack([signal[:, None] for signal in signals])
        drawing.save_image(path, drawing.sounds(values, RATE, 3))
        paths.append(path)
    return paths


TASKS = [Task("noisy_voices", RECIPES, run)]
