"""How do time and memory of a training grow with the work? One option varied at a time.

    python benchmarks/cost.py                      # dcgan on one core, TensorFlow
    python benchmarks/cost.py --only images side   # some rows
    python benchmarks/cost.py --write              # and puts the table into docs/scaling.md

Each training has a process of its own, bound to one core. Time is the processor's in `fit`, so that
other work on the machine counts little, after a step that compiles. Memory is the most that the
process held, less what it held before it made the model: data, networks, optimizers and what a step
needs. An exponent is the slope of a straight line through the logarithms: 1 where twice as much
costs twice as much, 2 where it costs four times.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np
from cores import bind_to_core
from pages import say, write_between

DOCS = pathlib.Path(__file__).parents[1] / "docs" / "scaling.md"
BASE = {"images": 256, "side": 32, "batch_size": 32, "width": 32, "epochs": 2}
VARIED = {
    "images": (256, 512, 1024),
    "side": (16, 32, 64),
    "batch_size": (16, 32, 64),
    "width": (16, 32, 64),
    "epochs": (1, 2, 4),
}
NAMES = {"images": "images", "side": "side, pixels", "batch_size": "batch size"}


def kilobytes_at_most():
    """The most memory that this process ever held: Linux counts kilobytes, macOS bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


def train(images, side, batch_size, width, epochs):
    """Trains in this process: a dict of the seconds of `fit` and of the memory that it took."""
    bind_to_core()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    import kgan.zoo

    keras.utils.set_random_seed(0)
    # What importing takes, and what the framework takes at its first operation.
    keras.ops.convert_to_numpy(keras.ops.ones((4, 4)) @ keras.ops.ones((4, 4)))
    before = kilobytes_at_most()
    data = np.random.default_rng(0).integers(0, 256, (images, side, side, 3), "uint8")
    model = kgan.zoo.load("dcgan", like=data, width=width, seed=0)
    model.fit(data[:batch_size], batch_size=batch_size, verbose=0)
    start = time.process_time()
    model.fit(data, batch_size=batch_size, epochs=epochs, verbose=0)
    seconds = time.process_time() - start
    return {"seconds": seconds, "mebibytes": (kilobytes_at_most() - before) / 1024}


def measured(options):
    """What `train` says, in a process of its own."""
    command = [sys.executable, __file__, "--train", json.dumps(options)]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise RuntimeError(f"Training with {options} failed: {process.stderr[-3000:]}")
    return json.loads(process.stdout.splitlines()[-1])


def exponent(values, costs):
    """The slope of a straight line through the logarithms."""
    return float(np.polyfit(np.log(values), np.log(costs), 1)[0])


def table(rows):
    """A line for each option that was varied."""
    lines = [
        "| varied | values | core seconds | exponent | MiB | exponent |",
        "|---|---|---|---:|---|---:|",
    ]
    for name, found in rows.items():
        values = [value for value, _ in found]
        seconds = [cost["seconds"] for _, cost in found]
        memory = [cost["mebibytes"] for _, cost in found]
        lines.append(
            f"| {NAMES.get(name, name)} | {', '.join(map(str, values))} | "
            f"{', '.join(f'{each:.1f}' for each in seconds)} | {exponent(values, seconds):.2f} | "
            f"{', '.join(f'{each:.0f}' for each in memory)} | {exponent(values, memory):.2f} |"
        )
    return "\n".join(lines)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=list(VARIED), default=list(VARIED))
    parser.add_argument("--rounds", type=int, default=1, help="the quickest of which counts")
    parser.add_argument("--tiny", action="store_true", help="to try the script")
    parser.add_argument("--write", action="store_true", help="into docs/scaling.md")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.train:
        print(json.dumps(train(**json.loads(arguments.train))))
        return 0
    base, varied = BASE, VARIED
    if arguments.tiny:
        base = {"images": 64, "side": 8, "batch_size": 16, "width": 4, "epochs": 1}
        varied = {name: (value, 2 * value) for name, value in base.items()}
    known, rows = {}, {}
    for name in arguments.only:
        rows[name] = []
        for value in varied[name]:
            options = {**base, name: value}
            key = tuple(options.values())
            if key not in known:
                found = [measured(options) for _ in range(arguments.rounds)]
                known[key] = min(found, key=lambda cost: cost["seconds"])
                say(f"{options}: {known[key]}")
            rows[name].append((value, known[key]))
    said = ", ".join(f"{NAMES.get(name, name)} {value}" for name, value in base.items())
    text = (
        f"dcgan on {os.environ.get('KERAS_BACKEND', 'tensorflow')}, one core; what is not varied: "
        f"{said}.\n\n{table(rows)}"
    )
    print(text)
    if arguments.write:
        write_between(DOCS, "cost", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
