"""Adversarial losses, penalties and other terms: functions that return numbers."""

import difflib
import inspect

from kgan.losses.adversarial import (
    AdversarialLoss,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticAverage,
    RelativisticPairing,
    Wasserstein,
)
from kgan.losses.emphasized import EmphasizedDistance
from kgan.losses.gradient_difference import gradient_difference
from kgan.losses.historical import HistoricalAveraging
from kgan.losses.likelihoods import (
    Bernoulli,
    DiscretizedLogistic,
    Gaussian,
    Likelihood,
    get_likelihood,
    standard_normal_divergence,
)
from kgan.losses.matching import FeatureMatching, feature_matching
from kgan.losses.penalties import DRAGAN, R1, R2, GradientPenalty, Penalty
from kgan.losses.potential import QuadraticPotential
from kgan.losses.reconstruction import get_reconstruction
from kgan.losses.spectral import SegmentalScore, SpectralDistance
from kgan.losses.variation import total_variation
from kgan.utils.packages import shown

_LOSSES = {
    "hinge": Hinge,
    "least_squares": LeastSquares,
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "relativistic_average": RelativisticAverage,
    "relativistic_pairing": RelativisticPairing,
    "wasserstein": Wasserstein,
}


def get(
    identifier: str | type[AdversarialLoss] | AdversarialLoss, *, label_smoothing: float = 0.0
) -> AdversarialLoss:
    """Return an adversarial loss from its name, a class or an instance.

    Use this where a model takes a loss as an argument, so that `"hinge"` is enough when the
    defaults are wanted and `Minimax(label_smoothing=0.1)` is possible when they are not.

    Args:
        identifier: an `AdversarialLoss`, returned unchanged; a subclass of it, called without
            arguments; or one of `"hinge"`, `"least_squares"`, `"minimax"`, `"non_saturating"`,
            `"relativistic_average"`, `"relativistic_pairing"`, `"wasserstein"`.
        label_smoothing: float in [0, 1), for a loss given by name: the discriminator's target
            for real samples is `1 - label_smoothing`. Defaults to 0.0.

    Returns:
        An `AdversarialLoss`.

    Raises:
        ValueError: if the name is not one of these; the message suggests the nearest one.
        TypeError: if `identifier` is none of the three.

    Example:
    ```python
    import kgan

    loss = kgan.losses.get("non_saturating")
    ```
    """
    if label_smoothing and not isinstance(identifier, str):
        raise ValueError(
            "`label_smoothing` only applies to a loss given by name. Set it on the loss itself, "
            "such as `Minimax(label_smoothing=0.1)`. "
            f"Received: identifier={identifier!r}, label_smoothing={label_smoothing!r}"
        )
    if isinstance(identifier, AdversarialLoss):
        return identifier
    if inspect.isclass(identifier) and issubclass(identifier, AdversarialLoss):
        return identifier()
    if not isinstance(identifier, str):
        raise TypeError(
            "Could not interpret `identifier` as an adversarial loss. Expected the name of a loss, "
            'an `AdversarialLoss` or a subclass of it. Pass for example "non_saturating", or '
            "subclass `kgan.losses.AdversarialLoss`. "
            f"Received: identifier={identifier!r} (type {type(identifier).__name__})"
        )
    if identifier not in _LOSSES:
        nearest = difflib.get_close_matches(identifier.lower(), _LOSSES, n=1, cutoff=0.5)
        hint = f'Did you mean "{nearest[0]}"?' if nearest else "Pass one of these names."
        names = ", ".join(f'"{name}"' for name in _LOSSES)
        raise ValueError(
            f"Unknown adversarial loss. Expected one of {names}. {hint} "
            f"Received: identifier={identifier!r}"
        )
    loss = _LOSSES[identifier]
    if not label_smoothing:
        return loss()
    if "label_smoothing" not in inspect.signature(loss).parameters:
        raise ValueError(
            f'The loss "{identifier}" has no targets to smooth. Expected label_smoothing=0, or one '
            'of "least_squares", "minimax", "non_saturating". '
            f"Received: label_smoothing={label_smoothing!r}"
        )
    return loss(label_smoothing=label_smoothing)


__all__ = [
    "DRAGAN",
    "R1",
    "R2",
    "AdversarialLoss",
    "Bernoulli",
    "DiscretizedLogistic",
    "EmphasizedDistance",
    "FeatureMatching",
    "Gaussian",
    "GradientPenalty",
    "Hinge",
    "HistoricalAveraging",
    "LeastSquares",
    "Likelihood",
    "Minimax",
    "NonSaturating",
    "Penalty",
    "QuadraticPotential",
    "RelativisticAverage",
    "RelativisticPairing",
    "SegmentalScore",
    "SpectralDistance",
    "Wasserstein",
    "feature_matching",
    "get",
    "get_likelihood",
    "get_reconstruction",
    "gradient_difference",
    "standard_normal_divergence",
    "total_variation",
]
__dir__ = shown(__all__)
