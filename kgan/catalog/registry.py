"""The registry of models: a function is a model, and its name is the model's name."""

import difflib
import fnmatch
import functools
import inspect
import json
import numbers
import pathlib
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from kgan.backend.variable_memory import checked_variables
from kgan.catalog import weights as shipped
from kgan.catalog.card import Card
from kgan.catalog.like import (
    Like,
    captioned_images,
    enlargements,
    image_pairs,
    next_frames,
    noisy_signals,
)
from kgan.game import state_files
from kgan.game.saving import Saving
from kgan.utils.arguments import check_rate
from kgan.utils.hints import Data

__all__ = [
    "Like",
    "captioned_images",
    "describe",
    "enlargements",
    "image_pairs",
    "list_models",
    "next_frames",
    "load",
    "noisy_signals",
    "register",
]

_builders = {}
_likes = {}
_tiny = {}
_brought = {}


def _normalize(name):
    return str(name).lower().replace("-", "").replace("_", "")


def register(
    builder: Callable[..., Any] | None = None,
    *,
    like: Like | None = None,
    tiny: dict[str, Any] | None = None,
    brought: Callable[[], dict[str, Any]] | None = None,
) -> Callable[..., Any]:
    """Registers a builder function: the function's name becomes a model's name.

    Args:
        builder: function whose keyword options, all with defaults and a docstring, are the
            model's, and which returns a compiled `kgan.AdversarialModel`.
        like: a `kgan.zoo.Like`, how data becomes options in `load(name, like=data)`. Defaults to
            `None`: the model takes none.
        tiny: dict of options that make the model as small as makes sense, for tests, beside those
            that all models share, such as widths. Defaults to none.
        brought: function without arguments that makes a dict of what only a user can bring, such as
            a trained network, where the builder refuses to do without: the card and tests take it
            as an example. Defaults to none.

    Returns:
        The builder, unchanged; without a builder, a decorator.

    Raises:
        TypeError: when `like` is no `Like`.
        ValueError: when another function has the name, or an option has no default.

    Example:

    ```python
    import kgan


    @kgan.zoo.register(like=kgan.zoo.Like("sample_shape"))
    def tiny(sample_shape=(2,), latent_dim=2):
        \"\"\"A very small GAN.\"\"\"
        model = kgan.GAN(
            generator=kgan.networks.mlp.generator(sample_shape, latent_dim, units=(8,)),
            discriminator=kgan.networks.mlp.discriminator(sample_shape, units=(8,)),
        )
        model.compile(optimizer="adam")
        return model


    model = kgan.zoo.load("tiny", like=kgan.data.ring(100))
    ```
    """
    if builder is None:
        return functools.partial(register, like=like, tiny=tiny, brought=brought)
    if like is not None and not isinstance(like, Like):
        raise TypeError(
            'How data becomes options is a kgan.zoo.Like, such as kgan.zoo.Like("sample_shape"). '
            f"Received: like={like!r}"
        )
    key = _normalize(builder.__name__)
    known = _builders.get(key)
    # A notebook cell that runs twice, or a reloaded module, registers the same model again.
    if known is not None and known.__qualname__ + known.__module__ != (
        builder.__qualname__ + builder.__module__
    ):
        raise ValueError(
            f"A model named '{known.__name__}' is registered already, by {known.__module__}. Give "
            f"your function another name. Received: {builder.__module__}.{builder.__name__}"
        )
    options = inspect.signature(builder).parameters
    for name, option in options.items():
        if option.default is option.empty:
            raise ValueError(
                f"Every option of a model needs a default, so that load('{builder.__name__}') "
                f"works. Received: option '{name}' without one"
            )
    named = (*(like.names if like else ()), *(tiny or {}))
    lacking = [name for name in named if name not in options]
    if lacking:
        raise ValueError(
            f"`like` and `tiny` fill options that the builder has. Received: {lacking} for "
            f"'{builder.__name__}', whose options are {list(options)}"
        )
    _builders[key] = builder
    _tiny[builder.__name__] = dict(tiny or {})
    _brought[builder.__name__] = brought or dict
    _likes.pop(builder.__name__, None)
    if like is not None:
        _likes[builder.__name__] = like
    return builder


def builder_of(name):
    """The builder function of a model.

    Args:
        name: string; case, `-` and `_` are ignored.

    Raises:
        ValueError: when no model has the name; it names the nearest.
    """
    if not isinstance(name, str) or _normalize(name) not in _builders:
        near = difflib.get_close_matches(_normalize(name), _builders, n=1, cutoff=0.5)
        hint = f"Did you mean '{_builders[near[0]].__name__}'? " if near else ""
        raise ValueError(
            f"There is no model of this name in the zoo. {hint}The models are {list_models()}. "
            f"Received: name={name!r}"
        )
    return _builders[_normalize(name)]


def options_of(name):
    """The names of a model's options."""
    return list(inspect.signature(builder_of(name)).parameters)


def tiny_options_of(name):
    """What makes a model as small as makes sense, as its builder says: a dict of options."""
    return {**brought_options_of(name), **_tiny.get(builder_of(name).__name__, {})}


def brought_options_of(name):
    """An example of what only a user can bring to a model: a dict of options."""
    return _brought.get(builder_of(name).__name__, dict)()


def like_of(name):
    """How data becomes a model's options: its `Like`, or `None`."""
    return _likes.get(builder_of(name).__name__)


def takes_data(builder):
    """Whether a model's builder says how data becomes its options."""
    return builder.__name__ in _likes


def takes_labels(builder):
    """Whether a model is told of labels beside its samples."""
    return takes_data(builder) and _likes[builder.__name__].takes_labels


def load(
    name: str,
    *,
    like: Data = None,
    weights: str | None = None,
    compile: bool = True,
    **options: Any,
) -> Any:
    """A built, compiled model of the zoo, ready for `fit`.

    Args:
        name: string, a model of `list_models()`; case, `-` and `_` are ignored.
        like: array, dataset or shape of one sample, a tuple of arrays with one for each field of
            the model, or a `kgan.data.Field` or a tuple of them. Fills the options that follow from
            data, such as `image_shape`, `num_classes` and `target_channels`. Defaults to `None`.
        weights: name of trained weights that ship with kgan for this model, where `describe(name)`
            lists any, or path of a `.keras` or `.weights.h5` file that this model saved. Both bring
            the options that they were trained with, and need no `like`. Of a file, all is restored:
            networks, optimizers with their averages, clock, random states. Defaults to `None`:
            fresh weights.
        compile: boolean. With `False` the model comes without optimizers. Defaults to `True`.
        **options: the model's own, listed by `describe(name)`.

    Returns:
        A `kgan.AdversarialModel`.

    Raises:
        MemoryError: when its networks are larger than the memory that is free.
        ValueError: when there is no such model, option or file, or an option contradicts those of
            the weights; it names what there is.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")
    model = kgan.zoo.load("dcgan", like=images, width=16)
    model.fit(images[:64], verbose=0)
    ```
    """
    builder = builder_of(name)
    legal = inspect.signature(builder).parameters
    unknown = [option for option in options if option not in legal]
    if unknown:
        near = difflib.get_close_matches(unknown[0], legal, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise ValueError(
            f"The model '{builder.__name__}' has no option '{unknown[0]}'. {hint}"
            f"Its options are {list(legal)}. Received: {unknown[0]}={options[unknown[0]]!r}"
        )
    card = None
    if isinstance(weights, str) and not weights.endswith((".keras", ".weights.h5")):
        card = shipped.card(builder, weights)
        # JSON has no tuples, and the models' options know no lists.
        trained = {k: tuple(v) if isinstance(v, list) else v for k, v in card["options"].items()}
        options = {**trained, **options}
    if like is not None:
        found = _options_from_data(builder, like)
        if card is not None:
            _check_same_data(builder, weights, trained, found)
        options = {**found, **options}
    if weights is not None and card is None:
        options = _with_options_of_file(builder, weights, options)
    for option, value in options.items():
        if option.endswith("learning_rate") and isinstance(value, numbers.Real):
            check_rate(option, value)
    said = ", ".join(f"{key}={value!r}" for key, value in options.items()) or "its defaults"
    with checked_variables(
        f"The model '{builder.__name__}' with {said}", "Choose smaller options, such as its width."
    ):
        model = builder(**options)
    if not compile:
        weights_of_it = model.get_weights()
        model = type(model).from_config(model.get_config())
        # A frozen network that the user brought is nothing without its weights.
        model.set_weights(weights_of_it)
    if isinstance(model, Saving):
        model.built_with = _recorded(builder, options)
    if card is not None:
        shipped.restore(model, shipped.folder(builder) / card["file"], card["sha256"])
    elif weights is not None:
        model.load_weights(weights)
    return model


def _check_same_data(builder, weights, trained, found):
    others = {
        name: (value, trained[name])
        for name, value in found.items()
        if name in trained and tuple(np.ravel(value)) != tuple(np.ravel(trained[name]))
    }
    if others:
        raise ValueError(
            f"The weights '{weights}' of the model '{builder.__name__}' were trained on other data "
            "than this. Bring yours to the same shape and classes, or leave `weights` out. "
            f"Received: (data, weights) of {others}"
        )


def _options_from_data(builder, like):
    if builder.__name__ not in _likes:
        raise ValueError(
            f"The model '{builder.__name__}' takes no shape from data: its builder does not say "
            'how. Register it with @kgan.zoo.register(like=kgan.zoo.Like("sample_shape")), or give '
            f"its options, {list(inspect.signature(builder).parameters)}, by hand. "
            f"Received: like of type {type(like).__name__}"
        )
    return _likes[builder.__name__].options(like)


def _recorded(builder, options):
    """What a model is built with, as its files keep it: those options that JSON knows."""
    kept = {}
    for name, option in inspect.signature(builder).parameters.items():
        try:
            kept[name] = json.loads(json.dumps(options.get(name, option.default)))
        except (TypeError, ValueError):
            continue  # Such as a function, which has to be given again.
    return types.MappingProxyType({"model": builder.__name__, "options": kept})


def _with_options_of_file(builder, weights, given):
    """The options of a file of weights, where it knows them, and those given beside."""
    if not str(weights).endswith((".keras", ".weights.h5")):
        raise ValueError(
            "Weights come from a file that the model saved, ending in .keras or .weights.h5. "
            f"Received: weights={weights!r}"
        )
    try:
        with state_files.opened(weights) as file:
            made = state_files.built_with(file)
    except FileNotFoundError as error:
        raise ValueError(str(error)) from error
    if made is None:
        return given
    if made["model"] != builder.__name__:
        raise ValueError(
            f"The file {pathlib.Path(weights).name} was saved by another model. Load it with "
            f"kgan.zoo.load({made['model']!r}, weights=...). Received: name={builder.__name__!r}"
        )
    other = [
        f"{name}={value!r} where the file has {made['options'][name]!r}"
        for name, value in _recorded(builder, given)["options"].items()
        if name in given and name in made["options"] and value != made["options"][name]
    ]
    if other:
        raise ValueError(
            f"The file {pathlib.Path(weights).name} was saved with other options. Leave out what "
            f"differs, which then is as in the file. Received: {'; '.join(other)}"
        )
    unknown = [
        name for name in made["options"] if name not in inspect.signature(builder).parameters
    ]
    if unknown:
        raise ValueError(
            f"The file {pathlib.Path(weights).name} was saved with options that the model "
            f"'{builder.__name__}' does not have in this version. Make the model by hand and call "
            f"its load_weights. Received: {unknown}"
        )
    # JSON has no tuples, and the models' options know no lists.
    stored = {k: tuple(v) if isinstance(v, list) else v for k, v in made["options"].items()}
    return {**stored, **given}


def list_models(pattern: str = "*") -> list[str]:
    """The names of the zoo's models, sorted.

    Args:
        pattern: string with shell wildcards. Defaults to `"*"`.

    Returns:
        List of strings.

    Example:

    ```python
    import kgan

    assert "dcgan" in kgan.zoo.list_models("*gan")
    ```
    """
    names = sorted(builder.__name__ for builder in _builders.values())
    return [name for name in names if fnmatch.fnmatch(name, pattern)]


def describe(name: str) -> Card:
    """A model's card: paper, summary, options, players, sizes, scores, deviations.

    Args:
        name: string, a model of `list_models()`.

    Returns:
        A `Card`; print it, or read its attributes.

    Raises:
        ValueError: when no model has the name.

    Example:

    ```python
    import kgan

    print(kgan.zoo.describe("dcgan"))
    ```
    """
    builder = builder_of(name)
    return Card.of(builder, builder(**brought_options_of(name)))
