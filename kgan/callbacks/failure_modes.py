"""The failure modes of a game that `Health` knows, how it tells them, and what helps."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

_ACCURACIES = ("accuracy_real", "accuracy_fake")
_LOOKS = 4  # in a row at which a discriminator that is always right is no chance


@dataclasses.dataclass(frozen=True)
class FailureMode:
    """One way in which a game goes wrong.

    Args:
        name: string, its usual name.
        holds: function from the list of all figures so far, the newest last, to a sentence that
            says what was seen, or `None`.
        advice: string, what helps.
        from_the_start: boolean. Others are not looked for before the warm-up is over, because every
            game begins with poor samples. Defaults to `False`.
    """

    name: str
    holds: Callable
    advice: str
    from_the_start: bool = False


def _collapsed(history):
    now = history[-1]
    if now.get("answers_inputs"):
        return None  # There is no noise that it could ignore: see `_ignores_inputs`.
    if now["diversity"] < 0.4:
        return (
            f"generated samples are {now['diversity']:.0%} as far apart as real ones: many noises "
            "give the same sample"
        )
    if now["precision"] > 0.6 and now["coverage"] < 0.4 * now["precision"]:
        return (
            f"{now['precision']:.0%} of the generated samples lie where real ones do, but only "
            f"{now['coverage']:.0%} of the real ones have a generated one near them: whole kinds "
            "of samples are missing"
        )
    return None


def _ignores_inputs(history):
    now = history[-1]
    if now.get("answers_inputs") and now["diversity"] < 0.4:
        return (
            f"translations are {now['diversity']:.0%} as far apart as real samples of their kind: "
            "different inputs get nearly the same answer"
        )
    return None


def _too_strong(history):
    now = history[-1]
    if "accuracy_real" not in now or min(now["accuracy_real"], now["accuracy_fake"]) < 0.99:
        return None
    for name in now:
        if not (name.startswith("generator") and name.endswith("_gradient_norm")):
            continue
        norms = [figures.get(name, math.nan) for figures in history]
        largest = np.nanmax(norms) if np.isfinite(norms).any() else math.nan
        if norms[-1] < 0.01 * largest:
            player = name.removesuffix("_gradient_norm")
            return (
                f"the discriminator tells all samples apart, and the gradient of the {player} has "
                f"fallen to {norms[-1]:.2g}, below a hundredth of what it was ({largest:.2g}): it "
                "learns nothing more"
            )
    divergence = now.get("jensen_shannon", 0.0)
    if divergence > 0.98 * math.log(2.0):
        return (
            "the discriminator tells all samples apart with certainty: the divergence that its "
            f"loss shows is {divergence:.3f} nats, and log 2 = 0.693 is the most there can be"
        )
    return _stands_apart(history)


def _stands_apart(history):
    """A discriminator that is always right, while the samples come no nearer to the data."""
    looks = history[-_LOOKS:]
    if len(looks) < _LOOKS or not history[-1].get("has_threshold"):
        return None
    worst = min(min(look.get(name, 0.0) for name in _ACCURACIES) for look in looks)
    first, last = looks[0].get("energy", math.nan), looks[-1].get("energy", math.nan)
    # Early in a healthy run it is always right, too; but there the samples come nearer.
    if worst < 0.99 or not (last > 0.05 and last > 0.9 * first):
        return None
    return (
        f"at each of the last {_LOOKS} looks the discriminator told {worst:.0%} of the samples "
        f"apart or more, and the samples come no nearer to the data: their energy distance is "
        f"{last:.2g}, and was {first:.2g}"
    )


def _too_weak(history):
    now = history[-1]
    if not now.get("has_threshold") or "accuracy_real" not in now:
        return None  # Of a critic's scores, only the difference of the means has a meaning.
    accuracy = (now["accuracy_real"] + now["accuracy_fake"]) / 2
    if accuracy < 0.6 and now["energy"] > 0.1:
        return (
            f"the discriminator is right {accuracy:.0%} of the time, and so only guesses, while "
            f"the samples are plainly not the data's (energy distance {now['energy']:.2f} of 1)"
        )
    return None


def _diverged(history):
    now = history[-1]
    if math.isnan(now["diversity"]):
        return "generated samples, or their features, hold NaN or infinite values"
    for name, value in now.items():
        if name.endswith("_gradient_norm"):
            smallest = min(figures.get(name, math.inf) for figures in history)
            if value > max(1e3 * smallest, 1e4):
                return f"{name} is {value:.3g}, and was {smallest:.3g}"
        if name.endswith("_loss") and abs(value) > 1e4:
            return f"{name} is {value:.3g}"
    return None


def _memorised(history):
    if history[-1].get("answers_inputs"):
        return None  # The right answer to a training input is its own target.
    nearness = history[-1].get("nearness", 1.0)
    # Of held-out samples, and of models that do not copy, it is 0.9 and more.
    if nearness < 0.6:
        return (
            f"generated samples are {nearness:.0%} as far from their nearest training sample as "
            "training samples are from each other: they are copies"
        )
    return None


FAILURE_MODES = (
    FailureMode(
        "divergence",
        _diverged,
        "Load the last good checkpoint. Lower the learning rates, give the optimizers "
        "clipnorm=1.0, and a Wasserstein loss its penalty (kgan.losses.GradientPenalty); or load "
        '"wgan_gp".',
        from_the_start=True,
    ),
    FailureMode(
        "mode collapse",
        _collapsed,
        'Load "minibatch_discrimination" or "pacgan", whose discriminators see many samples at '
        'once, or "wgan_gp" or "r3gan"; or let the discriminator learn faster or more often '
        "(its optimizer's learning rate, discriminator_steps).",
    ),
    FailureMode(
        "inputs ignored",
        _ignores_inputs,
        "Early translations are grey and blurred: train on. If it stays, lower the discriminator's "
        "learning rate, or give the likeness to the target more weight (reconstruction_weight of "
        '"pix2pix", cycle_weight and identity_weight of "cyclegan").',
    ),
    FailureMode(
        "discriminator too strong",
        _too_strong,
        'Take loss="non_saturating" instead of "minimax", add a penalty, kgan.losses.R1(1.0), '
        "or label_smoothing=0.1, lower the discriminator's learning rate, or, with little data, "
        "give the model augmentation=kgan.layers.DifferentiableAugmentation().",
    ),
    FailureMode(
        "discriminator too weak",
        _too_weak,
        "Raise the discriminator's learning rate or width, let it move more often "
        "(discriminator_steps, where the model has it), or lower its penalties and "
        "label_smoothing.",
    ),
    FailureMode(
        "memorisation",
        _memorised,
        "Bring more data, or augmentation=kgan.layers.DifferentiableAugmentation(); stop earlier "
        "(kgan.callbacks.BestMoment), or take smaller networks. Look at the samples beside their "
        "nearest training samples.",
    ),
)
