"""The zoo: one file per model. `kgan.zoo.load(name)` builds one, `list_models()` names them."""

import importlib
import pkgutil

from kgan.catalog.like import Like
from kgan.catalog.registry import describe, list_models, load, register
from kgan.catalog.transfer import TakenWeights, take_weights
from kgan.utils.packages import shown

__all__ = ["Like", "TakenWeights", "describe", "list_models", "load", "register", "take_weights"]
__dir__ = shown(__all__)

# Each file registers its model when it is imported. Models are reached by name through `load`.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
    # `kgan.zoo.conditional` would look like a function that it is not.
    globals().pop(_module.name, None)
