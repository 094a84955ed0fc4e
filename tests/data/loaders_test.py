"""torch's DataLoader, of what people put into it, on every backend."""

import numpy as np
import pytest

import kgan

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


class Samples(torch.utils.data.Dataset):
    """A Dataset that returns what a function makes of an index."""

    def __init__(self, sample):
        self.sample = sample

    def __len__(self):
        return 20

    def __getitem__(self, index):
        return self.sample(index)


def point(index):
    return torch.full((2,), index / 20)


SAMPLES = {
    "bare": point,
    "tuple": lambda index: (point(index),),
    "pair": lambda index: (point(index), index % 3),
    "dictionary": lambda index: {"x": point(index)},
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_samples(kind):
    loader = torch.utils.data.DataLoader(Samples(SAMPLES[kind]), batch_size=8)
    model = kgan.zoo.load("vanilla", like=loader, latent_dim=2, seed=0)
    model.fit(loader, epochs=2, validation_data=loader, verbose=0)
    assert model.batches_seen == 6
    points = np.stack([point(index).numpy() for index in range(20)])
    logs = model.evaluate(loader, return_dict=True, verbose=0)
    assert logs.keys() == model.evaluate(points, return_dict=True, verbose=0).keys()


def test_nothing_is_lost_or_reordered():
    loader = torch.utils.data.DataLoader(Samples(point), batch_size=8)
    checked = kgan.data.check((kgan.data.Vectors((2,)),), loader)
    assert isinstance(checked, torch.utils.data.DataLoader) and len(checked) == 3
    for _ in range(2):
        batches = [x.numpy() for (x,) in checked]
        np.testing.assert_allclose(np.concatenate(batches)[:, 0], np.arange(20) / 20, rtol=1e-6)
    # The user's own is left as it is.
    assert isinstance(next(iter(loader)), torch.Tensor)


def test_names_of_classes_are_encoded():
    names = ["cat", "ant", "dog"]
    loader = torch.utils.data.DataLoader(
        Samples(lambda index: (point(index), names[index % 3])), batch_size=8, shuffle=False
    )
    model = kgan.zoo.load("conditional", like=loader, latent_dim=4, seed=0)
    assert list(model.class_names) == ["ant", "cat", "dog"]
    model.fit(loader, verbose=0)
    assert model.generate(2, labels=["dog", "ant"], seed=0).shape == (2, 2)
    labels = np.concatenate([y.numpy() for _, y in kgan.data.check(model.fields, loader)])
    assert labels.tolist() == [[1, 0, 2][index % 3] for index in range(20)]
