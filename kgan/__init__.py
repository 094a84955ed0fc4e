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
    from kgan import (
        callbacks,
        constraints,
        data,
        latent,
        layers,
        losses,
        metrics,
        networks,
        pictures,
        random,
        report,
        schedules,
    )
    from kgan.conditional import AuxiliaryClassifierGAN, ConditionalGAN
    from kgan.game import AdversarialModel, Player
    from kgan.gan import GAN
    from kgan.information import InfoGAN
    from kgan.translation import PairedTranslator
    from kgan.unpaired_translation import UnpairedTranslator

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "AdversarialModel",
    "AuxiliaryClassifierGAN",
    "ConditionalGAN",
    "InfoGAN",
    "PairedTranslator",
    "Player",
    "UnpairedTranslator",
    "callbacks",
    "constraints",
    "data",
    "latent",
    "layers",
    "losses",
    "metrics",
    "networks",
    "pictures",
    "random",
    "report",
    "schedules",
    "zoo",
]

_homes = {
    "GAN": "kgan.gan",
    "AdversarialModel": "kgan.game",
    "AuxiliaryClassifierGAN": "kgan.conditional",
    "ConditionalGAN": "kgan.conditional",
    "InfoGAN": "kgan.information",
    "Player": "kgan.game",
    "PairedTranslator": "kgan.translation",
    "UnpairedTranslator": "kgan.unpaired_translation",
}


def __getattr__(name):
    # The zoo builds on the library, so it is always reached lazily: dependencies point one way.
    if name not in __all__:
        raise AttributeError(f"module 'kgan' has no attribute '{name}'")
    if name in _homes:
        return getattr(importlib.import_module(_homes[name]), name)
    return importlib.import_module(f"kgan.{name}")


def __dir__():
    return sorted({*globals(), *__all__})
