"""Seconds that `kgan.metrics.evaluate` takes, metric by metric, on digits through their classifier.

    python benchmarks/metrics_speed.py                     # 10 000 samples of each side
    python benchmarks/metrics_speed.py --samples 1000

One half of MNIST's training images is the real data, and images of the other half, blurred by
noise, are the generator's. The bar is 60 seconds for 10 000 samples of 28x28 on two cores, with
loading and compiling the classifier.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import platform
import time

import keras
import numpy as np
from tasks.common import Bar, load_mnist

from kgan.metrics import Evaluation, update_all
from kgan.metrics.comparison import default_metrics

SECONDS = 60


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=10_000)
    count = parser.parse_args().samples
    (images, _), _ = load_mnist()
    random = np.random.default_rng(0)
    real, fake = images[random.permutation(len(images))][: 2 * count].reshape(2, -1, 28, 28, 1)
    noisy = fake / 127.5 - 1 + 0.3 * random.standard_normal(fake.shape)
    fake = np.clip(noisy, -1, 1).astype("float32")

    start = time.perf_counter()
    metrics = default_metrics(real, fake, "digit_judge")
    update_all(metrics, real, fake)
    seconds = {"features of the judge": time.perf_counter() - start}
    for metric in metrics:
        start = time.perf_counter()
        metric.result()
        seconds[metric.name] = time.perf_counter() - start
    total = sum(seconds.values())
    print(f"Protocol: {count} samples of each side, {platform.machine()}, {os.cpu_count()} cores, ")
    print(f"Python {platform.python_version()}, Keras on {keras.config.backend()}.\n")
    print("| what | seconds |\n|---|---|")
    for name, value in [*seconds.items(), ("all", total)]:
        print(f"| {name} | {value:.1f} |")
    print(f"\n{Bar('seconds', total, SECONDS, at_most=True)}\n")
    print(Evaluation(metrics))


if __name__ == "__main__":
    main()
