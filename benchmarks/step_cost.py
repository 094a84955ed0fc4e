"""The cost of a training step of each model of the zoo, over that of dcgan.

    python benchmarks/step_cost.py             # all models, into kgan/catalog/step_costs.json
    python benchmarks/step_cost.py r3gan       # some models: the others stay as they are

`kgan describe` prints these figures. A model is built at its default options for images of
32x32x3 and trained by `fit` on batches of 16. What is compared is processor time, all threads
added up, so that other work on the machine counts little; model and dcgan take turns, and the
median of the rounds' ratios is kept.
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import json
import pathlib
import statistics
import time

import numpy as np

import kgan
import kgan.zoo
from kgan.catalog import card, registry

FILE = pathlib.Path(card.__file__).parent / "step_costs.json"
BATCH_SIZE = 16
# A multiple of the moves of every discriminator per move of its generator.
STEPS = 10


def contender(name):
    """A function that trains some steps and returns the processor time of one, in seconds."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (BATCH_SIZE * STEPS, 32, 32, 3), "uint8")
    like = registry.like_of(name)
    if like.takes_labels:
        data = (images, np.arange(len(images)) % 10)
    else:
        data = (images, images) if like.then else (images,)
    brought = registry.brought_options_of(name)
    model = kgan.zoo.load(name, like=data if len(data) > 1 else images, **brought)

    def seconds_per_step():
        start = time.process_time()
        model.fit(*data, batch_size=BATCH_SIZE, verbose=0)
        return (time.process_time() - start) / STEPS

    seconds_per_step()  # compiles
    return seconds_per_step


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", help="names of the zoo; all without")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    costs = json.loads(FILE.read_text())
    dcgan = contender("dcgan")
    for name in arguments.models or kgan.zoo.list_models():
        other = contender(name) if name != "dcgan" else None
        pairs = [(dcgan(), other() if other else None) for _ in range(arguments.rounds)]
        ratios = [1.0 if mine is None else mine / its for its, mine in pairs]
        costs[name] = round(statistics.median(ratios), 2)
        print(f"{name:<24} {costs[name]:.2f}  ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)
        FILE.write_text(json.dumps(costs, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
