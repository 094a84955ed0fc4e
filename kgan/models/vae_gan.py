"""The VAE-GAN: an autoencoder whose measure of likeness is a layer of a discriminator."""

import types
from typing import Any

import keras
from keras import ops

from kgan import losses
from kgan.backend.seeds import SeedGenerator
from kgan.data.fields import Field
from kgan.game import Player
from kgan.latent import noise as latent
from kgan.losses import AdversarialLoss
from kgan.losses.likelihoods import per_sample_sum, standard_normal_divergence
from kgan.models.encoder_decoder import VariationalEncoderDecoder, check_networks
from kgan.utils.arguments import check_weight
from kgan.utils.hints import Batch, Data, Tensor, Terms


class VAEGAN(VariationalEncoderDecoder):
    """An encoder, a decoder and a discriminator: three players, and a learned likeness of samples.

    Use this for samples and reconstructions that are sharper than those of a
    `kgan.VariationalAutoencoder`, and for codes that say what a sample shows.

    A reconstruction is compared with its sample by a layer of the discriminator, not by pixels.
    The encoder hears nothing of the adversarial game, the discriminator nothing of reconstructions'
    likeness, and the decoder plays both: it must make what looks real of drawn codes and of
    encodings alike.

    Reference: Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric",
    algorithm 1: `similarity` is equation 7, a Gaussian with unit variance around the features of
    the reconstruction, *summed* over the features, as `divergence` is over the code.

    Args:
        encoder: functional `keras.Model` from samples to `[mean, log_variance]`, each
            (batch, latent_dim).
        decoder: functional `keras.Model` from codes to samples.
        discriminator: functional `keras.Model` from samples to logits.
        loss: a `kgan.losses` pair or its name, whose discriminator's loss is a sum of a part for
            real samples and one for fakes, of which there are twice as many. Defaults to
            `"non_saturating"`.
        similarity_layer: name of the discriminator's layer whose output is compared. Defaults to
            `None`: the last with a kernel before the logit's, after its BatchNorm where it has one.
            Before it features have any scale, often so small a one that codes say nothing.
        similarity_weight: float of at least 0, the gamma of algorithm 1, in the decoder's loss.
            Defaults to 1e-2.
        divergence_weight: float of at least 0, in the encoder's loss. Defaults to 1.0.
        samples: `kgan.data.Field` of the samples. Defaults to `None`: what the encoder's input
            shape says, as of `kgan.data.of_shape`.
        seed: integer that seeds data order and noise. Defaults to `None`.
        **kwargs: `name`, `dtype` as for `keras.Model`.

    Raises:
        ValueError: when the networks do not fit together, the loss has no such parts, there is
            no such layer, or a weight is out of range.

    Example:

    ```python
    import kgan
    from kgan.networks import autoencoders, mlp

    points = kgan.data.ring(64, seed=0)
    model = kgan.VAEGAN(
        autoencoders.encoder((2,), 2, units=(16,)),
        mlp.generator((2,), 2, units=(16,)),
        mlp.discriminator((2,), units=(16,)),
    )
    model.compile(optimizer="adam")
    model.fit(points, verbose=0)
    codes, new = model.encode(points), model.generate(8, seed=0)
    ```
    """

    players = {
        "encoder": Player(("encoder",), ("divergence", "similarity")),
        "decoder": Player(("decoder",), ("adversarial", "similarity")),
        "discriminator": Player(("discriminator",), ("adversarial",)),
    }

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        discriminator: keras.Model,
        loss: str | AdversarialLoss = "non_saturating",
        similarity_layer: str | None = None,
        similarity_weight: float = 1e-2,
        divergence_weight: float = 1.0,
        samples: Field | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.discriminator = discriminator
        self.loss = losses.get(loss)
        self.similarity_layer = similarity_layer
        self.similarity_weight = check_weight("similarity_weight", similarity_weight)
        self.divergence_weight = check_weight("divergence_weight", divergence_weight)
        self.samples = samples
        check_networks(encoder, decoder, num_codes=2, num_parameters=1)
        self._check_discriminator()
        self.noise_seed = SeedGenerator(seed)
        reader = losses.FeatureMatching(similarity_layer or _compared_layer(discriminator)).reader
        features = reader(discriminator).outputs
        # Untracked, because these layers belong to the discriminator already.
        judge = keras.Model(discriminator.inputs, [*features, *discriminator.outputs])
        self._readers = types.MappingProxyType({"features_and_logits": judge})
        self.built = True

    @property
    def adversarial_loss(self) -> AdversarialLoss:
        """The pair of losses that the discriminator is trained by."""
        return self.loss

    def encoder_loss(self, x: Tensor) -> Terms:
        """The encoder's terms: codes that look drawn, of which much can be made again."""
        mean, log_variance = self.encoder(x)
        made = self.decoder(self.drawn_codes(mean, log_variance))
        divergence = ops.sum(standard_normal_divergence(mean, log_variance), axis=-1)
        return {
            "divergence": self.divergence_weight * ops.mean(divergence),
            "similarity": self._distance(self._judged(x)[0], self._judged(made)[0]),
        }

    def decoder_loss(self, x: Tensor) -> Terms:
        """The decoder's terms: to look real, from encodings and from drawn codes, and alike."""
        made = self.decoder(ops.stop_gradient(self.drawn_codes(*self.encoder(x))))
        features, on_made = self._judged(made)
        on_new = self.discriminator(self.decoder(self._noise(x)))
        fooled = self.loss.generator(None, on_made) + self.loss.generator(None, on_new)
        distance = self._distance(self._judged(x)[0], features)
        return {"adversarial": fooled, "similarity": self.similarity_weight * distance}

    def discriminator_loss(self, x: Tensor) -> Terms:
        """The discriminator's term: samples are real, what is made of any code is not."""
        made = ops.stop_gradient(self.decoder(self.drawn_codes(*self.encoder(x))))
        new = ops.stop_gradient(self.decoder(self._noise(x)))
        real, on_made, on_new = (self.discriminator(some) for some in (x, made, new))
        fakes = self.loss.discriminator_fake(on_made) + self.loss.discriminator_fake(on_new)
        return {"adversarial": self.loss.discriminator_real(real) + fakes}

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The discriminator's logits for the batch's samples, and for as many fake ones."""
        (real,) = batch
        return self.discriminator(real), self.discriminator(fake)

    def _noise(self, x):
        shape = (ops.shape(x)[0], *self.latent_shape)
        return latent.draw(shape, "normal", self.noise_seed)

    def _judged(self, samples):
        """The discriminator's features of samples, and its logits."""
        return self._readers["features_and_logits"](samples)

    @staticmethod
    def _distance(real, made):
        """Minus the log-density of equation 7, without its constant."""
        real, made = ops.cast(real, "float32"), ops.cast(made, "float32")
        return 0.5 * ops.mean(per_sample_sum(ops.square(real - made)))

    def _check_discriminator(self):
        self.loss.require_halves()
        taken = [tuple(tensor.shape[1:]) for tensor in self.discriminator.inputs]
        if taken != [tuple(self.decoder.output_shape[1:])]:
            raise ValueError(
                "The discriminator must take what the decoder makes. Build both for one shape. "
                f"Received: a decoder of {self.decoder.output_shape[1:]} and a discriminator of "
                f"{taken}"
            )


def _compared_layer(discriminator):
    """Name of the last layer with a kernel before that of the logits, or of its BatchNorm."""
    layers = discriminator.layers
    kernels = [place for place, layer in enumerate(layers) if hasattr(layer, "kernel")]
    if len(kernels) < 2:
        raise ValueError(
            "The discriminator has no layer before its logits that samples could be compared by. "
            "Name one with similarity_layer. "
            f"Received: layers {[layer.name for layer in layers]}"
        )
    layer, following = layers[kernels[-2]], layers[kernels[-2] + 1]
    is_normalized = isinstance(following, keras.layers.BatchNormalization)
    return following.name if is_normalized else layer.name
