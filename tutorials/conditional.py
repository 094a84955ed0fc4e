"""Train a GAN on pictures in classes, and ask it for a class.

    python tutorials/conditional.py                               # digits of scikit-learn
    python tutorials/conditional.py --folder path/to/folder       # yours

Your folder has one sub-folder per class, with the pictures of the class in it:

    flowers/daisy/1.jpg  flowers/daisy/2.jpg  ...  flowers/rose/1.jpg  ...

You learn to train with labels, to ask for a class, and to read from the two scores of the
discriminator what is wrong with a sample: does it not look real, or is it of another class? The
digits take about a minute. For photographs, take some thousands and more epochs.
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
parser.add_argument("--folder", help="folder with one sub-folder of pictures per class")
parser.add_argument("--size", type=int, default=64, help="side of your pictures; default 64")
parser.add_argument("--channels", type=int, choices=(1, 3), help="1: all grey; 3: all in colour")
parser.add_argument("--epochs", type=int, default=60, help="passes over the data; default 60")
parser.add_argument("--out", default="runs/conditional", help="folder for all outputs of the run")
parser.add_argument("--quick", action="store_true", help="one epoch, to check that it runs")
options = parser.parse_args()
out = pathlib.Path(options.out)
out.mkdir(parents=True, exist_ok=True)

print("1. Load the pictures with their labels.")
if options.folder:
    images, labels = kgan.data.load(
        options.folder, size=options.size, channels=options.channels, labels=True
    )
    names = kgan.data.class_names(options.folder)  # label i stands for the i-th name
else:
    images, labels = kgan.data.load("digits", labels=True)
    names = [str(digit) for digit in range(10)]
print(f"   images {images.shape} {images.dtype}, {len(names)} classes")

print("2. Train. `like` tells the model the size of a picture and the number of classes.")
model = kgan.zoo.load(
    "conditional",
    like=(images, labels),
    # Two scores: does it look real, and does it match its label?
    conditioning="two_heads",
    width=32,
    learning_rate=5e-4,
    ema_momentum=0.99,
    seed=0,
)
model.fit(images, labels, epochs=1 if options.quick else options.epochs, verbose=2)

print("3. Save. `keras.saving.load_model` restores it, and training continues where it stopped.")
model.save(out / "model.keras")
print(f"   {out}/model.keras")

print("4. Generate. One row per class: the noise differs from column to column.")
asked = np.repeat(np.arange(len(names)), 12)
samples = model.generate(len(asked), labels=asked, seed=0)
save_image(out / "one_row_per_class.png", image_grid(samples, columns=12, scale="auto"))
print(f"   see {out}/one_row_per_class.png")

print("5. Score. A low score tells which of the two is wrong, and where; 0.5 is undecided.")
scores = model.scores(samples, asked)
# A folder is read class by class: the first pictures would all be of one.
chosen = np.random.default_rng(0).permutation(len(images))[:1000]
real = model.scores(images[chosen], labels[chosen])
print(f"   {'class':>20} realness matching")
for label, name in enumerate(names):
    mine = asked == label
    print(f"   {name:>20} {scores['realness'][mine].mean():8.2f} "
          f"{scores['matching'][mine].mean():8.2f}")  # fmt: skip
print(f"   {'your pictures':>20} {real['realness'].mean():8.2f} {real['matching'].mean():8.2f}")
