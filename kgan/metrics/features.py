"""The classifier of digits, so that metrics compare what images show."""

import functools
import json
import pathlib
from typing import Literal

import keras
import numpy as np
from keras import layers

from kgan.utils.arguments import check_count
from kgan.utils.files import check_shipped
from kgan.utils.hints import Data
from kgan.utils.pixels import to_float

_FOLDER = pathlib.Path(__file__).resolve().parent
WEIGHTS = _FOLDER / "digit_judge.weights.h5"
CARD = _FOLDER / "digit_judge.json"


def digit_judge(weights: Literal["mnist"] | None = "mnist") -> keras.Model:
    """A classifier of handwritten digits, trained by us on MNIST and shipped with kgan.

    Use this to find out which digits a generator makes: for the accuracy of conditional models, to
    count modes, and as the feature extractor of distances between distributions of digits. The
    features are the output of its layer "features":
    `keras.Model(classifier.input, classifier.get_layer("features").output)`.

    `digit_judge.json` beside this file is its card: accuracy on MNIST's test images, recipe, seed
    and the hash of the weights. `python benchmarks/train_judge.py` retrains it.

    Args:
        weights: `"mnist"` for the shipped weights, or `None` for new ones. Defaults to `"mnist"`.

    Returns:
        A `keras.Model` from float images (n, 28, 28, 1) in [-1, 1], white on black, to the logits
        (n, 10) of the digits. It computes in float32 under any dtype policy.

    Raises:
        ValueError: when `weights` is neither, or the shipped file does not match the card.

    Example:

    ```python
    import numpy as np

    import kgan

    classifier = kgan.metrics.digit_judge()
    logits = classifier(np.zeros((4, 28, 28, 1), "float32"))  # (4, 10)
    ```
    """
    if weights not in ("mnist", None):
        raise ValueError(
            f'`weights` must be "mnist", or None for new ones. Received: weights={weights!r}'
        )
    # Its outputs must not depend on the dtype policy of the model that is evaluated.
    float32 = {"dtype": "float32"}
    inputs = keras.Input((28, 28, 1), name="images", **float32)
    x = inputs
    for index, (filters, pool) in enumerate(((24, True), (48, False), (48, True)), 1):
        x = layers.Conv2D(filters, 3, use_bias=False, name=f"convolution_{index}", **float32)(x)
        x = layers.BatchNormalization(name=f"normalization_{index}", **float32)(x)
        x = layers.ReLU(name=f"rectifier_{index}", **float32)(x)
        if pool:
            x = layers.MaxPooling2D(name=f"pool_{index}", **float32)(x)
    x = layers.Flatten(name="flatten", **float32)(x)  # (n, 4 * 4 * 48)
    x = layers.Dropout(0.3, seed=0, name="dropout", **float32)(x)
    x = layers.Dense(96, activation="relu", name="features", **float32)(x)
    logits = layers.Dense(10, name="logits", **float32)(x)
    classifier = keras.Model(inputs, logits, name="digit_judge")
    if weights is not None:
        _check_hash()
        classifier.load_weights(WEIGHTS)
    return classifier


def read_digits(
    images: Data, classifier: keras.Model | None = None, batch_size: int = 500
) -> tuple[np.ndarray, np.ndarray]:
    """Classifies images of digits, and returns the digits and their probabilities.

    Use this on the output of `generate`: any number of images, as uint8 or floats.

    Args:
        images: array (n, 28, 28, 1) or (n, 28, 28), white on black, uint8 or floats in [-1, 1].
        classifier: another `keras.Model` from such images to 10 logits. Defaults to `None`, the
            shipped one, which is loaded only once.
        batch_size: integer, images per pass. Defaults to 500.

    Returns:
        Two NumPy arrays (n,): the digits as int64, and the probabilities that the classifier
        gives them, as float32.

    Raises:
        ValueError: when the images are of another shape or range.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits", size=28)[:20]  # not from MNIST
    digits, confidences = kgan.metrics.read_digits(images)
    ```
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.shape[1:] != (28, 28, 1):
        raise ValueError(
            "The classifier takes grey images of 28x28, as MNIST's. Resize them, or pass one "
            f"channel at a time: images[..., :1]. Received: images of shape {images.shape}"
        )
    batch_size = check_count("batch_size", batch_size)
    classifier = classifier or shared_classifier()
    logits = np.zeros((len(images), 10), "float32")
    for start in range(0, len(images), batch_size):
        batch = _scaled(images[start : start + batch_size])
        logits[start : start + len(batch)] = classifier.predict_on_batch(batch)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return logits.argmax(axis=1), odds.max(axis=1) / odds.sum(axis=1)


@functools.cache
def shared_classifier():
    """The shipped classifier, loaded once for every use that does not train it."""
    return digit_judge()


def _scaled(images):
    if images.dtype.kind in "iu":
        return to_float(images)
    # Written so that NaN, which compares false, raises an error too.
    if not (np.abs(images) <= 1.0).all():
        raise ValueError(
            "The classifier takes uint8 images or floats in [-1, 1]. Scale floats in 0..255 with "
            f"images / 127.5 - 1. Received: floats from {images.min():.4g} to {images.max():.4g}"
        )
    return images.astype("float32")


def _check_hash():
    remedy = "Reinstall kgan, or train the classifier: python benchmarks/train_judge.py."
    check_shipped(CARD, remedy=remedy)
    check_shipped(WEIGHTS, json.loads(CARD.read_text())["sha256"], remedy)
