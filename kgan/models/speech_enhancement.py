"""Speech enhancement: a generator that takes the noise out of recordings."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.data.fields import Signals
from kgan.data.sources.sound_files import resampled
from kgan.game import Player
from kgan.layers import CropToLength, PadToMultiple
from kgan.losses import AdversarialLoss
from kgan.models.paired import PairedTranslator
from kgan.serving.endpoints import Endpoint
from kgan.serving.overlap import in_windows
from kgan.utils.arguments import check_count, check_positive, check_rate, check_weight
from kgan.utils.hints import Config, Data, Tensor, Terms

# Signals shorter than a window are lengthened to a multiple of this: each length is compiled.
_GRAIN_SECONDS = 0.5


class SpeechEnhancement(PairedTranslator):
    """A generator of clean speech from noisy, with or without a discriminator.

    Use this to clean recordings. It trains on pairs of windows of one length, such as those of
    `kgan.data.noisy_speech`, and `enhance` takes recordings of any length and rate.

    The discriminator may judge pairs `[noisy, candidate]`, as SEGAN's does. Or it predicts a
    `score` of pairs `[clean, candidate]`, as MetricGAN's: then it learns the score of clean, noisy
    and enhanced speech, and the generator learns to make what it scores as clean. The score itself
    need not have a gradient.

    Reference: Pascual et al. 2017, "SEGAN: Speech Enhancement Generative Adversarial Network",
    equations 3 to 5; with a score, Fu et al. 2019, "MetricGAN: Generative Adversarial Networks
    based Black-box Metric Scores Optimization for Speech Enhancement", equations 5 and 6, and Fu et
    al. 2021, "MetricGAN+", equation 3, for the noisy speech among what is scored.

    Deviations: in place of PESQ, which no backend computes, the score is one in `keras.ops`; no
    speech of earlier steps is scored again.

    Args:
        generator: functional `keras.Model` of waveforms (time, 1), any time that `multiple`
            divides, such as `kgan.networks.speech.generator`.
        signal_shape: tuple `(time, 1)` of the windows that it trains on.
        rate: float, samples per second of what the generator takes. Defaults to 16000.0.
        discriminator: functional `keras.Model` from two waveforms to logits or, with a score, to
            scores (batch, 1). `None` leaves it out. Defaults to `None`.
        loss: a `kgan.losses` pair or its name, without a score. Defaults to `"least_squares"`.
        score: function of `(clean, candidate)`, two tensors (batch, time, 1), that returns scores
            (batch,) from 0 to 1 for clean speech, in `keras.ops`: an object with `get_config` such
            as `kgan.losses.SegmentalScore`. Defaults to `None`.
        reconstruction: `"l1"`, or a `keras.losses.Loss` such as `kgan.losses.SpectralDistance`.
            Defaults to `"l1"`.
        reconstruction_weight: float of at least 0. Defaults to 100.0.
        adversarial_weight: float of at least 0, of the generator's. Defaults to 1.0.
        discriminator_every: integer, the discriminator moves on every so many batches. Defaults
            to 1.
        multiple: integer, what the generator's time must be a multiple of. Defaults to 1.
        seed: integer that seeds data order. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together, or a number is out of range.

    Example:

    ```python
    import kgan
    import numpy as np

    speech = [np.sin(np.arange(4000) / 20)]
    noisy, clean = kgan.data.noisy_speech(speech, ["white"], seconds=0.1, rate=8000)
    network = kgan.networks.speech.generator(frame=32, hop=16, width=4, blocks=1)
    model = kgan.SpeechEnhancement(network, (800, 1), rate=8000, multiple=16)
    model.compile(optimizer="adam")
    model.fit(noisy, clean, verbose=0)
    enhanced = model.enhance(speech[0], rate=8000)  # float32 (4000,)
    ```
    """

    verb = "enhance"

    def __init__(
        self,
        generator: keras.Model,
        signal_shape: tuple[int, int],
        rate: float = 16000.0,
        discriminator: keras.Model | None = None,
        loss: str | AdversarialLoss = "least_squares",
        score: Callable[[Tensor, Tensor], Tensor] | None = None,
        reconstruction: str | keras.losses.Loss = "l1",
        reconstruction_weight: float = 100.0,
        adversarial_weight: float = 1.0,
        discriminator_every: int = 1,
        multiple: int = 1,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        signal_shape = tuple(signal_shape)
        check_count("multiple", multiple)
        if signal_shape[1:] != (1,) or signal_shape[0] % multiple:
            raise ValueError(
                "The windows that the model trains on are signals of one channel, (time, 1), and "
                f"its networks take lengths that {multiple} divides. Cut them to "
                f"{max(1, signal_shape[0] // multiple) * multiple} samples. "
                f"Received: signal_shape={signal_shape}, multiple={multiple}"
            )
        self.discriminator_every = check_count("discriminator_every", discriminator_every)
        super().__init__(
            generator,
            discriminator,
            loss,
            reconstruction,
            reconstruction_weight,
            discriminator_weight=1.0,
            source=Signals(signal_shape, rate=check_rate("rate", rate)),
            target=Signals(signal_shape, rate=rate),
            seed=seed,
            **kwargs,
        )
        self.signal_shape = signal_shape
        self.rate = rate
        self.score = score
        self.adversarial_weight = check_weight("adversarial_weight", adversarial_weight)
        self.multiple = multiple

    @property
    def players(self) -> dict[str, Player]:
        """The table: a discriminator, where there is one, and then the generator."""
        if self.discriminator is None:
            return {"generator": Player(("generator",), ("reconstruction",))}
        every = self.discriminator_every
        return {
            "discriminator": Player(("discriminator",), ("adversarial",), every=every),
            "generator": Player(("generator",), ("adversarial", "reconstruction")),
        }

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: `enhance`, noisy signals of any length to clean ones."""
        x, y = self.fields
        return {
            self.verb: Endpoint(
                function=self.enhanced,
                inputs=(Signals((None, 1), name=x.name, rate=self.rate),),
                output=Signals((None, 1), name=y.name, rate=self.rate),
                networks=("generator",),
                imitates=y.name,
            )
        }

    @property
    def adversarial_loss(self) -> AdversarialLoss | None:
        """The pair of losses of the discriminator's logits; `None` where it predicts a score."""
        return None if self.score is not None else super().adversarial_loss

    def enhanced(self, x: Tensor) -> Tensor:
        """What the generator makes of signals of any length, within [-1, 1]."""
        # Layers, because the time is not known where an export traces this function.
        made = self.generator(PadToMultiple(self.multiple)(x))
        return ops.clip(CropToLength()([made, x]), -1.0, 1.0)

    def discriminator_loss(self, x: Tensor, y: Tensor) -> Terms:
        """The discriminator's term: true pairs from made ones, or the score of three."""
        if self.score is None:
            return super().discriminator_loss(x, y)
        # Its turn: nothing flows back into the generator.
        made = ops.stop_gradient(self.generator(x))
        error = ops.mean(ops.square(self.discriminator([y, y]) - 1.0))
        for candidate in (made, x):
            wanted = ops.stop_gradient(ops.reshape(self.score(y, candidate), (-1, 1)))
            error += ops.mean(ops.square(self.discriminator([y, candidate]) - wanted))
        return {"adversarial": error}

    def generator_loss(self, x: Tensor, y: Tensor) -> Terms:
        """The generator's terms: to pass for clean, and to come near to the clean signal."""
        made = self.generator(x)
        terms = {}
        if self.discriminator is not None:
            terms["adversarial"] = self.adversarial_weight * self.fooled(x, y, made)
        terms["reconstruction"] = self.reconstruction_weight * self.reconstruction(y, made)
        return terms

    def fooled(self, x: Tensor, y: Tensor, made: Tensor) -> Tensor:
        """The generator's adversarial loss for what it made of x, where y was wanted: a scalar."""
        if self.score is None:
            return super().fooled(x, y, made)
        return ops.mean(ops.square(self.discriminator([y, made]) - 1.0))

    def discriminator_logits(self, batch: Data, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The discriminator's logits for true pairs and made ones; `None` where it scores."""
        return None if self.score is not None else super().discriminator_logits(batch, fake)

    def enhance(
        self,
        waveform: Data,
        rate: float | None = None,
        *,
        seconds: float = 4.0,
        overlap: float = 1.0,
    ) -> np.ndarray:
        """A whole recording of any length and rate, cleaned window by window.

        Windows overlap, and one fades into the next. Averaged weights are used where there are any.
        Calling it changes nothing in the model.

        Args:
            waveform: array (time,) or (time, channels), floats in [-1, 1] or int16. Channels are
                cleaned one by one.
            rate: float, its samples per second. Another one than the model's is resampled, there
                and back, by the extra audio. Defaults to `None`: the model's.
            seconds: float, length of a window. More takes more memory. Defaults to 4.0.
            overlap: float, seconds that windows share, below `seconds`. Defaults to 1.0.

        Returns:
            float32 array of the waveform's shape, in [-1, 1], at its rate.

        Raises:
            ModuleNotFoundError: when the rates differ and soxr is not installed.
            ValueError: when it is no signal, or a number is out of range.

        Example:

        ```python
        import numpy as np

        import kgan

        model = kgan.zoo.load("speech_enhancement", width=4, blocks=1)
        enhanced = model.enhance(np.zeros((5000, 2), "float32"))
        assert enhanced.shape == (5000, 2)
        ```
        """
        rate = self.rate if rate is None else check_rate("rate", rate)
        overlap = check_weight("overlap", overlap)
        if overlap >= check_positive("seconds", seconds, "4.0"):
            raise ValueError(
                "Windows overlap by less than their length. "
                f"Received: seconds={seconds}, overlap={overlap}"
            )
        given = np.asarray(waveform)
        if not 0 < given.size == np.prod(given.shape[:2]):
            raise ValueError(
                "A recording is an array (time,) or (time, channels) with at least one sample. "
                f"Received: waveform of shape {given.shape}"
            )
        (field,) = self.endpoints[self.verb].inputs
        channels = field.check(given.reshape(len(given), -1).T[..., None], "waveform")
        if channels.dtype == np.int16:
            channels = channels.astype("float32") / 32768
        window = max(1, round(seconds * self.rate / self.multiple)) * self.multiple
        shared = min(round(overlap * self.rate), window - 1)
        made = []
        with self.averaged_weights():
            for channel in channels[..., 0]:
                signal = np.clip(resampled(channel, rate, self.rate), -1, 1)
                clean = in_windows(self._window_enhanced, signal, window, shared)
                clean = resampled(clean, self.rate, rate)[: len(given)]
                made.append(np.pad(clean, (0, len(given) - len(clean))))
        return np.clip(np.stack(made, axis=-1), -1, 1).astype("float32").reshape(given.shape)

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        config = super().get_config()
        # What these arguments of the base class are follows from the others.
        for name in ("discriminator_weight", "source", "target"):
            del config[name]
        return config

    def _window_enhanced(self, signal):
        """A window, lengthened to one of few lengths by what it holds, mirrored."""
        grain = max(1, round(_GRAIN_SECONDS * self.rate / self.multiple)) * self.multiple
        is_whole = len(signal) % self.multiple == 0 and len(signal) >= grain
        padded = np.pad(signal, (0, 0 if is_whole else -len(signal) % grain), "symmetric")
        return self.run(self.verb, padded[None, :, None])[0, : len(signal), 0]
