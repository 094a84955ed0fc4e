"""Builders of networks, each returning a functional `keras.Model`."""

from kgan.networks import (
    autoencoders,
    conditioned,
    dcgan,
    mlp,
    patchgan,
    r3gan,
    resnet,
    standard,
    unet,
)

__all__ = [
    "autoencoders",
    "conditioned",
    "dcgan",
    "mlp",
    "patchgan",
    "r3gan",
    "resnet",
    "standard",
    "unet",
]
