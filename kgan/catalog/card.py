"""A model's card: what a person wants to know before choosing it."""

import dataclasses
import functools
import inspect
import json
import math
import pathlib
import re
import textwrap

from kgan.catalog import weights as shipped

STEP_COST_PROTOCOL = (
    "processor time of fit on TensorFlow without a GPU, at the default options, in batches of 16 "
    "images of 32x32x3"
)


@dataclasses.dataclass(frozen=True)
class Card:
    """What there is to know of a model of the zoo, read from the model itself.

    Args:
        name: the model's name.
        summary: its docstring's first line.
        paper: the docstring's reference.
        deviations: the docstring's paragraph on where the model leaves the paper.
        options: dict of option -> default.
        meanings: dict of option -> what the docstring says of it: meaning, range, when to change
            it, default.
        players: dict of player -> (networks, terms, every).
        parameters: dict of network -> number of trainable parameters, with default options.
        sample_shape: shape of one sample, with default options.
        weights: dict of the name of weights that ship -> their card, a dict with recipe, scores,
            protocol and the licence of the data.
        step_cost: processor time of a training step over that of `dcgan`, as `STEP_COST_PROTOCOL`
            says; `None` where it was not measured.
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
    meanings: dict = dataclasses.field(default_factory=dict)
    step_cost: float | None = None

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
            meanings=meanings_of(builder),
            step_cost=step_costs().get(builder.__name__),
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
        if self.step_cost is not None:
            cost = f"{self.step_cost:.1f} times that of dcgan" if self.name != "dcgan" else "1"
            lines += ["", f"Cost of a step  {cost} ({STEP_COST_PROTOCOL})"]
        lines += ["", "Options"]
        for name, default in self.options.items():
            lines.append(f"  {name}={default!r}")
            if name in self.meanings:
                indent = " " * 6
                lines.append(
                    textwrap.fill(
                        self.meanings[name], 100, initial_indent=indent, subsequent_indent=indent
                    )
                )
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


def meanings_of(builder):
    """What a builder's docstring says of each option: a dict of option -> one line.

    Args:
        builder: function, the model's builder.
    """
    sections = inspect.cleandoc(builder.__doc__ or "").split("\n\n")
    listed = next((section for section in sections if section.startswith("Args:")), "")
    # An entry begins at the first level of indentation; its further lines are indented more.
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", listed, re.MULTILINE)
    return {name: " ".join(text.replace("`", "").split()) for name, text in entries}


@functools.cache
def step_costs():
    """The costs of a step over that of dcgan: a dict of model -> float."""
    # Written by benchmarks/step_cost.py.
    return json.loads((pathlib.Path(__file__).parent / "step_costs.json").read_text())
