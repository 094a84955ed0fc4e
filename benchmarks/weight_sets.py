"""The sets of weights that ship in zoo/weights/: their recipes, data, scores and pictures."""

import dataclasses

import keras
import numpy as np
from tasks import captioned_digits, photographs
from tasks.binary_mnist import CONVOLUTIONS, Drawn, bounds
from tasks.common import Recipe, load_mnist, quickened
from tasks.cyclegan import SHARED, figures_of, kind_a, kind_b
from tasks.cyclegan import SMALL as TRANSLATE
from tasks.pix2pix import load_photos

import kgan
from kgan import drawing
from kgan.data.degradation import enlarged, shrunk

NUM_JUDGED, NUM_HELD_OUT = 10_000, 2_000
MNIST_AUTHORS = "MNIST: Yann LeCun, Corinna Cortes and Christopher Burges; CC BY-SA 3.0"

MNIST = {"sample_shape": (28, 28, 1)}
RECIPES = {
    ("dcgan", "mnist"): Recipe(
        {"image_shape": (28, 28, 1), "width": 48, "stages": 3, "learning_rate": 5e-4},
        steps=16_326,
        batch_size=64,
        decay_from=0.5,
    ),
    ("conditional", "mnist"): Recipe(
        {**MNIST, "num_classes": 10, "width": 32}, steps=3_752, batch_size=64, decay_from=0.5
    ),
    ("wgan_gp", "mnist"): Recipe(
        {
            **MNIST,
            "width": 32,
            "stages": 3,
            "discriminator_steps": 2,
            "learning_rate": 1e-3,
        },
        steps=14_512,
        batch_size=64,
        decay_from=0.5,
    ),
    ("r3gan", "mnist"): Recipe(
        {**MNIST, "width": 12, "gamma": 0.1, "learning_rate": 1e-3, "ema_momentum": 0.995},
        steps=10_000,
        batch_size=32,
        decay_from=0.5,
    ),
    ("minibatch_discrimination", "mnist"): Recipe(
        {**MNIST, "width": 32, "stages": 3, "num_kernels": 16, "learning_rate": 5e-4},
        steps=8_163,
        batch_size=64,
        decay_from=0.5,
    ),
    ("dcgan", "cifar10"): Recipe(
        {"image_shape": (32, 32, 3), "width": 32, "learning_rate": 4e-4},
        steps=9_000,
        batch_size=64,
        decay_from=0.5,
    ),
    ("vae", "mnist"): dataclasses.replace(CONVOLUTIONS, options={**MNIST, **CONVOLUTIONS.options}),
    ("unit", "tinted_digits"): dataclasses.replace(
        SHARED, options={"image_shape": (28, 28, 3), **SHARED.options}
    ),
    ("cyclegan", "tinted_digits"): dataclasses.replace(
        TRANSLATE, options={"image_shape": (28, 28, 3), **TRANSLATE.options}
    ),
    ("text_to_image", "captioned_digits"): dataclasses.replace(
        captioned_digits.RECIPES["text_to_image"],
        options={**captioned_digits.sizes(), **captioned_digits.RECIPES["text_to_image"].options},
    ),
    ("srresnet", "cifar10_x2"): Recipe(
        {
            **photographs.SRRESNET[2].options,
            "image_shape": (32, 32, 3),
            "decay_steps": 6_000,
        },
        steps=6_000,
        batch_size=16,
    ),
}


class WeightSet:
    """One set of weights: its data, how it is measured while it trains, and its scores.

    Subclasses say what `data`, `validation_data`, `metrics`, `scores` and `picture` are, and where
    the data is from: `source`, `licence`.
    """

    # Whether the best epoch is kept, by held-out training images, or the last.
    chooses = True
    # Steps between two looks, where a pass over the data has too many of them. The last of a pass
    # is shorter, and the card says how many steps there were.
    epoch_steps = None
    deviation = "narrower networks and fewer steps than the paper's, as `options` and `recipe` say"
    licence = MNIST_AUTHORS

    def __init__(self, model_name, name, quick):
        self.model_name, self.name, self.quick = model_name, name, quick
        recipe = RECIPES[model_name, name]
        self.recipe = quickened(recipe) if quick else recipe
        self.num_judged = 100 if quick else NUM_JUDGED
        self.num_classes = self.recipe.options.get("num_classes")
        (self.train, self.labels), (self.test, self.test_labels) = self.load()
        if quick:
            self.train, self.labels, self.test, self.test_labels = (
                array[:100] for array in (self.train, self.labels, self.test, self.test_labels)
            )
        # The best epoch is chosen on training images that the game never sees: test images are
        # for the scores alone. Shuffled, as MNIST's halves differ.
        order = np.random.default_rng(0).permutation(len(self.train))
        held, seen = np.split(order, [20 if quick else NUM_HELD_OUT])
        self.held_out, self.train = self.train[held], self.train[seen]
        self.held_out_labels, self.labels = self.labels[held], self.labels[seen]

    def load(self):
        """Images and labels to train with, and to score with."""
        return load_mnist()

    @property
    def chosen_by(self):
        """The end of a protocol: how the best epoch was found."""
        return (
            f"; the best epoch was chosen by the distance to {len(self.held_out)} other training "
            "images"
            if self.chooses
            else ""
        )

    def build(self, seed):
        keras.utils.set_random_seed(seed)
        return kgan.zoo.load(self.model_name, seed=seed, **self.recipe.options)

    def picture(self, model, path):
        labels = {"labels": np.arange(100) // 10} if self.num_classes else {}
        images = model.generate(100, seed=1, batch_size=100, **labels)
        drawing.save_image(path, drawing.image_grid(images, columns=10, scale=2))


class Digits(WeightSet):
    """Digits of MNIST, with labels where the model has classes."""

    source = f"MNIST, training images: 60 000 but for {NUM_HELD_OUT} that chose the best epoch"

    @property
    def epoch_steps(self):
        return 1_000 if self.model_name == "r3gan" else None

    @property
    def data(self):
        return (self.train, self.labels) if self.num_classes else (self.train,)

    @property
    def validation_data(self):
        return (self.held_out, self.held_out_labels) if self.num_classes else (self.held_out,)

    def metrics(self):
        return [kgan.metrics.FrechetDistance("digit_judge")]

    def scores(self, model):
        """Figures by name, and the protocol in words."""
        asked = np.arange(self.num_judged) % (self.num_classes or 1)
        labels = {"labels": asked} if self.num_classes else {}
        samples = model.generate(self.num_judged, seed=0, batch_size=500, **labels)
        digits, sure = kgan.metrics.read_digits(samples)
        coverage = kgan.metrics.class_coverage(digits, 10)
        frechet = kgan.metrics.FrechetDistance("digit_judge")
        frechet.update_state(self.test, samples)
        figures = {
            "frechet_distance": frechet.result(),
            "share of which the judge is 90 % sure": float(np.mean(sure >= 0.9)),
            "digits": coverage.modes,
            "class histogram KL": coverage.reverse_kl,
        }
        frechet.reset_fake()
        frechet.update_state(None, self.train[: self.num_judged])
        figures["frechet_distance of real data"] = frechet.result()
        if self.num_classes:
            figures["read as asked"] = float(np.mean(digits == asked))
        return figures, (
            f"{frechet.protocol}; real data is as many training images, drawn at random"
            f"{self.chosen_by}"
        )


class BinaryDigits(Digits):
    """Digits whose pixels are drawn black or white anew each time: for likelihoods."""

    chooses = False
    deviation = "convolutions in place of the paper's dense layers, as `options` says"
    source = "MNIST, training images, each pixel drawn black or white anew each time"

    @property
    def data(self):
        images = np.concatenate([self.held_out, self.train])
        return (Drawn(images, self.recipe.batch_size, 100),)

    def scores(self, model):
        figures, protocol = super().scores(model)
        found, said = bounds(model, self.test, draws=5 if self.quick else 500)
        return {**found, **figures}, f"{said}; {protocol}"


class Photos(WeightSet):
    """The photographs of CIFAR-10."""

    source = (
        "CIFAR-10, training images, JPEG-recompressed: not the original pixels; 50 000 but for "
        f"{NUM_HELD_OUT} that chose the best epoch"
    )
    licence = (
        "CIFAR-10: Alex Krizhevsky, Vinod Nair and Geoffrey Hinton; no licence is stated by its "
        "authors, who ask that their 2009 report be cited"
    )

    def load(self):
        images = [
            load_photos(split, 100 if self.quick else count)
            for split, count in (("train", 50_000), ("test", 10_000))
        ]
        return [(found, np.zeros(len(found), "int32")) for found in images]

    @property
    def data(self):
        return (self.train,)

    @property
    def validation_data(self):
        return (self.held_out,)

    def metrics(self):
        return [kgan.metrics.SlicedWasserstein(extractor=None)]

    def scores(self, model):
        """Figures by name, and the protocol in words."""
        samples = model.generate(self.num_judged, seed=0, batch_size=500)
        metrics = [
            kgan.metrics.SlicedWasserstein(extractor=None),
            kgan.metrics.FrechetDistance(extractor=None),
            kgan.metrics.KernelDistance(extractor=None),
        ]
        kgan.metrics.update_all(metrics, self.test, samples)
        figures = {metric.name: metric.result() for metric in metrics}
        real = self.train[: self.num_judged]
        for metric in metrics:
            metric.reset_fake()
        kgan.metrics.update_all(metrics, None, real)
        figures |= {f"{metric.name} of real data": metric.result() for metric in metrics}
        said = "; ".join(metric.protocol for metric in metrics)
        return figures, (
            f"{said}: of pixels, so not the FID of papers; real data is as many training "
            "images, drawn at random; the best epoch was chosen by the sliced Wasserstein "
            f"distance to {len(self.held_out)} other training images"
        )


class SmallPhotos(Photos):
    """The photographs of CIFAR-10, to be enlarged from half their sides."""

    chooses = False
    epoch_steps = 1_000
    source = (
        "CIFAR-10, training images, JPEG-recompressed: not the original pixels; 50 000 but for "
        f"{NUM_HELD_OUT}"
    )

    @property
    def scale(self):
        return self.recipe.options["scale"]

    def _some(self, count):
        # Of all kinds: the file has one kind after the other.
        return self.test[:: max(1, len(self.test) // count)][:count]

    def scores(self, model):
        """Figures by name, and the protocol in words."""
        truth = self._some(1_000)
        small = [shrunk(image, self.scale) for image in truth]
        made = {
            "bicubic": np.stack([enlarged(image, self.scale) for image in small]),
            "srresnet": model.run("enlarge", np.stack(small), batch_size=100),
        }
        figures = {}
        for who, images in made.items():
            names = ("luminance PSNR", "luminance SSIM")
            values = np.mean(
                [photographs.measured(*pair, self.scale)[:2] for pair in zip(truth, images)], axis=0
            )
            figures |= {f"{name}, {who}": float(v) for name, v in zip(names, values, strict=True)}
        return figures, (
            f"{len(truth)} test images, made smaller by Pillow's antialiased bicubic filter; of "
            f"luminance (BT.601, 16 to 235) without a border of {self.scale} pixels; means over "
            "images"
        )

    def picture(self, model, path):
        truth = self._some(20)
        small = np.stack([shrunk(image, self.scale) for image in truth])
        plain = np.stack([enlarged(image, self.scale) for image in small])
        columns = [truth, plain, model.run("enlarge", small)]
        images = np.stack(columns, axis=1).reshape(-1, *truth.shape[1:])
        drawing.save_image(path, drawing.image_grid(images, columns=6, scale=3))


class TintedDigits(WeightSet):
    """Digits and inverted, tinted ones, without pairs."""

    epoch_steps = 250
    source = (
        "MNIST's training images: one half as they are, the other half inverted and tinted, but "
        f"for {NUM_HELD_OUT} that chose the best epoch"
    )

    @property
    def data(self):
        order = np.random.default_rng(0).permutation(len(self.train))
        half = len(order) // 2
        return kind_a(self.train[order[:half]]), kind_b(self.train[order[half:]])

    @property
    def validation_data(self):
        return kind_a(self.held_out), kind_b(self.held_out)

    def metrics(self):
        # b hides the partner of each a in the same place, and the model never sees that.
        return [kgan.metrics.PeakSignalToNoiseRatio()]

    def scores(self, model):
        """Figures by name, and the protocol in words."""
        figures, _, _ = figures_of(model, self.test, self.test_labels)
        return figures, (
            f"{len(self.test)} MNIST test images with hidden partners; digits read by "
            "kgan.metrics.digit_judge; the best epoch was chosen by the likeness to the hidden "
            f"partners of {len(self.held_out)} other training images"
        )

    def picture(self, model, path):
        a, b = kind_a(self.test[:20]), kind_b(self.test[:20])
        columns = [a, model.translate(a), b, model.translate(b, direction="b_to_a")]
        images = np.stack(columns, axis=1).reshape(-1, *a.shape[1:])
        drawing.save_image(path, drawing.image_grid(images, columns=8, scale=2))


class CaptionedDigits(WeightSet):
    """Digits in colours, and captions that name them: the run of the task of that name."""

    chooses = False
    epoch_steps = captioned_digits.EPOCH_STEPS
    source = (
        "MNIST's training images in eight inks on eight grounds, each in "
        f"{captioned_digits.COPIES} of two thirds of the combinations, with captions"
    )

    def __init__(self, model_name, name, quick):
        super().__init__(model_name, name, quick)
        seen, self.unseen = captioned_digits.combinations()
        # None chooses an epoch, so none is held out.
        (images, labels), _ = self.load()
        images, labels = (x[:100] if quick else x for x in (images, labels))
        self.data = captioned_digits.training_data(images, labels, seen, 0)

    def scores(self, model):
        """Figures by name, and the protocol in words."""
        count = 100 if self.quick else captioned_digits.NUM_JUDGED
        samples, asked, _ = captioned_digits.asked_for(model, self.unseen, count, 0)
        found = captioned_digits.figures_of(samples, asked)
        return {f"{what}, unseen combinations": value for what, value in found.items()}, (
            f"{count} samples of captions of combinations of digit, ink and ground that were never "
            "in training; digits read by kgan.metrics.digit_judge, colours by the nearest of the "
            "palette"
        )

    def picture(self, model, path):
        samples, _, _ = captioned_digits.asked_for(model, self.unseen, 100, 1)
        drawing.save_image(path, drawing.image_grid(samples, columns=10, scale=2))


KINDS = {
    "cifar10": Photos,
    "cifar10_x2": SmallPhotos,
    "tinted_digits": TintedDigits,
    "captioned_digits": CaptionedDigits,
}


def weight_set(model_name, name, quick=False):
    """The set of weights of this name for this model."""
    kind = BinaryDigits if model_name == "vae" else KINDS.get(name, Digits)
    return kind(model_name, name, quick)
