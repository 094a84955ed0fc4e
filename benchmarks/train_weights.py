"""Trains the weights that ship in zoo/weights/, scores them, and writes their cards.

    python benchmarks/train_weights.py                   # lists the recipes
    python benchmarks/train_weights.py dcgan mnist       # into runs/weights/dcgan_mnist
    python benchmarks/train_weights.py dcgan mnist --ship  # and into zoo/weights/
    python benchmarks/train_weights.py dcgan mnist --check # scores what ships once more
    python benchmarks/train_weights.py --table           # the table of docs/benchmarks.md
    python benchmarks/train_weights.py --hero            # draws the README's first picture

Each run keeps the epoch with the smallest distance to held-out images (`BestMoment`), scores the
best and the last epoch on 10 000 samples, and writes weights, a picture and a card. Real data is
read from `$KGAN_DATA` (`mnist.npz`, `cifar10.tar`).
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
from tasks.binary_mnist import CONVOLUTIONS, Drawn, bounds
from tasks.common import Recipe, load_mnist, quickened, say, train
from tasks.cyclegan import SMALL as TRANSLATE
from tasks.cyclegan import figures_of, kind_a, kind_b
from tasks.pix2pix import load_photos

import kgan
import kgan.zoo  # registers the models
from kgan import drawing
from kgan.catalog import weights as shipped
from kgan.catalog.registry import builder_of

OUT = pathlib.Path("runs") / "weights"
NUM_JUDGED, NUM_HELD_OUT = 10_000, 2_000
WEIGHTS = shipped.folder(builder_of("dcgan"))
HERO = pathlib.Path(__file__).parents[1] / "tutorials" / "pictures" / "mnist.png"
NUM_SHOWN = 48
# A repeated score may differ by rounding between machines: the share of it, and at least so much.
TOLERANCE = 0.01

MNIST = {"sample_shape": (28, 28, 1)}
RECIPES = {
    ("dcgan", "mnist"): Recipe(
        {"image_shape": (28, 28, 1), "width": 48, "stages": 3, "learning_rate": 5e-4},
        steps=16_326,
        batch_size=64,
        decay_from=0.5,
    ),
    ("conditional", "mnist"): Recipe(
        {**MNIST, "num_classes": 10, "width": 32}, steps=3_752, batch_size=64, decay_from=0.5
    ),
    ("wgan_gp", "mnist"): Recipe(
        {
            **MNIST,
            "width": 32,
            "stages": 3,
            "discriminator_steps": 2,
            "learning_rate": 1e-3,
        },
        steps=14_512,
        batch_size=64,
        decay_from=0.5,
    ),
    ("r3gan", "mnist"): Recipe(
        {**MNIST, "width": 12, "gamma": 0.1, "learning_rate": 1e-3, "ema_momentum": 0.995},
        steps=10_000,
        batch_size=32,
        decay_from=0.5,
    ),
    ("minibatch_discrimination", "mnist"): Recipe(
        {**MNIST, "width": 32, "stages": 3, "num_kernels": 16, "learning_rate": 5e-4},
        steps=8_163,
        batch_size=64,
        decay_from=0.5,
    ),
    ("dcgan", "cifar10"): Recipe(
        {"image_shape": (32, 32, 3), "width": 32, "learning_rate": 4e-4},
        steps=9_000,
        batch_size=64,
        decay_from=0.5,
    ),
    ("vae", "mnist"): dataclasses.replace(CONVOLUTIONS, options={**MNIST, **CONVOLUTIONS.options}),
    ("cyclegan", "tinted_digits"): dataclasses.replace(
        TRANSLATE, options={"image_shape": (28, 28, 3), **TRANSLATE.options}
    ),
}
# Steps between two looks, where a pass over the data has too many of them. The last of a pass is
# shorter, and the card says how many steps there were.
EPOCH_STEPS = {"cyclegan": 250, "r3gan": 1_000}
DATA = {
    "mnist": (
        f"MNIST, training images: 60 000 but for {NUM_HELD_OUT} that chose the best epoch",
        "MNIST: Yann LeCun, Corinna Cortes and Christopher Burges; CC BY-SA 3.0",
    ),
    "cifar10": (
        "CIFAR-10, training images, JPEG-recompressed: not the original pixels; 50 000 but for "
        f"{NUM_HELD_OUT} that chose the best epoch",
        "CIFAR-10: Alex Krizhevsky, Vinod Nair and Geoffrey Hinton; no licence is stated by its "
        "authors, who ask that their 2009 report be cited",
    ),
    "tinted_digits": (
        "MNIST's training images: one half as they are, the other half inverted and tinted, but "
        f"for {NUM_HELD_OUT} that chose the best epoch",
        "MNIST: Yann LeCun, Corinna Cortes and Christopher Burges; CC BY-SA 3.0",
    ),
}


class Task:
    """One set of weights: its data, how it is measured while it trains, and its scores."""

    # Whether the best epoch is kept, by held-out training images, or the last.
    chooses = True
    deviation = "narrower networks and fewer steps than the paper's, as `options` and `recipe` say"

    def __init__(self, model_name, name, quick):
        self.model_name, self.name, self.quick = model_name, name, quick
        recipe = RECIPES[model_name, name]
        self.recipe = quickened(recipe) if quick else recipe
        self.num_judged = 100 if quick else NUM_JUDGED
        self.is_digits = name == "mnist"
        self.num_classes = self.recipe.options.get("num_classes")
        if name == "cifar10":
            self.train = load_photos("train", 50_000 if not quick else 100)
            self.test = load_photos("test", 10_000 if not quick else 100)
        else:
            (self.train, self.labels), (self.test, self.test_labels) = load_mnist()
        if quick:
            self.train, self.test = self.train[:100], self.test[:100]
            if name != "cifar10":
                self.labels, self.test_labels = self.labels[:100], self.test_labels[:100]
        # The best epoch is chosen on training images that the game never sees: test images are
        # for the scores alone. Shuffled, as MNIST's halves differ.
        order = np.random.default_rng(0).permutation(len(self.train))
        held, seen = np.split(order, [20 if quick else NUM_HELD_OUT])
        self.held_out, self.train = self.train[held], self.train[seen]
        if name != "cifar10":
            self.held_out_labels, self.labels = self.labels[held], self.labels[seen]

    @property
    def data(self):
        if self.name == "tinted_digits":
            order = np.random.default_rng(0).permutation(len(self.train))
            half = len(order) // 2
            return kind_a(self.train[order[:half]]), kind_b(self.train[order[half:]])
        return (self.train, self.labels) if self.num_classes else (self.train,)

    @property
    def validation_data(self):
        if self.name == "tinted_digits":
            return kind_a(self.held_out), kind_b(self.held_out)
        return (self.held_out, self.held_out_labels) if self.num_classes else (self.held_out,)

    def metrics(self):
        if self.name == "tinted_digits":
            # b hides the partner of each a in the same place, and the model never sees that.
            return [kgan.metrics.PeakSignalToNoiseRatio()]
        if self.is_digits:
            return [kgan.metrics.FrechetDistance("digit_judge")]
        return [kgan.metrics.SlicedWasserstein(extractor=None)]

    def build(self, seed):
        keras.utils.set_random_seed(seed)
        return kgan.zoo.load(self.model_name, seed=seed, **self.recipe.options)

    def scores(self, model):
        """Figures by name, and the protocol in words."""
        if self.name == "tinted_digits":
            figures, _, _ = figures_of(model, self.test, self.test_labels)
            return figures, (
                f"{len(self.test)} MNIST test images with hidden partners; digits read by "
                "kgan.metrics.digit_judge; the best epoch was chosen by the likeness to the hidden "
                f"partners of {len(self.held_out)} other training images"
            )
        asked = np.arange(self.num_judged) % (self.num_classes or 1)
        labels = {"labels": asked} if self.num_classes else {}
        samples = model.generate(self.num_judged, seed=0, batch_size=500, **labels)
        if not self.is_digits:
            metrics = [
                kgan.metrics.SlicedWasserstein(extractor=None),
                kgan.metrics.FrechetDistance(extractor=None),
                kgan.metrics.KernelDistance(extractor=None),
            ]
            kgan.metrics.update_all(metrics, self.test, samples)
            figures = {metric.name: metric.result() for metric in metrics}
            real = self.train[: self.num_judged]
            for metric in metrics:
                metric.reset_fake()
            kgan.metrics.update_all(metrics, None, real)
            figures |= {f"{metric.name} of real data": metric.result() for metric in metrics}
            said = "; ".join(metric.protocol for metric in metrics)
            return figures, (
                f"{said}: of pixels, so not the FID of papers; real data is as many training "
                "images, drawn at random; the best epoch was chosen by the sliced Wasserstein "
                f"distance to {len(self.held_out)} other training images"
            )
        digits, sure = kgan.metrics.read_digits(samples)
        coverage = kgan.metrics.class_coverage(digits, 10)
        frechet = kgan.metrics.FrechetDistance("digit_judge")
        frechet.update_state(self.test, samples)
        figures = {
            "frechet_distance": frechet.result(),
            "share of which the judge is 90 % sure": float(np.mean(sure >= 0.9)),
            "digits": coverage.modes,
            "class histogram KL": coverage.reverse_kl,
        }
        frechet.reset_fake()
        frechet.update_state(None, self.train[: self.num_judged])
        figures["frechet_distance of real data"] = frechet.result()
        if self.num_classes:
            figures["read as asked"] = float(np.mean(digits == asked))
        return figures, (
            f"{frechet.protocol}; real data is as many training images, drawn at random; the best "
            f"epoch was chosen by the distance to {len(self.held_out)} other training images"
        )

    @property
    def licence(self):
        return DATA[self.name][1]

    @property
    def source(self):
        return DATA[self.name][0]

    def picture(self, model, path):
        if self.name == "tinted_digits":
            columns = [kind_a(self.test[:20]), model.translate(kind_a(self.test[:20]))]
            b = kind_b(self.test[:20])
            columns += [b, model.translate(b, direction="b_to_a")]
            images = np.stack(columns, axis=1).reshape(-1, *columns[0].shape[1:])
            drawing.save_image(path, drawing.image_grid(images, columns=8, scale=2))
            return
        labels = {"labels": np.arange(100) // 10} if self.num_classes else {}
        images = model.generate(100, seed=1, batch_size=100, **labels)
        drawing.save_image(path, drawing.image_grid(images, columns=10, scale=2))


class BinaryDigits(Task):
    """Digits whose pixels are drawn black or white anew each time: for likelihoods."""

    chooses = False
    deviation = "convolutions in place of the paper's dense layers, as `options` says"
    source = "MNIST, training images, each pixel drawn black or white anew each time"

    @property
    def data(self):
        images = np.concatenate([self.held_out, self.train])
        return (Drawn(images, self.recipe.batch_size, 100),)

    def scores(self, model):
        figures, protocol = super().scores(model)
        found, said = bounds(model, self.test, draws=5 if self.quick else 500)
        # Nothing was chosen, so no images had to be held out for it.
        return {**found, **figures}, f"{said}; {protocol.partition('; the best epoch')[0]}"


def task_of(model_name, name, quick=False):
    kind = BinaryDigits if model_name == "vae" else Task
    return kind(model_name, name, quick)


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
    every = EPOCH_STEPS.get(task.model_name)
    steps, _, _ = train(model, task.data, task.recipe, epoch_steps=every, **watched)
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
    task = task_of(arguments.model, arguments.weights, arguments.quick)
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
