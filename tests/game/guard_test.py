import keras
import numpy as np
import pytest

import kgan


class Breaking(kgan.GAN):
    """Its generator's term is not a number from its first move on."""

    value = np.nan

    def generator_loss(self, x, *labels):
        terms = super().generator_loss(x, *labels)
        return {name: term + self.value for name, term in terms.items()}


class Exploding(Breaking):
    value = np.inf


def model_of(kind=Breaking, **options):
    model = kind(
        kgan.networks.mlp.generator((2,), 4, units=(8,)),
        kgan.networks.mlp.discriminator((2,), units=(8,)),
        seed=0,
        **options,
    )
    model.compile(optimizer="sgd")
    return model


POINTS = kgan.data.ring(64, seed=0)


def test_fit_names_the_player_and_the_term():
    with pytest.raises(
        ValueError, match="'adversarial' of player 'generator' became nan"
    ) as caught:
        model_of().fit(POINTS, batch_size=16, verbose=0)
    assert "batch 1 of epoch 1" in str(caught.value)
    assert "generator_adversarial=nan" in str(caught.value)


def test_infinity_stops_training_too():
    with pytest.raises(ValueError, match="became inf"):
        model_of(Exploding).fit(POINTS, batch_size=16, verbose=0)


def test_a_loss_that_breaks_between_looks_is_found_by_the_end_of_the_epoch():
    guard = kgan.callbacks.NaNGuard(every=100)
    # The generator moves on batch 3 first, and the guard looks at batch 1 and at the end.
    with pytest.raises(ValueError, match="end of epoch 1"):
        model_of(discriminator_steps=3).fit(POINTS, batch_size=16, verbose=0, callbacks=[guard])


def test_looking_often_finds_it_at_once():
    guard = kgan.callbacks.NaNGuard(every=1)
    with pytest.raises(ValueError, match="batch 3 of epoch 1"):
        model_of(discriminator_steps=3).fit(POINTS, batch_size=16, verbose=0, callbacks=[guard])


def test_the_broken_model_is_not_saved(tmp_path):
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    with pytest.raises(ValueError, match="became nan"):
        model_of().fit(POINTS, verbose=0, callbacks=[checkpoint])
    assert list(tmp_path.iterdir()) == []


def test_keras_own_guard_takes_its_place():
    history = model_of().fit(
        POINTS, epochs=3, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()]
    )
    assert len(history.epoch) == 1


def test_healthy_losses_pass():
    history = model_of(kgan.GAN).fit(POINTS, epochs=2, verbose=0)
    assert history.epoch == [0, 1]


@pytest.mark.parametrize(("every", "error"), [(0, ValueError), (1.5, TypeError)])
def test_every_is_a_positive_integer(every, error):
    with pytest.raises(error, match=f"every={every}"):
        kgan.callbacks.NaNGuard(every=every)


class Diverging(Breaking):
    value = -1e19


def test_a_loss_beyond_all_measure_stops_training_with_its_player_term_and_value(tmp_path):
    path = tmp_path / "m.weights.h5"
    saved = keras.callbacks.ModelCheckpoint(str(path), save_weights_only=True)
    with pytest.raises(ValueError, match="'adversarial' of player 'generator' diverged") as caught:
        model_of(Diverging).fit(POINTS, batch_size=16, verbose=0, callbacks=[saved])
    assert "generator_adversarial=-1e+19" in str(caught.value) or "-9.99" in str(caught.value)
    assert not path.exists()


def test_large_losses_by_nature_may_pass():
    guard = kgan.callbacks.NaNGuard(limit=1e30)
    model_of(Diverging).fit(POINTS, batch_size=16, verbose=0, callbacks=[guard])
    with pytest.raises(ValueError, match="limit"):
        kgan.callbacks.NaNGuard(limit=0.0)
