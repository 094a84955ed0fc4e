"""Export for serving: a SavedModel or an ONNX file that needs neither kgan nor Keras.

TensorFlow writes both. On JAX and PyTorch, each endpoint goes as a functional network through a
`.keras` file to a separate, short process that runs Keras on TensorFlow, so what is served does
not depend on what trained.
"""

import contextlib
import errno
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
from keras import ops

from kgan.backend import keras_internals
from kgan.serving.endpoints import Endpoint, Noise, Runner
from kgan.utils.files import atomic_folder, atomic_write

FORMATS = ("tf_saved_model", "onnx")
_OF_SYSTEM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)


def export(model, filepath, format="tf_saved_model", verbose=False):
    """Writes what a model serves, with the averaged weights where there are any.

    Called as `model.export(filepath)`. The SavedModel has a signature for each endpoint of the
    model, with a dynamic batch: what a user gives comes in (uint8 images, class ids, strings), and
    what a user gets comes out. An endpoint that draws noise takes a `count` and a `seed` before its
    inputs. On the TensorFlow backend it gives the samples of `model.generate` with that seed; JAX
    and PyTorch draw other noise from the same seed. One that is rolled out takes clips and then a
    `count` of frames.

    `serving_default` is the first endpoint; where that draws noise, it takes the noise itself
    instead of a count, and gives the network's raw output.

    The ONNX file is networks alone, floats to raw output: an input for each that an endpoint takes,
    noise first, and one output per endpoint.

    Args:
        model: a `kgan.AdversarialModel` that declares `endpoints`.
        filepath: folder of the SavedModel, or path of the ONNX file.
        format: `"tf_saved_model"` or `"onnx"`. Defaults to `"tf_saved_model"`.
        verbose: boolean, whether Keras prints the endpoints. Defaults to `False`.

    Raises:
        OSError: when the place can't be written to, such as on a full disk.
        ValueError: when the format is unknown, the place is taken by something else, a weight is
            not finite, or a package that the format needs is missing.
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
    write_whole = atomic_write if format == "onnx" else atomic_folder
    with write_whole(path) as partial, model.averaged_weights():
        _check_finite(model)
        if keras.config.backend() == "tensorflow":
            with _system_errors():
                _write(_served(model), partial, format, verbose)
        else:
            _write_elsewhere(model, partial, format)


def _check_finite(model):
    networks = {name for endpoint in model.answers.table.values() for name in endpoint.networks}
    for name in sorted(networks):
        for weight in getattr(model, name).weights:
            if not np.isfinite(np.asarray(ops.convert_to_numpy(weight), "float32")).all():
                raise ValueError(
                    f"The model is not exported: a weight of its network '{name}' is NaN or "
                    "infinite, so it would serve nothing. An earlier export is as it was. Load a "
                    f"model that was saved before training broke. Received: {weight.path}"
                )


@contextlib.contextmanager
def _system_errors():
    """What TensorFlow says of a full disk and the like, as Python's `OSError`."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        _raise_of_system(str(error), error)
        raise


def _raise_of_system(text, error=None):
    for number in _OF_SYSTEM:
        if os.strerror(number) in text:
            raise OSError(number, os.strerror(number)) from error


def _check_place(path, format):
    if format == "onnx" and path.suffix != ".onnx":
        raise ValueError(
            f"An ONNX export is one file whose name ends in .onnx. Received: filepath={str(path)!r}"
        )
    replaceable = (path / "saved_model.pb").exists() if format != "onnx" else path.is_file()
    is_empty = path.is_dir() and not any(path.iterdir()) and format != "onnx"
    if path.exists() and not replaceable and not is_empty:
        raise ValueError(
            "Something that is not an earlier export exists at the export's path. Choose "
            f"another place or remove it. Received: filepath={str(path)!r}"
        )


def _served(model):
    """The endpoints and what runs each: a dict of name -> (`Endpoint`, Keras model)."""
    table = model.answers.table
    return {name: (endpoint, model.answers.runner(name)) for name, endpoint in table.items()}


def _write(served, path, format, verbose):
    if format == "onnx":
        _write_onnx(served, path, verbose)
        return
    archive = keras.export.ExportArchive()
    default = True
    for name, (endpoint, network) in served.items():
        archive.track(network)
        assets = [field.served_asset() for field in endpoint.inputs]
        for asset in assets:
            if asset is not None:
                archive.track(asset)
        if default:
            archive.add_endpoint("serving_default", *_default(endpoint, network, assets))
            default = False
        archive.add_endpoint(name, *_signature(endpoint, network, assets))
    archive.write_out(str(path), verbose=verbose)


def _specs(endpoint):
    import tensorflow as tf

    return [
        tf.TensorSpec((None, *field.served_shape), tf.as_dtype(field.served_dtype), name=name)
        for name, field in endpoint.inputs_by_name().items()
    ]


def _call(endpoint, network, assets, inputs, noise=()):
    taken = [
        field.from_served(x, asset) for field, x, asset in zip(endpoint.inputs, inputs, assets)
    ]
    tensors = [*noise, *taken]
    return network(tensors if len(tensors) > 1 else tensors[0], training=False)


def _signature(endpoint, network, assets):
    """An endpoint as a user sees it: a function, and the specs of its arguments."""
    import tensorflow as tf

    specs = _specs(endpoint)
    if endpoint.is_rolled_out:

        def roll_out(clips, count):
            field, asset = endpoint.inputs[0], assets[0]
            return endpoint.output.to_served(
                _rolled_out(network, field.from_served(clips, asset), count)
            )

        return roll_out, [*specs, tf.TensorSpec((), tf.int32, name="count")]
    if endpoint.noise is None:

        def serve(*inputs):
            return endpoint.output.to_served(_call(endpoint, network, assets, inputs))

        return serve, specs

    def make(count, seed, *inputs):
        source = _GivenSeed(tf.stack([seed, tf.zeros_like(seed)]))
        noise = endpoint.noise.draw(count, source)
        return endpoint.output.to_served(_call(endpoint, network, assets, inputs, [noise]))

    count = tf.TensorSpec((), tf.int32, name="count")
    seed = tf.TensorSpec((), tf.int64, name="seed")
    return make, [count, seed, *specs]


def _rolled_out(network, clips, count):
    """The frames after clips, of which each is predicted from those before it."""
    import tensorflow as tf

    def predicted(place, clips, frames):
        frame = network(clips, training=False)
        clips = tf.ensure_shape(tf.concat([clips[:, 1:], frame[:, None]], axis=1), shape)
        return place + 1, clips, frames.write(place, frame)

    shape = clips.shape
    frames = tf.TensorArray(tf.float32, size=count)
    _, _, frames = tf.while_loop(
        lambda place, *_: place < count, predicted, (tf.constant(0), clips, frames)
    )
    return tf.transpose(frames.stack(), (1, 0, 2, 3, 4))


def _default(endpoint, network, assets):
    """`serving_default`: the endpoint, with given noise where it draws some."""
    import tensorflow as tf

    if endpoint.noise is None:
        return _signature(endpoint, network, assets)

    def serve(noise, *inputs):
        return _call(endpoint, network, assets, inputs, [noise])

    noise = tf.TensorSpec((None, *endpoint.noise.shape), tf.float32, name="noise")
    return serve, [noise, *_specs(endpoint)]


def _inputs(name, endpoint):
    """Symbolic inputs of an endpoint as its function takes them."""
    kinds = {} if endpoint.noise is None else {"noise": (endpoint.noise.shape, "float32")}
    for word, field in endpoint.inputs_by_name().items():
        kinds[word] = (field.shape, field.device_dtype)
    alone = len(kinds) == 1
    return [
        keras.Input(shape, name=name if alone else f"{name}_{word}", dtype=dtype)
        for word, (shape, dtype) in kinds.items()
    ]


def _functional(name, endpoint):
    """An endpoint as a functional Keras model, which can be saved without its class."""
    inputs = _inputs(name, endpoint)
    try:
        return keras.Model(inputs, endpoint.function(*inputs), name=name)
    except Exception as error:  # A function may hold anything.
        raise ValueError(
            f"The endpoint '{name}' can't be traced: its function must be made of networks and "
            "keras.ops on tensors of unknown batch size, without a gradient. Export it on the "
            "TensorFlow backend as a SavedModel, which needs no trace. "
            f"Received: {type(error).__name__}: {error}"
        ) from error


def _write_onnx(served, path, verbose):
    # Of what goes on with its own output, the file holds one move, which another endpoint may be.
    moves = {name: one for name, one in served.items() if not one[0].is_rolled_out}
    served = moves or served
    networks = {
        name: _functional(name, endpoint) if isinstance(network, Runner) else network
        for name, (endpoint, network) in served.items()
    }
    if len(networks) == 1:
        (network,) = networks.values()
    else:
        groups = [_inputs(name, endpoint) for name, (endpoint, _) in served.items()]
        outputs = [
            _Named(network, name=f"{name}_made")(inputs if len(inputs) > 1 else inputs[0])
            for (name, network), inputs in zip(networks.items(), groups)
        ]
        network = keras.Model([x for inputs in groups for x in inputs], outputs)
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


def _write_elsewhere(model, path, format):
    with tempfile.TemporaryDirectory(prefix="kgan-export-") as scratch:
        _write_by_tensorflow(model, path, format, pathlib.Path(scratch))


def _write_by_tensorflow(model, path, format, scratch):
    order = {"format": format, "endpoints": []}
    for name, endpoint in model.answers.table.items():
        _functional(name, endpoint).save(scratch / f"{name}.keras")
        noise = endpoint.noise and [endpoint.noise.shape, endpoint.noise.distribution]
        order["endpoints"].append(
            {
                "name": name,
                "noise": noise,
                "is_rolled_out": endpoint.is_rolled_out,
                "inputs": [keras.saving.serialize_keras_object(f) for f in endpoint.inputs],
                "output": keras.saving.serialize_keras_object(endpoint.output),
            }
        )
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
    # The process that trains may hold the whole GPU, and tracing needs none.
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    # Fields and layers of a user's own are looked for where this process found them.
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    order["modules"] = sorted(_own_modules(model))
    command = [sys.executable, "-m", "kgan.serving.export", scratch, path, json.dumps(order)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        _raise_of_system(done.stderr)
        raise ValueError(
            "The process that exports through TensorFlow failed. It can load networks made of "
            "layers of Keras and kgan, and of classes in modules that can be imported, and needs "
            "TensorFlow installed. "
            f"Received: {done.stderr.strip().splitlines()[-1] if done.stderr else 'no message'}"
        )


def _own_modules(model):
    """Modules of a user's own classes of fields and layers, which must run before they load."""
    table = model.answers.table.values()
    fields = [field for endpoint in table for field in (*endpoint.inputs, endpoint.output)]
    layers = [layer for layer in keras_internals.all_layers(model) if layer is not model]
    modules = {type(entry).__module__ for entry in (*fields, *layers)}
    known = ("kgan", "keras", "builtins", "__main__")
    return {module for module in modules if module.partition(".")[0] not in known}


def _main(scratch, path, order):
    order = json.loads(order)
    for module in order["modules"]:
        importlib.import_module(module)
    served = {}
    for entry in order["endpoints"]:
        network = keras.saving.load_model(
            pathlib.Path(scratch) / f"{entry['name']}.keras", compile=False
        )
        fields = [
            keras.saving.deserialize_keras_object(config)
            for config in (*entry["inputs"], entry["output"])
        ]
        endpoint = Endpoint(
            function=network,
            inputs=tuple(fields[:-1]),
            output=fields[-1],
            networks=(entry["name"],),
            noise=entry["noise"] and Noise(tuple(entry["noise"][0]), entry["noise"][1]),
            is_rolled_out=entry["is_rolled_out"],
        )
        served[entry["name"]] = (endpoint, network)
    _write(served, pathlib.Path(path), order["format"], verbose=False)


if __name__ == "__main__":
    _main(*sys.argv[1:])
