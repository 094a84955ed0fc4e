"""Translation without pairs through one latent space that two collections share."""

import math
from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from kgan import losses
from kgan.backend.seeds import SeedGenerator
from kgan.data.fields import Field, Vectors
from kgan.game import Player
from kgan.latent import noise as latent
from kgan.losses import AdversarialLoss
from kgan.losses.likelihoods import per_sample_sum, standard_normal_divergence
from kgan.models.two_way import DISCRIMINATORS, TwoWayTranslator, distance
from kgan.serving.endpoints import Endpoint
from kgan.utils.arguments import check_count, check_weight
from kgan.utils.hints import Data, Tensor, Terms

# In the order in which a sample goes through them: its own network, then what both kinds share.
_ENCODERS = {"a": ("encoder_a", "shared_encoder"), "b": ("encoder_b", "shared_encoder")}
_DECODERS = {"a": ("shared_decoder", "decoder_a"), "b": ("shared_decoder", "decoder_b")}


class SharedLatentTranslator(TwoWayTranslator):
    """Two variational autoencoders with one code for what belongs together, and two discriminators.

    Use this in place of `kgan.UnpairedTranslator` where samples of both kinds show the same things,
    such as digits in two styles: `translate` goes through codes that both kinds share, and `encode`
    gives the codes of either side, to compare them. `fit(a, b)` takes two collections of any
    lengths, without pairs.

    That the last layers of both encoders and the first of both decoders are *the same* networks,
    `shared_encoder` and `shared_decoder`, is what makes the codes of one kind mean the same as
    those of the other. A sample of a is encoded, decoded as a (the reconstruction) and as b (the
    translation); the translation is encoded and decoded as a again (the cycle). Each kind's
    discriminator plays against translations alone.

    The encoders make means; the variance is fixed at 1: in training `z = mean + noise` with noise
    from N(0, I). `translate` and `encode` take the means and draw nothing.

    Reference: Liu et al. 2017, "Unsupervised Image-to-Image Translation Networks", equations 2 to
    7, section 3.

    `divergence`, the Kullback-Leibler divergence to N(0, I), is a *sum* over the latents, and the
    distance of a reconstruction, the negative log-likelihood of a Laplace distribution, a *sum*
    over the pixels. Both are means over the batch, and both are divided by one number, how many
    values a sample holds, so that their balance with the adversarial term does not depend on the
    size of images. A mean over the latents, the common fault, would change the balance of the two.

    Weights are those of the paper, divided by that of its adversarial term. As in
    `kgan.UnpairedTranslator`, the squares of `"least_squares"` are not halved.

    Args:
        encoder_a: functional `keras.Model` from samples of a to maps.
        encoder_b: functional `keras.Model` from samples of b to maps of the same shape.
        shared_encoder: functional `keras.Model` from such maps to means of codes.
        shared_decoder: functional `keras.Model` from codes to maps.
        decoder_a: functional `keras.Model` from such maps to samples of a.
        decoder_b: functional `keras.Model` from such maps to samples of b.
        discriminator_a: functional `keras.Model` from samples of a to logits of any shape.
        discriminator_b: functional `keras.Model` from samples of b to logits of any shape.
        loss: a `kgan.losses` pair or its name. Defaults to `"least_squares"`.
        reconstruction_weight: float of at least 0, times the L1 distance of samples to their
            reconstructions. Defaults to 10.0.
        divergence_weight: float of at least 0, times the divergence of their codes. Defaults to
            0.01.
        cycle_weight: float of at least 0, times the L1 distance of samples to what comes back from
            both translations in turn. Defaults to 10.0.
        cycle_divergence_weight: float of at least 0, times the divergence of translations' codes.
            Defaults to 0.01.
        discriminator_weight: float above 0, times the discriminators' loss. Defaults to 1.0.
        pool_size: integer, how many past fakes of each kind the discriminators may be shown; the
            paper has none. Defaults to 0.
        kind_a: `kgan.data.Field` of a. Defaults to `None`: what the networks' shapes say, as of
            `kgan.data.of_shape`.
        kind_b: `kgan.data.Field` of b, likewise. Defaults to `None`.
        seed: integer that seeds data order, noise and pools. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together, or a weight is out of range.

    Example:

    ```python
    import kgan
    from kgan.networks import patchgan, resnet

    images = kgan.data.load("digits")  # uint8 (n, 8, 8, 1)
    shape, maps = (8, 8, 1), (2, 2, 16)
    model = kgan.SharedLatentTranslator(
        encoder_a=resnet.encoder(shape, width=4, num_blocks=1),
        encoder_b=resnet.encoder(shape, width=4, num_blocks=1),
        shared_encoder=resnet.blocks(maps),
        shared_decoder=resnet.blocks(maps),
        decoder_a=resnet.decoder(shape, width=4, num_blocks=1),
        decoder_b=resnet.decoder(shape, width=4, num_blocks=1),
        discriminator_a=patchgan.discriminator(shape, receptive_field=16, width=4),
        discriminator_b=patchgan.discriminator(shape, receptive_field=16, width=4),
    )
    model.compile(optimizer="adam")
    model.fit(images[:16], 255 - images[20:32], batch_size=8, verbose=0)
    made = model.translate(images[:4])  # uint8 (4, 8, 8, 1)
    codes = model.encode(made, side="b")  # float32 (4, 2, 2, 16)
    ```
    """

    def __init__(
        self,
        encoder_a: keras.Model,
        encoder_b: keras.Model,
        shared_encoder: keras.Model,
        shared_decoder: keras.Model,
        decoder_a: keras.Model,
        decoder_b: keras.Model,
        discriminator_a: keras.Model,
        discriminator_b: keras.Model,
        loss: str | AdversarialLoss = "least_squares",
        reconstruction_weight: float = 10.0,
        divergence_weight: float = 0.01,
        cycle_weight: float = 10.0,
        cycle_divergence_weight: float = 0.01,
        discriminator_weight: float = 1.0,
        pool_size: int = 0,
        kind_a: Field | None = None,
        kind_b: Field | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.kind_a = kind_a
        self.kind_b = kind_b
        self.encoder_a = encoder_a
        self.encoder_b = encoder_b
        self.shared_encoder = shared_encoder
        self.shared_decoder = shared_decoder
        self.decoder_a = decoder_a
        self.decoder_b = decoder_b
        self.discriminator_a = discriminator_a
        self.discriminator_b = discriminator_b
        self.loss = losses.get(loss)
        self.reconstruction_weight = check_weight("reconstruction_weight", reconstruction_weight)
        self.divergence_weight = check_weight("divergence_weight", divergence_weight)
        self.cycle_weight = check_weight("cycle_weight", cycle_weight)
        self.cycle_divergence_weight = check_weight(
            "cycle_divergence_weight", cycle_divergence_weight
        )
        self.discriminator_weight = check_weight("discriminator_weight", discriminator_weight)
        self.pool_size = check_count("pool_size", pool_size, minimum=0)
        self._check_networks()
        self.check_discriminators()
        self.noise_seed = SeedGenerator(seed)
        self.make_pools()
        self.built = True

    @property
    def players(self) -> dict[str, Player]:
        """The table: both discriminators, then both autoencoders; weights of 0 leave terms out."""
        chains = (*_ENCODERS.values(), *_DECODERS.values())
        networks = tuple(dict.fromkeys(name for chain in chains for name in chain))
        return {
            "discriminators": DISCRIMINATORS,
            "generators": Player(networks, ("adversarial", *self._weights)),
        }

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one code, without the batch."""
        return tuple(self.shared_decoder.input_shape[1:])

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: it translates both ways, and encodes either side."""
        table, codes = super().endpoints, Vectors(self.latent_shape, name="codes")
        for side, field in zip("ab", self.fields):
            table[f"encode_{side}"] = Endpoint(
                function=self.encoder_of(side),
                inputs=(field,),
                output=codes,
                networks=_ENCODERS[side],
            )
        return table

    def networks_of(self, direction: str) -> tuple[str, ...]:
        """Names of the networks that translate in a direction."""
        source, _, target = direction.partition("_to_")
        return (*_ENCODERS[source], *_DECODERS[target])

    # What the endpoints compute, on tensors as the networks take them.

    def encoder_of(self, side: str) -> Callable[[Tensor], Tensor]:
        """The function from samples of a side to the means of their codes."""
        return self._chain(_ENCODERS[side])

    def decoder_of(self, side: str) -> Callable[[Tensor], Tensor]:
        """The function from codes to samples of a side."""
        return self._chain(_DECODERS[side])

    def a_to_b(self, a: Tensor) -> Tensor:
        """Samples of a as samples of b, through the means of their codes."""
        return self._chain(self.networks_of("a_to_b"))(a)

    def b_to_a(self, b: Tensor) -> Tensor:
        """Samples of b as samples of a, through the means of their codes."""
        return self._chain(self.networks_of("b_to_a"))(b)

    # What training computes.

    def fakes(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Translations of drawn codes: of those of b as a, and of those of a as b."""
        code_a, code_b = self.drawn(self.encoder_of("a")(a)), self.drawn(self.encoder_of("b")(b))
        return self.decoder_of("a")(code_b), self.decoder_of("b")(code_a)

    def drawn(self, mean: Tensor) -> Tensor:
        """Codes drawn from N(mean, I): `mean + noise`."""
        return mean + latent.draw(ops.shape(mean), "normal", self.noise_seed)

    def generators_loss(self, a: Tensor, b: Tensor) -> Terms:
        """The autoencoders' terms: to pass for real, to give back, and codes that look drawn."""
        mean_a, mean_b = self.encoder_of("a")(a), self.encoder_of("b")(b)
        made_a, fake_b = self._as_both(self.drawn(mean_a))
        fake_a, made_b = self._as_both(self.drawn(mean_b))
        terms = {"adversarial": self.adversarial_term(a, b, fake_a, fake_b)}
        parts = {
            "reconstruction": lambda: distance(a, made_a) + distance(b, made_b),
            "divergence": lambda: _divergence(mean_a, a) + _divergence(mean_b, b),
        }
        if {"cycle", "cycle_divergence"} & set(self._weights):
            # Of the translations, whose codes the other encoder makes.
            again_a, again_b = self.encoder_of("b")(fake_b), self.encoder_of("a")(fake_a)
            back_a = self.decoder_of("a")(self.drawn(again_a))
            back_b = self.decoder_of("b")(self.drawn(again_b))
            parts["cycle"] = lambda: distance(a, back_a) + distance(b, back_b)
            parts["cycle_divergence"] = lambda: _divergence(again_a, a) + _divergence(again_b, b)
        return terms | {name: weight * parts[name]() for name, weight in self._weights.items()}

    # What a user calls.

    def encode(
        self, samples: Data, side: Literal["a", "b"] = "a", batch_size: int = 64
    ) -> np.ndarray:
        """The codes of samples of either side: the means of their distributions.

        Args:
            samples: array in the data's own scale.
            side: `"a"` or `"b"`, which collection they are like. Defaults to `"a"`.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            Float32 array (n, *latent_shape).

        Raises:
            ValueError: when there is no such side, or the samples are not what it takes.

        Example:

        ```python
        import kgan

        images = kgan.data.load("digits")[:8]
        model = kgan.zoo.load("unit", like=images, width=2, num_blocks=1, discriminator_width=2)
        codes = model.encode(images, side="b")
        ```
        """
        if side not in _ENCODERS:
            raise ValueError(
                f"There is no such side. Expected one of {list(_ENCODERS)}. Received: side={side!r}"
            )
        return self.run(f"encode_{side}", samples, batch_size=batch_size)

    @property
    def _weights(self):
        """The weights of the terms that count, by their names."""
        names = ("reconstruction", "divergence", "cycle", "cycle_divergence")
        weights = {name: getattr(self, f"{name}_weight") for name in names}
        return {name: weight for name, weight in weights.items() if weight}

    def _chain(self, names):
        networks = [getattr(self, name) for name in names]

        def chained(x):
            for network in networks:
                x = network(x)
            return x

        return chained

    def _as_both(self, code):
        """Samples of a and of b from the same codes."""
        maps = self.shared_decoder(code)
        return self.decoder_a(maps), self.decoder_b(maps)

    def _check_networks(self):
        a, b = (tuple(n.input_shape[1:]) for n in (self.encoder_a, self.encoder_b))
        code = self.latent_shape
        wanted = {
            "encoder_a": (a, self.shared_encoder.input_shape[1:]),
            "encoder_b": (b, self.shared_encoder.input_shape[1:]),
            "shared_encoder": (self.shared_encoder.input_shape[1:], code),
            "decoder_a": (self.shared_decoder.output_shape[1:], a),
            "decoder_b": (self.shared_decoder.output_shape[1:], b),
            "discriminator_a": (a, self.discriminator_a.output_shape[1:]),
            "discriminator_b": (b, self.discriminator_b.output_shape[1:]),
        }
        for name, (read, made) in wanted.items():
            network = getattr(self, name)
            found = [tuple(x.shape[1:]) for x in (*network.inputs, *network.outputs)]
            if found != [tuple(read), tuple(made)]:
                raise ValueError(
                    "What one network makes the next must read: both encoders make maps for "
                    "`shared_encoder`, that makes codes for `shared_decoder`, that makes maps for "
                    "both decoders, and these make what the encoders and the discriminators of "
                    f"their side read. Expected of {name}: from {tuple(read)} to {tuple(made)}. "
                    f"Received: inputs and outputs of shapes {found}"
                )


def _divergence(mean, samples):
    """From N(mean, I) to N(0, I), summed over the latents: nats for each value of a sample."""
    nats = per_sample_sum(standard_normal_divergence(mean, ops.zeros_like(mean)))
    return ops.mean(nats) / math.prod(samples.shape[1:])
