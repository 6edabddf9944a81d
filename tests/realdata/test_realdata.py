"""Real pictures: MNIST in its canonical files, CIFAR-10 in a zip."""

from __future__ import annotations

import numpy as np
import pytest
from tests.conftest import SMALL

import dcgan
from dcgan.data import load_dataset, open_source, survey

pytestmark = pytest.mark.realdata


def test_mnist_is_all_there_with_its_labels(data_root):
    source = open_source("mnist", data_root)
    assert len(source) == 60_000
    dataset = load_dataset(source, (28, 28), 1)
    # the published mean and deviation of the training set's pixels
    assert dataset.images.mean() / 255 == pytest.approx(0.1307, abs=1e-4)
    assert dataset.images.std() / 255 == pytest.approx(0.3081, abs=1e-4)
    counts = np.bincount(dataset.labels["label"].values)
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert len(open_source("mnist:test", data_root)) == 10_000


def test_cifar10s_zip_is_read_in_place_with_class_folders_as_labels(data_root):
    source = open_source(str(data_root / "cifar10-test.zip"))
    seen = survey(source)
    assert seen.count == 10_000
    assert seen.sizes == {(32, 32): 10_000}
    assert len(seen.labels["label"]) == 10
    assert set(seen.labels["label"].values()) == {1000}
    assert not seen.skipped


@pytest.mark.parametrize(
    ("data", "shape"), [("mnist", (1, 28, 28)), ("cifar10-test.zip", (3, 32, 32))]
)
def test_auto_trains_on_it_at_its_own_size(tmp_path, data_root, data, shape):
    source = data if data == "mnist" else str(data_root / data)
    arguments = {name: value for name, value in SMALL.items() if name != "size"}
    run = dcgan.train(source, data_root=data_root, images=256, out=tmp_path / "run", **arguments)
    assert run.networks.image_shape == shape
    assert run.sample(3).shape == (3, *shape)
