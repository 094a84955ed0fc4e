"""Networks that take labels: any generator and discriminator of kgan, made conditional."""

import difflib
import math
from collections.abc import Sequence
from typing import Literal

import keras
from keras import layers, ops

from kgan.data.fields import Images, Vectors, kind_of_shape
from kgan.layers.codes import LatentCodes
from kgan.networks import dcgan, mlp
from kgan.utils.arguments import check_count

CONDITIONINGS = ("concatenation", "projection", "two_heads")


def generator(
    sample_shape: tuple[int, ...],
    num_classes: int,
    latent_dim: int = 100,
    embedding_dim: int = 50,
    width: int = 64,
    units: Sequence[int] = (128, 128, 128),
    kernel_size: int = 5,
    normalization: bool = True,
) -> keras.Model:
    """A conditional generator: DCGAN's network for images, a perceptron for other samples.

    Use this with `kgan.networks.conditioned.discriminator`. One embedding of the label is
    concatenated with the noise, another multiplies it.

    Reference: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", section 3.2; Reed
    et al. 2016, "Generative Adversarial Text to Image Synthesis", section 4.1.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, of the sizes of
            `kgan.networks.dcgan.num_stages`; `(dim,)` for vectors.
        num_classes: integer of at least 2.
        latent_dim: integer, size of the noise. Defaults to 100.
        embedding_dim: integer, size of the embedding that is concatenated with the noise. Defaults
            to 50.
        width: integer, for images: channels at half the image's size. Defaults to 64.
        units: tuple of integers, for other samples: widths of the hidden layers. Defaults to
            `(128, 128, 128)`.
        kernel_size: integer, for images. Defaults to 5.
        normalization: boolean, BatchNorm before each ReLU. Defaults to `True`.

    Returns:
        A functional `keras.Model`: noise (batch, latent_dim) and labels (batch,) -> samples.

    Raises:
        ValueError: when there are fewer than two classes, or strides can't produce this size.

    Example:

    ```python
    import kgan

    network = kgan.networks.conditioned.generator((28, 28, 1), num_classes=10, width=8)
    ```
    """
    check_count("num_classes", num_classes, minimum=2)
    check_count("latent_dim", latent_dim)
    check_count("embedding_dim", embedding_dim)
    sizes = (width, units, kernel_size, normalization)
    decoder = _decoder(sample_shape, latent_dim + embedding_dim, *sizes)
    noise = keras.Input((latent_dim,), name="noise")
    labels, one_hot = _labels(num_classes)
    # Measured on MNIST: with one concatenated embedding at the noise's scale, each class collapsed
    # to one picture, because BatchNorm divides by a variance that is mostly the labels'. So the
    # concatenated one starts small, and the other multiplies the noise and says nothing without it.
    scales = layers.Dense(
        latent_dim, use_bias=False, kernel_initializer=_normal(1.0), name="modulation"
    )(one_hot)
    embedded = layers.Dense(
        embedding_dim, use_bias=False, kernel_initializer=_normal(0.1), name="embedding"
    )(one_hot)
    modulated = layers.Multiply()([noise, scales])
    samples = decoder(layers.Concatenate()([modulated, embedded]))
    return keras.Model([noise, labels], samples, name="generator")


def code_generator(
    sample_shape: tuple[int, ...],
    num_categories: int = 10,
    num_continuous: int = 2,
    latent_dim: int = 62,
    width: int = 64,
    units: Sequence[int] = (128, 128, 128),
    kernel_size: int = 5,
    normalization: bool = True,
) -> keras.Model:
    """A generator from codes: DCGAN's network for images, a perceptron for other samples.

    Use this for `kgan.InfoGAN`. `kgan.layers.LatentCodes` describes the layout of the noise.

    Reference: Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information
    Maximizing Generative Adversarial Nets", section 7.2: ten categories, two continuous codes and
    62 numbers of noise for MNIST.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, of the sizes of
            `kgan.networks.dcgan.num_stages`; `(dim,)` for vectors.
        num_categories: integer of at least 2. Defaults to 10.
        num_continuous: integer of at least 0. Defaults to 2.
        latent_dim: integer, numbers of noise that are not codes. Defaults to 62.
        width: integer, for images: channels at half the image's size. Defaults to 64.
        units: tuple of integers, for other samples: widths of the hidden layers. Defaults to
            `(128, 128, 128)`.
        kernel_size: integer, for images. Defaults to 5.
        normalization: boolean, BatchNorm before each ReLU. Defaults to `True`.

    Returns:
        A functional `keras.Model`: noise (batch, 1 + num_continuous + latent_dim) -> samples.

    Raises:
        ValueError: when there are fewer than two categories, or strides can't produce this size.

    Example:

    ```python
    import kgan

    network = kgan.networks.conditioned.code_generator((28, 28, 1), width=8)
    assert network.input_shape == (None, 65)
    ```
    """
    codes = LatentCodes(num_categories, num_continuous, name="codes")
    total = num_continuous + check_count("latent_dim", latent_dim)
    sizes = (width, units, kernel_size, normalization)
    decoder = _decoder(sample_shape, num_categories + total, *sizes)
    noise = keras.Input((1 + total,), name="noise")
    return keras.Model(noise, decoder(codes(noise)), name="generator")


def discriminator(
    sample_shape: tuple[int, ...],
    num_classes: int,
    conditioning: Literal["concatenation", "projection", "two_heads"] = "projection",
    embedding_dim: int = 50,
    width: int = 64,
    units: Sequence[int] = (128, 128, 128),
    kernel_size: int = 5,
    normalization: bool = True,
) -> keras.Model:
    """Is this sample real, and does it match its label?

    Use this with `kgan.networks.conditioned.generator`, in one of three ways to use the label.
    `"projection"` learns fastest. `"two_heads"` answers the two questions separately, so that the
    logs show which of the two a generator fails. `"concatenation"` is the first and simplest.

    Reference: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", section 3.2
    (concatenation); Miyato and Koyama 2018, "cGANs with Projection Discriminator", equation 3
    (projection: `psi(phi(x)) + <embedding(y), phi(x)>`).

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, of the sizes of
            `kgan.networks.dcgan.num_stages`; `(dim,)` for vectors.
        num_classes: integer of at least 2.
        conditioning: `"concatenation"`: the embedded label is an extra channel of the image, or
            concatenated with the vector. `"projection"`: its inner product with the features is
            added to the logit. `"two_heads"`: that inner product is a separate logit. Defaults to
            `"projection"`.
        embedding_dim: integer, size of the embedding that is concatenated with a vector: for images
            it has the image's size, for projections that of the features. Defaults to 50.
        width: integer, for images: channels after the first convolution. Defaults to 64.
        units: tuple of integers, for other samples: widths of the hidden layers. Defaults to
            `(128, 128, 128)`.
        kernel_size: integer, for images. Defaults to 5.
        normalization: boolean, BatchNorm in images' convolutions but the first. Per-sample
            penalties do not allow it. Defaults to `True`.

    Returns:
        A functional `keras.Model`: samples and labels (batch,) -> logits (batch, 1). With two
        heads the outputs are `[realness logits, matching logits]`.

    Raises:
        ValueError: when the conditioning is unknown, there are fewer than two classes, or strides
            can't produce this size.

    Example:

    ```python
    import kgan

    network = kgan.networks.conditioned.discriminator((2,), 8, conditioning="two_heads")
    ```
    """
    if conditioning not in CONDITIONINGS:
        near = difflib.get_close_matches(str(conditioning), CONDITIONINGS, n=1)
        raise ValueError(
            f"`conditioning` must be one of {list(CONDITIONINGS)}. "
            + (f"Did you mean '{near[0]}'? " if near else "")
            + f"Received: conditioning={conditioning!r}"
        )
    check_count("num_classes", num_classes, minimum=2)
    check_count("embedding_dim", embedding_dim)
    options = (width, units, kernel_size, normalization)
    samples = keras.Input(sample_shape, name="samples")
    labels, one_hot = _labels(num_classes)
    if conditioning == "concatenation":
        joined = _joined(samples, one_hot, embedding_dim)
        features, last = _features(joined, *options)
        return keras.Model([samples, labels], last(features), name="discriminator")
    features, last = _features(samples, *options)
    # <embedding(y), phi(x)> for all y at once, of which one is selected: its gradient is dense.
    products = _linear(num_classes, "embedding", conditioning == "two_heads")(features)
    product = ops.sum(products * one_hot, axis=-1, keepdims=True)  # (batch, 1)
    realness = last(features)
    outputs = [realness, product] if conditioning == "two_heads" else realness + product
    return keras.Model([samples, labels], outputs, name="discriminator")


def many_headed(
    sample_shape: tuple[int, ...],
    heads: dict[str, int],
    width: int = 64,
    units: Sequence[int] = (128, 128, 128),
    kernel_size: int = 5,
    normalization: bool = True,
) -> keras.Model:
    """A discriminator with further outputs besides the logit for real or fake.

    Use this for `kgan.AuxiliaryClassifierGAN`, with one head that predicts the class, and for
    `kgan.InfoGAN`, with heads that recover the codes. All heads are linear in shared features.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, of the sizes of
            `kgan.networks.dcgan.num_stages`; `(dim,)` for vectors.
        heads: dict from the name of a head to the number of its outputs.
        width: integer, for images: channels after the first convolution. Defaults to 64.
        units: tuple of integers, for other samples: widths of the hidden layers. Defaults to
            `(128, 128, 128)`.
        kernel_size: integer, for images. Defaults to 5.
        normalization: boolean, BatchNorm in images' convolutions but the first. Defaults to `True`.

    Returns:
        A functional `keras.Model`: samples -> `[logits (batch, 1), (batch, size) per head]`.

    Raises:
        ValueError: when strides can't produce this size.

    Example:

    ```python
    import kgan

    network = kgan.networks.conditioned.many_headed((28, 28, 1), {"classes": 10}, width=8)
    ```
    """
    samples = keras.Input(sample_shape, name="samples")
    features, last = _features(samples, width, units, kernel_size, normalization)
    outputs = [_linear(check_count(name, size), name)(features) for name, size in heads.items()]
    return keras.Model(samples, [last(features), *outputs], name="discriminator")


def statistics(
    sample_shape: tuple[int, ...],
    latent_dim: int,
    width: int = 64,
    units: Sequence[int] = (128, 128, 128),
    kernel_size: int = 5,
    stages: int | None = None,
) -> keras.Model:
    """Was this sample made of this noise? One logit for the pair.

    Use this with `kgan.MaximumEntropyGAN`, which estimates by it how much of the noise is left in
    samples.

    Reference: Kumar et al. 2019, "Maximum Entropy Generators for Energy-Based Models", appendix:
    for images DCGAN's convolutions without normalization, as many linear features of them as the
    noise has numbers, and a hidden layer over both; for vectors a perceptron over both.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, of the sizes of
            `kgan.networks.dcgan.num_stages`; `(dim,)` for vectors.
        latent_dim: integer, size of the noise.
        width: integer, for images: channels after the first convolution, and an eighth of the
            hidden layer's units. Defaults to 64.
        units: tuple of integers, for other samples: widths of the hidden layers. Defaults to
            `(128, 128, 128)`.
        kernel_size: integer, for images. Defaults to 5.
        stages: integer, for images: halvings, as of `kgan.networks.dcgan.discriminator`. Defaults
            to `None`.

    Returns:
        A functional `keras.Model`: samples and noise (batch, latent_dim) -> logits (batch, 1).

    Raises:
        ValueError: when strides can't produce this size.

    Example:

    ```python
    import kgan

    network = kgan.networks.conditioned.statistics((28, 28, 1), latent_dim=16, width=8)
    ```
    """
    check_count("latent_dim", latent_dim)
    samples = keras.Input(sample_shape, name="samples")
    noise = keras.Input((latent_dim,), name="noise")
    if kind_of_shape(sample_shape) is Images:
        features, _ = _features(samples, width, units, kernel_size, False, stages)
        # Or the features, thousands of them, would drown the noise.
        x = layers.Concatenate()([layers.Dense(latent_dim)(features), noise])
        x = layers.LeakyReLU(0.2)(layers.Dense(8 * width)(x))
    else:
        x = layers.Flatten()(samples) if kind_of_shape(sample_shape) is not Vectors else samples
        x = layers.Concatenate()([x, noise])
        x, _ = _features(x, width, units, kernel_size, False)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model([samples, noise], logits, name="statistics")


def _decoder(sample_shape, latent_dim, width, units, kernel_size, normalization):
    if kind_of_shape(sample_shape) is Images:
        network = dcgan.generator(sample_shape, latent_dim, width, kernel_size, normalization)
    else:
        network = mlp.generator(sample_shape, latent_dim, units, normalization=normalization)
    return keras.Model(network.inputs, network.outputs[0], name="decoder")


def _labels(num_classes):
    labels = keras.Input((), dtype="int32", name="labels")
    return labels, ops.one_hot(labels, num_classes)


def _joined(samples, one_hot, embedding_dim):
    shape = samples.shape[1:]
    if kind_of_shape(shape) is Images:
        plane = layers.Dense(math.prod(shape[:2]), use_bias=False, name="embedding")(one_hot)
        return layers.Concatenate()([samples, layers.Reshape((*shape[:2], 1))(plane)])
    if kind_of_shape(shape) is not Vectors:
        samples = layers.Flatten()(samples)
    vector = layers.Dense(
        embedding_dim, use_bias=False, kernel_initializer=_normal(1.0), name="embedding"
    )(one_hot)
    return layers.Concatenate()([samples, vector])


def _features(samples, width, units, kernel_size, normalization, stages=None):
    """The features that an unconditional discriminator sees, and its last layer."""
    shape = tuple(samples.shape[1:])
    if kind_of_shape(shape) is Images:
        options = {"normalization": normalization, "stages": stages}
        whole = dcgan.discriminator(shape, width, kernel_size, **options)
    else:
        whole = mlp.discriminator(shape, units)
    body = keras.Model(whole.inputs, whole.layers[-1].input, name="body")
    # The name by which feature matching finds them.
    return layers.Identity(name="features")(body(samples)), whole.layers[-1]


def _linear(size, name, use_bias=True):
    # In float32 whatever the policy, as every last layer.
    return layers.Dense(
        size, use_bias=use_bias, kernel_initializer=_normal(0.02), dtype="float32", name=name
    )


def _normal(stddev):
    # A new one for each layer: one unseeded initializer would give layers equal weights.
    return keras.initializers.RandomNormal(stddev=stddev)
