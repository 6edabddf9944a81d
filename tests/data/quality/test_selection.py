"""Copies and blank images: dropped where that is asked for, said, and the same each time."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image
from tests.conftest import Notes

from dcgan.data import load_dataset, open_items, open_source
from dcgan.data.quality import inspection, selection
from dcgan.data.quality.inspection import inspect_dataset
from dcgan.data.quality.selection import Drops, select
from dcgan.errors import DataError

BOTH = Drops("drop", "drop")


def photographs(count: int) -> list[Image.Image]:
    whole = Image.fromarray(load_sample_image("china.jpg"))
    places = np.random.default_rng(0).integers(0, (500, 300), (count, 2))
    return [whole.crop((left, top, left + 90, top + 80)) for left, top in places.tolist()]


@pytest.fixture
def zoo(tmp_path):
    """Six photographs in two classes; one comes three times, once of another size; two blank."""
    root = tmp_path / "zoo"
    for folder in ("cat", "dog"):
        (root / folder).mkdir(parents=True)
    first, *others = photographs(6)
    first.save(root / "cat" / "a.png")
    first.save(root / "cat" / "b-same.png")
    first.resize((45, 40)).save(root / "dog" / "c-small.png")
    for number, image in enumerate(others):
        image.save(root / ("cat", "dog")[number % 2] / f"{number}.png")
    Image.new("RGB", (90, 80), "white").save(root / "dog" / "x-white.png")
    Image.new("RGB", (90, 80), "white").save(root / "dog" / "y-white.png")
    return root


def titles(source) -> set[str]:
    return {source.title(index) for index in range(len(source))}


ALL = {"cat/a.png", *(f"cat/{n}.png" for n in (0, 2, 4)), *(f"dog/{n}.png" for n in (1, 3))}


@pytest.mark.parametrize(
    ("drops", "kept"),
    [
        (
            Drops(),
            ALL | {"cat/b-same.png", "dog/c-small.png", "dog/x-white.png", "dog/y-white.png"},
        ),
        (Drops(duplicates="drop"), ALL | {"dog/x-white.png", "dog/y-white.png"}),
        (Drops(blank="drop"), ALL | {"cat/b-same.png", "dog/c-small.png"}),
        (BOTH, ALL),
    ],
)
def test_the_first_of_copies_stays_and_labels_go_along(zoo, drops, kept):
    source = open_source(str(zoo))
    found = select(source, drops)
    assert titles(found) == kept
    labels = found.labels["label"]
    classes = [labels.names[number] for number in labels.values]
    assert classes == [found.title(index).partition("/")[0] for index in range(len(found))]


def test_what_is_dropped_is_what_inspect_counts(zoo):
    source = open_source(str(zoo))
    seen = inspect_dataset(source)
    told = Notes()
    found = select(source, BOTH, reporter=told)
    assert len(source) - len(found) == seen.spare + len(seen.blank) == 4
    assert told == [
        "of 10 images, 2 copies of others (`data.duplicates`) and 2 blank (`data.blank`) are dropped"
    ]


def test_white_on_transparent_is_blank_only_where_it_is_laid_on_white(tmp_path):
    for number, image in enumerate(photographs(3)):
        image.save(tmp_path / f"{number}.png")
    ghost = Image.new("RGBA", (90, 80), (255, 255, 255, 0))
    ghost.paste((255, 255, 255, 255), (10, 10, 60, 60))
    ghost.save(tmp_path / "ghost.png")
    source = open_source(str(tmp_path))
    assert "ghost.png" not in titles(select(source, Drops(blank="drop")))
    assert "ghost.png" in titles(select(source, Drops(blank="drop", vanishing=False)))


def test_what_was_found_is_kept_until_an_image_changes(zoo, tmp_path, monkeypatch):
    known = tmp_path / "known"
    first = select(open_source(str(zoo)), BOTH, known=known)
    monkeypatch.setattr(selection, "inspect_dataset", None)
    again = select(open_source(str(zoo)), BOTH, known=known)
    assert (titles(again), again.stamp()) == (titles(first), first.stamp())
    (file,) = known.iterdir()
    assert set(json.loads(file.read_text())) == {"copies", "blank"}

    monkeypatch.setattr(selection, "inspect_dataset", inspection.inspect_dataset)
    file.write_text('{"copies": [99], "blank": []}')  # damaged
    assert titles(select(open_source(str(zoo)), BOTH, known=known)) == titles(first)
    photographs(8)[7].save(zoo / "cat" / "b-same.png")
    changed = select(open_source(str(zoo)), BOTH, known=known)
    assert titles(changed) == titles(first) | {"cat/b-same.png"}
    assert changed.stamp() != first.stamp()


def test_images_held_are_those_of_a_folder_without_the_others(zoo):
    chosen = select(open_source(str(zoo)), BOTH)
    few = [zoo / title for title in sorted(titles(chosen))]
    held = load_dataset(chosen, (16, 16), 3)
    np.testing.assert_array_equal(held.images, load_dataset(open_items(few), (16, 16), 3).images)


def test_nothing_left_is_refused():
    buffer = BytesIO()
    Image.new("L", (20, 20)).save(buffer, "PNG")
    with pytest.raises(DataError, match=r"all 3 images are blank.*`data\.blank=keep`"):
        select(open_items([buffer.getvalue()] * 3), BOTH)


def test_too_many_images_for_the_memory_are_refused_before_any_is_read(monkeypatch, zoo):
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: 10_000)
    monkeypatch.setattr(selection, "inspect_dataset", None)
    with pytest.raises(DataError, match=r"comparing 10 images needs 12\.0 kB.*10\.0 kB is free"):
        select(open_source(str(zoo)), BOTH)
