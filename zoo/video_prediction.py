"""Prediction of the next frames of clips (Mathieu et al. 2016).

A generator at several scales, the gradient difference loss, and a discriminator at each scale of
the given frames and the next joined to one clip.
"""

from kgan import losses, networks
from kgan.catalog.registry import next_frames, register
from kgan.game.optimizers import adam
from kgan.models.video_prediction import VideoPredictor


@register(like=next_frames(), tiny={"scales": 2})
def video_prediction(
    image_shape: tuple[int, ...] = (64, 64, 3),
    *,
    input_frames: int = 4,
    scales: int = 4,
    loss: str | losses.AdversarialLoss = "non_saturating",
    reconstruction: str = "l2",
    reconstruction_weight: float = 1.0,
    gradient_weight: float = 1.0,
    adversarial_weight: float = 0.05,
    width: int | tuple[int, ...] = 128,
    depth: int = 4,
    discriminator_width: int = 64,
    normalization: str | None = "spectral",
    learning_rate: float = 2e-4,
    discriminator_learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    decay_steps: int | None = None,
    ema_momentum: float | None = None,
    seed: int | None = None,
) -> VideoPredictor:
    """Predicts the next frames of clips, as many as you ask for.

    Use this to go on with video: `fit(clips)` with clips of any length, of which each epoch sees a
    window at random, and `predict_frames(clips, count)`. Motions within the given frames are gone
    on with; what happens by chance can't be predicted, and blurs.

    Reference: Mathieu et al. 2016, "Deep multi-scale video prediction beyond mean square error",
    equations 1 to 7: 4 frames to 1, four scales, weights of 0.05, 1 and 1.

    Deviations: Adam where the paper has plain gradient descent; terms are means over pixels and
    scales; see `kgan.networks.multiscale` for both networks'.

    Args:
        image_shape: tuple `(height, width, channels)` of frames, whose sides can be halved
            `scales - 1` times. `like=` fills it from your clips. Defaults to `(64, 64, 3)`.
        input_frames: integer, the frames that it reads: at least 2 to see a motion, more where
            things hide one another. `like=` of pairs fills it. Defaults to 4.
        scales: integer, how often it predicts, each time at twice the size. More see motions that
            go farther. Defaults to 4.
        loss: a name or instance of `kgan.losses`. Defaults to `"non_saturating"`.
        reconstruction: `"l1"`, `"l2"` or `"huber"`. Defaults to `"l2"`.
        reconstruction_weight: float of at least 0: more is truer in pixels. Defaults to 1.0.
        gradient_weight: float of at least 0, of the gradient difference: more has truer edges.
            Defaults to 1.0.
        adversarial_weight: float of at least 0: more is sharper, and may be less true. 0 leaves the
            discriminators out. Defaults to 0.05.
        width: integer, channels of the generator, or a tuple of one for each scale, the smallest
            first. On a CPU, give the larger scales fewer. Defaults to 128.
        depth: integer, convolutions of each scale. Fewer are quicker. Defaults to 4.
        discriminator_width: integer, channels of each discriminator's first convolution. Defaults
            to 64.
        normalization: `"spectral"`, `"batch"` or `None`, of discriminators. Defaults to
            `"spectral"`.
        learning_rate: float above 0, of the generator's Adam. Defaults to 2e-4.
        discriminator_learning_rate: float above 0, of the discriminators'. Defaults to 2e-4.
        beta_1: float in [0, 1), of both. Defaults to 0.5.
        decay_steps: integer, steps within which both rates fall to a hundredth. Defaults to `None`.
        ema_momentum: float in (0, 1), of a moving average of the generator's weights, which then
            predicts. Defaults to `None`.
        seed: integer that seeds data order. Defaults to `None`.

    Returns:
        A compiled `kgan.VideoPredictor`.

    Raises:
        ValueError: when an option is out of range, or frames can't be halved so often.

    Example:

    ```python
    import numpy as np

    import kgan

    clips = np.random.default_rng(0).integers(0, 256, (16, 10, 16, 16, 1), "uint8")
    options = {"scales": 2, "width": 4, "depth": 1, "discriminator_width": 4}
    model = kgan.zoo.load("video_prediction", like=clips, **options)
    model.fit(clips, batch_size=8, verbose=0)
    future = model.predict_frames(clips[:2], 5)  # uint8 (2, 5, 16, 16, 1)
    ```
    """
    shared = (image_shape, input_frames, scales)
    discriminator = None
    if adversarial_weight:
        discriminator = networks.multiscale.discriminator(
            *shared, discriminator_width, normalization
        )
    model = VideoPredictor(
        generator=networks.multiscale.generator(*shared, width, depth),
        discriminator=discriminator,
        loss=loss,
        reconstruction=reconstruction,
        reconstruction_weight=reconstruction_weight,
        gradient_weight=gradient_weight,
        adversarial_weight=adversarial_weight,
        seed=seed,
        name="video_prediction",
    )
    adams = {
        "discriminator": adam(discriminator_learning_rate, beta_1, decay_steps=decay_steps),
        "generator": adam(
            learning_rate, beta_1, decay_steps=decay_steps, ema_momentum=ema_momentum
        ),
    }
    model.compile(optimizer={player: adams[player] for player in model.players})
    return model
