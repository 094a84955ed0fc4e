"""How good are the samples? Trains a model for a task and prints its figures with their protocol.

    python benchmarks/quality.py                         # lists models and tasks
    python benchmarks/quality.py wgan_gp                 # every task that has a recipe for it
    python benchmarks/quality.py wgan_gp --task ring --seed 1
    python benchmarks/quality.py all --task ring         # every model of a task

Recipes (options, batch size, steps, schedule) are in the tables of `benchmarks/tasks/`. Each run
prints a Markdown table and writes `result.json`, `result.md` and pictures to
`runs/quality/MODEL/TASK`. Real data is read from `$KGAN_DATA` (`mnist.npz`, `cifar10.tar`); ring
and grid need none. One figure comes from one seed: repeat with `--seed` for its spread.

The exit status is 1 when a bar was missed: the acceptance figures of the models that have any.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import pathlib
import sys

import keras
from tasks import all_tasks
from tasks.common import say

OUT = pathlib.Path("runs") / "quality"


def listing(tasks):
    lines = ["| task | models |", "|---|---|"]
    lines += [f"| {name} | {', '.join(sorted(task.recipes))} |" for name, task in tasks.items()]
    return "\n".join(lines)


def chosen_runs(tasks, model, task):
    """Pairs of a task and a model's name."""
    if task is not None and task not in tasks:
        raise SystemExit(f"There is no task {task!r}. Choose one of: {', '.join(tasks)}")
    wanted = [tasks[task]] if task else list(tasks.values())
    name = model.lower().replace("-", "_")
    runs = [(t, m) for t in wanted for m in sorted(t.recipes) if name in ("all", m)]
    if not runs:
        raise SystemExit(
            f"There is no recipe for {model!r}{f' on {task}' if task else ''}.\n\n{listing(tasks)}"
        )
    return runs


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", nargs="?", help="a model's name, or all")
    parser.add_argument("--task", help="one task, default: all that have a recipe for the model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, default=OUT, help=f"default {OUT}")
    parser.add_argument("--quick", action="store_true", help="a few steps: does it run at all?")
    arguments = parser.parse_args(argv)

    tasks = all_tasks()
    if arguments.model is None:
        print(listing(tasks))
        return 0
    missed = 0
    for task, model in chosen_runs(tasks, arguments.model, arguments.task):
        out = arguments.out / model / task.name
        out.mkdir(parents=True, exist_ok=True)
        say(f"== {model} on {task.name}")
        result = task.run(model, arguments.seed, out, arguments.quick)
        result.write(out / "result.json")
        table = result.markdown()
        (out / "result.md").write_text(table + "\n")
        print(table + "\n", flush=True)
        missed += sum(not bar.passed for bar in result.bars)
        keras.backend.clear_session()
    return int(missed > 0 and not arguments.quick)


if __name__ == "__main__":
    sys.exit(main())
