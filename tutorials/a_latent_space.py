"""A latent space: paths, arithmetic and projection with noise, and codes of your own samples.

You learn what the numbers behind a sample are good for. With the DCGAN whose weights ship: paths
from sample to sample, arithmetic on noise, and the search for the noise of a given picture, whose
error says what the generator can't make. With a variational autoencoder, trained here in seconds,
which has an encoder: a map of all samples, and an attribute that is added to pictures of one's own.

    python tutorials/a_latent_space.py --out runs/latent_space

writes `paths.png`, `walk.gif`, `arithmetic.png`, `projection.png`, `map.png`, `attribute.png` and
`figures.json` to the folder, in about two minutes.
"""

import argparse
import json
import os
import pathlib

# TensorFlow reads it when it is imported: its notes on hardware would hide ours.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from scipy.stats import norm

import kgan
from kgan.pictures import image_grid, interpolation_grid, latent_walk, save_image, strips


def paths(model, folder):
    """Between two noises: along a circle, and along a straight line through the middle."""
    rows = [
        interpolation_grid(model, num_pairs=3, steps=12, seed=2, method=method)
        for method in ("spherical", "linear")
    ]
    save_image(folder / "paths.png", np.concatenate(rows))
    latent_walk(model, folder / "walk.gif", seed=3)


def arithmetic(model, folder):
    """Means of noises that share a digit make that digit. Returns for how many it does."""
    noises = kgan.latent.sample((600, *model.latent_shape), model.noise, seed=4)
    # The judge of digits, which comes with kgan, reads what each noise makes.
    judge = kgan.metrics.Extractor("digit_judge", head="logits")
    judged = np.argmax(judge(model.decode(noises)), axis=1)
    means = {digit: kgan.latent.arithmetic(plus=[noises[judged == digit]]) for digit in range(10)}
    shown = model.decode(np.concatenate([*means.values()]))
    save_image(folder / "arithmetic.png", image_grid(shown, columns=10, scale="auto"))
    return float(np.mean(np.argmax(judge(shown), axis=1) == np.arange(10)))


def projection(model, folder, steps):
    """The noises of generated digits, and those that come nearest to digits of other hands."""
    own = model.generate(8, seed=5)
    foreign = kgan.data.load("digits", max_examples=8).astype("float32")  # (8, 8, 8, 1)
    # As MNIST has them: 20 pixels high, within a black border.
    larger = keras.ops.image.resize(foreign, (20, 20), interpolation="bicubic")
    larger = keras.ops.convert_to_numpy(larger).clip(0, 255).round().astype("uint8")
    foreign = np.pad(larger, ((0, 0), (4, 4), (4, 4), (0, 0)))
    targets = np.concatenate([own, foreign])
    noises, errors = kgan.latent.project(model, targets, steps=steps, restarts=2, seed=6, verbose=0)
    columns = [targets, model.decode(noises)]
    save_image(folder / "projection.png", strips(columns, ("given", "nearest"), blocks=8))
    return float(errors[:8].mean()), float(errors[8:].mean())


def encode(images, latent_dim, epochs, **options):
    """A variational autoencoder of the digits."""
    model = kgan.zoo.load(
        "vae",
        like=images,
        latent_dim=latent_dim,
        units=(256, 256),
        activation="relu",
        seed=0,
        **options,
    )
    model.fit(images, batch_size=64, epochs=epochs, verbose=0)
    return model


def draw_map(model, side=12):
    """What each place of a plane of codes stands for: at quantiles of a normal distribution."""
    places = norm.ppf((np.arange(side) + 0.5) / side)
    codes = np.stack(np.meshgrid(places, places[::-1]), axis=-1).reshape(-1, 2)
    return image_grid(model.decode(codes.astype("float32")), columns=side, padding=0, scale=5)


def slants(images):
    """How far strokes lean: the mean product of a stroke's places across and along, in pixels."""
    light = images[..., 0] / images.sum(axis=(1, 2, 3))[:, None, None]  # (n, height, width)
    down, across = np.meshgrid(*(np.arange(side) for side in light.shape[1:]), indexing="ij")
    mean = {
        axis: (light * places).sum(axis=(1, 2), keepdims=True)
        for axis, places in (("down", down), ("across", across))
    }
    return -(light * (down - mean["down"]) * (across - mean["across"])).sum(axis=(1, 2))


def attribute(model, images, folder):
    """Leaning right - leaning left: a direction of codes, added to digits that are encoded."""
    codes, order = model.encode(images), np.argsort(slants(images))
    right = kgan.latent.arithmetic(plus=[codes[order[-300:]]], minus=[codes[order[:300]]])
    amounts = (-1.0, -0.5, 0.0, 0.5, 1.0)
    rows = [model.decode((codes + amount * right).astype("float32")) for amount in amounts]
    shown = order[len(order) // 2 :][:8]  # of medium slant
    titles = ["given", *(f"{amount:+.1f}" for amount in amounts)]
    columns = [images[shown], *(row[shown] for row in rows)]
    save_image(folder / "attribute.png", strips(columns, titles, blocks=2))
    return [float(slants(row).mean()) for row in rows]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default="runs/latent_space", help="folder for all outputs")
    parser.add_argument("--quick", action="store_true", help="a few steps, to check that it runs")
    options = parser.parse_args(argv)
    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    model = kgan.zoo.load("dcgan", weights="mnist")

    print("1. Paths: above along a circle, below along a line, whose middle is short of noise.")
    paths(model, folder)
    print("2. Arithmetic: the mean of all noises of a digit makes that digit.")
    kept = arithmetic(model, folder)
    print(f"   The judge of digits agrees on {kept:.0%} of the ten means.")
    print("3. Projection: the noise of a picture, and the error of what can't be made.")
    own, foreign = projection(model, folder, steps=5 if options.quick else 300)
    print(f"   squared error of generated digits {own:.3f}, of other hands' digits {foreign:.3f}")
    images = kgan.data.load("digits")
    epochs = 1 if options.quick else 60
    print("4. A map: two numbers for each digit, and what lies between.")
    save_image(folder / "map.png", draw_map(encode(images, 2, epochs)))
    print("5. An attribute: leaning right - leaning left, added to codes of digits.")
    # Codes may cost less here: they are to keep each digit, and none is drawn.
    model = encode(images, 16, epochs, divergence_weight=0.1)
    slant = attribute(model, images, folder)
    print(f"   mean slant from -1 to +1 times: {', '.join(f'{mean:+.2f}' for mean in slant)}")
    figures = {
        "digits kept": kept,
        "error of generated": own,
        "error of others": foreign,
        "slant": slant,
    }
    (folder / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(f"Pictures and figures are in {folder}.")


if __name__ == "__main__":
    main()
