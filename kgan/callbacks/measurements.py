"""What a `Health` callback measures, in NumPy: logits, spread, neighbours."""

import numpy as np
from keras import ops

from kgan.pictures.history import FOR_DIAGNOSES

__all__ = ["FOR_DIAGNOSES", "SPREAD", "Nearness", "accuracies", "jensen_shannon", "spread"]

# What `spread` finds.
SPREAD = ("diversity", "coverage", "precision", "energy")
_NEIGHBOURS = 5


def accuracies(loss, real, fake):
    """The shares of real and of generated samples that the discriminator tells for what they are.

    Args:
        loss: the `kgan.losses.AdversarialLoss` that it is trained by. Where it has no threshold,
            the middle of the two mean logits divides real from fake.
        real: array of logits of real samples, any shape.
        fake: array of logits of generated samples, any shape.

    Returns:
        Two floats in [0, 1]: 1/2 and 1/2 for one that only guesses.
    """
    threshold = None if loss is None else loss.threshold
    if threshold is None:
        threshold = (real.mean() + fake.mean()) / 2.0
    # What lies on the threshold itself is a guess.
    above, on = real > threshold, real == threshold
    below, on_fake = fake < threshold, fake == threshold
    return float(above.mean() + on.mean() / 2), float(below.mean() + on_fake.mean() / 2)


def spread(real, fake):
    """How a batch of generated samples lies in space, beside an equally large real one.

    Args:
        real: float array (n, dim) of real samples, or of their features.
        fake: float array (n, dim) of generated ones.

    Returns:
        A dict of floats. `diversity`: mean distance of two generated samples over that of two real
        ones, 0 when all are the same. `coverage`: share of the real samples that have a generated
        one within the distance of their 5th real neighbour (Naeem et al. 2020, equation 4).
        `precision`: share of the generated samples that lie within such a ball (Kynkaanniemi et al.
        2019, equation 1). `energy`: the energy distance of the two batches over twice their mean
        distance, 0 for one distribution, 1 for two points (Szekely and Rizzo 2013).
    """
    from sklearn.metrics.pairwise import euclidean_distances

    among_real, among_fake = euclidean_distances(real), euclidean_distances(fake)
    between = euclidean_distances(real, fake)
    mean_real, mean_fake = _mean_of_pairs(among_real), _mean_of_pairs(among_fake)
    place = min(_NEIGHBOURS, len(real) - 1)
    radius = np.sort(among_real, axis=1)[:, place]  # place 0 is the sample itself
    inside = between <= radius[:, None]
    energy = 1.0 - (mean_real + mean_fake) / (2.0 * between.mean()) if between.any() else 0.0
    diversity = mean_fake / mean_real if mean_real else 1.0
    coverage, precision = inside.any(axis=1).mean(), inside.any(axis=0).mean()
    found = (diversity, coverage, precision, energy)
    return {name: float(figure) for name, figure in zip(SPREAD, found, strict=True)}


class Nearness:
    """How near generated samples come to training data, beside how near real ones are.

    Args:
        real: float array (n, dim), training data without repetitions.
        num_samples: integer, real samples whose nearest others say what is usual.
    """

    def __init__(self, real, num_samples):
        from sklearn.neighbors import NearestNeighbors

        self.real = real
        self._neighbours = NearestNeighbors(algorithm="brute").fit(real)
        # Real samples are measured once, not at each look. Each is its own nearest neighbour.
        rows = np.random.default_rng(0).choice(len(real), min(num_samples, len(real)), False)
        self._usual = self._median(real[rows], 2) if len(real) > 1 else 0.0

    def __call__(self, fake):
        """The median distance of a sample of `fake` (m, dim) to its nearest real one.

        Over that of a real sample to its nearest other: about 1 for new samples, 0 for copies.
        """
        # Of one training sample alone nothing is usual.
        return float(self._median(fake, 1) / self._usual) if self._usual else 1.0

    def _median(self, samples, place):
        return np.median(self._neighbours.kneighbors(samples, place)[0][:, -1])


def jensen_shannon(loss, real, fake):
    """The estimate that `loss` gives of the Jensen-Shannon divergence, in nats, or `None`."""
    if loss is None:
        return None
    value = loss.jensen_shannon(ops.convert_to_tensor(real), ops.convert_to_tensor(fake))
    return None if value is None else float(ops.convert_to_numpy(value))


def _mean_of_pairs(distances):
    count = len(distances)
    return (distances.sum() - np.trace(distances)) / max(1, count * (count - 1))
