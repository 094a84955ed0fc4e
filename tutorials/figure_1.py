"""What a GAN converges to, made visible: figure 1 and section 4 of Goodfellow et al. 2014.

You learn, on numbers that can be drawn: how the generator bends uniform noise z into the density
p_g; that the discriminator D follows the best one, D*(x) = p_data(x) / (p_data(x) + p_g(x))
(proposition 1), and tends to 1/2; and that the value V(D, G) of the game then tends to its only
minimum, -log 4, along C(G) = V(D*, G) = -log 4 + 2 JSD(p_data, p_g) (theorem 1).

    python tutorials/figure_1.py --out runs/figure_1

writes `figure_1.png`, `training.gif` and `figures.json` to the folder.
"""

import argparse
import dataclasses
import functools
import json
import math
import os
import pathlib
import time

# TensorFlow reads it when it is imported: its notes on hardware would hide ours.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from scipy.stats import gaussian_kde, norm

import kgan

MEAN, SIGMA = 2.0, 0.5  # of the data; at 0.5 the density peaks at 0.8, on one axis with D in [0, 1]
GRID = np.linspace(MEAN - 6 * SIGMA, MEAN + 6 * SIGMA, 601)
P_DATA = norm.pdf(GRID, MEAN, SIGMA)
LOG_4 = math.log(4.0)
BATCH_SIZE = 512
STEPS_PER_EPOCH = 25  # a short epoch, because the first hundred steps change the most
BLACK, GREEN, BLUE, ORANGE = "#222222", "#2a9d55", "#2166ac", "#e08214"


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """The game after `step` discriminator steps: curves over GRID, and numbers."""

    step: int
    noise: np.ndarray  # evenly spread over U(-1, 1)
    samples: np.ndarray  # G(noise)
    p_g: np.ndarray
    discriminator: np.ndarray  # D(x)
    value: float  # V(D, G) on fresh samples

    @functools.cached_property
    def optimum(self):
        return optimal_discriminator(P_DATA, self.p_g)

    @functools.cached_property
    def jsd(self):
        return jensen_shannon(P_DATA, self.p_g)

    @property
    def cost(self):
        """C(G), the value of the game against the best discriminator."""
        return -LOG_4 + 2.0 * self.jsd

    @property
    def deviation(self):
        """Mean of |D(x) - 1/2|, weighted by the data's density."""
        return integral(np.abs(self.discriminator - 0.5) * P_DATA)


def integral(values):
    return float(np.trapezoid(values, GRID))


def optimal_discriminator(p_data, p_g):
    """Proposition 1; NaN where there are neither data nor samples, and D may say anything."""
    total = p_data + p_g
    return np.divide(p_data, total, out=np.full_like(total, np.nan), where=total > 1e-3)


def jensen_shannon(p, q):
    """Divergence of two densities over GRID, in nats: 0 when equal, log 2 when disjoint."""
    middle = (p + q) / 2

    def divergence(density):
        ratio = np.divide(density, middle, out=np.ones_like(middle), where=density > 1e-12)
        return integral(density * np.log(ratio))

    return (divergence(p) + divergence(q)) / 2


def build(epochs, seed):
    """The zoo's vanilla GAN, small, with an optimizer of decaying learning rate for each player."""
    model = kgan.zoo.load(
        "vanilla",
        like=(1,),
        latent_dim=1,
        noise="uniform",
        loss="minimax",  # equation 1 itself; non_saturating has the same equilibrium
        discriminator_steps=5,  # the theory lets D reach its optimum before G moves
        generator_units=(64, 64),
        discriminator_units=(64, 64),
        dropout=0.0,
        seed=seed,
    )

    def adam(learning_rate, every):
        # With constant rates the players would circle around the equilibrium forever.
        steps = epochs * STEPS_PER_EPOCH // every
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps, alpha=0.01)
        return keras.optimizers.Adam(schedule, beta_1=0.0)

    model.compile(
        optimizer={
            name: adam({"discriminator": 3e-3, "generator": 5e-4}[name], player.every)
            for name, player in model.players.items()
        },
        steps_per_execution=STEPS_PER_EPOCH,  # networks so small that the call itself dominates
    )
    return model


class Watch(keras.callbacks.Callback):
    """Takes a snapshot before the training and after each of the given epochs."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = set(epochs)
        self.snapshots = []
        self.noise = np.linspace(-1.0, 1.0, 4001, dtype="float32")
        self.held_out = kgan.data.toys.gaussian_1d(20_000, MEAN, SIGMA, seed=1)

    def on_train_begin(self, logs=None):
        self.take(0)

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in self.epochs:
            self.take((epoch + 1) * STEPS_PER_EPOCH)

    def take(self, step):
        samples = self.model.decode(self.noise[:, None], batch_size=len(self.noise))[:, 0]
        logits = self.model.discriminator(GRID[:, None].astype("float32"))
        logits = keras.ops.convert_to_numpy(logits)[:, 0].astype("float64")
        losses = self.model.evaluate(self.held_out, batch_size=2000, verbose=0, return_dict=True)
        self.snapshots.append(
            Snapshot(
                step=step,
                noise=self.noise,
                samples=samples,
                p_g=gaussian_kde(samples)(GRID),
                discriminator=1.0 / (1.0 + np.exp(-logits)),
                # D maximises V by minimising -V, which is its loss.
                value=-losses["discriminator_loss"],
            )
        )


def train(epochs=400, num_snapshots=60, seed=0):
    """The snapshots of one training, denser at its beginning."""
    keras.utils.set_random_seed(seed)
    data = kgan.data.toys.gaussian_1d(BATCH_SIZE * STEPS_PER_EPOCH, MEAN, SIGMA, seed=seed)
    watch = Watch(np.geomspace(1, epochs, num_snapshots).round().astype(int))
    build(epochs, seed).fit(
        data, batch_size=BATCH_SIZE, epochs=epochs, callbacks=[watch], verbose=0
    )
    return watch.snapshots


def chosen(snapshots, count=4):
    """A few snapshots for a row of panels: the first, the last, and where p_g was in between."""
    first, last = snapshots[0].jsd, snapshots[-1].jsd
    wanted = np.geomspace(first, max(last, 1e-6), count)
    # The first time that p_g came as near, so that panels go from far to near.
    between = [next(s for s in snapshots if s.jsd <= jsd) for jsd in wanted[1:-1]]
    return [snapshots[0], *between, snapshots[-1]]


def draw_curves(axes, snapshot):
    """One panel of figure 1: densities, discriminator, and how z is carried to x below them."""
    known = ~np.isnan(snapshot.optimum)
    axes.axhline(0.5, color="#999999", linewidth=0.7)
    axes.fill_between(GRID, snapshot.p_g, color=GREEN, alpha=0.15, linewidth=0)
    axes.plot(GRID, snapshot.p_g, color=GREEN, linewidth=1.8, label="generator $p_g(x)$")
    axes.plot(GRID, P_DATA, ":", color=BLACK, linewidth=1.8, label=r"data $p_{data}(x)$")
    axes.plot(GRID, snapshot.discriminator, color=BLUE, alpha=0.25, linewidth=1.4)
    inside = np.where(known, snapshot.discriminator, np.nan)
    axes.plot(GRID, inside, color=BLUE, linewidth=1.8, label="discriminator $D(x)$")
    axes.plot(GRID, snapshot.optimum, "--", color=ORANGE, linewidth=1.5, label="optimal $D^*(x)$")
    # The lines from z to x, as in the paper: noise above would hide the curves.
    top, bottom = -0.10, -0.42
    axes.plot(GRID[[0, -1]], [top, top], color=BLACK, linewidth=0.8)
    span = 2.0 * SIGMA
    axes.plot([MEAN - span, MEAN + span], [bottom, bottom], color=BLACK, linewidth=0.8)
    for index in np.linspace(0, len(snapshot.noise) - 1, 21).round().astype(int):
        start = MEAN + span * snapshot.noise[index]
        axes.plot(
            [start, snapshot.samples[index]], [bottom, top], color=GREEN, linewidth=0.7, alpha=0.8
        )
    axes.text(GRID[0], top - 0.02, " x", va="top", fontsize=9)
    axes.text(MEAN - span, bottom, "z ", ha="right", va="center", fontsize=9)
    axes.set_xlim(GRID[0], GRID[-1])
    axes.set_ylim(-0.47, 1.12)
    axes.set_yticks([0.0, 0.5, 1.0], ["0", "½", "1"])
    axes.set_xticks([])
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def draw_values(axes, snapshots, num_steps):
    """V(D, G) as it was measured, C(G) from the densities, and their common limit."""
    steps = [snapshot.step for snapshot in snapshots]
    axes.axhline(-LOG_4, color=BLACK, linestyle=":", linewidth=1.5, label="$-\\log 4$")
    axes.plot(
        steps,
        [snapshot.cost for snapshot in snapshots],
        "--",
        color=ORANGE,
        linewidth=1.8,
        label=r"$C(G) = -\log 4 + 2\,$JSD",
    )
    axes.plot(
        steps,
        [snapshot.value for snapshot in snapshots],
        color=BLUE,
        linewidth=1.8,
        label="$V(D, G)$",
    )
    axes.set_xscale("symlog", linthresh=STEPS_PER_EPOCH)
    axes.set_xlim(0, num_steps)
    axes.set_xlabel("discriminator steps")
    axes.set_ylim(-1.85, 0.1)
    axes.set_yticks([-LOG_4, -1.0, -0.5, 0.0], ["−1.386", "−1.0", "−0.5", "0"])
    axes.spines[["top", "right"]].set_visible(False)


def draw_figure(snapshots):
    """A row of panels over the training, and the value of the game below."""
    figure = Figure(figsize=(9.0, 6.0), layout="constrained")
    panels = chosen(snapshots)
    rows = figure.subfigures(2, 1, height_ratios=[1.35, 1.0])
    row = rows[0].subplots(1, len(panels), sharey=True)
    for axes, snapshot in zip(row, panels, strict=True):
        draw_curves(axes, snapshot)
        when = f"after {snapshot.step:,} steps" if snapshot.step else "before training"
        axes.set_title(f"{when}\nJSD = {snapshot.jsd:.3f}", fontsize=11)
    handles, labels = row[0].get_legend_handles_labels()
    rows[0].legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    axes = rows[1].subplots()
    draw_values(axes, snapshots, snapshots[-1].step)
    axes.set_ylabel("value of the game")
    axes.legend(loc="upper right", frameon=False)
    return pixels(figure, dots=200)


def draw_frame(snapshots, num_steps):
    """One frame of the film: the newest snapshot, and the value so far."""
    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1.0])
    draw_curves(left, snapshots[-1])
    left.set_title(f"step {snapshots[-1].step:,}", fontsize=12)
    figure.legend(
        *left.get_legend_handles_labels(), loc="outside lower left", ncols=4, frameon=False
    )
    draw_values(right, snapshots, num_steps)
    right.set_title("value of the game", fontsize=12)
    right.legend(loc="upper right", frameon=False, fontsize=9)
    return pixels(figure, dots=80)


def pixels(figure, dots):
    figure.set_dpi(dots)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def save_film(path, snapshots):
    frames = [
        draw_frame(snapshots[: i + 1], snapshots[-1].step).quantize(64, dither=0)
        for i in range(len(snapshots))
    ]
    durations = [120] * (len(frames) - 1) + [3000]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations, loop=0)


def figures(snapshot):
    """What the theory says becomes 1/2, 0 and -log 4."""
    return {
        "step": snapshot.step,
        "mean |D(x) - 1/2|": round(snapshot.deviation, 4),
        "JSD": round(snapshot.jsd, 4),
        "V(D, G)": round(snapshot.value, 4),
        "C(G)": round(snapshot.cost, 4),
        "-log 4": round(-LOG_4, 4),
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default="runs/figure_1", help="folder for the pictures")
    parser.add_argument("--epochs", type=int, default=400, help="of 25 discriminator steps each")
    parser.add_argument("--snapshots", type=int, default=60, help="frames of the film")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)

    print(f"Training for {options.epochs * STEPS_PER_EPOCH:,} discriminator steps ...", flush=True)
    start = time.perf_counter()
    snapshots = train(options.epochs, options.snapshots, options.seed)
    print(f"... took {time.perf_counter() - start:.0f} s. Drawing.", flush=True)
    draw_figure(snapshots).save(folder / "figure_1.png", optimize=True)
    save_film(folder / "training.gif", snapshots)

    first, last = figures(snapshots[0]), figures(snapshots[-1])
    (folder / "figures.json").write_text(json.dumps({"first": first, "last": last}, indent=2))
    for name in first:
        print(f"{name:>18}  {first[name]:>9,} -> {last[name]:>9,}")
    print(f"Look at {folder / 'figure_1.png'} and {folder / 'training.gif'}.")


if __name__ == "__main__":
    main()
