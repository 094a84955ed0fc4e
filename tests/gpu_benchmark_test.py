"""The GPU benchmark: its networks in PyTorch, its counts of work, its pools, and a tiny run."""

import json
import pathlib
import sys

import keras
import numpy as np
import pytest

import kgan
import kgan.zoo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "benchmarks"))

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

import gpu  # noqa: E402
from contenders import gpu_rows, hand_written_jax, native_torch  # noqa: E402

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="its rows choose their own backends"
)


@pytest.mark.parametrize("name", ["dcgan", "cyclegan_1", "r3gan"])
def test_pytorch_has_as_many_parameters(name):
    case = gpu_rows.cases(tiny=True)[name]
    model = gpu_rows.built(case, "float32", gpu_rows.data_of(case))
    game = native_torch.make(case.model, case.shape, case.sizes)
    assert native_torch.parameter_counts(game) == gpu_rows.counts_of(model)


def test_pytorch_computes_what_r3gan_computes():
    widths = (4, 6, 8)
    ours = native_torch.r3gan((16, 16, 3), 5, widths, num_blocks=2, group_size=4)
    options = {"width": widths, "num_blocks": 2, "group_size": 4, "stages": 2}
    theirs = (
        kgan.networks.r3gan.generator((16, 16, 3), 5, **options),
        kgan.networks.r3gan.discriminator((16, 16, 3), **options),
    )
    random = np.random.default_rng(0)
    shapes = ((3, 5), (3, 16, 16, 3))
    for mine, its, shape in zip(ours, theirs, shapes, strict=True):
        parameters, variables = list(mine.parameters()), its.trainable_variables
        assert len(parameters) == len(variables)
        for parameter, variable in zip(parameters, variables, strict=True):
            value = 0.3 * random.normal(size=tuple(parameter.shape)).astype("float32")
            parameter.data = torch.from_numpy(value)
            # (out, in, h, w), (c, h, w) and (out, in), where Keras has its channels last.
            order = {4: (2, 3, 1, 0), 3: (1, 2, 0), 2: (1, 0), 1: (0,)}[value.ndim]
            variable.assign(value.transpose(order))
        x = random.normal(size=shape).astype("float32")
        expected = keras.ops.convert_to_numpy(its(x))
        given = torch.from_numpy(x if x.ndim == 2 else x.transpose(0, 3, 1, 2).copy())
        made = mine(given).detach().numpy()
        made = made if made.ndim == 2 else made.transpose(0, 2, 3, 1)
        np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4)


def test_work_of_dcgan_is_that_of_its_layers():
    # Two convolutions of 5x5 in each network, and two matrices: 16x16x3 over 8x8x4 to 4x4x8.
    network = 2 * 25 * (64 * 3 * 4 + 16 * 4 * 8)
    first, matrices = 2 * 25 * 64 * 3 * 4, 2 * (100 * 128 + 128)
    # Six passes forward. Backward twice as much, but for the gradient of what is given: the
    # discriminator's three passes need no images' gradient in two and no weights' in one.
    convolutions = (2 + 3) * network + 2 * (2 * network - first) + network + 2 * network
    dense = 2 * 2 * 12800 + 3 * 2 * 128 + 2 * 4 * 128 + 2 * 128 + 2 * 12800
    assert matrices == 2 * 12928
    case = gpu_rows.cases(tiny=True)["dcgan"]
    counted = native_torch.flops("dcgan", case.shape, case.sizes, 1)
    assert counted == convolutions + dense


def test_work_of_a_grouped_convolution_is_a_groups_share():
    def work(groups):
        layer = torch.nn.Conv2d(8, 8, 3, padding=1, groups=groups, device="meta")
        with native_torch._Flops() as counter:
            layer(torch.zeros((2, 8, 5, 5), device="meta", requires_grad=True)).sum().backward()
        return counter.total

    assert work(1) == 3 * 2 * (2 * 25 * 9 * 8 * 8)
    assert work(4) == work(1) // 4


@pytest.mark.parametrize("make", ["jax", "torch"])
def test_pools_return_each_sample_at_most_once(make):
    pool, count = jax.numpy.zeros((50, 1, 1, 1)), jax.numpy.zeros((), "int32")
    images, given, shown = [], [], []
    for step in range(40):
        fake = (1.0 + np.arange(3 * step, 3 * step + 3, dtype="float32")).reshape(3, 1, 1, 1)
        given += fake.ravel().tolist()
        if make == "jax":
            keys = jax.random.key(step)
            made, pool, count = hand_written_jax._pooled(pool, count, fake, keys)
        else:
            torch.manual_seed(step)
            made = native_torch.CycleGame.pooled(images, torch.from_numpy(fake)).numpy()
        new = np.asarray(made).ravel().tolist()
        shown += new
        if step < 16:  # while it fills
            assert new == fake.ravel().tolist()
    later = shown[51:]
    assert set(shown) <= set(given)
    old = [value for place, value in enumerate(later) if value not in given[51 + place - 2 :]]
    assert 0.25 < len(old) / len(later) < 0.75


def test_compared_losses_do_not_depend_on_what_a_device_draws(monkeypatch):
    case, build = gpu_rows.cases(tiny=True)["dcgan"], gpu_rows.built

    def otherwise(*arguments):
        model = build(*arguments)
        for variable in model.trainable_variables:
            if len(variable.shape) > 1:
                variable.assign(2.0 * variable)
        return model

    expected = gpu_rows.losses(case)
    monkeypatch.setattr(gpu_rows, "built", otherwise)
    assert gpu_rows.losses(case) == expected
    assert {len(values) for values in expected.values()} == {5}


def test_peaks_are_found_by_name():
    def peak(device, asked=None):
        return gpu.peak_of([{"failed": "x"}, {"device": device}], asked)

    assert peak("NVIDIA H100 80GB HBM3") == 989.0 and peak("NVIDIA H100 PCIe") == 756.0
    assert peak("NVIDIA L40S") == 362.0 and peak("NVIDIA L40") == 181.0
    assert peak("NVIDIA GeForce RTX 4090") == 165.0
    assert peak("cpu") is None and peak("cpu", 2.0) == 2.0


def test_other_networks_are_refused():
    rows = [
        {"case": "dcgan", "row": row, "parameters": {"generator": n}}
        for row, n in (("fit", 3), ("eager", 4))
    ]
    with pytest.raises(RuntimeError, match="networks of dcgan differ: fit has .*3.*eager .*4"):
        gpu.check_parameters(rows)
    gpu.check_parameters(rows[:1] + [{"case": "dcgan", "failed": "x"}])


@pytest.mark.slow
def test_tiny_run_makes_a_table(tmp_path, capsys):
    arguments = ["--tiny", "--seconds-per-row", "0.1", "--jobs", "2", "--peak-tflops", "1"]
    arguments += ["--models", "r3gan", "cyclegan_2", "--rows", "fit", "jit", "channels_last"]
    arguments += ["--backends", "jax", "--json", str(tmp_path / "gpu.json")]
    assert gpu.main(arguments) == 0
    results = json.loads((tmp_path / "gpu.json").read_text())
    printed = capsys.readouterr().out
    assert {(r["case"], r["row"]) for r in results["rows"]} == {
        (case, row) for case in ("r3gan", "cyclegan_2") for row in ("fit", "jit", "channels_last")
    }
    assert all(0 < r["share_of_peak"] < 1 and r["steps"] >= 6 for r in results["rows"])
    assert [e["passed"] for e in results["losses"]] == [True] * 3
    assert "| R3GAN 8x8x3, width 8, batch 4 (jax) | the jax.jit step |" in printed
