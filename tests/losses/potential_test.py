import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import losses
from kgan.backend import input_gradient
from kgan.losses import QuadraticPotential

SHAPES = [(6, 4), (6, 3, 2, 2), (6, 5)]


def samples(shape=(6, 4)):
    rng = np.random.default_rng(0)
    return rng.normal(1.0, 2.0, shape).astype("float32"), rng.normal(-1.0, 1.0, shape).astype(
        "float32"
    )


def number(value):
    assert tuple(value.shape) == ()
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    return float(ops.convert_to_numpy(value))


def call(penalty, real, fake, discriminator):
    real, fake = ops.convert_to_tensor(real), ops.convert_to_tensor(fake)
    return number(penalty(real, fake, discriminator=discriminator))


def waves(x):
    return ops.sum(ops.sin(x), axis=tuple(range(1, len(x.shape))))


@pytest.mark.parametrize("shape", SHAPES)
def test_potential_agrees_with_the_papers_formula(shape):
    real, fake = samples(shape)
    expected = 0.0
    for x, y in zip(real.astype("float64"), fake.astype("float64"), strict=True):
        expected += (np.sin(x).sum() - np.sin(y).sum()) ** 2 / np.abs(x - y).mean() / len(real)
    assert call(QuadraticPotential(0.3), real, fake, waves) == pytest.approx(
        0.3 * expected, rel=1e-5
    )


def test_potential_with_the_wasserstein_loss_is_the_papers_discriminator_loss():
    real, fake = samples()
    lambda_ = 7.0
    difference = np.sin(real.astype("float64")).sum(1) - np.sin(fake.astype("float64")).sum(1)
    distance = np.abs(real.astype("float64") - fake).mean(1)
    expected = -np.mean(difference - difference**2 / (2 * lambda_ * distance))
    adversarial = losses.Wasserstein().discriminator(waves(real), waves(fake))
    potential = call(QuadraticPotential(1 / (2 * lambda_)), real, fake, waves)
    assert number(adversarial) + potential == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("distance", [0.01, 0.5, 4.0])
def test_two_points_have_their_optimum_at_lambda_times_the_distance(distance):
    # One real and one fake point, and a critic that gives them scores of half a gap each.
    real, fake = np.array([[distance] * 3], "float32"), np.zeros((1, 3), "float32")
    penalty, lambda_ = QuadraticPotential(0.05), 10.0

    def loss(gap):
        scores = ops.reshape(gap, (-1,)) / 2.0
        adversarial = losses.Wasserstein().discriminator(scores, -scores)
        return adversarial + penalty.of_logits(real, fake, scores, -scores)

    def slope(gap):
        return float(ops.convert_to_numpy(input_gradient(loss, ops.convert_to_tensor([gap])))[0])

    best = lambda_ * distance
    assert slope(best) == pytest.approx(0.0, abs=1e-5)
    assert slope(0.9 * best) == pytest.approx(-0.1, rel=1e-3)
    assert slope(1.1 * best) == pytest.approx(0.1, rel=1e-3)
    assert number(loss(ops.convert_to_tensor([best]))) == pytest.approx(-best / 2, rel=1e-5)


def test_shape_of_the_logits_does_not_matter():
    real, fake = samples()
    values = [
        call(QuadraticPotential(), real, fake, discriminator)
        for discriminator in (
            waves,
            lambda x: waves(x)[:, None],
            # Patches whose mean is the logit.
            lambda x: waves(x)[:, None, None, None] * np.full((1, 2, 2, 1), [[[0.5], [1.5]]], "f4"),
        )
    ]
    np.testing.assert_allclose(values, values[0], rtol=1e-5)


def test_equal_pairs_cost_nothing_and_have_a_finite_slope():
    real, fake = samples()
    fake[:3] = real[:3]
    alone = call(QuadraticPotential(), real[3:], fake[3:], waves)
    assert call(QuadraticPotential(), real, fake, waves) == pytest.approx(alone / 2, rel=1e-5)

    def of_scale(scale):
        return QuadraticPotential()(real, fake, discriminator=lambda x: scale[0] * waves(x))

    slope = ops.convert_to_numpy(input_gradient(of_scale, ops.ones((1,))))
    assert slope[0] == pytest.approx(alone, rel=1e-4)  # of scale^2 * alone / 2


def test_pairs_are_formed_in_the_order_of_the_batch():
    real, fake = samples()
    order = np.random.default_rng(1).permutation(6)
    value = call(QuadraticPotential(), real, fake, waves)
    assert call(QuadraticPotential(), real[order], fake[order], waves) == pytest.approx(
        value, rel=1e-5
    )
    assert call(QuadraticPotential(), real[order], fake, waves) != pytest.approx(value, rel=1e-2)


def test_half_precision_is_computed_in_float32():
    real, fake = samples()
    exact = call(QuadraticPotential(), real, fake, waves)
    real, fake = (ops.cast(x, "float16") for x in (real, fake))
    half = QuadraticPotential()(real, fake, discriminator=waves)
    assert number(half) == pytest.approx(exact, rel=1e-2)


def test_what_cannot_be_paired_is_refused():
    real, fake = samples()
    with pytest.raises(ValueError, match="different shapes"):
        call(QuadraticPotential(), real, fake[:3], waves)
    with pytest.raises(ValueError, match="3 logits of 6 samples"):
        call(QuadraticPotential(), real, fake, lambda x: waves(x)[::2])
    for name in ("real", "fake"):
        given = {"real": real, "fake": fake, name: None}
        with pytest.raises(ValueError, match=f"Received: {name}=None"):
            QuadraticPotential()(**given, discriminator=waves)
    with pytest.raises(ValueError, match="Received: weight=0"):
        QuadraticPotential(0)


def test_config_round_trip():
    potential = QuadraticPotential(0.25)
    assert QuadraticPotential().get_config() == {"weight": 0.05}
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(potential))
    assert type(again) is QuadraticPotential
    assert again.get_config() == {"weight": 0.25}


def test_a_gan_calls_its_discriminator_once_for_both_terms(monkeypatch):
    # A discriminator with dropout would give two different answers.
    generator = kgan.networks.mlp.generator((2,), 2, (8,))
    discriminator = kgan.networks.mlp.discriminator((2,), (64,), dropout=0.5)
    model = kgan.GAN(
        generator, discriminator, loss="wasserstein", penalties=(QuadraticPotential(0.5),), seed=0
    )
    answers = []
    call = type(model)._outputs

    def recorded(self, *arguments):
        answers.append(call(self, *arguments))
        return answers[-1]

    monkeypatch.setattr(type(model), "_outputs", recorded)
    fakes = []
    make = type(model)._make
    monkeypatch.setattr(
        type(model), "_make", lambda self, *a: fakes.append(make(self, *a)) or fakes[-1]
    )
    real = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(5, 2)).astype("float32"))
    terms = model((real,), player="discriminator", training=True)
    assert len(answers) == 2
    real_logits, fake_logits = (ops.convert_to_numpy(a)[:, 0] for (a,) in answers)
    distance = np.abs(ops.convert_to_numpy(real) - ops.convert_to_numpy(fakes[0])).mean(1)
    assert number(terms["adversarial"]) == pytest.approx(
        fake_logits.mean() - real_logits.mean(), rel=1e-4, abs=1e-5
    )
    assert number(terms["quadratic_potential"]) == pytest.approx(
        0.5 * np.mean((real_logits - fake_logits) ** 2 / distance), rel=1e-4
    )
