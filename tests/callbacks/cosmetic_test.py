import errno
import json
import warnings

import keras
import numpy as np
import pytest

import kgan
from kgan.callbacks import (
    BestMoment,
    Health,
    HistoryLogger,
    SampleGrid,
    frames,
    health,
    history_logger,
)
from kgan.utils.history_table import read_table

POINTS = kgan.data.ring(64, seed=0)


def small():
    keras.utils.set_random_seed(0)
    model = kgan.zoo.load(
        "vanilla", like=(2,), generator_units=(4,), discriminator_units=(4,), seed=0
    )
    return model


def fit(callbacks, **options):
    model = small()
    model.fit(POINTS, verbose=0, callbacks=callbacks, **{"epochs": 3, **options})
    return model


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "picture.png")


@pytest.mark.parametrize(
    "module, name, make",
    [
        (frames, "save_image", lambda folder: SampleGrid(folder, num_samples=4)),
        (frames, "save_film", lambda folder: SampleGrid(folder, num_samples=4)),
        (health, "atomic_write", lambda folder: Health(folder=folder)),
        (history_logger, "atomic_write", lambda folder: HistoryLogger(folder / "history.csv")),
    ],
    ids=["picture", "film", "Health", "HistoryLogger"],
)
def test_a_full_disk_ends_no_training(module, name, make, tmp_path, monkeypatch):
    monkeypatch.setattr(module, name, full_disk)
    keep = keras.callbacks.ModelCheckpoint(str(tmp_path / "model.keras"))
    with pytest.warns(UserWarning, match="No space left on device") as said:
        model = fit([make(tmp_path / "run"), keep])
    # Once, and not once per epoch.
    assert len([warning for warning in said if "No space" in str(warning.message)]) == 1
    saved = keras.saving.load_model(tmp_path / "model.keras")
    assert saved.batches_seen == model.batches_seen == 3
    for one, other in zip(saved.get_weights(), fit([]).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_callback_that_failed_works_again_in_the_next_fit(tmp_path, monkeypatch):
    pictures = SampleGrid(tmp_path, num_samples=4, gif=False)
    with monkeypatch.context() as context, pytest.warns(UserWarning, match="stops here"):
        context.setattr(frames, "save_image", full_disk)
        model = fit([pictures])
    assert not list(tmp_path.glob("*.png"))
    model.fit(POINTS, verbose=0, callbacks=[pictures], initial_epoch=3, epochs=4)
    assert [path.name for path in tmp_path.glob("*.png")] == ["epoch_0004.png"]


def test_wrong_arguments_and_interrupts_are_raised(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="not trained with labels"):
        fit([SampleGrid(tmp_path, labels=3)])

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(frames, "save_image", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit([SampleGrid(tmp_path, num_samples=4)])


class Seldom(keras.callbacks.Callback):
    """Logs a figure of its own on some epochs."""

    def __init__(self, every):
        super().__init__()
        self.every = every

    def on_epoch_end(self, epoch, logs=None):
        if epoch % self.every == self.every - 1:
            logs["seldom"] = float(epoch)


def test_columns_that_begin_later(tmp_path):
    path = tmp_path / "new" / "history.csv"
    options = {"validation_data": POINTS, "validation_freq": 3}
    fit([Seldom(2), HistoryLogger(path)], epochs=4, **options)
    text = path.read_text()
    assert "NA" not in text and text.splitlines()[0].startswith("epoch,")
    history = kgan.pictures.history.read_history(tmp_path / "new")
    np.testing.assert_array_equal(history.columns["seldom"], [np.nan, 1, np.nan, 3])
    held_out = np.isfinite(history.columns["val_generator_loss"])
    np.testing.assert_array_equal(held_out, [False, False, True, False])
    # Stopped after three epochs, one of them twice, and resumed: the same file.
    path = tmp_path / "parts" / "history.csv"
    model = small()
    for start, end in ((0, 3), (2, 3), (3, 4)):
        callbacks = [Seldom(2), HistoryLogger(path)]
        if start != 2:
            model.fit(POINTS, verbose=0, callbacks=callbacks, initial_epoch=start, epochs=end,
                      **options)  # fmt: skip
        else:
            with path.open("a") as file:
                file.write("3,1.0\n9,1.")
    assert [row["epoch"] for row in read_table(path).rows] == ["0", "1", "2", "3"]


def test_a_failed_row_is_written_with_the_next(tmp_path, monkeypatch):
    write, calls = history_logger.atomic_write, []

    def fails_once(path):
        calls.append(path)
        return full_disk() if len(calls) == 2 else write(path)

    monkeypatch.setattr(history_logger, "atomic_write", fails_once)
    with pytest.warns(UserWarning, match="will be with a later one"):
        fit([HistoryLogger(tmp_path / "history.csv")])
    assert [row["epoch"] for row in read_table(tmp_path / "history.csv").rows] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "name, content",
    [
        ("health.json", "{"),
        ("health.json", "[1]"),
        ("health.json", '{"figures": [{"epoch": "x", "batch": 1}]}'),
        ("health.json", '{"diagnoses": [{"epoch": 1, "batch": 1}]}'),
        ("best.json", "{"),
        ("best.json", '{"metric": "val_loss", "mode": "min", "best": 3, "last": 4}'),
        ("best.json", '{"best": {"epoch": 1, "value": 2}, "last": {"epoch": 1, "value": 2}}'),
        ("history.csv", "\x00\x01\x02"),
        ("history.csv", "generator_loss\n1.0\n"),
        ("history.csv", "epoch,loss\n0,1.0\nepoch,loss\nx,2.0\n1,2.0\n"),
    ],
)
def test_damaged_files_are_named_and_kept_aside(name, content, tmp_path):
    def callbacks():
        best = BestMoment(tmp_path, "val_generator_loss", "min", print_fn=lambda line: None)
        return [Health(folder=tmp_path), best, HistoryLogger(tmp_path / "history.csv")]

    model = fit(callbacks(), epochs=2, validation_data=POINTS)
    best = (tmp_path / "best.keras").read_bytes()
    (tmp_path / name).write_text(content)
    with pytest.warns(UserWarning, match=f"{name} is damaged") as said:
        model.fit(
            POINTS, verbose=0, callbacks=callbacks(), initial_epoch=2, epochs=3,
            validation_data=POINTS,
        )  # fmt: skip
    assert any(f"{name}.damaged-1" in str(warning.message) for warning in said)
    assert (tmp_path / f"{name}.damaged-1").read_text() == content
    kept = {"best.json": "best.keras.earlier-1"}.get(name, "best.keras")
    if name == "best.json":
        assert (tmp_path / kept).read_bytes() == best
    epochs = [row["epoch"] for row in read_table(tmp_path / "history.csv").rows]
    assert epochs == (["2"] if name == "history.csv" and "x,2.0" not in content else
                      ["0", "1", "2"])  # fmt: skip
    figures = json.loads((tmp_path / "health.json").read_text())["figures"]
    assert [row["epoch"] for row in figures] == ([3] if name == "health.json" else [1, 2, 3])
    with warnings.catch_warnings(record=True) as said:
        fit(callbacks(), epochs=1, validation_data=POINTS)  # A new run starts over.
    assert not any("damaged" in str(warning.message) for warning in said)
    assert (tmp_path / f"{name}.damaged-1").exists()
