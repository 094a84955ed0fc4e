"""Feature matching: the generator's loss that compares statistics of features, not logits."""

from typing import Self

import keras
from keras import ops

from kgan.backend import keras_internals
from kgan.losses.functions import check_same_shape
from kgan.utils.hints import Config, Tensor


def feature_matching(real: Tensor, fake: Tensor) -> Tensor:
    """Return the squared distance between the mean features of real and generated samples.

    Use this where you have features; `FeatureMatching` is the part of a GAN that finds them too.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.1:
    `|| E f(x) - E f(G(z)) ||^2`, summed over features.

    Args:
        real: features of real samples, shape (batch, ...).
        fake: features of generated samples, of the same shape.

    Returns:
        A float32 scalar.

    Raises:
        ValueError: if the features differ in shape.

    Example:
    ```python
    import keras
    import kgan

    ones, zeros = keras.ops.ones((4, 3)), keras.ops.zeros((4, 3))
    value = kgan.losses.feature_matching(ones, zeros)    # 3.0
    ```
    """
    real, fake = ops.cast(real, "float32"), ops.cast(fake, "float32")
    check_same_shape(real, fake, "features")
    return ops.sum(ops.square(ops.mean(real, axis=0) - ops.mean(fake, axis=0)))


@keras.saving.register_keras_serializable("kgan")
class FeatureMatching:
    """Let the generator match the mean of the discriminator's features, not deceive it.

    Use this as `kgan.GAN(feature_matching=kgan.losses.FeatureMatching())` where the generator
    overtrains on the discriminator of the moment: it has to match statistics of the data only,
    which is steadier and, for the eye, less sharp. It takes the place of the generator's term on
    how real its samples look; terms of a condition's other heads stay.

    Subclass it for another distance: override `__call__`, and `reader` for other features.

    Reference: Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.1:
    `|| E f(x) - E f(G(z)) ||^2`, summed over features.

    Attributes:
        name: name of the term in the logs.

    Args:
        layer: name of the discriminator's layer whose output is the features. Defaults to `None`:
            the layer named "features" where there is one, else what the last layer with weights
            reads.

    Raises:
        TypeError: if `layer` is neither a string nor `None`.

    Example:
    ```python
    import kgan

    model = kgan.GAN(
        kgan.networks.mlp.generator((2,), latent_dim=4),
        kgan.networks.mlp.discriminator((2,)),
        feature_matching=kgan.losses.FeatureMatching(),
    )
    ```
    """

    name = "feature_matching"

    def __init__(self, layer: str | None = None) -> None:
        """Check and keep the layer's name."""
        if layer is not None and not isinstance(layer, str):
            raise TypeError(
                "`layer` is the name of a layer of the discriminator. Pass a string, or None for "
                f"the default. Received: layer={layer!r} (of type {type(layer).__name__})"
            )
        self.layer = layer

    def reader(self, discriminator: keras.Model) -> keras.Model:
        """Return the network from the discriminator's inputs to its features.

        Args:
            discriminator: functional `keras.Model`. The reader shares its layers.

        Returns:
            A `keras.Model`.

        Raises:
            ValueError: if the discriminator has no layer of that name.
        """
        names = [layer.name for layer in discriminator.layers]
        if self.layer is not None and self.layer not in names:
            raise ValueError(
                f"The discriminator has no layer {self.layer!r} to read features from. Expected "
                f"one of {names}. Pass FeatureMatching(layer=...) one of these, or None. "
                f"Received: layer={self.layer!r}"
            )
        name = self.layer or "features"
        if name in names:
            return keras.Model(discriminator.inputs, discriminator.get_layer(name).output)
        # Behind the last weights there may be a factor or an activation of the logit.
        last = [layer for layer in discriminator.layers if layer.weights][-1]
        features = keras_internals.last_input(last)
        if isinstance(last, keras.Model):
            features = self.reader(last)(features)
        return keras.Model(discriminator.inputs, features)

    def __call__(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the distance of real and generated samples' features, a float32 scalar."""
        return feature_matching(real, fake)

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal part."""
        return {"layer": self.layer}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make a part from what `get_config` returned."""
        return cls(**config)


def depends(network, tensor):
    """Return whether a functional network's output depends on this one of its inputs."""
    others = [given for given in network.inputs if given is not tensor]
    try:
        keras.Model(others, network.outputs)
    except ValueError:
        return True
    return False
