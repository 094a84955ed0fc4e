"""Names of classes: in exports, and beside the rows of sample pictures."""

import keras
import numpy as np
import pytest
from PIL import Image

import kgan
from kgan import drawing

NAMES = ("Animals & Nature", "Flags", "Café")


def make(names=NAMES):
    keras.utils.set_random_seed(0)
    options = {"width": 4, "latent_dim": 4, "seed": 0}
    shape = {"sample_shape": (8, 8, 1), "num_classes": 3, "class_names": names}
    return kgan.zoo.load("conditional", **shape, **options)


def test_an_export_takes_names(tmp_path):
    import tensorflow as tf

    model = make()
    model.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1"))
    asked = [NAMES[2], NAMES[0], NAMES[2]]
    noise = kgan.latent.sample((3, 4), model.noise, seed=0)
    made = served.signatures["serving_default"](noise=tf.constant(noise), labels=tf.constant(asked))
    (made,) = made.values()
    expected = model.decode(noise, labels=asked)
    pixels = np.clip(np.rint((made.numpy() + 1) * 127.5), 0, 255)
    assert np.abs(pixels - expected.astype("float32")).max() <= 1
    # Names by hand and ids: the same samples.
    np.testing.assert_array_equal(expected, model.decode(noise, labels=[2, 0, 2]))
    made = served.signatures["generate"](
        count=tf.constant(2), seed=tf.constant(5, tf.int64), labels=tf.constant(["Flags"] * 2)
    )
    assert next(iter(made.values())).shape == (2, 8, 8, 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected some of"):
        served.signatures["serving_default"](
            noise=tf.constant(noise), labels=tf.constant(["Flag"] * 3)
        )


def test_pictures_name_their_rows(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), dtype="uint8")
    pictures = {}
    for names in (None, NAMES):
        grid = kgan.callbacks.SampleGrid(tmp_path / str(bool(names)))
        make(names).fit(images, np.arange(12) % 3, callbacks=[grid], verbose=0)
        (path,) = (tmp_path / str(bool(names))).glob("*.png")
        with Image.open(path) as picture:
            pictures[names] = np.asarray(picture.convert("L"))
    height, width = pictures[None].shape
    assert pictures[NAMES].shape[0] == height
    strip = pictures[NAMES][:, :-width]
    assert all((row < 128).any() for row in np.array_split(strip, 3)), "a name beside each row"


def test_titles_stand_beside_their_rows():
    grid = np.zeros((60, 40, 1), "uint8")
    picture = drawing.with_row_titles(grid, ["a", "", "b"])
    strip = picture[:, :-40].min(axis=(1, 2))
    assert (strip[:20] < 255).any() and (strip[20:40] == 255).all() and (strip[40:] < 255).any()
    assert (picture[:, -40:] == 0).all()
