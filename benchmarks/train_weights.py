"""Trains the weights that ship in zoo/weights/, scores them, and writes their cards.

    python benchmarks/train_weights.py                   # lists the recipes
    python benchmarks/train_weights.py dcgan mnist       # into runs/weights/dcgan_mnist
    python benchmarks/train_weights.py dcgan mnist --ship  # and into zoo/weights/
    python benchmarks/train_weights.py dcgan mnist --check # scores what ships once more
    python benchmarks/train_weights.py --table           # the table of docs/benchmarks.md
    python benchmarks/train_weights.py --hero            # draws the README's first picture

The sets are in `weight_sets.py`. Each run keeps the epoch with the smallest distance to held-out
images (`BestMoment`), scores the best and the last epoch on 10 000 samples, and writes weights, a
picture and a card. Real data is read from `$KGAN_DATA` (`mnist.npz`, `cifar10.tar`).
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import dataclasses
import json
import pathlib
import platform
import shlex
import shutil
import sys
import time

import keras
import numpy as np
from tasks.common import load_mnist, say, train
from weight_sets import RECIPES, weight_set

import kgan
import kgan.zoo  # registers the models
from kgan import drawing
from kgan.catalog import weights as shipped
from kgan.catalog.registry import builder_of

OUT = pathlib.Path("runs") / "weights"
WEIGHTS = shipped.folder(builder_of("dcgan"))
HERO = pathlib.Path(__file__).parents[1] / "tutorials" / "pictures" / "mnist.png"
NUM_SHOWN = 48
# A repeated score may differ by rounding between machines: the share of it, and at least so much.
TOLERANCE = 0.01


def machine():
    """What trained the weights, in words."""
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        number = torch.cuda.device_count()
    else:
        number = len(keras.distribution.list_devices("gpu"))
    return f"{os.cpu_count()} CPU cores ({platform.machine()}), {number or 'no'} GPU"


def run(task, seed, out):
    """Trains, and writes weights, picture and card into `out`; returns the card."""
    model = task.build(seed)
    watched, monitor = {}, {"metric": "none: the last epoch is kept"}
    if task.chooses:
        model.compile(optimizer=model.optimizer, metrics=task.metrics())
        best = kgan.callbacks.BestMoment(out, print_fn=say)
        best.record_file.unlink(missing_ok=True)
        validation = task.validation_data
        validation = validation if len(validation) > 1 else validation[0]
        watched = {"callbacks": [best], "validation_data": validation}
    start = time.process_time()
    steps, _, _ = train(model, task.data, task.recipe, epoch_steps=task.epoch_steps, **watched)
    core_minutes = (time.process_time() - start) / 60
    last = None
    if task.chooses:
        last, _ = task.scores(model)
        model = keras.saving.load_model(best.model_file)
        monitor = {"metric": best.monitor, "best": best.best, "last": best.last}
    return written(task, seed, out, model, steps, core_minutes, monitor, last)


def written(task, seed, out, model, steps, core_minutes, monitor, last):
    """Writes the weights of a trained model, what they make and their card; returns the card."""
    name = f"{task.model_name}_{task.name}"
    sha256 = shipped.save(model, out / f"{name}.npz")
    # What ships is scored, as it comes back from the file.
    model = task.build(seed)
    shipped.restore(model, out / f"{name}.npz")
    scores, protocol = task.scores(model)
    task.picture(model, out / f"{name}.png")
    deviations = kgan.zoo.describe(task.model_name).deviations
    card = {
        "model": task.model_name,
        "weights": task.name,
        "file": f"{name}.npz",
        "sha256": sha256,
        "options": task.recipe.options,
        "data": task.source,
        "licence": f"weights: Apache-2.0; {task.licence}",
        "command": shlex.join(
            ["python", "benchmarks/train_weights.py", task.model_name, task.name]
            + (["--seed", str(seed)] if seed else [])
        ),
        "recipe": {**dataclasses.asdict(task.recipe), "steps": steps, "seed": seed},
        "core_minutes": round(core_minutes, 1),
        "machine": machine(),
        "versions": {
            "kgan": kgan.__version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
        },
        "monitor": monitor,
        "scores": scores,
        "scores_of_the_last_epoch": last or scores,
        "protocol": protocol,
        "tolerance": TOLERANCE,
        "picture": f"{name}.png",
        "deviations": f"{deviations} These weights: {task.deviation}; rounded to float16.".strip(),
    }
    (out / f"{name}.json").write_text(json.dumps(card, indent=1) + "\n")
    return card


def check(task):
    """Scores what ships once more, and names what does not repeat."""
    card = shipped.card(builder_of(task.model_name), task.name)
    model = kgan.zoo.load(task.model_name, weights=task.name)
    found, _ = task.scores(model)
    wrong = {}
    for what, expected in card["scores"].items():
        if abs(found[what] - expected) > card["tolerance"] * max(abs(expected), 0.01):
            wrong[what] = (expected, found[what])
    return wrong


def row(model_name, name):
    """A line of the table in docs/benchmarks.md: what a card says."""
    card = shipped.card(builder_of(model_name), name)
    scores, shares, said = dict(card["scores"]), [], []
    for what, value in card["scores"].items():
        real = scores.get(f"{what} of real data")
        if what.endswith(" of real data"):
            continue
        if what.startswith(("share of which ", "read as", "same digit")):
            of = " of" if what.startswith("share of which ") else ""
            shares.append(f"{what.removeprefix('share of which ')}{of} {100 * value:.1f} %")
        else:
            beside = "" if real is None else f" ({real:.3g})"
            said.append(f"{what.replace('_', ' ')} {value:.3g}{beside}")
    size = (WEIGHTS / card["file"]).stat().st_size / 1e6
    return (
        f"| `{model_name}`, `{name}` | {size:.1f} MB | {'; '.join(said + shares)} | "
        f"{card['recipe']['steps']:,} steps, {card['core_minutes']} core minutes"
        f"{'' if ', no GPU' in card['machine'] else ' beside a GPU'} |"
    )


def table():
    """The table of weights that ship, in docs/benchmarks.md."""
    lines = ["| weights | file | scores (of real data) | training |", "|---|---|---|---|"]
    lines += [
        row(model, name)
        for model in kgan.zoo.list_models()
        for name in shipped.names(builder_of(model))
    ]
    return "\n".join(lines)


def hero():
    """The README's first picture: digits of MNIST's test images, and of the dcgan that ships."""
    _, (test, _) = load_mnist()
    real = test[np.random.default_rng(0).permutation(len(test))[:NUM_SHOWN]]
    grids = [drawing.image_grid(images, columns=8, scale=2) for images in (real, hero_samples())]
    return drawing.side_by_side(*grids, titles=("MNIST", "kgan dcgan"))


def hero_samples():
    """What the README says that it shows."""
    return kgan.zoo.load("dcgan", weights="mnist").generate(NUM_SHOWN, seed=0)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", nargs="?")
    parser.add_argument("weights", nargs="?")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, default=OUT, help=f"default {OUT}")
    parser.add_argument("--ship", action="store_true", help="copy the result to zoo/weights/")
    parser.add_argument("--check", action="store_true", help="score what ships, train nothing")
    parser.add_argument("--quick", action="store_true", help="a few steps: does it run at all?")
    parser.add_argument("--table", action="store_true", help="print what ships, train nothing")
    parser.add_argument("--hero", action="store_true", help=f"draw {HERO}, train nothing")
    arguments = parser.parse_args(argv)
    if arguments.hero:
        drawing.save_image(HERO, hero())
        return 0
    if arguments.table:
        print(table())
        return 0
    if (arguments.model, arguments.weights) not in RECIPES:
        print("\n".join(f"{model} {name}" for model, name in RECIPES))
        return int(arguments.model is not None)
    task = weight_set(arguments.model, arguments.weights, arguments.quick)
    if arguments.check:
        wrong = check(task)
        print(f"differs from the card: {wrong}" if wrong else "as the card says")
        return int(bool(wrong))
    out = arguments.out / f"{arguments.model}_{arguments.weights}"
    out.mkdir(parents=True, exist_ok=True)
    card = run(task, arguments.seed, out)
    print(
        json.dumps({name: card[name] for name in ("scores", "core_minutes", "monitor")}, indent=1)
    )
    if arguments.ship and not arguments.quick:
        WEIGHTS.mkdir(exist_ok=True)
        for suffix in ("npz", "json", "png"):
            shutil.copy(out / f"{arguments.model}_{arguments.weights}.{suffix}", WEIGHTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
