"""Vectors: floats without a range."""

from typing import Self

import numpy as np

from kgan.data.fields.field import Field
from kgan.data.fields.values import check_some
from kgan.utils.hints import Data, Limits, Scale


class Vectors(Field):
    """Declares a field of floats without a range: points, features, spectrograms.

    Use this for everything that is neither pictures nor sound. Values are float32 on the device
    and stay as they are.

    Args:
        shape: tuple, the shape of one sample, such as `(2,)` for points in the plane.
        name: string, in messages and as a key of dictionaries. Defaults to `"x"`.
        paired: boolean, as for `kgan.data.Field`. Defaults to `True`.

    Raises:
        ValueError: If the shape has no axes or a size below 1.

    Example:
        ```python
        import kgan

        fields = (kgan.data.Vectors((2,)),)
        ```
    """

    aliases = ("vectors", "features")
    plural = "vectors"

    @classmethod
    def describe(cls, array: np.ndarray, name: str = "x") -> Self:
        """The field of vectors (n, dim), or of numbers (n,)."""
        check_some(array, name)
        if array.dtype.kind in "iu":
            raise ValueError(
                "Vectors must be floats: integers are read as pixels. Use `x.astype('float32')`, "
                "or reshape flat images to (n, height, width, channels). Received: "
                f"{name} of shape {array.shape}, dtype {array.dtype}."
            )
        return super().describe(array, name)

    @property
    def most_drawn(self) -> int:
        """Points and numbers are small: a thousand of them; of curves sixteen."""
        return 1000 if self._is_plotted else 16

    @property
    def draws_real(self) -> bool:
        """Points and numbers are drawn over real ones, curves are not."""
        return self._is_plotted

    @property
    def colours_labels(self) -> bool:
        """Points and numbers of all classes share one plot."""
        return self._is_plotted

    @property
    def _is_plotted(self):
        return self.shape in ((1,), (2,))

    def draw(
        self,
        values: Data,
        columns: int | None = None,
        real: Data = None,
        labels: Data = None,
        scale: Scale = "auto",
        limits: Limits | None = None,
    ) -> np.ndarray:
        """Points as a scatter plot, numbers as a histogram, longer vectors as curves."""
        from kgan import drawing

        values = np.asarray(values, "float32")
        if not self._is_plotted:
            return super().draw(values, columns)
        if limits is None:
            every = values if real is None else np.concatenate([values, np.asarray(real)])
            limits = drawing.with_margin(every.min(), every.max())
        if self.shape == (2,):
            return drawing.scatter(values, real=real, labels=labels, limits=limits)
        real = None if real is None else np.asarray(real).reshape(-1)
        return drawing.histogram(values[:, 0], real=real, limits=limits)
