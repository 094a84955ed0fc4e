"""Pictures of what a model makes: grids, scatter plots, and a film of the training."""

import math

import numpy as np

from kgan import drawing
from kgan.callbacks.frames import Frames
from kgan.data.sampling import first_samples
from kgan.latent.noise import require_generator
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data, FilePath, Scale


class SampleGrid(Frames):
    """Saves a picture of the same samples after each epoch, and a film of them all at the end.

    Use this to watch a model learn: the noise is drawn once, so each tile shows one point of the
    latent space as the generator moves. Averaged weights make the samples where there are any.
    Training is exactly what it would be without it.

    Images become a grid; points in the plane a scatter plot, coloured by label; numbers a
    histogram; longer vectors a grid of curves. Pictures are `folder/epoch_0001.png` and so on, the
    film is `folder/training.gif`, made of all of them: a resumed run continues both. Give each run
    its own folder: one that starts over removes the pictures of later epochs.

    Reference: Goodfellow et al. 2014, "Generative Adversarial Nets", figures 1 and 2, and Radford
    et al. 2016, figures 2 and 3: samples drawn at random, not chosen.

    Args:
        folder: path of the folder for the pictures. It is made when missing.
        num_samples: integer, how many samples at most. Defaults to `None`: 64 images, 1000 points
            or numbers, 16 curves. A conditional model shows a row per class and as many columns
            as this allows.
        columns: integer, images per row. Defaults to `None`: as many as make the grid square.
        every: integer. Saves a picture on every `every`-th epoch and on the last. Defaults to 1.
        seed: integer that the noise is drawn from. Defaults to 0.
        gif: boolean, whether to make the film, of at most 100 frames. Defaults to `True`.
        log_dir: path for TensorBoard, which then shows the pictures. Defaults to `None`.
        scale: integer, pixels per image pixel and side, or `"auto"` for tiles of about 64 pixels.
            Defaults to `"auto"`.
        labels: for conditional models: an integer, or one class id per sample. Defaults to
            `None`: one class per row.
        real: array of real points (n, 2) or numbers (n,) or (n, 1), drawn beneath the generated
            ones, or of images, shown to the left of them. Defaults to `None`.

    Raises:
        TypeError: when an argument is of the wrong type; from `fit`, when the model does not make
            samples from noise.
        ValueError: when an argument is out of range; from `fit`, when labels or real data do not
            fit the model.

    Example:
    ```python
    import tempfile

    import kgan

    images = kgan.data.load("digits")[:64]
    model = kgan.zoo.load("dcgan", like=images, width=8)
    pictures = kgan.callbacks.SampleGrid(tempfile.mkdtemp(), num_samples=16)
    model.fit(images, epochs=2, callbacks=[pictures], verbose=0)
    ```
    """

    def __init__(
        self,
        folder: FilePath,
        num_samples: int | None = None,
        columns: int | None = None,
        every: int = 1,
        seed: int = 0,
        gif: bool = True,
        log_dir: FilePath | None = None,
        scale: Scale = "auto",
        labels: Data = None,
        real: Data = None,
    ) -> None:
        super().__init__(folder, every, gif, log_dir, "samples")
        if num_samples is not None:
            check_count("num_samples", num_samples)
        if columns is not None:
            check_count("columns", columns)
        check_count("seed", seed, minimum=0)
        if scale != "auto":
            check_count("scale", scale)
        self.num_samples = num_samples
        self.columns = columns
        self.seed = seed
        self.scale = scale
        self.labels = labels
        self.real = None if real is None else np.asarray(real)
        self._span = None
        self._offered = None

    def take_data(self, data: Data) -> None:
        """What `fit` was given: called by `fit`, before the first step."""
        self._offered = data

    def prepare(self) -> None:
        """Draws the noise, and stops before the first step when something does not fit."""
        self._name = require_generator(
            self.model,
            "For a translator, use kgan.callbacks.TranslationStrips. Save the pictures of another "
            "model with kgan.pictures.image_grid and save_image in a "
            "keras.callbacks.LambdaCallback.",
        )
        self._endpoint = self.model.endpoints[self._name]
        self._field = self._endpoint.output
        self._check_real()
        num_samples, self._columns = self._layout()
        given = self._given(num_samples)
        # Also says so when the model has no use for labels.
        self._inputs = self.model.answers.inputs_for(self._name, num_samples, *given)
        self._noise = self._endpoint.noise.sample(num_samples, self.seed)

    def draw(self) -> np.ndarray:
        """The picture of the samples that the same noise makes now."""
        samples = self.model.answers.run(self._name, self._inputs, self._noise)
        labels = self._inputs[0] if self._of_classes else None
        picture = self._field.draw(
            samples,
            columns=self._columns,
            real=self.real,
            labels=labels,
            scale=self.scale,
            limits=self._limits(samples),
        )
        titles = self._titles(labels)
        return drawing.with_row_titles(picture, titles) if titles else picture

    def _titles(self, labels):
        """The name of each row's class, where rows of images show a class each."""
        if labels is None or self._field.colours_labels or self.real is not None:
            return None
        field = self._endpoint.inputs[0]
        rows = [labels[at : at + self._columns] for at in range(0, len(labels), self._columns)]
        if getattr(field, "names", None) is None or any(len(set(row)) > 1 for row in rows):
            return None
        return field.captions(np.array([row[0] for row in rows]))

    @property
    def _of_classes(self):
        """Whether the first input is a class, which may take the rows in turn."""
        return bool(self._endpoint.inputs) and self._endpoint.inputs[0].in_turn(1) is not None

    def _given(self, num_samples):
        """A value for each input: labels, a class per row, or what the data has."""
        if self.labels is not None:
            return (self.labels,)
        if self._of_classes:
            return (np.arange(num_samples) // self._columns % self._endpoint.inputs[0].num_classes,)
        if not self._endpoint.inputs:
            return ()
        named = first_samples(self.model.fields, self._offered, num_samples)
        missing = [field.name for field in self._endpoint.inputs if field.name not in named]
        if missing:
            raise ValueError(
                f"The samples to show need {missing}, and no data was given to take them from. "
                "Pass labels=, one value per sample. Received: labels=None"
            )
        # Of a small data set the samples are shown in turn.
        rows = {name: value[np.arange(num_samples) % len(value)] for name, value in named.items()}
        return tuple(rows[field.name] for field in self._endpoint.inputs)

    def _limits(self, samples):
        """Ends of an axis, which only ever grow: jumping from frame to frame hides the motion."""
        points = np.asarray(samples if self.real is None else self.real)
        if points.dtype.kind != "f":
            return None
        finite = points[np.isfinite(points)]
        low, high = (finite.min(), finite.max()) if finite.size else (-1.0, 1.0)
        if self._span is not None and self.real is None:
            low, high = min(low, self._span[0]), max(high, self._span[1])
        self._span = low, high
        return drawing.with_margin(low, high)

    def _layout(self):
        num_samples = self._field.most_drawn if self.num_samples is None else self.num_samples
        columns = self.columns or math.ceil(math.sqrt(num_samples))
        classes = self._endpoint.inputs[0].num_classes if self._of_classes else 0
        by_class = classes and self.labels is None and not self._field.colours_labels
        if by_class and self.columns is None and classes <= 2 * columns:
            columns = max(1, num_samples // classes)
            num_samples = min(num_samples, columns * classes)
        return num_samples, columns

    def _check_real(self):
        if self.real is None:
            return
        if not self._field.draws_real:
            raise ValueError(
                "The real data can't be shown beside this model's samples: curves are not drawn "
                f"over real ones, so leave real out. Received: real of shape {self.real.shape}"
            )
        try:
            self.real = self._field.check(self.real, "real")
        except (TypeError, ValueError) as error:
            raise ValueError(
                "The real data can't be shown beside this model's samples: expected an array of "
                f"shape {self._field.expected}. {error}"
            ) from error
