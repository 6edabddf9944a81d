"""A classifier learns what it is taught, says truly how well, and is trained once."""

import json
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.conftest import Notes

from dcgan.errors import DataError
from dcgan.metrics import Extractor
from dcgan.metrics.extractors import classifier, classifier_training
from dcgan.metrics.extractors.classifier import (
    cached_classifier,
    load_classifier,
    save_extractor,
    train_classifier,
)
from dcgan.metrics.extractors.classifier_training import _shifted, _split
from dcgan.runtime.rng import derived_seed

NAMES = ("across", "down", "dots")
BRIEF = 2_000


def toys(count: int, channels: int = 1, size: tuple[int, int] = (16, 16), seed: int = 0):
    """Stripes across, stripes down, and dots, under noise: uint8 images and their labels."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    y, x = (np.arange(side) // 2 % 2 for side in size)
    across, down = np.broadcast_to(y[:, None], size), np.broadcast_to(x, size)
    patterns = np.stack([across, down, across ^ down])[labels][:, None]
    noise = random.normal(0, 40, (count, channels, *size))
    return (80 + 90 * patterns + noise).clip(0, 255).astype(np.uint8), labels


@pytest.fixture(scope="module")
def trained():
    images, labels = toys(400)
    return train_classifier(images, labels, NAMES, budget=BRIEF)


def test_it_learns_and_classifies_images_it_never_saw(trained):
    images, labels = toys(300, seed=1)
    found = trained(images)
    assert (found.probabilities.argmax(axis=1) == labels).mean() > 0.95
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert found.values.shape == (300, 128)
    assert trained.name == "classifier" and trained.classes == NAMES


def test_features_are_what_the_logits_are_linear_in(trained):
    images, _ = toys(20, seed=2)
    found = trained(images)
    layer = trained.network.logits
    logits = torch.from_numpy(found.values) @ layer.weight.T + layer.bias
    np.testing.assert_allclose(logits.softmax(dim=1).numpy(), found.probabilities, atol=1e-5)


def test_the_stated_accuracy_is_that_on_the_images_held_out():
    """Counted anew, from labels of which a known part is wrong, so that it is far from 1."""
    images, labels = toys(600)
    labels = np.where(np.random.default_rng(5).random(600) < 0.3, (labels + 1) % 3, labels)
    extractor = train_classifier(images, labels, NAMES, budget=BRIEF, seed=3)
    random = np.random.Generator(np.random.Philox(derived_seed(3, "classifier")))
    taught, held_out = _split(labels, random)
    right = (extractor(images[held_out]).probabilities.argmax(axis=1) == labels[held_out]).sum()
    card = extractor.network.card
    assert (card.trained_on, card.held_out, card.right) == (len(taught), len(held_out), right)
    assert 0.4 < card.accuracy < 0.9
    assert extractor.about == (
        f"trained on {len(taught)} images of 3 classes,"
        f" accuracy {100 * right / len(held_out):.1f}% on {len(held_out)} held-out images"
    )


def test_a_tenth_of_each_class_is_held_out():
    labels = np.repeat([0, 1, 2], [10, 101, 1000])
    taught, held_out = _split(labels, np.random.default_rng(0))
    assert np.bincount(labels[held_out]).tolist() == [1, 10, 100]
    assert sorted([*taught, *held_out]) == list(range(1111))
    other, _ = _split(labels, np.random.default_rng(1))
    assert set(other) != set(taught)


def test_the_images_held_out_are_not_learned_from(monkeypatch):
    """Each image is one gray, which identifies it however it is shifted."""
    seen = set()

    def fit(logits_of, optimizer, batches, device):
        for pixel_BCHW, label_B in batches:
            seen.update(pixel_BCHW[:, 0, 0, 0].tolist())
            assert torch.equal(pixel_BCHW[:, 0, 0, 0] % 2, label_B)
            optimizer.step()
            yield 1

    monkeypatch.setattr(classifier_training, "fit", fit)
    images = np.arange(200, dtype=np.uint8)[:, None, None, None].repeat(16, 2).repeat(16, 3)
    train_classifier(images, np.arange(200) % 2, ("even", "odd"), seed=3)
    random = np.random.Generator(np.random.Philox(derived_seed(3, "classifier")))
    taught, _ = _split(np.arange(200) % 2, random)
    assert seen == set(taught)


def test_the_same_seed_gives_the_same_weights_whatever_else_is_random(trained):
    images, labels = toys(400)
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.get_rng_state()
    again = train_classifier(images, labels, NAMES, budget=BRIEF)
    assert torch.equal(torch.get_rng_state(), before)
    assert again.digest == trained.digest
    other = train_classifier(images, labels, NAMES, budget=BRIEF, seed=1)
    assert other.digest != trained.digest


@pytest.mark.parametrize(
    ("channels", "size"), [(1, (16, 40)), (2, (17, 16)), (3, (64, 41)), (4, (150, 20))]
)
def test_any_size_and_channels_are_learned(channels, size):
    images, labels = toys(60, channels, size)
    extractor = train_classifier(images, labels, NAMES, budget=256)
    assert extractor(images).values.shape == (60, 128)


def test_progress_is_told_in_images(trained):
    said = Notes()
    images, labels = toys(60)
    train_classifier(
        images,
        labels,
        NAMES,
        budget=700,
        reporter=said,
    )
    assert said.steps == [(128 * step, 640) for step in range(1, 6)]
    assert "700 images" in said[0] and "accuracy" in said[1]


def test_images_are_shifted_but_never_mirrored():
    """A ramp from left to right stays one, and its steps are those it had."""
    ramp = np.broadcast_to(np.arange(24, dtype=np.uint8) * 10, (200, 1, 24, 24))
    moved = _shifted(ramp, np.random.default_rng(0)).astype(int)
    assert set(np.unique(np.diff(moved, axis=3))) == {0, 10}
    shift = moved[:, 0, 12, 12] // 10 - 12
    assert set(shift) == {-2, -1, 0, 1, 2}
    tall = _shifted(ramp.transpose(0, 1, 3, 2), np.random.default_rng(0)).astype(int)
    assert set(tall[:, 0, 12, 12] // 10 - 12) == {-2, -1, 0, 1, 2}


def test_places_are_learned_only_where_nothing_is_shifted():
    random = np.random.default_rng(0)
    place = random.integers(0, 4, 600)
    images = random.integers(0, 60, (600, 1, 20, 20), dtype=np.uint8)
    images[np.arange(600), 0, :, 8 + place] = 255  # a line, at one of four neighboring columns
    names = tuple("abcd")
    right = {
        shifted: train_classifier(
            images, place, names, budget=2_500, shifted=shifted
        ).network.card.right
        for shifted in (True, False)
    }
    assert right[False] > 55  # of 60
    assert right[True] < 35


def labeled(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    return np.zeros((len(labels), 1, 16, 16), np.uint8), labels


@pytest.mark.parametrize(
    ("images", "labels", "names", "message"),
    [
        (*labeled([20]), ["only"], "1 classes: .* from 2 to 1,000"),
        (*labeled([10, 9]), ["a", "b"], r"class 'b' has 9 images; .* at least 10"),
        (*labeled([10, 10]), ["a", "b", "c"], r"class 'c' has 0 images"),
        (*labeled([10, 10, 10]), ["a", "b"], r"labels from 0 to 2, but 2 class names"),
        (*labeled([10, 10]), list(map(str, range(1001))), "1,001 classes"),
        (np.zeros((20, 5, 16, 16), np.uint8), np.arange(20) % 2, "ab", "5 channels"),
        (np.zeros((20, 1, 16, 8), np.uint8), np.arange(20) % 2, "ab", "16×8"),
        (np.zeros((20, 1, 16, 16)), np.arange(20) % 2, "ab", "float64"),
        (np.zeros((20, 1, 16, 16), np.uint8), np.arange(20) / 2, "ab", "labels of float64"),
        (np.zeros((20, 1, 16, 16), np.uint8), np.arange(19) % 2, "ab", "for 20 images"),
    ],
)
def test_what_cannot_be_learned_is_refused(images, labels, names, message):
    with pytest.raises(DataError, match=message):
        train_classifier(images, labels, names)


def test_what_was_saved_is_loaded_exactly(trained, tmp_path):
    save_extractor(trained, tmp_path / "kept")
    loaded = load_classifier(tmp_path / "kept")
    images, _ = toys(70, seed=4)
    assert (loaded.label, loaded.about, loaded.classes) == (
        trained.label,
        trained.about,
        trained.classes,
    )
    np.testing.assert_array_equal(loaded(images).values, trained(images).values)
    np.testing.assert_array_equal(loaded(images).probabilities, trained(images).probabilities)
    save_extractor(trained, tmp_path / "kept")  # in place of the first
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_loading_leaves_global_generators_alone(trained, tmp_path):
    save_extractor(trained, tmp_path / "kept")
    before = torch.get_rng_state()
    load_classifier(tmp_path / "kept")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_failed_write_leaves_nothing(trained, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dcgan.runtime.tensors.save_file", full)
    with pytest.raises(OSError, match="the disk is full"):
        save_extractor(trained, tmp_path / "kept")
    assert list(tmp_path.iterdir()) == []


def card_with(**changes):
    def damage(folder):
        path = folder / "classifier.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


def cut(name):
    def damage(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return damage


def nudge(folder):
    weights = load_file(folder / "weights.safetensors")
    weights["logits.bias"][0] += 1e-6
    save_file(weights, folder / "weights.safetensors")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "weights.safetensors").unlink(), "no complete classifier"),
        (lambda folder: (folder / "classifier.json").unlink(), "no complete classifier"),
        (lambda folder: (folder / "classifier.json").write_text("[]"), "no complete classifier"),
        (cut("classifier.json"), "no complete classifier"),
        (cut("weights.safetensors"), "damaged weights"),
        (nudge, "changed since"),
        (card_with(right=400), "changed since"),
        (card_with(classes=["down", "across", "dots"]), "changed since"),
        (card_with(classes=["down", "across"]), "damaged weights"),
        (card_with(surprise=1), "no complete classifier"),
        (card_with(format=0), "format is 0; this version reads"),
    ],
)
def test_a_damaged_folder_is_refused(trained, tmp_path, damage, message):
    save_extractor(trained, tmp_path / "kept")
    damage(tmp_path / "kept")
    with pytest.raises(DataError, match=message):
        load_classifier(tmp_path / "kept")


def test_only_classifiers_are_kept(tmp_path):
    with pytest.raises(DataError, match="only trained classifiers"):
        save_extractor(Extractor("other", torch.nn.Flatten()), tmp_path / "kept")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "extractors"


@pytest.fixture
def taught(trained, monkeypatch):
    """Trainings asked for, each of which gives the same network."""
    times = []

    def train(images, labels, names, **options):
        times.append(len(images))
        return trained

    monkeypatch.setattr(classifier, "train_classifier", train)
    return times


def read_toys():
    return (*toys(30), NAMES)


def test_it_is_trained_once_and_found_again(own_cache, taught, trained):
    first = cached_classifier("key", read_toys)

    def not_again():
        raise AssertionError("read though kept")

    second = cached_classifier("key", not_again)
    assert first.label == second.label == trained.label
    assert taught == [30]
    cached_classifier("other", read_toys)
    assert taught == [30, 30]
    assert (own_cache / "key" / "weights.safetensors").is_file()


def test_a_damaged_one_is_trained_again(own_cache, taught):
    cached_classifier("key", read_toys)
    nudge(own_cache / "key")
    cached_classifier("key", read_toys)
    assert len(taught) == 2
    load_classifier(own_cache / "key")


def test_of_several_that_want_it_one_trains(own_cache, taught, trained, monkeypatch):
    labels, two_wait = [], threading.Event()

    class Listener(Notes):
        def note(self, text):
            super().note(text)
            if sum("waiting" in message for message in self) == 2:
                two_wait.set()

    said = Listener()

    def train(images, labels, names, **options):
        taught.append(len(images))
        two_wait.wait(timeout=240)
        return trained

    monkeypatch.setattr(classifier, "train_classifier", train)
    threads = [
        threading.Thread(
            target=lambda: labels.append(cached_classifier("key", read_toys, reporter=said).label)
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taught) == 1
    assert len(labels) == 3 and len(set(labels)) == 1
    assert sum("waiting" in message for message in said) == 2


def test_without_a_place_to_keep_it_it_is_trained_all_the_same(own_cache, taught, trained):
    own_cache.parent.mkdir()
    own_cache.write_text("a file where the folder should be")
    said = Notes()
    assert cached_classifier("key", read_toys, reporter=said).label == trained.label
    assert any("cannot be written" in message for message in said)
