"""What once went wrong, kept from coming back."""

import threading

import keras
import numpy as np
import pytest

import kgan


def averaged(**options):
    model = kgan.GAN(
        kgan.networks.mlp.generator((2,), 3, units=(4,)),
        kgan.networks.mlp.discriminator((2,), units=(4,)),
        seed=0,
        **options,
    )
    generator = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9)
    model.compile({"discriminator": "sgd", "generator": generator})
    return model


def ring(n=64):
    return kgan.data.toys.ring(n, seed=0)


def test_an_average_that_has_not_begun_makes_no_samples():
    model = averaged(discriminator_steps=5)
    before = model.generate(3, seed=0)
    model.fit(ring(), batch_size=32, verbose=0)
    assert np.abs(before).max() > 0
    np.testing.assert_array_equal(model.generate(3, seed=0), before)


def test_averaged_weights_nest_and_threads_wait_for_each_other():
    model = averaged()
    model.fit(ring(), batch_size=8, verbose=0)
    weights = model.get_weights()
    with model.averaged_weights(), model.averaged_weights():
        inner = model.get_weights()
    assert any(not np.array_equal(a, b) for a, b in zip(inner, weights, strict=True))
    threads = [threading.Thread(target=model.generate, args=(2,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for kept, weight in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(kept, weight)


def test_weights_put_back_by_hand_are_those_that_generate():
    model = averaged()
    model.fit(ring(), batch_size=8, verbose=0)
    weights = model.get_weights()
    model.fit(ring(), batch_size=8, verbose=0)
    model.set_weights(weights)
    noise = kgan.latent.sample((3, 3), seed=0)
    np.testing.assert_allclose(
        model.decode(noise), np.asarray(model.predict(noise, verbose=0)), rtol=1e-5, atol=1e-6
    )


def test_evaluate_changes_nothing_that_training_draws():
    first, second = averaged(), averaged()
    second.set_weights(first.get_weights())
    for model, looks in ((first, False), (second, True)):
        model.fit(ring(), verbose=0)
        if looks:
            once = model.evaluate(ring(), verbose=0)
            assert once == model.evaluate(ring(), verbose=0)
        model.fit(ring(), verbose=0)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_penalties_of_one_name_are_refused():
    with pytest.raises(ValueError, match="names must differ.*Received"):
        averaged(penalties=(kgan.losses.R1(1.0), kgan.losses.R1(2.0)))


class Louder(kgan.GAN):
    def __init__(self, generator, discriminator, gain=1.0, **kwargs):
        super().__init__(generator, discriminator, **kwargs)
        self.gain = gain


def test_a_subclass_with_kwargs_keeps_its_whole_configuration(tmp_path):
    model = Louder(
        kgan.networks.mlp.generator((2,), 3, units=(4,)),
        kgan.networks.mlp.discriminator((2,), units=(4,)),
        gain=3.0,
        loss="hinge",
        noise="uniform",
        discriminator_steps=3,
        seed=7,
    )
    model.compile("sgd")
    model.save(tmp_path / "louder.keras")
    copy = keras.saving.load_model(tmp_path / "louder.keras")
    assert isinstance(copy, Louder) and copy.gain == 3.0 and copy.seed == 7
    assert isinstance(copy.loss, kgan.losses.Hinge)
    assert (copy.noise, copy.discriminator_steps) == ("uniform", 3)


def test_loss_scaling_follows_the_model_and_not_the_process(tmp_path):
    model = averaged()
    model.fit(ring(), verbose=0)
    model.save(tmp_path / "float32.keras")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        copy = keras.saving.load_model(tmp_path / "float32.keras")
        half = averaged()
    finally:
        keras.config.set_dtype_policy("float32")
    scaler = keras.optimizers.LossScaleOptimizer
    assert not any(isinstance(inner, scaler) for inner in copy.optimizer.optimizers)
    assert float(copy.optimizer["generator"].iterations) == 1
    half.compile("sgd")
    assert all(isinstance(inner, scaler) for inner in half.optimizer.optimizers)


def test_an_optimizer_of_another_model_is_refused():
    optimizer = {"discriminator": keras.optimizers.SGD(), "generator": keras.optimizers.SGD()}
    averaged().compile(optimizer)
    with pytest.raises(ValueError, match="built on other variables.*Received"):
        averaged().compile(optimizer)


def test_every_small_verb_of_keras_works():
    model = averaged()
    lines = []
    model.summary(print_fn=lambda line, line_break=True: lines.append(line))
    assert "generator" in "\n".join(lines) and "discriminator" in "\n".join(lines)
    logs = model.train_on_batch(ring(8), return_dict=True)
    assert np.isfinite(logs["generator_loss"])
    assert int(model.optimizer.iterations) == 1
    assert np.isfinite(model.test_on_batch(ring(8), return_dict=True)["discriminator_loss"])
    assert int(model.optimizer.iterations) == 1


def test_weights_that_the_last_step_broke_are_not_saved(tmp_path):
    model = averaged()
    model.compile("sgd")
    model.optimizer["generator"].learning_rate = np.inf  # compile refuses it
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="player 'generator' became NaN or infinite"):
        model.fit(ring(), callbacks=[checkpoint], verbose=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(keras.config.backend() == "torch", reason="Keras on torch allows one step")
def test_several_steps_per_call_play_the_same_game():
    states = []
    for steps in (1, 3):
        model = averaged(discriminator_steps=2)
        rng = np.random.default_rng(0)
        model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
        model.compile("sgd", steps_per_execution=steps)
        history = model.fit(ring(80), batch_size=16, verbose=0).history  # five batches: 3 + 2
        assert int(model.optimizer.iterations) == 5
        assert int(model.optimizer["generator"].iterations) == 2
        states.append([*model.get_weights(), history["generator_loss"]])
    for one, three in zip(*states, strict=True):
        np.testing.assert_allclose(one, three, rtol=1e-5, atol=1e-6)


def test_xla_is_left_out_on_tensorflow_cpus_and_used_on_jax():
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            pytest.skip("there is a GPU, where XLA is used")
    model = averaged()
    assert model.jit_compile == (keras.config.backend() == "jax")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="reads TensorFlow's graph")
def test_no_weight_moves_before_the_whole_loss_is_known():
    # R1 reads a bias that it has no gradient for, so nothing but an order holds the bias back.
    import tensorflow as tf

    model = kgan.GAN(
        kgan.networks.mlp.generator((2,), 3, units=(4,)),
        kgan.networks.mlp.discriminator((2,), units=(4,)),
        penalties=(kgan.losses.R1(1.0),),
        seed=0,
    )
    model.compile("sgd")
    losses = []
    model.track = lambda name, loss, terms, batch: losses.append(loss)
    turn = tf.function(lambda batch: model._turn("discriminator", batch))
    graph = turn.get_concrete_function(tf.TensorSpec((8, 2))).graph
    moves = [op for op in graph.get_operations() if op.type == "AssignSubVariableOp"]
    assert len(moves) == len(model.player_variables["discriminator"])
    for move in moves:
        before, found = [move], {move.name}
        while before:
            op = before.pop()
            for earlier in [*op.control_inputs, *(tensor.op for tensor in op.inputs)]:
                if earlier.name not in found:
                    found.add(earlier.name)
                    before.append(earlier)
        assert losses[-1].op.name in found
