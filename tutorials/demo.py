"""The whole road from nothing: train a DCGAN on handwritten digits, look at it, save it, serve it.

    python tutorials/demo.py --out runs/demo

You learn what a run leaves behind. In the folder afterwards: `real_and_generated.png`, a picture
per epoch and a film in `samples/`, the model to go on with in `model.keras`, the model to serve in
`saved_model/`, and `report.md`, which says what was done and how to go on. The digits come with
scikit-learn, so nothing is downloaded.
"""

import argparse
import importlib.metadata
import os
import pathlib
import platform
import shlex
import sys
import time

# TensorFlow reads it when it is imported: its notes on hardware would hide the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import kgan
from kgan.callbacks.pictures import image_grid, save_image, side_by_side

BATCH_SIZE = 64
# The 1,797 digits make 28 batches: so often in one epoch, to see a change from picture to picture.
REPEATS = 4


def load_digits():
    """All the digits, uint8 (1797, 16, 16, 1): enlarged from 8x8, which an eye reads better."""
    parts = [kgan.data.load("digits", split=split, size=16) for split in ("train", "test")]
    return np.concatenate(parts)


def build(images, num_steps):
    """The zoo's DCGAN, with the options and learning rates that suit so small a data set."""
    model = kgan.zoo.load(
        "dcgan",
        like=images,
        latent_dim=16,
        noise="normal",
        width=48,
        label_smoothing=0.1,
        seed=0,
    )

    def adam(learning_rate, **options):
        # Towards the end small steps: the samples settle.
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, num_steps, alpha=0.02)
        return keras.optimizers.Adam(schedule, beta_1=0.5, **options)

    # A discriminator soon knows 1,797 digits by heart; slower than the generator, it stays useful.
    model.compile(
        optimizer={
            "discriminator": adam(2e-4),
            "generator": adam(8e-4, use_ema=True, ema_momentum=0.995),
        }
    )
    return model


def draw_losses(path, history):
    """The players' losses per epoch."""
    figure = Figure(figsize=(6.0, 3.0), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    epochs = range(1, len(history["loss"]) + 1)
    for player, color in (("discriminator", "#2166ac"), ("generator", "#2a9d55")):
        axes.plot(epochs, history[f"{player}_loss"], "o-", markersize=3, color=color, label=player)
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


REPORT = """\
# A DCGAN on handwritten digits

![Real digits beside generated ones](real_and_generated.png)

Left: digits that people wrote. Right: digits that the model made, drawn at random and not chosen.
All are scikit-learn's {num_images:,} digits of 8x8 pixels, enlarged to {size}; the model makes that
size itself. They are few and coarse: not every real one can be read either.

| | |
| --- | --- |
| command | `{command}` |
| model | `kgan.zoo.load("dcgan")` |
| weights | {generator_size:,} in the generator, {discriminator_size:,} in the discriminator |
| training | {epochs} epochs of {steps_per_epoch} steps, {steps:,} steps of {batch_size} digits |
| time | {minutes:.1f} minutes, {cpu_minutes:.1f} minutes of processor time, {cores} cores |
| versions | {versions} |

## The losses

![Loss of both players per epoch](losses.png)

They do not fall to zero: each player's progress is the other's loss. The last ones are {losses}.
Judge a GAN by its pictures, in `samples/`: one per epoch, from the same noise, and all of
them as a film in `samples/training.gif`.

## How to go on

Train further from where it stopped: the file holds the networks, both optimizers and the averages.
The learning rates have come down to 2 %, so it changes little now; for more, start with more epochs.

```python
import keras, kgan

model = keras.saving.load_model("{folder}/model.keras")
model.fit(kgan.data.load("digits", size={side}), epochs=10)
model.generate(16, seed=0)  # uint8 pictures
```

Serve it where neither kgan nor Keras is installed:

```python
import tensorflow as tf

served = tf.saved_model.load("{folder}/saved_model")
served.generate(count=tf.constant(16), seed=tf.constant(0, tf.int64))
```

Train on your own pictures: `kgan.data.load("path/to/folder", size=64)` in place of the digits.
"""


def write_report(folder, model, images, history, steps_per_epoch, seconds, cpu_seconds):
    epochs = len(history["loss"])
    packages = ("kgan", "keras", keras.config.backend(), "numpy")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    side = images.shape[1]
    report = REPORT.format(
        num_images=len(images),
        size=f"{side}x{side}",
        side=side,
        command=shlex.join(["python", *sys.argv]),
        generator_size=model.generator.count_params(),
        discriminator_size=model.discriminator.count_params(),
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        steps=epochs * steps_per_epoch,
        batch_size=BATCH_SIZE,
        minutes=seconds / 60,
        cpu_minutes=cpu_seconds / 60,
        cores=os.cpu_count(),
        versions=", ".join([*versions, f"Python {platform.python_version()}"]),
        losses=" and ".join(
            f"{history[f'{player}_loss'][-1]:.2f} ({player})" for player in model.players
        ),
        folder=folder.as_posix(),
    )
    (folder / "report.md").write_text(report)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default="runs/demo", help="folder for all that the run leaves")
    parser.add_argument("--epochs", type=int, default=30, help="of some 110 steps each")
    parser.add_argument("--max-examples", type=int, help="train on so many digits only")
    options = parser.parse_args(arguments)
    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)

    images = load_digits()[: options.max_examples]
    repeated = np.repeat(images, REPEATS, axis=0)
    steps_per_epoch = -(-len(repeated) // BATCH_SIZE)
    keras.utils.set_random_seed(0)
    model = build(images, num_steps=options.epochs * steps_per_epoch)
    print(
        f"{len(images):,} digits of shape {images.shape[1:]}; pictures go to {folder / 'samples'}"
    )

    wall, processor = time.perf_counter(), time.process_time()
    history = model.fit(
        repeated,
        batch_size=BATCH_SIZE,
        epochs=options.epochs,
        callbacks=[kgan.callbacks.SampleGrid(folder / "samples", num_samples=64)],
    ).history
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - processor

    real = image_grid(images[:64], columns=8, scale="auto")
    generated = image_grid(model.generate(64, seed=1), columns=8, scale="auto")
    titles = ("real digits", "generated by the DCGAN")
    save_image(folder / "real_and_generated.png", side_by_side(real, generated, titles))
    draw_losses(folder / "losses.png", history)
    model.save(folder / "model.keras")
    model.export(folder / "saved_model")
    write_report(folder, model, images, history, steps_per_epoch, seconds, cpu_seconds)
    print(f"Done in {seconds / 60:.1f} minutes. Look at {folder / 'real_and_generated.png'},")
    print(f"then read {folder / 'report.md'}.")


if __name__ == "__main__":
    main()
