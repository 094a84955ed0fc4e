"""What a discriminator knows: density ratios, a bound on a divergence, drift, and bad samples.

You learn that a discriminator is more than a teacher that is thrown away. Trained to tell two sets
of samples apart, it tends to D*(x) = p(x) / (p(x) + q(x)) (Goodfellow et al. 2014, proposition 1):
it holds the ratio of the two densities. So its value bounds the Jensen-Shannon divergence from
below (theorem 1), its ratio reweights samples, its accuracy on held-out samples is a test of
whether today's data is still that of training, and its scores rank what a generator made.

    python tutorials/what_a_discriminator_knows.py --out runs/discriminator

writes `ratio.png`, `drift.png`, `believable.png` and `figures.json` to the folder, in about a
minute.
"""

import argparse
import json
import math
import os
import pathlib

# TensorFlow reads it when it is imported: its notes on hardware would hide ours.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras.layers import Dense
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter1d
from scipy.stats import norm

import kgan
from kgan.pictures import image_grid, save_image, strips

# The data's density p and the generator's q: known here, so that what is learned can be checked.
P, Q = norm(0.0, 1.0), norm(0.8, 0.7)
GRID = np.linspace(-4.0, 4.0, 801)
BLACK, GREEN, BLUE, ORANGE = "#222222", "#2a9d55", "#2166ac", "#e08214"


def integral(values):
    return float(np.trapezoid(values, GRID))


def optimal_discriminator():
    """D*(x) on GRID (proposition 1)."""
    return P.pdf(GRID) / (P.pdf(GRID) + Q.pdf(GRID))


def jensen_shannon():
    """Divergence of P and Q in nats, from their densities."""
    p, q = P.pdf(GRID), Q.pdf(GRID)
    middle = (p + q) / 2
    return (integral(p * np.log(p / middle)) + integral(q * np.log(q / middle))) / 2


def train_against_a_fixed_generator(epochs):
    """A game in which only the discriminator moves. Returns the model and V after each epoch."""
    generator = keras.Sequential([keras.Input((1,)), Dense(1)], name="generator")
    generator.set_weights([np.array([[Q.std()]]), np.array([Q.mean()])])
    generator.trainable = False  # the player rests: a GAN checks it before each fit
    discriminator = keras.Sequential(
        [keras.Input((1,)), Dense(64, "relu"), Dense(64, "relu"), Dense(1)], name="discriminator"
    )
    model = kgan.GAN(generator, discriminator, loss="minimax", noise="normal", seed=0)
    steps = 100 * epochs
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        steps_per_execution=100,
    )
    data, held_out = (
        P.rvs((count, 1), random_state=seed).astype("float32")
        for seed, count in enumerate((25_600, 20_000))
    )
    values = []
    for epoch in range(epochs):
        model.fit(data, batch_size=256, initial_epoch=epoch, epochs=epoch + 1, verbose=0)
        logs = model.evaluate(held_out, batch_size=2000, verbose=0, return_dict=True)
        values.append(-logs["discriminator_loss"])  # D maximises V by minimising -V
    return model, values


def scores(model, samples):
    """D's logits: with a minimax loss, the logarithm of p(x) / q(x)."""
    logits = model.discriminator(np.asarray(samples, "float32"), training=False)
    return keras.ops.convert_to_numpy(logits)[:, 0].astype("float64")


def draw_ratio(learned, values, samples, weights):
    """Three panels: D and D*, the bound that is reached, and reweighted samples."""
    figure = Figure(figsize=(12.0, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    left.plot(GRID, P.pdf(GRID), ":", color=BLACK, label="data p(x)")
    left.plot(GRID, Q.pdf(GRID), color=GREEN, label="generator q(x)")
    left.plot(GRID, learned, color=BLUE, linewidth=2, label="discriminator D(x)")
    left.plot(GRID, optimal_discriminator(), "--", color=ORANGE, label="optimal D*(x)")
    left.set(title="A trained D is p / (p + q)", ylim=(0.0, 1.05), xlabel="x")
    bound = 2 * jensen_shannon() - math.log(4.0)
    middle.axhline(bound, color=ORANGE, linestyle="--", label="C(G) = -log 4 + 2 JSD(p, q)")
    middle.plot(range(1, len(values) + 1), values, color=BLUE, label="V(D, G), held-out samples")
    middle.set(title="Its value is a bound from below", xlabel="epochs of 100 steps")
    shared = {"bins": 60, "range": (-4, 4), "density": True, "alpha": 0.45}
    right.hist(samples, color=GREEN, label="generated", **shared)
    right.hist(samples, weights=weights, color=BLUE, label="weighted by D / (1 - D)", **shared)
    right.plot(GRID, P.pdf(GRID), ":", color=BLACK, label="data p(x)")
    right.set(title="Its ratio corrects samples", xlabel="x")
    for axes in (left, middle, right):
        axes.legend(fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def drifts(images):
    """Ways in which a camera's pictures change in use, none of which a person would notice."""
    random = np.random.default_rng(0)
    pixels = images.astype("float64")
    noise = random.normal(0, 12, images.shape)
    return {
        "nothing": pixels,
        "10 % darker": 0.9 * pixels,
        "noise": pixels + noise,
        "blurred": gaussian_filter1d(gaussian_filter1d(pixels, 0.45, axis=1), 0.45, axis=2),
        "no eights": pixels,
    }


def test_for_drift(epochs):
    """Tests half of the digits against the other half, as they are and after each drift."""
    images, labels = kgan.data.load("digits", labels=True)
    order = np.random.default_rng(0).permutation(len(images))
    then, today = order[: len(order) // 2], order[len(order) // 2 :]
    results, shown = {}, []
    for name, changed in drifts(images).items():
        rows = today[labels[today] != 8] if name == "no eights" else today
        changed = changed.clip(0, 255).round().astype("uint8")
        results[name] = [
            kgan.metrics.two_sample_test(images[then], changed[rows], extractor=e, epochs=epochs)
            for e in (None, "auto")
        ]
        shown.append(changed[rows[:8]])
    return results, strips(shown, list(results), blocks=1)


def most_and_least_believable(count):
    """What the discriminator of the shipped weights thinks of its generator's samples."""
    model = kgan.zoo.load("dcgan", weights="mnist")
    samples = model.generate(count, seed=0)
    order = np.argsort(-scores(model, samples / 127.5 - 1.0))
    chosen = np.concatenate([order[:16], order[-16:]])
    return image_grid(samples[chosen], columns=16, scale="auto")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default="runs/discriminator", help="folder for all outputs")
    parser.add_argument("--quick", action="store_true", help="a few steps, to check that it runs")
    options = parser.parse_args(argv)
    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)

    print("1. A discriminator against a generator that rests: what does it learn?")
    keras.utils.set_random_seed(0)
    model, values = train_against_a_fixed_generator(2 if options.quick else 20)
    learned = 1.0 / (1.0 + np.exp(-scores(model, GRID[:, None])))
    error = integral(np.abs(learned - optimal_discriminator()) * (P.pdf(GRID) + Q.pdf(GRID)) / 2)
    estimate = (values[-1] + math.log(4.0)) / 2
    print(f"   mean |D(x) - D*(x)|: {error:.4f}")
    print(f"   JSD(p, q): {jensen_shannon():.4f} nats; from V(D, G), held-out: {estimate:.4f}")

    print("2. Its ratio p / q = D / (1 - D) turns means over samples into means over the data.")
    samples = model.generate(20_000, seed=1)
    weights = np.exp(scores(model, samples))
    plain, corrected = (float(np.average(samples[:, 0], weights=w)) for w in (None, weights))
    print(f"   mean of the data {P.mean():.3f}, of samples {plain:.3f}, reweighted {corrected:.3f}")
    draw_ratio(learned, values, samples[:, 0], weights).savefig(folder / "ratio.png", dpi=150)

    print("3. Its accuracy on held-out samples is a test: is today's data that of training?")
    results, picture = test_for_drift(1 if options.quick else 15)
    print("                 on pixels                     on features")
    for name, tests in results.items():
        found = [
            f"{test.accuracy:.3f}, {'drift' if test.differs(0.01) else 'no drift found':<20}"
            for test in tests
        ]
        print(f"   {name:>11}: {'  '.join(found).rstrip()}")
    print("   What was not found may be there all the same: features and more samples find more.")
    save_image(folder / "drift.png", picture)

    print("4. Its scores rank samples: above the most believable of the shipped DCGAN, below the")
    print("   least. Where classes or strokes gather in one row, the generator has a weak spot.")
    save_image(folder / "believable.png", most_and_least_believable(64 if options.quick else 512))

    figures = {
        "mean |D - D*|": error,
        "JSD": jensen_shannon(),
        "JSD from V": estimate,
        "mean of samples": plain,
        "mean of reweighted samples": corrected,
        "drift": {name: [test.accuracy for test in tests] for name, tests in results.items()},
    }
    (folder / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(f"Pictures and figures are in {folder}.")


if __name__ == "__main__":
    main()
