"""The zoo: one file per model. `kgan.zoo.load(name)` builds one, `list_models()` names them."""

from kgan.registry import describe, list_models, load, register
from kgan.zoo import dcgan, vanilla

__all__ = ["describe", "list_models", "load", "register"]

# The modules are reached by name through `load`; they only had to run.
del dcgan, vanilla
