"""Autoencoders: from samples to codes, and from codes back to samples."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kgan import losses
from kgan.backend.seeds import SeedGenerator
from kgan.data.fields import Field, Vectors
from kgan.game import Player
from kgan.layers import Ramp
from kgan.losses.likelihoods import Likelihood, get_likelihood, standard_normal_divergence
from kgan.models.encoder_decoder import (
    EncoderDecoder,
    VariationalEncoderDecoder,
    check_networks,
    drawn,
)
from kgan.serving.endpoints import Endpoint, Noise
from kgan.utils.arguments import check_count, check_weight
from kgan.utils.hints import Data, Tensor, Terms


class Autoencoder(EncoderDecoder):
    """An encoder and a decoder that learn to give samples back: a game of one player.

    Use this for codes of samples, to compress them or to compare them, and as the baseline of
    `kgan.VariationalAutoencoder`, whose codes can be drawn as well.

    Reference: Hinton and Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural
    Networks".

    Args:
        encoder: functional `keras.Model` from samples to codes (batch, latent_dim).
        decoder: functional `keras.Model` from codes to samples.
        reconstruction: `"l1"`, `"l2"`, `"huber"` or a `keras.losses.Loss` of `(x, made)`, a mean
            over everything. Defaults to `"l2"`.
        samples: `kgan.data.Field` of the samples. Defaults to `None`: what the encoder's input
            shape says, as of `kgan.data.of_shape`.
        seed: integer that seeds data order. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together.

    Example:

    ```python
    import kgan
    from kgan.networks import autoencoders

    images = kgan.data.load("digits")[:64]  # uint8 (n, 8, 8, 1)
    model = kgan.Autoencoder(
        autoencoders.encoder((8, 8, 1), 4, units=(16,), is_variational=False),
        autoencoders.decoder((8, 8, 1), 4, units=(16,)),
    )
    model.compile(optimizer="adam")
    model.fit(images, verbose=0)
    codes = model.encode(images)  # float32 (64, 4)
    ```
    """

    players = {"autoencoder": Player(("encoder", "decoder"), ("reconstruction",))}

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        reconstruction: str | keras.losses.Loss = "l2",
        samples: Field | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.reconstruction = losses.get_reconstruction(reconstruction)
        self.samples = samples
        check_networks(encoder, decoder, num_codes=1, num_parameters=1)
        self.built = True

    def autoencoder_loss(self, x: Tensor) -> Terms:
        """The distance between samples and what is made of their codes."""
        return {"reconstruction": self.reconstruction(x, self.reconstructed(x))}


class VariationalAutoencoder(VariationalEncoderDecoder):
    """A decoder whose codes are normal, and an encoder that says which codes a sample may have.

    Use this to generate samples, to encode them and to measure how probable a sample is: training
    is stable, samples are less sharp than a GAN's.

    The player's loss is the negative evidence lower bound in nats per sample: `reconstruction`,
    minus the log-likelihood *summed* over all that a sample holds, and `divergence`, the
    Kullback-Leibler divergence *summed* over the code's dimensions. Both are means over the batch
    only. Means over pixels or dimensions, a common fault, change the balance between the two by
    factors of hundreds.

    Reference: Kingma and Welling 2014, "Auto-Encoding Variational Bayes", equation 10 with one draw
    per sample; Higgins et al. 2017, "beta-VAE", equation 4 (`divergence_weight`); Kingma et al.
    2016, "Improved Variational Inference with Inverse Autoregressive Flow", equation 15
    (`free_bits`); Burgess et al. 2018, "Understanding disentangling in beta-VAE", equation 8
    (`capacity`, the width of the information bottleneck).

    Args:
        encoder: functional `keras.Model` from samples to `[mean, log_variance]`, each
            (batch, latent_dim).
        decoder: functional `keras.Model` from codes to what the likelihood takes.
        likelihood: `"bernoulli"`, `"gaussian"`, `"discretized_logistic"` or a
            `kgan.losses.Likelihood`. Defaults to `"bernoulli"`.
        divergence_weight: float of at least 0, beta. Defaults to 1.0.
        free_bits: float of at least 0, in nats: each dimension of the code may hold as much, as a
            mean over the batch, at no cost. Defaults to 0.0.
        capacity: float of at least 0, in nats: the divergence is held at this width, by
            `divergence_weight * |divergence - capacity|`. Defaults to `None`: it is lowered.
        warm_up: integer, batches over which `divergence_weight`, or `capacity` where there is one,
            grows from 0 to its value. Defaults to 0.
        samples: `kgan.data.Field` of the samples. Defaults to `None`: what the encoder's input
            shape says, as of `kgan.data.of_shape`.
        seed: integer that seeds data order and noise. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together or the likelihood, or a number is out of
            range.

    Example:

    ```python
    import kgan
    from kgan.networks import autoencoders

    images = kgan.data.load("digits")[:64]  # uint8 (n, 8, 8, 1)
    model = kgan.VariationalAutoencoder(
        autoencoders.encoder((8, 8, 1), 4, units=(16,)),
        autoencoders.decoder((8, 8, 1), 4, units=(16,)),
    )
    model.compile(optimizer="adam")
    model.fit(images, verbose=0)
    nats = model.elbo(images, seed=0)  # float32 (64,)
    ```
    """

    players = {"autoencoder": Player(("encoder", "decoder"), ("reconstruction", "divergence"))}

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        likelihood: str | Likelihood = "bernoulli",
        divergence_weight: float = 1.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        warm_up: int = 0,
        samples: Field | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = get_likelihood(likelihood)
        self.divergence_weight = check_weight("divergence_weight", divergence_weight)
        self.free_bits = check_weight("free_bits", free_bits)
        self.capacity = None if capacity is None else check_weight("capacity", capacity)
        self.warm_up = check_count("warm_up", warm_up, minimum=0)
        self.samples = samples
        check_networks(encoder, decoder, 2, self.likelihood.num_parameters)
        self.noise_seed = SeedGenerator(seed)
        self.ramp = Ramp(self.warm_up) if self.warm_up else None
        self.built = True

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: `generate`, `reconstruct`, `encode`, `decode` and `elbo`."""
        nats = {
            "inputs": self.fields,
            "output": Vectors((1,), name="nats"),
            "networks": ("encoder", "decoder"),
            "noise": Noise(self.latent_shape),
        }
        return {
            **super().endpoints,
            "elbo": Endpoint(function=self.bound, **nats),
            "log_weight": Endpoint(function=self.log_weight, **nats),
        }

    # What the endpoints compute, on tensors as the networks take them.

    def decoded(self, codes: Tensor) -> Tensor:
        """The mean of what a sample with this code looks like."""
        return self.likelihood.mean(self.decoder(codes))

    def bound(self, noise: Tensor, x: Tensor) -> Tensor:
        """Each sample's evidence lower bound by one draw, (batch, 1)."""
        mean, log_variance = self.encoder(x)
        nats = self.likelihood.log_prob(x, self.decoder(drawn(mean, log_variance, noise)))
        divergence = ops.sum(standard_normal_divergence(mean, log_variance), axis=-1)
        return ops.expand_dims(nats - divergence, -1)

    def log_weight(self, noise: Tensor, x: Tensor) -> Tensor:
        """`log p(x, z) - log q(z | x)` of one code `z` drawn for each sample, (batch, 1)."""
        mean, log_variance = self.encoder(x)
        codes = drawn(mean, log_variance, noise)
        nats = self.likelihood.log_prob(x, self.decoder(codes))
        # The constants of the two normal densities cancel.
        prior = -0.5 * ops.sum(ops.square(codes), axis=-1)
        posterior = -0.5 * ops.sum(log_variance + ops.square(noise), axis=-1)
        return ops.expand_dims(nats + prior - posterior, -1)

    def autoencoder_loss(self, x: Tensor) -> Terms:
        """The two terms of the negative bound, in nats: sums over samples, means over the batch."""
        mean, log_variance = self.encoder(x)
        codes = self.drawn_codes(mean, log_variance)
        divergence = ops.mean(standard_normal_divergence(mean, log_variance), axis=0)
        if self.free_bits:
            divergence = ops.maximum(divergence, self.free_bits)
        divergence = ops.sum(divergence)
        rise = 1.0 if self.ramp is None else self.ramp()
        if self.capacity is None:
            divergence = self.divergence_weight * rise * divergence
        else:
            divergence = self.divergence_weight * ops.abs(divergence - self.capacity * rise)
        return {
            "reconstruction": -ops.mean(self.likelihood.log_prob(x, self.decoder(codes))),
            "divergence": divergence,
        }

    # What a user calls.

    def elbo(
        self, samples: Data, *, num_draws: int = 1, seed: int | None = None, batch_size: int = 64
    ) -> np.ndarray:
        """Each sample's evidence lower bound in nats: at most its log-likelihood.

        Args:
            samples: array in the data's own scale.
            num_draws: integer, codes drawn for each sample, over which is averaged. Defaults to 1.
            seed: integer: the same seed gives the same numbers. Defaults to a new one each time.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            Float32 array (n,). The divergence counts whole, whatever the options of training.
        """
        draws = self._draws("elbo", samples, num_draws, seed, batch_size)
        return (sum(draws) / num_draws).astype("float32")

    def log_likelihood(
        self, samples: Data, *, num_draws: int = 500, seed: int | None = None, batch_size: int = 64
    ) -> np.ndarray:
        """Each sample's log-likelihood in nats, estimated by importance-weighted draws.

        Reference: Burda et al. 2016, "Importance Weighted Autoencoders", equation 8: a lower bound
        that grows with the number of draws towards the log-likelihood.

        Args:
            samples: array in the data's own scale.
            num_draws: integer k. Defaults to 500.
            seed: integer: the same seed gives the same numbers. Defaults to a new one each time.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            Float32 array (n,).
        """
        total = -np.inf
        for weights in self._draws("log_weight", samples, num_draws, seed, batch_size):
            total = np.logaddexp(total, weights)
        return (total - np.log(num_draws)).astype("float32")

    def _draws(self, name, samples, num_draws, seed, batch_size):
        check_count("num_draws", num_draws)
        arrays = self.answers.checked(name, [samples])
        noise = self.endpoints[name].noise
        seeds = np.random.default_rng(seed).integers(2**31, size=num_draws)
        for one in seeds:
            draws = noise.sample(len(arrays[0]), int(one))
            yield self.answers.run(name, arrays, draws, batch_size)[:, 0].astype("float64")
