"""Image-to-image translation without pairs (Zhu et al. 2017).

Two residual generators with instance normalization that invert each other, two PatchGANs that see
a pool of 50 past fakes, least squares, cycles weighted 10 and identities 5 (sections 4 and 5.2).
"""

import keras

from kgan import losses, networks
from kgan.catalog.registry import image_pairs, register
from kgan.game import schedules
from kgan.models.unpaired import UnpairedTranslator


@register(
    like=image_pairs("cyclegan", paired=False),
    tiny={"receptive_field": 16, "pool_size": 4, "cycle_weight": 0.1, "learning_rate": 2e-5},
)
def cyclegan(
    image_shape: tuple[int, ...] = (256, 256, 3),
    *,
    target_channels: int | None = None,
    loss: str | losses.AdversarialLoss = "least_squares",
    cycle_weight: float = 10.0,
    identity_weight: float = 0.5,
    pool_size: int = 50,
    receptive_field: int | str = 70,
    width: int = 64,
    discriminator_width: int = 64,
    num_blocks: int | None = None,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    constant_steps: int | None = None,
    decay_steps: int | None = None,
    seed: int | None = None,
) -> UnpairedTranslator:
    """Image-to-image translation that is learned from two collections without pairs.

    Use this when there are images of both kinds but no pairs, such as photographs and paintings.
    `fit(a, b)` takes two collections of any lengths, `translate(x, direction)` makes the other
    kind. Train in small batches: `batch_size=1` is the paper's choice.

    Reference: Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent
    Adversarial Networks", equations 1 to 3, sections 4 and 5.2, appendix 7.

    Deviations: the discriminators move before the generators, with their own fakes, where the
    released code moves the generators first. The discriminators' convolutions keep their size
    (`kgan.networks.patchgan`). Instance normalization has a trained scale and offset. The rate is
    constant unless `constant_steps` and `decay_steps` are given; the paper takes 100 epochs of
    each. Images are not cropped and mirrored: do so in your data.

    Args:
        image_shape: tuple `(height, width, channels)` of a. Sides are multiples of 4, at least 8.
            `like=` and the command line fill it from your data. Defaults to `(256, 256, 3)`.
        target_channels: integer, channels of b. `like=` and the command line fill it from your
            data. Defaults to `None`: as many as a.
        loss: a name or instance of `kgan.losses`. Try another where one player wins for good, which
            `Health` names. Defaults to `"least_squares"`.
        cycle_weight: float, weight of the L1 distance after both directions. Raise it where the
            content of images is lost, lower it where they hardly change. Defaults to 10.0.
        identity_weight: float, times `cycle_weight`: weight of the L1 distance of what should not
            change. Must be 0 if a and b differ in channels. 0 where colours are meant to change.
            Defaults to 0.5.
        pool_size: integer, past fakes of each kind that are kept. 0 turns it off; seldom worth a
            change. Defaults to 50.
        receptive_field: side of the discriminators' patches: 70, 16, 1, or `"image"` for the whole.
            Small images need 16. Defaults to 70.
        width: integer, the generators' channels at full size. Parameters and time grow with its
            square: lower it for small images, few samples or a slow machine, raise it where samples
            lack detail. Defaults to 64.
        discriminator_width: integer, the discriminators' after one convolution. Change it with
            `width`. Defaults to 64.
        num_blocks: integer, the generators' residual blocks. Fewer are quicker: images of 32x32 do
            with 2. Defaults to `None`: 6 for sides of at most 128, otherwise 9.
        learning_rate: float above 0, of both Adam optimizers. Lower it where losses jump or
            diverge; raise it for a short run. Defaults to 2e-4.
        beta_1: float in [0, 1), of both Adam optimizers. Seldom worth a change; towards 0.9 games
            grow unsteady. Defaults to 0.5.
        constant_steps: integer, steps at the full learning rate; the paper's are half of all. Set
            it with `decay_steps` once the length of the run is known. Defaults to `None`: all.
        decay_steps: integer, steps in which it then falls to 0; the paper's are the other half. Set
            it once the length of the run is known: a rate that falls makes the end steady. Defaults
            to `None`.
        seed: integer that seeds data order and pools. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.UnpairedTranslator`.

    Raises:
        ValueError: when strides can't produce this size, or an option is out of range.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")  # uint8 (n, 8, 8, 1)
    a, b = images[:16], 255 - images[100:110]
    epochs, batch_size = 2, 8
    # An epoch is as long as the longer collection. The rate falls in the second half of all steps.
    steps = epochs * -(-max(len(a), len(b)) // batch_size)
    options = {"width": 4, "discriminator_width": 4, "num_blocks": 1, "receptive_field": 16}
    rate = {"constant_steps": steps // 2, "decay_steps": steps - steps // 2}
    model = kgan.zoo.load("cyclegan", like=(a, b), **rate, **options)
    model.fit(a, b, batch_size=batch_size, epochs=epochs, verbose=0)
    made = model.translate(a)
    ```
    """
    channels = image_shape[2] if target_channels is None else target_channels
    a, b = tuple(image_shape), (*image_shape[:2], channels)
    model = UnpairedTranslator(
        a_to_b=networks.resnet.generator(a, b[2], width, num_blocks, name="a_to_b"),
        b_to_a=networks.resnet.generator(b, a[2], width, num_blocks, name="b_to_a"),
        discriminator_a=networks.patchgan.discriminator(
            a, receptive_field=receptive_field, width=discriminator_width
        ),
        discriminator_b=networks.patchgan.discriminator(
            b, receptive_field=receptive_field, width=discriminator_width
        ),
        loss=loss,
        cycle_weight=cycle_weight,
        identity_weight=identity_weight,
        pool_size=pool_size,
        seed=seed,
        name="cyclegan",
    )
    rate = schedules.get(learning_rate, constant_steps, decay_steps)
    model.compile(
        optimizer={player: keras.optimizers.Adam(rate, beta_1) for player in model.players}
    )
    return model
