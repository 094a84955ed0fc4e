"""Drawing noise."""

import difflib
import random

import keras
import numpy as np
from keras import ops

from kgan.backend import shared_out
from kgan.utils.hints import Distribution

DISTRIBUTIONS = ("normal", "uniform")


def checked_distribution(noise):
    """Returns `noise` if it names a distribution, and raises otherwise.

    Args:
        noise: `"normal"` or `"uniform"`.

    Raises:
        ValueError: when it is neither.
    """
    if noise not in DISTRIBUTIONS:
        near = difflib.get_close_matches(str(noise), DISTRIBUTIONS, n=1)
        raise ValueError(
            f"`noise` must be one of {list(DISTRIBUTIONS)}. "
            + (f"Did you mean '{near[0]}'? " if near else "")
            + f"Received: noise={noise!r}"
        )
    return noise


def draw(shape, distribution, seed):
    """Noise as a tensor of the backend: N(0, 1) or U(-1, 1).

    Args:
        shape: tuple; the first entry may be a tensor.
        distribution: `"normal"` or `"uniform"`.
        seed: integer or `keras.random.SeedGenerator`.

    Returns:
        Float32 tensor of that shape.
    """
    if distribution == "uniform":
        return shared_out(keras.random.uniform(shape, -1.0, 1.0, dtype="float32", seed=seed))
    return shared_out(keras.random.normal(shape, dtype="float32", seed=seed))


def sample(
    shape: tuple[int, ...],
    distribution: Distribution = "normal",
    *,
    seed: int | None = None,
    truncation: float | None = None,
) -> np.ndarray:
    """Noise as a NumPy array, for `decode`, `predict` and the other functions of this module.

    Args:
        shape: tuple, `(num_samples, latent_dim)`.
        distribution: `"normal"` for N(0, 1) or `"uniform"` for U(-1, 1). Defaults to `"normal"`.
        seed: integer: the same seed gives the same noise. Defaults to a new one each time.
        truncation: float above 0. Normal noise stays within `[-truncation, truncation]`;
            uniform noise is scaled by it, at most 1. Defaults to `None`.

    Returns:
        Float32 array of that shape.

    Raises:
        ValueError: when an argument is out of range.

    Example:
    ```python
    import kgan

    noise = kgan.latent.sample((5, 100), seed=0)
    ```
    """
    checked_distribution(distribution)
    if seed is None:
        # Python's generator, which keras.utils.set_random_seed seeds.
        seed = random.randrange(2**31)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"`seed` must be an integer of at least 0. Received: seed={seed!r}")
    limit = 1.0 if distribution == "uniform" else np.inf
    if truncation is not None and not 0 < truncation <= limit:
        raise ValueError(
            f"truncation must be above 0{' and at most 1' if limit == 1 else ''} for "
            f"{distribution} noise. Received: truncation={truncation!r}"
        )
    if truncation is None or distribution == "uniform":
        noise = ops.convert_to_numpy(draw(shape, distribution, int(seed)))
        return noise if truncation is None else noise * np.float32(truncation)
    from scipy import special

    # The inverse of the normal distribution function, between its values at the two ends.
    uniform = ops.convert_to_numpy(draw(shape, "uniform", int(seed))).astype("float64")
    noise = np.sqrt(2.0) * special.erfinv(special.erf(truncation / 2**0.5) * uniform)
    return np.clip(noise, -truncation, truncation).astype("float32")


def require_generator(model, instead):
    """Name of the first endpoint of a model that draws noise.

    Args:
        model: what was received.
        instead: string, what to use for models without one.

    Raises:
        TypeError: when there is none, or the model is none of kgan's.
    """
    answers = getattr(model, "answers", None)
    if answers is None or answers.generator is None:
        raise TypeError(
            "Only models that make samples from noise can be shown so, such as kgan.GAN. "
            f"{instead} Received: model={type(model).__name__}"
        )
    return answers.generator
