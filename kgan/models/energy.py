"""Maximum entropy generators: a GAN whose discriminator is an energy of the data."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from kgan.data.fields import Vectors
from kgan.game import Player
from kgan.latent.gradients import Differentiated
from kgan.latent.langevin import langevin
from kgan.losses import AdversarialLoss
from kgan.losses.functions import minimax_discriminator_loss, per_sample_mean
from kgan.models.gan import GAN
from kgan.serving.endpoints import Endpoint
from kgan.utils.arguments import check_count, check_positive, check_weight
from kgan.utils.hints import Batch, Data, Tensor, Terms


class MaximumEntropyGAN(GAN):
    """A GAN that learns an energy of the data, and whose generator keeps its samples different.

    Use this to tell what is unlike the data (`energy`: anomalies), to refine samples after training
    (`generate(refine=...)`), and where a generator must not lose modes.

    Minus the discriminator's logit is the energy: low at the data, high elsewhere. The generator
    makes samples of low energy and of high entropy. What raises the entropy is a bound of the
    mutual information between noise and samples, which a third network, `statistics`, estimates:
    it tells pairs of a noise and its sample from pairs that do not belong together, and generator
    and network both gain where it can. Samples that hang on little of their noise lose it.

    Reference: Kumar et al. 2019, "Maximum Entropy Generators for Energy-Based Models", algorithm 1:
    in the discriminator's turn the difference of the mean energies and a penalty on the energy's
    gradient at the data (`kgan.losses.R1`), in the generator's the energy of its samples and the
    Jensen-Shannon estimator of Hjelm et al. 2019: `mutual_information` is `E[softplus(-T(x, z))] +
    E[softplus(T(x, z'))]`, 2 log 2 where nothing is known and 0 where all is. Noises `z'` that do
    not belong are the batch's own, moved on by one. The authors' code takes half of the sum.

    Args:
        generator: functional `keras.Model` from noise (batch, latent_dim) to samples.
        discriminator: functional `keras.Model` from samples to logits, minus their energies.
        statistics: functional `keras.Model` from `[samples, noise]` to one logit each, such as
            `kgan.networks.conditioned.statistics(...)`. It moves with the generator.
        loss: a `kgan.losses` pair or its name. Any other than Wasserstein's bounds how far energies
            of data and samples lie apart. Defaults to `"wasserstein"`.
        information_weight: float of at least 0. Defaults to 1.0.
        discriminator_steps: integer of at least 1. Defaults to 5.
        **kwargs: `penalties`, `noise`, `seed` and others as for `kgan.GAN`.

    Raises:
        TypeError: when a part is not an object of its kind.
        ValueError: when the networks do not fit together, or a weight is out of range.

    Example:

    ```python
    import kgan
    from kgan.networks import conditioned, mlp

    points = kgan.data.ring(256, seed=0)
    model = kgan.MaximumEntropyGAN(
        generator=mlp.generator((2,), latent_dim=2, units=(16,)),
        discriminator=mlp.discriminator((2,), units=(16,)),
        statistics=conditioned.statistics((2,), latent_dim=2, units=(16,)),
        penalties=(kgan.losses.R1(0.2),),
    )
    model.compile(optimizer="adam")
    model.fit(points, verbose=0)
    energies = model.energy(points)  # float32 (256,)
    samples = model.generate(8, refine=10, seed=0)
    ```
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        statistics: keras.Model,
        loss: str | AdversarialLoss = "wasserstein",
        information_weight: float = 1.0,
        discriminator_steps: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            generator, discriminator, loss=loss, discriminator_steps=discriminator_steps, **kwargs
        )
        self.statistics = statistics
        self.information_weight = check_weight("information_weight", information_weight)
        taken = [tuple(tensor.shape[1:]) for tensor in statistics.inputs]
        wanted = [tuple(generator.output_shape[1:]), self.latent_shape]
        if taken != wanted:
            raise ValueError(
                "The network `statistics` must take samples and the noise that they are made of, "
                f"here {wanted}. Build it for the generator's shapes, such as with "
                f"kgan.networks.conditioned.statistics. Received: inputs of shapes {taken}"
            )

    @property
    def players(self) -> dict[str, Player]:
        """The table: a discriminator, and a generator with whom the statistics network moves."""
        players = super().players
        generator = players["generator"]
        networks = (*generator.networks, "statistics")
        return {**players, "generator": dataclasses.replace(generator, networks=networks)}

    @property
    def generator_terms(self) -> tuple[str, ...]:
        """Names of the terms that `deceive` returns."""
        return (*super().generator_terms, "mutual_information")

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What it does for a user: `generate` and `energy`."""
        samples, *given = self.fields
        told = given if "discriminator" in self._conditioning.networks else ()
        return {
            **super().endpoints,
            "energy": Endpoint(
                function=self.energies,
                inputs=(samples, *told),
                output=Vectors((1,), name="energy"),
                networks=("discriminator",),
            ),
        }

    def deceive(self, real: Tensor, fake: Tensor, given: Batch = (), noise: Tensor = None) -> Terms:
        """The generator's side of the game, with the term of the mutual information."""
        terms = super().deceive(real, fake, given, noise)
        together = self.statistics([fake, noise])
        # Of one sample alone no noise is another's.
        apart = self.statistics([fake, ops.roll(noise, 1, axis=0)])
        information = minimax_discriminator_loss(together, apart)
        return {**terms, "mutual_information": self.information_weight * information}

    def energies(self, samples: Tensor, *given: Tensor) -> Tensor:
        """Energies (batch, 1): minus the mean of a sample's logits."""
        return -ops.expand_dims(per_sample_mean(self._logits(samples, given)), axis=1)

    def energy(self, samples: Data, labels: Data = None, batch_size: int = 64) -> np.ndarray:
        """How unlike the data samples are.

        Args:
            samples: array in the data's own scale: the data, generated samples, or anything else of
                their shape.
            labels: where the model has labels, each sample's. Defaults to `None`.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            Float32 array (n,): the lower, the more like the data. Energies have no zero and no unit
            of their own, so compare them with those of data that the model was not trained on.

        Raises:
            TypeError: when labels are missing or not wanted.
            ValueError: when the samples are not what the model was built for.

        Example:

        ```python
        import numpy as np
        import kgan

        model = kgan.zoo.load("energy", like=(8, 8, 1), width=8)
        images = np.zeros((4, 8, 8, 1), "uint8")
        energies = model.energy(images)
        ```
        """
        given = () if labels is None else (labels,)
        return self.run("energy", samples, *given, batch_size=batch_size)[:, 0]

    def generate(
        self,
        num_samples: int,
        *,
        refine: int = 0,
        step_size: float = 0.01,
        temperature: float = 1.0,
        labels: Data = None,
        seed: int | None = None,
        truncation: float | None = None,
        batch_size: int = 64,
    ) -> np.ndarray:
        """New samples in the data's own scale, refined by steps in the latent space if wanted.

        Args:
            num_samples: integer.
            refine: integer of at least 0, steps as of `refine`: more takes longer and leaves fewer
                samples that are unlike the data. Defaults to 0.
            step_size: float above 0, as for `refine`. Defaults to 0.01.
            temperature: float above 0, as for `refine`. Defaults to 1.0.
            labels: for models with labels: an integer, or `num_samples` class ids. Defaults to the
                classes in turn.
            seed: integer: the same seed gives the same samples. Defaults to a new one each time.
            truncation: float, bound of the noise that refining begins with: see `kgan.GAN`.
                Defaults to `None`.
            batch_size: integer, samples per pass. Defaults to 64.

        Returns:
            NumPy array: images as uint8 (num_samples, height, width, channels), other samples as
            float32.

        Raises:
            ValueError: when an argument is out of range, or labels are given to a model without.
        """
        check_count("num_samples", num_samples, minimum=0)
        check_count("refine", refine, minimum=0)
        self.answers.require_memory("generate", num_samples)
        noise = self.answers["generate"].noise.sample(num_samples, seed, truncation)
        if refine:
            noise, _ = self.refine(
                noise,
                refine,
                step_size=step_size,
                temperature=temperature,
                labels=labels,
                seed=seed,
                batch_size=batch_size,
            )
        return self.decode(noise, labels, batch_size)

    def refine(
        self,
        noise: Data,
        steps: int,
        *,
        step_size: float = 0.01,
        temperature: float = 1.0,
        labels: Data = None,
        seed: int | None = None,
        batch_size: int = 64,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Noises whose samples have a lower energy, by Metropolis-adjusted Langevin steps.

        The chain's density is `p(z) exp(-E(G(z)) / temperature)`: the prior p, N(0, 1) or U(-1, 1),
        keeps noises where the generator has been trained. It leaves out the Jacobian of the
        generator, as the paper does, so samples are not exactly of the density `exp(-E(x))`. The
        paper's code leaves out the prior too; with it the density is that of Che et al. 2020, "Your
        GAN is Secretly an Energy-based Model and You Should Use Discriminator Driven Latent
        Sampling".

        Averaged weights are used where there are any. Nothing in the model changes.

        Args:
            noise: array (n, latent_dim), where the chains begin.
            steps: integer of at least 0.
            step_size: float above 0. Aim at half of the steps taken. Defaults to 0.01, as in the
                paper's code.
            temperature: float above 0. Below 1 fewer samples are unlike the data, and they come out
                more alike; above 1 they stay nearer to what they were. The paper's code has 100 for
                CIFAR-10. Defaults to 1.0.
            labels: for models with labels: a class, or one per noise. Defaults to the classes in
                turn.
            seed: integer: the same seed gives the same chains. Defaults to a new one each time.
            batch_size: integer, noises per pass. Defaults to 64.

        Returns:
            A tuple of arrays: noises (n, latent_dim) for `decode`, and the share of steps that each
            chain took, (n,).

        Raises:
            ValueError: when an argument is out of range.
        """
        noise = self._checked_noise(noise)
        check_count("batch_size", batch_size)
        temperature = check_positive("temperature", temperature, 1.0)
        arrays = self.answers.inputs_for("generate", len(noise), labels)
        networks = [self.generator, self.discriminator]
        compiled = self.answers.made_once(
            "energy of noise", networks, lambda: Differentiated(self._energies_of_noise, networks)
        )
        uniform = self.noise == "uniform"
        size = min(batch_size, len(noise))

        def potential(points):
            found = []
            for start in range(0, len(points), size):
                # The last batch begins anew at the first: one shape is compiled once.
                rows = np.arange(start, start + size) % len(points)
                found.append(compiled.predict_on_batch([points[rows], *(a[rows] for a in arrays)]))
            slopes, heights = (np.concatenate(part)[: len(points)] for part in zip(*found))
            heights, slopes = heights / temperature, slopes / temperature
            if uniform:  # flat within its bounds
                return heights, slopes
            # Minus the logarithm of N(0, 1), up to a constant.
            return heights + 0.5 * np.square(points, dtype="float64").sum(axis=1), slopes + points

        with self.averaged_weights():
            return langevin(
                potential,
                noise,
                steps=steps,
                step_size=step_size,
                seed=seed,
                bound=1.0 if uniform else np.inf,
            )

    def _energies_of_noise(self, noise, *given):
        return self.energies(self._make(noise, given), *given)[:, 0]
