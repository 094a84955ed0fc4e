"""Speech without its noise: a network of the spectrum, and a discriminator that predicts a score.

    python tutorials/enhance.py --folder path/to/clean/recordings

You learn how to mix clean recordings with noises on the fly, how to train on windows of them, how
to measure what was gained in decibels, and how to clean whole recordings. Your folder holds clean
speech, some minutes of it from several speakers; one recording in five is kept back to measure
with. Without --folder, syllables made of tones take the place of speech: that shows the way, and
no quality. Files of sound need the extra audio: pip install 'kgan[audio]'.
"""

import argparse
import os
import pathlib

# TensorFlow reads it when it is imported: its notes on hardware would hide the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import kgan
from kgan.pictures import save_image

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--folder", help="clean recordings: WAV, FLAC, OGG or MP3")
parser.add_argument("--steps", type=int, default=200, help="batches; thousands for good results")
parser.add_argument("--width", type=int, default=8, help="channels; 12 or more for good results")
parser.add_argument("--out", default="runs/enhance", help="folder for all outputs of the run")
parser.add_argument("--quick", action="store_true", help="only a few steps, to check that it runs")
options = parser.parse_args()
folder = pathlib.Path(options.out)
folder.mkdir(parents=True, exist_ok=True)
RATE, SECONDS = 16000, 0.512 if options.quick else 1.024


def syllables(seed):
    """A voice of tones that glide, with pauses: where there are no recordings."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(rng.uniform(1, 3) * RATE)) / RATE
    pitch = rng.uniform(90, 250) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(1, 3) * time))
    turns = np.cumsum(pitch) / RATE
    voice = sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 12))
    return (0.2 * voice * np.maximum(0, np.sin(2 * np.pi * 2.5 * time))).astype("float32")


print("1. Recordings and windows. Each window is mixed anew: where, which noise, how loud.")
if options.folder:
    speech = kgan.data.recordings(options.folder, rate=RATE)
else:
    speech = [syllables(seed) for seed in range(30)]
tested, speech = speech[::5], [voice for place, voice in enumerate(speech) if place % 5]
noises = ("white", "pink", "hum", "babble", "clicks")
pairs = kgan.data.noisy_speech(speech, noises, seconds=SECONDS, rate=RATE)
print(f"   {len(speech)} recordings, {len(pairs[0])} windows of {SECONDS} seconds an epoch")

print("2. Load and fit.")
steps = 4 if options.quick else options.steps
batch_size = 4 if options.quick else 8
model = kgan.zoo.load(
    "speech_enhancement",
    like=pairs,
    width=4 if options.quick else options.width,
    blocks=1 if options.quick else 4,
    discriminator_width=4 if options.quick else 16,
    discriminator_every=4,
    learning_rate=2e-3,
    decay_steps=steps,
    ema_momentum=0.9 if steps < 1000 else 0.999,
    seed=0,
)
epochs = max(1, round(steps * batch_size / len(pairs[0])))
model.fit(*pairs, batch_size=batch_size, epochs=epochs, verbose=2)

print("3. Measure on recordings that were kept back: SI-SDR in decibels, before and after.")
for kind, noise in (("white", "white"), ("clicks", "clicks")):
    noisy, clean = kgan.data.noisy_speech(
        tested, [noise], seconds=2.0, rate=RATE, levels=(5, 5), clean_share=0.0, speed=0.0
    )
    noisy, clean = np.asarray(noisy)[..., 0], np.asarray(clean)[..., 0]
    made = np.stack([model.enhance(window, RATE) for window in noisy])
    values = []
    for side in (noisy, made):
        metric = kgan.metrics.ScaleInvariantDistortionRatio()
        metric.update_state(clean, side)
        values.append(metric.result())
    print(f"   {kind}: {values[0]:.1f} dB -> {values[1]:.1f} dB")

print("4. Look, save and export: an endpoint `enhance` for sounds of any length.")
field = kgan.data.Signals((None, 1), rate=RATE)
rows = np.stack([noisy[0], made[0], clean[0]])[..., None]
save_image(folder / "noisy_enhanced_clean.png", field.draw(rows, columns=3))
field.save_each(rows, folder)  # 0001.wav noisy, 0002.wav enhanced, 0003.wav clean
model.save(folder / "model.keras")
model.export(folder / "saved_model")
print(f"   see {folder}/noisy_enhanced_clean.png, {folder}/model.keras, {folder}/saved_model")
print(f"   a file of your own: kgan enhance in.wav --run {folder}/model.keras --out out.wav")
