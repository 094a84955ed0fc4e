"""Load, fit, look, save, resume, export, serve: every verb of kgan once, in order.

    python tutorials/quickstart.py

You learn what to call, and what comes back. Read it from top to bottom: it is a script, not a
library. The digits come with scikit-learn and nothing is downloaded. It takes about a minute, too
short for good pictures: for those, see demo.py.
"""

import argparse
import os
import pathlib
import subprocess
import sys

# TensorFlow reads it when it is imported: its notes on hardware would hide the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kgan
from kgan.pictures import image_grid, save_image

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--out", default="runs/quickstart", help="folder for all outputs of the run")
parser.add_argument("--quick", action="store_true", help="only a few digits, to check that it runs")
options = parser.parse_args()
folder = pathlib.Path(options.out)
folder.mkdir(parents=True, exist_ok=True)
epochs = 1 if options.quick else 40

print("1. Load. The zoo has:", ", ".join(kgan.zoo.list_models()))
# uint8 pictures. Your own: kgan.data.load("path/to/folder", size=64), or any array you have.
images = kgan.data.load("digits", max_examples=128 if options.quick else None)
# `like` fills in the size of the images; kgan.zoo.describe("dcgan") lists the options.
model = kgan.zoo.load("dcgan", like=images, width=32, learning_rate=5e-4, ema_momentum=0.99, seed=0)
print(
    f"   images {images.shape} {images.dtype}, a {model.name} of {model.count_params():,} weights"
)

print("2. Fit. As any Keras model, with its callbacks and history:")
pictures = kgan.callbacks.SampleGrid(folder / "samples", every=10)
history = model.fit(images, epochs=epochs, callbacks=[pictures], verbose=2).history
print(f"   {len(history['loss'])} epochs; the history holds {sorted(history)}")

print("3. Look. The same seed gives the same samples.")
samples = model.generate(16, seed=0)
save_image(folder / "samples.png", image_grid(samples, columns=8, scale="auto"))
# Between two noises lie digits in between: the model has not just stored its data.
start, end = kgan.latent.sample((2, *model.latent_shape), model.noise, seed=1)
path = kgan.latent.interpolate(model, start, end, steps=8)
save_image(folder / "path.png", image_grid(path, columns=8, scale="auto"))
print(f"   samples {samples.shape} {samples.dtype}; see {folder}/samples.png and {folder}/path.png")

print("4. Save. One file with the networks, both optimizers, averages and random states.")
model.save(folder / "model.keras")
print(f"   {folder}/model.keras, {(folder / 'model.keras').stat().st_size / 1e6:.1f} MB")

print("5. Resume. The loaded model makes the same samples, and continues where it stopped.")
again = keras.saving.load_model(folder / "model.keras")
assert np.array_equal(again.generate(16, seed=0), samples)
steps = int(keras.ops.convert_to_numpy(again.optimizer.iterations))
again.fit(images, epochs=1, verbose=0)
print(f"   step {steps} -> {int(keras.ops.convert_to_numpy(again.optimizer.iterations))}")

print("6. Export. A SavedModel for serving, with two endpoints: serving_default and generate.")
again.export(folder / "saved_model")
print(
    f"   {folder}/saved_model: {sorted(path.name for path in (folder / 'saved_model').iterdir())}"
)

print("7. Serve. Another process, which imports TensorFlow alone:")
# A real server is TensorFlow Serving, or these few lines behind any web framework.
server = """
import sys, tensorflow as tf
served = tf.saved_model.load(sys.argv[1])
pictures = served.generate(count=tf.constant(16), seed=tf.constant(0, tf.int64)).numpy()
assert "kgan" not in sys.modules, "kgan must not be imported"
print("   served", pictures.shape, pictures.dtype, "without kgan")
"""
sys.stdout.flush()
subprocess.run([sys.executable, "-c", server, str(folder / "saved_model")], check=True)
