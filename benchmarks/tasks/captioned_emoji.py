"""Emoji of their names: what text to image makes of 64 names that it never saw.

Noto's drawings at 32x32 with their names as captions, split by name: 1,528 names in training, each
drawn once but for skin tones, is far too little for a model to learn what words look like. The
picture is shown whatever it shows. The figure asks for little: is the sample of an unseen name
nearer to that name's own drawing than to the drawing of another unseen name? A half is chance, and
the drawing of the other house in the sample's place is about the best that can be hoped for.
"""

import dataclasses
import time

import keras
import numpy as np

import kgan
from kgan import drawing
from tasks.common import Recipe, Result, Task, halved, load_emoji, quickened, train

RECIPES = {
    "text_to_image": Recipe(
        {
            "width": 32,
            "conditioning": "projection",
            "learning_rate": 4e-4,
            "ema_momentum": 0.99,
            "augmentation": "translation",
        },
        steps=4_000,
        batch_size=64,
        decay_from=0.5,
    )
}


def nearer_to_own(made, truth, seed, rounds=20):
    """How often an image is nearer to its own truth than to another's, drawn at random."""
    made, truth = (x.reshape(len(x), -1).astype("float32") for x in (made, truth))
    own = np.square(made - truth).sum(axis=1)
    rng, wins = np.random.default_rng(seed), []
    for _ in range(rounds):
        other = (np.arange(len(truth)) + rng.integers(1, len(truth), len(truth))) % len(truth)
        wins.append(own < np.square(made - truth[other]).sum(axis=1))
    return float(np.mean(wins))


def run(model_name, seed, out, quick):
    recipe = quickened(RECIPES[model_name]) if quick else RECIPES[model_name]
    arrays, held = load_emoji("noto", "twemoji", "name", "skin")
    images, others = halved(arrays["noto"]), halved(arrays["twemoji"])
    names, plain = arrays["name"], arrays["skin"] == ""
    trained, tested = np.flatnonzero(~held), np.flatnonzero(held & plain)
    if quick:
        trained = trained[:64]
    keras.utils.set_random_seed(seed)
    data = images[trained], names[trained]
    model = kgan.zoo.load(model_name, like=data, seed=seed, **recipe.options)
    start = time.process_time()
    steps, minutes, _ = train(model, data, recipe)
    core_minutes = (time.process_time() - start) / 60

    samples = model.generate(captions=names[tested], seed=seed)
    seen = np.random.default_rng(seed).choice(trained, min(len(trained), len(tested)), False)
    of_seen = model.generate(captions=names[seen], seed=seed)
    ids = model.captions.check(names[tested])
    shown = np.linspace(0, len(tested) - 1, 64).round().astype(int)
    pictures = [out / "unseen_names.png", out / "seen_names_beside_drawings.png"]
    drawing.save_image(pictures[0], drawing.image_grid(samples[shown], 8, scale=2))
    pairs = np.stack([images[seen[:32]], of_seen[:32]], axis=1).reshape(-1, *images.shape[1:])
    drawing.save_image(pictures[1], drawing.image_grid(pairs, 8, scale=2))
    (out / "names.txt").write_text("\n".join(names[tested][shown]) + "\n")
    return Result(
        model=model_name,
        task="captioned_emoji",
        seed=seed,
        protocol=(
            f"Protocol: Noto's emoji at 32x32 by their names, split by name: {len(trained)} "
            f"drawings in training, {len(tested)} names unseen, without skin tones. Nearer: by "
            "squared distance of pixels, against 20 other names each."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures={
            "nearer to its own drawing, unseen names": nearer_to_own(samples, images[tested], seed),
            "the other house's drawing": nearer_to_own(others[tested], images[tested], seed),
            "by chance": 0.5,
            "nearer to its own drawing, names in training": nearer_to_own(
                of_seen, images[seen], seed
            ),
            "known words among those of unseen names": float(np.mean(ids[ids > 0] > 1)),
            "core minutes": core_minutes,
        },
        pictures=pictures,
    )


TASKS = [Task("captioned_emoji", RECIPES, run)]
