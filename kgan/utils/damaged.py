"""Damaged files: said in words, and kept aside."""

import json
import pathlib
import shutil
import warnings


def keep_aside(path, problem, word="damaged", copy=False):
    """Renames a file that can't be gone on with, so that nothing overwrites it, and warns of it.

    Args:
        path: path of the file. It becomes `history.csv.damaged-1`, or the next number that is free.
        problem: string, what is wrong with it, after its name.
        word: string, what it is called then. Defaults to `"damaged"`.
        copy: boolean. Leaves the file itself in place too. Defaults to `False`.

    Returns:
        The new path.
    """
    path = pathlib.Path(path)
    number = 1
    while (aside := path.with_name(f"{path.name}.{word}-{number}")).exists():
        number += 1
    if copy:
        shutil.copy2(path, aside)
    else:
        path.rename(aside)
    warnings.warn(
        f"{path} {problem}. It is kept as {aside.name}, and a new file takes its place.",
        stacklevel=3,
    )
    return aside


def read_object(path):
    """Reads a JSON file that holds a dictionary.

    Args:
        path: path of the file.

    Returns:
        A dict.

    Raises:
        ValueError: when it holds something else, in words that go after "is damaged: ".
    """
    try:
        content = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON file ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__} where a dictionary belongs")
    return content


def check_rows(content, name):
    """The rows of a file, each of which says of which epoch and batch it is.

    Args:
        content: dict as from `read_object`.
        name: string, the key of the rows.

    Returns:
        A list of dicts; empty where there is none of that name.

    Raises:
        ValueError: when they are something else.
    """
    rows = content.get(name, [])
    for row in rows if isinstance(rows, list) else [rows]:
        places = [row.get("epoch"), row.get("batch")] if isinstance(row, dict) else [None]
        if not all(isinstance(place, int) for place in places):
            raise ValueError(f"'{name}' has a row without an epoch and a batch, {str(row)[:80]}")
    return rows
