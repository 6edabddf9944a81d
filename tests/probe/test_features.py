"""The discriminator's features: every layer, pooled as the paper says, each picture by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from dcgan.data import HeldDataset, PixelScale
from dcgan.errors import DataError, RunError
from dcgan.models import Discriminator, Layer, plan_discriminator
from dcgan.probe.features import (
    BATCH,
    LayerFeatures,
    Projection,
    extract,
    feature_rows,
    refuse_too_many,
    with_statistics_of,
)

SCALE = PixelScale()


def conv(channels: int, **more) -> Layer:
    common = {"kernel": (4, 4), "stride": (2, 2), "padding": (1, 1), "activation": "leaky_relu"}
    return Layer(operation="conv", channels=channels, **(common | more))


def random_images(count: int, shape: tuple[int, int, int], seed: int = 0) -> HeldDataset:
    random = np.random.default_rng(seed)
    return HeldDataset(random.integers(0, 256, (count, *shape), dtype=np.uint8))


def network(layers, shape) -> Discriminator:
    torch.manual_seed(0)
    built = Discriminator(layers, shape).eval()
    for block in built.modules():
        if isinstance(block, nn.BatchNorm2d):  # not the identity
            block.running_mean.uniform_(-1, 1)
            block.running_var.uniform_(0.5, 2)
    return built


def pooled_by_hand(map_CHW: np.ndarray) -> np.ndarray:
    """Window i of n goes from floor(i h / n) to ceil((i + 1) h / n)."""
    channels, height, width = map_CHW.shape
    rows, columns = min(4, height), min(4, width)
    out = np.empty((channels, rows, columns), np.float32)
    for c in range(channels):
        for i in range(rows):
            for j in range(columns):
                top, bottom = i * height // rows, -(-(i + 1) * height // rows)
                left, right = j * width // columns, -(-(j + 1) * width // columns)
                out[c, i, j] = max(
                    map_CHW[c, y, x] for y in range(top, bottom) for x in range(left, right)
                )
    return out


@pytest.mark.parametrize("size", [(16, 16), (28, 28), (39, 22)])
@pytest.mark.parametrize("norm", ["none", "batch", "spectral"])
def test_every_layer_is_pooled_flattened_and_concatenated(size, norm):
    layers = plan_discriminator(size, width=4, norm=norm)
    shape = (3, *size)
    discriminator = network(layers, shape)
    dataset = random_images(5, shape)
    maps: list[np.ndarray] = []
    for block in list(discriminator.blocks)[:-1]:
        block.register_forward_hook(lambda _, __, out: maps.append(out.detach().numpy()))
    with torch.no_grad():
        discriminator(SCALE.normalize(torch.from_numpy(dataset.images)))
    wanted = np.stack(
        [
            np.concatenate([pooled_by_hand(layer[n]).ravel() for layer in maps[: len(layers) - 1]])
            for n in range(5)
        ]
    )
    features = LayerFeatures(discriminator, layers, SCALE)
    found = extract(features, dataset, np.arange(5))
    assert found.shape == (5, features.count)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_the_paper_s_svhn_discriminator_gives_7168_numbers():
    """Three 5x5 convolutions of 64, 128 and 256 at stride 2: 16 (64 + 128 + 256)."""
    layers = [conv(width, kernel=(5, 5), padding=(2, 2)) for width in (64, 128, 256)]
    layers.append(Layer(operation="linear", channels=1))
    features = LayerFeatures(network(layers, (3, 32, 32)), layers, SCALE)
    assert features.count == 7168
    assert features.about == "3 conv layers"


def test_the_logit_is_no_feature_and_a_last_hidden_map_of_1x1_is_one():
    """As in the small MNIST table, whose fourth convolution leaves 256 maps of one pixel."""
    layers = [
        conv(4),
        conv(8, kernel=(8, 8), stride=(1, 1), padding=(0, 0)),
        Layer(operation="linear", channels=3),
        Layer(operation="linear", channels=1),
    ]
    discriminator = network(layers, (1, 16, 16))
    assert feature_rows(layers, discriminator.shapes) == [0, 1]
    assert LayerFeatures(discriminator, layers, SCALE).count == 4 * 16 + 8
    planned = plan_discriminator((16, 16), width=4)
    assert feature_rows(planned, network(planned, (1, 16, 16)).shapes) == [*range(len(planned) - 1)]


def test_layers_that_see_the_whole_batch_are_none():
    layers = [conv(4), conv(4, minibatch_stddev=True), Layer(operation="linear", channels=1)]
    assert feature_rows(layers, network(layers, (1, 16, 16)).shapes) == [0]


def test_a_discriminator_without_convolutions_is_refused():
    layers = [Layer(operation="linear", channels=8), Layer(operation="linear", channels=1)]
    with pytest.raises(RunError, match="no convolutional layer"):
        LayerFeatures(network(layers, (1, 16, 16)), layers, SCALE)


def test_a_image_s_features_do_not_depend_on_what_lies_beside_it():
    layers = plan_discriminator((16, 16), width=4, norm="batch")
    discriminator = network(layers, (1, 16, 16))
    seen: list[int] = []
    discriminator.blocks[0].register_forward_hook(lambda _, images, __: seen.append(len(images[0])))
    features = LayerFeatures(discriminator, layers, SCALE)
    dataset = random_images(300, (1, 16, 16))
    whole = extract(features, dataset, np.arange(300))
    np.testing.assert_array_equal(extract(features, dataset, np.array([7, 290])), whole[[7, 290]])
    assert seen == [BATCH, BATCH, BATCH]  # kernels are chosen by batch size, and round differently


def test_noise_and_dropout_are_off():
    layers = [conv(4, noise=1.0, dropout=0.5), Layer(operation="linear", channels=1)]
    discriminator = network(layers, (1, 16, 16)).train()
    features = LayerFeatures(discriminator, layers, SCALE)
    dataset = random_images(4, (1, 16, 16))
    first, second = (extract(features, dataset, np.arange(4)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_batch_norm_statistics_are_plain_averages_over_batches():
    layers = [
        conv(4, norm="batch", noise=0.5, dropout=0.5),
        conv(2, norm="batch"),
        Layer(operation="linear", channels=1),
    ]
    discriminator = network(layers, (1, 16, 16)).train()
    before = {name: value.clone() for name, value in discriminator.state_dict().items()}
    batches = [torch.from_numpy(random_images(20, (1, 16, 16), seed).images) for seed in range(3)]
    batches[0] //= 3  # batches that differ: the last must not count more than the first
    found = with_statistics_of(discriminator, batches, SCALE)
    first, second = found.blocks[0], found.blocks[1]
    means, variances, seconds = [], [], []
    for batch in batches:
        hidden = first.get_submodule("conv")(SCALE.normalize(batch)).double()
        mean, variance = hidden.mean((0, 2, 3)), hidden.var((0, 2, 3), unbiased=True)
        means.append(mean)
        variances.append(variance)
        biased = hidden.var((0, 2, 3), unbiased=False)
        normed = (hidden - mean[:, None, None]) / (biased[:, None, None] + 1e-5).sqrt()
        active = nn.functional.leaky_relu(normed, 0.2).float()
        seconds.append(second.get_submodule("conv")(active).mean((0, 2, 3)).double())
    norm = first.get_submodule("batch")
    for value, wanted in (
        (norm.running_mean, means),
        (norm.running_var, variances),
        (second.get_submodule("batch").running_mean, seconds),
    ):
        torch.testing.assert_close(
            value.double(), torch.stack(wanted).mean(0), rtol=1e-4, atol=1e-5
        )
    assert not any(part.training for part in found.modules())
    for name, value in discriminator.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_a_projection_is_the_same_each_time_and_keeps_distances():
    random = np.random.default_rng(0)
    features = random.normal(size=(20, 3000)).astype(np.float32)
    found = Projection(3000, 1000, seed=5)(features)
    assert found.shape == (20, 1000)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, Projection(3000, 1000, seed=5)(features))
    assert not np.array_equal(found, Projection(3000, 1000, seed=6)(features))
    before = np.linalg.norm(features[:, None] - features[None], axis=2)[np.triu_indices(20, 1)]
    after = np.linalg.norm(found[:, None] - found[None], axis=2)[np.triu_indices(20, 1)]
    assert np.abs(after / before - 1).max() < 0.15


def test_projected_batch_by_batch_they_are_the_features_projected():
    layers = plan_discriminator((16, 16), width=4)
    features = LayerFeatures(network(layers, (1, 16, 16)), layers, SCALE)
    dataset = random_images(300, (1, 16, 16))
    projection = Projection(features.count, 50, seed=0)
    whole = extract(features, dataset, np.arange(300))
    found = extract(features, dataset, np.arange(300), projection=projection)
    np.testing.assert_allclose(found, projection(whole), rtol=1e-4, atol=1e-4)


def test_features_that_do_not_fit_into_memory_are_refused_with_both_cures(monkeypatch):
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: 10**9)
    refuse_too_many(10_000, 1_000, 10_000)
    with pytest.raises(DataError, match=r"2\.0 GB.*1\.0 GB.*`max_features` or `limit`"):
        refuse_too_many(10_000, 20_000, 10_000)
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: None)
    refuse_too_many(10_000, 20_000, 10_000)


def test_the_scale_of_the_run_is_used():
    layers = [conv(4), Layer(operation="linear", channels=1)]
    discriminator = network(layers, (1, 16, 16))
    dataset = random_images(3, (1, 16, 16))
    plain = extract(LayerFeatures(discriminator, layers, SCALE), dataset, np.arange(3))
    other = replace(SCALE, mean=(10.0,))
    shifted = extract(LayerFeatures(discriminator, layers, other), dataset, np.arange(3))
    assert not np.allclose(plain, shifted)
