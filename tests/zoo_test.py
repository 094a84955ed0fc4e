"""The standard test of every model of the zoo: a new model brings nothing but its golden values."""

from standard import *  # noqa: F403

import kgan

NAMES = kgan.zoo.list_models()


def test_every_golden_value_belongs_to_a_model(request):
    for what in ("losses", "optimizers", "parameters"):
        assert list(golden(request.module, what)) == NAMES  # noqa: F405
