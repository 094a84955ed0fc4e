"""Scenes that a program draws: shapes and glyphs with textures before textures, and what they show.

They need no data and no licence: all of them come from a seed. The glyphs are those of Pillow's own
font (Aileron, CC0).
"""

import functools

import numpy as np
from scipy import ndimage

SIDE = 64
_DRAWN = 128  # twice the side: masks are drawn without antialiasing, and shrunk
GLYPHS = "0123456789ABCDEFGHKMNPQRSTUWXYZ"
POLYGONS = 8  # kinds of `_outline`, filled; and as many again as lines
TEXTURES = (
    "flat",
    "ramp",
    "stripes",
    "waves",
    "checks",
    "dots",
    "rings",
    "cloud",
    "grain",
    "spots",
)
BLURS = (0.0, 0.8, 1.6, 3.0)
NOISES = (0.0, 0.08, 0.25)
# What a scene is asked for, and the number of answers.
QUESTIONS = {
    "shape": 2 * POLYGONS + len(GLYPHS),
    "texture": len(TEXTURES),
    "background": len(TEXTURES),
    "objects": 4,
    "blur": len(BLURS),
    "noise": len(NOISES),
}


def scenes(count, seed):
    """Draws scenes.

    Args:
        count: integer.
        seed: integer.

    Returns:
        float32 array (count, 64, 64, 3) in [-1, 1], and a dict of question -> int32 array (count,).
    """
    random = np.random.default_rng(seed)
    answers = {name: np.zeros(count, "int32") for name in QUESTIONS}
    images = np.empty((count, SIDE, SIDE, 3), "float32")
    for index in range(count):
        images[index] = _scene(random, {name: a[index : index + 1] for name, a in answers.items()})
    return np.clip(images, 0.0, 1.0) * 2.0 - 1.0, answers


def _scene(random, answer):
    style = random.random()
    # A quarter of the scenes is a sign on white or on black, as digits and emoji are.
    plain = style < 0.35
    background = 0 if plain else random.integers(len(TEXTURES))
    image = _filled(random, background)
    if plain:
        image[:] = random.random() < 0.6
    number = 1 if plain and random.random() < 0.6 else random.integers(4)
    answer["background"][:], answer["objects"][:] = background, number
    sizes = np.sort(random.uniform(0.15, 0.48, number))  # the largest is in front
    for size in sizes:
        shape, texture = random.integers(QUESTIONS["shape"]), random.integers(len(TEXTURES))
        if random.random() < 0.4:
            texture = 0
        paint = _filled(random, texture)
        if plain and size == sizes[-1]:
            size = max(size, 0.3)
        mask = _mask(random, shape, size)[..., None]
        if random.random() < 0.3:  # an outline
            edge = ndimage.grey_dilation(mask[..., 0], 3)[..., None]
            image = image * (1 - edge) + random.random(3) * edge
        image = image * (1 - mask) + paint * mask
        answer["shape"][:], answer["texture"][:] = shape, texture
    if random.random() < 0.25:
        image = np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1)
    blur, noise = random.integers(len(BLURS)), random.integers(len(NOISES))
    blur, noise = (0 if random.random() < 0.4 else level for level in (blur, noise))
    answer["blur"][:], answer["noise"][:] = blur, noise
    if blur:
        sigma = BLURS[blur] * random.uniform(0.8, 1.25)
        image = ndimage.gaussian_filter(image, (sigma, sigma, 0), mode="nearest")
    if noise:
        amplitude = NOISES[noise] * random.uniform(0.8, 1.25)
        channels = 1 if random.random() < 0.3 else 3
        image = image + amplitude * random.standard_normal((SIDE, SIDE, channels))
    return image


def _filled(random, texture):
    """A picture of one texture in two colours."""
    one, other = random.random((2, 3))
    if texture == 0:
        return np.broadcast_to(one, (SIDE, SIDE, 3)).astype("float32")
    share = _pattern(random, TEXTURES[texture])[..., None]
    return (one * share + other * (1 - share)).astype("float32")


def _pattern(random, name):
    """A pattern (64, 64) in [0, 1]."""
    if name in ("cloud", "grain", "spots"):
        field = _fields(2.2 if name != "grain" else 0.8)
        field = np.roll(
            field[random.integers(len(field))], tuple(random.integers(SIDE, size=2)), (0, 1)
        )
        return (
            (field > np.quantile(field, random.uniform(0.3, 0.7))) * 1.0
            if name == "spots"
            else field
        )
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    angle, period = random.uniform(0, np.pi), random.uniform(0.08, 0.35)
    u = np.cos(angle) * rows + np.sin(angle) * columns
    v = np.cos(angle) * columns - np.sin(angle) * rows
    if name == "ramp":
        return u / 1.4 + 0.5
    u, v = u + random.random(), v + random.random()
    if name == "rings":
        u, v = np.hypot(u - random.random(), v - random.random()), 0
    if name == "waves":
        u = u + 0.06 * np.sin(2 * np.pi * v / (2 * period))
    waves = np.sin(2 * np.pi * u / period)
    if name in ("checks", "dots"):
        other = np.sin(2 * np.pi * v / period)
        waves = (
            waves * other * 3
            if name == "checks"
            else 4 * (waves + other - random.uniform(0.6, 1.2))
        )
    elif random.random() < 0.5:
        waves = waves * 6  # sharp edges
    return np.clip(waves, -1, 1) / 2 + 0.5


@functools.cache
def _fields(power):
    """Fields of noise whose spectrum falls with the frequency to this power, in [0, 1]."""
    random = np.random.default_rng(int(10 * power))
    rows, columns = np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None]
    amplitude = 1.0 / np.maximum(np.hypot(rows, columns), 1 / SIDE) ** power
    fields = np.fft.ifft2(np.fft.fft2(random.standard_normal((256, SIDE, SIDE))) * amplitude).real
    low, high = fields.min(axis=(1, 2), keepdims=True), fields.max(axis=(1, 2), keepdims=True)
    return (fields - low) / (high - low)


def _outline(random, kind):
    """Corners (n, 2) of a polygon of about unit radius."""

    def regular(corners, radii=(1.0,)):
        turn = 2 * np.pi * np.arange(corners) / corners
        radius = np.resize(radii, corners)
        return np.stack([np.cos(turn) * radius, np.sin(turn) * radius], axis=1)

    if kind == 0:
        return regular(32)
    if kind in (1, 2, 3):
        return regular((3, 4, 6)[kind - 1])
    if kind == 4:
        return regular(10, (1.0, 0.42))
    if kind == 5:  # a cross
        return (
            np.array(
                [
                    (1, 3),
                    (1, 1),
                    (3, 1),
                    (3, -1),
                    (1, -1),
                    (1, -3),
                    (-1, -3),
                    (-1, -1),
                    (-3, -1),
                    (-3, 1),
                    (-1, 1),
                    (-1, 3),
                ]
            )
            / 3.0
        )
    if kind == 6:  # a heart
        t = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        return (
            np.stack(
                [
                    16 * np.sin(t) ** 3,
                    5 * np.cos(2 * t) + 2 * np.cos(3 * t) + np.cos(4 * t) - 13 * np.cos(t),
                ],
                axis=1,
            )
            / 16
        )
    t = np.linspace(-1.1, 1.1, 16)  # a crescent
    outer, inner = (
        np.stack([np.cos(t * 1.6), np.sin(t * 1.6)], 1),
        np.stack([np.cos(t) * 0.9 - 0.25, np.sin(t) * 1.1], 1),
    )
    return np.concatenate([outer, inner[::-1]])


def _mask(random, shape, size):
    """Where a shape is: float array (64, 64) in [0, 1]."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (_DRAWN, _DRAWN))
    turn = random.uniform(0, 2 * np.pi) if shape < 2 * POLYGONS else random.uniform(-0.35, 0.35)
    stretch = random.uniform(0.7, 1.0)
    center = random.uniform(size * 0.9, 1 - size * 0.9, 2) * _DRAWN
    scale = size * _DRAWN
    if shape < 2 * POLYGONS:
        corners = _outline(random, shape % POLYGONS) * (1.0, stretch) * scale
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        corners = [tuple(corner) for corner in corners @ rotation.T + center]
        draw = ImageDraw.Draw(canvas)
        if shape < POLYGONS:
            draw.polygon(corners, fill=255)
        else:
            width = max(3, int(scale * random.uniform(0.1, 0.3)))
            draw.line([*corners, *corners[:2]], fill=255, width=width, joint="curve")
    else:
        glyph = _glyph(GLYPHS[shape - 2 * POLYGONS])
        glyph = glyph.rotate(np.degrees(turn), expand=True)
        across = max(4, int(2 * scale * stretch)), max(4, int(2 * scale))
        glyph = glyph.resize(across)
        canvas.paste(glyph, tuple(int(c - a / 2) for c, a in zip(center, across)))
        # Strokes of several widths.
        return _thickened(random, np.asarray(canvas.reduce(2), "float32") / 255)
    return np.asarray(canvas.reduce(2), "float32") / 255


def _thickened(random, mask):
    width = random.integers(1, 4)
    return ndimage.grey_dilation(mask, width) if width > 1 else mask


@functools.cache
def _glyph(letter):
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(120)
    left, top, right, bottom = font.getbbox(letter)
    picture = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(picture).text((-left, -top), letter, fill=255, font=font)
    return picture
