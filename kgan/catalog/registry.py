"""The registry of models: a function is a model, and its name is the model's name."""

import difflib
import fnmatch
import inspect
import zipfile

import numpy as np

from kgan.catalog import weights as shipped
from kgan.catalog.card import Card
from kgan.data.inspection import describe_data

_builders = {}


def _normalize(name):
    return str(name).lower().replace("-", "").replace("_", "")


def register(builder):
    """Registers a builder function: the function's name becomes a model's name.

    Args:
        builder: function whose keyword options, all with defaults and a docstring, are the
            model's, and which returns a compiled `kgan.AdversarialModel`.

    Returns:
        The builder, unchanged.

    Raises:
        ValueError: when another function has the name, or an option has no default.

    Example:

    ```python
    import kgan


    @kgan.zoo.register
    def tiny(sample_shape=(2,), latent_dim=2):
        \"\"\"A very small GAN.\"\"\"
        model = kgan.GAN(
            generator=kgan.networks.mlp.generator(sample_shape, latent_dim, units=(8,)),
            discriminator=kgan.networks.mlp.discriminator(sample_shape, units=(8,)),
        )
        model.compile(optimizer="adam")
        return model


    model = kgan.zoo.load("tiny")
    ```
    """
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
    for name, option in inspect.signature(builder).parameters.items():
        if option.default is option.empty:
            raise ValueError(
                f"Every option of a model needs a default, so that load('{builder.__name__}') "
                f"works. Received: option '{name}' without one"
            )
    _builders[key] = builder
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


def load(name, *, like=None, weights=None, compile=True, **options):
    """A built, compiled model of the zoo, ready for `fit`.

    Args:
        name: string, a model of `list_models()`; case, `-` and `_` are ignored.
        like: array, dataset or shape of one sample, or a pair `(x, y)` of arrays. Fills the
            options that follow from data, such as `image_shape`, `num_classes` and
            `target_channels`. Defaults to `None`.
        weights: name of trained weights that ship with kgan for this model, where `describe(name)`
            lists any. They bring the options that they were trained with, and need no
            `like`. Or path of a `.keras` or `.weights.h5` file that this model saved with these
            options. All that is in it is restored: networks, optimizers with their averages, clock,
            random states. Defaults to `None`: fresh weights.
        compile: boolean. With `False` the model comes without optimizers. Defaults to `True`.
        **options: the model's own, listed by `describe(name)`.

    Returns:
        A `kgan.AdversarialModel`.

    Raises:
        ValueError: when there is no such model, option or file; it names what there is.

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
        card = shipped.card(builder.__name__, weights)
        # JSON has no tuples, and the models' options know no lists.
        trained = {k: tuple(v) if isinstance(v, list) else v for k, v in card["options"].items()}
        options = {**trained, **options}
    if like is not None:
        found = _options_from_data(builder, like)
        if card is not None:
            _check_same_data(builder, weights, trained, found)
        options = {**found, **options}
    model = builder(**options)
    if not compile:
        model = type(model).from_config(model.get_config())
    if card is not None:
        shipped.restore(model, shipped.folder() / card["file"], card["sha256"])
    elif weights is not None:
        _restore(model, weights)
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
    found = describe_data(like)
    legal = inspect.signature(builder).parameters
    shape_options = [option for option in ("image_shape", "sample_shape") if option in legal]
    if not shape_options:
        raise ValueError(
            f"The model '{builder.__name__}' takes no shape from data. Its options are "
            f"{list(legal)}. Received: like of shape {found['shape']}"
        )
    options = {shape_options[0]: found["shape"]}
    target = found["target_shape"]
    if target is not None and "target_channels" in legal:
        if target[:-1] != found["shape"][:-1]:
            raise ValueError(
                f"The model '{builder.__name__}' makes images of the size of those that it reads. "
                "Resize one side, for example with kgan.data.load(..., size=...). "
                f"Received: like of shapes {found['shape']} and {target}"
            )
        options["target_channels"] = target[-1]
    if "num_classes" in legal and found["num_classes"]:
        options["num_classes"] = found["num_classes"]
    return options


def _restore(model, weights):
    path = str(weights)
    if not path.endswith((".keras", ".weights.h5")):
        raise ValueError(
            "Weights come from a file that the model saved, ending in .keras or .weights.h5. "
            f"Received: weights={weights!r}"
        )
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"These weights do not fit the model '{model.name}' with these options, or the file is "
            f"missing or broken: {error} Received: weights={weights!r}"
        ) from error


def list_models(pattern="*"):
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


def describe(name):
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
    return Card.of(builder, builder())
