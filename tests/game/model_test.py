import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import ops

import kgan
from kgan.data import Vectors


def dense(name="network"):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)], name=name)
    return network


class Chase(kgan.AdversarialModel):
    """Two players: each has one layer, and the first may move more rarely."""

    fields = (Vectors((2,)),)

    def __init__(self, fox, hare, every=1, weight=1.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.fox = fox
        self.hare = hare
        self.every = every
        self.weight = weight
        self.built = True

    @property
    def players(self):
        return {
            "hare": kgan.Player(("hare",), ("caught", "tired"), every=self.every),
            "fox": kgan.Player(("fox",), ("distance",)),
        }

    def distance(self, x):
        return ops.mean(ops.square(self.fox(x) - self.hare(x)))

    def hare_loss(self, x):
        tired = self.weight * ops.mean(ops.square(self.hare(x)))
        return {"caught": -ops.tanh(self.distance(x)), "tired": tired}

    def fox_loss(self, x):
        return {"distance": self.distance(x)}

    @property
    def endpoints(self):
        (points,) = self.fields
        return {
            "chase": kgan.Endpoint(
                function=self.fox, inputs=(points,), output=points, networks=("fox",)
            )
        }


def chase(**options):
    model = Chase(dense("fox"), dense("hare"), seed=0, **options)
    model.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    return model


def points(n=8):
    return np.random.default_rng(0).normal(size=(n, 2)).astype("float32")


def fit(model, steps=1, **options):
    return model.fit(points(), epochs=steps, batch_size=8, verbose=0, shuffle=False, **options)


def read(network):
    return [np.array(weight) for weight in network.get_weights()]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


# Player


@pytest.mark.parametrize("field", ["networks", "terms"])
@pytest.mark.parametrize("value", ["a", (), [], None, (1,), ("a", None)])
def test_player_needs_tuples_of_names(field, value):
    arguments = {"networks": ("a",), "terms": ("b",), field: value}
    with pytest.raises(ValueError, match=f"Received: {field}="):
        kgan.Player(**arguments)


@pytest.mark.parametrize(
    ("every", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_player_moves_every_positive_number_of_batches(every, error):
    with pytest.raises(error, match="every"):
        kgan.Player(("a",), ("b",), every=every)


def test_player_can_not_be_changed():
    player = kgan.Player(("a",), ("b",))
    assert player.every == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        player.every = 2


# The table


def with_table(table, **methods):
    class Game(Chase):
        players = table

    for name, method in methods.items():
        setattr(Game, name, method)
    return Game(dense("fox"), dense("hare"))


def test_empty_table_is_refused():
    with pytest.raises(ValueError, match="Game has no players.*Received: players={}"):
        with_table({}).compile("sgd")


def test_unknown_network_is_named():
    table = {"fox": kgan.Player(("fux", "fox", "hare"), ("distance",))}
    with pytest.raises(ValueError, match=r"Player 'fox' of Game.*Missing: \['fux'\]"):
        with_table(table).compile("sgd")


def test_missing_loss_is_named():
    table = {"dog": kgan.Player(("fox", "hare"), ("distance",))}
    with pytest.raises(ValueError, match="a method dog_loss. Missing: dog_loss"):
        with_table(table).compile("sgd")


def test_orphans_are_named():
    table = {"fox": kgan.Player(("fox",), ("distance",))}
    model = with_table(table)
    with pytest.raises(ValueError, match="No player of Game moves.*orphans.*kernel"):
        model.compile("sgd")
    model.hare.trainable = False
    model.compile("sgd")


def test_player_with_nothing_to_move_is_refused():
    model = Chase(dense("fox"), keras.Sequential([keras.layers.Dense(2)]))
    with pytest.raises(ValueError, match="Player 'hare' has nothing to move"):
        model.compile("sgd")


@pytest.mark.parametrize(
    ("terms", "received"),
    [
        (lambda d: {"near": d}, r"Received: \['near'\]"),
        (lambda d: {"distance": d, "more": d}, r"Received: \['distance', 'more'\]"),
        (lambda d: {}, r"Received: \[\]"),
        (lambda d: d, "Received: "),
    ],
)
def test_terms_must_be_those_of_the_table(terms, received):
    model = with_table(Chase.players, fox_loss=lambda self, x: terms(self.distance(x)))
    model.compile("sgd", run_eagerly=True)
    with pytest.raises(ValueError, match=f"(?s)Game.fox_loss must return.*'distance'.*{received}"):
        model.play("fox", (ops.convert_to_tensor(points()),), training=True)


def test_terms_must_be_scalars():
    model = with_table(
        Chase.players, fox_loss=lambda self, x: {"distance": ops.square(self.fox(x))}
    )
    model.compile("sgd", run_eagerly=True)
    with pytest.raises(ValueError, match=r"must be a scalar.*distance of shape \(8, 2\)"):
        model.play("fox", (ops.convert_to_tensor(points()),), training=True)


# Turns


def test_history_is_the_terms_and_their_sums():
    model = chase(weight=0.5)
    x = ops.convert_to_tensor(points())
    caught = -np.tanh(number(model.distance(x)))
    tired = 0.5 * np.mean(np.square(ops.convert_to_numpy(model.hare(x))))
    logs = fit(model).history
    assert logs["hare_caught"] == pytest.approx([caught], rel=1e-5)
    assert logs["hare_tired"] == pytest.approx([tired], rel=1e-5)
    assert logs["hare_loss"] == pytest.approx([caught + tired], rel=1e-5)
    assert logs["fox_loss"] == logs["fox_distance"]
    assert logs["loss"][0] == pytest.approx(logs["hare_loss"][0] + logs["fox_loss"][0], rel=1e-6)
    assert len(logs) == 6


def test_step_is_gradient_descent_on_the_players_own_loss():
    """Two turns of SGD, by hand: the fox answers the hare that has moved already."""
    model = chase(weight=0.0)
    x = points().astype("float64")
    (fox, fox_bias), (hare, hare_bias) = read(model.fox), read(model.hare)
    n = x.size

    gap = (x @ fox + fox_bias) - (x @ hare + hare_bias)
    slope = 1.0 - np.tanh(np.mean(gap**2)) ** 2
    hare = hare - 0.1 * slope * x.T @ (2 * gap / n)
    hare_bias = hare_bias - 0.1 * slope * np.sum(2 * gap / n, axis=0)
    gap = (x @ fox + fox_bias) - (x @ hare + hare_bias)
    fox = fox - 0.1 * x.T @ (2 * gap / n)
    fox_bias = fox_bias - 0.1 * np.sum(2 * gap / n, axis=0)

    fit(model)
    for weight, expected in zip(
        read(model.fox) + read(model.hare), (fox, fox_bias, hare, hare_bias), strict=True
    ):
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("eagerly", [True, False], ids=["eager", "compiled"])
@pytest.mark.parametrize("every", [2, 3])
def test_player_moves_on_every_kth_batch(every, eagerly):
    model = Chase(dense("fox"), dense("hare"), every=every, seed=0)
    model.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=eagerly)
    moved = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            model.synchronize()
            self.before = [read(model.hare), read(model.fox)]

        def on_epoch_end(self, epoch, logs=None):
            model.synchronize()
            moved.append(
                [
                    not same(b, read(n))
                    for b, n in zip(self.before, (model.hare, model.fox), strict=True)
                ]
            )

    fit(model, steps=7, callbacks=[Watch()])
    assert [hare for hare, _ in moved] == [step % every == 0 for step in range(1, 8)]
    assert all(fox for _, fox in moved)
    assert number(model.optimizer.iterations) == 7
    assert number(model.optimizer["hare"].iterations) == 7 // every
    assert number(model.optimizer["fox"].iterations) == 7
    # Two more fits of 7: the clock goes on, it does not start again.
    fit(model, steps=2)
    assert number(model.optimizer["hare"].iterations) == 9 // every


@pytest.mark.filterwarnings("ignore:Your input ran out of data", "ignore:`shuffle=True`")
def test_data_that_ends_unannounced_ends_the_game_there():
    """On TensorFlow the end comes inside a compiled step, parts of which must not run."""
    x, results = points(16), []
    for data in (x, (x[i : i + 8] for i in (0, 8))):
        keras.utils.set_random_seed(1)
        model = Chase(dense("fox"), dense("hare"), seed=0)
        model.compile(optimizer="adam")
        size = 8 if data is x else None
        logs = model.fit(data, batch_size=size, shuffle=False, verbose=0).history
        assert number(model.optimizer.iterations) == 2
        assert [number(inner.iterations) for inner in model.optimizer.optimizers] == [2, 2]
        results.append((logs["loss"], model.get_weights()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-6)
    assert same(results[0][1], results[1][1])


@pytest.mark.parametrize("mover", ["hare", "fox"])
def test_turn_leaves_the_others_alone(mover):
    model = chase()
    for player in model.players:
        model.optimizer[player].learning_rate = 0.1 if player == mover else 0.0
    before = {player: read(getattr(model, player)) for player in model.players}
    fit(model, steps=2)
    for player in model.players:
        assert same(before[player], read(getattr(model, player))) == (player != mover)


class Crowd(kgan.AdversarialModel):
    """Three players, of which one moves two networks."""

    players = {
        "first": kgan.Player(("a", "b"), ("gap",)),
        "second": kgan.Player(("c",), ("gap", "size")),
        "third": kgan.Player(("d",), ("gap",), every=2),
    }
    fields = (Vectors((2,)),)

    def __init__(self, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.a, self.b, self.c, self.d = (dense(name) for name in "abcd")
        self.built = True

    def first_loss(self, x):
        return {"gap": ops.mean(ops.square(self.a(x) + self.b(x) - self.c(x)))}

    def second_loss(self, x):
        gap = -ops.tanh(ops.mean(ops.square(self.c(x) - self.a(x))))
        return {"gap": gap, "size": ops.mean(ops.abs(self.c(x)))}

    def third_loss(self, x):
        return {"gap": ops.mean(ops.square(self.d(x) - self.c(x)))}


def test_three_players_with_four_networks():
    model = Crowd(seed=0)
    model.compile("sgd", run_eagerly=True)
    before = {name: read(getattr(model, name)) for name in "abcd"}
    fit(model)
    moved = {name for name in "abcd" if not same(before[name], read(getattr(model, name)))}
    assert moved == {"a", "b", "c"}
    fit(model)
    assert not same(before["d"], read(model.d))
    logs = model.evaluate(points(), verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(sum(logs[f"{player}_loss"] for player in model.players))


def test_one_player_alone_is_a_game():
    class Solitaire(Crowd):
        players = {"first": kgan.Player(("a", "b", "c", "d"), ("gap",))}

        def first_loss(self, x):
            return {"gap": ops.mean(ops.square(self.a(x) + self.b(x) - self.c(x) * self.d(x)))}

    model = Solitaire(seed=0)
    model.compile("sgd", run_eagerly=True)
    before = model.get_weights()
    fit(model)
    pairs = zip(before, model.get_weights(), strict=True)
    assert not any(np.array_equal(a, b) for a, b in pairs if a.any())


# Config and saving


def test_config_is_the_arguments():
    model = chase(every=3, weight=0.25)
    config = model.get_config()
    assert set(config) == {"name", "dtype", "fox", "hare", "every", "weight", "seed"}
    again = Chase.from_config(config)
    assert (again.every, again.weight, again.seed) == (3, 0.25, 0)
    assert json.dumps(again.get_config()) == json.dumps(config)


def test_argument_without_attribute_is_named():
    class Forgetful(Chase):
        def __init__(self, fox, hare, mood="calm", **kwargs):
            super().__init__(fox, hare, **kwargs)

    with pytest.raises(ValueError, match="argument `mood`.*self.mood"):
        Forgetful(dense("fox"), dense("hare")).get_config()


def test_own_game_is_saved_and_trains_on(tmp_path):
    def new():
        keras.utils.set_random_seed(1)
        return chase(every=2)

    whole = new()
    fit(whole, steps=4)
    model = new()
    fit(model, steps=3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, Chase)
    assert loaded.every == 2
    assert same(model.get_weights(), loaded.get_weights())
    np.testing.assert_array_equal(
        model.predict(points(), verbose=0), loaded.predict(points(), verbose=0)
    )
    fit(loaded)
    assert same(whole.get_weights(), loaded.get_weights())


def test_file_holds_each_weight_once(tmp_path):
    model = chase()
    model.save_weights(tmp_path / "model.weights.h5")
    import h5py

    found = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visititems(lambda name, value: found.append(name) if hasattr(value, "dtype") else None)
    own = [name for name in found if name.startswith("vars/") and "random_state" not in name]
    assert own == [], "weights of the networks, saved as the model's own once more"


def test_sample_weights_are_refused():
    model = chase()
    with pytest.raises(ValueError, match="no per-sample loss"):
        model.fit(points(), sample_weight=np.ones(8))
    with pytest.raises(ValueError, match="no per-sample loss"):
        model.evaluate(points(), sample_weight=np.ones(8))


def test_nan_stops_with_the_player_and_the_term():
    model = chase()
    model.optimizer["fox"].learning_rate = np.inf
    with pytest.raises(
        ValueError, match="The term '(caught|tired|distance)' of player '(hare|fox)'"
    ):
        model.fit(points(16), batch_size=4, verbose=0)


def test_weights_that_broke_in_the_last_step_are_named():
    model = chase()
    model.optimizer["fox"].learning_rate = np.inf
    with pytest.raises(ValueError, match="A weight of player 'fox' became NaN or infinite"):
        model.fit(points(4), batch_size=4, verbose=0)


def test_game_without_an_answer_says_so():
    model = Crowd()
    with pytest.raises(ValueError, match="Crowd does not say what it does"):
        model(points())


def test_a_smaller_last_batch_counts_by_its_size():
    model = chase()
    data = points(10)
    whole = model.evaluate(data, batch_size=10, verbose=0, return_dict=True)
    ragged = model.evaluate(data, batch_size=8, verbose=0, return_dict=True)
    # Both terms that are means over samples: a batch of two must not weigh like one of eight.
    for term in ("hare_tired", "fox_distance"):
        np.testing.assert_allclose(ragged[term], whole[term], rtol=1e-5)


class Keeper(Chase):
    """A game that keeps a layer which nothing has built."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra = keras.layers.LayerNormalization()


def test_a_layer_that_nothing_built_takes_no_batch_away():
    found = []
    for family in (Chase, Keeper):
        model = family(dense("fox"), dense("hare"), seed=0)
        model.compile(optimizer=keras.optimizers.SGD(0.1))
        read = []

        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return 3

            def __getitem__(self, index, read=read):
                read.append(index)
                return points()

        model.fit(Batches(), epochs=1, verbose=0)
        found.append((int(model.batches_seen), read))
    assert found[0][0] == 3
    assert found[0] == found[1]
