"""What another thread does with a model during `fit` leaves the training as it is."""

import threading

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.game.step_lock import StepLock

POINTS = kgan.data.ring(256, seed=0)


def model_of(averaged, **options):
    keras.utils.set_random_seed(0)
    model = kgan.GAN(
        kgan.networks.mlp.generator((2,), 4, units=(8,)),
        kgan.networks.mlp.discriminator((2,), units=(8,)),
        seed=0,
        **options,
    )
    averages = {"use_ema": True, "ema_momentum": 0.9} if averaged else {}
    model.compile(optimizer=keras.optimizers.Adam(1e-2, **averages))
    return model


def fit(model, *callbacks):
    history = model.fit(
        POINTS,
        batch_size=32,
        epochs=2,
        verbose=0,
        validation_data=POINTS[:40],
        callbacks=list(callbacks),
    )
    states = (model.variables, model.optimizer.variables, model.metrics_variables)
    with model.between_steps():
        return history.history, [ops.convert_to_numpy(v) for group in states for v in group]


class Reader(threading.Thread):
    """Calls functions of the model in turn, as long as the context lasts."""

    def __init__(self, model, functions):
        super().__init__(daemon=True)
        self.model, self.functions = model, functions
        self.calls, self.errors, self._ends = 0, [], threading.Event()

    def run(self):
        while not self._ends.is_set() and not self.errors:
            try:
                self.functions[self.calls % len(self.functions)](self.model)
            except BaseException as error:
                self.errors.append(error)
            self.calls += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self._ends.set()
        self.join(60)
        assert not self.is_alive() and not self.errors and self.calls > 3, self.errors


def assert_same(one, other):
    assert one[0] == other[0]
    for ours, theirs in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("averaged", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_fit_is_bit_equal_with_a_reader_beside_it(averaged, tmp_path):
    functions = [
        lambda model: model.generate(70, seed=0),
        lambda model: model.run("generate", num_samples=3, seed=1),
        lambda model: model.evaluate(POINTS[:100], verbose=0),
        lambda model: model.save_weights(tmp_path / "m.weights.h5"),
        lambda model: model.predict(np.zeros((4, 4), "float32"), verbose=0),
        lambda model: model.gradient_norms((POINTS[:16],)),
        lambda model: model.get_weights(),
        lambda model: model.batches_seen,
    ]
    alone = fit(model_of(averaged))
    model = model_of(averaged)
    with Reader(model, functions):
        beside = fit(model)
    assert_same(alone, beside)


@pytest.mark.slow
def test_an_export_beside_fit_changes_nothing(tmp_path):
    if keras.config.backend() != "tensorflow":
        pytest.skip("a process of its own for each export: the lock is the same")
    alone = fit(model_of(True))
    model = model_of(True)
    with Reader(model, [lambda model: model.export(tmp_path / "served")]):
        beside = fit(model, Patient(8))
    assert_same(alone, beside)


class Patient(keras.callbacks.Callback):
    """Leaves other threads time to ask before each step."""

    def __init__(self, milliseconds):
        super().__init__()
        self.seconds = milliseconds / 1000

    def on_train_batch_begin(self, batch, logs=None):
        threading.Event().wait(self.seconds)


@pytest.mark.slow
def test_translations_beside_fit_change_nothing():
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype="uint8")

    def run(reader):
        keras.utils.set_random_seed(0)
        read, answer = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
        pair = keras.layers.Concatenate()([read, answer])
        model = kgan.PairedTranslator(
            keras.Model(read, keras.layers.Conv2D(1, 3, padding="same", activation="tanh")(read)),
            keras.Model([read, answer], keras.layers.Conv2D(1, 3)(pair)),
            seed=0,
        )
        model.compile(optimizer=keras.optimizers.SGD(1e-3))
        readers = [lambda model: model.translate(images[:3])] if reader else [lambda model: None]
        with Reader(model, readers):
            model.fit(images, images, batch_size=4, epochs=3, verbose=0, callbacks=[Patient(20)])
        return {}, model.get_weights()

    assert_same(run(reader=False), run(reader=True))


class Counting(kgan.AdversarialModel):
    """Two players that each add one to their weight in a step: between steps both are equal."""

    players = {
        name: kgan.Player(networks=(name,), terms=("distance",)) for name in ("first", "second")
    }
    fields = (kgan.data.Vectors((1,)),)

    def __init__(self, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        for name in self.players:
            layers = [keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]
            setattr(self, name, keras.Sequential(layers))
            getattr(self, name).set_weights([np.zeros((1, 1), "float32")])
        self.built = True

    @property
    def endpoints(self):
        return {
            "compare": kgan.Endpoint(
                function=lambda x: ops.concatenate([self.first(x), self.second(x)], -1),
                inputs=self.fields,
                output=kgan.data.Vectors((2,)),
                networks=("first", "second"),
            )
        }

    def first_loss(self, x):
        return {"distance": -ops.mean(self.first(x))}

    def second_loss(self, x):
        return {"distance": -ops.mean(self.second(x))}


def test_a_reader_sees_whole_steps():
    model = Counting(seed=0)
    model.compile(optimizer=keras.optimizers.SGD(1.0))
    seen = []

    def look(model):
        seen.append(model.run("compare", np.ones((1, 1), "float32"))[0])
        with model.between_steps():
            values = [model.first.get_weights()[0], model.second.get_weights()[0]]
        seen.append(np.ravel(values))

    with Reader(model, [look]):
        model.fit(np.ones((400, 1), "float32"), batch_size=4, epochs=2, verbose=0)
    seen = np.stack(seen)
    np.testing.assert_array_equal(seen[:, 0], seen[:, 1])
    np.testing.assert_array_equal(seen, np.round(seen))
    assert len(np.unique(seen)) > 3, "it looked while the model trained"


def test_evaluating_in_a_callback_leaves_the_logs_of_fit_as_they_are():
    class Evaluating(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch in (2, 5):
                self.model.evaluate(POINTS[:20], verbose=0)

    assert_same(fit(model_of(True)), fit(model_of(True), Evaluating()))


def test_callbacks_use_the_model_while_readers_wait():
    class Using(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.generate(3, seed=0)
            with self.model.averaged_weights():
                self.model.get_weights()

    model = model_of(True)
    with Reader(model, [lambda model: model.generate(3, seed=0)]):
        fit(model, Using())


def test_a_second_fit_is_refused_and_an_error_in_fit_lets_the_model_go():
    model, errors = model_of(False), []

    class Fitting(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                thread = threading.Thread(target=self.again)
                thread.start()
                thread.join(60)
                raise KeyboardInterrupt

        def again(self):
            try:
                model.fit(POINTS, verbose=0)
            except RuntimeError as error:
                errors.append(str(error))

    with pytest.raises(KeyboardInterrupt):
        fit(model, Fitting())
    assert len(errors) == 1 and "Another thread trains this model" in errors[0]
    with Reader(model, [lambda model: model.generate(3, seed=0)]):
        fit(model)


def test_the_lock_goes_to_those_who_wait_in_their_order():
    lock, order, waiting = StepLock(), [], []

    def wait(name):
        with lock:
            order.append(name)

    with lock.fitting():
        for name in "abc":
            waiting.append(threading.Thread(target=wait, args=name))
            waiting[-1].start()
            while len(lock._waiting) < len(waiting):
                threading.Event().wait(0.001)
        with lock:
            lock.give_way()  # in an inner block: not yet
        assert order == []
        lock.give_way()
        assert order == ["a", "b", "c"]
    for thread in waiting:
        thread.join(10)
