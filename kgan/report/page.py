"""The page of a run: pictures, curves, figures, diagnoses, settings, in one file."""

import datetime
import html
import pathlib
import string
import warnings

import numpy as np

from kgan.pictures.history import (
    FOR_DIAGNOSES,
    History,
    best_epoch,
    kind_of,
    mode_of,
    panels,
    short,
    words,
)
from kgan.report.embedding import draw, embed
from kgan.report.meanings import meaning_of
from kgan.report.reading import read
from kgan.utils.files import atomic_write
from kgan.utils.hints import FilePath

_TEMPLATE = pathlib.Path(__file__).with_name("page.html")
_MOST_PICTURES = 12
_ORDER = ("metric", "figure", "loss", "term")  # kinds of figures in the table
_STAGES = 4  # pictures of a series that show the way to the last


def write(folder: FilePath, path: FilePath | None = None) -> pathlib.Path:
    """Writes one HTML file that shows a run: pictures, curves, figures, diagnoses and settings.

    Use this at the end of a training, or in the middle of one, to look at it and to show it. The
    file holds all that it shows: it opens without a network, in light and in dark, on a screen and
    on a telephone. `kgan report runs/x` calls this function.

    A file that is damaged is left out, with a warning, and the page says so. It takes what there is
    of: `history.csv`, `health.json` (`kgan.callbacks.Health`), `best.json`,
    `run.json` (`kgan train`), pictures in the folder and in the folders in it, those named
    `epoch_0001.png` and so on as a series. The folder of any training with
    `keras.callbacks.CSVLogger` will do.

    Args:
        folder: path of the run's folder.
        path: path of the HTML file. Defaults to `None`: `report.html` in the folder.

    Returns:
        The path of the file.

    Raises:
        FileNotFoundError: when there is no such folder.
        ValueError: when the folder holds no run.

    Example:
    ```python
    import keras

    import kgan

    model = kgan.zoo.load("vanilla", like=(2,))
    callbacks = [
        kgan.callbacks.SampleGrid("run/samples"),
        keras.callbacks.CSVLogger("run/history.csv"),
    ]
    model.fit(kgan.data.ring(256, seed=0), epochs=2, verbose=0, callbacks=callbacks)
    kgan.report.write("run")
    ```
    """
    contents = read(folder)
    for problem in contents.problems:
        warnings.warn(f"The report of {contents.folder}: {problem}", stacklevel=2)
    path = contents.folder / "report.html" if path is None else pathlib.Path(path)
    sections = (
        _header(contents),
        _findings(contents),
        _series(contents),
        _curves(contents),
        _figures(contents),
        _others(contents),
        _record(contents),
    )
    page = string.Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=_text(_title(contents)), body="\n".join(section for section in sections if section)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        partial.write_text(page, encoding="utf-8")
    return path


def _text(value):
    return html.escape(str(value))


def _title(contents):
    settings = contents.settings
    if settings.get("model") and settings.get("data"):
        # Of a folder of images, its name is enough.
        return f"{settings['model']} on {pathlib.PurePath(str(settings['data'])).name}"
    return contents.folder.resolve().name


def _header(contents):
    facts = []
    if contents.history is not None:
        last = int(contents.history.epochs[-1])
        facts.append(f"{last} epoch{'s' if last > 1 else ''}")
    record = contents.record
    if "examples" in record:
        shape = record.get("sample_shape")
        of = f" of {'x'.join(map(str, shape))}" if isinstance(shape, list) else ""
        facts.append(f"{record['examples']} samples{of}")
    versions = record.get("versions")
    started = versions.get("started") if isinstance(versions, dict) else None
    if started:
        facts.append(f"started {_moment(started)}")
    facts.append(f"folder {contents.folder.resolve().name}")
    return f"<header><h1>{_text(_title(contents))}</h1><p>{_text(' · '.join(facts))}</p></header>"


def _moment(text):
    try:
        return f"{datetime.datetime.fromisoformat(text):%d %B %Y, %H:%M}".lstrip("0")
    except (TypeError, ValueError):
        return text


def _findings(contents):
    cards = [_card("failure", "Damaged file", problem) for problem in contents.problems]
    best = contents.best or {}
    if isinstance(best.get("best"), dict):
        said = [f"{_value(best['best'])} at epoch {best['best'].get('epoch', '?')}"]
        if isinstance(best.get("last"), dict):
            last = best["last"]
            said.append(f"the last, of epoch {last.get('epoch', '?')}, has {_value(last)}")
        name = words(str(best.get("metric", "")).removeprefix("val_"))
        cards.append(_card("best", f"Best moment by {name}", "; ".join(said) + "."))
    for diagnosis in (contents.health or {}).get("diagnoses") or []:
        if isinstance(diagnosis, dict):
            title = (
                f"{diagnosis.get('name', 'diagnosis')}, from epoch {diagnosis.get('epoch', '?')}"
            )
            message = str(diagnosis.get("message", "")).rstrip(".")
            message = f"{message[:1].upper()}{message[1:]}."
            cards.append(_card("failure", title, message, diagnosis.get("advice", "")))
    if contents.health is not None and not contents.health.get("diagnoses"):
        cards.append(_card(*_healthy(contents.health)))
    return f"<section class=cards>{''.join(cards)}</section>" if cards else ""


def _healthy(health):
    """The card of a run without a diagnosis: healthy, or too short to tell."""
    warm_up, figures = health.get("warm_up", 0), health.get("figures") or [{}]
    batch = figures[-1].get("batch", 0) if isinstance(figures[-1], dict) else 0
    if isinstance(warm_up, int) and batch < warm_up:
        said = (
            f"Too early to tell: divergence was not seen, and other failure modes are looked for "
            f"from batch {warm_up} on. This run has {batch}."
        )
        return "early", "Health", said
    return "ok", "Health", "No failure mode was found."


def _card(kind, title, *lines):
    text = "".join(f"<p>{_text(line)}</p>" for line in lines if line)
    title = str(title)
    return f"<div class='card {kind}'><h3>{_text(title[:1].upper() + title[1:])}</h3>{text}</div>"


def _value(moment):
    value = moment.get("value")
    return short(value) if isinstance(value, int | float) else str(value)


def _series(contents):
    sections = []
    for series in contents.series:
        epoch, last = series.frames[-1]
        shown = embed(contents.real, "Real samples") if contents.real else ""
        shown += embed(last, f"Epoch {epoch}, the last")
        if series.film is not None:
            shown += embed(series.film, f"Epochs {series.frames[0][0]} to {epoch}")
        stages = ""
        if len(series.frames) > 2:
            # Most happens early: the stages stand closer there.
            places = np.geomspace(1, len(series.frames), _STAGES).round().astype(int) - 1
            places = [place for place in dict.fromkeys(places.tolist())][:-1]
            frames = [series.frames[place] for place in places]
            stages = "".join(embed(frame, f"Epoch {number}", 480) for number, frame in frames)
            stages = f"<div class=stages>{stages}</div>"
        title = "Samples" if series.folder == contents.folder else words(series.folder.name)
        sections.append(_section(title, f"<div class=pictures>{shown}</div>{stages}"))
    return "\n".join(sections)


def _section(title, content):
    title = title[:1].upper() + title[1:]
    return f"<section><h2>{_text(title)}</h2>{content}</section>"


def _curves(contents):
    if contents.history is None or not contents.history.columns:
        return ""
    history, modes = contents.history, contents.modes
    parts = {True: {}, False: {}}
    for name, values in history.columns.items():
        parts[_is_for_diagnoses(name, contents)][name] = values
    shown, others = (
        "".join(
            draw(history.epochs, panel) for panel in panels(History(history.epochs, part), modes)
        )
        for part in (parts[False], parts[True])
    )
    if others:
        others = (
            "<details><summary>Figures for diagnoses, under which smudges and noise may be good"
            f"</summary><div class=panels>{others}</div></details>"
        )
    return _section("Curves", f"<div class=panels>{shown}</div>{others}")


def _is_for_diagnoses(name, contents):
    columns = contents.history.columns
    is_figure = kind_of(name, columns, contents.modes) == "figure"
    return is_figure and name in FOR_DIAGNOSES


def _figures(contents):
    history, modes = contents.history, contents.modes
    if history is None or not history.columns:
        return ""
    rows = []
    of_real = contents.of_real
    for name, values in _without_echoes(history.columns).items():
        kind = kind_of(name, history.columns, modes)
        known = np.flatnonzero(np.isfinite(values))
        if kind not in _ORDER or not len(known) or _is_for_diagnoses(name, contents):
            continue
        plain = name.removeprefix("val_") if kind == "metric" else name
        meaning, better = meaning_of(plain)
        mode = modes.get(name) or mode_of(name) if kind == "metric" else better
        place = best_epoch(values, mode) if mode else None
        best = "" if place is None else (short(values[place]), f"epoch {history.epochs[place]}")
        title = words(plain if kind == "metric" else name)
        if kind == "figure" and f"val_{name}" in history.columns:
            title += " (training data)"  # as `Health` sees it, beside the metric on held-out data
        title += {"min": " ↓", "max": " ↑"}.get(mode, "")
        towards = {"min": "Lower is better.", "max": "Higher is better."}.get(mode, "")
        said = " ".join(filter(None, (towards, meaning)))
        real = short(of_real[name]) if isinstance(of_real.get(name), int | float) else ""
        cells = [short(values[known[0]]), best, short(values[known[-1]]), real]
        rows.append((_ORDER.index(kind), name, (title, said), cells))
    rows.sort(key=lambda row: row[0])
    heads = ["first", "best", "last", "real data"]
    # Columns that nothing fills are left out.
    filled = [i for i in range(len(heads)) if i % 2 == 0 or any(row[3][i] for row in rows)]
    lines = [_row("figure", [heads[i] for i in filled])]
    lines += [_row(title, [cells[i] for i in filled], name) for _, name, title, cells in rows]
    table = f"<div class=wide><table class=figures>{''.join(lines)}</table></div>"
    return _section("Figures", table + _protocols(contents))


def _row(title, cells, name=""):
    """A line of the table. Title and cells may be pairs: what is said, and added below it."""
    title, more = title if isinstance(title, tuple) else (title, "")
    more = f"<small>{_text(more)}</small>" if more else ""
    cells = [cell if isinstance(cell, tuple) else (cell, "") for cell in cells]
    cells = "".join(
        f"<td>{_text(said)}{f'<small>{_text(added)}</small>' if added else ''}</td>"
        for said, added in cells
    )
    return f'<tr><th title="{_text(name)}">{_text(title)}{more}</th>{cells}</tr>'


def _without_echoes(columns):
    """The columns less those that say again what others say: single terms, and the grand total."""
    players = [name.removesuffix("_loss") for name in columns if name.endswith("_loss")]
    echoes = {"loss", "val_loss"} if len(players) > 1 else set()
    for player in players:
        terms = [name for name in columns if name.startswith(f"{player}_")]
        terms = [name for name in terms if kind_of(name, columns) == "term"]
        echoes |= set(terms) if len(terms) == 1 else set()
    return {name: values for name, values in columns.items() if name not in echoes}


def _protocols(contents):
    protocols = {
        words(name.removeprefix("val_")): about["protocol"]
        for name, about in contents.metrics.items()
        if about.get("protocol")
    }
    return "".join(f"<p class=note>{_text(n)}: {_text(text)}.</p>" for n, text in protocols.items())


def _others(contents):
    if not contents.pictures:
        return ""
    shown = "".join(embed(path, words(path.stem)) for path in contents.pictures[:_MOST_PICTURES])
    more = len(contents.pictures) - _MOST_PICTURES
    note = f"<p class=note>{more} more lie in the folder.</p>" if more > 0 else ""
    return _section("More pictures", f"<div class=pictures>{shown}</div>{note}")


def _record(contents):
    settings = {name: value for name, value in contents.settings.items() if name != "options"}
    options = contents.settings.get("options")
    settings |= {f"option {k}": v for k, v in options.items()} if isinstance(options, dict) else {}
    tables = {"Settings": settings}
    for name, value in contents.record.items():
        if isinstance(value, dict) and name not in ("settings", "metrics"):
            tables[words(name).capitalize()] = value
    parts = [_table(title, values) for title, values in tables.items()]
    parts = "".join(part for part in parts if part)
    return f"<div class=tables>{parts}</div>" if parts else ""


def _table(title, values):
    rows = "".join(
        f"<tr><th>{_text(words(str(name)))}</th><td>{_text(_plain(value))}</td></tr>"
        for name, value in values.items()
        if value is not None
    )
    return _section(title, f"<table>{rows}</table>") if rows else ""


def _plain(value):
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return short(value) if isinstance(value, float) else value
