import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image
from typer.testing import CliRunner

from kgan.app import cli

COMMAND = [
    sys.executable,
    "-c",
    "import sys; sys.argv[0] = 'kgan'; from kgan.app.cli import main; main()",
]
SMALL = ["--data", "digits", "--max-examples", "100", "--option", "width=4", "--seed", "7"]

# Other backends run the road once; what can go wrong on it is the same code on all.
tensorflow_only = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)


def kgan(*arguments):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def train(folder, epochs, *arguments):
    result = kgan("train", "dcgan", "--epochs", epochs, "--out", folder, *arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def assert_one_line(result, *words):
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)  # Not what the library raised.
    assert re.fullmatch(r"Error: [^\n]+\n", result.stderr)
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.stderr


def epochs_in(folder):
    with (folder / "history.csv").open(newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


def state(folder):
    model = keras.saving.load_model(folder / "model.keras")
    variables = [*model.variables, *model.optimizer.variables]
    return [ops.convert_to_numpy(variable) for variable in variables]


def assert_equal_state(one, other):
    one, other = state(one), state(other)
    assert len(one) == len(other) > 20
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two epochs. Tests that change it work on a copy."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    train(folder, 2, *SMALL)
    return folder


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "copy")


def test_list():
    result = kgan("list")
    assert result.exit_code == 0
    assert result.output.splitlines()[0].split() == ["NAME", "PAPER", "SUMMARY"]
    assert re.search(r"^dcgan +Radford et al\. 2016 +The convolutional GAN", result.output, re.M)
    assert len(kgan("list", "dc*").output.splitlines()) == 2
    assert_one_line(kgan("list", "nothing*"), "nothing*", "dcgan")


def test_describe():
    result = kgan("describe", "DC-GAN")
    assert result.exit_code == 0
    for word in ("Radford et al. 2016", "width", "discriminator", "parameters"):
        assert word in result.output
    assert_one_line(kgan("describe", "dcgen"), "Did you mean 'dcgan'?")


def test_run_folder(trained):
    assert sorted(path.name for path in trained.iterdir()) == [
        "health.json",
        "history.csv",
        "model.keras",
        "real.png",
        "report.html",
        "run.json",
        "samples",
    ]
    assert {path.name for path in (trained / "samples").iterdir()} == {
        "epoch_0001.png",
        "epoch_0002.png",
        "training.gif",
    }
    record = json.loads((trained / "run.json").read_text())
    assert record["settings"]["options"] == {"width": 4}
    assert record["settings"]["seed"] == 7
    assert (record["examples"], record["sample_shape"]) == (100, [8, 8, 1])
    assert record["versions"]["keras"] == keras.__version__
    assert epochs_in(trained) == [0, 1]


def test_train_goes_on_and_says_when_it_is_done(copy):
    # What is left out, here data's --max-examples, the option and the seed, is the run's.
    output = train(copy, 3, "--data", "digits")
    assert "Resuming after epoch 2" in output and "Trained epochs 3 to 3: 2 steps" in output
    assert epochs_in(copy) == [0, 1, 2]
    assert (copy / "samples" / "epoch_0003.png").exists()
    before = (copy / "model.keras").stat().st_mtime_ns
    assert "has 3 epochs already" in train(copy, 3, *SMALL)
    assert "has 3 epochs already" in train(copy, 1, *SMALL)
    assert (copy / "model.keras").stat().st_mtime_ns == before


@tensorflow_only
@pytest.mark.slow
def test_killed_and_resumed_run_equals_an_uninterrupted_one(trained, tmp_path):
    folder = tmp_path / "killed"
    arguments = ["train", "dcgan", *SMALL, "--epochs", "100000", "--out", str(folder)]
    environment = {**os.environ, "KGAN_DEBUG": ""}
    process = subprocess.Popen([*COMMAND, *arguments], env=environment, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (folder / "model.keras").exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    # A kill can also leave these behind.
    with (folder / "history.csv").open("a", newline="") as file:
        file.write("70,1.0,1.0\n71,1.")
    (folder / f".model.{process.pid}-0.partial.keras").write_bytes(b"half")
    model = keras.saving.load_model(folder / "model.keras")
    total = int(ops.convert_to_numpy(model.optimizer.iterations)) // 2 + 2
    train(folder, total, *SMALL)
    assert epochs_in(folder) == list(range(total))
    assert not list(folder.glob(".*"))
    train(tmp_path / "whole", total, *SMALL)
    assert_equal_state(folder, tmp_path / "whole")
    whole = (tmp_path / "whole" / "history.csv").read_text()
    assert (folder / "history.csv").read_text() == whole
    last = f"epoch_{total:04d}.png"
    pictures = [(run / "samples" / last).read_bytes() for run in (folder, tmp_path / "whole")]
    assert pictures[0] == pictures[1]


@tensorflow_only
def test_interrupt_exits_with_130_and_says_how_to_go_on(tmp_path, monkeypatch):
    from kgan.callbacks import SampleGrid

    save = SampleGrid.on_epoch_end

    def stop(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        save(self, epoch, logs)

    with monkeypatch.context() as context:
        context.setattr(SampleGrid, "on_epoch_end", stop)
        result = kgan("train", "dcgan", *SMALL, "--epochs", 3, "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert "Stopped. The same command resumes" in result.stderr
    assert "Traceback" not in result.output
    # The model of the second epoch was saved before its picture was begun: that is made up for.
    assert epochs_in(tmp_path / "run") == [0]
    assert "has 2 epochs already" in train(tmp_path / "run", 2, *SMALL)
    assert epochs_in(tmp_path / "run") == [0, 1]
    train(tmp_path / "whole", 2, *SMALL)
    for name in ("history.csv", "health.json", "samples/epoch_0002.png", "samples/training.gif"):
        parts = [(tmp_path / run / name).read_bytes() for run in ("run", "whole")]
        assert parts[0] == parts[1], name


@tensorflow_only
def test_points_steps_per_execution_and_no_pictures(tmp_path):
    result = kgan(
        "train", "vanilla", "--data", "ring", "--max-examples", 256, "--epochs", 1,
        "--out", tmp_path / "run", "--option", "generator_units=(8,)", "--option",
        "discriminator_units=8,", "--option", "loss=minimax", "--steps-per-execution", 2,
        "--picture-every", 0,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "run" / "samples").exists()
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert model.steps_per_execution == 2
    assert model.generator.layers[1].units == 8
    for name in ("points.png", "points.npy"):
        result = kgan("generate", tmp_path / "run", "--count", 5, "--out", tmp_path / name)
        assert result.exit_code == 0, result.output
    assert np.load(tmp_path / "points.npy").shape == (5, 2)
    result = kgan("generate", tmp_path / "run", "--files", "--out", tmp_path / "points")
    assert_one_line(result, "as one .npy file")


@tensorflow_only
def test_conditional_models_get_labels(tmp_path, monkeypatch):
    from kgan import GAN, LabelCondition
    from kgan.catalog import registry

    def labelled(image_shape=(8, 8, 1), *, num_classes=2, seed=None):
        """A GAN that is told the class."""
        size = int(np.prod(image_shape))

        def network(first, last, shape):
            inputs = [keras.Input(first), keras.Input((), dtype="int32")]
            flat = keras.layers.Flatten()(inputs[0])
            classes = keras.layers.Embedding(num_classes, 4)(inputs[1])
            outputs = keras.layers.Dense(last)(keras.layers.Concatenate()([flat, classes]))
            return keras.Model(inputs, keras.layers.Reshape(shape)(outputs))

        generator = network((4,), size, image_shape)
        condition = LabelCondition(num_classes)
        model = GAN(generator, network(image_shape, 1, (1,)), condition=condition, seed=seed)
        model.compile(optimizer="adam")
        return model

    monkeypatch.setattr(registry, "_builders", dict(registry._builders))
    like = registry.Like("image_shape", num_classes="num_classes")
    registry.register(labelled, like=like)
    arguments = ["--data", "digits", "--max-examples", 100, "--epochs", 1, "--out", tmp_path]
    result = kgan("train", "labelled", *arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    for labels in ("3", "0,9,4"):
        out = ["--count", 3, "--labels", labels, "--out", tmp_path / "samples.npy"]
        assert kgan("generate", tmp_path, *out).exit_code == 0
    assert_one_line(kgan("generate", tmp_path, "--labels", "10"), "10")


def test_generate_writes_a_picture(trained, tmp_path):
    picture = tmp_path / "new" / "picture.png"
    result = kgan("generate", trained, "--count", 9, "--seed", 0, "--out", picture)
    assert result.exit_code == 0, result.output
    assert Image.open(picture).size[0] > 3 * 8
    first = picture.read_bytes()
    kgan("generate", trained / "model.keras", "--count", 9, "--seed", 0, "--out", picture)
    assert picture.read_bytes() == first
    kgan("generate", trained, "--count", 9, "--seed", 1, "--out", picture)
    assert picture.read_bytes() != first


@tensorflow_only
def test_generate_writes_files_and_numbers(trained, tmp_path):
    result = kgan(
        "generate", trained, "--count", 3, "--seed", 0, "--files", "--out", tmp_path / "f"
    )
    assert result.exit_code == 0, result.output
    files = sorted((tmp_path / "f").iterdir())
    assert [file.name for file in files] == ["0001.png", "0002.png", "0003.png"]
    kgan("generate", trained, "--count", 3, "--seed", 0, "--out", tmp_path / "f.npy")
    numbers = np.load(tmp_path / "f.npy")
    assert numbers.shape == (3, 8, 8, 1) and numbers.dtype == np.uint8
    np.testing.assert_array_equal(np.asarray(Image.open(files[1])), numbers[1, ..., 0])


@tensorflow_only
def test_export(trained, tmp_path):
    import tensorflow as tf

    result = kgan("export", trained, "--out", tmp_path / "serving" / "1")
    assert result.exit_code == 0, result.output
    assert "serving/1" in result.output
    served = tf.saved_model.load(str(tmp_path / "serving" / "1")).signatures["serving_default"]
    assert list(served(tf.zeros((2, 100))).values())[0].shape == (2, 8, 8, 1)


@tensorflow_only
def test_import_kgan_is_enough_to_load_a_model(trained):
    code = "import kgan, keras, sys; keras.saving.load_model(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, trained / "model.keras"], check=True)


def test_command_starts_without_keras():
    code = (
        "import sys; sys.argv[0] = '/usr/bin/kgan'; import kgan.app.cli as cli, kgan\n"
        "assert 'GAN' in dir(kgan) and 'zoo' in dir(kgan)\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "cli.main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "train", "--help"], capture_output=True, text=True, check=True
    )
    assert "--batch-size" in result.stdout


@tensorflow_only
def test_command_is_quiet_and_keeps_tracebacks_for_debug(tmp_path):
    command = [*COMMAND, "generate", str(tmp_path / "none")]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KGAN_DEBUG": ""}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 1 and result.stdout == ""
    assert re.fullmatch(r"Error: There is no such file or folder[^\n]+\n", result.stderr)


def test_debug_raises(tmp_path, monkeypatch):
    assert isinstance(kgan("--debug", "describe", "dcgen").exception, ValueError)
    monkeypatch.setenv("KGAN_DEBUG", "1")
    assert isinstance(kgan("describe", "dcgen").exception, ValueError)


def test_help_teaches():
    result = kgan("--help")
    assert result.exit_code == 0
    for name in ("list", "describe", "train", "generate", "export"):
        assert re.search(rf"^  {name} ", result.output, re.M)
        page = kgan(name, "--help")
        assert page.exit_code == 0
        assert re.search(rf"Examples?:\n +kgan {name} ", page.output)
    text = " ".join(kgan("train", "--help").output.split())
    for words in ("[default: 64]", "in pixels", "KEY=VALUE", "resume after its last finished"):
        assert words in text


def test_version():
    import kgan as library

    assert kgan("--version").output == f"kgan {library.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["trian"],
        ["train", "dcgan"],
        ["train", "dcgan", "--data", "digits", "--epochs", "0", "--out", "run"],
        ["train", "dcgan", "--data", "digits", "--epochs", "two", "--out", "run"],
        ["train", "dcgan", *SMALL, "--epochs", "1", "--out", "run", "--size", "big"],
        ["train", "dcgan", *SMALL, "--epochs", "1", "--out", "run", "--size", "0,8"],
        ["train", "dcgan", *SMALL, "--epochs", "1", "--out", "run", "--option", "width"],
        ["train", "dcgan", *SMALL, "--epochs", "1", "--out", "run", "--option", "width=8"],
        ["train", "dcgan", *SMALL, "--epochs", "1", "--out", "run", "--batch-size", "0"],
        ["train", "dcgan", *SMALL, "--epochs", "1", "--out", "run", "--seed", "-1"],
        ["generate", "run", "--count", "0"],
        ["export", "run"],
        ["export", "run", "--out", "there", "--format", "pickle"],
    ],
    ids=" ".join,
)
def test_usage_errors(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = kgan(*arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr and "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["dcgen", "--data", "digits"], "Did you mean 'dcgan'?"),
        (["dcgan", "--data", "digitz"], "'digits'"),
        (["dcgan", "--data", "./nowhere"], "no folder"),
        (["dcgan", "--data", "empty"], "holds no images"),
        (["dcgan", "--data", "digits", "--option", "widht=4"], "Did you mean 'width'?"),
        (["dcgan", "--data", "digits", "--option", "seed=4"], "--seed 4"),
        (["dcgan", "--data", "digits", "--option", "width={1}"], "Options are numbers"),
        (["dcgan", "--data", "digits", "--option", "width=wide"], "wide"),
        (["dcgan", "--data", "digits", "--option", "loss=hing"], "hinge"),
        (["dcgan", "--data", "digits", "--size", "13"], "13"),
        (["dcgan", "--data", "digits", "--channels", "2"], "channels"),
        (["dcgan", "--data", "ring"], "x of shape (100000, 2)"),
        (["dcgan", "--data", "ring", "--size", "8"], "no size"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_of_train(arguments, words, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert_one_line(kgan("train", *arguments, "--epochs", 1, "--out", "run"), words)
    assert not (tmp_path / "run").exists()


def test_train_in_a_place_that_is_taken(tmp_path):
    (tmp_path / "file").write_text("text")
    command = ["train", "dcgan", *SMALL, "--epochs", 1, "--out"]
    assert_one_line(kgan(*command, tmp_path), "is not empty", "file")
    assert_one_line(kgan(*command, tmp_path / "file"), "there is a file of that name")
    assert_one_line(kgan(*command, tmp_path / "file" / "run"), "file")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["vanilla", "--data", "digits"], "model vanilla where the run has dcgan"),
        (["dcgan", "--data", "mnist"], "data mnist where the run has digits"),
        (["dcgan", *SMALL, "--batch-size", 32], "batch_size 32 where the run has 64"),
        (["dcgan", *SMALL, "--size", 16], "size [16, 16] where the run has None"),
        (["dcgan", "--data", "digits", "--seed", 8], "seed 8 where the run has 7"),
        (
            ["dcgan", "--data", "digits", "--option", "width=8"],
            "option width=8 where the run has 4",
        ),
        (["dcgan", *SMALL, "--option", "beta_1=0.9"], "option beta_1=0.9 where the run has 0.5"),
        (["dcgan", *SMALL, "--option", "widht=8"], "option widht=8 where the run has only"),
    ],
)
def test_contradictions(trained, arguments, words):
    before = (trained / "run.json").read_bytes()
    result = kgan("train", *arguments, "--epochs", 3, "--out", trained)
    assert_one_line(result, words, "in a new folder with --out")
    assert (trained / "run.json").read_bytes() == before and epochs_in(trained) == [0, 1]


def test_defaults_given_in_words_are_no_contradiction(trained):
    assert "already" in train(trained, 2, *SMALL, "--batch-size", 64, "--option", "beta_1=0.5")


@tensorflow_only
def test_damaged_runs(copy, tmp_path):
    whole = (copy / "model.keras").read_bytes()
    record = (copy / "run.json").read_text()
    command = ["train", "dcgan", "--data", "digits", "--epochs", 3, "--out", copy]
    for content in (whole[: len(whole) // 2], b"", b"no zip", whole[:5000] + whole[6000:]):
        (copy / "model.keras").write_bytes(content)
        assert_one_line(kgan(*command), "model.keras can't be loaded")
        assert_one_line(kgan("generate", copy, "--out", tmp_path / "a.png"), "can't be loaded")
        assert_one_line(kgan("export", copy, "--out", tmp_path / "serving"), "can't be loaded")
    (copy / "model.keras").write_bytes(whole)
    (copy / "run.json").write_text(record.replace('"examples": 100', '"examples": 99'))
    assert_one_line(kgan(*command), "examples 99 in run.json", "trained with 100")
    # The model's own record takes the place of a damaged one, which is kept.
    command[command.index("--epochs") + 1] = 2
    for number, content in enumerate(("", "{}", "[]", '{"settings": {}}', record[:100]), start=1):
        (copy / "run.json").write_text(content)
        with pytest.warns(UserWarning, match="run.json is damaged"):
            assert kgan(*command).exit_code == 0
        assert (copy / f"run.json.damaged-{number}").read_text() == content


def test_bad_targets(trained, tmp_path):
    (tmp_path / "model.txt").write_text("text")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "dense.keras")
    for command in (["generate"], ["export", "--out", tmp_path / "serving"]):
        assert_one_line(kgan(*command, tmp_path / "nowhere"), "no such file or folder")
        assert_one_line(kgan(*command, tmp_path), "holds no model.keras")
        assert_one_line(kgan(*command, tmp_path / "model.txt"), "ends in .keras")
        assert_one_line(kgan(*command, tmp_path / "dense.keras"), "none of kgan")
    for arguments, words in (
        (["--labels", "3", "--out", tmp_path / "a.png"], "not trained with labels"),
        (["--truncation", "-1", "--out", tmp_path / "a.png"], "truncation"),
        (["--out", tmp_path / "a.exe"], "suffix"),
        (["--files", "--out", tmp_path / "a.png"], "names a folder"),
        (["--out", tmp_path / "model.txt" / "a.png"], "model.txt"),
    ):
        assert_one_line(kgan("generate", trained, *arguments), words)
    result = kgan("export", trained, "--out", tmp_path / "a", "--format", "onnx")
    assert_one_line(result, ".onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dense.keras", "model.txt"]
