"""What `generate` and its like need beside their result."""

import tracemalloc

import numpy as np

import kgan


def peak(function):
    """What a function returns, and the most that NumPy and Python held meanwhile, in bytes."""
    tracemalloc.start()
    try:
        return function(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_generate_needs_its_result_and_one_batch():
    generator = kgan.networks.mlp.generator((28, 28, 1), 4, units=(8,))
    model = kgan.GAN(generator, kgan.networks.mlp.discriminator((28, 28, 1), units=(8,)), seed=0)
    model.generate(500, batch_size=500, seed=0)
    images, most = peak(lambda: model.generate(20_000, batch_size=500, seed=0))
    assert images.dtype == np.uint8 and images.shape == (20_000, 28, 28, 1)
    # The result, its noise, and a batch in the floats that it is made of: 22 times, before.
    assert most < 1.6 * images.nbytes
    noise = model.answers["generate"].noise.sample(20_000, 0)
    np.testing.assert_array_equal(images[-3:], model.decode(noise[-3:]))
