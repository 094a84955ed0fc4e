"""Two collections without pairs: each has its own length and its own order."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kgan
from kgan.data import Images, ShuffledBatches, Vectors, check
from kgan.data.two_collections import orders

LENGTHS = (13, 5)
FIELDS = (Vectors((1,), "a"), Vectors((1,), "b", paired=False))
seen = []  # pairs of batches, in the order in which the model got them


class Watched(kgan.UnpairedTranslator):
    """Writes down each batch that it is given."""

    def unpack(self, data):
        batch = super().unpack(data)
        seen.append(tuple(ops.convert_to_numpy(field)[:, 0].astype(int) for field in batch))
        return batch


def collections(lengths=LENGTHS):
    a, b = (np.arange(n, dtype="float32")[:, None] for n in lengths)
    return a, 100 + b


def watched(seed=0):
    def network(name):
        return keras.Sequential([keras.Input((1,)), layers.Dense(1)], name=name)

    names = ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b")
    model = Watched(*map(network, names), seed=seed)
    model.compile(optimizer=keras.optimizers.SGD(1e-6), run_eagerly=True)
    return model


def watch(model, *data, epochs=1, **options):
    """The epochs that `fit` plays, each as the samples of a and those of b beside them."""
    seen.clear()
    options = {"batch_size": 4, "verbose": 0, **options}
    model.fit(*data, epochs=epochs, **options)
    per_epoch, rest = divmod(len(seen), epochs - options.get("initial_epoch", 0))
    assert rest == 0
    return [
        tuple(np.concatenate(column) for column in zip(*seen[start : start + per_epoch]))
        for start in range(0, len(seen), per_epoch)
    ]


def counts(values, expected):
    return [int((values == value).sum()) for value in expected]


@pytest.mark.parametrize("lengths", [(13, 5), (5, 13), (6, 6), (3, 7)])
def test_an_epoch_is_as_long_as_the_longer_one(lengths):
    a, b = collections(lengths)
    for first, second in watch(watched(), a, b, epochs=2):
        assert len(first) == len(second) == max(lengths)
        for shown, given in ((first, a), (second, b)):
            times = counts(shown, given[:, 0])
            # Every sample of the longer one once, those of the shorter one equally often.
            assert set(times) <= {len(first) // len(given), -(-len(first) // len(given))}


def test_each_is_shuffled_by_itself_and_anew():
    a, b = collections((40, 40))
    epochs = watch(watched(), a, b, epochs=3)
    pairings = [dict(zip(first.tolist(), second.tolist(), strict=True)) for first, second in epochs]
    aligned = [sum(p[i] == 100 + i for i in range(40)) for p in pairings]
    assert max(aligned) <= 5  # one is expected
    kept = [sum(pairings[0][i] == p[i] for i in range(40)) for p in pairings[1:]]
    assert max(kept) <= 5
    assert not np.array_equal(epochs[0][0], epochs[1][0])


def test_the_shorter_one_comes_in_a_fresh_order_each_time():
    second = orders((40, 10), np.random.default_rng(0))[:, 1].reshape(4, 10)
    np.testing.assert_array_equal(np.sort(second, axis=1), np.tile(np.arange(10), (4, 1)))
    assert len({tuple(row) for row in second.tolist()}) == 4


def test_a_resumed_run_sees_what_the_whole_run_sees(tmp_path):
    a, b = collections()
    whole = watch(watched(), a, b, epochs=4)
    model = watched()
    start = watch(model, a, b, epochs=2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    resumed = start + watch(loaded, a, b, epochs=4, initial_epoch=2)
    for expected, received in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(expected, received)
    other = watch(watched(seed=1), a, b)
    assert not np.array_equal(other[0], whole[0])


def test_without_shuffling_the_shorter_one_begins_again():
    a, b = collections()
    ((first, second),) = watch(watched(), a, b, shuffle=False)
    np.testing.assert_array_equal(first, np.arange(13))
    np.testing.assert_array_equal(second, 100 + np.arange(13) % 5)


def test_evaluate_and_validation_take_both():
    a, b = collections()
    model = watched()
    seen.clear()
    model.evaluate(a, b, batch_size=4, verbose=0)
    np.testing.assert_array_equal(np.concatenate([s[1] for s in seen]), 100 + np.arange(13) % 5)
    # Each is cut: 9 and 3 samples to train on, the last 4 and 2 held out.
    seen.clear()
    model.fit(a, b, batch_size=4, validation_split=0.3, verbose=0)
    first, second = (np.concatenate(column) for column in zip(*seen[:3]))
    assert sorted(first) == list(range(9)) and set(second) == {100, 101, 102}
    np.testing.assert_array_equal(seen[3][0], [9, 10, 11, 12])
    np.testing.assert_array_equal(seen[3][1], [103, 104, 103, 104])
    assert len(seen) == 4
    history = model.fit(a, b, validation_data=collections((4, 7)), verbose=0).history
    assert "val_generators_cycle" in history


def test_two_datasets_are_zipped():
    tf = pytest.importorskip("tensorflow")
    a, b = collections((12, 5))
    dataset_a = tf.data.Dataset.from_tensor_slices(a).batch(4)
    # Elements as TFDS gives them: only the samples count.
    labelled = {"image": b, "label": np.zeros(5, "int64")}
    dataset_b = tf.data.Dataset.from_tensor_slices(labelled).batch(4, drop_remainder=True)
    for first, second in watch(watched(), dataset_a, dataset_b, epochs=2, batch_size=None):
        np.testing.assert_array_equal(first, np.arange(12))
        np.testing.assert_array_equal(second, np.tile(100 + np.arange(4), 3))
    # An endless one ends with the other, and so does one of unknown length.
    for endless in (dataset_b.repeat(), dataset_b.repeat().filter(lambda element: True)):
        ((first, _),) = watch(watched(), dataset_a, endless, batch_size=None)
        np.testing.assert_array_equal(first, np.arange(12))
    pairs = tf.data.Dataset.zip((dataset_a, dataset_a))
    ((first, second),) = watch(watched(), pairs, batch_size=None)
    np.testing.assert_array_equal(first, second)
    model = watched()
    logs = model.evaluate(dataset_a, dataset_b, verbose=0, return_dict=True)
    assert np.isfinite(list(logs.values())).all()


def dataset_of(values, batch_size):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(values).batch(batch_size)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("size_b", [4, 3, 7])
def test_ragged_batches_of_two_datasets_meet_their_like(size_b, turned):
    a, b = collections((13, 6))
    datasets = [dataset_of(a, 4), dataset_of(b, size_b)]
    model = watched()
    # A loss that pairs real and fake samples up can't take batches of two lengths.
    model.loss = kgan.losses.RelativisticPairing()
    ((first, second),) = watch(model, *datasets[:: -1 if turned else 1], batch_size=None)
    if turned:
        first, second = second, first
    np.testing.assert_array_equal(first, np.arange(13))
    np.testing.assert_array_equal(second, 100 + np.arange(13) % 6)
    assert [len(x) for x, _ in seen] == [len(y) for _, y in seen] == [4, 4, 4, 1]


def test_datasets_of_one_length_are_cut_and_endless_ones_are_put_into_batches_anew():
    a, b = collections((13, 15))
    ((first, second),) = watch(watched(), dataset_of(a, 4), dataset_of(b, 4), batch_size=None)
    np.testing.assert_array_equal(first, np.arange(13))
    np.testing.assert_array_equal(second, [*range(100, 112), 112])
    # The ragged batch of an endless one comes in the middle.
    endless = dataset_of(b[:5], 4).repeat()
    for lost in (endless, endless.filter(lambda batch: True)):
        ((first, second),) = watch(watched(), dataset_of(a, 4), lost, batch_size=None)
        np.testing.assert_array_equal(first, np.arange(13))
        np.testing.assert_array_equal(second, 100 + np.arange(13) % 5)
        ((first, second),) = watch(
            watched(), lost, dataset_of(a, 4), batch_size=None, steps_per_epoch=4
        )
        np.testing.assert_array_equal(first, 100 + np.arange(13) % 5)


def test_unbatched_and_empty_datasets_are_refused_as_ever():
    tf = pytest.importorskip("tensorflow")
    a, _ = collections()
    fields = (Images((8, 8, 1), "a"), Images((8, 8, 1), "b", paired=False))
    single = tf.data.Dataset.from_tensor_slices(np.zeros((5, 8, 8, 1), "uint8"))
    with pytest.raises(ValueError, match="gives single samples"):
        check(fields, single, single.take(3))
    with pytest.raises(ValueError, match="The dataset is empty"):
        check(FIELDS, dataset_of(a, 4), dataset_of(a, 4).take(0))


def test_other_mixtures_are_refused():
    tf = pytest.importorskip("tensorflow")
    a, b = collections()
    dataset = tf.data.Dataset.from_tensor_slices(a).batch(4)
    for x, y in ((dataset, b), (a, dataset), (iter([a]), iter([b])), (dataset, iter([b]))):
        with pytest.raises(ValueError, match="two arrays or two tf.data datasets.*Received: a of"):
            check(FIELDS, x, y)
    paired = (FIELDS[0], Vectors((1,), "b"))
    with pytest.raises(ValueError, match="y was given beside a dataset"):
        check(paired, dataset, dataset)
    with pytest.raises(ValueError, match="a has 13 samples and b has 5"):
        check(paired, a, b)
    with pytest.raises(ValueError, match="b is empty"):
        check(FIELDS, a, b[:0])


def test_batches_of_two_lengths_on_every_backend():
    a, b = collections()
    batches = list(ShuffledBatches((a, b), 5, paired=False))
    assert [len(x) for x, _ in batches] == [len(y) for _, y in batches] == [5, 5, 3]
    with pytest.raises(ValueError, match="in a column for each array"):
        ShuffledBatches((a, b), 5, lambda: np.arange(13), paired=False)[0]
    with pytest.raises(ValueError, match="of equal length"):
        ShuffledBatches((a, b), 5)


def test_like_reads_two_collections():
    a, b = np.zeros((7, 8, 12, 3), "uint8"), np.zeros((4, 8, 12, 3), "uint8")
    options = {"width": 2, "discriminator_width": 2, "num_blocks": 1, "receptive_field": 16}
    model = kgan.zoo.load("cyclegan", like=(a, b), **options)
    assert [field.shape for field in model.fields] == [(8, 12, 3)] * 2


def test_like_reads_two_datasets():
    tf = pytest.importorskip("tensorflow")
    grey, colour = (np.zeros((4, 8, 8, channels), "uint8") for channels in (1, 3))
    datasets = tuple(tf.data.Dataset.from_tensor_slices(x).batch(2) for x in (grey, colour))
    described = kgan.data.describe_data(datasets)
    assert described == {"shape": (8, 8, 1), "num_classes": None, "target_shape": (8, 8, 3)}
