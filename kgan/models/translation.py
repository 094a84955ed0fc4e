"""What translators share that go one way: an endpoint, and a method over it."""

import numpy as np

from kgan.game import AdversarialModel
from kgan.serving.endpoints import Endpoint
from kgan.utils.hints import Data, Tensor


class OneWayTranslator(AdversarialModel):
    """What models share that make samples of their second field of samples of their first.

    A subclass declares its fields and has a `generator`; where it calls other networks too, it says
    so in `translated` and `translating`.
    """

    # The endpoint's name.
    verb = "translate"
    # The attributes that hold the networks of `translated`.
    translating = ("generator",)

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: `translate`, or `verb`, from the first field to the second."""
        source, target = self.fields
        return {
            self.verb: Endpoint(
                function=self.translated,
                inputs=(source,),
                output=target,
                networks=self.translating,
                imitates=target.name,
            )
        }

    def translated(self, x: Tensor) -> Tensor:
        """What is made of a tensor of samples."""
        return self.generator(x)

    def translate(self, images: Data, batch_size: int = 64) -> np.ndarray:
        """What the generator makes of images, in the data's own scale.

        Averaged weights make them where the generator's optimizer has `use_ema=True`. Dropout is
        off: the same image gives the same answer, whatever it is batched with. Calling it changes
        nothing in the model.

        Args:
            images: array (n, height, width, channels) of integers in 0..255 or floats in [-1, 1];
                floats where the model's inputs are no images.
            batch_size: integer, images per pass. Defaults to 64.

        Returns:
            NumPy array: images as uint8 (n, height, width, channels), other samples as float32.

        Raises:
            ValueError: when the images are not what the model was built for.
            TypeError: when they are no array.

        Example:

        ```python
        import kgan

        images = kgan.data.load("digits")[:8]
        model = kgan.zoo.load("pix2pix", like=images, width=4, discriminator_width=4)
        made = model.translate(images)
        ```
        """
        return self.run(self.verb, images, batch_size=batch_size)
