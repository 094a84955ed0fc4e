"""Pictures of what a model makes: grids, scatter plots, and a film of the training."""

import math

import numpy as np

from kgan import drawing, latent, pictures
from kgan.callbacks.frames import Frames
from kgan.pictures import image_grid, save_film, save_image, side_by_side
from kgan.pictures.latent_space import check_makes_samples
from kgan.utils.arguments import check_count

__all__ = ["SampleGrid", "image_grid", "save_film", "save_image", "side_by_side"]


class SampleGrid(Frames):
    """Saves a picture of the same samples after each epoch, and a film of them all at the end.

    Choose it to watch a model learn: the noise is drawn once, so each tile shows one point of the
    latent space as the generator moves. Averaged weights make the samples where there are any.
    Training goes on exactly as it would without it.

    Images become a grid; points in the plane a scatter plot, coloured by label; numbers a
    histogram; longer vectors a grid of curves. Pictures are `folder/epoch_0001.png` and so on, the
    film is `folder/training.gif`, made of all of them: a resumed run continues both. Give each run
    its own folder: one that begins anew removes the pictures of later epochs.

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
        folder,
        num_samples=None,
        columns=None,
        every=1,
        seed=0,
        gif=True,
        log_dir=None,
        scale="auto",
        labels=None,
        real=None,
    ):
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

    def prepare(self):
        """Draws the noise, and stops before the first step when something does not fit."""
        check_makes_samples(
            self.model,
            "For a translator, use kgan.callbacks.TranslationStrips. Save the pictures of another "
            "model with kgan.pictures.image_grid and save_image in a "
            "keras.callbacks.LambdaCallback.",
        )
        self._shape = tuple(self.model.fields[0].shape)
        if len(self._shape) not in (1, 3):
            raise ValueError(
                "SampleGrid shows images (height, width, channels) and vectors (dim,). Received: a "
                f"model whose samples have the shape {self._shape}"
            )
        self._check_real()
        num_samples, self._columns = self._layout()
        rows = np.arange(num_samples) // self._columns
        classes = self.model.num_classes
        labels = rows % classes if classes and self.labels is None else self.labels
        # Also says so when the model has no use for labels.
        self._labels = self.model._labels(num_samples, labels)
        shape = (num_samples, *self.model.latent_shape)
        self._noise = latent.sample(shape, self.model.noise, seed=self.seed)

    def draw(self):
        """The picture of the samples that the same noise makes now."""
        samples = self.model.decode(self._noise, self._labels)
        if len(self._shape) == 3:
            grid = image_grid(samples, self._columns, scale=self.scale)
            if self.real is None:
                return grid
            real = image_grid(self.real[: len(samples)], self._columns, scale=self.scale)
            return side_by_side(real, grid)
        if self._shape[0] > 2:
            return pictures.curves(samples, self._columns)
        # Axes that jumped from frame to frame would hide the motion, so they only ever grow.
        points = samples if self.real is None else self.real.reshape(-1, *self._shape)
        finite = points[np.isfinite(points)]
        low, high = (finite.min(), finite.max()) if finite.size else (-1.0, 1.0)
        if self._span is not None and self.real is None:
            low, high = min(low, self._span[0]), max(high, self._span[1])
        self._span = low, high
        limits = drawing.with_margin(low, high)
        real = None if self.real is None else points
        if self._shape[0] == 1:
            return pictures.histogram(samples[:, 0], None if real is None else real[:, 0], limits)
        return pictures.scatter(samples, real, self._labels, limits)

    def _layout(self):
        is_image, width = len(self._shape) == 3, self._shape[0]
        usual = 64 if is_image else 1000 if width <= 2 else 16
        num_samples = usual if self.num_samples is None else self.num_samples
        classes = self.model.num_classes
        columns = self.columns or math.ceil(math.sqrt(num_samples))
        by_class = classes and self.labels is None and (is_image or width > 2)
        if by_class and self.columns is None and classes <= 2 * columns:
            columns = max(1, num_samples // classes)
            num_samples = min(num_samples, columns * classes)
        return num_samples, columns

    def _check_real(self):
        if self.real is None:
            return
        expected = (len(self.real), *self._shape) if self.real.ndim else self._shape
        flat = self._shape[-1] == 1 and self.real.shape == expected[:-1]
        if len(self._shape) == 1 and self._shape[0] > 2:
            problem = "curves are not drawn over real ones, so leave real out"
        elif self.real.size == 0 or not (flat or self.real.shape == expected):
            problem = f"expected an array of shape (n, {', '.join(map(str, self._shape))})"
        else:
            return
        raise ValueError(
            f"The real data can't be shown beside this model's samples: {problem}. "
            f"Received: real of shape {self.real.shape}"
        )
