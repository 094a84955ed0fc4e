"""A stranger's game of pictures, captions and labels: three fields, three players."""

# fmt: off
import keras
from keras import layers, ops

import kgan
from kgan.data import Images, Labels, Text

FIELDS = (Images((8, 8, 1)), Text(4, ["a", "red", "seven"]), Labels(3))
LIKE = kgan.zoo.Like(kinds=(Images,), then=((Text,), (Labels,)), fill=lambda *f: {"fields": f})

class Painter(kgan.AdversarialModel):
    """Captions to pictures; a reader of labels says whether they can be told."""
    players = {"discriminator": kgan.Player(("discriminator",), ("adversarial",)),
               "reader": kgan.Player(("reader",), ("reading",)),
               "generator": kgan.Player(("generator",), ("adversarial", "reading"))}
    def __init__(self, generator, discriminator, reader, fields, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.generator, self.discriminator, self.reader = generator, discriminator, reader
        self.fields, self.noise_seed = tuple(fields), kgan.SeedGenerator(seed)
        self.noise, self.loss, self.built = kgan.Noise((3,)), kgan.losses.NonSaturating(), True
    @property
    def endpoints(self):
        picture, caption, kind = self.fields
        return {"paint": kgan.Endpoint(function=self.paint, inputs=(caption,), output=picture,
                    networks=("generator",), noise=self.noise, imitates="picture"),
                "read": kgan.Endpoint(function=lambda x: ops.argmax(self.reader(x), -1),
                    inputs=(picture,), output=kind, networks=("reader",))}
    def paint(self, noise, text):
        return self.generator([noise, text])
    def drawn_and_logits(self, x, text):
        fake = self.paint(self.noise.draw(ops.shape(x)[0], self.noise_seed), text)
        return fake, [self.discriminator([picture, text]) for picture in (x, fake)]
    def discriminator_loss(self, x, text, label):
        return {"adversarial": self.loss.discriminator(*self.drawn_and_logits(x, text)[1])}
    def generator_loss(self, x, text, label):
        fake, logits = self.drawn_and_logits(x, text)
        return {"adversarial": self.loss.generator(*logits), **self.reader_loss(fake, text, label)}
    def reader_loss(self, x, text, label):
        entropies = ops.sparse_categorical_crossentropy(label, self.reader(x), from_logits=True)
        return {"reading": ops.mean(entropies)}

def network(size, activation, first, *texts, tokens=1):
    parts = [layers.Flatten()(layers.Embedding(tokens, 2)(text)) for text in texts]
    x = layers.Concatenate()([first, *parts]) if parts else first
    return layers.Dense(size, activation, dtype="float32")(layers.Dense(8, "tanh")(x))

@kgan.zoo.register(like=LIKE)
def painter(fields=FIELDS, seed=None):
    """A painter of captions, whose pictures can be read.

    Reference: Stranger 2026, "Three players", algorithm 1.
    Args:
        fields: tuple of the fields of pictures, captions and labels.
        seed: integer. Defaults to `None`.
    Returns: `Painter`. Raises: no. Example: ```python kgan.zoo.load("painter")```.
    """
    names = ("picture", "caption", "kind")
    picture, caption, kind = (field.renamed(name) for field, name in zip(fields, names))
    noise, x, text = (keras.Input(shape) for shape in ((3,), picture.shape, caption.shape))
    flat, size = layers.Flatten()(x), picture.shape[0] * picture.shape[1] * picture.shape[2]
    made = network(size, "tanh", noise, text, tokens=caption.num_tokens)
    made = layers.Reshape(picture.shape, dtype="float32")(made)
    model = Painter(keras.Model([noise, text], made),
                    keras.Model([x, text], network(1, None, flat, text, tokens=caption.num_tokens)),
                    keras.Model(x, network(kind.num_classes, None, flat)),
                    (picture, caption, kind), seed, name="painter")
    model.compile(optimizer="adam")
    return model
