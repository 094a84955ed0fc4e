"""Differentiable augmentation of Zhao et al. 2020: more data for the discriminator."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kgan.backend.seeds import SeedGenerator
from kgan.utils.hints import Config, Tensor

_POLICY = ("color", "translation", "cutout")


def get_augmentation(
    identifier: Any, sample_shape: tuple[int, ...], seed: int | None = None
) -> keras.layers.Layer | None:
    """Returns an augmentation layer from its name or an instance.

    Use this in a model builder that has an `augmentation` option.

    Args:
        identifier: `None` or `False` for none, `True` for a `DifferentiableAugmentation` with its
            full policy, names such as `"color"` or `"color,translation"` (or a tuple of them) for
            a part of it, or a layer, which is returned unchanged.
        sample_shape: tuple, shape of a sample without the batch.
        seed: integer, the model's seed, from which the layer's is derived. Defaults to `None`.

    Returns:
        A Keras layer or `None`.

    Raises:
        TypeError: when the identifier is none of these.
        ValueError: when a name is unknown, or the samples are not images.

    Example:

    ```python
    import kgan

    layer = kgan.layers.get_augmentation("color,translation", (32, 32, 3))
    assert layer.policy == ("color", "translation")
    ```
    """
    if identifier is None or identifier is False:
        return None
    if isinstance(identifier, keras.layers.Layer):
        return identifier
    names = _POLICY if identifier is True else identifier
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")]
    if not isinstance(names, list | tuple):
        raise TypeError(
            f"`augmentation` must be True, one or more of {_POLICY}, a Keras layer or None. Pass "
            f'for example "color,translation". Received: augmentation={identifier!r}'
        )
    if len(sample_shape) != 3:
        raise ValueError(
            "Differentiable augmentation is for images. Leave `augmentation` out, or pass a custom "
            f"layer. Received: augmentation={identifier!r} for samples of shape "
            f"{tuple(sample_shape)}"
        )
    # Not the streams of the noise and of labels, or the strengths would depend on them.
    return DifferentiableAugmentation(tuple(names), None if seed is None else seed + 2)


@keras.saving.register_keras_serializable("kgan")
class DifferentiableAugmentation(keras.layers.Layer):
    """Randomly change the colors and the position of each image, and mask a part of it.

    Use this when there is little data, some thousands of images or fewer, and the discriminator
    memorizes it: pass it to `kgan.GAN(augmentation=...)`, which applies it before the discriminator
    to real and generated images alike. Gradients pass through it to the generator, so that the
    generator does not learn to generate augmented images.

    * `"color"`: brightness, saturation, contrast in this order. Brightness adds a number from
      U(-0.5, 0.5). Saturation moves each pixel from its mean over channels by a factor from
      U(0, 2), so it changes nothing in grey images. Contrast moves the image from its mean by a
      factor from U(0.5, 1.5).
    * `"translation"`: a whole number of pixels up or down and left or right, each of at most an
      eighth of the side, rounded. What comes in at the border is 0.
    * `"cutout"`: a rectangle of half the height and half the width, rounded, is set to 0. Its
      centre may lie anywhere in the image, so it may stick out.

    0 is the middle grey of images in [-1, 1], not their black: as in the released code.

    It is active in training mode only; in inference mode it returns the images unchanged. Each
    replica of a distribution strategy draws its own random numbers.

    Reference: Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training",
    section 3 and the released code, whose strengths are used.

    Args:
        policy: tuple of names out of `"color"`, `"translation"`, `"cutout"`, applied in this
            order. Defaults to all three.
        seed: integer seed of the random numbers. Defaults to `None`: a random seed.
        **kwargs: `name` as for `keras.layers.Layer`.

    Input shape:
        `(n, height, width, channels)`, all but `n` known, values in [-1, 1].

    Output shape:
        Same as the input, in the input's dtype under any dtype policy.

    Raises:
        ValueError: when a name is unknown or there is none, or the input is not a batch of images.

    Example:

    ```python
    import numpy as np
    from kgan.layers import DifferentiableAugmentation

    images = np.random.uniform(-1, 1, (4, 32, 32, 3)).astype("float32")
    augmented = DifferentiableAugmentation(("color", "cutout"), seed=0)(images, training=True)
    ```
    """

    def __init__(
        self, policy: Sequence[str] = _POLICY, seed: int | None = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        policy = (policy,) if isinstance(policy, str) else tuple(policy)
        if not policy or not set(policy) <= set(_POLICY):
            raise ValueError(
                f"`policy` must be a tuple with at least one of {_POLICY}. "
                f"Received: policy={policy!r}"
            )
        self.policy = policy
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        """The images, augmented if `training`."""
        if len(inputs.shape) != 4 or None in tuple(inputs.shape[1:]):
            raise ValueError(
                "Differentiable augmentation is for images of one known size. Omit it for "
                "other samples. Received: input of shape "
                f"{tuple(inputs.shape)}, expected (n, height, width, channels)"
            )
        if not training:
            return inputs
        images = ops.cast(inputs, "float32")
        for name in self.policy:
            images = getattr(self, f"_{name}")(images)
        return ops.cast(images, inputs.dtype)

    def _draw(self, images):
        """One number from U(0, 1) per image, (n, 1, 1, 1)."""
        shape = (ops.shape(images)[0], 1, 1, 1)
        return keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)

    def _draw_integer(self, images, count):
        """One of 0 ... count - 1 per image, (n, 1, 1, 1)."""
        # The product may round up to the count itself.
        drawn = ops.minimum(ops.floor(self._draw(images) * count), count - 1)
        return ops.cast(drawn, "int32")

    def _color(self, images):
        images = images + (self._draw(images) - 0.5)
        grey = ops.mean(images, axis=-1, keepdims=True)
        images = grey + (images - grey) * (2.0 * self._draw(images))
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return mean + (images - mean) * (0.5 + self._draw(images))

    def _translation(self, images):
        height, width, channels = images.shape[1:]
        most = [int(side / 8 + 0.5) for side in (height, width)]
        down, right = (self._draw_integer(images, 2 * m + 1)[..., 0] - m for m in most)
        rows = ops.reshape(ops.arange(height), (1, -1, 1)) - down  # (n, h, 1)
        columns = ops.reshape(ops.arange(width), (1, 1, -1)) - right  # (n, 1, w)
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        # One gather over the pixels of all images, from clipped places that are then blanked.
        sample = ops.reshape(ops.arange(ops.shape(images)[0]), (-1, 1, 1))
        places = (sample * height + ops.clip(rows, 0, height - 1)) * width
        places = places + ops.clip(columns, 0, width - 1)  # (n, h, w)
        moved = ops.take(ops.reshape(images, (-1, channels)), places, axis=0)
        return moved * ops.cast(inside, images.dtype)[..., None]

    def _cutout(self, images):
        hidden = []
        for axis, side in enumerate(images.shape[1:3]):
            size = int(side / 2 + 0.5)
            # The released code's range of centres: one more where the size is even.
            first = self._draw_integer(images, side + 1 - size % 2) - size // 2
            place = ops.reshape(ops.arange(side), (1, -1, 1, 1) if axis == 0 else (1, 1, -1, 1))
            hidden.append((place >= first) & (place < first + size))
        return images * (1.0 - ops.cast(hidden[0] & hidden[1], images.dtype))

    def compute_output_spec(self, inputs: Tensor, training: bool | None = False) -> Any:
        """The output's shape and dtype for a symbolic input."""
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {**super().get_config(), "policy": self.policy, "seed": self.seed}
