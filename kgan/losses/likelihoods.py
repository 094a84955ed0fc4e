"""Likelihoods: how probable data is, given what a decoder makes."""

import difflib
import math
from typing import Any, Self

import keras
from keras import ops

from kgan.utils.hints import Config, Tensor

# Log-scales are kept within this, where their exponential and its square are float32 numbers.
_LOWEST, _HIGHEST = -7.0, 7.0


def per_sample_sum(x):
    """Return the sum over everything but the batch, a tensor (batch,)."""
    return ops.sum(ops.reshape(x, (ops.shape(x)[0], -1)), axis=-1)


class Likelihood:
    """How probable samples are, given what a decoder makes: base class.

    Use one of the subclasses as the `likelihood` of a `kgan.VariationalAutoencoder`, or write your
    own: `log_prob`, `mean`, and how many channels a decoder makes for each of the data's.

    Values are *summed* over all that a sample holds, pixels and channels alike, and never averaged:
    a mean over pixels makes the reconstruction 784 times too weak against the divergence of MNIST's
    codes, which then die out.

    Attributes:
        num_parameters: integer, channels of the decoder's output for each channel of the data.

    Example:
    ```python
    import keras
    from keras import ops

    import kgan


    @keras.saving.register_keras_serializable("example")
    class Laplace(kgan.losses.Likelihood):
        def log_prob(self, x, made):
            return ops.sum(-ops.abs(x - made) - ops.log(2.0), axis=tuple(range(1, len(x.shape))))

        def mean(self, made):
            return made


    points = kgan.data.ring(64, seed=0)
    model = kgan.zoo.load("vae", like=points, latent_dim=1, units=(8,), likelihood=Laplace())
    model.fit(points, verbose=0)
    ```
    """

    num_parameters = 1

    def log_prob(self, x: Tensor, made: Tensor) -> Tensor:
        """Return each sample's log probability (or density) in nats, float32 (batch,).

        Args:
            x: samples, images in [-1, 1].
            made: the decoder's output, with `num_parameters` times the channels.
        """
        raise NotImplementedError

    def mean(self, made: Tensor) -> Tensor:
        """Return the mean of the distribution, a tensor of the shape of the data."""
        raise NotImplementedError

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal one."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make a likelihood from what `get_config` returned."""
        return cls(**config)


@keras.saving.register_keras_serializable("kgan")
class Bernoulli(Likelihood):
    """Each pixel is black or white with a probability of its own.

    Use this for binary images, and for grey ones whose values stand for probabilities, as in the
    paper's figures. For grey values in between, what comes out is a cross-entropy and no
    probability of the data: numbers compare with published ones on binarised data only.

    Reference: Kingma and Welling 2014, "Auto-Encoding Variational Bayes", appendix C.1:
    `sum of t log y + (1 - t) log(1 - y)`, where `t` is the pixel in [0, 1] and `y` the sigmoid of
    what the decoder makes.

    Example:
    ```python
    import kgan
    from keras import ops

    likelihood = kgan.losses.Bernoulli()
    nats = likelihood.log_prob(ops.ones((1, 28, 28, 1)), ops.zeros((1, 28, 28, 1)))
    ```
    """

    def log_prob(self, x: Tensor, made: Tensor) -> Tensor:
        """Return the cross-entropy with its sign reversed, summed over pixels."""
        target = (ops.cast(x, "float32") + 1.0) / 2.0
        logits = ops.cast(made, "float32")
        return per_sample_sum(target * logits - ops.softplus(logits))

    def mean(self, made: Tensor) -> Tensor:
        """Return the probabilities, on the data's scale of [-1, 1]."""
        return 2.0 * ops.sigmoid(ops.cast(made, "float32")) - 1.0


def _halves(made):
    """Means and log-scales: the first and the second half of the channels."""
    mean, log_scale = ops.split(ops.cast(made, "float32"), 2, axis=-1)
    return mean, ops.clip(log_scale, _LOWEST, _HIGHEST)


@keras.saving.register_keras_serializable("kgan")
class Gaussian(Likelihood):
    """Each number is normal, with a mean and a scale of its own.

    Use this for vectors and other continuous data. On images, whose values are discrete, a density
    has no bound: the scale of a pixel that is always black shrinks without end. Use
    `DiscretizedLogistic` there, or fix the scale.

    Reference: Kingma and Welling 2014, appendix C.2, equations 11 and 12.

    Args:
        scale: float above 0, one standard deviation for all numbers, such as 0.1 for images in
            [-1, 1]: the decoder then makes means only. Defaults to `None`: the decoder makes the
            logarithms of scales too, within [-7, 7].

    Raises:
        ValueError: if the scale is not a finite number above 0.

    Example:
    ```python
    import kgan

    likelihood = kgan.losses.Gaussian(scale=0.1)
    ```
    """

    def __init__(self, scale: float | None = None) -> None:
        if scale is not None and not (
            isinstance(scale, int | float) and not isinstance(scale, bool) and 0 < scale < math.inf
        ):
            raise ValueError(
                "The scale of a Gaussian likelihood is a finite number above 0, or None for scales "
                f"that the decoder makes. Received: scale={scale!r}"
            )
        self.scale = scale
        self.num_parameters = 2 if scale is None else 1

    def _parts(self, made):
        if self.scale is None:
            return _halves(made)
        return ops.cast(made, "float32"), math.log(self.scale)

    def log_prob(self, x: Tensor, made: Tensor) -> Tensor:
        """Return the log-density, summed over all numbers of a sample."""
        mean, log_scale = self._parts(made)
        distance = (ops.cast(x, "float32") - mean) * ops.exp(-log_scale)
        density = -0.5 * ops.square(distance) - log_scale - 0.5 * math.log(2.0 * math.pi)
        return per_sample_sum(density)

    def mean(self, made: Tensor) -> Tensor:
        """Return the means."""
        return self._parts(made)[0]

    def get_config(self) -> Config:
        """Return the constructor's arguments, from which `from_config` makes an equal one."""
        return {"scale": self.scale}


@keras.saving.register_keras_serializable("kgan")
class DiscretizedLogistic(Likelihood):
    """Each pixel is one of 256 values: the bins of a logistic distribution.

    Use this for grey and coloured images: it gives real probabilities of real bytes, so that nats
    (and bits per pixel) compare between models.

    Reference: Kingma et al. 2016, "Improved Variational Inference with Inverse Autoregressive
    Flow", appendix C: `log(s((x + 1/255 - m) / a) - s((x - 1/255 - m) / a))` in [-1, 1], where the
    first and the last bin reach to infinity.

    Example:
    ```python
    import kgan
    from keras import ops

    likelihood = kgan.losses.DiscretizedLogistic()
    nats = likelihood.log_prob(ops.zeros((1, 8, 8, 3)), ops.zeros((1, 8, 8, 6)))
    ```
    """

    num_parameters = 2

    def log_prob(self, x: Tensor, made: Tensor) -> Tensor:
        """Return the log-probability of the bins that hold the pixels, summed over pixels."""
        x = ops.cast(x, "float32")
        mean, log_scale = _halves(made)
        precision = ops.exp(-log_scale)
        upper = (x - mean + 1.0 / 255.0) * precision
        lower = (x - mean - 1.0 / 255.0) * precision
        # s(u) - s(l) = s(u) s(-l) (1 - exp(l - u)), which no subtraction of near numbers spoils.
        width = 2.0 / 255.0 * precision
        inside = -ops.softplus(-upper) - ops.softplus(lower) + ops.log(-ops.expm1(-width))
        first = -ops.softplus(-upper)
        last = -ops.softplus(lower)
        nats = ops.where(x < -0.999, first, ops.where(x > 0.999, last, inside))
        return per_sample_sum(nats)

    def mean(self, made: Tensor) -> Tensor:
        """Return the means, within [-1, 1]."""
        return ops.clip(_halves(made)[0], -1.0, 1.0)


_LIKELIHOODS = {
    "bernoulli": Bernoulli,
    "discretized_logistic": DiscretizedLogistic,
    "gaussian": Gaussian,
}


def get_likelihood(identifier: Any) -> Likelihood:
    """Return a likelihood from its name, a subclass or an instance.

    Args:
        identifier: a `Likelihood`, returned unchanged; a subclass, called without arguments; or
            `"bernoulli"`, `"gaussian"` or `"discretized_logistic"`.

    Returns:
        A `Likelihood`.

    Raises:
        ValueError: if there is no likelihood of that name.
        TypeError: if it is none of the three.

    Example:
    ```python
    import kgan

    likelihood = kgan.losses.get_likelihood("bernoulli")
    ```
    """
    if isinstance(identifier, Likelihood):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Likelihood):
        return identifier()
    if not isinstance(identifier, str):
        raise TypeError(
            "A likelihood is a name such as 'bernoulli', or a kgan.losses.Likelihood. "
            f"Received: {identifier!r} (type {type(identifier).__name__})"
        )
    if identifier not in _LIKELIHOODS:
        near = difflib.get_close_matches(identifier.lower(), _LIKELIHOODS, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"There is no likelihood of this name. {hint}Expected one of {list(_LIKELIHOODS)}. "
            f"Received: {identifier!r}"
        )
    return _LIKELIHOODS[identifier]()


def standard_normal_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence from N(mean, variance) to N(0, 1), per dimension.

    Use this for codes that are drawn towards a standard normal distribution. Sum it over dimensions
    and average it over the batch: a mean over dimensions weakens it by their number.

    Reference: Kingma and Welling 2014, appendix B:
    `0.5 (mean^2 + variance - 1 - log variance)`.

    Args:
        mean: tensor (batch, dim).
        log_variance: tensor (batch, dim), the natural logarithm of the variance.

    Returns:
        A float32 tensor (batch, dim), in nats.

    Example:
    ```python
    import kgan
    from keras import ops

    zeros = kgan.losses.standard_normal_divergence(ops.zeros((4, 2)), ops.zeros((4, 2)))
    ```
    """
    mean, log_variance = ops.cast(mean, "float32"), ops.cast(log_variance, "float32")
    return 0.5 * (ops.square(mean) + ops.expm1(log_variance) - log_variance)
