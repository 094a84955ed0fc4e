"""The game: players take turns, and on its turn each lowers its own loss."""

from kgan.game.model import AdversarialModel
from kgan.game.player import Player

__all__ = ["AdversarialModel", "Player"]
