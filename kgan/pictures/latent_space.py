"""Pictures of a latent space: between noises, along walks, and across classes."""

import math
from typing import Any

import numpy as np

from kgan import drawing, latent
from kgan.data.fields import Images
from kgan.drawing import films
from kgan.latent.noise import require_generator
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data, FilePath, Interpolation, Scale


def interpolation_grid(
    model: Any,
    num_pairs: int = 8,
    steps: int = 10,
    seed: int = 0,
    start: Data = None,
    end: Data = None,
    method: Interpolation = "spherical",
    labels: Data = None,
    scale: Scale = "auto",
) -> np.ndarray:
    """Shows what lies between pairs of noises: a row per pair, from one end to the other.

    Use this to see whether a model has learned a space or a list: smooth changes speak for the
    first, jumps for the second.

    Reference: Radford et al. 2016, figure 4; White 2016, "Sampling Generative Networks",
    section 2.1, for the circles that are walked along.

    Args:
        model: a `kgan.GAN` that makes images.
        num_pairs: integer, rows, where neither end is given. Defaults to 8.
        steps: integer of at least 2, images per row, both ends included. Defaults to 10.
        seed: integer that the noises are drawn from. Defaults to 0.
        start: array (num_pairs, latent_dim), noises such as `kgan.latent.project` finds. Defaults
            to `None`: drawn ones.
        end: another one. Defaults to `None`.
        method: `"spherical"` or `"linear"`, as of `kgan.latent.interpolate`. Defaults to
            `"spherical"`.
        labels: for conditional models: a class id, or one per pair. Defaults to `None`: the
            classes in turn.
        scale: integer, pixels per image pixel and side, or `"auto"`. Defaults to `"auto"`.

    Returns:
        uint8 array (height, width, channels).

    Raises:
        TypeError: when the model does not make samples from noise, or an argument is of the wrong
            type.
        ValueError: when it makes no images, or an argument is out of range.

    Example:
    ```python
    import kgan

    model = kgan.zoo.load("dcgan", like=(8, 8, 1), width=8)
    picture = kgan.pictures.interpolation_grid(model, num_pairs=3, steps=5)
    ```
    """
    name = _endpoint_of_images(model)
    check_count("num_pairs", num_pairs)
    given = [np.atleast_2d(ends) for ends in (start, end) if ends is not None]
    num_pairs = len(given[0]) if given else num_pairs
    drawn = _noises(model, name, (2, num_pairs), seed)
    start = drawn[0] if start is None else np.atleast_2d(start)
    end = drawn[1] if end is None else np.atleast_2d(end)
    labels = next(iter(model.answers.inputs_for(name, len(start), labels)), None)
    images = latent.interpolate(model, start, end, steps, method, labels)
    return drawing.image_grid(images.reshape(-1, *images.shape[2:]), steps, scale=scale)


def class_grid(
    model: Any,
    num_samples: int = 10,
    seed: int = 0,
    classes: Data = None,
    scale: Scale = "auto",
) -> np.ndarray:
    """Shows the classes of a conditional model: a row per class, a column per noise.

    Use this to see whether the model follows its labels, and what it keeps when only the label
    changes: all images of a column come from one noise.

    Reference: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", figure 2: one
    label per row.

    Args:
        model: a conditional `kgan.GAN` that makes images.
        num_samples: integer, images per class. Defaults to 10.
        seed: integer that the noises are drawn from. Defaults to 0.
        classes: list of class ids, the rows. Defaults to `None`: all of them.
        scale: integer, pixels per image pixel and side, or `"auto"`. Defaults to `"auto"`.

    Returns:
        uint8 array (height, width, channels).

    Raises:
        TypeError: when the model does not make samples from noise, or an argument is of the wrong
            type.
        ValueError: when the model has no classes or makes no images, or an argument is out of
            range.

    Example:
    ```python
    import kgan

    digits = kgan.data.load("digits", labels=True)
    model = kgan.zoo.load("conditional", like=digits, width=8)
    picture = kgan.pictures.class_grid(model, num_samples=4)
    ```
    """
    name = _endpoint_of_images(model)
    check_count("num_samples", num_samples)
    of_classes = [field for field in model.endpoints[name].inputs if field.in_turn(1) is not None]
    if not of_classes:
        raise ValueError(
            "This model knows no classes, so there is no grid of them. Use a conditional model, or "
            "kgan.pictures.image_grid(model.generate(64)). "
            f"Received: a {type(model).__name__} without num_classes"
        )
    classes = np.arange(of_classes[0].num_classes) if classes is None else np.asarray(classes)
    noise = _noises(model, name, (num_samples,), seed)
    noises = np.tile(noise, (len(classes), *(1 for _ in noise.shape[1:])))
    labels = np.repeat(classes, num_samples)
    inputs = model.answers.inputs_for(name, len(noises), labels)
    return drawing.image_grid(model.answers.run(name, inputs, noises), num_samples, scale=scale)


def latent_walk(
    model: Any,
    path: FilePath,
    num_samples: int = 16,
    num_stops: int = 4,
    steps: int = 15,
    seed: int = 0,
    labels: Data = None,
    columns: int | None = None,
    scale: Scale = "auto",
    milliseconds: int = 60,
) -> None:
    """Makes a film of a walk through latent space that ends where it began.

    Use this to see how samples turn into one another. Each tile walks from noise to noise along
    circles (`kgan.latent.slerp`), all at one pace.

    Args:
        model: a `kgan.GAN` that makes images.
        path: path of the GIF.
        num_samples: integer, tiles that walk side by side. Defaults to 16.
        num_stops: integer of at least 2, noises that each tile passes. Defaults to 4.
        steps: integer, pictures from stop to stop. Defaults to 15.
        seed: integer that the noises are drawn from. Defaults to 0.
        labels: for conditional models: a class id, or one per tile. Defaults to `None`: the
            classes in turn.
        columns: integer, tiles per row. Defaults to `None`: as many as make the grid square.
        scale: integer, pixels per image pixel and side, or `"auto"`. Defaults to `"auto"`.
        milliseconds: integer, how long each picture is shown. Defaults to 60.

    Raises:
        TypeError: when the model does not make samples from noise, or an argument is of the wrong
            type.
        ValueError: when it makes no images, an argument is out of range, or the path is no GIF in
            a folder that is there.

    Example:
    ```python
    import kgan

    model = kgan.zoo.load("dcgan", like=(8, 8, 1), width=8)
    kgan.pictures.latent_walk(model, "walk.gif", num_samples=4, num_stops=2, steps=3)
    ```
    """
    from PIL import Image

    drawing.check_path(path, (".gif",))
    name = _endpoint_of_images(model)
    check_count("num_samples", num_samples)
    check_count("num_stops", num_stops, minimum=2)
    check_count("steps", steps)
    check_count("milliseconds", milliseconds, minimum=10)
    stops = _noises(model, name, (num_stops, num_samples), seed)
    labels = next(iter(model.answers.inputs_for(name, num_samples, labels)), None)
    columns = columns or math.ceil(math.sqrt(num_samples))
    frames = []
    for start, end in zip(stops, np.roll(stops, -1, axis=0), strict=True):
        leg = latent.interpolate(model, start, end, steps + 1, labels=labels)
        for step in range(steps):  # without the stop, at which the next leg begins
            grid = drawing.image_grid(leg[:, step], columns, scale=scale)
            frames.append(Image.fromarray(grid[..., 0] if grid.shape[-1] == 1 else grid))
    films.write_film(path, frames, milliseconds)


def _noises(model, name, sizes, seed):
    noise = model.endpoints[name].noise
    shape = (*sizes, *noise.shape)
    return latent.sample(shape, noise.distribution, seed=check_count("seed", seed, minimum=0))


def _endpoint_of_images(model):
    """Name of the endpoint that makes images from noise.

    Raises:
        TypeError: when the model makes no samples from noise.
        ValueError: when its samples are no images.
    """
    name = require_generator(model, "For a translator, use kgan.pictures.strips.")
    output = model.endpoints[name].output
    if not isinstance(output, Images):
        raise ValueError(
            "Only images are laid out in such a picture. Draw points and curves with "
            "kgan.pictures.scatter, histogram and curves. Received: a model whose samples, "
            f"{output.plural}, have the shape {output.shape}"
        )
    return name
