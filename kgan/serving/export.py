"""Export for serving: a SavedModel or an ONNX file that needs neither kgan nor Keras.

TensorFlow writes both. On JAX and PyTorch, the networks go through `.keras` files to a short
process of its own that runs Keras on TensorFlow, so what is served does not depend on what trained.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import keras
from keras import ops

from kgan.latent import noise as latent

FORMATS = ("tf_saved_model", "onnx")


@dataclasses.dataclass(frozen=True)
class Serving:
    """What of a GAN is served: its generator, and how its noise is drawn.

    Args:
        network: functional `keras.Model` from noise, or `[noise, labels]`, to samples.
        noise: `"normal"` or `"uniform"`.
        is_image: boolean. Images are served as uint8 by `generate`.
    """

    network: keras.Model
    noise: str
    is_image: bool

    @property
    def networks(self):
        """All networks that are served, by name."""
        return {"network": self.network}

    @property
    def settings(self):
        """What else there is to know of them, as `made_of` takes it."""
        return {"noise": self.noise, "is_image": self.is_image}

    @classmethod
    def made_of(cls, networks, noise, is_image):
        """The inverse of `networks` and `settings`."""
        return cls(networks["network"], noise, is_image)

    def as_one(self):
        """The one network that an ONNX file holds."""
        return self.network

    def endpoints(self):
        """The SavedModel's signatures: a dict of name -> function and specs of its arguments."""
        import tensorflow as tf

        network = self.network
        latent_shape = tuple(network.inputs[0].shape[1:])
        labels = [tf.TensorSpec((None,), tf.int32, name="labels")] * (len(network.inputs) - 1)

        def serve(noise, *labels):
            return network([noise, *labels] if labels else noise, training=False)

        def generate(count, seed, *labels):
            source = _GivenSeed(tf.stack([seed, tf.zeros_like(seed)]))
            samples = serve(latent.draw((count, *latent_shape), self.noise, source), *labels)
            return ops.cast(_pixels(samples), "uint8") if self.is_image else samples

        noise = tf.TensorSpec((None, *latent_shape), tf.float32, name="noise")
        count = tf.TensorSpec((), tf.int32, name="count")
        seed = tf.TensorSpec((), tf.int64, name="seed")
        return {
            "serving_default": (serve, [noise, *labels]),
            "generate": (generate, [count, seed, *labels]),
        }


@dataclasses.dataclass(frozen=True)
class TranslatorServing:
    """What of a translator is served: one network per direction, from samples to samples.

    Args:
        networks: dict of direction -> functional `keras.Model`. The first is `serving_default`
            too. Images, which have three dimensions, are served as uint8 in and out.
    """

    networks: dict

    @property
    def settings(self):
        """Nothing: shapes say the rest."""
        return {}

    @classmethod
    def made_of(cls, networks):
        """The inverse of `networks` and `settings`."""
        return cls(networks)

    def as_one(self):
        """The one network that an ONNX file holds: an input and an output per direction."""
        if len(self.networks) == 1:
            return next(iter(self.networks.values()))
        inputs = [keras.Input(n.input_shape[1:], name=name) for name, n in self.networks.items()]
        named = [_Named(network, name=f"{name}_made") for name, network in self.networks.items()]
        return keras.Model(inputs, [layer(x) for layer, x in zip(named, inputs)])

    def endpoints(self):
        """The SavedModel's signatures: a dict of name -> function and specs of its arguments."""
        endpoints = {name: self._endpoint(network) for name, network in self.networks.items()}
        return {"serving_default": next(iter(endpoints.values())), **endpoints}

    def _endpoint(self, network):
        import tensorflow as tf

        reads_images, makes_images = len(network.input_shape) == 4, len(network.output_shape) == 4

        def translate(samples):
            if reads_images:  # as kgan.data.to_float does
                samples = ops.cast(samples, "float32") / 127.5 - 1.0
            made = network(samples, training=False)
            return ops.cast(_pixels(made), "uint8") if makes_images else made

        name, dtype = ("images", tf.uint8) if reads_images else ("samples", tf.float32)
        return translate, [tf.TensorSpec(network.input_shape, dtype, name=name)]


def export(model, filepath, format="tf_saved_model", verbose=False):
    """Writes what a model serves, with the averaged weights where there are any.

    Called as `model.export(filepath)`. The SavedModel's signatures have a dynamic batch. Those of a
    GAN are `serving_default` (noise, and labels where the model is conditional, to the network's
    raw output) and `generate` (`count` and `seed`, and labels, to samples in the data's own scale).
    On the TensorFlow backend `generate` gives the samples of `model.generate` with that seed; JAX
    and PyTorch draw other noise from the same seed.

    A translator has a signature per direction, such as `translate`, and the first of them as
    `serving_default` too: uint8 images in, uint8 images out, as `model.translate` answers.

    The ONNX file is the network alone, floats to raw output; of a translator with several
    directions, a network with one input and one output for each.

    Args:
        model: a model that defines `serving()`.
        filepath: folder of the SavedModel, or path of the ONNX file.
        format: `"tf_saved_model"` or `"onnx"`. Defaults to `"tf_saved_model"`.
        verbose: boolean, whether Keras prints the endpoints. Defaults to `False`.

    Raises:
        ValueError: when the format is unknown, the place is taken by something else, or a package
            that the format needs is missing.
    """
    if format not in FORMATS:
        raise ValueError(
            f"A model is exported in one of the formats {list(FORMATS)}. "
            f"Received: format={format!r}"
        )
    path = pathlib.Path(filepath)
    _check_place(path, format)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside its place and then moved, so that a server never sees half a model.
    scratch = pathlib.Path(tempfile.mkdtemp(prefix=".export-", dir=path.parent))
    artefact = scratch / path.name
    try:
        with model.averaged_weights():
            serving = model.serving()
            if keras.config.backend() == "tensorflow":
                _write(serving, artefact, format, verbose)
            else:
                _write_elsewhere(serving, artefact, format, scratch)
        if path.is_dir():
            os.replace(path, scratch / "earlier")  # a folder can't be replaced in one move
        os.replace(artefact, path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _check_place(path, format):
    if format == "onnx" and path.suffix != ".onnx":
        raise ValueError(
            f"An ONNX export is one file whose name ends in .onnx. Received: filepath={str(path)!r}"
        )
    replaceable = (path / "saved_model.pb").exists() if format != "onnx" else path.is_file()
    is_empty = path.is_dir() and not any(path.iterdir()) and format != "onnx"
    if path.exists() and not replaceable and not is_empty:
        raise ValueError(
            "Something that is not an earlier export lies where the export shall go. Choose "
            f"another place or remove it. Received: filepath={str(path)!r}"
        )


def _write(serving, path, format, verbose):
    if format == "onnx":
        network = serving.as_one()
        # Keras exports only what has been called; a network that was just loaded has not.
        zeros = [ops.zeros((1, *(n or 64 for n in x.shape[1:])), x.dtype) for x in network.inputs]
        network(zeros if len(zeros) > 1 else zeros[0])
        try:
            network.export(str(path), format="onnx", verbose=verbose)
        except ImportError as error:
            raise ValueError(
                "ONNX export needs packages that are not installed: pip install 'kgan[onnx]'. "
                f"Received: {error}"
            ) from error
        return
    archive = keras.export.ExportArchive()
    for network in serving.networks.values():
        archive.track(network)
    for name, (function, specs) in serving.endpoints().items():
        archive.add_endpoint(name, function, specs)
    archive.write_out(str(path), verbose=verbose)


def _pixels(samples):
    # What kgan.data.to_uint8 does, in operations that a graph can hold.
    return ops.clip(ops.round((samples + 1.0) * 127.5), 0.0, 255.0)


class _Named(keras.layers.Layer):
    """A network under another name: two networks of one name can't be parts of a third."""

    def __init__(self, network, name):
        super().__init__(name=name, autocast=False)
        self.network = network

    def call(self, inputs):
        return self.network(inputs)


class _GivenSeed(keras.random.SeedGenerator):
    """A seed that the caller of the served function gives, in the shape that Keras expects."""

    def __init__(self, seed):
        self.seed = seed

    def next(self, ordered=True):
        return self.seed


def _write_elsewhere(serving, path, format, scratch):
    for name, network in serving.networks.items():
        network.save(scratch / f"{name}.keras")
    order = {
        "kind": type(serving).__name__,
        "networks": list(serving.networks),
        "settings": serving.settings,
        "format": format,
    }
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
    # The process that trains may hold the whole GPU, and tracing needs none.
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    command = [sys.executable, "-m", "kgan.serving.export", scratch, path, json.dumps(order)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(
            "The process that exports through TensorFlow failed. It can load networks made of "
            "layers of Keras and kgan, and needs TensorFlow installed. "
            f"Received: {done.stderr.strip().splitlines()[-1] if done.stderr else 'no message'}"
        )


def _main(scratch, path, order):
    order = json.loads(order)
    networks = {
        name: keras.saving.load_model(pathlib.Path(scratch) / f"{name}.keras", compile=False)
        for name in order["networks"]
    }
    kind = {kind.__name__: kind for kind in (Serving, TranslatorServing)}[order["kind"]]
    serving = kind.made_of(networks, **order["settings"])
    _write(serving, pathlib.Path(path), order["format"], verbose=False)


if __name__ == "__main__":
    _main(*sys.argv[1:])
