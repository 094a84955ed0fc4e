"""Export for serving: a SavedModel or an ONNX file that needs neither kgan nor Keras.

TensorFlow writes both. On JAX and PyTorch, the generator goes through a `.keras` file to a short
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

from kgan import latent

FORMATS = ("tf_saved_model", "onnx")


@dataclasses.dataclass(frozen=True)
class Serving:
    """What of a model is served: its generator, and how its noise is drawn.

    Args:
        network: functional `keras.Model` from noise, or `[noise, labels]`, to samples.
        noise: `"normal"` or `"uniform"`.
        is_image: boolean. Images are served as uint8 by `generate`.
    """

    network: keras.Model
    noise: str
    is_image: bool


def export(model, filepath, format="tf_saved_model", verbose=False):
    """Writes what a model serves, with the averaged weights where there are any.

    Called as `model.export(filepath)`. The SavedModel has two signatures with a dynamic batch:
    `serving_default` (noise, and labels where the model is conditional, to the network's raw
    output) and `generate` (`count` and `seed`, and labels, to samples in the data's own scale).
    On the TensorFlow backend `generate` gives the samples of `model.generate` with that seed; JAX
    and PyTorch draw other noise from the same seed. The ONNX file is the network alone.

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
        # Keras exports only what has been called; a network that was just loaded has not.
        zeros = [ops.zeros((1, *x.shape[1:]), x.dtype) for x in serving.network.inputs]
        serving.network(zeros if len(zeros) > 1 else zeros[0])
        try:
            serving.network.export(str(path), format="onnx", verbose=verbose)
        except ImportError as error:
            raise ValueError(
                "ONNX export needs packages that are not installed: pip install 'kgan[onnx]'. "
                f"Received: {error}"
            ) from error
        return
    import tensorflow as tf

    network = serving.network
    latent_shape = tuple(network.inputs[0].shape[1:])
    labels = [tf.TensorSpec((None,), tf.int32, name="labels")] * (len(network.inputs) - 1)

    def serve(noise, *labels):
        return network([noise, *labels] if labels else noise, training=False)

    def generate(count, seed, *labels):
        source = _GivenSeed(tf.stack([seed, tf.zeros_like(seed)]))
        samples = serve(latent.draw((count, *latent_shape), serving.noise, source), *labels)
        return ops.cast(_pixels(samples), "uint8") if serving.is_image else samples

    archive = keras.export.ExportArchive()
    archive.track(network)
    noise = tf.TensorSpec((None, *latent_shape), tf.float32, name="noise")
    count = tf.TensorSpec((), tf.int32, name="count")
    seed = tf.TensorSpec((), tf.int64, name="seed")
    archive.add_endpoint("serving_default", serve, [noise, *labels])
    archive.add_endpoint("generate", generate, [count, seed, *labels])
    archive.write_out(str(path), verbose=verbose)


def _pixels(samples):
    # What kgan.data.to_uint8 does, in operations that a graph can hold.
    return ops.clip(ops.round((samples + 1.0) * 127.5), 0.0, 255.0)


class _GivenSeed(keras.random.SeedGenerator):
    """A seed that the caller of the served function gives, in the shape that Keras expects."""

    def __init__(self, seed):
        self.seed = seed

    def next(self, ordered=True):
        return self.seed


def _write_elsewhere(serving, path, format, scratch):
    serving.network.save(scratch / "network.keras")
    order = {"noise": serving.noise, "is_image": serving.is_image, "format": format}
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
    # The process that trains may hold the whole GPU, and tracing needs none.
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    command = [sys.executable, "-m", "kgan.export", scratch, path, json.dumps(order)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(
            "The process that exports through TensorFlow failed. It can load networks made of "
            "layers of Keras and kgan, and needs TensorFlow installed. "
            f"Received: {done.stderr.strip().splitlines()[-1] if done.stderr else 'no message'}"
        )


def _main(scratch, path, order):
    order = json.loads(order)
    network = keras.saving.load_model(pathlib.Path(scratch) / "network.keras", compile=False)
    serving = Serving(network, order["noise"], order["is_image"])
    _write(serving, pathlib.Path(path), order["format"], verbose=False)


if __name__ == "__main__":
    _main(*sys.argv[1:])
