"""How fast is each convolution of a model, beside the processor's own matrix product?

    python benchmarks/convolutions.py                          # dcgan at 64x64, TensorFlow
    python benchmarks/convolutions.py --backends tensorflow jax torch --size 28

Every convolution of the discriminator and of the generator is one of three operations on one shape:
forward, gradient of the input (which is a transposed convolution's forward pass), gradient of the
kernel, which a backend may compute in another way where the layer is a transposed one. Each is
timed on one core, beside a matrix product of 1024x1024 numbers in the same round, as the backend
does it ("as it is") and in other exact forms of the same sum:

* `kgan`: on JAX, what kgan's models compute with: `kgan/backend/jax_convolutions.py`.
* `phases`: the gradient of the input as one convolution of stride 1 to a channel for each place
  that a stride leaves, which are then put side by side.
* `patches`: what each kernel sees, copied to rows, and a matrix product: forward and the gradient
  of the kernel.

A share is the useful operations per second over the matrix product's. Every form is first compared
with the operation itself.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
from cores import bind_to_core
from pages import say

OPERATIONS = ("forward", "input gradient", "kernel gradient", "kernel gradient, transposed layer")
SIDE = 1024  # of the matrix product
NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


def shapes_of(model, batch_size):
    """Geometries of all convolutions: a dict of (batch, side, large, small, kernel, stride) -> who.

    `side` and `large` are sides and channels before a convolution's stride, `small` channels after
    it; a transposed convolution is read from its output to its input.
    """
    import keras

    found = {}
    for network in ("discriminator", "generator"):
        for layer in getattr(model, network).layers:
            transposed = isinstance(layer, keras.layers.Conv2DTranspose)
            if not transposed and not isinstance(layer, keras.layers.Conv2D):
                continue
            before, after = layer.input.shape, layer.output.shape
            if transposed:
                before, after = after, before
            kernel, stride = layer.kernel_size[0], layer.strides[0]
            key = (batch_size, before[1], before[-1], after[-1], kernel, stride)
            found.setdefault(key, []).append(network)
    return found


def padding_of(side, kernel, stride):
    """What "same" adds before and after."""
    added = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return added // 2, added - added // 2


def patches(ops, x, kernel, stride):
    """What each place's kernel sees: (batch, side, side, kernel * kernel * channels)."""
    side = x.shape[1]
    pad = padding_of(side, kernel, stride)
    x = ops.pad(x, ((0, 0), pad, pad, (0, 0)))
    count = -(-side // stride)
    far = stride * (count - 1) + 1
    return ops.concatenate(
        [
            x[:, row : row + far : stride, column : column + far : stride]
            for row in range(kernel)
            for column in range(kernel)
        ],
        axis=-1,
    )


def phases(ops, z, w, side, stride):
    """The gradient of the input, of that of the output `z`, as a convolution of stride 1."""
    kernel, _, large, small = w.shape
    taps, count = -(-kernel // stride), z.shape[1]
    w = ops.pad(w, ((0, taps * stride - kernel),) * 2 + ((0, 0), (0, 0)))
    w = ops.reshape(w, (taps, stride, taps, stride, large, small))
    # A tap further on reaches an output further back.
    w = ops.flip(ops.transpose(w, (0, 2, 5, 1, 3, 4)), axis=(0, 1))
    w = ops.reshape(w, (taps, taps, small, stride * stride * large))
    z = ops.pad(z, ((0, 0), (taps - 1, taps - 1), (taps - 1, taps - 1), (0, 0)))
    y = ops.conv(z, w, 1, padding="valid")
    long = count + taps - 1
    y = ops.reshape(y, (-1, long, long, stride, stride, large))
    y = ops.reshape(ops.transpose(y, (0, 1, 3, 2, 4, 5)), (-1, stride * long, stride * long, large))
    first, _ = padding_of(side, kernel, stride)
    y = y[:, first : first + side, first : first + side]
    lacking = side - y.shape[1]
    return ops.pad(y, ((0, 0), (0, lacking), (0, lacking), (0, 0)))


def gradients(backend):
    """`conv`, and its gradient by one of its inputs; a transposed one's by its kernel."""
    from keras import ops

    def conv(x, w, stride):
        return ops.conv(x, w, stride, padding="same")

    def back(z, w, stride):
        return ops.conv_transpose(z, w, stride, padding="same")

    if backend == "tensorflow":
        import tensorflow as tf

        def by(place, x, w, z, stride):
            with tf.GradientTape() as tape:
                tape.watch((x, w)[place])
                y = conv(x, w, stride)
            return tape.gradient(y, (x, w)[place], output_gradients=z)

        def of_transposed(x, w, z, stride):
            with tf.GradientTape() as tape:
                tape.watch(w)
                y = back(z, w, stride)
            return tape.gradient(y, w, output_gradients=x)

    elif backend == "jax":
        import jax

        def by(place, x, w, z, stride):
            if place == 0:
                return jax.vjp(lambda x: conv(x, w, stride), x)[1](z)[0]
            return jax.vjp(lambda w: conv(x, w, stride), w)[1](z)[0]

        def of_transposed(x, w, z, stride):
            return jax.vjp(lambda w: back(z, w, stride), w)[1](x)[0]

    else:
        import torch

        def by(place, x, w, z, stride):
            first, last = padding_of(x.shape[1], w.shape[0], stride)
            x, z = (value.permute(0, 3, 1, 2) for value in (x, z))
            w = w.permute(3, 2, 0, 1)
            x = torch.nn.functional.pad(x, (first, last, first, last))
            if place == 0:
                made = torch.nn.grad.conv2d_input(x.shape, w, z, stride)
                far = made.shape[2] - last
                return made[:, :, first:far, first:far].permute(0, 2, 3, 1)
            return torch.nn.grad.conv2d_weight(x, w.shape, z, stride).permute(2, 3, 1, 0)

        def of_transposed(x, w, z, stride):
            with torch.enable_grad():
                w = w.detach().requires_grad_()
                return torch.autograd.grad(back(z, w, stride), w, x)[0]

    return conv, by, of_transposed


def ready(backend, function):
    """A function as the backend runs it best, which returns when the work is done."""
    if backend == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(function)
        return lambda *values: compiled(*values).numpy()
    if backend == "jax":
        import jax

        compiled = jax.jit(function)
        return lambda *values: np.asarray(compiled(*values))
    import torch

    def run(*values):
        with torch.no_grad():
            return function(*values).numpy()

    return run


def forms(backend, shape):
    """For each operation a dict of its forms, functions of input, kernel and output's gradient."""
    from keras import ops

    _, side, large, small, kernel, stride = shape
    conv, by, of_transposed = gradients(backend)

    def rows(x):
        return patches(ops, x, kernel, stride)

    def forward_of_patches(x, w, z):
        return ops.matmul(rows(x), ops.reshape(w, (-1, small)))

    def kernel_of_patches(x, w, z):
        seen = ops.reshape(rows(x), (-1, kernel * kernel * large))
        made = ops.matmul(ops.transpose(seen), ops.reshape(z, (-1, small)))
        return ops.reshape(made, (kernel, kernel, large, small))

    found = {
        "forward": {
            "as it is": lambda x, w, z: conv(x, w, stride),
            "patches": forward_of_patches,
        },
        "input gradient": {
            "as it is": lambda x, w, z: by(0, x, w, z, stride),
            "phases": lambda x, w, z: phases(ops, z, w, side, stride),
        },
        "kernel gradient": {
            "as it is": lambda x, w, z: by(1, x, w, z, stride),
            "patches": kernel_of_patches,
        },
        "kernel gradient, transposed layer": {
            "as it is": lambda x, w, z: of_transposed(x, w, z, stride),
        },
    }
    if side % stride:
        # A transposed layer makes images whose sides are multiples of its stride.
        del found["kernel gradient, transposed layer"]
    if backend == "jax":
        from kgan.backend import jax_convolutions as kgans

        pads = (padding_of(side, kernel, stride),) * 2
        geometry = kgans.Geometry((side,) * 2, (kernel,) * 2, (stride,) * 2, pads)
        for operation, ways in found.items():
            ways["kgan"] = {
                "forward": lambda x, w, z: kgans.convolution(x, w, geometry),
                "input gradient": lambda x, w, z: kgans.transposed(z, w, geometry),
            }.get(operation, lambda x, w, z: kgans.kernel_gradient(x, z, geometry))
    return found


def seconds_of(run, values):
    start = time.perf_counter()
    run(*values)
    return time.perf_counter() - start


def measure(backend, size, batch_size, rounds, width):
    """Rows of one backend, in this process, on one core."""
    bind_to_core()
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras import ops

    import kgan.zoo

    channels = 1 if size == 28 else 3
    model = kgan.zoo.load("dcgan", like=(size, size, channels), width=width)
    random = np.random.default_rng(0)

    def numbers(*shape):
        return ops.convert_to_tensor(random.standard_normal(shape, "float32"))

    square = ready(backend, ops.matmul)
    pair = numbers(SIDE, SIDE), numbers(SIDE, SIDE)
    square(*pair)
    rows = []
    for shape, users in shapes_of(model, batch_size).items():
        batch, side, large, small, kernel, stride = shape
        after = -(-side // stride)
        values = (
            numbers(batch, side, side, large),
            numbers(kernel, kernel, large, small),
            numbers(batch, after, after, small),
        )
        count = 2 * batch * after**2 * kernel**2 * large * small
        for operation, ways in forms(backend, shape).items():
            runs = {name: ready(backend, way) for name, way in ways.items()}
            wanted = runs["as it is"](*values)
            for name, run in runs.items():
                np.testing.assert_allclose(
                    run(*values), wanted, rtol=1e-3, atol=1e-3 * wanted.std(), err_msg=name
                )
            spent = {name: [] for name in runs}
            products = []
            for _ in range(rounds):
                products.append(seconds_of(square, pair))
                for name, run in runs.items():
                    spent[name].append(seconds_of(run, values))
            rate = 2 * SIDE**3 / statistics.median(products)
            shares = {n: count / statistics.median(s) / rate for n, s in spent.items()}
            row = {
                "backend": backend,
                "shape": shape,
                "networks": sorted(set(users)),
                "operation": operation,
                "gigaflops": count / 1e9,
                "matrix product": rate / 1e9,
                "shares": shares,
            }
            say(json.dumps(row))
            rows.append(row)
    return rows


def markdown(rows):
    lines = [
        "| backend | convolution | operation | GFLOP/s of a matrix product | share, as it is | "
        "share, other form |",
        "|---|---|---|---:|---:|---:|",
    ]
    for row in rows:
        _, side, large, small, kernel, stride = row["shape"]
        shares = dict(row["shares"])
        plain = shares.pop("as it is")
        others = ", ".join(f"{name} {share:.2f}" for name, share in shares.items()) or "-"
        lines.append(
            f"| {NAMES[row['backend']]} | {side}x{side}x{large} to {small}, {kernel}x{kernel}, "
            f"stride {stride} | {row['operation']} | {row['matrix product']:.0f} | {plain:.2f} | "
            f"{others} |"
        )
    return "\n".join(lines)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backends", nargs="+", choices=list(NAMES), default=["tensorflow"])
    parser.add_argument("--size", type=int, default=64, help="side of the images")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    sizes = (arguments.size, arguments.batch_size, arguments.rounds, arguments.width)
    if arguments.here:
        print(json.dumps(measure(arguments.backends[0], *sizes)))
        return 0
    rows = []
    for backend in arguments.backends:
        # A process of its own, because a framework counts the cores when it is imported.
        command = [sys.executable, __file__, "--here", "--backends", backend]
        for name in ("size", "batch_size", "rounds", "width"):
            command += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rows += json.loads(output.splitlines()[-1])
    print(markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
