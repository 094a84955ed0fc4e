"""A model's card: what a person wants to know before choosing it."""

import dataclasses
import inspect
import math

from kgan.catalog import weights as shipped


@dataclasses.dataclass(frozen=True)
class Card:
    """What there is to know of a model of the zoo, read from the model itself.

    Args:
        name: the model's name.
        summary: its docstring's first line.
        paper: the docstring's reference.
        deviations: the docstring's paragraph on where the model leaves the paper.
        options: dict of option -> default.
        players: dict of player -> (networks, terms, every).
        parameters: dict of network -> number of trainable parameters, with default options.
        sample_shape: shape of one sample, with default options.
        weights: dict of the name of weights that ship -> their card, a dict with recipe, scores,
            protocol and the licence of the data.
    """

    name: str
    summary: str
    paper: str
    deviations: str
    options: dict
    players: dict
    parameters: dict
    sample_shape: tuple
    weights: dict = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, builder, model):
        """Reads the card of a builder and the model that it builds by default."""
        sections = inspect.cleandoc(builder.__doc__ or builder.__name__).split("\n\n")
        networks = {name for player in model.players.values() for name in player.networks}
        return cls(
            name=builder.__name__,
            summary=sections[0].replace("\n", " "),
            paper=_section(sections, "Reference:"),
            deviations=_section(sections, "Deviations:"),
            options={
                name: option.default
                for name, option in inspect.signature(builder).parameters.items()
            },
            players={
                name: (player.networks, player.terms, player.every)
                for name, player in model.players.items()
            },
            parameters={
                name: sum(math.prod(v.shape) for v in getattr(model, name).trainable_variables)
                for name in sorted(networks, reverse=True)
            },
            sample_shape=tuple(model.fields[0].shape),
            weights={name: shipped.card(builder, name) for name in shipped.names(builder)},
        )

    def __str__(self):
        lines = [f"{self.name}: {self.summary}", "", f"Paper       {self.paper}"]
        if self.deviations:
            lines.append(f"Deviations  {self.deviations}")
        lines += ["", f"Networks, for samples of shape {self.sample_shape}"]
        for name, size in self.parameters.items():
            lines.append(f"  {name:<16}{int(size):>12,} parameters")
        lines += ["", "Players, in the order of their turns"]
        for name, (networks, terms, every) in self.players.items():
            pace = "every batch" if every == 1 else f"every {every} batches"
            loss = " + ".join(terms)
            lines.append(f"  {name:<16}moves {', '.join(networks)} {pace}; loss = {loss}")
        lines += ["", "Options and defaults"]
        lines += [f"  {name:<24}{default!r}" for name, default in self.options.items()]
        if self.weights:
            lines += ["", "Weights that ship"]
        for name, card in self.weights.items():
            scores = ", ".join(f"{what} {value:.4g}" for what, value in card["scores"].items())
            lines.append(f'  weights="{name}"  {card["data"]}; {card["recipe"]["steps"]} steps')
            lines += [f"    {scores}", f"    {card['protocol']}"]
        return "\n".join(lines)

    __repr__ = __str__


def _section(sections, title):
    for section in sections:
        if section.startswith(title):
            return " ".join(section[len(title) :].split())
    return ""
