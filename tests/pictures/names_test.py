"""A user's names are drawn as they are: a dollar begins no formula."""

import kgan
from kgan import drawing

NAMES = ("cost_$US", "$\\frac{$", "a $b$ c")


def test_metrics_whose_names_hold_a_dollar_are_drawn():
    history = {name: [1.0, 2.0] for name in NAMES}
    assert kgan.pictures.plot_history({**history, "generator_loss": [1.0, 2.0]}).ndim == 3


def test_classes_whose_names_hold_a_dollar_are_drawn_as_they_are():
    assert drawing.bars(list(NAMES), [1, 2, 3]).ndim == 3
