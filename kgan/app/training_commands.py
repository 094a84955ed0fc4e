"""`kgan list`, `describe`, `train` and `report`."""

import ast
import enum
import pathlib
import re
from typing import Annotated

import typer

from kgan.app.shared_options import Model, Module, app, end, library, parse_size, parse_validation


@app.command(
    name="list", short_help="List the models of the zoo.", epilog="\b\nExample:\n  kgan list 'dc*'"
)
def list_models(
    pattern: Annotated[
        str, typer.Argument(help="Names to show, with the wildcards * and ?.")
    ] = "*",
):
    """List the models of the zoo: name, paper, and what each is."""
    runs = library()
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


@app.command(short_help="Show a model's card.", epilog="\b\nExample:\n  kgan describe dcgan")
def describe(model: Model, module: Module = None):
    """Show a model's card: paper, networks, players, options and their defaults."""
    typer.echo(str(library(module).zoo.describe(model)))


@app.command(
    short_help="Say what to train on your data.",
    epilog="\b\nExamples:\n  kgan advise photos/\n  kgan advise sketches/ --data-b photos/",
)
def advise(
    data: Annotated[
        str, typer.Argument(help="A folder or other data, as for kgan train.", show_default=False)
    ],
    data_b: Annotated[
        str | None, typer.Option(help="The second kind of images, for a translator.")
    ] = None,
    out: Annotated[str, typer.Option(help="Folder of the run, for the command.")] = "runs/first",
):
    """Read some data and print a model, options, batch, steps, memory and time, and the command.

    Sub-folders are taken for classes; two with the same file names for pairs; two that are called
    a and b for collections without pairs. The time is measured by a few steps on this machine.
    """
    library()
    from kgan.app import advice

    given, shown = advice.advise(data, data_b)
    typer.echo(f"{given.examples:,} samples: {given.why}.")
    seconds, gigabytes = advice.measure(given, shown)
    hours = given.steps * seconds / 3600
    time = f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.0f} minutes"
    options = ", ".join(f"{name}={value}" for name, value in given.options.items())
    typer.echo(f"  model    {given.model} (kgan describe {given.model} explains it)")
    typer.echo(f"  options  {options or 'the defaults'}")
    typer.echo(f"  batch    {given.batch_size}")
    typer.echo(f"  steps    {given.steps:,}, which are {given.epochs:,} epochs")
    if gigabytes is not None:
        typer.echo(f"  memory   {gigabytes:.1f} GB while it was measured, without a GPU's own")
    typer.echo(f"  time     {time} on this machine: {1000 * seconds:.0f} ms per step, measured")
    typer.echo(f"\n{given.command(out)}")


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


class Precision(enum.StrEnum):
    """What `kgan train` computes in."""

    float32 = "float32"
    mixed_float16 = "mixed_float16"
    mixed_bfloat16 = "mixed_bfloat16"


@app.command(
    short_help="Train a model, or resume a run.",
    epilog="\b\nExamples:\n"
    "  kgan train dcgan --data digits --epochs 30 --out runs/digits\n"
    "  kgan train dcgan --data photos/ --size 64 --epochs 100 --out runs/photos\n"
    "  kgan train vanilla --data ring --epochs 20 --out runs/ring --option latent_dim=2\n"
    "  kgan train conditional --data flowers/ --validation 0.1 --epochs 50 --out runs/flowers\n"
    "  kgan train pix2pix --data sketches/ --data-b photos/ --epochs 50 --out runs/photos\n"
    "  kgan train srresnet --data photos/ --crop 128 --batch-size 16 --epochs 50 --out runs/x4\n"
    "  kgan train video_prediction --data films/ --frames 20 --size 64 --epochs 9 --out runs/film\n"
    "  kgan train dcgan --data cats/ --init-from runs/photos --epochs 20 --out runs/cats\n"
    "\b\nThe first again with --epochs 60 resumes the run and trains epochs 31 to 60.",
)
def train(
    model: Model,
    data: Annotated[
        str,
        typer.Option(
            help="digits, ring, grid, gaussian, an image dataset of TensorFlow Datasets such as "
            "mnist, a folder of images, a TFRecord file or a folder of them, or an .npz file with "
            "an array for each of the model's fields.",
        ),
    ],
    epochs: Annotated[
        int, typer.Option(min=1, help="Passes over the data that the run has in the end.")
    ],
    out: Annotated[
        pathlib.Path, typer.Option(help="Folder of the run, new or of an earlier call.")
    ],
    data_b: Annotated[
        str | None,
        typer.Option(
            help="The second kind of images, for pix2pix (files of the same names as in --data) "
            "and cyclegan (any files)."
        ),
    ] = None,
    size: Annotated[
        tuple | None,
        typer.Option(
            parser=parse_size,
            metavar="N|H,W",
            help="Crop and resize images to this, in pixels.  [default: as they are]",
        ),
    ] = None,
    channels: Annotated[
        int | None,
        typer.Option(min=1, max=3, help="1 makes images grey, 3 coloured.  [default: as they are]"),
    ] = None,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream",
            help="Read images of a folder or of TFRecord files from disk batch by batch, where "
            "memory can't hold them.",
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="mirror[,crop]",
            help="Show real images mirrored half of the time, or through a window that moves a "
            "little: for few images, not for letters.  [default: as they are]",
        ),
    ] = None,
    crop: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Cut windows of this side, in pixels, of a folder's photographs of any size, and "
            "resize nothing: for srresnet and srgan.  [default: whole images]",
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Read clips of so many frames, of a folder of folders of frames or of a data set "
            "of videos: for video_prediction.  [default: single images]",
        ),
    ] = None,
    validation: Annotated[
        object,
        typer.Option(
            parser=parse_validation,
            metavar="FRACTION|DATA",
            help="Hold out data to measure the samples by after each epoch: a fraction of --data, "
            "such as 0.1; a folder or file of its own; or the word test for the data set's test "
            "split. The best epoch's model is kept in best.keras.  [default: none]",
        ),
    ] = None,
    validation_b: Annotated[
        str | None, typer.Option(help="The held-out images of the second kind, beside --data-b.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="What to measure, such as frechet_distance; may be repeated. The first decides "
            "which epoch is best.  [default: figures that suit the data]",
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="End after so many epochs that are no better than the best.  [default: never]",
        ),
    ] = None,
    init_from: Annotated[
        str | None,
        typer.Option(
            metavar="RUN|FILE|NAME",
            help="Fine-tune: begin with the weights of a run, of a .keras or .weights.h5 file, or "
            "of those that ship, as far as they fit.  [default: fresh ones]",
        ),
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option(
            help="What layers compute in; the mixed ones are quicker on recent GPUs.  "
            "[default: float32]"
        ),
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
    allow_changes: Annotated[
        bool,
        typer.Option(
            "--allow-changes",
            help="Resume although the data, the batch size or the backend are not what they were.",
        ),
    ] = False,
    module: Module = None,
):
    """Train a model, or resume a run that was stopped or is to have more epochs.

    The folder keeps the model after each epoch (model.keras), that of the best epoch (best.keras,
    with --validation), the losses (history.csv), pictures of samples (samples/), figures and
    diagnoses (health.json), the settings (run.json), and all of it on one page (report.html).
    Call again with the same folder to resume after its last finished epoch, exactly as if the run
    had never stopped; settings that are left out are then those of the run.
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
        "data_b": data_b,
        "stream": stream,
        "augment": augment,
        "crop": crop,
        "frames": frames,
        "validation": validation,
        "validation_b": validation_b,
        "metrics": metric,
        "patience": patience,
        "init_from": init_from,
        "precision": None if precision is None else precision.value,
    }
    try:
        library(module).train(
            out,
            epochs,
            asked,
            data_dir=data_dir,
            steps_per_execution=steps_per_execution,
            picture_every=picture_every,
            allow_changes=allow_changes,
            print_fn=typer.echo,
        )
    except KeyboardInterrupt:
        end(f"\nStopped. The same command resumes after the last finished epoch in {out}.", 130)


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
    library()
    from kgan import report as reports

    typer.echo(f"Report: {reports.write(folder, out)}")
