"""Latent codes: parts of the noise that have a meaning."""

from typing import Any

import keras
from keras import ops

from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Tensor


@keras.saving.register_keras_serializable("kgan")
class LatentCodes(keras.layers.Layer):
    """Turn the first numbers of uniform noise into codes: one category, and continuous ones.

    Use this as a generator's first layer where parts of the noise are to mean something, as in
    `kgan.InfoGAN`. The codes are made of the noise itself, so that whoever draws the noise, such as
    an exported model, draws the codes too.

    The layout of the noise (batch, 1 + num_continuous + the rest), drawn from U(-1, 1): the first
    number selects the category, `floor((u + 1) / 2 * num_categories)`, so that all are equally
    likely; the next `num_continuous` are the continuous codes as they are; the rest stays noise.

    Args:
        num_categories: integer of at least 2.
        num_continuous: integer of at least 0. Defaults to 0.
        **kwargs: `name` as for `keras.layers.Layer`.

    Input shape:
        `(n, d)` with `d > num_continuous`, numbers in [-1, 1].

    Output shape:
        `(n, d - 1 + num_categories)`, float32: the category as a one-hot vector, then the rest.

    Raises:
        ValueError: when there are fewer than two categories, or the noise is too short.

    Example:

    ```python
    import numpy as np
    from kgan.layers import LatentCodes

    noise = np.random.uniform(-1, 1, (4, 7)).astype("float32")
    codes = LatentCodes(num_categories=10, num_continuous=2)(noise)    # (4, 16)
    ```
    """

    def __init__(self, num_categories: int, num_continuous: int = 0, **kwargs: Any) -> None:
        # In half precision, a number near the border of two categories could change its category.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.num_categories = check_count("num_categories", num_categories, minimum=2)
        self.num_continuous = check_count("num_continuous", num_continuous, minimum=0)

    def build(self, input_shape: Any) -> None:
        """Check that the noise is long enough."""
        if input_shape[-1] <= self.num_continuous:
            raise ValueError(
                "The noise holds one number for the category and one per continuous code, at least "
                f"{1 + self.num_continuous}. Received: noise of shape {tuple(input_shape)}"
            )
        self.built = True

    def call(self, noise: Tensor) -> Tensor:
        """Return the category as a one-hot vector, and the rest of the noise."""
        categories, _ = self.split(noise)
        return ops.concatenate([ops.one_hot(categories, self.num_categories), noise[:, 1:]], axis=1)

    def split(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return the codes in a noise: categories (n,) and continuous (n, num_continuous)."""
        return split_codes(noise, self.num_categories, self.num_continuous)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the codes and the rest of the noise."""
        return (*input_shape[:-1], input_shape[-1] - 1 + self.num_categories)

    def get_config(self) -> Config:
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["dtype"]
        codes = {"num_categories": self.num_categories, "num_continuous": self.num_continuous}
        return {**config, **codes}


def split_codes(noise, num_categories, num_continuous=0):
    """Returns the codes in a noise, laid out as `LatentCodes` says.

    Args:
        noise: tensor (n, d) of numbers in [-1, 1].
        num_categories: integer.
        num_continuous: integer. Defaults to 0.

    Returns:
        Categories (n,) as int32, and continuous codes (n, num_continuous).
    """
    places = ops.floor((noise[:, 0] + 1.0) * (0.5 * num_categories))
    # The upper end of the range belongs to the last category.
    categories = ops.clip(ops.cast(places, "int32"), 0, num_categories - 1)
    return categories, noise[:, 1 : 1 + num_continuous]
