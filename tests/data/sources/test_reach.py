"""What cannot be read for a moment is read again, wherever it is stored, and never skipped."""

from __future__ import annotations

import errno
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.data import load_dataset, open_items, open_source, survey
from dcgan.data.cache import Cache
from dcgan.data.quality.inspection import inspect_dataset
from dcgan.data.sources.frames import FramesSource
from dcgan.data.sources.zips import ZipSource
from dcgan.errors import DataError, UnreadableImage

COUNT = 12


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr("dcgan.data.sources.reach._PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "images"
    place.mkdir()
    for number in range(COUNT):
        Image.new("L", (16, 16), 20 * number).save(place / f"{number:02}.png")
    return place


def fail(monkeypatch, owner, name: str, times: int) -> None:
    """Let a method raise the error of a busy network drive at its first calls."""
    whole, left = getattr(owner, name), [times]

    def failing(self, *args, **kwargs):
        if owner is not Path or self.suffix in {".png", ".gif", ".tar"}:
            left[0] -= 1
            if left[0] >= 0:
                raise OSError(errno.ESTALE, "Stale file handle")
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(owner, name, failing)


def opened(kind: str, folder: Path):
    """The images of a folder, stored in another way, and the method that reads them."""
    files = sorted(folder.iterdir())
    match kind:
        case "zip":
            with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
                for file in files:
                    archive.write(file, file.name)
            return open_source(folder.with_suffix(".zip")), ZipSource, "_read_at"
        case "tar":
            with tarfile.open(folder.with_suffix(".tar"), "w") as archive:
                for file in files:
                    archive.add(file, file.name)
            return open_source(folder.with_suffix(".tar")), Path, "open"
        case "paths":
            return open_items(files), Path, "read_bytes"
    return open_source(folder), Path, "read_bytes"


KINDS = ("folder", "zip", "tar", "paths")


@pytest.mark.parametrize("kind", KINDS)
def test_a_passing_error_leaves_no_image_out(folder, monkeypatch, kind, tmp_path):
    source, owner, name = opened(kind, folder)
    survey(source)
    fail(monkeypatch, owner, name, 2)
    dataset = load_dataset(source, (16, 16), 1, cache=Cache(tmp_path / "cache", 10**9))
    assert dataset.skipped == ()
    tones = dataset.take(np.arange(COUNT), np.zeros(COUNT))[:, 0, 0, 0]
    assert tones.tolist() == list(range(0, 20 * COUNT, 20))


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_that_stays_is_no_damage(folder, monkeypatch, kind):
    source, owner, name = opened(kind, folder)
    fail(monkeypatch, owner, name, 10**9)
    for use in (survey, inspect_dataset, lambda one: load_dataset(one, (16, 16), 1)):
        with pytest.raises(DataError, match=r"cannot be read now: .*Stale file handle") as caught:
            use(source)
        assert not isinstance(caught.value, UnreadableImage)


def test_frames_are_counted_after_a_passing_error(tmp_path, monkeypatch):
    frames = [Image.new("L", (16, 16), tone) for tone in (10, 90, 170)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    source = open_source(tmp_path)
    fail(monkeypatch, Path, "read_bytes", 3)
    assert len(FramesSource(source)) == 3
