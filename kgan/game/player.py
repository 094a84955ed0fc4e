"""One row of a game's table."""

import dataclasses

from kgan.utils.arguments import check_count


@dataclasses.dataclass(frozen=True)
class Player:
    """One row of a game's table: who moves, what its loss is made of, and how often it moves.

    Args:
        networks: tuple of the names of the model's attributes that this player moves.
        terms: tuple of the names of the terms that `<player>_loss` returns. They add up to the
            loss, and each is logged as `<player>_<term>`.
        every: integer of at least 1. The player moves on every `every`-th batch. This is how
            "k discriminator steps" is done: the discriminator moves on every batch, the generator
            on every k-th. An epoch in which a player never moves logs 0 for it. Defaults to 1.

    Raises:
        ValueError: when there are no networks or terms, or `every` is below 1.

    Example:

    ```python
    from kgan import Player

    critic = Player(networks=("discriminator",), terms=("adversarial", "gradient_penalty"))
    generator = Player(networks=("generator",), terms=("adversarial",), every=5)
    ```
    """

    networks: tuple
    terms: tuple
    every: int = 1

    def __post_init__(self):
        for field in ("networks", "terms"):
            value = getattr(self, field)
            if isinstance(value, str) or not value or any(not isinstance(v, str) for v in value):
                raise ValueError(
                    f'A player needs `{field}` as a tuple of at least one name, such as ("a",). '
                    f"Received: {field}={value!r}"
                )
            if len(set(value)) < len(value) or (field == "terms" and "loss" in value):
                raise ValueError(
                    f"A player's {field} need names that differ, and 'loss' is the name of the "
                    f"terms' sum. Received: {field}={value!r}"
                )
        check_count("every", self.every)
