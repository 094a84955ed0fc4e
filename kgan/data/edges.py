"""Pairs for image translation that are made from one collection of photographs."""

import numpy as np

from kgan.data.inspection import received, to_numpy
from kgan.utils.hints import Data


def edges(images: Data, signed: bool = False) -> np.ndarray:
    """Draws the edges of photographs as inputs of a translator.

    Use this to try translation on any photographs: `fit(edges(photos), photos)` learns to colour
    edge pictures in. Edges are white on black: the strength of the gradient of each photo's
    brightness, by Sobel's operator, scaled so that its 99th percentile in that photo is white.

    Such a drawing does not say which side of an edge is the bright one, and where photos show
    anything at all, as those of CIFAR-10 do, there is little to guess it by: the mean absolute
    error then stays near that of the mean colour. With `signed=True` each edge is drawn light on
    its bright side and dark on its dark side, on grey, which a translator can follow.

    Reference: for `signed=True`, Marr and Hildreth 1980, "Theory of Edge Detection": the Laplacian
    of a Gaussian, here of one pixel's width.

    Args:
        images: uint8 array (n, height, width, channels) or (n, height, width).
        signed: boolean, whether drawings tell bright sides from dark ones. Defaults to `False`.

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
        if signed:
            strength = -ndimage.gaussian_laplace(grey, 1.0)
        else:
            strength = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))
        shares = strength / max(float(np.percentile(np.abs(strength), 99)), 1.0)
        pixels = 127.5 + 127.5 * shares if signed else 255.0 * shares
        drawing[..., 0] = np.clip(np.rint(pixels), 0, 255)
    return drawn
