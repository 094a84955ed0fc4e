"""Does a model wait for pictures that are read from disk? One pass over a folder of JPEG files.

    python benchmarks/streaming.py                      # 100,000 files, dcgan of width 16
    KERAS_BACKEND=torch python benchmarks/streaming.py --files 20000 --parts wait

Writes JPEG files of random textures to a temporary folder, loads them with
`kgan.data.load(folder, stream=True)` and trains. What the tables say:

* `waits`: `fit` goes once through the folder, in the batches that it makes itself, and the time
  that it spends asking for the next one is added up: the share of the pass that the step waits for
  data, 5 % at most. Beside it the process's memory at a tenth of the pass, half way and at its end:
  what the second nine tenths add is at most 5 % and 64 MiB.
* `competes`: what waits for nobody may still take the cores from the step. So `fit` trains in turns
  from the stream and from an array of the same pictures in memory, and the seconds and the
  processor's seconds of both are compared. A busy machine moves these more than the share above.
* `kill`: `kgan train --stream` is killed (SIGKILL) within its second epoch and started again; all
  that model.keras holds, optimizers and random states too, must equal that of a run that nobody
  killed, bit for bit.

The files were written a moment ago, so they are in the system's cache: a disk that is slower than
what a step takes is another matter.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import concurrent.futures
import functools
import io
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

import h5py
import keras
import numpy as np
import psutil
from PIL import Image
from tasks.common import say

import kgan
from kgan.data.batches import shuffled_batches

PARTS = ("waits", "competes", "kill")
MOST_WAITING, MOST_GROWTH, MOST_MIB = 0.05, 1.05, 64
PER_FOLDER = 1000


def write_pictures(folder, count, side):
    """Writes so many JPEG files, and returns how many bytes they have on average."""

    def write(start):
        size = 0
        for number in range(start, min(start + PER_FOLDER, count)):
            generator = np.random.default_rng(number)
            coarse = generator.integers(0, 256, (6, 6, 3), "uint8")
            smooth = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
            grain = generator.normal(0, 6, (side, side, 1))
            pixels = np.clip(np.asarray(smooth) + grain, 0, 255).astype("uint8")
            path = folder / f"{number // PER_FOLDER:04}" / f"{number:07}.jpg"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(pixels).save(path, quality=90)
            size += path.stat().st_size
        return size

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return sum(pool.map(write, range(0, count, PER_FOLDER))) / count


class Waiting:
    """Batches as they are, and the seconds that their taker spent asking for the next one."""

    def __init__(self, batches):
        self.asked, self.answered = [], []
        if isinstance(batches, keras.utils.PyDataset):
            self.batches = _TimedBatches(batches, self.asked, self.answered)
            return
        import tensorflow as tf

        def stamps(times):
            def stamp(number):
                times.append(time.perf_counter())
                return number

            count = batches.cardinality() + 1
            numbers = tf.data.Dataset.range(count)
            return numbers.map(lambda n: tf.numpy_function(stamp, [n], tf.int64))

        # Datasets in a zip are asked one after another, in the thread that asks for the next.
        timed = tf.data.Dataset.zip((stamps(self.asked), batches, stamps(self.answered)))
        timed = timed.map(lambda before, batch, after: batch)
        timed = timed.apply(tf.data.experimental.assert_cardinality(batches.cardinality()))
        options = tf.data.Options()
        # A clock must not wait for the thread that reads, which on one core is the only one.
        options.threading.private_threadpool_size = 2
        self.batches = timed.with_options(options)

    @property
    def seconds(self):
        """For each batch, without the first, for which the pipeline starts."""
        pairs = list(zip(self.asked, self.answered, strict=False))[1:]
        return [answered - asked for asked, answered in pairs]


class _TimedBatches(keras.utils.PyDataset):
    def __init__(self, batches, asked, answered):
        super().__init__(workers=1, use_multiprocessing=False)
        self.inner, self.asked, self.answered = batches, asked, answered

    @property
    def num_batches(self):
        return self.inner.num_batches

    def on_epoch_begin(self):
        self.inner.on_epoch_begin()

    def __getitem__(self, index):
        self.asked.append(time.perf_counter())
        batch = self.inner[index]
        self.answered.append(time.perf_counter())
        return batch


class Memory(keras.callbacks.Callback):
    """The process's memory in MiB after each step, and when the steps ended."""

    def on_train_begin(self, logs=None):
        self.mebibytes, self.ends = [], []
        self.process = psutil.Process()

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())
        self.mebibytes.append(self.process.memory_info().rss / 2**20)


def loaded_model(arguments, pictures):
    keras.utils.set_random_seed(0)
    return kgan.zoo.load("dcgan", like=pictures, width=arguments.width, seed=0)


def waits(arguments, pictures):
    """Goes through all pictures once; returns whether the step waited and memory grew little."""
    model = loaded_model(arguments, pictures)
    # What compiles does not count.
    model.fit(pictures[: 2 * arguments.batch_size], batch_size=arguments.batch_size, verbose=0)
    order = functools.partial(np.random.default_rng(0).permutation, len(pictures))
    waiting = Waiting(shuffled_batches((pictures,), arguments.batch_size, order))
    memory = Memory()
    model.fit(waiting.batches, verbose=0, callbacks=[memory])
    steps = len(memory.ends)
    # From the end of the first step, before which the pipeline starts, to that of the last.
    taken = memory.ends[-1] - memory.ends[0]
    seconds = waiting.seconds[: steps - 1]
    share = sum(seconds) / taken
    at = [memory.mebibytes[int(part * (steps - 1))] for part in (0.1, 0.5, 1.0)]
    is_flat = at[2] <= max(MOST_GROWTH * at[0], at[0] + MOST_MIB)
    print(
        "| steps | images/s | ms per step | waits for data | longest wait | MiB at 10, 50, 100 % |"
    )
    print("|---|---|---|---|---|---|")
    print(
        f"| {steps} | {(steps - 1) * arguments.batch_size / taken:.0f} | "
        f"{1e3 * taken / (steps - 1):.1f} | {share:.2%} | {1e3 * max(seconds):.1f} ms | "
        f"{', '.join(f'{value:.0f}' for value in at)} |\n",
        flush=True,
    )
    return share <= MOST_WAITING and is_flat


def competes(arguments, pictures):
    """Trains in turns from the stream and from memory."""
    pictures = pictures[: arguments.steps * arguments.batch_size]
    sources = {"memory": np.asarray(pictures), "stream": pictures}
    models = {name: loaded_model(arguments, pictures) for name in sources}
    taken, busy = {name: [] for name in sources}, {name: [] for name in sources}
    for turn in range(arguments.rounds + 1):
        for name, source in sources.items():
            start, start_busy = time.perf_counter(), time.process_time()
            models[name].fit(source, batch_size=arguments.batch_size, verbose=0)
            if turn:  # the first one compiles
                taken[name].append(time.perf_counter() - start)
                busy[name].append(time.process_time() - start_busy)
    print(
        "| pictures from | images/s | seconds over memory's | processor's seconds over memory's |"
    )
    print("|---|---|---|---|")
    for name in sources:
        ratios = [np.array(times[name]) / np.array(times["memory"]) for times in (taken, busy)]
        rate = len(pictures) / np.median(taken[name])
        cells = [f"{np.median(r):.3f} ({', '.join(f'{v:.3f}' for v in r)})" for r in ratios]
        print(f"| {name} | {rate:.0f} | {cells[0]} | {cells[1]} |")
    print(flush=True)
    return True


def kill(arguments, folder, out):
    """Kills a run of the command line and resumes it; returns whether that changed nothing."""
    count = arguments.steps * arguments.batch_size

    def command(run):
        options = f"--epochs 2 --seed 0 --max-examples {count} --batch-size {arguments.batch_size}"
        options += f" --option width={arguments.width} --picture-every 0 --stream"
        data = ["--data", str(folder), "--out", str(out / run)]
        return [sys.executable, "-m", "kgan", "train", "dcgan", *data, *options.split()]

    def started(run):
        return subprocess.Popen(command(run), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def finished(run):
        process = started(run)
        said = process.communicate()[0].decode()
        if process.returncode:
            raise RuntimeError(f"The run {run} failed: {said[-2000:]}")
        return said

    finished("whole")
    process = started("killed")
    while process.poll() is None and not (out / "killed" / "model.keras").exists():
        time.sleep(0.01)
    time.sleep(arguments.kill_after)
    process.send_signal(signal.SIGKILL)
    was_running = process.wait() == -signal.SIGKILL
    resumed = "Resuming after epoch 1." in finished("killed")
    whole, again = (state_of(out / run / "model.keras") for run in ("whole", "killed"))
    unequal = [name for name in whole if not np.array_equal(whole[name], again.get(name))]
    is_equal = was_running and resumed and not unequal and whole.keys() == again.keys()
    print(
        f"Killed {arguments.kill_after} s into epoch 2 of {arguments.steps} steps: {was_running}; "
        f"resumed after epoch 1: {resumed}; arrays of model.keras that are equal: "
        f"{len(whole) - len(unequal)} of {len(whole)}.\n",
        flush=True,
    )
    return is_equal


def state_of(path):
    """All arrays of a .keras file, by their names."""
    arrays = {}

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = np.asarray(item)

    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(collect)
    return arrays


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--side", type=int, default=64, help="of the pictures, in pixels")
    parser.add_argument("--width", type=int, default=16, help="of dcgan's networks")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=100, help="per turn and per epoch of a run")
    parser.add_argument("--rounds", type=int, default=3, help="turns of stream and memory")
    parser.add_argument("--kill-after", type=float, default=2.0, help="seconds into an epoch")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args(argv)
    passed = []
    with tempfile.TemporaryDirectory() as place:
        folder, out = pathlib.Path(place, "pictures"), pathlib.Path(place, "runs")
        folder.mkdir()
        average = write_pictures(folder, arguments.files, arguments.side)
        start = time.perf_counter()
        pictures = kgan.data.load(folder, stream=True)
        say(f"\n{arguments.files} headers were read in {time.perf_counter() - start:.1f} s")
        print(
            f"{keras.backend.backend()}, dcgan of width {arguments.width}, "
            f"{arguments.files} JPEG files of {arguments.side}x{arguments.side}, "
            f"{average / 1024:.1f} KiB each, batches of {arguments.batch_size}, "
            f"{os.cpu_count()} cores.\n",
            flush=True,
        )
        if "waits" in arguments.parts:
            passed.append(waits(arguments, pictures))
        if "competes" in arguments.parts:
            passed.append(competes(arguments, pictures))
        if "kill" in arguments.parts:
            passed.append(kill(arguments, folder, out))
    print("All within the bars." if all(passed) else "A bar was missed.")
    return int(not all(passed))


if __name__ == "__main__":
    sys.exit(main())
