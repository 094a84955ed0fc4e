"""The base class of the metrics of samples: two sides, an extractor, a protocol."""

from typing import Any

import keras
import numpy as np

from kgan.metrics.extractors import Extractor
from kgan.utils.arguments import check_count
from kgan.utils.hints import Config, Data, Features


class SampleMetric(keras.metrics.Metric):
    """Compares generated samples with real ones, on the host and in float64.

    Subclass this to write a metric for `compile(metrics=[...])` of kgan's models: `update_state`
    takes batches of both sides, of any size, and a subclass computes `result` from `_rows()`, at
    most `num_samples` vectors per side. Further samples replace earlier ones at random, so that
    each is equally likely to be kept.

    Class attributes: `title`, the metric's name in the protocol; `mode`, `"min"` or `"max"`,
    whichever is better, or a dict of those for a result that is a dict; `paired`, whether row `i`
    of one side belongs to row `i` of the other; `uses_real`, whether real samples are used at all.

    Args:
        extractor: what turns samples into vectors, as for `kgan.metrics.Extractor`. Defaults to
            `"auto"`: images are compared by `"image_features"`, all else as it is.
        num_samples: integer, vectors kept per side. Defaults to 10 000.
        name: string, the key in logs. Defaults to `"sample_metric"`.

    Example:

    ```python
    import numpy as np

    import kgan


    class MeanDistance(kgan.metrics.SampleMetric):
        title = "distance of means"

        def result(self):
            real, fake = self._rows()
            return float(np.linalg.norm(real.mean(axis=0) - fake.mean(axis=0)))


    metric = MeanDistance(name="mean_distance")
    metric.update_state(kgan.data.ring(500, seed=0), kgan.data.ring(500, seed=1))
    print(metric.result(), metric.protocol)
    ```
    """

    title = "metric"
    mode = "min"
    paired = False
    uses_real = True

    def __init__(
        self, extractor: Features = "auto", num_samples: int = 10_000, name: str = "sample_metric"
    ) -> None:
        super().__init__(name=name)
        self.num_samples = check_count("num_samples", num_samples, minimum=2)
        self.extractor = Extractor.get(extractor)
        self.standard_error = None
        self.reset_state()

    def reset_state(self) -> None:
        """Discards all samples."""
        self._real, self._shapes = self._new_side(), ()
        self.reset_fake()

    def reset_fake(self) -> None:
        """Discards the generated samples, and keeps the statistics of the real ones."""
        self._fake = self._new_side()

    def real_mark(self) -> tuple[Any, int]:
        """A marker that changes whenever the real side does, to detect later whether it changed."""
        return self._real, self._real.seen

    def update_state(
        self, real: Data = None, fake: Data = None, sample_weight: None = None
    ) -> None:
        """Adds a batch of each side.

        Args:
            real: real samples: uint8 images, floats in [-1, 1], or vectors. Defaults to `None`.
            fake: generated samples, in any number. Defaults to `None`.
            sample_weight: not supported.
        """
        if sample_weight is not None:
            raise ValueError(
                "Metrics of distributions do not support sample weights. Leave sample_weight out. "
                "Received: sample_weight is not None"
            )
        extracted = [
            self.extractor(samples, name)
            if samples is not None and len(samples) and (self.uses_real or name == "fake")
            else None
            for name, samples in (("real", real), ("fake", fake))
        ]
        self.note_shapes(real, fake)
        self.update_features(*extracted)

    def update_features(self, real: Data = None, fake: Data = None) -> None:
        """Adds features computed by the metric's own extractor: see `kgan.metrics.update_all`.

        Args:
            real: float array (n, dim), or `None`.
            fake: float array (m, dim), or `None`.
        """
        real = real if self.uses_real else None
        for name, side, rows in (("real", self._real, real), ("fake", self._fake, fake)):
            if rows is None:
                continue
            rows = np.asarray(rows)
            known = self._fake.shape if self._real.shape is None else self._real.shape
            if known is not None and rows.shape[1:] != known:
                raise ValueError(
                    "All samples that a metric compares must have features of one shape. "
                    f"Received: {name} features of shape {rows.shape[1:]} after {known}"
                )
            side.add(rows)

    def note_shapes(self, real: Data = None, fake: Data = None) -> None:
        """Records the shapes of the samples, for the protocol."""
        sides = [x for x in (real, fake) if x is not None and len(x)]
        for samples in sides:
            self.extractor.settle(samples)
        shapes = (tuple(np.shape(x)[1:]) for x in sides)
        self._shapes = tuple(dict.fromkeys((*self._shapes, *shapes)))

    def result(self) -> float | dict[str, float]:
        """The value, or a dict of values. Subclasses implement this."""
        raise NotImplementedError(f"{type(self).__name__} does not implement result()")

    @property
    def protocol(self) -> str:
        """How the value was computed, in words."""
        shape = self._fake.shape or self._real.shape
        sides = [f"{self._fake.words} generated"]
        if self.uses_real:
            sides.insert(0, f"{self._real.words} real")
        parts = [
            self.title,
            self.extractor.words("?" if shape is None else int(np.prod(shape))),
            " and ".join(sides) + (" samples" if not self.paired else " in pairs"),
            *self._details(),
            self.extractor.resizing(self._shapes),
        ]
        return ", ".join(parts)

    def get_config(self) -> Config:
        """The arguments of `__init__`."""
        return {
            "extractor": self.extractor.get_config(),
            "num_samples": self.num_samples,
            "name": self.name,
        }

    def _new_side(self):
        return Reservoir(self.num_samples)

    def _details(self):
        """More parts of the protocol. Subclasses may override this."""
        return ()

    def _rows(self, minimum=2):
        """The vectors of both sides as float64, (n, dim) and (m, dim)."""
        self._check_counts(minimum)
        return tuple(
            side.rows().astype("float64") if len(side) else None
            for side in (self._real, self._fake)
        )

    def _check_counts(self, minimum):
        counts = {"generated": self._fake.seen}
        if self.uses_real:
            counts = {"real": self._real.seen, **counts}
        if min(counts.values()) < minimum:
            found = " and ".join(f"{count} {name}" for name, count in counts.items())
            of = " of each side" if self.uses_real else ""
            raise ValueError(
                f"{type(self).__name__} needs at least {minimum} samples{of}. Call "
                f"update_state(real, fake) first. Received: {found} samples"
            )


class Reservoir:
    """At most `capacity` rows of a stream, each equally likely to be kept.

    Algorithm R of Vitter 1985, "Random sampling with a reservoir", from a fixed seed: the
    result does not depend on how the rows are split into batches.
    """

    def __init__(self, capacity, seed=0):
        self.capacity, self.seen, self.shape = capacity, 0, None
        self._parts, self._owned = [], False
        self._random = np.random.default_rng(seed)

    def __len__(self):
        return min(self.seen, self.capacity)

    @property
    def words(self):
        """How many rows are kept, and of how many."""
        return f"{len(self)}" if self.seen <= self.capacity else f"{len(self)} of {self.seen}"

    def add(self, rows):
        """Adds rows (n, ...), without a copy until it is full."""
        self.shape = rows.shape[1:]
        free = self.capacity - len(self)
        if free:
            self._parts.append(rows[:free])
            self.seen += len(rows[:free])
        late = rows[free:]
        if not len(late):
            return
        kept = self.rows(owned=True)
        places = self.seen + 1 + np.arange(len(late))
        chosen = (self._random.random(len(late)) * places).astype("int64")
        stays = chosen < self.capacity
        # Of several rows for one place the last one is kept, as if they had been added one by one.
        kept[chosen[stays]] = late[stays]
        self.seen += len(late)

    def rows(self, owned=False):
        """The rows as one array. With `owned=True` one that may be written to."""
        if len(self._parts) != 1 or (owned and not self._owned):
            self._parts = [np.concatenate(self._parts)]
            self._owned = True
        return self._parts[0]
