"""Photographs twice as large: srresnet, and srgan from its weights.

    python tutorials/enlarge.py --folder path/to/photos

You learn how to train on photographs of any size, how to measure the result in decibels, what a
discriminator adds and what it costs, and how to enlarge a whole photograph in parts. Without
--folder, the two photographs that come with scikit-learn are used: their left sides to learn from,
their right sides to measure with. That takes two minutes on a laptop and shows the way, not the
quality: a few dozen photographs and half an hour gain much more.
"""

import argparse
import os
import pathlib

# TensorFlow reads it when it is imported: its notes on hardware would hide the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

import kgan
from kgan.pictures import save_image, strips

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--folder", help="your photographs, of any sizes; subfolders are searched too")
parser.add_argument("--epochs", type=int, default=60, help="passes; more for good results")
parser.add_argument("--width", type=int, default=16, help="32 for half an hour, 64 for a GPU")
parser.add_argument("--out", default="runs/enlarge", help="folder for all outputs of the run")
parser.add_argument("--quick", action="store_true", help="only a few steps, to check that it runs")
options = parser.parse_args()
folder = pathlib.Path(options.out)
folder.mkdir(parents=True, exist_ok=True)

print("1. Windows. Nothing is resized: networks see parts of photographs, turned and mirrored.")
if options.folder:
    windows = kgan.data.load(options.folder, crop=64, channels=3)
    with Image.open(windows.paths[0]) as first:
        tested = np.asarray(first.convert("RGB"))
    tested = tested[: tested.shape[0] // 2 * 2, : tested.shape[1] // 2 * 2][:400, :400]
else:
    from sklearn.datasets import load_sample_images  # by danielbuechele and vultilion, CC BY 2.0

    pictures = load_sample_images().images
    windows = kgan.data.photographs([picture[:, :420] for picture in pictures], crop=64)
    tested = pictures[0][:400, 440:640]
print(f"   {len(windows)} windows of 64 pixels an epoch, each at a random place")

print("2. Load and fit. The small images are made of the windows, by a bicubic filter.")
network = {"width": 4 if options.quick else options.width, "blocks": 1 if options.quick else 4}
epochs = 1 if options.quick else options.epochs
steps = epochs * -(-len(windows) // 8)
model = kgan.zoo.load(
    "srresnet",
    like=windows,
    scale=2,
    learning_rate=1e-3,
    decay_steps=steps,
    ema_momentum=0.9 if steps < 2000 else 0.999,
    seed=0,
    **network,
)
model.fit(windows, batch_size=8, epochs=epochs, verbose=2)

print("3. The same with a discriminator, from the weights of the first. From scratch it fails.")
sharper = kgan.zoo.load(
    "srgan", like=windows, scale=2, discriminator_width=8, ema_momentum=0.9, seed=0, **network
)
print(f"   {kgan.zoo.take_weights(sharper, model).taken:,} weights taken")
sharper.fit(windows, batch_size=8, epochs=max(1, epochs // 4), verbose=2)

print("4. Measure a photograph that was made smaller, in decibels of luminance without a border.")
small = Image.fromarray(tested).resize(
    (tested.shape[1] // 2, tested.shape[0] // 2), Image.Resampling.BICUBIC
)
plain = np.asarray(small.resize(tested.shape[1::-1], Image.Resampling.BICUBIC))
made = {"bicubic": plain}
# In parts of 64 pixels, to show that their edges can't be found; leave `tile` out at home.
made["srresnet"] = model.enlarge(np.asarray(small), tile=64)
made["srgan"] = sharper.enlarge(np.asarray(small), tile=64)
for name, image in made.items():
    metric = kgan.metrics.PeakSignalToNoiseRatio(luminance=True, crop=2)
    metric.update_state(tested[None], image[None])
    print(f"   {name}: {metric.result():.2f} dB")

print("5. Look, save and export: an endpoint `enlarge` for images of any size.")
part = slice(tested.shape[0] // 2, tested.shape[0] // 2 + 128), slice(-128, None)
columns = [image[part][None] for image in (tested, *made.values())]
save_image(folder / "strip.png", strips(columns, ("photograph", *made), scale=1))
model.save(folder / "model.keras")
model.export(folder / "saved_model")
print(f"   see {folder}/strip.png, {folder}/model.keras, {folder}/saved_model")
