"""Digits on photographs to digits on black, without pairs: for domain_transfer.

The source is MNIST blended with crops of CIFAR-10, as MNIST-M is (Ganin et al. 2016): the absolute
difference of digit and photograph. The target is MNIST, other digits than those of the source, and
nothing is known of their labels. The embedding is trained on the source's labels, and frozen.

A translation is right where the classifier of digits reads in it the digit that was blended. Beside
it stand what the classifier reads in the pictures as they are, and in what the direct translators
make: one that has no embedding, so that nothing says which digit is meant, and one that has its
likeness as a term only (the paper's baseline).
"""

import dataclasses
import time

import keras
import numpy as np
from keras import layers

import kgan
from kgan import drawing
from kgan.data import to_float
from tasks.common import Bar, Recipe, Result, Task, load_mnist, quickened, say, train
from tasks.pix2pix import load_photos

# Digits of the source, of 60,000; the others are the target.
NUM_SOURCE, NUM_BLENDS = 30_000, 2
NUM_PHOTOS, NUM_TEST_PHOTOS = 2_000, 500
READER_EPOCHS, READER_BATCH = 2, 128
# The acceptance figures.
SAME_DIGIT, CORE_MINUTES = 0.85, 20.0

RECIPE = Recipe(
    {"width": 16, "learning_rate": 1e-3, "ema_momentum": 0.99},
    steps=1_000,
    batch_size=64,
    decay_from=0.5,
)
DIRECT = "direct, no embedding"
DIRECT_CONSTANCY = "direct, embedding as a term"


def blended(digits, photos, seed):
    """Each digit on a crop of a photograph, as the absolute difference: uint8 (n, 28, 28, 3)."""
    random = np.random.default_rng(seed)
    n, side = len(digits), digits.shape[1]
    photo = random.integers(len(photos), size=n)
    row, column = random.integers(photos.shape[1] - side + 1, size=(2, n, 1)) + np.arange(side)
    crops = photos[photo[:, None, None], row[:, :, None], column[:, None, :]]
    return np.abs(crops.astype("int16") - digits).astype("uint8")


def trained_reader(images, labels, seed, epochs):
    """A small classifier of the source's digits."""
    keras.utils.set_random_seed(seed)
    stages = []
    for filters in (32, 64, 128):
        stages += [layers.Conv2D(filters, 3, padding="same", use_bias=False)]
        stages += [layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()]
    # Features of a spread of one, so that the weight of constancy does not depend on their scale.
    features = [layers.Dense(128, use_bias=False), layers.BatchNormalization(name="features")]
    reader = keras.Sequential(
        [
            keras.Input((*images.shape[1:],)),
            *stages,
            layers.Flatten(),
            *features,
            layers.ReLU(),
            layers.Dropout(0.3),
            layers.Dense(10),
        ],
        name="reader",
    )
    steps = -(-len(images) // READER_BATCH) * epochs
    reader.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=keras.config.backend() == "jax",
    )
    reader.fit(to_float(images), labels, epochs=epochs, batch_size=READER_BATCH, verbose=0)
    return reader


def reads(classifier, images, labels):
    """The share of images in which a classifier reads the label."""
    logits = classifier.predict(to_float(images), batch_size=500, verbose=0)
    return float(np.mean(logits.argmax(axis=1) == labels))


def judged(images, labels):
    """The share of images in which the judge of digits reads the label."""
    return float(np.mean(kgan.metrics.read_digits(images)[0] == labels))


def grey(images):
    return np.rint(images.mean(-1, keepdims=True)).astype("uint8")


def load(quick):
    """Source with labels, target without, and the test pictures with their digits and labels."""
    (digits, labels), (tested, tested_labels) = load_mnist()
    order = np.random.default_rng(0).permutation(len(digits))
    digits, labels = digits[order], labels[order]
    num_source = NUM_SOURCE
    if quick:
        num_source, digits = 64, digits[:128]
        tested, tested_labels = tested[:32], tested_labels[:32]
    photos = load_photos("train", NUM_PHOTOS)
    shown = [digits[:num_source]] * NUM_BLENDS
    source = np.concatenate([blended(part, photos, 10 + i) for i, part in enumerate(shown)])
    pictures = blended(tested, load_photos("test", NUM_TEST_PHOTOS), 1)
    source_labels = np.tile(labels[:num_source], NUM_BLENDS)
    return (source, source_labels), digits[num_source:], (pictures, tested, tested_labels)


def features_of(reader):
    return keras.Model(reader.inputs, reader.get_layer("features").output)


def run(model_name, seed, out, quick):
    recipe, epochs = (quickened(RECIPE), 1) if quick else (RECIPE, READER_EPOCHS)
    (source, source_labels), target, (pictures, tested, tested_labels) = load(quick)
    start = time.process_time()
    reader = trained_reader(source, source_labels, seed, epochs)
    core = {"the embedding": (time.process_time() - start) / 60}
    say(f"the embedding: {core['the embedding']:.1f} core minutes")
    embedding = features_of(reader)
    options = {
        "domain transfer": {"embedding": embedding},
        DIRECT: {"direct": True},
        DIRECT_CONSTANCY: {"direct": True, "embedding": embedding},
    }
    made, played = {}, {}
    for name, chosen in options.items():
        keras.utils.set_random_seed(seed)
        like = (source, target)
        model = kgan.zoo.load(model_name, like=like, seed=seed, **chosen, **recipe.options)
        start = time.process_time()
        played[name] = train(model, (source, target), recipe, epoch_steps=250)
        core[name] = (time.process_time() - start) / 60
        made[name] = model.translate(pictures, batch_size=500)
    steps, minutes, _ = played["domain transfer"]

    same = {name: judged(images, tested_labels) for name, images in made.items()}
    figures = {
        "same digit": same.pop("domain transfer"),
        **{f"same digit, {name}": value for name, value in same.items()},
        "same digit, untranslated in grey": judged(grey(pictures), tested_labels),
        "same digit, the digits without photographs": judged(tested, tested_labels),
        "the embedding's classifier on test pictures": reads(reader, pictures, tested_labels),
        "the embedding's classifier on the target's look": reads(
            reader, np.repeat(tested, 3, axis=-1), tested_labels
        ),
        **{f"core minutes, {name}": value for name, value in core.items()},
        "core minutes": sum(core.values()),
    }
    picture = out / "source_translated_direct_digit.png"
    count = min(36, len(tested))
    columns = [pictures, *(np.repeat(images, 3, axis=-1) for images in (*made.values(), tested))]
    tiles = np.stack([images[:count] for images in columns], axis=1).reshape(-1, 28, 28, 3)
    drawing.save_image(picture, drawing.image_grid(tiles, 3 * len(columns), scale=2))
    return Result(
        model=model_name,
        task="blended_digits",
        seed=seed,
        protocol=(
            f"Protocol: source: {len(source)} pictures of MNIST training digits, each digit on "
            f"{NUM_BLENDS} crops of {NUM_PHOTOS} CIFAR-10 training photographs (absolute "
            f"difference); target: {len(target)} other training digits without labels; figures on "
            f"{len(tested)} test digits on test photographs, read by kgan.metrics.digit_judge. "
            f"The embedding: the 128 features of a classifier of the source's labels, {epochs} "
            "epochs. The picture shows source, translation, both direct ones, and the digit."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures=figures,
        bars=[
            Bar("same digit", figures["same digit"], SAME_DIGIT),
            Bar("same digit, direct", same[DIRECT], figures["same digit"], at_most=True),
            Bar("core minutes", figures["core minutes"], CORE_MINUTES, at_most=True),
        ],
        pictures=[picture],
    )


TASKS = [Task("blended_digits", {"domain_transfer": RECIPE}, run)]
