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
# The 1,797 digits make 29 batches: so often in one epoch, to see a change from picture to picture.
REPEATS = 8


def load_digits():
    """All the digits there are, uint8 (1797, 8, 8, 1)."""
    return np.concatenate([kgan.data.load("digits", split=split) for split in ("train", "test")])


def enlarge(images, times=8):
    """Smoothly, as uint8: at 8x8 an eye sees squares where it should see strokes."""
    size = (times * images.shape[1], times * images.shape[2])
    large = keras.ops.image.resize(images.astype("float32"), size, interpolation="bicubic")
    return np.clip(keras.ops.convert_to_numpy(large), 0, 255).round().astype("uint8")


def build(images):
    """The zoo's DCGAN, with the options that suit so small a data set."""
    return kgan.zoo.load(
        "dcgan",
        like=images,
        latent_dim=32,
        noise="normal",
        width=128,  # 8x8 leaves room for one stage of convolutions: a wide one
        label_smoothing=0.1,
        learning_rate=5e-4,
        ema_momentum=0.999,  # samples come from the average of some thousand generators
        seed=0,
    )


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

Left: digits that people wrote, the first of scikit-learn's {num_images:,}. Right: digits that the
model made, drawn at random and not chosen. All have {size} pixels and are shown enlarged, which is
coarse: not every real one can be read either.

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

They do not fall to zero: each player's progress is the other's loss. The last are
{losses}.

Judge a GAN by its pictures, in `samples/`: one per epoch, from the same noise, and all of
them as a film in `samples/training.gif`.

## How to go on

Train further, exactly from where it stopped: both optimizers and the averages are in the file.

```python
import keras, kgan

model = keras.saving.load_model("{folder}/model.keras")
model.fit(kgan.data.load("digits"), epochs=10)
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
    report = REPORT.format(
        num_images=len(images),
        size="x".join(map(str, images.shape[1:3])),
        command=shlex.join(["python", "tutorials/demo.py", *sys.argv[1:]]),
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
    parser.add_argument("--epochs", type=int, default=30, help="of 225 steps each")
    parser.add_argument("--max-examples", type=int, help="train on so many digits only")
    options = parser.parse_args(arguments)
    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)

    images = load_digits()[: options.max_examples]
    repeated = np.repeat(images, REPEATS, axis=0)
    steps_per_epoch = -(-len(repeated) // BATCH_SIZE)
    keras.utils.set_random_seed(0)
    model = build(images)
    print(
        f"{len(images):,} digits of shape {images.shape[1:]}; pictures go to {folder / 'samples'}"
    )

    wall, processor = time.perf_counter(), time.process_time()
    history = model.fit(
        repeated,
        batch_size=BATCH_SIZE,
        epochs=options.epochs,
        callbacks=[kgan.callbacks.SampleGrid(folder / "samples", num_samples=64, scale=4)],
    ).history
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - processor

    real = image_grid(enlarge(images[:64]), columns=8)
    generated = image_grid(enlarge(model.generate(64, seed=1)), columns=8)
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
