"""Generative adversarial networks for Keras 3: a model zoo.

`kgan.zoo.load("dcgan")` gives a built, compiled `keras.Model` that plays the adversarial game
inside `fit`, saves and resumes exactly, and exports to a SavedModel that serves without kgan.
"""

import importlib
import os
import sys

# Everything at once, because keras.saving.load_model finds only classes that are imported already.
# The `kgan` command alone waits: Keras takes seconds to import, and --help shall take none. (A
# user's script can't be meant: beside one called kgan.py, `import kgan` finds that script.)
if os.path.basename((getattr(sys, "argv", None) or [""])[0]) not in ("kgan", "kgan.exe"):
    from kgan import callbacks, data, latent, losses, networks, random
    from kgan.game import AdversarialModel, Player
    from kgan.gan import GAN

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "AdversarialModel",
    "Player",
    "callbacks",
    "data",
    "latent",
    "losses",
    "networks",
    "random",
    "zoo",
]

_homes = {"GAN": "kgan.gan", "AdversarialModel": "kgan.game", "Player": "kgan.game"}


def __getattr__(name):
    # The zoo builds on the library, so it is always reached lazily: dependencies point one way.
    if name not in __all__:
        raise AttributeError(f"module 'kgan' has no attribute '{name}'")
    if name in _homes:
        return getattr(importlib.import_module(_homes[name]), name)
    return importlib.import_module(f"kgan.{name}")


def __dir__():
    return sorted({*globals(), *__all__})
