"""Builders of networks, each returning a functional `keras.Model`."""

from kgan.networks import conditional, dcgan, mlp, pairs, patchgan, r3gan, resnet, unet

__all__ = ["conditional", "dcgan", "mlp", "pairs", "patchgan", "r3gan", "resnet", "unet"]
