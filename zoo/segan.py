"""SEGAN: speech enhancement on waveforms (Pascual et al. 2017).

An encoder and decoder of the waveform with skips and noise beside the code, a discriminator of
pairs, least squares and 100 times L1. RMSprop with a rate of 2e-4 for both players, windows of
16 384 samples at 16 kHz, pre-emphasis of 0.95.
"""

import keras

from kgan import losses, networks
from kgan.catalog.registry import noisy_signals, register
from kgan.models.speech_enhancement import SpeechEnhancement


@register(like=noisy_signals(), tiny={"signal_shape": (64, 1), "depth": 3})
def segan(
    signal_shape: tuple[int, int] = (16_384, 1),
    *,
    rate: float = 16_000.0,
    width: int = 8,
    depth: int = 11,
    discriminator_width: int = 8,
    emphasis: float = 0.95,
    reconstruction_weight: float = 100.0,
    learning_rate: float = 2e-4,
    ema_momentum: float | None = None,
    seed: int | None = None,
) -> SpeechEnhancement:
    """Takes the noise out of speech, on the waveform, with a discriminator of pairs.

    Use this to compare with: it was the first GAN for speech, and `speech_enhancement` is its
    successor. `enhance(waveform, rate)` takes recordings of any length and rate.

    Reference: Pascual et al. 2017, "SEGAN: Speech Enhancement Generative Adversarial Network",
    equations 3 to 5, sections 3.1 and 3.2.

    Deviations: half of the paper's channels by default; batch normalization in the discriminator is
    over the batch itself; no noise beside the code once it is trained: see `kgan.networks.segan`.

    Args:
        signal_shape: tuple `(time, 1)` of the windows that it trains on, the time a multiple of
            `2 ** depth`. `like=` fills it from your data. Defaults to `(16384, 1)`.
        rate: float, samples per second of the data. Defaults to 16000.0.
        width: integer, channels of the generator's first convolution; the last has 64 times as
            many. 16 in the paper. Defaults to 8.
        depth: integer, how often the time is halved, at most 11. Defaults to 11.
        discriminator_width: integer, likewise of the discriminator. Defaults to 8.
        emphasis: float in [0, 1), how far high frequencies are brought forward. Defaults to 0.95.
        reconstruction_weight: float of at least 0, of L1, the paper's lambda. Defaults to 100.0.
        learning_rate: float above 0, of both RMSprop optimizers. Defaults to 2e-4.
        ema_momentum: float in (0, 1), of a moving average of the generator's weights, which
            enhances. Defaults to `None`: none.
        seed: integer that seeds data order. Set it for a run that can be repeated. Defaults to
            `None`.

    Returns:
        A compiled `kgan.SpeechEnhancement`.

    Raises:
        ValueError: when an option is out of range, or the time is no multiple of `2 ** depth`.

    Example:

    ```python
    import kgan
    import numpy as np

    speech = [np.sin(np.arange(6000) / 20)]  # yours are recordings: a folder's path
    pairs = kgan.data.noisy_speech(speech, ["white", "hum"], seconds=0.128)
    model = kgan.zoo.load("segan", like=pairs, width=2, depth=5, discriminator_width=2)
    model.fit(*pairs, verbose=0)
    enhanced = model.enhance(speech[0], rate=16000)  # float32 (6000,)
    ```
    """
    model = SpeechEnhancement(
        generator=networks.segan.generator(width, depth, emphasis),
        signal_shape=signal_shape,
        rate=rate,
        discriminator=networks.segan.discriminator(
            signal_shape, discriminator_width, depth, emphasis
        ),
        loss="least_squares",
        reconstruction=losses.EmphasizedDistance(emphasis),
        reconstruction_weight=reconstruction_weight,
        multiple=2**depth,
        seed=seed,
        name="segan",
    )
    averaging = {} if ema_momentum is None else {"use_ema": True, "ema_momentum": ema_momentum}
    model.compile(
        optimizer={
            "discriminator": keras.optimizers.RMSprop(learning_rate),
            "generator": keras.optimizers.RMSprop(learning_rate, **averaging),
        }
    )
    return model
