"""The engines: the only place that imports TensorFlow, JAX or PyTorch for computing.

Each engine has the same names: `Engine` (`train_step`, `test_step`), `input_gradient` and
`replica_offset`. `shared` is what the turns of a step share, `shared_out` lets devices share what a
step drew. Everything else in kgan is written in `keras.ops`.
"""

import keras

from kgan.backend.sharing import left_whole, shared

if keras.config.backend() == "tensorflow":
    from kgan.backend.tensorflow import Engine, input_gradient, replica_offset

    shared_out = left_whole
elif keras.config.backend() == "jax":
    from kgan.backend.jax import Engine, input_gradient, replica_offset
    from kgan.backend.jax_functions import shared_out
elif keras.config.backend() == "torch":
    from kgan.backend.torch import Engine, input_gradient, replica_offset

    shared_out = left_whole
else:
    raise ValueError(
        "kgan runs on the Keras backends 'tensorflow', 'jax' and 'torch'. Set the environment "
        "variable KERAS_BACKEND to one of them before Python starts. "
        f"Received: KERAS_BACKEND={keras.config.backend()!r}"
    )

__all__ = ["Engine", "input_gradient", "replica_offset", "shared", "shared_out"]
