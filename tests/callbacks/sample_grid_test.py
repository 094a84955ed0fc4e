import pathlib
import sys

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

import kgan
from kgan import drawing
from kgan.callbacks import SampleGrid
from kgan.callbacks.sample_grid import image_grid, save_film, save_image, side_by_side
from kgan.drawing import films


def model_of(sample_shape=(8, 8, 1), kind=kgan.GAN, **options):
    model = kind(
        kgan.networks.mlp.generator(sample_shape, 4, units=(16,)),
        kgan.networks.mlp.discriminator(sample_shape, units=(8,)),
        seed=0,
        **options,
    )
    average = keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9)
    model.compile(optimizer={"discriminator": "adam", "generator": average})
    return model


def conditional_model(num_classes=3, sample_shape=(4, 4, 1)):
    size = int(np.prod(sample_shape))
    noise, label = keras.Input((2,)), keras.Input((), dtype="int32")
    shift = keras.layers.Embedding(num_classes, size)(label)
    x = keras.layers.Add()([keras.layers.Dense(size)(noise), shift])
    generator = keras.Model([noise, label], keras.layers.Reshape(sample_shape)(x))
    image, label = keras.Input(sample_shape), keras.Input((), dtype="int32")
    logit = keras.layers.Dense(1)(keras.layers.Flatten()(image))
    logit = keras.layers.Add()([logit, keras.layers.Embedding(num_classes, 1)(label)])
    discriminator = keras.Model([image, label], logit)
    condition = kgan.LabelCondition(num_classes)
    model = kgan.GAN(generator, discriminator, condition=condition, seed=0)
    model.compile(optimizer="sgd")
    return model


def images_of(n=32, shape=(8, 8, 1)):
    return np.random.default_rng(0).integers(0, 256, (n, *shape), dtype="uint8")


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def names(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


def test_image_grid_puts_each_image_in_its_place():
    images = np.arange(5, dtype="uint8")[:, None, None, None] * np.ones((1, 2, 3, 1), "uint8")
    picture = image_grid(images, columns=2, padding=1)
    assert picture.shape == (3 * 3 + 1, 2 * 4 + 1, 1) and picture.dtype == np.uint8
    for i in range(5):
        top, left = 1 + 3 * (i // 2), 1 + 4 * (i % 2)
        assert (picture[top : top + 2, left : left + 3] == i).all()
    assert (picture[:, [0, 4, 8]] == 255).all() and (picture[[0, 3, 6, 9]] == 255).all()
    assert (picture[7:9, 5:8] == 255).all()  # the empty place


def test_image_grid_is_square_by_default_and_never_wider_than_its_images():
    assert image_grid(images_of(9), padding=0).shape == (24, 24, 1)
    assert image_grid(images_of(2), columns=5, padding=0).shape == (8, 16, 1)


def test_image_grid_scales_by_the_nearest_pixel():
    image = np.array([[[0, 9], [7, 5]]], "uint8")
    picture = image_grid(image, padding=0, scale=3)[..., 0]
    np.testing.assert_array_equal(picture, image[0].repeat(3, 0).repeat(3, 1))
    assert image_grid(images_of(1), padding=0, scale="auto").shape == (64, 64, 1)
    assert image_grid(images_of(1, (28, 20, 3)), padding=0, scale="auto").shape == (56, 40, 3)
    assert image_grid(images_of(1, (200, 200, 1)), padding=0, scale="auto").shape == (200, 200, 1)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_image_grid_shows_the_first_channels(channels):
    images = images_of(1, (4, 4, channels))
    shown = 3 if channels >= 3 else 1
    np.testing.assert_array_equal(image_grid(images, padding=0), images[0, ..., :shown])


def test_image_grid_lays_opacity_over_white():
    image = np.array([[[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 51]]]], "uint8")
    picture = image_grid(image, padding=0)
    assert picture.tolist() == [[[10, 20, 30], [255, 255, 255], [204, 204, 204]]]


def test_image_grid_takes_floats_and_images_without_a_channel():
    assert image_grid(np.array([[[-1.0, 1.0]]]), padding=0)[..., 0].tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros((0, 4, 4, 1), "uint8"),), ValueError, r"shape \(0, 4, 4, 1\)"),
        ((np.zeros((4, 4), "uint8"),), ValueError, r"shape \(4, 4\)"),
        ((np.zeros((1, 4, 4, 1), "int64"),), TypeError, "dtype int64"),
        ((images_of(1), 0), ValueError, "columns=0"),
        ((images_of(1), 1, -1), ValueError, "padding=-1"),
        ((images_of(1), 1, 2, 0.5), TypeError, "scale=0.5"),
    ],
)
def test_image_grid_explains_what_it_can_not_show(arguments, error, message):
    with pytest.raises(error, match=message):
        image_grid(*arguments)


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (5, 6, 3), (5, 6, 4)])
def test_save_image_keeps_every_pixel(tmp_path, shape):
    picture = images_of(1, shape)[0]
    save_image(tmp_path / "a.png", picture)
    np.testing.assert_array_equal(
        read(tmp_path / "a.png"), picture.reshape(read(tmp_path / "a.png").shape)
    )
    assert names(tmp_path) == ["a.png"]


def test_save_image_explains_what_it_can_not_save(tmp_path):
    with pytest.raises(ValueError, match="mkdir -p"):
        save_image(tmp_path / "none" / "a.png", images_of(1)[0])
    with pytest.raises(ValueError, match="a.picture"):
        save_image(tmp_path / "a.picture", images_of(1)[0])
    with pytest.raises(ValueError, match=r"shape \(2, 8, 8, 1\)"):
        save_image(tmp_path / "a.png", images_of(2))
    assert names(tmp_path) == []


def test_save_film_orders_pictures_by_their_number(tmp_path):
    for epoch, value in ((10000, 200), (2, 100), (9999, 150)):
        save_image(tmp_path / f"epoch_{epoch:04d}.png", np.full((4, 4), value, "uint8"))
    save_image(tmp_path / "epoch_best.png", np.zeros((9, 9), "uint8"))
    save_film(tmp_path / "film.gif", tmp_path)
    with Image.open(tmp_path / "film.gif") as film:
        values, durations = [], []
        for frame in range(film.n_frames):
            film.seek(frame)
            values.append(np.asarray(film.convert("L"))[0, 0])
            durations.append(film.info["duration"])
    assert values == [100, 150, 200] and durations == [200, 200, 2000]


def test_save_film_takes_some_of_many_and_bears_two_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(films, "FRAMES", 4)
    for epoch in range(1, 11):
        size = 4 if epoch < 5 else 8
        save_image(tmp_path / f"epoch_{epoch:04d}.png", np.full((size, size), 20 * epoch, "uint8"))
    save_film(tmp_path / "film.gif", tmp_path)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 4 and film.size == (8, 8)
    with pytest.raises(ValueError, match="epoch_0001.png"):
        save_film(tmp_path / "film.gif", tmp_path.parent)


def test_side_by_side_holds_both_pictures():
    left, right = images_of(1, (60, 80, 3))[0], images_of(1, (100, 90, 1))[0]
    sheet = side_by_side(left, right, ("left", "a caption that is much wider than its picture"))
    assert sheet.ndim == 3 and sheet.shape[2] == 3 and sheet.dtype == np.uint8
    assert sheet.shape[0] > 100 and sheet.shape[1] > 80 + 90 + 50
    bar = sheet.shape[0] - 100
    np.testing.assert_array_equal(sheet[bar : bar + 60, :80], left)
    assert sheet[:bar].min() < 100  # the captions' ink
    assert side_by_side(images_of(4), images_of(9)).shape[0] > 3 * 64
    with pytest.raises(ValueError, match="titles='both'"):
        side_by_side(left, right, "both")


def test_each_epoch_s_picture_is_of_the_same_noise_through_the_averages(tmp_path):
    model = model_of()
    model.fit(
        images_of(), epochs=2, verbose=0, callbacks=[SampleGrid(tmp_path, num_samples=9, seed=3)]
    )
    assert names(tmp_path) == ["epoch_0001.png", "epoch_0002.png", "training.gif"]
    expected = image_grid(model.generate(9, seed=3), scale="auto")
    np.testing.assert_array_equal(read(tmp_path / "epoch_0002.png"), expected[..., 0])
    raw = image_grid(ops.convert_to_numpy(model(kgan.latent.sample((9, 4), seed=3))), scale="auto")
    assert (raw != expected).any()
    assert (read(tmp_path / "epoch_0001.png") != expected[..., 0]).any()
    with Image.open(tmp_path / "training.gif") as film:
        assert film.n_frames == 2


def test_training_is_the_same_with_and_without_pictures(tmp_path):
    def train(callbacks):
        keras.utils.set_random_seed(1)
        model = model_of(discriminator_steps=2)
        history = model.fit(images_of(), epochs=3, batch_size=8, verbose=0, callbacks=callbacks)
        states = [ops.convert_to_numpy(v) for v in [*model.variables, *model.optimizer.variables]]
        return states, history.history

    states, history = train([])
    with_pictures = train([SampleGrid(tmp_path, log_dir=tmp_path / "logs")])
    assert len(states) == len(with_pictures[0]) > 20
    for a, b in zip(states, with_pictures[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert history == with_pictures[1]


def test_every_counts_epochs_and_the_last_is_always_shown(tmp_path):
    model_of().fit(
        images_of(), epochs=5, verbose=0, callbacks=[SampleGrid(tmp_path, every=2, gif=False)]
    )
    assert names(tmp_path) == [f"epoch_000{epoch}.png" for epoch in (2, 4, 5)]


def test_a_resumed_run_continues_numbers_and_film(tmp_path):
    model = model_of()
    model.fit(images_of(), epochs=2, verbose=0, callbacks=[SampleGrid(tmp_path)])
    model.fit(images_of(), epochs=3, initial_epoch=2, verbose=0, callbacks=[SampleGrid(tmp_path)])
    assert names(tmp_path) == [*(f"epoch_000{epoch}.png" for epoch in (1, 2, 3)), "training.gif"]
    with Image.open(tmp_path / "training.gif") as film:
        assert film.n_frames == 3


def test_a_new_run_clears_away_an_older_one_s_later_pictures(tmp_path):
    for name in ("epoch_0001.png", "epoch_0030.png", "mine.png", "epoch_end.png"):
        save_image(tmp_path / name, np.zeros((4, 4), "uint8"))
    model_of().fit(images_of(), epochs=2, verbose=0, callbacks=[SampleGrid(tmp_path)])
    kept = ["epoch_0001.png", "epoch_0002.png", "epoch_end.png", "mine.png", "training.gif"]
    assert names(tmp_path) == kept
    with Image.open(tmp_path / "training.gif") as film:
        assert film.n_frames == 2


def test_a_conditional_model_shows_a_row_per_class(tmp_path):
    model = conditional_model()
    labels = np.arange(30) % 3
    callback = SampleGrid(tmp_path, num_samples=10, scale=1)
    model.fit(images_of(30, (4, 4, 1)), labels, verbose=0, callbacks=[callback])
    noise = kgan.latent.sample((9, 2), seed=0)
    expected = image_grid(model.decode(noise, [0, 0, 0, 1, 1, 1, 2, 2, 2]), columns=3)
    np.testing.assert_array_equal(read(tmp_path / "epoch_0001.png"), expected[..., 0])
    one = SampleGrid(tmp_path, num_samples=4, scale=1, labels=2)
    model.fit(images_of(30, (4, 4, 1)), labels, verbose=0, callbacks=[one])
    expected = image_grid(model.decode(kgan.latent.sample((4, 2), seed=0), [2] * 4))
    np.testing.assert_array_equal(read(tmp_path / "epoch_0001.png"), expected[..., 0])


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_any_number_of_channels_is_shown(tmp_path, channels):
    shape = (4, 4, channels)
    callback = SampleGrid(tmp_path, num_samples=4, scale=2)
    model_of(shape).fit(images_of(8, shape), verbose=0, callbacks=[callback])
    assert read(tmp_path / "epoch_0001.png").shape[:2] == (22, 22)


@pytest.mark.parametrize("dim", [1, 2, 6])
@pytest.mark.parametrize("compared", [False, True])
def test_vectors_are_drawn(tmp_path, dim, compared):
    samples = np.random.default_rng(0).normal(size=(64, dim)).astype("float32")
    real = samples if compared else None
    callback = SampleGrid(tmp_path, num_samples=20, real=real)
    if dim > 2 and compared:
        with pytest.raises(ValueError, match=r"real of shape \(64, 6\)"):
            model_of((dim,)).fit(samples, verbose=0, callbacks=[callback])
        return
    model_of((dim,)).fit(samples, epochs=2, verbose=0, callbacks=[callback])
    picture = read(tmp_path / "epoch_0002.png")
    assert picture.min() < 200 and len(np.unique(picture)) > 10
    with Image.open(tmp_path / "training.gif") as film:
        assert film.n_frames == 2


def test_points_keep_their_axes_and_points_show_where_they_are():
    points = np.array([[0.5, 0.5]])
    inked = np.argwhere((drawing.scatter(points, limits=(0, 1)) == [31, 119, 180]).all(-1))
    blank = drawing.scatter(points + 9, limits=(0, 1))
    assert not (blank == [31, 119, 180]).all(-1).any()
    inked = np.argwhere((drawing.scatter(points, limits=(0, 1)) != blank).any(-1))
    assert 0 < len(inked) < 60
    assert np.abs(inked.mean(0) - 240).max() < 30


def test_drawing_leaves_the_user_s_plots_alone():
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    drawing.curves(np.ones((3, 5)))
    assert pyplot.get_fignums() == before


def test_real_images_are_shown_to_the_left(tmp_path):
    images = images_of()
    callback = SampleGrid(tmp_path, num_samples=4, real=images)
    model_of().fit(images, verbose=0, callbacks=[callback])
    picture = read(tmp_path / "epoch_0001.png")
    real = image_grid(images[:4], scale="auto")
    height, width = real.shape[:2]
    np.testing.assert_array_equal(picture[-height:, :width], np.repeat(real, 3, -1))
    assert picture.shape[1] > 2 * width


def test_tensorboard_gets_the_pictures(tmp_path):
    tf = pytest.importorskip("tensorflow")
    callback = SampleGrid(tmp_path / "pictures", num_samples=4, log_dir=tmp_path / "logs")
    model_of().fit(images_of(), epochs=2, verbose=0, callbacks=[callback])
    (file,) = (tmp_path / "logs").iterdir()
    shown = [
        (event.step, value)
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    ]
    assert [(step, value.tag) for step, value in shown] == [(1, "samples"), (2, "samples")]
    picture = tmp_path / "pictures" / "epoch_0002.png"
    image = shown[-1][1].image
    assert image.encoded_image_string == picture.read_bytes()
    assert (image.height, image.width, image.colorspace) == (*read(picture).shape, 1)


def test_tensorboard_without_tensorflow_is_explained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ValueError, match="pip install tensorflow"):
        SampleGrid(tmp_path, log_dir=tmp_path)


def test_what_does_not_fit_stops_before_the_first_step(tmp_path):
    def refuse(callback, message, error=ValueError):
        model = model_of()
        with pytest.raises(error, match=message):
            model.fit(images_of(), verbose=0, callbacks=[callback])
        assert int(ops.convert_to_numpy(model.optimizer.iterations)) == 0

    refuse(SampleGrid(tmp_path, labels=1), "labels=1")
    refuse(SampleGrid(tmp_path, real=np.zeros((3, 5))), r"real of shape \(3, 5\)")
    (tmp_path / "file").write_text("")
    refuse(SampleGrid(tmp_path / "file"), "folder=")

    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.compile("sgd", "mse")
    with pytest.raises(TypeError, match="model=Sequential"):
        other.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[SampleGrid(tmp_path)])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"num_samples": 0}, ValueError),
        ({"columns": 2.0}, TypeError),
        ({"every": 0}, ValueError),
        ({"seed": -1}, ValueError),
        ({"scale": "huge"}, TypeError),
    ],
)
def test_arguments_are_checked(tmp_path, options, error):
    ((name, value),) = options.items()
    with pytest.raises(error, match=f"{name}={value!r}"):
        SampleGrid(tmp_path, **options)
