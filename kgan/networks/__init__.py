"""Builders of networks, each returning a functional `keras.Model`."""

from kgan.networks import (
    autoencoders,
    conditioned,
    dcgan,
    enlargement,
    mlp,
    multiscale,
    patchgan,
    r3gan,
    resnet,
    segan,
    speech,
    stacked,
    standard,
    text,
    unet,
)
from kgan.utils.packages import shown

__all__ = [
    "autoencoders",
    "conditioned",
    "dcgan",
    "enlargement",
    "mlp",
    "multiscale",
    "patchgan",
    "r3gan",
    "resnet",
    "segan",
    "speech",
    "stacked",
    "standard",
    "text",
    "unet",
]
__dir__ = shown(__all__)
