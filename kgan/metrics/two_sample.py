"""Do two sets of samples come from one distribution? A test with a classifier."""

import dataclasses
import math
import warnings

import keras
import numpy as np
from keras import layers

from kgan.data.fields import Images, of_samples, of_shape
from kgan.data.inspection import first_of_equal
from kgan.metrics.extractors import Extractor
from kgan.metrics.samples import read
from kgan.utils.arguments import check_count
from kgan.utils.hints import Data, Features

_BATCH = 64
_PATIENCE = 3
# Share of the training half that is held out for early stopping.
_VALIDATION = 0.2
_FEWEST = 20


@dataclasses.dataclass(frozen=True)
class TwoSampleResult:
    """The result of `two_sample_test`. Printing it explains it.

    Args:
        accuracy: float, share of held-out samples that the classifier assigned to the right side.
        p_value: float, probability that a classifier that guesses does as well.
        num_test: integer, held-out samples of both sides together.
        num_train: integer, samples of both sides that the classifier was trained on.
        seed: integer seed of the drawn samples and of the classifier's initial weights.
        classifier: string, the classifier in words.

    Example:

    ```python
    import kgan

    result = kgan.metrics.TwoSampleResult(0.53, 0.0013, 2500, 2500, 0, "a network")
    assert result.differs()
    print(result)  # The samples differ: 53.0 % of 2500 held-out samples ...
    ```
    """

    accuracy: float
    p_value: float
    num_test: int
    num_train: int
    seed: int
    classifier: str

    def differs(self, level: float = 0.05) -> bool:
        """Whether the two sides differ, at this probability of a false alarm."""
        return self.p_value < level

    @property
    def protocol(self) -> str:
        """How the values were computed, in words."""
        return (
            f"classifier two-sample test: {self.classifier} learned from {self.num_train} samples, "
            f"half of each side, and was tested on {self.num_test} others; p from the binomial "
            f"distribution of guesses; seed {self.seed}"
        )

    def __str__(self):
        found = f"{self.accuracy:.1%} of {self.num_test} held-out samples were told apart correctly"
        # Of thousands of samples it may be too small for a float.
        chance = f"probability {self.p_value:.2g}" if self.p_value else "next to no probability"
        if self.differs():
            text = f"The samples differ: {found}, and guesses do as well with {chance}"
        else:
            text = (
                f"No difference was found: {found}, which guesses reach with {chance}. More "
                "samples might still show one"
            )
        return f"{text} ({self.protocol})"


def two_sample_test(
    a: Data,
    b: Data,
    *,
    seed: int = 0,
    extractor: Features = None,
    num_samples: int = 10_000,
    epochs: int = 15,
) -> TwoSampleResult:
    """Tests whether two sets of samples come from one distribution, with a classifier.

    Use this for a yes or no with a known rate of false alarms, where distances only give numbers:
    whether the data in deployment still looks like the data that a model was trained on, or whether
    a generator can be told apart from its data. Half of the samples train a small network to tell
    the two sides apart; if both come from one distribution, it can only guess on the other half.
    With many samples it finds the smallest difference: look at the accuracy too, which says how
    large it is.

    Points, and features of an `extractor`, are classified by two hidden layers of 64 units; images
    by a small convolutional network. Its weights are those of the epoch with the lowest loss on a
    fifth of the training half, which is held out of training. A Keras network runs wherever the
    models run and classifies images better than classifiers of flat pixels do, and the same seed
    gives the same result on a CPU.

    Reference: Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests", section 3. The
    paper approximates the accuracy of guesses by a Gaussian; here it is the exact binomial.

    Args:
        a: uint8 images, floats in [-1, 1], or vectors: at least 20 samples, none of which is also
            in `b`. They should be independent: copies, as in oversampled data or a camera's still
            frames, make chance look like a difference, and cause a warning.
        b: samples of the same shape. The larger side is subsampled to the size of the smaller.
        seed: integer seed of the halves and of the classifier. Defaults to 0.
        extractor: as for `kgan.metrics.Extractor`: the classifier then takes features.
            Defaults to `None`, the samples themselves.
        num_samples: integer, the most samples drawn per side. Defaults to 10 000.
        epochs: integer, the most passes over the training half. Defaults to 15.

    Returns:
        A `TwoSampleResult`.

    Raises:
        ValueError: when the sides differ in shape, or have too few samples.

    Example:

    ```python
    import kgan

    trained_on = kgan.data.ring(1000, seed=0)

    # Drift: do today's points look like those of training?
    today = kgan.data.ring(1000, seed=1) + (0.3, 0.0)
    result = kgan.metrics.two_sample_test(trained_on, today)
    print(result)  # The samples differ: ...

    # A generator against data that it has not seen.
    model = kgan.zoo.load("vanilla", like=trained_on)
    model.fit(trained_on, epochs=1, verbose=0)
    held_out = kgan.data.ring(1000, seed=2)
    result = kgan.metrics.two_sample_test(held_out, model.generate(1000, seed=0))
    assert result.differs()  # after one epoch it is no ring yet
    ```
    """
    seed = check_count("seed", seed, minimum=0)
    num_samples = check_count("num_samples", num_samples, minimum=_FEWEST)
    epochs = check_count("epochs", epochs)
    sides = [read(side, name, whole=True) for side, name in ((a, "a"), (b, "b"))]
    if sides[0].shape[1:] != sides[1].shape[1:]:
        raise ValueError(
            "Samples of different shapes differ without a test. Reshape both to the same shape. "
            f"Received: a of shape {sides[0].shape}, b of shape {sides[1].shape}"
        )
    for side, name in zip(sides, "ab"):
        _warn_of_repeats(side, name)
    count = min(num_samples, *(len(side) for side in sides))
    if count < _FEWEST:
        raise ValueError(
            f"A classifier is trained on at least {_FEWEST} samples per side, better on thousands. "
            f"Received: {len(sides[0])} and {len(sides[1])} samples"
        )
    random = np.random.default_rng(seed)
    extractor = Extractor.get(extractor)
    is_image = extractor.source is None and isinstance(of_samples(sides[0]), Images)
    if is_image:
        extractor = Extractor(head="images")
    drawn = [extractor(side[random.permutation(len(side))[:count]]) for side in sides]
    half = count // 2
    train = _labelled(random, *(side[:half] for side in drawn))
    test = _labelled(random, *(side[half:] for side in drawn))
    if not is_image:
        mean, deviation = train[0].mean(axis=0), train[0].std(axis=0)
        deviation[deviation == 0] = 1.0
        train, test = (((x - mean) / deviation, y) for x, y in (train, test))
    network = _network(train[0].shape[1:], random)
    _fit(network, *train, epochs, random)
    hits = int(((_logits(network, test[0]) > 0) == test[1]).sum())
    return TwoSampleResult(
        accuracy=hits / len(test[1]),
        p_value=_p_value(hits, len(test[1])),
        num_test=len(test[1]),
        num_train=len(train[1]),
        seed=seed,
        classifier=network.name.replace("_", " "),
    )


def _warn_of_repeats(samples, name):
    repeats = len(samples) - len(first_of_equal(samples))
    if repeats:
        warnings.warn(
            f"{repeats} of the {len(samples)} samples of `{name}` repeat others. If they are "
            "copies, the p-value is too small, as each counts as a new sample: drop them, "
            f"{name} = np.unique({name}, axis=0).",
            stacklevel=3,
        )


def _labelled(random, zeros, ones):
    """Both sides in one random order, with their labels."""
    samples = np.concatenate([zeros, ones]).astype("float64" if zeros.ndim == 2 else "float32")
    labels = np.arange(len(samples)) >= len(zeros)
    order = random.permutation(len(samples))
    return samples[order], labels[order].astype("float32")


def _p_value(hits, count):
    from scipy import stats

    return float(stats.binomtest(hits, count, 0.5, alternative="greater").pvalue)


def _network(shape, random):
    """A classifier whose initial weights only depend on the seed, in float32 under any policy."""

    def weighted(layer, *arguments, **options):
        start = keras.initializers.HeNormal(seed=int(random.integers(2**31)))
        return layer(*arguments, kernel_initializer=start, dtype="float32", **options)

    inputs = keras.Input(shape, dtype="float32")
    x = inputs
    if isinstance(of_shape(shape), Images):
        filters = 16
        for _ in range(max(1, math.ceil(math.log2(min(shape[:2]) / 7)))):
            x = weighted(layers.Conv2D, filters, 3, strides=2, padding="same", activation="relu")(x)
            filters = min(2 * filters, 64)
        x = layers.Flatten(dtype="float32")(x)
        name = "a_convolutional_network"
    else:
        x = weighted(layers.Dense, 64, activation="relu")(x)
        name = "a_network_of_two_hidden_layers"
    x = weighted(layers.Dense, 64, activation="relu")(x)
    return keras.Model(inputs, weighted(layers.Dense, 1)(x), name=name)


def _fit(network, samples, labels, epochs, random):
    """Trains with early stopping on held-out samples, and restores the best epoch."""
    network.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.BinaryCrossentropy(from_logits=True),
        # XLA compiles for longer than these networks train, where there is a choice.
        jit_compile=keras.config.backend() == "jax",
    )
    kept_out = max(1, round(_VALIDATION * len(labels)))
    held, held_labels = samples[:kept_out], labels[:kept_out]
    samples, labels = samples[kept_out:], labels[kept_out:]
    best, weights, waited = math.inf, None, 0
    for _ in range(epochs):
        order = random.permutation(len(labels))
        # Batch by batch: the pipeline of `fit` takes longer to start than such an epoch does. A
        # short last batch would be another shape to compile.
        for start in range(0, max(1, len(order) - _BATCH + 1), _BATCH):
            batch = order[start : start + _BATCH]
            network.train_on_batch(samples[batch], labels[batch, None])
        signed = _logits(network, held) * (1 - 2 * held_labels)
        loss = np.logaddexp(0.0, signed).mean()
        if loss < best:
            best, weights, waited = loss, network.get_weights(), 0
        else:
            waited += 1
            if waited == _PATIENCE:
                break
    if weights is not None:
        network.set_weights(weights)


def _logits(network, samples):
    # Not by `predict`: each size of a batch would be compiled, of which TensorFlow warns.
    step = 500
    parts = [
        keras.ops.convert_to_numpy(network(samples[start : start + step], training=False))
        for start in range(0, len(samples), step)
    ]
    return np.concatenate(parts)[:, 0].astype("float64")
