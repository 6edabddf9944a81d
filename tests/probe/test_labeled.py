"""Labels, splits and draws: the right class beside each picture, and nothing learned from twice."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Notes

import dcgan
from dcgan.data.sources.named import named_test_of
from dcgan.errors import ConfigError, DataError
from dcgan.probe.labeled import (
    Labeled,
    balanced_subsets,
    held_out,
    limited,
    load_labeled,
    matched,
    recorded,
)
from dcgan.probe.sets import load_sets

NAMES = ("a", "b", "c")


def numbers(counts, names=NAMES) -> Labeled:
    """Labeled numbers without pictures."""
    label = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    return Labeled("numbers", None, np.arange(len(label)) + 100, label, names)


def class_folders(folder, counts, shade=80):
    for number, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for image in range(count):
            Image.new("L", (16, 16), shade * number).save(folder / name / f"{image}.png")
    return str(folder)


def test_digits_come_with_their_classes_at_the_size_of_the_run(digits):
    assert digits.dataset.shape == (1, 16, 16)
    assert digits.names == tuple("0123456789")
    assert len(digits) == 1797
    assert digits.label[:10].tolist() == list(range(10))


def test_an_unreadable_image_shifts_no_label(small_run, tmp_path):
    data = class_folders(tmp_path / "set", {"dark": 12, "gray": 12, "light": 12})
    (tmp_path / "set" / "dark" / "3.png").write_bytes(b"torn")
    found = load_labeled(small_run, data)
    shades = found.dataset.take(found.index, np.full(36, 0.5)).numpy()[:, 0, 0, 0]
    assert len(found) == 36
    np.testing.assert_array_equal(shades, 80 * found.label)


def test_images_are_fitted_as_the_run_fitted_its_own(tmp_path):
    folder = tmp_path / "wide"
    for name, shades in (("a", (0, 128, 128, 255)), ("b", (255, 128, 128, 0))):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.repeat(np.array(shades, np.uint8), 8)[None].repeat(16, axis=0)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    settings = {"model": {"generator": {"width": 4}, "discriminator": {"width": 4}}}
    settings |= {"data": {"fit": "stretch"}, "records": {"tensorboard": False}}
    run = dcgan.train(
        str(folder), size=16, images=32, batch=32, out=tmp_path / "run", settings=settings
    )
    assert recorded(run, "data", "fit", default="crop") == "stretch"
    found = load_labeled(run, str(folder))
    first = found.dataset.take(found.index[:1], np.array([0.5])).numpy()[0, 0]
    assert first[:, :3].max() < 60 < 200 < first[:, 13:].min()


def test_what_a_run_does_not_record_is_the_default(small_run):
    assert recorded(small_run, "data", "fit", default="pad") == "crop"
    assert recorded(small_run, "data", "nothing", default="pad") == "pad"
    assert recorded(small_run, "data", "fit", "deeper", default="pad") == "pad"


def test_images_without_classes_are_refused(small_run, png_folder):
    with pytest.raises(DataError, match=r"no classes.*folder of their own"):
        load_labeled(small_run, str(png_folder))


def test_one_class_is_none(small_run, tmp_path):
    np.savez(tmp_path / "one.npz", images=np.zeros((4, 16, 16), np.uint8), labels=np.full(4, 7))
    with pytest.raises(DataError, match="the same class"):
        load_labeled(small_run, str(tmp_path / "one.npz"))


@pytest.mark.parametrize(
    ("factor", "problem"),
    [
        ("angle", "numbers, not classes"),
        ("taste", "no such factor"),
        (None, "its images have 2 factors"),
    ],
)
def test_a_factor_must_be_there_and_have_classes(small_run, factor, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        load_labeled(small_run, "shapes", factor=factor)
    assert "Use `factor=shape` or `factor=color`" in str(caught.value)


def test_a_factor_is_taken_by_name(small_run):
    found = load_labeled(small_run, "shapes", factor="color")
    source = dcgan.data.open_source("shapes")
    assert found.names == source.labels["color"].names
    np.testing.assert_array_equal(found.label, source.labels["color"].values)


def test_a_part_is_held_out_of_each_class():
    rest, part = held_out(numbers([60, 30, 12]), 0, purpose="test")
    assert np.bincount(part.label).tolist() == [10, 5, 2]
    assert np.bincount(rest.label).tolist() == [50, 25, 10]
    assert sorted([*rest.index, *part.index]) == list(range(100, 202))
    again = held_out(numbers([60, 30, 12]), 0, purpose="test")[1]
    np.testing.assert_array_equal(again.index, part.index)
    for other in (
        held_out(numbers([60, 30, 12]), 1, purpose="test")[1],
        held_out(numbers([60, 30, 12]), 0, purpose="validation")[1],
    ):
        assert not np.array_equal(other.index, part.index)


def test_a_part_is_as_large_as_said_though_classes_do_not_divide():
    _, part = held_out(numbers([61, 62, 63]), 0, most=20, purpose="test")
    assert len(part) == 20
    _, part = held_out(numbers([100, 2, 2]), 0, most=5, purpose="test")
    assert np.bincount(part.label).tolist()[1:] == [1, 1]


def test_a_class_of_one_image_cannot_be_split():
    with pytest.raises(DataError, match="'b' has too few images: 1"):
        held_out(numbers([10, 1, 10]), 0, purpose="test")


def test_draws_have_the_same_of_each_class_and_differ():
    whole = numbers([50, 40, 30])
    draws = balanced_subsets(whole, 30, 4, seed=0)
    assert len(draws) == 4
    for rows in draws:
        assert np.bincount(whole.label[rows]).tolist() == [10, 10, 10]
        assert len(set(rows.tolist())) == 30
    assert len({tuple(rows) for rows in draws}) == 4
    again = balanced_subsets(whole, 30, 4, seed=0)
    assert all(np.array_equal(a, b) for a, b in zip(draws, again, strict=True))
    assert not np.array_equal(draws[0], balanced_subsets(whole, 30, 1, seed=1)[0])


def test_what_does_not_divide_goes_to_classes_at_random():
    whole = numbers([50, 40, 30])
    found = [np.bincount(whole.label[rows]) for rows in balanced_subsets(whole, 31, 20, seed=0)]
    assert all(counts.sum() == 31 and set(counts) == {10, 11} for counts in found)
    assert len({int(counts.argmax()) for counts in found}) > 1


@pytest.mark.parametrize(
    ("labels", "problem"),
    [(2, "at least 3, one of each"), (100, r"'c' has only 30 images.* Use at most 90")],
)
def test_too_few_and_too_many_labels_are_refused(labels, problem):
    with pytest.raises(ConfigError, match=problem):
        balanced_subsets(numbers([50, 40, 30]), labels, 2, seed=0)


def test_as_many_as_the_rarest_class_allows_are_taken():
    assert len(balanced_subsets(numbers([50, 40, 30]), 90, 1, seed=0)[0]) == 90


def test_test_classes_are_counted_by_name():
    test = numbers([2, 3], names=("c", "a"))
    found = matched(test, NAMES)
    assert found.names == NAMES
    assert [found.names[n] for n in found.label] == [test.names[n] for n in test.label]
    with pytest.raises(DataError, match="class 'd' is not among"):
        matched(numbers([2, 3], names=("d", "a")), NAMES)


def test_a_limit_takes_some_at_random():
    whole = numbers([50, 40, 30])
    few = limited(whole, 20, 0)
    assert len(few) == 20
    assert set(few.index) <= set(whole.index)
    assert limited(whole, 120, 0) is whole


def test_without_a_test_set_a_sixth_is_held_out_and_said(small_run):
    said = Notes()
    learning, judging = load_sets(small_run, "digits", reporter=said)
    assert len(judging) == 300
    assert not set(learning.index) & set(judging.index)
    assert said[-1] == "no `test`: 300 of 1,797 images are held out as test images"
    assert judging.name == "held out"


def test_a_test_set_is_used_as_it_is(small_run, tmp_path):
    data = class_folders(tmp_path / "train", {"a": 6, "b": 6, "c": 6})
    other = class_folders(tmp_path / "test", {"b": 3, "c": 2})
    learning, judging = load_sets(small_run, data, other, limit=10)
    assert (len(learning), len(judging)) == (10, 5)
    assert judging.label.tolist() == [1, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("data", "test"),
    [
        ("mnist", "mnist:test"),
        ("celeba:train", "celeba:test"),
        ("mnist:test", None),
        ("digits", None),
        ("mnist/train", None),
    ],
)
def test_a_named_set_brings_its_test_split(data, test):
    assert named_test_of(data) == test
