import json
import os
import signal
import socket
import subprocess
import sys
import threading

import keras
import pytest
from typer.testing import CliRunner

from kgan.app import cli
from kgan.app.run_lock import locked

COMMAND = [sys.executable, "-c", "from kgan.app.cli import main; main()"]
TRAIN = ["train", "vanilla", "--data", "ring", "--max-examples", "64", "--option",
         "generator_units=(4,)", "--option", "discriminator_units=(4,)", "--seed", "1",
         "--picture-every", "0"]  # fmt: skip
HOLDER = (
    "import sys\nfrom kgan.app.run_lock import locked\n"
    "with locked(sys.argv[1]):\n    print('held', flush=True)\n    sys.stdin.read()\n"
)

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)


def kgan(*arguments):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def holder_of(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def hidden(folder):
    return sorted(path.name for path in folder.glob(".*"))


def test_a_folder_in_which_a_living_process_trains_is_refused_and_a_dead_ones_taken(tmp_path):
    folder = tmp_path / "run"
    assert kgan(*TRAIN, "--epochs", 1, "--out", folder).exit_code == 0
    assert not hidden(folder)
    process = holder_of(folder)
    mine = folder / f".model.{process.pid}-0.partial.keras"
    mine.write_bytes(b"half")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    link = tmp_path / "link"
    link.symlink_to(folder)
    for name in (folder, link, os.path.relpath(folder)):
        result = kgan(*TRAIN, "--epochs", 2, "--out", name)
        assert result.exit_code == 1 and result.stderr.count("\n") == 1
        for words in (f"process {process.pid} on this computer", "since 20", "kgan report"):
            assert words in result.stderr
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    # What only reads works meanwhile.
    assert kgan("report", folder).exit_code == 0
    assert kgan("generate", folder, "--out", tmp_path / "a.npy").exit_code == 0
    process.send_signal(signal.SIGKILL)
    process.wait()
    result = kgan(*TRAIN, "--epochs", 2, "--out", folder)
    assert result.exit_code == 0 and "Resuming after epoch 1" in result.output
    assert not hidden(folder)


def test_two_threads_of_one_process(tmp_path):
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with locked(tmp_path / "run"):
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(60)
    with pytest.raises(BlockingIOError, match="this process itself, in another thread"):
        with locked(tmp_path / "run"):
            pytest.fail("two hold one lock")
    leave.set()
    thread.join()
    # Nothing came into the folder, so nothing is left of it.
    assert not (tmp_path / "run").exists()
    with locked(tmp_path / "run"):
        pass


def test_an_owner_on_another_computer_is_named(tmp_path):
    with locked(tmp_path):
        owner = {"pid": 1, "host": "another", "since": "2026-01-01T00:00:00+00:00"}
        (tmp_path / ".lock-owner.json").write_text(json.dumps(owner))
        with pytest.raises(BlockingIOError, match="process 1 on another, since 2026-01-01"):
            with locked(tmp_path):
                pass
        # An owner that died without a word is not named in place of the one that holds the lock.
        owner = {**owner, "host": socket.gethostname(), "pid": 2**22 + 1}
        (tmp_path / ".lock-owner.json").write_text(json.dumps(owner))
        with pytest.raises(BlockingIOError, match="this folder: another process"):
            with locked(tmp_path):
                pass


def test_a_file_system_without_locks_is_served_by_a_file(tmp_path, monkeypatch):
    import errno
    import fcntl

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with locked(tmp_path):
        with pytest.raises(BlockingIOError, match="Another training runs in this folder"):
            with locked(tmp_path):
                pass
    with locked(tmp_path):
        pass
    assert not hidden(tmp_path)


@pytest.mark.slow
def test_two_trainings_that_start_at_once(tmp_path):
    folder = tmp_path / "run"
    arguments = [*COMMAND, *TRAIN, "--epochs", "100", "--out", str(folder)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(arguments, **pipes) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], said
    (refused,) = [text for process, text in zip(both, said) if process.returncode == 1]
    assert "Another training runs in this folder: process" in refused
    result = kgan(*TRAIN, "--epochs", 101, "--out", folder)
    assert result.exit_code == 0 and "Resuming after epoch 100" in result.output
