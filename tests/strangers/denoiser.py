"""A stranger's signal translator: one player, no discriminator."""

import keras
from keras import layers

import kgan
from kgan.data import Signals

PAIRS = kgan.zoo.Like("signal_shape", kinds=(Signals,), then=((Signals,),))


@kgan.zoo.register(like=PAIRS, tiny={"signal_shape": (32, 1)})
def denoiser(signal_shape=(64, 1), *, width=8, rate=8000.0, learning_rate=1e-3, seed=None):
    """A network that takes noise out of sounds.

    Reference: Stranger 2026, "Sounds without noise", equation 1.

    Args:
        signal_shape: tuple `(time, channels)`. Defaults to `(64, 1)`.
        width: integer, channels of the hidden layer. Defaults to 8.
        rate: float, samples per second. Defaults to 8000.0.
        learning_rate: float, of Adam. Defaults to 1e-3.
        seed: integer that seeds data order. Defaults to `None`.

    Returns:
        A compiled `kgan.PairedTranslator`.

    Raises:
        ValueError: when an option is out of range.

    Example:

    ```python
    model = kgan.zoo.load("denoiser", like=(noisy, clean))
    ```
    """
    x = keras.Input(signal_shape)
    y = layers.Conv1D(width, 5, padding="same", activation="tanh")(x)
    y = layers.Conv1D(signal_shape[-1], 5, padding="same", activation="tanh", dtype="float32")(y)
    model = kgan.PairedTranslator(
        keras.Model(x, y, name="cleaner"),
        reconstruction_weight=1.0,
        source=Signals(signal_shape, rate=rate),
        target=Signals(signal_shape, rate=rate),
        seed=seed,
        name="denoiser",
    )
    model.compile(optimizer=keras.optimizers.Adam(learning_rate))
    return model
