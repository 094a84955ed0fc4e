"""Reconstruction losses: how far outputs are from their targets.

They are Keras's own losses, under the names that papers on image translation use.
"""

import difflib

import keras

_LOSSES = {
    "huber": keras.losses.Huber,
    "l1": keras.losses.MeanAbsoluteError,
    "l2": keras.losses.MeanSquaredError,
}


def get_reconstruction(identifier: str | keras.losses.Loss) -> keras.losses.Loss:
    """Return a Keras loss from its name or an instance.

    Use this where a model compares samples with samples, pixel by pixel: the `"l1"` of pix2pix
    and of CycleGAN's cycles keeps edges sharper than `"l2"`.

    Args:
        identifier: `"l1"` for the mean absolute error, `"l2"` for the mean squared error,
            `"huber"`, or a `keras.losses.Loss`, returned unchanged.

    Returns:
        A `keras.losses.Loss`, called as `loss(y_true, y_pred)`, that returns the mean over all
        elements as a scalar.

    Raises:
        ValueError: if the name is not one of these, or the loss does not return a scalar.
        TypeError: if `identifier` is neither a name nor a loss.

    Example:
    ```python
    import keras
    import kgan

    distance = kgan.losses.get_reconstruction("l1")
    assert float(distance(keras.ops.zeros((2, 3)), keras.ops.ones((2, 3)))) == 1.0
    ```
    """
    if isinstance(identifier, keras.losses.Loss):
        if identifier.reduction in (None, "none"):
            raise ValueError(
                "A reconstruction loss must return a scalar, and this one returns a value per "
                'sample. Create it with reduction="sum_over_batch_size". '
                f"Received: a {type(identifier).__name__} with reduction={identifier.reduction!r}"
            )
        return identifier
    if not isinstance(identifier, str):
        raise TypeError(
            "Could not interpret `identifier` as a reconstruction loss. Expected one of the names "
            f"{sorted(_LOSSES)} or a keras.losses.Loss. "
            f"Received: {identifier!r} (of type {type(identifier).__name__})"
        )
    if identifier not in _LOSSES:
        near = difflib.get_close_matches(identifier.lower(), _LOSSES, n=1, cutoff=0.4)
        hint = f'Did you mean "{near[0]}"? ' if near else ""
        raise ValueError(
            f"Unknown reconstruction loss. {hint}Expected one of "
            f"{sorted(_LOSSES)}, or a keras.losses.Loss. Received: {identifier!r}"
        )
    return _LOSSES[identifier]()
