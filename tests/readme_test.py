"""The README's code is run as it stands, where it needs no data but what packages carry."""

import pathlib
import re

import keras
import pytest

README = pathlib.Path(__file__).parent.parent / "README.md"


def blocks():
    return re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def test_four_lines_are_four_lines_and_work(monkeypatch, tmp_path):
    (block,) = [code for code in blocks() if "model.generate(16, seed=0)" in code]
    lines = [line for line in block.splitlines() if line and not line.startswith("import")]
    assert len(lines) == 4
    # One epoch says as much as thirty here.
    monkeypatch.chdir(tmp_path)
    namespace = {}
    exec(block.replace("epochs=30", "epochs=1, verbose=0"), namespace)
    assert namespace["samples"].shape == (16, 8, 8, 1)
    assert namespace["samples"].dtype == "uint8"


@pytest.mark.skipif(keras.config.backend() == "jax", reason="the same code, slow to compile")
def test_a_model_of_ones_own_trains_saves_and_loads(monkeypatch, tmp_path):
    (block,) = [code for code in blocks() if "class Bidirectional" in code]
    monkeypatch.chdir(tmp_path)
    # The name under which a script's classes are registered.
    namespace = {"__name__": "__main__"}
    exec(block, namespace)
    model = namespace["model"]
    model.save("own.keras")
    copy = keras.saving.load_model("own.keras")
    assert int(copy.optimizer.iterations) == int(model.optimizer.iterations) == 32


def counts_of_the_table():
    """The numbers of parameters that the table of the zoo states, from small to large."""
    rows = re.findall(
        r"^\| `(\w+)` \| \[.*?\| ([^|]*\d,\d[^|]*)\|", README.read_text(), re.MULTILINE
    )
    for name, text in rows:
        counts = []
        for times, count in re.findall(r"(?:(\d+) x )?(\d+(?:,\d{3})+)", text):
            counts += [int(count.replace(",", ""))] * int(times or 1)
        yield name, sorted(counts)


def test_the_table_states_the_counts_of_the_standard_test():
    stated = dict(counts_of_the_table())
    assert stated == {name: sorted(counts.values()) for name, counts in PARAMETERS.items()}


def test_nothing_in_the_readme_waits_to_be_filled_in():
    text = README.read_text()
    assert not re.findall(r"@[A-Z_]+@", text)
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert pictures
    for picture in pictures:
        assert (README.parent / picture).is_file(), picture
