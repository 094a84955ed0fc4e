"""Edges to photographs on CIFAR-10, for pix2pix.

* edges_to_photos: `kgan.data.edges` of each photograph in, the photograph out, at 32x32. The test
  L1 (mean absolute difference of pixels, in shares of the range from black to white) is compared
  with two answers that look at no edge: the training photographs' mean colour everywhere, and the
  mean colour of the very photograph that is asked for, which nobody could know (an oracle).
* signed_edges_to_photos: the same from edges that tell which side is the brighter one, drawn by
  `kgan.data.edges(signed=True)`. Without it, an edge leaves open what is dark and what is bright.
* edges_to_photos_256: the full-sized network at 256x256 for a handful of steps, to see shapes,
  memory and time; photographs are CIFAR-10's, enlarged.
"""

import dataclasses
import functools
import io
import sys
import tarfile
import time

import keras
import numpy as np

import kgan
from kgan import drawing
from tasks.common import Bar, Recipe, Result, Task, data_file, quickened, train

NUM_TRAINED, NUM_TESTED = 32_000, 2_000
# Batch normalization, as the paper has in training: at 2x2, normalized per image, colours are lost.
SMALL = Recipe(
    {
        "width": 16,
        "discriminator_width": 16,
        "receptive_field": 16,
        "normalization": "batch",
        "dropout": 0.0,
        "learning_rate": 1e-3,
    },
    steps=2_500,
    batch_size=64,
    decay_from=0.4,
)
LARGE = Recipe({"width": 64, "discriminator_width": 64}, steps=12, batch_size=1)


def load_photos(split, count):
    """The same number of photographs of each class, in the order of their names: uint8 32x32x3."""
    from PIL import Image

    photos, taken = [], {}
    with tarfile.open(data_file("cifar10.tar")) as archive:
        for member in archive:
            folder, _, _ = member.name.rpartition("/")
            wanted = member.isfile() and folder.startswith(f"{split}/")
            if not wanted or taken.get(folder, 0) >= count // 10:
                continue
            taken[folder] = taken.get(folder, 0) + 1
            with Image.open(io.BytesIO(archive.extractfile(member).read())) as picture:
                photos.append(np.asarray(picture.convert("RGB")))
    return np.stack(photos)


def distance(made, photos):
    """Mean absolute difference, in shares of the range from black to white."""
    return float(np.abs(made.astype("float32") - photos.astype("float32")).mean() / 255)


EDGES = {
    "edges_to_photos": (kgan.data.edges, "kgan.data.edges, which has no sign"),
    "signed_edges_to_photos": (
        functools.partial(kgan.data.edges, signed=True),
        "kgan.data.edges(signed=True), a Laplacian of Gaussian around middle grey",
    ),
}


def run_small(task, model_name, seed, out, quick):
    recipe = quickened(SMALL) if quick else SMALL
    photos = load_photos("train", 40 if quick else NUM_TRAINED)
    tested = load_photos("test", 40 if quick else NUM_TESTED)
    draw, text = EDGES[task]
    drawings, tested_drawings = draw(photos), draw(tested)
    keras.utils.set_random_seed(seed)
    model = kgan.zoo.load(model_name, like=(drawings, photos), seed=seed, **recipe.options)
    steps, minutes, _ = train(model, (drawings, photos), recipe)

    made = model.translate(tested_drawings)
    reached = distance(made, tested)
    mean_colour = distance(photos.mean((0, 1, 2)), tested)
    picture = out / "input_output_truth.png"
    drawing.save_image(picture, triptych(tested_drawings, made, tested))
    return Result(
        model=model_name,
        task=task,
        seed=seed,
        protocol=(
            f"Protocol: CIFAR-10 (JPEG-recompressed) at 32x32, {len(photos)} training and "
            f"{len(tested)} test photographs, equally many per class; input: {text}; L1: "
            "mean absolute difference of pixels over 255, on the test photographs."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures={
            "test L1": reached,
            "L1 on training photographs": distance(model.translate(drawings[:2000]), photos[:2000]),
            "baseline: mean colour of the training set everywhere": mean_colour,
            "baseline: each test photograph's own mean colour (an oracle)": distance(
                tested.mean((1, 2), keepdims=True), tested
            ),
            "below the mean-colour baseline by": 1 - reached / mean_colour,
            "generator's weights": model.generator.count_params(),
        },
        bars=[Bar("below the mean-colour baseline by", 1 - reached / mean_colour, 0.2)],
        pictures=[picture],
    )


def triptych(drawings, made, photos, rows=12, columns=3):
    """Rows of input | output | truth, `columns` such triples beside one another."""
    # Spread over the tested classes, which come one after the other.
    chosen = np.linspace(0, len(photos) - 1, rows * columns).round().astype(int)
    tiles = np.stack([drawings.repeat(3, axis=-1)[chosen], made[chosen], photos[chosen]], axis=1)
    return drawing.image_grid(tiles.reshape(-1, *photos.shape[1:]), 3 * columns, scale="auto")


class StepTimes(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_train_batch_begin(self, batch, logs=None):
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def run_large(model_name, seed, out, quick):
    recipe = dataclasses.replace(quickened(LARGE), steps_per_execution=1) if quick else LARGE
    side = 64 if quick else 256
    photos = enlarged(load_photos("train", 40), side)[: recipe.steps * recipe.batch_size]
    drawings = kgan.data.edges(photos)
    keras.utils.set_random_seed(seed)
    model = kgan.zoo.load(model_name, like=(drawings, photos), seed=seed, **recipe.options)
    before = peak_memory()
    timer = StepTimes()
    steps, minutes, _ = train(model, (drawings, photos), recipe, callbacks=[timer])
    trained = peak_memory()
    start = time.perf_counter()
    made = model.translate(drawings[:4], batch_size=1)
    translated = (time.perf_counter() - start) / 4
    if made.shape != (4, side, side, 3):
        raise ValueError(f"pix2pix keeps the size. Received: {made.shape} for {side}x{side}")
    picture = out / "input_output_truth.png"
    drawing.save_image(picture, triptych(drawings[:4], made, photos[:4], rows=4, columns=1))
    return Result(
        model=model_name,
        task="edges_to_photos_256",
        seed=seed,
        protocol=(
            f"Protocol: shape, memory and time only, {steps} steps of batch {recipe.batch_size} at "
            f"{side}x{side} (CIFAR-10 enlarged) with the paper's widths. Memory is the process's "
            "peak resident set, which holds all that ran before in this process; the time of a "
            "step is the median without the first two."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures={
            "input": " x ".join(map(str, drawings.shape[1:])),
            "output": " x ".join(map(str, made.shape[1:])),
            "generator's weights": model.generator.count_params(),
            "discriminator's weights": model.discriminator.count_params(),
            "peak memory before training, GB": before,
            "peak memory, GB": trained,
            "seconds per step": float(np.median(timer.seconds[2:])),
            "seconds to translate one image, with compiling": translated,
        },
        pictures=[picture],
    )


def enlarged(photos, side):
    from PIL import Image

    return np.stack([np.asarray(Image.fromarray(p).resize((side, side))) for p in photos])


def peak_memory():
    """Peak resident set of this process in GB; NaN where the system doesn't tell."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


TASKS = [
    *(Task(name, {"pix2pix": SMALL}, functools.partial(run_small, name)) for name in EDGES),
    Task("edges_to_photos_256", {"pix2pix": LARGE}, run_large),
]
