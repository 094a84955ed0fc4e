"""What comes next: clips of moving digits, gone on with.

    python tutorials/next_frames.py --folder path/to/videos

You learn how to train on clips, what repeating the last frame would have done, what a discriminator
adds, and how to predict as many frames as you like and show them as a film. --folder holds a folder
of frames for each video, named in their order; without it, digits that come with scikit-learn move
and bounce off the edges. That takes two minutes on a laptop and shows the way, not the quality.
"""

import argparse
import os
import pathlib

# TensorFlow reads it when it is imported: its notes on hardware would hide the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import kgan
from kgan.pictures import save_clip

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--folder", help="a folder of frames for each video, named in their order")
parser.add_argument("--epochs", type=int, default=20, help="passes; more for good results")
parser.add_argument("--width", type=int, default=16, help="32 for an hour, 128 for a GPU")
parser.add_argument("--out", default="runs/next_frames", help="folder for all outputs of the run")
parser.add_argument("--quick", action="store_true", help="only a few steps, to check that it runs")
options = parser.parse_args()
folder = pathlib.Path(options.out)
folder.mkdir(parents=True, exist_ok=True)

print("1. Clips of 12 frames. `fit` sees five of them at a time, at a random place of the clip.")
if options.folder:
    clips = kgan.data.load(options.folder, frames=12, size=32)
    count = max(1, len(clips) // 10)
else:
    digits = kgan.data.load("digits", size=12)
    count = 32
    clips = kgan.data.moving(digits, 64 if options.quick else 800, frames=12, side=32, seed=0)
tested, trained = clips[:count], clips[count:]
print(f"   {len(trained)} clips to train on, {len(tested)} to test with, of {clips.shape[1:]}")

print("2. Load and fit: first without a discriminator, by pixels and edges alone.")
width = 4 if options.quick else options.width
network = {"scales": 3, "width": width, "depth": 1 if options.quick else 3}
rates = {"learning_rate": 2e-3, "beta_1": 0.9, "seed": 0}
epochs = 1 if options.quick else options.epochs
plain = kgan.zoo.load(
    "video_prediction",
    like=trained,
    adversarial_weight=0.0,
    gradient_weight=0.1,
    **network,
    **rates,
)
plain.fit(trained, batch_size=8, epochs=epochs, verbose=2)

print("3. From its weights, with a discriminator of the joined clip at each scale.")
model = kgan.zoo.load(
    "video_prediction",
    like=trained,
    adversarial_weight=0.01,
    gradient_weight=0.1,
    discriminator_width=4 if options.quick else 8,
    **network,
    **rates,
)
kgan.zoo.take_weights(model, plain)
model.fit(trained, batch_size=8, epochs=max(1, epochs // 4), verbose=2)

print("4. Measure the next frame: against the truth, and against repeating the last frame.")
past, truth = tested[:, :8], tested[:, 8:]
made = {
    "the last frame again": np.repeat(past[:, -1:], truth.shape[1], axis=1),
    "without a discriminator": plain.predict_frames(past, truth.shape[1]),
    "with one": model.predict_frames(past, truth.shape[1]),
}
for name, frames in made.items():
    error = np.mean(np.square(frames[:, 0] / 255.0 - truth[:, 0] / 255.0))
    edges = kgan.losses.gradient_difference(truth[:, 0] / 255.0, frames[:, 0] / 255.0)
    print(f"   {name}: squared error {error:.4f}, gradient difference {float(edges):.4f}")

print("5. Go on far beyond the clip, as a film; save and export: `predict_frames(clips, count)`.")
future = model.predict_frames(tested[:4], 24)
film = np.concatenate([tested[:4], future], axis=1)
# Four clips beside one another, four times as large, with a grey edge once frames are predicted.
film[:, tested.shape[1] :, 0] = film[:, tested.shape[1] :, :, 0] = 128
beside = np.concatenate(list(film), axis=2).repeat(4, 1).repeat(4, 2)
save_clip(folder / "film.gif", beside)
model.save(folder / "model.keras")
model.export(folder / "saved_model")
print(f"   see {folder}/film.gif, {folder}/model.keras, {folder}/saved_model")
