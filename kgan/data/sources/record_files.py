"""Pictures in TFRecord and ArrayRecord files, as TensorFlow Datasets and others keep them."""

import collections.abc
import os
import pathlib
import re
import struct
import threading

import numpy as np

from kgan.data.sources.image_decoding import SUFFIXES, UnreadableImageError, inspect
from kgan.data.sources.image_files import EncodedImages, in_threads, refuse

# In order: what TensorFlow Datasets calls a picture, and what older files do.
_IMAGES = ("image", "image/encoded")
_LABELS = ("label", "image/class/label")
_ENDING = re.compile(r"\.(tfrecords?|tfrec|array_?record)(-\d+-of-\d+)?$")
_SPLIT = re.compile(r"-([A-Za-z]+)\.(?:tfrecord|array_record)-\d+-of-\d+$")
# In a TFRecord file, before a record stand its length and a checksum of it, and after it a checksum
# of what it holds.
_HEADER, _FOOTER = 12, 4


class _Example:
    """A record that holds a `tf.train.Example`; messages name it by its file and its number."""

    def __init__(self, file, number):
        self.file = file
        self.number = number

    def __repr__(self):
        return f"{self.file.path!r}, record {self.number}"

    def features(self):
        """What the record says: the features, by their names."""
        import tensorflow as tf
        from google.protobuf.message import DecodeError

        try:
            return tf.train.Example.FromString(self.file.read(self.number)).features.feature
        except DecodeError as error:
            raise UnreadableImageError("it is no tf.train.Example, or damaged") from error


class _TFRecordFile:
    """A TFRecord file, whose records are found by an index that is made of their headers."""

    def __init__(self, path):
        self.path = path
        self._offsets, self._lengths = _offsets_and_lengths(path)

    def __len__(self):
        return len(self._offsets)

    def read(self, number):
        with open(self.path, "rb") as file:
            file.seek(int(self._offsets[number]))
            return file.read(int(self._lengths[number]))


class _ArrayRecordFile:
    """An ArrayRecord file, which brings its index."""

    def __init__(self, path):
        try:
            from array_record.python.array_record_module import ArrayRecordReader
        except ImportError as error:
            raise ImportError(
                "ArrayRecord files are read with the package array-record, which is not "
                'installed. Run `pip install "kgan[array_record]"`.'
            ) from error
        self.path = path
        self._lock = threading.Lock()
        self._reader = ArrayRecordReader(path)
        if not self._reader.ok():
            raise ValueError(
                f"{path!r} is no ArrayRecord file, or a damaged one. Expected a file of "
                "array_record's ArrayRecordWriter. Write it again. Received: a file of "
                f"{os.path.getsize(path)} bytes."
            )

    def __len__(self):
        return self._reader.num_records()

    def read(self, number):
        # Its documentation does not say that threads may share a reader.
        with self._lock:
            return self._reader.read([number])[0]


class Records(collections.abc.Sequence):
    """The records of files, in the order of the files.

    Args:
        paths: list of paths of TFRecord or ArrayRecord files.

    Raises:
        ImportError: If the package for ArrayRecord files is missing.
        ValueError: If one is no such file, or a compressed or a damaged one.
    """

    def __init__(self, paths):
        paths = [os.fspath(path) for path in paths]
        kinds = [_ArrayRecordFile if _is_array_record(path) else _TFRecordFile for path in paths]
        self._files = [kind(path) for kind, path in zip(kinds, paths, strict=True)]
        self._starts = np.cumsum([0, *map(len, self._files)])

    def __len__(self):
        return int(self._starts[-1])

    def __getitem__(self, key):
        if isinstance(key, slice):
            return [self[place] for place in range(*key.indices(len(self)))]
        place = range(len(self))[key]
        file = int(np.searchsorted(self._starts, place, side="right")) - 1
        return _Example(self._files[file], place - int(self._starts[file]))


class RecordImages(EncodedImages):
    """Images of TFRecord or ArrayRecord files, read and decoded in threads.

    Use this through `kgan.data.load("data.tfrecord", stream=True)`.

    Args:
        records: `Records`, or a list of some.
        files: list of paths of the files that they lie in.
        size: As for `ImageFiles`.
        channels: As for `ImageFiles`.

    Raises:
        ValueError: If records hold no images, or images that can't be read or are of different
            kinds.
    """

    def __init__(self, records, files, size=None, channels=None):
        # By these a resumed run knows its data again.
        self.files = files
        self.feature = _feature_of(records[0])
        super().__init__(records, size, channels)

    def _encoded(self, item):
        feature = item.features()
        if self.feature not in feature or not feature[self.feature].bytes_list.value:
            raise UnreadableImageError(f"it has no image in the feature {self.feature!r}")
        return feature[self.feature].bytes_list.value[0]


def load_records(source, split, size, channels, labels, max_examples, stream):
    """Reads images of files of records; see `kgan.data.load` for the arguments."""
    files = _of_split(found_in(source), split, source)
    records = Records(files)
    if not len(records):
        raise ValueError(
            "The files of records are empty. Expected records of images. Check the path. Received: "
            f"{str(source)!r}, {len(files)} files without a record."
        )
    if max_examples is not None and max_examples < len(records):
        places = np.linspace(0, len(records) - 1, max_examples).round().astype(int)
        records = [records[place] for place in places]
    images = RecordImages(records, files, size, channels)
    ids = _labels_of(records) if labels else None
    images = images if stream else images.load()
    return (images, ids) if labels else images


def found_in(source):
    """The files of records that a path means: itself, or those of a folder without images."""
    path = pathlib.Path(source).expanduser()
    if path.is_file():
        return [path] if _ENDING.search(path.name) else []
    if not path.is_dir():
        return []
    names = sorted(name for name in os.listdir(path) if not name.startswith("."))
    if any(name.lower().endswith(SUFFIXES) for name in names):
        return []
    return [path / name for name in names if _ENDING.search(name) and (path / name).is_file()]


def _is_array_record(path):
    return _ENDING.search(path)[1].startswith("array")


def _of_split(files, split, source):
    """The files of a split, where their names say which they belong to, as TFDS's do."""
    found = [_SPLIT.search(file.name) for file in files]
    names = sorted({match[1] for match in found if match})
    if len(files) > 1 and all(found) and split in names:
        return [file for file, match in zip(files, found, strict=True) if match[1] == split]
    if split == "train" and len(names) <= 1:
        return files
    raise ValueError(
        f"The files of records have no split {split!r}. Expected "
        + (f"one of {names}. " if names else "split='train': their names say nothing of splits. ")
        + "Pass another split, or the path of one file. Received: "
        f"{str(source)!r}, split={split!r}."
    )


def _offsets_and_lengths(path):
    """Where the records of a file begin, and how long they are: read without their content."""
    offsets, lengths, headers = [], [], []
    size, place = os.path.getsize(path), 0
    # Unbuffered: a buffer would read what is skipped.
    with open(path, "rb", buffering=0) as file:
        while place < size:
            file.seek(place)
            header = file.read(_HEADER)
            length = struct.unpack("<Q", header[:8])[0] if len(header) == _HEADER else size
            end = place + _HEADER + length + _FOOTER
            if end > size:
                # Of a file of another kind, the first bytes say any length.
                _refuse_file(path, len(offsets), "it ends within the record")
            headers.append(header)
            offsets.append(place + _HEADER)
            lengths.append(length)
            place = end
    if headers:
        rows = np.frombuffer(b"".join(headers), "uint8").reshape(-1, _HEADER)
        wrong = np.flatnonzero(_masked_crc(rows[:, :8]) != rows[:, 8:].copy().view("<u4")[:, 0])
        if len(wrong):
            _refuse_file(path, int(wrong[0]), "the checksum of its length is wrong")
    return np.array(offsets, "int64"), np.array(lengths, "int64")


def _refuse_file(path, number, reason):
    raise ValueError(
        f"{path!r} is no TFRecord file, or a compressed or damaged one: at record {number}, "
        f"{reason}. Expected records as tf.io.TFRecordWriter writes them without compression, "
        "which alone can be read in any order. Write it again, or make a tf.data pipeline. "
        f"Received: a file of {os.path.getsize(path)} bytes."
    )


def _masked_crc(rows):
    """CRC-32C of each row of bytes, masked as TFRecord files have it."""
    table = np.arange(256, dtype="uint32")
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    crc = np.full(len(rows), 0xFFFFFFFF, "uint32")
    for column in rows.T:
        crc = table[(crc ^ column) & 0xFF] ^ (crc >> 8)
    crc = ~crc
    return ((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8)


def _feature_of(record):
    """The name of the feature that holds the image."""
    try:
        features = record.features()
    except UnreadableImageError as error:
        refuse({record: error}, 1)
    found = []
    for name, feature in sorted(features.items()):
        try:
            inspect(bytes(feature.bytes_list.value[0]), 3)
            found.append(name)
        except (IndexError, UnreadableImageError):
            continue
    usual = [name for name in _IMAGES if name in found]
    if len(found) == 1 or usual:
        return (usual or found)[0]
    raise ValueError(
        f"Which feature of the records is the image? {len(found)} of the first record's are "
        "encoded images (PNG, JPEG, BMP, GIF, WEBP or TIFF). Expected one, or the name 'image' or "
        "'image/encoded'. Write the records so, or make a tf.data pipeline. Received: "
        f"{record!r}, with features {sorted(features)}, of which images are {found}."
    )


def _labels_of(records):
    """The ids of the classes, as int32."""
    first = records[0].features()
    name = next((n for n in _LABELS if n in first and first[n].int64_list.value), None)
    if name is None:
        raise ValueError(
            "The records have no classes. Expected an integer in the feature 'label' or "
            "'image/class/label'. Load without labels=True, or write the records so. Received: "
            f"{records[0]!r}, with features {sorted(first)}."
        )

    def read(record):
        values = record.features()[name].int64_list.value
        if len(values) != 1:
            raise UnreadableImageError(f"it has {len(values)} integers in the feature {name!r}")
        return values[0]

    found = list(in_threads(read, records))
    wrong = {r: e for r, e in zip(records, found) if isinstance(e, UnreadableImageError)}
    refuse(wrong, len(records))
    return np.array(found, "int32")
