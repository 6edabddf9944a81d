"""Pictures in memory: content, labels, what was skipped, and the bounds."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Notes

from dcgan.data import Labels, Source, load_dataset, open_source
from dcgan.data.pixels.remarks import Skipped
from dcgan.data.store import load_some
from dcgan.errors import TooManyUnreadable, UnreadableImage


class Listed(Source):
    """Pictures from a list; None is an unreadable one."""

    def __init__(self, images: list[Image.Image | None], labels: dict[str, Labels] | None = None):
        super().__init__("listed", labels=labels or {})
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def read(self, index, at_least=None) -> Image.Image:
        image = self.images[index]
        if image is None:
            raise UnreadableImage("cut short")
        return image

    def title(self, index: int) -> str:
        return f"picture {index}"


def tones(*values: int | None) -> list[Image.Image | None]:
    """Gray pictures of one tone each."""
    return [None if value is None else Image.new("L", (8, 8), value) for value in values]


def first_pixels(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_images_become_one_array_of_bytes(channels):
    values = [number % 251 for number in range(600)]
    dataset = load_dataset(Listed(tones(*values)), (16, 12), channels)
    assert dataset.images.shape == (600, channels, 16, 12)
    assert dataset.images.dtype == np.uint8
    assert first_pixels(dataset.images) == values
    assert dataset.skipped == ()


def test_channels_come_before_height_and_width():
    image = Image.new("RGB", (3, 2), (200, 100, 50))
    image.putpixel((2, 0), (1, 2, 3))
    pixels = load_dataset(Listed([image]), (2, 3), 3).images[0]
    assert pixels[:, 1, 0].tolist() == [200, 100, 50]
    assert pixels[:, 0, 2].tolist() == [1, 2, 3]


def test_the_digits_come_as_they_are():
    source = open_source("digits")
    dataset = load_dataset(source, (8, 8), 1)
    np.testing.assert_array_equal(dataset.images[1796, 0], source.read(1796))
    assert dataset.labels == source.labels


@pytest.mark.parametrize(
    ("how", "corner", "center"),
    [("crop", 60, 60), ("pad", 124, 60), ("stretch", 0, 60)],
)
def test_the_fit_and_the_background_are_as_asked_for(how, corner, center):
    wide = np.zeros((20, 60), np.uint8)
    wide[:, 20:40] = 60
    dataset = load_dataset(
        Listed([Image.fromarray(wide)]), (20, 20), 1, how=how, background="#c86432"
    )
    assert dataset.images[0, 0, 0, 0] == corner
    assert dataset.images[0, 0, 10, 10] == center


def test_the_background_lies_under_transparent_images():
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    images = load_dataset(Listed([clear]), (4, 4), 3, background="#c86432").images
    assert images[0, :, 0, 0].tolist() == [200, 100, 50]


def test_unreadable_images_are_skipped_counted_and_named():
    source = Listed(
        tones(10, None, 30, None, 50),
        {
            "label": Labels(np.array([0, 1, 1, 0, 2]), ("a", "b", "c")),
            "size": Labels(np.array([0.1, 0.2, 0.3, 0.4, 0.5])),
        },
    )
    dataset = load_dataset(source, (8, 8), 1, max_unreadable=0.5)
    assert first_pixels(dataset.images) == [10, 30, 50]
    assert dataset.skipped == (
        Skipped("picture 1", "cut short"),
        Skipped("picture 3", "cut short"),
    )
    assert dataset.labels["label"].values.tolist() == [0, 1, 2]
    assert dataset.labels["label"].names == ("a", "b", "c")
    assert dataset.labels["size"].values.tolist() == [0.1, 0.3, 0.5]


def test_damaged_files_in_a_folder_are_skipped_by_name(tmp_path):
    for name, tone in (("cat/1.png", 10), ("cat/2.png", 20), ("dog/3.png", 30)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8), tone).save(tmp_path / name)
    whole = (tmp_path / "cat/2.png").read_bytes()
    (tmp_path / "cat/2.png").write_bytes(whole[: len(whole) // 2])
    dataset = load_dataset(open_source(str(tmp_path)), (8, 8), 1, max_unreadable=0.5)
    assert [skipped.title for skipped in dataset.skipped] == ["cat/2.png"]
    assert dataset.skipped[0].reason
    assert dataset.labels["label"].values.tolist() == [0, 1]
    assert first_pixels(dataset.images) == [10, 30]


def test_a_image_whose_colors_cannot_be_converted_is_skipped():
    source = Listed([*tones(10), Image.new("La", (8, 8)), *tones(30)])
    dataset = load_dataset(source, (8, 8), 1, max_unreadable=0.5)
    assert first_pixels(dataset.images) == [10, 30]
    assert [skipped.title for skipped in dataset.skipped] == ["picture 1"]


def test_more_unreadable_images_than_allowed_are_refused_naming_the_first():
    source = Listed(tones(*[1] * 8, None, None))
    with pytest.raises(TooManyUnreadable) as failure:
        load_dataset(source, (8, 8), 1, max_unreadable=0.1)
    message = str(failure.value)
    assert "2 of 10" in message
    assert "max_unreadable=0.1" in message
    assert "picture 8 (cut short)" in message
    assert "dcgan inspect listed" in message


def test_exactly_as_many_as_allowed_are_not_refused():
    source = Listed(tones(*[1] * 8, None, None))
    assert len(load_dataset(source, (8, 8), 1, max_unreadable=0.2).images) == 8


def test_one_in_twenty_is_allowed_by_default():
    load_dataset(Listed(tones(*[1] * 19, None)), (8, 8), 1)
    with pytest.raises(TooManyUnreadable):
        load_dataset(Listed(tones(*[1] * 18, None)), (8, 8), 1)


def fingerprint(images: list[Image.Image | None], **options) -> str:
    return load_dataset(Listed(images), (8, 8), 1, max_unreadable=1, **options).fingerprint


def test_the_fingerprint_stays_while_the_images_do():
    color = [image.convert("RGB") for image in tones(1, 2, 3)]
    assert fingerprint(tones(1, 2, 3)) == fingerprint(tones(1, 2, 3))
    assert fingerprint(color) == fingerprint(tones(1, 2, 3))


def test_the_fingerprint_changes_with_an_unreadable_image_since_the_order_does():
    assert fingerprint(tones(1, None, 2, 3)) != fingerprint(tones(1, 2, 3))
    assert fingerprint(tones(1, None, 2, 3)) != fingerprint(tones(1, 2, None, 3))


def test_the_fingerprint_changes_with_one_pixel():
    altered = tones(1, 2, 3)
    altered[1].putpixel((7, 7), 3)
    assert fingerprint(altered) != fingerprint(tones(1, 2, 3))


def test_the_fingerprint_changes_with_order_number_and_shape():
    seen = {
        fingerprint(tones(1, 2, 3)),
        fingerprint(tones(2, 1, 3)),
        fingerprint(tones(1, 2)),
        load_dataset(Listed(tones(1, 1)), (8, 4), 1).fingerprint,
        load_dataset(Listed(tones(1, 1)), (4, 8), 1).fingerprint,
        load_dataset(Listed(tones(1)), (8, 8), 1).fingerprint,
    }
    assert len(seen) == 6


def test_images_beyond_memory_are_decoded_as_they_are_shown(monkeypatch):
    monkeypatch.setattr("dcgan.data.store.available_memory", lambda: 10_000_000)
    said = Notes()
    untouched = Listed([None] * 1000)
    dataset = load_dataset(untouched, (100, 90), 1, reporter=said)
    assert dataset.is_slow
    assert len(dataset) == 1000
    assert len(said) == 1
    assert "neither into the cache nor into memory" in said[0]


@pytest.mark.parametrize("free", [None, 10_000_000])
def test_images_within_memory_are_loaded(monkeypatch, free):
    """Also where the system does not tell how much there is."""
    monkeypatch.setattr("dcgan.data.store.available_memory", lambda: free)
    assert len(load_dataset(Listed(tones(*[1] * 50)), (100, 90), 1).images) == 50


def test_progress_ends_at_the_last_image_and_never_goes_back():
    told = Notes()
    load_dataset(Listed(tones(*[1] * 1203)), (8, 8), 1, reporter=told)
    assert told.steps == [(number, 1203) for number in range(1, 1204)]


def test_load_some_spreads_evenly_over_the_source():
    images = load_some(Listed(tones(*range(101))), (8, 8), 1, limit=5)
    assert first_pixels(images) == [0, 25, 50, 75, 100]


def test_load_some_is_what_the_network_will_see():
    source = open_source("shapes")
    some = load_some(source, (20, 24), 3, how="stretch", limit=1)
    with_all = load_dataset(Listed([source.read(0)]), (20, 24), 3, how="stretch").images
    np.testing.assert_array_equal(some, with_all)


def test_load_some_of_few_takes_each_once():
    assert first_pixels(load_some(Listed(tones(1, 2, 3)), (8, 8), 1, limit=64)) == [1, 2, 3]


def test_load_some_passes_over_the_unreadable():
    assert first_pixels(load_some(Listed(tones(1, None, 3)), (8, 8), 1)) == [1, 3]
    assert load_some(Listed(tones(None)), (8, 6), 3).shape == (0, 3, 8, 6)
