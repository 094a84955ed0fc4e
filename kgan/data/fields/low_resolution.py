"""Small images that are made of large ones, where the data holds the large ones alone."""

from typing import Any

from kgan.data.degradation import check_degradation
from kgan.data.fields.field import Field
from kgan.data.fields.images import Images
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data, Shape


class LowResolution(Images):
    """Declares a field of images that are a known number of times smaller than those of another.

    Use this as the first of two fields of a model that enlarges images. `fit(small, large)` takes
    pairs as they are; of `fit(large)` alone, the small ones are made, a batch at a time.

    Args:
        shape: tuple `(height, width, channels)`. `None` accepts any size.
        scale: integer, how many times smaller its images are. Defaults to 2.
        degradation: `"bicubic"`, Pillow's antialiased filter, or `"blur_noise_jpeg"`, for
            photographs that were blurred, noisy or compressed too: blur, noise, JPEG and one of
            three filters in random order. Defaults to `"bicubic"`.
        name: string, in messages and as a key of dictionaries. Defaults to `"x"`.
        paired: boolean, as for `kgan.data.Field`. Defaults to `True`.

    Raises:
        ValueError: If the shape is none of an image, or there is no such degradation.

    Example:
        ```python
        import kgan

        fields = (kgan.data.LowResolution((16, 16, 3), 2, name="x"),
                  kgan.data.Images((32, 32, 3), name="y"))
        small, large = kgan.data.check(fields, fields[1].examples(4))
        assert small.shape == (4, 16, 16, 3) and large.shape == (4, 32, 32, 3)
        ```
    """

    def __init__(
        self,
        shape: Shape,
        scale: int = 2,
        degradation: str = "bicubic",
        name: str = "x",
        paired: bool = True,
    ) -> None:
        super().__init__(shape, name, paired)
        self.scale = check_count("scale", scale, minimum=2)
        self.degradation = check_degradation(degradation)

    def made_from(self, second: Field) -> Field:
        """What small images are made of: the large ones, the second field itself."""
        return second

    def made_of(self, other: Data) -> tuple[Any, Any]:
        """Small images of large ones, and the large ones: two collections that belong together.

        Args:
            other: array (n, height, width, channels) or `kgan.data.LazyArray`.

        Returns:
            A pair of a `kgan.data.LazyArray` and of what was given, or a view of it.

        Raises:
            ValueError: If they can't be made so many times smaller.
        """
        from kgan.data.small_images import pair

        return pair(other, self.scale, self.degradation)
