"""Serves a pool of past samples on two replicas and prints what each gave, got and kept, as JSON.

Run by `history_test.py`, in a process of its own: devices are counted when TensorFlow starts.
"""

import json

import numpy as np
import tensorflow as tf

from kgan.layers import HistoryPool

SIZE, STEPS = 4, 4


def main():
    """Plays some steps; in step s, replica r gives four numbers from 100 r + 4 s + 1 on."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        pool = HistoryPool(SIZE, seed=0)
        pool.build((None, 1))

    @tf.function
    def serve(samples):
        return strategy.run(lambda x: pool(x, training=True), (samples,))

    report = {"given": [], "received": [], "pools": []}
    for step in range(STEPS):
        given = [np.arange(SIZE) + 1 + SIZE * step + 100 * replica for replica in range(2)]
        samples = strategy.experimental_distribute_values_from_function(
            lambda context, given=given: tf.constant(
                given[context.replica_id_in_sync_group][:, None], tf.float32
            )
        )
        received = strategy.experimental_local_results(serve(samples))
        copies = strategy.experimental_local_results(pool.pool.value)
        for name, arrays in (("given", given), ("received", received), ("pools", copies)):
            report[name].append([np.ravel(array).astype(int).tolist() for array in arrays])
    print(json.dumps(report))


if __name__ == "__main__":
    main()
