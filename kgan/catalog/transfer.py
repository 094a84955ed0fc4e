"""Fine-tuning: a new model takes the weights of a trained one, as far as they fit."""

import dataclasses
import difflib
import math
from typing import Any

import numpy as np
from keras import ops


@dataclasses.dataclass(frozen=True)
class TakenWeights:
    """What `take_weights` took.

    Print it for a line.

    Args:
        taken: integer, how many parameters were taken.
        total: integer, how many parameters the model has.
        left: dict of network -> list of what did not fit and stays fresh, as `layer (shape)`.

    Example:

    ```python
    import kgan

    first = kgan.zoo.load("dcgan", like=(8, 8, 1), width=4)
    second = kgan.zoo.load("dcgan", like=(8, 8, 3), width=4)
    taken = kgan.zoo.take_weights(second, first)
    assert 0 < taken.taken < taken.total and taken.left
    ```
    """

    taken: int
    total: int
    left: dict

    def __str__(self):
        text = f"{self.taken:,} of {self.total:,} parameters taken"
        if not self.left:
            return text
        parts = []
        for network, layers in self.left.items():
            more = f" and {len(layers) - 4} more" if len(layers) > 4 else ""
            parts.append(f"{network}: {', '.join(layers[:4])}{more}")
        return f"{text}; fresh because nothing fits: {'; '.join(parts)}"


def take_weights(model: Any, source: Any) -> TakenWeights:
    """Gives a model's networks the weights of another one, layer by layer, where they fit.

    Use this to fine-tune: on other data, at another size of images, or with another number of
    classes, a model learns sooner from trained weights than from fresh ones. Networks are found by
    their names. Their layers are compared in order by kind and shapes; a layer that fits none stays
    as it is. Averaged weights are taken where the other has any. Optimizers, clock and random
    states stay the model's own: training begins at step 0.

    Args:
        model: a `kgan.AdversarialModel`.
        source: another one, such as of `keras.saving.load_model("run/best.keras")`.

    Returns:
        A `TakenWeights`, which says what was taken and what was left.

    Raises:
        ValueError: when nothing fits; the model is then as it was.

    Example:

    ```python
    import kgan

    trained = kgan.zoo.load("dcgan", image_shape=(8, 8, 1), width=8)
    model = kgan.zoo.load("dcgan", image_shape=(8, 8, 3), width=8)
    print(kgan.zoo.take_weights(model, trained))  # all but the first and last convolution
    ```
    """
    names = dict.fromkeys(name for player in model.players.values() for name in player.networks)
    taken, total, left, moves = 0, 0, {}, []
    with source.averaged_weights():
        for name in names:
            mine = _layers(getattr(model, name))
            other = getattr(source, name, None)
            its = [] if other is None else _layers(other)
            pairs = _fitting(mine, its)
            for place, group in enumerate(mine):
                size = sum(math.prod(weight.shape) for weight in group)
                total += size
                if place in pairs:
                    taken += size
                    values = [np.array(ops.convert_to_numpy(w)) for w in its[pairs[place]]]
                    moves += zip(group, values)
                else:
                    left.setdefault(name, []).append(_words(group))
    if not moves:
        raise ValueError(
            "No layer of the trained model fits one of the new model, so nothing could be taken. "
            "Expected a model of the same kind with similar options, above all the same width. "
            f"Received: a {type(source).__name__} '{source.name}' for a {type(model).__name__} "
            f"'{model.name}'"
        )
    for weight, value in moves:
        weight.assign(value)
    model.averages.restart()
    return TakenWeights(taken, total, left)


def _layers(network):
    """The weights of a network by layer, in order: a list of lists."""
    groups = {}
    for weight in network.weights:
        groups.setdefault(weight.path.rpartition("/")[0], []).append(weight)
    return list(groups.values())


def _key(group):
    return tuple((weight.name, tuple(weight.shape)) for weight in group)


def _fitting(mine, its):
    """Which layer of the one list fits which of the other, in the same order: a dict of places."""
    keys = [[_key(group) for group in groups] for groups in (mine, its)]
    blocks = difflib.SequenceMatcher(None, *keys, autojunk=False).get_matching_blocks()
    return {a + i: b + i for a, b, size in blocks for i in range(size)}


def _words(group):
    layer = group[0].path.split("/")[-2] if "/" in group[0].path else group[0].name
    return f"{layer} ({'x'.join(map(str, group[0].shape))})"
