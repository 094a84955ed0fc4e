"""Which models lose modes? Ring, grid and stacked MNIST, over seeds, beside the published rows.

    python benchmarks/mode_collapse.py                          # quick: ring and grid, 3 seeds
    python benchmarks/mode_collapse.py --models gan_qp sngan --tasks ring --seeds 5
    python benchmarks/mode_collapse.py --tasks stacked --seeds 1
    python benchmarks/mode_collapse.py --budget paper           # the papers' steps: hours, or a GPU
    python benchmarks/mode_collapse.py --ship                   # and into benchmarks/figures/
    python benchmarks/mode_collapse.py --table                  # those of docs/benchmarks.md

Prints a table of mean and standard error, and writes it with every run to
`runs/mode_collapse/BUDGET`. A run that is there already is not repeated, so that a long table can
be made in parts. Stacked MNIST reads `mnist.npz` in `$KGAN_DATA`.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import dataclasses
import json
import pathlib
import sys
import time

import keras
import numpy as np
from tasks.common import Recipe, load_mnist, quickened, say, train
from tasks.energies import STACKED as ENERGY
from tasks.mixtures import GRID, MIXTURES, NUM_JUDGED, NUM_POINTS, RING
from tasks.stacked import NUM_READ, NUM_TRIPLES
from tasks.stacked import RING as MINIBATCH

import kgan
from kgan import drawing

OUT = pathlib.Path("runs") / "mode_collapse"
# What docs/benchmarks.md shows: runs of the quick budget.
FIGURES = pathlib.Path(__file__).parent / "figures" / "mode_collapse.json"
# One pass over the fixed triples.
STACKED = Recipe({"width": 32, "stages": 3, "learning_rate": 5e-4}, steps=2_000, batch_size=64)
# As many moves of the generator where the discriminator has two for each.
CRITIC = dataclasses.replace(STACKED, steps=4_000)
RECIPES = {
    "ring": {**RING, "minibatch_discrimination": MINIBATCH},
    "grid": {**GRID, "minibatch_discrimination": MINIBATCH},
    "stacked": {
        "dcgan": STACKED,
        "minibatch_discrimination": STACKED,
        "pacgan": STACKED,
        "wgan_gp": dataclasses.replace(
            CRITIC, options={**STACKED.options, "learning_rate": 1e-3, "discriminator_steps": 2}
        ),
        "gan_qp": CRITIC,
        "energy": ENERGY,
        "sngan": STACKED,
        # With three stages at half the rate its generator stuck at black images.
        "r3gan": Recipe(
            {"width": 8, "gamma": 0.1, "learning_rate": 1e-3, "ema_momentum": 0.995},
            steps=2_000,
            batch_size=32,
        ),
    },
}
# What the papers train: PacGAN's table 1, and VEEGAN's setting of stacked MNIST.
PAPER_STEPS = {"ring": 400_000, "grid": 400_000, "stacked": 100_000}
# From the tables of Lin et al. 2018, 10 runs each; none was measured by us, and the networks,
# batches and steps are others: see PROTOCOL. They say what others saw, not what to reach.
PUBLISHED = {
    "ring": {
        "GAN (Lin et al. 2018)": ("6.3 ± 0.5", "98.2 %", "0.45"),
        "ALI (Lin et al. 2018)": ("6.6 ± 0.3", "97.6 %", "0.36"),
        "PacGAN2 (Lin et al. 2018)": ("7.9 ± 0.1", "95.6 %", "0.07"),
        "PacGAN4 (Lin et al. 2018)": ("7.8 ± 0.1", "95.9 %", "0.07"),
    },
    "grid": {
        "GAN (Lin et al. 2018)": ("17.3 ± 0.8", "94.8 %", "0.70"),
        "ALI (Lin et al. 2018)": ("24.1 ± 0.4", "95.7 %", "0.14"),
        "PacGAN2 (Lin et al. 2018)": ("23.8 ± 0.7", "91.3 %", "0.13"),
        "PacGAN4 (Lin et al. 2018)": ("24.8 ± 0.2", "93.6 %", "0.04"),
    },
    "stacked": {
        "DCGAN (Lin et al. 2018)": ("78.9 ± 6.5", "-", "4.50"),
        "Unrolled GAN (Srivastava et al. 2017)": ("48.7", "-", "4.32"),
        "VEEGAN (Srivastava et al. 2017)": ("150.0", "-", "2.95"),
        "PacDCGAN2 (Lin et al. 2018)": ("1000.0 ± 0", "-", "0.06"),
    },
}
PROTOCOL = {
    "ring": "Published: 400 000 simultaneous steps of batch 100, Adam 1e-4 with beta_1 0.8, four "
    "layers of 400 with BatchNorm against three maxout layers of 200x5. Ours: the recipes below.",
    "stacked": "Published: 100 000 steps, two generator steps each, Adam 2e-4, networks of up to "
    "512 channels. Ours: the recipes below, one generator step.",
}
PROTOCOL["grid"] = PROTOCOL["ring"]
NUM_MODES = {"ring": 8, "grid": 25, "stacked": 1000}
TABLES = [["ring", "grid"], ["stacked"]]


def data_of(task, seed, quick):
    """Real samples, and the function that counts what generated ones reach."""
    if task == "stacked":
        (images, _), _ = load_mnist()
        triples = kgan.data.stacked(images, n=64 if quick else NUM_TRIPLES, seed=seed)
        return triples, kgan.metrics.ModeCoverage(
            classifier="digit_judge", stacked=True, num_samples=NUM_READ
        )
    mixture = MIXTURES[task]
    points = mixture.draw(1_000 if quick else NUM_POINTS, seed=seed)
    return points, kgan.metrics.ModeCoverage(centers=mixture.centers, sigma=mixture.sigma)


def recipe_of(task, model_name, budget, quick):
    """How a model is trained for a task within a budget."""
    recipe = RECIPES[task][model_name]
    if budget == "paper":
        options = dict(recipe.options)
        if "decay_steps" in options:
            options["decay_steps"] = PAPER_STEPS[task]
        recipe = dataclasses.replace(recipe, options=options, steps=PAPER_STEPS[task])
    return quickened(recipe) if quick else recipe


def is_of(row, recipe):
    """Whether a run was made by this recipe."""
    return row["recipe"] == json.loads(json.dumps(dataclasses.asdict(recipe)))  # JSON: no tuples


def run(task, model_name, seed, recipe, out, quick):
    """One training: its figures, as a dict."""
    samples, coverage = data_of(task, seed, quick)
    keras.utils.set_random_seed(seed)
    model = kgan.zoo.load(model_name, like=samples, seed=seed, **recipe.options)
    start = time.process_time()
    steps, minutes, _ = train(model, (samples,), recipe)
    core_minutes = (time.process_time() - start) / 60
    count = 64 if quick else NUM_READ if task == "stacked" else NUM_JUDGED
    made = model.generate(count, seed=seed, batch_size=500)
    coverage.update_state(None, made)
    picture = out / f"{task}_{model_name}_{seed}.png"
    if task == "stacked":
        drawing.save_image(picture, drawing.image_grid(made[:64], columns=8, scale=2))
    else:
        limits = MIXTURES[task].limits
        drawing.save_image(picture, drawing.scatter(made, samples[:2000], limits=limits))
    return {
        "task": task,
        "model": model_name,
        "seed": seed,
        "steps": steps,
        "minutes": minutes,
        "core_minutes": core_minutes,
        "recipe": dataclasses.asdict(recipe),
        "protocol": coverage.protocol,
        **{name: float(value) for name, value in coverage.result().items()},
    }


def spread(values, decimals=1):
    """Mean and standard error; the value alone where there is one."""
    values = np.asarray(values, "float64")
    if not np.isfinite(values).all():
        return "-"  # A run without one good sample has no divergence.
    mean = f"{np.mean(values):.{decimals}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.{decimals}f}"


def table(task, rows):
    """Markdown: the rows, how the published ones were measured, and by what recipes ours."""
    recipes = {row["model"]: row["recipe"] for row in rows}
    lines = [f"### {task}", "", table_of_runs(rows, [task]), "", PROTOCOL[task], ""]
    lines += [f"Ours: {rows[0]['protocol']}.", ""]
    lines += [f"* `{name}`: {recipe}" for name, recipe in recipes.items()]
    return "\n".join(lines)


def ship(rows):
    """Puts runs among those of docs/benchmarks.md, in place of older ones of the same name."""
    named = {(row["task"], row["model"], row["seed"]): row for row in [*shipped(), *rows]}
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps([named[name] for name in sorted(named)], indent=1) + "\n")


def shipped():
    """The runs that docs/benchmarks.md shows."""
    return json.loads(FIGURES.read_text()) if FIGURES.exists() else []


def table_of_runs(rows, tasks):
    """Markdown: tasks side by side, ours above what is published."""
    heads = {"modes": "modes of {}", "high_quality": "high quality, %", "reverse_kl": "reverse KL"}
    columns = [
        (f"{task}: " if name == "modes" else "") + heads[name].format(f"{NUM_MODES[task]:,}")
        for task in tasks
        for name in heads
    ]
    columns = ["model", *columns, "seeds", "steps", "core minutes, a run"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for model_name in dict.fromkeys(name for task in tasks for name in RECIPES[task]):
        mine = [row for row in rows if row["model"] == model_name and row["task"] in tasks]
        if not mine:
            continue
        cells = []
        for task in tasks:
            of_task = [row for row in mine if row["task"] == task]
            for name in heads:
                scale, decimals = {"high_quality": (100, 1), "reverse_kl": (1, 3)}.get(name, (1, 1))
                values = [scale * row[name] for row in of_task]
                cells.append(spread(values, decimals) if values else "not run")
        seeds = [sum(row["task"] == task for row in mine) for task in tasks]
        for numbers in (seeds, [row["steps"] for row in mine]):
            cells.append(" and ".join(f"{number:,}" for number in dict.fromkeys(numbers)))
        minutes = np.mean([row["core_minutes"] for row in mine])
        lines.append(f"| `{model_name}` | {' | '.join(cells)} | {minutes:.1f} |")
    for name in PUBLISHED[tasks[0]]:
        figures = [figure.removesuffix(" %") for task in tasks for figure in PUBLISHED[task][name]]
        ends = f"{'10' if 'Lin' in name else '-'} | {PAPER_STEPS[tasks[0]]:,} | |"
        lines.append(f"| published: {name} | {' | '.join(figures)} | {ends}")
    return "\n".join(lines)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", nargs="+", choices=list(RECIPES), default=["ring", "grid"])
    parser.add_argument("--models", nargs="+", help="default: all that have a recipe for a task")
    parser.add_argument("--seeds", type=int, default=3, help="how many: 0, 1, 2, ...")
    parser.add_argument("--budget", choices=["quick", "paper"], default="quick")
    parser.add_argument("--out", type=pathlib.Path, default=OUT, help=f"default {OUT}")
    parser.add_argument("--quick", action="store_true", help="a few steps: does it run at all?")
    parser.add_argument("--ship", action="store_true", help=f"copy the runs to {FIGURES.parent}")
    parser.add_argument("--table", action="store_true", help="print what ships, train nothing")
    arguments = parser.parse_args(argv)
    if arguments.table:
        print("\n\n".join(table_of_runs(shipped(), tasks) for tasks in TABLES))
        return 0
    if arguments.ship and (arguments.quick or arguments.budget != "quick"):
        parser.error("--ship is for runs of the whole quick budget")
    # Not beside the figures, which are not made again where they are there already.
    out = arguments.out / ("smoke" if arguments.quick else arguments.budget)
    out.mkdir(parents=True, exist_ok=True)
    for task in arguments.tasks:
        rows = []
        for model_name in RECIPES[task]:
            if arguments.models and model_name not in arguments.models:
                continue
            recipe = recipe_of(task, model_name, arguments.budget, arguments.quick)
            for seed in range(arguments.seeds):
                kept = out / f"{task}_{model_name}_{seed}.json"
                if not kept.exists() or not is_of(json.loads(kept.read_text()), recipe):
                    say(f"== {model_name} on {task}, seed {seed}")
                    row = run(task, model_name, seed, recipe, out, arguments.quick)
                    kept.write_text(json.dumps(row, indent=1) + "\n")
                    keras.backend.clear_session()
                rows.append(json.loads(kept.read_text()))
        if not rows:
            raise SystemExit(f"No such model has a recipe for {task}: {list(RECIPES[task])}")
        if arguments.ship:
            ship(rows)
        text = table(task, rows)
        (out / f"{task}.md").write_text(text + "\n")
        print(text + "\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
