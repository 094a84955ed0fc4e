"""Image datasets of TensorFlow Datasets, as NumPy arrays."""

import importlib.util
import os
import pathlib
import socket
import threading
import urllib.request

import numpy as np

from kgan.data.sources.image_decoding import convert


def names():
    """Returns the names TFDS knows, from its own list, without a network."""
    if importlib.util.find_spec("tensorflow_datasets") is None:
        return []
    return _import_tfds().list_builders(with_community_datasets=False)


def _import_tfds():
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            f"TensorFlow Datasets cannot be imported: {error}. Run `pip install "
            "tensorflow-datasets importlib_resources`: version 4.9 needs both, and declares one."
        ) from error
    return tensorflow_datasets


def load(name, split, size, channels, data_dir, labels, max_examples):
    """Reads a dataset by its name; see `kgan.data.load` for the arguments."""
    tfds = _import_tfds()
    builder, tried = _find_prepared(tfds, name, data_dir)
    if builder.info.features is not None:  # Unknown, for a few, until they are prepared.
        _image_and_label_keys(tfds, builder, name, labels)
    if not _is_prepared(builder):
        _download(builder, name, tried)
    image_key, label_key = _image_and_label_keys(tfds, builder, name, labels)
    wanted = [image_key, label_key] if labels else [image_key]
    dataset, num_examples = _opened(tfds, builder, name, split, wanted)
    num_examples = min(num_examples, max_examples or num_examples)
    images, ids = None, np.empty((num_examples,), "int32")
    for index, element in enumerate(tfds.as_numpy(dataset.take(num_examples))):
        image = convert(element[image_key], size, channels)
        if images is None:
            images = np.empty((num_examples, *image.shape), "uint8")
        if image.shape != images.shape[1:]:
            raise ValueError(
                f"The images of {name!r} differ: the first has shape {images.shape[1:]} and number "
                f"{index} has {image.shape}. Expected one shape. Pass size=64 or size=(height, "
                "width), and channels=3 where grey and colour are mixed. Received: "
                f"size={size}, channels={channels}."
            )
        images[index] = image
        if labels:
            ids[index] = element[label_key]
    if images is None:
        raise ValueError(
            f"The split {split!r} of {name!r} is empty. Expected at least one image. Pass another "
            f"split. Received: split={split!r}."
        )
    return (images, ids) if labels else images


def load_clips(name, split, frames, size, channels, data_dir, max_clips):
    """Reads the videos of a dataset, cut into clips; see `kgan.data.load` for the arguments."""
    tfds = _import_tfds()
    builder, tried = _find_prepared(tfds, name, data_dir)
    if builder.info.features is not None:
        _video_key(tfds, builder, name)
    if not _is_prepared(builder):
        _download(builder, name, tried)
    key = _video_key(tfds, builder, name)
    dataset, _ = _opened(tfds, builder, name, split, [key])
    clips, longest = [], 0
    for element in tfds.as_numpy(dataset):
        video = element[key]
        longest = max(longest, len(video))
        starts = range(0, len(video) - frames + 1, frames)
        clips += [
            np.stack([convert(frame, size, channels) for frame in video[start : start + frames]])
            for start in starts
        ]
        if clips and clips[-1].shape != clips[0].shape:
            raise ValueError(
                f"The videos of {name!r} differ in size. Expected one. Pass size=64 or "
                f"size=(height, width). Received: frames of {clips[0].shape[1:]} and of "
                f"{clips[-1].shape[1:]}, size={size}, channels={channels}."
            )
        if max_clips is not None and len(clips) >= max_clips:
            break
    if not clips:
        raise ValueError(
            f"No video of {name!r} is long enough. Take fewer frames a clip. Received: "
            f"frames={frames}, videos of at most {longest}."
        )
    return np.stack(clips[:max_clips])


def _opened(tfds, builder, name, split, keys):
    """A split with some of its features, in its order, and how many examples it has."""
    try:
        num_examples = builder.info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{name!r} has no split {split!r}. Expected one of {sorted(builder.info.splits)}, or a "
            "part of one, as in 'train[:10%]'. Pass another split. "
            f"Received: split={split!r}."
        ) from error
    decoders = tfds.decode.PartialDecoding(dict.fromkeys(keys, True))
    dataset = builder.as_dataset(split=split, shuffle_files=False, decoders=decoders)
    return dataset, num_examples


def _video_key(tfds, builder, name):
    features = builder.info.features
    videos = []
    if isinstance(features, tfds.features.FeaturesDict):
        videos = [k for k, value in features.items() if isinstance(value, tfds.features.Video)]
    if len(videos) != 1 and "video" not in videos:
        raise ValueError(
            f"{name!r} has no single video per example. Expected a dataset such as 'moving_mnist'. "
            "Load it with tensorflow_datasets, and give `fit` the array of clips (n, frames, "
            f"height, width, channels). Received: features {_features_of(features)}."
        )
    return "video" if "video" in videos else videos[0]


def _find_prepared(tfds, name, data_dir):
    """Returns the builder whose data is prepared, or else that of the first place to put it."""
    if data_dir is not None:
        places = [os.path.expanduser(os.fspath(data_dir))]
    else:
        ours = pathlib.Path(os.environ.get("KGAN_DATA") or ".", "tfds").expanduser()
        places = [str(ours)] if os.environ.get("KGAN_DATA") and ours.is_dir() else []
        places.append(None)
    builders = []
    for place in places:
        try:
            builders.append(tfds.builder(name, data_dir=place))
        except (ValueError, AssertionError, tfds.core.DatasetNotFoundError) as error:
            raise ValueError(
                f"TensorFlow Datasets cannot make {name!r}: {str(error).splitlines()[0]} Expected "
                "'name', 'name/config' or 'name:version'. See https://www.tensorflow.org/datasets. "
                f"Received: {name!r}."
            ) from error
        if _is_prepared(builders[-1]):
            return builders[-1], []
    return builders[0], [str(builder.data_dir) for builder in builders]


def _is_prepared(builder):
    return os.path.exists(os.path.join(os.fspath(builder.data_path), "dataset_info.json"))


def _image_and_label_keys(tfds, builder, name, labels):
    features = builder.info.features
    images, ids = [], []
    if isinstance(features, tfds.features.FeaturesDict):
        # Exactly Image: videos and segmentation masks are sub-classes or hold images inside.
        images = [key for key, value in features.items() if type(value) is tfds.features.Image]
        ids = [
            key for key, value in features.items() if isinstance(value, tfds.features.ClassLabel)
        ]
    image_key = "image" if "image" in images else images[0] if len(images) == 1 else None
    if image_key is None or features[image_key].np_dtype != np.uint8:
        raise ValueError(
            f"{name!r} has no single 8-bit image per example. Expected a dataset with the feature "
            "'image'. Load it with tensorflow_datasets, `map` it to what the model wants, and pass "
            f"that to `fit`. Received: features {_features_of(features)}."
        )
    label_key = "label" if "label" in ids else ids[0] if len(ids) == 1 else None
    if labels and label_key is None:
        raise ValueError(
            f"{name!r} has no single class label per example. Expected the feature 'label'. Load "
            f"it with labels=False. Received: features {_features_of(features)}."
        )
    return image_key, label_key


def _features_of(features):
    return sorted(features) if hasattr(features, "keys") else type(features).__name__


def _download(builder, name, tried):
    folder = name.split(":")[0]
    advice = (
        f"Expected it prepared in one of {tried}, or a network. On a machine that has one, run "
        f"`tfds build {folder} --data_dir FOLDER` (or `tfds.load({name!r}, data_dir=FOLDER)`), "
        "copy FOLDER here, and pass data_dir=FOLDER or set KGAN_DATA to the folder above, if "
        f"FOLDER is called tfds. Received: {name!r}."
    )
    if not _has_network():
        raise ConnectionError(
            f"The dataset {name!r} is not prepared on this machine, and it cannot be downloaded: "
            f"there is no network. {advice}"
        )
    try:
        builder.download_and_prepare()
    except AssertionError as error:  # TFDS's way to say that files must be fetched by hand.
        raise ValueError(
            f"The dataset {name!r} must be fetched by hand: {error}. {advice}"
        ) from error
    except Exception as error:
        raise ConnectionError(
            f"The dataset {name!r} is not prepared on this machine, and downloading it failed: "
            f"{type(error).__name__}, {str(error)[:300]}. {advice}"
        ) from error


def _has_network(seconds=5.0):
    """Whether names resolve, or a proxy is set: TFDS alone retries for minutes without either."""
    if urllib.request.getproxies():
        return True
    found = []

    def resolve():
        try:
            found.append(socket.getaddrinfo("storage.googleapis.com", 443))
        except OSError:
            pass

    # The resolver has no time limit, and can hang on a network that drops packets.
    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(found)
