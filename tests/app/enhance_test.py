"""`kgan enhance`: a file, a folder, and what is refused."""

import keras
import numpy as np
import pytest
from commands import run

import kgan

soundfile = pytest.importorskip("soundfile", reason="the extra audio is not installed")
pytest.importorskip("soxr", reason="the extra audio is not installed")
pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)


def test_recordings_keep_rate_channels_and_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "noisy" / "deep").mkdir(parents=True)
    soundfile.write("noisy/a.wav", rng.uniform(-0.5, 0.5, (9000, 2)), 16000)
    soundfile.write("noisy/deep/b.flac", rng.uniform(-0.5, 0.5, 4000), 8000)
    model = kgan.zoo.load("speech_enhancement", width=4, blocks=1, frame=64, hop=32)
    model.save("model.keras")
    printed = run("enhance", "noisy/a.wav", "--run", "model.keras", "--out", "clean.wav")
    assert "1 recording of 0.6 seconds enhanced: clean.wav" in printed
    sound, rate = soundfile.read("clean.wav", dtype="float32")
    wanted = model.enhance(soundfile.read("noisy/a.wav", dtype="float32")[0], 16000)
    assert rate == 16000 and sound.shape == (9000, 2)
    np.testing.assert_allclose(sound, wanted, atol=1e-3)
    printed = run("enhance", "noisy", "--run", "model.keras", "--out", "clean")
    assert "2 recordings of 1.1 seconds enhanced: clean" in printed
    assert soundfile.info("clean/deep/b.flac").samplerate == 8000
    assert soundfile.info("clean/deep/b.flac").frames == 4000
    run("enhance", "noisy", "--run", "model.keras", "--out", "noisy", code=1)
    run("enhance", "none.wav", "--run", "model.keras", "--out", "x.wav", code=1)
    other = kgan.zoo.load("vanilla", like=(2,))
    other.save("other.keras")
    refused = run("enhance", "noisy/a.wav", "--run", "other.keras", "--out", "x.wav", code=1)
    assert "does not enhance speech" in " ".join(refused.split())
