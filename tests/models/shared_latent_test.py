"""The shared latent space: its terms against NumPy, what is shared, what is drawn, both sides."""

import unittest.mock

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan

SIDES = {"a": (4, 6, 2), "b": (4, 6, 3)}
MAPS, CODES = (4, 6, 5), (4, 6, 7)
SHAPES = {
    "encoder_a": (SIDES["a"], MAPS),
    "encoder_b": (SIDES["b"], MAPS),
    "shared_encoder": (MAPS, CODES),
    "shared_decoder": (CODES, MAPS),
    "decoder_a": (MAPS, SIDES["a"]),
    "decoder_b": (MAPS, SIDES["b"]),
    "discriminator_a": (SIDES["a"], (1,)),
    "discriminator_b": (SIDES["b"], (1,)),
}


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


def matrix(read, made, name):
    """A network that is one matrix and an offset, at every pixel."""
    x = keras.Input(read)
    dense = layers.Dense(made[-1], kernel_initializer="normal", bias_initializer="normal")
    return keras.Model(x, dense(x), name=name)


def linear(changes=(), **options):
    keras.utils.set_random_seed(0)
    shapes = {**SHAPES, **dict(changes)}
    networks = {name: matrix(*shape, name) for name, shape in shapes.items()}
    model = kgan.SharedLatentTranslator(**networks, **{"seed": 0, **options})
    model.compile(optimizer=keras.optimizers.SGD(0.01))
    return model


def collections(n=(5, 3), seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(m, *shape) for m, shape in zip(n, SIDES.values())]
    return tuple(rng.uniform(-1, 1, shape).astype("float32") for shape in shapes)


def functions(model):
    """The networks in NumPy, by their names."""

    def of(name):
        kernel, bias = getattr(model, name).get_weights()
        return lambda x: x @ kernel + bias

    return {name: of(name) for name in SHAPES}


def through(networks, x, *names):
    for name in names:
        x = networks[name](x)
    return x


def play(model, player, a, b):
    """The terms of a player, and the noises that were drawn for them, in their order."""
    rng, drawn = np.random.default_rng(3), []

    def deal(shape, *args, seed=None, **kwargs):
        drawn.append(rng.normal(size=[int(side) for side in shape]).astype("float32"))
        return ops.convert_to_tensor(drawn[-1])

    batch = model.unpack((ops.convert_to_tensor(a), ops.convert_to_tensor(b)))
    with unittest.mock.patch.object(keras.random, "normal", deal):
        _, found = model.play(player, batch, training=True)
    return {name: number(value) for name, value in found.items()}, drawn


def squares(logits, wanted):
    return ((logits - wanted) ** 2).mean()


def distance(x, y):
    return np.abs(x - y).sum((1, 2, 3)).mean() / np.prod(x.shape[1:])


def divergence(mean, sample):
    """KL(N(mean, I) || N(0, I)) = |mean|^2 / 2: a sum over latents, a mean over the batch."""
    return 0.5 * (mean**2).sum((1, 2, 3)).mean() / np.prod(sample.shape[1:])


# The terms


def test_terms_are_those_of_the_paper():
    weights = {"reconstruction": 7.0, "divergence": 0.3, "cycle": 5.0, "cycle_divergence": 0.2}
    model = linear(**{f"{name}_weight": weight for name, weight in weights.items()})
    a, b = collections()
    f = functions(model)
    found, noise = play(model, "generators", a, b)
    assert [n.shape for n in noise] == [(5, *CODES), (3, *CODES), (5, *CODES), (3, *CODES)]
    encode = {
        side: lambda x, e=f"encoder_{side}": through(f, x, e, "shared_encoder") for side in SIDES
    }
    decode = {
        side: lambda x, d=f"decoder_{side}": through(f, x, "shared_decoder", d) for side in SIDES
    }
    mean_a, mean_b = encode["a"](a), encode["b"](b)
    code_a, code_b = mean_a + noise[0], mean_b + noise[1]
    fake_a, fake_b = decode["a"](code_b), decode["b"](code_a)
    again_a, again_b = encode["b"](fake_b), encode["a"](fake_a)
    back_a, back_b = decode["a"](again_a + noise[2]), decode["b"](again_b + noise[3])
    expected = {
        "adversarial": squares(f["discriminator_b"](fake_b), 1)
        + squares(f["discriminator_a"](fake_a), 1),
        "reconstruction": 7.0
        * (distance(a, decode["a"](code_a)) + distance(b, decode["b"](code_b))),
        "divergence": 0.3 * (divergence(mean_a, a) + divergence(mean_b, b)),
        "cycle": 5.0 * (distance(a, back_a) + distance(b, back_b)),
        "cycle_divergence": 0.2 * (divergence(again_a, a) + divergence(again_b, b)),
    }
    assert found == pytest.approx(expected, rel=1e-4)
    found, noise = play(model, "discriminators", a, b)
    fake_a, fake_b = decode["a"](mean_b + noise[1]), decode["b"](mean_a + noise[0])
    d_a, d_b = f["discriminator_a"], f["discriminator_b"]
    # Translations alone: no reconstruction, and squares are not halved.
    expected = {
        "a": squares(d_a(a), 1) + squares(d_a(fake_a), 0),
        "b": squares(d_b(b), 1) + squares(d_b(fake_b), 0),
    }
    assert found == pytest.approx(expected, rel=1e-4)


def test_divergence_is_a_sum_over_the_latents():
    """Twice as many latents of the same size cost twice as much, where a mean would not change."""
    found = []
    for channels in (4, 8):
        codes = (4, 6, channels)
        model = linear({"shared_encoder": (MAPS, codes), "shared_decoder": (codes, MAPS)})
        model.shared_encoder.set_weights([np.zeros((5, channels)), np.full(channels, 0.6)])
        terms, _ = play(model, "generators", *collections())
        found.append(terms["divergence"])
    values = {side: np.prod(shape) for side, shape in SIDES.items()}
    nats = 4 * 6 * 4 * 0.5 * 0.6**2  # of a closed form: |mean|^2 / 2
    assert found[0] == pytest.approx(0.01 * (nats / values["a"] + nats / values["b"]), rel=1e-5)
    assert found[1] == pytest.approx(2 * found[0], rel=1e-5)


def test_weights_of_zero_leave_terms_out():
    names = ("reconstruction", "divergence", "cycle", "cycle_divergence")
    a, b = collections()
    for name in names:
        model = linear(**{f"{name}_weight": 0.0})
        left = tuple(other for other in names if other != name)
        assert model.players["generators"].terms == ("adversarial", *left)
        assert f"generators_{name}" not in model.fit(a, b, batch_size=4, verbose=0).history


# What is shared, and what is drawn


def ids(model, names):
    return {id(v) for name in names for v in getattr(model, name).trainable_variables}


def test_innermost_layers_are_the_same_variables(tmp_path):
    model = linear()
    model.save(tmp_path / "model.keras")
    for one in (model, keras.saving.load_model(tmp_path / "model.keras")):
        networks = {name: ids(one, endpoint.networks) for name, endpoint in one.endpoints.items()}
        shared = {name: ids(one, [name]) for name in ("shared_encoder", "shared_decoder")}
        assert all(shared.values())
        both = shared["shared_encoder"] | shared["shared_decoder"]
        assert networks["a_to_b"] & networks["b_to_a"] == both
        assert networks["encode_a"] & networks["encode_b"] == shared["shared_encoder"]
        # Each counts once, for the optimizer and in the file.
        assert len(one.player_variables["generators"]) == 2 * 6
        assert len(one.trainable_variables) == 2 * 8
    a, b = collections()
    before = model.encode(a, side="a"), model.encode(b, side="b")
    bias = model.shared_encoder.trainable_variables[1]
    bias.assign(bias + 1.0)
    after = model.encode(a, side="a"), model.encode(b, side="b")
    for old, new in zip(before, after):
        np.testing.assert_allclose(new, old + 1.0, atol=1e-5)


def test_training_draws_with_variance_one_and_answers_are_means():
    model = linear()
    zeros = ops.zeros((500, *CODES))
    noise = ops.convert_to_numpy(model.drawn(zeros))
    assert noise.mean() == pytest.approx(0.0, abs=0.01)
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    # Whatever the mean, and anew each time.
    far = ops.convert_to_numpy(model.drawn(zeros + 40.0))
    assert far.mean() == pytest.approx(40.0, abs=0.01) and far.std() == pytest.approx(1.0, abs=0.01)
    assert not np.array_equal(noise, far - 40.0)
    a, b = collections()
    f = functions(model)
    for side, samples in (("a", a), ("b", b)):
        codes = model.encode(samples, side=side)
        wanted = through(f, samples, f"encoder_{side}", "shared_encoder")
        np.testing.assert_allclose(codes, wanted, rtol=1e-4, atol=1e-5)
        assert np.array_equal(codes, model.encode(samples, side=side))


# Directions and refusals


def test_translates_both_ways_between_unlike_shapes():
    model = linear()
    a, b = collections()
    f = functions(model)
    ways = {"a_to_b": (a, "encoder_a", "decoder_b"), "b_to_a": (b, "encoder_b", "decoder_a")}
    for direction, (samples, encoder, decoder) in ways.items():
        expected = through(f, samples, encoder, "shared_encoder", "shared_decoder", decoder)
        made = model.translate(samples, direction=direction, batch_size=2)
        assert made.dtype == np.uint8
        assert np.abs(made.astype(int) - kgan.data.to_uint8(expected)).max() <= 1
    with pytest.raises(ValueError, match="Received: direction='encode_a'"):
        model.translate(a, direction="encode_a")
    with pytest.raises(ValueError, match="one of .*Received: side='c'"):
        model.encode(a, side="c")


def test_networks_that_do_not_fit_are_refused():
    for name, other in (
        ("encoder_b", (SIDES["b"], (4, 6, 4))),
        ("shared_decoder", ((4, 6, 4), MAPS)),
        ("decoder_a", (MAPS, SIDES["b"])),
        ("discriminator_b", (SIDES["a"], (1,))),
    ):
        with pytest.raises(ValueError, match="must read.*Received: "):
            linear({name: other})
    for option in ("discriminator_weight", "cycle_weight", "divergence_weight"):
        value = 0.0 if option == "discriminator_weight" else -1.0
        with pytest.raises(ValueError, match=f"Received: {option}"):
            linear(**{option: value})


def test_options_of_the_zoo_reach_the_game():
    grey, colour = np.zeros((4, 8, 8, 1), "uint8"), np.zeros((6, 8, 8, 3), "uint8")
    options = {"width": 2, "discriminator_width": 2, "num_blocks": 0, "receptive_field": 16}
    model = kgan.zoo.load(
        "unit", like=(grey, colour), num_shared_blocks=2, ema_momentum=0.9, pool_size=3, **options
    )
    assert [field.shape for field in model.fields] == [(8, 8, 1), (8, 8, 3)]
    assert model.latent_shape == (2, 2, 8) and model.pool_b.size == 3
    blocks = [x for x in model.shared_encoder.layers if isinstance(x, layers.Add)]
    assert len(blocks) == 2 and not any(isinstance(x, layers.Add) for x in model.encoder_a.layers)
    assert model.optimizer["generators"].use_ema and not model.optimizer["discriminators"].use_ema
