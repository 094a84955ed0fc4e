"""One row of `benchmarks/gpu.py`, in a process of its own: its parent is `gpu.py`.

It prepares (imports, builds, compiles), prints READY, waits for a line, measures for the seconds
asked for, and prints RESULT and its figures as JSON.
"""

import dataclasses
import json
import os
import statistics
import sys
import time

import numpy as np

# What the images in memory may take: an epoch of `fit` has no more steps than that.
MAX_BYTES = 2**29
REPEATS = 3


@dataclasses.dataclass(frozen=True)
class Case:
    """A model of the zoo at one size, and the sizes of the same networks in PyTorch."""

    title: str
    model: str
    shape: tuple
    batch_size: int
    options: dict
    sizes: dict


def cases(tiny=False):
    """Name -> case. `tiny` ones are for tests on a CPU."""
    shape, blocks, width, field = ((16, 16, 3), 1, 4, 16) if tiny else ((256, 256, 3), 9, 64, 70)
    cycle = {"num_blocks": blocks, "receptive_field": field}
    cycles = {
        f"cyclegan_{batch}": Case(
            f"CycleGAN {shape[0]}x{shape[1]}x3, batch {batch}",
            "cyclegan",
            shape,
            batch,
            {**cycle, "width": width, "discriminator_width": width},
            {**cycle, "width": width, "patch_width": width},
        )
        for batch in ((1, 2) if tiny else (1, 8))
    }
    side, width, batch = (16, 4, 4) if tiny else (64, 64, 128)
    stages = {16: 2, 64: 4}[side]
    found = {
        "dcgan": Case(
            f"DCGAN {side}x{side}x3, batch {batch}",
            "dcgan",
            (side, side, 3),
            batch,
            {"width": width},
            {"width": width, "stages": stages},
        ),
        **cycles,
    }
    # The published network of CIFAR-10: four sizes (4 to 32), each of 768 channels in two blocks
    # that widen to 1536 in groups of 16, noise of 64; 512 images on eight GPUs are 64 on each.
    side, widths, blocks, group, batch = (32, (768,) * 4, 2, 16, 64)
    if tiny:
        side, widths, blocks, group, batch = (8, (8, 8), 1, 4, 4)
    sizes = {"num_blocks": blocks, "group_size": group}
    found["r3gan"] = Case(
        f"R3GAN {side}x{side}x3, width {widths[0]}, batch {batch}",
        "r3gan",
        (side, side, 3),
        batch,
        {**sizes, "width": widths, "stages": len(widths) - 1},
        {**sizes, "widths": widths, "latent_dim": 64},
    )
    return found


def data_of(case):
    """Arrays of bytes, as many as an epoch may have."""
    count = 2 if case.model == "cyclegan" else 1
    size = MAX_BYTES // (count * case.batch_size * int(np.prod(case.shape)))
    steps = max(1, min(1000, size))
    random = np.random.default_rng(0)
    # Smooth pictures: noise can't be learned.
    side, channels = case.shape[0], case.shape[2]
    coarse = random.uniform(0, 256, (2 * count, 256, 4, 4, channels))
    rows = np.kron(coarse[:, :, :, :, None, :], np.ones((1, 1, 1, 1, side // 4, 1)))
    wide = rows.reshape(2 * count, 256, 4, side, channels).astype("uint8")
    pictures = np.repeat(wide, side // 4, axis=2)
    return tuple(
        pictures[place][random.integers(256, size=steps * case.batch_size)]
        for place in range(count)
    )


def batches(count, steps, batch_size, random):
    """The indices of so many batches, epoch by epoch in a new order."""
    while steps > 0:
        order = random.permutation(count)
        for start in range(0, count - batch_size + 1, batch_size):
            if steps == 0:
                return
            steps -= 1
            yield order[start : start + batch_size]


def fit_row(case, precision, data):
    """`fit` as a user calls it."""
    import keras

    model = built(case, precision, data)

    class Timer(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.taken = getattr(self, "taken", 0.0) + time.perf_counter() - self.start

    def run(steps):
        whole, timer = len(data[0]) // case.batch_size, Timer()
        used = tuple(part[: steps * case.batch_size] for part in data)
        epochs = max(1, round(steps / whole))
        model.fit(*used, batch_size=case.batch_size, epochs=epochs, verbose=0, callbacks=[timer])
        return timer.taken / (epochs * min(steps, whole))

    return run, counts_of(model)


def jit_row(case, precision, data):
    """The hand-written `jax.jit` step of the same Keras networks, data on the device."""
    import jax

    from contenders import hand_written_jax

    model = built(case, precision, data)
    step, state = hand_written_jax.make(model)
    on_device, random = jax.device_put(data), np.random.default_rng(0)
    held = [state]

    def run(steps):
        start = time.perf_counter()
        for indices in batches(len(data[0]), steps, case.batch_size, random):
            held[0], loss = step(held[0], on_device, indices)
        jax.block_until_ready(held[0])
        if not np.isfinite(float(loss)):
            raise RuntimeError(f"The hand-written step's loss became {float(loss)}.")
        return (time.perf_counter() - start) / steps

    return run, counts_of(model)


def torch_row(case, precision, data, **options):
    """The same networks and game in native PyTorch, data on the device."""
    import torch

    from contenders import native_torch

    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    device = "cuda" if torch.cuda.is_available() else "cpu"
    game = native_torch.make(
        case.model,
        case.shape,
        case.sizes,
        device=device,
        bfloat16=precision == "bfloat16",
        **options,
    )
    on_device, random = [torch.from_numpy(x).to(device) for x in data], np.random.default_rng(0)

    def run(steps):
        start = time.perf_counter()
        for indices in batches(len(data[0]), steps, case.batch_size, random):
            places = torch.from_numpy(indices).to(device, non_blocking=True)
            loss = game.step(*(part[places] for part in on_device))
        if not np.isfinite(loss.item()):  # which waits for the device
            raise RuntimeError(f"The native step's loss became {loss.item()}.")
        return (time.perf_counter() - start) / steps

    return run, native_torch.parameter_counts(game)


# Row -> how it is made, precision, label. `fit` is made on one backend of Keras.
ROWS = {
    "fit": (fit_row, "bfloat16", "kgan: fit, mixed_bfloat16"),
    "fit_float32": (fit_row, "float32", "kgan: fit, float32"),
    "jit": (jit_row, "bfloat16", "hand-written jax.jit step, mixed_bfloat16"),
    "eager": (torch_row, "bfloat16", "native PyTorch, eager, bf16 autocast"),
    "channels_last": (torch_row, "bfloat16", "the same, channels last"),
    "compiled": (torch_row, "bfloat16", "the same, torch.compile"),
    "graphs": (torch_row, "bfloat16", "the same, torch.compile with CUDA graphs"),
}
TORCH_OPTIONS = {
    "eager": {},
    "channels_last": {"channels_last": True},
    "compiled": {"channels_last": True, "compiled": "default"},
    "graphs": {"channels_last": True, "compiled": "reduce-overhead"},
}


def built(case, precision, data):
    import keras

    import kgan
    import kgan.zoo

    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    keras.utils.set_random_seed(0)
    like = tuple(part[:8] for part in data)
    like = like if len(like) > 1 else like[0]
    return kgan.zoo.load(case.model, like=like, seed=0, **case.options)


def counts_of(model):
    """Trainable parameters of each player."""
    return {
        player: sum(int(np.prod(variable.shape)) for variable in variables)
        for player, variables in model.player_variables.items()
    }


def device_figures():
    """What computes, and the most memory that it has given out: `None` where it does not say."""
    if "torch" in sys.modules and os.environ.get("KERAS_BACKEND") != "jax":
        import torch

        if not torch.cuda.is_available():
            return {"device": "cpu", "memory_bytes": None, "torch": torch.__version__}
        return {
            "device": torch.cuda.get_device_name(),
            "memory_bytes": torch.cuda.max_memory_allocated(),
            "torch": torch.__version__,
        }
    import jax

    device = jax.devices()[0]
    statistics_of = device.memory_stats() or {}
    return {
        "device": device.device_kind,
        "memory_bytes": statistics_of.get("peak_bytes_in_use"),
        "jax": jax.__version__,
    }


def measure(run, seconds):
    """Seconds per step of some repeats that together take about as long as asked for."""
    steps, taken = 2, run(2)
    while taken * steps < 0.1 * seconds and steps < 10_000:
        steps *= 4
        taken = run(steps)
    steps = max(2, round(seconds / REPEATS / taken))
    return steps, [run(steps) for _ in range(REPEATS)]


def losses(case):
    """Losses of a few steps in float32, the same weights and noise on any device."""
    import keras

    if keras.config.backend() == "torch":
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        # PyTorch's GPUs draw other numbers than its CPU: here all are drawn there.
        for name in ("normal", "uniform"):
            setattr(keras.random, name, _on_cpu(getattr(keras.random, name)))
    data = tuple(part[: case.batch_size] for part in data_of(case))
    model = built(case, "float32", data)
    random = np.random.default_rng(0)
    for variables in model.player_variables.values():
        for variable in variables:
            # From NumPy, since devices draw other numbers; and what begins at zero, as the ends of
            # residual branches do, would hide what is before.
            shape = variable.shape
            if len(shape) > 1:
                std = 1 / np.sqrt(np.prod(shape[:-1]))
                variable.assign(std * random.normal(size=tuple(shape)))
    history = model.fit(
        *data, batch_size=case.batch_size, epochs=5, shuffle=False, verbose=0
    ).history
    return {key: values for key, values in history.items() if key.endswith("_loss")}


def _on_cpu(draw):
    import keras

    def drawn(*arguments, **named):
        with keras.device("cpu"):
            numbers = draw(*arguments, **named)
        return keras.ops.convert_to_tensor(keras.ops.convert_to_numpy(numbers))

    return drawn


def main():
    asked = json.loads(sys.argv[1])
    case = cases(asked["tiny"])[asked["case"]]
    if asked["row"] == "losses":
        print("RESULT " + json.dumps({"losses": losses(case)}), flush=True)
        return
    make, precision, _ = ROWS[asked["row"]]
    data = data_of(case)
    run, counts = make(case, precision, data, **TORCH_OPTIONS.get(asked["row"], {}))
    start = time.perf_counter()
    run(1)
    first = time.perf_counter() - start
    run(3)  # memory pools and caches
    print("READY", flush=True)
    sys.stdin.readline()
    steps, taken = measure(run, asked["seconds"])
    figures = {
        "parameters": counts,
        "steps": steps * REPEATS,
        "ms_per_step": 1000 * statistics.median(taken),
        "ms_min": 1000 * min(taken),
        "ms_max": 1000 * max(taken),
        "images_per_second": case.batch_size / statistics.median(taken),
        "first_step_seconds": first,
        **device_figures(),
    }
    print("RESULT " + json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
