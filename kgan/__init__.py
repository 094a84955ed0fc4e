"""Generative adversarial networks for Keras 3: a model zoo.

`kgan.zoo.load("dcgan")` gives a built, compiled `keras.Model` that plays the adversarial game
inside `fit`, saves and resumes exactly, and exports to a SavedModel that serves without kgan.
"""

import importlib
import importlib.metadata
import os
import sys

from kgan.utils.packages import explained_imports, shown
from kgan.utils.processor import prefer_onednn

prefer_onednn()

# Of the installed package, so that the version stands once, in setup.cfg.
__version__ = importlib.metadata.version("kgan")

# Where each public name comes from; a name that maps to its own module is that module.
_HOMES = {
    "GAN": "kgan.models",
    "VAEGAN": "kgan.models",
    "AdversarialModel": "kgan.game",
    "Autoencoder": "kgan.models",
    "AuxiliaryClassifierGAN": "kgan.models",
    "CaptionCondition": "kgan.models",
    "ClassifierCondition": "kgan.models",
    "CodeCondition": "kgan.models",
    "Condition": "kgan.models",
    "ConditionalGAN": "kgan.models",
    "DomainTransfer": "kgan.models",
    "Endpoint": "kgan.serving.endpoints",
    "InfoGAN": "kgan.models",
    "LabelCondition": "kgan.models",
    "MatchingCondition": "kgan.models",
    "MaximumEntropyGAN": "kgan.models",
    "Noise": "kgan.serving.endpoints",
    "PairedTranslator": "kgan.models",
    "Player": "kgan.game",
    "SeedGenerator": "kgan.backend.seeds",
    "SharedLatentTranslator": "kgan.models",
    "SpeechEnhancement": "kgan.models",
    "StackGAN": "kgan.models",
    "SuperResolution": "kgan.models",
    "TextToImageGAN": "kgan.models",
    "UnpairedTranslator": "kgan.models",
    "VariationalAutoencoder": "kgan.models",
    "VideoPredictor": "kgan.models",
    "callbacks": "kgan.callbacks",
    "constraints": "kgan.layers.constraints",
    "data": "kgan.data",
    "latent": "kgan.latent",
    "layers": "kgan.layers",
    "losses": "kgan.losses",
    "metrics": "kgan.metrics",
    "networks": "kgan.networks",
    "pictures": "kgan.pictures",
    "report": "kgan.report",
    "schedules": "kgan.game.schedules",
    "zoo": "kgan.zoo",
}

__all__ = list(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'kgan' has no attribute '{name}'")
    module = importlib.import_module(_HOMES[name])
    value = module if module.__name__.endswith(f".{name}") else getattr(module, name)
    globals()[name] = value
    return value


__dir__ = shown([*__all__, "__version__"])


# Everything at once, because keras.saving.load_model finds only classes that are imported already;
# but the zoo, which builds on the library, is reached when it is asked for. The `kgan` command
# waits: Keras takes seconds to import, and `kgan --help` takes none. (A user's script can't be
# meant: beside one called kgan.py, `import kgan` finds that script.)
if os.path.basename((getattr(sys, "argv", None) or [""])[0]) not in ("kgan", "kgan.exe"):
    with explained_imports():
        for _name in __all__:
            if _name != "zoo":
                __getattr__(_name)
