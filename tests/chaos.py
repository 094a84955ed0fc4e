"""Breaks kgan while it writes: run by `chaos_test.py` in a process of its own, which forks.

`python tests/chaos.py KIND ACTION FOLDER` prints one line of JSON with counts. The process imports
kgan and computes nothing, so that each trial is a fork of it and starts at once.
"""

import builtins
import errno
import hashlib
import io
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback

# Matplotlib is imported here once, and not by each fork.
import matplotlib.figure  # noqa: F401
import numpy as np
import PIL.Image

import kgan
from kgan.app import run_folder, runs
from kgan.game import state_files

EPOCHS = 3
KILLS = 20
PAIRS = 5  # of two processes that train in one folder
ROOMS = 10  # how many amounts of free space a full disk is tried with


def train(folder, epochs=EPOCHS):
    asked = {"model": "vanilla", "data": str(folder / "points.npy"), "seed": 1, "batch_size": 32}
    asked["options"] = {"generator_units": [4], "discriminator_units": [4], "latent_dim": 2}
    runs.train(folder / "run", epochs, asked, print_fn=lambda line: None)


def model_of(folder):
    return run_folder.load_model(folder / "run")


def save(folder):
    model = model_of(folder)
    model.save(folder / "saved.keras")
    model.save_weights(folder / "saved.weights.h5")


def export(folder):
    model_of(folder).export(folder / "exported")


def report(folder):
    kgan.report.write(folder / "run", folder / "report.html")


def generate(folder):
    from kgan.app import user_files

    model = model_of(folder)
    samples = model.generate(64, seed=0)
    user_files.save_samples(model.fields[0], samples, folder / "samples.npy")
    user_files.save_samples(model.fields[0], samples, folder / "samples.png")


ACTIONS = {f.__name__: f for f in (train, save, export, report, generate)}
# What an action leaves, each read whole: a file that is not raises.
RESULTS = {
    "train": ["run/model.keras"],
    "save": ["saved.keras", "saved.weights.h5"],
    "export": ["exported"],
    "report": ["report.html"],
    "generate": ["samples.npy", "samples.png"],
}


def digest(path):
    """What a file holds, as a hash; raises where it is not whole."""
    if path.name.endswith((".keras", ".weights.h5")):
        whole = hashlib.sha256()
        with state_files.opened(path) as file:
            for name, array in sorted(state_files.arrays_in(file).items()):
                whole.update(name.encode() + np.array(array).tobytes())
        return whole.hexdigest()
    if path.is_dir():
        return digest_of_export(path)
    if path.suffix == ".npy":
        np.load(path)
    if path.suffix == ".png":
        with PIL.Image.open(path) as picture:
            picture.load()
    if path.suffix == ".html":
        assert path.read_text().rstrip().endswith("</html>"), path
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_of_export(path):
    """The values of a SavedModel's variables, which Keras numbers in another order each time."""
    import tensorflow as tf

    assert (path / "saved_model.pb").stat().st_size and (path / "fingerprint.pb").exists()
    reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    names = set(reader.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    return sorted(
        hashlib.sha256(np.asarray(reader.get_tensor(n)).tobytes()).hexdigest() for n in names
    )


def digests(action, folder):
    return [digest(folder / name) for name in RESULTS[action]]


def forked(work, *arguments):
    """Starts `work` in a fork; its errors go to its standard error."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        code = work(*arguments) or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def do(work, *arguments):
    code = ended(forked(work, *arguments))
    assert code == 0, f"{work.__name__} ended with {code}"


class Disk:
    """Lets the n-th write below a folder fail, as on a full disk; 0 fails none."""

    def __init__(self, folder, place):
        self.folder, self.place, self.count = str(folder), place, 0
        self.kept = [(os, name, getattr(os, name)) for name in ("fsync", "replace", "mkdir")]
        self.kept += [(io, "open", io.open), (builtins, "open", builtins.open)]

    def step(self):
        self.count += 1
        if self.count == self.place:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def __enter__(self):
        for owner, name, original in self.kept:
            setattr(owner, name, self.opening if name == "open" else self.failing(original))
        return self

    def __exit__(self, *_):
        for owner, name, original in self.kept:
            setattr(owner, name, original)

    def holds(self, path):
        return os.fspath(path).startswith(self.folder)

    def failing(self, original):
        def call(*arguments, **options):
            # A temporary folder elsewhere is on another disk; fsync is told a number.
            if not isinstance(arguments[0], str | os.PathLike) or self.holds(arguments[0]):
                self.step()
            return original(*arguments, **options)

        return call

    def opening(self, file, mode="r", *arguments, **options):
        opened = self.kept[-1][2](file, mode, *arguments, **options)
        is_ours = isinstance(file, str | os.PathLike) and self.holds(file)
        return Written(opened, self.step) if is_ours and set(mode) & set("wax+") else opened


class Written:
    """A file whose writes are counted."""

    def __init__(self, file, step):
        self._file, self._step = file, step

    def write(self, content):
        self._step()
        return self._file.write(content)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def __iter__(self):
        return iter(self._file)


def break_at(action, folder, place):
    """An action whose `place`-th write fails, and then once more, in one process."""
    with Disk(folder, place) as disk:
        try:
            ACTIONS[action](folder)
        except OSError as error:
            assert "No space left" in str(error), error
            # Some file of ours is named.
            assert str(folder) in str(error), error
    if disk.count < place:
        return 3  # There are no more writes.
    for name in RESULTS[action]:
        digest(folder / name)
    ACTIONS[action](folder)
    return 0


def fill(folder, free):
    """Fills a small disk, but for some bytes."""
    stat = os.statvfs(folder)
    with (folder / "filler").open("wb") as file:
        file.write(bytes(max(0, stat.f_bavail * stat.f_frsize - free)))


def on_a_full_disk(action, folder, free):
    fill(folder, free)
    failed = False
    try:
        ACTIONS[action](folder)
    except OSError as error:
        assert "No space left" in str(error) and str(folder) in str(error), error
        failed = True
    for name in RESULTS[action]:
        digest(folder / name)
    (folder / "filler").unlink()
    ACTIONS[action](folder)
    return 4 if failed else 0


def prepared(action, folder):
    """A folder in which a run has trained one epoch, and an earlier result of the action lies."""
    base = folder / "base"
    base.mkdir(parents=True)
    np.save(base / "points.npy", kgan.data.ring(64, seed=0))
    do(train, base, 1)
    if action != "train":
        do(ACTIONS[action], base)
        do(train, base, 2)  # So that the next result is another one.
    return base


def copied(base, place):
    shutil.rmtree(place, ignore_errors=True)
    # The run knows its data by their place.
    shutil.copytree(base, place, dirs_exist_ok=True)
    return place


def train_as_one_of_two(folder):
    try:
        train(folder)
    except BlockingIOError as error:
        assert str(folder) in str(error), error
        return 5
    return 0


def main(kind, action, folder):
    random.seed(f"{kind} {action}")
    folder = pathlib.Path(folder)
    base, place = prepared(action, folder / "made"), folder / "made" / "base"
    kept = copied(base, folder / "kept")  # The run goes on in `place`, where it knows its data.
    counts = {"kind": kind, "action": action, "trials": 0, "broken": 0}
    start = time.monotonic()
    known = [digests(action, place)]
    if action == "train":
        for epochs in range(2, EPOCHS + 1):
            do(train, place, epochs)
            known.append(digests(action, place))
        copied(kept, place)
        start = time.monotonic()
    do(ACTIONS[action], place)
    known.append(digests(action, place))
    whole, seconds = known[-1], time.monotonic() - start
    if kind == "kill":
        # On a busy machine some end before they are killed, and more are needed.
        while counts["trials"] < KILLS or (
            counts["broken"] < KILLS // 2 and counts["trials"] < 3 * KILLS
        ):
            copied(kept, place)
            child = forked(ACTIONS[action], place)
            time.sleep(random.uniform(0, seconds))
            os.kill(child, signal.SIGKILL)
            counts["broken"] += ended(child) == -signal.SIGKILL
            for name, found in zip(RESULTS[action], digests(action, place)):
                assert found in [one[RESULTS[action].index(name)] for one in known], name
            finish(action, place, whole, counts)
    elif kind == "two":
        while counts["trials"] < PAIRS:
            copied(kept, place)
            first = forked(train_as_one_of_two, place)
            time.sleep(random.uniform(0, seconds / 2))
            codes = sorted([ended(forked(train_as_one_of_two, place)), ended(first)])
            assert codes in ([0, 0], [0, 5]), codes
            counts["broken"] += codes == [0, 5]
            finish(action, place, whole, counts, again=False)
    elif kind == "write":
        while True:
            copied(kept, place)
            code = ended(forked(break_at, action, place, counts["trials"] + 1))
            if code == 3:
                break
            assert code == 0, f"write {counts['trials'] + 1} ended with {code}"
            counts["broken"] += 1
            finish(action, place, whole, counts, again=False)
    else:
        shutil.rmtree(place)
        place.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], check=True, stderr=-3
        )
        try:
            files = [
                f for name in RESULTS[action] for f in (kept / name, *(kept / name).rglob("*"))
            ]
            need = sum(path.stat().st_size for path in files if path.is_file())
            for room in range(ROOMS):
                for path in place.iterdir():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                shutil.copytree(kept, place, dirs_exist_ok=True)
                code = ended(forked(on_a_full_disk, action, place, need * room // ROOMS))
                assert code in (0, 4), f"with room for {need * room // ROOMS} bytes: {code}"
                counts["broken"] += code == 4
                finish(action, place, whole, counts, again=False)
        finally:
            subprocess.run(["umount", place], check=True)
    counts["seconds"] = round(time.monotonic() - start)
    print(json.dumps(counts))


def finish(action, place, whole, counts, again=True):
    if again:
        do(ACTIONS[action], place)
    assert digests(action, place) == whole, f"{action} ended with another result"
    left = [path for path in place.rglob("*.partial*")]
    assert not left, left
    counts["trials"] += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
