"""`kgan advise`: what to train on some data, and what it takes on this machine."""

import dataclasses
import math
import pathlib
import shlex
import sys
import time

import numpy as np

from kgan import data as sources
from kgan import zoo
from kgan.app.user_files import Wanted, arrays_of, load_data
from kgan.catalog import registry
from kgan.data.sources.record_files import found_in

# Steps that are timed, after one that compiles.
_STEPS = 3
# As many images show what the data is.
_SHOWN = 256
# Below so many images a discriminator learns them by heart: docs/choosing.md.
_FEW = 5000


@dataclasses.dataclass(frozen=True)
class Advice:
    """What to train.

    Args:
        model: string, a model of the zoo.
        why: string.
        settings: dict of the command's options: `data`, `data_b`, `size`, `channels`.
        options: dict, the model's.
        batch_size: integer.
        steps: integer.
        examples: integer, samples in all.
    """

    model: str
    why: str
    settings: dict
    options: dict
    batch_size: int
    steps: int
    examples: int

    @property
    def epochs(self):
        """Passes over nine tenths of the data that make the steps."""
        return max(1, math.ceil(self.steps * self.batch_size / (0.9 * self.examples)))

    def command(self, out):
        """The command line that trains it."""
        words = ["kgan", "train", self.model]
        for name, value in self.settings.items():
            if value is not None:
                words += [f"--{name.replace('_', '-')}", _word(value)]
        words += ["--batch-size", str(self.batch_size), "--epochs", str(self.epochs)]
        for name, value in self.options.items():
            words += ["--option", f"{name}={value}"]
        words += ["--validation", "0.1", "--out", out]
        return " ".join(map(shlex.quote, words))


def _word(value):
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def advise(name, name_b=None):
    """What to train on some data: a model by the kind of the data, as docs/choosing.md says.

    Args:
        name: string, as for `load_data`. A folder with two folders of the same file names, or with
            two that are called a and b, holds two kinds of images; other sub-folders are classes.
        name_b: string, the second kind of images. Defaults to `None`.

    Returns:
        A pair of an `Advice` and some of the data.

    Raises:
        ValueError: when the data can't be read.
    """
    folder = pathlib.Path(name).expanduser()
    inner = _sub_folders(folder) if folder.is_dir() and name_b is None else []
    if len(inner) == 2 and (_names(inner[0]) == _names(inner[1]) or _are_two(inner)):
        name, name_b = map(str, inner)
        inner = []
    if name_b is not None:
        return _two_kinds(name, name_b)
    settings = {"data": name}
    labelled = len(inner) > 1
    if _holds_images(folder):
        settings["size"], settings["channels"] = _size(folder, 64)
    wanted = Wanted(labels=labelled)
    shown = load_data(name, {**settings, "max_examples": _SHOWN}, None, wanted)
    if isinstance(shown, dict):
        return _from_fields(name, shown)
    examples = _count(name, folder)
    first = arrays_of(shown)[0]
    if not sources.Images.claims(first):
        why = f"{first.shape[-1]} numbers per sample: on mixtures of points it lost no mode"
        return Advice("gan_qp", why, settings, {}, 64, 10_000, examples), shown
    options = {"augmentation": True} if examples < _FEW else {}
    few = "; they are few, so they are augmented" if options else ""
    side = max(first.shape[1:3])
    if side > 32:
        options["width"] = 32
    if labelled:
        classes = ", ".join(path.name for path in inner[:3])
        why = f"{len(inner)} sub-folders are taken for classes ({classes}, ...)" + few
        return Advice("conditional", why, settings, options, 64, 5_000, examples), shown
    why = f"images of {side} pixels without labels" + few
    return Advice("dcgan", why, settings, options, 64, 10_000, examples), shown


def _from_fields(name, arrays):
    """An `.npz` file: the kinds of its arrays say what it is."""
    settings, values = {"data": name}, list(arrays.values())
    examples = _count(name, pathlib.Path(name))
    if len(values) == 1:
        values = values[0]
        kind = "dcgan" if sources.Images.claims(values) else "gan_qp"
        return Advice(kind, "one array", settings, {}, 64, 10_000, examples), values
    if sources.Labels.claims(values[1]):
        why = "samples, and a label for each"
        return Advice("conditional", why, settings, {}, 64, 5_000, examples), arrays
    paired = len(set(map(len, values))) == 1 and not {"a", "b"} & set(arrays)
    return _translator(settings, values, paired, examples, "two arrays of images"), arrays


def _two_kinds(name, name_b):
    folders = [pathlib.Path(path).expanduser() for path in (name, name_b)]
    paired, why = False, "two collections"
    settings = {"data": name, "data_b": name_b}
    if all(folder.is_dir() for folder in folders):
        names = [_names(folder) for folder in folders]
        paired = names[0] == names[1]
        common = len(names[0] & names[1])
        why += f", of whose file names {common:,} of {len(names[0]):,} are in both"
        settings["size"], settings["channels"] = _size(folders[0], 256)
        other, channels = _size(folders[1], 256)
        settings["size"] = settings["size"] or other
        settings["channels"] = settings["channels"] or channels
    examples = max(_count(path, folder) for path, folder in zip((name, name_b), folders))
    wanted = Wanted(two=True, paired=paired)
    shown = load_data(name, {**settings, "max_examples": _SHOWN}, None, wanted, name_b)
    return _translator(settings, shown, paired, examples, why), shown


def _translator(settings, values, paired, examples, why):
    side = max(values[0].shape[1:3])
    options = {"receptive_field": 16} if side < 128 else {}
    if paired:
        options |= {"normalization": "batch"} if side < 128 else {}
        batch_size = 32 if side < 128 else 1
        return Advice("pix2pix", f"{why}: pairs", settings, options, batch_size, 5_000, examples)
    options |= {"num_blocks": 2, "width": 32} if side < 128 else {}
    batch_size = 8 if side < 128 else 1
    why = f"{why}: no pairs"
    return Advice("cyclegan", why, settings, options, batch_size, 5_000, examples)


def _sub_folders(folder):
    hidden = (".", "__")
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(hidden)
    )


def _are_two(folders):
    names = tuple(folder.name.lower() for folder in folders)
    return names in (("a", "b"), ("traina", "trainb"))


def _files(folder):
    if not _holds_images(folder):
        raise ValueError(
            "Two kinds of images are read from folders of image files, or from arrays. "
            f"Received: {folder}, a folder of TFRecord files"
        )
    # Headers alone are read.
    return sources.load(str(folder), size=8, channels=3, stream=True).paths


def _holds_images(folder):
    """Whether it is a folder of image files, not one of TFRecord files."""
    return folder.is_dir() and not found_in(folder)


def _names(folder):
    """The names of a folder's images without their endings."""
    try:
        return {str(pathlib.Path(p).relative_to(folder).with_suffix("")) for p in _files(folder)}
    except ValueError:
        return {str(folder)}  # Without images it has the names of no other.


def _size(folder, most):
    """A size for the images of a folder where they differ or don't suit, and channels."""
    from PIL import Image

    paths = _files(folder)
    chosen = [
        paths[place] for place in np.linspace(0, len(paths) - 1, min(len(paths), 200), dtype=int)
    ]
    sizes, kinds = set(), set()
    for path in chosen:
        with Image.open(path) as image:
            sizes.add((image.height, image.width))
            kinds.add(image.mode in ("1", "L", "I;16"))
    channels = 3 if len(kinds) == 2 else None
    height, width = min(sizes)
    is_fine = len(sizes) == 1 and height % 4 == width % 4 == 0 and max(height, width) <= most
    if is_fine:
        return None, channels
    side = np.median([min(pair) for pair in sizes])
    fitting = [step for step in (16, 32, 64, 128, 256) if step <= min(side, most)]
    side = (fitting or [16])[-1]
    return (side, side), channels


def _count(name, folder):
    """How many samples there are in all."""
    if _holds_images(folder):
        return len(_files(folder))
    return max(map(len, arrays_of(load_data(name, {}))))


def measure(advice, shown):
    """Builds the model and trains some steps, on samples that are repeated where they are few.

    Args:
        advice: an `Advice`.
        shown: some of the data.

    Returns:
        A pair of seconds per step, and the most gigabytes that this process held.
    """
    like = shown
    if isinstance(shown, dict) and len(shown) == 1:
        (like,) = shown.values()
    builder = registry.builder_of(advice.model)
    model = zoo.load(builder.__name__, like=like, **advice.options)
    arrays = []
    for array in arrays_of(shown):
        places = np.arange(advice.batch_size * _STEPS) % len(array)
        arrays.append(array[places])
    batch = tuple(array[: advice.batch_size] for array in arrays)
    model.fit(batch if len(batch) > 1 else batch[0], batch_size=advice.batch_size, verbose=0)
    start = time.perf_counter()
    whole = tuple(arrays)
    model.fit(whole if len(whole) > 1 else whole[0], batch_size=advice.batch_size, verbose=0)
    return (time.perf_counter() - start) / _STEPS, _gigabytes()


def _gigabytes():
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**30 if sys.platform == "darwin" else 2**20)
