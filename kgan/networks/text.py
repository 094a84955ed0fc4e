"""Networks of text to image: an encoder of captions, and a GAN's networks that are told of them."""

from typing import Literal

import keras
from keras import layers, ops

from kgan.networks import dcgan
from kgan.networks.parts import batch_normalization, everywhere
from kgan.utils.arguments import check_count

CONDITIONINGS = ("concatenation", "projection")


def encoder(
    num_tokens: int,
    max_length: int,
    embedding_dim: int = 128,
    word_dim: int = 64,
    kernel_size: int = 3,
) -> keras.Model:
    """A caption's ids of words to its embedding: convolutions over the words, and their maximum.

    Use this with the ids that `kgan.data.Text` makes of strings. A convolution sees `kernel_size`
    neighbouring words, so that "red on blue" differs from "blue on red"; the maximum over all
    places makes a caption's length matter little. Padding counts for nothing. The numbers of an
    embedding have mean 0 and variance 1.

    Reference: Kim 2014, "Convolutional Neural Networks for Sentence Classification", section 2,
    with one kernel size; Ba et al. 2016, "Layer Normalization", equation 3.

    Args:
        num_tokens: integer, how many ids there are: `kgan.data.Text(...).num_tokens`.
        max_length: integer, words per caption.
        embedding_dim: integer, size of a caption's embedding. Defaults to 128.
        word_dim: integer, size of a word's embedding. Defaults to 64.
        kernel_size: integer, neighbouring words that are read together. Defaults to 3.

    Returns:
        A functional `keras.Model`: ids (batch, max_length) -> embeddings (batch, embedding_dim).

    Raises:
        TypeError, ValueError: when a size is no integer of at least 1.

    Example:

    ```python
    import kgan

    field = kgan.data.Text.describe(["a red seven", "a blue one"])
    network = kgan.networks.text.encoder(field.num_tokens, field.max_length, 8)
    assert network(field.check(["a red one"])).shape == (1, 8)
    ```
    """
    for name, size in (("num_tokens", num_tokens), ("max_length", max_length)):
        check_count(name, size)
    for name, size in (("embedding_dim", embedding_dim), ("word_dim", word_dim)):
        check_count(name, size)
    ids = keras.Input((max_length,), dtype="int32", name="ids")
    is_word = ops.cast(ops.not_equal(ids, 0), "float32")[..., None]
    words = layers.Embedding(
        num_tokens, word_dim, embeddings_initializer=_normal(0.5), name="word_embedding"
    )(ids)
    # What fills up a short caption is no word: convolutions read zeros there, as beyond its ends.
    x = layers.Multiply()([words, is_word])
    x = layers.Conv1D(
        2 * word_dim, check_count("kernel_size", kernel_size), padding="same", activation="relu"
    )(x)  # (batch, max_length, 2 word_dim)
    x = layers.GlobalMaxPooling1D()(layers.Multiply()([x, is_word]))
    x = layers.Dense(embedding_dim, dtype="float32", name="embedding")(x)
    # Or embeddings grow in training, and the noise beside them counts for nothing.
    embedding = layers.LayerNormalization(center=False, scale=False, dtype="float32")(x)
    return keras.Model(ids, embedding, name="text_encoder")


def generator(
    image_shape: tuple[int, ...],
    embedding_dim: int,
    latent_dim: int = 100,
    condition_dim: int | None = 128,
    width: int = 64,
    kernel_size: int = 5,
    modulation: bool = False,
) -> keras.Model:
    """DCGAN's generator, told of a caption's embedding beside the noise.

    Use this with `kgan.networks.text.discriminator`. A dense layer brings the embedding to
    `condition_dim` numbers, which are concatenated with the noise.

    Reference: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", section 4.1 and
    figure 2; with modulation, Zhang et al. 2021, "Cross-Modal Contrastive Learning for
    Text-to-Image Generation", section 4.2, without attention to words.

    Args:
        image_shape: tuple `(height, width, channels)`, of the sizes of
            `kgan.networks.dcgan.num_stages`.
        embedding_dim: integer, size of a caption's embedding.
        latent_dim: integer, size of the noise. Defaults to 100.
        condition_dim: integer, what the embedding is brought to; `None` takes it as it is.
            Defaults to 128.
        width: integer, channels at half the image's size. Defaults to 64.
        kernel_size: integer. Defaults to 5.
        modulation: boolean, whether noise and condition also scale and shift the channels after
            each BatchNorm, so that what a caption says of colours reaches the last layers.
            Defaults to `False`.

    Returns:
        A functional `keras.Model`: noise (batch, latent_dim) and embeddings
        (batch, embedding_dim) -> images in [-1, 1].

    Raises:
        ValueError: when strides can't produce this size.

    Example:

    ```python
    import kgan

    network = kgan.networks.text.generator((32, 32, 3), embedding_dim=128, width=8)
    ```
    """
    noise = keras.Input((latent_dim,), name="noise")
    embedding = keras.Input((embedding_dim,), name="embedding")
    condition = _compressed(embedding, condition_dim)
    told = latent_dim + condition.shape[-1]
    decoder = dcgan.generator(image_shape, told, width, kernel_size, modulation=modulation)
    decoder = keras.Model(decoder.inputs, decoder.outputs[0], name="decoder")
    images = decoder(layers.Concatenate()([noise, condition]))
    return keras.Model([noise, embedding], images, name="generator")


def discriminator(
    image_shape: tuple[int, ...],
    embedding_dim: int,
    conditioning: Literal["concatenation", "projection"] = "concatenation",
    condition_dim: int | None = 128,
    width: int = 64,
    kernel_size: int = 5,
) -> keras.Model:
    """DCGAN's discriminator, told of a caption's embedding: is this image real, and does it match?

    Use this with `kgan.networks.text.generator`.

    Reference: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", section 4.1 and
    figure 2 (concatenation); Miyato and Koyama 2018, "cGANs with Projection Discriminator",
    equation 3 (projection).

    Args:
        image_shape: tuple `(height, width, channels)`, of the sizes of
            `kgan.networks.dcgan.num_stages`.
        embedding_dim: integer, size of a caption's embedding.
        conditioning: `"concatenation"`: where the strides have reduced the image to about 4x4, the
            embedding, brought to `condition_dim` numbers, is concatenated with the features at
            every place, and a 1x1 convolution reads both. `"projection"`: its inner product with
            the features is added to the logit, so that what a caption says of several things
            adds up. Defaults to `"concatenation"`.
        condition_dim: integer, what the embedding is brought to; `None` takes it as it is.
            Defaults to 128.
        width: integer, channels after the first convolution. Defaults to 64.
        kernel_size: integer. Defaults to 5.

    Returns:
        A functional `keras.Model`: images and embeddings (batch, embedding_dim) -> logits
        (batch, 1).

    Raises:
        ValueError: when the conditioning is unknown, or strides can't produce this size.

    Example:

    ```python
    import kgan

    network = kgan.networks.text.discriminator((32, 32, 3), embedding_dim=128, width=8)
    ```
    """
    if conditioning not in CONDITIONINGS:
        raise ValueError(
            f"A discriminator of captions uses them in one of the ways {CONDITIONINGS}. "
            f"Received: conditioning={conditioning!r}"
        )
    whole = dcgan.discriminator(image_shape, width, kernel_size)
    maps = whole.get_layer("features").input
    body = keras.Model(whole.inputs, maps, name="body")
    images = keras.Input(image_shape, name="samples")
    embedding = keras.Input((embedding_dim,), name="embedding")
    condition = _compressed(embedding, condition_dim)
    x, last = body(images), whole.layers[-1]
    if conditioning == "projection":
        features = layers.Flatten(name="features")(x)
        told = layers.Dense(
            features.shape[-1], use_bias=False, kernel_initializer=_normal(0.02), name="projection"
        )(condition)
        product = ops.sum(ops.cast(told * features, "float32"), axis=-1, keepdims=True)
        return keras.Model([images, embedding], last(features) + product, name="discriminator")
    x = everywhere(x, condition)
    x = layers.Conv2D(maps.shape[-1], 1, use_bias=False, kernel_initializer=_normal(0.02))(x)
    x = layers.LeakyReLU(0.2)(batch_normalization()(x))
    features = layers.Flatten(name="features")(x)
    return keras.Model([images, embedding], last(features), name="discriminator")


def _compressed(embedding, size):
    if size is None:
        return embedding
    x = layers.Dense(check_count("condition_dim", size), kernel_initializer=_normal(0.02))(
        embedding
    )
    return layers.LeakyReLU(0.2, name="condition")(x)


def _normal(stddev):
    # A new one for each layer: one unseeded initializer would give layers equal weights.
    return keras.initializers.RandomNormal(stddev=stddev)
