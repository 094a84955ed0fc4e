"""Held-out data of a run, and the metrics that measure a model on it."""

import numpy as np
from keras import ops

from kgan import metrics as measures
from kgan.app.user_files import Wanted, arrays_of, load_data
from kgan.data import Images, PastFrames
from kgan.data.checks import check
from kgan.data.completion import is_completed
from kgan.data.field_lookup import are_paired, unpack
from kgan.data.lazy_arrays import LazyArray

# Real samples with which a metric is tried before training: enough for its neighbours.
_TRIED = 64


def split(loaded, settings, data_dir, wanted):
    """Data to train on, and data that is held out.

    Args:
        loaded: as from `load_data`.
        settings: dict, those of the run. `validation` is `None`, a fraction, `"test"` for the test
            split of the data, or what `load_data` takes.
        data_dir: path where TensorFlow Datasets keeps its data, or `None`.
        wanted: the `Wanted` of the model.

    Returns:
        A pair as `load_data` returns them; the second is `None` where nothing is held out.

    Raises:
        ValueError: when nothing is left to train or to measure on, or there is no such data.
    """
    asked = settings["validation"]
    if asked is None:
        return loaded, None
    if isinstance(asked, float):
        return _fraction(loaded, asked, settings["seed"], wanted.paired)
    everything = {**settings, "max_examples": None}
    try:
        if asked == "test" and not settings["data"].endswith((".npz", ".npy")):
            names = settings["data"], settings["data_b"]
            held_out = load_data(names[0], everything, data_dir, wanted, names[1], split="test")
        else:
            names = asked, settings["validation_b"]
            held_out = load_data(names[0], everything, data_dir, wanted, names[1])
    except (ValueError, OSError) as error:
        raise type(error)(f"The held-out data, --validation {asked}: {error}") from error
    return loaded, held_out


def _fraction(loaded, fraction, seed, paired):
    """Holds out samples that are drawn from the run's seed: the last ones may be of one class."""
    arrays = arrays_of(loaded)
    random = np.random.default_rng(seed)
    orders = {}
    kept, held_out = [], []
    for place, array in enumerate(arrays):
        length = len(array)
        count = round(fraction * length)
        if not 0 < count < length:
            raise ValueError(
                "Some samples must be left to train on, and some to measure on. Give another "
                f"fraction, or a folder. Received: --validation {fraction:g} of {length} samples"
            )
        key = length if paired else place
        if key not in orders:
            orders[key] = _order(array, random)
        kept.append(_chosen(array, np.sort(orders[key][count:])))
        held_out.append(_chosen(array, np.sort(orders[key][:count])))
    return _like(loaded, kept), _like(loaded, held_out)


def _order(array, random):
    """Places of samples at random; windows of one photograph, which overlap, stay together."""
    order = random.permutation(len(array))
    groups = getattr(array, "groups", None)
    if groups is None:
        return order
    first = {group: place for place, group in reversed(list(enumerate(groups[order])))}
    return order[np.argsort([first[group] for group in groups[order]], kind="stable")]


def _chosen(array, places):
    return array.take(places) if isinstance(array, LazyArray) else array[places]


def _like(loaded, arrays):
    """Arrays in the structure of what was loaded."""
    if isinstance(loaded, dict):
        return dict(zip(loaded, arrays, strict=True))
    return tuple(arrays) if isinstance(loaded, tuple) else arrays[0]


def checked(model, held_out):
    """Held-out data as the model takes it: checked before a folder is made."""
    try:
        return check(model.fields, held_out)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"The held-out data does not fit what the model is trained on: {error}"
        ) from error


def metrics_of(names, model, data):
    """The metrics of a model by their names, each tried on some real samples.

    Args:
        names: list of strings as for `kgan.metrics.get`; empty for the default ones.
        model: a `kgan.AdversarialModel`.
        data: checked held-out data.

    Returns:
        List of metrics. The first is the one that is watched.

    Raises:
        ValueError: when there is no such metric, or the model or the data can't have it.
    """
    if model.answers.imitation is None:
        raise ValueError(
            "Metrics compare a model's samples with real ones, and this model does not say which "
            f"field its samples imitate. Leave metrics out. Received: a {type(model).__name__}"
        )
    batch = tuple(np.asarray(array[:_TRIED]) for array in data)
    size = min(map(len, batch))
    fields = unpack(model.fields, tuple(array[:size] for array in batch))
    real = ops.convert_to_numpy(fields[model.imitated_field])
    chosen = measures.default_metrics(samples=real[:1])
    if names:
        chosen = [measures.get(name) for name in dict.fromkeys(names)]
    refusals = {metric.name: _refusal(metric, model, real) for metric in chosen}
    fitting = [metric for metric in chosen if refusals[metric.name] is None]
    # Of those that nobody asked for, the ones that need more samples are left out.
    if len(fitting) < len(chosen) and (names or not fitting):
        raise ValueError(next(filter(None, refusals.values())))
    return fitting


def _refusal(metric, model, real):
    """Why a metric can't measure a model, or `None`."""
    endpoint = model.endpoints[model.answers.imitation]
    if metric.paired and not (endpoint.noise is None and are_paired(model.fields)):
        return (
            f"The metric '{metric.name}' compares each sample with its own target, and this model "
            "has none: it is for pairs, as those of pix2pix. Choose another metric, such as "
            f"frechet_distance. Received: a {type(model).__name__}"
        )
    trial = type(metric).from_config(metric.get_config())
    try:
        trial.update_state(real, real)
        trial.result()
    except (TypeError, ValueError) as error:
        return (
            f"The metric '{metric.name}' can't measure this model on these {len(real)} held-out "
            f"samples. Choose another metric, or hold out more. {error}"
        )
    return None


def evaluate(model, names, metrics, source):
    """Measures a model on held-out data.

    Args:
        model: a compiled `kgan.AdversarialModel`. Its metrics become these.
        names: pair of names of data as for `load_data`; the second may be `None`.
        metrics: list of names; empty for the default ones.
        source: dict with `data_dir`, `max_examples` and `split`.

    Returns:
        A dict of `samples`, `figures`, `better`, `protocols` and `losses`.
    """
    first = model.fields[0]
    settings = {"max_examples": source["max_examples"]}
    are_images = isinstance(first, Images) and None not in first.shape
    if are_images and not str(names[0]).endswith((".npz", ".npy")):
        settings |= {"size": first.shape[:2], "channels": first.shape[2]}
        if is_completed(model.fields) and names[1] is None:
            # Windows, as it was trained on; what is not square is cut and resized.
            height, width = model.fields[1].shape[:2]
            square = height == width
            settings |= {"crop": height, "size": None} if square else {"size": (height, width)}
    if isinstance(first, PastFrames) and not str(names[0]).endswith((".npz", ".npy")):
        frames, *size, channels = first.shape
        settings |= {"size": size, "channels": channels, "frames": frames + 1}
    if are_images and first.shape[2] not in (1, 3):
        settings["channels"] = None
    loaded = load_data(
        names[0], settings, source["data_dir"], Wanted.of(model), names[1], source["split"]
    )
    data = check(model.fields, loaded)
    model.compile(model.optimizer, metrics_of(metrics, model, data))
    logs = model.evaluate(data, return_dict=True, verbose=0)
    better = model.sample_metrics.directions
    protocols = {name: m.protocol for m in model.sample_metrics for name in _names_of(m)}
    return {
        "samples": max(map(len, data)),
        "figures": {name: logs[name] for name in better},
        "better": better,
        "protocols": protocols,
        "losses": {name: float(value) for name, value in logs.items() if name not in better},
    }


def _names_of(metric):
    return list(metric.mode) if isinstance(metric.mode, dict) else [metric.name]
