"""How probable are held-out digits? The evidence lower bound on binarised MNIST, for vae.

Pixels are drawn black or white with their grey value as probability (Salakhutdinov and Murray
2008): several draws of each training image, one of each test image, from fixed seeds. The bound is
in nats per image, over all 10,000 test images; beside it stands the importance-weighted estimate of
Burda et al. 2016 with 500 draws, over the first 1,000.

The recipe `vae` has 50 latent dimensions and two hidden layers, `figure` is the network of the
paper's figure 2: 20 dimensions, one layer of 500 units.
"""

import dataclasses

import keras
import numpy as np

import kgan
from kgan import drawing
from tasks.common import Bar, Recipe, Result, Task, load_mnist, quickened, train

BOUND = -90.0
NUM_DRAWS = 4

DEEP = Recipe(
    {
        "latent_dim": 50,
        "units": (500, 500),
        "activation": "relu",
        "learning_rate": 1e-3,
        "ema_momentum": 0.999,
    },
    steps=40_000,
    batch_size=128,
    steps_per_execution=50,
    decay_from=0.5,
)
FIGURE = Recipe(
    {"latent_dim": 20, "units": (500,)}, steps=20_000, batch_size=100, steps_per_execution=50
)


def binarised(images, seed):
    """Pixels drawn black or white, with their grey value as probability."""
    drawn = np.random.default_rng(seed).random(images.shape, "float32") < images / 255.0
    return drawn.astype("uint8") * 255


def run(task, recipe, bar, model_name, seed, out, quick):
    recipe = quickened(recipe) if quick else recipe
    (images, _), (tested, _) = load_mnist()
    if quick:
        images, tested = images[:64], tested[:64]
    data = np.concatenate([binarised(images, 100 + draw) for draw in range(NUM_DRAWS)])
    held_out = binarised(tested, 1)
    keras.utils.set_random_seed(seed)
    model = kgan.zoo.load(model_name, like=(28, 28, 1), seed=seed, **recipe.options)
    steps, minutes, _ = train(model, (data,), recipe)
    bound = float(model.elbo(held_out, num_draws=1, seed=0, batch_size=500).mean())
    draws = 5 if quick else 500
    weighted = model.log_likelihood(held_out[:1000], num_draws=draws, seed=0, batch_size=1000)
    trained = float(model.elbo(data[: len(held_out)], seed=0, batch_size=500).mean())

    pictures = [out / "samples.png", out / "truth_and_reconstruction.png"]
    drawing.save_image(pictures[0], drawing.image_grid(model.generate(64, seed=0), 8, scale=2))
    pairs = np.stack([held_out[:32], model.reconstruct(held_out[:32])], axis=1)
    drawing.save_image(pictures[1], drawing.image_grid(pairs.reshape(-1, 28, 28, 1), 8, scale=2))
    return Result(
        model=model_name,
        task=task,
        seed=seed,
        protocol=(
            f"Protocol: binarised MNIST at 28x28, {NUM_DRAWS} draws of each of {len(images)} "
            f"training images, one draw of {len(tested)} test images; nats per image; one code per "
            f"image for the bound, {draws} for the importance-weighted estimate, which is over the "
            "first 1,000 test images."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures={
            "test ELBO": bound,
            f"test log-likelihood, {draws} importance-weighted draws": float(weighted.mean()),
            "training ELBO": trained,
        },
        bars=[Bar("test ELBO", bound, bar)] if bar is not None else [],
        pictures=pictures,
    )


def task(name, recipe, bar):
    def of_task(model_name, seed, out, quick):
        return run(name, recipe, bar, model_name, seed, out, quick)

    return Task(name, {"vae": recipe}, of_task)


TASKS = [task("binary_mnist", DEEP, BOUND), task("binary_mnist_figure", FIGURE, None)]
