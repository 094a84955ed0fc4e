"""Samples on a full disk: the file that was there before stays, and the error names it."""

import errno
import io
import os

import numpy as np
import pytest

import kgan
from kgan.app.user_files import save_samples


@pytest.mark.parametrize("name", ["points.npy", "points.png"])
def test_a_full_disk_keeps_the_earlier_samples(tmp_path, monkeypatch, name):
    field, points = kgan.data.Vectors((2,)), kgan.data.ring(64, seed=0)
    path = tmp_path / name
    save_samples(field, points, path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left.*as it was.*{name}"):
        save_samples(field, points[:8], path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [name]


def test_numbers_are_not_written_by_numpy_itself(tmp_path, monkeypatch):
    # Which writes to the system's own file and hears nothing when its last part is lost.
    real = []
    save = np.save

    def watched(file, array):
        real.append(isinstance(file, str | os.PathLike | io.IOBase))
        save(file, array)

    monkeypatch.setattr(np, "save", watched)
    points = kgan.data.ring(64, seed=0)
    save_samples(kgan.data.Vectors((2,)), points, tmp_path / "points.npy")
    assert real == [False]
    np.testing.assert_array_equal(np.load(tmp_path / "points.npy"), points)
