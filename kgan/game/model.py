"""The game: players take turns, and on its turn each lowers its own loss."""

import types
from typing import Any, Literal

import keras
from keras import ops

from kgan import backend
from kgan.backend import keras_internals
from kgan.data.field_lookup import unpack
from kgan.game.averages import Averages, kept
from kgan.game.data_order import DataOrder
from kgan.game.evaluation import SampleMetrics, named_metrics, norm
from kgan.game.freezing import Freezing
from kgan.game.logs import Logs
from kgan.game.optimizers import PlayerOptimizers
from kgan.game.saving import Saving
from kgan.game.step_lock import StepLock
from kgan.game.training import Training
from kgan.serving.endpoints import Endpoints
from kgan.utils.arguments import check_count
from kgan.utils.hints import Batch, Data, Tensor, Terms


class AdversarialModel(Training, Freezing, Logs, Saving, backend.Engine, keras.Model):
    """Networks, a table of players, and one loss method per player: a game that `fit` plays.

    Subclass it to write a new model. Declare `players` and `fields`, make the networks in
    `__init__` (each argument kept in an attribute of the same name, so that config and saving are
    inherited), and write one `<player>_loss(*batch)` per player that returns a dict of terms.
    Set `self.built = True` when the networks are built. Losses only return numbers: the engine
    steps, opens tapes and switches training modes. For a generator of samples from noise, use
    `kgan.GAN`, which is such a subclass.

    Args:
        seed: integer or `None`. Seeds the data's order and the model's noise. `None` draws one
            from Python's generator, which `keras.utils.set_random_seed` seeds.
        **kwargs: `name`, `dtype`, `trainable` as for `keras.Model`.

    Example:

    ```python
    import keras
    import numpy as np
    from keras import ops

    import kgan
    from kgan.data import Vectors


    class Pursuit(kgan.AdversarialModel):
        players = {
            "hare": kgan.Player(networks=("hare",), terms=("caught",)),
            "fox": kgan.Player(networks=("fox",), terms=("distance",)),
        }
        fields = (Vectors((2,)),)

        def __init__(self, seed=None, **kwargs):
            super().__init__(seed=seed, **kwargs)
            self.fox = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
            self.hare = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
            self.built = True

        def distance(self, x):
            return ops.mean(ops.square(self.fox(x) - self.hare(x)))

        def hare_loss(self, x):
            return {"caught": -ops.tanh(self.distance(x))}

        def fox_loss(self, x):
            return {"distance": self.distance(x)}


    model = Pursuit()
    model.compile(optimizer="sgd")
    model.fit(np.random.default_rng(0).normal(size=(64, 2)).astype("float32"), verbose=0)
    ```
    """

    players = {}
    fields = ()
    endpoints = types.MappingProxyType({})
    # The pair of losses that `discriminator_logits` are trained by, or `None`.
    adversarial_loss = None
    # The player whose `draw_shared` all turns of a step share, or `None`.
    shared_by = None
    # Whether the loss that is asked for is to be trained by: see `play`.
    is_training = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # A class that `load_model` can't find costs its user the trained weights.
        # One package for all users' classes: a class of a script is found when another imports it.
        own = cls.__module__.partition(".")[0] == "kgan"
        keras.saving.register_keras_serializable("kgan" if own else "kgan.user")(cls)

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        # The game hands data on untouched: each network casts for itself.
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.seed = seed
        self.step_lock = StepLock()
        self.order = DataOrder(seed)
        self.averages = Averages(self)
        self.answers = Endpoints(self)
        self.sample_metrics = SampleMetrics()
        self.trackers = {}

    def compile(
        self,
        optimizer: Any = None,
        metrics: list[Any] | Literal["default"] | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | Literal["auto"] = "auto",
    ) -> None:
        """Gives each player its optimizer.

        Layers and networks may be frozen and released at any time, with `layer.trainable = False`:
        it holds from the next epoch on. A player whose networks are all frozen rests: it does not
        move, and its losses are logged. After a network was replaced, call `compile` again.

        Args:
            optimizer: a dict with one Keras optimizer (instance or name) per player, or one
                optimizer of which each player gets a copy. Learning-rate schedules, `clipnorm`
                and similar, weight decay and `use_ema` are arguments of the Keras optimizer.
            metrics: list of metrics of `kgan.metrics`. `evaluate` gives them real samples and as
                many of the model's own, so `fit` logs them as `val_<name>` where it has
                `validation_data`. `"default"` stands for `kgan.metrics.default_metrics`. Defaults
                to `None`.
            run_eagerly: boolean. Runs steps without compiling, to debug. Defaults to `False`.
            steps_per_execution: integer. Batches per compiled call: raise it when networks are
                so small that the call itself takes time. Defaults to 1.
            jit_compile: boolean or `"auto"`, which uses XLA on JAX and on TensorFlow's GPUs but
                not on TensorFlow's CPU, where it is slower. Defaults to `"auto"`.

        Raises:
            ValueError: when a player has no optimizer, an optimizer has no player, or a
                trainable variable belongs to nobody.
        """
        self.take_networks()
        variables = self.take_players()
        with self.variable_scope():
            half = [name for name in self.players if self._computes_in_half(name)]
            optimizers = PlayerOptimizers.for_players(optimizer, list(self.players), half)
            super().compile(
                optimizer=optimizers,
                run_eagerly=run_eagerly,
                steps_per_execution=steps_per_execution,
                jit_compile=jit_compile,
                auto_scale_loss=False,
            )
            optimizers.build_players(variables)
            # `loss` is the sum of the players' losses: see get_metrics_result.
            keras_internals.drop_loss_tracker(self)
            for name, player in self.players.items():
                for term in ("loss", *player.terms):
                    key = f"{name}_{term}"
                    if key not in self.trackers:
                        self.trackers[key] = keras.metrics.Mean(name=key)
        if isinstance(metrics, str):
            metrics = named_metrics(metrics, self.fields[self.imitated_field])
        self.sample_metrics = SampleMetrics(metrics, taken=self.trackers)
        self.compile_arguments = types.MappingProxyType(
            {
                "run_eagerly": run_eagerly,
                "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile,
            }
        )

    def _computes_in_half(self, player):
        networks = [getattr(self, network) for network in self.players[player].networks]
        layers = [layer for network in networks for layer in keras_internals.all_layers(network)]
        return any(layer.compute_dtype == "float16" for layer in layers)

    def call(
        self,
        inputs: Data,
        player: str | None = None,
        as_discriminator: bool = False,
        as_drawn: bool = False,
        training: bool | None = None,
    ) -> Tensor:
        """The first endpoint's raw output, or a player's terms when the engine asks for them."""
        if as_discriminator:
            return self.discriminator_logits(*inputs)
        if as_drawn:
            return self.draw_shared(*inputs)
        if player is not None:
            self.is_training = bool(training)
            return getattr(self, f"{player}_loss")(*inputs)
        inputs = inputs if isinstance(inputs, list | tuple) else (inputs,)
        return self.answers[self.answers.default].function(*inputs)

    def run(
        self,
        name: str,
        *inputs: Data,
        num_samples: int | None = None,
        seed: int | None = None,
        truncation: float | None = None,
        batch_size: int = 64,
        count: int = 1,
    ) -> Data:
        """What an endpoint makes of a user's values.

        Averages are used where an optimizer has `use_ema=True`. Nothing in the model changes.

        Args:
            name: string, a name in the table `endpoints`.
            *inputs: a value for each of the endpoint's inputs, of what its field takes.
            num_samples: integer, for an endpoint that draws noise and takes no inputs.
            seed: integer that the noise is drawn from. Defaults to a new one each time.
            truncation: float, bound of the noise: see `kgan.latent.sample`. Defaults to `None`.
            batch_size: integer, samples per pass. Defaults to 64.
            count: integer, frames of an endpoint that is rolled out. Defaults to 1.

        Returns:
            What the output's field gives a user, such as a NumPy array of uint8 images.

        Raises:
            TypeError: when there are too few or too many inputs, or one is a dataset.
            ValueError: when there is no such endpoint, or a value is not what its field declares.
        """
        endpoint = self.answers[name]
        arrays = self.answers.checked(name, inputs)
        noise = None
        if endpoint.noise is not None:
            num_samples = len(arrays[0]) if arrays else num_samples
            check_count("num_samples", num_samples, minimum=0)
            noise = endpoint.noise.sample(num_samples, seed, truncation)
        check_count("count", count)
        return self.answers.run(name, arrays, noise, batch_size, frames=count)

    def sample_like(self, batch: Batch, seed: int = 0, as_made: bool = False) -> tuple[Data, Data]:
        """Real samples of a batch, and as many of the model's own that should look like them.

        `evaluate` gives both to each metric. They come from the first endpoint that says which
        field it imitates, with the batch's own inputs where it has some.

        Args:
            batch: tuple of NumPy arrays, one per field, as the networks take them.
            seed: integer that the noise is drawn from. Defaults to 0.
            as_made: boolean, whether the samples are the networks' own floats, and not what a user
                gets. Defaults to `False`.

        Returns:
            A pair, real samples and generated ones.

        Raises:
            ValueError: when no endpoint imitates a field.
        """
        name = self.answers.imitation
        if name is None:
            raise ValueError(
                f"{type(self).__name__} does not say what its samples are, so metrics can't "
                "compare them with real ones. Give one of its endpoints `imitates=`, the name of "
                f"the field that its output should look like. Received: a {type(self).__name__} "
                f"with the endpoints {list(self.endpoints)}"
            )
        endpoint, named = self.endpoints[name], self._named(batch)
        arrays = [named[field.name] for field in endpoint.inputs]
        num_samples = len(batch[0])
        noise = None if endpoint.noise is None else endpoint.noise.sample(num_samples, seed)
        made = self.answers.run(name, arrays, noise, max(1, num_samples), as_made)
        return named[endpoint.imitates], made

    def _named(self, batch):
        return {field.name: value for field, value in zip(self.fields, batch, strict=True)}

    @property
    def imitated_field(self) -> int:
        """Place, among the fields, of the real samples that `sample_like` returns; 0 for none."""
        name = self.answers.imitation
        names = [field.name for field in self.fields]
        return names.index(self.endpoints[name].imitates) if name else 0

    def discriminator_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """The discriminator's logits for a batch's real samples, and for as many fake ones.

        Args:
            batch: tuple of tensors, one per field.
            fake: samples as from `sample_like`, on the network's scale.

        Returns:
            A pair of tensors, or `None` for a game without a discriminator. Subclasses define it.
        """
        return None

    def training_logits(self, batch: Batch, fake: Data) -> tuple[Tensor, Tensor] | None:
        """What `discriminator_logits` returns in training mode, in which the discriminator learns.

        Use this to see which player is ahead: with BatchNorm a discriminator answers quite
        differently in inference mode. Nothing in the model changes.

        Args:
            batch: tuple of arrays, one per field, as the networks take them.
            fake: float32 array, as many generated samples.

        Returns:
            Logits of real and of fake samples, two NumPy arrays; `None` without a discriminator.
        """
        inputs = (tuple(map(ops.convert_to_tensor, batch)), ops.convert_to_tensor(fake))
        with self.between_steps(), kept(self.non_trainable_variables):
            logits = self.logits_in_training(inputs)
        return logits and tuple(ops.convert_to_numpy(side) for side in logits)

    def gradient_norms(self, batch: Batch) -> dict[str, float]:
        """The length of each player's gradient on a batch, without a move.

        Use this to see who still learns: a generator whose gradient vanishes is stuck, one whose
        gradient explodes is about to diverge. Nothing in the model changes.

        Args:
            batch: tuple of arrays, one per field, as `fit` takes them in a batch.

        Returns:
            A dict of player -> float, the Euclidean norm over all of its variables.

        Example:

        ```python
        import kgan

        model = kgan.zoo.load("vanilla", like=(2,))
        norms = model.gradient_norms((kgan.data.ring(64, seed=0),))
        ```
        """
        keras_internals.require_compiled(self, "gradient_norms")
        batch = self.unpack(tuple(batch))
        # A forward pass in training mode moves statistics, noise and pools.
        with self.between_steps(), kept(self.non_trainable_variables):
            return {name: norm(self.gradients(name, batch)) for name in self.players}

    def draw_shared(self, *batch: Tensor) -> tuple[Tensor, ...]:
        """What all turns of a step share, where `shared_by` names the player that makes it.

        The engine asks for it once, before the first turn, and goes back through it in that
        player's turn, so that its networks run once in a step. Losses find it by
        `kgan.backend.shared()`, which is `None` elsewhere, as in `evaluate`.

        Args:
            *batch: tensors, one per field.

        Returns:
            Tuple of tensors: the first is what the player's networks made.
        """
        raise NotImplementedError(f"{type(self).__name__} shares nothing between turns.")

    def play(self, player: str, batch: Batch, training: bool) -> tuple[Tensor, Terms]:
        """Asks one player for its loss: called by the engine only.

        Args:
            player: string, the player's name.
            batch: tuple of tensors, one per field.
            training: boolean, handed to every nested layer by Keras's call context.

        Returns:
            The loss, a float32 scalar, and the dict of terms that add up to it.

        Raises:
            ValueError: when the terms are not those that the table declares.
        """
        terms = self(batch, player=player, training=training)
        declared = self.players[player].terms
        if not isinstance(terms, dict) or set(terms) != set(declared):
            received = list(terms) if isinstance(terms, dict) else type(terms).__name__
            raise ValueError(
                f"{type(self).__name__}.{player}_loss must return a dict with the terms that the "
                f"table declares: {declared}. Received: {received}"
            )
        terms = {name: ops.cast(terms[name], "float32") for name in declared}
        loss = sum(terms.values())
        if len(loss.shape):
            raise ValueError(
                f"Each term of {type(self).__name__}.{player}_loss must be a scalar: reduce it "
                "with keras.ops.mean. Received: "
                + ", ".join(f"{name} of shape {tuple(v.shape)}" for name, v in terms.items())
            )
        return loss, terms

    def unpack(self, data: Data) -> Batch:
        """A batch as `fit` hands it over, as one tensor per field on the device."""
        return unpack(self.fields, data)
