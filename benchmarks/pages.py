"""What a benchmark says on the way, and the part of a page of docs/ that it writes."""

import sys


def say(text):
    # To the error stream: the result alone goes to the standard output.
    print(text, file=sys.stderr, flush=True)


def write_between(path, name, text):
    """Puts a text between the two comments of a Markdown page that carry this name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, rest = path.read_text(encoding="utf-8").split(begin)
    tail = rest.split(end)[1]
    path.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")
