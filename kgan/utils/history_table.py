"""The table of a training, `history.csv`: a row per epoch, and a column per figure."""

import csv
import dataclasses
import io
import pathlib


@dataclasses.dataclass(frozen=True)
class HistoryTable:
    """What a CSV file of losses and figures holds.

    Args:
        header: list of the names of its columns.
        rows: list of dicts of name -> text, without the cells that are empty.
        damaged: list of the numbers of lines that are no rows.
    """

    header: list
    rows: list
    damaged: list


def read_table(path):
    """Reads a table as `kgan.callbacks.HistoryLogger` and `keras.callbacks.CSVLogger` write it.

    A last line that a kill cut off is left out, and any other line that is no row is named.

    Args:
        path: path of the file.

    Returns:
        `HistoryTable`. An empty file has no header and no rows.

    Raises:
        ValueError: when the file has no column `epoch`, or is no such table at all.
    """
    text = pathlib.Path(path).read_bytes().decode("utf-8", errors="replace")
    try:
        lines = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise ValueError(f"it is no table ({error})") from error
    if not any(lines):
        return HistoryTable([], [], [])
    header, *rest = lines
    if "epoch" not in header or len(set(header)) < len(header):
        raise ValueError(f"its first line names no column 'epoch', or one twice: {header[:5]}")
    is_cut = not text.endswith(("\n", "\r")) and len(rest[-1:]) and len(rest[-1]) < len(header)
    rows, damaged = [], []
    for number, cells in enumerate(rest[: len(rest) - bool(is_cut)], start=2):
        row = {name: cell for name, cell in zip(header, cells) if cell not in ("", "NA")}
        if len(cells) == len(header) and row.get("epoch", "").isdecimal():
            rows.append(row)
        elif cells:
            damaged.append(number)
    return HistoryTable(header, rows, damaged)


def write_table(file, rows):
    """Writes rows under the names of all their columns, in the order in which these appeared.

    Args:
        file: text file, opened with `newline=""`.
        rows: list of dicts of name -> text. What a row lacks is left empty.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(file, list(names), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
