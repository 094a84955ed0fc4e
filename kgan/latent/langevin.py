"""Metropolis-adjusted Langevin steps."""

import math
import random
from collections.abc import Callable

import numpy as np

from kgan.utils.arguments import check_count, check_positive
from kgan.utils.hints import Data


def langevin(
    potential: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    start: Data,
    *,
    steps: int,
    step_size: float,
    seed: int | None = None,
    bound: float = math.inf,
) -> tuple[np.ndarray, np.ndarray]:
    """Samples of the density `exp(-potential)`, by a chain of Langevin steps from each start.

    Use this for noise whose samples a model finds likely, as
    `kgan.MaximumEntropyGAN.generate(refine=...)` does, or with a potential of your own.

    Reference: Roberts and Tweedie 1996, "Exponential Convergence of Langevin Distributions and
    Their Discrete Approximations": `z' = z - step_size * gradient(z) + sqrt(2 *
    step_size) * N(0, I)` is proposed, and taken with the probability `min(1, p(z') q(z | z') /
    (p(z) q(z' | z)))`. Otherwise the chain stays where it is. So the density is exact in the long
    run, whatever the step size. The author's code of maximum entropy generators takes norms in `q`
    where the formula has their squares.

    Proposals and decisions are drawn and computed in NumPy: the same seed gives the same chain, up
    to the rounding of the potential.

    Args:
        potential: function from points (n, dim) to their potentials (n,) and its gradients
            (n, dim): minus the logarithm of the density, up to a constant.
        start: array (n, dim).
        steps: integer of at least 0.
        step_size: float above 0. The larger, the farther a step goes, and the more are refused:
            with between 40 and 80 % taken a chain moves fastest.
        seed: integer. Defaults to a new one each time.
        bound: float: the density is zero where a coordinate is beyond, so that steps there are
            refused. Defaults to infinity.

    Returns:
        A tuple of arrays: the points after the last step, float32 (n, dim), and the share of steps
        that each chain took, float (n,), NaN without steps.

    Raises:
        TypeError: when an argument is no number.
        ValueError: when an argument is out of range.

    Example:
    ```python
    import numpy as np
    import kgan

    def potential(z):
        return 0.5 * np.sum((z - 3.0) ** 2, axis=1), z - 3.0

    points, taken = kgan.latent.langevin(
        potential, np.zeros((100, 2)), steps=50, step_size=0.5, seed=0
    )  # of a mean of about 3
    ```
    """
    check_count("steps", steps, minimum=0)
    check_positive("step_size", step_size, 0.01)
    here = np.asarray(start, "float32")
    # Another stream than that of the same seed's starts.
    rng = np.random.default_rng([1, random.randrange(2**31) if seed is None else seed])
    taken = np.zeros(len(here))
    height, slope = _evaluated(potential, here) if steps and len(here) else (taken, here)
    for _ in range(steps if len(here) else 0):
        pushes = rng.standard_normal(here.shape)
        there = here - step_size * slope + math.sqrt(2 * step_size) * pushes
        there = there.astype("float32")
        new_height, new_slope = _evaluated(potential, there)
        # The logarithms of q(z | z') and q(z' | z), up to the same constant.
        back = -_squared(here - there + step_size * new_slope) / (4 * step_size)
        forth = -_squared(there - here + step_size * slope) / (4 * step_size)
        # A NaN is refused too.
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = height - new_height + back - forth
            moves = np.log(rng.random(len(here))) < ratio
        moves &= (np.abs(there) <= bound).all(axis=1)
        here = np.where(moves[:, None], there, here)
        height = np.where(moves, new_height, height)
        slope = np.where(moves[:, None], new_slope, slope)
        taken += moves
    return here, taken / steps if steps else np.full(len(here), np.nan)


def _evaluated(potential, points):
    heights, slopes = potential(points)
    return np.asarray(heights, "float64"), np.asarray(slopes, "float64")


def _squared(differences):
    return np.sum(np.square(differences), axis=1)
