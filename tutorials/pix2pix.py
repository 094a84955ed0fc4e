"""Edges to photographs: pix2pix on a folder of your own pictures.

    python tutorials/pix2pix.py --folder path/to/photos --size 128

You learn how to train a translator, look at its output and serve it. Each photograph gives a pair:
its edges are the input, the photograph itself is the target. For other pairs, put your own two
arrays in place of `drawings` and `photos`. Without --folder, the digits of scikit-learn are used:
about two minutes on a laptop. A few hundred photographs of one kind, such as shoes or house fronts,
need a GPU and `--epochs 200`.
"""

import argparse
import os
import pathlib

# TensorFlow reads it when it is imported: its notes on hardware would hide the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import kgan
from kgan.pictures import image_grid, save_image

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--folder", help="your photographs; subfolders are searched too")
parser.add_argument("--size", type=int, default=128, help="side in pixels, ideally a power of 2")
parser.add_argument("--channels", type=int, choices=(1, 3), help="1: all grey; 3: all in colour")
parser.add_argument("--epochs", type=int, default=10, help="200 for few photographs")
parser.add_argument("--width", type=int, default=32, help="64 is the paper's network")
parser.add_argument("--batch-size", type=int, default=4)
parser.add_argument("--out", default="runs/pix2pix", help="folder for all outputs of the run")
parser.add_argument("--quick", action="store_true", help="only a few steps, to check that it runs")
options = parser.parse_args()
folder = pathlib.Path(options.out)
folder.mkdir(parents=True, exist_ok=True)
limit = 48 if options.quick else None

print("1. Pairs. The edges of each photograph are the input, the photograph is the output.")
if options.folder:
    source, size = options.folder, options.size
else:
    source, size = "digits", 16
photos = kgan.data.load(source, size=size, channels=options.channels, max_examples=limit)
# A folder is read in the order of its names, and what is held out should be like the rest.
photos = np.random.default_rng(0).permutation(photos)
# With signed=True, drawings tell the bright side of an edge from the dark one, which very different
# photographs need: from white lines alone, nothing can guess what is light and what is dark.
drawings = kgan.data.edges(photos)
# Some pairs are held out: they show whether it has learned to translate, or memorized.
held_out = max(1, len(photos) // 8)
print(f"   {len(photos)} pairs: {drawings.shape[1:]} -> {photos.shape[1:]}, {held_out} held out")

print("2. Load. `like` reads sizes and channels off the pairs.")
model = kgan.zoo.load(
    "pix2pix",
    like=(drawings, photos),
    width=4 if options.quick else options.width,
    discriminator_width=4 if options.quick else options.width,
    # A logit of the default, 70, would see the whole of a small image and its surroundings.
    receptive_field=70 if photos.shape[1] >= 128 else 16,
    seed=0,
)

print("3. Fit. Inputs, then outputs. `reconstruction` is 100 times the mean absolute error.")
model.fit(
    drawings[:-held_out],
    photos[:-held_out],
    batch_size=options.batch_size,
    epochs=1 if options.quick else options.epochs,
    verbose=2,
)

print("4. Look at what was held out: input, output, truth.")
x, truth = drawings[-held_out:], photos[-held_out:]
made = model.translate(x)
error = np.abs(made.astype(float) - truth).mean() / 127.5
mean_colour = photos[:-held_out].mean((0, 1, 2))
print(f"   mean absolute error {error:.3f}; the mean colour alone has", end=" ")
print(f"{np.abs(truth - mean_colour).mean() / 127.5:.3f}")
shown = [np.broadcast_to(images[:8], (min(8, held_out), *photos.shape[1:])) for images in (x, made)]
rows = np.stack([*shown, truth[:8]], axis=1).reshape(-1, *photos.shape[1:])
save_image(folder / "pairs.png", image_grid(rows, columns=3, scale="auto"))
print(f"   see {folder}/pairs.png")

print("5. Save and export: uint8 images in, uint8 images out, wherever TensorFlow runs.")
model.save(folder / "model.keras")
model.export(folder / "saved_model")
print(f"   {folder}/model.keras, {folder}/saved_model with the endpoint `translate`")
