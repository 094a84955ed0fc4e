import inspect

import keras
import numpy as np
import pytest

import kgan
from kgan.pictures import plot_history
from kgan.pictures.history import best_epoch, kind_of, mode_of, panels, read_history, short, words

# Of numbers alone, once they are logged.
pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="one backend is enough"
)

GAME = {
    "discriminator_loss": [1.0, 0.8, 0.7],
    "discriminator_adversarial": [0.9, 0.7, 0.6],
    "discriminator_gradient_penalty": [0.1, 0.1, 0.1],
    "generator_loss": [0.7, 0.9, 1.1],
    "generator_adversarial": [0.7, 0.9, 1.1],
    "loss": [1.7, 1.7, 1.8],
    "val_generator_loss": [0.8, 1.0, 1.2],
    "val_generator_adversarial": [0.8, 1.0, 1.2],
    "val_frechet_distance": [9.0, 4.0, 6.0],
    "val_inception_score": [1.0, 3.0, 5.0],
    "accuracy_real": [0.5, 0.6, 0.7],
    "accuracy_fake": [0.5, 0.7, 0.8],
    "generator_gradient_norm": [3.0, 2.0, 1.0],
    "temperature": [1.0, 1.0, 2.0],
}


def test_columns_are_sorted_into_panels():
    found = panels(read_history(GAME))
    assert [(panel.title, list(panel.lines), panel.mode) for panel in found] == [
        (
            "losses",
            ["discriminator loss", "generator loss", "generator loss (validation)"],
            None,
        ),
        ("frechet distance", ["frechet distance"], "min"),
        ("inception score", ["inception score"], "max"),
        ("accuracy of the discriminator", ["accuracy real", "accuracy fake"], None),
        ("gradient norms", ["generator gradient norm"], None),
        ("temperature", ["temperature"], None),
        ("terms of the discriminator", ["adversarial", "gradient penalty"], None),
    ]
    named = panels(read_history(GAME), {"temperature": "max", "val_frechet_distance": "max"})
    assert {panel.title: panel.mode for panel in named if panel.mode} == {
        "frechet distance": "max",
        "inception score": "max",
        "temperature": "max",
    }


def test_a_plain_keras_history_has_its_metric_beside_training_s_own():
    history = {"loss": [2, 1], "val_loss": [3, 2], "accuracy": [0.1, 0.2], "val_accuracy": [0, 1]}
    found = panels(read_history(history))
    assert [panel.title for panel in found] == ["losses", "accuracy"]
    assert list(found[1].lines) == ["accuracy (validation)", "accuracy"]
    assert found[1].mode == "max" and list(found[0].lines) == ["loss", "loss (validation)"]


def test_a_figure_of_health_is_not_the_metric_of_the_same_name():
    both = {"val_precision": [0.5, 0.6], "precision": [0.9, 0.8]}
    watched = {**both, "nearness": [1.0, 1.1]}
    modes = {"precision": "max"}  # as a model says that was compiled with the metric
    found = panels(read_history(watched), modes)
    near = "distance to training data, over theirs"
    assert [panel.title for panel in found] == ["precision", "samples beside real ones", near]
    assert list(found[0].lines) == ["precision"] and found[0].lines["precision"].tolist() == [
        0.5,
        0.6,
    ]
    assert found[0].mode == "max" and found[1].mode is None
    # Nearness may be in the hundreds, where shares would be a flat line.
    assert list(found[1].lines) == ["precision"] and list(found[2].lines) == ["nearness"]
    # Where Health did not watch, it is training's own figure.
    (alone,) = panels(read_history(both), modes)
    assert list(alone.lines) == ["precision (validation)", "precision"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("val_generator_loss", "loss"),
        ("discriminator_gradient_penalty", "term"),
        ("generator_gradient_norm", "figure"),
        ("val_frechet_distance", "metric"),
        ("learning_rate", "rate"),
        ("temperature", "figure"),
    ],
)
def test_kinds(name, kind):
    assert kind_of(name, [*GAME, "learning_rate"]) == kind


@pytest.mark.parametrize("name", ["val_frechet_distance", "ms_ssim", "val_reverse_kl", "energy"])
def test_less_is_better(name):
    assert mode_of(name) == "min"


@pytest.mark.parametrize("name", ["val_inception_score", "psnr", "x_recall", "ssim", "val_modes"])
def test_more_is_better(name):
    assert mode_of(name) == "max"


def test_every_metric_goes_the_way_that_its_class_says():
    metrics = [getattr(kgan.metrics, name) for name in dir(kgan.metrics)]
    found = 0
    for metric in metrics:
        if not (isinstance(metric, type) and issubclass(metric, kgan.metrics.SampleMetric)):
            continue
        modes = getattr(metric, "mode", None)
        if metric is kgan.metrics.SampleMetric or modes is None:
            continue
        if not isinstance(modes, dict):
            modes = {inspect.signature(metric).parameters["name"].default: modes}
        for name, mode in modes.items():
            assert mode_of(f"val_{name}") == mode, name
            found += 1
    assert found >= 10


def test_best_epoch():
    assert best_epoch([3.0, np.nan, 1.0, 1.0, np.inf], "min") == 2
    assert best_epoch([3.0, np.nan, 1.0, np.inf, 3.0], "max") == 0
    assert best_epoch([np.nan], "max") is None


def test_short_numbers_and_words():
    assert [short(n) for n in (3, 0.0, 1234567.0, 0.123456, 1e-9)] == [
        "3",
        "0",
        "1.235e+06",
        "0.1235",
        "1e-09",
    ]
    assert words("val_generator_loss") == "generator loss (validation)"


def test_a_history_is_read_from_fit_and_from_the_file_that_keras_writes(tmp_path):
    model = kgan.zoo.load("vanilla", like=(2,))
    points = kgan.data.ring(64, seed=0)
    logger = keras.callbacks.CSVLogger(tmp_path / "history.csv")
    done = model.fit(points, epochs=3, initial_epoch=1, verbose=0, callbacks=[logger])
    for source in (done, tmp_path, tmp_path / "history.csv", str(tmp_path)):
        history = read_history(source)
        assert history.epochs.tolist() == [2, 3]
        # Keras writes columns of validation with "NA" where there is none.
        assert not any(name.startswith("val_") for name in history.columns)
        np.testing.assert_allclose(history.columns["loss"], done.history["loss"], rtol=1e-5)
    assert read_history(done.history).epochs.tolist() == [1, 2]


def test_gaps_and_cut_off_rows_of_a_file_are_left_out(tmp_path):
    text = "epoch,loss,val_fid\n0,1,NA\n1,0.5,7.5\n2,0.4,NA\n3,0."
    (tmp_path / "history.csv").write_text(text)
    history = read_history(tmp_path)
    assert history.epochs.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(history.columns["val_fid"], [np.nan, 7.5, np.nan])
    assert plot_history(tmp_path).ndim == 3


@pytest.mark.parametrize("text", ["", "epoch,loss\n", "loss\n1\n", "epoch,loss\nx,1\n", "epoch\n1"])
def test_files_that_are_no_history(tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(ValueError, match="history.csv"):
        plot_history(tmp_path)


def test_what_is_no_history_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match="CSVLogger"):
        plot_history(tmp_path)
    with pytest.raises(ValueError, match="nothing logged"):
        plot_history({})
    with pytest.raises(ValueError, match="Received: int"):
        plot_history(3)
    with pytest.raises(ValueError, match="validation_freq"):
        plot_history({"loss": [1.0, 2.0], "val_loss": [1.0]})
    with pytest.raises(ValueError, match="modes={'loss': 'best'}"):
        plot_history({"loss": [1.0]}, modes={"loss": "best"})


def test_the_plot_is_one_page_and_shows_the_best_epoch():
    picture = plot_history(GAME)
    assert picture.dtype == np.uint8 and picture.shape == (3 * 319, 3 * 484, 3)
    assert plot_history({"loss": [1.0], "lr": [1.0]}, columns=1).shape == (2 * 319, 484, 3)

    def panel_of(values):
        return plot_history({"val_fid": values})

    # What is best is marked, and said above.
    first, last = panel_of([1.0, 2.0, 3.0]), panel_of([3.0, 2.0, 1.0])
    assert (first[:25] != last[:25]).any()


@pytest.mark.parametrize(
    ("history", "scale"),
    [
        ({"a_loss": [1.0, 0.9], "b_loss": [80.0, 60.0]}, "log"),
        ({"a_loss": [1.0, 0.9], "b_loss": [-80.0, 60.0]}, "linear"),
        ({"a_loss": [1.0, 0.9], "b_loss": [2.0, 3.0]}, "linear"),
        ({"a_loss": [900.0, 1.0, 0.9]}, "log"),
        ({"a_loss": [np.nan, np.nan], "b_loss": [1.0, np.inf]}, "linear"),
    ],
)
def test_orders_of_magnitude_get_a_logarithmic_axis(history, scale):
    from matplotlib.figure import Figure

    from kgan.pictures.history import draw_panel

    read = read_history(history)
    axes = Figure().subplots()
    draw_panel(axes, read.epochs, panels(read)[0])
    assert axes.get_yscale() == scale


def test_a_model_says_which_way_its_metrics_are_better(monkeypatch):
    from kgan.pictures import history as module

    class Metrics:
        directions = {"frechet_distance": "max", "inception_score": "min"}

    class Model:
        sample_metrics = Metrics()

    done = keras.callbacks.History()
    done.history, done.epoch = GAME, [0, 1, 2]
    done.set_model(Model())
    drawn = []
    monkeypatch.setattr(module, "draw_panel", lambda axes, epochs, panel: drawn.append(panel))
    plot_history(done, modes={"inception_score": "max"})
    modes = {panel.title: panel.mode for panel in drawn if panel.mode}
    assert modes == {"frechet distance": "max", "inception score": "max"}
