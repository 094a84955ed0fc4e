import keras
import numpy as np
import pytest
from keras import ops

from kgan import losses
from kgan.backend import input_gradient
from kgan.backend.seeds import SeedGenerator
from kgan.losses import penalties

RANDOM = (losses.GradientPenalty, losses.DRAGAN)
ALL = (*RANDOM, losses.R1, losses.R2)


def samples(shape=(6, 4), seed=0):
    generator = np.random.default_rng(seed)
    real, fake = generator.normal(1.0, 2.0, shape), generator.normal(-1.0, 1.0, shape)
    return ops.convert_to_tensor(real, "float32"), ops.convert_to_tensor(fake, "float32")


def number(value):
    assert tuple(value.shape) == ()
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    return float(ops.convert_to_numpy(value))


def call(penalty, real, fake, discriminator, gradient=input_gradient):
    return number(penalty(real, fake, discriminator=discriminator, gradient=gradient))


def linear(weights):
    weights = ops.convert_to_tensor(weights, "float32")
    axes = tuple(range(1, len(weights.shape) + 1))
    return lambda x: ops.expand_dims(ops.sum(x * weights, axis=axes), 1)


def quadratic(x):
    return ops.sum(ops.square(x), axis=tuple(range(1, len(x.shape)))) / 2.0


@pytest.mark.parametrize("shape", [(4,), (3, 2, 2)])
@pytest.mark.parametrize("make", RANDOM)
def test_gradient_of_a_linear_critic_is_its_weight(make, shape):
    weights = np.random.default_rng(1).normal(size=shape)
    norm = np.sqrt(np.sum(weights**2))
    value = call(make(weight=3.0, seed=0), *samples((6, *shape)), linear(weights))
    assert value == pytest.approx(3.0 * (norm - 1.0) ** 2, rel=1e-5)


@pytest.mark.parametrize("make", (losses.R1, losses.R2))
def test_zero_centered_penalty_of_a_linear_critic(make):
    weights = np.array([3.0, 0.0, 4.0, 0.0])
    assert call(make(weight=2.0), *samples(), linear(weights)) == pytest.approx(25.0, rel=1e-6)


@pytest.mark.parametrize("make", RANDOM)
def test_one_sided_is_free_below_a_norm_of_one(make):
    real, fake = samples()
    small, large = linear([0.3, 0.0, 0.4, 0.0]), linear([3.0, 0.0, 4.0, 0.0])
    assert call(make(one_sided=True, seed=0), real, fake, small) == 0.0
    assert call(make(seed=0), real, fake, small) == pytest.approx(10.0 * 0.25, rel=1e-5)
    assert call(make(one_sided=True, seed=0), real, fake, large) == pytest.approx(160.0, rel=1e-5)


@pytest.mark.parametrize("shape", [(6, 4), (6, 3, 2, 2)])
def test_gradient_of_a_quadratic_critic_is_the_sample(shape):
    real, fake = samples(shape)
    for penalty, points in ((losses.R1(7.0), real), (losses.R2(7.0), fake)):
        points = ops.convert_to_numpy(points).reshape(shape[0], -1).astype("float64")
        expected = 7.0 / 2.0 * np.mean([np.dot(x, x) for x in points])
        assert call(penalty, real, fake, quadratic) == pytest.approx(expected, rel=1e-5)


def test_gradient_penalty_agrees_with_equation_3():
    real, fake = samples((6, 3, 2, 2))
    # The same seed gives the same weights: one per example.
    share = ops.convert_to_numpy(keras.random.uniform((6, 1, 1, 1), seed=SeedGenerator(5)))
    x, y = (ops.convert_to_numpy(a).astype("float64") for a in (real, fake))
    expected = 0.0
    for e, a, b in zip(share.reshape(-1), x, y, strict=True):
        norm = np.sqrt(np.sum((e * a + (1.0 - e) * b) ** 2))  # gradient of |x|^2 / 2
        expected += 10.0 * (norm - 1.0) ** 2 / 6
    value = call(losses.GradientPenalty(seed=5), real, fake, quadratic)
    assert value == pytest.approx(expected, rel=1e-5)


def test_dragan_agrees_with_its_formula():
    real, _ = samples((6, 3, 2, 2))
    uniform = ops.convert_to_numpy(keras.random.uniform((6, 3, 2, 2), seed=SeedGenerator(5)))
    x = ops.convert_to_numpy(real).astype("float64")
    points = x + 0.25 * x.std() * uniform
    norms = np.array([np.sqrt(np.sum(point**2)) for point in points])
    value = call(losses.DRAGAN(4.0, noise_scale=0.25, seed=5), real, None, quadratic)
    assert value == pytest.approx(4.0 * np.mean((norms - 1.0) ** 2), rel=1e-5)


def test_interpolation_lies_on_the_lines_with_one_weight_per_example():
    real, fake = samples((64, 3, 2, 2))
    points = ops.convert_to_numpy(penalties.interpolate_samples(real, fake, seed=0))
    real, fake = ops.convert_to_numpy(real), ops.convert_to_numpy(fake)
    share = ((points - fake) / (real - fake)).reshape(64, -1)
    middle = np.median(share, axis=1, keepdims=True)
    np.testing.assert_allclose(share, np.broadcast_to(middle, share.shape), atol=0.02)
    share = middle
    assert share.min() >= 0.0 and share.max() <= 1.0
    assert share.std() == pytest.approx(np.sqrt(1 / 12), abs=0.08)


def test_perturbation_is_uniform_per_element_in_units_of_the_batch():
    real, _ = samples((200, 8))
    moved = ops.convert_to_numpy(penalties.perturb_samples(real, seed=0) - real)
    largest = 0.5 * ops.convert_to_numpy(real).std()
    assert moved.min() >= -1e-5 and moved.max() <= largest * 1.0001
    assert moved.mean() == pytest.approx(largest / 2, rel=0.1)
    assert moved.std(axis=1).min() > 0.0


@pytest.mark.parametrize("make", ALL)
def test_works_in_a_graph_whose_batch_size_is_unknown(make):
    if keras.config.backend() != "tensorflow":
        pytest.skip("Only TensorFlow has graphs with unknown sizes.")
    import tensorflow as tf

    penalty, in_graph = (make(seed=0) if make in RANDOM else make() for _ in range(2))
    signature = [tf.TensorSpec((None, 3, 2, 2))] * 2

    @tf.function(input_signature=signature)
    def graph(real, fake):
        return in_graph(real, fake, discriminator=quadratic, gradient=input_gradient)

    real, fake = samples((6, 3, 2, 2))
    expected = call(penalty, real, fake, quadratic)
    assert number(graph(real, fake)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("make", ALL)
def test_shape_of_the_logits_does_not_matter(make):
    real, fake = samples()

    def vector(x):
        return ops.sum(ops.sin(x), axis=1)

    def column(x):
        return ops.expand_dims(vector(x), 1)

    def patches(x):
        return ops.tile(ops.reshape(vector(x), (-1, 1, 1, 1)), (1, 3, 3, 1))

    values = [
        call(make(seed=0) if make in RANDOM else make(), real, fake, f)
        for f in (vector, column, patches)
    ]
    np.testing.assert_allclose(values, values[0], rtol=1e-5)


@pytest.mark.parametrize("make", ALL)
def test_gradient_is_asked_for_float32_samples_and_given_the_mean_logit(make):
    asked = []

    def gradient(function, x):
        asked.append((keras.backend.standardize_dtype(x.dtype), function(x)))
        return ops.cast(ops.ones_like(x), "float16")

    real, fake = (ops.cast(x, "float16") for x in samples())
    value = call(
        make(1.0), real, fake, lambda x: ops.cast(ops.ones((6, 2, 2, 1)), "float16"), gradient
    )
    dtype, mean_logits = asked[0]
    assert dtype == "float32" and tuple(mean_logits.shape) == (6,)
    assert keras.backend.standardize_dtype(mean_logits.dtype) == "float32"
    assert value == pytest.approx(1.0 if make in RANDOM else 2.0)  # a norm of 2


@pytest.mark.parametrize("make", ALL)
def test_dead_gradients_are_finite_values(make):
    value = call(make(), *samples(), lambda x: ops.sum(x * 0.0, axis=1))
    assert value == pytest.approx(10.0 if make in RANDOM else 0.0, rel=1e-5)


def test_dead_gradients_have_a_finite_derivative():
    # sqrt has an infinite slope at 0: without epsilon the critic would turn NaN here.
    def of_scale(scale):
        norms = ops.square(scale) * ops.ones((4,))
        return penalties.one_centered_penalty(norms, 10.0)

    slope = ops.convert_to_numpy(input_gradient(of_scale, ops.zeros((1,))))
    assert np.all(np.isfinite(slope))


@pytest.mark.parametrize("make", RANDOM)
def test_noise_is_fresh_in_each_call_and_repeats_with_the_seed(make):
    real, fake = samples()
    penalty, twin = make(seed=3), make(seed=3)
    first, second = (call(penalty, real, fake, quadratic) for _ in range(2))
    assert first != second
    assert [call(twin, real, fake, quadratic) for _ in range(2)] == [first, second]
    assert call(make(), real, fake, quadratic) != call(make(), real, fake, quadratic)


def test_samples_that_a_penalty_does_not_look_at_may_be_missing():
    real, fake = samples()
    for penalty, arguments in (
        (losses.R1(), (real, None)),
        (losses.DRAGAN(), (real, None)),
        (losses.R2(), (None, fake)),
    ):
        assert np.isfinite(call(penalty, *arguments, quadratic))


@pytest.mark.parametrize(
    "make, name",
    list(zip(ALL, ("gradient_penalty", "dragan", "r1", "r2"), strict=True)),
)
def test_attributes(make, name):
    penalty = make()
    assert (penalty.name, penalty.per_sample, penalty.weight) == (name, True, 10.0)
    assert hasattr(penalty, "seed_generator") == (make in RANDOM)
    if make in RANDOM:
        assert isinstance(penalty.seed_generator, SeedGenerator)


@pytest.mark.parametrize(
    "penalty, config",
    [
        (losses.R1(2, interval=4), {"weight": 2.0, "interval": 4}),
        (losses.R2(np.float32(0.5)), {"weight": 0.5, "interval": 1}),
        (
            losses.GradientPenalty(5.0, one_sided=True, seed=7),
            {"weight": 5.0, "one_sided": True, "seed": 7},
        ),
        (
            losses.DRAGAN(5.0, noise_scale=0.1, seed=None),
            {"weight": 5.0, "noise_scale": 0.1, "one_sided": False, "seed": None},
        ),
    ],
)
def test_config_round_trip(penalty, config):
    assert penalty.get_config() == config
    serialized = keras.saving.serialize_keras_object(penalty)
    assert serialized["registered_name"] == f"kgan>{type(penalty).__name__}"
    restored = keras.saving.deserialize_keras_object(serialized)
    assert type(restored) is type(penalty)
    assert restored.get_config() == config


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("make", ALL)
def test_weight_out_of_range_is_refused(make, weight):
    with pytest.raises(ValueError, match="positive finite.*Received: weight="):
        make(weight=weight)


@pytest.mark.parametrize("weight", ["10", None, True])
@pytest.mark.parametrize("make", ALL)
def test_weight_that_is_no_number_is_refused(make, weight):
    with pytest.raises(TypeError, match="positive finite.*Received: weight="):
        make(weight=weight)


def test_other_arguments_are_checked_too():
    with pytest.raises(ValueError, match="Received: noise_scale=0"):
        losses.DRAGAN(noise_scale=0)
    with pytest.raises(ValueError, match="Received: seed="):
        losses.GradientPenalty(seed="zero")


@pytest.mark.parametrize(
    "make, missing",
    [
        (losses.GradientPenalty, "real"),
        (losses.GradientPenalty, "fake"),
        (losses.DRAGAN, "real"),
        (losses.R1, "real"),
        (losses.R2, "fake"),
    ],
)
def test_missing_samples_are_refused(make, missing):
    real, fake = samples()
    given = {"real": real, "fake": fake, missing: None}
    with pytest.raises(ValueError, match=f"without {missing} samples.*Received: {missing}=None"):
        make()(**given, discriminator=quadratic, gradient=input_gradient)


def test_unequal_batches_cannot_be_interpolated():
    real, fake = samples()
    with pytest.raises(ValueError, match=r"real.shape=\(6, 4\), fake.shape=\(1, 4\)"):
        call(losses.GradientPenalty(), real, fake[:1], quadratic)


def test_base_class_asks_for_its_call():
    with pytest.raises(NotImplementedError, match="Penalty does not implement `__call__`"):
        call(losses.Penalty(), *samples(), quadratic)


def test_seed_generator_outside_a_strategy_is_that_of_keras():
    ours, theirs = SeedGenerator(11), keras.random.SeedGenerator(11)
    for _ in range(3):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(ours.next()), ops.convert_to_numpy(theirs.next())
        )
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ours))
    assert type(restored) is SeedGenerator and restored.get_config() == ours.get_config()


def test_seed_generator_adds_the_offset_of_the_replica(monkeypatch):
    plain = ops.convert_to_numpy(SeedGenerator(11).next())
    dtype = keras.backend.standardize_dtype(SeedGenerator(11).state.dtype)
    offset = ops.convert_to_tensor(np.array([1000, 0]), dtype)
    monkeypatch.setattr("kgan.backend.replica_offset", lambda: offset)
    shifted = SeedGenerator(11).next()
    np.testing.assert_array_equal(ops.convert_to_numpy(shifted) - plain, [1000, 0])
    assert keras.backend.standardize_dtype(shifted.dtype) == dtype
    keras.random.uniform((2,), seed=SeedGenerator(11))
