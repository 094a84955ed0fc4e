"""Pictures of TFRecord files: read in any order, as they would be from files."""

import io
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import kgan
from kgan.app.advice import advise
from kgan.app.fingerprint import fingerprint
from kgan.app.user_files import translate_folder
from kgan.data import LazyArray, load

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

IMAGES = np.random.default_rng(0).integers(0, 256, (23, 9, 8, 3), "uint8")


def encoded(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def example(image=None, label=None, image_name="image", label_name="label", **more):
    features = {name: tf.train.BytesList(value=[value]) for name, value in more.items()}
    features = {name: tf.train.Feature(bytes_list=value) for name, value in features.items()}
    if image is not None:
        value = tf.train.BytesList(value=[image])
        features[image_name] = tf.train.Feature(bytes_list=value)
    if label is not None:
        value = tf.train.Int64List(value=[label])
        features[label_name] = tf.train.Feature(int64_list=value)
    made = tf.train.Example(features=tf.train.Features(feature=features))
    return made.SerializeToString()


def write(path, records, compression=None):
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)
    return path


def written(images, first=0):
    return [example(encoded(image), first + i) for i, image in enumerate(images)]


@pytest.fixture
def folder(tmp_path):
    """Three files of a split and one of another, as TensorFlow Datasets names them."""
    path = tmp_path / "records"
    path.mkdir()
    for number, (start, stop) in enumerate([(0, 7), (7, 8), (8, 20)]):
        records = written(IMAGES[start:stop], start)
        write(path / f"faces-train.tfrecord-{number:05}-of-00003", records)
    write(path / "faces-test.tfrecord-00000-of-00001", written(IMAGES[20:], 20))
    (path / "features.json").write_text("{}")
    return path


def test_records_are_read_in_any_order(folder):
    lazy, labels = load(folder, labels=True, stream=True)
    assert isinstance(lazy, LazyArray) and lazy.shape == (20, 9, 8, 3) and lazy.dtype == "uint8"
    assert labels.dtype == "int32" and labels.tolist() == list(range(20))
    order = np.random.default_rng(1).permutation(20)
    np.testing.assert_array_equal(lazy[order], IMAGES[order])
    np.testing.assert_array_equal(np.asarray(lazy[::-3]), IMAGES[:20][::-3])
    np.testing.assert_array_equal(load(folder), IMAGES[:20])
    np.testing.assert_array_equal(load(folder, "test"), IMAGES[20:])
    one = folder / "faces-train.tfrecord-00002-of-00003"
    np.testing.assert_array_equal(load(one), IMAGES[8:20])


def test_options_are_those_of_image_files(folder, tmp_path):
    for number, image in enumerate(IMAGES[:20]):
        path = tmp_path / "files" / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded(image))
    for options in ({"size": 5, "channels": 1}, {"max_examples": 6}, {"max_examples": 99}):
        expected = load(tmp_path / "files", **options)
        np.testing.assert_array_equal(load(folder, **options), expected)
        streamed = load(folder, stream=True, **options)
        np.testing.assert_array_equal(np.asarray(streamed), expected)
    augmented = load(folder, size=8, augment="mirror,crop", stream=True)
    assert augmented.shape == (20, 8, 8, 3) and augmented.variants > 2


def test_array_records_are_read_as_tfrecords_are(folder, tmp_path):
    module = pytest.importorskip(
        "array_record.python.array_record_module", reason="array-record is not installed"
    )
    other = tmp_path / "arrays"
    other.mkdir()
    for number, (start, stop) in enumerate([(0, 7), (7, 8), (8, 20)]):
        path = other / f"faces-train.array_record-{number:05}-of-00003"
        writer = module.ArrayRecordWriter(str(path), "group_size:1")
        for record in written(IMAGES[start:stop], start):
            writer.write(record)
        writer.close()
    (other / "faces-test.array_record-00000-of-00001").write_bytes(b"no records")
    lazy, labels = load(other, labels=True, stream=True)
    order = np.random.default_rng(1).permutation(20)
    np.testing.assert_array_equal(lazy[order], IMAGES[order])
    assert labels.tolist() == list(range(20))
    lazy, same = (load(path, size=8, stream=True) for path in (other, folder))
    for weights in zip(trained(lazy), trained(same), strict=True):
        np.testing.assert_array_equal(*weights)
    with pytest.raises(ValueError, match="is no ArrayRecord file, or a damaged one"):
        load(other, "test")


def test_array_records_without_their_package_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "array_record.python.array_record_module", None)
    (tmp_path / "a.arrayrecord").write_bytes(b"")
    with pytest.raises(ImportError, match=r'pip install "kgan\[array_record\]"'):
        load(tmp_path / "a.arrayrecord")


def test_names_of_features_and_files(tmp_path):
    names = {"image_name": "image/encoded", "label_name": "image/class/label"}
    records = [example(encoded(x), 3, thumbnail=encoded(x[:2]), **names) for x in IMAGES[:2]]
    images, labels = load(write(tmp_path / "a.tfrecords", records), labels=True)
    np.testing.assert_array_equal(images, IMAGES[:2])
    assert labels.tolist() == [3, 3]
    records = [example(encoded(IMAGES[5]), image_name="photo", caption=b"a rose")]
    images = load(write(tmp_path / "b.tfrec", records))
    np.testing.assert_array_equal(images, IMAGES[5:6])


def test_what_can_not_be_read_is_said(folder, tmp_path):
    good = written(IMAGES[:3])

    def refused(name, records, match, compression=None, **options):
        path = write(tmp_path / f"{name}.tfrecord", records, compression)
        with pytest.raises(ValueError, match=match):
            load(path, **options)

    two = [example(photo=encoded(IMAGES[0]), drawing=encoded(IMAGES[1]))]
    refused("two", two, r"2 of the first record's .* \['drawing', 'photo'\]")
    refused("none", [example(caption=b"a rose")], "0 of the first record's are")
    refused("foreign", [b"\xff\xff"], "foreign.tfrecord', record 0: it is no tf.train.Example")
    refused("empty", [], "files of records are empty")
    refused("zipped", good, "compressed or damaged", "GZIP")
    refused("labels", [example(encoded(IMAGES[0]))], "have no classes", labels=True)
    broken = [*good[:2], example(b"no picture", 1), example(label=1)]
    reasons = "2 of 4 images .*record 2: 10 bytes that are no .*record 3: it has no image"
    refused("broken", broken, reasons)
    unequal = [*good, example(encoded(IMAGES[0, :5]))]
    refused("unequal", unequal, "2 different sizes: .*record 0 is 9x8 and .*record 3 is 5x8")
    refused("split", good, "have no split 'test'.*their names say nothing", split="test")
    with pytest.raises(ValueError, match=r"no split 'dev'. Expected one of \['test', 'train'\]"):
        load(folder, "dev")
    with pytest.raises(ValueError, match="Clips have"):
        load(folder, frames=2)
    cut = tmp_path / "cut.tfrecord"
    cut.write_bytes((tmp_path / "split.tfrecord").read_bytes()[:-5])
    with pytest.raises(ValueError, match="at record 2, it ends within the record"):
        load(cut)
    flipped = bytearray((tmp_path / "split.tfrecord").read_bytes())
    flipped[8] ^= 1
    cut.write_bytes(flipped)
    with pytest.raises(ValueError, match="at record 0, the checksum of its length is wrong"):
        load(cut)


def trained(data, resume=None):
    keras.utils.set_random_seed(0)
    model = kgan.zoo.load("dcgan", like=data, width=4, latent_dim=4, seed=0)
    epochs = {"epochs": 1} if resume else {"epochs": 2}
    model.fit(data, batch_size=8, verbose=0, **epochs)
    if resume:
        model.save(resume)
        model = keras.saving.load_model(resume)
        model.fit(data, batch_size=8, verbose=0, initial_epoch=1, epochs=2)
    return model.get_weights()


def test_a_stream_of_records_trains_and_resumes_as_memory_does(folder, tmp_path):
    lazy = load(folder, size=8, stream=True)
    runs = [trained(lazy), trained(lazy, tmp_path / "m.keras"), trained(load(folder, size=8))]
    for weights in zip(*runs, strict=True):
        for other in weights[1:]:
            np.testing.assert_array_equal(weights[0], other)


def test_a_resumed_run_knows_its_records_again(folder):
    before = fingerprint([load(folder, stream=True)])
    assert before == fingerprint([load(folder, stream=True)])
    records = written(IMAGES[[8, 9, 10, 11, 13, 12, 14, 15, 16, 17, 18, 19]])
    write(folder / "faces-train.tfrecord-00002-of-00003", records)
    assert before != fingerprint([load(folder, stream=True)])


def test_commands_that_need_names_or_sizes(folder, tmp_path):
    advice, shown = advise(str(folder))
    assert advice.model == "dcgan" and advice.examples == 20 and shown.shape == (20, 9, 8, 3)
    with pytest.raises(ValueError, match="Two kinds of images are read from folders of image"):
        advise(str(folder), str(folder))
    model = kgan.zoo.load("pix2pix", like=(IMAGES[:, :8], IMAGES[:, :8]), width=4)
    with pytest.raises(ValueError, match="and records have none"):
        translate_folder(model, "translate", folder, tmp_path / "out")


def test_data_sets_of_tensorflow_datasets_stream_from_their_folder(data_folder):
    folder = data_folder / "tfds" / "mnist" / "3.0.1"
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder}")
    images, labels = load(folder, "test", labels=True, max_examples=40, stream=True)
    expected, ids = load("mnist", "test", labels=True, data_dir=data_folder / "tfds")
    places = np.linspace(0, len(expected) - 1, 40).round().astype(int)
    np.testing.assert_array_equal(np.asarray(images), expected[places])
    np.testing.assert_array_equal(labels, ids[places])
