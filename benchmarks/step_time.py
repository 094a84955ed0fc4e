"""Milliseconds per training step of `model.fit`, beside the loops that people write by hand.

    python benchmarks/step_time.py                     # all cases, a Markdown table
    python benchmarks/step_time.py --cases mlp --json step_time.json

All contenders train the same networks, made by the same builder, on the same uint8 images at the
same batch size, with Adam and the non-saturating loss. One step is one discriminator and one
generator update.

* **fit**: `kgan.zoo.load(...)` and `model.fit(images)`, with everything `fit` does by default:
  checking and shuffling the data, logging every term, watching for NaN.
* **fit'**: the same with `shared_draws=True`, where the model has that option: another order of
  play, that of (a') and (c').
* **loop (a)**: the best hand-written TensorFlow loop for the same game: one `tf.function` without
  XLA (which is slower on CPUs), fresh noise for each turn, BatchNorm in training mode, images
  scaled on the device, an input pipeline that gathers whole batches and has no autotune (whose
  sleeping thread would hold up its end), losses summed on the device and read once, after the
  last step. Where `fit` runs with `steps_per_execution`, this loop runs
  as many steps per call of its `tf.function`.
* **loop (a')**: the same, but both turns share one pass of the generator. That is another
  algorithm than the paper's, and the cheaper one: printed for honesty, not compared by a bar.
* **example (b)**: the style of the keras.io DCGAN example: a `keras.Model` with its own
  `train_step`, two tapes, real and generated images concatenated, `BinaryCrossentropy`, noisy
  labels, two metrics, default `compile()` (one step per execution; XLA where Keras chooses it,
  which with TensorFlow on a CPU it does not) and `fit`. Unlike the example it asks for
  `training=True`, without which BatchNorm does not train.
* **torch (c)**: the same architecture in `torch.nn`, `torch.optim.Adam`, eager, as many threads
  as there are cores. Left out when torch is not installed. **torch (c')**: the same, with one pass
  of the generator for both turns.

A round runs `steps` steps of every contender in turn, and each round begins with another
contender. Whole calls are timed, `fit`'s start-up included; compiling and two warm-up calls are
not. "Epoch alone" is the time of the epoch inside `fit`, without start-up and clean-up. "Core ms"
is the processor time of all threads together. Ratios are taken within a round, so that a slow
minute of the machine does not look like a difference. The last column says how much of the
machine others used meanwhile: where that is much, clocks say little, and the ratio of core ms is
the better hint (but not for torch, whose threads spin while they wait for one another).
"""

import os

# The library is meant for three backends; this table is about the default one.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import dataclasses
import json
import platform
import statistics
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from pages import say

import kgan

try:
    import torch
    from contenders import native_torch
except ImportError:
    torch = None

LEARNING_RATE, BETA_1 = 2e-4, 0.5
EXAMPLE_BAR = 0.9
# Above this share of the machine's cores used by others, a result is marked as disturbed.
QUIET = 0.05


@dataclasses.dataclass(frozen=True)
class Case:
    """What is trained: a model of the zoo at its defaults, on images of one shape."""

    title: str
    model: str
    shape: tuple
    batch_size: int
    steps: int
    loop_bar: float
    steps_per_call: int = 1
    # Of fit' beside (c').
    torch_bar: float | None = None


CASES = {
    "dcgan28": Case("DCGAN 28x28x1, batch 64", "dcgan", (28, 28, 1), 64, 60, 1.05, torch_bar=0.80),
    "dcgan64": Case("DCGAN 64x64x3, batch 32", "dcgan", (64, 64, 3), 32, 40, 1.05, torch_bar=0.85),
    "mlp": Case("MLP 28x28x1, batch 128", "vanilla", (28, 28, 1), 128, 500, 1.15, 50),
}


@dataclasses.dataclass
class Contender:
    """A way to train. `run` makes `steps` steps and returns the seconds of its epoch alone."""

    label: str
    run: Callable
    seconds: list = dataclasses.field(default_factory=list)
    epoch_seconds: list = dataclasses.field(default_factory=list)
    core_seconds: list = dataclasses.field(default_factory=list)

    def time(self):
        start, core_start = time.perf_counter(), time.process_time()
        self.epoch_seconds.append(self.run())
        self.seconds.append(time.perf_counter() - start)
        self.core_seconds.append(time.process_time() - core_start)


def pictures(num_samples, shape):
    """Bright blobs on black, uint8: like handwritten digits, something that a GAN can learn."""
    random = np.random.default_rng(0)
    height, width, channels = shape
    blobs = np.zeros((256, height, width, channels))
    rows, columns = np.mgrid[0:height, 0:width]
    for blob in blobs:
        for channel in range(channels):
            row, column = random.uniform(0.2, 0.8, 2) * (height, width)
            distance = (rows - row) ** 2 + (columns - column) ** 2
            blob[:, :, channel] = np.exp(-distance / (2 * (0.12 * height) ** 2))
    return (255 * blobs).astype("uint8")[random.integers(len(blobs), size=num_samples)]


def build(case, **options):
    """The model of the zoo, from whose networks every Keras contender is made."""
    keras.utils.set_random_seed(0)
    return kgan.zoo.load(case.model, like=case.shape, seed=0, compile=False, **options)


def adam():
    return keras.optimizers.Adam(LEARNING_RATE, beta_1=BETA_1)


class EpochTimer(keras.callbacks.Callback):
    """Times the epoch inside `fit`; it has no hook on batches, so it costs nothing."""

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self._start


def fit_contender(case, images, steps_per_execution, **options):
    model = build(case, **options)
    model.compile(
        optimizer={player: adam() for player in model.players},
        steps_per_execution=steps_per_execution,
    )

    def run():
        timer = EpochTimer()
        model.fit(images, batch_size=case.batch_size, epochs=1, verbose=0, callbacks=[timer])
        return timer.seconds

    said = "".join(f", {name}={value}" for name, value in options.items())
    return Contender(f"kgan: fit, steps_per_execution={steps_per_execution}{said}", run)


def loop_contender(case, images, share_pass=False):
    """The hand-written loop; `share_pass` reuses the discriminator's fakes in the generator's turn.

    A generator's turn only needs gradients for the generator, and a discriminator's for the
    discriminator: each tape watches just those, and fakes are made outside the discriminator's.
    """
    model = build(case)
    generator, discriminator, noise_kind = model.generator, model.discriminator, model.noise
    generator_variables = [v.value for v in generator.trainable_variables]
    discriminator_variables = [v.value for v in discriminator.trainable_variables]
    generator_optimizer, discriminator_optimizer = adam(), adam()
    generator_optimizer.build(generator.trainable_variables)
    discriminator_optimizer.build(discriminator.trainable_variables)
    noise_shape = (case.batch_size, *model.latent_shape)
    losses = tf.Variable([0.0, 0.0])

    def imagine():
        if noise_kind == "uniform":
            noise = tf.random.uniform(noise_shape, -1.0, 1.0)
        else:
            noise = tf.random.normal(noise_shape)
        return generator(noise, training=True)

    def discriminator_turn(real, fake):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(discriminator_variables)
            real_logits = discriminator(real, training=True)
            fake_logits = discriminator(tf.stop_gradient(fake), training=True)
            loss = tf.reduce_mean(tf.nn.softplus(-real_logits))
            loss += tf.reduce_mean(tf.nn.softplus(fake_logits))
        gradients = tape.gradient(loss, discriminator_variables)
        discriminator_optimizer.apply(gradients, discriminator.trainable_variables)
        return loss

    def step(batch):
        real = tf.cast(batch, tf.float32) / 127.5 - 1.0
        if not share_pass:
            discriminator_loss = discriminator_turn(real, imagine())
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(generator_variables)
            fake = imagine()
            if share_pass:
                discriminator_loss = discriminator_turn(real, fake)
            fake_logits = discriminator(fake, training=True)
            generator_loss = tf.reduce_mean(tf.nn.softplus(-fake_logits))
        gradients = tape.gradient(generator_loss, generator_variables)
        generator_optimizer.apply(gradients, generator.trainable_variables)
        losses.assign_add([discriminator_loss, generator_loss])

    # From an iterator, so that fetching the batch is not a trip to Python and back.
    @tf.function(jit_compile=False)
    def play(iterator):
        if case.steps_per_call == 1:
            step(next(iterator))
        else:
            for _ in tf.range(case.steps_per_call):
                step(next(iterator))

    tensor = tf.constant(images)

    def order(_):
        shuffled = tf.random.shuffle(tf.range(len(images)))
        return tf.data.Dataset.from_tensor_slices(
            tf.reshape(shuffled, (case.steps, case.batch_size))
        )

    dataset = tf.data.Dataset.range(1).flat_map(order)
    dataset = dataset.map(lambda indices: tf.gather(tensor, indices)).prefetch(2)
    # Measured: autotune's thread sleeps 10, 20, 40... ms, and a pipeline only ends when it wakes,
    # so a call of 1.9 s can take 2.57 s. The best loop does without, as kgan's pipeline does.
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = dataset.with_options(options)

    def run():
        iterator = iter(dataset)
        start = time.perf_counter()
        for _ in range(case.steps // case.steps_per_call):
            play(iterator)
        losses.numpy()  # On a device that runs ahead of Python, wait for the last step.
        return time.perf_counter() - start

    label = "hand-written TensorFlow loop"
    return Contender(f"{label}, one generator pass for both turns" if share_pass else label, run)


class ExampleGAN(keras.Model):
    """As on keras.io: https://keras.io/examples/generative/dcgan_overriding_train_step."""

    def __init__(self, discriminator, generator, latent_dim):
        super().__init__()
        self.discriminator = discriminator
        self.generator = generator
        self.latent_dim = latent_dim
        self.seed_generator = keras.random.SeedGenerator(1337)

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.loss_fn = loss_fn
        self.d_loss_metric = keras.metrics.Mean(name="d_loss")
        self.g_loss_metric = keras.metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        return [self.d_loss_metric, self.g_loss_metric]

    def train_step(self, real_images):
        batch_size = ops.shape(real_images)[0]
        noise = keras.random.normal((batch_size, self.latent_dim), seed=self.seed_generator)
        generated_images = self.generator(noise, training=True)
        combined_images = ops.concatenate([generated_images, real_images], axis=0)
        labels = ops.concatenate([ops.ones((batch_size, 1)), ops.zeros((batch_size, 1))], axis=0)
        labels += 0.05 * tf.random.uniform(tf.shape(labels))
        with tf.GradientTape() as tape:
            predictions = self.discriminator(combined_images, training=True)
            d_loss = self.loss_fn(labels, predictions)
        grads = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply_gradients(
            zip(grads, self.discriminator.trainable_weights, strict=True)
        )

        noise = keras.random.normal((batch_size, self.latent_dim), seed=self.seed_generator)
        misleading_labels = ops.zeros((batch_size, 1))
        with tf.GradientTape() as tape:
            predictions = self.discriminator(self.generator(noise, training=True), training=True)
            g_loss = self.loss_fn(misleading_labels, predictions)
        grads = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(zip(grads, self.generator.trainable_weights, strict=True))

        self.d_loss_metric.update_state(d_loss)
        self.g_loss_metric.update_state(g_loss)
        return {"d_loss": self.d_loss_metric.result(), "g_loss": self.g_loss_metric.result()}


def example_contender(case, images):
    networks = build(case)
    model = ExampleGAN(networks.discriminator, networks.generator, networks.latent_shape[0])
    model.compile(adam(), adam(), keras.losses.BinaryCrossentropy(from_logits=True))
    dataset = tf.data.Dataset.from_tensor_slices(images).shuffle(1024).batch(case.batch_size)
    dataset = dataset.map(lambda batch: tf.cast(batch, tf.float32) / 127.5 - 1.0)
    dataset = dataset.prefetch(tf.data.AUTOTUNE)

    def run():
        timer = EpochTimer()
        model.fit(dataset, epochs=1, verbose=0, callbacks=[timer])
        return timer.seconds

    return Contender("keras.io example style: train_step, default compile and fit", run)


def torch_contender(case, images, shared=False):
    torch.manual_seed(0)
    torch.set_num_threads(num_cores())
    # TensorFlow does so too, and tiny gradients must not decide a comparison of speed.
    torch.set_flush_denormal(True)
    reference = build(case)
    sizes = {"stages": kgan.networks.dcgan.num_stages(case.shape)} if case.model == "dcgan" else {}
    game = native_torch.make(case.model, case.shape, sizes, shared)
    if native_torch.parameter_counts(game) != {
        player: sum(int(np.prod(v.shape)) for v in getattr(reference, player).trainable_variables)
        for player in reference.players
    }:
        raise RuntimeError(f"The torch networks of {case.title} are not those of the zoo.")
    tensor = torch.from_numpy(images)

    def run():
        start = time.perf_counter()
        for indices in torch.randperm(len(tensor)).split(case.batch_size):
            game.step(tensor[indices])
        return time.perf_counter() - start

    return Contender(f"native PyTorch, eager{', shared draws' if shared else ''}", run)


def num_cores():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def processor_name():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def processor_clock():
    """Core seconds that the whole machine and this process have worked, or `None`."""
    try:
        with open("/proc/stat") as lines:
            user, nice, system, _, _, interrupt, soft, steal = map(int, next(lines).split()[1:9])
    except (OSError, ValueError):
        return None
    machine = (user + nice + system + interrupt + soft + steal) / os.sysconf("SC_CLK_TCK")
    return machine, time.process_time()


def used_by_others(before, after, seconds):
    """The share of the machine's cores that other processes used, or `None` where unknown."""
    if before is None or after is None:
        return None
    machine, own = after[0] - before[0], after[1] - before[1]
    return max(0.0, machine - own) / (seconds * os.cpu_count())


def measure(case, rounds, with_torch):
    say(f"{case.title}: building and compiling")
    images = pictures(case.steps * case.batch_size, case.shape)
    contenders = {"fit": fit_contender(case, images, case.steps_per_call)}
    if case.steps_per_call > 1:
        contenders["fit_1"] = fit_contender(case, images, 1)
    if case.torch_bar is not None:
        contenders["fit'"] = fit_contender(case, images, case.steps_per_call, shared_draws=True)
    contenders["a"] = loop_contender(case, images)
    contenders["a'"] = loop_contender(case, images, share_pass=True)
    contenders["b"] = example_contender(case, images)
    if with_torch:
        contenders["c"] = torch_contender(case, images)
        if case.torch_bar is not None:
            contenders["c'"] = torch_contender(case, images, shared=True)
    for key, contender in contenders.items():
        start = time.perf_counter()
        # Twice: the first call compiles, the second still fills caches and memory pools.
        contender.run()
        contender.run()
        say(f"  warm-up of {key}: {time.perf_counter() - start:.1f} s")
    others, keys = [], list(contenders)
    for index in range(rounds):
        # Each round begins with another contender: none always follows the same neighbour.
        shift = index % len(keys)
        before, start = processor_clock(), time.perf_counter()
        for key in keys[shift:] + keys[:shift]:
            contenders[key].time()
        others.append(used_by_others(before, processor_clock(), time.perf_counter() - start))
        times = ", ".join(
            f"{key} {1000 * contender.seconds[-1] / case.steps:.2f}"
            for key, contender in contenders.items()
        )
        busy = "" if others[-1] is None else f" (others used {others[-1]:.0%} of the machine)"
        say(f"  round {index + 1}/{rounds}, ms per step: {times}{busy}")
    return summary(case, contenders, others)


def quotients(ours, theirs):
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def summary(case, contenders, others):
    """Medians per contender, ratios within rounds, and whether the bars are passed."""
    fit = contenders["fit"]
    rows = []
    for key, contender in contenders.items():
        ratios = quotients(fit.seconds, contender.seconds)
        rows.append(
            {
                "key": key,
                "label": contender.label,
                "ms_per_step": 1000 * statistics.median(contender.seconds) / case.steps,
                "epoch_ms_per_step": (
                    1000 * statistics.median(contender.epoch_seconds) / case.steps
                ),
                "core_ms_per_step": 1000 * statistics.median(contender.core_seconds) / case.steps,
                "core_ratio": statistics.median(
                    quotients(fit.core_seconds, contender.core_seconds)
                ),
                "ratio": statistics.median(ratios),
                "ratio_min": min(ratios),
                "ratio_max": max(ratios),
                "rounds_ms_per_step": [1000 * s / case.steps for s in contender.seconds],
            }
        )
    ratio = {row["key"]: row["ratio"] for row in rows}
    shared = {}
    for key, bar in (("a'", case.loop_bar), ("c'", case.torch_bar)):
        if "fit'" in contenders and key in contenders:
            times = contenders["fit'"].seconds, contenders[key].seconds
            shared[key] = (statistics.median(quotients(*times)), bar)
    known = [share for share in others if share is not None]
    return {
        "case": dataclasses.asdict(case),
        "rows": rows,
        "bars": [
            {
                "bar": f"fit / a <= {case.loop_bar}",
                "ratio": ratio["a"],
                "passed": ratio["a"] <= case.loop_bar,
            },
            {
                "bar": f"fit / b < {EXAMPLE_BAR}",
                "ratio": ratio["b"],
                "passed": ratio["b"] < EXAMPLE_BAR,
            },
            *(
                {"bar": f"fit' / {key} <= {bar}", "ratio": found, "passed": found <= bar}
                for key, (found, bar) in shared.items()
            ),
        ],
        "used_by_others": statistics.median(known) if known else None,
    }


def markdown(environment, results):
    lines = [
        ", ".join(f"{name} {value}" for name, value in environment.items()),
        "",
        "| case | contender | ms per step | epoch alone | fit / it (min-max) "
        "| core ms | fit / it | others used |",
        "|---|---|---:|---:|---|---:|---:|---:|",
    ]
    for result in results:
        share = result["used_by_others"]
        others = "unknown" if share is None else f"{share:.0%}"
        for row in result["rows"]:
            name = "" if row["key"].startswith("fit") else f"({row['key']}) "
            ratio = f"{row['ratio']:.3f} ({row['ratio_min']:.3f}-{row['ratio_max']:.3f})"
            core_ratio = f"{row['core_ratio']:.3f}"
            if row["key"] == "fit":
                ratio = core_ratio = ""
            lines.append(
                f"| {result['case']['title']} | {name}{row['label']} | {row['ms_per_step']:.2f} | "
                f"{row['epoch_ms_per_step']:.2f} | {ratio} | {row['core_ms_per_step']:.2f} | "
                f"{core_ratio} | {others} |"
            )
    lines += ["", "| case | bar | measured | |", "|---|---|---:|---|"]
    for result in results:
        for bar in result["bars"]:
            verdict = "PASS" if bar["passed"] else "MISS"
            if (result["used_by_others"] or 0) > QUIET:
                verdict += " (disturbed: measure again on a quiet machine)"
            title = result["case"]["title"]
            lines.append(f"| {title} | {bar['bar']} | {bar['ratio']:.3f} | {verdict} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rounds", type=int, default=5, help="rounds per case, default 5")
    parser.add_argument("--steps", type=int, help="steps per round instead of each case's own")
    parser.add_argument("--json", metavar="PATH", help="write all numbers to this file, too")
    parser.add_argument("--no-torch", action="store_true", help="leave the PyTorch row out")
    arguments = parser.parse_args()

    environment = {
        "processor": f"{processor_name()} with {num_cores()} cores",
        "Python": platform.python_version(),
        "TensorFlow": tf.__version__,
        "Keras": keras.__version__,
        "torch": "not installed" if torch is None else torch.__version__,
        "NumPy": np.__version__,
        "kgan": kgan.__version__,
        "accelerators": len(tf.config.list_physical_devices("GPU")),
    }
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        say(f"The machine is busy (load {os.getloadavg()[0]:.1f}): numbers will be disturbed.")
    results = []
    for name in arguments.cases:
        case = CASES[name]
        if arguments.steps:
            calls = max(1, round(arguments.steps / case.steps_per_call))
            case = dataclasses.replace(case, steps=calls * case.steps_per_call)
        results.append(
            measure(case, arguments.rounds, torch is not None and not arguments.no_torch)
        )
        keras.backend.clear_session()
        # After each case: what is measured outlasts an interruption.
        if arguments.json:
            with open(arguments.json, "w") as file:
                json.dump({"environment": environment, "results": results}, file, indent=1)
    print(markdown(environment, results))


if __name__ == "__main__":
    main()
