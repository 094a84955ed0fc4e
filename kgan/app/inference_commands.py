"""`kgan generate`, `apply` and `export`: what a trained model does for a user."""

import enum
import pathlib
import re
from typing import Annotated

import typer

from kgan.app.shared_options import Module, Target, app, library, parse_size


def _parse_labels(text):
    if not re.search(r"\d", text):
        return text.split(",") if "," in text else text  # Names of classes.
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
    target: Target,
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
    text: Annotated[
        list[str] | None,
        typer.Option(help="Text to make samples of; may be repeated. Models of text only."),
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid/--files", help="One picture, or a file per sample.")
    ] = True,
    module: Module = None,
):
    """Make samples with a trained model and write them as a picture.

    Images become a grid, points a scatter plot, numbers a histogram, longer vectors curves, sound
    waveforms and spectrograms, clips film strips.
    """
    if isinstance(labels, list) and len(labels) != count:
        raise typer.BadParameter(
            f"{len(labels)} labels for {count} samples: give one label, or as many as --count.",
            param_hint="'--labels'",
        )
    runs = library(module)
    from kgan.app import user_files

    model = runs.load_model(target)
    name = model.answers.generator
    if name is None:
        raise ValueError(
            "This model does not make samples from noise. Expected a model such as dcgan; what "
            f"this one does, {list(model.endpoints)}, `kgan apply` runs on your files. "
            f"Received: {target}, a {type(model).__name__}"
        )
    endpoint = model.endpoints[name]
    model.answers.require_memory(name, count)
    given = labels
    if text:
        given = [text[place % len(text)] for place in range(count)]
    inputs = model.answers.inputs_for(name, count, given)
    noise = endpoint.noise.sample(count, seed, truncation)
    samples = model.answers.run(name, inputs, noise)
    user_files.save_samples(endpoint.output, samples, out, in_one=grid)
    shape = "x".join(map(str, endpoint.output.shape))
    typer.echo(f"{count} samples of {shape}: {out}")


@app.command(
    short_help="Run a model on your files.",
    epilog="\b\nExamples:\n"
    "  kgan apply runs/edges translate --inputs drawings/ --out photos.png\n"
    "  kgan apply runs/edges translate --inputs drawings.npy --out photos.npy",
)
def apply(
    target: Target,
    endpoint: Annotated[
        str, typer.Argument(help="What to do, such as translate or encode.", show_default=False)
    ],
    inputs: Annotated[
        list[str],
        typer.Option(
            help="What the endpoint takes: a folder of images, an .npy or .npz file, a .txt file "
            "with a text per line; once for each of its inputs."
        ),
    ],
    out: Annotated[
        pathlib.Path,
        typer.Option(help="Picture; .npy for numbers; .txt for words; folder with --files."),
    ],
    size: Annotated[
        tuple | None,
        typer.Option(
            parser=parse_size, metavar="N|H,W", help="Crop and resize images to this, in pixels."
        ),
    ] = None,
    channels: Annotated[
        int | None, typer.Option(min=1, max=3, help="1 makes images grey, 3 coloured.")
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid/--files", help="One picture, or a file per sample.")
    ] = True,
    module: Module = None,
):
    """Run one of a trained model's endpoints on your own files, such as translate or encode."""
    runs = library(module)
    from kgan.app import user_files

    model = runs.load_model(target)
    described = model.answers[endpoint]
    if len(inputs) not in (1, len(described.inputs)):
        raise ValueError(
            f"The endpoint '{endpoint}' takes {len(described.inputs)} inputs, "
            f"{[field.name for field in described.inputs]}. Received: {len(inputs)} --inputs"
        )
    files = inputs if len(inputs) == len(described.inputs) else inputs * len(described.inputs)
    settings = {"size": size, "channels": channels}
    values = [
        user_files.read_inputs(field, name, settings)
        for field, name in zip(described.inputs, files)
    ]
    made = model.run(endpoint, *values)
    user_files.save_samples(described.output, made, out, in_one=grid)
    typer.echo(f"{len(made)} {described.output.plural}: {out}")


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
    target: Target,
    out: Annotated[
        pathlib.Path, typer.Option(help="Folder of the SavedModel, or path of the .onnx file.")
    ],
    format: Annotated[
        Format, typer.Option(help="SavedModel for TensorFlow Serving, or ONNX.")
    ] = Format.tf_saved_model,
    module: Module = None,
):
    """Write a trained model for serving, which needs neither kgan nor Keras.

    The SavedModel has a signature for each thing that the model does, such as generate (count and
    seed to samples) or translate (images to images); the ONNX file holds the networks.
    """
    library(module).load_model(target).export(str(out), format=format.value)
    typer.echo(f"Exported as {format.value}: {out}")
