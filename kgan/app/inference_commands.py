"""What a trained model does for a user: the commands that read a run or a `.keras` file."""

import enum
import json
import pathlib
from typing import Annotated

import typer

from kgan.app.shared_options import Module, Target, app, library, parse_size


def _labels_of(text, endpoint, count):
    """One class per sample, of ids or names that are given in turn."""
    if text is None:
        return None
    entries = [entry.strip() for entry in text.split(",")]
    names = next((n for n in (getattr(f, "names", None) for f in endpoint.inputs) if n), None)
    if names is None:
        try:
            entries = [int(entry) for entry in entries]
        except ValueError:
            raise ValueError(
                "The classes of this model have no names, so labels are ids, such as 3 or 3,1,4. "
                f"Received: --labels {text}"
            ) from None
    elif all(entry.lstrip("-").isdigit() and entry not in names for entry in entries):
        entries = [int(entry) for entry in entries]
    return [entries[place % len(entries)] for place in range(count)]


@app.command(
    short_help="Make samples and write a picture.",
    epilog="\b\nExamples:\n"
    "  kgan generate runs/digits --count 64 --seed 0 --out digits.png\n"
    "  kgan generate runs/digits --count 1000 --files --out digits/\n"
    "  kgan generate runs/digits --count 1000 --out digits.npy\n"
    "  kgan generate runs/emoji --labels Flags,Food --out emoji.png",
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
        str | None,
        typer.Option(
            metavar="L[,L...]",
            help="Classes of the samples in turn, by their names or ids, such as Flags,Food; "
            "conditional models only.  [default: all classes in turn]",
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
    given = _labels_of(labels, endpoint, count)
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


@app.command(
    short_help="Translate a folder of images.",
    epilog="\b\nExamples:\n"
    "  kgan translate runs/edges --data drawings/ --out photos/\n"
    "  kgan translate runs/summer/best.keras --data winter/ --direction b_to_a --out summer/",
)
def translate(
    target: Target,
    data: Annotated[
        pathlib.Path,
        typer.Option(help="Folder of images; they are cropped and resized to the model's size."),
    ],
    out: Annotated[
        pathlib.Path, typer.Option(help="Folder for the results: the same names, as .png.")
    ],
    direction: Annotated[
        str | None,
        typer.Option(help="a_to_b or b_to_a, for models of both.  [default: the first]"),
    ] = None,
    module: Module = None,
):
    """Translate each image of a folder, and write it under the same name to another folder."""
    runs = library(module)
    from kgan.app import user_files

    model = runs.load_model(target)
    name = _translation(model, direction, target)
    count = user_files.translate_folder(model, name, data, out)
    typer.echo(f"{count} images translated: {out}")


@app.command(
    short_help="Enlarge a photograph of any size.",
    epilog="\b\nExamples:\n"
    "  kgan enlarge photo.jpg --run runs/x4 --out large.png\n"
    "  kgan enlarge photos/ --run runs/x4 --out large/",
)
def enlarge(
    picture: Annotated[
        pathlib.Path,
        typer.Argument(help="A picture, or a folder of them.", show_default=False),
    ],
    run: Annotated[
        pathlib.Path,
        typer.Option(help="Folder of a run of srresnet or srgan, or a .keras file."),
    ],
    out: Annotated[
        pathlib.Path, typer.Option(help="The large picture, or a folder for the results.")
    ],
    tile: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Pixels enlarged at a time, on each side: less takes less memory.  "
            "[default: some 100 to 200]",
        ),
    ] = None,
    module: Module = None,
):
    """Enlarge photographs with a trained model, in parts that leave no seams.

    The memory it takes does not grow with the photograph, but for the result itself.
    """
    runs = library(module)
    from kgan.app import user_files

    model = _model_that_can(runs, run, "enlarge", "enlarge images", "srresnet or srgan")
    shapes = list(user_files.enlarge_files(model, picture, out, tile=tile))
    if picture.is_dir():
        typer.echo(f"{len(shapes)} pictures enlarged: {out}")
    else:
        typer.echo(f"Enlarged to {shapes[0][1]}x{shapes[0][0]}: {out}")


@app.command(
    short_help="Predict the next frames of clips.",
    epilog="\b\nExamples:\n"
    "  kgan predict frames/ --run runs/film --count 10 --out next.gif\n"
    "  kgan predict clips.npy --run runs/film/best.keras --count 30 --whole --out next.mp4",
)
def predict(
    clips: Annotated[
        str,
        typer.Argument(
            help="A folder of frames in the order of their names, or of such folders; or an .npy "
            "file with one clip or several.",
            show_default=False,
        ),
    ],
    run: Annotated[
        pathlib.Path,
        typer.Option(help="Folder of a run of video_prediction, or a .keras file."),
    ],
    out: Annotated[
        pathlib.Path,
        typer.Option(
            help="Film, .gif or .mp4; .png for film strips; .npy for the numbers; else a folder "
            "for a GIF of each clip."
        ),
    ],
    count: Annotated[int, typer.Option(min=1, help="Frames to predict.")] = 10,
    whole: Annotated[
        bool, typer.Option("--whole", help="Show the given frames that it reads before its own.")
    ] = False,
    module: Module = None,
):
    """Predict what comes after clips, frame by frame, from the last frames that are given."""
    runs = library(module)
    import numpy as np

    from kgan.app import user_files

    model = _model_that_can(runs, run, "predict_frames", "predict frames", "video_prediction")
    endpoint = model.endpoints["predict_frames"]
    (field,) = endpoint.inputs
    given = field.check(user_files.read_clips(field, clips), "clips")
    made = model.predict_frames(given, count)
    if whole:
        read = given[:, -field.min_frames :]
        read = read if read.dtype == "uint8" else field.from_device(read)
        made = np.concatenate([read, made], axis=1)
    user_files.save_samples(endpoint.output, made, out, in_one=bool(out.suffix))
    typer.echo(f"{count} frames after each of {len(made)} clips: {out}")


@app.command(
    short_help="Clean a recording of speech.",
    epilog="\b\nExamples:\n"
    "  kgan enhance in.wav --run runs/speech --out out.wav\n"
    "  kgan enhance noisy/ --run runs/speech --out clean/",
)
def enhance(
    recording: Annotated[
        pathlib.Path,
        typer.Argument(help="A file of sound, or a folder of them.", show_default=False),
    ],
    run: Annotated[
        pathlib.Path,
        typer.Option(help="Folder of a run of speech_enhancement or segan, or a .keras file."),
    ],
    out: Annotated[pathlib.Path, typer.Option(help="The clean file, or a folder for the results.")],
    seconds: Annotated[
        float, typer.Option(help="Length of the windows that are cleaned at a time.")
    ] = 4.0,
    module: Module = None,
):
    """Take the noise out of recordings of any length and rate with a trained model.

    Files keep their rate, their channels and their format. It needs the extra audio.
    """
    runs = library(module)
    from kgan.app import user_files

    model = _model_that_can(runs, run, "enhance", "enhance speech", "speech_enhancement or segan")
    lengths = list(user_files.enhance_files(model, recording, out, seconds=seconds))
    what = f"{len(lengths)} recordings" if recording.is_dir() else "1 recording"
    typer.echo(f"{what} of {sum(lengths):.1f} seconds enhanced: {out}")


def _model_that_can(runs, run, endpoint, what, such):
    """The model of a run, if it has the endpoint that a command is for."""
    model = runs.load_model(run)
    if endpoint not in model.endpoints:
        raise ValueError(
            f"This model does not {what}. Expected one such as {such}; this one does "
            f"{list(model.endpoints)}. Received: --run {run}"
        )
    return model


def _translation(model, direction, target):
    """The endpoint that makes one image of another."""
    from kgan.data import Images

    ways = [
        name
        for name, endpoint in model.endpoints.items()
        if endpoint.noise is None
        and [type(field) for field in (*endpoint.inputs, endpoint.output)] == [Images, Images]
    ]
    if not ways:
        raise ValueError(
            "This model does not make images of images. Expected one such as pix2pix or cyclegan; "
            f"this one does {list(model.endpoints)}. Received: {target}"
        )
    if direction is None:
        return ways[0]
    if direction not in ways:
        raise ValueError(
            f"There is no such direction. Expected one of {ways}. Received: --direction {direction}"
        )
    return direction


@app.command(
    short_help="Measure a model on held-out data.",
    epilog="\b\nExamples:\n"
    "  kgan evaluate runs/photos/best.keras --data held_out/\n"
    "  kgan evaluate runs/edges --data a/ --data-b b/ --metric psnr --json",
)
def evaluate(
    target: Target,
    data: Annotated[str, typer.Option(help="Held-out data: as for kgan train.")],
    data_b: Annotated[
        str | None, typer.Option(help="The second kind of images, as for kgan train.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="What to measure, such as frechet_distance; may be repeated.  "
            "[default: figures that suit the data]",
        ),
    ] = None,
    split: Annotated[
        str, typer.Option(help="train or test, of a data set that has both.")
    ] = "train",
    max_examples: Annotated[
        int | None, typer.Option(min=1, help="Use at most so many samples.  [default: all]")
    ] = None,
    data_dir: Annotated[
        pathlib.Path | None, typer.Option(help="Where TensorFlow Datasets keeps its data.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: figures, losses, and how they were made.")
    ] = False,
    module: Module = None,
):
    """Measure a trained model on data that it has not seen.

    Images are cropped and resized to the model's size. As many samples are made as there are
    held-out ones; the same call gives the same figures.
    """
    runs = library(module)
    from kgan.app import held_out

    model = runs.load_model(target)
    source = {"data_dir": data_dir, "max_examples": max_examples, "split": split}
    measured = held_out.evaluate(model, (data, data_b), metric or [], source)
    if as_json:
        typer.echo(json.dumps({"model": str(target), "data": data, **measured}, indent=2))
        return
    width = max(map(len, measured["figures"]))
    typer.echo(f"{measured['samples']} held-out samples and as many made by {target}")
    for name, value in measured["figures"].items():
        better = {"min": "lower", "max": "higher"}[measured["better"][name]]
        typer.echo(f"{name:<{width}}  {value:10.4g}  {better} is better")


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
