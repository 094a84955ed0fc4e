"""Plays a short game under one distribution and prints what happened, as JSON.

Run by `distribution_test.py`, in processes of its own: devices are counted when a framework starts.
"""

import argparse
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "benchmarks"))

from contenders.scaling_worker import given_noise  # noqa: E402

DISTRIBUTIONS = ["one", "mirrored", "workers", "data_parallel", "processes"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("distribution", choices=DISTRIBUTIONS)
    parser.add_argument("--model", choices=["vanilla", "dcgan", "zoo"], default="vanilla")
    parser.add_argument("--discriminator-steps", type=int, default=1)
    return parser.parse_args()


def strategy_of(distribution):
    """A context in which a model is made for this distribution."""
    import contextlib

    import keras

    if keras.config.backend() == "jax":
        if distribution == "data_parallel":
            import jax

            devices = jax.devices("cpu")
            if len(devices) != 2:
                raise SystemExit(f"two JAX devices are needed, there are {devices}")
            keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
        if distribution == "processes":
            keras.distribution.initialize()  # from the environment
            # kgan gives each process its share of arrays.
            whole = keras.distribution.DataParallel(auto_shard_dataset=False)
            keras.distribution.set_distribution(whole)
        return contextlib.nullcontext()
    import tensorflow as tf

    if distribution == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()
    if distribution == "workers":
        return tf.distribute.MultiWorkerMirroredStrategy().scope()
    return contextlib.nullcontext()


def model_of(name, discriminator_steps):
    """A small model of the zoo's networks without BatchNorm or dropout, with plain SGD."""
    import keras

    import kgan

    networks = kgan.networks
    if name == "vanilla":
        generator = networks.mlp.generator((2,), 3, units=(16,))
        discriminator = networks.mlp.discriminator((2,), units=(16,))
    else:
        generator = networks.dcgan.generator((8, 8, 1), 3, width=4, normalization=False)
        discriminator = networks.dcgan.discriminator((8, 8, 1), width=4, normalization=False)
    model = kgan.GAN(generator, discriminator, discriminator_steps=discriminator_steps, seed=3)
    model.compile({player: keras.optimizers.SGD(0.05) for player in model.players})
    return model


def worker():
    """The number of this process, as its environment says."""
    task = json.loads(os.environ.get("TF_CONFIG", "{}")).get("task", {})
    rank = os.environ.get("KERAS_DISTRIBUTION_PROCESS_ID") or os.environ.get("SLURM_PROCID", 0)
    return task.get("index", int(rank))


def main():
    """Plays two epochs of four batches and prints losses, counts and a sum of the weights."""
    chosen = arguments()
    import keras
    import numpy as np

    scope = strategy_of(chosen.distribution)
    import kgan

    keras.utils.set_random_seed(1)
    data = kgan.data.toys.ring(256, seed=0)
    if chosen.model == "dcgan":
        data = kgan.data.load("digits")[:256]
    if chosen.model == "zoo":
        # As a user would: Adam, BatchNorm, averages, own noise, a last batch that no two share.
        data = kgan.data.load("digits")[:129]
        with scope:
            model = kgan.zoo.load(
                "dcgan",
                like=data,
                width=4,
                discriminator_steps=chosen.discriminator_steps,
                ema_momentum=0.9,
            )
        if model.generate(3, seed=0).shape != (3, 8, 8, 1):
            raise SystemExit("three samples were asked for")
    else:
        with scope:
            model = model_of(chosen.model, chosen.discriminator_steps)
        kgan.latent.noise.draw = given_noise
    history = model.fit(data, epochs=2, batch_size=64, verbose=0).history
    evaluated = model.evaluate(data, batch_size=64, verbose=0, return_dict=True)

    def number(variable):
        return int(keras.ops.convert_to_numpy(variable))

    report = {
        "history": history,
        "evaluated": {key: float(value) for key, value in evaluated.items()},
        "moves": [number(inner.iterations) for inner in model.optimizer.optimizers],
        "clock": number(model.optimizer.iterations),
        "weights": float(sum(np.abs(weight).sum() for weight in model.get_weights())),
        "worker": worker(),
    }
    if chosen.distribution == "data_parallel" and chosen.model == "zoo":
        import jax

        noise = jax.jit(lambda: kgan.latent.noise.draw((8, 3), "normal", 0))()
        report["noise_of_a_device"] = noise.sharding.shard_shape(noise.shape)
    print("REPORT " + json.dumps(report))


if __name__ == "__main__":
    main()
