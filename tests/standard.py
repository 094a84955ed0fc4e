"""The standard test of a model, at a tiny size.

`zoo_test.py` runs it for every model of the zoo and `stranger_test.py` for models that kgan never
saw: each names its models in NAMES and takes all tests from here. A new model brings no test: the
losses that all three backends must reach, how it is compiled and how large it is are written by

    KERAS_BACKEND=tensorflow python tests/golden.py NAME

beside the test file. TensorFlow is the reference: read the difference before you keep it, and hold
the optimizers against the paper.
"""

import contextlib
import fnmatch
import functools
import inspect
import json
import pathlib
import re
import unittest.mock

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.catalog.registry import builder_of, tiny_options_of
from kgan.game.optimizers import PlayerOptimizers

BACKEND = keras.config.backend()
SIDE, BATCH, STEPS = 8, 8, 6

# What makes a model tiny, by the names of options: the first pattern that fits one counts.
TINY = {
    "image_shape": (SIDE, SIDE, 1),
    "sample_shape": (SIDE, SIDE, 1),
    "latent_dim": 4,
    "*units": (16,),
    "*width": 4,
    "*filters": 4,
    "*blocks": 1,
    "depth": 1,
}

# What the patterns do not fit, a builder says itself: @register(tiny={option: value}).

# Of the options above, those that are no sizes: a paper's own values are compiled without them.
NO_SIZES = {"clip", "cycle_weight", "learning_rate", "pool_size", "reconstruction_weight"}

# Another value of an option, where twice a number, half a share and the opposite of a boolean
# won't do, or a tuple of values of which the first that is another counts; and what an option needs
# beside it.
OTHER = {
    "activation": "elu",
    "augmentation": "color",
    "class_names": ("a", "b", "c"),
    "clip": 0.2,
    "conditioning": ("concatenation", "projection"),
    "content": None,
    "constant_steps": 6,
    "decay_steps": 12,
    "degradation": "blur_noise_jpeg",
    "discriminator_normalization": False,
    "ema_momentum": 0.9,
    "generator": "dense",
    "generator_normalization": False,
    "group_size": 2,
    "likelihood": "gaussian",
    "loss": ("least_squares", "hinge"),
    "network": "published",
    "noise": ("uniform", "normal"),
    "normalization": "batch",
    "receptive_field": 1,
    "reconstruction": "huber",
    "scales": 3,
    "seed": 1,
    "stages": 3,
    "statistic": "standard_deviation",
    "target_channels": 3,
    "target_shape": (SIDE, SIDE, 3),
    "warm_up": 10,
    "wrong_captions": "nearest",
    "*units": (8,),
}
BESIDE = {
    "constant_steps": {"constant_steps": 5, "decay_steps": 10},
    # The contrast is that of a projection.
    "contrastive_weight": {"conditioning": "projection"},
    "decay_steps": {"constant_steps": 5, "decay_steps": 10},
    # At 8x8 there is no layer between the discriminator's first and last.
    "discriminator_normalization": {"sample_shape": (16, 16, 1)},
    # Samples of two shapes can't be the same.
    "target_channels": {"identity_weight": 0.0},
    "units": {"sample_shape": (2,)},
    # What convolutions and dense layers alone have.
    "activation": {"units": (8,)},
    "width": {"units": None},
}

# Learning rates of the plain model, where 0.05 blows rounding up until the backends part.
PLAIN_RATE_BY_MODEL = {
    "cyclegan": 0.0001,
    "domain_transfer": 0.001,
    "segan": 0.0001,
    "speech_enhancement": 0.001,
    "unit": 0.0001,
}
# Weights under which no channel is so nearly constant that its normalization blows rounding up.
PLAIN_SEED_BY_MODEL = {"unit": 3}


def golden(module, what):
    """Values that were stored beside a test file: `losses`, `optimizers` or `parameters`."""
    path = pathlib.Path(module.__file__)
    path = path.with_name(f"{path.stem.removesuffix('_test')}_{what}.json")
    return json.loads(path.read_text()) if path.exists() else {}


def slow_elsewhere(test):
    """Leaves a test to `make slow` on JAX and PyTorch, where `make test` proves the games equal."""
    if BACKEND == "tensorflow":
        return test
    return pytest.mark.slow(pytest.mark.every_backend(test))


def of_the_game(test):
    """Leaves a test to `make slow` for models whose game, data and engine another proves already.

    For what comes from a game's class and not from a model's networks.
    """
    return pytest.mark.of_the_game(slow_elsewhere(test))


def tiny_options(name):
    options = inspect.signature(builder_of(name)).parameters
    chosen = {}
    for option in options:
        fitting = [pattern for pattern in TINY if fnmatch.fnmatch(option, pattern)]
        if fitting:
            chosen[option] = TINY[fitting[0]]
    return {**chosen, **tiny_options_of(name)}


def load_tiny(name, **options):
    keras.utils.set_random_seed(0)
    legal = inspect.signature(builder_of(name)).parameters
    options = {option: value for option, value in options.items() if option in legal}
    return kgan.zoo.load(name, **{**tiny_options(name), "seed": 0, **options})


def data_of(model, n=2 * BATCH, as_float=False):
    """One array per field: noise in the format that the field declares."""
    rng = np.random.default_rng(0)
    arrays = []
    for field in model.fields:
        if isinstance(field, kgan.data.Images):
            # One stream for all fields: the stored losses hang on it.
            shape = (n, *(side or SIDE for side in field.shape))
            pixels = rng.integers(0, 256, shape, dtype="uint8")
            arrays.append(kgan.data.to_float(pixels) if as_float else pixels)
        else:
            arrays.append(field.examples(n, seed=len(arrays)))
    return tuple(arrays)


def inputs_of(model, n=3):
    """What `predict` takes: noise, and what else the first endpoint takes."""
    endpoint = first_endpoint(model)
    named = dict(zip((field.name for field in model.fields), data_of(model, n), strict=True))
    inputs = [] if endpoint.noise is None else [endpoint.noise.sample(n, seed=3)]
    for field in endpoint.inputs:
        checked = field.check(named.get(field.name, field.examples(n)))
        inputs.append(ops.convert_to_numpy(field.to_device(checked)))
    return inputs if len(inputs) > 1 else inputs[0]


def first_endpoint(model):
    return next(iter(model.endpoints.values()))


def given_to(model, endpoint, n, as_float=False):
    """What a user gives to an endpoint: the model's own data where it is a field of the model."""
    arrays = data_of(model, n, as_float)
    named = dict(zip((field.name for field in model.fields), arrays, strict=True))
    return [named.get(field.name, field.examples(n)) for field in endpoint.inputs]


def fits(shape, declared):
    """Whether a shape is the declared one, of which `None` is any size."""
    return len(shape) == len(declared) and all(
        size in (None, side) for side, size in zip(shape, declared, strict=True)
    )


def same_up_to_rounding(one, other):
    """A number half way between two pixels may fall on either; words are equal."""
    if isinstance(one, list):
        return one == other
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype.kind not in "iuf":
        return (one == other).all()
    difference = np.abs(one.astype("float64") - other.astype("float64"))
    return difference.max() <= (1 if one.dtype.kind in "iu" else 1e-4)


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


def variables_of(model):
    """All state: weights, statistics, random states, optimizers."""
    everything = [*model.variables, *model.optimizer.variables]
    return list({id(variable): variable for variable in everything}.values())


def read(variables):
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def snapshot(model):
    model.synchronize()
    variables = variables_of(model)
    return list(zip(variables, read(variables), strict=True))


def restore(state):
    for variable, value in state:
        variable.assign(value)


def weights_of(model, player):
    return read(model.player_variables[player])


def frozen_networks(model):
    """Networks that no player moves, such as one that a user brought."""
    networks = [part for part in model.layers if isinstance(part, keras.Model)]
    return [network for network in networks if not network.trainable]


def statistics_of(model):
    """The networks' state that no optimizer moves, such as BatchNorm's, without random states."""
    still = {id(v) for network in frozen_networks(model) for v in network.weights}
    return read(v for v in model.weights if not v.trainable and id(v) not in still)


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def fit(model, arrays, **options):
    options = {"batch_size": BATCH, "verbose": 0, "shuffle": False, **options}
    return model.fit(*spelled(arrays), **options).history


def checked(model, arrays):
    """Arrays as batches hold them: strings as ids."""
    return tuple(field.check(array) for field, array in zip(model.fields, arrays, strict=True))


def spelled(arrays):
    """Arguments of `fit`: x and y, or a tuple of more fields."""
    return arrays if len(arrays) < 3 else (arrays,)


def compiled_as(model):
    """What a paper says of training: moves, optimizers, losses and weights, without networks."""

    def plain(value):
        if isinstance(value, dict) and "class_name" in value:
            return {value["class_name"]: plain(value["config"])}
        if isinstance(value, dict):
            # A player's name is no choice, and `None` is none.
            kept = {k: plain(v) for k, v in value.items() if k != "name" and v is not None}
            return {k: v for k, v in kept.items() if v is not None}
        if isinstance(value, list | tuple):
            return [plain(entry) for entry in value]
        return float(f"{value:.6g}") if isinstance(value, float) else value

    networks = {network for player in model.players.values() for network in player.networks}
    # Of a later stage, too.
    config = model.get_config()
    networks |= {name for name in config if isinstance(getattr(model, name, None), keras.Model)}
    game = {k: v for k, v in plain(config).items() if k not in {*networks, "dtype", "seed"}}
    optimizers = plain(model.optimizer.get_config()["players"])
    every = {name: player.every for name, player in model.players.items()}
    return {"game": game, "optimizers": optimizers, "every": every}


def load_as_published(name):
    """A tiny model whose options are the paper's but for sizes."""
    tiny = tiny_options(name)
    sizes = {option: value for option, value in tiny.items() if option not in NO_SIZES}
    return kgan.zoo.load(name, **{**sizes, "seed": 0})


def recipe(name, **options):
    """All that a model is made of, as text: configs of game, networks and optimizers."""
    # An optimizer's config needs no state, which costs a third of the time.
    with unittest.mock.patch.object(PlayerOptimizers, "build_players"):
        model = load_tiny(name, **options)
    text = json.dumps([model.get_config(), model.get_compile_config()], sort_keys=True)
    # Layers and tensors are numbered on from those of the models before.
    return re.sub(r'_\d+"', '"', text)


recipe_without = functools.cache(lambda name, beside: recipe(name, **dict(beside)))


def other_value(name, option):
    """A value of an option of the tiny model that is not the one it has."""
    value = inspect.signature(builder_of(name)).parameters[option].default
    value = tiny_options(name).get(option, value)
    if option in ("image_shape", "sample_shape"):
        return (*value[:-1], 3)
    fitting = [pattern for pattern in OTHER if fnmatch.fnmatch(option, pattern)]
    if fitting and option in ("conditioning", "loss", "noise"):
        return next(other for other in OTHER[fitting[0]] if other != value)
    if fitting:
        return OTHER[fitting[0]]
    if isinstance(value, keras.Model):
        return keras.Sequential([value, keras.layers.Dense(3)])
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple) and isinstance(value[0], kgan.data.Images):
        return (kgan.data.Images((4, 16, 1)), *value[1:])
    if isinstance(value, tuple):
        return (2 * value[0], *value[1:])
    if isinstance(value, int):
        return 2 * value
    return value / 2 if value else 0.25


@contextlib.contextmanager
def fixed_noise():
    """Within this context `keras.random` deals the same numbers on every backend."""

    def dealt(kind):
        def deal(shape, *args, dtype=None, seed=None, **kwargs):
            rng = np.random.default_rng(1)
            many = (4 * BATCH, *(int(side) for side in shape[1:]))
            if kind == "normal":
                numbers = rng.normal(size=many)
            else:
                low, high = [*args, 0.0, 1.0][:2] if args else (0.0, 1.0)
                numbers = rng.uniform(low, high, many)
            return ops.convert_to_tensor(numbers.astype(dtype or "float32"))[: shape[0]]

        return deal

    with (
        unittest.mock.patch.object(keras.random, "normal", dealt("normal")),
        unittest.mock.patch.object(keras.random, "uniform", dealt("uniform")),
    ):
        yield


class Recorder(keras.optimizers.SGD):
    """SGD that remembers how many variables it got no gradient for."""

    def apply(self, grads, trainable_variables=None):
        self.num_missing = sum(gradient is None for gradient in grads)
        return super().apply(grads, trainable_variables)


def load_plain(name):
    """A tiny model on SGD with weights that NumPy dealt, and without dropout."""
    options = inspect.signature(builder_of(name)).parameters
    model = load_tiny(name, **{option: 0.0 for option in options if "dropout" in option})
    rate = PLAIN_RATE_BY_MODEL.get(name, 0.05)
    model.compile(optimizer={player: Recorder(rate) for player in model.players})
    rng = np.random.default_rng(PLAIN_SEED_BY_MODEL.get(name, 2))
    for variable in [v for player in model.players for v in model.player_variables[player]]:
        middle = 1.0 if "gamma" in variable.name else 0.0
        variable.assign(rng.normal(middle, 0.2, variable.shape).astype("float32"))
        if variable.constraint is not None:
            # Or the first move would change it at any learning rate.
            variable.assign(variable.constraint(variable))
    return model


def play_plain(model, steps=STEPS):
    """Plays one batch again and again: the history holds the losses of each step."""
    with fixed_noise():
        return fit(model, data_of(model, BATCH), epochs=steps)


@pytest.fixture(scope="module")
def paper(request):
    """A tiny model as the zoo compiles it, and its state when it was new."""
    model = load_tiny(request.param)
    return model, snapshot(model)


@pytest.fixture(scope="module")
def plain(request):
    """A tiny model on SGD, compiled once for several tests, and its state when it was new."""
    model = load_plain(request.param)
    return model, snapshot(model)


# Names, sizes, outputs


@of_the_game
def test_name_ignores_case_and_dashes(name):
    for spelling in (name.upper(), name.replace("_", "-"), name.replace("_", "")):
        assert builder_of(spelling) is builder_of(name)


@of_the_game
def test_misspelt_name_is_refused_with_the_nearest(name):
    with pytest.raises(ValueError, match=f"Did you mean '{name}'"):
        kgan.zoo.load(name + "x")


@of_the_game
def test_unknown_option_is_refused_with_the_legal_ones(name):
    with pytest.raises(ValueError, match="Its options are.*Received: latentdim=3"):
        kgan.zoo.load(name, latentdim=3)


@slow_elsewhere
def test_default_configuration_has_the_stored_number_of_parameters(name, request):
    stored = golden(request.module, "parameters")
    assert name in stored, f"run KERAS_BACKEND=tensorflow python tests/golden.py {name}"
    assert kgan.zoo.describe(name).parameters == stored[name]


@slow_elsewhere
def test_compiled_as_in_the_paper(paper, request):
    model, state = paper
    stored = golden(request.module, "optimizers").get(model.name)
    assert stored, f"run KERAS_BACKEND=tensorflow python tests/golden.py {model.name}"
    if NO_SIZES & set(tiny_options_of(model.name)):
        model = load_as_published(model.name)
    assert compiled_as(model) == stored


@of_the_game
def test_equal_options_make_equal_recipes(name):
    # Or the next test could not fail.
    assert recipe(name) == recipe_without(name, ())


@of_the_game
def test_option_changes_the_model(name, option):
    legal = inspect.signature(builder_of(name)).parameters
    beside = {key: value for key, value in BESIDE.get(option, {}).items() if key in legal}
    value = other_value(name, option)
    without = recipe_without(name, tuple(beside.items()))
    # A boolean: texts of this length are of no use in a message.
    changed = recipe(name, **{**beside, option: value}) != without
    assert changed, f"{option}={value!r} makes the same model"


@slow_elsewhere
def test_fields_come_from_data(name):
    tiny = load_tiny(name)
    data = data_of(tiny)
    options = {o: v for o, v in tiny_options(name).items() if not o.endswith("_shape")}
    model = kgan.zoo.load(name, like=data if len(data) > 1 else data[0], **options)
    assert [field.shape for field in model.fields] == [field.shape for field in tiny.fields]
    if isinstance(tiny.fields[0], kgan.data.Images) and len(data) == 1:
        model = kgan.zoo.load(name, like=np.zeros((4, 12, 12, 3), "uint8"), **options)
        assert model.fields[0].shape == (12, 12, 3)


def test_tiny_model_is_tiny(paper):
    model, _ = paper
    size = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert size < 30_000, "add what makes this model tiny to TINY"


def test_output_has_the_shape_and_range_of_the_data(paper):
    model, _ = paper
    output = model.predict(inputs_of(model), verbose=0)
    field = first_endpoint(model).output
    assert fits(output.shape, (3, *field.shape))
    assert output.dtype == "float32"
    assert np.isfinite(output).all()
    if isinstance(field, kgan.data.Images | kgan.data.Clips):
        assert -1 <= output.min() < output.max() <= 1


def test_generate_gives_samples_of_the_data(paper):
    model, _ = paper
    if model.answers.generator is None:
        pytest.skip("makes no samples from noise")
    endpoint = model.endpoints[model.answers.generator]
    inputs = model.answers.inputs_for(model.answers.generator, 5, *given_to(model, endpoint, 5))

    def generate(seed):
        noise = endpoint.noise.sample(5, seed)
        return model.answers.run(model.answers.generator, inputs, noise, batch_size=3)

    samples = generate(1)
    assert np.shape(samples) == (5, *endpoint.output.shape)
    # What comes out could go in.
    endpoint.output.check(samples)
    assert np.array_equal(samples, generate(1))
    assert not np.array_equal(samples, generate(2))


@slow_elsewhere
def test_endpoints_answer_in_the_scale_of_the_data(paper):
    model, state = paper
    restore(state)
    for name, endpoint in model.endpoints.items():
        if endpoint.noise is not None:
            continue
        values = given_to(model, endpoint, 5)
        made = model.run(name, *values, batch_size=3)
        assert len(made) == 5
        # Whatever it is batched with, a sample has one answer, on the device's scale too.
        alone = model.run(name, *(value[:1] for value in values))
        assert same_up_to_rounding(alone, made[:1])
        floats = given_to(model, endpoint, 5, as_float=True)
        assert same_up_to_rounding(model.run(name, *floats), made)
        with pytest.raises(TypeError, match="Received: "):
            model.run(name)
    with pytest.raises(ValueError, match="no endpoint of that name.*Received: 'dance'"):
        model.run("dance")


# The game


def test_terms_are_the_declared_ones_finite_and_add_up(paper):
    model, state = paper
    restore(state)
    batch = model.unpack(checked(model, data_of(model, BATCH)))
    for name, player in model.players.items():
        loss, terms = model.play(name, batch, training=False)
        values = {term: number(value) for term, value in terms.items()}
        assert tuple(values) == player.terms
        assert np.isfinite(list(values.values())).all()
        assert number(loss) == pytest.approx(sum(values.values()), rel=1e-6)


@of_the_game
def test_history_logs_every_term_and_the_sums(plain):
    model, state = plain
    restore(state)
    history = play_plain(model)
    declared = {"loss"} | {
        f"{name}_{term}" for name, p in model.players.items() for term in ("loss", *p.terms)
    }
    assert set(history) == declared
    for name, player in model.players.items():
        total = np.sum([history[f"{name}_{term}"] for term in player.terms], axis=0)
        np.testing.assert_allclose(history[f"{name}_loss"], total, rtol=1e-5, atol=1e-6)
    total = np.sum([history[f"{name}_loss"] for name in model.players], axis=0)
    np.testing.assert_allclose(history["loss"], total, rtol=1e-5, atol=1e-6)


def test_every_trainable_variable_has_one_owner(paper):
    model, _ = paper
    owned = [id(v) for variables in model.player_variables.values() for v in variables]
    assert len(owned) == len(set(owned))
    assert set(owned) == {id(v) for v in model.trainable_variables}


def test_every_trainable_variable_gets_a_finite_gradient(plain):
    model, state = plain
    restore(state)
    before = {player: weights_of(model, player) for player in model.players}
    play_plain(model)
    for player in model.players:
        assert model.optimizer[player].num_missing == 0
        after = weights_of(model, player)
        assert all(np.isfinite(weight).all() for weight in after)
        moved = [not np.array_equal(a, b) for a, b in zip(before[player], after, strict=True)]
        # A Wasserstein output bias has a zero gradient, and a hinge's has within the margins.
        unmoved = (kgan.losses.Wasserstein, kgan.losses.Hinge)
        assert sum(moved) >= len(moved) - isinstance(getattr(model, "loss", None), unmoved)


def test_a_turn_moves_the_movers_networks_only(plain):
    model, state = plain
    for mover in model.players:
        restore(state)
        for player in model.players:
            model.optimizer[player].learning_rate = 0.05 if player == mover else 0.0
        before = {player: weights_of(model, player) for player in model.players}
        play_plain(model)
        unmoved = {p for p in model.players if same(before[p], weights_of(model, p))}
        assert unmoved == set(model.players) - {mover}
    restore(state)


def test_every_player_moves_on_its_batches(plain):
    model, state = plain
    restore(state)
    play_plain(model)
    assert number(model.optimizer.iterations) == STEPS
    for name, player in model.players.items():
        moves = number(model.optimizer[name].iterations)
        assert moves == STEPS // player.every


def test_losses_are_the_stored_ones_on_every_backend(plain, request):
    model, state = plain
    restore(state)
    stored = golden(request.module, "losses").get(model.name)
    assert stored, f"run KERAS_BACKEND=tensorflow python tests/golden.py {model.name}"
    history = play_plain(model)
    assert set(history) == set(stored)
    for key, values in stored.items():
        np.testing.assert_allclose(history[key], values, rtol=1e-4, atol=1e-4, err_msg=key)


# Modes


@of_the_game
def test_statistics_move_in_fit_only(paper):
    model, state = paper
    restore(state)
    before, weights = statistics_of(model), read(model.trainable_variables)
    model.evaluate(*spelled(data_of(model)), batch_size=BATCH, verbose=0)
    model.predict(inputs_of(model), verbose=0)
    assert same(before, statistics_of(model))
    assert same(weights, read(model.trainable_variables))
    fit(model, data_of(model))
    after = statistics_of(model)
    assert all(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@of_the_game
def test_evaluate_reports_the_loss_in_inference_mode(plain):
    model, state = plain
    restore(state)
    arrays = data_of(model, BATCH)
    batch = model.unpack(checked(model, arrays))
    with fixed_noise():
        expected = {name: number(model.play(name, batch, False)[0]) for name in model.players}
        training = {name: number(model.play(name, batch, True)[0]) for name in model.players}
        restore(state)
        logs = model.evaluate(*spelled(arrays), verbose=0, return_dict=True)
    for name, value in expected.items():
        assert logs[f"{name}_loss"] == pytest.approx(value, rel=1e-4)
    # A pool that fills answers as in inference.
    own = [
        state
        for player in model.players.values()
        for network in player.networks
        for state in statistics_of(getattr(model, network))
    ]
    if own:
        assert training != pytest.approx(expected, rel=1e-4)


# Data


class Batches(keras.utils.PyDataset):
    def __init__(self, arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return len(self.arrays[0]) // BATCH

    def __getitem__(self, index):
        return tuple(array[index * BATCH : (index + 1) * BATCH] for array in self.arrays)


def as_dataset(arrays):
    import tensorflow as tf

    return (tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH),)


def as_loader(arrays):
    torch = pytest.importorskip("torch")
    tensors = torch.utils.data.TensorDataset(*map(torch.as_tensor, arrays))
    return (torch.utils.data.DataLoader(tensors, batch_size=BATCH),)


SOURCES = {
    "floats": None,
    "tf.data": as_dataset,
    "PyDataset": lambda arrays: (Batches(arrays),),
    "generator": lambda arrays: ((Batches(arrays)[i] for i in range(2)),),
    "DataLoader": as_loader,
}


@pytest.fixture(scope="module")
def fitted(paper):
    """What two batches of integer images make of the new model."""
    model, state = paper
    restore(state)
    history = fit(model, data_of(model))
    return read(model.weights), history


@of_the_game
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("source", SOURCES)
def test_fit_from_any_source_is_fit_from_numpy(paper, fitted, source):
    model, state = paper
    weights, history = fitted
    restore(state)
    if source == "floats":
        arrays = data_of(model, as_float=True)
        received = fit(model, arrays)
    else:
        arrays = data_of(model)
        # A DataLoader's strings are encoded in its collate_fn.
        arrays = checked(model, arrays) if source == "DataLoader" else arrays
        received = fit(model, SOURCES[source](arrays), batch_size=None)
    assert np.isfinite(list(received.values())).all()
    assert received["loss"] == pytest.approx(history["loss"], rel=1e-4)
    for expected, weight in zip(weights, read(model.weights), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-3, atol=1e-5)


@of_the_game
def test_ragged_last_batch(paper):
    model, state = paper
    restore(state)
    arrays = data_of(model, BATCH + 3)
    history = fit(model, arrays)
    assert number(model.optimizer.iterations) == 2
    assert np.isfinite(list(history.values())).all()
    logs = model.evaluate(*spelled(arrays), batch_size=BATCH, verbose=0, return_dict=True)
    assert np.isfinite(list(logs.values())).all()


# Saving


@of_the_game
def test_load_then_train_is_to_train_on(paper, tmp_path):
    model, state = paper
    arrays = data_of(model)
    restore(state)
    fit(model, arrays, epochs=4, shuffle=True)
    expected = read(variables_of(model))

    restore(state)
    fit(model, arrays, epochs=2, shuffle=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    # Tuples come back as lists.
    assert json.dumps(loaded.get_config()) == json.dumps(model.get_config())
    assert same(read(variables_of(model)), read(variables_of(loaded)))

    # Epochs are counted on: a shuffled order hangs on the clock, which was saved.
    fit(loaded, arrays, epochs=4, initial_epoch=2, shuffle=True)
    received = read(variables_of(loaded))
    changed = [
        v.path
        for v, a, b in zip(variables_of(loaded), expected, received, strict=True)
        if (a != b).any()
    ]
    assert changed == []


@of_the_game
def test_weights_come_back_through_load(paper, tmp_path):
    model, state = paper
    restore(state)
    fit(model, data_of(model))
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    options = tiny_options(model.name)
    keras.utils.set_random_seed(1)  # whatever the weights were before
    for file in ("model.keras", "model.weights.h5"):
        loaded = kgan.zoo.load(model.name, weights=tmp_path / file, **options)
        assert same(read(model.weights), read(loaded.weights))


# Precision


@of_the_game
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(name, policy):
    keras.config.set_dtype_policy(policy)
    model = load_tiny(name)
    # A scaled loss may overflow: that player then waits for a lower scale, six times over where
    # the loss is weighted by 100.
    before = {player: weights_of(model, player) for player in model.players}
    history = fit(model, data_of(model, BATCH), epochs=2 * STEPS)
    assert np.isfinite(list(history.values())).all()
    for player in model.players:
        scaled = isinstance(model.optimizer[player], keras.optimizers.LossScaleOptimizer)
        assert scaled == (policy == "mixed_float16")
        assert {v.dtype for v in model.player_variables[player]} == {"float32"}
        assert not same(before[player], weights_of(model, player))
        for network in model.players[player].networks:
            assert {ops.dtype(o) for o in getattr(model, network).outputs} == {"float32"}
    assert not isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


# Export


@of_the_game
@pytest.mark.skipif(BACKEND != "tensorflow", reason="SavedModels are compared on TensorFlow")
def test_exported_model_is_the_model(paper, tmp_path):
    import tensorflow as tf

    model, state = paper
    restore(state)
    fit(model, data_of(model))
    model.export(tmp_path / "serving", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "serving"))
    assert set(served.signatures) == {"serving_default", *model.endpoints}
    for name, endpoint in model.endpoints.items():
        values = given_to(model, endpoint, 6)
        for size in (6, 2):  # the batch is dynamic
            some = [value[:size] for value in values]
            taken = [tf.constant(value) for value in some]
            if endpoint.is_rolled_out:
                output = getattr(served, name)(*taken, tf.constant(3))
                wanted = model.run(name, *some, count=3)
            elif endpoint.noise is None:
                output, wanted = getattr(served, name)(*taken), model.run(name, *some)
            else:
                output = getattr(served, name)(tf.constant(size), tf.constant(3, tf.int64), *taken)
                inputs = model.answers.inputs_for(name, size, *some)
                wanted = model.answers.run(name, inputs, endpoint.noise.sample(size, 3))
            output = output.numpy()
            if output.dtype.kind == "O":
                output = [text.decode() for text in output]
            assert same_up_to_rounding(output, wanted)
    first = first_endpoint(model)
    if first.noise is not None:
        inputs = inputs_of(model, 5)
        with model.averaged_weights():  # which are what an export holds
            expected = model.predict(inputs, verbose=0)
        inputs = inputs if isinstance(inputs, list) else [inputs]
        values = [tf.constant(value) for value in given_to(model, first, 5)]
        output = served.serving_default(tf.constant(inputs[0]), *values).numpy()
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-5)


# Documentation. The examples are run by docstrings_test.py.


@of_the_game
def test_watched_run(paper, tmp_path):
    """A metric, the best checkpoint, a look at its health, and pictures."""
    model, state = paper
    arrays = data_of(model)
    restore(state)
    model.compile(optimizer=model.optimizer, metrics=[kgan.metrics.SlicedWasserstein()])
    if model.answers.generator is None:
        field = first_endpoint(model).inputs[0]
        shown = dict(zip((field.name for field in model.fields), arrays, strict=True))
        pictures = kgan.callbacks.TranslationStrips(tmp_path, shown[field.name][:2])
    else:
        pictures = kgan.callbacks.SampleGrid(tmp_path, num_samples=4)
    health = kgan.callbacks.Health(num_samples=16, num_reference=16, folder=tmp_path)
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", "val_sliced_wasserstein", save_best_only=True, mode="min"
    )
    history = fit(
        model,
        arrays,
        epochs=2,
        validation_data=arrays if len(arrays) > 1 else arrays[0],
        callbacks=[pictures, health, best],
    )
    assert len(history["val_sliced_wasserstein"]) == len(history["energy"]) == 2
    assert np.isfinite([figure for name in history for figure in history[name]]).all()
    assert {f"{player}_gradient_norm" for player in model.players} <= set(history)
    assert (tmp_path / "best.keras").is_file() and (tmp_path / "health.json").is_file()
    assert (tmp_path / "epoch_0002.png").is_file()
    model.compile(optimizer=model.optimizer)
    restore(state)


@slow_elsewhere
def test_docstring_has_all_parts(name):
    text = inspect.getdoc(builder_of(name))
    for part in ("Reference:", "Args:", "Returns:", "Raises:", "Example:", "```python"):
        assert part in text, f"the docstring of {name} has no '{part}'"
    for option in inspect.signature(builder_of(name)).parameters:
        assert f"\n    {option}: " in text, f"the docstring of {name} lacks the option '{option}'"
    card = kgan.zoo.describe(name)
    assert card.paper and card.summary.endswith(".")
    assert name in str(card)
