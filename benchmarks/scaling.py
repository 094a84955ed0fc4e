"""Several processes train one model, each bound to one core: speed, losses, kills, checkpoints.

    python benchmarks/scaling.py                          # TensorFlow and JAX
    python benchmarks/scaling.py --backends jax --parts exact killed
    python benchmarks/scaling.py --write                  # and puts them into docs/scaling.md

Processes find each other on loopback: `tf.distribute.MultiWorkerMirroredStrategy` on TensorFlow,
`keras.distribution.DataParallel` over `jax.distributed` on JAX. Parts:

* `speed`: dcgan; weak scaling keeps each process's batch, strong scaling the global batch. Beside
  them stands `apart`, as many processes that know nothing of each other: what the machine gives.
* `exact`: losses and weights against one process with the same global batch.
* `killed`: one process is killed with SIGKILL inside an epoch, all are started again, and go on
  from the first one's `BackupAndRestore(save_freq=...)`: which steps are lost, and is the end that
  of an undisturbed run, bit for bit?
* `checkpoints`: weights of two processes in one, and of one in two.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from contenders.scaling_worker import Job
from pages import say, write_between

WORKER = pathlib.Path(__file__).parent / "contenders" / "scaling_worker.py"
DOCS = pathlib.Path(__file__).parents[1] / "docs" / "scaling.md"
PARTS = ("exact", "killed", "checkpoints", "speed")
# At least this share of the throughput of as many single processes is wanted of two.
BAR = 0.9
# Losses of one game in another order of additions.
CLOSE = 1e-4


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for listener in sockets:
        listener.bind(("127.0.0.1", 0))
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


class Run:
    """The processes of one run.

    Args:
        job: a `Job`.
        count: integer, of processes.
        apart: boolean, whether each plays a game of its own. Defaults to `False`.
    """

    def __init__(self, job, count, apart=False):
        self.errors = [tempfile.TemporaryFile("w+") for _ in range(count)]
        ports = free_ports(count)
        self.processes = []
        for rank, errors in enumerate(self.errors):
            mine = dataclasses.replace(job, ports=ports[:1] if apart else ports)
            command = [sys.executable, WORKER, json.dumps(dataclasses.asdict(mine)), str(rank)]
            # Set for tests on one device, they would not hold for a cluster.
            left_out = ("TF_CONFIG", "XLA_FLAGS", "KERAS_BACKEND")
            environment = {k: v for k, v in os.environ.items() if k not in left_out}
            self.processes.append(
                subprocess.Popen(
                    command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
                )
            )

    def reports(self):
        """What each process reports at its end, a dict."""
        found = []
        try:
            for process, errors in zip(self.processes, self.errors):
                output, _ = process.communicate(timeout=900)
                lines = [line for line in output.splitlines() if line.startswith("REPORT ")]
                if process.returncode or not lines:
                    errors.seek(0)
                    raise RuntimeError(
                        f"A process ended with {process.returncode}: {errors.read()[-3000:]}"
                    )
                found.append(json.loads(lines[-1].removeprefix("REPORT ")))
        finally:
            self.end()
        return found

    def kill(self, rank, step):
        """Kills a process after a step, as the system would, and then ends all, as launchers do."""
        for line in self.processes[rank].stdout:
            if line.strip() == f"STEP {step}":
                self.processes[rank].send_signal(signal.SIGKILL)
                break
        code = self.processes[rank].wait(timeout=60)
        self.end()
        if code != -signal.SIGKILL:
            raise RuntimeError(f"The process was not killed at step {step}: it ended with {code}")

    def end(self):
        """Ends the processes that this run began."""
        for process, errors in zip(self.processes, self.errors):
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
            errors.close()


def difference(mine, its):
    """The largest relative difference of two histories of losses."""
    names = sorted(its)
    a, b = (np.array([history[name] for name in names]) for history in (mine, its))
    return float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1e-6)))


def exact(backend, size, counts):
    """Rows: how far losses are from those of one process, with and without BatchNorm."""
    rows = []
    for model in ("exact", "batch_norm"):
        job = Job(backend, model, **size)
        reference = Run(job, 1).reports()[0]["history"]
        for count in counts:
            found = [report["history"] for report in Run(job, count).reports()]
            rows.append(
                {
                    "backend": backend,
                    "model": model,
                    "processes": count,
                    "difference": max(difference(history, reference) for history in found),
                }
            )
            say(f"exact: {rows[-1]}")
    return rows


def killed(backend, size, count=2):
    """A row: what a kill inside an epoch cost."""
    size = {**size, "epochs": 2}
    save_freq = size["steps"] // 2 - 1
    # Inside the second epoch, and after a backup in it.
    step = size["steps"] + save_freq + 3
    with tempfile.TemporaryDirectory() as folder:
        whole, broken = (pathlib.Path(folder) / name for name in ("whole", "broken"))
        whole.mkdir()
        broken.mkdir()
        job = Job(backend, save_freq=save_freq, folder=str(whole), **size)
        Run(job, count).reports()
        job = dataclasses.replace(job, folder=str(broken))
        # Slow enough that the kill comes before the next step.
        Run(dataclasses.replace(job, pause=0.3), count).kill(count - 1, step)
        first = {report["first_step"] for report in Run(job, count).reports()}
        states = [
            [np.load(path / f"state_{rank}.npz") for rank in range(count)]
            for path in (whole, broken)
        ]
        off = max(
            float(np.max(np.abs(mine[name] - its[name]) / np.maximum(np.abs(its[name]), 1e-3)))
            for mine, its in zip(states[1], states[0])
            for name in its.files
        )
    row = {
        "backend": backend,
        "processes": count,
        "save_freq": save_freq,
        "killed_after": step,
        "went_on_at": min(first),
        "lost": step + 1 - min(first),
        "agreed": len(first) == 1,
        "difference": off,
    }
    say(f"killed: {row}")
    return row


def checkpoints(backend, size):
    """Rows: weights that some processes wrote and another number of them went on with."""
    size = {**size, "epochs": 1}
    reference = Run(Job(backend, "exact", **{**size, "epochs": 2}), 1).reports()[0]["history"]
    second = {name: values[1:] for name, values in reference.items()}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for writers, readers in ((2, 1), (1, 2)):
            job = Job(backend, "exact", folder=folder, **size)
            Run(job, writers).reports()
            loaded = dataclasses.replace(
                job, load=str(pathlib.Path(folder) / "rank_0.weights.h5"), folder=None
            )
            found = [report["history"] for report in Run(loaded, readers).reports()]
            rows.append(
                {
                    "backend": backend,
                    "writers": writers,
                    "readers": readers,
                    "difference": max(difference(history, second) for history in found),
                }
            )
            say(f"checkpoints: {rows[-1]}")
    return rows


def speed(backend, size, counts):
    """Rows: images per second of each number of processes, and of as many apart."""
    one_batch, per_epoch = size["batch_size"], size["steps"]
    rows, cores = [], len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1

    def measure(scaling, count, batch_size, apart=False):
        job = Job(backend, **{**size, "batch_size": batch_size})
        reports = Run(job, count, apart).reports()
        # The first epoch compiles. The slowest process is as fast as all.
        epochs = zip(*(report["seconds"][1:] for report in reports))
        seconds = statistics.median(map(max, epochs)) / per_epoch
        images = batch_size * (count if apart else 1)
        row = {
            "backend": backend,
            "scaling": scaling,
            "processes": count,
            "batch_size": batch_size,
            "ms_per_step": 1e3 * seconds,
            "images_per_second": images / seconds,
            # Of its core, what a process got: less than all where others took it, or it waited.
            "core_share": min(
                sum(report["core_seconds"][1:]) / sum(report["seconds"][1:]) for report in reports
            ),
            "what": (
                f"dcgan of width {job.width} ({reports[0]['weights']:,} weights) on images of "
                f"{job.side}x{job.side}x1, medians of {job.epochs - 1} epochs of {per_epoch} steps"
            ),
        }
        if rows:
            # Processes beyond the cores share them.
            row["efficiency"] = row["images_per_second"] / (
                min(count, cores) * rows[0]["images_per_second"]
            )
        rows.append(row)
        say(f"speed: {row}")

    measure("one", 1, one_batch)
    for count in counts:
        measure("apart", count, one_batch, apart=True)
        measure("weak", count, count * one_batch)
        measure("strong", count, one_batch)
    return rows


def table(names, rows):
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def size_of(difference):
    return f"{difference:.1e}" if difference else "none"


NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}
GAMES = {"exact": "no BatchNorm", "batch_norm": "BatchNorm"}


def markdown(results):
    """All tables, for docs/scaling.md."""
    parts = [results["protocol"]]
    if rows := results.get("speed"):
        cells = [
            [
                NAMES[row["backend"]],
                row["scaling"],
                row["processes"],
                row["batch_size"],
                f"{row['ms_per_step']:.1f}",
                f"{row['images_per_second']:.0f}",
                f"{row['efficiency']:.2f}" if "efficiency" in row else "-",
                f"{100 * row['core_share']:.0f} %",
            ]
            for row in rows
        ]
        names = ["backend", "scaling", "processes", "global batch", "ms per step", "images/s"]
        parts.append(table([*names, "efficiency", "of a core"], cells))
    if rows := results.get("exact"):
        cells = [
            [
                NAMES[row["backend"]],
                GAMES[row["model"]],
                row["processes"],
                size_of(row["difference"]),
            ]
            for row in rows
        ]
        parts.append(table(["backend", "networks", "processes", "largest difference"], cells))
    if rows := results.get("killed"):
        cells = [
            [
                NAMES[row["backend"]],
                row["processes"],
                row["save_freq"],
                row["killed_after"],
                row["went_on_at"],
                row["lost"],
                size_of(row["difference"]),
            ]
            for row in rows
        ]
        names = ["backend", "processes", "saved every", "killed after step", "went on at step"]
        parts.append(table([*names, "steps lost", "difference at the end"], cells))
    if rows := results.get("checkpoints"):
        cells = [
            [NAMES[row["backend"]], row["writers"], row["readers"], size_of(row["difference"])]
            for row in rows
        ]
        parts.append(table(["backend", "written by", "read by", "largest difference"], cells))
    return "\n\n".join(parts)


def missed(results):
    """What did not come out as it should, a list of strings."""
    found = []
    for row in results.get("exact", []):
        # On TensorFlow each replica has statistics of its own.
        is_one_game = row["model"] == "exact" or row["backend"] == "jax"
        if is_one_game and row["difference"] > CLOSE:
            found.append(f"losses differ: {row}")
    for row in results.get("killed", []):
        cheap = row["agreed"] and row["lost"] <= row["save_freq"]
        if not (cheap and row["difference"] <= CLOSE):
            found.append(f"a kill cost too much: {row}")
    found += [
        f"a checkpoint differs: {row}"
        for row in results.get("checkpoints", [])
        if row["difference"] > CLOSE
    ]
    found += [
        f"below {BAR}: {row}"
        for row in results.get("speed", [])
        if row["scaling"] == "weak" and row["processes"] == 2 and row["efficiency"] < BAR
    ]
    return found


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backends", nargs="+", choices=list(NAMES), default=list(NAMES))
    parser.add_argument("--parts", nargs="*", default=PARTS, help="none: only tables of --json")
    parser.add_argument("--processes", nargs="+", type=int, default=[2, 4])
    parser.add_argument("--side", type=int, default=28, help="of the images that speed plays")
    parser.add_argument("--width", type=int, default=64, help="of the networks that speed plays")
    parser.add_argument("--batch-size", type=int, default=128, help="of one process")
    parser.add_argument("--steps", type=int, default=30, help="of an epoch that is timed")
    parser.add_argument("--epochs", type=int, default=3, help="that are timed")
    parser.add_argument("--write", action="store_true", help="into docs/scaling.md")
    parser.add_argument(
        "--json", type=pathlib.Path, help="file of all numbers: what is not asked for stays"
    )
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no such part: {sorted(unknown)}. Choose from {list(PARTS)}.")
    small = {"side": 8, "width": 8, "batch_size": 32, "steps": 8, "epochs": 2}
    large = {
        "side": arguments.side,
        "width": arguments.width,
        "batch_size": arguments.batch_size,
        "steps": arguments.steps,
        "epochs": arguments.epochs + 1,
    }
    results = {part: [] for part in PARTS}
    if arguments.json and arguments.json.exists():
        known = json.loads(arguments.json.read_text())
        for part in PARTS:
            asked = arguments.backends if part in arguments.parts else ()
            results[part] = [row for row in known[part] if row["backend"] not in asked]
    for backend in arguments.backends:
        for part, rows in results.items():
            if part not in arguments.parts:
                continue
            if part == "exact":
                rows += exact(backend, small, arguments.processes)
            elif part == "killed":
                rows.append(killed(backend, small))
            elif part == "checkpoints":
                rows += checkpoints(backend, small)
            else:
                rows += speed(backend, large, arguments.processes)
    results["protocol"] = (
        "No GPU, loopback, each process bound to one core. Losses, kills and weights: DCGAN of "
        "width 8 on images of 8x8x1, 8 steps of 32 in an epoch."
    )
    if rows := results["speed"]:
        results["protocol"] += f" Speed: {rows[0]['what']}."
    for part in PARTS:
        results[part].sort(key=lambda row: list(NAMES).index(row["backend"]))
    text = markdown(results)
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    if arguments.write:
        write_between(DOCS, "scaling", text)
    for line in (problems := missed(results)):
        say(line)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
