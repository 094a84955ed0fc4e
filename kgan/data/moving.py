"""Toy clips: pictures that move on a black ground and bounce off its edges."""

import numpy as np

from kgan.data.inspection import received
from kgan.utils.arguments import check_count, check_positive
from kgan.utils.hints import Data


def moving(
    images: Data,
    n: int,
    frames: int = 20,
    side: int = 64,
    objects: int = 2,
    speed: float = 0.1,
    seed: int | None = None,
) -> np.ndarray:
    """Makes clips in which images move straight on and bounce off the edges, such as Moving MNIST.

    Use this to try a model of video out: what comes next can be told from two frames, but for where
    images lay over one another.

    Reference: Srivastava et al. 2015, "Unsupervised Learning of Video Representations using LSTMs",
    section 4: two digits of MNIST in 64x64 pixels, 20 frames, a direction drawn evenly.

    Args:
        images: uint8 array (m, height, width) or (m, height, width, 1), bright on black.
        n: integer, clips to make.
        frames: integer, of each clip. Defaults to 20.
        side: integer, height and width of frames in pixels. Defaults to 64.
        objects: integer, images in each clip, drawn anew. Of several, the brightest pixel is seen.
            Defaults to 2.
        speed: float above 0, how far each goes from frame to frame, as a part of the way from edge
            to edge. Defaults to 0.1, as in the paper's code.
        seed: integer for the same clips again. Defaults to `None`, new ones on each call.

    Returns:
        uint8 array (n, frames, side, side, 1).

    Raises:
        TypeError: If a number is not of the right type.
        ValueError: If a number is out of its range, or the images are none or too large.

    Example:
        ```python
        import kgan

        digits = kgan.data.load("digits")
        clips = kgan.data.moving(digits, 16, frames=10, side=24, seed=0)
        assert clips.shape == (16, 10, 24, 24, 1)
        ```
    """
    for name, value in (("n", n), ("frames", frames), ("side", side), ("objects", objects)):
        check_count(name, value)
    check_positive("speed", speed, 0.1)
    images = np.asarray(images)
    images = images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images
    sizes = images.shape[1:]
    if images.ndim != 3 or 0 in images.shape or images.dtype != "uint8" or max(sizes) > side:
        raise ValueError(
            "Moving images are grey ones, uint8 (m, height, width), and no larger than the frame, "
            f"{side} pixels here. {received('images', images)}"
        )
    random = np.random.default_rng(seed)
    clips = np.zeros((n, frames, side, side), "uint8")
    room = side - np.array(sizes)
    for clip in clips:
        for _ in range(objects):
            image = images[random.integers(len(images))]
            angle = random.uniform(0.0, 2 * np.pi)
            velocity = speed * room * (np.sin(angle), np.cos(angle))
            way = random.uniform(0.0, 1.0, 2) * room + velocity * np.arange(frames)[:, None]
            # A way that is folded at both edges is one that bounces off them.
            places = room - np.abs(room - way % np.maximum(2 * room, 1))
            for frame, (top, left) in zip(clip, np.rint(places).astype(int), strict=True):
                part = frame[top : top + sizes[0], left : left + sizes[1]]
                np.maximum(part, image, out=part)
    return clips[..., None]
