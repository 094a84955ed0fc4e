"""Strips of what a translator makes of the same inputs, epoch by epoch."""

import numpy as np

from kgan import drawing
from kgan.callbacks.frames import Frames
from kgan.data.fields import Images
from kgan.pictures import side_by_side, strips
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data, FilePath, Scale


class TranslationStrips(Frames):
    """Saves strips of input, output and truth after each epoch, and a film of them at the end.

    Use this to watch a translator learn: the same inputs are translated each time, best ones that
    it does not train on. Averaged weights translate where there are any. Training is exactly
    what it would be without it.

    A model that translates both ways, such as a CycleGAN, shows in each strip what came back from
    the way there and back too: what the cycle term asks for. Pictures are
    `folder/epoch_0001.png` and so on, the film is `folder/training.gif`; a resumed run continues
    both. Give each run its own folder: one that starts over removes the pictures of later epochs.

    Reference: Isola et al. 2017, figure 4 (input, ground truth, output); Zhu et al. 2017, figure 4
    (input, output, reconstruction).

    Args:
        folder: path of the folder for the pictures. It is made when missing.
        inputs: array (n, height, width, channels) of integers in 0..255 or floats in [-1, 1], of
            what the first direction translates; or a dict of direction -> array, such as
            `{"a_to_b": a, "b_to_a": b}`.
        targets: the true outputs of these inputs, an array or a dict likewise. Defaults to `None`.
        num_samples: integer, strips per direction at most. Defaults to 8.
        every: integer. Saves a picture on every `every`-th epoch and on the last. Defaults to 1.
        gif: boolean, whether to make the film, of at most 100 frames. Defaults to `True`.
        log_dir: path for TensorBoard, which then shows the pictures. Defaults to `None`.
        scale: integer, pixels per image pixel and side, or `"auto"` for tiles of about 64 pixels.
            Defaults to `"auto"`.

    Raises:
        TypeError: when an argument is of the wrong type; from `fit`, when the model does not
            translate.
        ValueError: when an argument is out of range; from `fit`, when images or directions do not
            fit the model.

    Example:
    ```python
    import tempfile

    import kgan

    images = kgan.data.load("digits")[:32]
    model = kgan.zoo.load("pix2pix", like=(255 - images, images), width=4, discriminator_width=4)
    pictures = kgan.callbacks.TranslationStrips(
        tempfile.mkdtemp(), inputs=255 - images[:4], targets=images[:4]
    )
    model.fit(255 - images, images, callbacks=[pictures], verbose=0)
    ```
    """

    def __init__(
        self,
        folder: FilePath,
        inputs: Data,
        targets: Data = None,
        num_samples: int = 8,
        every: int = 1,
        gif: bool = True,
        log_dir: FilePath | None = None,
        scale: Scale = "auto",
    ) -> None:
        super().__init__(folder, every, gif, log_dir, "translations")
        self.inputs = inputs
        self.targets = targets
        self.num_samples = check_count("num_samples", num_samples)
        if scale != "auto":
            check_count("scale", scale)
        self.scale = scale

    def prepare(self) -> None:
        """Checks the samples, and stops before the first step when something does not fit."""
        ways = {
            name: endpoint
            for name, endpoint in self.model.endpoints.items()
            if len(endpoint.inputs) == 1 and endpoint.noise is None and endpoint.imitates
        }
        if not ways:
            raise TypeError(
                "TranslationStrips shows models that translate samples, such as "
                "kgan.PairedTranslator. For a model that makes samples from noise, use "
                f"kgan.callbacks.SampleGrid. Received: model={type(self.model).__name__}"
            )
        self._ways = ways
        inputs, targets = (
            given if isinstance(given, dict) else {next(iter(ways)): given}
            for given in (self.inputs, self.targets)
        )
        targets = {name: target for name, target in targets.items() if target is not None}
        unknown = sorted({*inputs, *targets} - set(ways))
        without = sorted(set(targets) - set(inputs))
        if unknown or without or not inputs:
            raise ValueError(
                f"Inputs are samples, or a dict with some of the directions {list(ways)}, and "
                "targets belong to the inputs of their direction. Received: inputs for "
                f"{sorted(inputs)}, targets for {sorted(targets)}"
            )
        self._inputs = {name: self._checked(ways[name].inputs[0], x) for name, x in inputs.items()}
        self._targets = {name: self._checked(ways[name].output, y) for name, y in targets.items()}
        for name, target in self._targets.items():
            if len(target) != len(self._inputs[name]):
                raise ValueError(
                    "Each input has one target. Cut both to the same images, in one order. "
                    f"Received: {len(inputs[name])} inputs and {len(targets[name])} targets for "
                    f"{name}"
                )

    def draw(self) -> np.ndarray:
        """The strips of all directions, beside one another."""
        pictures = [self._strips(name, x) for name, x in self._inputs.items()]
        if len(pictures) == 1:
            return pictures[0]
        titles = [name.replace("_", " ") for name in self._inputs]
        return side_by_side(*pictures, titles)

    def _strips(self, name, x):
        field, output = self._ways[name].inputs[0], self._ways[name].output
        made = self.model.run(name, x, batch_size=len(x))
        columns = {"input": (field, x), "output": (output, made)}
        if name in self._targets:
            columns["truth"] = (output, self._targets[name])
        back = [
            other
            for other, way in self._ways.items()
            if other != name and way.inputs[0].shape == output.shape
        ]
        if len(back) == 1:
            there = self.model.run(back[0], made, batch_size=len(x))
            columns["and back"] = (self._ways[back[0]].output, there)
        if all(isinstance(kind, Images) for kind, _ in columns.values()):
            # Strips of two directions stand beside each other already.
            blocks = None if len(self._inputs) == 1 else 1
            arrays = [values for _, values in columns.values()]
            return strips(arrays, list(columns), self.scale, blocks=blocks)
        drawn = [
            kind.draw(values, columns=1, scale=self.scale) for kind, values in columns.values()
        ]
        drawn = [picture[..., 0] if picture.shape[-1] == 1 else picture for picture in drawn]
        return drawing.beside(drawn, list(columns), 18, [12] * (len(drawn) - 1))

    def _checked(self, field, samples):
        # The whole first: an empty array says more of what is wrong than its first images.
        samples = samples if isinstance(samples, list) else np.asarray(samples)
        return field.check(samples)[: self.num_samples]
