"""What README and docs say holds: code runs, links lead somewhere, figures have a source."""

import json
import pathlib
import re

import keras
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "tutorials" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

every_page = pytest.mark.parametrize(
    "page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES]
)


def blocks(page=README):
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


def prose(page):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def links(page):
    """Where links and pictures lead, but for the web: pairs of a path and an anchor."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [target.partition("#")[::2] for target in targets if "://" not in target]


def anchors(page):
    """What GitHub makes of the page's titles."""
    titles = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_is_read_in_two_minutes():
    assert len(README.read_text().splitlines()) <= 160


def test_four_lines_are_four_lines_and_work(monkeypatch, tmp_path):
    (block,) = [
        code for code in blocks() if "zoo.load" in code and "model.generate(16, seed=0)" in code
    ]
    lines = [line for line in block.splitlines() if line and not line.startswith("import")]
    assert len(lines) == 4
    # One epoch says as much as thirty here.
    monkeypatch.chdir(tmp_path)
    namespace = {}
    exec(block.replace("epochs=30", "epochs=1, verbose=0"), namespace)
    assert namespace["samples"].shape == (16, 8, 8, 1)
    assert namespace["samples"].dtype == "uint8"


@pytest.mark.skipif(keras.config.backend() == "jax", reason="the same code, slow to compile")
def test_a_gan_of_own_networks_trains_generates_and_exports(monkeypatch, tmp_path):
    (block,) = [code for code in blocks() if "kgan.GAN(" in code]
    assert len(block.splitlines()) <= 20
    monkeypatch.chdir(tmp_path)
    namespace = {}
    exec(block.replace("epochs=20", "epochs=1, verbose=0"), namespace)
    model, samples = namespace["model"], namespace["samples"]
    assert int(model.optimizer.iterations) == 23  # 1437 digits in batches of 64
    assert samples.shape == (16, 8, 8, 1) and samples.dtype == "uint8"
    import tensorflow as tf

    served = tf.saved_model.load("serving/own/1")
    images = served.generate(tf.constant(16), tf.constant(0, tf.int64)).numpy()
    assert images.shape == samples.shape and images.dtype == "uint8"
    if keras.config.backend() == "tensorflow":
        # Rounded to pixels in another program, at most one apart.
        assert abs(images.astype(int) - samples).max() <= 1


@pytest.mark.skipif(keras.config.backend() == "jax", reason="the same code, slow to compile")
def test_a_model_of_ones_own_trains_saves_and_loads(monkeypatch, tmp_path):
    (block,) = [code for code in blocks() if "class Bidirectional" in code]
    assert len(block.splitlines()) <= 40
    monkeypatch.chdir(tmp_path)
    # The name under which a script's classes are registered.
    namespace = {"__name__": "__main__"}
    exec(block, namespace)
    model = namespace["model"]
    model.save("own.keras")
    copy = keras.saving.load_model("own.keras")
    assert int(copy.optimizer.iterations) == int(model.optimizer.iterations) == 32


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="it computes on the host")
def test_the_readme_watches_a_run(monkeypatch, tmp_path):
    (block,) = [code for code in blocks() if "Health(" in code]
    assert len(block.splitlines()) <= 12
    import kgan

    monkeypatch.chdir(tmp_path)
    images = kgan.data.load("digits")
    model = kgan.zoo.load("dcgan", like=images, width=4)
    namespace = {"kgan": kgan, "keras": keras, "model": model}
    namespace |= {"images": images[:128], "held_out": images[128:192]}
    exec(block.replace("epochs=30", "epochs=1, verbose=0"), namespace)
    written = {path.name for path in pathlib.Path("run").iterdir()}
    assert {"health.json", "best.keras", "history.csv", "report.html"} <= written


@every_page
def test_code_parses(page):
    for code in blocks(page):
        compile(code, page.name, "exec")


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
    stored = json.loads((ROOT / "tests" / "zoo_parameters.json").read_text())
    assert stated == {name: sorted(counts.values()) for name, counts in stored.items()}


@every_page
def test_nothing_waits_to_be_filled_in(page):
    assert not re.findall(r"@[A-Z_]+@", page.read_text())


def test_the_readme_has_pictures():
    assert re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README.read_text())


@every_page
def test_links_and_pictures_lead_somewhere(page):
    found = links(page)
    assert found
    for path, anchor in found:
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{path} of {page}"
        assert not anchor or anchor in anchors(target), f"#{anchor} of {page}"


def test_advice_rests_on_figures_that_are_written_elsewhere():
    text = re.sub(r"`[^`]*`", "", prose(ROOT / "docs" / "choosing.md"))
    # Fractions, and numbers in thousands: what is measured or counted.
    figures = set(re.findall(r"\b\d+(?:,\d{3})+\b|\b\d+\.\d+\b", text))
    assert len(figures) > 30
    known = (ROOT / "docs" / "benchmarks.md").read_text()
    assert {
        f for f in figures if not re.search(rf"(?<![\d.,]){re.escape(f)}(?!\d)", known)
    } == set()
