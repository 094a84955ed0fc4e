"""More of few real images: mirrored ones, and small crops."""

import numpy as np

from kgan.data.inspection import as_array, received
from kgan.data.lazy_arrays import LazyArray, rows_of
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data


def augmented(
    images: Data, mirror: bool = True, crop: int | tuple[int, int] | None = None
) -> LazyArray:
    """Images that `fit` sees mirrored half of the time, and through a window that moves.

    Use this where images are few and mean the same mirrored: faces, landscapes, most things, but no
    letters or digits. `kgan.data.load(..., augment="mirror,crop")` calls it. Samples of the model
    then look like mirrored and cropped images too: for changes that they should not show, see
    `kgan.layers.DifferentiableAugmentation`.

    An epoch is as long as without it. In which way an image is shown is drawn with the order of the
    epoch, from the model's saved state, so a resumed run sees what the whole run would have seen.
    Pairs are mirrored and cropped as one, where both are augmented. Read otherwise, as by
    `evaluate` and metrics, an image is not mirrored, and its window is in the middle.

    Args:
        images: array (n, height, width, channels), or what `kgan.data.load(..., stream=True)`
            returned.
        mirror: boolean, whether left and right are exchanged. Defaults to `True`.
        crop: `(height, width)` of the window, or an integer for squares, no larger than the images.
            Defaults to `None`: all of the image.

    Returns:
        A `kgan.data.LazyArray` (n, *window, channels), which `fit`, `evaluate` and `like=` take.

    Raises:
        ValueError: If they are no images, or the window is larger than they are.

    Example:
        ```python
        import kgan

        digits = kgan.data.load("digits")
        more = kgan.data.augmented(digits, mirror=False, crop=7)
        assert more.shape == (1437, 7, 7, 1) and more.variants == 4
        ```
    """
    images = as_array(images, "images")
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(
            "Only images are mirrored and cropped. Expected the shape (n, height, width, "
            f"channels). Add the axis of grey ones with `x[..., None]`. {received('x', images)}"
        )
    height, width = images.shape[1:3]
    crop = (height, width) if crop is None else crop
    pair = (crop, crop) if isinstance(crop, int | np.integer) else tuple(crop)
    window = tuple(check_count("crop", side) for side in pair)
    if len(window) != 2 or window[0] > height or window[1] > width:
        raise ValueError(
            "The window must lie in the images. Expected a height and a width of at most "
            f"{height}x{width}. Load larger images, or pass a smaller crop. Received: crop={crop!r}"
        )
    return _Augmented(images, bool(mirror), window)


class _Augmented(LazyArray):
    def __init__(self, images, mirror, window):
        super().__init__(len(images), (*window, images.shape[-1]), images.dtype)
        self.images = images
        height, width = images.shape[1:3]
        places = [
            (y, x) for y in range(height - window[0] + 1) for x in range(width - window[1] + 1)
        ]
        # The window in the middle comes first: it is the image as it is.
        middle = (height - window[0]) // 2, (width - window[1]) // 2
        self.places = sorted(places, key=lambda place: place != middle)
        self.mirrors = 1 + mirror
        self.variants = self.mirrors * len(self.places)

    def read(self, indices):
        return self.read_variants(indices, np.zeros_like(indices))

    def read_variants(self, indices, which):
        height, width = self.sample_shape[:2]
        whole = rows_of(self.images, indices)
        made = np.empty((len(whole), *self.sample_shape), whole.dtype)
        windows, is_mirrored = np.divmod(which, self.mirrors)
        for row, image in enumerate(whole):
            y, x = self.places[windows[row]]
            part = image[y : y + height, x : x + width]
            made[row] = part[:, ::-1] if is_mirrored[row] else part
        return made


def read_ways(augment):
    """What `augment="mirror,crop"` asks for: a set of words.

    Raises:
        ValueError: If there is another word in it.
    """
    words = [] if augment is None else [word.strip() for word in str(augment).split(",")]
    if not set(words) <= {"mirror", "crop"}:
        raise ValueError(
            "Real images can be mirrored and cropped. Expected 'mirror', 'crop', 'mirror,crop' or "
            "None. For augmentation of real and generated images alike, see "
            f"kgan.layers.DifferentiableAugmentation. Received: augment={augment!r}"
        )
    return set(words)


def with_margin(side):
    """The side of images of which windows of a side are cut: an eighth more, at least a pixel."""
    return side + max(1, side // 8)
