"""Trains a small DCGAN on digits and writes its final weights; run by `saving_test.py`.

Usage: resume.py FOLDER EPOCHS [--backup | --load MODEL] [--slow SECONDS]
"""

import argparse
import pathlib
import time

import keras
import numpy as np

import kgan

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("epochs", type=int)
parser.add_argument("--backup", action="store_true")
parser.add_argument("--load")
parser.add_argument("--first-epoch", type=int, default=0)
parser.add_argument("--slow", type=float, default=0.0)
chosen = parser.parse_args()


class Report(keras.callbacks.Callback):
    """Tells the test which epoch runs, and takes its time over each batch."""

    def on_epoch_begin(self, epoch, logs=None):
        print(f"EPOCH {epoch}", flush=True)

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(chosen.slow)


keras.utils.set_random_seed(7)
images = kgan.data.load("digits")[:200]
if chosen.load:
    model = keras.saving.load_model(chosen.load)
else:
    model = kgan.zoo.load("dcgan", like=images, width=4, discriminator_steps=2, ema_momentum=0.9)
callbacks = [Report()]
if chosen.backup:
    callbacks.append(keras.callbacks.BackupAndRestore(chosen.folder / "backup"))
model.fit(
    images,
    epochs=chosen.epochs,
    initial_epoch=chosen.first_epoch,
    batch_size=48,
    callbacks=callbacks,
    verbose=0,
)
model.save(chosen.folder / "model.keras")
state = [*model.variables, *model.optimizer.variables]
np.savez(
    chosen.folder / "state.npz",
    samples=model.generate(4, seed=0),
    **{f"v{i}": keras.ops.convert_to_numpy(variable) for i, variable in enumerate(state)},
)
print("DONE", flush=True)
