"""Trained weights that ship with the zoo: small files, each with a card, checked by their hash."""

import inspect
import json
import pathlib
import zipfile

import numpy as np
from keras import ops

from kgan.utils.files import atomic_write, check_shipped, hash_of


def folder(builder):
    """Where the weights of a model lie: beside the file of its builder.

    Args:
        builder: function, the model's builder.

    Returns:
        `pathlib.Path`, whether or not it exists.
    """
    try:
        return pathlib.Path(inspect.getfile(builder)).resolve().parent / "weights"
    except TypeError:  # A builder that was written in a notebook or made by another function.
        return pathlib.Path("weights")


def names(builder):
    """The names of the weights that ship for a model, sorted.

    Args:
        builder: function, the model's builder.
    """
    name = builder.__name__
    cards = [json.loads(path.read_text()) for path in folder(builder).glob(f"{name}_*.json")]
    return sorted(card["weights"] for card in cards if card["model"] == name)


def card(builder, name):
    """The card of weights that ship: recipe, scores with their protocol, licence of the data.

    Args:
        builder: function, the model's builder.
        name: string, one of `names(builder)`.

    Returns:
        A dict.

    Raises:
        ValueError: when there are no such weights.
    """
    path = folder(builder) / f"{builder.__name__}_{name}.json"
    if not path.is_file():
        raise ValueError(
            f"No weights of this name ship for the model '{builder.__name__}'. Those that do: "
            f"{names(builder) or 'none'}. Weights of your own come from a file that the model "
            "saved, ending in .keras or .weights.h5. "
            f"Received: weights={name!r}"
        )
    return json.loads(path.read_text())


def save(model, path):
    """Writes the players' networks as one small file: averages where there are any, in float16.

    Use this for weights that are shipped. Optimizers, clock and random states are left out:
    `model.save` keeps those. A rounding of 1 in 2,048 is not seen in samples.

    Args:
        model: a compiled `kgan.AdversarialModel`.
        path: path that ends in `.npz`.

    Returns:
        The SHA-256 of the file, in hexadecimal.

    Raises:
        ValueError: when a weight is not finite in float16.
    """
    with model.averaged_weights():
        arrays = [np.array(ops.convert_to_numpy(weight)) for weight in _weights_of(model)]
    with np.errstate(over="ignore"):  # it is refused below
        halves = [array.astype("float16") if array.dtype.kind == "f" else array for array in arrays]
    for weight, half in zip(_weights_of(model), halves):
        if half.dtype.kind == "f" and not np.isfinite(half).all():
            raise ValueError(
                "A weight is too large for float16, or not finite, so the file would hold another "
                f"model. Received: {weight.path} with values up to {np.abs(half).max()}"
            )
    path = pathlib.Path(path)
    with atomic_write(path) as partial, partial.open("wb") as file:
        # Numbered, because a name would change with Keras's counters.
        np.savez_compressed(file, **{f"{i:04d}": half for i, half in enumerate(halves)})
    return hash_of(path)


def restore(model, path, sha256=None):
    """Puts what `save` wrote into a model of the same options.

    Args:
        model: a `kgan.AdversarialModel`.
        path: path of the file.
        sha256: string, the hash that the file must have. Defaults to `None`: any.

    Raises:
        ValueError: when the file is missing, is another, or does not fit; the model is then as it
            was.
    """
    check_shipped(path, sha256)
    try:
        with np.load(path) as file:  # NumPy reads no Python objects: they run no code.
            arrays = [file[key] for key in sorted(file.files)]
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"The file {pathlib.Path(path).name} is damaged, or holds no weights. Expected what "
            f"kgan.catalog.weights.save wrote. Take another copy. Received: {path} ({error})"
        ) from error
    weights = _weights_of(model)
    expected, received = [tuple(w.shape) for w in weights], [array.shape for array in arrays]
    if expected != received:
        differing = [pair for pair in zip(expected, received) if pair[0] != pair[1]]
        raise ValueError(
            "The weights were trained with other options than these: leave out the options that "
            f"change networks. Received: {len(received)} arrays for {len(expected)} weights, the "
            f"first of another shape (model, file): {differing[:1]}"
        )
    for weight, array in zip(weights, arrays):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(
                f"The file {pathlib.Path(path).name} holds weights that are NaN or infinite. Take "
                f"one that was saved before training broke. Received: values of {weight.path}"
            )
    for weight, array in zip(weights, arrays):
        weight.assign(array.astype(weight.dtype))
    model.averages.restart()


def _weights_of(model):
    networks = dict.fromkeys(
        network for player in model.players.values() for network in player.networks
    )
    weights = [weight for network in networks for weight in getattr(model, network).weights]
    return list({id(weight): weight for weight in weights}.values())
