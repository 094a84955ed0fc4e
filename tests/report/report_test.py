import base64
import html.parser
import io
import json

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import kgan
from kgan.app import cli
from kgan.report import embedding

# A page is made of files: what computed them is out of sight.
pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)

HISTORY = """epoch,generator_loss,discriminator_loss,loss,val_frechet_distance,val_recall
0,0.7,1.4,2.1,40.5,0.1
1,0.8,1.2,2.0,7.25,0.5
2,0.9,1.1,2.0,9.5,0.4
"""


class Reader(html.parser.HTMLParser):
    """What a browser would find in a page."""

    VOID = {"meta", "img", "link", "br", "path", "use", "rect", "input"}

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text, self.images, self.addresses = [], [], [], [], []
        self.rows, self.panels = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.addresses += [attributes[n] for n in ("src", "href", "xlink:href") if n in attributes]
        if tag == "img":
            self.images.append((attributes["alt"], attributes))
        if tag == "tr":
            self.rows.append([])
        if tag == "svg":
            self.panels.append(attributes["aria-label"])

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "svg"):
            self.text.append(data)
        if self.open and self.open[-1] in ("th", "td", "small"):
            self.rows[-1].append(data)


def report_of(folder, **options):
    reader = Reader(kgan.report.write(folder, **options).read_text(encoding="utf-8"))
    assert reader.open == []
    # Nothing is fetched: all addresses are data, or places in the page.
    assert all(address.startswith(("data:image/", "#")) for address in reader.addresses)
    assert not {"script", "link", "iframe", "object"} & set(reader.tags)
    return reader


def save(path, size=(8, 8), value=None, frames=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    pictures = [
        Image.fromarray(
            random.integers(0, 256, size, dtype="uint8")
            if value is None
            else np.full(size, value + 20 * frame, "uint8")
        )
        for frame in range(frames)
    ]
    more = {"save_all": True, "append_images": pictures[1:], "duration": 40} if frames > 1 else {}
    pictures[0].save(path, **more)


def decoded(attributes):
    kind, _, content = attributes["src"].partition(";base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(content)))
    assert kind == f"data:image/{picture.format.lower()}"
    assert (int(attributes["width"]), int(attributes["height"])) == picture.size
    return picture


@pytest.fixture
def run(tmp_path):
    """The folder of a run with all that a run can leave."""
    folder = tmp_path / "run <1>"
    for epoch in range(1, 11):
        save(folder / "samples" / f"epoch_{epoch:04d}.png", value=10 * epoch)
    save(folder / "samples" / "training.gif", value=10, frames=3)
    save(folder / "between_noises.png", value=7)
    save(folder / "real.png", value=3)
    (folder / "history.csv").write_text(HISTORY)
    record = {
        "settings": {"model": "dcgan", "data": "a/<b>&", "size": None, "options": {"width": 16}},
        "examples": 1437,
        "sample_shape": [8, 8, 1],
        "versions": {"keras": "3.15.1", "started": "2026-11-21T16:59:45+00:00"},
        "metrics": {"val_recall": {"mode": "min", "protocol": "of 100 & more"}},
    }
    (folder / "run.json").write_text(json.dumps(record))
    health = {
        "figures": [
            {"epoch": 1, "batch": 5, "diversity": 0.2, "energy": 0.5, "generator_loss": 99.0},
            {"epoch": 3, "batch": 15, "diversity": 0.9, "energy": 0.25, "generator_loss": 99.0},
        ],
        "of_real": {"energy": 0.002, "val_frechet_distance": 0.625},
        "diagnoses": [
            {"name": "mode collapse", "epoch": 2, "message": "all <one>", "advice": "use pacgan"}
        ],
    }
    (folder / "health.json").write_text(json.dumps(health))
    best = {
        "metric": "val_frechet_distance",
        "mode": "min",
        "best": {"epoch": 2, "value": 7.25},
        "last": {"epoch": 3, "value": 9.5},
    }
    (folder / "best.json").write_text(json.dumps(best))
    return folder


def test_a_report_shows_all_that_a_run_left(run):
    page = report_of(run)
    text = " ".join(page.text)
    assert "dcgan on <b>&" in text and "1437 samples of 8x8x1" in text
    assert "21 November 2026, 16:59" in text and "3 epochs" in text
    assert "7.25 at epoch 2; the last, of epoch 3, has 9.5" in text
    assert "Mode collapse, from epoch 2" in text and "All <one>." in text and "use pacgan" in text
    assert "recall : of 100 & more." in text.replace("recall:", "recall :")
    assert page.panels == [
        "losses",
        "frechet distance",
        "recall",
        "distance to real samples",
        "samples beside real ones",
    ]
    rows = {row[0]: row[1:] for row in page.rows}
    assert rows["frechet distance ↓"][0].startswith("Lower is better. How far")
    assert rows["frechet distance ↓"][1:] == ["40.5", "7.25", "epoch 2", "9.5", "0.625"]
    # Beside its value for real data.
    assert rows["energy ↓"][1:] == ["0.5", "0.25", "epoch 3", "0.25", "0.002"]
    # The run says itself that less is better, whatever the name.
    assert rows["recall ↓"][1:] == ["0.1", "0.1", "epoch 1", "0.4"]
    assert rows["generator loss"][1:] == ["0.7", "0.9"]
    # Smudges may be good under it: no row, and its curve is folded in.
    assert "diversity" not in rows and "details" in page.tags
    assert "smudges and noise may be good" in text
    for row in (["option width", "16"], ["keras", "3.15.1"], ["model", "dcgan"]):
        assert row in page.rows
    assert not any(row[0] in ("loss", "size") for row in page.rows)


def test_pictures_are_inside_the_page(run):
    page = report_of(run)
    shown = {caption: decoded(attributes) for caption, attributes in page.images}
    assert list(shown) == [
        "Real samples",
        "Epoch 10, the last",
        "Epochs 1 to 10",
        "Epoch 1",
        "Epoch 2",
        "Epoch 5",
        "between noises",
    ]
    assert np.asarray(shown["Epoch 10, the last"])[0, 0] == 100
    assert np.asarray(shown["Real samples"])[0, 0] == 3
    assert np.asarray(shown["Epoch 2"])[0, 0] == 20 and shown["Epochs 1 to 10"].n_frames == 3
    assert np.asarray(shown["between noises"])[0, 0] == 7


def test_the_same_run_gives_the_same_page_and_its_own_is_not_shown(run):
    first = kgan.report.write(run)
    kept = first.read_bytes()
    assert first == run / "report.html" and kgan.report.write(run).read_bytes() == kept
    elsewhere = kgan.report.write(run, run.parent / "new" / "page.html")
    assert elsewhere.read_bytes() == kept


def test_curves_take_the_colours_of_the_page(run):
    page = kgan.report.write(run).read_text()
    assert "prefers-color-scheme: dark" in page
    drawings = page.split("<svg")[1:]
    for drawing in drawings:
        drawing = drawing.partition("</svg>")[0]
        assert "var(--ink)" in drawing and "var(--line-1)" in drawing
        assert "#0102" not in drawing
    assert "var(--line-2)" in drawings[0]


@pytest.mark.parametrize("missing", ["samples", "history.csv", "run.json", "health.json"])
def test_what_is_missing_is_left_out(run, missing):
    path = run / missing
    if path.is_dir():
        path = path.rename(run.parent / "gone")
    else:
        path.unlink()
    page = report_of(run)
    text = " ".join(page.text)
    assert ("Epoch 10, the last" in text) == (missing != "samples")
    assert ("frechet distance" in page.panels) == (missing != "history.csv")
    assert ("samples beside real ones" in page.panels) == (missing != "health.json")
    assert ("Mode collapse, from epoch 2" in text) == (missing != "health.json")
    assert ("keras" in text) == (missing != "run.json")
    assert ("run <1>" in page.text) == (missing == "run.json")


def test_a_folder_of_one_s_own_training_will_do(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n0,1.5\n")
    save(tmp_path / "look.jpg", value=50)
    page = report_of(tmp_path)
    assert page.panels == ["losses"] and ["loss", "1.5", "1.5"] in page.rows
    assert ["figure", "first", "last"] in page.rows  # nothing has a best
    assert [caption for caption, _ in page.images] == ["look"]


def test_a_healthy_run_is_called_healthy(run):
    (run / "health.json").write_text('{"figures": [], "diagnoses": []}')
    assert "No failure mode was found." in report_of(run).text


def test_a_run_too_short_to_tell_is_not_called_healthy(run):
    health = {"warm_up": 500, "figures": [{"epoch": 3, "batch": 300}], "diagnoses": []}
    for batch, is_early in ((300, True), (500, False)):
        health["figures"][0]["batch"] = batch
        (run / "health.json").write_text(json.dumps(health))
        text = " ".join(report_of(run).text)
        assert ("from batch 500 on. This run has 300." in text) == is_early
        assert ("No failure mode was found." in text) != is_early


def test_a_metric_that_the_table_of_epochs_lacks_is_taken_from_health(run):
    (run / "history.csv").write_text("epoch,generator_loss\n0,0.7\n1,0.8\n2,0.9\n")
    rows = [{"epoch": 2, "batch": 10, "val_frechet_distance": 7.25}]
    (run / "health.json").write_text(json.dumps({"held_out": rows, "diagnoses": []}))
    page = report_of(run)
    assert page.panels == ["losses", "frechet distance"]
    assert any(row[:1] == ["frechet distance ↓"] and "7.25" in row for row in page.rows)


def test_one_figure_of_held_out_and_of_training_data_has_two_names(run):
    (run / "history.csv").write_text("epoch,val_coverage,coverage\n0,0.1,0.2\n1,0.3,0.4\n")
    titles = [row[0] for row in report_of(run).rows]
    assert "coverage ↑" in titles and "coverage (training data) ↑" in titles


def test_a_run_that_has_not_begun_to_log(run):
    (run / "history.csv").write_text("")
    (run / "health.json").unlink()
    assert "losses" not in report_of(run).panels


def test_large_pictures_are_made_smaller(run):
    save(run / "noise.png", (1000, 1500))
    save(run / "flat.png", (3000, 30), value=9)
    images = dict(report_of(run).images)
    noise, flat = decoded(images["noise"]), decoded(images["flat"])
    assert noise.size == (1400, 933) and noise.format == "JPEG"
    assert flat.size == (14, 1400) and flat.format == "PNG"
    assert (np.asarray(flat) == 9).all()


def test_long_films_are_made_smaller(run, monkeypatch):
    monkeypatch.setattr(embedding, "_MOST_FILM_BYTES", 30_000)
    save(run / "film.gif", (320, 300), value=0, frames=9)
    save(run / "noise.gif", (430, 430), frames=60)
    images = dict(report_of(run).images)
    film, noise = decoded(images["film"]), decoded(images["noise"])
    assert film.n_frames == 9 and film.size == (300, 320)  # small as it is
    assert noise.n_frames == 30 and noise.size == (100, 100)
    noise.seek(3)
    assert noise.info["duration"] == 80


def test_a_damaged_picture_is_named_and_the_rest_is_shown(run):
    save(run / "a&b.png", (30, 30))
    (run / "a&b.png").write_bytes((run / "a&b.png").read_bytes()[:500])
    (run / "c.png").write_text("no picture")
    page = report_of(run)
    text = " ".join(page.text)
    assert "a&b.png can't be read" in text and "c.png can't be read" in text
    assert "between noises" in dict(page.images)


def test_a_picture_that_is_too_large_to_open_and_rows_that_are_damaged_are_named(run, monkeypatch):
    save(run / "bomb.png", (60, 60))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    (run / "history.csv").write_text(HISTORY + "epoch,loss\nx,1,1,1,1,1\n")
    with pytest.warns(UserWarning, match="history.csv is damaged: no rows are in lines 5, 6"):
        text = " ".join(report_of(run).text)
    assert "bomb.png can't be read: DecompressionBombError" in text
    (run / "history.csv").write_bytes(b"\x00\x01")
    with pytest.warns(UserWarning, match="history.csv can't be read, and is left out"):
        assert "history.csv can't be read" in " ".join(report_of(run).text)


def test_many_pictures_are_counted_and_hidden_ones_left_alone(run):
    for number in range(14):
        save(run / "more" / f"picture_{number}.png", value=number)
    save(run / ".partial.png", value=1)
    page = report_of(run)
    assert "3 more lie in the folder." in page.text  # 14 and one, less the 12 that are shown
    assert not any("partial" in caption for caption, _ in page.images)


@pytest.mark.parametrize("name", ["run.json", "health.json", "best.json"])
@pytest.mark.parametrize("content", ["{", "[1]"])
def test_damaged_files_are_named(run, name, content):
    (run / name).write_text(content)
    with pytest.warns(UserWarning, match=f"{name} is damaged"):
        page = report_of(run)
    assert any(f"{name} is damaged, and left out here" in text for text in page.text)
    assert "between noises" in dict(page.images)
    assert (run / name).read_text() == content


def test_folders_that_hold_no_run(tmp_path):
    save(tmp_path / "photo.png", value=3)
    with pytest.raises(ValueError, match="holds no run.*photo.png"):
        kgan.report.write(tmp_path)
    with pytest.raises(FileNotFoundError, match="is no folder"):
        kgan.report.write(tmp_path / "photo.png")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_the_command(run, tmp_path):
    done = CliRunner().invoke(cli.app, ["report", str(run), "--out", str(tmp_path / "r.html")])
    assert done.exit_code == 0 and str(tmp_path / "r.html") in done.output
    assert (tmp_path / "r.html").read_bytes() == kgan.report.write(run).read_bytes()
    done = CliRunner().invoke(cli.app, ["report", str(tmp_path)])
    assert done.exit_code == 1 and done.stderr.startswith("Error: The folder holds no run")
