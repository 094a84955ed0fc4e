"""Trains the network that kgan's metrics see pictures with, and writes its weights and its card.

    python benchmarks/train_image_features.py                   # into kgan/metrics
    python benchmarks/train_image_features.py --out runs/seen   # elsewhere, to compare

It learns from scenes that `tasks/drawn_scenes.py` draws, so from no data and under no one's
licence: which shape or letter is in front, its texture and that of the background, the number of
objects, how blurred and how noisy the scene is. Adam, a learning rate that falls along a cosine;
half of the batches' scenes have their colours inverted or exchanged. Its features are judged by
`python benchmarks/impostors.py`, beside those of the same network with random weights.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import json
import pathlib
import platform
import time

import keras
import numpy as np
from tasks.common import say
from tasks.drawn_scenes import QUESTIONS, scenes

import kgan
from kgan.metrics import general_features
from kgan.utils.files import atomic_write, hash_of

NUM_TESTED = 2_000
# What is plain to see counts half.
WEIGHTS = {"blur": 0.5, "noise": 0.5}


class Scenes(keras.utils.PyDataset):
    """Batches of drawn scenes, in a new order and in other colours in each epoch."""

    def __init__(self, count, batch_size, seed):
        super().__init__()
        self.images, self.answers = drawn(count, seed)
        self.batch_size, self.random = batch_size, np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return len(self.images) // self.batch_size

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self.images[chosen].astype("float32") / 127.5 - 1
        inverted = self.random.random(len(images)) < 0.3
        images[inverted] = -images[inverted]
        images = images[..., self.random.permutation(3)]
        return images, {name: a[chosen] for name, a in self.answers.items()}, self.weights(chosen)

    def weights(self, chosen):
        # A scene without an object has no shape.
        some = (self.answers["objects"][chosen] > 0).astype("float32")
        ones = np.ones_like(some)
        return {
            name: WEIGHTS.get(name, 1.0) * (some if name in ("shape", "texture") else ones)
            for name in QUESTIONS
        }

    def on_epoch_end(self):
        self.order = self.random.permutation(len(self.images))


def drawn(count, seed):
    """Scenes as uint8, which take a quarter of the memory, and their answers."""
    parts = [scenes(min(1000, count - start), seed + start) for start in range(0, count, 1000)]
    images = np.concatenate([((x + 1) * 127.5).round().astype("uint8") for x, _ in parts])
    return images, {name: np.concatenate([a[name] for _, a in parts]) for name in QUESTIONS}


class Progress(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        said = {name: round(value, 3) for name, value in logs.items() if "accuracy" in name}
        say(f"epoch {epoch + 1}/{self.params['epochs']}: {said}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=general_features.WEIGHTS.parent)
    parser.add_argument("--scenes", type=int, default=24_000)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    start, core_start = time.perf_counter(), time.process_time()
    # Seeds of scenes: those of the test are none of those that are learned from.
    data = Scenes(arguments.scenes, arguments.batch_size, 10**6 * (arguments.seed + 1))
    tested, answers = drawn(NUM_TESTED, 10**9)
    say(f"{arguments.scenes} scenes drawn in {time.perf_counter() - start:.0f} s")
    keras.utils.set_random_seed(arguments.seed)
    network = kgan.metrics.image_features(weights=None)
    heads = {n: keras.layers.Dense(size, name=n)(network.output) for n, size in QUESTIONS.items()}
    model = keras.Model(network.input, heads)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, arguments.epochs * len(data))
    loss = keras.losses.SparseCategoricalCrossentropy
    model.compile(
        keras.optimizers.Adam(schedule),
        {name: loss(from_logits=True) for name in QUESTIONS},
        weighted_metrics={name: "accuracy" for name in QUESTIONS},
    )
    model.fit(data, epochs=arguments.epochs, verbose=0, callbacks=[Progress()])
    said = model.predict(tested.astype("float32") / 127.5 - 1, batch_size=250, verbose=0)
    counted = {name: np.ones(NUM_TESTED, bool) for name in QUESTIONS}
    counted["shape"] = counted["texture"] = answers["objects"] > 0
    accuracy = {
        name: round(float((said[name].argmax(1) == answers[name])[counted[name]].mean()), 4)
        for name in QUESTIONS
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    weights = arguments.out / general_features.WEIGHTS.name
    with atomic_write(weights) as partial:
        general_features.save_weights(network, partial)
    with np.load(weights) as file:  # What ships is probed.
        network.set_weights([file[name].astype("float32") for name in file.files])
    card = {
        "name": "image_features",
        "what": "general features of pictures, float images 64x64x3 in [-1, 1] to 304 numbers",
        "test_accuracy": accuracy,
        "guesses": {name: round(1 / size, 4) for name, size in QUESTIONS.items()},
        "test_scenes": NUM_TESTED,
        "num_weights": network.count_params(),
        "sha256": hash_of(weights),
        "data": f"{arguments.scenes} scenes drawn by benchmarks/tasks/drawn_scenes.py; the letters "
        "are of Aileron (CC0), the font within Pillow",
        "licence": "weights: Apache-2.0",
        "command": f"python benchmarks/train_image_features.py --scenes {arguments.scenes} "
        f"--epochs {arguments.epochs} --batch-size {arguments.batch_size} --seed {arguments.seed}",
        "seed": arguments.seed,
        "learning_rate": "Adam, 2e-3 falling to 0 along a cosine",
        "minutes": round((time.perf_counter() - start) / 60, 1),
        "core_minutes": round((time.process_time() - core_start) / 60, 1),
        "versions": {
            "kgan": kgan.__version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "python": platform.python_version(),
        },
        "probe": probe(network),
    }
    with atomic_write(arguments.out / general_features.CARD.name) as partial:
        partial.write_text(json.dumps(card, indent=1) + "\n")
    say(f"wrote {weights}: {accuracy}")


def probe(network):
    """Eight features of one made-up image: any backend must find them again."""
    rows, columns = np.mgrid[0:64, 0:64]
    ring = np.exp(-0.02 * np.square(np.hypot(rows - 31.5, columns - 31.5) - 18))
    image = np.stack([2 * ring - 1, rows / 31.5 - 1, columns / 31.5 - 1], axis=-1)
    found = network.predict_on_batch(image[None].astype("float32"))[0]
    return [round(float(number), 5) for number in found[::38]]


if __name__ == "__main__":
    main()
