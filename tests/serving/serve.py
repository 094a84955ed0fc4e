"""Serves a SavedModel where importing kgan or keras raises; run by `export_test.py`.

Usage: serve.py FOLDER NOISE.npz ANSWERS.npz
"""

import importlib.machinery
import sys


class Absent:
    """Makes a package look installed and fail on import, since TensorFlow asks for Keras's path."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("keras", "kgan"):
            return importlib.machinery.ModuleSpec(name, self)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        raise ImportError(f"{module.__name__} must not be needed to serve")


sys.meta_path.insert(0, Absent())
for package in ("keras", "kgan"):
    try:
        __import__(package)
    except ImportError:
        continue
    raise SystemExit(f"{package} could be imported")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

served = tf.saved_model.load(sys.argv[1])
answers = {}
with np.load(sys.argv[2]) as noises:
    for name in noises:
        answer = served.signatures["serving_default"](noise=tf.constant(noises[name]))
        answers[name] = answer["output_0"].numpy()
        np.testing.assert_array_equal(served.serving_default(noises[name]), answers[name])
for count in (1, 7):
    answers[f"generate_{count}"] = served.generate(count, 5).numpy()
np.savez(sys.argv[3], **answers)
