"""Pictures inside a page: files and curves as text of HTML."""

import base64
import html
import io
import re

from kgan.pictures.history import draw_panel

_MOST_BYTES = 400_000  # of a picture that is embedded as it is
_MOST_FILM_BYTES = 1_500_000
_FILM_FRAMES = 40
_SIDE = 1400  # pixels that larger pictures are shrunk to
_FILM_SIDES = (420, 300, 200, 100)  # and films, until they are small enough

# Colours that nothing else has, which the page's own then take the places of.
_INK = "#010203"
_LINES = tuple(f"#0102{number:02x}" for number in range(0x10, 0x16))


def embed(path, caption, side=_SIDE):
    """A picture's file as a figure that holds the picture itself.

    Args:
        path: path of the picture.
        caption: string, not yet escaped.
        side: integer, pixels that the longer side may have at most. Defaults to 1400.

    Returns:
        HTML. A picture that can't be read is a line that says so.
    """
    from PIL import Image

    caption = html.escape(caption)
    try:
        with Image.open(path) as picture:
            content, kind, size = _encoded(path, picture, side)
    # Pillow's ways to say "damaged", and "larger than any picture of a run".
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        problem = html.escape(f"{path.name} can't be read: {type(error).__name__}")
        return f"<p class=missing>{caption}: {problem}</p>"
    encoded = base64.b64encode(content).decode("ascii")
    return (
        f'<figure><img src="data:image/{kind};base64,{encoded}" width={size[0]} height={size[1]} '
        f'alt="{caption}"><figcaption>{caption}</figcaption></figure>'
    )


def _encoded(path, picture, side):
    kind = picture.format.lower()
    is_film = getattr(picture, "n_frames", 1) > 1
    content = path.read_bytes()
    fits = max(picture.size) <= side
    if fits and len(content) <= (_MOST_FILM_BYTES if is_film else _MOST_BYTES):
        picture.load()  # A file that is cut off is found here, and not by the browser.
        return content, kind, picture.size
    if is_film:
        return _smaller_film(picture)
    grey = picture.mode in ("1", "L")
    shrunk = picture.convert("L" if grey else "RGB")
    shrunk.thumbnail((side, side))
    buffer = io.BytesIO()
    shrunk.save(buffer, "PNG", optimize=True)
    if buffer.tell() <= _MOST_BYTES:
        return buffer.getvalue(), "png", shrunk.size
    buffer = io.BytesIO()
    shrunk.save(buffer, "JPEG", quality=88)
    return buffer.getvalue(), "jpeg", shrunk.size


def _smaller_film(film):
    step = -(-film.n_frames // _FILM_FRAMES)
    frames, milliseconds = [], []
    # Counted from the end, because the last picture is what the film leads to.
    for place in range(film.n_frames - 1, -1, -step):
        film.seek(place)
        milliseconds.insert(0, film.info.get("duration", 100) * (step if frames else 1))
        frame = film.convert("RGB")
        red, green, blue = frame.split()
        # Grey ones need no palette, and so no dots in place of its missing colours.
        is_grey = red.tobytes() == green.tobytes() == blue.tobytes()
        frames.insert(0, red if is_grey else frame)
    for side in _FILM_SIDES:
        for frame in frames:
            frame.thumbnail((side, side))
        buffer = io.BytesIO()
        frames[0].save(
            buffer, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0
        )
        if buffer.tell() <= _MOST_FILM_BYTES:
            break
    return buffer.getvalue(), "gif", frames[0].size


def draw(epochs, panel):
    """A panel of curves as SVG in the colours of the page, light or dark.

    Args:
        epochs: integer array (num_epochs,).
        panel: `kgan.pictures.history.Panel`.

    Returns:
        HTML.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.3, 2.8), layout="constrained")
    FigureCanvasSVG(figure)
    draw_panel(figure.subplots(), epochs, panel, _LINES, _INK)
    buffer = io.StringIO()
    # Names within the drawing come from the salt: each drawing has its own, and always the same.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": panel.title}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    title = html.escape(panel.title, quote=True)
    # Within HTML the names of the languages are known, and the page says how wide it is.
    drawing = re.sub(r' xmlns(:xlink)?="[^"]*"| (width|height)="[^"]*pt"', "", drawing)
    drawing = drawing.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
    for number, colour in enumerate(_LINES, start=1):
        drawing = drawing.replace(colour, f"var(--line-{number})")
    return f"<div class=panel>{drawing.replace(_INK, 'var(--ink)')}</div>"
