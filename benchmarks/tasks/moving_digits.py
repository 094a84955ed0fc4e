"""Moving MNIST gone on with, for video_prediction.

Two digits of MNIST move and bounce in 64x64 pixels: those of its training images to train on, of
its test images to test with. Ten frames are given and the eleventh is predicted, of which the model
reads the last ones; repeating the tenth stands beside it, and so does the same network with the
same steps and without discriminators. The paper has no figures for this data.

* The squared error is of pixels in 0..1, a mean over all of them.
* The gradient difference is that of the paper's equation 6 to the true frame, as
  `kgan.losses.gradient_difference` has it: a frame is sharp where its edges are as steep as the
  true ones, and in their places. How steep they are, whether in their places or not, is shown as a
  part of the true frames' steepness.
"""

import dataclasses

import keras
import numpy as np

import kgan
from kgan.pictures import save_clip
from tasks.common import Bar, Recipe, Result, Task, load_mnist, quickened, say, train

GIVEN, FRAMES = 10, 20
RECIPE = Recipe(
    {
        "input_frames": 4,
        "scales": 3,
        "width": (64, 32, 16),
        "depth": 3,
        "discriminator_width": 8,
        "gradient_weight": 0.1,
        "adversarial_weight": 0.02,
        "learning_rate": 1.5e-3,
        "discriminator_learning_rate": 4e-4,
        "beta_1": 0.9,
    },
    steps=7_000,
    batch_size=4,
)


def clips_of(images, count, seed):
    return kgan.data.moving(images, count, FRAMES, 64, seed=seed)


def trained(clips, recipe, seed):
    keras.utils.set_random_seed(seed)
    options = {"decay_steps": recipe.steps, **recipe.options}
    model = kgan.zoo.load("video_prediction", like=clips, seed=seed, **options)
    return model, *train(model, (clips,), recipe)[:2]


def squared_error(truth, made):
    return float(np.mean(np.square((truth.astype("float32") - made.astype("float32")) / 255)))


def gradient_difference(truth, made):
    return float(kgan.losses.gradient_difference(truth / 255, made / 255))


def steepness(images):
    """The gradient difference to images without an edge."""
    return gradient_difference(images, np.zeros_like(images))


def film(past, truth, columns):
    """True clips above what each model goes on with, at twice the size, six clips abreast."""
    rows = [np.concatenate([past, frames], axis=1) for frames in (truth, *columns)]
    whole = np.concatenate([np.concatenate(list(row[:6]), axis=2) for row in rows], axis=1)
    # A line below shows how many frames were given.
    line = np.zeros_like(whole[:, :3])
    for time, part in enumerate(line):
        share = (time + 1) / len(line)
        part[1:, : round(share * part.shape[1])] = 255 if time < past.shape[1] else 128
    return np.concatenate([whole, line], axis=1).repeat(2, 1).repeat(2, 2)


def run(model_name, seed, out, quick):
    """Trains both, measures the next frame, and draws ten of them."""
    recipe = quicker(RECIPE) if quick else RECIPE
    (digits, _), (held_out, _) = load_mnist()
    clips = clips_of(digits, 16 if quick else 5_000, seed)
    tested = clips_of(held_out, 8 if quick else 1_000, seed + 1)
    past, truth = tested[:, :GIVEN], tested[:, GIVEN:]
    say("with discriminators")
    model, steps, minutes = trained(clips, recipe, seed)
    say("without")
    alone = dataclasses.replace(recipe, options={**recipe.options, "adversarial_weight": 0.0})
    plain, _, more_minutes = trained(clips, alone, seed)
    model.save(out / "model.keras")
    made = {
        "repeating the last frame": past[:, -1:].repeat(FRAMES - GIVEN, 1),
        "without discriminators": plain.predict_frames(past, FRAMES - GIVEN),
        model_name: model.predict_frames(past, FRAMES - GIVEN),
    }
    figures = {}
    for who, frames in made.items():
        figures[f"squared error, {who}"] = squared_error(truth[:, 0], frames[:, 0])
        figures[f"gradient difference, {who}"] = gradient_difference(truth[:, 0], frames[:, 0])
        figures[f"steepness of true frames, {who}"] = steepness(frames[:, 0]) / steepness(
            truth[:, 0]
        )
        for later in (5, 10):
            error = squared_error(truth[:, later - 1], frames[:, later - 1])
            figures[f"squared error of frame {later}, {who}"] = error
    figures["minutes of training, without discriminators"] = more_minutes
    figures["generator's weights"] = model.generator.count_params()
    picture = out / "frames.gif"
    columns = [made[who] for who in (model_name, "without discriminators")]
    save_clip(picture, film(past, truth, columns), rate=5)
    repeated = figures["squared error, repeating the last frame"]
    blurred = figures["gradient difference, without discriminators"]
    return Result(
        model=model_name,
        task="moving_digits",
        seed=seed,
        protocol=(
            f"Protocol: {len(clips)} clips of {FRAMES} frames to train on, two digits of MNIST's "
            f"training images in each, and {len(tested)} of its test images to test with; "
            f"{GIVEN} frames given, of which the last {recipe.options['input_frames']} are read. "
            "Figures are of the first predicted frame unless they say otherwise; means over "
            "pixels in 0..1."
        ),
        recipe=dataclasses.asdict(recipe),
        steps=steps,
        minutes=minutes,
        figures=figures,
        bars=[
            Bar(
                "squared error over that of repeating the last frame",
                figures[f"squared error, {model_name}"] / repeated,
                1 / 3,
                at_most=True,
            ),
            Bar(
                "gradient difference over that without discriminators",
                figures[f"gradient difference, {model_name}"] / blurred,
                1.0,
                at_most=True,
            ),
        ],
        pictures=[picture],
    )


def quicker(recipe):
    options = {**quickened(recipe).options, "width": 4, "depth": 1}
    return dataclasses.replace(quickened(recipe), options=options)


TASKS = [Task("moving_digits", {"video_prediction": RECIPE}, run)]
