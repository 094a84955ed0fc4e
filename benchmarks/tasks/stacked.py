"""Minibatch discrimination against the same GAN without it: which of them reaches more modes?

Both are `kgan.zoo.load("minibatch_discrimination")`, once as it is and once with
`statistic=None`, which is the same networks without the layer; same data, seed, batches and steps.

* stacked: stacked MNIST, 1 000 modes (Srivastava et al. 2017): 128 000 fixed triples of digits,
  26 000 samples, each channel read by `kgan.metrics.digit_judge`. The papers train 100 000 steps.
* ring_compared: the ring of `mixtures.py`.
* collapse: a wider ring, with a discriminator that learns so slowly that the generator runs after
  one of its weak spots at a time: a GAN made to collapse, to see what the layer mends. The modes
  are wide because what is asked is whether samples spread, not how sharp they are.
"""

import dataclasses
import functools

import keras

import kgan
from kgan import drawing
from tasks.common import Bar, Recipe, Result, Task, load_mnist, quickened, train
from tasks.mixtures import MIXTURES, NUM_JUDGED, NUM_POINTS, Mixture

NUM_TRIPLES, NUM_READ = 128_000, 26_000
POINTS = {
    "latent_dim": 2,
    "noise": "normal",
    "units": (128, 128, 128),
    "num_kernels": 16,
    "kernel_dim": 4,
    "label_smoothing": 0.0,
}

STACKED = Recipe({"width": 32, "label_smoothing": 0.0}, steps=4_000, batch_size=64)
RING = Recipe(POINTS, steps=20_000, batch_size=100, steps_per_execution=50)
COLLAPSE = Recipe(
    {**POINTS, "learning_rate": 1e-3}, steps=3_000, batch_size=32, steps_per_execution=50
)
WIDE = Mixture(
    functools.partial(kgan.data.ring, sigma=0.1),
    kgan.data.ring_centers(),
    0.1,
    (-1.7, 1.7),
    "ring of 8 modes at radius 1, sigma 0.1",
)
# In the collapsing set-up alone: the discriminator's learning rate over the generator's.
HANDICAP = 0.03
RECIPES = {"stacked": STACKED, "ring_compared": RING, "collapse": COLLAPSE}


def run_stacked(model_name, seed, out, quick):
    (images, _), _ = load_mnist()
    recipe = quickened(STACKED) if quick else STACKED
    triples = kgan.data.stacked(images, n=64 if quick else NUM_TRIPLES, seed=seed)
    num_read = 64 if quick else NUM_READ

    def covered(samples):
        metric = kgan.metrics.ModeCoverage(
            classifier="digit_judge", stacked=True, num_samples=NUM_READ
        )
        metric.update_state(None, samples)
        metric.result()
        return metric.counted

    def draw(samples):
        return drawing.image_grid(samples[:64], columns=8, scale="auto")

    real = covered(triples[:num_read])
    protocol = (
        f"Protocol: stacked MNIST, {len(triples)} fixed triples, each channel read by our digit "
        f"judge; real triples by the same judge: {real.modes} modes, KL {real.reverse_kl:.4f}."
    )
    return compared(
        "stacked", model_name, seed, out, recipe, triples, num_read, protocol, covered, draw
    )


def run_points(task, model_name, seed, out, quick):
    mixture = WIDE if task == "collapse" else MIXTURES["ring"]
    recipe = quickened(RECIPES[task]) if quick else RECIPES[task]
    points = mixture.draw(NUM_POINTS, seed=seed)[: 1000 if quick else None]

    def covered(samples):
        return kgan.metrics.mode_coverage(samples, mixture.centers, mixture.sigma)

    def draw(samples):
        return drawing.scatter(samples, points[:2000], limits=mixture.limits)

    protocol = f"Protocol: {mixture.text}; {len(points)} fixed points."
    handicap = 1.0
    if task == "collapse":
        handicap = HANDICAP
        protocol += (
            f" Made to collapse: the discriminator's learning rate is {HANDICAP:g} times the "
            "generator's. Bar: twice the modes of the plain GAN."
        )
    return compared(
        task, model_name, seed, out, recipe, points, NUM_JUDGED, protocol, covered, draw, handicap
    )


def compared(
    task, model_name, seed, out, recipe, data, num_judged, protocol, covered, draw, handicap=1.0
):
    """Trains both, and returns one `Result` with the figures and pictures of both."""
    figures, pictures, coverages, total = {}, [], {}, 0.0
    contenders = {"plain": {"statistic": None}, "minibatch": {"statistic": "discrimination"}}
    for name, options in contenders.items():
        keras.utils.set_random_seed(seed)
        model = kgan.zoo.load(model_name, like=data, seed=seed, **recipe.options, **options)
        generators_rate = float(model.optimizer["generator"].learning_rate)
        model.optimizer["discriminator"].learning_rate = handicap * generators_rate
        steps, minutes, _ = train(model, (data,), recipe)
        samples = model.generate(num_judged, seed=seed, batch_size=500)
        coverage = coverages[name] = covered(samples)
        figures[f"{name}: modes"] = f"{coverage.modes} of {coverage.num_modes}"
        if coverage.high_quality is not None:
            figures[f"{name}: high quality"] = coverage.high_quality
        figures[f"{name}: KL"] = coverage.reverse_kl
        figures[f"{name}: minutes"] = minutes
        total += minutes
        pictures.append(out / f"{name}.png")
        drawing.save_image(pictures[-1], draw(samples))
    bars = []
    if task == "collapse":
        modes = {name: coverage.modes for name, coverage in coverages.items()}
        twice = 2 * max(1, modes["plain"])
        bars = [Bar("modes with minibatch discrimination", modes["minibatch"], twice)]
    return Result(
        model=model_name,
        task=task,
        seed=seed,
        protocol=f"{protocol} Each after {steps} steps: {coverage.protocol}.",
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=total,
        figures=figures,
        bars=bars,
        pictures=pictures,
    )


TASKS = [Task("stacked", {"minibatch_discrimination": STACKED}, run_stacked)] + [
    Task(name, {"minibatch_discrimination": RECIPES[name]}, functools.partial(run_points, name))
    for name in ("ring_compared", "collapse")
]
