"""Speech enhancement by spectrum and predicted score (MP-SENet, MetricGAN).

A network that predicts magnitudes and phases of the clean spectrum from the noisy one, the losses
of Lu et al. 2023, and a discriminator that predicts a score of hearing, of Fu et al. 2019 and 2021.
AdamW with beta 0.8 and 0.99 and a rate of 5e-4 for both players, as in MP-SENet.
"""

from kgan import losses, networks
from kgan.catalog.registry import noisy_signals, register
from kgan.game.optimizers import adam
from kgan.models.speech_enhancement import SpeechEnhancement

# frame, hop, width, blocks, kind: for two cores, and as in the paper.
_NETWORKS = {
    "small": (512, 256, 16, 6, "convolutional"),
    "published": (400, 100, 64, 4, "conformer"),
}


@register(like=noisy_signals(), tiny={"signal_shape": (64, 1), "frame": 32, "hop": 8})
def speech_enhancement(
    signal_shape: tuple[int, int] = (32_000, 1),
    *,
    rate: float = 16_000.0,
    network: str = "small",
    frame: int | None = None,
    hop: int | None = None,
    width: int | None = None,
    blocks: int | None = None,
    discriminator_width: int = 16,
    discriminator_every: int = 1,
    adversarial_weight: float = 0.05,
    distortion_weight: float = 0.01,
    learning_rate: float = 5e-4,
    beta_1: float = 0.8,
    decay_steps: int | None = None,
    ema_momentum: float | None = 0.999,
    seed: int | None = None,
) -> SpeechEnhancement:
    """Takes the noise out of speech, by its spectrum, with a discriminator that predicts a score.

    Use this to clean recordings. `kgan.data.noisy_speech` mixes pairs of your clean recordings and
    noises on the fly; `enhance(waveform, rate)` takes recordings of any length and rate.

    Reference: Lu et al. 2023, "MP-SENet: A Speech Enhancement Model with Parallel Denoising of
    Magnitude and Phase Spectra", sections 2.2 and 2.3; Fu et al. 2019, "MetricGAN: Generative
    Adversarial Networks based Black-box Metric Scores Optimization for Speech Enhancement",
    equations 5 and 6.

    Deviations: the discriminator predicts `kgan.losses.SegmentalScore` and not PESQ, which no
    backend computes; a term of distortion in time is added; the learning rate is constant or half a
    cosine; see `kgan.networks.speech` and `kgan.losses.SpectralDistance` for theirs.

    Args:
        signal_shape: tuple `(time, 1)` of the windows that it trains on, the time a multiple of
            `hop`. `like=` fills it from your data. Defaults to `(32000, 1)`, two seconds.
        rate: float, samples per second of the data. Defaults to 16000.0.
        network: `"small"`, a convolutional network for ordinary processors, or `"published"`, the
            paper's conformers, which want a GPU. Defaults to `"small"`.
        frame: integer, samples of a frame of the spectrum. Defaults to `None`: 512, and 400 of the
            published network.
        hop: integer, samples from one frame to the next. Defaults to `None`: 256, and 100.
        width: integer, channels. Time grows with its square. Defaults to `None`: 16, and 64.
        blocks: integer. Defaults to `None`: 6, and 4.
        discriminator_width: integer, channels of its first convolution. Defaults to 16.
        discriminator_every: integer, the discriminator moves on every so many batches. Defaults to
            1.
        adversarial_weight: float of at least 0, of the predicted score. Defaults to 0.05.
        distortion_weight: float of at least 0, of the negative SI-SDR in decibels: more gains
            decibels. Defaults to 0.01.
        learning_rate: float above 0, of both optimizers. Raise it for a short run. Defaults to
            5e-4.
        beta_1: float in [0, 1), of both. Defaults to 0.8.
        decay_steps: integer, steps within which both rates fall to a hundredth along half a cosine:
            give it the length of the run. Defaults to `None`.
        ema_momentum: float in (0, 1), of the generator's moving average, which enhances. `None`
            keeps none. Defaults to 0.999.
        seed: integer that seeds data order. Set it for a run that can be repeated. Defaults to
            `None`.

    Returns:
        A compiled `kgan.SpeechEnhancement`.

    Raises:
        ValueError: when an option is out of range, or `hop` does not divide the time.

    Example:

    ```python
    import kgan
    import numpy as np

    speech = [np.sin(np.arange(6000) / 20)]  # yours are recordings: a folder's path
    pairs = kgan.data.noisy_speech(speech, ["white", "hum"], seconds=0.256)
    model = kgan.zoo.load("speech_enhancement", like=pairs, width=4, blocks=1)
    model.fit(*pairs, verbose=0)
    enhanced = model.enhance(speech[0], rate=16000)  # float32 (6000,)
    ```
    """
    if network not in _NETWORKS:
        raise ValueError(
            f"The network is one of {', '.join(_NETWORKS)}. Received: network={network!r}"
        )
    usual = _NETWORKS[network]
    given = (frame, hop, width, blocks)
    sizes = [own if size is None else size for own, size in zip(usual, given)]
    frame, hop = sizes[:2]
    model = SpeechEnhancement(
        generator=networks.speech.generator(*sizes, kind=usual[4]),
        signal_shape=signal_shape,
        rate=rate,
        discriminator=networks.speech.metric_discriminator(
            signal_shape, frame, hop, discriminator_width
        ),
        score=losses.SegmentalScore(rate, frame, hop),
        reconstruction=losses.SpectralDistance(frame, hop, distortion_weight=distortion_weight),
        reconstruction_weight=1.0,
        adversarial_weight=adversarial_weight,
        discriminator_every=discriminator_every,
        multiple=hop,
        seed=seed,
        name="speech_enhancement",
    )
    rates = {"beta_1": beta_1, "beta_2": 0.99, "decay_steps": decay_steps, "weight_decay": 0.01}
    model.compile(
        optimizer={
            "discriminator": adam(learning_rate, **rates),
            "generator": adam(learning_rate, **rates, ema_momentum=ema_momentum),
        }
    )
    return model
