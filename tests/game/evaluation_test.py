"""Metrics in compile, evaluate and fit."""

import json

import keras
import numpy as np
import pytest

import kgan
from kgan.callbacks import BestMoment
from kgan.metrics import FrechetDistance, PeakSignalToNoiseRatio, SlicedWasserstein

RING = kgan.data.ring(256, seed=0)
IMAGES = kgan.data.load("digits")


def vanilla(**options):
    keras.utils.set_random_seed(0)
    model = kgan.zoo.load("vanilla", like=(2,), seed=0, **options)
    model.compile(optimizer=model.optimizer, metrics=[FrechetDistance(), SlicedWasserstein()])
    return model


def test_evaluate_measures_the_models_own_samples_beside_real_ones():
    model = vanilla()
    logs = model.evaluate(RING, batch_size=100, verbose=0, return_dict=True)
    expected = FrechetDistance()
    for number, start in enumerate(range(0, 256, 100)):
        real = RING[start : start + 100]
        expected.update_state(real, model.generate(len(real), seed=number, batch_size=100))
    assert logs["frechet_distance"] == pytest.approx(expected.result(), rel=1e-5)
    assert "generator_loss" in logs
    # As a list: Keras's order, then the metrics in theirs.
    values = model.evaluate(RING, batch_size=100, verbose=0)
    assert values[-2:] == [logs["frechet_distance"], logs["sliced_wasserstein"]]


def test_fit_logs_them_and_keras_callbacks_follow_them(tmp_path):
    model = vanilla()
    best = tmp_path / "best.keras"
    follow = {"monitor": "val_frechet_distance", "mode": "min"}
    callbacks = [
        keras.callbacks.ModelCheckpoint(best, save_best_only=True, **follow),
        keras.callbacks.EarlyStopping(patience=1, min_delta=1e9, **follow),
    ]
    history = model.fit(
        RING, validation_data=RING[:128], epochs=5, callbacks=callbacks, verbose=0
    ).history
    assert len(history["val_sliced_wasserstein"]) == 2  # stopped: nothing gets better by 1e9
    kept = keras.saving.load_model(best)
    logs = kept.evaluate(RING[:128], verbose=0, return_dict=True)
    assert logs["frechet_distance"] == pytest.approx(min(history["val_frechet_distance"]), rel=1e-4)


def test_measuring_changes_nothing_in_training():
    def weights(**options):
        model = vanilla()
        model.fit(RING, epochs=2, verbose=0, **options)
        return model.get_weights()

    for first, second in zip(weights(validation_data=RING), weights()):
        np.testing.assert_array_equal(first, second)


def test_real_samples_are_read_once_in_a_fit():
    read = []

    class Counting(SlicedWasserstein):
        def update_features(self, real=None, fake=None):
            read.append((real is not None, fake is not None))
            super().update_features(real, fake)

    model = vanilla()
    model.compile(optimizer=model.optimizer, metrics=[Counting()])
    first = model.fit(RING, validation_data=RING, epochs=3, batch_size=128, verbose=0).history
    assert read == [(True, True)] * 2 + [(False, True)] * 4
    again = model.evaluate(RING, batch_size=128, verbose=0, return_dict=True)
    assert again["sliced_wasserstein"] == pytest.approx(first["val_sliced_wasserstein"][-1])


def test_fit_finds_what_the_figures_are_between_real_samples(tmp_path):
    model = vanilla()
    model.compile(
        optimizer=model.optimizer,
        metrics=[FrechetDistance(), kgan.metrics.PrecisionRecall()],
    )
    health = kgan.callbacks.Health(num_samples=16, num_reference=16, folder=tmp_path)
    model.fit(RING, validation_data=RING, batch_size=100, epochs=2, callbacks=[health], verbose=0)
    expected = FrechetDistance()
    for start, half in ((0, 50), (100, 50), (200, 28)):
        expected.update_state(RING[start : start + half], RING[start + half : start + 2 * half])
    found = model.sample_metrics.of_real
    assert found["frechet_distance"] == pytest.approx(expected.result(), rel=1e-5)
    assert found["precision"] > 0.5 < found["recall"]
    written = json.loads((tmp_path / "health.json").read_text())["of_real"]
    assert written["val_frechet_distance"] == found["frechet_distance"]


def test_pairs_have_no_value_between_real_samples():
    images = IMAGES[:32]
    model = kgan.zoo.load("pix2pix", like=(images, images), width=4, discriminator_width=4, seed=0)
    model.compile(optimizer=model.optimizer, metrics=[PeakSignalToNoiseRatio()])
    model.sample_metrics.compares_real = True
    model.fit(images, images, validation_data=(images, images), verbose=0)
    assert model.sample_metrics.of_real == {}


@pytest.mark.parametrize("kind", ["tf.data", "PyDataset", "DataLoader"])
def test_from_datasets(kind):
    if kind == "tf.data":
        tf = pytest.importorskip("tensorflow")
        data = tf.data.Dataset.from_tensor_slices(RING).batch(100)
    elif kind == "PyDataset":
        data = kgan.data.ShuffledBatches((RING,), 100)
    else:
        torch = pytest.importorskip("torch")
        data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(RING)), 100)
    model = vanilla()
    expected = model.evaluate(RING, batch_size=100, verbose=0)
    assert model.evaluate(data, verbose=0) == pytest.approx(expected, rel=1e-4)
    partial = model.evaluate(data, steps=1, verbose=0, return_dict=True)
    assert partial["frechet_distance"] == pytest.approx(
        model.evaluate(RING[:100], batch_size=100, verbose=0, return_dict=True)["frechet_distance"],
        rel=1e-4,
    )


def test_a_generator_of_batches_is_refused_in_words():
    batches = (RING[:32] for _ in range(4))
    with pytest.raises(ValueError, match="go through the data once more"):
        vanilla().evaluate(batches, verbose=0)


def test_conditional_models_imitate_the_labels_of_the_data():
    images, labels = kgan.data.load("digits", labels=True)
    model = kgan.zoo.load("conditional", like=(images, labels), width=4, seed=0)
    real, fake = model.sample_like((kgan.data.to_float(images[:5]), labels[:5]), seed=3)
    np.testing.assert_array_equal(fake, model.generate(5, labels=labels[:5], seed=3, batch_size=5))
    np.testing.assert_array_equal(real, kgan.data.to_float(images[:5]))


def test_translators_are_measured_pair_by_pair():
    model = kgan.zoo.load("pix2pix", like=(IMAGES, IMAGES), width=4, discriminator_width=4, seed=0)
    model.compile(optimizer=model.optimizer, metrics=[PeakSignalToNoiseRatio()])
    x, y = IMAGES[:20], 255 - IMAGES[:20]
    history = model.fit(
        x, y, validation_data=(x, y), epochs=2, batch_size=16, verbose=0, shuffle=False
    ).history
    error = (y.astype("float64") - model.translate(x).astype("float64")) / 255.0
    expected = -10 * np.log10(np.square(error).mean(axis=(1, 2, 3)))
    assert history["val_peak_signal_to_noise_ratio"][-1] == pytest.approx(expected.mean(), rel=1e-3)


def test_averages_are_compared_with_raw_weights():
    model = vanilla()
    optimizers = {
        player: keras.optimizers.Adam(0.05, use_ema=player == "generator", ema_momentum=0.9)
        for player in model.players
    }
    model.compile(optimizer=optimizers, metrics=[FrechetDistance()])
    model.fit(RING, epochs=2, verbose=0)
    averaged = model.evaluate(RING, verbose=0, return_dict=True)["frechet_distance"]
    raw = model.evaluate(RING, averaged=False, verbose=0, return_dict=True)["frechet_distance"]
    assert averaged != raw
    with model.raw_weights():
        samples = model.generate(64, seed=0)
    assert not np.array_equal(samples, model.generate(64, seed=0))
    plain = keras.Model.predict(model, kgan.latent.sample((64, *model.latent_shape), seed=0))
    np.testing.assert_allclose(samples, plain, atol=1e-5)


def test_metrics_are_saved_with_the_model(tmp_path):
    model = vanilla()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    first, second = (m.evaluate(RING, verbose=0, return_dict=True) for m in (model, again))
    assert second == pytest.approx(first, rel=1e-5) and "frechet_distance" in second


def test_wrong_metrics_are_refused():
    model = vanilla()
    with pytest.raises(TypeError, match="real samples with generated ones"):
        model.compile(optimizer=model.optimizer, metrics=[keras.metrics.Mean()])
    with pytest.raises(ValueError, match="names must differ"):
        model.compile(optimizer=model.optimizer, metrics=[FrechetDistance(), FrechetDistance()])


def test_best_moment_is_kept_and_reported(tmp_path):
    said = []
    model = vanilla()
    best = BestMoment(tmp_path, print_fn=said.append)
    history = model.fit(RING, validation_data=RING, epochs=4, callbacks=[best], verbose=0).history[
        "val_frechet_distance"
    ]
    record = json.loads((tmp_path / "best.json").read_text())
    epoch, per_epoch = int(np.argmin(history)) + 1, -(-len(RING) // 64)
    best_moment = {"epoch": epoch, "batch": epoch * per_epoch, "value": min(history)}
    assert record["best"] == best_moment
    assert record["last"] == {"epoch": 4, "batch": 4 * per_epoch, "value": history[-1]}
    assert record["metric"] == "val_frechet_distance" and record["mode"] == "min"
    assert "epoch 4" in said[0]
    kept = keras.saving.load_model(best.model_file)
    logs = kept.evaluate(RING, verbose=0, return_dict=True)
    assert logs["frechet_distance"] == pytest.approx(min(history), rel=1e-4)


def test_best_moment_of_an_earlier_call_is_known(tmp_path):
    model = vanilla()
    options = {"validation_data": RING, "verbose": 0}
    model.fit(RING, epochs=2, callbacks=[BestMoment(tmp_path, print_fn=print)], **options)
    record = json.loads((tmp_path / "best.json").read_text())
    record["best"]["value"] = -1.0
    (tmp_path / "best.json").write_text(json.dumps(record))
    (tmp_path / "best.keras").write_bytes(b"kept")
    model.fit(
        RING, epochs=3, initial_epoch=2, callbacks=[BestMoment(tmp_path, print_fn=print)], **options
    )
    assert (tmp_path / "best.keras").read_bytes() == b"kept"
    assert json.loads((tmp_path / "best.json").read_text())["last"]["epoch"] == 3


def test_best_moment_of_another_model_in_the_folder_is_forgotten(tmp_path):
    options = {"validation_data": RING, "verbose": 0}
    vanilla().fit(RING, epochs=2, callbacks=[BestMoment(tmp_path, print_fn=print)], **options)
    record = json.loads((tmp_path / "best.json").read_text())
    record["best"]["value"] = -1.0
    (tmp_path / "best.json").write_text(json.dumps(record))
    (tmp_path / "best.keras").write_bytes(b"of another model")
    vanilla().fit(RING, epochs=1, callbacks=[BestMoment(tmp_path, print_fn=print)], **options)
    best = json.loads((tmp_path / "best.json").read_text())["best"]
    assert best["epoch"] == 1 and best["value"] > 0
    keras.saving.load_model(tmp_path / "best.keras")


def test_best_moment_begins_anew_with_another_model(tmp_path):
    options = {"validation_data": RING, "verbose": 0}
    best = BestMoment(tmp_path, print_fn=print)
    vanilla().fit(RING, epochs=2, callbacks=[best], **options)
    best.best = {**best.best, "value": -1.0}
    model = vanilla()
    model.fit(RING, epochs=1, callbacks=[best], **options)
    assert best.best["epoch"] == 1 and best.best["value"] > 0
    # The same model's best stays.
    best.best = {**best.best, "value": -1.0}
    model.fit(RING, epochs=2, initial_epoch=1, callbacks=[best], **options)
    assert best.best["value"] == -1.0 and best.last["epoch"] == 2


def test_metrics_used_elsewhere_in_between_forget_what_they_held():
    model = vanilla()
    data = kgan.data.ShuffledBatches((RING,), 64)
    expected = model.evaluate(data, verbose=0, return_dict=True)
    assert model.evaluate(data, verbose=0, return_dict=True) == pytest.approx(expected)
    kgan.metrics.evaluate(RING + 50, RING, metrics=model.sample_metrics)
    assert model.evaluate(data, verbose=0, return_dict=True) == pytest.approx(expected)
    for metric in model.sample_metrics:
        metric.update_state(RING + 50, None)
    assert model.evaluate(data, verbose=0, return_dict=True) == pytest.approx(expected)


def test_best_moment_says_what_it_lacks(tmp_path):
    model = vanilla()
    with pytest.raises(ValueError, match="validation_data="):
        model.fit(RING, callbacks=[BestMoment(tmp_path)], verbose=0)
    with pytest.raises(ValueError, match='mode="min"'):
        best = BestMoment(tmp_path, monitor="generator_loss")
        model.fit(RING, callbacks=[best], verbose=0)
    with pytest.raises(ValueError, match="Nothing logs 'val_frechet'.*val_frechet_distance"):
        best = BestMoment(tmp_path, monitor="val_frechet", mode="min")
        model.fit(RING, validation_data=RING, callbacks=[best], verbose=0)
    said = []
    best = BestMoment(tmp_path, monitor="diversity", mode="max", print_fn=said.append)
    model.fit(RING, callbacks=[best], verbose=0)
    assert "'diversity' was never logged" in said[0] and "generator_loss" in said[0]
    model.fit(RING, epochs=1, initial_epoch=1, callbacks=[best], verbose=0)
    assert len(said) == 1  # no epoch was left
    best = BestMoment(tmp_path, monitor="val_generator_loss", mode="min", print_fn=said.append)
    model.fit(RING, validation_data=RING, callbacks=[best], verbose=0)
    assert "Best val_generator_loss" in said[1]
    model.compile(optimizer=model.optimizer)
    with pytest.raises(ValueError, match="FrechetDistance"):
        model.fit(RING, callbacks=[BestMoment(tmp_path)], verbose=0)
    with pytest.raises(ValueError, match="Received: mode='low'"):
        BestMoment(tmp_path, mode="low")
