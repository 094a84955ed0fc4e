"""Folders as people have them: links, leftovers, odd formats, damaged files, classes, pairs."""

import os
import pathlib
import struct
import warnings
import zlib

import numpy as np
import pytest

import kgan
from kgan.data import Labels, class_names, load, load_pairs

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def save(path, color=(1, 2, 3), size=(8, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = "L" if isinstance(color, int) else "RGB"
    Image.new(mode, (size[1], size[0]), color).save(path)
    return path


def left_out(folder, **options):
    with pytest.warns(UserWarning, match="were left out") as caught:
        images = load(folder, **options)
    return images, str(caught[0].message)


def first(folder, path, image, **options):
    image.save(path)
    return load(folder, **options)[0, 0, 0].tolist()


def test_links_are_followed_and_each_file_counts_once(tmp_path):
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for index in range(3):
        save(data / "cat" / f"{index}.png", (index, 0, 0))
        save(elsewhere / f"{index}.png", (100 + index, 0, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load(data)) == 3
        (data / "dog").symlink_to(elsewhere)
        images, labels = load(data, labels=True)
    assert labels.tolist() == ["cat"] * 3 + ["dog"] * 3
    # Sorted before the class that it repeats.
    (data / "alike").symlink_to(data / "cat")
    (data / "dog2.png").symlink_to(elsewhere / "1.png")
    (data / "bat").mkdir()
    (data / "bat" / "0.png").symlink_to(data / "cat" / "0.png")
    (images, labels), message = left_out(data, labels=True)
    assert labels.tolist() == ["cat"] * 3 + ["dog"] * 3
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2, 100, 101, 102]
    assert "3 entries" in message and "3 that link to what is there already" in message


@pytest.mark.parametrize("target", [".", "..", "../..", "/"])
def test_links_without_an_end(tmp_path, target):
    save(tmp_path / "beside.png")
    save(tmp_path / "data" / "cat" / "0.png")
    for name in ("one", "two"):
        (tmp_path / "data" / "cat" / name).symlink_to(target)
    images, message = left_out(tmp_path / "data")
    assert len(images) == 1
    assert "2 that link to a folder that they lie in" in message


def test_folders_that_link_to_each_other(tmp_path):
    for name, other in (("one", "two"), ("two", "one")):
        save(tmp_path / name / "0.png")
        (tmp_path / name / "other").symlink_to(tmp_path / other)
    images, _ = left_out(tmp_path)
    assert len(images) == 2
    images, message = left_out(tmp_path / "one")
    assert len(images) == 2 and "1 entries" in message


def test_links_that_lead_nowhere_are_counted(tmp_path):
    save(tmp_path / "0.png")
    for index in (1, 2):
        (tmp_path / f"{index}.png").symlink_to(tmp_path / "nowhere.png")
    images, message = left_out(tmp_path)
    assert len(images) == 1
    assert "2 that lead nowhere" in message and "1.png" in message


def test_folders_that_cannot_be_opened_are_counted(tmp_path, monkeypatch):
    save(tmp_path / "cat" / "0.png")
    closed = save(tmp_path / "dog" / "0.png").parent
    scandir = os.scandir

    def refuse(path):
        if pathlib.Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    images, message = left_out(tmp_path)
    assert len(images) == 1 and "1 that cannot be opened" in message and "dog" in message


def test_leftovers_of_file_managers(tmp_path):
    save(tmp_path / "cat" / "0.png")
    for name in ("@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg", "__MACOSX/cat/._0.png", ".trash/1.png"):
        save(tmp_path / name)
    for name in ("cat/Thumbs.db", "cat/.DS_Store", ".hidden.png", "desktop.ini"):
        (tmp_path / name).write_bytes(b"not an image")
    assert len(load(tmp_path, labels=True)[0]) == 1
    assert class_names(tmp_path) == ["cat"]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_read_by_their_whole_range(tmp_path, suffix):
    path = tmp_path / f"0.{suffix}"
    for value, expected in ((200, 1), (65535, 255), (257 * 12, 12), (30000, 117), (0, 0)):
        image = Image.fromarray(np.full((4, 4), value, "uint16"))
        assert first(tmp_path, path, image) == [expected]
    assert first(tmp_path, path, image, channels=3) == [0, 0, 0]


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_pixels_without_a_range_are_refused(tmp_path, dtype):
    Image.fromarray(np.full((4, 4), 200, dtype)).save(tmp_path / "0.tif")
    with pytest.raises(ValueError, match="0.tif': its pixels are .* of 32 bits, of which no form"):
        load(tmp_path)


def test_programs_are_not_run(tmp_path, monkeypatch):
    pillow = pytest.importorskip("PIL.EpsImagePlugin")
    called = []
    monkeypatch.setattr(pillow, "Ghostscript", lambda *a, **k: called.append(a))
    Image.new("RGB", (8, 8)).save(tmp_path / "0.png", format="EPS")
    with pytest.raises(ValueError, match="0.png': .* are no PNG, JPEG, BMP, GIF, WEBP or TIFF"):
        load(tmp_path)
    assert called == []
    # A picture under another ending is one.
    Image.new("RGB", (8, 8), (9, 9, 9)).save(tmp_path / "0.png", format="BMP")
    assert load(tmp_path).max() == 9


def test_pictures_that_would_fill_the_memory(tmp_path):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(ValueError, match="bomb.png': it says that it has more than .* pixels"):
        load(tmp_path, size=8)


def test_damaged_files_are_named_and_all_counted(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), "uint8")
    for index in range(40):
        Image.fromarray(noise).save(tmp_path / f"{index:02}.png")
    for index in range(0, 40, 2):
        whole = (tmp_path / f"{index:02}.png").read_bytes()
        # The beginnings of these are whole.
        (tmp_path / f"{index:02}.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="^20 of 40 images cannot be read.*'.*00.png'.*10 more"):
        load(tmp_path)
    for index in range(1, 40, 2):
        (tmp_path / f"{index:02}.png").write_bytes(b"")
    with pytest.raises(ValueError, match="^20 of 40 .*01.png': it is empty"):
        load(tmp_path)


def test_greys_of_palettes_are_grey(tmp_path):
    grey = Image.fromarray(np.arange(64, dtype="uint8").reshape(8, 8) * 3)
    colour = Image.fromarray(np.arange(192, dtype="uint8").reshape(8, 8, 3))
    for suffix in ("gif", "png"):
        folder = tmp_path / suffix
        folder.mkdir()
        grey.convert("RGB").quantize(64).save(folder / f"0.{suffix}")
        images = load(folder)
        assert images.shape == (1, 8, 8, 1)
        np.testing.assert_allclose(images[0, ..., 0], np.asarray(grey), atol=3)
        # Beside others in colour, such a picture is one of them.
        for name in (f"a.{suffix}", f"b.{suffix}"):
            colour.quantize(64).save(folder / name)
        assert load(folder).shape == (3, 8, 8, 3)
        assert load(folder, channels=1).shape == (3, 8, 8, 1)
    # A picture that says it is grey is no picture in colour.
    grey.save(tmp_path / "png" / "1.png")
    with pytest.raises(ValueError, match="Grey and colour images are mixed: .*1 and 2 of them"):
        load(tmp_path / "png")


def test_other_modes(tmp_path):
    path = tmp_path / "0.jpg"
    red = first(tmp_path, path, Image.new("CMYK", (8, 8), (0, 255, 255, 0)))
    assert np.abs(np.subtract(red, [255, 0, 0])).max() <= 4
    path.unlink()
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix in ("png", "jpg", "webp", "tif"):
        for mode in ("RGB", "RGBA", "I;16"):
            if (suffix in ("jpg", "webp")) and mode != "RGB":
                continue
            path = tmp_path / f"0.{suffix}"
            Image.new(mode, (8, 4)).save(path, exif=exif)
            assert load(tmp_path).shape[1:3] == (8, 4), (suffix, mode)
            path.unlink()


def test_sizes_are_counted(tmp_path):
    for index, size in enumerate(((8, 8), (8, 9), (9, 8), (8, 8))):
        save(tmp_path / f"{index}.png", size=size)
    with pytest.raises(ValueError, match="3 different sizes: .*0.png' is 8x8 .*1.png' is 8x9"):
        load(tmp_path)


def test_folders_that_hold_nothing(tmp_path):
    (tmp_path / "cat").mkdir()
    for options in ({}, {"labels": True}, {"size": 8}):
        with pytest.raises(ValueError, match="holds no images"):
            load(tmp_path, **options)
    save(tmp_path / "cat" / "0.png")
    images, labels = load(tmp_path, labels=True)
    assert images.shape == (1, 8, 8, 3) and labels.tolist() == ["cat"]


def test_class_names_reach_the_model(tmp_path):
    # A decomposed "é", as macOS writes it.
    for name in ("Cafe\u0301", "Äpfel", "犬", "two words"):
        for index in range(2):
            save(tmp_path / name / "deep" / f"{index}.png", (len(name), 0, 0))
    images, labels = load(tmp_path, labels=True)
    names = class_names(tmp_path)
    assert names == sorted(["Caf\u00e9", "Äpfel", "犬", "two words"])
    model = kgan.zoo.load("conditional", like=(images, labels), width=4, latent_dim=4, seed=0)
    assert model.class_names == tuple(names) or list(model.class_names) == names
    model.fit(images, labels, batch_size=4, verbose=0)
    for label in ("Cafe\u0301", "Caf\u00e9"):
        np.testing.assert_array_equal(
            model.generate(2, labels=label, seed=0),
            model.generate(2, labels=names.index("Caf\u00e9"), seed=0),
        )
    model.generate(2, labels=["犬", "two words"], seed=0)
    with pytest.raises(ValueError, match="Did you mean 'two words'"):
        model.generate(1, labels="two_words")


def test_labels_of_a_part_mean_the_same(tmp_path):
    for split, names in (("train", "abc"), ("test", "ac")):
        for name in names:
            save(tmp_path / split / name / "0.png")
    _, train = load(tmp_path, labels=True)
    _, test = load(tmp_path, "test", labels=True)
    field = Labels.describe(train)
    assert field.check(test).tolist() == [0, 2]


def test_numbers_as_names_are_in_their_order():
    labels = np.array([str(number) for number in range(1, 12)])
    assert Labels.describe(labels).names == [str(number) for number in range(1, 12)]
    assert Labels.describe(np.array(["10", "9", "x"])).names == ["10", "9", "x"]


def test_many_classes():
    names = np.array([f"class {number:05}" for number in range(10_000)])
    rows = np.random.default_rng(0).integers(0, 10_000, 50_000)
    field = Labels.from_config(Labels.describe(names).get_config())
    np.testing.assert_array_equal(field.check(names[rows]), rows)


def test_labels_that_count_from_one():
    labels = np.arange(1, 11).repeat(3)
    images = np.zeros((30, 8, 8, 1), "uint8")
    with pytest.raises(ValueError, match="count from 1.*`y - 1`"):
        kgan.zoo.load("conditional", like=(images, labels))
    model = kgan.zoo.load("conditional", like=(images, labels - 1), width=4)
    assert model.num_classes == 10
    with pytest.raises(ValueError, match="count from 1.*`y - 1`"):
        model.fit(images, labels)
    # Fewer than all, and 0 among them: nothing can be said.
    assert Labels.describe(np.array([1, 3, 4])).num_classes == 5
    assert Labels.describe(np.array([0, 1, 2])).num_classes == 3


def test_labels_as_pandas_keeps_them():
    field = Labels.describe(np.array(["b", "a", "b"], object))
    assert field == Labels(2, ["a", "b"])
    assert field.check(np.array(["b", "a"], object)).tolist() == [1, 0]
    assert Labels.describe(np.array([2, 0, 1], object)) == Labels(3)
    with pytest.raises(TypeError, match="without a label"):
        Labels.describe(np.array(["b", None, "a"], object))
    with pytest.raises(TypeError, match="without a label"):
        field.check(np.array(["b", np.nan], object))


def test_pairs_by_file_name(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    for index in (3, 1, 2):
        save(a / "some" / f"{index}.png", index)
        save(b / "some" / f"{index}.bmp", (10 * index, 0, 0))
    sketches, photos = load_pairs(a, b)
    assert sketches.shape == (3, 8, 8, 1) and photos.shape == (3, 8, 8, 3)
    assert sketches[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert photos[:, 0, 0, 0].tolist() == [10, 20, 30]
    few = load_pairs(a, b, size=4, channels=1, max_examples=2)
    assert [side.shape for side in few] == [(2, 4, 4, 1)] * 2
    assert few[0][:, 0, 0, 0].tolist() == [1, 3]
    save(a / "some" / "4.png", 4)
    with pytest.raises(ValueError, match="no partner.*1 only in .*a', such as .*4' and 0 only"):
        load_pairs(a, b)
    save(a / "some" / "4.jpg", 4)
    with pytest.raises(ValueError, match="two have the same name"):
        load_pairs(a, b)
    with pytest.raises(ValueError, match="no such folder"):
        load_pairs(tmp_path / "c", b)
