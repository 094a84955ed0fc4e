"""Extractors: the features by which metrics compare samples."""

import functools
import hashlib
from typing import Any, Literal, Self

import keras
import numpy as np

from kgan.data.checks import check, check_batch
from kgan.data.fields import Images, Vectors, of_samples, of_shape
from kgan.data.inspection import received, to_numpy
from kgan.metrics.features import shared_classifier
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Data, Features, Shape
from kgan.utils.pixels import to_float

# Numbers per pass through a network: 64 MB, which keep large images from filling the memory.
_PASS = 2**24
_HEADS = ("features", "logits", "images")
RESIZER = "Pillow's bicubic filter, antialiased"


class Extractor:
    """Turns samples into the vectors that metrics compare.

    Use this to extract features once and use them many times; metrics make their own from their
    argument `extractor`.

    Args:
        source: what extracts the features.

            * `None`: the samples themselves, flattened, images in [-1, 1].
            * `"digit_judge"`: 96 numbers of the layer "features" of `kgan.metrics.digit_judge`, on
              grey images.
            * `"inception"`: 2 048 numbers of the InceptionV3 of Keras Applications, whose weights
              are downloaded once. It is *not* the network of 2015 that published FIDs are made
              with, so the two are not comparable.
            * A `keras.Model` from images in [-1, 1], or from vectors, to numbers.
            * A function of float images in [-1, 1], or of vectors, that returns an array (n, ...).

            Networks get images of the size that they were built for: others are resized with
            Pillow's bicubic filter, antialiased (Parmar et al. 2022, "On aliased resizing and
            surprising subtleties in GAN evaluation"). Grey images are repeated for a network that
            takes colour; colour is an error for one that takes grey. Defaults to `None`.
        head: `"features"`; `"logits"`, for the classes of the named networks; or
            `"images"`, for the samples themselves, not flattened. Models and functions have one
            output, whatever its name. Defaults to `"features"`.
        per_channel: boolean. Takes each channel as a grey image, as stacked digits need it.
            Defaults to `False`.
        batch_size: integer, samples per pass, fewer where they are large. Defaults to 500.

    Raises:
        TypeError: when the source is none of these.
        ValueError: when there is no network of that name, or samples do not fit it.

    Example:

    ```python
    import kgan

    extract = kgan.metrics.Extractor("digit_judge")
    features = extract(kgan.data.load("digits", size=28)[:50])  # (50, 96)
    ```
    """

    def __init__(
        self,
        source: Features = None,
        head: Literal["features", "logits", "images"] = "features",
        per_channel: bool = False,
        batch_size: int = 500,
    ) -> None:
        if isinstance(source, str) and source not in ("digit_judge", "inception"):
            raise ValueError(
                '`source` must be "digit_judge", "inception", a keras.Model, a function, or '
                f"None for the samples themselves. Received: {source!r}"
            )
        if source is not None and not isinstance(source, str) and not callable(source):
            raise TypeError(
                '`source` must be "digit_judge", "inception", a keras.Model, a function, or '
                f"None for the samples themselves. Received: a {type(source).__name__}"
            )
        if head not in _HEADS:
            raise ValueError(f"`head` must be one of {_HEADS}. Received: head={head!r}")
        self.source, self.head, self.per_channel = source, head, bool(per_channel)
        self.batch_size = check_count("batch_size", batch_size)
        self._fingerprint = None

    @classmethod
    def get(cls, source: Features, **arguments: Any) -> Self:
        """Returns an extractor: `source` itself if it is one, one from a config, or a new one."""
        if isinstance(source, cls):
            return source
        fingerprint = None
        if isinstance(source, dict):
            fingerprint = source.get("fingerprint")
            source = keras.saving.deserialize_keras_object(source["object"])
        extractor = cls(source, **arguments)
        extractor._fingerprint = fingerprint
        return extractor

    @property
    def key(self) -> tuple[Any, ...]:
        """A key that is equal for extractors that return the same features."""
        source = self.source
        name = source if source is None or isinstance(source, str) else id(source)
        return name, self.head, self.per_channel

    @property
    def own_network(self) -> keras.Model | None:
        """The user's model, or `None` for any other source."""
        return self.source if isinstance(self.source, keras.Model) else None

    def __call__(self, samples: Data, name: str = "samples") -> np.ndarray:
        """Returns the float vectors (n, dim) of samples, or images for the head "images"."""
        wants_images = self.head == "images" or self.per_channel
        samples = read(samples, name, wants_images or self._reads_images)
        if self.head == "images" or self.source is None:
            # Metrics keep references, and a caller may overwrite the array.
            rows = _floats(samples)
            rows = rows.copy() if np.may_share_memory(rows, samples) else rows
            return rows if self.head == "images" else rows.reshape(len(samples), -1)
        count, channels = len(samples), 1
        if self.per_channel:
            channels = samples.shape[-1]
            samples = samples.transpose(0, 3, 1, 2).reshape(-1, *samples.shape[1:3], 1)
        network = self._network()
        numbers = max(samples[0].size, int(np.prod([n or 1 for n in self.input_shape or ()])))
        step = max(1, min(self.batch_size, _PASS // numbers))
        found = []
        for start in range(0, len(samples), step):
            batch = _floats(samples[start : start + step])
            output = network(self._fitted(batch, name))
            if isinstance(output, (list, tuple, dict)):
                raise TypeError(
                    "An extractor must return one array, and this one returned several. Wrap it: "
                    "keras.Model(model.input, model.get_layer(name).output). "
                    f"Received: a {type(output).__name__}"
                )
            output = to_numpy(output, "features")
            if output.shape[:1] != batch.shape[:1]:
                raise ValueError(
                    "An extractor must return one row per sample. "
                    f"Received: {output.shape} for samples of shape {batch.shape}"
                )
            if not np.isfinite(output).all():
                raise ValueError(
                    "An extractor must return finite features. Check its weights, and whether it "
                    "was trained on images of another scale than [-1, 1]. "
                    f"Received: NaN or infinite features of {name}"
                )
            found.append(output.reshape(len(batch), -1))
        return np.concatenate(found).reshape(count, channels * found[0].shape[1])

    @property
    def _reads_images(self):
        shape = self.input_shape
        return bool(shape) and isinstance(of_shape(shape), Images)

    @property
    def input_shape(self) -> Shape | None:
        """Shape of one sample that the network was built for, or `None` if it takes any."""
        if self.source == "digit_judge":
            return (28, 28, 1)
        if self.source == "inception":
            return (299, 299, 3)
        try:
            # Only a built model has one.
            shape = self.own_network.input_shape
        except AttributeError:
            return None
        if isinstance(shape, (list, dict)):
            raise TypeError(
                "An extractor must have one input, the samples. Wrap the model in one that has. "
                f"Received: a model with the inputs {shape}"
            )
        return tuple(shape[1:])

    def words(self, dim: int | str) -> str:
        """The extractor in words, with the length of its vectors."""
        kind = "logits" if self.head == "logits" else "features"
        if self.head == "images":
            return "images in [-1, 1]"
        if self.source is None:
            return f"samples as they are ({dim} numbers)"
        if self.source == "inception":
            return (
                f"{kind} of the InceptionV3 of Keras Applications ({dim}), which is not the "
                "network of the TF-2015 FID"
            )
        if isinstance(self.source, str):
            text = f"{self.source} {kind} ({dim})"
        elif self.own_network is not None:
            text = f"{kind} of the Keras model {self.source.name} ({dim})"
        else:
            name = getattr(self.source, "__name__", type(self.source).__name__)
            text = f"{kind} of the function {name} ({dim})"
        return f"{text}, each channel by itself" if self.per_channel else text

    def resizing(self, shapes: Any) -> str:
        """How samples of these shapes (without the batch axis) are resized, in words."""
        wanted = self.input_shape or ()
        done = []
        for shape in shapes:
            field = Images.describe_shape(shape)
            if not self._reads_images or field is None:
                continue
            shape = field.shape
            if _target(wanted, shape) != shape[:2]:
                height, width = _target(wanted, shape)
                done.append(
                    f"resized from {shape[0]}x{shape[1]} to {height}x{width} with {RESIZER}"
                )
            if shape[2] == 1 and wanted[2] == 3 and not self.per_channel:
                done.append("grey repeated as three channels")
        return ", ".join(dict.fromkeys(done)) or "no resizing"

    def get_config(self) -> str | Config | None:
        """The config from which `get` restores the extractor.

        Raises:
            ValueError: when a function is not registered, so it can't be saved by its name.
        """
        if self.source is None or isinstance(self.source, str):
            return self.source
        if self.own_network is None:
            name = keras.saving.get_registered_name(self.source)
            if keras.saving.get_registered_object(name) is not self.source:
                raise ValueError(
                    "A function that extracts features is saved by its name, so it must be "
                    "registered: decorate it with @keras.saving.register_keras_serializable(). "
                    f"Received: {self.source!r}"
                )
            return {"object": keras.saving.serialize_keras_object(self.source)}
        return {
            "object": keras.saving.serialize_keras_object(self.source),
            "fingerprint": self._fingerprint or fingerprint(self.source),
        }

    def _network(self):
        if isinstance(self.source, str):
            return _named(self.source, self.head).predict_on_batch
        if self.own_network is None:
            return lambda batch: keras.ops.convert_to_numpy(self.source(batch))
        if self._fingerprint is not None:
            if fingerprint(self.source) != self._fingerprint:
                raise ValueError(
                    "The extractor was restored without its weights, which the config of a metric "
                    "does not contain, so its values would be meaningless. Load them into "
                    "metric.extractor.source, or create the metric again with the trained model. "
                    f"Received: the model {self.source.name} with other weights"
                )
            self._fingerprint = None
        return self.source.predict_on_batch

    def _fitted(self, batch, name):
        """Samples with the rank, the size and the channels that the network was built for."""
        wanted = self.input_shape
        if wanted is None:
            return batch
        if len(wanted) != batch.ndim - 1:
            raise ValueError(
                f"{name} do not fit the extractor, which takes samples of shape {wanted}. Use "
                f"extractor=None for vectors. Received: {name} of shape {batch.shape}"
            )
        if not self._reads_images:
            return batch
        batch = resize(batch, _target(wanted, batch.shape[1:]))
        if wanted[2] == 3 and batch.shape[-1] == 1:
            batch = np.repeat(batch, 3, axis=-1)
        if wanted[2] not in (None, batch.shape[-1]):
            raise ValueError(
                f"The extractor takes images with {wanted[2]} channel(s). Average colours first, "
                "images.mean(axis=-1, keepdims=True), or count stacked digits with "
                'ModeCoverage(classifier="digit_judge", stacked=True). '
                f"Received: {name} of shape {batch.shape}"
            )
        return batch


def read(samples, name="samples", as_images=False, whole=False):
    """Converts samples to a validated array.

    Args:
        samples: images, uint8 (n, height, width) or (n, height, width, channels) or floats
            (n, height, width, channels) in [-1, 1]; or finite floats (n, ...) of any other shape.
        name: string for messages.
        as_images: boolean. Takes floats (n, height, width) as grey images, and raises for anything
            that can't be images. Defaults to `False`.
        whole: boolean, whether this is a whole data set, for which the warnings of training data
            apply, such as that of floats in [0, 1]. Defaults to `False`, a batch.

    Returns:
        uint8 or float32 images with their channels, or floats (n, ...), (n, 1) for plain numbers.
    """
    if isinstance(samples, keras.KerasTensor) or _is_symbolic(samples):
        raise TypeError(
            "Metrics of samples work on arrays, outside of compiled graphs. Pass them to the "
            "compile(metrics=[...]) of a kgan model, or call update_state yourself. "
            f"Received: {name}, a symbolic tensor"
        )
    samples = to_numpy(samples, name)
    if samples.ndim == 1 and samples.dtype.kind == "f":
        samples = samples[:, None]
    field = Images((None,) * 3, name=name) if as_images else of_samples(samples, name)
    if not isinstance(field, Vectors) or samples.dtype.kind != "f" or 0 in samples.shape:
        (samples,) = (check if whole else check_batch)((field,), samples)
        return samples
    if not np.isfinite(samples).all():
        raise ValueError(
            f"{name} contain NaN or infinite values, which have no distance to anything. The "
            "network that made them has probably diverged: go back to an earlier checkpoint. "
            f"{received(name, samples)}"
        )
    return samples if samples.dtype == "float64" else samples.astype("float32")


def resize(images, size):
    """Resizes float images with Pillow's bicubic filter, antialiased, and clips them to [-1, 1].

    Args:
        images: float array (n, height, width, channels).
        size: `(height, width)`.

    Returns:
        float32 array (n, *size, channels).
    """
    if images.shape[1:3] == tuple(size):
        return images
    down, across = (_filter(old, new) for old, new in zip(images.shape[1:3], size))
    images = np.einsum("Hh,nhwc,Ww->nHWc", down, images, across, optimize=True)
    return np.clip(images, -1.0, 1.0).astype("float32")  # bicubic overshoots


@functools.lru_cache(maxsize=16)
def _filter(old, new):
    """The matrix (new, old) that resizes a column: Pillow's result for the unit vectors."""
    from PIL import Image

    unit = Image.fromarray(np.eye(old, dtype="float32"))
    return np.asarray(unit.resize((old, new), Image.Resampling.BICUBIC))


def fingerprint(model):
    """A hash of a model's weights."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight, "float32").tobytes())
    return digest.hexdigest()


@functools.cache
def _named(name, head):
    """The network of this name, shared by all metrics that use it."""
    if name == "digit_judge":
        classifier = shared_classifier()
        if head == "logits":
            return classifier
        features = classifier.get_layer("features").output
        return keras.Model(classifier.input, features, name="digit_judge")
    top = head == "logits"
    try:
        return keras.applications.InceptionV3(
            include_top=top,
            weights="imagenet",
            input_shape=(299, 299, 3),
            pooling=None if top else "avg",
            classifier_activation=None,
        )
    except Exception as error:
        raise ValueError(
            "The weights of Keras Applications' InceptionV3 could not be loaded: "
            f"{type(error).__name__}, {str(error)[:200]}. On a machine with a network run "
            f"keras.applications.InceptionV3(include_top={top}) and copy its file from "
            "~/.keras/models to the same folder here, or use another extractor: your own "
            'keras.Model, "digit_judge" for digits, or None. Received: "inception"'
        ) from error


def _floats(samples):
    return to_float(samples) if samples.dtype.kind in "iu" else samples


def _target(wanted, shape):
    return tuple(new or old for new, old in zip(wanted[:2], shape[:2]))


def _is_symbolic(samples):
    # By the names of their classes, so that no framework is imported.
    kinds = {cls.__name__ for cls in type(samples).__mro__}
    return bool(kinds & {"SymbolicTensor", "Tracer"})
