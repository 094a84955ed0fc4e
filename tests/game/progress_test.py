"""The progress of `fit`: one line per epoch, at most as wide as the terminal."""

import io
import itertools
import os
import shutil
import sys

import keras
import pytest
from standard import load_tiny

import kgan
from kgan import zoo
from kgan.game import progress
from kgan.game.progress import Progress, fitted

POINTS = kgan.data.ring(64, seed=0)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def at_width(monkeypatch, columns):
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *a: os.terminal_size((columns, 40)))


def model_of():
    model = kgan.GAN(
        kgan.networks.mlp.generator((2,), 4, units=(8,)),
        kgan.networks.mlp.discriminator((2,), units=(8,)),
        seed=0,
    )
    model.compile(optimizer="adam", metrics=[kgan.metrics.FrechetDistance()])
    return model


class Players:
    """As much of a model as the line asks for."""

    def __init__(self, players):
        self.players = players


@pytest.mark.parametrize("name", zoo.list_models())
def test_the_line_of_every_model_fits(name, monkeypatch):
    model = load_tiny(name)
    logs = {"loss": -12345.678901}
    for player, row in model.players.items():
        for term in ("loss", *row.terms):
            logs |= {f"{player}_{term}": -12345.678901, f"val_{player}_{term}": 1.2345e-7}
        logs[f"{player}_gradient_norm"] = 1234.5
    figures = ("diversity", "coverage", "precision", "energy", "nearness", "accuracy_real")
    logs |= dict.fromkeys((*figures, "val_frechet_distance"), 123.45678)
    clock = itertools.count()
    monkeypatch.setattr(progress.time, "perf_counter", lambda: 0.01 * 998 * next(clock))
    for columns, epoch in itertools.product((100, 60, 40), (0, 999)):
        at_width(monkeypatch, columns)
        line = Progress("images", 64, ["val_frechet_distance"], live=False)
        line.set_model(model)
        line.set_params({"epochs": 1000, "steps": 1000})
        line.on_epoch_begin(epoch)
        line.on_train_batch_end(0, logs)
        line.on_train_batch_end(998, logs)
        shown = line.line(logs)
        assert len(shown) < columns and "\n" not in shown
        assert shown.startswith(f"Epoch {epoch + 1}/1000")
        assert "adversarial" not in shown and " loss" not in shown
        if columns == 100:
            assert " left" in shown and "/s  " in shown
            assert shown.count(line_number := progress.number(-12345.678901)) == len(model.players)
            assert line_number == "-12,346"


def fit(monkeypatch, out, **options):
    model = model_of()
    monkeypatch.setattr(sys, "stdout", out)
    model.fit(POINTS, batch_size=8, epochs=3, validation_data=POINTS, **options)
    model.evaluate(POINTS, verbose=options.get("verbose", 1))
    return model, out.getvalue()


def drawn(text):
    """What a terminal shows of a text in the end, and the widest that a line ever was."""
    lines, widest = [], 0
    for line in text.split("\n"):
        screen = ""
        for part in line.replace("\x1b[A", "").split("\r"):
            widest = max(widest, len(part.rstrip()))
            screen = part + screen[len(part) :]
        lines.append(screen.rstrip())
    return [line for line in lines if line], widest


def test_a_terminal_shows_one_line_per_epoch(monkeypatch):
    at_width(monkeypatch, 100)

    class Printing(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            print(f"A line of {epoch}")

    model, text = fit(monkeypatch, Terminal(), callbacks=[Printing()])
    lines, widest = drawn(text)
    assert widest < 100
    assert [line.split("  ")[0] for line in lines] == [
        *("A line of 0", "Epoch 1/3", "A line of 1", "Epoch 2/3", "A line of 2", "Epoch 3/3"),
        "Evaluated",
    ]
    assert all("val_frechet_distance" in line for line in lines[1::2])
    assert "discriminator_adversarial" in model.history.history


def test_what_is_no_terminal_gets_plain_lines(monkeypatch):
    _, text = fit(monkeypatch, io.StringIO())
    assert "\r" not in text and len(text.splitlines()) == 4
    assert [line.split("  ")[0] for line in text.splitlines()][2:] == ["Epoch 3/3", "Evaluated"]


def test_verbose_two_and_zero(monkeypatch):
    assert "\r" not in fit(monkeypatch, Terminal(), verbose=2)[1]
    assert fit(monkeypatch, Terminal(), verbose=0)[1] == ""


def test_names_are_shortened_before_anything_is_left_out(monkeypatch):
    at_width(monkeypatch, 100)
    row = kgan.Player(("a",), ("b",))
    names = ("generator_of_horses", "generator_of_zebras", "discriminator", "dreamer")
    logs = {f"{name}_loss": 0.5 for name in names}
    line = fitted("Epoch 1/2", 0.5, Players(dict.fromkeys(names, row)), logs, tail=["1:00 left"])
    assert "generator_of_h 0.5  generator_of_z 0.5  dis 0.5  dre 0.5" in line


def test_keras_own_bar_is_kept_where_it_is_asked_for(monkeypatch):
    text = fit(monkeypatch, Terminal(), callbacks=[keras.callbacks.ProgbarLogger()])[1]
    assert "8/8" in text and "left" not in text.splitlines()[0]
