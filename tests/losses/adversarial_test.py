import keras
import numpy as np
import pytest
from keras import ops

from kgan import losses
from kgan.losses import functions

NAMES = (
    "hinge",
    "least_squares",
    "minimax",
    "non_saturating",
    "relativistic_average",
    "relativistic_pairing",
    "wasserstein",
)
SMOOTHED = ("least_squares", "minimax", "non_saturating")
LOG2 = np.log(2.0)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def cross_entropy(probability, target):
    return -np.mean(target * np.log(probability) + (1 - target) * np.log(1 - probability))


# The formulas of the papers, naively, in float64: (discriminator, generator) of (real, fake).
PAPER = {
    "minimax": (
        lambda r, f, t=1.0: cross_entropy(sigmoid(r), t) + cross_entropy(sigmoid(f), 0.0),
        lambda r, f: np.mean(np.log(1 - sigmoid(f))),
    ),
    "non_saturating": (
        lambda r, f, t=1.0: cross_entropy(sigmoid(r), t) + cross_entropy(sigmoid(f), 0.0),
        lambda r, f: -np.mean(np.log(sigmoid(f))),
    ),
    "least_squares": (
        lambda r, f, t=1.0: 0.5 * np.mean((r - t) ** 2) + 0.5 * np.mean((f - 0.0) ** 2),
        lambda r, f: 0.5 * np.mean((f - 1.0) ** 2),
    ),
    "wasserstein": (
        lambda r, f: -(np.mean(r) - np.mean(f)),
        lambda r, f: -np.mean(f),
    ),
    "hinge": (
        lambda r, f: -np.mean(np.minimum(0, -1 + r)) - np.mean(np.minimum(0, -1 - f)),
        lambda r, f: -np.mean(f),
    ),
    "relativistic_pairing": (
        lambda r, f: -np.mean(np.log(sigmoid(r - f))),
        lambda r, f: -np.mean(np.log(sigmoid(f - r))),
    ),
    "relativistic_average": (
        lambda r, f: (
            -np.mean(np.log(sigmoid(r - f.mean()))) - np.mean(np.log(1 - sigmoid(f - r.mean())))
        ),
        lambda r, f: (
            -np.mean(np.log(sigmoid(f - r.mean()))) - np.mean(np.log(1 - sigmoid(r - f.mean())))
        ),
    ),
}


def logits(shape=(8, 1), seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(0.5, 2.0, shape), generator.normal(-0.5, 2.0, shape)


def both(loss, real, fake):
    """Return the two losses, with `real` given to the generator only if the loss needs it."""
    real, fake = ops.convert_to_tensor(real, "float32"), ops.convert_to_tensor(fake, "float32")
    values = (
        loss.discriminator(real, fake),
        loss.generator(real if loss.relativistic else None, fake),
    )
    for value in values:
        assert tuple(value.shape) == ()
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
    return [float(ops.convert_to_numpy(value)) for value in values]


@pytest.mark.parametrize("shape", [(8,), (8, 1), (3, 4, 5, 1)])
@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_formula_of_the_paper(name, shape):
    real, fake = logits(shape)
    expected = [formula(real, fake) for formula in PAPER[name]]
    np.testing.assert_allclose(both(losses.get(name), real, fake), expected, rtol=1e-5)


@pytest.mark.parametrize("name", SMOOTHED)
def test_smoothing_agrees_with_the_formula_and_leaves_the_generator_alone(name):
    real, fake = logits()
    loss = type(losses.get(name))(label_smoothing=0.1)
    expected = [PAPER[name][0](real, fake, 0.9), PAPER[name][1](real, fake)]
    np.testing.assert_allclose(both(loss, real, fake), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("minimax", (2 * LOG2, -LOG2)),
        ("non_saturating", (2 * LOG2, LOG2)),
        ("least_squares", (0.5, 0.5)),
        ("wasserstein", (0.0, 0.0)),
        ("hinge", (2.0, 0.0)),
        ("relativistic_pairing", (LOG2, LOG2)),
        ("relativistic_average", (2 * LOG2, 2 * LOG2)),
    ],
)
def test_value_of_an_undecided_discriminator(name, expected):
    zeros = np.zeros((4, 2, 2, 1))
    np.testing.assert_allclose(both(losses.get(name), zeros, zeros), expected, atol=1e-6)


@pytest.mark.parametrize(
    "name, real, fake", [("least_squares", 1.0, 0.0), ("hinge", 1.0, -1.0), ("minimax", 99, -99)]
)
def test_the_best_discriminator_loses_nothing(name, real, fake):
    value, _ = both(losses.get(name), np.full((4, 1), real), np.full((4, 1), fake))
    assert value == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_patches_are_as_good_as_flat_logits(name):
    real, fake = logits((2, 3, 3, 1))
    loss = losses.get(name)
    np.testing.assert_allclose(
        both(loss, real, fake), both(loss, real.reshape(-1), fake.reshape(-1)), rtol=1e-6
    )


@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
@pytest.mark.parametrize("name", NAMES)
def test_confident_logits_stay_finite(name, signs):
    real, fake = (np.full((4, 1), sign * 1e4) for sign in signs)
    assert np.all(np.isfinite(both(losses.get(name), real, fake)))
    if name in SMOOTHED:
        assert np.all(np.isfinite(both(type(losses.get(name))(0.1), real, fake)))


def test_confident_logits_have_the_exact_asymptote():
    wrong = np.full((4, 1), 1e4)
    assert both(losses.NonSaturating(), -wrong, wrong)[0] == pytest.approx(2e4)
    assert both(losses.NonSaturating(), wrong, -wrong)[1] == pytest.approx(1e4)
    assert both(losses.Minimax(), wrong, wrong)[1] == pytest.approx(-1e4)
    assert both(losses.RelativisticPairing(), -wrong, wrong)[0] == pytest.approx(2e4)


@pytest.mark.parametrize("smoothing", [0.1, 0.25])
@pytest.mark.parametrize("name", SMOOTHED)
def test_smoothing_moves_the_best_logit_on_real_samples(name, smoothing):
    loss = type(losses.get(name))(label_smoothing=smoothing)
    grid = np.linspace(-1.0, 4.0, 1001)
    values = [both(loss, np.array([x]), np.array([0.0]))[0] for x in grid]
    best = grid[int(np.argmin(values))]
    target = best if name == "least_squares" else sigmoid(best)
    assert target == pytest.approx(1.0 - smoothing, abs=5e-3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", NAMES)
def test_other_precisions_are_computed_in_float32(name, dtype):
    real, fake = (ops.cast(np.full((4, 1), x, "float32"), dtype) for x in (-240.0, 240.0))
    loss = losses.get(name)
    value = loss.discriminator(real, fake)
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    # 240 squared is beyond float16.
    assert np.isfinite(ops.convert_to_numpy(value))
    np.testing.assert_allclose(
        ops.convert_to_numpy(value), both(loss, np.full(4, -240.0), np.full(4, 240.0))[0]
    )


def test_relativistic_losses_swap_the_roles_of_the_players():
    real, fake = logits()
    for loss in (losses.RelativisticPairing(), losses.RelativisticAverage()):
        assert loss.relativistic
        assert both(loss, real, fake) == pytest.approx(both(loss, fake, real)[::-1], rel=1e-6)


def test_only_relativistic_losses_look_at_real_logits_in_the_generators_turn():
    fake = np.zeros((4, 1), "float32")
    for name in NAMES:
        loss = losses.get(name)
        assert loss.relativistic == name.startswith("relativistic")
        if loss.relativistic:
            with pytest.raises(ValueError, match="generator.*real logits.*Received: real=None"):
                loss.generator(None, fake)
        else:
            loss.generator(None, fake)
        with pytest.raises(ValueError, match="discriminator.*Received: real=None"):
            loss.discriminator(None, fake)


def test_pairs_of_different_shapes_are_refused_and_not_broadcast():
    loss = losses.RelativisticPairing()
    column, row = np.zeros((4, 1), "float32"), np.zeros((4,), "float32")
    with pytest.raises(ValueError, match=r"real.shape=\(4, 1\), fake.shape=\(4,\)"):
        loss.discriminator(column, row)
    with pytest.raises(ValueError, match=r"real.shape=\(4, 1\), fake.shape=\(4,\)"):
        loss.generator(column, row)
    with pytest.raises(ValueError, match=r"real.shape=\(4, 1\), fake.shape=\(1, 1\)"):
        loss.discriminator(column, column[:1])
    unknown = keras.KerasTensor((None, 1))
    functions.check_same_shape(unknown, column, "logits")


@pytest.mark.parametrize("name", NAMES)
def test_config_round_trip(name):
    loss = losses.get(name)
    if name in SMOOTHED:
        loss = type(loss)(label_smoothing=0.2)
    config = keras.saving.serialize_keras_object(loss)
    assert config["registered_name"] == f"kgan>{type(loss).__name__}"
    restored = keras.saving.deserialize_keras_object(config)
    assert type(restored) is type(loss)
    assert restored.get_config() == loss.get_config()
    assert loss.get_config() == ({"label_smoothing": 0.2} if name in SMOOTHED else {})


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, 2, float("nan"), float("inf")])
@pytest.mark.parametrize("name", SMOOTHED)
def test_smoothing_out_of_range_is_refused(name, smoothing):
    with pytest.raises(ValueError, match=r"\[0, 1\).*Received: label_smoothing="):
        type(losses.get(name))(label_smoothing=smoothing)


@pytest.mark.parametrize("smoothing", ["0.1", None, True])
def test_smoothing_that_is_no_number_is_refused(smoothing):
    with pytest.raises(TypeError, match=r"Received: label_smoothing="):
        losses.NonSaturating(label_smoothing=smoothing)


def test_smoothing_may_be_a_numpy_number():
    assert losses.NonSaturating(np.float32(0.25)).get_config() == {"label_smoothing": 0.25}


def test_get_takes_names_classes_and_instances():
    assert type(losses.get("non_saturating")) is losses.NonSaturating
    assert type(losses.get(losses.Hinge)) is losses.Hinge
    loss = losses.Minimax(label_smoothing=0.1)
    assert losses.get(loss) is loss


def test_get_takes_a_loss_of_the_users_own():
    class Linear(losses.AdversarialLoss):
        def discriminator(self, real, fake):
            return ops.mean(fake) - ops.mean(real)

        def generator(self, real, fake):
            return -ops.mean(fake)

    real, fake = logits()
    values = both(losses.get(Linear), real, fake)
    assert values == pytest.approx(both(losses.Wasserstein(), real, fake), rel=1e-5)


@pytest.mark.parametrize(
    "name, nearest",
    [
        ("wassertein", "wasserstein"),
        ("NonSaturating", "non_saturating"),
        ("least-squares", "least_squares"),
    ],
)
def test_get_names_the_nearest_and_all_legal_names(name, nearest):
    with pytest.raises(ValueError, match=f'Did you mean "{nearest}".*identifier=') as error:
        losses.get(name)
    assert all(f'"{legal}"' in str(error.value) for legal in NAMES)


def test_get_of_a_name_like_no_other():
    with pytest.raises(ValueError, match="Pass one of these names. Received: identifier='qqq'"):
        losses.get("qqq")


@pytest.mark.parametrize("identifier", [None, 3, dict, losses.R1(), losses.R1])
def test_get_refuses_other_types(identifier):
    with pytest.raises(TypeError, match="Received: identifier="):
        losses.get(identifier)


@pytest.mark.parametrize("name", [name for name in NAMES if "relativistic" not in name])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_halves_add_up_to_the_discriminators_loss_exactly(name, label_smoothing):
    if label_smoothing and name not in SMOOTHED:
        pytest.skip("has no targets to smooth")
    loss = losses.get(name, label_smoothing=label_smoothing)
    real, fake = (ops.convert_to_tensor(x, "float32") for x in logits((5, 3)))
    whole = ops.convert_to_numpy(loss.discriminator(real, fake))
    half_real = ops.convert_to_numpy(loss.discriminator_real(real))
    half_fake = ops.convert_to_numpy(loss.discriminator_fake(fake))
    assert half_real + half_fake == whole
    # Each half knows its own side only: the formula against a logit that costs nothing there.
    sure = {"wasserstein": 0.0, "hinge": -1.0, "least_squares": 0.0}.get(name, -30.0)
    paper = PAPER[name][0]
    target = (1.0 - label_smoothing,) if name in SMOOTHED else ()
    expected = paper(logits((5, 3))[0], np.full((5, 3), sure), *target)
    np.testing.assert_allclose(half_real, expected, rtol=1e-5)


class Own(losses.Hinge):
    def discriminator(self, real, fake):
        return ops.mean(fake - real)


@pytest.mark.parametrize("loss", ["relativistic_average", "relativistic_pairing", Own])
@pytest.mark.parametrize("half", ["discriminator_real", "discriminator_fake"])
def test_a_loss_that_compares_has_no_halves(loss, half):
    with pytest.raises(ValueError, match='has no halves.*Use "non_saturating"'):
        getattr(losses.get(loss), half)(np.zeros((4, 1), "float32"))


def test_half_without_logits_is_refused():
    with pytest.raises(ValueError, match="discriminator_real was called without real logits"):
        losses.Hinge().discriminator_real(None)
