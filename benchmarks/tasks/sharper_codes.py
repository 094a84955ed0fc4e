"""Does a learned likeness help? vae_gan against vae with equal networks: MNIST, emoji at 32x32.

Both have the encoder and the decoder of DCGAN's convolutions with one width and one size of code
(the likelihood's spread, where there is one, is one more channel of the vae's last layer), are
trained as many steps of as many samples, and are shown the same images. What differs is what tells
a reconstruction from its sample: a likelihood of pixels, or a layer of a discriminator.

Samples (of drawn codes) and reconstructions (of held-out images) are compared with held-out images
by the Frechet distance of the general extractor, `kgan.metrics.image_features`; beside them stands
the distance of training images, which is what is left of it by chance.
"""

import dataclasses
import functools
import time

import keras
import numpy as np

import kgan
from kgan import drawing
from tasks.common import (
    Bar,
    Recipe,
    Result,
    Task,
    halved,
    load_emoji,
    load_mnist,
    quickened,
    say,
    train,
)

CORE_MINUTES = 20.0
NETWORKS = {"latent_dim": 64, "width": 16}
VAE = {"units": None, "learning_rate": 1e-3, "ema_momentum": 0.99}
RECIPE = Recipe(
    {**NETWORKS, "similarity_weight": 1e-3, "learning_rate": 1e-3, "ema_momentum": 0.99},
    steps=3_000,
    batch_size=64,
    decay_from=0.5,
)
RECIPES = {"digits_from_codes": RECIPE, "emoji_from_codes": RECIPE}
LIKELIHOODS = {"digits_from_codes": "bernoulli", "emoji_from_codes": "discretized_logistic"}


def load(task):
    """Training images and held-out ones."""
    if task == "digits_from_codes":
        (images, _), (held_out, _) = load_mnist()
        return images, held_out
    arrays, held = load_emoji("noto")
    images = halved(arrays["noto"])
    # Drawings are as good mirrored.
    images = np.concatenate([images, images[:, :, ::-1]])
    held = np.tile(held, 2)
    return images[~held], images[held]


def frechet(real, made):
    metric = kgan.metrics.FrechetDistance()
    metric.update_state(real, made)
    return float(metric.result())


def run(task, model_name, seed, out, quick):
    images, held_out = load(task)
    recipe = quickened(RECIPES[task]) if quick else RECIPES[task]
    if quick:
        images, held_out = images[:64], held_out[:32]
    networks = {name: recipe.options[name] for name in NETWORKS}
    options = {
        model_name: recipe.options,
        "vae": {**networks, **VAE, "likelihood": LIKELIHOODS[task]},
    }
    figures, shown, core, played, weights = {}, {}, {}, {}, {}
    for name, chosen in options.items():
        keras.utils.set_random_seed(seed)
        model = kgan.zoo.load(name, like=images, seed=seed, **chosen)
        start = time.process_time()
        played[name] = train(model, (images,), recipe, epoch_steps=250)
        core[name] = (time.process_time() - start) / 60
        say(f"{name}: {core[name]:.1f} core minutes")
        samples = model.generate(len(held_out), seed=seed, batch_size=500)
        again = model.reconstruct(held_out, batch_size=500)
        figures[name] = {
            "samples": frechet(held_out, samples),
            "reconstructions": frechet(held_out, again),
        }
        shown[name] = samples, again
        weights[name] = model.encoder.count_params() + model.decoder.count_params()
    steps, minutes, _ = played[model_name]
    pictures = [out / "samples.png", out / "truth_and_reconstructions.png"]
    grids = [drawing.image_grid(samples[:64], 8, scale=2) for samples, _ in shown.values()]
    drawing.save_image(pictures[0], np.concatenate(grids, axis=1))
    tiles = np.stack([held_out, *(again for _, again in shown.values())], axis=1)[:32]
    tiles = tiles.reshape(-1, *images.shape[1:])
    drawing.save_image(pictures[1], drawing.image_grid(tiles, 12, scale=2))
    rows = {
        f"Frechet distance of {what}, {name}": figures[name][what]
        for what in ("samples", "reconstructions")
        for name in options
    }
    by_chance = images[np.random.default_rng(0).permutation(len(images))[: len(held_out)]]
    return Result(
        model=model_name,
        task=task,
        seed=seed,
        protocol=(
            f"Protocol: {len(images)} training images of {images.shape[1]}x{images.shape[2]}; as "
            f"many samples as there are held-out images, {len(held_out)}, and the held-out images' "
            "reconstructions, against these by the Frechet distance of image_features. Equal "
            f"encoders and decoders ({networks}), {steps} steps of {recipe.batch_size} each; the "
            f"vae with the likelihood {LIKELIHOODS[task]} and {VAE}. Pictures show "
            f"{model_name} and vae, in this order."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures={
            **rows,
            "Frechet distance of training images": frechet(held_out, by_chance),
            **{f"weights of encoder and decoder, {name}": weights[name] for name in options},
            **{f"core minutes, {name}": core[name] for name in options},
        },
        bars=[
            *(
                Bar(f"{what}, below vae's", mine, figures["vae"][what], at_most=True)
                for what, mine in figures[model_name].items()
            ),
            Bar("core minutes", sum(core.values()), CORE_MINUTES, at_most=True),
        ],
        pictures=pictures,
    )


TASKS = [
    Task(task, {"vae_gan": recipe}, functools.partial(run, task))
    for task, recipe in RECIPES.items()
]
