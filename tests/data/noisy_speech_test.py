"""Speech and noise that are mixed on the fly: levels, kinds, repetition, files of sound."""

import pathlib
import sys

import keras
import numpy as np
import pytest

import kgan
from kgan.data.noises import NOISES, coloured
from kgan.data.sources import sound_files as files

RATE = 8000


def voices(count=5, seed=0):
    """Tones in syllables, as unlike noise as speech is."""
    rng = np.random.default_rng(seed)
    made = []
    for length in rng.integers(2000, 9000, count):
        time = np.arange(length) / RATE
        tone = np.sin(2 * np.pi * rng.uniform(100, 300) * time) * (np.sin(20 * time) > -0.3)
        made.append((0.5 * tone).astype("float32"))
    return made


def mixed(*args, **kwargs):
    return kgan.data.noisy_speech(voices(), *args, **{"seconds": 0.5, "rate": RATE, **kwargs})


def drawn(arrays, count=40, seed=1):
    """Windows as `fit` reads them."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(len(arrays[0]), size=count) + len(arrays[0]) * rng.integers(
        1, 2**31, count
    )
    return [array[numbers].astype("float64") for array in arrays]


@pytest.mark.parametrize("kind", NOISES)
def test_noise_is_at_its_level_and_speech_is_not_changed(kind):
    noisy, clean = drawn(mixed([kind], levels=(5, 5), clean_share=0.0))
    noise = noisy - clean
    levels = 10 * np.log10(np.square(clean).mean((1, 2)) / np.square(noise).mean((1, 2)))
    np.testing.assert_allclose(levels, 5, atol=1e-3)
    assert np.abs(noisy).max() <= 1 and np.abs(clean).max() <= 1


def test_levels_and_kinds_are_drawn_evenly():
    noisy, clean = drawn(mixed(["white", "clicks"], levels=(-5, 15), clean_share=0.25), 400)
    noise = noisy - clean
    is_clean = np.abs(noise).max((1, 2)) == 0
    assert 0.18 < is_clean.mean() < 0.32
    noise, clean = noise[~is_clean], clean[~is_clean]
    levels = 10 * np.log10(np.square(clean).mean((1, 2)) / np.square(noise).mean((1, 2)))
    assert -5.01 <= levels.min() < -4 and 14 < levels.max() <= 15.01
    assert 3.5 < levels.mean() < 6.5
    # Clicks have far higher peaks beside their power than white noise has.
    peaks = np.abs(noise).max((1, 2)) / np.sqrt(np.square(noise).mean((1, 2)))
    assert 0.4 < (peaks > 5).mean() < 0.6


def test_spectra_of_the_noises():
    rng = np.random.default_rng(0)
    for slope in (0.0, -3.0, -6.0, 3.0):
        power = np.square(np.abs(np.fft.rfft(coloured(rng, 2**17, RATE, slope))))
        frequency = np.fft.rfftfreq(2**17, 1 / RATE)
        octaves = [power[(frequency > f) & (frequency <= 2 * f)].mean() for f in (100, 200, 400)]
        steps = 10 * np.diff(np.log10(octaves))
        np.testing.assert_allclose(steps, slope, atol=0.6)
    hum = NOISES["hum"](rng, RATE, RATE, [])
    power = np.square(np.abs(np.fft.rfft(hum * np.hanning(RATE))))
    lowest = np.flatnonzero(power > power.max() / 1e4)[0]
    assert 46 <= lowest <= 64 or lowest % 50 < 4 or lowest % 60 < 5
    assert np.sort(power)[::-1][:120].sum() > 0.99 * power.sum()
    babble = NOISES["babble"](rng, 4000, RATE, voices())
    assert np.abs(babble).max() > 0.5


def test_windows_are_mixed_anew_in_fit_and_always_alike_otherwise():
    arrays = mixed()
    again = mixed()
    for one, other in zip(arrays, again):
        assert isinstance(one, kgan.data.LazyArray) and one.shape == (len(one), 4000, 1)
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
        np.testing.assert_array_equal(one[3], np.asarray(other)[3])
    first, second = drawn(arrays), drawn(arrays, seed=2)
    assert all((one != other).any((1, 2)).all() for one, other in zip(first, second))
    np.testing.assert_array_equal(drawn(again)[0], first[0])
    assert (np.asarray(mixed(seed=1)[1]) != np.asarray(arrays[1])).any()
    # Pairs stay pairs in a view, and beyond what is kept of them.
    noisy, clean = (side.take(np.arange(2)) for side in mixed(levels=(60, 60)))
    np.testing.assert_allclose(noisy[[0, 1]], clean[[0, 1]], atol=0.02)


def test_other_noises():
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, 1000)
    noisy, clean = drawn(mixed([sound], clean_share=0.0, levels=(0, 0)), 4)
    noise = (noisy - clean)[0, :, 0]
    shifted = [np.corrcoef(np.resize(np.roll(sound, -k), 4000), noise)[0, 1] for k in range(1000)]
    assert max(shifted) > 0.999
    noisy, clean = drawn(
        mixed([lambda rng, length, rate, speech: np.ones(length)], clean_share=0.0), 4
    )
    assert np.ptp(noisy - clean, axis=1).max() < 1e-6


@pytest.mark.parametrize(
    "options, message",
    [
        ({"noises": ["whit"]}, "no noise of this name"),
        ({"noises": []}, "at least one noise"),
        ({"levels": (10, 0)}, "lowest, highest"),
        ({"clean_share": 1.0}, "clean_share=1.0"),
        ({"seconds": 0.0}, "seconds"),
        ({"rate": -1}, "rate"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        mixed(**options)
    with pytest.raises(TypeError, match="A noise is a name"):
        mixed([3])
    with pytest.raises(ValueError, match="no sound in speech"):
        kgan.data.noisy_speech([np.zeros(100)])
    with pytest.raises(ValueError, match=r"in \[-1, 1\]"):
        kgan.data.noisy_speech([np.full(100, 300.0)])


def tiny_translator():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2000, 1))
    generator = keras.Model(inputs, keras.layers.Conv1D(1, 5, padding="same")(inputs))
    model = kgan.PairedTranslator(generator, seed=3)
    model.compile(optimizer="adam")
    return model


def test_a_resumed_run_hears_the_same(tmp_path):
    arrays = mixed(seconds=0.25)
    whole, model = tiny_translator(), tiny_translator()
    whole.fit(*arrays, batch_size=4, epochs=3, verbose=0)
    model.fit(*arrays, batch_size=4, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    model.fit(*arrays, batch_size=4, initial_epoch=1, epochs=3, verbose=0)
    for one, other in zip(whole.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_files_are_read_at_one_rate(tmp_path):
    soundfile = pytest.importorskip("soundfile", reason="the extra audio is not installed")
    pytest.importorskip("soxr", reason="the extra audio is not installed")
    time = np.arange(8000) / 8000
    tone = 0.5 * np.sin(2 * np.pi * 440 * time)
    (tmp_path / "deep").mkdir()
    soundfile.write(tmp_path / "b.wav", np.stack([tone, tone], 1), 8000)
    soundfile.write(tmp_path / "deep" / "a.flac", tone, 8000)
    (tmp_path / "notes.txt").write_text("no sound")
    found = kgan.data.recordings(tmp_path, rate=16000)
    assert [len(sound) for sound in found] == [16000, 16000]
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    for sound in found:
        assert sound.dtype == np.float32
        np.testing.assert_allclose(sound[500:-500], wanted[500:-500], atol=1e-3)
    assert len(kgan.data.recordings(tmp_path, max_files=1)) == 1
    noisy, clean = kgan.data.noisy_speech(tmp_path, tmp_path / "deep", seconds=0.5)
    assert noisy.shape == clean.shape == (4, 8000, 1)
    files.write_sound(tmp_path / "c.flac", tone[:, None], 8000)
    read, rate = files.read_sound(tmp_path / "c.flac")
    assert rate == 8000
    np.testing.assert_allclose(read[:, 0], tone, atol=1e-4)
    with pytest.raises(ValueError, match="can't be read"):
        kgan.data.recordings([tmp_path / "notes.txt"])
    with pytest.raises(ValueError, match="file's ending names"):
        files.write_sound(tmp_path / "c.xyz", tone[:, None], 8000)


def test_missing_files_and_packages(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no files of sound"):
        kgan.data.recordings(tmp_path)
    pathlib.Path(tmp_path / "a.wav").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'kgan\[audio\]'"):
        kgan.data.recordings(tmp_path)
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'kgan\[audio\]'"):
        files.resampled(np.zeros(10), 8000, 16000)
