"""Builders of networks, each returning a functional `keras.Model`."""

from kgan.networks import dcgan, mlp

__all__ = ["dcgan", "mlp"]
