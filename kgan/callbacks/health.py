"""The callback that watches a game: which player is ahead, lost modes, copied data."""

import json
import math
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from kgan import drawing
from kgan.callbacks import measurements
from kgan.callbacks.cosmetic import Cosmetic
from kgan.callbacks.failure_modes import FAILURE_MODES
from kgan.data.checks import check
from kgan.data.fields import Clips, Images
from kgan.data.inspection import first_of_equal, kind_of
from kgan.data.sampling import sample_data
from kgan.metrics.extractors import Extractor
from kgan.utils.arguments import check_count
from kgan.utils.damaged import check_rows, keep_aside, read_object
from kgan.utils.files import atomic_write
from kgan.utils.hints import Data, Features, FilePath, Logs

# Samples for what takes most of the time of a look: logits and gradients, which want a batch as
# the game has it, and the search for neighbours among 10,000, whose median so many will do for.
_BATCH_SIZE = 64
_MOST_NUMBERS = 2**26  # of the reference: a quarter of a gigabyte
# In the file and not in the logs: where the row stands, and what says nothing of quality.
_NOT_SHOWN = ("epoch", "batch", *measurements.FOR_DIAGNOSES)


class Health(Cosmetic):
    """Watches which player is ahead, whether modes are lost, and whether data is copied.

    Use this in every run: a GAN's losses do not tell. After each epoch it puts figures beside the
    losses in the logs, so in the progress bar, the history, `CSVLogger` and TensorBoard. When a
    failure mode begins to hold it prints, once in a run, its name, what was seen and what helps.
    Training on arrays is exactly what it would be without it. A dataset is read once more before
    the first step, which moves the order of one that shuffles: with `real=` it is left alone.

    The figures of samples: `energy`, the distance of the two batches, from 0 to 1; and `coverage`,
    the share of real samples near a generated one. Of the game: `accuracy_real` and
    `accuracy_fake`, the discriminator's; `<player>_gradient_norm`; and `jensen_shannon`, a lower
    bound in nats, where the loss has one. Blind spots: 256 samples show no small difference, and of
    what the extractor does not see, such as whether an object makes sense, nothing is said.

    Three more are for the diagnoses, and stay in `figures` and `health.json`, since smudges and
    noise are good under them: `diversity`, the mean distance of two generated samples over that of
    two real ones; `precision`, the share of generated samples near a real one; and `nearness`, the
    distance of generated samples to their nearest training sample over that among training
    samples, 0 for copies.

    Failure modes: divergence, mode collapse, discriminator too strong, discriminator too weak and
    memorisation. A first look before the first step finds what a model of your own lacks.

    Reference: the figures' own, in order: Goodfellow et al. 2014 (theorem 1, Jensen-Shannon),
    Naeem et al. 2020 (coverage), Kynkaanniemi et al. 2019 (precision), Szekely and Rizzo 2013
    (energy).

    Args:
        real: array of real samples for a model of one field, or a tuple `(x, y)` for one of two.
            Defaults to `None`: what `fit` is given.
        folder: path of a folder for `health.json`, all figures and diagnoses of the run, and the
            held-out figures, which `CSVLogger` drops where `validation_freq` is above 1. Defaults
            to `None`.
        extractor: as for `kgan.metrics.Extractor`: distances are taken between its features.
            Defaults to `"auto"`: images and clips are compared by `"image_features"`, which ships
            with kgan, and all else as it is.
        num_samples: integer of at least 16, samples per look. The discriminator is given 64 of
            them, and as many are compared with the training data. Defaults to 256.
        num_reference: integer, training samples to look for copies among. Defaults to 10,000.
        every: integer. Looks on every `every`-th epoch. Defaults to 1.
        warm_up: integer, batches before failure modes are named, divergence aside: every game
            begins with poor samples. Defaults to 500.
        patience: integer, looks in a row at which a failure mode must hold. Defaults to 2.
        print_fn: function that is called with each diagnosis, a string. Defaults to `print`.

    Raises:
        TypeError, ValueError: when an argument is of the wrong type or out of range.

    Example:

    ```python
    import kgan

    points = kgan.data.ring(512, seed=0)
    model = kgan.zoo.load("vanilla", like=points)
    health = kgan.callbacks.Health()
    history = model.fit(points, epochs=2, callbacks=[health], verbose=0)
    print(history.history["energy"], health.diagnoses)
    ```
    """

    def __init__(
        self,
        real: Data = None,
        folder: FilePath | None = None,
        extractor: Features = "auto",
        num_samples: int = 256,
        num_reference: int = 10_000,
        every: int = 1,
        warm_up: int = 500,
        patience: int = 2,
        print_fn: Callable[[str], Any] = print,
    ) -> None:
        super().__init__()
        self.real = real
        self.folder = None if folder is None else pathlib.Path(folder)
        self.extractor = Extractor.get(extractor)
        self.num_samples = check_count("num_samples", num_samples, minimum=16)
        self.num_reference = check_count("num_reference", num_reference)
        self.every = check_count("every", every)
        self.warm_up = check_count("warm_up", warm_up, minimum=0)
        self.patience = check_count("patience", patience)
        self.print_fn = print_fn
        self.figures, self.diagnoses, self.held_out = [], [], []
        self._offered = None

    def take_data(self, data: Data) -> None:
        """What `fit` was given: called by `fit`, before the first step."""
        self._offered = data

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Takes the real samples that it compares with, and what an earlier call found."""
        name = self.model.answers.imitation
        if name is None:
            raise ValueError(
                "Health compares a model's samples with real ones, and no endpoint of this model "
                "says which field it imitates. Declare one with kgan.Endpoint(..., imitates=), or "
                f"leave Health out. Received: a model of the class {type(self.model).__name__}"
            )
        self._endpoint = self.model.endpoints[name]
        imitated = self.model.imitated_field
        source = self.extractor.source
        self._are_pictures = isinstance(self.model.fields[imitated], Images | Clips)
        if source == "auto":
            # The field knows what its samples are; of arrays, `"auto"` only guesses.
            source = "image_features" if self._are_pictures else None
        given = source is self.extractor.source
        self._extract = source and (self.extractor if given else Extractor(source))
        fields = self._sample()
        # Copies, so that a small part does not keep all the rest in memory.
        self._batch = tuple(field[: self.num_samples].copy() for field in fields)
        # Data that is repeated within an epoch would be its own nearest neighbour.
        reference = _without_repeats(self._features(fields[imitated]))
        self._nearness = measurements.Nearness(reference, self.num_samples)
        self._real = _without_repeats(self._features(self._batch[imitated]))
        # What the figures of samples are between real samples: how good they can be.
        other = reference[self.num_samples : 2 * self.num_samples]
        half = len(reference) // 2
        pair = (self._real, other) if len(other) == self.num_samples else None
        pair = pair or (reference[:half], reference[half:])
        self.of_real = {}
        if half >= 16:
            found = measurements.spread(*pair)
            self.of_real = {n: found[n] for n in found if n not in measurements.FOR_DIAGNOSES}
        self._held = {failure.name: 0 for failure in FAILURE_MODES}
        self._first = None
        self._rehearse()
        if self.folder is not None:
            self.model.sample_metrics.compares_real = True  # to write it beside Health's own
            # Now, because other callbacks write into it as well.
            self.folder.mkdir(parents=True, exist_ok=True)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Restores what earlier calls found, up to where the model stands."""
        # Not before training: a callback that restores the model may come after this one.
        if self._first is None:
            self._recall()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Looks, puts the figures into the logs, and names what begins to hold."""
        logs = {} if logs is None else logs
        self._first = epoch if self._first is None else self._first
        held_out = {name: float(logs[name]) for name in logs if name.startswith("val_")}
        if held_out:
            place = {"epoch": epoch + 1, "batch": self.model.batches_seen}
            others = [row for row in self.held_out if row["batch"] != place["batch"]]
            self.held_out = [*others, {**place, **held_out}]
        if (epoch - self._first) % self.every == 0:
            self._look(epoch, logs)
        latest = self.figures[-1]
        logs.update({name: latest[name] for name in latest if name not in _NOT_SHOWN})

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Says it where a run was too short for a diagnosis."""
        batch = self.figures[-1]["batch"] if self.figures else 0
        if self._first is not None and batch < self.warm_up and not self.diagnoses:
            self.print_fn(
                "Health: too early to tell. Divergence was not seen, and other failure modes are "
                f"named from batch {self.warm_up} on; this run has {batch}."
            )

    def _rehearse(self):
        """Looks once and keeps nothing: what a model lacks is found before it has trained."""
        try:
            self._measure()
        except Exception as error:
            raise ValueError(
                "Health can't look at this model, which was found before the first step. It calls "
                "sample_like, training_logits and gradient_norms, reads adversarial_loss, a "
                "kgan.losses.AdversarialLoss or None, and calls the extractor: mend what is named "
                "below, or leave Health out. Received: a model of the class "
                f"{type(self.model).__name__}, and {type(error).__name__}: {error}"
            ) from error

    def _look(self, epoch, logs):
        place = {"epoch": epoch + 1, "batch": self.model.batches_seen}
        measured = self._measure()
        # A resumed run may look again where a killed one already had.
        self.figures = [row for row in self.figures if row["batch"] != place["batch"]]
        self.figures.append({**place, **measured})
        # The logs keep the losses, so the file need not.
        losses = {name: float(value) for name, value in logs.items() if name.endswith("_loss")}
        loss = self.model.adversarial_loss
        facts = {
            "has_threshold": loss is not None and loss.threshold is not None,
            "answers_inputs": self._endpoint.noise is None,
        }
        history = [*self.figures[:-1], {**measured, **losses, **facts}]
        named = [diagnosis["name"] for diagnosis in self.diagnoses]
        for failure in FAILURE_MODES:
            is_early = place["batch"] < self.warm_up and not failure.from_the_start
            # It may begin to hold in the warm-up, and is named after it.
            message = failure.holds(history)
            self._held[failure.name] = self._held[failure.name] + 1 if message else 0
            needed = 1 if failure.from_the_start else self.patience
            lasts = self._held[failure.name] >= needed
            if lasts and not is_early and failure.name not in named:
                found = {"message": message, "advice": failure.advice}
                self.diagnoses.append({"name": failure.name, **place, **found})
                self.print_fn(
                    f"\nHealth, epoch {epoch + 1}: {failure.name}: {message}. {failure.advice}"
                )
        self._write()

    def _measure(self):
        model, fields = self.model, self._batch
        # The weights that are trained, not their averages.
        with model.raw_weights():
            _, fake = model.sample_like(fields, as_made=True)
        figures = {}
        batch = tuple(field[:_BATCH_SIZE] for field in fields)
        logits = model.training_logits(batch, fake[:_BATCH_SIZE])
        if logits is not None:
            # Of a model of one's own they may be tensors.
            logits = [ops.convert_to_numpy(side).ravel() for side in logits]
            loss = model.adversarial_loss
            accuracies = measurements.accuracies(loss, *logits)
            figures["accuracy_real"], figures["accuracy_fake"] = accuracies
            divergence = measurements.jensen_shannon(loss, *logits)
            if divergence is not None:
                figures["jensen_shannon"] = divergence
        norms = model.gradient_norms(batch).items()
        figures |= {f"{player}_gradient_norm": norm for player, norm in norms}
        fake = ops.convert_to_numpy(fake)
        if self._are_pictures:
            # As `generate` gives them: a generator need not end in a bound.
            fake = np.clip(fake, -1.0, 1.0)
        if np.isfinite(fake).all():
            fake = self._features(fake)
        if not np.isfinite(fake).all():
            return {**figures, **dict.fromkeys((*measurements.SPREAD, "nearness"), math.nan)}
        figures |= measurements.spread(self._real, fake)
        return {**figures, "nearness": self._nearness(fake[:_BATCH_SIZE])}

    def _features(self, samples):
        samples = ops.convert_to_numpy(samples)
        # Not the extractor's own None, which copies, and wants images of a known range.
        if self._extract is None:
            return samples.reshape(len(samples), -1)
        return np.asarray(self._extract(samples), "float32").reshape(len(samples), -1)

    def _sample(self):
        """Real samples, as the networks take them, in a fixed random order where from arrays."""
        data = self._offered
        if self.real is not None:
            real = self.real if isinstance(self.real, tuple) else (self.real,)
            data = (
                check(self.model.fields, *real) if len(real) < 3 else check(self.model.fields, real)
            )
        imitated = self.model.imitated_field
        samples = sample_data(
            self.model.fields,
            data,
            lambda fields: self._most(fields[min(imitated, len(fields) - 1)].shape[1:]),
            seed=0,
        )
        if samples is None:
            raise ValueError(
                "Health compares with real samples, and has none: a generator, for one, gives its "
                "own only once. Pass some: kgan.callbacks.Health(real=x), or real=(x, y). "
                f"Received: data of the kind {kind_of(data)}, and real=None"
            )
        return samples

    def _most(self, shape):
        # As many samples as there is room for, and never fewer than a look takes.
        room = _MOST_NUMBERS // max(1, int(np.prod(shape)))
        return max(self.num_samples, min(self.num_reference, room))

    @property
    def _path(self):
        return None if self.folder is None else self.folder / "health.json"

    def _recall(self):
        found = {"figures": self.figures, "diagnoses": self.diagnoses, "held_out": self.held_out}
        if self._path is not None and self._path.exists() and not self.figures:
            try:
                found = _read(self._path)
            except ValueError as error:
                keep_aside(self._path, f"is damaged: {error}")
        # What is later than the model was found on another one, or before it was set back.
        clock = self.model.batches_seen
        self.figures, self.diagnoses, self.held_out = (
            [row for row in found.get(name, []) if row["batch"] <= clock]
            for name in ("figures", "diagnoses", "held_out")
        )

    def _draw_real(self):
        """Real samples, for the report to show beside generated ones."""
        path = self.folder / "real.png"
        if path.exists():
            return
        field = self.model.fields[self.model.imitated_field]
        samples = self._batch[self.model.imitated_field][: field.most_drawn]
        samples = samples if samples.dtype == "uint8" else field.from_device(samples)
        drawing.save_image(path, field.draw(samples))

    def _write(self):
        if self._path is None:
            return
        self._draw_real()
        held_out = self.model.sample_metrics.of_real
        content = {
            "warm_up": self.warm_up,
            "extractor": "samples" if self._extract is None else self._extract.words("?"),
            "of_real": {**self.of_real, **{f"val_{n}": held_out[n] for n in held_out}},
            "figures": self.figures,
            "held_out": self.held_out,
            "diagnoses": self.diagnoses,
        }
        with atomic_write(self._path) as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n")


def _read(path):
    """What an earlier call wrote, checked as far as it is gone on with."""
    found = read_object(path)
    for name in ("figures", "diagnoses", "held_out"):
        for row in check_rows(found, name):
            if name == "diagnoses" and not isinstance(row.get("name"), str):
                raise ValueError(f"a diagnosis without a name, {row}")
    return found


def _without_repeats(rows):
    first = first_of_equal(rows)
    return rows if len(first) == len(rows) else rows[first]
