"""Pairs for image translation that are made from one collection of photographs."""

import numpy as np

from kgan.data.inspection import received, to_numpy


def edges(images):
    """Draws the edges of photographs, white on black, as inputs of a translator.

    Choose it to try translation on any photographs: `fit(edges(photos), photos)` learns to colour
    edge pictures in. The gradient of each photo's brightness is taken with Sobel's operator, and
    scaled so that its 99th percentile in that photo is white.

    Args:
        images: uint8 array (n, height, width, channels) or (n, height, width).

    Returns:
        uint8 NumPy array (n, height, width, 1).

    Raises:
        TypeError: If the images are not uint8.
        ValueError: If they are not a batch of images.

    Example:
        ```python
        import kgan

        photos = kgan.data.load("digits")[:16]
        drawings = kgan.data.edges(photos)
        assert drawings.shape == (16, 8, 8, 1)
        ```
    """
    from scipy import ndimage

    images = to_numpy(images, "images")
    if images.dtype != np.uint8:
        raise TypeError(
            "Edges are drawn of uint8 photographs in 0..255. Turn floats in [-1, 1] into them with "
            f"`kgan.data.to_uint8(images)`. {received('images', images)}"
        )
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.size == 0:
        raise ValueError(
            "Edges are drawn of a batch of photographs (n, height, width, channels). Add the batch "
            f"axis of a single one with `images[None]`. {received('images', images)}"
        )
    drawn = np.empty((*images.shape[:3], 1), "uint8")
    # One by one: a large collection as floats would not fit into memory.
    for image, drawing in zip(images, drawn, strict=True):
        grey = image.mean(-1, dtype="float32")
        strength = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))
        white = max(float(np.percentile(strength, 99)), 1.0)
        drawing[..., 0] = np.clip(np.rint(255.0 * strength / white), 0, 255)
    return drawn
