"""An image's features depend on that image alone, and a digest on the network alone."""

import numpy as np
import pytest
from torch import nn

from dcgan.metrics import Extractor
from dcgan.metrics.extractor import digest_of
from dcgan.metrics.extractors.random_network import random_extractor


@pytest.fixture(scope="module")
def extractor():
    return random_extractor(3, (20, 24))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (70, 3, 20, 24), dtype=np.uint8)


def test_features_depend_neither_on_neighbors_nor_on_how_many(extractor, images):
    everything = extractor(images).values
    for count in (1, 2, 63, 64, 65):
        np.testing.assert_array_equal(extractor(images[:count]).values, everything[:count])
    np.testing.assert_array_equal(extractor(images[::-1]).values, everything[::-1])


def test_parts_give_what_the_whole_gives(extractor, images):
    parts = (images[start : start + 17] for start in range(0, len(images), 17))
    np.testing.assert_array_equal(extractor(parts).values, extractor(images).values)


def test_images_that_may_only_be_read_are_taken(extractor, images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    np.testing.assert_array_equal(extractor(mapped).values, extractor(images).values)


def test_no_images_have_no_features(extractor, images):
    assert len(extractor(images[:0])) == 0


def test_a_digest_changes_with_any_weight_and_with_the_structure():
    first, same, other, longer = (nn.Linear(2, 2) for _ in range(4))
    same.load_state_dict(first.state_dict())
    assert digest_of(first) == digest_of(same) != digest_of(other)
    longer.load_state_dict(first.state_dict())
    half = nn.Linear(2, 2).bfloat16()
    assert digest_of(half) != digest_of(half.float())
    assert digest_of(nn.Sequential(longer, nn.ReLU())) != digest_of(nn.Sequential(longer))


def test_the_label_is_name_and_digest():
    extractor = Extractor("pixels", nn.Flatten(), digest="0123456789abcdef")
    assert extractor.label == "pixels:0123456789ab"


@pytest.mark.parametrize("lengths", [[130], [1] * 130, [63, 2, 65], [64, 64, 2], [0, 130, 0]])
def test_the_network_sees_full_batches_whatever_the_parts(lengths):
    images = np.random.default_rng(0).integers(0, 256, (130, 1, 2, 2), dtype=np.uint8)
    network, seen = nn.Flatten(), []
    network.register_forward_hook(lambda module, given, found: seen.append(len(found)))
    ends = np.cumsum(lengths)
    parts = (images[end - length : end] for end, length in zip(ends, lengths, strict=True))
    found = Extractor("pixels", network, batch=64)(parts)
    np.testing.assert_array_equal(found.values, images.reshape(130, 4))
    assert seen == [64, 64, 64]
