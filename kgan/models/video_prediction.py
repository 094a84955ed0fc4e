"""Video prediction: a generator of the next frame, and discriminators of the clip that it joins."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import losses
from kgan.data.fields import Clips, Field, Images, PastFrames
from kgan.game import AdversarialModel, Player
from kgan.losses import AdversarialLoss
from kgan.serving.endpoints import Endpoint
from kgan.utils.arguments import check_count, check_positive, check_weight
from kgan.utils.hints import Batch, Data, Tensor, Terms


class VideoPredictor(AdversarialModel):
    """A generator that predicts frames at several scales, with or without discriminators.

    Use this to go on with clips. `fit(clips)` learns the next frame of windows of them, and
    `predict_frames(clips, count)` predicts as many frames as you like, each from those before it,
    its own among them. `fit(past, next)` takes pairs of your own, and datasets of them.

    Without a discriminator it is a game of one player. Where the future is not certain, such a
    model predicts the mean of what may come, which is blurred; the gradient difference and the
    discriminators make frames sharper.

    Reference: Mathieu, Couprie and LeCun 2016, "Deep multi-scale video prediction beyond mean
    square error", equations 1 to 7. As there, the discriminators move first, then the generator.

    Deviations: every term is a mean over the scales, and over pixels, where the paper has sums.

    Args:
        generator: functional `keras.Model` from clips (input_frames, height, width, channels) to a
            list of frames, one for each scale, the smallest first, each twice as large as the one
            before: such as `kgan.networks.multiscale.generator`.
        discriminator: functional `keras.Model` from `[clips, *frames]` to a list of logits, one for
            each scale. `None` leaves the adversarial game out. Defaults to `None`.
        loss: a `kgan.losses` pair or its name. Defaults to `"non_saturating"`.
        reconstruction: `"l1"`, `"l2"`, `"huber"` or a `keras.losses.Loss`. Defaults to `"l2"`.
        reconstruction_weight: float of at least 0. Defaults to 1.0.
        gradient_weight: float of at least 0, of `kgan.losses.gradient_difference`. Defaults to 1.0.
        gradient_power: float above 0, its power. Defaults to 1.0.
        adversarial_weight: float of at least 0. Defaults to 0.05.
        rate: float, frames per second of the clips, for films. Defaults to 10.0.
        seed: integer that seeds data order. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together, or a weight is out of range.

    Example:

    ```python
    import numpy as np

    import kgan

    clips = np.random.default_rng(0).integers(0, 256, (16, 8, 16, 16, 1), "uint8")
    network = kgan.networks.multiscale.generator((16, 16, 1), 4, scales=2, width=4, depth=1)
    model = kgan.VideoPredictor(network)
    model.compile(optimizer="adam")
    model.fit(clips, verbose=0)
    future = model.predict_frames(clips, 5)  # uint8 (16, 5, 16, 16, 1)
    ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model | None = None,
        loss: str | AdversarialLoss = "non_saturating",
        reconstruction: str | keras.losses.Loss = "l2",
        reconstruction_weight: float = 1.0,
        gradient_weight: float = 1.0,
        gradient_power: float = 1.0,
        adversarial_weight: float = 0.05,
        rate: float = 10.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.loss = losses.get(loss)
        self.reconstruction = losses.get_reconstruction(reconstruction)
        self.reconstruction_weight = check_weight("reconstruction_weight", reconstruction_weight)
        self.gradient_weight = check_weight("gradient_weight", gradient_weight)
        self.gradient_power = check_positive("gradient_power", gradient_power, 1.0)
        self.adversarial_weight = check_weight("adversarial_weight", adversarial_weight)
        self.rate = rate
        self._check_networks()
        self.built = True

    @property
    def players(self) -> dict[str, Player]:
        """The table: the discriminators, where there are any, and then the generator."""
        terms = ("reconstruction", "gradient_difference")
        if self.discriminator is None:
            return {"generator": Player(("generator",), terms)}
        return {
            "discriminator": Player(("discriminator",), ("adversarial",)),
            "generator": Player(("generator",), ("adversarial", *terms)),
        }

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a batch holds: some frames, and the one that comes after them."""
        shape = tuple(self.generator.input_shape[1:])
        return PastFrames(shape, self.rate, "x"), Images(shape[1:], "y")

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: `next_frame`, and `predict_frames`, which goes on with it."""
        x, y = self.fields
        clips = Clips((None, *y.shape), self.rate, x.name, min_frames=x.shape[0])
        shared = {"function": self.next_frame, "inputs": (clips,), "networks": ("generator",)}
        return {
            "next_frame": Endpoint(output=y, imitates=y.name, **shared),
            "predict_frames": Endpoint(
                output=Clips((None, *y.shape), self.rate, y.name), is_rolled_out=True, **shared
            ),
        }

    @property
    def adversarial_loss(self) -> AdversarialLoss | None:
        """The pair of losses that the discriminators are trained by, or `None` without any."""
        return None if self.discriminator is None else self.loss

    def next_frame(self, x: Tensor) -> Tensor:
        """The frame after clips of any length, within the range of pixels."""
        frames, *sizes = self.generator.input_shape[1:]
        given = ops.reshape(x[:, -frames:], (-1, frames, *sizes))
        return ops.clip(self._made(given)[-1], -1.0, 1.0)

    def discriminator_loss(self, x: Tensor, y: Tensor) -> Terms:
        """The discriminators' term on true clips and on those that a made frame ends."""
        # Its turn: nothing flows back into the generator.
        made = [ops.stop_gradient(frame) for frame in self._made(x)]
        sides = zip(self._judged(x, self._reduced(y)), self._judged(x, made))
        return {"adversarial": _mean([self.loss.discriminator(*pair) for pair in sides])}

    def generator_loss(self, x: Tensor, y: Tensor) -> Terms:
        """The generator's terms: near to the true frame, in pixels and edges, and real."""
        made, wanted = self._made(x), self._reduced(y)
        pairs = list(zip(wanted, made, strict=True))
        terms = {}
        if self.discriminator is not None:
            terms["adversarial"] = self.adversarial_weight * self._fooled(x, wanted, made)
        near = _mean([self.reconstruction(*pair) for pair in pairs])
        edges = [losses.gradient_difference(*pair, self.gradient_power) for pair in pairs]
        terms["reconstruction"] = self.reconstruction_weight * near
        terms["gradient_difference"] = self.gradient_weight * _mean(edges)
        return terms

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The discriminators' logits, of all scales, for true clips and for those with fakes."""
        if self.discriminator is None:
            return None
        x, y = batch
        return tuple(
            ops.concatenate(
                [ops.reshape(part, (-1,)) for part in self._judged(x, self._reduced(frame))]
            )
            for frame in (y, fake)
        )

    def predict_frames(self, clips: Data, count: int = 1, batch_size: int = 64) -> np.ndarray:
        """What comes after clips, frame by frame.

        Each frame is predicted from those before it: from the last given ones, and later from those
        that were predicted, so what is uncertain adds up. Averaged weights are used where there are
        any. Calling it changes nothing in the model.

        Args:
            clips: array (n, frames, height, width, channels) of integers in 0..255 or floats in
                [-1, 1], with at least as many frames as the model reads. The last of them are read.
            count: integer, frames to predict. Defaults to 1.
            batch_size: integer, clips per pass. Defaults to 64.

        Returns:
            uint8 array (n, count, height, width, channels).

        Raises:
            TypeError: when they are no array, or the count is no integer.
            ValueError: when the clips are too short, or not of the model's size.

        Example:

        ```python
        import numpy as np

        import kgan

        clips = np.zeros((2, 12, 16, 16, 1), "uint8")
        model = kgan.zoo.load("video_prediction", like=clips, scales=2, width=4, depth=1)
        assert model.predict_frames(clips, 3).shape == (2, 3, 16, 16, 1)
        ```
        """
        check_count("count", count)
        (clips,) = self.answers.checked("predict_frames", [clips])
        frames = self.generator.input_shape[1]
        last = np.asarray(clips[:, -frames:] if isinstance(clips, np.ndarray) else clips)
        return self.run("predict_frames", last[:, -frames:], count=count, batch_size=batch_size)

    def _made(self, x):
        made = self.generator(x)
        return made if isinstance(made, list | tuple) else [made]

    def _judged(self, x, frames):
        logits = self.discriminator([x, *frames])
        return logits if isinstance(logits, list | tuple) else [logits]

    def _reduced(self, frame):
        """A frame at all scales, the smallest first: means of its pixels."""
        factors = [2**halvings for halvings in reversed(range(len(self.generator.outputs)))]
        return [ops.average_pool(frame, n, n) if n > 1 else frame for n in factors]

    def _fooled(self, x, wanted, made):
        fake = self._judged(x, made)
        real = self._judged(x, wanted) if self.loss.relativistic else [None] * len(fake)
        return _mean([self.loss.generator(*pair) for pair in zip(real, fake)])

    def _check_networks(self):
        read = tuple(self.generator.inputs[0].shape[1:])
        outputs = [tuple(tensor.shape[1:]) for tensor in self.generator.outputs]
        factors = [2**halvings for halvings in reversed(range(len(outputs)))]
        wanted = [(*(side // n for side in read[1:3]), *read[3:]) for n in factors]
        taken = [read, *wanted]
        if self.discriminator is not None:
            taken = [tuple(tensor.shape[1:]) for tensor in self.discriminator.inputs]
        if len(read) != 4 or outputs != wanted or taken != [read, *wanted]:
            raise ValueError(
                "The generator makes a frame for each scale of the clips that it reads, each half "
                "as large as the next and the last as large as theirs; the discriminator takes "
                "the clips and those frames. Build both with kgan.networks.multiscale for the same "
                f"options. Received: a generator from {read} to {outputs} and a discriminator of "
                f"{None if self.discriminator is None else taken}"
            )


def _mean(terms):
    return sum(terms) / len(terms)
