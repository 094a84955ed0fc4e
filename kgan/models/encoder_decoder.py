"""What encoders and decoders share: the endpoints between samples and codes."""

import keras
import numpy as np
from keras import ops

from kgan.data.fields import Field, Vectors, of_shape
from kgan.game import AdversarialModel
from kgan.latent import noise as latent
from kgan.serving.endpoints import Endpoint, Noise
from kgan.utils.hints import Data, Tensor


class EncoderDecoder(AdversarialModel):
    """What models with an `encoder`, a `decoder` and a field `samples` share.

    A subclass says what the two compute in `encoded` and `decoded`.
    """

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a batch holds: samples."""
        return (self.samples or of_shape(self.encoder.input_shape[1:]),)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one code, without the batch: `(latent_dim,)`."""
        return tuple(self.decoder.input_shape[1:])

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: `reconstruct`, `encode` and `decode`."""
        (samples,), codes = self.fields, Vectors(self.latent_shape, name="codes")
        return {
            "reconstruct": Endpoint(
                function=self.reconstructed,
                inputs=(samples,),
                output=samples,
                networks=("encoder", "decoder"),
                imitates=samples.name,
            ),
            "encode": Endpoint(
                function=self.encoded, inputs=(samples,), output=codes, networks=("encoder",)
            ),
            "decode": Endpoint(
                function=self.decoded, inputs=(codes,), output=samples, networks=("decoder",)
            ),
        }

    def encoded(self, x: Tensor) -> Tensor:
        """The samples' codes, (batch, latent_dim)."""
        return self.encoder(x)

    def decoded(self, codes: Tensor) -> Tensor:
        """The samples that codes stand for."""
        return self.decoder(codes)

    def reconstructed(self, x: Tensor) -> Tensor:
        """What the decoder makes of the samples' codes."""
        return self.decoded(self.encoded(x))

    def encode(self, samples: Data, batch_size: int = 64) -> np.ndarray:
        """The codes of samples; where codes are distributions, their means.

        Args:
            samples: array in the data's own scale.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            Float32 array (n, latent_dim).

        Raises:
            ValueError: when the samples are not what the model was built for.
        """
        return self.run("encode", samples, batch_size=batch_size)

    def reconstruct(self, samples: Data, batch_size: int = 64) -> np.ndarray:
        """What is left of samples that went through their codes.

        Args:
            samples: array in the data's own scale.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            NumPy array of the samples' shape: images as uint8, other samples as float32.

        Raises:
            ValueError: when the samples are not what the model was built for.
        """
        return self.run("reconstruct", samples, batch_size=batch_size)

    def decode(self, codes: Data, batch_size: int = 64) -> np.ndarray:
        """The samples that codes stand for, in the data's own scale.

        Args:
            codes: float array (n, latent_dim), as from `encode`.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            NumPy array: images as uint8, other samples as float32.

        Raises:
            ValueError: when the codes are of another size.
        """
        return self.run("decode", codes, batch_size=batch_size)


class VariationalEncoderDecoder(EncoderDecoder):
    """What models share whose codes are drawn: the encoder makes `[mean, log_variance]`.

    A subclass keeps a `noise_seed`.
    """

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: `generate`, `reconstruct`, `encode` and `decode`."""
        (samples,) = self.fields
        return {
            "generate": Endpoint(
                function=self.decoded,
                output=samples,
                networks=("decoder",),
                noise=Noise(self.latent_shape),
                imitates=samples.name,
            ),
            **super().endpoints,
        }

    def encoded(self, x: Tensor) -> Tensor:
        """The means of the samples' codes."""
        return self.encoder(x)[0]

    def drawn_codes(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """A code of each sample, drawn from the model's own noise."""
        noise = latent.draw(ops.shape(mean), "normal", self.noise_seed)
        return drawn(mean, log_variance, noise)

    def generate(
        self,
        num_samples: int,
        *,
        seed: int | None = None,
        truncation: float | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New samples in the data's own scale: the means of what the decoder makes of drawn codes.

        Args:
            num_samples: integer.
            seed: integer: the same seed gives the same samples. Defaults to a new one each time.
            truncation: float. Codes are drawn within `[-truncation, truncation]`. Defaults to
                `None`.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            NumPy array: images as uint8, other samples as float32.
        """
        return self.run(
            "generate",
            num_samples=num_samples,
            seed=seed,
            truncation=truncation,
            batch_size=batch_size,
        )


def drawn(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """Codes that a gradient goes through: `mean + standard deviation * noise`."""
    return mean + ops.exp(0.5 * log_variance) * noise


def check_networks(
    encoder: keras.Model, decoder: keras.Model, num_codes: int, num_parameters: int
) -> None:
    """Raises where an encoder and a decoder do not fit together.

    Args:
        encoder: `keras.Model` from samples.
        decoder: `keras.Model` from codes.
        num_codes: integer, the encoder's outputs: 1 for codes, 2 for means and log-variances.
        num_parameters: integer, channels that the decoder makes for each of the samples'.
    """
    codes = [tuple(tensor.shape[1:]) for tensor in encoder.outputs]
    *sides, channels = encoder.input_shape[1:]
    wanted = (*sides, channels * num_parameters)
    taken = tuple(decoder.input_shape[1:])
    if codes != [taken] * num_codes or tuple(decoder.output_shape[1:]) != wanted:
        outputs = "codes" if num_codes == 1 else "[mean, log_variance] of codes"
        raise ValueError(
            f"The encoder must make {outputs}, and the decoder of such codes what the samples "
            f"are, here {wanted}. Build both for one latent_dim, with "
            f"num_parameters={num_parameters}. Received: an encoder from {encoder.input_shape[1:]} "
            f"to {codes} and a decoder from {taken} to {tuple(decoder.output_shape[1:])}"
        )
