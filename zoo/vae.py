"""The variational autoencoder (Kingma and Welling 2014, algorithm 1).

The encoder gives each sample a normal distribution of codes, the decoder gives each code a
distribution of samples, and one loss, the negative evidence lower bound, trains both.
"""

from kgan import networks
from kgan.catalog.registry import Like, register
from kgan.game.optimizers import adam
from kgan.losses.likelihoods import Likelihood, get_likelihood
from kgan.models.autoencoder import VariationalAutoencoder


@register(like=Like("sample_shape"))
def vae(
    sample_shape: tuple[int, ...] = (28, 28, 1),
    *,
    latent_dim: int = 20,
    likelihood: str | Likelihood = "bernoulli",
    units: tuple[int, ...] | None = (500,),
    activation: str = "tanh",
    width: int = 32,
    divergence_weight: float = 1.0,
    free_bits: float = 0.0,
    capacity: float | None = None,
    warm_up: int = 0,
    learning_rate: float = 1e-3,
    decay_steps: int | None = None,
    ema_momentum: float | None = None,
    seed: int | None = None,
) -> VariationalAutoencoder:
    """The variational autoencoder, for images and vectors.

    Use this to generate, encode and reconstruct samples and to measure how probable they are, when
    stable training matters more than sharp samples.

    Reference: Kingma and Welling 2014, "Auto-Encoding Variational Bayes", algorithm 1, equation 10,
    appendix C.

    Deviations: Adam in place of Adagrad, and no weight decay.

    Args:
        sample_shape: tuple: `(height, width, channels)` for images, `(dim,)` for vectors. `like=`
            and the command line fill it from your data. Defaults to `(28, 28, 1)`.
        latent_dim: integer, size of a code. More keep more detail, and leave less to chance.
            Defaults to 20, as in figure 2's middle.
        likelihood: `"bernoulli"` for binary images, `"discretized_logistic"` for grey and coloured
            ones, `"gaussian"` for vectors, or a `kgan.losses.Likelihood`. Choose it by the kind of
            data. Defaults to `"bernoulli"`.
        units: tuple of integers, widths of the encoder's hidden layers; the decoder has them in
            reverse. `None` for convolutions, which images need from 32x32 on. Wider ones for richer
            data. Defaults to `(500,)`.
        activation: string, of the hidden layers. Try `"relu"` for deep networks. Defaults to
            `"tanh"`.
        width: integer, for convolutions: channels at half the image's size. Parameters and time
            grow with its square: lower it for small images, few samples or a slow machine, raise it
            where samples lack detail. Defaults to 32.
        divergence_weight: float of at least 0, the beta of Higgins et al. 2017. Raise it for codes
            with a meaning each, lower it for sharper samples. Defaults to 1.0.
        free_bits: float of at least 0, nats that each dimension holds at no cost. Raise it where
            dimensions of the code go unused. Defaults to 0.0.
        capacity: float of at least 0, nats at which the divergence is held: the information
            bottleneck of Burgess et al. 2018. Set it to keep so much of each sample in its code.
            Defaults to `None`: it is lowered.
        warm_up: integer, batches over which the divergence comes in. Some epochs of batches help
            where codes go unused. Defaults to 0.
        learning_rate: float above 0, of Adam. Lower it where losses jump or diverge; raise it for a
            short run. Defaults to 1e-3.
        decay_steps: integer, steps within which the learning rate falls to a hundredth along half a
            cosine. Set it once the length of the run is known: a rate that falls makes the end
            steady. Defaults to `None`: it is constant.
        ema_momentum: float in (0, 1), to keep a moving average of the weights, which then serves.
            Worth it in long runs. Defaults to `None`.
        seed: integer that seeds data order and noise. Set it for a run that can be repeated.
            Defaults to `None`.

    Returns:
        A compiled `kgan.VariationalAutoencoder`.

    Raises:
        ValueError: when an option is out of range, or strides can't divide the image's sides.

    Example:

    ```python
    import kgan

    images = kgan.data.load("digits")  # uint8 (n, 8, 8, 1)
    model = kgan.zoo.load("vae", like=images, latent_dim=4, units=(32,))
    model.fit(images[:128], epochs=1, verbose=0)
    samples, nats = model.generate(16, seed=0), model.elbo(images[:5], seed=0)
    ```
    """
    likelihood = get_likelihood(likelihood)
    options = {"activation": activation, "width": width}
    model = VariationalAutoencoder(
        encoder=networks.autoencoders.encoder(sample_shape, latent_dim, units=units, **options),
        decoder=networks.autoencoders.decoder(
            sample_shape,
            latent_dim,
            units=units and units[::-1],
            num_parameters=likelihood.num_parameters,
            **options,
        ),
        likelihood=likelihood,
        divergence_weight=divergence_weight,
        free_bits=free_bits,
        capacity=capacity,
        warm_up=warm_up,
        seed=seed,
        name="vae",
    )
    model.compile(
        optimizer=adam(learning_rate, 0.9, decay_steps=decay_steps, ema_momentum=ema_momentum)
    )
    return model
