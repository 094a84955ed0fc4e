"""Images per second of `fit` on a GPU, beside native PyTorch and a hand-written JAX step.

    python benchmarks/gpu.py                                  # everything that is installed
    KERAS_BACKEND=jax python benchmarks/gpu.py --models dcgan r3gan --json gpu.json
    python benchmarks/gpu.py --rows fit jit --seconds-per-row 5 --jobs 8

Models: `dcgan` at 64x64x3 in batches of 128; `cyclegan` at 256x256x3 in batches of 1 and 8;
`r3gan` as published for CIFAR-10 (Huang et al. 2024 and their code's preset: four sizes from 4x4 to
32x32, at each two blocks of 768 channels that widen to 1536, 3x3 convolutions in groups of 16
channels, noise of 64), in batches of 64, a GPU's share of their 512 on eight. All rows of a model
have the same numbers of parameters, which is asserted, the same batches of bytes, Adam, and the
same order of play: every turn makes its own fakes.

* **fit**: `kgan.zoo.load(...)` and `model.fit(images)` in mixed_bfloat16 and in float32, on JAX and
  on PyTorch, or on the one that KERAS_BACKEND names; images in the host's memory. Its epochs are
  timed.
* **jit**: a hand-written `jax.jit` step of the same Keras networks, used statelessly, its state
  donated, the images on the device.
* **eager, channels_last, compiled, graphs**: native PyTorch with bf16 autocast, cuDNN's search for
  the fastest algorithms, a fused Adam, and the images on the device. The fastest is PyTorch's
  number. R3GAN's penalties are differentiated twice, which `torch.compile` can't do: it stays
  eager.

First of all each backend trains small float32 models for five steps, on the GPU (without TF32)
and on the CPU, and their losses must agree within a relative 1e-3 (`--no-check` leaves it out).

Each row runs in a process of its own, without JAX's preallocation. `--jobs` rows prepare (import,
build, compile) at once; then one after another is measured while the others wait. With more than
one job, what compilers time on the device to choose algorithms is disturbed by the others. "First"
is the seconds of the first step, compilation included. "Share" counts the convolutions and matrix
products that the step must do, over the device's dense bf16 peak: of float32 rows, too.
"""

import argparse
import importlib.util
import itertools
import json
import os
import pathlib
import platform
import subprocess
import sys
import threading
import time

from contenders import gpu_rows
from pages import say

# Dense bf16 TFLOP/s by parts of the device's name, of the makers' data sheets (T4, V100: fp16).
PEAKS = {
    "B200": 2250.0,
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100 NVL": 835.0,
    "H100": 989.0,
    "A100": 312.0,
    "A10G": 70.0,
    "A10": 125.0,
    "L40S": 362.0,
    "L40": 181.0,
    "L4": 121.0,
    "RTX 4090": 165.0,
    "RTX 3090": 71.0,
    "V100": 125.0,
    "T4": 65.0,
}
TOLERANCE = 1e-3
NOT_COMPILED = {"r3gan": ("compiled", "graphs")}
COMPARED = ("dcgan", "cyclegan_1", "r3gan")  # whose losses are compared


def installed(name):
    return importlib.util.find_spec(name) is not None


def environment(row, backend, cpu=False):
    """The variables of a row's process."""
    path = [str(pathlib.Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "KERAS_BACKEND": backend,
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "PYTHONUNBUFFERED": "1",
    }
    if row == "losses":
        variables["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"
    if cpu:
        variables |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    return variables


class Row:
    """A process that measures one row: see `gpu_rows`."""

    def __init__(self, case, row, backend, arguments, cpu=False):
        self.case, self.row, self.backend, self.cpu = case, row, backend, cpu
        self.result, self.lines, self.ready = None, [], threading.Event()
        asked = {
            "case": case,
            "row": row,
            "tiny": arguments.tiny or row == "losses",
            "seconds": arguments.seconds_per_row,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "contenders.gpu_rows", json.dumps(asked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(row, backend, cpu),
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            if line.startswith("RESULT "):
                self.result = json.loads(line.removeprefix("RESULT "))
            elif line.startswith("READY"):
                self.ready.set()
            else:
                self.lines.append(line.rstrip())
        self.ready.set()  # or it has failed

    def prepared(self, seconds):
        """Whether it is ready within that time. One that isn't is ended."""
        if not self.ready.wait(max(0.0, seconds)):
            self.end(f"not ready within {seconds:.0f} s")
        return self.process.poll() is None

    def measured(self, seconds):
        """Lets it measure, and waits for the end."""
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            self.process.wait(seconds)
        except (OSError, subprocess.TimeoutExpired) as error:
            self.end(f"{type(error).__name__} while it measured")
        self.reader.join(10)

    def end(self, why):
        self.lines.append(why)
        self.process.kill()
        self.process.wait()

    @property
    def name(self):
        return f"{self.case} {self.row} on {self.backend}{' (CPU)' if self.cpu else ''}"

    def figures(self):
        """What is known of it, for the table and the file."""
        known = {"case": self.case, "row": self.row, "backend": self.backend}
        if self.result is None:
            # What an error says stands near the end, unindented.
            said = [line for line in self.lines if "Error" in line and line[:1].strip()]
            words = " / ".join([*said[-1:], *self.lines[-1:]])[:400]
            return {**known, "failed": words or "no output", "log": self.lines[-40:]}
        return {**known, **self.result}


def wanted(arguments):
    """The rows asked for: case, row, backend."""
    own = {"eager", "channels_last", "compiled", "graphs"}
    for case in arguments.models:
        model = gpu_rows.cases(arguments.tiny)[case].model
        for row in arguments.rows:
            if row in NOT_COMPILED.get(model, ()):
                continue
            if row in own:
                backends = ["torch"] if installed("torch") else []
            elif row == "jit":
                backends = [name for name in arguments.backends if name == "jax"]
            else:
                backends = arguments.backends
            yield from ((case, row, backend) for backend in backends)


def compared(arguments):
    """Whether losses on this device are those of the CPU, by backend and model."""
    pairs = [(case, backend) for backend in arguments.backends for case in COMPARED]
    found = []
    for first in range(0, len(pairs), arguments.jobs):
        group = [
            [Row(case, "losses", backend, arguments, cpu) for cpu in (False, True)]
            for case, backend in pairs[first : first + arguments.jobs]
        ]
        start = time.monotonic()
        for row in itertools.chain(*group):
            row.prepared(start + arguments.prepare_seconds - time.monotonic())
            row.reader.join(10)
        found += map(difference, group)
    return found


def difference(pair):
    """How far the losses of a pair of processes, on the device and on the CPU, are apart."""
    here, there = ((row.result or {}).get("losses") for row in pair)
    differences = [
        abs(x - y) / max(abs(y), 1e-3)
        for key in there or {}
        for x, y in zip((here or {}).get(key, ()), there[key])
    ]
    largest = max(differences) if differences and here else None
    entry = {
        "case": pair[0].case,
        "backend": pair[0].backend,
        "largest_difference": largest,
        "passed": largest is not None and largest <= TOLERANCE,
        "here": here,
        "on_cpu": there,
    }
    if largest is None:
        entry["failed"] = [row.figures().get("failed") for row in pair]
    say(f"losses of {entry['case']} on {entry['backend']}: differ by {largest}")
    return entry


def ran(rows, arguments, keep):
    """The figures of all rows, `--jobs` of which prepare at once."""
    rows, found = list(rows), []
    for first in range(0, len(rows), arguments.jobs):
        start = time.monotonic()
        group = [Row(*row, arguments) for row in rows[first : first + arguments.jobs]]
        for row in group:
            row.prepared(start + arguments.prepare_seconds - time.monotonic())
        say(f"{len(group)} rows prepared in {time.monotonic() - start:.0f} s")
        for row in group:
            if row.process.poll() is None:
                row.measured(20 * arguments.seconds_per_row + 60)
            found.append(row.figures())
            keep(found)
            figure = found[-1].get("ms_per_step")
            say(f"{row.name}: {found[-1].get('failed') if figure is None else f'{figure:.2f} ms'}")
    return found


def check_parameters(found):
    """Raises where rows of one model differ in size: they would not be comparable."""
    by_case = {}
    for figures in found:
        if "parameters" in figures:
            by_case.setdefault(figures["case"], []).append(figures)
    for case, rows in by_case.items():
        for row in rows[1:]:
            if row["parameters"] != rows[0]["parameters"]:
                raise RuntimeError(
                    f"The networks of {case} differ: {rows[0]['row']} has "
                    f"{rows[0]['parameters']} parameters, {row['row']} {row['parameters']}."
                )


def work_of(cases):
    """Floating-point operations of a step, where torch is there to count them."""
    if not installed("torch"):
        return {}
    from contenders import native_torch

    return {
        name: native_torch.flops(case.model, case.shape, case.sizes, case.batch_size)
        for name, case in cases.items()
    }


def peak_of(found, asked):
    """The peak asked for, or that of the device's name; `None` where it is not known."""
    if asked:
        return asked
    names = [figures.get("device") or "" for figures in found]
    for (part, peak), name in itertools.product(PEAKS.items(), names):
        if part.lower().replace("rtx ", "") in name.lower():
            return peak
    return None


def best_rows(found):
    """Case -> the fastest rows of the comparison: `fit` per backend, PyTorch's and the jit's."""
    best = {}
    for figures in found:
        if "ms_per_step" not in figures or figures["row"] == "fit_float32":
            continue
        kind = figures["row"] if figures["row"] in ("fit", "jit") else "native"
        key = f"{kind}_{figures['backend']}" if kind == "fit" else kind
        rows = best.setdefault(figures["case"], {})
        if key not in rows or figures["ms_per_step"] < rows[key]:
            rows[key] = figures["ms_per_step"]
    return best


def number(value, text):
    return "-" if value is None else format(value, text)


def markdown(results):
    cases = gpu_rows.cases(results["tiny"])
    lines = [", ".join(f"{name} {value}" for name, value in results["environment"].items()), ""]
    if results["losses"]:
        lines += ["| losses of five float32 steps, device and CPU | backend | differ by | |"]
        lines += ["|---|---|---:|---|"]
        for entry in results["losses"]:
            verdict = "PASS" if entry["passed"] else f"MISS {entry.get('failed', '')}"
            difference = number(entry["largest_difference"], ".1e")
            lines.append(f"| {entry['case']} | {entry['backend']} | {difference} | {verdict} |")
        lines.append("")
    lines += [
        "| model | row | backend | images/s | ms per step (min-max) | share of peak | memory GiB "
        "| first s |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in results["rows"]:
        title, label = cases[row["case"]].title, gpu_rows.ROWS[row["row"]][2]
        if "failed" in row:
            failed = row["failed"].replace("|", "/")[:160]
            lines.append(f"| {title} | {label} | {row['backend']} | failed: {failed} | | | | |")
            continue
        memory = row["memory_bytes"] and row["memory_bytes"] / 2**30
        lines.append(
            f"| {title} | {label} | {row['backend']} | {row['images_per_second']:.0f} | "
            f"{row['ms_per_step']:.2f} ({row['ms_min']:.2f}-{row['ms_max']:.2f}) | "
            f"{number(row.get('share_of_peak'), '.1%')} | {number(memory, '.1f')} | "
            f"{row['first_step_seconds']:.0f} |"
        )
    lines += ["", "| model | speed of fit over | ratio |", "|---|---|---:|"]
    for case, best in results["best"].items():
        for key in [key for key in best if key.startswith("fit_")]:
            for other, label in (("jit", "the jax.jit step"), ("native", "PyTorch's best row")):
                if other in best:
                    backend = key.removeprefix("fit_")
                    ratio = best[other] / best[key]
                    lines.append(f"| {cases[case].title} ({backend}) | {label} | {ratio:.2f} |")
    return "\n".join(lines)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", help="default: all", metavar="MODEL")
    parser.add_argument("--rows", nargs="*", help="default: all; none only compares losses")
    parser.add_argument("--backends", nargs="+", choices=["jax", "torch"], help="of fit")
    parser.add_argument("--seconds-per-row", type=float, default=10.0)
    parser.add_argument("--prepare-seconds", type=float, default=600.0, help="most of a group")
    parser.add_argument("--jobs", type=int, default=1, help="rows that prepare at once")
    parser.add_argument("--peak-tflops", type=float, help="dense bf16; default by device name")
    parser.add_argument("--no-check", action="store_true", help="don't compare losses first")
    parser.add_argument("--tiny", action="store_true", help="tiny networks, to try the script")
    parser.add_argument("--json", metavar="PATH", help="write all numbers to this file, too")
    parser.add_argument("--markdown", metavar="PATH", help="write the table to this file, too")
    arguments = parser.parse_args(argv)
    cases = gpu_rows.cases(arguments.tiny)
    arguments.models = arguments.models or list(cases)
    unknown = [name for name in arguments.models if name not in cases]
    if unknown:
        parser.error(f"no such model: {unknown}. Choose from {list(cases)}.")
    arguments.rows = list(gpu_rows.ROWS) if arguments.rows is None else arguments.rows
    unknown = [row for row in arguments.rows if row not in gpu_rows.ROWS]
    if unknown:
        parser.error(f"no such row: {unknown}. Choose from {list(gpu_rows.ROWS)}.")
    if not arguments.backends:
        asked = os.environ.get("KERAS_BACKEND")
        there = [name for name in ("jax", "torch") if installed(name)]
        arguments.backends = [asked] if asked in there else there

    results = {
        "environment": {"Python": platform.python_version(), "host": platform.machine()},
        "tiny": arguments.tiny,
        "losses": [] if arguments.no_check else compared(arguments),
        "rows": [],
        "best": {},
    }
    work = work_of({name: cases[name] for name in arguments.models})

    def keep(found):
        # After each row: what is measured outlasts an interruption.
        peak = peak_of(found, arguments.peak_tflops)
        for figures in found:
            for name in ("device", "jax", "torch"):
                if name in figures:
                    results["environment"][name] = figures[name]
            if peak and "ms_per_step" in figures and figures["case"] in work:
                rate = work[figures["case"]] / (1e-3 * figures["ms_per_step"])
                figures["share_of_peak"] = rate / (1e12 * peak)
        results["environment"]["peak bf16 TFLOP/s"] = peak or "unknown"
        results.update(rows=found, best=best_rows(found), flops_per_step=work)
        if arguments.json:
            with open(arguments.json, "w") as file:
                json.dump(results, file, indent=1)
        if arguments.markdown:
            with open(arguments.markdown, "w") as file:
                file.write(markdown(results) + "\n")

    found = ran(wanted(arguments), arguments, keep)
    keep(found)
    check_parameters(found)
    print(markdown(results))
    failed = [figures for figures in found if "failed" in figures]
    return int(bool(failed) or not all(entry["passed"] for entry in results["losses"]))


if __name__ == "__main__":
    sys.exit(main())
