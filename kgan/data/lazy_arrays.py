"""Arrays whose samples are made when they are asked for, such as pictures that stay on disk."""

import copy
import math
from typing import Any, Self

import numpy as np

from kgan.utils.hints import Shape

# Read at a time, where all are: enough for threads, little beside the result.
_BLOCK = 256


class LazyArray:
    """Samples that are read by index, for data that is larger than memory.

    Use this as the base class of a source of your own: define `read`. Slices are views, as
    NumPy's are; an index, or an array of them, reads samples; `numpy.asarray` reads all. `fit`,
    `evaluate`, `like=` and callbacks take it where they take an array, and read a batch at a time.

    Args:
        length: integer, the number of samples.
        shape: tuple, the shape of one sample.
        dtype: the dtype of the samples. Defaults to `"uint8"`.

    Example:
        ```python
        import kgan
        import numpy as np


        class Squares(kgan.data.LazyArray):
            def read(self, indices):
                return np.stack([np.full((8, 8, 1), index**2, "uint8") for index in indices])


        squares = Squares(16, (8, 8, 1))
        assert squares.shape == (16, 8, 8, 1)
        assert squares[[2, 3]][:, 0, 0, 0].tolist() == [4, 9]
        ```
    """

    # In how many ways each sample may be read. Variant v of sample i is sample v * len(x) + i, so
    # that an order of indices says all of what is read: see `kgan.data.augmented`.
    variants = 1

    def __init__(self, length: int, shape: Shape, dtype: Any = "uint8") -> None:
        self.sample_shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self._rows = range(length)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Reads samples.

        Args:
            indices: integer array (n,), of samples of the whole source.

        Returns:
            NumPy array (n, *sample_shape).
        """
        raise NotImplementedError

    def read_variants(self, indices: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Reads samples, each in one of its variants, of which this class knows one.

        Args:
            indices: integer array (n,), of samples of the whole source.
            which: integer array (n,), 0 for the sample as it is.

        Returns:
            NumPy array (n, *sample_shape).
        """
        return self.read(indices)

    @property
    def shape(self) -> Shape:
        """Shape of all samples together."""
        return (len(self._rows), *self.sample_shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 1 + len(self.sample_shape)

    @property
    def size(self) -> int:
        """Number of numbers in all samples."""
        return len(self) * math.prod(side or 0 for side in self.sample_shape)

    @property
    def nbytes(self) -> int:
        """Bytes that all samples would take in memory."""
        return self.size * self.dtype.itemsize

    def astype(self, dtype: Any) -> Self:
        """The same samples, which become another dtype when they are read."""
        view = copy.copy(self)
        view.dtype = np.dtype(dtype)
        return view

    def take(self, places: np.ndarray) -> Self:
        """Some of the samples, which stay unread.

        Args:
            places: integer array (n,).
        """
        view = copy.copy(self)
        view._rows = np.asarray(self._rows)[places]
        return view

    def split(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `read_variants` is asked for where these samples of the array are.

        Args:
            numbers: integer array (n,): variant v of sample i is v * len(x) + i.

        Returns:
            Two integer arrays (n,): samples of the whole source, and their variants.
        """
        which, places = np.divmod(numbers, max(1, len(self)))
        if isinstance(self._rows, range):
            return self._rows.start + self._rows.step * places, which
        return self._rows[places], which

    def __len__(self):
        return len(self._rows)

    def __repr__(self):
        return f"{type(self).__name__} of shape {self.shape}, dtype {self.dtype}, on demand"

    def __getitem__(self, key):
        if isinstance(key, slice):
            view = copy.copy(self)
            view._rows = self._rows[key]
            return view
        indices = np.asarray(key)
        if indices.dtype == bool and indices.shape == (len(self),):
            indices = np.flatnonzero(indices)
        if indices.size == 0:
            indices = indices.astype("int64")
        if indices.dtype.kind not in "iu" or indices.ndim > 1:
            raise TypeError(
                "Samples that are read on demand are chosen along their first axis only. Expected "
                "an integer, a slice, or an array of integers. Read them all first with "
                f"`numpy.asarray(x)`. Received: {key!r}"
            )
        indices = indices.astype("int64")
        indices = np.where(indices < 0, indices + len(self), indices)
        if indices.size and not 0 <= indices.min() <= indices.max() < len(self) * self.variants:
            raise IndexError(f"There is no sample {key}: there are {len(self)}.")
        samples = self.read_variants(*self.split(np.atleast_1d(indices)))
        samples = samples.astype(self.dtype, copy=False)
        return samples if indices.ndim else samples[0]

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Samples that are read on demand can't become an array without a copy")
        whole = np.empty(self.shape, self.dtype)
        for start in range(0, len(self), _BLOCK):
            stop = min(start + _BLOCK, len(self))
            whole[start:stop] = self[np.arange(start, stop)]
        return whole if dtype is None else whole.astype(dtype)


def rows_of(array, chosen):
    """Samples of an array, in memory.

    Args:
        array: NumPy array or `LazyArray`.
        chosen: slice, or integer array of places; beyond the last one begin the variants of a
            `LazyArray`, which other arrays beside it do not have.

    Returns:
        NumPy array.
    """
    if isinstance(array, LazyArray) or isinstance(chosen, slice):
        return np.asarray(array[chosen])
    return array[chosen % len(array)]


def is_on_demand(array):
    """Whether samples are read when they are asked for: of a `LazyArray`, or a mapped file."""
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, LazyArray | np.memmap)
