"""Projection of samples back to noise, by gradient descent."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.data.checks import check
from kgan.data.field_lookup import unpack
from kgan.latent.gradients import Differentiated
from kgan.latent.noise import require_generator
from kgan.utils.arguments import check_count, check_positive
from kgan.utils.hints import Data

CHUNK = 64  # noises that are optimized together


def project(
    model: Any,
    samples: Data,
    *,
    steps: int = 300,
    learning_rate: float = 0.05,
    seed: int | None = None,
    labels: Data = None,
    restarts: int = 1,
    verbose: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the noises from which a model generates given samples, or the most similar ones.

    Use this to edit real images in the latent space, to interpolate between them, or to see what a
    model can't generate: the error of a held-out image is its distance from everything that the
    generator can make.

    Reference: Lipton & Tripathi 2017, "Precise Recovery of Latent Vectors from Generative
    Adversarial Networks", equation 1, and Creswell & Bharath 2018, "Inverting the Generator of a
    Generative Adversarial Network", algorithm 1: gradient descent on the noise from a random
    start. Here it is Adam with a cosine decay of the rate, on each sample's mean squared error.
    The noise stays where the model has been trained: uniform noise is clipped to [-1, 1] after
    each step (the papers' standard clipping), normal noise is projected onto the ball of radius
    `sqrt(latent_dim) + 3`, outside of which fewer than one draw in ten thousand lies.

    Averaged weights are used if there are any, normalization layers run in inference mode, and the
    model is not modified.

    Args:
        model: a `kgan.GAN` or another model with an endpoint that draws noise.
        samples: array in the data's own scale: images uint8 or floats in [-1, 1], shape
            (n, height, width, channels); vectors as floats (n, dim).
        steps: integer of at least 1. Defaults to 300.
        learning_rate: float above 0, in units of the noise's scale. Defaults to 0.05.
        seed: integer seed of the starting points. Defaults to a new one each time.
        labels: class ids (n,) or one integer, which conditional models need. Defaults to `None`.
        restarts: integer of at least 1. Starting points per sample, of which the best result is
            returned: a generator's error has local minima. Defaults to 1.
        verbose: 0 for silent, 1 for a progress bar, 2 for one line. Defaults to 1.

    Returns:
        A tuple `(noises, errors)`: float32 arrays of shapes (n, latent_dim) and (n,), the noises
        for `model.decode`, and each sample's mean squared error, with images in [-1, 1].

    Raises:
        TypeError: when an argument is of the wrong type, or the model has no noise.
        ValueError: when an argument is out of range, the samples do not fit the model, or labels
            are missing or unexpected.

    Example:
    ```python
    import kgan

    model = kgan.zoo.load("dcgan", like=(8, 8, 1), width=8)
    images = model.generate(2, seed=0)
    noises, errors = kgan.latent.project(model, images, steps=5, seed=1, verbose=0)
    ```
    """
    name = require_generator(model, "Others can't be projected to.")
    endpoint = model.endpoints[name]
    check_count("steps", steps)
    check_count("restarts", restarts)
    check_positive("learning_rate", learning_rate, 0.05)
    if endpoint.inputs and labels is None:
        raise ValueError(
            "A conditional model needs to know the class of each sample. Pass labels, one class id "
            "per sample or one for all. Received: labels=None"
        )
    fields = (endpoint.output,)
    targets = check(fields, samples)
    if not isinstance(targets, tuple):
        raise TypeError(
            "Samples must be an array. Take some from the dataset first. "
            f"Received: samples={type(samples).__name__}"
        )
    targets = ops.convert_to_numpy(unpack(fields, targets)[0])
    inputs = model.answers.inputs_for(name, len(targets), labels)
    starts = endpoint.noise.sample(len(targets) * restarts, seed)
    arrays = [np.repeat(targets, restarts, axis=0)]
    arrays += [np.repeat(array, restarts, axis=0) for array in inputs]

    chunks = range(0, len(starts), CHUNK)
    progress = keras.utils.Progbar(
        len(chunks) * steps, verbose=verbose, stateful_metrics=["error"], unit_name="step"
    )
    noises, errors = [], []
    with model.averaged_weights():
        networks = [getattr(model, each) for each in endpoint.networks]
        descent = Differentiated(_errors(endpoint), networks)
        for start in chunks:
            part = slice(start, start + CHUNK)
            noise, error = _descend(
                descent,
                starts[part],
                [array[part] for array in arrays],
                endpoint.noise.distribution,
                steps,
                learning_rate,
                progress,
            )
            noises.append(noise)
            errors.append(error)
    noises = np.concatenate(noises).reshape(len(targets), restarts, *endpoint.noise.shape)
    errors = np.concatenate(errors).reshape(len(targets), restarts)
    rows, best = np.arange(len(targets)), errors.argmin(axis=1)
    return noises[rows, best], errors[rows, best]


def _errors(endpoint):
    """The squared error of what each noise makes."""

    def errors(noise, target, *inputs):
        output = endpoint.function(noise, *inputs)
        difference = ops.square(ops.cast(output, "float32") - target)
        return ops.mean(difference, axis=tuple(range(1, len(target.shape))))

    return errors


def _descend(descent, noise, arrays, distribution, steps, learning_rate, progress):
    momentum, scale = np.zeros_like(noise), np.zeros_like(noise)
    for step in range(steps):
        gradient, error = descent.predict_on_batch([noise, *arrays])
        # Adam (Kingma & Ba 2015, algorithm 1). Its step does not depend on the error's scale,
        # which differs by orders of magnitude between models. beta_2 is 0.99, not 0.999: these
        # gradients have no noise, and those of the far start are better forgotten.
        momentum = 0.9 * momentum + 0.1 * gradient
        scale = 0.99 * scale + 0.01 * np.square(gradient)
        mean = momentum / (1 - 0.9 ** (step + 1))
        deviation = np.sqrt(scale / (1 - 0.99 ** (step + 1)))
        rate = learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        noise = _within(noise - rate * mean / (deviation + 1e-8), distribution)
        progress.add(1, [("error", float(error.mean()))])
    return noise, descent.predict_on_batch([noise, *arrays])[1]


def _within(noise, distribution):
    if distribution == "uniform":
        return np.clip(noise, -1.0, 1.0)
    # The norm of normal noise is sqrt(dim) give or take 0.7, in any number of dimensions.
    norm = np.linalg.norm(noise, axis=-1, keepdims=True)
    limit = math.sqrt(noise.shape[-1]) + 3.0
    return noise * np.minimum(1.0, limit / np.maximum(norm, 1e-12))
