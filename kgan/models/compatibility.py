"""Checks that the parts and the networks of a GAN fit together."""

import keras

from kgan import losses
from kgan.backend import keras_internals
from kgan.models.conditions import Condition
from kgan.utils.arguments import check_part


def checked_penalties(penalties):
    """Returns penalties as a tuple, and raises `TypeError` where they are something else."""
    is_sequence = isinstance(penalties, list | tuple)
    if not is_sequence or any(not isinstance(each, losses.Penalty) for each in penalties):
        raise TypeError(
            "`penalties` is a tuple of penalties of kgan.losses, or of your own kgan.losses.Penalty"
            ". Pass for example penalties=(kgan.losses.R1(10.0),). "
            f"Received: penalties={penalties!r}"
        )
    return tuple(penalties)


def check_parts(model):
    """Raises where a part of a `kgan.GAN` is not an object of its kind, or parts do not fit."""
    for name, kind, example in (
        ("condition", Condition, "kgan.LabelCondition(10)"),
        ("feature_matching", losses.FeatureMatching, "kgan.losses.FeatureMatching()"),
        ("historical_averaging", losses.HistoricalAveraging, "kgan.losses.HistoricalAveraging(1)"),
        ("augmentation", keras.layers.Layer, "kgan.layers.DifferentiableAugmentation()"),
    ):
        check_part(name, getattr(model, name), kind, example)
    if model.shared_draws and model.discriminator_steps > 1:
        raise ValueError(
            "Turns share their draws where both players move on every batch. Set shared_draws="
            "False, or discriminator_steps=1. "
            f"Received: shared_draws=True, discriminator_steps={model.discriminator_steps}"
        )


def check_networks(model, condition):
    """Raises where the generator, the discriminator and the condition do not fit together.

    Args:
        model: the `kgan.GAN`.
        condition: its `kgan.Condition`.

    Raises:
        ValueError: when shapes or numbers of inputs differ.
    """
    made = tuple(model.generator.output_shape[1:])
    read = tuple(model.discriminator.inputs[0].shape[1:])
    if made != read:
        raise ValueError(
            "The discriminator must read what the generator makes: build both for one shape. "
            f"Received: generator output {made}, discriminator input {read}"
        )
    for player, first in (("generator", "noise"), ("discriminator", "samples")):
        told = condition.num_inputs if player in condition.networks else 0
        found = len(getattr(model, player).inputs)
        if found != 1 + told:
            wanted = f"{1 + told} inputs, {first} and the condition" if told else "one input"
            raise ValueError(
                f"With condition={model.condition!r}, the {player} must take {wanted}. Build the "
                "network for it, or give the model the condition that it takes, such as "
                f"kgan.LabelCondition(num_classes). Received: {found} inputs"
            )


def check_penalties(penalties, terms, discriminator):
    """Raises where penalties do not fit beside the terms, or the discriminator.

    Args:
        penalties: tuple of penalties of `kgan.losses`.
        terms: names of the discriminator's other terms.
        discriminator: `keras.Model`.

    Raises:
        ValueError: when names are taken, or a penalty that is defined per sample meets layers that
            mix the samples of a batch.
    """
    names = [penalty.name for penalty in penalties]
    taken = {*terms, "historical_averaging", "loss"}
    if len(set(names)) < len(names) or taken & set(names):
        raise ValueError(
            "Each penalty is logged under its name, so names must differ, and "
            f"{sorted(taken)} are taken. Received: penalties named {names}"
        )
    per_sample = [penalty.name for penalty in penalties if penalty.per_sample]
    mixing = [
        layer
        for layer in keras_internals.all_layers(discriminator)
        if isinstance(layer, keras.layers.BatchNormalization)
        or getattr(layer, "mixes_samples", False)
    ]
    if per_sample and mixing:
        advice = "Leave the layer or the penalty out (for kgan's networks: pack=1, no head)"
        if isinstance(mixing[0], keras.layers.BatchNormalization):
            advice = (
                "Use LayerNormalization or no normalization in the discriminator (for the "
                "networks of kgan: normalization=False)"
            )
        raise ValueError(
            f"The penalty {per_sample[0]} is defined per sample, but "
            f"{type(mixing[0]).__name__} makes the discriminator's answer for one sample "
            f"depend on the others. {advice}. "
            f"Received: layers {[layer.name for layer in mixing[:3]]}"
        )
