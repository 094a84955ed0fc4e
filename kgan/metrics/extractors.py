"""Extractors: the features by which metrics compare samples."""

import functools
import hashlib
import pathlib
from typing import Any, Literal, Self

import keras
import numpy as np

from kgan.data.fields import Images, of_samples, of_shape
from kgan.data.inspection import to_numpy
from kgan.metrics.features import shared_classifier
from kgan.metrics.general_features import SIDE, shared_network
from kgan.metrics.samples import RESIZER, read, resize
from kgan.utils.arguments import check_count
from kgan.utils.files import atomic_write
from kgan.utils.hints import Config, Data, Features, FilePath, Shape
from kgan.utils.pixels import to_float

# Numbers per pass through a network: 64 MB, which keep large images from filling the memory.
_PASS = 2**24
_HEADS = ("features", "logits", "images")
NAMES = ("auto", "image_features", "digit_judge", "inception")


class Extractor:
    """Turns samples into the vectors that metrics compare.

    Use this to extract features once and use them many times; metrics make their own from their
    argument `extractor`.

    Args:
        source: what extracts the features.

            * `"auto"`: `"image_features"` for images and clips, and for all else the samples
              themselves.
            * `"image_features"`: 304 numbers of `kgan.metrics.image_features`, for pictures of
              any kind and size, in grey or colour. Other numbers of channels are seen one by one,
              as grey images, and clips frame by frame.
            * `None`: the samples themselves, flattened, images in [-1, 1]. Distances between
              pixels prefer smudges to sharp images: use this for points and other vectors.
            * `"digit_judge"`: 96 numbers of the layer "features" of `kgan.metrics.digit_judge`, on
              grey images.
            * `"inception"`: 2 048 numbers of the InceptionV3 of Keras Applications, whose weights
              are downloaded once. It is *not* the network of 2015 that published FIDs are made
              with, so the two are not comparable.
            * A `keras.Model` from images in [-1, 1], or from vectors, to numbers, such as that of
              `kgan.metrics.train_extractor`.
            * The path of a `.keras` file that holds one, as `save` writes it.
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
        self.path = None
        if isinstance(source, str) and source.endswith(".keras"):
            self.path, source = source, load_network(source)
        expected = (
            f"`source` must be one of {NAMES}, the path of a .keras file, a keras.Model, a "
            "function, or None for the samples themselves"
        )
        if isinstance(source, str) and source not in NAMES:
            raise ValueError(f"{expected}. Received: {source!r}")
        if source is not None and not isinstance(source, str) and not callable(source):
            raise TypeError(f"{expected}. Received: a {type(source).__name__}")
        if head not in _HEADS:
            raise ValueError(f"`head` must be one of {_HEADS}. Received: head={head!r}")
        self.source, self.head, self.per_channel = source, head, bool(per_channel)
        self.batch_size = check_count("batch_size", batch_size)
        self._fingerprint, self._settled = None, None

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

    def settle(self, samples: Data) -> "Extractor":
        """The extractor that samples of this kind are given to: for `"auto"` one of two."""
        if self.source != "auto" or self.head == "images":
            return self
        if self._settled is None or self._settled[0] != _are_pictures(samples):
            chosen = "image_features" if _are_pictures(samples) else None
            settled = Extractor(chosen, self.head, self.per_channel, self.batch_size)
            self._settled = chosen is not None, settled
        return self._settled[1]

    def save(self, path: FilePath) -> None:
        """Writes the network into a `.keras` file, whose path is an extractor for any metric.

        Args:
            path: path that ends in `.keras`.

        Raises:
            ValueError: when the extractor is no `keras.Model`, or the path has another ending.
        """
        path = pathlib.Path(path)
        if self.own_network is None or path.suffix != ".keras":
            raise ValueError(
                "Extractors that are a keras.Model are saved, into a file that ends in .keras. The "
                "others are known by name. Received: an extractor of "
                f"{self.source!r}, path {path}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial:
            self.source.save(partial)

    def __call__(self, samples: Data, name: str = "samples") -> np.ndarray:
        """Returns the float vectors (n, dim) of samples, or images for the head "images"."""
        settled = self.settle(samples)
        if settled is not self:
            return settled(samples, name)
        frames = 1
        if self.source == "image_features" and np.ndim(samples) == 5:
            samples = to_numpy(samples, name)
            frames = samples.shape[1]
            samples = samples.reshape(-1, *samples.shape[2:])
        wants_images = self.head == "images" or self.per_channel
        samples = read(samples, name, wants_images or self._reads_images)
        if self.head == "images" or self.source is None:
            # Metrics keep references, and a caller may overwrite the array.
            rows = _floats(samples)
            rows = rows.copy() if np.may_share_memory(rows, samples) else rows
            return rows if self.head == "images" else rows.reshape(len(samples), -1)
        count, channels = len(samples) // frames, frames
        if self._sees_channels(samples.shape[-1]):
            channels *= samples.shape[-1]
            samples = samples.transpose(0, 3, 1, 2).reshape(-1, *samples.shape[1:3], 1)
        network = self._network()
        numbers = max(samples[0].size, int(np.prod([n or 1 for n in self.input_shape or ()])))
        step = max(1, min(self.batch_size, _PASS // numbers))
        found = []
        for start in range(0, len(samples), step):
            batch = _floats(samples[start : start + step])
            fitted = self._fitted(batch, name)
            missing = step - len(fitted) if start else 0
            if missing and self.input_shape is not None:
                # A shorter batch would be another shape to compile.
                fitted = np.concatenate([fitted, np.repeat(fitted[:1], missing, axis=0)])
            output = network(fitted)
            if isinstance(output, (list, tuple, dict)):
                raise TypeError(
                    "An extractor must return one array, and this one returned several. Wrap it: "
                    "keras.Model(model.input, model.get_layer(name).output). "
                    f"Received: a {type(output).__name__}"
                )
            output = to_numpy(output, "features")
            if output.shape[:1] != fitted.shape[:1]:
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
            found.append(output[: len(batch)].reshape(len(batch), -1))
        return np.concatenate(found).reshape(count, channels * found[0].shape[1])

    def _sees_channels(self, channels):
        """Whether each channel of samples with so many is seen by itself."""
        return self.per_channel or self.source == "image_features" and channels not in (1, 3)

    @property
    def _reads_images(self):
        shape = self.input_shape
        return bool(shape) and isinstance(of_shape(shape), Images)

    @property
    def input_shape(self) -> Shape | None:
        """Shape of one sample that the network was built for, or `None` if it takes any."""
        if self.source == "image_features":
            return (SIDE, SIDE, 3)
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
        if self._settled is not None:
            return self._settled[1].words(dim)
        kind = "logits" if self.head == "logits" else "features"
        if self.source == "auto":
            return "images by their image_features, all else as it is"
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
        if self._settled is not None:
            return self._settled[1].resizing(shapes)
        wanted = self.input_shape or ()
        done = []
        for shape in shapes:
            clip = self.source == "image_features" and len(shape) == 4
            field = Images.describe_shape(shape[1:] if clip else shape)
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
            elif self._sees_channels(shape[2]) and not self.per_channel:
                done.append("each channel by itself")
        return ", ".join(dict.fromkeys(done)) or "no resizing"

    def get_config(self) -> str | Config | None:
        """The config from which `get` restores the extractor.

        Raises:
            ValueError: when a function is not registered, so it can't be saved by its name.
        """
        if self.source is None or isinstance(self.source, str):
            return self.source
        if self.path is not None:
            return self.path
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


def fingerprint(model):
    """A hash of a model's weights."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight, "float32").tobytes())
    return digest.hexdigest()


@functools.cache
def _named(name, head):
    """The network of this name, shared by all metrics that use it."""
    if name == "image_features":
        if head == "logits":
            raise ValueError(
                'The network "image_features" has no classes. Use "digit_judge", "inception" or '
                'your own classifier. Received: head="logits"'
            )
        return shared_network()
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
            'keras.Model, "image_features" or None. Received: "inception"'
        ) from error


def load_network(path):
    """The `keras.Model` in a file, as an extractor: without code of the file's own."""
    if not pathlib.Path(path).is_file():
        raise ValueError(
            "There is no such file of an extractor. Save one with train_extractor(...).save(path), "
            f"or correct the path. Received: {path}"
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras's ways to say "damaged"
        raise ValueError(
            "The file holds no Keras model that can be loaded. Save it again, with Keras's "
            f"model.save. Received: {path} ({type(error).__name__}: {str(error)[:200]})"
        ) from error


def _are_pictures(samples):
    samples = to_numpy(samples[:1])
    return samples.ndim == 5 or isinstance(of_samples(samples), Images)


def _floats(samples):
    return to_float(samples) if samples.dtype.kind in "iu" else samples


def _target(wanted, shape):
    return tuple(new or old for new, old in zip(wanted[:2], shape[:2]))
