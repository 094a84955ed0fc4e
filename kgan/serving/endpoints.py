"""What a model does for a user, as a table: fields in, a field out, and a function of networks."""

import dataclasses
import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from kgan.data.fields import Field
from kgan.data.inspection import kind_of
from kgan.latent.noise import checked_distribution, draw, sample
from kgan.utils.arguments import check_count, check_counts
from kgan.utils.hints import Distribution, Tensor
from kgan.utils.memory import require_memory


@dataclasses.dataclass(frozen=True)
class Noise:
    """The noise that an endpoint draws.

    Args:
        shape: tuple, the shape of one noise without the batch axis.
        distribution: `"normal"` for N(0, 1) or `"uniform"` for U(-1, 1). Defaults to `"normal"`.

    Raises:
        TypeError, ValueError: when the shape or the distribution is none.

    Example:

    ```python
    import kgan

    noise = kgan.Noise((100,), "uniform").sample(16, seed=0)
    ```
    """

    shape: tuple
    distribution: Distribution = "normal"

    def __post_init__(self):
        object.__setattr__(self, "shape", check_counts("shape", tuple(self.shape), "(100,)"))
        checked_distribution(self.distribution)

    def sample(
        self, num_samples: int, seed: int | None = None, truncation: float | None = None
    ) -> np.ndarray:
        """Noise as a NumPy array: see `kgan.latent.sample`.

        Args:
            num_samples: integer.
            seed: integer. Defaults to a new one each time.
            truncation: float. Defaults to `None`.
        """
        shape = (num_samples, *self.shape)
        require_memory(
            4 * math.prod(map(int, shape)), f"The noise of {num_samples} samples", "Make fewer."
        )
        return sample(shape, self.distribution, seed=seed, truncation=truncation)

    def draw(self, num_samples: Tensor, seed: int | keras.random.SeedGenerator) -> Tensor:
        """Noise as a tensor of the backend.

        Args:
            num_samples: integer or tensor.
            seed: integer or `keras.random.SeedGenerator`.
        """
        return draw((num_samples, *self.shape), self.distribution, seed)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One thing that a model does for a user, such as `generate`, `translate` or `encode`.

    Use this in the table `endpoints` of a model of your own. Exports, the command line, pictures,
    metrics, `Health` and reports read the table and nothing else, and `model.run(name, ...)` runs
    it; give your users a public method with typed arguments over it.

    Args:
        function: function in `keras.ops` of the noise, where there is one, and then of a tensor for
            each of `inputs`, as the networks take them. It calls the model's networks and returns
            one tensor. It is run in inference mode.
        output: `kgan.data.Field`, what comes out.
        networks: tuple of the names of the model's attributes that hold the networks it calls.
        inputs: tuple of `kgan.data.Field`, what goes in. Defaults to none.
        noise: `kgan.Noise`, what is drawn for each sample. Defaults to `None`.
        imitates: string, the name of the field of the model whose real samples the output should
            look like, so that metrics and `Health` compare the two: its inputs are then fields of
            the model too. Defaults to `None`.
        is_differentiable: boolean, whether the function itself takes a gradient, with
            `kgan.backend.input_gradient`, as models of energies do. Such a function is exported on
            the TensorFlow backend only. Defaults to `False`.
        is_rolled_out: boolean, whether the function makes the frame after clips, its one input, so
            that it can go on with what it made: it is then given the clips without their first
            frame and with that one. The output is clips of as many frames as were asked for.
            Defaults to `False`.

    Raises:
        TypeError: when a field is none.
        ValueError: when there is no network.

    Example:

    ```python
    import keras

    import kgan


    class Autoencoder(kgan.AdversarialModel):
        players = {"autoencoder": kgan.Player(("encoder", "decoder"), ("distance",))}
        fields = (kgan.data.Vectors((2,)),)

        def __init__(self, seed=None, **kwargs):
            super().__init__(seed=seed, **kwargs)
            self.encoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            self.decoder = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
            self.built = True

        @property
        def endpoints(self):
            (points,) = self.fields
            return {
                "reconstruct": kgan.Endpoint(
                    function=self.reconstructed,
                    inputs=(points,),
                    output=points,
                    networks=("encoder", "decoder"),
                    imitates=points.name,
                ),
                "encode": kgan.Endpoint(
                    function=self.encoder,
                    inputs=(points,),
                    output=kgan.data.Vectors((1,)),
                    networks=("encoder",),
                ),
            }

        def reconstructed(self, x):
            return self.decoder(self.encoder(x))

        def autoencoder_loss(self, x):
            return {"distance": keras.ops.mean(keras.ops.square(x - self.reconstructed(x)))}


    model = Autoencoder()
    codes = model.run("encode", kgan.data.ring(8, seed=0))  # float32 (8, 1)
    ```
    """

    function: Callable
    output: Field
    networks: tuple
    inputs: tuple = ()
    noise: Noise | None = None
    imitates: str | None = None
    is_differentiable: bool = False
    is_rolled_out: bool = False

    def __post_init__(self):
        wrong = [field for field in (*self.inputs, self.output) if not isinstance(field, Field)]
        if wrong:
            raise TypeError(
                "An endpoint takes and gives fields, such as kgan.data.Images((64, 64, 3)). "
                f"Received: {wrong[0]!r}"
            )
        if isinstance(self.networks, str) or not self.networks:
            raise ValueError(
                "An endpoint names the networks that it calls, as a tuple of attributes such as "
                f'("generator",). Received: networks={self.networks!r}'
            )

    def inputs_by_name(self) -> dict[str, Field]:
        """The fields that go in, under the names of an export's arguments.

        These are words such as `images` and `labels`; where two inputs are of one kind, the fields'
        own names.
        """
        words = [field.plural for field in self.inputs]
        return {
            word if words.count(word) == 1 else field.name: field
            for word, field in zip(words, self.inputs)
        }


class Runner(keras.Model):
    """An endpoint as a Keras model: compiled by `predict_on_batch`, on every backend.

    Args:
        endpoint: an `Endpoint`.
        networks: list of the networks that it calls.
    """

    def __init__(self, endpoint, networks):
        super().__init__(name="endpoint", autocast=False)
        # Tracked, because JAX hands a model's variables to what it compiles.
        self.networks = list(networks)
        self._function = endpoint.function
        self.built = True

    def call(self, inputs):
        """The endpoint's raw output."""
        return self._function(*(inputs if isinstance(inputs, list | tuple) else (inputs,)))


class Endpoints:
    """Runs what a model declares in its table `endpoints`.

    Args:
        model: a `kgan.AdversarialModel`.
    """

    def __init__(self, model):
        self.model = model
        self._runners = {}

    @property
    def default(self):
        """Name of the first endpoint: what `model(x)`, `predict` and `serving_default` do."""
        return next(iter(self.table))

    @property
    def table(self):
        """The model's endpoints by name.

        Raises:
            ValueError: when it declares none.
        """
        table = self.model.endpoints
        if not table:
            raise ValueError(
                f"{type(self.model).__name__} does not say what it does for a user. Define "
                "`endpoints`, a dict of name -> kgan.Endpoint, or use one of its networks by "
                f"itself. Received: a {type(self.model).__name__} without endpoints"
            )
        return table

    def __getitem__(self, name):
        if name not in self.table:
            raise ValueError(
                f"This model has no endpoint of that name. Expected one of {list(self.table)}. "
                f"Received: {name!r} for a {type(self.model).__name__}"
            )
        return self.table[name]

    @property
    def imitation(self):
        """Name of the first endpoint whose output should look like real samples, or `None`."""
        names = (name for name, endpoint in self.model.endpoints.items() if endpoint.imitates)
        return next(names, None)

    @property
    def generator(self):
        """Name of the first endpoint that draws noise, or `None`."""
        names = (name for name, endpoint in self.model.endpoints.items() if endpoint.noise)
        return next(names, None)

    def runner(self, name):
        """The endpoint's `Runner`, made once.

        Args:
            name: string, the endpoint's name.
        """
        endpoint = self[name]
        networks = [getattr(self.model, network) for network in endpoint.networks]
        return self.made_once(name, networks, lambda: Runner(endpoint, networks))

    def made_once(self, name, networks, make):
        """A Keras model around a function of networks, kept with what was compiled of it.

        Args:
            name: string, what it is kept under.
            networks: list of the networks that it calls.
            make: function without arguments that returns it.
        """
        # Made again where the model was given another network, or a layer was frozen: what JAX
        # compiles takes the variables in an order that depends on it.
        key = [*networks, *(v.trainable for network in networks for v in network.variables)]
        made = self._runners.get(name)
        if made is None or made[0] != key:
            with self.model.variable_scope():
                self._runners[name] = made = (key, make())
        return made[1]

    def checked(self, name, inputs):
        """What a user gives to an endpoint, as arrays that its fields accept.

        Args:
            name: string, the endpoint's name.
            inputs: one value per field that goes in.

        Raises:
            TypeError: when one is a dataset, or there are too few or too many.
            ValueError: when one is not what its field declares, or they differ in length.
        """
        endpoint = self[name]
        if len(inputs) != len(endpoint.inputs):
            wanted = [field.name for field in endpoint.inputs]
            raise TypeError(
                f"The endpoint '{name}' takes {len(wanted)} inputs, {wanted}. "
                f"Received: {len(inputs)}"
            )
        for field, value in zip(endpoint.inputs, inputs):
            if kind_of(value) is not None:
                raise TypeError(
                    f"'{name}' takes arrays, and this is a dataset. Call it batch by batch, in a "
                    "loop over the dataset, or call predict, which gives the network's raw output. "
                    f"Received: {field.name}, a {type(value).__name__}"
                )
        arrays = [field.check(value) for field, value in zip(endpoint.inputs, inputs)]
        if len({len(array) for array in arrays}) > 1:
            raise ValueError(
                f"The inputs of '{name}' belong together sample by sample, so there must be as "
                f"many of each. Received: {[len(array) for array in arrays]}"
            )
        return arrays

    def inputs_for(self, name, num_samples, *given):
        """Checked inputs of an endpoint for a number of samples.

        Args:
            name: string, the endpoint's name.
            num_samples: integer.
            *given: a value for each input: for all samples, or for each. `None` for what the field
                shows where nobody says which, such as the classes in turn.

        Returns:
            A list of arrays, one per input.

        Raises:
            ValueError: when one is missing, not wanted, or not what its field declares.
        """
        endpoint = self[name]
        self.require_memory(name, num_samples)
        beyond = [value for value in given[len(endpoint.inputs) :] if value is not None]
        if beyond:
            raise ValueError(
                "This model was not trained with labels, so it can't follow them. Load a "
                "conditional model, or leave labels out. "
                f"Received: labels={beyond[0]!r}"
            )
        given = [*given, *[None] * len(endpoint.inputs)]
        arrays = []
        for field, value in zip(endpoint.inputs, given):
            value = field.in_turn(num_samples) if value is None else value
            if value is None:
                raise ValueError(
                    f"The endpoint '{name}' needs {field.plural}: pass a value for "
                    f"'{field.name}'. Received: none"
                )
            value = field.for_each(value, num_samples)
            # Nothing was asked for, and nothing can be wrong with it.
            empty = np.zeros((0, *(size or 0 for size in field.shape)), "int32")
            arrays.append(field.check(value, field.plural) if num_samples else empty)
        return arrays

    def require_memory(self, name, num_samples, size=None):
        """Raises when so many samples have no room in memory, before any is made.

        Args:
            name: string, the endpoint's name.
            num_samples: integer.
            size: integer, bytes of one sample. Defaults to `None`: its noise, and a byte for each
                number.

        Raises:
            MemoryError: when there is too little.
        """
        endpoint = self[name]
        if size is None:
            numbers = [side or 1 for side in endpoint.output.shape]
            size = math.prod(numbers) + 8 * len(endpoint.inputs)
            size += 4 * math.prod(endpoint.noise.shape) if endpoint.noise else 0
        require_memory(
            int(num_samples) * size,
            f"{num_samples} samples of '{name}'",
            "Make fewer at a time, each time from another seed.",
        )

    def run(self, name, arrays=(), noise=None, batch_size=64, as_made=False, frames=1):
        """What an endpoint makes of checked arrays and given noise, batch by batch.

        Averaged weights are used where there are any; nothing in the model changes. Beside its
        result and one batch it needs no memory.

        Args:
            name: string, the endpoint's name.
            arrays: list of arrays as `checked` returns them.
            noise: array (n, *noise.shape), for endpoints with noise. Defaults to `None`.
            batch_size: integer. Defaults to 64.
            as_made: boolean. With `True` the networks' own floats come back, and not what the
                output's field gives a user. Defaults to `False`.
            frames: integer, how many an endpoint makes that is rolled out. Defaults to 1.

        Returns:
            What the output's field gives: a NumPy array, or a list such as of strings.
        """
        check_count("batch_size", batch_size)
        endpoint = self[name]
        given = [*([] if noise is None else [noise]), *arrays]
        count, made = len(given[0]), None

        def finished(output):
            return output.astype("float32") if as_made else endpoint.output.from_device(output)

        with self.model.averaged_weights():
            runner = self.runner(name)
            for start in range(0, count, batch_size):
                batch = [array[start : start + batch_size] for array in given]
                tensors = batch[: -len(arrays)] if arrays else list(batch)
                for field, array in zip(endpoint.inputs, batch[len(tensors) :]):
                    tensors.append(ops.convert_to_numpy(field.to_device(array)))
                if endpoint.is_rolled_out:
                    output = _rolled_out(runner.predict_on_batch, tensors[0], frames)
                else:
                    output = runner.predict_on_batch(tensors if len(tensors) > 1 else tensors[0])
                # Under a distribution strategy every replica answers: keep the first's answer.
                part = finished(np.asarray(output[: len(batch[0])]))
                if not isinstance(part, np.ndarray):
                    made = [*(made or []), *part]
                    continue
                if made is None:
                    self.require_memory(name, count, part[0].nbytes)
                    made = np.empty((count, *part.shape[1:]), part.dtype)
                made[start : start + len(part)] = part
        if made is None:
            made = finished(
                np.zeros((0, *(size or 0 for size in endpoint.output.shape)), "float32")
            )
        return made


def _rolled_out(predict, clips, count):
    """The frames after clips, of which each is predicted from those before it."""
    frames = []
    for _ in range(count):
        frames.append(np.asarray(predict(clips), "float32")[: len(clips)])
        clips = np.concatenate([clips[:, 1:], frames[-1][:, None]], axis=1)
    return np.stack(frames, axis=1)
