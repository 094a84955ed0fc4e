"""Each private name of Keras that kgan uses is there, and is what kgan takes it for.

When a new release of Keras breaks kgan, this test says where to mend
`kgan/backend/keras_internals.py`.
"""

import ast
import functools
import importlib
import inspect
import pathlib
import re
import textwrap

import h5py
import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.backend import keras_internals

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("kgan", "zoo")
    for path in (ROOT / folder).rglob("*.py")
)
INTERNALS = "kgan/backend/keras_internals.py"


def dense_model():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def number(value):
    return np.asarray(ops.convert_to_numpy(value))


def test_all_layers_holds_those_within_others_once():
    shared = keras.layers.Dense(2)
    inner = keras.Sequential([keras.Input((2,)), shared])
    inputs = keras.Input((2,))
    outer = keras.Model(inputs, inner(inner(inputs)))
    assert not any(layer is shared for layer in outer.layers)
    layers = keras_internals.all_layers(outer)
    assert sum(layer is shared for layer in layers) == 1
    assert outer in layers and inner in layers
    assert keras_internals.all_layers(shared) == [shared]


def test_begin_at_is_the_epoch_of_a_fit_whose_callbacks_begin():
    class Restored(keras.callbacks.Callback):
        epochs = []

        def on_train_begin(self, logs=None):
            keras_internals.begin_at(self.model, 2)

        def on_epoch_begin(self, epoch, logs=None):
            self.epochs.append(epoch)

    model, restored = dense_model(), Restored()
    model.compile("sgd", "mse")
    model.fit(np.zeros((4, 2)), np.zeros((4, 1)), epochs=4, verbose=0, callbacks=[restored])
    assert restored.epochs == [2, 3]
    keras_internals.begin_at(model, None)
    model.fit(np.zeros((4, 2)), np.zeros((4, 1)), epochs=1, verbose=0)
    assert len(model.history.epoch) == 1


def test_in_inference_leaves_the_mode_of_the_outer_call():
    class Both(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = (keras.layers.Dropout(0.5, seed=0) for _ in range(2))

        def call(self, x):
            return keras_internals.in_inference(self.first, x), self.second(x)

    model, ones = Both(), np.ones((50, 4), "float32")
    still, dropped = model(ones, training=True)
    np.testing.assert_array_equal(number(still), ones)
    assert set(np.unique(number(dropped))) == {0.0, 2.0}
    for made in (*model(ones, training=False), keras_internals.in_inference(model.first, ones)):
        np.testing.assert_array_equal(number(made), ones)


def test_could_train_holds_frozen_variables_in_the_order_of_the_layer():
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2), keras.layers.BatchNormalization()]
    )
    trained = model.trainable_variables
    model.layers[0].trainable = False
    assert [id(v) for v in keras_internals.could_train(model)] == [id(v) for v in trained]
    # Or the public attribute would do.
    assert len(model.trainable_variables) == 2
    frozen = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, trainable=False)])
    assert len(keras_internals.could_train(frozen)) == 2


def test_forget_takes_a_replaced_layer_out_of_its_model():
    class Holder(keras.Model):
        def __init__(self):
            super().__init__()
            self.part = dense_model()

    model = Holder()
    before, model.part = model.part, dense_model()
    assert any(layer is before for layer in keras_internals.all_layers(model))
    keras_internals.forget(model, before)
    assert not any(layer is before for layer in keras_internals.all_layers(model))
    assert len(model.trainable_variables) == 2


def test_last_input_is_the_last_of_several():
    layer = keras.layers.Dense(2)
    first, second = keras.Input((2,)), keras.Input((2,))
    layer(first)
    assert keras_internals.last_input(layer) is first
    layer(second)
    assert keras_internals.last_input(layer) is second
    # Or the public attribute would do.
    assert layer.input is first


def test_drop_loss_tracker_takes_the_metric_named_loss_away():
    model = dense_model()
    model.compile("sgd", "mse")
    assert "loss" in model.metrics_names
    keras_internals.drop_loss_tracker(model)
    assert "loss" not in model.metrics_names
    # In a game the name is free for the sum of the players' losses.
    assert "loss" not in kgan.zoo.load("vanilla", like=(2,)).metrics_names


def test_require_compiled_raises_for_a_model_that_is_not():
    model = dense_model()
    with pytest.raises(ValueError, match="compile"):
        keras_internals.require_compiled(model, "fit")
    model.compile("sgd", "mse")
    keras_internals.require_compiled(model, "fit")


def test_in_order_gives_the_values_as_evaluate_lists_them():
    model = dense_model()
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")
    listed = model.evaluate(x, y, verbose=0)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    backwards = dict(reversed(logs.items()))
    assert keras_internals.in_order(model, backwards) == pytest.approx(listed)
    # What no metric is named by comes last, by name.
    more = {"b": 2.0, "a": 1.0, **logs}
    assert keras_internals.in_order(model, more) == pytest.approx([*listed, 1.0, 2.0])


def test_is_called_by_fit_tells_fit_from_a_user():
    calls = []

    class Model(keras.Sequential):
        def evaluate(self, *args, **kwargs):
            calls.append(keras_internals.is_called_by_fit(kwargs))
            return super().evaluate(*args, **kwargs)

    model = Model([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")
    model.fit(*data, validation_data=data, verbose=0)
    model.evaluate(*data, verbose=0)
    assert calls == [True, False]


@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "scaled"])
def test_variables_of_are_those_that_it_was_built_on(scaled):
    optimizer = keras.optimizers.Adam()
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    variables = [keras.Variable(np.ones(size, "float32")) for size in (3, 2)]
    optimizer.build(variables)
    built_on = keras_internals.variables_of(optimizer)
    assert [id(variable) for variable in built_on] == [id(variable) for variable in variables]


def test_averages_of_move_as_documented():
    optimizer = keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.75)
    variables = [keras.Variable(np.full(2, start, "float32")) for start in (8.0, 4.0)]
    optimizer.build(variables)
    for _ in range(2):
        gradients = [ops.ones(2), ops.ones(2)]
        optimizer.apply(gradients, variables)
    averages = keras_internals.averages_of(optimizer)
    assert len(averages) == len(variables)
    # The first move takes the weights as they are then: 7 and 3; the next are 6 and 2.
    for average, expected in zip(averages, (6.75, 2.75), strict=True):
        np.testing.assert_allclose(number(average), expected)


class Counting(kgan.AdversarialModel):
    players = {"only": kgan.Player(networks=("network",), terms=("square",))}
    fields = (kgan.data.Vectors((2,)),)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.network = dense_model()
        self.built = True
        self.num_responses = 0

    def only_loss(self, x):
        return {"square": ops.mean(ops.square(self.network(x)))}

    def respond(self, inputs):
        self.num_responses += 1
        return self.network(inputs)


def test_maybe_symbolic_build_spends_no_batch_on_a_call():
    model = Counting(seed=0)
    model.compile("sgd")
    model.fit(np.ones((4, 2), "float32"), verbose=0)
    assert model.num_responses == 0
    is_tensorflow = keras.config.backend() == "tensorflow"
    name = "_maybe_symbolic_build" if is_tensorflow else "_symbolic_build"
    theirs, ours = getattr(keras.Model, name), getattr(Counting, name)
    assert ours is not theirs
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="the state that JAX hands on")
def test_is_state_of_a_step_and_not_tracked():
    model, states = Counting(seed=0), []
    model.compile("sgd")

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            states.append(self._model._jax_state)
            assert keras_internals.is_state_of_a_step("_jax_state")

    model.fit(np.ones((8, 2), "float32"), batch_size=4, callbacks=[Watch()], verbose=0)
    assert [type(state) for state in states] == [dict, dict]
    assert all(type(values) is list for values in states[-1].values())


def test_state_of_holds_what_save_weights_writes(tmp_path):
    model = dense_model()
    model.compile("adam", "mse")
    model.save_weights(tmp_path / "model.weights.h5")

    def arrays(file):
        found = {}
        file.visititems(lambda name, entry: found.update({name: entry}))
        return {name: np.array(entry) for name, entry in found.items() if hasattr(entry, "shape")}

    with h5py.File(tmp_path / "model.weights.h5") as written:
        with h5py.File(keras_internals.state_of(model)) as held:
            assert len(arrays(written)) > 2 and arrays(written).keys() == arrays(held).keys()
            for name, array in arrays(written).items():
                np.testing.assert_array_equal(array, arrays(held)[name])
    with h5py.File(keras_internals.state_of(model, model.layers)) as held:
        assert not any(name.startswith("layers") for name in arrays(held))


def test_whole_file_is_there_when_a_model_loads(tmp_path):
    seen = []

    @keras.saving.register_keras_serializable("keras_internals_test")
    class Model(keras.Sequential):
        def load_own_variables(self, store):
            seen.append("layers" in keras_internals.whole_file(store))
            super().load_own_variables(store)

    model = Model([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(tmp_path / "model.keras")
    keras.saving.load_model(tmp_path / "model.keras")
    assert seen == [True]
    assert keras_internals.whole_file({}) is None


def functions_of_internals():
    return [n.name for n in tree(INTERNALS).body if isinstance(n, ast.FunctionDef)]


def test_every_function_is_tested_listed_and_used():
    others = "".join(source(path) for path in FILES if path != INTERNALS)
    table = inspect.getdoc(keras_internals)
    tests = pathlib.Path(__file__).read_text(encoding="utf-8")
    assert functions_of_internals()
    for name in functions_of_internals():
        assert f"def test_{name}_" in tests and f"keras_internals.{name}(" in tests
        assert f"| `{name}` | " in table
        assert f"keras_internals.{name}(" in others


# No other file uses a private name of Keras.


def source(path):
    return (ROOT / path).read_text(encoding="utf-8")


@functools.cache
def tree(path):
    return ast.parse(source(path))


def is_private(name):
    return isinstance(name, str) and re.fullmatch(r"_[a-z]\w*", name, re.IGNORECASE) is not None


def defined_in(node):
    """Private names that source text defines: methods, and attributes of objects and classes."""
    for child in ast.walk(node):
        if isinstance(child, ast.FunctionDef) and is_private(child.name):
            yield child.name
        if isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            if is_private(child.attr) and is_own(child.value):
                yield child.attr
        if isinstance(child, ast.ClassDef):
            for name in child.body:
                targets = name.targets if isinstance(name, ast.Assign) else []
                targets = [name.target] if isinstance(name, ast.AnnAssign) else targets
                yield from (t.id for t in targets if isinstance(t, ast.Name) and is_private(t.id))


def used_in(node):
    """Yields (private name, whose, line): an attribute of "self" or of an "other", or a "key"."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {id(n.body[0]) for n in ast.walk(node) if isinstance(n, documented) and n.body}
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute) and is_private(child.attr):
            yield child.attr, "self" if is_own(child.value) else "other", child.lineno
        if isinstance(child, ast.Call) and getattr(child.func, "id", "").endswith("attr"):
            owner, *names = child.args
            for name in names[:1]:
                if isinstance(name, ast.Constant) and is_private(name.value):
                    yield name.value, "self" if is_own(owner) else "other", child.lineno
        if (
            isinstance(child, ast.Constant)
            and is_private(child.value)
            and id(child) not in docstrings
        ):
            yield child.value, "key", child.lineno


def is_own(owner):
    """Whether an expression is `self`, `cls` or `super()`."""
    return ast.unparse(owner) in {"self", "cls", "super()"}


@functools.cache
def names_of_kgan():
    return {name for path in FILES for name in defined_in(tree(path))}


@functools.cache
def names_of_keras(keras_class):
    """Private names in a class of Keras: methods, attributes, and keys of keyword arguments."""
    body = ast.parse(textwrap.dedent(inspect.getsource(keras_class)))
    keys = {n.value for n in ast.walk(body) if isinstance(n, ast.Constant) and is_private(n.value)}
    return {*defined_in(body), *keys}


def classes_of_keras(python_class):
    return [c for c in python_class.__mro__ if c.__module__.startswith("keras.")]


# What kgan handles of Keras; what it subclasses comes on top.
HANDLED = (
    keras.Model,
    keras.Sequential,
    type(keras.Sequential([keras.Input((1,))])._functional),
    keras.Variable,
    keras.optimizers.Adam,
    keras.optimizers.LossScaleOptimizer,
    keras.callbacks.CallbackList,
    keras.StatelessScope,
)


@functools.cache
def subclasses():
    """Every class of kgan and the zoo that has a class of Keras above it."""
    found = []
    for path in FILES:
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        name = f"kgan.{name}" if path.startswith("zoo/") else name
        # An engine imports its framework, of which only the one in use need be installed.
        if path.startswith("kgan/backend/") and "seeds" not in path or "__main__" in path:
            continue
        module = importlib.import_module(name)
        for value in vars(module).values():
            if inspect.isclass(value) and value.__module__ == name and classes_of_keras(value):
                found.append(value)
    return found


def test_the_search_sees_what_it_looks_for():
    assert {"_flatten_layers", "_assert_compile_called"} <= {
        name for c in classes_of_keras(keras.Model) for name in names_of_keras(c)
    }
    assert "_use_cached_eval_dataset" in {
        name for c in classes_of_keras(keras.Model) for name in names_of_keras(c)
    }
    assert {kgan.AdversarialModel, kgan.GAN, kgan.SeedGenerator} <= set(subclasses())
    code = ast.parse("def f(x):\n    getattr(x, '_a')\n    x._b['_c'] = 1\n    self._d()")
    found = {(name, owner) for name, owner, _ in used_in(code)}
    assert found >= {("_a", "other"), ("_b", "other"), ("_c", "key"), ("_d", "self")}


@pytest.mark.parametrize("path", [path for path in FILES if path != INTERNALS])
def test_no_other_file_uses_a_private_name_of_keras(path):
    handled = {c for name in HANDLED for c in classes_of_keras(name)}
    keras_names = {name for c in handled for name in names_of_keras(c)}
    ours = names_of_kgan()
    wrong = []
    for name, owner, line in used_in(tree(path)):
        is_unknown, is_theirs = name not in ours, name in keras_names
        # That an attribute of ours does not take the name of one of Keras, the next test looks at.
        is_wrong = {
            "self": is_unknown,
            "other": is_unknown or is_theirs,
            "key": is_unknown and is_theirs,
        }
        if is_wrong[owner]:
            wrong.append(f"line {line}: {name}")
    assert wrong == []
    assert "keras.src" not in source(path)


def test_no_class_overrides_a_private_name_of_keras_unlisted():
    listed = set(
        re.findall(r"^\| `\w+\.py` \| `\w+\.(\w+)`", keras_internals.__doc__, re.MULTILINE)
    )
    assert listed == {"_maybe_symbolic_build", "_symbolic_build"}
    wrong = []
    for python_class in subclasses():
        theirs = {name for c in classes_of_keras(python_class) for name in names_of_keras(c)}
        for parent in python_class.__mro__:
            if parent.__module__.startswith("kgan."):
                body = ast.parse(textwrap.dedent(inspect.getsource(parent)))
                names = set(defined_in(body)) & theirs - listed
                wrong += [f"{python_class.__name__}: {name}" for name in names]
    assert sorted(set(wrong)) == []
