"""Super-resolution: a generator that makes small images large, with the details they lack."""

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from kgan import networks
from kgan.backend.frozen import frozen_copy
from kgan.data.fields import Images, LowResolution
from kgan.game import Player
from kgan.losses import AdversarialLoss
from kgan.models.paired import PairedTranslator
from kgan.serving.endpoints import Endpoint
from kgan.serving.tiling import in_tiles
from kgan.utils.arguments import check_count, check_weight
from kgan.utils.hints import Config, Data, Tensor, Terms

# Pixels of the small image that a tile has on each side, besides what tiles overlap.
_CORE = {2: 192, 3: 128, 4: 96}


class SuperResolution(PairedTranslator):
    """A generator of large images from small ones, with or without a discriminator.

    Use this to enlarge photographs. `fit(large)` makes the small images itself, a batch at a time;
    `fit(small, large)` learns from pairs of your own. It trains on images of one size, such as the
    windows of `kgan.data.photographs`, and `enlarge` takes any.

    Without a discriminator it is a game of one player that learns the reconstruction, which gives
    the best PSNR and is smooth where details can't be known. With one, and with features that are
    to be alike, it invents them; begin then with the weights of a trained one without, by
    `kgan.zoo.take_weights` or `--init-from`, for from scratch it fails.

    Reference: Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative
    Adversarial Network", equations 2 to 5; Wang et al. 2018, "ESRGAN: Enhanced Super-Resolution
    Generative Adversarial Networks", equation 3: L1, features before their activation.

    Args:
        generator: functional `keras.Model` of images (height, width, channels) of any size, such as
            `kgan.networks.enlargement.generator`.
        image_shape: tuple `(height, width, channels)` of the large images that it trains on.
        scale: integer, how many times larger they are.
        discriminator: functional `keras.Model` from large images to logits of any shape. `None`
            leaves the adversarial game out. Defaults to `None`.
        content: functional `keras.Model` from images in [-1, 1] to features, one output or a list
            of them, by which large images are compared too; it is copied and frozen. Defaults to
            `None`.
        loss: a `kgan.losses` pair or its name. Defaults to `"non_saturating"`.
        reconstruction: `"l1"`, `"l2"`, `"huber"` or a `keras.losses.Loss`. Defaults to `"l1"`.
        reconstruction_weight: float of at least 0. Defaults to 1.0.
        content_weight: float of at least 0. Defaults to 1.0.
        adversarial_weight: float of at least 0. Defaults to 5e-3.
        degradation: how small images are made: see `kgan.data.LowResolution`. Defaults to
            `"bicubic"`.
        seed: integer that seeds data order. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together, the scale does not divide the sides, or a
            weight is out of range.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")[:64]  # uint8 (n, 8, 8, 1)
    network = kgan.networks.enlargement.generator(1, scale=2, width=8, blocks=1)
    model = kgan.SuperResolution(network, (8, 8, 1), scale=2)
    model.compile(optimizer="adam")
    model.fit(images, verbose=0)
    large = model.enlarge(images[0])  # uint8 (16, 16, 1)
    ```
    """

    verb = "enlarge"

    def __init__(
        self,
        generator: keras.Model,
        image_shape: tuple[int, ...],
        scale: int,
        discriminator: keras.Model | None = None,
        content: keras.Model | None = None,
        loss: str | AdversarialLoss = "non_saturating",
        reconstruction: str | keras.losses.Loss = "l1",
        reconstruction_weight: float = 1.0,
        content_weight: float = 1.0,
        adversarial_weight: float = 5e-3,
        degradation: Literal["bicubic", "blur_noise_jpeg"] = "bicubic",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        image_shape = tuple(image_shape)
        check_count("scale", scale, minimum=2)
        if any(side % scale for side in image_shape[:2]):
            raise ValueError(
                f"Images are enlarged {scale} times, so the scale must divide the sides of those "
                f"that the model trains on. Received: image_shape={image_shape}, scale={scale}"
            )
        small = (image_shape[0] // scale, image_shape[1] // scale, image_shape[2])
        super().__init__(
            generator,
            discriminator,
            loss,
            reconstruction,
            reconstruction_weight,
            discriminator_weight=1.0,
            source=LowResolution(small, scale, degradation),
            target=Images(image_shape),
            seed=seed,
            **kwargs,
        )
        self.image_shape = image_shape
        self.scale = scale
        self.content = None if content is None else frozen_copy(content)
        self.content_weight = check_weight("content_weight", content_weight)
        self.adversarial_weight = check_weight("adversarial_weight", adversarial_weight)
        self.degradation = degradation

    @property
    def players(self) -> dict[str, Player]:
        """The table: a discriminator, where there is one, and then the generator."""
        terms = ["reconstruction"]
        if getattr(self, "content", None) is not None:
            terms.insert(0, "content")
        if self.discriminator is None:
            return {"generator": Player(("generator",), tuple(terms))}
        return {
            "discriminator": Player(("discriminator",), ("adversarial",)),
            "generator": Player(("generator",), ("adversarial", *terms)),
        }

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: `enlarge`, small images of any size to large ones."""
        x, y = self.fields
        any_size = (None, None, self.image_shape[2])
        return {
            "enlarge": Endpoint(
                function=self.enlarged,
                inputs=(Images(any_size, name=x.name),),
                output=Images(any_size, name=y.name),
                networks=("generator",),
                imitates=y.name,
            )
        }

    def enlarged(self, x: Tensor) -> Tensor:
        """What the generator makes of small images, within the range of pixels."""
        return ops.clip(self.generator(x), -1.0, 1.0)

    def generator_loss(self, x: Tensor, y: Tensor) -> Terms:
        """The generator's terms: near to the large image, in pixels and features, and real."""
        made = self.generator(x)
        terms = {}
        if self.discriminator is not None:
            terms["adversarial"] = self.adversarial_weight * self.fooled(x, y, made)
        if self.content is not None:
            terms["content"] = self.content_weight * self._content_distance(y, made)
        terms["reconstruction"] = self.reconstruction_weight * self.reconstruction(y, made)
        return terms

    def enlarge(
        self, image: Data, *, tile: int | None = None, overlap: int | None = None
    ) -> np.ndarray:
        """A whole photograph of any size, enlarged tile by tile in memory that stays flat.

        Averaged weights are used where there are any. Calling it changes nothing in the model.

        Args:
            image: array (height, width, channels) of integers in 0..255 or floats in [-1, 1].
            tile: integer, pixels of the small image that are enlarged at a time, on each side. Less
                takes less memory and more time. Defaults to `None`: 192 where images are enlarged
                twice and 96 where four times, besides what tiles overlap.
            overlap: integer, how far each tile sees beyond its edge, so that no edge can be seen.
                Defaults to `None`: as far as the network sees, or 64 where that is more, for what
                lies beyond no longer changes a pixel.

        Returns:
            uint8 array (scale * height, scale * width, channels).

        Raises:
            ValueError: when it is no image of the model's channels, or a tile has no room.

        Example:

        ```python
        import numpy as np

        import kgan

        model = kgan.zoo.load("srresnet", image_shape=(32, 32, 3), scale=2, width=8, blocks=1)
        large = model.enlarge(np.zeros((50, 70, 3), "uint8"))
        assert large.shape == (100, 140, 3)
        ```
        """
        (field,) = self.endpoints["enlarge"].inputs
        image = field.check_one(image, "image")
        if overlap is None:
            overlap = min(networks.enlargement.receptive_radius(self.generator), 64)
        check_count("overlap", overlap, minimum=0)
        tile = _CORE.get(self.scale, 64) if tile is None else check_count("tile", tile)
        with self.averaged_weights():
            return in_tiles(
                lambda part: self.run("enlarge", part),
                image,
                self.scale,
                tile + 2 * overlap,
                overlap,
            )

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        config = super().get_config()
        # What these arguments of the base class are follows from the others.
        for name in ("discriminator_weight", "source", "target"):
            del config[name]
        return config

    def _content_distance(self, y, made):
        wanted, found = (self._features(images) for images in (y, made))
        distances = [
            ops.mean(ops.abs(ops.cast(one, "float32") - ops.cast(other, "float32")))
            for one, other in zip(wanted, found)
        ]
        return sum(distances) / len(distances)

    def _features(self, images):
        if images.shape[-1] != self.content.input_shape[-1]:
            images = ops.repeat(images, self.content.input_shape[-1], axis=-1)
        found = self.content(images, training=False)
        return found if isinstance(found, list | tuple) else [found]
