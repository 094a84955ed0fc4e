"""A pair of generator and discriminator, selected by the shape of a sample."""

from collections.abc import Sequence

import keras

from kgan.data.fields import Images, Vectors, kind_of_shape
from kgan.networks import dcgan, mlp


def pair(
    sample_shape: tuple[int, ...],
    latent_dim: int,
    *,
    width: int = 64,
    units: Sequence[int] = (128, 128, 128),
    kernel_size: int = 5,
    generator_normalization: bool = True,
    discriminator_normalization: bool = False,
    spectral_normalization: bool = False,
    constraint: keras.constraints.Constraint | None = None,
    pack: int = 1,
    head: keras.layers.Layer | None = None,
    stages: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """A generator and a discriminator: perceptrons for vectors, DCGAN's networks for images.

    Use this for a model whose paper is about a loss rather than networks, so that the same model
    can be tried on two-dimensional points in a minute and then trained on images.

    Args:
        sample_shape: tuple, `(dim,)` for vectors or `(height, width, channels)` for images, of the
            sizes of `kgan.networks.dcgan.num_stages`.
        latent_dim: integer, size of the noise.
        width: integer, for images: channels at half the image's size. Defaults to 64.
        units: tuple of integers, for vectors: widths of both networks' hidden layers. Defaults to
            `(128, 128, 128)`.
        kernel_size: integer, for images. Defaults to 5.
        generator_normalization: boolean, BatchNorm in the generator. Defaults to `True`.
        discriminator_normalization: boolean, BatchNorm in the discriminator, which per-sample
            penalties do not allow. Defaults to `False`.
        spectral_normalization: boolean, `kgan.layers.SpectralNormalization` of each of the
            discriminator's layers. Defaults to `False`.
        constraint: a `keras.constraints.Constraint` of all the discriminator's weights, such as
            `kgan.constraints.WeightClipping(0.01)`. Defaults to `None`.
        pack: integer, samples per logit (`kgan.layers.Pack`). Defaults to 1.
        head: layer between the discriminator's features and its logit, such as
            `kgan.layers.MinibatchDiscrimination()`. Defaults to `None`.
        stages: integer, for images: doublings and halvings, as `kgan.networks.dcgan` takes them.
            Defaults to `None`: as many as leave integer sides of at least 4.

    Returns:
        A tuple of two functional `keras.Model`s: generator, from noise (batch, latent_dim) to
        samples (batch, *sample_shape), and discriminator, from samples to logits
        (ceil(batch / pack), 1).

    Raises:
        ValueError: when the samples are neither vectors nor images, or the strides can't make
            the images' size.

    Example:

    ```python
    import kgan

    generator, discriminator = kgan.networks.standard.pair((2,), latent_dim=2, units=(64, 64))
    ```
    """
    discriminator_options = {
        "normalization": discriminator_normalization,
        "spectral_normalization": spectral_normalization,
        "constraint": constraint,
        "pack": pack,
        "head": head,
    }
    if kind_of_shape(sample_shape) is Vectors:
        return (
            mlp.generator(
                sample_shape, latent_dim, units=units, normalization=generator_normalization
            ),
            mlp.discriminator(sample_shape, units=units, **discriminator_options),
        )
    if kind_of_shape(sample_shape) is Images:
        return (
            dcgan.generator(
                sample_shape, latent_dim, width, kernel_size, generator_normalization, stages
            ),
            dcgan.discriminator(
                sample_shape, width, kernel_size, stages=stages, **discriminator_options
            ),
        )
    raise ValueError(
        "This pair of networks makes vectors, of shape (dim,), or images, of shape (height, "
        "width, channels). For other samples, build a pair with kgan.networks.mlp. "
        f"Received: sample_shape={sample_shape!r}"
    )
