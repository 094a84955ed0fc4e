"""One process of `scaling.py`: trains a model on its share of each batch and says how it went.

It takes one argument, a JSON object: see `Job`. The last line that it prints is `REPORT` and JSON.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import sys
import time


@dataclasses.dataclass
class Job:
    """What all processes of a run do.

    Args:
        backend: string, `"tensorflow"` or `"jax"`.
        model: string, `"dcgan"` of the zoo; or one whose noise is given by a sample's place in the
            global batch, so that any number of processes plays one game: `"exact"` without
            BatchNorm, `"batch_norm"` with it.
        ports: list of integers, one for each process; the first is JAX's coordinator.
        side: integer, of the images, in pixels.
        width: integer, of the networks.
        batch_size: integer, the global one.
        steps: integer, of an epoch.
        epochs: integer.
        folder: string, where backups, weights and the last state are written. `None`: nowhere.
        save_freq: integer, steps between two backups. `None`: no backup.
        load: string, path of weights to begin with. `None`: fresh ones.
        pause: float, seconds to wait after each step, so that a kill finds its step.
    """

    backend: str
    model: str = "dcgan"
    ports: list = dataclasses.field(default_factory=lambda: [0])
    side: int = 28
    width: int = 16
    batch_size: int = 64
    steps: int = 10
    epochs: int = 2
    folder: str | None = None
    save_freq: int | None = None
    load: str | None = None
    pause: float = 0.0


def connected(job, rank):
    """Lets the processes find each other: what a launcher's environment says on a cluster."""
    import contextlib

    world = len(job.ports)
    if world == 1:
        return contextlib.nullcontext()
    if job.backend == "tensorflow":
        import tensorflow as tf

        cluster = {"worker": [f"127.0.0.1:{port}" for port in job.ports]}
        task = {"type": "worker", "index": rank}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
        return tf.distribute.MultiWorkerMirroredStrategy().scope()
    import keras

    keras.distribution.initialize(f"127.0.0.1:{job.ports[0]}", world, rank)
    # kgan itself gives each process its share of arrays.
    whole = keras.distribution.DataParallel(auto_shard_dataset=False)
    keras.distribution.set_distribution(whole)
    return contextlib.nullcontext()


def given_noise(shape, distribution, seed):
    """Noise that depends on a sample's place in the global batch and on the turn alone."""
    import keras
    from keras import ops

    first = 0
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        # Shards are equal here, and replica i holds the i-th.
        first = context.replica_id_in_sync_group * shape[0] if context else 0
    turn = ops.cast(keras.random.SeedGenerator.next(seed)[1], "float32")
    rows = ops.cast(first + ops.arange(shape[0]), "float32")[:, None]
    columns = ops.arange(shape[1], dtype="float32")
    return ops.sin(1.7 * rows + 3.1 * columns + turn)


def built(job, images):
    import keras

    import kgan
    import kgan.zoo

    if job.model == "dcgan":
        return kgan.zoo.load("dcgan", like=images, width=job.width, seed=0)
    kgan.latent.noise.draw = given_noise
    dcgan = kgan.networks.dcgan
    options = {"width": job.width, "normalization": job.model == "batch_norm"}
    model = kgan.GAN(
        dcgan.generator(images.shape[1:], 16, **options),
        dcgan.discriminator(images.shape[1:], **options),
        seed=0,
    )
    model.compile({player: keras.optimizers.SGD(0.05) for player in model.players})
    return model


def backup_of(job, rank):
    """A backup that all processes restore alike, though each was killed at another moment.

    All have to save, since reading a variable may need all of them, and each into a folder of its
    own; what counts is the first one's.
    """
    import keras

    folder = pathlib.Path(job.folder)
    mine, first = folder / f"backup_{rank}", folder / "backup_0"
    if mine != first:
        shutil.rmtree(mine, ignore_errors=True)
        if first.exists():
            # The first process saves again only after a step, which waits for this one.
            shutil.copytree(first, mine)
    return keras.callbacks.BackupAndRestore(mine, save_freq=job.save_freq, delete_checkpoint=False)


def main(job, rank):
    if hasattr(os, "sched_setaffinity"):
        # Before a framework counts the cores. More processes than cores share them in turn.
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[rank % len(cores)]})
    os.environ["KERAS_BACKEND"] = job.backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import numpy as np

    scope = connected(job, rank)
    keras.utils.set_random_seed(0)
    shape = (job.batch_size * job.steps, job.side, job.side, 1)
    images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    with scope:
        model = built(job, images)
        if job.load:
            model.load_weights(job.load)

    class Clock(keras.callbacks.Callback):
        """Seconds of each epoch, and which steps of the run were played."""

        seconds, core_seconds, played = [], [], []

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch, self.start = epoch, time.perf_counter()
            self.core_start = time.process_time()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.start)
            self.core_seconds.append(time.process_time() - self.core_start)

        def on_train_batch_end(self, batch, logs=None):
            self.played.append(self.epoch * job.steps + batch + 1)
            if job.pause:
                print(f"STEP {self.played[-1]}", flush=True)
                time.sleep(job.pause)

    clock = Clock()
    callbacks = [clock] if job.save_freq is None else [backup_of(job, rank), clock]
    history = model.fit(
        images, epochs=job.epochs, batch_size=job.batch_size, verbose=0, callbacks=callbacks
    ).history
    # Moving statistics of BatchNorm are each process's own on TensorFlow: the first one's count.
    state = [*(model.trainable_variables if rank else model.variables), *model.optimizer.variables]
    # Reading may need all processes, so that all do.
    arrays = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in state]
    if job.folder:
        folder = pathlib.Path(job.folder)
        model.save_weights(folder / f"rank_{rank}.weights.h5")
        np.savez(folder / f"state_{rank}.npz", *arrays)
    report = {
        "seconds": clock.seconds,
        "core_seconds": clock.core_seconds,
        "first_step": clock.played[0] if clock.played else None,
        "history": history,
        "weights": int(sum(np.prod(v.shape) for v in model.trainable_variables)),
    }
    print("REPORT " + json.dumps(report), flush=True)


if __name__ == "__main__":
    main(Job(**json.loads(sys.argv[1])), int(sys.argv[2]))
