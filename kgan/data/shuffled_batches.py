"""Batches of arrays in an order that the caller decides, epoch by epoch."""

import concurrent.futures
import functools
import operator
import os
from collections.abc import Callable

import keras
import numpy as np

from kgan.data.lazy_arrays import is_on_demand, rows_of
from kgan.data.two_collections import unshuffled


class ShuffledBatches(keras.utils.PyDataset):
    """Serves arrays in batches, in an order asked for at the beginning of each epoch.

    Use this on JAX and PyTorch where the order must come from saved state, so that a resumed run
    sees the batches that an uninterrupted one would have seen. Pass `shuffle=False` to Keras's
    `fit` with it: otherwise Keras shuffles the batches a second time, by Python's global `random`,
    and the ragged last batch no longer comes last.

    Args:
        arrays: Tuple of NumPy arrays or `kgan.data.LazyArray`, one per field, of equal length where
            they are paired. What is on disk is read one batch ahead.
        batch_size: Samples per batch, at least 1. The last batch of an epoch holds the rest.
        permutation: Function without arguments that returns the order of a new epoch: the integers
            `0..n-1`, each once; for arrays that are not paired, a column of indices for each, as
            long as the longest. Called once per epoch, when its first batch is asked for. Defaults
            to `None`, the order of the arrays.
        paired: Whether sample `i` of one array belongs to sample `i` of the other. Otherwise an
            epoch is as long as the longer one. Defaults to `True`.
        share: Pair of integers, which of how many equal parts of each batch to serve, where several
            processes share it. Defaults to `(0, 1)`, all of it.
        num_samples: How many samples of each order to serve. Defaults to `None`, all.

    Raises:
        TypeError: If `permutation` is not callable.
        ValueError: If the arrays are not of equal length, or empty, or `batch_size` is no positive
            integer; in an epoch, if the order has not as many entries as there are samples.

    Example:
        ```python
        import kgan
        import numpy as np

        images, generator = np.zeros((10, 8, 8, 1), "uint8"), np.random.default_rng(0)
        batches = kgan.data.ShuffledBatches((images,), 4, lambda: generator.permutation(10))
        assert [len(x) for (x,) in batches] == [4, 4, 2]
        ```
    """

    def __init__(
        self,
        arrays: tuple[np.ndarray, ...],
        batch_size: int,
        permutation: Callable[[], np.ndarray] | None = None,
        paired: bool = True,
        share: tuple[int, int] = (0, 1),
        num_samples: int | None = None,
    ) -> None:
        """Checks the arguments, which the class describes."""
        # One worker: with more, Keras fetches ahead from threads, across the end of an epoch.
        super().__init__(workers=1, use_multiprocessing=False)
        arrays = tuple(arrays)
        lengths = [len(array) for array in arrays]
        is_one_length = len(set(lengths)) == 1 or not paired
        if not arrays or not is_one_length or min(lengths) == 0:
            raise ValueError(
                "The arrays do not make batches. Expected a tuple of arrays of equal length, not "
                "empty. Cut them to the same samples. "
                f"Received: {len(arrays)} arrays of lengths {lengths}."
            )
        if int(batch_size) != batch_size or batch_size < 1:
            raise ValueError(
                "batch_size must be a positive integer. Pass for example batch_size=64. Received: "
                f"batch_size={batch_size!r}."
            )
        if permutation is not None and not callable(permutation):
            raise TypeError(
                "permutation must be a function without arguments that returns an order. Pass for "
                f"example `lambda: order`. Received: {type(permutation).__name__}."
            )
        self.arrays = arrays
        self.batch_size = int(batch_size)
        self.permutation = permutation
        self.paired = paired
        self.share = share
        self.num_samples = max(lengths) if num_samples is None else num_samples
        self._order = None
        self._is_finished = False
        self._ahead = None
        # What is on disk is read while the model takes a step.
        self._is_on_demand = any(map(is_on_demand, arrays))

    @property
    def num_batches(self) -> int:
        """Number of batches in an epoch, a ragged last one included."""
        return -(-self.num_samples // self.batch_size)

    def on_epoch_begin(self) -> None:
        """Forgets the order, if it has been served to its end.

        Keras also calls this before it peeks at one batch to build a model, and in the middle of a
        pass when `steps_per_epoch` cuts the data in several epochs. A pass that has begun keeps
        its order, so that each sample comes once, and `permutation` is not called for nothing.
        """
        if self._is_finished:
            self._order = self._ahead = None
            self._is_finished = False

    def __iter__(self):
        """Iterates over one epoch, as Keras does."""
        self.on_epoch_begin()
        for index in range(self.num_batches):
            yield self[index]

    def __getitem__(self, index):
        """Batch `index` of the current epoch: `(x,)`, `(x, y)`, or one tuple of more arrays."""
        num_batches = self.num_batches
        if not 0 <= index < num_batches:
            raise IndexError(f"There is no batch {index}: an epoch has {num_batches}.")
        if self._order is None:
            self._order = self._new_order()
        ahead, self._ahead = self._ahead, None
        is_there = ahead is not None and ahead[0] == index
        batch = ahead[1].result() if is_there else self._read(index)
        if self._is_on_demand and index + 1 < num_batches:
            self._ahead = index + 1, _reader().submit(self._read, index + 1)
        self._is_finished = self._is_finished or index == num_batches - 1
        # Keras takes a third entry for sample weights, and no fourth.
        return batch if len(batch) < 3 else (batch,)

    def _read(self, index):
        start = index * self.batch_size
        size = min(self.batch_size, self.num_samples - start)
        number, count = self.share
        chosen = slice(start + number * size // count, start + (number + 1) * size // count)
        if self._order is not None:
            chosen = self._order[chosen]
        columns = [chosen if self.paired else chosen[:, i] for i in range(len(self.arrays))]
        pairs = zip(self.arrays, columns, strict=True)
        # Where one is read on demand, indices may count beyond the length of the others.
        take = rows_of if self._is_on_demand else operator.getitem
        return tuple(take(array, column) for array, column in pairs)

    def _new_order(self):
        if self.permutation is None:
            # Paired arrays are sliced: no indices, and no copies.
            return None if self.paired else unshuffled([len(array) for array in self.arrays])
        order = np.asarray(self.permutation())
        columns = () if self.paired else (len(self.arrays),)
        length = max(len(array) for array in self.arrays)
        if order.shape != (length, *columns) or order.dtype.kind not in "iu":
            each = "each once" if self.paired else "in a column for each array"
            raise ValueError(
                "permutation returned no order of the samples. Expected the integers "
                f"0..{length - 1}, {each}. Return for example "
                "`generator.permutation(len(x))`. Received: an array of shape "
                f"{order.shape}, dtype {order.dtype}."
            )
        return order


@functools.cache
def _reader():
    return concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="kgan-batches")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reader.cache_clear)
