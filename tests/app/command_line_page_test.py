"""The sessions of docs/command-line.md run as they stand, on small pictures and few steps."""

import pathlib
import re
import shlex
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from kgan.app import cli

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
# What the test makes smaller than on the page, which says so: the pictures are 16x16 and few.
SMALLER = {
    r"--size \d+": "--size 16",
    r"--crop \d+": "--crop 16",
    r"--option blocks=\d+": "--option blocks=1",
    r"--epochs \d+": "--epochs 1",
    r"--max-examples \d+ ": "",
    r"\bwidth=\d+": "width=2",
    r"discriminator_width=\d+": "discriminator_width=2",
    r"--option num_blocks=\d+": "--option num_blocks=1",
}
CLASSES = ("Flags", "Food-Drink")

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)


def sessions():
    """Commands and the code that serves, by the title of the section."""
    found = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        commands = [
            line.removeprefix("$ ")
            for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL)
            for line in re.sub(r"\\\n *", "", block).splitlines()
            if line.startswith("$ ")
        ]
        served = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        if commands:
            found[title] = commands, served
    return found


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Folders of tiny pictures, under the names of the page."""
    random = np.random.default_rng(0)
    for part, count in (("emoji", 16), ("held_out", 8)):
        for house in ("noto", "twemoji"):
            for kind, name in enumerate(CLASSES):
                folder = tmp_path / part / house / name
                folder.mkdir(parents=True)
                for number in range(count):
                    pixels = random.integers(100 * kind, 100 * kind + 100, (20, 20, 3), "uint8")
                    Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command):
    for pattern, smaller in SMALLER.items():
        command = re.sub(pattern, smaller, command)
    name, *arguments = shlex.split(command)
    assert name == "kgan"
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, f"{command}\n{result.output}{result.exception!r}"
    return result.output


def serve(code):
    """Runs the page's code in a process that can't import kgan or Keras."""
    refuse = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('kgan',):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
    )
    # The last session's are twice as large as the pictures.
    check = (
        "\nassert images.dtype == 'uint8'"
        "\nassert images.shape[1:3] in ((16, 16), (40, 40)), images.shape\n"
    )
    subprocess.run([sys.executable, "-c", refuse + code + check], check=True)


def test_the_page_has_a_whole_session_of_each_of_five_models():
    found = sessions()
    models = [commands[0].split()[2] for commands, _ in found.values()]
    assert models == ["dcgan", "conditional", "pix2pix", "cyclegan", "srresnet"]
    for commands, served in found.values():
        verbs = [command.split()[1] for command in commands]
        assert {"train", "evaluate", "report", "export"} <= set(verbs) and len(served) == 1
        assert any("--init-from" in command for command in commands)
        assert "--validation" in commands[0] and any("best.keras" in c for c in commands)


def test_the_first_session_runs(pictures):
    commands, _ = next(iter(sessions().values()))
    for command in commands[:4]:
        run(command)
    assert (pictures / "runs" / "emoji" / "best.keras").exists()
    assert (pictures / "emoji.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("title", list(sessions()))
def test_a_session_runs_from_pictures_to_a_served_model(title, pictures):
    commands, (served,) = sessions()[title]
    outputs = [run(command) for command in commands]
    assert any("parameters taken" in output for output in outputs)
    for command in commands:
        for place in re.findall(r"--out (\S+)", command):
            assert (pictures / place).exists()
            if " translate " in command:
                names = {path.name for path in (pictures / place).rglob("*.png")}
                assert names == {f"{number:02d}.png" for number in range(8)}
    assert "best.keras" in " ".join(outputs)
    serve(served)
