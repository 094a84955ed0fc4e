"""The optimizer of a game: one optimizer per player, one clock for all."""

import difflib
import math

import keras
from keras import ops

from kgan.backend import keras_internals
from kgan.utils.arguments import check_count


@keras.saving.register_keras_serializable("kgan")
class PlayerOptimizers(keras.optimizers.Optimizer):
    """Shows Keras one optimizer and the game one optimizer per player.

    `model.compile(optimizer={...})` makes one, so you rarely need to: Keras saves, restores and
    shards its `variables` like those of any optimizer, `iterations` counts the batches that the
    game has seen (each inner optimizer counts its own player's moves), and callbacks such as
    `LearningRateScheduler` and `ReduceLROnPlateau` reach each player's rate through `optimizers`,
    as they do with `keras.optimizers.MultiOptimizer`.

    Args:
        players: dict that maps each player's name to its optimizer: an instance, a name such as
            `"adam"` or a serialized config.
        name: string. Defaults to `"player_optimizers"`.

    Raises:
        TypeError: when `players` is not a dict.
        ValueError: when a player's optimizer overwrites weights with their average.

    Example:

    ```python
    import keras
    import kgan

    model = kgan.zoo.load("vanilla", like=(2,))
    model.compile(optimizer={"discriminator": "sgd", "generator": keras.optimizers.Adam(1e-4)})
    model.optimizer["generator"].learning_rate = 5e-5
    ```
    """

    def __init__(self, players, name="player_optimizers", **kwargs):
        kwargs.pop("learning_rate", None)
        super().__init__(learning_rate=0.0, name=name, **kwargs)
        if not isinstance(players, dict):
            raise TypeError(
                "A game needs one optimizer per player, as a dict such as "
                '{"discriminator": "adam", "generator": "adam"}. '
                f"Received: players={players!r} (of type {type(players).__name__})"
            )
        self._players = {}
        for player, optimizer in players.items():
            self._players[player] = self._named(player, keras.optimizers.get(optimizer))

    @staticmethod
    def _named(player, optimizer):
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        if inner.ema_overwrite_frequency:
            raise ValueError(
                f"The optimizer of player '{player}' overwrites the weights that it trains with "
                "their average, which stops the game. Leave ema_overwrite_frequency=None: "
                "generate, evaluate and export use the average by themselves. "
                f"Received: ema_overwrite_frequency={inner.ema_overwrite_frequency}"
            )
        # Stock callbacks log `learning_rate_<name>`: two players with two Adams need two names.
        optimizer.name = player
        return optimizer

    @classmethod
    def for_players(cls, optimizer, players, scaled=()):
        """Makes the optimizer of a game from what `compile` was given.

        Args:
            optimizer: a dict with one optimizer per player, or one optimizer (instance or name)
                of which each player gets its own copy.
            players: list of the players' names.
            scaled: the names of those that compute in float16, whose losses need a
                separate scale so that small gradients do not vanish. Defaults to none.

        Returns:
            A `PlayerOptimizers` with exactly these players.

        Raises:
            ValueError: when a player is missing or unknown, or two share one instance.
        """
        if optimizer is None:
            raise ValueError(
                "A game can't be compiled without optimizers. Give one per player, for example "
                f"compile(optimizer={ {name: 'adam' for name in players} }). "
                "Received: optimizer=None"
            )
        given = optimizer
        if isinstance(optimizer, cls):
            optimizer = optimizer._players
        elif not isinstance(optimizer, dict) or "class_name" in optimizer:
            template = keras.optimizers.get(optimizer)
            config = template.get_config()
            config.pop("name", None)
            optimizer = {name: type(template).from_config(dict(config)) for name in players}
        unknown, missing = set(optimizer) - set(players), set(players) - set(optimizer)
        if unknown or missing:
            hints = [
                f"'{name}' looks like '{near[0]}'"
                for name in sorted(unknown)
                if (near := difflib.get_close_matches(name, players, n=1))
            ]
            raise ValueError(
                f"compile needs one optimizer for each player of this game: {list(players)}. "
                + (f"Missing: {sorted(missing)}. " if missing else "")
                + (f"Unknown: {sorted(unknown)}. " if unknown else "")
                + (f"Did you mean: {'; '.join(hints)}? " if hints else "")
                + f"Received: optimizer with keys {list(optimizer)}"
            )
        instances = [id(o) for o in optimizer.values() if not isinstance(o, str | dict)]
        if len(set(instances)) < len(instances):
            raise ValueError(
                "Two players were given the same optimizer instance, so one would push the "
                "other's momentum. Make one instance per player. "
                f"Received: optimizer={optimizer}"
            )
        if isinstance(given, cls):
            return given
        optimizers = {name: keras.optimizers.get(optimizer[name]) for name in players}
        for name, each in optimizers.items():
            _check_learning_rate(name, getattr(each, "inner_optimizer", each))
        scaler = keras.optimizers.LossScaleOptimizer
        for name in scaled:
            if not isinstance(optimizers[name], scaler):
                optimizers[name] = scaler(cls._named(name, optimizers[name]), name=name)
        return cls(optimizers)

    def build_players(self, variables):
        """Creates every inner optimizer's state, since a step may not create variables.

        Args:
            variables: dict that maps each player's name to the list of variables that it moves.
        """
        for player, optimizer in self._players.items():
            if not optimizer.built:
                with keras.name_scope(player):
                    optimizer.build(variables[player])
            known = {id(variable) for variable in keras_internals.variables_of(optimizer)}
            if known != {id(variable) for variable in variables[player]}:
                raise ValueError(
                    f"The optimizer of player '{player}' was built on other variables, those of "
                    "another model or of networks that have changed since. Make a new one. "
                    f"Received: an optimizer of {len(known)} variables for "
                    f"{len(variables[player])}"
                )
        self.built = True

    def build(self, variables):
        """Does nothing: `compile` builds each player's optimizer on that player's variables."""

    def __getitem__(self, player):
        return self._players[player]

    @property
    def optimizers(self):
        """The inner optimizers, in the order of the players."""
        return list(self._players.values())

    @property
    def variables(self):
        """The clock, then every inner optimizer's variables."""
        return [self.iterations] + [v for inner in self.optimizers for v in inner.variables]

    @property
    def learning_rate(self):
        """Not defined: each player has its own."""
        raise AttributeError(
            "A game has one learning rate per player. Use "
            f"model.optimizer[player].learning_rate with a player of {list(self._players)}."
        )

    @learning_rate.setter
    def learning_rate(self, value):
        raise AttributeError(
            "A game has one learning rate per player. Set "
            f"model.optimizer[player].learning_rate with a player of {list(self._players)}. "
            f"Received: learning_rate={value}"
        )

    def save_own_variables(self, store):
        """Saves the clock: Keras finds and saves the inner optimizers."""
        store["iterations"] = ops.convert_to_numpy(self.iterations)

    def load_own_variables(self, store):
        """Restores the clock, where it was saved; Keras restores the inner optimizers."""
        if "iterations" in store:  # Not by a model that was not compiled.
            self.iterations.assign(store["iterations"])

    def averages(self, player):
        """The moving average of each of a player's variables, where its optimizer keeps them.

        Args:
            player: string.

        Returns:
            A list of `(variable, average)` pairs, empty without `use_ema=True` and before the
            player's first move, when its averages hold nothing yet.
        """
        optimizer = self._players[player]
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not optimizer.use_ema or ops.convert_to_numpy(optimizer.iterations) == 0:
            return []
        averages = keras_internals.averages_of(optimizer)
        return [
            (variable, average)
            for variable, average in zip(keras_internals.variables_of(optimizer), averages)
            if average is not None
        ]

    def finalize_variable_values(self, var_list):
        """Does nothing: averages never overwrite the weights that train on."""

    def apply(self, grads, trainable_variables=None):
        """Not defined: only the engine steps, one player at a time."""
        raise ValueError(
            "PlayerOptimizers can't step: each player steps through its own "
            "optimizer, model.optimizer[player]."
        )

    def get_config(self):
        """The players' optimizers, serialized."""
        players = {
            name: keras.saving.serialize_keras_object(inner)
            for name, inner in self._players.items()
        }
        return {"players": players, "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Makes the optimizer from `get_config()`."""
        players = {
            name: keras.saving.deserialize_keras_object(inner, custom_objects=custom_objects)
            for name, inner in config["players"].items()
        }
        return cls(players, name=config["name"])


def _check_learning_rate(player, optimizer):
    rate = optimizer.get_config().get("learning_rate")
    known = [rate]
    if isinstance(rate, dict):  # a schedule, by the rates that it is made of
        config = rate.get("config", {})
        known = [config.get(name) for name in ("initial_learning_rate", "warmup_target")]
        known += config.get("values") or []
    # At 0 a player stands still, which is useful at times.
    if any(isinstance(x, int | float) and not (math.isfinite(x) and x >= 0) for x in known):
        raise ValueError(
            f"The learning_rate of player '{player}' must be a finite number of at least 0, such "
            f"as 2e-4, or a schedule of such. Received: learning_rate={rate!r}"
        )


def adam(
    learning_rate, beta_1, beta_2=0.999, *, decay_steps=None, ema_momentum=None, weight_decay=None
):
    """An Adam optimizer with the options that models of the zoo share.

    Args:
        learning_rate: float, or a Keras learning-rate schedule.
        beta_1: float in [0, 1).
        beta_2: float in [0, 1). Defaults to 0.999.
        decay_steps: integer, moves within which the learning rate falls to a hundredth along half
            a cosine. Defaults to `None`, a constant learning rate.
        ema_momentum: float in (0, 1), such as 0.999, to keep a moving average of the weights.
            Defaults to `None`.
        weight_decay: float, share of a weight that each move takes away times the learning rate,
            as AdamW has it. Defaults to `None`.

    Returns:
        A `keras.optimizers.Adam`, or an `AdamW` where weights decay.

    Raises:
        TypeError: when `decay_steps` is no integer.
        ValueError: when an option is out of range.
    """
    if ema_momentum is not None and not 0 < ema_momentum < 1:
        raise ValueError(
            "The momentum of a moving average lies between 0 and 1, such as 0.999. "
            f"Received: ema_momentum={ema_momentum!r}"
        )
    if decay_steps is not None:
        check_count("decay_steps", decay_steps)
        learning_rate = keras.optimizers.schedules.CosineDecay(
            learning_rate, decay_steps, alpha=0.01
        )
    averaging = {} if ema_momentum is None else {"use_ema": True, "ema_momentum": ema_momentum}
    if weight_decay is not None:
        averaging["weight_decay"] = weight_decay
        return keras.optimizers.AdamW(learning_rate, beta_1=beta_1, beta_2=beta_2, **averaging)
    return keras.optimizers.Adam(learning_rate, beta_1, beta_2, **averaging)


def adam_of_both(
    learning_rate, beta_1, beta_2=0.999, *, discriminator_steps, decay_steps=None, ema_momentum=None
):
    """Equal Adam optimizers of a discriminator and a generator that moves more rarely.

    Args:
        learning_rate: float, or a Keras learning-rate schedule.
        beta_1: float in [0, 1).
        beta_2: float in [0, 1). Defaults to 0.999.
        discriminator_steps: integer, moves of the discriminator per move of the generator.
        decay_steps: integer, steps of `fit` within which both learning rates fall, as `adam` has
            it: the generator makes fewer moves in them. Defaults to `None`.
        ema_momentum: float in (0, 1), of the generator's average. Defaults to `None`.

    Returns:
        A dict of both, by the players' names.

    Raises:
        TypeError: when `decay_steps` is no integer.
        ValueError: when an option is out of range.
    """
    rates = (learning_rate, beta_1, beta_2)
    moves = decay_steps and max(1, decay_steps // discriminator_steps)
    return {
        "discriminator": adam(*rates, decay_steps=decay_steps),
        "generator": adam(*rates, decay_steps=moves, ema_momentum=ema_momentum),
    }
