"""Atomic writes: nothing earlier is lost, partials of dead processes go, errors name the file."""

import errno
import os
import subprocess
import sys
import time

import pytest

from kgan.utils import files
from kgan.utils.files import atomic_folder, atomic_write, remove_stale_partials


def failing(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_write_replaces_the_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.weights.h5"
    for content in ("first", "second"):
        with atomic_write(path) as partial:
            assert partial.name.endswith(".weights.h5") and str(os.getpid()) in partial.name
            partial.write_text(content)
        assert path.read_text() == content
    assert os.listdir(tmp_path) == [path.name]


def test_file_and_folder_are_flushed_before_and_after_the_move(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: calls.append(os.fstat(fd).st_ino) or fsync(fd))
    monkeypatch.setattr(os, "replace", lambda a, b: calls.append("move") or replace(a, b))
    with atomic_write(tmp_path / "a.txt") as partial:
        partial.write_text("content")
    file, folder = (tmp_path / "a.txt").stat().st_ino, tmp_path.stat().st_ino
    assert calls == [file, "move", folder]


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_full_disk_keeps_the_earlier_file_and_is_named(tmp_path, monkeypatch, name):
    path = tmp_path / "a.txt"
    path.write_text("earlier")
    monkeypatch.setattr(os, name, failing)
    with pytest.raises(OSError, match="No space left.*as it was.*Free some space.*a.txt") as caught:
        with atomic_write(path) as partial:
            partial.write_text("new")
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
    assert path.read_text() == "earlier" and os.listdir(tmp_path) == ["a.txt"]


def test_an_error_without_a_number_names_the_file_too(tmp_path):
    with pytest.raises(OSError, match="100 requested and 0 written.*a.npy"):
        with atomic_write(tmp_path / "a.npy"):
            raise OSError("100 requested and 0 written")


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="Make its folder first.*none/a.txt"):
        with atomic_write(tmp_path / "none" / "a.txt") as partial:
            partial.write_text("new")


def test_a_link_and_the_rights_of_a_file_stay(tmp_path):
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("earlier")
    path.chmod(0o600)
    link.symlink_to(path)
    with atomic_write(link) as partial:
        partial.write_text("new")
    assert link.is_symlink() and path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_name_as_long_as_names_may_be(tmp_path):
    path = tmp_path / ("é" * 123 + ".png")
    with atomic_write(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced_as_a_whole(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    path = tmp_path / "export"
    for name in ("first", "second"):
        with atomic_folder(path) as partial:
            assert os.listdir(partial) == []
            (partial / "inner").mkdir()
            (partial / "inner" / name).write_text(name)
        assert os.listdir(path / "inner") == [name]
    with pytest.raises(OSError, match="No space left.*export"):
        with atomic_folder(path) as partial:
            (partial / "third").write_text("third")
            failing()
    assert os.listdir(path / "inner") == ["second"] and os.listdir(tmp_path) == ["export"]


def test_partials_of_living_processes_stay(tmp_path):
    # The file by itself, without the seconds that kgan takes to import.
    write = f"import runpy, sys\nf = runpy.run_path({files.__file__!r})\n"
    write += "with f['atomic_write'](sys.argv[1]) as p:\n"
    write += " p.write_text('x')\n print(p.name, flush=True)\n sys.stdin.read()"
    command = [sys.executable, "-c", write, str(tmp_path / "a.txt")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        name = writer.stdout.readline().strip()
        with atomic_write(tmp_path / "b.txt") as mine:
            mine.write_text("x")
            assert remove_stale_partials(tmp_path) == []
        writer.kill()
        # Before it is waited for: a killed process stays in the table, and writes no more.
        while name not in [path.name for path in remove_stale_partials(tmp_path)]:
            time.sleep(0.01)
    assert os.listdir(tmp_path) == ["b.txt"]


def test_partials_of_a_number_that_another_process_has_now_go(tmp_path):
    old = time.time() - 10**8  # long before any process that runs
    stale = [tmp_path / f".model.{pid}-0.partial.keras" for pid in (os.getpid(), os.getppid())]
    stale.append(tmp_path / ".model.4194305.partial")  # a number that no process has
    for path in stale:
        path.write_text("x")
        os.utime(path, (old, old))
    kept = [tmp_path / "model.partial.keras", tmp_path / ".notes.partial", tmp_path / "a.txt"]
    for path in kept:
        path.write_text("of the user")
    assert sorted(remove_stale_partials(tmp_path)) == sorted(stale)
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    assert remove_stale_partials(tmp_path / "none") == []


def test_the_first_write_to_a_folder_removes_what_killed_ones_left(tmp_path):
    (tmp_path / ".a.4194305-0.partial.txt").write_text("half")
    with atomic_write(tmp_path / "b.txt") as partial:
        partial.write_text("whole")
    assert os.listdir(tmp_path) == ["b.txt"]
