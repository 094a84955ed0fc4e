"""Writes what the standard test compares a model with, and its row of the README's table.

    KERAS_BACKEND=tensorflow python tests/golden.py            # models that have no values yet
    KERAS_BACKEND=tensorflow python tests/golden.py NAME ...   # these models again
    KERAS_BACKEND=tensorflow python tests/golden.py --of stranger_test

Losses of a few steps, how the model is compiled and how large it is by default go into JSON files
beside the test file. Read the difference before you keep it, and hold the optimizers against the
paper. TensorFlow is the reference; JAX and PyTorch must reach the same losses.
"""

import argparse
import collections
import importlib
import json
import os
import pathlib
import re
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import standard  # noqa: E402

import kgan  # noqa: E402

README = pathlib.Path(__file__).parents[1] / "README.md"


def losses(name):
    history = standard.play_plain(standard.load_plain(name))
    return {key: [round(value, 6) for value in values] for key, values in history.items()}


def optimizers(name):
    return standard.compiled_as(standard.load_as_published(name))


def parameters(name):
    return kgan.zoo.describe(name).parameters


VALUES = {"losses": losses, "optimizers": optimizers, "parameters": parameters}


def write(module, names):
    for what, value_of in VALUES.items():
        path = pathlib.Path(module.__file__)
        path = path.with_name(f"{path.stem.removesuffix('_test')}_{what}.json")
        stored = standard.golden(module, what)
        kept = {name: stored[name] for name in module.NAMES if name in stored}
        for name in module.NAMES:
            if name not in kept or name in names:
                kept[name] = value_of(name)
                print(f"{what} of {name}")
        path.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n")


def row(name, old):
    """A model's row of the table: counts as they are, words kept where there are some."""
    card = kgan.zoo.describe(name)
    players = {player: networks for player, (networks, _, _) in card.players.items()}
    made = [n for player, networks in players.items() if "discr" not in player for n in networks]
    judging = [n for player, networks in players.items() if "discr" in player for n in networks]
    counts = " + ".join(
        (f"{repeats} x " if repeats > 1 else "") + f"{count:,}"
        for side in (made, judging)
        for count, repeats in collections.Counter(card.parameters[n] for n in side).items()
    )
    if old is not None:
        cells = old.split(" | ")
        cells[2] = re.sub(r"^[\d, x+]*\d", counts, cells[2])
        return " | ".join(cells)
    paper = re.match(r"[^,]+", card.paper)[0]
    return f"| `{name}` | {paper} | {counts} | {card.summary.rstrip('.')} |"


def write_table():
    lines = README.read_text().splitlines()
    places = [place for place, line in enumerate(lines) if re.match(r"\| `\w+` \| ", line)]
    rows = {re.match(r"\| `(\w+)`", lines[place])[1]: lines[place] for place in places}
    names = [name for name in rows if name in kgan.zoo.list_models()]
    names += [name for name in kgan.zoo.list_models() if name not in rows]
    lines[places[0] : places[-1] + 1] = [row(name, rows.get(name)) for name in names]
    README.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--of", default="zoo_test", help="the test file without its ending")
    arguments = parser.parse_args()
    module = importlib.import_module(arguments.of)
    unknown = sorted(set(arguments.names) - set(module.NAMES))
    if unknown:
        parser.error(f"no model of {arguments.of} is called {unknown}: it has {module.NAMES}")
    write(module, arguments.names)
    if arguments.of == "zoo_test":
        write_table()


if __name__ == "__main__":
    main()
