"""Data that stays on disk, and images that are mirrored and cropped as they are read."""

import keras
import numpy as np
import pytest

import kgan
from kgan.data import LazyArray, ShuffledBatches, augmented, load, load_pairs
from kgan.data.batches import shuffled_batches

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


@pytest.fixture
def folder(tmp_path):
    generator = np.random.default_rng(0)
    for index in range(20):
        path = tmp_path / "data" / "ab"[index % 2] / f"{index:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (9, 9), "uint8")).save(path)
    return tmp_path / "data"


def trained(data, epochs=2, resume=None, **options):
    keras.utils.set_random_seed(0)
    images, labels = data
    model = kgan.zoo.load("conditional", like=data, width=4, latent_dim=4, seed=0)
    if resume:
        model.fit(images, labels, batch_size=8, epochs=1, verbose=0, **options)
        model.save(resume)
        model = keras.saving.load_model(resume)
        model.fit(images, labels, batch_size=8, initial_epoch=1, epochs=epochs, verbose=0)
    else:
        model.fit(images, labels, batch_size=8, epochs=epochs, verbose=0, **options)
    return model.get_weights()


def assert_equal(weights, others):
    for weight, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_lazy_images_are_those_in_memory(folder):
    images, labels = load(folder, size=8, labels=True)
    lazy, same = load(folder, size=8, labels=True, stream=True)
    assert isinstance(lazy, LazyArray) and lazy.shape == images.shape and len(lazy) == 20
    assert lazy.nbytes == images.nbytes and lazy.dtype == images.dtype and lazy.ndim == 4
    np.testing.assert_array_equal(labels, same)
    np.testing.assert_array_equal(np.asarray(lazy), images)
    some = np.array([3, 3, -1, 0])
    for key in (3, -1, some, labels == "a", slice(2, 17, 3), slice(None, None, -1), []):
        key = np.asarray(key, "int64") if isinstance(key, list) else key
        np.testing.assert_array_equal(np.asarray(lazy[key]), images[key])
    view = lazy[4:][::2]
    assert isinstance(view, LazyArray)
    np.testing.assert_array_equal(view[some], images[4:][::2][some])
    with pytest.raises(IndexError, match="There is no sample 20: there are 20"):
        lazy[20]
    with pytest.raises(TypeError, match="first axis only"):
        lazy[:, 0]
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(lazy, copy=False)


def test_streaming_trains_as_memory_does(folder, tmp_path):
    in_memory = trained(load(folder, size=8, labels=True))
    lazy = load(folder, size=8, labels=True, stream=True)
    assert_equal(in_memory, trained(lazy))
    assert_equal(in_memory, trained(lazy, resume=tmp_path / "model.keras"))


def test_augmented_runs_resume_and_stream(folder, tmp_path):
    options = {"size": 8, "labels": True, "augment": "mirror,crop"}
    in_memory = trained(load(folder, **options))
    lazy = load(folder, stream=True, **options)
    assert_equal(in_memory, trained(lazy, resume=tmp_path / "model.keras"))
    plain = trained(load(folder, size=8, labels=True))
    assert any((a != b).any() for a, b in zip(in_memory, plain))


def test_augmented_images():
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 8, 3), "uint8")
    more = augmented(images, crop=(4, 7))
    assert more.shape == (5, 4, 7, 3) and more.variants == 2 * 3 * 2
    np.testing.assert_array_equal(np.asarray(more), images[:, 1:5, 0:7])
    seen = {more[3 + 5 * variant].tobytes() for variant in range(more.variants)}
    windows = [images[3, y : y + 4, x : x + 7] for y in range(3) for x in range(2)]
    assert seen == {w.tobytes() for w in windows} | {w[:, ::-1].tobytes() for w in windows}
    mirrored = augmented(images)
    np.testing.assert_array_equal(mirrored[np.arange(5, 10)], images[:, :, ::-1])
    for wrong in (7, (4, 9), 0, (4, 4, 4)):
        with pytest.raises((ValueError, TypeError), match="Received"):
            augmented(images, crop=wrong)
    with pytest.raises(ValueError, match="Only images"):
        augmented(images[0])


def test_options_of_augment(folder):
    assert load("digits", augment="mirror").shape == (1437, 8, 8, 1)
    with pytest.raises(ValueError, match="pass for example size=64|Pass for example size=64"):
        load(folder, augment="crop")
    with pytest.raises(ValueError, match="'mirror', 'crop'"):
        load(folder, augment="flip")
    with pytest.raises(ValueError, match="Only folders of images are streamed"):
        load("digits", stream=True)


def test_every_way_comes_and_pairs_stay_pairs(tmp_path):
    for name, factor in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        for index in range(6):
            row = np.arange(8, dtype="uint8") * factor + 20 * index * factor
            Image.fromarray(np.tile(row, (8, 1))).save(tmp_path / name / f"{index}.png")
    for stream in (False, True):
        a, b = load_pairs(tmp_path / "a", tmp_path / "b", stream=stream, augment="mirror")
        order = kgan.game.data_order.EpochOrder((6, 6), True, (a.variants, b.variants))
        order._key, ways = [1], []
        for x, y in shuffled_batches((a, b), 4, order.permutation):
            x, y = np.asarray(x).astype(int), np.asarray(y).astype(int)
            np.testing.assert_array_equal(2 * x, y)
            ways.extend((x[:, 0, 0, 0] > x[:, 0, -1, 0]).tolist())
        assert len(ways) == 6 and 0 < sum(ways) < 6
    with pytest.raises(ValueError, match="mirrored and cropped as one"):
        kgan.game.data_order.EpochOrder((6, 6), True, (2, 4))


def test_two_collections_each_in_its_own_ways():
    order = kgan.game.data_order.EpochOrder((6, 4), False, (2, 1))
    order._shuffle.key = [0]
    columns = order.permutation()
    assert sorted(columns[:, 0] % 6) == list(range(6)) and columns[:, 0].max() >= 6
    assert columns[:, 1].max() == 3


def test_orders_without_augmentation_are_what_they_were():
    order = kgan.game.data_order.EpochOrder((7,), True)
    order._shuffle.key = [3, 4]
    expected = np.random.default_rng([3, 4]).permutation(7)
    np.testing.assert_array_equal(order.permutation(), expected)


def test_batches_are_read_one_ahead_and_in_order():
    class Numbers(LazyArray):
        def read(self, indices):
            asked.append(indices.tolist())
            return indices[:, None].astype("uint8")

    asked = []
    batches = ShuffledBatches((Numbers(5, (1,)),), 2, lambda: np.array([4, 1, 0, 3, 2]))
    assert batches[0][0].ravel().tolist() == [4, 1]
    assert batches[1][0].ravel().tolist() == [0, 3]
    assert batches[1][0].ravel().tolist() == [0, 3]
    assert batches[2][0].ravel().tolist() == [2]
    assert [4, 1] in asked and [2] in asked
    assert [len(x) for (x,) in ShuffledBatches((Numbers(5, (1,)),), 2)] == [2, 2, 1]


def test_mapped_files_are_not_read_whole(tmp_path):
    rows = np.random.default_rng(0).uniform(-1, 1, (20, 2)).astype("float32")
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    (checked,) = kgan.data.check((kgan.data.Vectors((2,)),), mapped)
    assert kgan.data.lazy_arrays.is_on_demand(checked[:10])
    assert not kgan.data.lazy_arrays.is_on_demand(rows[:10])
    order = np.random.default_rng(1).permutation(20)
    batches = [np.asarray(x) for (x,) in shuffled_batches((checked,), 8, lambda: order)]
    np.testing.assert_array_equal(np.concatenate(batches), rows[order])


def test_validation_split_and_evaluate(folder):
    lazy, labels = load(folder, size=8, labels=True, stream=True)
    model = kgan.zoo.load("conditional", like=(lazy, labels), width=4, latent_dim=4, seed=0)
    logs = model.fit(lazy, labels, validation_split=0.25, verbose=0).history
    assert any(name.startswith("val_") for name in logs)
    images = np.asarray(lazy)
    assert model.evaluate(lazy, labels, verbose=0) == model.evaluate(images, labels, verbose=0)


def test_files_that_break_later_are_named(folder):
    lazy = load(folder, size=8, stream=True)
    model = kgan.zoo.load("dcgan", like=lazy, width=4, latent_dim=4, seed=0)
    (folder / "a" / "00.png").write_bytes(b"")
    with pytest.raises(Exception, match="1 of .* images cannot be read.*00.png': it is empty"):
        model.fit(lazy, batch_size=8, verbose=0)
