"""A full disk at every write in turn, and kills at random moments: nothing earlier is lost.

After each, the next call goes on and ends with what an undisturbed one ends with, bit for bit. How:
`chaos.py`. The counts are printed: `make slow ARGS="-k chaos -s"`.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import keras
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="files know no backend"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="each trial is a fork"),
]
SCRIPT = pathlib.Path(__file__).with_name("chaos.py")
ACTIONS = ("train", "save", "export", "report", "generate")


def run(kind, action, folder):
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, SCRIPT, kind, action, folder],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    print(counts)
    return counts


@pytest.mark.parametrize("action", ACTIONS)
def test_killed_at_random_moments(tmp_path, action):
    counts = run("kill", action, tmp_path)
    assert counts["trials"] >= 20 and counts["broken"] >= 10


@pytest.mark.parametrize("action", ACTIONS)
def test_each_write_fails_in_turn(tmp_path, action):
    counts = run("write", action, tmp_path)
    # At least the file is written, flushed and moved.
    assert counts["broken"] == counts["trials"] >= 3


def can_mount(folder):
    made = (
        shutil.which("mount")
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True
        ).returncode
    )
    if made:
        subprocess.run(["umount", folder], check=True)
    return made


@pytest.mark.parametrize("action", ACTIONS)
def test_a_disk_that_is_full(tmp_path, action):
    if not can_mount(tmp_path):
        pytest.skip("this user may mount no small disk")
    counts = run("full", action, tmp_path)
    assert counts["trials"] == 10 and counts["broken"] >= 1


def test_two_that_train_in_one_folder(tmp_path):
    counts = run("two", "train", tmp_path)
    assert counts["trials"] == 5 and counts["broken"] >= 1
