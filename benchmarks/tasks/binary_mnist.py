"""How probable are held-out digits? The evidence lower bound on binarised MNIST, for vae.

Pixels are drawn black or white with their grey value as probability (Salakhutdinov and Murray
2008): training images anew each time that they are shown (Burda et al. 2016), test images once,
from a fixed seed. Drawn a few times only, training images are learned by heart. The bound is in
nats per image, over all 10,000 test images; beside it stands the importance-weighted estimate of
Burda et al. 2016 with 500 draws, over the first 1,000.

The recipe `binary_mnist` has 50 latent dimensions and two hidden layers,
`binary_mnist_convolutions` convolutions in their place, which take four times as long and learn no
image by heart: for a GPU. `binary_mnist_figure` is the network of the paper's figure 2: 20
dimensions, one layer of 500 units.
"""

import dataclasses
import time

import keras
import numpy as np

import kgan
from kgan import drawing
from tasks.common import Bar, Recipe, Result, Task, load_mnist, quickened, train

BOUND, CORE_MINUTES = -90.0, 20.0

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
CONVOLUTIONS = Recipe(
    {
        "latent_dim": 50,
        "units": None,
        "width": 32,
        "activation": "relu",
        "learning_rate": 2e-3,
        "ema_momentum": 0.999,
    },
    steps=40_000,
    batch_size=128,
    steps_per_execution=50,
    decay_from=0.2,
)
FIGURE = Recipe(
    {"latent_dim": 20, "units": (500,)}, steps=20_000, batch_size=100, steps_per_execution=50
)


class Drawn(keras.utils.PyDataset):
    """Batches of images whose pixels are drawn anew each time."""

    def __init__(self, images, batch_size, seed):
        super().__init__()
        self.images, self.batch_size, self.seed = images, batch_size, seed
        self.epoch = -1
        self.on_epoch_end()

    def __len__(self):
        return len(self.images) // self.batch_size

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return binarised(self.images[chosen], (self.seed, self.epoch, index))

    def on_epoch_end(self):
        self.epoch += 1
        self.order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.images))


def binarised(images, seed):
    """Pixels drawn black or white, with their grey value as probability."""
    drawn = np.random.default_rng(seed).random(images.shape, "float32") < images / 255.0
    return drawn.astype("uint8") * 255


def bounds(model, tested, draws=500):
    """Figures of test images, and how they were found."""
    held_out = binarised(tested, 1)
    bound = model.elbo(held_out, num_draws=1, seed=0, batch_size=500)
    weighted = model.log_likelihood(held_out[:1000], num_draws=draws, seed=0, batch_size=1000)
    figures = {
        "test ELBO": float(bound.mean()),
        f"test log-likelihood, {draws} importance-weighted draws": float(weighted.mean()),
    }
    return figures, (
        f"nats per image of one draw of {len(tested)} binarised test images; one code per image "
        f"for the bound, {draws} for the importance-weighted estimate, which is over the first "
        "1,000 test images"
    )


def run(task, recipe, bar, model_name, seed, out, quick):
    recipe = quickened(recipe) if quick else recipe
    (images, _), (tested, _) = load_mnist()
    if quick:
        images, tested = images[:64], tested[:64]
    data = Drawn(images, recipe.batch_size, 100 + seed)
    held_out = binarised(tested, 1)
    keras.utils.set_random_seed(seed)
    model = kgan.zoo.load(model_name, like=(28, 28, 1), seed=seed, **recipe.options)
    start = time.process_time()
    steps, minutes, _ = train(model, (data,), recipe)
    core_minutes = (time.process_time() - start) / 60
    figures, protocol = bounds(model, tested, draws=5 if quick else 500)
    bound = figures["test ELBO"]
    drawn = binarised(images[: len(held_out)], 100)
    trained = float(model.elbo(drawn, seed=0, batch_size=500).mean())

    pictures = [out / "samples.png", out / "truth_and_reconstruction.png"]
    drawing.save_image(pictures[0], drawing.image_grid(model.generate(64, seed=0), 8, scale=2))
    pairs = np.stack([held_out[:32], model.reconstruct(held_out[:32])], axis=1)
    drawing.save_image(pictures[1], drawing.image_grid(pairs.reshape(-1, 28, 28, 1), 8, scale=2))
    return Result(
        model=model_name,
        task=task,
        seed=seed,
        protocol=(
            f"Protocol: binarised MNIST at 28x28, {len(images)} training images drawn anew each "
            f"time; {protocol}."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures={
            **figures,
            "training ELBO": trained,
            "core minutes": core_minutes,
        },
        bars=[
            *([Bar("test ELBO", bound, bar)] if bar is not None else []),
            Bar("core minutes", core_minutes, CORE_MINUTES, at_most=True),
        ],
        pictures=pictures,
    )


def task(name, recipe, bar):
    def of_task(model_name, seed, out, quick):
        return run(name, recipe, bar, model_name, seed, out, quick)

    return Task(name, {"vae": recipe}, of_task)


TASKS = [
    task("binary_mnist", DEEP, BOUND),
    task("binary_mnist_convolutions", CONVOLUTIONS, BOUND),
    task("binary_mnist_figure", FIGURE, None),
]
