"""Networks that say what an image shows, by which enlarged images are compared with true ones."""

import keras
from keras import layers

from kgan.metrics.general_features import feature_maps

NAMES = ("image_features", "vgg19")
# What Ledig et al. 2017, section 3.2, multiply features of VGG19 by.
_VGG_FACTOR = 1 / 12.75
# What Keras Applications' VGG19 subtracts from blue, green and red in 0..255.
_VGG_MEANS = (103.939, 116.779, 123.68)


def content_network(source):
    """A network from images in [-1, 1] to features.

    Args:
        source: `"image_features"`, the maps of the network that ships with kgan; `"vgg19"`, layer
            conv5_4 before its activation, whose weights Keras downloads once; a `keras.Model`; or
            `None`.

    Returns:
        A `keras.Model`, or `None`.

    Raises:
        ValueError: when there is no network of that name, or its weights can't be downloaded.
    """
    if source is None or isinstance(source, keras.Model):
        return source
    if source == "image_features":
        return feature_maps()
    if source != "vgg19":
        raise ValueError(
            f"Content is compared by one of the networks {NAMES}, a keras.Model from images to "
            f"features, or None for not at all. Received: content={source!r}"
        )
    try:
        trained = keras.applications.VGG19(include_top=False, weights="imagenet")
    except Exception as error:
        raise ValueError(
            "The weights of Keras Applications' VGG19 could not be loaded: "
            f"{type(error).__name__}, {str(error)[:200]}. On a machine with a network run "
            "keras.applications.VGG19(include_top=False) and copy its file from ~/.keras/models to "
            'the same folder here, or use content="image_features", which ships with kgan. '
            'Received: content="vgg19"'
        ) from error
    return before_activation(trained, "block5_conv4")


def before_activation(trained, last):
    """A VGG of colour images in [-1, 1] to a convolution's output before its activation.

    Args:
        trained: `keras.Model` of Keras Applications, of images as its `preprocess_input` makes
            them.
        last: string, name of the convolution.

    Returns:
        A `keras.Model`.
    """
    inputs = keras.Input((None, None, 3), name="images", dtype="float32")
    # Blue comes first there: the kernel is turned, below, and not the image.
    offset = [127.5 - mean for mean in reversed(_VGG_MEANS)]
    x = layers.Rescaling(127.5, offset, dtype="float32", name="preprocessing")(inputs)
    weights = []
    for layer in trained.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        config = {**layer.get_config(), "dtype": "float32"}
        if layer.name == last:
            config["activation"] = "linear"
        x = layer.from_config(config)(x)
        weights += layer.get_weights()
        if layer.name == last:
            break
    x = layers.Rescaling(_VGG_FACTOR, dtype="float32", name="factor")(x)
    network = keras.Model(inputs, x, name="vgg19")
    weights[0] = weights[0][:, :, ::-1]
    network.set_weights(weights)
    return network
