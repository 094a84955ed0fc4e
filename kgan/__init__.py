"""Generative adversarial networks for Keras 3: a model zoo.

`kgan.zoo.load("dcgan")` gives a built, compiled `keras.Model` that plays the adversarial game
inside `fit`, saves and resumes exactly, and exports to a SavedModel that serves without kgan.
"""

import importlib

from kgan import callbacks, data, latent, layers, losses, networks
from kgan.gan import GAN
from kgan.game import AdversarialModel, Player

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "AdversarialModel",
    "Player",
    "callbacks",
    "data",
    "latent",
    "layers",
    "losses",
    "networks",
    "zoo",
]


def __getattr__(name):
    # The zoo builds on the library: reached lazily, dependencies point one way.
    if name == "zoo":
        return importlib.import_module("kgan.zoo")
    raise AttributeError(f"module 'kgan' has no attribute '{name}'")
