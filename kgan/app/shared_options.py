"""What the commands of `kgan` share: errors in one line, options, and a late import of kgan."""

import contextlib
import importlib.metadata
import os
import pathlib
import re
import sys
import tempfile
from typing import Annotated

import typer
import typer.core

from kgan.utils.packages import explained_imports

# What the library raises for input that it can't take. All else is a fault, with its traceback.
_BAD_INPUT = (ValueError, TypeError, OSError, ImportError, MemoryError)


class _Commands(typer.core.TyperGroup):
    """Runs a command and turns what goes wrong into one line and an exit code."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `kgan list | head`: Typer ends quietly.
        except KeyboardInterrupt:
            end("Stopped.", 130)
        except _BAD_INPUT as error:
            if ctx.params.get("debug"):
                raise
            end(f"Error: {_one_line(error)}", 1)


def end(line, code):
    """Ends the command with a line on standard error and an exit code."""
    typer.echo(line, err=True)
    raise typer.Exit(code) from None


def _one_line(error, limit=1000):
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= limit else line[:limit] + " ..."


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    # Plain text can be piped and searched, and a traceback is Python's own.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted):
    if wanted:
        typer.echo(f"kgan {importlib.metadata.version('kgan')}")
        raise typer.Exit()


@app.callback(
    epilog="\b\nExample:\n"
    "  kgan train dcgan --data digits --epochs 30 --out runs/digits\n"
    "  kgan report runs/digits\n"
    "  kgan generate runs/digits --count 64 --seed 0 --out digits.png\n"
    "  kgan export runs/digits --out serving/digits/1"
)
def start(
    debug: Annotated[
        bool,
        typer.Option("--debug", envvar="KGAN_DEBUG", help="Show tracebacks of errors."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
):
    """Train, look at and serve generative adversarial networks.

    A run is a folder: `train` makes it and resumes it, `report` shows it, `generate` and
    `export` use it.
    KERAS_BACKEND=tensorflow, jax or torch chooses what computes.
    """


def library(module=None):
    """The parts of kgan that take seconds to import, and a module of the user's."""
    # What matters of TensorFlow's errors arrives as an exception; the rest alarms for nothing, such
    # as "failed call to cuInit" on every machine without a GPU.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    quiet = contextlib.nullcontext() if "keras" in sys.modules else _without_notes()
    with explained_imports(), quiet:
        from kgan.app import runs
    if module is not None:
        from kgan.app import user_files

        user_files.import_module(module)
    return runs


@contextlib.contextmanager
def _without_notes():
    """Holds back what TensorFlow's C++ prints as it is loaded, which no setting silences."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(kept, notes.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


Module = Annotated[
    str | None,
    typer.Option(
        "--module",
        metavar="FILE.PY",
        help="A Python file, or a module's name, that registers models of your own.",
    ),
]

Model = Annotated[
    str,
    typer.Argument(
        help="Name of a model of `kgan list`; case, - and _ do not matter.", show_default=False
    ),
]


Target = Annotated[
    pathlib.Path,
    typer.Argument(
        metavar="FOLDER_OR_MODEL",
        help="Folder of `kgan train --out`, or a .keras file.",
        show_default=False,
    ),
]


def parse_size(text):
    """Reads `64` or `64,48` as height and width."""
    sides = re.fullmatch(r"(\d+)(?:[,x](\d+))?", text.strip())
    if not sides or "0" in (sides[1].lstrip("0") or "0", (sides[2] or "1").lstrip("0") or "0"):
        raise typer.BadParameter(
            f"{text!r} is no size: give one side in pixels for squares, such as 64, or "
            "height,width, such as 64,48."
        )
    return int(sides[1]), int(sides[2] or sides[1])


def parse_validation(text):
    """Reads a fraction as a number; all else is a name or a path."""
    try:
        return float(text)
    except ValueError:
        return text
