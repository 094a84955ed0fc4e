"""Which weights move: freezing, players that rest, and networks that are replaced."""

import types
from typing import Any

import keras

from kgan.backend import keras_internals


class Freezing:
    """The part of an `AdversarialModel` that knows which weights a player may move.

    Optimizers know all weights of their player's networks, frozen ones too, so a layer can be
    frozen and released at any time, and what is saved does not depend on it.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        before = getattr(self, name, None) if isinstance(value, keras.layers.Layer) else None
        super().__setattr__(name, value)
        if isinstance(before, keras.layers.Layer) and before is not value:
            networks = [network for player in self.players.values() for network in player.networks]
            if all(getattr(self, network) is not before for network in networks):
                # A network that is replaced: Keras would go on to count its weights.
                keras_internals.forget(self, before)

    def take_networks(self) -> None:
        """Called by `compile`: a model that reads its networks beforehand reads them again."""

    def take_players(self) -> dict[str, list[Any]]:
        """Remembers each player's variables, and returns them: called by `compile`."""
        owned = self._owned_variables()
        # Read-only, and so untracked: a tracked dict would be saved as weights once more.
        self.player_variables = types.MappingProxyType(owned)
        self._take_moving()
        return owned

    def moving_variables(self, player: str) -> list[Any]:
        """Those of a player's variables that are not frozen; none for a player that rests."""
        return self._moving[player]

    def _take_moving(self):
        moving = {}
        for name, player in self.players.items():
            networks = [getattr(self, network) for network in player.networks]
            free = {id(v) for network in networks for v in network.trainable_variables}
            moving[name] = [v for v in self.player_variables[name] if id(v) in free]
        self._moving = types.MappingProxyType(moving)

    def follow_freezing(self) -> None:
        """Lets steps be compiled anew where layers were frozen or released since.

        Raises:
            ValueError: when a network was replaced after `compile`.
        """
        owned, before = self._owned_variables(), self.moving_signature()
        for name, variables in owned.items():
            if list(map(id, variables)) != list(map(id, self.player_variables[name])):
                raise ValueError(
                    f"A network of player '{name}' was replaced, or built again, after compile: "
                    "its optimizer knows the earlier one's weights. Call compile again, with a new "
                    f"optimizer for '{name}'. "
                    f"Received: networks {self.players[name].networks} with other variables"
                )
        self._take_moving()
        if self.moving_signature() != before:
            self.train_function = self.test_function = self.predict_function = None

    def moving_signature(self) -> tuple[int, ...]:
        """What differs where other weights move."""
        return tuple(id(v) for variables in self._moving.values() for v in variables)

    def make_train_function(self, force: bool = False) -> None:
        """The compiled step, made again where layers were frozen or released."""
        self.follow_freezing()
        return super().make_train_function(force)

    def make_test_function(self, force: bool = False) -> None:
        """The compiled step of `evaluate`, made again where layers were frozen or released."""
        self.follow_freezing()
        return super().make_test_function(force)

    def _owned_variables(self):
        owned = {}
        if not self.players:
            raise ValueError(
                f"{type(self).__name__} has no players, so nothing can move. Declare a table such "
                'as players = {"generator": kgan.Player(networks=("generator",), '
                f'terms=("adversarial",))}}. Received: players={self.players!r}'
            )
        for name, player in self.players.items():
            lost = [network for network in player.networks if not hasattr(self, network)]
            if lost or not hasattr(self, f"{name}_loss"):
                raise ValueError(
                    f"Player '{name}' of {type(self).__name__} needs an attribute for each of its "
                    f"networks {player.networks} and a method {name}_loss. "
                    f"Missing: {lost or name + '_loss'}"
                )
            networks = [getattr(self, network) for network in player.networks]
            # Frozen ones too, so that a layer can be frozen and released after this.
            unique = {id(v): v for x in networks for v in keras_internals.could_train(x)}
            if not unique:
                raise ValueError(
                    f"Player '{name}' has nothing to move: none of its networks "
                    f"{player.networks} has a trainable variable. Build the networks before "
                    "compile, or leave the player out of the table."
                )
            owned[name] = list(unique.values())
        everyone = {id(variable) for variables in owned.values() for variable in variables}
        orphans = [v.path for v in self.trainable_variables if id(v) not in everyone]
        if orphans:
            raise ValueError(
                f"No player of {type(self).__name__} moves these trainable variables. Name their "
                "network in a player's `networks`, or set its trainable = False. "
                f"Received: players={list(self.players)} and orphans {orphans[:5]}"
            )
        return owned
