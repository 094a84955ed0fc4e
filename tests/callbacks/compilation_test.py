"""Watching compiles its programs once, not at each look or run, and only those that it needs."""

import keras
import pytest

import kgan


@pytest.fixture
def compilations():
    import jax

    found = []

    def listen(event, duration, **kwargs):
        if event == "/jax/core/compile/backend_compile_duration":
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield found
    jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="only JAX tells when it compiles")
def test_looks_and_runs_after_the_first_compile_nothing(compilations, tmp_path):
    images = kgan.data.load("digits")[:64]
    model = kgan.zoo.load("dcgan", like=images, width=2, seed=0)
    model.compile(optimizer=model.optimizer, metrics=[kgan.metrics.SlicedWasserstein()])

    def watched(epochs):
        callbacks = [
            kgan.callbacks.Health(folder=tmp_path, num_samples=32, print_fn=lambda text: None),
            kgan.callbacks.SampleGrid(tmp_path),
        ]
        model.fit(
            images,
            batch_size=16,
            epochs=epochs,
            validation_data=images[:32],
            callbacks=callbacks,
            verbose=0,
        )

    watched(1)
    assert compilations
    compilations.clear()
    watched(1)
    watched(3)
    assert not compilations


def refuse(*args, **kwargs):
    raise AssertionError("drawn")


def test_shipped_networks_draw_no_weights(monkeypatch):
    # A program for each shape: on JAX that took longer than all else that Health compiles.
    monkeypatch.setattr(keras.initializers.GlorotUniform, "__call__", refuse)
    kgan.metrics.image_features()
    kgan.metrics.feature_maps()
    with pytest.raises(AssertionError, match="drawn"):
        kgan.metrics.image_features(weights=None)
