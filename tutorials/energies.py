"""Energies: what each loss makes a discriminator dig and fill, and what an energy is good for.

You learn to see a discriminator as a landscape. Minus its logit is an energy: on each move a pit is
dug at real samples and filled at generated ones, and the generator rolls its samples downhill. The
losses differ in what they leave where nothing is left to learn. In one dimension, against a
generator that rests, each has a closed form, of the densities p, q and their integrals P, Q:

* minimax: `E(x) = log q(x) - log p(x)` (Goodfellow et al. 2014, proposition 1);
* hinge: `E(x) = sign(q(x) - p(x))` (Lim and Ye 2017): two heights;
* Wasserstein with a gradient penalty: slopes of 1, `E'(x) = sign(P(x) - Q(x))` (Gulrajani et al.
  2017, proposition 1);
* Wasserstein with R1 (Kumar et al. 2019): `E'(x) = (P(x) - Q(x)) / (gamma p(x))`, steep where data
  is rare: there no change of E raises `mean(E(fake)) - mean(E(real)) - gamma / 2 mean(E'(real)^2)`.

    python tutorials/energies.py --out runs/energies

writes `losses.png`, `game.png`, `refined.png` and `figures.json` to the folder, in about two
minutes.
"""

import argparse
import json
import os
import pathlib

# TensorFlow reads it when it is imported: its notes on hardware would hide ours.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras.layers import Dense
from matplotlib.figure import Figure
from scipy.stats import norm

import kgan

GRID = np.linspace(-3.0, 3.0, 1201)
MODES, WIDTH, Q = (-1.4, 1.4), 0.5, norm(0.3, 0.8)
GAMMA = 0.5
# Slopes above 1 only: a smooth network can't turn where they are pulled to 1 from below too.
STEEP = kgan.losses.GradientPenalty(10.0, one_sided=True, seed=0)
BLACK, GREEN, BLUE, ORANGE = "#222222", "#2a9d55", "#2166ac", "#e08214"
LOSSES = {
    "minimax": ("minimax", ()),
    "hinge": ("hinge", ()),
    "Wasserstein, gradient penalty": ("wasserstein", (STEEP,)),
    "Wasserstein, R1: an energy": ("wasserstein", (kgan.losses.R1(GAMMA),)),
}


def data_density(x):
    """p(x): two bumps."""
    return np.mean([norm(mode, WIDTH).pdf(x) for mode in MODES], axis=0)


def data_distribution(x):
    """P(x), its integral from the left."""
    return np.mean([norm(mode, WIDTH).cdf(x) for mode in MODES], axis=0)


def closed_form(name):
    """The energy on GRID that a loss tends to, up to a constant but for minimax and hinge."""
    p, q = data_density(GRID), Q.pdf(GRID)
    ahead = data_distribution(GRID) - Q.cdf(GRID)
    if name == "minimax":
        return np.log(q) - np.log(p)
    if name == "hinge":
        return np.sign(q - p)
    slopes = ahead / (GAMMA * p) if "R1" in name else np.sign(ahead)
    steps = 0.5 * (slopes[1:] + slopes[:-1]) * np.diff(GRID)
    return np.concatenate([[0.0], np.cumsum(steps)])


def centered(energy):
    """An energy less its mean under p and q together, and the weights of that mean."""
    weights = (data_density(GRID) + Q.pdf(GRID)) / 2
    weights /= weights.sum()
    return energy - np.sum(weights * energy), weights


def difference(learned, expected):
    """Mean distance of two energies, up to a constant, over that of the expected to its mean."""
    (learned, weights), (expected, _) = centered(learned), centered(expected)
    scale = np.sum(weights * np.abs(expected))
    return float(np.sum(weights * np.abs(learned - expected)) / scale)


def trained_against_a_fixed_generator(loss, penalties, epochs):
    """Minus the logits on GRID of a discriminator whose generator rests."""
    generator = keras.Sequential([keras.Input((1,)), Dense(1)], name="generator")
    generator.set_weights([np.array([[Q.std()]]), np.array([Q.mean()])])
    generator.trainable = False  # the player rests: a GAN checks it before each fit
    discriminator = keras.Sequential(
        [keras.Input((1,)), Dense(64, "swish"), Dense(64, "swish"), Dense(1)], name="discriminator"
    )
    model = kgan.GAN(generator, discriminator, loss=loss, penalties=penalties, seed=0)
    rates = keras.optimizers.schedules.CosineDecay(3e-3, 100 * epochs)
    model.compile(optimizer=keras.optimizers.Adam(rates, 0.5), steps_per_execution=100)
    rng = np.random.default_rng(0)
    data = rng.choice(MODES, (25_600, 1)) + WIDTH * rng.normal(size=(25_600, 1))
    model.fit(data.astype("float32"), batch_size=256, epochs=epochs, verbose=0)
    return -model.discriminator.predict(GRID[:, None].astype("float32"), verbose=0)[:, 0]


def draw_losses(learned):
    """A panel for each loss: densities above, energies below."""
    figure = Figure(figsize=(13.0, 4.6), layout="constrained")
    panels = figure.subplots(2, len(learned), sharex=True, height_ratios=[1, 2.4])
    for (name, energy), (above, below) in zip(learned.items(), panels.T):
        above.fill_between(GRID, data_density(GRID), color=BLUE, alpha=0.5, label="data")
        above.fill_between(GRID, Q.pdf(GRID), color=ORANGE, alpha=0.5, label="generated")
        above.set(title=name, yticks=[])
        below.plot(GRID, centered(energy)[0], color=GREEN, linewidth=2, label="learned")
        below.plot(GRID, centered(closed_form(name))[0], "--", color=BLACK, label="closed form")
        low, high = np.percentile(centered(energy)[0], [1, 99])
        below.set(xlabel="x", ylim=(low - 0.3 * (high - low), high + 0.3 * (high - low)))
        for axes in (above, below):
            axes.spines[["top", "right"]].set_visible(False)
    panels[0][0].legend(fontsize=8)
    panels[1][0].set_ylabel("energy: minus the logit")
    panels[1][0].legend(fontsize=8)
    return figure


def played(looks, steps, points):
    """A game on a ring, and after each of some epochs its landscape and its samples."""
    model = kgan.zoo.load(
        "energy",
        like=points,
        latent_dim=2,
        gamma=0.2,
        discriminator_steps=2,
        generator_normalization=False,
        learning_rate=1e-3,
        decay_steps=looks[-1] * steps,
        ema_momentum=0.99,
        seed=0,
    )
    model.compile(optimizer=model.optimizer, steps_per_execution=steps // 2)
    sides = np.linspace(-1.6, 1.6, 161, dtype="float32")
    plane = np.stack(np.meshgrid(sides, sides), axis=-1).reshape(-1, 2)
    seen, before = {}, 0
    for look in looks:
        model.fit(points, batch_size=128, initial_epoch=before, epochs=look, verbose=0)
        landscape = model.energy(plane, batch_size=4096).reshape(161, 161)
        seen[look] = landscape, model.generate(500, seed=0, batch_size=500)
        before = look
    return model, seen


def draw_landscapes(panels, seen, points):
    """Landscapes, dark where the energy is low, with real and generated points."""
    for axes, (title, (landscape, samples)) in zip(panels, seen.items()):
        # What lies far out says nothing, and would take all the colours.
        low, high = np.percentile(landscape, [0, 70])
        extent = (-1.6, 1.6, -1.6, 1.6)
        shown = {"origin": "lower", "extent": extent, "cmap": "gray", "vmin": low, "vmax": high}
        axes.imshow(landscape, **shown)
        axes.scatter(*points[:300].T, s=14, color=BLUE, label="data")
        axes.scatter(*samples.T, s=3, color=ORANGE, label="generated")
        axes.set(title=title, xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), xticks=[], yticks=[])
    panels[0].legend(fontsize=8, loc="upper left")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default="runs/energies", help="folder for all outputs")
    parser.add_argument("--quick", action="store_true", help="a few steps, to check that it runs")
    options = parser.parse_args(argv)
    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)

    print("1. Four losses against a generator that rests: what do they dig, and what do they fill?")
    learned, differences = {}, {}
    for name, (loss, penalties) in LOSSES.items():
        epochs = 1 if options.quick else 20
        learned[name] = trained_against_a_fixed_generator(loss, penalties, epochs)
        differences[name] = difference(learned[name], closed_form(name))
        print(f"   {name:>30}: {differences[name]:.3f} of its scale from the closed form")
    draw_losses(learned).savefig(folder / "losses.png", dpi=150)

    print("2. A whole game on eight narrow clusters. Where samples gather, the pit is filled.")
    points = kgan.data.ring(12_800, sigma=0.05, seed=0)
    looks = (1, 2, 3) if options.quick else (1, 3, 10, 40)
    model, seen = played(looks, 100, points[: 1280 if options.quick else None])
    figure = Figure(figsize=(3.2 * len(seen), 3.4), layout="constrained")
    titled = {f"{100 * look} steps": found for look, found in seen.items()}
    draw_landscapes(figure.subplots(1, len(seen)), titled, points)
    figure.savefig(folder / "game.png", dpi=150)

    print("3. Langevin steps in the latent space take samples to where the energy is low.")
    noise = model.endpoints["generate"].noise.sample(500, seed=0)
    steps = 5 if options.quick else 200
    options_of_chain = {"step_size": 0.01, "temperature": 0.1, "seed": 0, "batch_size": 500}
    refined, taken = model.refine(noise, steps, **options_of_chain)
    landscape, plain = seen[looks[-1]]
    better = model.decode(refined)
    centers = kgan.data.ring_centers()
    distances, energies = [], []
    for samples in (plain, better):
        gaps = np.linalg.norm(samples[:, None] - centers, axis=-1).min(axis=1)
        distances.append(float(np.mean(gaps < 0.15)))
        energies.append(float(model.energy(samples).mean()))
    print(f"   mean energy {energies[0]:.2f}, refined {energies[1]:.2f}, {taken.mean():.0%} taken")
    print(
        f"   within three deviations of a cluster: {distances[0]:.0%}, refined {distances[1]:.0%}"
    )
    figure = Figure(figsize=(6.6, 3.4), layout="constrained")
    both = {"as generated": (landscape, plain), f"after {steps} steps": (landscape, better)}
    draw_landscapes(figure.subplots(1, 2), both, points)
    figure.savefig(folder / "refined.png", dpi=150)

    figures = {
        "differences": differences,
        "energies": energies,
        "near a cluster": distances,
        "taken": float(taken.mean()),
    }
    (folder / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(f"Pictures and figures are in {folder}.")


if __name__ == "__main__":
    main()
