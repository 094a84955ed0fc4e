"""Each failure mode on a run that truly has it, and silence on one that has none."""

import json
import math

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.callbacks import measurements
from kgan.callbacks.failure_modes import FAILURE_MODES

RING = kgan.data.ring(3200, seed=0)
DIGITS = kgan.data.load("digits")


def trained(
    data,
    loss,
    rates,
    epochs,
    steps=25,
    penalties=(),
    optimizer=keras.optimizers.Adam,
    start=1.0,
    **options,
):
    """A small GAN that was watched while it learned; the discriminator's rate comes second."""
    shape = data.shape[1:]
    options = {"latent_dim": 8, "units": (64, 64), **options}
    latent_dim, units = options.pop("latent_dim"), options.pop("units")
    model = kgan.GAN(
        kgan.networks.mlp.generator(shape, latent_dim, units=units),
        kgan.networks.mlp.discriminator(shape, units=units),
        loss=loss,
        penalties=penalties,
        seed=0,
    )
    players = ("generator", "discriminator")
    kind = {"beta_1": 0.5} if optimizer is keras.optimizers.Adam else {}
    optimizers = {player: optimizer(rate, **kind) for player, rate in zip(players, rates)}
    # Keras's PyTorch trainer takes one step at a time.
    steps = 1 if keras.config.backend() == "torch" else steps
    model.compile(optimizer=optimizers, steps_per_execution=steps)
    first = model.generator.trainable_variables[0]
    first.assign(first * start)
    said = []
    health = kgan.callbacks.Health(warm_up=100, print_fn=said.append, **options)
    model.fit(data, epochs=epochs, callbacks=[health], verbose=0)
    assert len(said) == len(health.diagnoses)
    return health, said


def names(health):
    return [diagnosis["name"] for diagnosis in health.diagnoses]


def test_mode_collapse():
    # A noise that hardly reaches the output: all samples are one, wherever the players move it.
    health, said = trained(RING, "non_saturating", (1e-4, 1e-4), epochs=4, start=1e-3)
    assert names(health)[0] == "mode collapse"
    assert "minibatch_discrimination" in said[0]
    assert health.figures[-1]["diversity"] < 0.4


def test_discriminator_too_strong():
    health, said = trained(DIGITS, "minimax", (1e-5, 2e-3), epochs=7, steps=23)
    assert names(health) == ["discriminator too strong"]
    assert "log 2" in said[0] and "R1" in said[0]
    assert (
        health.figures[-1]["generator_gradient_norm"]
        < 0.1 * (health.figures[0]["generator_gradient_norm"])
    )


@pytest.mark.parametrize("loss", ["least_squares", "hinge"])
def test_a_discriminator_that_is_always_right_is_seen_where_the_samples_stand_still(loss):
    # The gradient of such a loss does not vanish, and it shows no divergence.
    health, said = trained(DIGITS, loss, (1e-6, 2e-3), epochs=7, steps=23)
    assert names(health) == ["discriminator too strong"]
    assert "come no nearer" in said[0] and "last 4 looks" in said[0]
    # The samples were looked at in the warm-up, of 100 batches, too.
    assert 100 <= health.diagnoses[0]["batch"] <= 150


def test_a_discriminator_that_is_always_right_while_samples_improve_is_no_failure():
    from kgan.callbacks.failure_modes import _stands_apart

    def history(energies, accuracy=1.0):
        known = {"accuracy_real": accuracy, "accuracy_fake": 1.0, "has_threshold": True}
        return [{**known, "energy": energy} for energy in energies]

    assert _stands_apart(history([0.5, 0.5, 0.49, 0.48]))
    # Measured: an early dcgan of emoji.
    assert _stands_apart(history([0.43, 0.49, 0.33, 0.31])) is None
    assert _stands_apart(history([0.5, 0.5, 0.5])) is None
    assert _stands_apart(history([0.5] * 4, accuracy=0.97)) is None
    assert _stands_apart(history([0.01] * 4)) is None
    rows = history([0.5] * 4)
    assert _stands_apart([*rows[:-1], {**rows[-1], "has_threshold": False}]) is None


def test_discriminator_too_weak():
    health, said = trained(RING, "non_saturating", (1e-4, 1e-6), epochs=4)
    assert names(health) == ["discriminator too weak"]
    assert "only guesses" in said[0]


def test_divergence():
    # A critic that nothing holds: its scores grow without bound.
    health, said = trained(
        RING, "wasserstein", (5e-2, 5e-2), epochs=10, optimizer=keras.optimizers.RMSprop
    )
    assert "divergence" in names(health)
    assert "GradientPenalty" in said[names(health).index("divergence")]


def test_memorisation():
    health, said = trained(
        np.repeat(DIGITS[:4], 400, axis=0),
        "non_saturating",
        (1e-3, 1e-3),
        epochs=20,
        steps=25,
        latent_dim=4,
        units=(128, 128),
    )
    assert "memorisation" in names(health)
    assert health.figures[-1]["nearness"] < 0.6


def test_healthy_run_is_not_disturbed():
    health, said = trained(
        DIGITS,
        "non_saturating",
        (1e-3, 1e-3),
        epochs=12,
        steps=23,
        units=(128, 128),
        penalties=(kgan.losses.R1(0.1),),
    )
    assert said == [] and len(health.figures) == 12
    assert health.figures[-1]["nearness"] > 1.0
    assert health.figures[-1]["energy"] < health.figures[0]["energy"]


def test_training_is_what_it_would_be_without_it():
    def weights(callbacks):
        keras.utils.set_random_seed(0)
        model = kgan.zoo.load("dcgan", like=DIGITS, width=4, latent_dim=4, seed=0)
        model.fit(DIGITS[:64], batch_size=16, epochs=2, callbacks=callbacks, verbose=0)
        return model.get_weights()

    watched = weights([kgan.callbacks.Health(num_samples=32)])
    for first, second in zip(watched, weights([])):
        np.testing.assert_array_equal(first, second)


def test_figures_are_in_the_logs_and_in_the_file(tmp_path):
    keras.utils.set_random_seed(0)
    model = kgan.zoo.load("vanilla", like=(2,), seed=0)
    health = kgan.callbacks.Health(folder=tmp_path, num_samples=64, every=2)
    history = model.fit(RING[:128], epochs=3, callbacks=[health], verbose=0).history
    kept = json.loads((tmp_path / "health.json").read_text())
    assert [row["epoch"] for row in kept["figures"]] == [1, 3]
    assert history["energy"] == [kept["figures"][i]["energy"] for i in (0, 0, 1)]
    # What smudges and noise are good under is for the diagnoses, and nowhere else.
    hidden = {"diversity", "precision", "nearness"}
    assert hidden <= set(kept["figures"][0]) and not hidden & set(history)
    assert {"accuracy_real", "generator_gradient_norm", "jensen_shannon"} <= set(history)
    # A new callback on the same folder goes on where the model stands.
    again = kgan.callbacks.Health(folder=tmp_path, num_samples=64)
    model.fit(RING[:128], initial_epoch=3, epochs=4, callbacks=[again], verbose=0)
    assert [row["epoch"] for row in again.figures] == [1, 3, 4]


def test_the_folder_is_there_for_others_and_held_out_figures_are_kept(tmp_path):
    model = kgan.zoo.load("vanilla", like=(2,), seed=0)
    model.compile(optimizer=model.optimizer, metrics=[kgan.metrics.SlicedWasserstein()])
    folder = tmp_path / "new"
    health = kgan.callbacks.Health(folder=folder, num_samples=32, warm_up=7)
    history = model.fit(
        RING[:64],
        epochs=4,
        validation_data=RING[64:128],
        validation_freq=2,
        callbacks=[health, keras.callbacks.CSVLogger(folder / "history.csv")],
        verbose=0,
    ).history
    kept = json.loads((folder / "health.json").read_text())
    assert kept["warm_up"] == 7
    assert [row["epoch"] for row in kept["held_out"]] == [2, 4]
    found = [row["val_sliced_wasserstein"] for row in kept["held_out"]]
    assert found == history["val_sliced_wasserstein"]
    assert not any(name.startswith("val_") for row in kept["figures"] for name in row)


def test_figures_of_another_model_in_the_folder_stop_no_training(tmp_path):
    rows = [{"epoch": 1, "batch": 0, "diversity": 1.0, "coverage": 1.0, "precision": 1.0}]
    (tmp_path / "health.json").write_text(json.dumps({"figures": rows, "diagnoses": []}))
    model = kgan.zoo.load("vanilla", like=(2,), seed=0)
    health = kgan.callbacks.Health(folder=tmp_path, num_samples=32, print_fn=lambda text: None)
    model.fit(RING[:64], callbacks=[health], verbose=0)
    assert len(health.figures) == 2


def test_a_translator_is_told_of_its_inputs_and_not_of_noise():
    figures = {"diversity": 0.2, "precision": 0.1, "coverage": 0.1, "answers_inputs": True}
    found = [failure for failure in FAILURE_MODES if failure.name not in ("divergence",)]
    found = [failure for failure in found if failure.holds([{**figures, "energy": 0.5}])]
    assert [failure.name for failure in found] == ["inputs ignored"]
    assert "noise" not in found[0].holds([figures]) and "discriminator_steps" not in found[0].advice
    figures["answers_inputs"] = False
    collapse = next(failure for failure in FAILURE_MODES if failure.name == "mode collapse")
    assert "many noises" in collapse.holds([figures]) and found[0].holds([figures]) is None


def test_a_generator_of_batches_needs_real_samples():
    model = kgan.zoo.load("vanilla", like=(2,), seed=0)
    batches = (RING[:32] for _ in range(4))
    with pytest.raises(ValueError, match=r"Health\(real=x\)"):
        model.fit(batches, callbacks=[kgan.callbacks.Health()], verbose=0)
    assert int(ops.convert_to_numpy(model.optimizer.iterations)) == 0
    batches = (RING[:32] for _ in range(4))
    model.fit(batches, callbacks=[kgan.callbacks.Health(real=RING[:64])], verbose=0)


def test_datasets_and_pairs():
    images = DIGITS[:48]
    model = kgan.zoo.load("pix2pix", like=(images, images), width=4, discriminator_width=4, seed=0)
    health = kgan.callbacks.Health(num_samples=48)
    batches = kgan.data.ShuffledBatches((images, 255 - images), 16)
    model.fit(batches, callbacks=[health], verbose=0)
    assert {"accuracy_real", "discriminator_gradient_norm", "energy"} <= set(health.figures[0])
    # Real samples are the second field's: what the translations should look like.
    assert health._batch[model.imitated_field].mean() == pytest.approx(
        kgan.data.to_float(255 - images).mean(), abs=1e-5
    )


def test_a_translator_that_hits_its_targets_is_not_called_a_copier():
    figures = {"nearness": 0.05, "diversity": 1.0, "precision": 1.0, "coverage": 1.0}
    memorisation = next(failure for failure in FAILURE_MODES if failure.name == "memorisation")
    assert memorisation.holds([figures])
    assert memorisation.holds([{**figures, "answers_inputs": True}]) is None
    model = kgan.zoo.load("pix2pix", like=(DIGITS, DIGITS), width=4, discriminator_width=4, seed=0)
    model.sample_like = lambda fields, seed=0, as_made=False: (
        fields[1],
        fields[1],
    )  # no error is smaller
    health = kgan.callbacks.Health(num_samples=16, warm_up=0, patience=1)
    model.fit(DIGITS[:32], DIGITS[:32], batch_size=16, callbacks=[health], verbose=0)
    assert health.figures[-1]["nearness"] == pytest.approx(0.0, abs=1e-6)
    assert "memorisation" not in [diagnosis["name"] for diagnosis in health.diagnoses]


def test_a_gradient_that_vanishes_is_seen_whatever_the_player_is_called():
    strong = next(
        failure for failure in FAILURE_MODES if failure.name == "discriminator too strong"
    )
    sides = {"accuracy_real": 1.0, "accuracy_fake": 1.0}
    history = [{**sides, "generators_gradient_norm": norm} for norm in (1.0, 0.5, 0.001)]
    assert "generators" in strong.holds(history)
    assert strong.holds(history[:2]) is None


def test_a_reference_of_large_samples_is_bounded(monkeypatch):
    monkeypatch.setattr("kgan.callbacks.health._MOST_NUMBERS", 64 * 40)
    model = kgan.zoo.load("dcgan", like=DIGITS, width=4, latent_dim=4, seed=0)
    for data in (DIGITS, kgan.data.ShuffledBatches((DIGITS,), 16)):
        health = kgan.callbacks.Health(num_samples=16)
        model.fit(data, steps_per_epoch=1, callbacks=[health], verbose=0)
        assert len(health._nearness.real) <= 40 and len(health._real) == 16


def test_samples_that_are_not_finite_are_a_divergence_and_end_nothing():
    model = kgan.zoo.load("vanilla", like=(2,), seed=0)
    model.sample_like = lambda fields, seed=0, as_made=False: (
        fields[0],
        np.full_like(fields[0], np.nan),
    )
    said = []
    health = kgan.callbacks.Health(num_samples=16, print_fn=said.append)
    model.fit(RING[:64], batch_size=32, callbacks=[health], verbose=0)
    assert math.isnan(health.figures[-1]["diversity"]) and math.isnan(
        health.figures[-1]["nearness"]
    )
    assert names(health) == ["divergence"] and "NaN" in said[0]


def test_one_sample_alone_cannot_be_copied():
    alone = measurements.Nearness(np.zeros((1, 2), "float32"), num_samples=16)
    assert alone(np.ones((4, 2), "float32")) == 1.0


def test_what_was_found_on_another_model_is_forgotten(tmp_path):
    health = kgan.callbacks.Health(num_samples=16, folder=tmp_path)
    for epochs in (3, 2):
        model = kgan.zoo.load("vanilla", like=(2,), seed=0)
        model.fit(RING[:64], batch_size=32, epochs=epochs, callbacks=[health], verbose=0)
        assert [row["epoch"] for row in health.figures] == list(range(1, epochs + 1))
    # Its own go on.
    model.fit(RING[:64], batch_size=32, epochs=4, initial_epoch=2, callbacks=[health], verbose=0)
    assert [row["batch"] for row in health.figures] == [2, 4, 6, 8]


def test_accuracies_by_hand():
    real, fake = np.array([1.0, 2.0, -1.0, 0.0]), np.array([-1.0, 3.0])
    assert measurements.accuracies(kgan.losses.NonSaturating(), real, fake) == (0.625, 0.5)
    # Least squares aims at 0 and 1; a critic's scores are parted in the middle of their means.
    assert measurements.accuracies(kgan.losses.LeastSquares(), real, fake) == (0.5, 0.5)
    assert measurements.accuracies(kgan.losses.Wasserstein(), real + 10, fake + 10) == (0.5, 0.5)


def test_divergence_that_the_loss_shows_has_its_closed_form():
    loss = kgan.losses.NonSaturating(label_smoothing=0.1)
    assert measurements.jensen_shannon(loss, np.zeros(4, "float32"), np.zeros(4, "float32")) == 0.0
    # The best discriminator of p = (3/4, 1/4) and q = (1/4, 3/4): log p/q, under p and under q.
    best = np.log(3.0) * np.array([1, 1, 1, -1], "float32")
    p, q = np.array([0.75, 0.25]), np.array([0.25, 0.75])
    exact = 0.5 * (p * np.log(2 * p)).sum() + 0.5 * (q * np.log(2 * q)).sum()
    assert measurements.jensen_shannon(loss, best, -best) == pytest.approx(exact, abs=1e-6)
    far = np.full(4, 50.0, "float32")
    assert measurements.jensen_shannon(loss, far, -far) == pytest.approx(math.log(2.0), abs=1e-6)
    assert measurements.jensen_shannon(kgan.losses.Wasserstein(), far, -far) is None


def test_spread_by_hand():
    square = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    same = measurements.spread(square, square)
    assert set(same) == set(measurements.SPREAD)
    assert same == pytest.approx(
        {"diversity": 1.0, "coverage": 1.0, "precision": 1.0, "energy": -1 / 3}
    )
    point = measurements.spread(square, np.zeros((4, 2), "float32"))
    assert point["diversity"] == 0.0
    far = measurements.spread(square, square + 100.0)
    assert far["coverage"] == far["precision"] == 0.0 and far["energy"] > 0.98


def test_copies_are_near_and_new_samples_are_not():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(500, 20)).astype("float32")
    new = rng.normal(size=(200, 20)).astype("float32")
    nearness = measurements.Nearness(data, num_samples=500)
    assert nearness(data[:50]) < 1e-3
    assert nearness(new) == pytest.approx(1.0, abs=0.05)
    # By hand, from all distances.
    apart = np.linalg.norm(data[:, None] - data, axis=2) + np.diag(np.full(500, np.inf))
    made = np.linalg.norm(new[:, None] - data, axis=2)
    expected = np.median(made.min(axis=1)) / np.median(apart.min(axis=1))
    assert nearness(new) == pytest.approx(expected, rel=1e-5)


def test_gradient_norms_have_their_closed_form():
    """A linear critic's mean score has the gradient (mean x, 1), whatever its weights are."""
    inputs = keras.Input((2,))
    critic = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    noise = keras.Input((2,))
    generator = keras.Model(noise, keras.layers.Dense(2, kernel_initializer="zeros")(noise))
    model = kgan.GAN(generator, critic, loss="wasserstein", seed=0)
    model.compile(optimizer="sgd")
    before = [np.array(weight) for weight in model.get_weights()]
    x = np.array([[3.0, 0.0], [5.0, 6.0]], "float32")
    norms = model.gradient_norms((x,))
    # Fakes are all 0, so the loss is w . (0 - mean x): the bias cancels out.
    assert norms["discriminator"] == pytest.approx(5.0, abs=1e-5)
    for first, second in zip(before, model.get_weights()):
        np.testing.assert_array_equal(first, second)


def test_logits_are_those_of_the_game():
    """BatchNorm's statistics are the batch's in training, and looking does not move them."""
    images = kgan.data.load("digits", size=16)[:16]  # 8x8 leaves no layer with BatchNorm
    model = kgan.zoo.load("dcgan", like=images, width=4, latent_dim=4, seed=0)
    real = kgan.data.to_float(images)
    before = [np.array(weight) for weight in model.get_weights()]
    logits, _ = model.training_logits((real,), -real)
    for first, second in zip(before, model.get_weights()):
        np.testing.assert_array_equal(first, second)
    played = ops.convert_to_numpy(model.discriminator(real, training=True))
    np.testing.assert_allclose(logits, played, rtol=1e-5, atol=1e-5)
    apart = ops.convert_to_numpy(model.discriminator(real, training=False))
    assert np.abs(logits - apart).max() > 1e-3


def test_distances_between_an_extractors_features():
    images = kgan.data.load("digits", size=28)[:48]
    model = kgan.zoo.load("dcgan", like=images, width=4, latent_dim=4, seed=0)
    for extractor in ("digit_judge", lambda samples: samples[:, ::7, ::7, 0]):
        health = kgan.callbacks.Health(extractor=extractor, num_samples=32)
        model.fit(images, verbose=0, callbacks=[health])
        assert health._nearness.real.shape[1] == (96 if extractor == "digit_judge" else 16)
        assert np.isfinite(list(health.figures[0].values())).all()


class OfTensors(kgan.GAN):
    """A user's model, whose own methods return tensors."""

    def training_logits(self, batch, fake):
        return tuple(map(ops.convert_to_tensor, super().training_logits(batch, fake)))

    def sample_like(self, batch, seed=0, as_made=False):
        real, fake = super().sample_like(batch, seed, as_made)
        return real, ops.convert_to_tensor(fake)


class OwnLoss:
    """No `kgan.losses.AdversarialLoss`: it has no `jensen_shannon`."""

    threshold = 0.0


def own_model(kind, **attributes):
    networks = kgan.networks.mlp
    model = kind(networks.generator((2,), 2, units=(8,)), networks.discriminator((2,), units=(8,)))
    for name, value in attributes.items():
        setattr(type(model), name, value)
    model.compile(optimizer="adam")
    return model


def test_tensors_of_a_model_of_ones_own_are_taken():
    said = []
    health = kgan.callbacks.Health(num_samples=16, print_fn=said.append)
    own_model(OfTensors).fit(RING[:64], epochs=2, callbacks=[health], verbose=0)
    assert len(health.figures) == 2 and 0 < health.figures[0]["energy"] < 1
    # Said once, at the end.
    assert len(said) == 1 and "too early to tell" in said[0] and "this run has 2" in said[0]


def test_what_a_model_of_ones_own_lacks_is_said_before_the_first_step():
    class Incomplete(kgan.GAN):
        adversarial_loss = OwnLoss()

    model = own_model(Incomplete)
    with pytest.raises(
        ValueError, match="before the first step.*class Incomplete, and .*jensen_sh"
    ):
        model.fit(RING[:64], callbacks=[kgan.callbacks.Health(num_samples=16)], verbose=0)
    assert model.batches_seen == 0


def test_images_are_compared_by_what_they_show_and_a_real_picture_is_kept(tmp_path):
    model = kgan.zoo.load("dcgan", like=DIGITS, width=4, latent_dim=4, seed=0)
    health = kgan.callbacks.Health(folder=tmp_path, num_samples=32)
    model.fit(DIGITS[:128], epochs=1, callbacks=[health], verbose=0)
    kept = json.loads((tmp_path / "health.json").read_text())
    assert "image_features" in kept["extractor"] and (tmp_path / "real.png").is_file()
    # Between two sets of real samples.
    assert kept["of_real"]["energy"] < 0.1 < kept["figures"][0]["energy"]
    assert kept["of_real"]["coverage"] > 0.7 > kept["figures"][0]["coverage"]
