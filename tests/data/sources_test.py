import os
import pathlib
import socket
import time
import urllib.request

import numpy as np
import pytest

from kgan.data import class_names, load, ring_centers

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

ROOT = pathlib.Path(__file__).parents[2]
REAL = pathlib.Path(os.environ.get("KGAN_DATA") or ROOT.parent / "shared" / "data")
needs_mnist = pytest.mark.skipif(
    not (REAL / "tfds" / "mnist").is_dir(),
    reason=f"no prepared MNIST in {REAL / 'tfds'}: set KGAN_DATA to the folder above tfds",
)


def save(path, color, size=(8, 8), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (size[1], size[0]), color).save(path)


@pytest.fixture
def folder(tmp_path):
    for index in range(3):
        save(tmp_path / "cat" / f"{index}.png", (index, 0, 0))
        save(tmp_path / "ant" / "deep" / f"{index}.PNG", (100 + index, 0, 0))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "cat" / "._0.png").write_bytes(b"what macOS leaves behind")
    return tmp_path


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(urllib.request, "getproxies", dict)


def refused(match, *arguments, error=ValueError, **options):
    with pytest.raises(error, match=match) as caught:
        load(*arguments, **options)
    assert "xpected" in str(caught.value) and "Received: " in str(caught.value)
    return str(caught.value)


def test_class_names_are_what_labels_stand_for(folder):
    (folder / "about").mkdir()
    (folder / "about" / "licence.txt").write_text("no image")
    save(folder / "bee" / "0.png", (200, 0, 0))
    names = class_names(folder)
    assert names == class_names(str(folder)) == ["ant", "bee", "cat"]
    images, labels = load(folder, labels=True)
    reds = {"ant": 100, "bee": 200, "cat": 0}
    for image, label in zip(images, labels, strict=True):
        assert abs(int(image[0, 0, 0]) - reds[label]) <= 2


def test_class_names_of_splits_and_of_no_classes(tmp_path):
    for split, name in (("train", "one"), ("test", "two")):
        save(tmp_path / split / name / "0.png", (0, 0, 0))
    assert class_names(tmp_path) == ["one"]
    assert class_names(tmp_path, "test") == ["two"]
    with pytest.raises(ValueError, match="has no split 'valid'"):
        class_names(tmp_path, "valid")
    with pytest.raises(ValueError, match="lies in no sub-folder"):
        class_names(tmp_path / "train" / "one")
    with pytest.raises(ValueError, match="Check the path. Received: .*nowhere"):
        class_names(tmp_path / "nowhere")


def test_digits():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    train, labels = load("digits", labels=True)
    test = load("digits", "test")
    assert train.shape == (1437, 8, 8, 1) and test.shape == (360, 8, 8, 1)
    assert train.dtype == "uint8" and train.min() == 0 and train.max() == 255
    assert labels.dtype == "int32" and set(labels) == set(range(10))
    np.testing.assert_array_equal(train, load("digits"))
    assert load("digits", size=(12, 16), channels=3, max_examples=5).shape == (5, 12, 16, 3)
    refused("no split 'val'", "digits", "val")


def test_toys():
    points, labels = load("ring", labels=True, max_examples=1000)
    np.testing.assert_allclose(points, ring_centers()[labels], atol=0.06)
    assert points.dtype == "float32"
    assert load("grid").shape == (100_000, 2)
    assert load("gaussian", max_examples=10).shape == (10, 1)
    np.testing.assert_array_equal(load("ring"), load("ring"))
    assert (load("ring", max_examples=9) != load("ring", "test", max_examples=9)).any()
    refused("points", "ring", size=8)
    refused("no labels", "gaussian", labels=True)


def test_folder(folder):
    images = load(folder)
    assert images.shape == (6, 8, 8, 3) and images.dtype == "uint8"
    images, labels = load(str(folder), labels=True)
    assert labels.tolist() == ["ant"] * 3 + ["cat"] * 3
    assert images[:, 0, 0, 0].tolist() == [100, 101, 102, 0, 1, 2]
    images, labels = load(folder, labels=True, max_examples=2)
    assert labels.tolist() == ["ant", "cat"]
    assert load(folder, size=4, channels=1).shape == (6, 4, 4, 1)


def test_folder_with_splits(tmp_path):
    save(tmp_path / "train" / "cat" / "0.png", 0)
    save(tmp_path / "test" / "cat" / "0.png", (9, 9, 9))
    assert load(tmp_path).max() == 0
    assert load(tmp_path, "test").max() == 9
    refused("no split 'val'", tmp_path, "val")
    # A class may be called "train".
    save(tmp_path / "car" / "0.png", 0)
    assert len(load(tmp_path)) == 3
    refused("no split 'test'", tmp_path, "test")


@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG", "bmp", "gif", "webp"])
def test_formats(tmp_path, suffix):
    save(tmp_path / f"0.{suffix}", (250, 128, 4))
    image = load(tmp_path)[0]
    assert image.shape == (8, 8, 3)
    assert abs(image[4, 4].astype(int) - [250, 128, 4]).max() <= 3


def test_pixel_modes(tmp_path):
    def first(image):
        path = tmp_path / "0.png"
        image.save(path)
        return load(tmp_path)[0, 0, 0].tolist()

    assert first(Image.new("L", (8, 8), 7)) == [7]
    assert first(Image.new("1", (8, 8), 1)) == [255]
    assert first(Image.new("RGBA", (8, 8), (9, 8, 7, 255))) == [9, 8, 7]
    assert first(Image.new("RGBA", (8, 8), (9, 8, 7, 0))) == [255]
    assert first(Image.new("LA", (8, 8), (9, 255))) == [9]
    assert first(Image.new("RGB", (8, 8), (9, 8, 7)).quantize()) == [9, 8, 7]
    assert first(Image.fromarray(np.full((8, 8), 65535, "uint16"))) == [255]
    assert first(Image.fromarray(np.full((8, 8), 257 * 12, "uint16"))) == [12]


def test_photographs_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(tmp_path / "0.jpg", exif=exif)
    assert load(tmp_path).shape == (1, 8, 4, 3)


def test_resizing_crops_the_centre_and_is_antialiased(tmp_path):
    pixels = np.zeros((8, 24), "uint8")
    pixels[:, 8:16] = 200
    Image.fromarray(pixels).save(tmp_path / "0.png")
    assert (load(tmp_path, size=8) == 200).all()
    stripes = np.zeros((64, 64), "uint8")
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "0.png")
    # Sampling without a filter would give all black or all white.
    assert abs(load(tmp_path, size=8).astype(int) - 127).max() <= 8
    assert load(tmp_path, size=(16, 4)).shape == (1, 16, 4, 1)


def test_long_folders_show_progress(folder, monkeypatch, capsys):
    import kgan.data.sources.image_files

    load(folder)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(kgan.data.sources.image_files, "_LONG", 2)
    load(folder)
    assert "6/6" in capsys.readouterr().out


def test_bad_folders_are_refused_in_words(tmp_path):
    refused("holds no images", tmp_path)
    save(tmp_path / "0.png", 0)
    refused("lies in no sub-folder", tmp_path, labels=True)
    save(tmp_path / "1.png", 0, size=(9, 8))
    assert "8x8" in refused("size=64", tmp_path) and "9x8" in refused("9x8", tmp_path)
    assert load(tmp_path, size=8).shape == (2, 8, 8, 3)
    save(tmp_path / "1.png", 0, mode="L")
    refused("channels=3", tmp_path)
    assert load(tmp_path, channels=3).shape == (2, 8, 8, 3)
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), "uint8")
    Image.fromarray(noise).save(tmp_path / "0.png")
    whole = (tmp_path / "0.png").read_bytes()
    for damage in (b"", b"not a picture", whole[: len(whole) // 2]):
        (tmp_path / "1.png").write_bytes(damage)
        refused("1 of 2 images cannot be read. '.*1.png': ", tmp_path)
    refused("is a file", str(tmp_path / "0.png"))
    refused("no folder", str(tmp_path / "missing"))
    refused("no folder", "photos/missing")
    refused("no folder", tmp_path / "missing")


@pytest.mark.parametrize(
    "options",
    [
        {"size": 0},
        {"size": (8,)},
        {"size": "8"},
        {"size": 8.0},
        {"channels": 2},
        {"max_examples": 0},
        {"max_examples": True},
    ],
)
def test_bad_options_are_refused_in_words(options):
    with pytest.raises(ValueError, match="Received: "):
        load("digits", **options)
    with pytest.raises(TypeError, match="Received: "):
        load("digits", 3)
    with pytest.raises(TypeError, match="Received: "):
        load(3)


def test_unknown_names_get_the_nearest(offline):
    assert "'digits'" in refused("There is no dataset", "digit")
    assert "'ring'" in refused("There is no dataset", "rings")
    pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")
    assert "'cifar10'" in refused("Did you mean", "cifer10")
    assert "'mnist'" in refused("Did you mean", "MNIST")
    refused("There is no dataset", "zzzzzzzzzzz")


def test_missing_packages_are_named(monkeypatch, tmp_path):
    import sys

    save(tmp_path / "0.png", 0)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="pip install pillow"):
        load(tmp_path)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match="scikit-learn"):
        load("digits")


@needs_mnist
def test_mnist(monkeypatch):
    pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")
    images, labels = load("mnist", "test", data_dir=REAL / "tfds", labels=True)
    assert images.shape == (10000, 28, 28, 1) and images.dtype == "uint8"
    # The test set's published class counts, 0 to 9.
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(labels).tolist() == counts
    monkeypatch.setenv("KGAN_DATA", str(REAL))
    few = load("mnist", "train[:1%]", size=(16, 14), channels=3, max_examples=50)
    assert few.shape == (50, 16, 14, 3)
    assert len(load("mnist:3.0.1", "test", max_examples=5)) == 5
    assert "train" in refused("no split 'val'", "mnist", "val")


def test_datasets_that_are_not_there(offline, tmp_path):
    pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")
    start = time.monotonic()
    message = refused("no network", "cifar10", data_dir=tmp_path, error=ConnectionError)
    for part in ("tfds build cifar10", "data_dir=", "KGAN_DATA", str(tmp_path)):
        assert part in message
    refused("cannot make", "mnist/nonsense", data_dir=tmp_path)
    # TFDS alone would retry for minutes.
    assert time.monotonic() - start < 60


def test_datasets_without_images(offline, tmp_path):
    pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")
    refused("no single 8-bit image", "imdb_reviews", data_dir=tmp_path)
    refused("no single class label", "celeb_a", data_dir=tmp_path, labels=True)
