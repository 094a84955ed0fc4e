"""Training steps as one writes them by hand in JAX around Keras networks: for the benchmarks.

`make(model)` reads the networks of a model of the zoo and returns `(step, state)`. A step is one
`jax.jit` with donated state: `state, loss = step(state, data, indices)`, where `data` is a tuple
of arrays of bytes on the device. The order of play is kgan's: each turn makes its own fakes.
"""

import functools

import jax
from jax import numpy as jnp

POOL_SIZE = 50


def make(model):
    """The step of a model's game, and the state that it begins with."""
    if model.name == "cyclegan":
        return _cycle(model)
    return _noise(model, is_r3gan=model.name == "r3gan")


def _weights(network):
    trainable = [variable.value for variable in network.trainable_variables]
    return trainable, [variable.value for variable in network.non_trainable_variables]


def _call(network, weights, state, x):
    made, state = network.stateless_call(weights, state, x, training=True)
    return made.astype("float32"), state


def _adam(beta_1, beta_2, rate=2e-4, epsilon=1e-7):
    """Start and move of an Adam optimizer with constants that the compiler sees."""

    def start(weights):
        zeros = jax.tree.map(jnp.zeros_like, weights)
        return {"count": jnp.zeros((), "int32"), "mean": zeros, "square": zeros}

    def move(weights, gradients, state):
        count = state["count"] + 1
        mean = jax.tree.map(lambda m, g: m + (1 - beta_1) * (g - m), state["mean"], gradients)
        square = jax.tree.map(
            lambda s, g: s + (1 - beta_2) * (g * g - s), state["square"], gradients
        )
        size = rate * jnp.sqrt(1 - beta_2**count) / (1 - beta_1**count)
        weights = jax.tree.map(
            lambda w, m, s: w - size * m / (jnp.sqrt(s) + epsilon), weights, mean, square
        )
        return weights, {"count": count, "mean": mean, "square": square}

    return start, move


def _real(images, indices):
    return images[indices].astype("float32") / 127.5 - 1.0


def _copied(state):
    # The step takes its state away; the model's own variables stay, and zeros are not shared.
    return jax.tree.map(lambda x: jnp.array(x, copy=True), state)


def _noise(model, is_r3gan, gamma=1.0, momentum=0.999):
    generator, discriminator, uniform = model.generator, model.discriminator, model.noise
    start, move = _adam(0.0, 0.99) if is_r3gan else _adam(0.5, 0.999)

    def imagine(weights, state, key, count):
        shape = (count, *model.latent_shape)
        if uniform == "uniform":
            noise = jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)
        else:
            noise = jax.random.normal(key, shape)
        return _call(generator, weights, state, noise)

    def penalized(weights, state, x):
        """Logits, and the squared length of their gradient, in one pass."""
        logits, pull, state = jax.vjp(
            lambda x: _call(discriminator, weights, state, x), x, has_aux=True
        )
        (gradient,) = pull(jnp.ones_like(logits))
        return logits, jnp.square(gradient).sum((1, 2, 3)).mean(), state

    def discriminator_loss(weights, state, real, fake):
        if is_r3gan:
            on_real, r1, state = penalized(weights, state, real)
            on_fake, r2, state = penalized(weights, state, fake)
            loss = jax.nn.softplus(on_fake - on_real).mean() + 0.5 * gamma * (r1 + r2)
            return loss, state
        on_real, state = _call(discriminator, weights, state, real)
        on_fake, state = _call(discriminator, weights, state, fake)
        return jax.nn.softplus(-on_real).mean() + jax.nn.softplus(on_fake).mean(), state

    def generator_loss(weights, states, others, real, key):
        fake, state = imagine(weights, states[0], key, len(real))
        on_real = 0.0  # which only a relativistic loss looks at
        on_fake, other = _call(discriminator, others, states[1], fake)
        if is_r3gan:
            on_real, other = _call(discriminator, others, other, real)
        return jax.nn.softplus(on_real - on_fake).mean(), (state, other)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, data, indices):
        key, *keys = jax.random.split(state["key"], 3)
        real = _real(data[0], indices)
        g, g_state, d, d_state = (state[part] for part in ("g", "g_state", "d", "d_state"))
        fake, g_state = imagine(g, g_state, keys[0], len(real))
        gradients, d_state = jax.grad(discriminator_loss, has_aux=True)(d, d_state, real, fake)
        d, d_adam = move(d, gradients, state["d_adam"])
        (loss, states), gradients = jax.value_and_grad(generator_loss, has_aux=True)(
            g, (g_state, d_state), d, real, keys[1]
        )
        g, g_adam = move(g, gradients, state["g_adam"])
        average = state["average"]
        if is_r3gan:
            average = jax.tree.map(lambda a, w: momentum * a + (1 - momentum) * w, average, g)
        return {
            "key": key,
            **{"g": g, "g_state": states[0], "d": d, "d_state": states[1]},
            **{"g_adam": g_adam, "d_adam": d_adam},
            "average": average,
        }, loss

    (g, g_state), (d, d_state) = _weights(generator), _weights(discriminator)
    state = {
        "key": jax.random.key(0),
        **{"g": g, "g_state": g_state, "d": d, "d_state": d_state},
        **{"g_adam": start(g), "d_adam": start(d)},
        "average": g if is_r3gan else [],
    }
    return step, _copied(state)


def _pooled(pool, count, fake, key):
    """Half of the fakes, exchanged for earlier ones once the pool is full."""
    keys, number = jax.random.split(key), len(fake)
    is_full = count >= POOL_SIZE
    places = jax.random.permutation(keys[0], POOL_SIZE)[:number]
    places = jnp.where(is_full, places, count + jnp.arange(number))
    stored = jax.random.bernoulli(keys[1], shape=(number,)) | ~is_full
    wide = stored[:, None, None, None]
    old = pool[places]
    pool = pool.at[places].set(jnp.where(wide, fake, old), mode="drop")
    return jnp.where(wide & is_full, old, fake), pool, jnp.minimum(count + number, POOL_SIZE)


def _cycle(model):
    names = ("a_to_b", "b_to_a", "discriminator_a", "discriminator_b")
    networks = {name: getattr(model, name) for name in names}
    start, move = _adam(0.5, 0.999)

    # Instance normalization keeps no state.
    def call(weights, name, x):
        return _call(networks[name], weights[name], [], x)[0]

    def distance(x, y):
        return jnp.abs(x - y).mean()

    def discriminators_loss(d, a, b, fake_a, fake_b):
        loss = 0.0
        for name, real, fake in (("discriminator_a", a, fake_a), ("discriminator_b", b, fake_b)):
            on_real, on_fake = call(d, name, real), call(d, name, fake)
            loss += 0.5 * (jnp.square(on_real - 1).mean() + jnp.square(on_fake).mean())
        return loss

    def generators_loss(g, d, a, b):
        fake_b, fake_a = call(g, "a_to_b", a), call(g, "b_to_a", b)
        loss = jnp.square(call(d, "discriminator_a", fake_a) - 1).mean()
        loss += jnp.square(call(d, "discriminator_b", fake_b) - 1).mean()
        cycle = distance(call(g, "b_to_a", fake_b), a) + distance(call(g, "a_to_b", fake_a), b)
        identity = distance(call(g, "b_to_a", a), a) + distance(call(g, "a_to_b", b), b)
        return loss + 10.0 * cycle + 5.0 * identity

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, data, indices):
        key, *keys = jax.random.split(state["key"], 3)
        a, b = (_real(images, indices) for images in data)
        g, d = state["g"], state["d"]
        fakes = call(g, "b_to_a", b), call(g, "a_to_b", a)
        pooled = [_pooled(*pool, x, k) for pool, x, k in zip(state["pools"], fakes, keys)]
        shown = [shown for shown, _, _ in pooled]
        gradients = jax.grad(discriminators_loss)(d, a, b, *shown)
        d, d_adam = move(d, gradients, state["d_adam"])
        loss, gradients = jax.value_and_grad(generators_loss)(g, d, a, b)
        g, g_adam = move(g, gradients, state["g_adam"])
        pools = [(pool, count) for _, pool, count in pooled]
        return {
            "key": key,
            **{"g": g, "d": d, "g_adam": g_adam, "d_adam": d_adam, "pools": pools},
        }, loss

    weights = {name: _weights(network)[0] for name, network in networks.items()}
    g = {name: weights[name] for name in names[:2]}
    d = {name: weights[name] for name in names[2:]}
    pool = jnp.zeros((POOL_SIZE, *model.a_to_b.input_shape[1:])), jnp.zeros((), "int32")
    state = {
        "key": jax.random.key(0),
        **{"g": g, "d": d, "g_adam": start(g), "d_adam": start(d), "pools": [pool, pool]},
    }
    return step, _copied(state)
