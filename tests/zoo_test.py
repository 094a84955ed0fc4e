"""The standard test of every model of the zoo: a new model brings nothing but its golden values."""

from standard import *  # noqa: F403

import kgan
from kgan.catalog.registry import builder_of

# Without those that other tests register.
NAMES = [
    name for name in kgan.zoo.list_models() if builder_of(name).__module__.startswith("kgan.zoo.")
]


def test_every_golden_value_belongs_to_a_model(request):
    for what in ("losses", "optimizers", "parameters"):
        assert list(golden(request.module, what)) == NAMES  # noqa: F405
