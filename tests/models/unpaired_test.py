"""The unpaired translator: its terms against NumPy, its pools, and both of its directions."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan

NAMES = ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b")


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


def matrix(read, made, name):
    """A network that is one matrix and an offset, at every pixel."""
    x = keras.Input(read)
    dense = layers.Dense(made[-1], kernel_initializer="normal", bias_initializer="normal")
    return keras.Model(x, dense(x), name=name)


def linear(a=(4, 6, 2), b=(4, 6, 2), optimizer="sgd", **options):
    shapes = {"a_to_b": (a, b), "b_to_a": (b, a), NAMES[2]: (a, (1,)), NAMES[3]: (b, (1,))}
    networks = {name: matrix(*shape, name) for name, shape in shapes.items()}
    model = kgan.UnpairedTranslator(**networks, **{"seed": 0, **options})
    model.compile(optimizer=optimizer)
    return model


def collections(a=(4, 6, 2), b=(4, 6, 2), n=(5, 5), seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.uniform(-1, 1, (m, *shape)).astype("float32") for m, shape in zip(n, (a, b)))


def functions(model):
    """The four networks in NumPy."""
    networks = [getattr(model, name) for name in NAMES]
    pairs = [[ops.convert_to_numpy(v) for v in n.trainable_variables] for n in networks]
    return [lambda x, w=w, b=b: x @ w + b for w, b in pairs]


def play(model, player, a, b, training=False):
    batch = model.unpack((ops.convert_to_tensor(a), ops.convert_to_tensor(b)))
    _, found = model.play(player, batch, training)
    return {name: number(value) for name, value in found.items()}


def distance(x, y):
    return np.abs(x - y).mean()


# The terms


def test_terms_are_those_of_the_paper():
    model = linear()
    # Two batches of unlike size: no term lays a sample of a beside one of b.
    a, b = collections(n=(5, 3))
    f, g, d_a, d_b = functions(model)
    # Zhu's code: criterionGAN is torch's MSELoss, lambda_A = lambda_B = 10, lambda_idt = 0.5,
    # and loss_D = (loss_D_real + loss_D_fake) * 0.5.
    expected = {
        "adversarial": ((d_b(f(a)) - 1) ** 2).mean() + ((d_a(g(b)) - 1) ** 2).mean(),
        "cycle": 10.0 * (distance(g(f(a)), a) + distance(f(g(b)), b)),
        "identity": 10.0 * 0.5 * (distance(f(b), b) + distance(g(a), a)),
    }
    assert play(model, "generators", a, b) == pytest.approx(expected, rel=1e-4)
    expected = {
        "a": 0.5 * (((d_a(a) - 1) ** 2).mean() + (d_a(g(b)) ** 2).mean()),
        "b": 0.5 * (((d_b(b) - 1) ** 2).mean() + (d_b(f(a)) ** 2).mean()),
    }
    assert play(model, "discriminators", a, b) == pytest.approx(expected, rel=1e-4)


def test_weights_and_losses_are_options():
    options = {"cycle_weight": 3.0, "identity_weight": 2.0, "discriminator_weight": 0.25}
    model = linear(loss="non_saturating", **options)
    a, b = collections()
    f, g, d_a, d_b = functions(model)
    found = play(model, "generators", a, b)
    softplus = lambda x: np.log1p(np.exp(x))  # noqa: E731
    adversarial = softplus(-d_b(f(a))).mean() + softplus(-d_a(g(b))).mean()
    assert found["adversarial"] == pytest.approx(adversarial, rel=1e-4)
    assert found["cycle"] == pytest.approx(
        3.0 * (distance(g(f(a)), a) + distance(f(g(b)), b)), rel=1e-4
    )
    assert found["identity"] == pytest.approx(
        6.0 * (distance(f(b), b) + distance(g(a), a)), rel=1e-4
    )
    found = play(model, "discriminators", a, b)
    expected = 0.25 * (softplus(-d_a(a)).mean() + softplus(d_a(g(b))).mean())
    assert found["a"] == pytest.approx(expected, rel=1e-4)
    # A relativistic generator looks at real samples too.
    model = linear(loss="relativistic_pairing")
    f, g, d_a, d_b = functions(model)
    expected = softplus(d_b(b) - d_b(f(a))).mean() + softplus(d_a(a) - d_a(g(b))).mean()
    assert play(model, "generators", a, b)["adversarial"] == pytest.approx(expected, rel=1e-4)


def test_both_generators_learn_from_both_cycles():
    """The gradient of the cycle terms alone, against differences of NumPy's cycles."""
    rate = 1e-3
    model = linear(
        identity_weight=0.0, cycle_weight=1.0, optimizer=keras.optimizers.SGD(rate), pool_size=0
    )
    # Discriminators that answer 1 whatever they see: no adversarial gradient.
    for name in NAMES[2:]:
        kernel, bias = getattr(model, name).trainable_variables
        kernel.assign(np.zeros(kernel.shape))
        bias.assign(np.ones(bias.shape))
    model.optimizer["discriminators"].learning_rate = 0.0
    a, b = collections()
    weights = [model.a_to_b.trainable_variables[0], model.b_to_a.trainable_variables[0]]
    before = [np.array(ops.convert_to_numpy(w), "float64") for w in weights]
    biases = [
        np.array(ops.convert_to_numpy(n.trainable_variables[1]), "float64")
        for n in (model.a_to_b, model.b_to_a)
    ]

    def cycles(forth, back):
        f, g = (lambda x: x @ forth + biases[0]), (lambda x: x @ back + biases[1])
        return np.array([distance(g(f(a)), a), distance(f(g(b)), b)])

    slopes = np.zeros((2, 2, 2, 2))  # generator, weight (2 x 2), cycle
    for which in range(2):
        for index in np.ndindex(2, 2):
            step = [np.zeros((2, 2)), np.zeros((2, 2))]
            step[which][index] = 1e-5
            up = cycles(*(w + s for w, s in zip(before, step)))
            down = cycles(*(w - s for w, s in zip(before, step)))
            slopes[which][index] = (up - down) / 2e-5
    assert (np.abs(slopes).max((1, 2)) > 1e-3).all()  # each generator, from each cycle
    model.fit(a, b, batch_size=5, shuffle=False, verbose=0)
    for which, weight in enumerate(weights):
        moved = ops.convert_to_numpy(weight) - before[which]
        np.testing.assert_allclose(moved, -rate * slopes[which].sum(-1), rtol=2e-2, atol=1e-6)


# The pools


def test_discriminators_take_the_pool_in_training_only():
    model = linear(pool_size=5, optimizer=keras.optimizers.SGD(0.0))
    a, b = collections()
    model.fit(a, b, batch_size=5, shuffle=False, verbose=0)  # fills the pools
    f, g, d_a, d_b = functions(model)
    np.testing.assert_allclose(ops.convert_to_numpy(model.pool_a.pool), g(b), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(model.pool_b.pool), f(a), rtol=1e-4, atol=1e-5)
    # Other fakes from now on: what lies in the pools is told from what is made.
    for name in NAMES[:2]:
        bias = getattr(model, name).trainable_variables[1]
        bias.assign(bias + 30.0)
    pools = [np.array(ops.convert_to_numpy(p.pool)) for p in (model.pool_a, model.pool_b)]
    f, g, d_a, d_b = functions(model)
    logs = model.evaluate(a, b, batch_size=5, verbose=0, return_dict=True)
    plain = 0.5 * (((d_b(b) - 1) ** 2).mean() + (d_b(f(a)) ** 2).mean())
    assert logs["discriminators_b"] == pytest.approx(plain, rel=1e-4)
    for pool, before in zip((model.pool_a, model.pool_b), pools, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(pool.pool), before)
    logs = model.fit(a, b, batch_size=5, shuffle=False, verbose=0).history
    now = ops.convert_to_numpy(model.pool_b.pool)
    stored = np.array([np.abs(now - fake).max((1, 2, 3)).min() < 1e-3 for fake in f(a)])
    kept = np.abs(now - pools[1]).max((1, 2, 3)) < 1e-6
    # As many old ones were shown as new ones were stored.
    assert 0 < stored.sum() == 5 - kept.sum() < 5
    shown = np.concatenate([f(a)[~stored], pools[1][~kept]])
    mixed = 0.5 * (((d_b(b) - 1) ** 2).mean() + (d_b(shown) ** 2).mean())
    assert logs["discriminators_b"][0] == pytest.approx(mixed, rel=1e-4)
    assert logs["discriminators_b"][0] != pytest.approx(plain, rel=1e-2)


def test_pools_are_saved_and_go_on(tmp_path):
    a, b = collections(n=(8, 5))
    model = linear(pool_size=3)
    model.fit(a, b, batch_size=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for pool in ("pool_a", "pool_b"):
        first, second = getattr(model, pool), getattr(loaded, pool)
        for one, other in zip(first.variables, second.variables, strict=True):
            np.testing.assert_array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other))
        assert number(second.count) == 3
    again = [m.fit(a, b, batch_size=2, verbose=0).history for m in (model, loaded)]
    assert again[0] == again[1]


def test_no_pool_is_an_option():
    a, b = collections()
    model = linear(pool_size=0)
    assert model.pool_a is None
    model.fit(a, b, verbose=0)


# Shapes and directions


def test_channels_may_differ_without_identity(tmp_path):
    a, b = collections(b=(4, 6, 3), n=(3, 4))
    model = linear(b=(4, 6, 3), identity_weight=0.0)
    assert model.players["generators"].terms == ("adversarial", "cycle")
    assert "generators_identity" not in model.fit(a, b, verbose=0).history
    assert model.translate(a).shape == (3, 4, 6, 3)
    assert model.translate(b, direction="b_to_a").shape == (4, 4, 6, 2)
    with pytest.raises(ValueError, match="identity_weight=0.*Received: identity_weight=0.5"):
        linear(b=(4, 6, 3))
    grey, colour = np.zeros((4, 8, 8, 1), "uint8"), np.zeros((6, 8, 8, 3), "uint8")
    options = {"width": 2, "discriminator_width": 2, "num_blocks": 1, "receptive_field": 16}
    model = kgan.zoo.load("cyclegan", like=(grey, colour), identity_weight=0, **options)
    assert [field.shape for field in model.fields] == [(8, 8, 1), (8, 8, 3)]


def test_translate_goes_both_ways():
    model = linear()
    a, b = collections(n=(3, 4))
    f, g, _, _ = functions(model)
    for images, function, direction in ((a, f, "a_to_b"), (b, g, "b_to_a")):
        expected = kgan.data.to_uint8(function(images))
        made = model.translate(images, direction=direction, batch_size=2)
        assert made.dtype == np.uint8
        assert np.abs(made.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(model.translate(a), model.translate(a, direction="a_to_b"))
    np.testing.assert_allclose(model.predict(a, verbose=0), f(a), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="one of .*Received: direction='b_to_c'"):
        model.translate(a, direction="b_to_c")


def test_samples_may_be_vectors():
    model = linear(a=(3,), b=(3,))
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(n, 3)).astype("float32") for n in (7, 4))
    model.fit(a, b, batch_size=1, verbose=0)
    assert model.translate(a).dtype == np.float32
    np.testing.assert_allclose(model.translate(a), functions(model)[0](a), rtol=1e-4, atol=1e-5)


def test_networks_that_do_not_fit_are_refused():
    def build(**changes):
        shape = (4, 4, 1)
        networks = {name: matrix(shape, shape, name) for name in NAMES}
        return kgan.UnpairedTranslator(**{**networks, **changes})

    with pytest.raises(ValueError, match="build all four for the same two shapes"):
        build(a_to_b=matrix((4, 4, 1), (4, 4, 2), "wide"))
    with pytest.raises(ValueError, match="takes one input"):
        inputs = [keras.Input((4, 4, 1)), keras.Input((4, 4, 1))]
        build(discriminator_a=keras.Model(inputs, layers.Add()(inputs)))
    for options in ({"cycle_weight": -1.0}, {"discriminator_weight": 0.0}, {"pool_size": -1}):
        with pytest.raises(ValueError, match=f"Received: {next(iter(options))}"):
            build(**options)


# The zoo's model


def test_cyclegan_gives_its_options_on():
    options = {"width": 2, "discriminator_width": 2, "num_blocks": 1, "receptive_field": 16}
    model = kgan.zoo.load(
        "cyclegan", like=(8, 8, 1), constant_steps=10, decay_steps=10, pool_size=7, **options
    )
    assert model.pool_a.size == 7
    rates = [model.optimizer[player]._learning_rate for player in model.players]
    assert all(isinstance(rate, kgan.schedules.ConstantThenLinear) for rate in rates)
    for options in ({"constant_steps": 10}, {"decay_steps": 10}):
        with pytest.raises(ValueError, match="both numbers of steps"):
            kgan.zoo.load("cyclegan", like=(8, 8, 1), **options)


def test_both_directions_are_one_onnx_file(tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    if keras.config.backend() != "tensorflow":
        pytest.skip("the same process writes it for the other backends")
    options = {"width": 2, "discriminator_width": 2, "num_blocks": 1, "receptive_field": 16}
    model = kgan.zoo.load("cyclegan", like=(8, 8, 1), **options)
    try:
        model.export(tmp_path / "both.onnx", format="onnx")
    except ValueError as error:
        pytest.skip(str(error))
    session = runtime.InferenceSession(tmp_path / "both.onnx")
    a, b = collections((8, 8, 1), (8, 8, 1), n=(2, 2))
    names = [given.name for given in session.get_inputs()]
    there, back = session.run(None, dict(zip(names, (a, b), strict=True)))
    np.testing.assert_allclose(there, model.predict(a, verbose=0), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(back, model.b_to_a.predict(b, verbose=0), rtol=1e-3, atol=1e-4)
