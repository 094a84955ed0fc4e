"""Video prediction: its terms, windows of clips, roll-outs, exports and resuming."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import kgan

BACKEND = keras.config.backend()


def clips(n=6, frames=7, side=8, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, frames, side, side, channels), "uint8")


def tiny(side=8, **options):
    keras.utils.set_random_seed(0)
    given = {"scales": 2, "width": 4, "depth": 1, "discriminator_width": 4, "input_frames": 3}
    return kgan.zoo.load("video_prediction", image_shape=(side, side, 1), **{**given, **options})


def steep(model, seed=1):
    """Weights under which a frame is not nearly grey."""
    rng = np.random.default_rng(seed)
    for weight in model.generator.weights:
        weight.assign(rng.normal(0.0, 0.2, weight.shape))
    return model


def numbers(tensor):
    return np.asarray(ops.convert_to_numpy(tensor), "float64")


def halved(images):
    n, height, width, channels = images.shape
    return images.reshape(n, height // 2, 2, width // 2, 2, channels).mean((2, 4))


def test_terms_are_those_of_the_paper():
    """Mathieu et al. 2016, equations 3 to 7, in NumPy, as means over pixels and scales."""
    model = steep(tiny(reconstruction_weight=0.7, gradient_weight=0.3, adversarial_weight=0.2))
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (2, 3, 8, 8, 1)).astype("float32")
    y = rng.uniform(-1, 1, (2, 8, 8, 1)).astype("float32")
    made = [numbers(frame) for frame in model.generator(x)]
    true = [halved(y), y]

    def logits(frames):
        frames = [frame.astype("float32") for frame in frames]
        clip = [ops.convert_to_tensor(part) for part in (x, *frames)]
        return [numbers(scale) for scale in model.discriminator(clip)]

    def surprise(values):
        return np.log1p(np.exp(-values)).mean()

    real, fake = logits(true), logits(made)
    batch = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    terms = {name: float(value) for name, value in model.generator_loss(*batch).items()}
    assert terms["adversarial"] == pytest.approx(0.2 * np.mean([*map(surprise, fake)]), rel=1e-4)
    squared = np.mean([((a - b) ** 2).mean() for a, b in zip(true, made, strict=True)])
    assert terms["reconstruction"] == pytest.approx(0.7 * squared, rel=1e-4)
    edges = [
        sum(
            np.abs(np.abs(np.diff(a, axis=axis)) - np.abs(np.diff(b, axis=axis))).mean()
            for axis in (1, 2)
        )
        for a, b in zip(true, made, strict=True)
    ]
    assert terms["gradient_difference"] == pytest.approx(0.3 * np.mean(edges), rel=1e-4)
    (judged,) = model.discriminator_loss(*batch).values()
    expected = [
        float(model.loss.discriminator(ops.convert_to_tensor(r), ops.convert_to_tensor(f)))
        for r, f in zip(real, fake, strict=True)
    ]
    assert float(judged) == pytest.approx(np.mean(expected), rel=1e-4)


def test_relativistic_losses_see_the_true_clip():
    model = steep(tiny(loss="relativistic_pairing", adversarial_weight=1.0))
    x, y = model.unpack((clips(2, 3), clips(2, 1, seed=1)[:, 0]))
    terms, other = model.generator_loss(x, y), model.generator_loss(x, -y)
    assert float(terms["adversarial"]) != pytest.approx(float(other["adversarial"]), rel=1e-6)


def test_without_an_adversary_it_is_a_game_of_one():
    model = tiny(adversarial_weight=0.0)
    assert list(model.players) == ["generator"] and model.discriminator is None
    history = model.fit(clips(), batch_size=3, verbose=0).history
    assert set(history) == {
        "loss",
        *(f"generator_{term}" for term in ("loss", "reconstruction", "gradient_difference")),
    }
    assert model.discriminator_logits((0, 0), 0) is None


def test_networks_that_do_not_fit_are_refused():
    generator = kgan.networks.multiscale.generator((8, 8, 1), 3, scales=2, width=4, depth=1)
    judge = kgan.networks.multiscale.discriminator((8, 8, 1), 3, scales=1, width=4)
    with pytest.raises(ValueError, match="a frame for each scale"):
        kgan.VideoPredictor(generator, judge)
    with pytest.raises(ValueError, match="a frame for each scale"):
        kgan.VideoPredictor(kgan.networks.unet.generator((8, 8, 3), 3, width=4))


# Roll-outs


def rolled_out(model, given, count):
    """The roll-out by hand: floats go in again, not pixels."""
    window = kgan.data.to_float(given[:, -3:])
    frames = []
    for _ in range(count):
        frames.append(np.clip(numbers(model.generator(window)[-1]), -1, 1).astype("float32"))
        window = np.concatenate([window[:, 1:], frames[-1][:, None]], 1)
    return kgan.data.to_uint8(np.stack(frames, 1))


@pytest.mark.parametrize("frames", [3, 9])
@pytest.mark.parametrize("count", [1, 4, 20])
def test_frames_are_predicted_from_those_before_them(frames, count):
    model, given = steep(tiny()), clips(5, frames)
    made = model.predict_frames(given, count, batch_size=2)
    assert made.shape == (5, count, 8, 8, 1) and made.dtype == np.uint8
    assert np.abs(made.astype(int) - rolled_out(model, given, count)).max() <= 1
    # Frames before those that it reads change nothing, and the first of many is the first of one.
    np.testing.assert_array_equal(made, model.predict_frames(given[:, -3:], count))
    np.testing.assert_array_equal(made[:, 0], model.run("next_frame", given))
    floats = kgan.data.to_float(given)
    assert np.abs(made.astype(int) - model.predict_frames(floats, count)).max() <= 1


def test_what_cannot_be_gone_on_with_is_refused():
    model = tiny()
    with pytest.raises(ValueError, match="too short: clips of 2 frames.*at least 3"):
        model.predict_frames(clips(frames=2), 1)
    with pytest.raises(ValueError, match="count"):
        model.predict_frames(clips(), 0)
    with pytest.raises(ValueError, match="single sample without a batch axis"):
        model.predict_frames(clips()[0], 1)
    with pytest.raises(ValueError, match="too short: clips of 3 frames.*at least 4 frames"):
        model.fit(clips(frames=3), verbose=0)


def test_averaged_weights_predict():
    model = tiny(ema_momentum=0.5)
    model.fit(clips(), batch_size=2, epochs=3, verbose=0)
    with model.averaged_weights():
        expected = rolled_out(model, clips(seed=1), 3)
    assert np.abs(model.predict_frames(clips(seed=1), 3).astype(int) - expected).max() <= 1
    raw = rolled_out(model, clips(seed=1), 3)
    assert (raw != expected).any()


def test_the_export_rolls_out_without_kgan(tmp_path):
    model, given = steep(tiny(side=8)), clips(4, 6)
    model.export(tmp_path / "served")
    np.save(tmp_path / "clips.npy", given)
    script = (
        "import sys, numpy as np, tensorflow as tf\n"
        "served = tf.saved_model.load('served')\n"
        "clips = np.load('clips.npy')\n"
        "for count in (1, 5):\n"
        "    made = served.predict_frames(clips, tf.constant(count))\n"
        "    np.save(f'made_{count}.npy', made.numpy())\n"
        "np.save('short.npy', served.predict_frames(clips[:2, -3:], tf.constant(2)).numpy())\n"
        "np.save('next.npy', served.next_frame(clips).numpy())\n"
        "assert 'kgan' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for name, wanted in (
        ("made_1", model.predict_frames(given, 1)),
        ("made_5", model.predict_frames(given, 5)),
        ("short", model.predict_frames(given[:2], 2)),
        ("next", model.run("next_frame", given)),
    ):
        made = np.load(tmp_path / f"{name}.npy")
        assert made.dtype == np.uint8 and made.shape == wanted.shape
        assert np.abs(made.astype(int) - wanted).max() <= 1


# Clips


def test_fit_of_clips_is_fit_of_pairs():
    given = clips(8, 4)  # of one window each
    histories = []
    for data in ((given,), (given[:, :3], given[:, 3])):
        model = tiny(seed=0)
        histories.append(model.fit(*data, batch_size=4, epochs=2, verbose=0).history["loss"])
        histories.append(model.evaluate(*data, verbose=0))
    np.testing.assert_allclose(histories[0], histories[2], rtol=1e-6)
    np.testing.assert_allclose(histories[1], histories[3], rtol=1e-6)


def test_pictures_and_metrics_of_a_training(tmp_path):
    model, given = tiny(seed=0), clips(32, 7)
    model.compile(model.optimizer, [kgan.metrics.PeakSignalToNoiseRatio()])
    strips = kgan.callbacks.TranslationStrips(tmp_path, given[:3, :6], given[:3, 6])
    health = kgan.callbacks.Health(num_samples=16, num_reference=16, folder=tmp_path)
    history = model.fit(
        given, batch_size=8, validation_data=given, callbacks=[strips, health], verbose=0
    ).history
    past, true = given[:, 3:6], given[:, 6].astype("float64")
    error = np.mean((model.run("next_frame", past) - true) ** 2, axis=(1, 2, 3))
    expected = np.mean(10 * np.log10(255**2 / error))
    # That of the last frame of each clip.
    assert history["val_peak_signal_to_noise_ratio"][-1] == pytest.approx(expected, rel=0.02)
    assert (tmp_path / "epoch_0001.png").is_file()


def test_a_resumed_run_sees_the_same_windows(tmp_path):
    given = clips(8, 9)
    whole = tiny(seed=0)
    whole.fit(given, batch_size=4, epochs=3, verbose=0)
    model = tiny(seed=0)
    model.fit(given, batch_size=4, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.fit(given, batch_size=4, epochs=3, initial_epoch=1, verbose=0)
    for one, other in zip(whole.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    made = [m.predict_frames(given, 3) for m in (whole, loaded)]
    np.testing.assert_array_equal(*made)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND == "jax", reason="two backends are enough")
def test_it_learns_where_a_square_moves():
    rng = np.random.default_rng(0)

    def moving(n):
        found = np.zeros((n, 8, 16, 16, 1), "uint8")
        for clip in found:
            place, speed = rng.integers(4, 9, 2), rng.integers(-1, 2, 2)
            for time, frame in enumerate(clip):
                row, column = np.clip(place + speed * (time - 4), 0, 12)
                frame[row : row + 4, column : column + 4] = 255
        return found

    trained, tested = moving(256), moving(64)
    keras.utils.set_random_seed(0)
    model = kgan.zoo.load(
        "video_prediction",
        like=trained,
        scales=2,
        width=16,
        depth=2,
        discriminator_width=4,
        gradient_weight=0.1,
        learning_rate=2e-3,
        seed=0,
    )
    model.fit(trained, batch_size=16, epochs=25, verbose=0)
    made = model.run("next_frame", tested[:, :5]).astype("float64")
    error = np.mean((made - tested[:, 5]) ** 2)
    assert error < np.mean((tested[:, 4].astype("float64") - tested[:, 5]) ** 2) / 3
