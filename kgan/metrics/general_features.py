"""The network that metrics see pictures with, and how one is trained on a user's own."""

import functools
import json
import math
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np
from keras import layers

from kgan.metrics.samples import read, resize
from kgan.utils.arguments import check_count
from kgan.utils.files import check_shipped
from kgan.utils.hints import Data
from kgan.utils.pixels import to_float

if TYPE_CHECKING:
    from kgan.metrics.extractors import Extractor

SIDE = 64  # pixels, which images of any size are resized to
_FOLDER = pathlib.Path(__file__).resolve().parent
WEIGHTS = _FOLDER / "image_features.npz"
CARD = _FOLDER / "image_features.json"
# Filters, kernel and stride of each convolution, and which of them are seen by their means.
_CONVOLUTIONS = ((24, 5, 2), (48, 3, 2), (64, 3, 1), (96, 3, 2), (128, 3, 1), (160, 3, 2))
_SEEN = (2, 4, 6)
# Its outputs must not depend on the dtype policy of the model that is evaluated.
_FLOAT32 = {"dtype": "float32"}
_HELD_OUT = 0.1
_FEWEST = 20


def image_features(weights: Literal["drawn_scenes"] | None = "drawn_scenes") -> keras.Model:
    """A small network that sees pictures of any kind, trained by us and shipped with kgan.

    Use this as the feature extractor of distances between images, which between pixels prefer
    smudges to sharp images. Metrics use it by themselves: `extractor="image_features"`. It was
    trained to tell what is on scenes that a program drew: shapes, letters, textures, how blurred
    and how noisy they are. It knows edges, textures and shapes, and no objects of the world: where
    you have labels, `train_extractor` makes one that knows your images' kinds.

    The features are the means over the image of three of its layers: edges and noise from the first
    (48 numbers), textures from the second (96), shapes from the third (160), each scaled to a
    spread of one on the scenes. `image_features.json` beside this file is its card, and `python
    benchmarks/train_image_features.py` trains it again. What fools distances between its features
    is measured in docs/benchmarks.md.

    Args:
        weights: `"drawn_scenes"` for the shipped weights, or `None` for new ones. Defaults to
            `"drawn_scenes"`.

    Returns:
        A `keras.Model` from float images (n, 64, 64, 3) in [-1, 1] to features (n, 304). It
        computes in float32 under any dtype policy.

    Raises:
        ValueError: when `weights` is neither, or the shipped file does not match the card.

    Example:

    ```python
    import numpy as np

    import kgan

    network = kgan.metrics.image_features()
    features = network(np.zeros((4, 64, 64, 3), "float32"))  # (4, 304)
    ```
    """
    if weights not in ("drawn_scenes", None):
        raise ValueError(
            f'`weights` must be "drawn_scenes", or None for new ones. Received: weights={weights!r}'
        )
    inputs = keras.Input((SIDE, SIDE, 3), name="images", **_FLOAT32)
    x, means = inputs, []
    drawn = weights is None
    for index in range(1, len(_CONVOLUTIONS) + 1):
        x = layers.ReLU(name=f"rectifier_{index}", **_FLOAT32)(_normalized(x, index, drawn))
        if index in _SEEN:
            means.append(layers.GlobalAveragePooling2D(name=f"mean_{index}", **_FLOAT32)(x))
    x = layers.Concatenate(name="means", **_FLOAT32)(means)
    x = layers.BatchNormalization(
        momentum=0.9, center=False, scale=False, name="features", **_FLOAT32
    )(x)
    network = keras.Model(inputs, x, name="image_features")
    if weights is not None:
        network.set_weights(_shipped())
    return network


def feature_maps() -> keras.Model:
    """The maps of the shipped network that `image_features` takes means of, for images of any size.

    Use this as the `content` of a `kgan.SuperResolution`: images are then to be alike in what these
    maps see, before their activation (Wang et al. 2018, "ESRGAN", section 3.2).

    Returns:
        A `keras.Model` from float images (n, height, width, 3) in [-1, 1] to three maps, at
        a quarter, an eighth and a sixteenth of their size. It computes in float32.

    Raises:
        ValueError: when the shipped file does not match its card.

    Example:

    ```python
    import numpy as np

    import kgan

    edges, textures, shapes = kgan.metrics.feature_maps()(np.zeros((1, 96, 80, 3), "float32"))
    assert edges.shape == (1, 24, 20, 48)
    ```
    """
    inputs = keras.Input((None, None, 3), name="images", **_FLOAT32)
    x, maps = inputs, []
    for index in range(1, len(_CONVOLUTIONS) + 1):
        y = _normalized(x, index, drawn=False)
        if index in _SEEN:
            maps.append(y)
        x = layers.ReLU(name=f"rectifier_{index}", **_FLOAT32)(y)
    network = keras.Model(inputs, maps, name="feature_maps")
    # The last weights of the file belong to what comes after the maps.
    network.set_weights(_shipped()[: len(network.weights)])
    return network


def _normalized(x, index, drawn):
    # Weights that a file replaces at once are not drawn: JAX compiles a program for each shape that
    # it draws, which took longer than all else that `Health` compiles.
    filters, kernel, stride = _CONVOLUTIONS[index - 1]
    x = layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="glorot_uniform" if drawn else "zeros",
        name=f"convolution_{index}",
        **_FLOAT32,
    )(x)
    return layers.BatchNormalization(momentum=0.9, name=f"normalization_{index}", **_FLOAT32)(x)


def _shipped():
    remedy = "Reinstall kgan, or train it: python benchmarks/train_image_features.py."
    check_shipped(CARD, remedy=remedy)
    check_shipped(WEIGHTS, json.loads(CARD.read_text())["sha256"], remedy)
    with np.load(WEIGHTS) as file:
        return [file[name].astype("float32") for name in file.files]


def save_weights(network, path):
    """Writes the weights as float16, half a megabyte in place of one and a half."""
    arrays = {f"{i:02}": w.astype("float16") for i, w in enumerate(network.get_weights())}
    np.savez_compressed(path, **arrays)


@functools.cache
def shared_network():
    """The shipped network, loaded once for every use that does not train it."""
    return image_features()


def train_extractor(
    images: Data,
    labels: Data,
    *,
    epochs: int = 10,
    batch_size: int = 64,
    seed: int = 0,
    print_fn: Callable[[str], Any] | None = print,
) -> "Extractor":
    """Trains an extractor that knows the kinds of your images, for every metric.

    Use this where you have labels, or can make some: distances between features of a network that
    was taught what matters in your images see more than those of a general one. It starts from
    `image_features`, learns to tell the labels, and its features are then all that is kept.
    Evaluate with one and the same extractor: values of two do not compare.

    Args:
        images: uint8 images (n, height, width) or (n, height, width, channels), grey or colour, of
            any size, or floats in [-1, 1]. A thousand are a start; a tenth is held out.
        labels: array (n,) of integers or strings, at least two kinds.
        epochs: integer, passes over the images. Defaults to 10.
        batch_size: integer. Defaults to 64.
        seed: integer seed of the held-out tenth, the order and the new weights. Defaults to 0.
        print_fn: function that is told how many of the held-out images the network reads rightly,
            or `None`. Defaults to `print`.

    Returns:
        A `kgan.metrics.Extractor`. `save("mine.keras")` keeps it, and the path is an extractor for
        any metric: `FrechetDistance("mine.keras")`.

    Raises:
        ValueError: when images and labels do not fit together, there are fewer than 20 images, or
            all are of one kind.

    Example:

    ```python
    import kgan

    images, labels = kgan.data.load("digits", labels=True)
    mine = kgan.metrics.train_extractor(images[:200], labels[:200], epochs=1)
    mine.save("run/mine.keras")
    metric = kgan.metrics.FrechetDistance("run/mine.keras")
    ```
    """
    from kgan.metrics.extractors import Extractor

    images = read(images, "images", as_images=True, whole=True)
    kinds, labels = np.unique(np.asarray(labels), return_inverse=True)
    if labels.shape != (len(images),) or len(images) < _FEWEST or len(kinds) < 2:
        raise ValueError(
            f"An extractor learns from at least {_FEWEST} images with one label each, of two kinds "
            f"or more. Received: {len(images)} images, labels of shape {np.shape(labels)}, "
            f"{len(kinds)} kind(s)"
        )
    if images.shape[-1] not in (1, 3):
        raise ValueError(
            "An extractor learns from images in grey or colour. Take one or three of the channels. "
            f"Received: images of shape {images.shape}"
        )
    epochs, batch_size = check_count("epochs", epochs), check_count("batch_size", batch_size)
    random = np.random.default_rng(check_count("seed", seed, minimum=0))
    held, learned = np.split(random.permutation(len(images)), [round(_HELD_OUT * len(images))])
    network = image_features()
    start = keras.initializers.GlorotUniform(seed=int(random.integers(2**31)))
    head = layers.Dense(len(kinds), kernel_initializer=start, dtype="float32", name="labels")
    classifier = keras.Model(network.input, head(network.output))
    per_pass, size = math.ceil(len(learned) / batch_size), min(batch_size, len(learned))
    classifier.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, epochs * per_pass)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # XLA compiles for longer than so small a network trains, where there is a choice.
        jit_compile=keras.config.backend() == "jax",
    )
    for _ in range(epochs):
        # The last batch is filled up with the first images: another size would be compiled again.
        for batch in np.resize(random.permutation(learned), (per_pass, size)):
            classifier.train_on_batch(_as_seen(images[batch]), labels[batch])
    if print_fn is not None:
        answers = [
            classifier.predict_on_batch(_as_seen(images[held[start : start + batch_size]]))
            for start in range(0, len(held), batch_size)
        ]
        right = float((np.concatenate(answers).argmax(axis=1) == labels[held]).mean())
        most = np.bincount(labels).max() / len(labels)
        print_fn(
            f"The extractor reads {right:.1%} of {len(held)} held-out images rightly; the most "
            f"frequent label is right in {most:.1%}."
        )
    own = keras.Model(network.input, network.output, name="own_image_features")
    return Extractor(own)


def _as_seen(images):
    """Images as the network takes them, floats (n, 64, 64, 3)."""
    images = to_float(images) if images.dtype.kind in "iu" else images
    images = resize(images, (SIDE, SIDE))
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images
