import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops

import kgan
from kgan.networks import conditioned, mlp

N = 6


def array(tensor):
    return ops.convert_to_numpy(tensor)


def points(n=N, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2)).astype("float32")


def smooth(sizes):
    """A network whose slopes can be found by differences."""
    hidden = [keras.layers.Dense(8, "tanh"), keras.layers.Dense(sizes[1])]
    return keras.Sequential([keras.Input((sizes[0],)), *hidden])


def small(**options):
    return kgan.MaximumEntropyGAN(
        smooth((3, 2)),
        smooth((2, 1)),
        conditioned.statistics((2,), 3, units=(8,)),
        seed=0,
        **options,
    )


def identity(dim, scale=1.0):
    generator = keras.Sequential([keras.Input((dim,)), keras.layers.Dense(dim, use_bias=False)])
    generator.set_weights([scale * np.eye(dim, dtype="float32")])
    return generator


def of_a_gaussian(mean, deviation, noise="normal"):
    """The identity as a generator, and the energy of a Gaussian."""
    dim = len(mean)
    x = keras.Input((dim,))
    scores = (x - ops.convert_to_tensor(np.float32(mean))) / np.float32(deviation)
    logit = -0.5 * ops.sum(ops.square(scores), axis=-1, keepdims=True)
    statistics = conditioned.statistics((dim,), dim, units=(4,))
    return kgan.MaximumEntropyGAN(
        identity(dim), keras.Model(x, logit), statistics, noise=noise, seed=0
    )


def softplus(x):
    return np.mean(np.logaddexp(0, x))


def test_terms_are_those_of_the_paper():
    model = small(penalties=(kgan.losses.R1(0.2),), information_weight=0.7)
    start = array(model.noise_seed.state).copy()
    noise = array(kgan.latent.noise.draw((N, 3), "normal", model.noise_seed))
    fake = array(model.generator(noise))

    def energy(x):
        return -array(model.discriminator(x))[:, 0]

    def statistic(x, z):
        return array(model.statistics([x, z]))[:, 0]

    # Each sample's noise, and that of its neighbour before.
    apart = np.stack([noise[i - 1] for i in range(N)])
    information = softplus(-statistic(fake, noise)) + softplus(statistic(fake, apart))
    # The slope of the energy by differences.
    slopes = [
        (energy(points() + step) - energy(points() - step)) / 2e-2
        for step in 1e-2 * np.eye(2, dtype="float32")
    ]
    expected = {
        "discriminator": {
            "adversarial": energy(points()).mean() - energy(fake).mean(),
            "r1": 0.1 * np.mean(np.square(slopes).sum(axis=0)),
        },
        "generator": {
            "adversarial": energy(fake).mean(),
            "mutual_information": 0.7 * information,
        },
    }
    assert set(model.players) == set(expected)
    for player, terms in expected.items():
        model.noise_seed.state.assign(start)
        _, received = model.play(player, (ops.convert_to_tensor(points()),), training=False)
        received = {name: float(array(term)) for name, term in received.items()}
        assert received == pytest.approx(terms, rel=2e-3, abs=1e-5)


def test_the_statistics_network_moves_with_the_generator():
    model = small(discriminator_steps=3)
    assert model.players["generator"].networks == ("generator", "statistics")
    assert model.players["generator"].every == 3
    # All of the noise lies in the sample, or none: then nothing can be known.
    information = {}
    for name, scale in (("known", 1.0), ("hidden", 0.0)):
        generator = identity(2, scale)
        generator.trainable = False
        model = kgan.MaximumEntropyGAN(
            generator,
            mlp.discriminator((2,), units=(4,)),
            conditioned.statistics((2,), 2, units=(32,)),
            discriminator_steps=1,
            seed=0,
        )
        adam = keras.optimizers.Adam(0.02)
        model.compile(optimizer={"discriminator": keras.optimizers.SGD(1e-6), "generator": adam})
        history = model.fit(points(2048), batch_size=128, epochs=6, verbose=0).history
        information[name] = history["generator_mutual_information"][-1]
    assert information["known"] < 1.0
    assert information["hidden"] == pytest.approx(2 * np.log(2), abs=0.03)


def test_energy_is_minus_the_mean_logit_of_each_sample():
    model = small()
    x = points(10)
    expected = -array(model.discriminator(x))[:, 0]
    received = model.energy(x, batch_size=4)
    assert received.shape == (10,) and received.dtype == np.float32
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)
    patches = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 4, strides=2)])
    model = kgan.MaximumEntropyGAN(
        mlp.generator((8, 8, 1), 2, units=(4,)),
        patches,
        conditioned.statistics((8, 8, 1), 2, width=4),
    )
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), dtype="uint8")
    logits = array(patches(kgan.data.to_float(images)))
    assert logits.shape == (3, 3, 3, 1)
    np.testing.assert_allclose(model.energy(images), -logits.mean(axis=(1, 2, 3)), rtol=1e-5)


def test_refined_noise_has_the_density_of_prior_and_energy():
    """Of N(0, 1) and the energy of a Gaussian, a Gaussian whose precisions add up."""
    mean, deviation, temperature = np.array([2.0, -1.0]), np.array([0.5, 1.0]), 2.0
    model = of_a_gaussian(mean, deviation)
    start = np.random.default_rng(1).normal(size=(2000, 2))
    noise, taken = model.refine(
        start, 60, step_size=0.15, temperature=temperature, seed=0, batch_size=700
    )
    precision = 1 + 1 / deviation**2 / temperature
    expected = mean / deviation**2 / temperature / precision
    assert noise.shape == (2000, 2) and 0.5 < taken.mean() < 1
    error = 4 / np.sqrt(2000 * precision)
    assert np.all(np.abs(noise.mean(axis=0) - expected) < error)
    assert np.all(np.abs(noise.std(axis=0) - precision**-0.5) < error / np.sqrt(2))


def test_refined_uniform_noise_stays_within_its_bounds():
    mean, deviation = np.array([0.5]), np.array([0.6])
    model = of_a_gaussian(mean, deviation, noise="uniform")
    start = np.random.default_rng(1).uniform(-1, 1, (2000, 1))
    noise, _ = model.refine(start, 80, step_size=0.1, seed=0, batch_size=2000)
    assert np.abs(noise).max() <= 1
    truncated = scipy.stats.truncnorm((-1 - 0.5) / 0.6, (1 - 0.5) / 0.6, 0.5, 0.6)
    assert noise.mean() == pytest.approx(truncated.mean(), abs=4 * truncated.std() / 2000**0.5)
    assert noise.std() == pytest.approx(truncated.std(), rel=0.08)


def test_generate_refines_reproducibly_and_changes_nothing():
    model = small()
    model.compile(
        optimizer={
            "discriminator": keras.optimizers.Adam(0.01),
            "generator": keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5),
        }
    )
    model.fit(points(64), batch_size=16, epochs=5, verbose=0)
    before = [array(v).copy() for v in [*model.variables, *model.optimizer.variables]]
    options = {"refine": 4, "step_size": 0.1}
    samples = model.generate(9, seed=3, **options)
    assert samples.shape == (9, 2) and samples.dtype == np.float32
    np.testing.assert_array_equal(model.generate(9, seed=3, **options), samples)
    # However they are batched, but for rounding.
    np.testing.assert_allclose(model.generate(9, seed=3, batch_size=4, **options), samples, 1e-3)
    assert not np.allclose(model.generate(9, seed=4, **options), samples)
    plain = model.generate(9, seed=3)
    np.testing.assert_array_equal(model.generate(9, seed=3, refine=0), plain)
    assert not np.allclose(plain, samples)
    after = [array(v) for v in [*model.variables, *model.optimizer.variables]]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    # The averaged generator's energies, by steps that NumPy takes.
    noise = model.endpoints["generate"].noise.sample(9, 3)
    with model.averaged_weights():

        def potential(z):
            def heights(z):
                energies = -array(model.discriminator(model.generator(z)))[:, 0]
                return energies.astype("float64") + 0.5 * np.square(z).sum(axis=1)

            steps = np.eye(3, dtype="float32") * 1e-2
            slopes = [(heights(z + step) - heights(z - step)) / 2e-2 for step in steps]
            return heights(z), np.stack(slopes, axis=1)

        expected, taken = kgan.latent.langevin(potential, noise, steps=1, step_size=0.1, seed=3)
    received, shares = model.refine(noise, 1, step_size=0.1, seed=3)
    np.testing.assert_array_equal(shares, taken)
    np.testing.assert_allclose(received, expected, atol=1e-3)


def test_refining_lowers_energies_of_a_trained_model():
    data = kgan.data.ring(512, seed=0)
    model = kgan.zoo.load(
        "energy", like=data, latent_dim=2, units=(32, 32), gamma=0.1, learning_rate=5e-3, seed=0
    )
    model.fit(data, batch_size=64, epochs=10, verbose=0)
    noise = model.endpoints["generate"].noise.sample(200, 0)
    refined, taken = model.refine(noise, 50, step_size=0.02, seed=0, batch_size=200)
    energies = [model.energy(model.decode(some)).mean() for some in (noise, refined)]
    assert energies[1] < energies[0] and taken.mean() > 0.5


def test_a_conditional_energy_takes_labels():
    condition = kgan.LabelCondition(3)
    noise, label = keras.Input((2,)), keras.Input((), dtype="int32")
    shift = keras.layers.Embedding(3, 2, embeddings_initializer="random_normal")(label)
    point, told = keras.Input((2,)), keras.Input((), dtype="int32")
    logit = keras.layers.Dense(1)(point) + keras.layers.Embedding(3, 1)(told)
    model = kgan.MaximumEntropyGAN(
        keras.Model([noise, label], noise + shift),
        keras.Model([point, told], logit),
        conditioned.statistics((2,), 2, units=(4,)),
        condition=condition,
        seed=0,
    )
    x, labels = points(4), np.array([0, 1, 2, 2])
    expected = -array(model.discriminator([x, labels]))[:, 0]
    np.testing.assert_allclose(model.energy(x, labels), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(TypeError, match="takes 2 inputs"):
        model.energy(x)
    samples = model.generate(4, labels=labels, refine=2, seed=0)
    assert samples.shape == (4, 2)
    assert not np.allclose(samples, model.generate(4, labels=0, refine=2, seed=0))


def test_networks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"must take samples and the noise.*Received: .*\(4,\)"):
        kgan.MaximumEntropyGAN(
            mlp.generator((2,), 3, units=(8,)),
            mlp.discriminator((2,), units=(8,)),
            conditioned.statistics((2,), 4, units=(8,)),
        )
    with pytest.raises(ValueError, match="`information_weight`"):
        small(information_weight=-1)
    with pytest.raises(ValueError, match="`temperature` must be a finite number above 0"):
        small().refine(np.zeros((2, 3)), 1, temperature=0.0)
    with pytest.raises(ValueError, match="Noise must have the shape"):
        small().refine(np.zeros((2, 4)), 1)
    with pytest.raises(ValueError, match="`step_size`"):
        small().generate(2, refine=1, step_size=-1.0)
    with pytest.raises(TypeError, match="`refine` must be an integer"):
        small().generate(2, refine=0.5)
