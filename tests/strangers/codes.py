"""A stranger's encoder and decoder: one player, three endpoints."""

import keras
from keras import layers, ops

import kgan
from kgan.data import Vectors

LIKE = kgan.zoo.Like(kinds=(Vectors,), fill=lambda points: {"dim": points.shape[0]})


class Codes(kgan.AdversarialModel):
    """Vectors to codes and back; codes are drawn towards N(0, 1)."""

    players = {"coder": kgan.Player(("encoder", "decoder"), ("distance", "spread"))}

    def __init__(self, dim, code_dim=1, width=8, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.dim, self.code_dim, self.width = dim, code_dim, width
        x, z = keras.Input((dim,)), keras.Input((code_dim,))
        hidden = layers.Dense(width, "tanh")
        self.encoder = keras.Model(x, layers.Dense(code_dim, dtype="float32")(hidden(x)))
        hidden = layers.Dense(width, "tanh")
        self.decoder = keras.Model(z, layers.Dense(dim, dtype="float32")(hidden(z)))
        self.built = True

    @property
    def fields(self):
        return (Vectors((self.dim,), name="points"),)

    @property
    def endpoints(self):
        (points,), codes = self.fields, Vectors((self.code_dim,), name="codes")
        return {
            "reconstruct": kgan.Endpoint(
                function=self.reconstructed, inputs=(points,), output=points,
                networks=("encoder", "decoder"), imitates="points"
            ),
            "encode": kgan.Endpoint(function=self.encoder, inputs=(points,), output=codes,
                                    networks=("encoder",)),
            "generate": kgan.Endpoint(function=self.decoder, output=points, networks=("decoder",),
                                      noise=kgan.Noise((self.code_dim,))),
        }  # fmt: skip

    def reconstructed(self, x):
        return self.decoder(self.encoder(x))

    def coder_loss(self, x):
        code = self.encoder(x)
        distance = ops.mean(ops.square(x - self.decoder(code)))
        return {"distance": distance, "spread": 0.1 * ops.mean(ops.square(code))}


@kgan.zoo.register(like=LIKE)
def codes(dim=3, *, code_dim=1, seed=None):
    """Codes of vectors.

    Reference: Stranger 2026, "There and back", equation 2.

    Args:
        dim: integer.
        code_dim: integer.
        seed: integer.

    Returns: a `Codes`. Raises: nothing. Example: ```python kgan.zoo.load("codes")```.
    """
    model = Codes(dim, code_dim, seed=seed, name="codes")
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    return model
