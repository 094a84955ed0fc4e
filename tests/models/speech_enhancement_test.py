"""Speech enhancement: spectra and terms, recordings of any length and rate, exports, resuming."""

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.serving.overlap import in_windows

RATE = 16000


def tiny(name="speech_enhancement", **options):
    keras.utils.set_random_seed(0)
    sizes = {"signal_shape": (256, 1), "width": 4, "blocks": 1, "frame": 32, "hop": 8}
    return kgan.zoo.load(name, **{**sizes, "discriminator_width": 2, "seed": 0, **options})


def sound(time=256, n=3, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (n, time, 1)).astype("float32")


def numbers(tensor):
    return np.asarray(ops.convert_to_numpy(tensor), "float64")


def stirred(model, scale=0.2):
    """The model with weights of a network that does something: a new one changes nothing."""
    rng = np.random.default_rng(1)
    for weight in model.generator.trainable_weights:
        middle = 1.0 if "gamma" in weight.path else 0.0
        weight.assign(rng.normal(middle, scale, weight.shape))
    return model


def speech(count=3):
    time = np.arange(3000)
    return [(0.3 * np.sin(time / (8 + k)) * (np.sin(time / 200) > 0)) for k in range(count)]


# Spectra


def test_spectrum_is_that_of_mirrored_frames_and_comes_back():
    x = sound(64, 2)
    found = numbers(kgan.layers.Spectrum(16, 4)(x))
    assert found.shape == (2, 17, 9, 2)
    padded = np.pad(x[..., 0].astype("float64"), ((0, 0), (8, 8)), "reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(16) / 16)
    for frame in range(17):
        wanted = np.fft.rfft(padded[:, 4 * frame : 4 * frame + 16] * window)
        np.testing.assert_allclose(found[:, frame, :, 0], wanted.real, atol=1e-5)
        np.testing.assert_allclose(found[:, frame, :, 1], wanted.imag, atol=1e-5)
    again = kgan.layers.InverseSpectrum(16, 4)(ops.cast(found, "float32"))
    np.testing.assert_allclose(numbers(again), x, atol=1e-5)
    for frame, hop in ((16, 9), (15, 4)):
        with pytest.raises(ValueError, match="overlap by half"):
            kgan.layers.Spectrum(frame, hop)


def spectra_of(x, frame, hop):
    padded = np.pad(x, ((0, 0), (frame // 2, frame // 2)), "reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)
    count = x.shape[1] // hop + 1
    frames = np.stack([padded[:, hop * i : hop * i + frame] for i in range(count)], axis=1)
    return np.fft.rfft(frames * window)


def test_terms_are_those_of_the_papers():
    """Lu et al. 2023, section 2.3, and Le Roux et al. 2019, in NumPy with angles."""
    y, made = sound(seed=1), sound(seed=2)
    distance = kgan.losses.SpectralDistance(32, 8, distortion_weight=0.5)
    terms = {name: numbers(value) for name, value in distance.terms(y, made).items()}
    level = np.sqrt(np.mean(np.square(y.astype("float64")), axis=1) + 1e-6)
    one, other = (x[..., 0].astype("float64") / level for x in (y, made))
    clean, found = (spectra_of(x, 32, 8) for x in (one, other))

    def wrapped(angle):
        return np.abs(angle - 2 * np.pi * np.round(angle / (2 * np.pi)))

    difference = np.angle(clean) - np.angle(found)
    phase = sum(
        wrapped(part).mean((1, 2))
        for part in (difference, np.diff(difference, axis=1), np.diff(difference, axis=2))
    )
    small = [np.abs(x) ** 0.3 for x in (clean, found)]
    numbered = [size * np.exp(1j * np.angle(x)) for size, x in zip(small, (clean, found))]
    wanted = {
        "magnitude": np.square(small[0] - small[1]).mean((1, 2)),
        "complex": np.square(np.abs(numbered[0] - numbered[1])).mean((1, 2)),
        "phase": phase,
        "time": np.abs(one - other).mean(1),
    }
    target = (one * other).sum(1, keepdims=True) / (one**2).sum(1, keepdims=True) * one
    ratio = 10 * np.log10((target**2).sum(1) / ((other - target) ** 2).sum(1))
    for name, value in wanted.items():
        np.testing.assert_allclose(terms[name], value, rtol=2e-3, err_msg=name)
    np.testing.assert_allclose(terms["distortion"], -ratio, rtol=2e-3)
    weights = {"magnitude": 0.9, "complex": 0.1, "phase": 0.3, "time": 0.2, "distortion": 0.5}
    total = sum(weights[name] * terms[name].mean() for name in weights)
    assert float(distance(y, made)) == pytest.approx(total, rel=1e-4)
    again = kgan.losses.SpectralDistance.from_config(distance.get_config())
    assert again.get_config() == distance.get_config()


def test_distances_are_blind_to_the_level_of_recordings():
    y, made = sound(seed=1), sound(seed=2)
    distance = kgan.losses.SpectralDistance(32, 8, distortion_weight=0.5)
    assert float(distance(y / 16, made / 16)) == pytest.approx(float(distance(y, made)), rel=1e-2)
    # The nearer, the smaller; an exact copy has no distance.
    values = [float(distance(y, (1 - share) * y + share * made)) for share in (0, 0.1, 0.5, 1)]
    assert values == sorted(values)


def test_score_falls_from_one_with_noise_and_more_so_where_speech_is():
    score = kgan.losses.SegmentalScore(RATE, 64, 16)
    time = np.arange(4096)
    clean = (0.3 * np.sin(time / 8))[None, :, None].astype("float32")
    noise = np.random.default_rng(0).normal(size=clean.shape).astype("float32")
    values = [float(score(clean, clean + level * noise)[0]) for level in (0, 0.003, 0.03, 0.3, 30)]
    assert values == sorted(values, reverse=True)
    assert [values[0], values[-1]] == pytest.approx([1.0, 0.0], abs=0.01)
    # A band that is lost altogether has an error as large as itself: 0 decibels.
    assert float(score(noise / 9, 0 * noise)[0]) == pytest.approx(10 / 45, abs=0.01)
    assert float(score(noise / 9, 0.9 * noise / 9)[0]) == pytest.approx(30 / 45, abs=0.01)
    assert type(score).from_config(score.get_config()).get_config() == score.get_config()
    bands = kgan.losses.spectral.mel_bands(RATE, 64, 25)
    np.testing.assert_allclose(bands.sum(axis=0), 1, rtol=1e-5)


# The game


def test_the_discriminator_learns_the_score_and_the_generator_that_of_clean_speech():
    """Fu et al. 2021, equation 3, and Fu et al. 2019, equation 6."""
    model = stirred(tiny(adversarial_weight=0.3))
    x, y = (ops.convert_to_tensor(sound(seed=seed)) for seed in (1, 2))
    made = model.generator(x)
    predicted = [numbers(model.discriminator([y, z]))[:, 0] for z in (y, made, x)]
    wanted = [np.ones(3), *(numbers(model.score(y, z)) for z in (made, x))]
    expected = sum(np.square(p - w).mean() for p, w in zip(predicted, wanted))
    terms = model.discriminator_loss(x, y)
    assert float(terms["adversarial"]) == pytest.approx(expected, rel=1e-4)
    terms = model.generator_loss(x, y)
    expected = 0.3 * np.square(predicted[1] - 1).mean()
    assert float(terms["adversarial"]) == pytest.approx(expected, rel=1e-4)
    assert float(terms["reconstruction"]) == pytest.approx(
        float(model.reconstruction(y, made)), rel=1e-4
    )


def test_a_new_network_changes_nothing_and_each_network_can_be_built():
    x = sound(2000, 2)
    for options in ({}, {"network": "published", "width": 4}):
        model = tiny(**options)
        np.testing.assert_allclose(numbers(model.enhanced(x)), x, atol=2e-3)
        loud = numbers(stirred(model).enhanced(0.5 * x))
        assert np.abs(loud - 0.5 * x).max() > 0.05
        # Whatever the volume; what would be too loud is cut off.
        quiet = numbers(model.enhanced(0.25 * x))
        np.testing.assert_allclose(np.clip(2 * quiet, -1, 1), loud, atol=0.02)
    with pytest.raises(ValueError, match="network='big'"):
        tiny(network="big")
    with pytest.raises(ValueError, match="Cut them to 248"):
        tiny(signal_shape=(250, 1))


def test_a_tone_in_noise_is_found(tmp_path):
    pairs = kgan.data.noisy_speech(speech(), ["white"], seconds=0.064, levels=(0, 0))
    model = tiny(signal_shape=(1024, 1), width=8, learning_rate=5e-3, ema_momentum=None)
    noisy, clean = (np.asarray(side.take(np.arange(3))) for side in pairs)
    before = model.evaluate(noisy, clean, verbose=0, return_dict=True)
    learned = model.fit(*pairs, batch_size=3, epochs=60, verbose=0).history
    # At its best epoch: so quick a game jumps, and in which epoch differs by rounding.
    assert min(learned["generator_reconstruction"]) < 0.5 * before["generator_reconstruction"]


def test_a_resumed_run_is_the_whole_run(tmp_path):
    pairs = kgan.data.noisy_speech(speech(), seconds=0.016)
    whole, model = tiny(), tiny()
    whole.fit(*pairs, batch_size=8, epochs=2, verbose=0)
    model.fit(*pairs, batch_size=8, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    assert model.score.get_config() == whole.score.get_config()
    model.fit(*pairs, batch_size=8, initial_epoch=1, epochs=2, verbose=0)
    for one, other in zip(whole.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# Recordings


def test_windows_that_fade_into_each_other_leave_no_edge():
    signal = np.sin(np.arange(1000) / 7).astype("float32")
    for window, overlap in ((100, 0), (100, 30), (300, 299), (1000, 5), (2000, 5)):
        made = in_windows(lambda part: part, signal, window, overlap)
        np.testing.assert_allclose(made, signal, atol=1e-6)
    seen = []
    in_windows(lambda part: seen.append(len(part)) or part, signal, 300, 100)
    assert seen == [300] * 5
    # A step of 1 from one window to the next becomes a slope.
    count = iter(range(10))
    steps = in_windows(lambda part: np.full(len(part), next(count), "f4"), signal, 300, 100)
    assert np.abs(np.diff(steps)).max() < 0.02


@pytest.mark.parametrize("time", [1, 100, 5000, 20011])
def test_recordings_of_any_length(time):
    model = stirred(tiny(), 0.1)
    recording = sound(time, 1)[0, :, 0]
    made = model.enhance(recording, seconds=0.5, overlap=0.1)
    assert made.shape == recording.shape and made.dtype == np.float32
    both = model.enhance(np.stack([recording, 0.5 * recording], axis=1), seconds=0.5, overlap=0.1)
    np.testing.assert_allclose(both[:, 0], made, atol=1e-5)
    as_int = np.round(recording * 32768).astype("int16")
    np.testing.assert_allclose(model.enhance(as_int, seconds=0.5, overlap=0.1), made, atol=0.01)


def test_recordings_of_any_rate():
    pytest.importorskip("soxr", reason="the extra audio is not installed")
    model = tiny()
    time = np.arange(8000) / 8000
    tone = 0.5 * np.sin(2 * np.pi * 300 * time).astype("float32")
    made = model.enhance(tone, 8000)
    assert made.shape == tone.shape
    np.testing.assert_allclose(made[500:-500], tone[500:-500], atol=0.02)
    assert model.enhance(tone[:1001], 44100).shape == (1001,)


@pytest.mark.parametrize(
    "given, options, message",
    [
        (np.zeros((2, 3, 4)), {}, "array \\(time,\\) or \\(time, channels\\)"),
        (np.zeros(0), {}, "at least one sample"),
        (np.full(100, 7.0), {}, "floats in"),
        (np.zeros(100), {"seconds": 1.0, "overlap": 1.0}, "overlap by less"),
        (np.zeros(100), {"rate": 0}, "rate"),
    ],
)
def test_what_enhance_refuses(given, options, message):
    with pytest.raises(ValueError, match=message):
        tiny().enhance(given, **options)


def test_an_export_enhances_any_length(tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    model = stirred(tiny())
    model.export(tmp_path / "served")
    served = tensorflow.saved_model.load(tmp_path / "served")
    for time in (256, 1003, 77):
        x = sound(time, 2)
        made = served.enhance(x).numpy()
        assert made.shape == x.shape
        np.testing.assert_allclose(made, model.run("enhance", x), atol=1e-4)


def test_shapes_come_from_data():
    pairs = kgan.data.noisy_speech(speech(), seconds=0.064)
    model = kgan.zoo.load("speech_enhancement", like=pairs, width=4, blocks=1)
    assert model.signal_shape == (1024, 1)
    arrays = np.zeros((4, 2048, 1), "float32"), np.zeros((4, 2048, 1), "float32")
    model = kgan.zoo.load("speech_enhancement", like=arrays, width=4, blocks=1)
    assert model.fields[0].shape == (2048, 1)


# SEGAN


def test_emphasis_and_its_inverse():
    x = sound(400, 2)
    forward = numbers(kgan.layers.PreEmphasis()(x))
    wanted = x.astype("float64").copy()
    wanted[:, 1:] -= 0.95 * x[:, :-1]
    np.testing.assert_allclose(forward, wanted, atol=1e-6)
    back = numbers(kgan.layers.PreEmphasis(inverse=True)(ops.cast(forward, "float32")))
    np.testing.assert_allclose(back, x, atol=1e-4)
    y, made = sound(seed=1), sound(seed=2)
    difference = (y - made).astype("float64")
    difference[:, 1:] -= 0.95 * (y - made)[:, :-1]
    distance = kgan.losses.EmphasizedDistance()
    assert float(distance(y, made)) == pytest.approx(np.abs(difference).mean(), rel=1e-5)
    assert distance.from_config(distance.get_config()).coefficient == 0.95
    for part in (kgan.layers.PreEmphasis, kgan.losses.EmphasizedDistance):
        with pytest.raises(ValueError, match="coefficient=1"):
            part(1.0)


def tiny_segan(**options):
    keras.utils.set_random_seed(0)
    sizes = {"signal_shape": (256, 1), "width": 2, "discriminator_width": 2, "depth": 4}
    return kgan.zoo.load("segan", **{**sizes, "seed": 0, **options})


def test_segans_terms_are_those_of_the_paper():
    """Pascual et al. 2017, equations 3 to 5: least squares and 100 times L1."""
    model = tiny_segan()
    x, y = (ops.convert_to_tensor(sound(seed=seed)) for seed in (1, 2))
    made = model.generator(x)
    real, fake = (numbers(model.discriminator([x, z])) for z in (y, made))
    terms = model.discriminator_loss(x, y)
    expected = (np.square(real - 1).mean() + np.square(fake).mean()) / 2
    assert float(terms["adversarial"]) == pytest.approx(expected, rel=1e-4)
    terms = model.generator_loss(x, y)
    assert float(terms["adversarial"]) == pytest.approx(np.square(fake - 1).mean() / 2, rel=1e-4)
    distance = 100 * float(kgan.losses.EmphasizedDistance()(y, made))
    assert float(terms["reconstruction"]) == pytest.approx(distance, rel=1e-4)


def test_segan_draws_noise_in_training_only_and_takes_any_length():
    model = tiny_segan()
    x = sound(512)
    first, second = (numbers(model.generator(x, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 1e-6
    np.testing.assert_array_equal(numbers(model.generator(x)), numbers(model.generator(x)))
    assert model.enhance(sound(777, 1)[0, :, 0]).shape == (777,)
    # At the paper's size there are eleven halvings, from 16 channels to 1024.
    widths = kgan.networks.segan._widths_of(16, 11)
    assert widths == [16, 32, 32, 64, 64, 128, 128, 256, 256, 512, 1024]
    with pytest.raises(ValueError, match="depth=12"):
        tiny_segan(depth=12)
