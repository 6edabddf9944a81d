"""The yardsticks: what each is, and that it is the same each time."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dcgan.data import HeldDataset, PixelScale
from dcgan.errors import ConfigError, DataError
from dcgan.models import Discriminator, Layer
from dcgan.probe.features import LayerFeatures, batches_of, extract, with_statistics_of
from dcgan.probe.kmeans import KMeansFeatures
from dcgan.probe.methods import Unlabeled, checked_methods, features_of, initialization_of
from dcgan.probe.supervised import classifier, predict, train_supervised
from dcgan.runs.checkpoints import read_part

SOME = np.arange(30)


@pytest.fixture
def seen(small_run, digits):
    return Unlabeled(small_run, digits.dataset, digits.index[:300], 0, torch.device("cpu"))


def test_pixels_are_the_image(seen, digits):
    found = extract(features_of("pixels", seen), digits.dataset, SOME)
    wanted = digits.dataset.take(SOME, np.zeros(30)).numpy().reshape(30, -1) / 255
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_the_discriminator_is_the_checkpoint_s(seen, small_run, digits):
    networks = small_run.networks
    discriminator = networks.build_discriminator()
    discriminator.load_state_dict(read_part(small_run.checkpoint, "discriminator"))
    ready = with_statistics_of(
        discriminator, batches_of(digits.dataset, seen.index), networks.scale
    )
    wanted = LayerFeatures(ready, networks.discriminator, networks.scale)
    found = extract(features_of("discriminator", seen), digits.dataset, SOME)
    np.testing.assert_allclose(found, extract(wanted, digits.dataset, SOME), atol=1e-4)


def test_the_run_s_discriminator_stays_on_its_device(seen, small_run):
    elsewhere = replace(seen, device=torch.device("meta"))
    ready = features_of("discriminator", elsewhere)
    assert {one.device.type for block in ready._blocks for one in block.parameters()} == {"meta"}
    assert {one.device.type for one in small_run.discriminator.parameters()} == {"cpu"}


@pytest.mark.parametrize("count", [2, 256, 257, 600])
def test_each_image_counts_alike_in_the_statistics_and_none_is_alone(digits, count):
    layers = [
        Layer(operation="conv", channels=4, kernel=(4, 4), stride=(4, 4), norm="batch"),
        Layer(operation="conv", channels=1, kernel=(4, 4), norm="batch"),  # as recipes may end
    ]
    run = SimpleNamespace(
        discriminator=Discriminator(layers, (1, 16, 16)),
        networks=SimpleNamespace(discriminator=layers, scale=PixelScale()),
    )
    seen = Unlabeled(run, digits.dataset, digits.index[:count], 0, torch.device("cpu"))
    norm = features_of("discriminator", seen)._blocks[0].get_submodule("batch")
    assert norm.num_batches_tracked == max(1, count // 256)


def test_an_untrained_one_has_other_weights_the_same_for_a_seed(seen, digits):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    fresh = extract(features_of("untrained", seen), digits.dataset, SOME)
    assert torch.equal(torch.get_rng_state(), state)  # others' random numbers are left alone
    torch.manual_seed(2)
    np.testing.assert_array_equal(
        extract(features_of("untrained", seen), digits.dataset, SOME), fresh
    )
    trained = extract(features_of("discriminator", seen), digits.dataset, SOME)
    assert fresh.shape == trained.shape
    assert not np.allclose(fresh, trained)
    other = Unlabeled(seen.run, seen.dataset, seen.index, 1, seen.device)
    assert not np.allclose(extract(features_of("untrained", other), digits.dataset, SOME), fresh)


@pytest.mark.parametrize(
    ("recorded", "init"),
    [("dcgan", "dcgan"), ("he", "he"), ("default", "default"), ("of 2031", "default")],
)
def test_fresh_weights_are_drawn_as_the_run_s_were(seen, small_run, monkeypatch, recorded, init):
    assert initialization_of(small_run) == "he"
    asked = []
    build = type(small_run.networks).build_discriminator
    monkeypatch.setattr(
        type(small_run.networks),
        "build_discriminator",
        lambda self, init="default": asked.append(init) or build(self, init),
    )
    monkeypatch.setattr("dcgan.probe.methods.recorded", lambda *_, **__: recorded)
    features_of("untrained", seen)
    assert asked == [init]


def test_methods_come_in_the_order_of_the_table():
    assert checked_methods(["supervised", "pixels", "pixels"]) == ("pixels", "supervised")
    with pytest.raises(ConfigError, match="did you mean 'pixels'"):
        checked_methods(["pixel"])
    with pytest.raises(ConfigError, match="at least one of discriminator"):
        checked_methods([])


def k_means_by_hand(features: KMeansFeatures, image_HW: np.ndarray) -> np.ndarray:
    mean, whitening, centers = (
        part.numpy().astype(np.float64)
        for part in (features._mean_P, features._whitening_PP, features._center_MP)
    )
    places = image_HW.shape[0] - 5
    active = np.empty((places, places, len(centers)))
    for y in range(places):
        for x in range(places):
            patch = image_HW[y : y + 6, x : x + 6].astype(np.float64).ravel()
            patch = (patch - patch.mean()) / np.sqrt(patch.var(ddof=1) + 10)
            distance = np.linalg.norm((patch - mean) @ whitening - centers, axis=1)
            active[y, x] = np.maximum(0, distance.mean() - distance)
    half, rest = -(-places // 2), places // 2
    quadrants = [
        active[rows, columns].mean(axis=(0, 1)) * places**2 / 4
        for rows in (slice(half), slice(rest, None))
        for columns in (slice(half), slice(rest, None))
    ]
    return np.stack(quadrants, axis=1).ravel() / features._deviation_F.numpy()


def test_k_means_features_are_triangles_summed_over_quadrants(stripes):
    features = KMeansFeatures(stripes.dataset, stripes.index, seed=0)
    found = extract(features, stripes.dataset, SOME)
    assert found.shape == (30, features.count)
    image = stripes.dataset.images[7, 0]
    np.testing.assert_allclose(found[7], k_means_by_hand(features, image), rtol=2e-3, atol=2e-3)
    deviation = extract(features, stripes.dataset, stripes.index).std(axis=0)
    assert np.median(deviation) == pytest.approx(1, abs=0.05)


def test_k_means_whitens_what_it_learns_from_and_is_the_same_for_a_seed(stripes):
    first, second = (KMeansFeatures(stripes.dataset, stripes.index, seed=0) for _ in range(2))
    torch.testing.assert_close(first._center_MP, second._center_MP, rtol=0, atol=0)
    random = np.random.default_rng(0)
    patch_LP = first._sampled(stripes.dataset, stripes.index, random)
    white_LP = (patch_LP - first._mean_P) @ first._whitening_PP
    variance = torch.linalg.eigvalsh(white_LP.T @ white_LP / len(white_LP))
    assert variance[-1] == pytest.approx(1, abs=0.1)
    assert variance[5] > 0.5  # but for the direction that normalizing took, about as wide


def test_k_means_of_blank_images_is_refused():
    blank = HeldDataset(np.zeros((50, 1, 16, 16), np.uint8))
    with pytest.raises(DataError, match="needs at least 100"):
        KMeansFeatures(blank, np.arange(50), seed=0)


def test_the_supervised_network_has_the_run_s_shape_but_one_output_per_class(small_run):
    network = classifier(small_run.networks, 10, "default")
    discriminator = small_run.networks.build_discriminator()
    wanted = [value.shape for value in discriminator.blocks.state_dict().values()]
    found = [value.shape for value in network.state_dict().values()]
    assert found[:-2] == wanted[:-2]
    assert network(torch.zeros(3, 1, 16, 16)).shape == (3, 10)


def test_the_supervised_network_learns_the_same_for_a_seed(small_run, stripes):
    train, validation = stripes.take(np.arange(400)), stripes.take(np.arange(400, 600))
    first, second = (
        train_supervised(small_run.networks, "default", train, validation, seed=0, budget=12_800)
        for _ in range(2)
    )
    found = predict(first.network, small_run.networks, validation)
    assert np.mean(found == validation.label) == pytest.approx(first.accuracy)
    assert first.accuracy > 0.75  # a third is chance
    assert first.budget == 12_800
    np.testing.assert_array_equal(found, predict(second.network, small_run.networks, validation))


def test_the_supervised_network_keeps_the_weights_of_its_best_check(
    small_run, stripes, monkeypatch
):
    judged: list[torch.Tensor] = []

    def logits_of(network, _, some):
        judged.append(next(network.parameters()).detach().clone())
        return some.label if len(judged) == 3 else some.label - 1

    monkeypatch.setattr("dcgan.probe.supervised.predict", logits_of)
    train = stripes.take(np.arange(256))
    found = train_supervised(small_run.networks, "default", train, train, seed=0, budget=2_560)
    assert len(judged) == 10
    assert (found.accuracy, found.seen) == (1.0, 768)
    torch.testing.assert_close(next(found.network.parameters()), judged[2], rtol=0, atol=0)
    assert not torch.equal(judged[2], judged[9])


def test_a_budget_below_ten_batches_is_said_as_what_was_seen(small_run, stripes):
    train = stripes.take(np.arange(256))
    found = train_supervised(small_run.networks, "default", train, train, seed=0, budget=100)
    assert found.budget == 10 * 128
    assert found.seen <= found.budget


def test_few_images_are_not_seen_too_often(small_run, stripes):
    few = stripes.take(np.arange(20))
    found = train_supervised(small_run.networks, "default", few, few, seed=0)
    assert found.budget == 2_000
