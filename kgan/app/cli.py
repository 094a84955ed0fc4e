"""The command line: `kgan list`, `describe`, `train`, `report`, `generate` and `export`.

Nothing that takes time is imported before a command runs, so that help is there at once.
"""

import ast
import contextlib
import enum
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
            _end("Stopped.", 130)
        except _BAD_INPUT as error:
            if ctx.params.get("debug"):
                raise
            _end(f"Error: {_one_line(error)}", 1)


def _end(line, code):
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


def main():
    """Runs the `kgan` command."""
    app(prog_name="kgan")


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

    A run is a folder: `train` makes it and goes on with it, `report` shows it, `generate` and
    `export` use it.
    KERAS_BACKEND=tensorflow, jax or torch chooses what computes.
    """


def _library():
    """The parts of kgan that take seconds to import."""
    # What matters of TensorFlow's errors arrives as an exception; the rest alarms for nothing, such
    # as "failed call to cuInit" on every machine without a GPU.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    quiet = contextlib.nullcontext() if "keras" in sys.modules else _without_notes()
    with explained_imports(), quiet:
        from kgan.app import runs
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


@app.command(
    name="list", short_help="List the models of the zoo.", epilog="\b\nExample:\n  kgan list 'dc*'"
)
def list_models(
    pattern: Annotated[
        str, typer.Argument(help="Names to show, with the wildcards * and ?.")
    ] = "*",
):
    """List the models of the zoo: name, paper, and what each is."""
    runs = _library()
    names = runs.zoo.list_models(pattern)
    if not names:
        known = ", ".join(runs.zoo.list_models())
        raise ValueError(f"No model's name matches {pattern!r}. The models are {known}.")
    rows = []
    for name in names:
        text = runs.registry.builder_of(name).__doc__ or ""
        # "Radford et al. 2016" of the reference: `describe` shows all of it.
        named = re.search(r"Reference:\s*([^,\n]+)", text)
        summary = text.strip().partition("\n")[0]
        rows.append((name, named[1] if named else "", summary))
    rows.insert(0, ("NAME", "PAPER", "SUMMARY"))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, paper, summary in rows:
        typer.echo(f"{name:<{widths[0]}}  {paper:<{widths[1]}}  {summary}")


_Model = Annotated[
    str,
    typer.Argument(
        help="Name of a model of `kgan list`; case, - and _ do not matter.", show_default=False
    ),
]


@app.command(short_help="Show a model's card.", epilog="\b\nExample:\n  kgan describe dcgan")
def describe(model: _Model):
    """Show a model's card: paper, networks, players, options and their defaults."""
    typer.echo(str(_library().zoo.describe(model)))


def _parse_size(text):
    sides = re.fullmatch(r"(\d+)(?:[,x](\d+))?", text.strip())
    if not sides or "0" in (sides[1].lstrip("0") or "0", (sides[2] or "1").lstrip("0") or "0"):
        raise typer.BadParameter(
            f"{text!r} is no size: give one side in pixels for squares, such as 64, or "
            "height,width, such as 64,48."
        )
    return int(sides[1]), int(sides[2] or sides[1])


def _parse_options(pairs):
    options = {}
    for pair in pairs or ():
        key, equals, text = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key.isidentifier() or key in options:
            problem = "is given twice" if key in options else "is not KEY=VALUE, such as width=32"
            raise typer.BadParameter(f"{pair!r} {problem}.", param_hint="'--option'")
        try:
            options[key] = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            options[key] = text.strip()  # A word, such as loss=hinge.
    return options


@app.command(
    short_help="Train a model, or go on with a run.",
    epilog="\b\nExamples:\n"
    "  kgan train dcgan --data digits --epochs 30 --out runs/digits\n"
    "  kgan train dcgan --data photos/ --size 64 --epochs 100 --out runs/photos\n"
    "  kgan train vanilla --data ring --epochs 20 --out runs/ring --option latent_dim=2\n"
    "\b\nThe first again with --epochs 60 goes on with epochs 31 to 60.",
)
def train(
    model: _Model,
    data: Annotated[
        str,
        typer.Option(
            help="digits, ring, grid, gaussian, an image dataset of TensorFlow Datasets such as "
            "mnist, or a folder of images.",
        ),
    ],
    epochs: Annotated[
        int, typer.Option(min=1, help="Passes over the data that the run has in the end.")
    ],
    out: Annotated[
        pathlib.Path, typer.Option(help="Folder of the run, new or of an earlier call.")
    ],
    size: Annotated[
        tuple | None,
        typer.Option(
            parser=_parse_size,
            metavar="N|H,W",
            help="Crop and resize images to this, in pixels.  [default: as they are]",
        ),
    ] = None,
    channels: Annotated[
        int | None,
        typer.Option(min=1, max=3, help="1 makes images grey, 3 coloured.  [default: as they are]"),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Samples per step.  [default: 64]")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            metavar="KEY=VALUE",
            help="An option of the model, as `kgan describe` lists them; may be repeated.",
        ),
    ] = None,
    max_examples: Annotated[
        int | None, typer.Option(min=1, help="Use at most so many samples.  [default: all]")
    ] = None,
    data_dir: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="Where TensorFlow Datasets keeps its data.  [default: $KGAN_DATA/tfds, or its own]"
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**31 - 1,
            help="Same seed, same run.  [default: a new one, kept in run.json]",
        ),
    ] = None,
    steps_per_execution: Annotated[
        int | None,
        typer.Option(
            min=1, help="Steps per compiled call; more is quicker for tiny models.  [default: 1]"
        ),
    ] = None,
    picture_every: Annotated[
        int, typer.Option(min=0, help="Epochs from picture to picture; 0 for none.")
    ] = 1,
):
    """Train a model, or go on with a run that was stopped or shall have more epochs.

    The folder keeps the model after each epoch (model.keras), the losses (history.csv), pictures
    of samples (samples/), figures and diagnoses (health.json), the settings (run.json), and all of
    it on one page (report.html). Call again with the same folder to go on
    after its last finished epoch, exactly as if the run had never stopped; settings that are left
    out are then those of the run.
    """
    asked = {
        "model": model,
        "data": data,
        "size": size,
        "channels": channels,
        "batch_size": batch_size,
        "max_examples": max_examples,
        "seed": seed,
        "options": _parse_options(option),
    }
    try:
        _library().train(
            out,
            epochs,
            asked,
            data_dir=data_dir,
            steps_per_execution=steps_per_execution,
            picture_every=picture_every,
            say=typer.echo,
        )
    except KeyboardInterrupt:
        _end(f"\nStopped. The same command goes on after the last finished epoch in {out}.", 130)


@app.command(
    short_help="Show a run on one HTML page.",
    epilog="\b\nExamples:\n  kgan report runs/digits\n  kgan report runs/digits --out digits.html",
)
def report(
    folder: Annotated[
        pathlib.Path,
        typer.Argument(help="Folder of `kgan train --out`, or with a history.csv of your own."),
    ],
    out: Annotated[
        pathlib.Path | None,
        typer.Option(help="The HTML file.  [default: report.html in the folder]"),
    ] = None,
):
    """Write one HTML file that shows a run: pictures, curves, figures, diagnoses, settings.

    It holds all that it shows, so it can be sent and opened anywhere. Call it at the end of a run,
    or while it trains.
    """
    _library()
    from kgan import report as reports

    typer.echo(f"Report: {reports.write(folder, out)}")


_Target = Annotated[
    pathlib.Path,
    typer.Argument(
        metavar="FOLDER_OR_MODEL",
        help="Folder of `kgan train --out`, or a .keras file.",
        show_default=False,
    ),
]


def _parse_labels(text):
    try:
        labels = [int(label) for label in text.split(",")]
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} are no labels: give a class id, such as 3, or one per sample: 3,1,4."
        ) from None
    return labels if len(labels) > 1 else labels[0]


@app.command(
    short_help="Make samples and write a picture.",
    epilog="\b\nExamples:\n"
    "  kgan generate runs/digits --count 64 --seed 0 --out digits.png\n"
    "  kgan generate runs/digits --count 1000 --files --out digits/\n"
    "  kgan generate runs/digits --count 1000 --out digits.npy",
)
def generate(
    target: _Target,
    count: Annotated[int, typer.Option(min=1, help="Number of samples.")] = 16,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**31 - 1, help="Same seed, same samples.  [default: new ones]"),
    ] = None,
    out: Annotated[
        pathlib.Path,
        typer.Option(help="Picture; .npy file for the numbers; folder with --files."),
    ] = pathlib.Path("samples.png"),
    labels: Annotated[
        object,
        typer.Option(
            parser=_parse_labels,
            metavar="L[,L...]",
            help="Class of all samples, or one per sample; conditional models only.  "
            "[default: all classes in turn]",
        ),
    ] = None,
    truncation: Annotated[
        float | None,
        typer.Option(
            help="Bound of the noise, above 0: less variety, more typical samples.  [default: none]"
        ),
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid/--files", help="One picture, or a file per image.")
    ] = True,
):
    """Make samples with a trained model and write them as a picture.

    Images become a grid, points a scatter plot, numbers a histogram, longer vectors curves.
    """
    if isinstance(labels, list) and len(labels) != count:
        raise typer.BadParameter(
            f"{len(labels)} labels for {count} samples: give one label, or as many as --count.",
            param_hint="'--labels'",
        )
    runs = _library()
    model = runs.load_model(target)
    if not hasattr(model, "generate"):
        raise ValueError(
            "This model does not make samples from noise. Expected a model such as dcgan; with a "
            "translator, call model.translate(images) in Python, as tutorials/pix2pix.py and "
            "tutorials/cyclegan.py do. "
            f"Received: {target}, a {type(model).__name__}"
        )
    samples = model.generate(count, labels=labels, seed=seed, truncation=truncation)
    runs.save_samples(samples, out, in_one=grid)
    typer.echo(f"{count} samples of {'x'.join(map(str, samples.shape[1:]))}: {out}")


class Format(enum.StrEnum):
    """What `kgan export` writes."""

    tf_saved_model = "tf_saved_model"
    onnx = "onnx"


@app.command(
    short_help="Write a model for serving.",
    epilog="\b\nExamples:\n"
    "  kgan export runs/digits --out serving/digits/1\n"
    "  kgan export runs/digits --out digits.onnx --format onnx",
)
def export(
    target: _Target,
    out: Annotated[
        pathlib.Path, typer.Option(help="Folder of the SavedModel, or path of the .onnx file.")
    ],
    format: Annotated[
        Format, typer.Option(help="SavedModel for TensorFlow Serving, or ONNX.")
    ] = Format.tf_saved_model,
):
    """Write a trained model for serving, which needs neither kgan nor Keras.

    The SavedModel has the signatures serving_default (noise to raw output) and generate (count
    and seed to samples), or those of a translator (images to images); the ONNX file holds the
    network.
    """
    _library().load_model(target).export(str(out), format=format.value)
    typer.echo(f"Exported as {format.value}: {out}")


if __name__ == "__main__":
    main()
