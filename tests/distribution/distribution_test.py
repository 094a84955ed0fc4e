"""Beyond one device: the same game, on the frameworks' own engines, gives the same losses."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "benchmarks"))

from scaling import free_ports  # noqa: E402

SCRIPT = pathlib.Path(__file__).with_name("play.py")
# On JAX a process compiles for longer than it plays: one count of steps is enough there.
STEPS = [1, 3]


def start(distribution, model, steps, **environment):
    command = [sys.executable, SCRIPT, distribution, "--model", model]
    command += ["--discriminator-steps", str(steps)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **environment}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def report_of(process):
    output, errors = process.communicate(timeout=300)
    lines = [line for line in output.splitlines() if line.startswith("REPORT ")]
    if process.returncode or not lines:
        pytest.fail(f"the process failed with {process.returncode}: {errors[-3000:]}")
    return json.loads(lines[-1].removeprefix("REPORT "))


def check_same(report, reference, steps):
    assert report["clock"] == reference["clock"] == 8
    assert report["moves"] == reference["moves"] == [8, 8 // steps]
    for name, values in reference["history"].items():
        np.testing.assert_allclose(report["history"][name], values, rtol=1e-5, atol=1e-6)
    for name, value in reference["evaluated"].items():
        np.testing.assert_allclose(report["evaluated"][name], value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(report["weights"], reference["weights"], rtol=1e-5)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="tf.distribute is TensorFlow's")
# Half a minute of three processes each: the quick tier plays one model mirrored, below.
@pytest.mark.slow
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("model", ["vanilla", "dcgan"])
def test_mirrored_and_two_workers_play_like_one_device(model, steps):
    reference = report_of(start("one", model, steps))
    check_same(report_of(start("mirrored", model, steps)), reference, steps)
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = [
        start(
            "workers",
            model,
            steps,
            TF_CONFIG=json.dumps(
                {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
            ),
        )
        for index in range(2)
    ]
    reports = [report_of(process) for process in processes]
    assert [report["worker"] for report in reports] == [0, 1]
    for report in reports:
        check_same(report, reference, steps)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="tf.distribute is TensorFlow's")
def test_a_model_of_the_zoo_plays_mirrored_with_a_ragged_batch():
    report = report_of(start("mirrored", "zoo", 2))
    assert report["clock"] == 4  # two epochs of 64 + 64: the 129th sample has no partner
    assert report["moves"] == [4, 2]
    assert all(np.isfinite(values).all() for values in report["history"].values())


@pytest.mark.skipif(keras.config.backend() != "jax", reason="keras.distribution here is JAX's")
@pytest.mark.parametrize(
    ("model", "steps"),
    [
        # Half a minute each: the quick tier has the hardest of the four.
        pytest.param(
            model,
            steps,
            marks=[pytest.mark.slow, pytest.mark.every_backend] * ((model, steps) != ("dcgan", 3)),
        )
        for model in ("vanilla", "dcgan")
        for steps in STEPS
    ],
)
def test_jax_data_parallel_plays_like_one_device(model, steps):
    reference = report_of(start("one", model, steps))
    two = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    check_same(report_of(start("data_parallel", model, steps, **two)), reference, steps)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="keras.distribution here is JAX's")
@pytest.mark.slow
@pytest.mark.every_backend
@pytest.mark.parametrize("launcher", ["keras", "slurm"])
def test_two_jax_processes_play_like_one_device(launcher):
    reference = report_of(start("one", "dcgan", 3))
    cluster = {
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{free_ports(1)[0]}",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
    }
    rank = "KERAS_DISTRIBUTION_PROCESS_ID"
    if launcher == "slurm":
        # What srun sets. JAX makes the coordinator's port of the job's number.
        cluster = {
            "SLURM_JOB_ID": str(os.getpid()),
            "SLURM_STEP_NODELIST": "127.0.0.1",
            "SLURM_NTASKS": "2",
            "SLURM_LOCALID": "0",
        }
        rank = "SLURM_PROCID"
    processes = [start("processes", "dcgan", 3, **{rank: str(i)}, **cluster) for i in range(2)]
    reports = [report_of(process) for process in processes]
    assert [report["worker"] for report in reports] == [0, 1]
    for report in reports:
        check_same(report, reference, 3)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="keras.distribution here is JAX's")
@pytest.mark.slow
@pytest.mark.every_backend
def test_a_model_of_the_zoo_plays_on_two_jax_devices_with_a_ragged_batch():
    two = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    report = report_of(start("data_parallel", "zoo", 2, **two))
    assert report["clock"] == 4  # two epochs of 64 + 64: the 129th sample has no partner
    assert report["moves"] == [4, 2]
    # Or each device would make the whole generated batch.
    assert report["noise_of_a_device"] == [4, 3]
