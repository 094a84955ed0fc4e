"""Metrics of speech beside NumPy written from the papers, and what they refuse."""

import sys

import numpy as np
import pytest

import kgan
from kgan.metrics import (
    PerceptualSpeechQuality,
    ScaleInvariantDistortionRatio,
    SegmentalSignalToNoiseRatio,
    ShortTimeIntelligibility,
)


def signals(n=4, time=4000, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (n, time, 1)).astype("float32")


def measured(metric, clean, other):
    metric.reset_state()
    metric.update_state(clean, other)
    return metric.result()


def test_distortion_ratio_of_a_known_error_at_any_volume():
    clean, error = signals(1).astype("float64"), signals(1, seed=1).astype("float64")
    error -= (error * clean).sum() / (clean * clean).sum() * clean  # at a right angle to it
    error *= np.sqrt((clean**2).sum() / (error**2).sum()) / 10
    metric = ScaleInvariantDistortionRatio()
    for volume in (1.0, 0.05, -0.7):
        assert measured(metric, clean, volume * (clean + error)) == pytest.approx(20, abs=1e-6)
    assert measured(metric, clean, clean) > 200


def test_distortion_ratio_is_the_mean_over_pairs_however_they_come():
    clean, other = signals(), signals() + signals(seed=1)
    each = []
    for s, e in zip(clean[..., 0].astype("float64"), other[..., 0].astype("float64")):
        alpha = np.dot(e, s) / np.linalg.norm(s) ** 2
        each.append(20 * np.log10(np.linalg.norm(alpha * s) / np.linalg.norm(alpha * s - e)))
    metric = ScaleInvariantDistortionRatio()
    metric.update_state(clean[:1], other[:1])
    metric.update_state(clean[1:], other[1:])
    assert metric.result() == pytest.approx(np.mean(each), rel=1e-9)
    assert "4 real and 4 generated in pairs" in metric.protocol


def test_segmental_ratio_frame_by_frame():
    clean, other = signals(2), signals(2) + 0.3 * signals(2, seed=1)
    other[1, 2000:] = clean[1, 2000:]  # frames that are perfect count as 35
    other[1, :1000] = 20 * clean[1, :1000]  # and hopeless ones as -10
    values = []
    for s, e in zip(clean[..., 0].astype("float64"), other[..., 0].astype("float64")):
        frames = []
        for start in range(0, len(s) - 480 + 1, 120):
            window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, 481) / 481)
            part, rest = (x[start : start + 480] * window for x in (s, s - e))
            ratio = 10 * np.log10(max((part**2).sum(), 1e-300) / max((rest**2).sum(), 1e-300))
            frames.append(min(max(ratio, -10), 35))
        values.append(np.mean(frames))
    metric = SegmentalSignalToNoiseRatio()
    assert measured(metric, clean, other) == pytest.approx(np.mean(values), rel=1e-6)
    assert measured(metric, clean, 0.9 * clean) == pytest.approx(20, abs=1e-3)
    with pytest.raises(ValueError, match="A frame has 480 samples"):
        measured(metric, clean[:, :100], other[:, :100])


def test_intelligibility_is_pystois():
    pystoi = pytest.importorskip("pystoi", reason="the extra audio is not installed")
    clean = signals(2, 16000) * np.sin(np.arange(16000) / 700)[None, :, None]
    other = clean + signals(2, 16000, seed=1) * np.float32(0.5)
    for extended in (False, True):
        metric = ShortTimeIntelligibility(16000, extended)
        expected = [
            pystoi.stoi(s, e, 16000, extended=extended)
            for s, e in zip(clean[..., 0].astype("float64"), other[..., 0].astype("float64"))
        ]
        assert measured(metric, clean, other) == pytest.approx(np.mean(expected), rel=1e-6)
        assert 0.2 < metric.result() < 0.99


def test_perceptual_quality_falls_with_noise_and_silence_has_none():
    pytest.importorskip("pesq", reason="the extra pesq is not installed")
    rng = np.random.default_rng(0)
    time = np.arange(32000) / 16000
    voiced = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
    clean = (0.05 * voiced * (np.sin(2 * np.pi * 3 * time) > 0)).astype("float32")[None, :, None]
    noise = rng.normal(size=clean.shape).astype("float32")
    metric = PerceptualSpeechQuality()
    values = [measured(metric, clean, clean + level * noise) for level in (0, 0.005, 0.05)]
    assert values[0] > 4.5 and values[0] > values[1] > values[2] > 1
    silence = np.zeros_like(clean)
    both = np.concatenate([clean, silence]), np.concatenate([clean + 0.05 * noise, silence])
    assert measured(metric, *both) == pytest.approx(values[2])
    assert np.isnan(measured(metric, silence, silence))


def test_what_they_refuse():
    clean = signals()
    for metric in (ScaleInvariantDistortionRatio(), SegmentalSignalToNoiseRatio()):
        with pytest.raises(ValueError, match="clean recording"):
            metric.update_state(clean, clean[:2])
        with pytest.raises(ValueError, match="one channel"):
            metric.update_state(np.repeat(clean, 2, -1), np.repeat(clean, 2, -1))
        with pytest.raises(ValueError, match="at least 1 samples"):
            metric.result()
    with pytest.raises(ValueError, match="PESQ is defined at 16000"):
        PerceptualSpeechQuality(44100)
    with pytest.raises(ValueError, match="band='narrow'"):
        PerceptualSpeechQuality(8000)


def test_names_configs_and_missing_packages(monkeypatch):
    for name in ("si_sdr", "segmental_snr", "stoi", "pesq"):
        metric = kgan.metrics.get(name)
        assert type(metric).from_config(metric.get_config()).get_config() == metric.get_config()
    assert ShortTimeIntelligibility(8000, True).get_config()["extended"] is True
    for name, extra in (("stoi", "audio"), ("pesq", "pesq")):
        monkeypatch.setitem(sys.modules, {"stoi": "pystoi"}.get(name, name), None)
        with pytest.raises(ModuleNotFoundError, match=rf"pip install 'kgan\[{extra}\]'"):
            kgan.metrics.get(name).update_state(signals(1), signals(1))
