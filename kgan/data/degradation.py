"""How a small image comes of a large one: what super-resolution learns to undo."""

import io

import numpy as np

KINDS = ("bicubic", "blur_noise_jpeg")
# Of Real-ESRGAN's first order, milder where it turns photographs into smudges.
_BLUR, _NOISE, _QUALITY = (0.1, 0.6), (1.0, 15.0), (40, 95)
_FILTERS = ("BICUBIC", "BILINEAR", "BOX")


def check_degradation(degradation):
    """Returns a degradation's name.

    Raises:
        ValueError: when there is none of that name.
    """
    if degradation not in KINDS:
        raise ValueError(
            f"Small images are made of large ones in one of these ways: {list(KINDS)}. "
            f"Received: degradation={degradation!r}"
        )
    return degradation


def shrunk(image, scale, resampling="BICUBIC"):
    """An image at a fraction of its size, by Pillow's antialiased filter.

    Args:
        image: uint8 array (height, width, channels); what is beyond a multiple of the scale, to the
            right and below, is left out.
        scale: integer, how many times smaller.
        resampling: string, name of Pillow's filter. Defaults to `"BICUBIC"`.

    Returns:
        uint8 array (height / scale, width / scale, channels).
    """
    from PIL import Image

    height, width = image.shape[0] // scale, image.shape[1] // scale
    return _resized(image[: height * scale, : width * scale], width, height, Image, resampling)


def enlarged(image, scale):
    """An image enlarged by Pillow's bicubic filter: what super-resolution has to beat.

    Args:
        image: uint8 array (height, width, channels).
        scale: integer, how many times larger.

    Returns:
        uint8 array.
    """
    from PIL import Image

    return _resized(image, image.shape[1] * scale, image.shape[0] * scale, Image, "BICUBIC")


def degraded(image, scale, random):
    """A small image as cameras and the web make them: blurred, noisy, compressed.

    Four steps in random order: a Gaussian blur, wider one way than the other; noise, in grey or in
    colour; JPEG; and the resizing, by one of three filters. JPEG closes where it came earlier.

    Reference: Wang et al. 2021, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure
    Synthetic Data", section 3.1, of the first order; Zhang et al. 2021, "Designing a Practical
    Degradation Model for Deep Blind Image Super-Resolution", on the random order.

    Args:
        image: uint8 array (height, width, channels).
        scale: integer, how many times smaller.
        random: `numpy.random.Generator`.

    Returns:
        uint8 array (height / scale, width / scale, channels).
    """
    steps = [str(step) for step in random.permutation(["blur", "noise", "jpeg", "shrink"])]
    if steps[-1] != "jpeg":
        steps.append("jpeg")
    size = 1
    for step in steps:
        if step == "shrink":
            size = scale
            image = shrunk(image, scale, str(random.choice(_FILTERS)))
        elif step == "blur":
            # As wide after the resizing as before it, in pixels of the small image.
            image = _blurred(image, random.uniform(*_BLUR, 2) * scale / size)
        elif step == "noise":
            image = _noisy(image, random)
        else:
            image = _compressed(image, int(random.integers(*_QUALITY)))
    return image


def _resized(image, width, height, pillow, resampling):
    picture = pillow.fromarray(
        np.ascontiguousarray(image[..., 0] if image.shape[-1] == 1 else image)
    )
    made = np.asarray(picture.resize((width, height), pillow.Resampling[resampling]))
    return made[..., None] if image.shape[-1] == 1 else made


def _blurred(image, sigmas):
    from scipy import ndimage

    return np.stack(
        [ndimage.gaussian_filter(image[..., c], sigmas) for c in range(image.shape[-1])], axis=-1
    )


def _noisy(image, random):
    channels = image.shape[-1] if random.random() < 0.6 else 1
    noise = random.normal(0.0, random.uniform(*_NOISE), (*image.shape[:2], channels))
    return np.clip(np.rint(image + noise), 0, 255).astype("uint8")


def _compressed(image, quality):
    from PIL import Image

    packed = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(
        packed, "JPEG", quality=quality
    )
    read = np.asarray(Image.open(packed))
    return read[..., None] if image.shape[-1] == 1 else read
