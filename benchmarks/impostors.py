"""Can a metric be fooled? Ranks impostors beside real images and samples of trained models.

    python benchmarks/impostors.py                       # prints the tables
    python benchmarks/impostors.py --write               # and puts them into docs/benchmarks.md
    python benchmarks/impostors.py --data digits --count 300

An impostor is what no one would call a good set of samples: the mean of the training images,
repeated; blank white; one training image, repeated; training images, blurred; noise. A figure
holds for some data when each impostor is worse under it than samples of a trained model, and than
further real images. Reference images are held out. The models: `dcgan` with the weights "mnist"
and "cifar10" that ship, and for emoji one that is trained here (20 core minutes, once: it stays in
`--out`). Reads `mnist.npz`, `cifar10.tar` and `emoji.npz` in `$KGAN_DATA`.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import pathlib

import keras
import numpy as np
from pages import write_between
from scipy import ndimage
from tasks.common import Recipe, load_emoji, load_mnist, say, train
from tasks.drawn_scenes import scenes
from tasks.pix2pix import load_photos

import kgan
from kgan.callbacks import measurements

OUT = pathlib.Path("runs") / "impostors"
DOCS = pathlib.Path(__file__).parents[1] / "docs" / "benchmarks.md"
# As much as a look of Health takes.
NUM_HEALTH = 256
EMOJI = Recipe(
    {
        "width": 32,
        "kernel_size": 4,
        "learning_rate": 3e-4,
        "augmentation": "translation",
        "ema_momentum": 0.998,
    },
    steps=6_440,  # 70 passes
    batch_size=32,
)
# A figure's name: is more of it better?
FIGURES = {
    "frechet_distance": False,
    "kernel_distance": False,
    "sliced_wasserstein": False,
    "precision": True,
    "recall": True,
    "f1": True,
    "density": True,
    "coverage": True,
    "Health: energy": False,
    "Health: coverage": True,
    "Health: precision": True,
    "Health: diversity": True,
    "Health: nearness": True,
}
DATA = ("digits", "cifar10", "emoji")
EXTRACTORS = ("pixels", "random weights", "image_features")


def extractor_of(name):
    """What a metric takes for `extractor`."""
    if name != "random weights":
        return None if name == "pixels" else name
    # The same network as Naeem et al. 2020 advise where there is no other: weights from
    # N(0, 2 / fan-in), the same on every backend, and statistics of drawn scenes.
    network, random = kgan.metrics.image_features(weights=None), np.random.default_rng(0)
    seen, _ = scenes(1_000, 7)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            shape = tuple(layer.kernel.shape)
            values = random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:3]))
            layer.kernel.assign(values)
        if isinstance(layer, keras.layers.BatchNormalization):
            before = keras.Model(network.input, layer.input).predict(seen, verbose=0)
            axes = tuple(range(before.ndim - 1))
            layer.moving_mean.assign(before.mean(axes))
            layer.moving_variance.assign(before.var(axes))
    return network


def emoji(out):
    """Training emoji, held-out ones, and a model of the first; no name is on both sides."""
    file, held = load_emoji("noto")
    images = file["noto"]
    path = out / "emoji.keras"
    if not path.exists():
        say("training a dcgan on emoji")
        keras.utils.set_random_seed(0)
        model = kgan.zoo.load("dcgan", like=images[~held], seed=0, **EMOJI.options)
        train(model, (images[~held],), EMOJI)
        model.save(path)
    return images[~held], images[held], keras.saving.load_model(path)


def load(name, out):
    """Training images, held-out ones, and a model."""
    if name == "digits":
        (images, _), (held, _) = load_mnist()
        return images, held, kgan.zoo.load("dcgan", weights="mnist")
    if name == "cifar10":
        model = kgan.zoo.load("dcgan", weights="cifar10")
        return load_photos("train", 10_000), load_photos("test", 10_000), model
    return emoji(out)


def impostors(images, seed):
    """A dict of name -> uint8 images, as many as there are real ones."""
    random = np.random.default_rng(seed)
    mean = images.mean(axis=0).round().astype("uint8")
    side = images.shape[1]

    def blurred(share):
        sigma = (0, side * share, side * share, 0)
        return ndimage.gaussian_filter(images.astype("float32"), sigma).round().astype("uint8")

    return {
        "mean": np.repeat(mean[None], len(images), axis=0),
        "blank": np.full_like(images, 255),
        "one real": np.repeat(images[:1], len(images), axis=0),
        "blurred": blurred(1 / 16),
        "slightly blurred": blurred(1 / 32),
        "noise": random.integers(0, 256, images.shape, dtype="uint8"),
    }


def figures(real, samples, extractor):
    """All figures of some samples."""
    found = {}
    metrics = [
        kgan.metrics.FrechetDistance(extractor),
        kgan.metrics.KernelDistance(extractor, block_size=500),
        kgan.metrics.SlicedWasserstein(extractor),
        kgan.metrics.PrecisionRecall(extractor),
    ]
    for start in range(0, len(real), 500):
        part = slice(start, start + 500)
        kgan.metrics.update_all(metrics, real[part], samples[part])
    for metric in metrics:
        result = metric.result()
        found |= result if isinstance(result, dict) else {metric.name: result}
    precision, recall = found["precision"], found["recall"]
    found["f1"] = 2 * precision * recall / max(precision + recall, 1e-9)
    # As Health takes them.
    extract = metrics[0].extractor
    some_real, some = extract(real[:NUM_HEALTH]), extract(samples[:NUM_HEALTH])
    spread = measurements.spread(np.unique(some_real, axis=0), some)
    found |= {f"Health: {name}": value for name, value in spread.items()}
    nearness = measurements.Nearness(np.unique(extract(real), axis=0), NUM_HEALTH)
    found["Health: nearness"] = nearness(some[:64])
    return found


def measure(name, extractor, count, out, seed=0):
    """A dict of candidate -> dict of figures."""
    images, held, model = load(name, out)
    random = np.random.default_rng(seed)
    count = min(count, len(images), len(held))
    images, held = (x[random.permutation(len(x))[:count]] for x in (images, held))
    candidates = {
        "real": images,
        "model": model.generate(count, seed=seed),
        **impostors(images, seed),
    }
    return {who: figures(held, samples, extractor) for who, samples in candidates.items()}


def fooled_by(rows, figure, more):
    """Impostors that are as good as samples of the model, or as real images."""
    sign = 1 if more else -1
    bar = min(sign * rows["model"][figure], sign * rows["real"][figure])
    return [
        who for who in rows if who not in ("real", "model") and not sign * rows[who][figure] < bar
    ]


def table(rows):
    """A table of Markdown: what each candidate has, and who fools the figure."""
    lines = [f"| figure | {' | '.join(rows)} | fooled by |", f"|{'---|' * (len(rows) + 2)}"]
    for figure, more in FIGURES.items():
        values = " | ".join(f"{found[figure]:.3g}" for found in rows.values())
        fooled = ", ".join(fooled_by(rows, figure, more)) or "-"
        lines.append(f"| {figure} {'↑' if more else '↓'} | {values} | {fooled} |")
    return "\n".join(lines)


def summary(measured, names):
    """A table of Markdown: who fools each figure, by extractor, on any of the data."""
    lines = [f"| figure | {' | '.join(names)} |", f"|{'---|' * (len(names) + 1)}"]
    for figure, more in FIGURES.items():
        cells = []
        for name in names:
            fooled = {}
            for (data, extractor), rows in measured.items():
                for who in fooled_by(rows, figure, more) if extractor == name else ():
                    fooled.setdefault(who, []).append(data)
            cells.append("; ".join(f"{who} ({', '.join(on)})" for who, on in fooled.items()) or "-")
        lines.append(f"| {figure} | {' | '.join(cells)} |")
    return "\n".join(lines)


def nearer(measured, names):
    """A table of Markdown: how much further than real images the models' samples are."""
    data = list(dict.fromkeys(name for name, _ in measured))
    lines = [f"| extractor | {' | '.join(data)} |", f"|{'---|' * (len(data) + 1)}"]
    for extractor in names:
        pairs = [measured[name, extractor] for name in data]
        ratios = [
            rows["model"]["frechet_distance"] / rows["real"]["frechet_distance"] for rows in pairs
        ]
        lines.append(f"| {extractor} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |")
    return "\n".join(lines)


def page(measured, count):
    names = list(dict.fromkeys(extractor for _, extractor in measured))
    parts = [
        f"Up to {count:,} images per side. Written by `python benchmarks/impostors.py --write`.",
        "Who fools a figure, by what images are compared by:",
        summary(measured, names),
        "Frechet distance of the model's samples over that of real images. An extractor that sees "
        "what the model lacks shows more than 1:",
        nearer(measured, names),
    ]
    for (data, extractor), rows in measured.items():
        if extractor == names[-1]:
            parts += [f"### {data}, compared by `{extractor}`", table(rows)]
    return "\n\n".join(parts)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="*", default=DATA, choices=DATA)
    parser.add_argument("--extractors", nargs="*", default=EXTRACTORS, choices=EXTRACTORS)
    parser.add_argument("--count", type=int, default=750)
    parser.add_argument("--out", type=pathlib.Path, default=OUT, help="where models are kept")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    measured = {}
    for data in arguments.data:
        for name in arguments.extractors:
            say(f"{data}, {name}")
            rows = measure(data, extractor_of(name), arguments.count, arguments.out)
            measured[data, name] = rows
    text = page(measured, arguments.count)
    print(text)
    if arguments.write:
        write_between(DOCS, "impostors", text)


if __name__ == "__main__":
    main()
