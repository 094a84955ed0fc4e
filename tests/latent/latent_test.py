import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan import latent


def small_model(sample_shape=(8, 8, 1), latent_dim=4, noise="normal", **options):
    model = kgan.GAN(
        generator=kgan.networks.mlp.generator(sample_shape, latent_dim, units=(16,)),
        discriminator=kgan.networks.mlp.discriminator(sample_shape, units=(8,)),
        noise=noise,
        seed=0,
        **options,
    )
    optimizer = keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9)
    model.compile(optimizer={"discriminator": "sgd", "generator": optimizer})
    return model


def linear_model(matrix, noise="normal"):
    dim = len(matrix)
    generator = keras.Sequential([keras.Input((dim,)), keras.layers.Dense(dim, use_bias=False)])
    generator.set_weights([np.asarray(matrix, "float32")])
    discriminator = kgan.networks.mlp.discriminator((dim,), units=(4,))
    return kgan.GAN(generator, discriminator, noise=noise, seed=0)


def conditional_model(num_classes=3):
    noise, label = keras.Input((2,)), keras.Input((), dtype="int32")
    shift = keras.layers.Embedding(num_classes, 2, embeddings_initializer="random_normal")(label)
    generator = keras.Model([noise, label], keras.layers.Add()([noise, shift]))
    point, label = keras.Input((2,)), keras.Input((), dtype="int32")
    logit = keras.layers.Dense(1)(point) + keras.layers.Embedding(num_classes, 1)(label)
    condition = kgan.LabelCondition(num_classes)
    return kgan.GAN(generator, keras.Model([point, label], logit), condition=condition, seed=0)


def state(model):
    optimizer = model.optimizer.variables if model.optimizer else []
    return [ops.convert_to_numpy(variable) for variable in [*model.variables, *optimizer]]


def assert_equal_states(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


def test_slerp_has_the_closed_form_at_right_angles():
    walk = latent.slerp(np.array([2.0, 0.0, 0.0]), np.array([0.0, 0.0, 2.0]), steps=7)
    angles = np.linspace(0, np.pi / 2, 7)
    expected = 2 * np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=-1)
    assert walk.shape == (7, 3) and walk.dtype == np.float32
    np.testing.assert_allclose(walk, expected, atol=1e-6)


def test_slerp_is_the_papers_formula_for_equal_norms():
    start, end = np.random.default_rng(0).normal(size=(2, 5, 10))
    end *= np.linalg.norm(start, axis=-1, keepdims=True) / np.linalg.norm(
        end, axis=-1, keepdims=True
    )
    walk = latent.slerp(start, end, steps=6)
    for row in range(5):
        a, b = start[row], end[row]
        angle = np.arccos(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
        for i, t in enumerate(np.linspace(0, 1, 6)):
            expected = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
            np.testing.assert_allclose(walk[row, i], expected, rtol=1e-5, atol=1e-6)


def test_slerp_changes_the_norm_evenly_and_meets_its_ends():
    start, end = np.random.default_rng(1).normal(size=(2, 10)).astype("float32")
    walk = latent.slerp(start, 3 * end, steps=5)
    np.testing.assert_array_equal(walk[0], start)
    np.testing.assert_array_equal(walk[-1], 3 * end)
    norms = np.linalg.norm([start, 3 * end], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(walk, axis=-1), np.linspace(*norms, 5), rtol=1e-6)


@pytest.mark.parametrize("dim", [2, 3, 100])
def test_slerp_joins_opposite_noises_by_a_half_circle(dim):
    start = np.random.default_rng(2).normal(size=dim)
    walk = latent.slerp(start, -start, steps=9)
    length = np.linalg.norm(start)
    np.testing.assert_allclose(np.linalg.norm(walk, axis=-1), length, rtol=1e-5)
    cosines = walk @ start / length**2
    np.testing.assert_allclose(cosines, np.cos(np.linspace(0, np.pi, 9)), atol=1e-5)


@pytest.mark.parametrize(
    ("start", "end"), [([1.0, 2.0], [3.0, 6.0]), ([0.0, 0.0], [3.0, 6.0]), ([1.0], [-1.0])]
)
def test_slerp_is_straight_or_at_least_finite_where_no_circle_is(start, end):
    walk = latent.slerp(start, end, steps=4)
    assert np.isfinite(walk).all()
    np.testing.assert_allclose(walk[[0, -1]], [start, end], rtol=1e-6)
    if len(start) > 1:
        np.testing.assert_allclose(walk, np.linspace(start, end, 4), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], [1.0, 2.0]), ValueError, r"start of shape \(1,\), end of shape \(2,\)"),
        (([np.nan], [1.0]), ValueError, "1 values not finite"),
        ((["a"], ["b"]), TypeError, "array of numbers"),
        (([1.0], [2.0], 1), ValueError, "steps=1"),
        (([1.0], [2.0], 2.5), TypeError, "steps=2.5"),
    ],
)
def test_slerp_explains_what_it_can_not_walk(arguments, error, message):
    with pytest.raises(error, match=message):
        latent.slerp(*arguments)


@pytest.mark.parametrize("method", ["spherical", "linear"])
def test_interpolate_shows_the_samples_along_the_way(method):
    model = small_model()
    start, end = latent.sample((2, 3, 4), seed=0)
    images = latent.interpolate(model, start, end, steps=5, method=method)
    assert images.shape == (3, 5, 8, 8, 1) and images.dtype == np.uint8
    np.testing.assert_array_equal(images[:, 0], model.decode(start))
    np.testing.assert_array_equal(images[:, -1], model.decode(end))
    if method == "linear":
        np.testing.assert_array_equal(images[:, 2], model.decode((start + end) / 2))
    single = latent.interpolate(model, start[0], end[0], steps=5, method=method)
    np.testing.assert_array_equal(single, images[0])


def test_interpolate_stays_within_uniform_noise():
    model = linear_model(np.eye(2), noise="uniform")
    points = latent.interpolate(model, [1.0, 1.0], [1.0, -1.0], steps=5)
    np.testing.assert_allclose(points[2], [1.0, 0.0], atol=1e-6)


def test_interpolate_follows_labels():
    model = conditional_model()
    start, end = latent.sample((2, 3, 2), seed=0)
    points = latent.interpolate(model, start, end, steps=4, labels=[0, 1, 2])
    np.testing.assert_allclose(points[1, 0], model.decode(start[1:2], [1])[0], rtol=1e-6)
    with pytest.raises(ValueError, match="labels=None"):
        latent.interpolate(model, start, end)
    with pytest.raises(ValueError, match="method='circular'"):
        latent.interpolate(model, start, end, method="circular")


def test_arithmetic_adds_averages():
    glasses, man, woman = np.random.default_rng(0).normal(size=(3, 3, 4))
    result = latent.arithmetic(plus=[glasses, woman], minus=[man])
    assert result.shape == (1, 4) and result.dtype == np.float32
    expected = glasses.mean(0) - man.mean(0) + woman.mean(0)
    np.testing.assert_allclose(result[0], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(latent.arithmetic([man[0]])[0], man[0], rtol=1e-6)
    assert small_model().decode(result).shape == (1, 8, 8, 1)


@pytest.mark.parametrize(
    ("plus", "minus", "error", "message"),
    [
        ([], [], ValueError, r"plus=\[\]"),
        (np.ones((3, 4)), [], TypeError, "plus=ndarray"),
        ([np.ones(4)], [np.ones(3)], ValueError, "sizes 4 and 3"),
        ([np.ones((0, 4))], [], ValueError, r"plus of shape \(0, 4\)"),
    ],
)
def test_arithmetic_explains_what_it_can_not_add(plus, minus, error, message):
    with pytest.raises(error, match=message):
        latent.arithmetic(plus, minus)


def test_project_solves_a_linear_generator():
    matrix = [[1.0, 0.5], [-0.3, 2.0]]
    noises = np.array([[0.7, -1.2], [0.1, 0.4], [-1.5, 0.9]], "float32")
    points = noises @ np.float32(matrix)
    found, errors = latent.project(
        linear_model(matrix), points, learning_rate=0.1, seed=0, verbose=0
    )
    np.testing.assert_allclose(found, noises, atol=1e-3)
    assert found.shape == (3, 2) and errors.shape == (3,) and errors.max() < 1e-6


@pytest.mark.parametrize("noise", ["normal", "uniform"])
def test_project_finds_the_model_s_own_images(noise):
    model = small_model(noise=noise)
    images = model.generate(3, seed=0)
    _, errors = latent.project(model, images, seed=1, restarts=4, verbose=0)
    strange = latent.sample((3, 4), noise, seed=1)
    apart = np.mean((model.decode(strange) / 127.5 - images / 127.5) ** 2, axis=(1, 2, 3))
    # Rounding to uint8 alone leaves 5e-6.
    assert errors.max() < 0.02 * apart.mean()


@pytest.mark.parametrize(("noise", "limit"), [("uniform", 1.0), ("normal", np.sqrt(2) + 3)])
def test_project_stays_where_noise_is(noise, limit):
    model = linear_model(np.eye(2), noise)
    found, errors = latent.project(
        model, [[100.0, 0.0]], steps=100, learning_rate=0.5, seed=0, verbose=0
    )
    np.testing.assert_allclose(found[0, 0], limit, rtol=1e-2)
    np.testing.assert_allclose(errors, np.mean((found - [[100.0, 0.0]]) ** 2, -1), rtol=1e-5)


def test_project_uses_averages_and_changes_nothing():
    model = small_model((2,))
    model.fit(kgan.data.ring(128, seed=0), verbose=0)
    points = model.generate(5, seed=0)
    before = state(model)
    found, errors = latent.project(model, points, steps=3, seed=0, verbose=0)
    assert_equal_states(before, state(model))
    decoded = np.mean((model.decode(found) - points) ** 2, axis=-1)
    np.testing.assert_allclose(errors, decoded, rtol=1e-4)
    raw = np.mean((ops.convert_to_numpy(model(found)) - points) ** 2, axis=-1)
    assert np.abs(raw - errors).max() > 1e-4
    model.fit(kgan.data.ring(128, seed=0), verbose=0)


def test_project_infers_with_batch_normalization(monkeypatch):
    model = kgan.zoo.load("dcgan", like=(8, 8, 1), width=4, latent_dim=3)
    images = model.generate(2, seed=0)
    before = state(model)
    both, _ = latent.project(model, images, steps=5, seed=0, verbose=0)
    assert_equal_states(before, state(model))
    # Samples do not see each other: each ends alone where it ends beside another.
    monkeypatch.setattr("kgan.latent.projection.CHUNK", 1)
    alone, _ = latent.project(model, images, steps=5, seed=0, verbose=0)
    np.testing.assert_allclose(alone, both, atol=1e-4)


def test_project_repeats_itself_and_gains_from_restarts(monkeypatch):
    model = small_model()
    images = model.generate(3, seed=5)
    first = latent.project(model, images, steps=5, seed=0, restarts=8, verbose=0)
    # Noises that descend in parts end where they end together.
    monkeypatch.setattr("kgan.latent.projection.CHUNK", 12)
    again = latent.project(model, images, steps=5, seed=0, restarts=8, verbose=0)
    np.testing.assert_allclose(first[0], again[0], atol=1e-4)
    _, single = latent.project(model, images, steps=5, seed=0, verbose=0)
    assert first[0].shape == (3, 4) and first[1].shape == (3,)
    assert first[1].mean() < 0.8 * single.mean()


def test_project_follows_labels():
    model = conditional_model()
    points = model.decode(latent.sample((4, 2), seed=0), [0, 1, 2, 1])
    found, errors = latent.project(model, points, labels=[0, 1, 2, 1], seed=0, verbose=0)
    np.testing.assert_allclose(found, latent.sample((4, 2), seed=0), atol=1e-2)
    assert errors.max() < 1e-4
    with pytest.raises(ValueError, match="labels=None"):
        latent.project(model, points)


@pytest.mark.parametrize(
    ("samples", "options", "error", "message"),
    [
        (np.zeros((2, 9, 9, 1), "uint8"), {}, ValueError, "Received"),
        (np.full((2, 8, 8, 1), 200.0), {}, ValueError, "Received"),
        (np.zeros((2, 8, 8, 1)), {"steps": 0}, ValueError, "steps=0"),
        (np.zeros((2, 8, 8, 1)), {"learning_rate": -1.0}, ValueError, "learning_rate=-1.0"),
        (np.zeros((2, 8, 8, 1)), {"learning_rate": "fast"}, TypeError, "learning_rate='fast'"),
        (np.zeros((2, 8, 8, 1)), {"restarts": 1.5}, TypeError, "restarts=1.5"),
        (np.zeros((2, 8, 8, 1)), {"labels": 1}, ValueError, "labels=1"),
    ],
)
def test_project_explains_what_it_can_not_find(samples, options, error, message):
    with pytest.raises(error, match=message):
        latent.project(small_model(), samples, **options)


def test_project_refuses_a_model_without_noise():
    with pytest.raises(TypeError, match="model=Sequential"):
        latent.project(keras.Sequential(), np.zeros((1, 2)))
