"""Two folders of pictures without pairs: CycleGAN both ways.

    python tutorials/cyclegan.py --a path/to/summer --b path/to/winter --size 128

You learn how to translate between two kinds of pictures that nobody has paired: the folders may
hold different scenes, and different numbers of them. Without folders, the digits of scikit-learn
are translated to inverted, tinted ones and back: some minutes on a laptop. Two folders of some
hundred photographs at 128 pixels need a GPU and hours, with --width 64.

Look at the pictures that it leaves. Nothing in the loss says which a belongs to which b: the
mapping only has to be invertible, and need not be the one that you have in mind.
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
parser.add_argument("--a", help="folder of the one kind; subfolders are searched too")
parser.add_argument("--b", help="folder of the other kind")
parser.add_argument("--size", type=int, default=128, help="side in pixels, a multiple of 4")
parser.add_argument("--epochs", type=int, default=20, help="half of them at a falling rate")
parser.add_argument("--width", type=int, default=16, help="64 is the paper's network")
parser.add_argument("--batch-size", type=int, default=4, help="1 is the paper's")
parser.add_argument("--out", default="runs/cyclegan", help="folder for all outputs of the run")
parser.add_argument("--quick", action="store_true", help="only a few steps, to check that it runs")
options = parser.parse_args()
if (options.a is None) != (options.b is None):
    parser.error("two kinds of pictures need two folders: pass both --a and --b, or neither")
folder = pathlib.Path(options.out)
folder.mkdir(parents=True, exist_ok=True)
limit = 24 if options.quick else None

print("1. Two collections. They need neither pairs nor the same length.")
if options.a:
    a, b = (
        kgan.data.load(name, size=options.size, channels=3, max_examples=limit)
        for name in (options.a, options.b)
    )
else:
    digits = kgan.data.load(
        "digits", size=16, channels=3, max_examples=2 * limit if limit else None
    )
    # No digit is in both collections: there are no pairs to memorize.
    cut = len(digits) * 5 // 9
    a, b = digits[:cut], np.rint((255 - digits[cut:]) * [1.0, 0.67, 0.24]).astype("uint8")
print(f"   a: {a.shape}, b: {b.shape}")

print("2. Load. `like` reads sizes and channels off both.")
epochs = 1 if options.quick else options.epochs
# An epoch is as long as the longer collection.
steps = epochs * -(-max(len(a), len(b)) // options.batch_size)
large = a.shape[1] >= 128
model = kgan.zoo.load(
    "cyclegan",
    like=(a, b),
    width=4 if options.quick else options.width,
    discriminator_width=4 if options.quick else 2 * options.width,
    # The paper's networks for large pictures. Small ones need few blocks, and small patches.
    num_blocks=None if large else 2,
    receptive_field=70 if large else 16,
    learning_rate=2e-4 if large else 5e-4,
    constant_steps=steps // 2,
    decay_steps=steps - steps // 2,
    seed=0,
)

print("3. Fit. `cycle` is how far a picture comes back from where it was; it should fall.")
model.fit(a, b, batch_size=options.batch_size, epochs=epochs, verbose=2)

print("4. Look: a picture, its translation, and the translation back.")
for images, there, back in ((a, "a_to_b", "b_to_a"), (b, "b_to_a", "a_to_b")):
    shown = images[:8]
    made = model.translate(shown, direction=there)
    returned = model.translate(made, direction=back)
    rows = np.stack([shown, made, returned], axis=1).reshape(-1, *shown.shape[1:])
    save_image(folder / f"{there}.png", image_grid(rows, columns=3, scale="auto"))
    print(f"   {folder}/{there}.png")

print("5. Save and export: uint8 pictures in, uint8 pictures out, one endpoint for each direction.")
model.save(folder / "model.keras")
model.export(folder / "saved_model")
print(f"   {folder}/model.keras, {folder}/saved_model with `a_to_b` and `b_to_a`")
